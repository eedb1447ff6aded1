//! The second try: when there is one, where it goes, and what it does to certainty.

use wechatpay::client::{
    Actor, CallError, CallErrorKind, Failure, Transport, TransportConfig, TransportError,
};
use wechatpay::server::parse_authorization;
use wechatpay::v3::{FrozenBody, VerifyError};

use crate::fake_wechat::{FakeWeChat, Reply, client, client_with, refusing_host};
use crate::vectors::ring;

const PREPAY: &str = "{\"prepay_id\":\"wx201410272009395522657a690389285100\"}";

fn body() -> FrozenBody {
    FrozenBody::from_bytes(b"{\"frozen\":true}".as_slice())
}

async fn good() -> FakeWeChat {
    FakeWeChat::always(Reply::signed(200, PREPAY)).await
}

async fn failing() -> FakeWeChat {
    let body = "{\"code\":\"SYSTEM_ERROR\",\"message\":\"系统错误\"}";
    FakeWeChat::always(Reply::unsigned(500, body)).await
}

/// Calls with both hosts and expects an error.
async fn error(main: &FakeWeChat, backup: Option<&FakeWeChat>) -> CallError {
    let client = client(&main.url, backup.map(|server| &server.url));
    client.prepay_jsapi(&body()).await.unwrap_err()
}

#[tokio::test]
async fn a_server_error_moves_to_the_backup_with_the_same_bytes_and_a_fresh_signature() {
    for status in [500, 502, 503] {
        let main = FakeWeChat::always(Reply::unsigned(status, "<html>")).await;
        let backup = good().await;
        let answer = client(&main.url, Some(&backup.url))
            .prepay_jsapi(&body())
            .await
            .unwrap();
        assert_eq!(answer.trace.tries, 2);
        assert!(backup.url.as_str().contains(&answer.trace.host));
        let ([first], [second]) = (
            main.seen().try_into().unwrap(),
            backup.seen().try_into().unwrap(),
        );
        assert_eq!((&first.target, &first.body), (&second.target, &second.body));
        let read = |seen: &crate::fake_wechat::Seen| {
            parse_authorization(seen.header("authorization").unwrap()).unwrap()
        };
        assert_ne!(read(&first).nonce_str, read(&second).nonce_str);
        assert_ne!(read(&first).signature, read(&second).signature);
    }
}

#[tokio::test]
async fn a_refused_connection_moves_to_the_backup() {
    let (main, backup) = (refusing_host(), good().await);
    let answer = client(&main.url, Some(&backup.url))
        .prepay_jsapi(&body())
        .await
        .unwrap();
    assert_eq!(answer.trace.tries, 2);
}

#[tokio::test]
async fn a_failed_tls_handshake_moves_to_the_backup_and_has_sent_nothing() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let main = format!("https://{}", listener.local_addr().unwrap())
        .parse()
        .unwrap();
    tokio::spawn(async move { while listener.accept().await.is_ok() {} });
    let backup = good().await;
    let answer = client(&main, Some(&backup.url))
        .prepay_jsapi(&body())
        .await
        .unwrap();
    assert_eq!(answer.trace.tries, 2);
    let error = client(&main, None).prepay_jsapi(&body()).await.unwrap_err();
    assert!(matches!(
        &*error.kind,
        CallErrorKind::Transport(TransportError::Connect(_))
    ));
    assert!(!error.outcome_unknown());
}

#[tokio::test]
async fn a_broken_connection_moves_to_the_backup() {
    let (main, backup) = (FakeWeChat::always(Reply::HangUp).await, good().await);
    let answer = client(&main.url, Some(&backup.url))
        .prepay_jsapi(&body())
        .await
        .unwrap();
    assert_eq!(
        (answer.trace.tries, main.seen().len(), backup.seen().len()),
        (2, 1, 1)
    );
}

fn transport_with_timeout(timeout_ms: u64) -> Transport {
    Transport::new(&TransportConfig {
        timeout_ms,
        ..TransportConfig::default()
    })
    .unwrap()
}

#[tokio::test]
async fn a_timeout_moves_to_the_backup() {
    // Long enough for a busy machine to answer the second try in.
    let transport = transport_with_timeout(3_000);
    let (silent, backup) = (FakeWeChat::always(Reply::Silence).await, good().await);
    let client = client_with(&silent.url, Some(&backup.url), ring(), transport);
    let answer = client.prepay_jsapi(&body()).await.unwrap();
    assert_eq!((answer.trace.tries, silent.seen().len()), (2, 1));
}

#[tokio::test]
async fn two_timeouts_leave_the_outcome_unknown() {
    let silent = FakeWeChat::always(Reply::Silence).await;
    let client = client_with(&silent.url, None, ring(), transport_with_timeout(100));
    let error = client.prepay_jsapi(&body()).await.unwrap_err();
    assert!(matches!(
        &*error.kind,
        CallErrorKind::Transport(TransportError::Timeout(_))
    ));
    assert!(error.outcome_unknown() && error.retryable());
    assert_eq!(error.who_must_act(), Actor::WeChat);
    assert_eq!(
        (error.trace.tries, error.status(), error.code()),
        (2, None, None)
    );
    assert!(error.trace.duration_ms >= 200);
}

#[tokio::test]
async fn every_try_is_recorded_with_its_host_its_number_at_wechat_and_why_it_failed() {
    let main = FakeWeChat::always(Reply::unsigned(503, r#"{"code":"SYSTEMERROR"}"#)).await;
    let backup = good().await;
    let answer = client(&main.url, Some(&backup.url))
        .prepay_jsapi(&body())
        .await
        .unwrap();
    let [first, second] = answer.trace.log.as_slice() else {
        panic!("two tries");
    };
    assert!(main.url.as_str().contains(&first.host));
    assert_eq!(
        (first.http_status, first.code.as_deref(), first.failure),
        (Some(503), Some("SYSTEM_ERROR"), Some(Failure::ServerError))
    );
    assert!(backup.url.as_str().contains(&second.host));
    assert_eq!(second.failure, None);
    assert_eq!(second.key_serial, answer.trace.key_serial);
    assert!(second.after_ms + second.duration_ms <= answer.trace.duration_ms);
}

#[tokio::test]
async fn a_verified_answer_about_something_else_is_recorded_as_a_failure() {
    let about_another =
        r#"{"sp_mchid":"1","sub_mchid":"2","out_trade_no":"3","trade_state":"NOTPAY"}"#;
    let server = FakeWeChat::always(Reply::signed(200, about_another)).await;
    let error = client(&server.url, None)
        .query_by_out_trade_no("1900000110", "T1")
        .await
        .unwrap_err();
    assert_eq!(error.trace.log.len(), 1);
    assert_eq!(error.trace.log[0].failure, Some(Failure::Unusable));
}

#[tokio::test]
async fn without_a_backup_the_second_try_goes_to_the_same_host() {
    let server = FakeWeChat::start(|n, _| match n {
        0 => Reply::unsigned(503, ""),
        _ => Reply::signed(200, PREPAY),
    });
    let server = server.await;
    let answer = client(&server.url, None)
        .prepay_jsapi(&body())
        .await
        .unwrap();
    assert_eq!((answer.trace.tries, server.seen().len()), (2, 2));
}

#[tokio::test]
async fn two_failures_end_the_call_with_an_unknown_outcome() {
    let (main, backup) = (failing().await, failing().await);
    let error = error(&main, Some(&backup)).await;
    assert!(error.outcome_unknown() && error.retryable());
    assert_eq!(error.who_must_act(), Actor::WeChat);
    assert_eq!(error.code(), Some("SYSTEM_ERROR"));
    assert_eq!(error.message(), Some("系统错误"));
    assert_eq!((main.seen().len(), backup.seen().len()), (1, 1));
}

#[tokio::test]
async fn refusals_and_rate_limits_are_never_tried_twice() {
    for status in [400, 401, 403, 404, 405, 408, 425, 429] {
        let main = FakeWeChat::always(Reply::unsigned(status, "")).await;
        let backup = good().await;
        let error = error(&main, Some(&backup)).await;
        assert_eq!(error.status(), Some(status));
        assert_eq!((main.seen().len(), backup.seen().len()), (1, 0), "{status}");
        assert_eq!(
            error.outcome_unknown(),
            [408, 425, 429].contains(&status),
            "{status}"
        );
    }
}

#[tokio::test]
async fn a_refusal_after_an_unknown_try_stays_unknown() {
    let refusal = "{\"code\":\"OUT_TRADE_NO_USED\",\"message\":\"商户订单号重复\"}";
    let backup = FakeWeChat::always(Reply::unsigned(403, refusal)).await;
    let after_failure = error(&failing().await, Some(&backup)).await;
    assert_eq!(after_failure.code(), Some("OUT_TRADE_NO_USED"));
    assert!(after_failure.outcome_unknown());

    let disguised = "{\"code\":\"ORDER_CLOSED\",\"message\":\"订单已关闭\"}";
    let disguised = FakeWeChat::always(Reply::signed(200, disguised)).await;
    let after_failure = error(&failing().await, Some(&disguised)).await;
    assert_eq!(after_failure.code(), Some("ORDER_CLOSED"));
    assert!(after_failure.outcome_unknown());

    let refusing = refusing_host();
    let client = client(&refusing.url, Some(&backup.url));
    let after_no_connection = client.prepay_jsapi(&body()).await.unwrap_err();
    assert!(
        !after_no_connection.outcome_unknown(),
        "the first try never arrived"
    );
}

#[tokio::test]
async fn two_refused_connections_leave_nothing_unknown() {
    let host = refusing_host();
    let error = client(&host.url, None)
        .prepay_jsapi(&body())
        .await
        .unwrap_err();
    assert!(error.retryable() && !error.outcome_unknown());
    assert_eq!(
        (error.trace.tries, error.who_must_act()),
        (2, Actor::Platform)
    );
}

#[tokio::test]
async fn a_probe_is_discarded_and_the_repetition_counts() {
    let server = FakeWeChat::start(|n, _| match n {
        0 => Reply::signed(200, PREPAY).with(
            "Wechatpay-Signature",
            "WECHATPAY/SIGNTEST//Wk/yPVbqawvKqvdUBquIgahMg1o==",
        ),
        _ => Reply::signed(200, PREPAY),
    });
    let server = server.await;
    let answer = client(&server.url, None)
        .prepay_jsapi(&body())
        .await
        .unwrap();
    assert_eq!(answer.trace.tries, 2);

    let forger = FakeWeChat::always(Reply::signed(200, PREPAY).with("Wechatpay-Nonce", "x")).await;
    let error = error(&forger, None).await;
    assert!(matches!(
        *error.kind,
        CallErrorKind::Unverified(VerifyError::BadSignature)
    ));
    assert!(error.outcome_unknown() && error.retryable());
    assert_eq!(forger.seen().len(), 2);
}

#[tokio::test]
async fn an_unknown_serial_waits_for_a_refresh_instead_of_a_second_try() {
    let reply = Reply::signed_as("PUB_KEY_ID_NEW", 200, PREPAY);
    let server = FakeWeChat::always(reply).await;
    let error = error(&server, None).await;
    assert_eq!(error.unknown_serial(), Some("PUB_KEY_ID_NEW"));
    assert_eq!(error.trace.key_serial.as_deref(), Some("PUB_KEY_ID_NEW"));
    assert!(error.outcome_unknown() && error.retryable());
    assert_eq!(error.who_must_act(), Actor::Provider);
    assert_eq!(server.seen().len(), 1);
}
