//! Secrets planted in every place, and everything that can be printed searched for them.

use std::error::Error;
use std::io::Write;
use std::sync::{Arc, Mutex};

use reqwest::Url;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::util::SubscriberInitExt as _;
use wechatpay::client::{Client, Hosts};
use wechatpay::credentials::{ApiV2Key, ApiV3Key, KeyRing, Merchant, PrivateKey};
use wechatpay::miniprogram::{AppSecret, LoginError, Session, SessionKey, code_to_session};
use wechatpay::v3::{AbnormalRefund, AbnormalRefundTarget, FrozenBody, Payee};

use crate::bill_calls::trade_request;
use crate::fake_wechat::{FakeWeChat, Reply, refusing_host, transport};
use crate::vectors::{NOW, ring, set_k, text};

const API_V3_KEY: &str = "planted-api-v3-key-planted-1234x";
const API_V2_KEY: &str = "planted-api-v2-key-planted-1234x";
const APP_SECRET: &str = "planted-app-secret";
const SESSION_KEY: &str = "planted-session-key";
const LOGIN_CODE: &str = "planted-login-code";
const OPENID: &str = "planted-openid";
const DOWNLOAD_TOKEN: &str = "planted-download-token";
const BANK_ACCOUNT: &str = "6222planted020200112233445";
const REAL_NAME: &str = "planted-real-name";
/// What a signed body carries.
const BODY: &str = "{\"payer\":\"planted-openid\"}";

fn planted() -> Vec<String> {
    let pem = text(&set_k(), "/keys/sp_private_key_pkcs8_pem").to_owned();
    let key_lines = pem
        .lines()
        .filter(|line| !line.starts_with('-'))
        .map(ToOwned::to_owned);
    let others = [
        API_V3_KEY,
        API_V2_KEY,
        APP_SECRET,
        SESSION_KEY,
        LOGIN_CODE,
        OPENID,
        DOWNLOAD_TOKEN,
        BANK_ACCOUNT,
        REAL_NAME,
    ];
    key_lines.chain(others.map(ToOwned::to_owned)).collect()
}

fn assert_clean(what: &str, printed: &str) {
    for secret in planted() {
        assert!(!printed.contains(&secret), "{what} prints {secret}");
    }
}

/// An error as a log would show it: Debug, and the Display of the whole chain.
fn everything_about(error: &(dyn Error + 'static)) -> String {
    let mut printed = format!("{error:?} {error:#?}");
    let mut next = Some(error);
    while let Some(error) = next {
        printed = format!("{printed}\n{error}");
        next = error.source();
    }
    printed
}

fn merchant() -> Merchant {
    let pem = text(&set_k(), "/keys/sp_private_key_pkcs8_pem").to_owned();
    Merchant {
        mchid: "1900000109".to_owned(),
        serial: "5157F09EFDC096DE15EBE81A47057A7200000001".to_owned(),
        private_key: PrivateKey::from_pem(&pem).unwrap(),
        api_v3_keys: vec![ApiV3Key::parse(API_V3_KEY).unwrap()],
    }
}

fn client(host: &Url, ring: KeyRing) -> Client {
    let hosts = Hosts::single(host.clone());
    Client::new(
        transport(),
        hosts,
        Arc::new(merchant()),
        ring,
        Arc::new(|| NOW),
    )
}

async fn login(host: &Url) -> Result<Session, LoginError> {
    let secret = AppSecret::new(APP_SECRET);
    code_to_session(
        &transport(),
        host,
        "wx2222222222222222",
        &secret,
        LOGIN_CODE,
    )
    .await
}

#[test]
fn debug_of_everything_that_holds_a_secret_hides_it() {
    let host: Url = "http://127.0.0.1:1".parse().unwrap();
    let session = SessionKey::new(SESSION_KEY);
    let printed = [
        format!("{:#?}", merchant()),
        format!("{:?}", ApiV3Key::parse(API_V3_KEY).unwrap()),
        format!("{:?}", ApiV2Key::parse(API_V2_KEY).unwrap()),
        format!("{:?}", AppSecret::new(APP_SECRET)),
        format!("{session:?}"),
        format!("{:#?}", client(&host, ring())),
        format!("{:?}", FrozenBody::from_bytes(BODY.as_bytes())),
    ];
    for printed in printed {
        assert_clean("a Debug", &printed);
        assert!(!printed.is_empty());
    }
    assert!(
        format!("{:?}", merchant()).contains("***"),
        "the test looks at the right place"
    );
}

#[test]
fn errors_about_key_material_do_not_quote_it() {
    let pem = text(&set_k(), "/keys/sp_private_key_pkcs8_pem").to_owned();
    let broken = pem.replace("-----END PRIVATE KEY-----", "-----END KEY-----");
    let errors: [Box<dyn Error>; 3] = [
        Box::new(PrivateKey::from_pem(&broken).unwrap_err()),
        Box::new(ApiV3Key::parse(&API_V3_KEY[1..]).unwrap_err()),
        Box::new(ApiV2Key::parse(&format!("{API_V2_KEY}x")).unwrap_err()),
    ];
    for error in errors {
        let printed = everything_about(&*error);
        assert_clean("a key error", &printed);
        assert!(!printed.contains(&API_V3_KEY[1..]));
    }
}

#[tokio::test]
async fn errors_of_calls_and_logins_quote_no_secret() {
    let refusing = refusing_host();
    let replies = [
        Reply::HangUp,
        Reply::unsigned(200, "{}"),
        Reply::unsigned(400, "{\"code\":\"PARAM_ERROR\",\"message\":\"no\"}"),
        Reply::unsigned(500, ""),
        Reply::unsigned(302, "").and("Location", "http://127.0.0.1:1/"),
        Reply::signed(200, "nonsense"),
        Reply::unsigned(200, "{\"errcode\":40125,\"errmsg\":\"invalid appsecret\"}"),
    ];
    let mut hosts = vec![refusing.url.clone()];
    let mut servers = Vec::new();
    for reply in replies {
        let server = FakeWeChat::always(reply).await;
        hosts.push(server.url.clone());
        servers.push(server);
    }
    for host in hosts {
        let body = FrozenBody::from_bytes(BODY.as_bytes());
        let error = client(&host, ring()).prepay_jsapi(&body).await.unwrap_err();
        assert_clean("a call's error", &everything_about(&error));
        let error = login(&host).await.unwrap_err();
        assert_clean("a login's error", &everything_about(&error));
    }
}

/// A log that is kept in memory.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// A download whose file is not the announced one, and an abnormal refund that is answered with nonsense.
async fn download_and_repair(client: &Client) {
    let bill = client.trade_bill(&trade_request()).await.unwrap().value;
    let error = client.download_bill(bill, 1000).next().await.unwrap_err();
    assert_clean("a download's error", &everything_about(&error));
    let refund = AbnormalRefund {
        sub_mchid: "1900000110".to_owned(),
        out_refund_no: "R1".to_owned(),
        target: AbnormalRefundTarget::UserBankCard(Payee {
            bank_type: "ICBC_DEBIT".to_owned(),
            bank_account: BANK_ACCOUNT.to_owned().into(),
            real_name: REAL_NAME.to_owned().into(),
        }),
    };
    assert_clean("a payee's Debug", &format!("{refund:#?}"));
    let error = client.apply_abnormal_refund("5000", &refund).await;
    let error = error.unwrap_err();
    assert_clean("an abnormal refund's error", &everything_about(&error));
}

#[tokio::test]
async fn nothing_is_logged_at_any_level_by_us_or_the_http_client() {
    let log = Log::default();
    // For the whole process, because the HTTP client's own records come through the `log` crate.
    tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_writer(log.clone())
        .finish()
        .init();
    let body = format!("{{\"openid\":\"{OPENID}\",\"session_key\":\"{SESSION_KEY}\"}}");
    let server = FakeWeChat::start(move |_, request| match request.target.as_str() {
        target if target.starts_with("/sns/") => Reply::unsigned(200, &body),
        target if target.starts_with("/v3/bill/") => {
            let host = request.header("host").unwrap();
            let url = format!("http://{host}/file?token={DOWNLOAD_TOKEN}");
            let hash = wechatpay::server::bill_hash(b"");
            let body = serde_json::json!({
                "hash_type": "SHA1", "hash_value": hash, "download_url": url,
            });
            Reply::signed(200, &body.to_string())
        }
        _ => Reply::signed(200, "{\"prepay_id\":\"wx1\"}"),
    });
    let server = server.await;
    let session = login(&server.url).await.unwrap();
    assert_eq!(session.openid, OPENID);
    let frozen = FrozenBody::from_bytes(BODY.as_bytes());
    client(&server.url, ring())
        .prepay_jsapi(&frozen)
        .await
        .unwrap();
    login(&refusing_host().url).await.unwrap_err();
    download_and_repair(&client(&server.url, ring())).await;

    let printed = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(
        printed.contains("tried a call to WeChat Pay"),
        "our own events are captured"
    );
    assert!(printed.contains("exchanged a login code"));
    assert!(
        printed.contains("hyper"),
        "the HTTP client's events are captured"
    );
    assert_clean("the log", &printed);
    let seen = server.seen();
    let authorization = seen[1].header("authorization").unwrap();
    assert!(
        !printed.contains(authorization),
        "signatures are no log material either"
    );
}
