//! The login: what is asked, how each answer is read, and S1 to S3 of the mini-program page.

use serde_json::Value;
use wechatpay::client::Actor;
use wechatpay::miniprogram::{AppSecret, LoginError, Session, SessionKey, code_to_session};

use crate::fake_wechat::{FakeWeChat, Reply, refusing_host, transport};
use crate::vectors::text;

async fn login(server: &FakeWeChat) -> Result<Session, LoginError> {
    let secret = AppSecret::new("s3cret&=secret");
    code_to_session(
        &transport(),
        &server.url,
        "wx2222222222222222",
        &secret,
        "c0de/+",
    )
    .await
}

async fn answered(status: u16, body: &str) -> Result<Session, LoginError> {
    login(&FakeWeChat::always(Reply::unsigned(status, body)).await).await
}

#[tokio::test]
async fn a_code_becomes_a_session() {
    let body =
        "{\"openid\":\"oUser\",\"session_key\":\"o0q0otL8aEzpcZL/FT9WsQ==\",\"unionid\":\"u1\"}";
    let reply = Reply::unsigned(200, body).and("Content-Type", "text/plain");
    let server = FakeWeChat::always(reply).await;
    let session = login(&server).await.unwrap();
    assert_eq!(
        (session.openid.as_str(), session.unionid.as_deref()),
        ("oUser", Some("u1"))
    );
    let [request] = server.seen().try_into().unwrap();
    assert_eq!(request.method, "GET");
    let query = "appid=wx2222222222222222&secret=s3cret%26%3Dsecret&js_code=c0de%2F%2B\
                 &grant_type=authorization_code";
    assert_eq!(request.target, format!("/sns/jscode2session?{query}"));
}

#[tokio::test]
async fn errcode_zero_is_a_success_and_an_empty_unionid_is_absent() {
    let body =
        "{\"errcode\":0,\"errmsg\":\"ok\",\"openid\":\"o\",\"session_key\":\"k\",\"unionid\":\"\"}";
    assert_eq!(answered(200, body).await.unwrap().unionid, None);
}

#[tokio::test]
async fn each_documented_errcode_has_its_own_error() {
    // errcode, again?, new login?, who?
    let table = [
        (-1, true, false, Actor::WeChat),
        (40029, false, true, Actor::Nobody),
        (40163, false, true, Actor::Nobody),
        (45011, true, false, Actor::Nobody),
        (40226, false, false, Actor::Nobody),
        (40013, false, false, Actor::Tenant),
        (40125, false, false, Actor::Tenant),
        (41002, false, false, Actor::Platform),
        (41004, false, false, Actor::Platform),
        (41008, false, false, Actor::Platform),
        (99999, false, false, Actor::Platform),
    ];
    let mut kinds = std::collections::HashSet::new();
    for (errcode, again, new_login, who) in table {
        let body = format!("{{\"errcode\":{errcode},\"errmsg\":\"text, rid: 1\"}}");
        let error = answered(200, &body).await.unwrap_err();
        assert_eq!(error.errcode(), Some(errcode));
        assert_eq!(error.retryable(), again, "{errcode}");
        assert_eq!(error.needs_new_login(), new_login, "{errcode}");
        assert_eq!(error.who_must_act(), who, "{errcode}");
        kinds.insert(std::mem::discriminant(&error));
    }
    assert_eq!(kinds.len(), table.len());
}

#[tokio::test]
async fn unusable_answers_are_errors() {
    for body in [
        "",
        "[]",
        "<html>",
        "{}",
        "{\"openid\":\"\"}",
        "{\"openid\":\"o\"}",
    ] {
        let error = answered(200, body).await.unwrap_err();
        assert!(matches!(error, LoginError::Undecodable), "{body}");
    }
    assert!(matches!(
        answered(502, "{}").await,
        Err(LoginError::Status(502))
    ));
}

#[tokio::test]
async fn no_connection_is_known_to_have_used_up_no_code() {
    let host = refusing_host();
    let secret = AppSecret::new("s3cret");
    let error = code_to_session(&transport(), &host.url, "wx1", &secret, "c0de").await;
    let error = error.unwrap_err();
    assert!(error.retryable() && !error.outcome_unknown());
    let broken = login(&FakeWeChat::always(Reply::HangUp).await)
        .await
        .unwrap_err();
    assert!(broken.retryable() && broken.outcome_unknown());
}

#[test]
fn session_keys_sign_as_published() {
    let set: Value = serde_json::from_str(include_str!("../../testdata/miniprogram.json")).unwrap();
    let states = set["login_state"].as_array().unwrap();
    assert_eq!(states.len(), 2);
    for vector in states {
        let key = SessionKey::new(text(vector, "/session_key"));
        let signature = key.sign_login_state(text(vector, "/message").as_bytes());
        assert_eq!(signature, text(vector, "/signature"));
    }
    let s3 = &set["raw_data"];
    let key = SessionKey::new(text(s3, "/session_key"));
    assert!(key.verify_raw_data(text(s3, "/raw_data"), text(s3, "/signature")));
    assert!(!key.verify_raw_data("{}", text(s3, "/signature")));
    assert!(!key.verify_raw_data(text(s3, "/raw_data"), ""));
}
