//! The `wechatpay` client against the simulator, as the platform uses it.

use std::sync::{Arc, atomic::Ordering};

use serde_json::{Value, json};
use wechatpay::{
    client::{Client, Hosts, Transport, TransportConfig},
    credentials::{KeyRing, Merchant},
    miniprogram::{AppSecret, code_to_session},
    v3::{Envelope, FrozenBody, JsapiPrepay, RefundRequest, SignatureHeaders, verification},
};
use wechatpay_sim::{
    Fault, FaultKind, KeyMode, NewCode, PayOrder, RefundResult, SettleRefund, TradeState,
};

use crate::harness::{SERIAL, SP, SUB, SUB_APP, SUB_SECRET, World, api_v3_key};

fn client(world: &World) -> Client {
    client_with(world, world.ring())
}

fn client_with(world: &World, ring: KeyRing) -> Client {
    let merchant = Merchant {
        mchid: SP.to_owned(),
        serial: SERIAL.to_owned(),
        private_key: world.merchant.clone(),
        api_v3_keys: vec![api_v3_key()],
    };
    let transport = Transport::new(&TransportConfig::default()).unwrap();
    let hosts = Hosts::single(world.sim.base_url().parse().unwrap());
    let clock_ms = Arc::clone(&world.clock_ms);
    let clock = Arc::new(move || clock_ms.load(Ordering::SeqCst) / 1000);
    Client::new(transport, hosts, Arc::new(merchant), ring, clock)
}

fn frozen(client: &Client, order: Value) -> FrozenBody {
    let order: JsapiPrepay = serde_json::from_value(order).unwrap();
    client.prepare_jsapi(&order).unwrap()
}

#[tokio::test]
async fn an_order_goes_from_prepay_to_refund_in_every_key_mode() {
    for mode in [KeyMode::Certificate, KeyMode::Switching, KeyMode::PublicKey] {
        let world = World::in_mode(mode).await;
        let client = client(&world);
        let body = frozen(&client, world.order("T0000001"));
        let prepay = client.prepay_jsapi(&body).await.unwrap();
        assert!(prepay.trace.request_id.is_some());
        let unpaid = client
            .query_by_out_trade_no(SUB, "T0000001")
            .await
            .unwrap()
            .value;
        assert_eq!(serde_json::to_value(&unpaid.trade_state).unwrap(), "NOTPAY");
        world.sim.pay("T0000001", &PayOrder::default()).unwrap();
        let paid = client
            .query_by_out_trade_no(SUB, "T0000001")
            .await
            .unwrap()
            .value;
        assert_eq!(serde_json::to_value(&paid.trade_state).unwrap(), "SUCCESS");
        let id = paid.transaction_id.clone().unwrap();
        let by_id = client
            .query_by_transaction_id(SUB, &id)
            .await
            .unwrap()
            .value;
        assert_eq!(by_id.out_trade_no, "T0000001");
        let refund: RefundRequest = serde_json::from_value(json!({
            "sub_mchid": SUB, "transaction_id": id, "out_refund_no": "R1",
            "notify_url": world.receiver.url("/refund"),
            "amount": {"refund": 30, "total": 100, "currency": "CNY"},
        }))
        .unwrap();
        let refund = client.prepare_refund(&refund).unwrap();
        client.refund(&refund).await.unwrap();
        let wish = SettleRefund {
            result: RefundResult::Success,
            sp_mchid: None,
        };
        world.sim.settle_refund("R1", &wish).unwrap();
        let refunded = client.query_refund(SUB, "R1").await.unwrap().value;
        assert_eq!(serde_json::to_value(&refunded.status).unwrap(), "SUCCESS");
    }
}

#[tokio::test]
async fn the_clients_pay_parameters_open_the_cashier() {
    let world = World::new().await;
    let client = client(&world);
    let prepay = client
        .prepay_jsapi(&frozen(&client, world.order("T0000001")))
        .await
        .unwrap();
    let prepay_id = prepay.value.prepay_id;
    let parameters = client
        .pay_parameters(SUB_APP, &prepay_id, world.now_s(), "NONCE")
        .unwrap();
    let parameters = serde_json::to_value(&parameters).unwrap();
    let pairs = parameters
        .as_object()
        .unwrap()
        .iter()
        .map(|(n, v)| (n, v.as_str().unwrap()));
    let form = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish();
    let headers = [("Content-Type", "application/x-www-form-urlencoded")];
    let target = format!("/cashier/{prepay_id}/pay");
    let page = world.send("POST", &target, &headers, &form).await.unwrap();
    assert!(String::from_utf8(page.body).unwrap().contains("支付成功"));
    assert_eq!(
        world.sim.ledger().orders[0].trade_state,
        TradeState::Success
    );
}

#[tokio::test]
async fn a_notification_is_read_by_the_crates_own_types() {
    let world = World::in_mode(KeyMode::PublicKey).await;
    let transaction_id = world.place_and_pay("T0000001").await;
    world.sim.run_due().await;
    let notice = world.receiver.received().remove(0);
    let headers = SignatureHeaders::from_fn(|name| notice.header(name));
    verification::verify(&world.ring(), &headers, &notice.body, world.now_s()).unwrap();
    let envelope = Envelope::parse(&notice.body).unwrap();
    let plain = envelope.decrypt(&[api_v3_key()]).unwrap();
    let transaction: wechatpay::v3::Transaction = serde_json::from_slice(&plain).unwrap();
    assert_eq!(transaction.transaction_id, Some(transaction_id));
}

#[tokio::test]
async fn certificates_are_fetched_by_a_client_that_knows_none() {
    let world = World::new().await;
    let stranger = client_with(&world, KeyRing::new());
    let found = stranger.certificates().await.unwrap().value;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].serial, world.keys.platform_serial);
}

#[tokio::test]
async fn the_echo_comes_back() {
    for mode in [KeyMode::Certificate, KeyMode::PublicKey] {
        let world = World::in_mode(mode).await;
        let client = client(&world);
        let request = client
            .prepare_echo("你好", Some(&world.receiver.url("/echo")))
            .unwrap();
        client.echo(&request).await.unwrap();
        world.sim.run_due().await;
        assert_eq!(world.receiver.received().len(), 1);
    }
}

#[tokio::test]
async fn one_lost_answer_is_mended_by_the_second_try_and_two_are_unknown() {
    let world = World::new().await;
    let client = client(&world);
    let body = frozen(&client, world.order("T0000001"));
    world.sim.fault(Fault::of(FaultKind::LostAnswer).times(1));
    client.prepay_jsapi(&body).await.unwrap();
    assert_eq!(world.sim.ledger().orders.len(), 1);
    world.sim.fault(Fault::of(FaultKind::LostAnswer));
    let error = client.prepay_jsapi(&body).await.unwrap_err();
    assert!(error.outcome_unknown() && error.retryable());
}

#[tokio::test]
async fn a_spoilt_answer_is_an_unknown_outcome() {
    for kind in [
        FaultKind::UnsignedAnswer,
        FaultKind::WrongSignature,
        FaultKind::UnknownSerial,
        FaultKind::ProbeAnswer,
    ] {
        let world = World::new().await;
        let client = client(&world);
        world.sim.fault(Fault::of(kind));
        let body = frozen(&client, world.order("T0000001"));
        let error = client.prepay_jsapi(&body).await.unwrap_err();
        assert!(error.outcome_unknown(), "{kind:?}: {error:?}");
    }
}

#[tokio::test]
async fn refusals_arrive_with_their_code_and_field() {
    let world = World::new().await;
    let client = client(&world);
    let missing = client
        .query_by_out_trade_no(SUB, "T9999999")
        .await
        .unwrap_err();
    assert_eq!(
        (missing.status(), missing.code()),
        (Some(404), Some("ORDER_NOT_EXIST"))
    );
    world.place_and_pay("T0000001").await;
    let paid = client.close(SUB, "T0000001").await.unwrap_err();
    assert_eq!(paid.code(), Some("ORDER_PAID"), "the alias is folded");
    world.place("T0000002").await;
    client.close(SUB, "T0000002").await.unwrap();
    let closed = client
        .prepay_jsapi(&frozen(&client, world.order("T0000002")))
        .await;
    assert_eq!(closed.unwrap_err().code(), Some("ORDER_CLOSED"));
}

#[tokio::test]
async fn a_login_code_is_exchanged() {
    let world = World::new().await;
    let wish = NewCode {
        appid: SUB_APP.to_owned(),
        openid: None,
        unionid: None,
        errcode: None,
    };
    let issued = world.sim.code(wish).unwrap();
    let transport = Transport::new(&TransportConfig::default()).unwrap();
    let base = world.sim.base_url().parse().unwrap();
    let secret = AppSecret::new(SUB_SECRET);
    let code = issued["code"].as_str().unwrap();
    let session = code_to_session(&transport, &base, SUB_APP, &secret, code)
        .await
        .unwrap();
    assert_eq!(session.openid, issued["openid"]);
    assert!(
        code_to_session(&transport, &base, SUB_APP, &secret, code)
            .await
            .is_err()
    );
}
