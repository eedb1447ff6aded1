//! Refunds: sums, repetitions, results, notices.

use serde_json::{Value, json};
use wechatpay::credentials::{PublicKey, generate_pem};
use wechatpay_sim::{
    ChangeProvider, ChangeSubMerchant, PayOrder, RefundPolicy, RefundResult, SettleRefund,
};

use crate::harness::{Reply, SP, SUB, World};

const REFUNDS: &str = "/v3/refund/domestic/refunds";

fn refund(world: &World, out_refund_no: &str, fen: i64) -> Value {
    json!({
        "sub_mchid": SUB,
        "out_trade_no": "T0000001",
        "out_refund_no": out_refund_no,
        "notify_url": world.receiver.url("/refund"),
        "amount": {"refund": fen, "total": 100, "currency": "CNY"},
    })
}

async fn apply(world: &World, out_refund_no: &str, fen: i64) -> Reply {
    world
        .post(REFUNDS, &refund(world, out_refund_no, fen))
        .await
}

fn result(result: RefundResult) -> SettleRefund {
    SettleRefund {
        result,
        sp_mchid: None,
    }
}

async fn query(world: &World, out_refund_no: &str) -> Reply {
    world
        .get(&format!("{REFUNDS}/{out_refund_no}?sub_mchid={SUB}"))
        .await
}

#[tokio::test]
async fn a_refund_is_accepted_found_settled_and_notified() {
    let world = World::new().await;
    let transaction_id = world.place_and_pay("T0000001").await;
    world.sim.run_due().await;
    let accepted = apply(&world, "R1", 40).await.json();
    assert_eq!(accepted["status"], "PROCESSING");
    assert_eq!(accepted["transaction_id"], transaction_id);
    assert_eq!(accepted["amount"]["refund"], 40);
    assert_eq!(accepted["amount"]["total"], 100);
    assert!(accepted.get("success_time").is_none());
    assert_eq!(
        world.query("T0000001").await.json()["trade_state"],
        "REFUND"
    );
    world
        .sim
        .settle_refund("R1", &result(RefundResult::Success))
        .unwrap();
    let found = query(&world, "R1").await.json();
    assert_eq!(found["status"], "SUCCESS");
    assert_eq!(found["success_time"], "2026-01-01T08:00:00+08:00");
    world.sim.run_due().await;
    let notice = world.receiver.received().pop().unwrap();
    assert_eq!(notice.path, "/refund");
    assert!(notice.verify(&world.ring(), world.now_s()).is_ok());
    assert_eq!(notice.envelope()["event_type"], "REFUND.SUCCESS");
    let plain = notice.decrypt().unwrap();
    assert_eq!(plain["refund_status"], "SUCCESS");
    assert_eq!(plain["sp_mchid"], SP);
    assert!(plain.get("status").is_none());
    assert!(plain["amount"].get("currency").is_none());
}

#[tokio::test]
async fn the_sum_of_refunds_never_exceeds_the_order_and_closed_ones_give_back() {
    let world = World::new().await;
    world.place_and_pay("T0000001").await;
    assert_eq!(
        apply(&world, "R1", 101).await.refusal(),
        "400 INVALID_REQUEST"
    );
    assert_eq!(apply(&world, "R1", 60).await.status, 200);
    world.sim.advance_clock(60_000);
    assert_eq!(
        apply(&world, "R2", 41).await.refusal(),
        "400 INVALID_REQUEST"
    );
    world
        .sim
        .settle_refund("R1", &result(RefundResult::Abnormal))
        .unwrap();
    assert_eq!(
        apply(&world, "R2", 41).await.refusal(),
        "400 INVALID_REQUEST"
    );
    world
        .sim
        .settle_refund("R1", &result(RefundResult::Closed))
        .unwrap();
    assert_eq!(apply(&world, "R2", 100).await.status, 200);
}

#[tokio::test]
async fn the_same_refund_again_is_the_same_refund_and_other_parameters_are_refused() {
    let world = World::new().await;
    world.place_and_pay("T0000001").await;
    let first = apply(&world, "R1", 40).await.json();
    let again = apply(&world, "R1", 40).await.json();
    assert_eq!(first, again);
    assert_eq!(
        apply(&world, "R1", 41).await.refusal(),
        "400 INVALID_REQUEST"
    );
    assert_eq!(world.sim.ledger().refunds.len(), 1);
    assert_eq!(world.sim.ledger().orders[0].refund_total, 40);
}

#[tokio::test]
async fn the_total_must_be_the_orders_own() {
    let world = World::new().await;
    world.place_and_pay("T0000001").await;
    let mut wrong = refund(&world, "R1", 40);
    wrong["amount"]["total"] = json!(60);
    assert_eq!(
        world.post(REFUNDS, &wrong).await.refusal(),
        "400 INVALID_REQUEST"
    );
}

#[tokio::test]
async fn only_paid_orders_are_refunded_and_within_a_year() {
    let world = World::new().await;
    world.place("T0000001").await;
    assert_eq!(
        apply(&world, "R1", 1).await.refusal(),
        "400 INVALID_REQUEST"
    );
    world.sim.pay("T0000001", &PayOrder::default()).unwrap();
    world.sim.advance_clock(365 * 86_400_000);
    assert_eq!(apply(&world, "R1", 1).await.status, 200);
    world.sim.advance_clock(1);
    assert_eq!(
        apply(&world, "R2", 1).await.refusal(),
        "400 INVALID_REQUEST"
    );
}

#[tokio::test]
async fn fifty_partial_refunds_a_minute_apart_and_not_one_more() {
    let world = World::new().await;
    world.place_and_pay("T0000001").await;
    assert_eq!(apply(&world, "R1", 1).await.status, 200);
    world.sim.advance_clock(59_999);
    assert_eq!(
        apply(&world, "R2", 1).await.refusal(),
        "429 FREQUENCY_LIMITED"
    );
    world.sim.advance_clock(1);
    for number in 2..=50 {
        assert_eq!(
            apply(&world, &format!("R{number}"), 1).await.status,
            200,
            "{number}"
        );
        world.sim.advance_clock(60_000);
    }
    assert_eq!(
        apply(&world, "R51", 1).await.refusal(),
        "400 INVALID_REQUEST"
    );
}

#[tokio::test]
async fn an_order_is_named_by_either_number_and_both_must_agree() {
    let world = World::new().await;
    let first = world.place_and_pay("T0000001").await;
    world.place_and_pay("T0000002").await;
    let mut by_id = refund(&world, "R1", 1);
    by_id.as_object_mut().unwrap().remove("out_trade_no");
    assert_eq!(
        world.post(REFUNDS, &by_id).await.refusal(),
        "400 PARAM_ERROR"
    );
    by_id["transaction_id"] = json!(first);
    assert_eq!(world.post(REFUNDS, &by_id).await.status, 200);
    let mut disagreeing = refund(&world, "R2", 1);
    disagreeing["transaction_id"] = json!(first);
    disagreeing["out_trade_no"] = json!("T0000002");
    assert_eq!(
        world.post(REFUNDS, &disagreeing).await.refusal(),
        "400 INVALID_REQUEST"
    );
    let mut unknown = refund(&world, "R3", 1);
    unknown["out_trade_no"] = json!("T9999999");
    assert_eq!(
        world.post(REFUNDS, &unknown).await.refusal(),
        "404 RESOURCE_NOT_EXISTS"
    );
}

#[tokio::test]
async fn a_refund_is_found_only_under_its_sub_merchant() {
    let world = World::new().await;
    world.place_and_pay("T0000001").await;
    apply(&world, "R1", 1).await;
    let other = json!({"sp_mchid": SP, "sub_mchid": "1900000111"});
    world.control("POST", "/sub-merchants", &other).await;
    assert_eq!(
        query(&world, "R2").await.refusal(),
        "404 RESOURCE_NOT_EXISTS"
    );
    let elsewhere = world
        .get(&format!("{REFUNDS}/R1?sub_mchid=1900000111"))
        .await;
    assert_eq!(elsewhere.refusal(), "404 RESOURCE_NOT_EXISTS");
    assert_eq!(
        world.get(&format!("{REFUNDS}/R1")).await.refusal(),
        "400 PARAM_ERROR"
    );
}

#[tokio::test]
async fn the_shape_of_a_refund_is_checked() {
    let world = World::new().await;
    world.place_and_pay("T0000001").await;
    let change = |pointer: &str, value: Value| {
        let mut body = refund(&world, "R1", 40);
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        body.pointer_mut(parent).unwrap()[name] = value;
        body
    };
    for (body, field) in [
        (change("/sp_mchid", json!(SP)), "/sp_mchid"),
        (
            change("/out_refund_no", json!("x".repeat(65))),
            "/out_refund_no",
        ),
        (change("/out_refund_no", json!("R 1")), "/out_refund_no"),
        (change("/reason", json!("店".repeat(27))), "/reason"),
        (change("/amount/currency", json!("USD")), "/amount/currency"),
        (change("/amount/refund", json!(0)), "/amount/refund"),
        (
            change("/notify_url", json!("http://shop.example/")),
            "/notify_url",
        ),
        (change("/funds_account", json!("OTHER")), "/funds_account"),
        (
            change(
                "/amount/from",
                json!([{"account": "AVAILABLE", "amount": 39}]),
            ),
            "/amount/from",
        ),
    ] {
        let reply = world.post(REFUNDS, &body).await;
        assert_eq!(reply.refusal(), "400 PARAM_ERROR");
        assert_eq!(reply.json()["detail"]["field"], field);
        world.sim.advance_clock(1_000);
    }
}

#[tokio::test]
async fn success_may_follow_abnormal_and_nothing_follows_an_end() {
    let world = World::new().await;
    world.place_and_pay("T0000001").await;
    apply(&world, "R1", 1).await;
    world
        .sim
        .settle_refund("R1", &result(RefundResult::Abnormal))
        .unwrap();
    assert!(
        world
            .sim
            .settle_refund("R1", &result(RefundResult::Abnormal))
            .is_err()
    );
    world
        .sim
        .settle_refund("R1", &result(RefundResult::Success))
        .unwrap();
    for end in [
        RefundResult::Success,
        RefundResult::Closed,
        RefundResult::Abnormal,
    ] {
        assert!(world.sim.settle_refund("R1", &result(end)).is_err());
    }
    world.sim.run_due().await;
    let events: Vec<_> = world
        .receiver
        .received()
        .iter()
        .map(|notice| notice.envelope()["event_type"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(
        events,
        ["TRANSACTION.SUCCESS", "REFUND.ABNORMAL", "REFUND.SUCCESS"]
    );
}

#[tokio::test]
async fn a_refund_without_notify_url_is_not_notified() {
    let world = World::new().await;
    world.place_and_pay("T0000001").await;
    let mut silent = refund(&world, "R1", 1);
    silent.as_object_mut().unwrap().remove("notify_url");
    assert_eq!(world.post(REFUNDS, &silent).await.status, 200);
    world
        .sim
        .settle_refund("R1", &result(RefundResult::Success))
        .unwrap();
    assert_eq!(
        world.sim.ledger().notifications.len(),
        1,
        "the payment's only"
    );
}

#[tokio::test]
async fn missing_money_comes_with_a_top_up_and_the_same_refund_succeeds() {
    let world = World::new().await;
    world.place_and_pay("T0000001").await;
    let balance = |fen| ChangeSubMerchant {
        refund_balance: Some(fen),
        ..ChangeSubMerchant::default()
    };
    world
        .sim
        .change_sub_merchant(SUB, &balance(Some(39)))
        .unwrap();
    assert_eq!(apply(&world, "R1", 40).await.refusal(), "403 NOT_ENOUGH");
    assert!(world.sim.ledger().refunds.is_empty());
    world
        .sim
        .change_sub_merchant(SUB, &balance(Some(70)))
        .unwrap();
    assert_eq!(apply(&world, "R1", 40).await.status, 200);
    world.sim.advance_clock(60_000);
    // Forty are taken, and come back when the refund is closed.
    assert_eq!(apply(&world, "R2", 40).await.refusal(), "403 NOT_ENOUGH");
    world
        .sim
        .settle_refund("R1", &result(RefundResult::Closed))
        .unwrap();
    assert_eq!(apply(&world, "R2", 40).await.status, 200);
    let over_http = json!({"sp_mchid": SP, "refund_balance": null});
    let path = format!("/sub-merchants/{SUB}");
    let view = world.control("PATCH", &path, &over_http).await.json();
    assert_eq!(view["refund_balance"], Value::Null);
    let negative = json!({"refund_balance": -1});
    assert_eq!(world.control("PATCH", &path, &negative).await.status, 400);
}

#[tokio::test]
async fn a_sub_merchant_that_forbids_refunds_has_none() {
    let world = World::new().await;
    world.place_and_pay("T0000001").await;
    let permit = |permitted| ChangeSubMerchant {
        refunds_permitted: Some(permitted),
        ..ChangeSubMerchant::default()
    };
    world.sim.change_sub_merchant(SUB, &permit(false)).unwrap();
    assert_eq!(apply(&world, "R1", 40).await.refusal(), "403 NO_AUTH");
    world.sim.change_sub_merchant(SUB, &permit(true)).unwrap();
    assert_eq!(apply(&world, "R1", 40).await.status, 200);
}

#[tokio::test]
async fn the_seventh_failing_refund_within_a_second_is_too_frequent() {
    let world = World::new().await;
    world.place_and_pay("T0000001").await;
    for _ in 0..6 {
        assert_eq!(
            apply(&world, "R1", 101).await.refusal(),
            "400 INVALID_REQUEST"
        );
    }
    assert_eq!(
        apply(&world, "R1", 100).await.refusal(),
        "429 FREQUENCY_LIMITED"
    );
    world.sim.advance_clock(1_000);
    assert_eq!(apply(&world, "R1", 100).await.status, 200);
}

#[tokio::test]
async fn a_policy_ends_refunds_by_the_business_clock() {
    let world = World::new().await;
    world.place_and_pay("T0000001").await;
    let policy = |result| RefundPolicy {
        result,
        after_ms: 5_000,
    };
    let change = ChangeProvider {
        refund_policy: Some(Some(policy(RefundResult::Success))),
        ..ChangeProvider::default()
    };
    world.sim.change_provider(SP, change).await.unwrap();
    apply(&world, "R1", 10).await;
    world.sim.advance_clock(4_999);
    world.sim.run_due().await;
    assert_eq!(query(&world, "R1").await.json()["status"], "PROCESSING");
    world.sim.advance_clock(1);
    world.sim.run_due().await;
    assert_eq!(query(&world, "R1").await.json()["status"], "SUCCESS");
    let notices = world.receiver.received();
    assert_eq!(
        notices.last().unwrap().envelope()["event_type"],
        "REFUND.SUCCESS"
    );
    // A sub-merchant's own policy goes before the provider's, and a result by hand before any policy.
    let own = ChangeSubMerchant {
        refund_policy: Some(Some(policy(RefundResult::Closed))),
        ..ChangeSubMerchant::default()
    };
    world.sim.change_sub_merchant(SUB, &own).unwrap();
    world.sim.advance_clock(60_000);
    apply(&world, "R2", 10).await;
    world.sim.advance_clock(60_000);
    apply(&world, "R3", 10).await;
    world
        .sim
        .settle_refund("R3", &result(RefundResult::Abnormal))
        .unwrap();
    world.sim.run_due().await;
    world.sim.advance_clock(5_000);
    world.sim.run_due().await;
    assert_eq!(query(&world, "R2").await.json()["status"], "CLOSED");
    assert_eq!(query(&world, "R3").await.json()["status"], "ABNORMAL");
}

/// An abnormal refund, and the application that sends it to the user's card.
async fn abnormal(world: &World) -> (String, Value) {
    world.place_and_pay("T0000001").await;
    let accepted = apply(world, "R1", 40).await.json();
    world
        .sim
        .settle_refund("R1", &result(RefundResult::Abnormal))
        .unwrap();
    let refund_id = accepted["refund_id"].as_str().unwrap();
    let target = format!("{REFUNDS}/{refund_id}/apply-abnormal-refund");
    let key = PublicKey::from_pem(&world.keys.wechatpay_public_key_pem).unwrap();
    let seal = |text: &str| key.encrypt_oaep(text.as_bytes()).unwrap();
    let body = json!({
        "sub_mchid": SUB,
        "out_refund_no": "R1",
        "type": "USER_BANK_CARD",
        "bank_type": "ICBC_DEBIT",
        "bank_account": seal("6222020200012345678"),
        "real_name": seal("张三"),
    });
    (target, body)
}

async fn apply_abnormal(world: &World, target: &str, body: &Value) -> Reply {
    let serial = world.keys.wechatpay_public_key_id.clone();
    let named = [("Wechatpay-Serial", serial.as_str())];
    world
        .call_with("POST", target, &named, &body.to_string())
        .await
}

#[tokio::test]
async fn an_abnormal_refund_goes_to_the_users_card() {
    let world = World::new().await;
    let (target, body) = abnormal(&world).await;
    let answered = apply_abnormal(&world, &target, &body).await.json();
    assert_eq!(answered["status"], "PROCESSING");
    assert_eq!(answered["channel"], "OTHER_BANKCARD");
    assert_eq!(answered["user_received_account"], "ICBC_DEBIT5678");
    // Only what is abnormal can be sent another way.
    assert_eq!(
        apply_abnormal(&world, &target, &body).await.refusal(),
        "400 INVALID_REQUEST"
    );
    world
        .sim
        .settle_refund("R1", &result(RefundResult::Success))
        .unwrap();
    assert_eq!(query(&world, "R1").await.json()["status"], "SUCCESS");
    world.sim.run_due().await;
    let notice = world.receiver.received().pop().unwrap().decrypt().unwrap();
    assert_eq!(notice["refund_status"], "SUCCESS");
    assert_eq!(notice["user_received_account"], "ICBC_DEBIT5678");
}

#[tokio::test]
async fn an_application_for_an_abnormal_refund_is_looked_at_closely() {
    let world = World::new().await;
    let (target, body) = abnormal(&world).await;
    let with = |name: &str, value: Value| {
        let mut body = body.clone();
        body[name] = value;
        body
    };
    let without = |name: &str| {
        let mut body = body.clone();
        body.as_object_mut().unwrap().remove(name);
        body
    };
    let stranger = PublicKey::from_pem(&generate_pem().unwrap().1).unwrap();
    for wrong in [
        with("bank_type", json!("HSBC_DEBIT")),
        with("bank_account", json!("6222020200012345678")),
        with(
            "bank_account",
            json!(stranger.encrypt_oaep(b"6222020200012345678").unwrap()),
        ),
        with("type", json!("CASH")),
        without("bank_type"),
        without("bank_account"),
        without("real_name"),
    ] {
        let reply = apply_abnormal(&world, &target, &wrong).await;
        assert_eq!(reply.refusal(), "400 PARAM_ERROR", "{wrong}");
        world.sim.advance_clock(1_000);
    }
    assert_eq!(
        world.post(&target, &body).await.refusal(),
        "400 INVALID_REQUEST",
        "the header that names the key"
    );
    let other = with("out_refund_no", json!("R2"));
    assert_eq!(
        apply_abnormal(&world, &target, &other).await.refusal(),
        "400 INVALID_REQUEST"
    );
    let unknown = format!("{REFUNDS}/50300000000000/apply-abnormal-refund");
    assert_eq!(
        apply_abnormal(&world, &unknown, &body).await.refusal(),
        "404 RESOURCE_NOT_EXISTS"
    );
    let to_merchant =
        json!({"sub_mchid": SUB, "out_refund_no": "R1", "type": "MERCHANT_BANK_CARD"});
    assert_eq!(
        apply_abnormal(&world, &target, &to_merchant).await.status,
        200
    );
}
