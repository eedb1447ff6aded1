//! Answers that are not what was hoped for: how they are sorted, and what the three questions get for an answer.

use wechatpay::client::{Actor, CallError, CallErrorKind};
use wechatpay::v3::{FrozenBody, VerifyError};

use crate::fake_wechat::{FakeWeChat, Reply, client};

const PREPAY: &str = "{\"prepay_id\":\"wx201410272009395522657a690389285100\"}";

async fn error_of(reply: Reply) -> CallError {
    let server = FakeWeChat::always(reply).await;
    let body = FrozenBody::from_bytes(b"{}".as_slice());
    client(&server.url, None)
        .prepay_jsapi(&body)
        .await
        .unwrap_err()
}

async fn refusal(status: u16, code: &str) -> CallError {
    let body = serde_json::json!({"code": code, "message": "文本"}).to_string();
    error_of(Reply::unsigned(status, &body)).await
}

/// Status, code as sent (`-` for none), normalised code, may be repeated, outcome, who must act.
const VERDICTS: &str = "
    400 PARAM_ERROR            PARAM_ERROR            no     known    platform
    400 INVALID_REQUEST        INVALID_REQUEST        no     known    tenant
    400 APPID_MCHID_NOT_MATCH  APPID_MCHID_NOT_MATCH  no     known    provider
    400 MCH_NOT_EXISTS         MCH_NOT_EXISTS         no     known    provider
    400 ORDERCLOSED            ORDER_CLOSED           no     known    nobody
    400 ORDERPAID              ORDER_PAID             no     known    nobody
    400 OPENID_MISMATCH        OPENID_MISMATCH        no     known    tenant
    500 OPENID_MISMATCH        OPENID_MISMATCH        no     unknown  tenant
    401 SIGN_ERROR             SIGN_ERROR             no     known    provider
    403 NOAUTH                 NO_AUTH                no     known    tenant
    403 OUT_TRADE_NO_USED      OUT_TRADE_NO_USED      no     known    nobody
    403 NOTENOUGH              NOT_ENOUGH             again  known    tenant
    403 RULELIMIT              RULE_LIMIT             no     known    tenant
    403 USER_ACCOUNT_ABNORMAL  USER_ACCOUNT_ABNORMAL  no     known    tenant
    404 ORDERNOTEXIST          ORDER_NOT_EXIST        no     known    nobody
    404 RESOURCE_NOT_EXIST     RESOURCE_NOT_EXISTS    no     known    nobody
    429 RATELIMIT_EXCEEDED     FREQUENCY_LIMITED      again  unknown  nobody
    429 -                      FREQUENCY_LIMITED      again  unknown  nobody
    500 SYSTEMERROR            SYSTEM_ERROR           again  unknown  wechat
    500 BANKERROR              BANK_ERROR             again  unknown  wechat
    503 SERVICE_UNAVAILABLE    SERVICE_UNAVAILABLE    again  unknown  wechat
    400 SYSTEM_ERROR           SYSTEM_ERROR           again  unknown  wechat
    400 A_NEW_CODE             A_NEW_CODE             no     known    platform
    401 A_NEW_CODE             A_NEW_CODE             no     known    provider
    403 A_NEW_CODE             A_NEW_CODE             no     known    tenant
    404 A_NEW_CODE             A_NEW_CODE             no     known    nobody
    408 A_NEW_CODE             A_NEW_CODE             again  unknown  nobody
    500 A_NEW_CODE             A_NEW_CODE             again  unknown  wechat
";

#[tokio::test]
async fn the_three_questions_are_answered_for_each_code() {
    for row in VERDICTS.lines().filter(|row| !row.is_empty()) {
        let columns: Vec<&str> = row.split_whitespace().collect();
        let [status, sent, code, again, outcome, who] = columns[..] else {
            panic!("{row}")
        };
        let status = status.parse().unwrap();
        let error = refusal(status, sent.trim_matches('-')).await;
        assert_eq!(error.code(), Some(code), "{row}");
        assert_eq!(error.retryable(), again == "again", "{row}");
        assert_eq!(error.outcome_unknown(), outcome == "unknown", "{row}");
        assert_eq!(error.who_must_act().as_str(), who, "{row}");
        assert_eq!(
            (error.message(), error.status()),
            (Some("文本"), Some(status))
        );
    }
}

#[tokio::test]
async fn bodies_that_are_not_the_error_envelope_are_sorted_by_status() {
    let html = error_of(Reply::unsigned(502, "<html>bad gateway</html>")).await;
    assert!(matches!(
        *html.kind,
        CallErrorKind::ServerError { status: 502, .. }
    ));
    let empty = error_of(Reply::unsigned(405, "")).await;
    assert!(matches!(
        *empty.kind,
        CallErrorKind::Refused { status: 405, .. }
    ));
    assert_eq!((empty.code(), empty.message()), (None, None));
    for odd in [
        "[]",
        "null",
        "{\"code\":1}",
        "{\"code\":\"X\",\"detail\":[1,{}]}",
        "\"text\"",
    ] {
        let error = error_of(Reply::unsigned(400, odd)).await;
        assert!(
            matches!(*error.kind, CallErrorKind::Refused { status: 400, .. }),
            "{odd}"
        );
        assert_eq!(error.field(), None);
    }
}

#[tokio::test]
async fn the_field_of_a_refusal_is_passed_on() {
    let body = "{\"code\":\"PARAM_ERROR\",\"message\":\"参数错误\",\"detail\":\
                {\"location\":\"body\",\"value\":1,\"field\":\"/amount/total\",\"issue\":\"sample\"}}";
    let error = error_of(Reply::unsigned(400, body)).await;
    assert_eq!(error.field(), Some("/amount/total"));
    assert!(!error.outcome_unknown());
}

#[tokio::test]
async fn a_refusal_is_not_masked_by_its_missing_signature() {
    let error = refusal(404, "ORDER_NOT_EXIST").await;
    assert!(matches!(*error.kind, CallErrorKind::Refused { .. }));
}

#[tokio::test]
async fn accepted_means_the_same_request_again() {
    let reply = Reply::signed(202, "{\"code\":\"USERPAYING\",\"message\":\"\"}");
    let error = error_of(reply).await;
    assert!(matches!(*error.kind, CallErrorKind::Accepted { .. }));
    assert!(error.retryable() && error.outcome_unknown());
    assert_eq!(error.code(), Some("USERPAYING"));
    let unsigned = error_of(Reply::unsigned(202, "")).await;
    assert!(matches!(*unsigned.kind, CallErrorKind::Unverified(_)));
}

#[tokio::test]
async fn an_unsigned_success_is_no_success() {
    let error = error_of(Reply::unsigned(200, PREPAY)).await;
    assert!(matches!(
        *error.kind,
        CallErrorKind::Unverified(VerifyError::Missing(_))
    ));
    assert!(error.outcome_unknown());
    assert_eq!(error.who_must_act(), Actor::Platform);
}

#[tokio::test]
async fn a_signature_header_that_comes_twice_does_not_count() {
    for name in ["Wechatpay-Signature", "Wechatpay-Serial", "Wechatpay-Nonce"] {
        let error = error_of(Reply::signed(200, PREPAY).and(name, "second")).await;
        let missing = VerifyError::Missing(name);
        assert!(
            matches!(&*error.kind, CallErrorKind::Unverified(e) if *e == missing),
            "{name}"
        );
    }
}

#[tokio::test]
async fn a_success_with_an_error_envelope_is_a_refusal() {
    let body = "{\"code\":\"ORDERPAID\",\"message\":\"该订单已支付\"}";
    let error = error_of(Reply::signed(200, body)).await;
    assert!(matches!(
        *error.kind,
        CallErrorKind::Refused { status: 200, .. }
    ));
    assert_eq!(error.code(), Some("ORDER_PAID"));
}

#[tokio::test]
async fn signed_nonsense_is_unusable_and_unknown() {
    for body in [
        "",
        "{}",
        "[]",
        "{\"prepay_id\":1}",
        "{\"prepay_id\":\"\"}",
        "not json",
    ] {
        let error = error_of(Reply::signed(200, body)).await;
        assert!(
            matches!(*error.kind, CallErrorKind::Undecodable(_)),
            "{body}"
        );
        assert!(error.outcome_unknown() && !error.retryable());
    }
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let elsewhere = FakeWeChat::always(Reply::signed(200, PREPAY)).await;
    for status in [301, 302, 307, 308] {
        let reply = Reply::unsigned(status, "").and("Location", elsewhere.url.as_str());
        let error = error_of(reply).await;
        assert!(
            matches!(*error.kind, CallErrorKind::Undecodable(_)),
            "{status}"
        );
    }
    assert_eq!(elsewhere.seen().len(), 0);
}

#[tokio::test]
async fn an_answer_beyond_a_mebibyte_is_not_read() {
    let padding = "x".repeat(1024 * 1024);
    let body = format!("{{\"prepay_id\":\"{padding}\"}}");
    let error = error_of(Reply::signed(200, &body)).await;
    assert!(matches!(*error.kind, CallErrorKind::Transport(_)));
    assert!(error.outcome_unknown() && !error.retryable());
    assert_eq!(error.trace.tries, 1);
}

/// The environment of a process cannot be changed safely, so another process runs one of the calls.
#[test]
fn a_proxy_in_the_environment_is_ignored() {
    let call = "calls::a_paid_order_is_read_by_either_number";
    let mut child = std::process::Command::new(std::env::current_exe().unwrap());
    child
        .args(["--exact", call])
        .env_remove("NO_PROXY")
        .env_remove("no_proxy");
    for name in [
        "HTTP_PROXY",
        "http_proxy",
        "HTTPS_PROXY",
        "https_proxy",
        "ALL_PROXY",
        "all_proxy",
    ] {
        child.env(name, "http://127.0.0.1:1");
    }
    let output = child.output().unwrap();
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && printed.contains("1 passed"),
        "{printed}"
    );
}
