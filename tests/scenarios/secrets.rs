//! No secret that was planted comes to light: not in the log, not in the database, not in an answer.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use poem::listener::TcpAcceptor;
use poem::{Route, Server, get, handler};
use serde_json::json;
use tributary_domain::merchant::{AppId, Mchid};
use tributary_domain::tenant::Mode;
use tributary_operations::providers::NewProvider;
use tributary_tests::tenant::Under;
use tributary_tests::{Answer, TestPlatform, TestTenant, logs, scenario};
use wechatpay_sim::{Fault, FaultKind, ProviderKeys};
use zeroize::Zeroizing;

const SESSION_KEY: &str = "Q0FOQVJZU0VTU0lPTktFWQ==";

#[handler]
fn session() -> String {
    json!({"openid": "openid-of-the-canary", "session_key": SESSION_KEY}).to_string()
}

/// Answers every login with a session key that the test knows.
async fn login_server() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("a bound address"));
    let acceptor = TcpAcceptor::from_tokio(listener).expect("a listener");
    let routes = Route::new().at("/sns/jscode2session", get(session));
    tokio::spawn(Server::new_with_acceptor(acceptor).run(routes));
    url
}

/// A tenant whose provider logs users in at the test's own server.
async fn canary_tenant(p: &TestPlatform, keys: &ProviderKeys) -> TestTenant {
    let private_key = keys
        .merchant_private_key_pem
        .clone()
        .expect("a private key");
    let provider = p
        .platform
        .operations()
        .create_provider(NewProvider {
            name: "Canary".to_owned(),
            sp_mchid: Mchid::parse(&keys.sp_mchid).expect("a number"),
            sp_appid: AppId::parse(&keys.sp_appid).expect("an app id"),
            mode: Mode::Test,
            api_url: Some(p.simulator.base_url()),
            backup_api_url: None,
            login_url: Some(login_server().await),
            merchant_serial: keys.merchant_serial.clone(),
            merchant_private_key: Zeroizing::new(private_key),
            api_v3_key: Zeroizing::new(keys.api_v3_key.clone()),
            public_key: None,
        })
        .await
        .expect("a provider");
    let under = Under {
        provider: &provider.id,
        sp_mchid: &keys.sp_mchid,
    };
    let operations = p.platform.operations();
    TestTenant::create(operations, &p.simulator, under, &p.platform.api_url()).await
}

scenario!(
    planted_secrets_are_in_no_log_no_database_and_no_answer,
    canaries
);
async fn canaries(p: &TestPlatform) {
    let keys = p
        .simulator
        .provider(wechatpay_sim::NewProvider::default())
        .await
        .expect("a provider");
    let tenant = canary_tenant(p, &keys).await;
    let endpoint = p.register(&tenant, "hook", &["*"]).await;
    let webhook_secret = endpoint["secret"].as_str().expect("a secret").to_owned();
    let answers = use_everything(p, &tenant).await;
    let secrets = [
        (
            "merchant private key",
            middle_of(keys.merchant_private_key_pem.as_deref()),
        ),
        ("APIv3 key", keys.api_v3_key.clone()),
        ("AppSecret", tenant.app_secret.clone()),
        (
            "webhook secret",
            webhook_secret.trim_start_matches("whsec_").to_owned(),
        ),
        ("API key", tenant.api_key.clone()),
        ("session key", SESSION_KEY.to_owned()),
        // The key of the tests, as text: 32 times the same control character.
        ("key-encryption key", "\u{7}".repeat(32)),
    ];
    let mut places: Vec<(String, Vec<u8>)> = vec![
        ("the log".to_owned(), logs::read()),
        ("the database".to_owned(), p.database.dump().await),
    ];
    for answer in answers {
        places.push((format!("the answer {}", answer.status), shown(&answer)));
    }
    for webhook in p.receiver.received("hook") {
        places.push(("a webhook".to_owned(), webhook.body));
    }
    // What is certainly there must be found, or the search proves nothing.
    for place in &places[..2] {
        assert!(
            holds(&place.1, tenant.id.as_str().as_bytes()),
            "{} is not searched",
            place.0
        );
    }
    for (name, secret) in &secrets {
        for form in forms(secret) {
            for (place, content) in &places {
                assert!(!holds(content, &form), "the {name} is in {place}");
            }
        }
    }
}

/// Everything that touches a secret, successes and failures, with all answers.
async fn use_everything(p: &TestPlatform, tenant: &TestTenant) -> Vec<Answer> {
    let api = &tenant.api;
    let mut answers = vec![
        api.me().await,
        api.log_in(&tenant.sub_appid, "any-code").await,
    ];
    p.simulator.fault(
        Fault::of(FaultKind::WrongSignature)
            .on_path("/v3/pay")
            .times(2),
    );
    answers.push(api.place_order(&tenant.order(1)).await);
    p.simulator.clear_faults();
    let placed = api.place_order(&tenant.order(2)).await;
    let order = placed.clone().placed();
    answers.push(placed);
    p.simulator
        .fault(Fault::of(FaultKind::NotificationForged).times(1));
    p.pay(&order);
    p.settle().await;
    let id = order["id"].as_str().expect("an id");
    assert_eq!(api.order(id).await.ok()["state"], "paid");
    answers.push(api.timeline(id, "?download=1").await);
    for path in [
        "/v1/orders",
        "/v1/events",
        "/v1/webhook-endpoints",
        "/v1/deliveries",
        "/metrics",
        "/v1/me",
    ] {
        answers.push(api.get(path).await);
    }
    answers.push(api.close_order(id).await);
    answers.push(api.log_in("wx0000000000000000", "any-code").await);
    answers
}

fn shown(answer: &Answer) -> Vec<u8> {
    format!("{:?}\n{}", answer.headers, answer.text).into_bytes()
}

/// A line from the middle of a PEM; whoever prints the key prints it.
fn middle_of(pem: Option<&str>) -> String {
    let lines: Vec<&str> = pem.expect("a private key").lines().collect();
    lines[lines.len() / 2].to_owned()
}

/// A secret as careless code may write it down.
fn forms(secret: &str) -> Vec<Vec<u8>> {
    let mut forms = vec![
        secret.as_bytes().to_vec(),
        hex::encode(secret).into_bytes(),
        STANDARD
            .encode(secret)
            .trim_end_matches('=')
            .as_bytes()
            .to_vec(),
        format!("{:?}", secret.as_bytes()).into_bytes(),
    ];
    // A secret that is base64 itself may be kept decoded.
    forms.extend(
        STANDARD
            .decode(secret)
            .ok()
            .filter(|bytes| bytes.len() >= 12),
    );
    forms
}

fn holds(content: &[u8], part: &[u8]) -> bool {
    content.windows(part.len()).any(|window| window == part)
}
