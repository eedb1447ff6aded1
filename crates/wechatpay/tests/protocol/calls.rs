//! Each call of the client once: what goes over the wire, and what comes back.

use serde_json::json;
use wechatpay::client::{CallErrorKind, Client};
use wechatpay::credentials::KeyRing;
use wechatpay::server::{parse_authorization, verify_request};
use wechatpay::v3::request::Problem;
use wechatpay::v3::{FrozenBody, RefundStatus, TradeState, VerifyError};

use crate::fake_wechat::{FakeWeChat, Reply, Seen, client, client_with, transport};
use crate::limits::{order, refund};
use crate::vectors::{NOW, entry, merchant, platform_key, ring, set_k, text};

const PREPAY: &str = "{\"prepay_id\":\"wx201410272009395522657a690389285100\"}";

fn refund_answer(out_refund_no: &str) -> String {
    json!({
        "refund_id": "50000000382026010100000000001",
        "out_refund_no": out_refund_no,
        "transaction_id": "4200000000202601010000000001",
        "out_trade_no": "T20260101000001",
        "channel": "ORIGINAL",
        "user_received_account": "支付用户零钱",
        "success_time": "",
        "create_time": "2026-01-01T08:00:00+08:00",
        "status": "PROCESSING",
        "funds_account": "UNSETTLED",
        "amount": {"total": 100, "refund": 40, "payer_total": 90, "payer_refund": 36,
                   "settlement_refund": 40, "settlement_total": 100, "discount_refund": 4,
                   "currency": "CNY"},
        "something_new": {"is": "tolerated"}
    })
    .to_string()
}

fn unpaid(out_trade_no: &str) -> String {
    json!({
        "sp_appid": "wx1111111111111111",
        "sp_mchid": "1900000109",
        "sub_mchid": "1900000110",
        "out_trade_no": out_trade_no,
        "trade_state": "NOTPAY",
        "trade_state_desc": "订单未支付",
        "attach": ""
    })
    .to_string()
}

fn assert_signed_by_the_merchant(request: &Seen) {
    let caller = parse_authorization(request.header("authorization").unwrap()).unwrap();
    assert_eq!(caller.mchid, merchant().mchid);
    assert_eq!(caller.serial_no, merchant().serial);
    assert_eq!(caller.nonce_str.len(), 32);
    let key = merchant().private_key.public_key();
    let (method, target) = (&request.method, &request.target);
    verify_request(&caller, &key, method, target, &request.body, NOW).unwrap();
}

#[tokio::test]
async fn prepay_sends_the_frozen_bytes_signed_and_with_all_headers() {
    let server = FakeWeChat::always(Reply::signed(200, PREPAY).and("Request-ID", "08F78-0")).await;
    let client = client(&server.url, None);
    let frozen = client.prepare_jsapi(&order()).unwrap();
    let stored = FrozenBody::from_bytes(frozen.clone().into_bytes());
    let answer = client.prepay_jsapi(&stored).await.unwrap();

    assert_eq!(
        answer.value.prepay_id,
        "wx201410272009395522657a690389285100"
    );
    let [request] = server.seen().try_into().unwrap();
    assert_eq!(request.method, "POST");
    assert_eq!(request.target, "/v3/pay/partner/transactions/jsapi");
    assert_eq!(request.body, frozen.as_bytes());
    assert_signed_by_the_merchant(&request);
    assert_eq!(request.header("accept"), Some("application/json"));
    assert_eq!(request.header("content-type"), Some("application/json"));
    assert!(
        request
            .header("user-agent")
            .unwrap()
            .starts_with("wechatpay-rust/")
    );
    let id = text(&set_k(), "/keys/platform_public_key_id").to_owned();
    assert_eq!(request.header("wechatpay-serial"), Some(id.as_str()));

    let trace = answer.trace;
    assert_eq!(
        (trace.method.as_str(), trace.tries, trace.http_status),
        ("POST", 1, Some(200))
    );
    assert_eq!(trace.request_id.as_deref(), Some("08F78-0"));
    assert_eq!(trace.key_serial, Some(id));
    assert!(server.url.as_str().contains(&trace.host));
}

#[tokio::test]
async fn numbers_with_a_bar_are_signed_in_the_form_that_is_sent() {
    let server = FakeWeChat::always(Reply::signed(200, &unpaid("A|B*1"))).await;
    let answer = client(&server.url, None)
        .query_by_out_trade_no("1900000110", "A|B*1")
        .await;
    assert_eq!(answer.unwrap().value.trade_state, TradeState::NotPay);
    let [request] = server.seen().try_into().unwrap();
    assert_eq!(
        request.target,
        text(&entry(&set_k(), "request_signing", "R3"), "/url")
    );
    assert_signed_by_the_merchant(&request);
    assert_eq!(request.header("content-type"), Some("application/json"));
}

#[tokio::test]
async fn clients_of_many_merchants_share_one_pool_and_sign_as_themselves() {
    let server = FakeWeChat::always(Reply::signed(200, PREPAY)).await;
    let transport = transport();
    let body = FrozenBody::from_bytes(b"{}".as_slice());
    for number in 0..10 {
        let mut merchant = merchant();
        merchant.mchid = format!("190000020{number}");
        let hosts = wechatpay::client::Hosts::single(server.url.clone());
        let clock = std::sync::Arc::new(|| NOW);
        let client = Client::new(transport.clone(), hosts, merchant.into(), ring(), clock);
        client.prepay_jsapi(&body).await.unwrap();
    }
    let seen = server.seen();
    // A connection may come back to the pool a moment too late for the next call, not for all of them.
    assert!(seen.last().unwrap().connection < seen.len());
    for (number, request) in seen.iter().enumerate() {
        let caller = parse_authorization(request.header("authorization").unwrap()).unwrap();
        assert_eq!(caller.mchid, format!("190000020{number}"));
    }
}

#[tokio::test]
async fn a_paid_order_is_read_by_either_number() {
    let n1 = entry(&set_k(), "notifications", "N1");
    let server = FakeWeChat::always(Reply::signed(200, text(&n1, "/decrypted"))).await;
    let client = client(&server.url, None);
    let id = "4200000000202601010000000001";
    let by_id = client
        .query_by_transaction_id("1900000110", id)
        .await
        .unwrap();
    let by_number = client
        .query_by_out_trade_no("1900000110", "T20260101000001")
        .await
        .unwrap();
    assert_eq!(by_id.value, by_number.value);
    assert_eq!(by_id.value.transaction_id.as_deref(), Some(id));
    let target =
        format!("/v3/pay/partner/transactions/id/{id}?sp_mchid=1900000109&sub_mchid=1900000110");
    assert_eq!(server.seen()[0].target, target);
}

#[tokio::test]
async fn an_answer_about_another_order_or_merchant_is_unusable() {
    let server = FakeWeChat::always(Reply::signed(200, &unpaid("T20260101000001"))).await;
    let client = client(&server.url, None);
    let asked = [
        ("1900000110", "T20260101000002"),
        ("1900000111", "T20260101000001"),
    ];
    for (sub_mchid, number) in asked {
        let error = client
            .query_by_out_trade_no(sub_mchid, number)
            .await
            .unwrap_err();
        assert!(
            matches!(*error.kind, CallErrorKind::Undecodable(_)),
            "{error:?}"
        );
        assert!(error.outcome_unknown());
    }
    let unpaid_by_id = client
        .query_by_transaction_id("1900000110", "42")
        .await
        .unwrap_err();
    assert!(matches!(*unpaid_by_id.kind, CallErrorKind::Undecodable(_)));
}

#[tokio::test]
async fn close_sends_the_body_of_r5_and_verifies_the_empty_answer() {
    let server = FakeWeChat::always(Reply::signed(204, "")).await;
    client(&server.url, None)
        .close("1900000110", "T20260101000001")
        .await
        .unwrap();
    let [request] = server.seen().try_into().unwrap();
    let r5 = entry(&set_k(), "request_signing", "R5");
    assert_eq!(request.target, text(&r5, "/url"));
    assert_eq!(request.body, text(&r5, "/body").as_bytes());
    assert_signed_by_the_merchant(&request);

    let unsigned = FakeWeChat::always(Reply::unsigned(204, "")).await;
    let error = client(&unsigned.url, None)
        .close("1900000110", "T20260101000001")
        .await;
    let error = error.unwrap_err();
    assert!(matches!(
        *error.kind,
        CallErrorKind::Unverified(VerifyError::Missing(_))
    ));
}

#[tokio::test]
async fn refunds_are_asked_for_and_queried_with_the_sub_merchant() {
    let server = FakeWeChat::always(Reply::signed(200, &refund_answer("R20260101000001"))).await;
    let client = client(&server.url, None);
    let frozen = client.prepare_refund(&refund()).unwrap();
    let accepted = client.refund(&frozen).await.unwrap().value;
    assert_eq!(accepted.status, RefundStatus::Processing);
    assert_eq!(accepted.success_time, None, "an empty time is absent");
    let queried = client
        .query_refund("1900000110", "R20260101000001")
        .await
        .unwrap()
        .value;
    assert_eq!(queried, accepted);

    let [created, asked] = server.seen().try_into().unwrap();
    assert_eq!(created.target, "/v3/refund/domestic/refunds");
    let body: serde_json::Value = serde_json::from_slice(&created.body).unwrap();
    assert_eq!(body["sub_mchid"], "1900000110");
    assert_eq!(body.get("out_trade_no"), None, "absent fields are omitted");
    let target = "/v3/refund/domestic/refunds/R20260101000001?sub_mchid=1900000110";
    assert_eq!(asked.target, target);
    assert_signed_by_the_merchant(&created);
    assert_signed_by_the_merchant(&asked);

    let other = client
        .query_refund("1900000110", "R20260101000002")
        .await
        .unwrap_err();
    assert!(matches!(*other.kind, CallErrorKind::Undecodable(_)));
}

/// The answer of C1 as it was signed.
fn certificate_reply() -> Reply {
    let set = set_k();
    let vector = &set["certificates"];
    let headers = vector["headers"].as_object().unwrap();
    let reply = Reply::unsigned(200, text(vector, "/body"));
    headers.iter().fold(reply, |reply, (name, value)| {
        reply.and(name, value.as_str().unwrap())
    })
}

#[tokio::test]
async fn the_first_certificates_verify_the_answer_that_carries_them() {
    let server = FakeWeChat::always(certificate_reply()).await;
    let client = client_with(&server.url, None, KeyRing::new(), transport());
    let certificates = client.certificates().await.unwrap().value;
    let [certificate] = certificates.try_into().unwrap();
    assert_eq!(
        certificate.serial,
        text(&set_k(), "/keys/platform_cert_serial")
    );
    assert_eq!(certificate.pem, text(&set_k(), "/keys/platform_cert_pem"));
    let [request] = server.seen().try_into().unwrap();
    assert_eq!(request.target, "/v3/certificates");
    assert_eq!(
        request.header("wechatpay-serial"),
        None,
        "there is no key to announce yet"
    );
}

#[tokio::test]
async fn certificates_under_another_api_key_vouch_for_nothing() {
    let server = FakeWeChat::always(certificate_reply()).await;
    let mut merchant = merchant();
    merchant.api_v3_keys = vec![wechatpay::credentials::ApiV3Key::parse(&"x".repeat(32)).unwrap()];
    let hosts = wechatpay::client::Hosts::single(server.url.clone());
    let client = Client::new(
        transport(),
        hosts,
        merchant.into(),
        KeyRing::new(),
        std::sync::Arc::new(|| NOW),
    );
    let error = client.certificates().await.unwrap_err();
    assert_eq!(
        error.unknown_serial(),
        Some("0A1B2C3D4E5F60718293A4B5C6D7E8F901234567")
    );
}

#[tokio::test]
async fn enclosed_certificates_vouch_for_no_other_call() {
    let server = FakeWeChat::always(certificate_reply()).await;
    let client = client_with(&server.url, None, KeyRing::new(), transport());
    let frozen = client.prepare_jsapi(&order()).unwrap();
    let error = client.prepay_jsapi(&frozen).await.unwrap_err();
    assert!(error.unknown_serial().is_some());
}

#[tokio::test]
async fn an_account_with_only_a_public_key_gets_an_empty_list() {
    let server = FakeWeChat::always(Reply::signed(200, "{\"data\":[]}")).await;
    let certificates = client(&server.url, None).certificates().await.unwrap();
    assert_eq!(certificates.value, []);
}

/// Plays WeChat's side of the echo: decrypts with the platform key, encrypts for the merchant.
fn echo_reply(request: &Seen, change: &str) -> Reply {
    let body: serde_json::Value = serde_json::from_slice(&request.body).unwrap();
    let plain = platform_key()
        .decrypt_oaep(text(&body, "/encrypted_echo_message"))
        .unwrap();
    assert_eq!(plain, text(&body, "/echo_message").as_bytes());
    let merchant_key = merchant().private_key.public_key();
    let encrypted = merchant_key
        .encrypt_oaep(&[&plain, change.as_bytes()].concat())
        .unwrap();
    let answer = json!({
        "echo_message": text(&body, "/echo_message"),
        "encrypted_echo_message": encrypted,
    });
    Reply::signed(200, &answer.to_string())
}

#[tokio::test]
async fn the_echo_checks_both_directions_of_encryption() {
    let server = FakeWeChat::start(|_, request| echo_reply(request, "")).await;
    let client_of = |server: &FakeWeChat| client(&server.url, None);
    let client = client_of(&server);
    let url = "https://pay.example.com/wx/echo";
    let request = client.prepare_echo("你好", Some(url)).unwrap();
    assert_eq!(
        client.echo(&request).await.unwrap().value.echo_message,
        "你好"
    );
    let seen = &server.seen()[0];
    assert_eq!(seen.target, "/v3/security/echo");
    assert_signed_by_the_merchant(seen);

    let altering = FakeWeChat::start(|_, request| echo_reply(request, "!")).await;
    let error = client_of(&altering).echo(&request).await.unwrap_err();
    assert!(matches!(*error.kind, CallErrorKind::Undecodable(_)));
}

#[tokio::test]
async fn invalid_requests_are_refused_before_anything_is_sent() {
    let server = FakeWeChat::always(Reply::signed(200, "{}")).await;
    let client = client(&server.url, None);
    for number in [
        "",
        "..",
        "a/b",
        "a?b",
        "a#b",
        "订单",
        "123456789012345678901234567890123",
    ] {
        let error = client
            .query_by_out_trade_no("1900000110", number)
            .await
            .unwrap_err();
        assert!(matches!(*error.kind, CallErrorKind::Invalid(_)), "{number}");
        assert!(!error.outcome_unknown() && !error.retryable());
        assert_eq!(error.field(), Some("/out_trade_no"));
        assert!(client.close("1900000110", number).await.is_err());
    }
    let mut other = order();
    other.sp_mchid = "1900000999".to_owned();
    let invalid = client.prepare_jsapi(&other).unwrap_err();
    assert_eq!(invalid.field, "/sp_mchid");
    assert!(matches!(invalid.problem, Problem::DiffersFrom(_)));
    assert_eq!(server.seen().len(), 0);
}
