//! No secret that was planted comes to light: not in the log, not in the database, not in an answer.

use aho_corasick::AhoCorasick;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use poem::listener::TcpAcceptor;
use poem::{Route, Server, get, handler};
use reqwest::Method;
use serde_json::json;
use tributary_domain::merchant::{AppId, Mchid};
use tributary_domain::staff::Actor;
use tributary_domain::tenant::Mode;
use tributary_operations::provider_keys::material::MerchantFiles;
use tributary_operations::providers::NewProvider;
use tributary_storage::signing_keys::{self, SigningPurpose};
use tributary_storage::{Storage, data_keys, endpoints};
use tributary_tests::api::fresh_key;
use tributary_tests::signer::{self, Signer};
use tributary_tests::staff::{PASSWORD, cookie_of};
use tributary_tests::tenant::Under;
use tributary_tests::{Answer, Api, TestPlatform, TestTenant, logs, platform, scenario};
use tributary_vault::{Place, Vault, WrappedDataKey};
use wechatpay::credentials::generate_pem;
use wechatpay_sim::{Fault, FaultKind, ProviderKeys, RefundResult};
use zeroize::Zeroizing;

const SESSION_KEY: &str = "Q0FOQVJZU0VTU0lPTktFWQ==";
const OWN_HEADER: &str = "Bearer canary-of-the-own-header";
const CARD_NUMBER: &str = "6222020200112233445";
const CARD_HOLDER: &str = "Canary Cardholder";

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
        .create_provider(
            &Actor::system("tests"),
            NewProvider {
                name: "Canary".to_owned(),
                sp_mchid: Mchid::parse(&keys.sp_mchid).expect("a number"),
                sp_appid: AppId::parse(&keys.sp_appid).expect("an app id"),
                mode: Mode::Test,
                api_url: Some(p.simulator.base_url()),
                backup_api_url: None,
                login_url: Some(login_server().await),
                merchant: MerchantFiles {
                    private_key: Zeroizing::new(private_key),
                    certificate: keys.merchant_certificate_pem.clone(),
                    serial: Some(keys.merchant_serial.clone()),
                },
                api_v3_key: Zeroizing::new(keys.api_v3_key.clone()),
                public_key: None,
            },
        )
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
#[expect(clippy::too_many_lines, reason = "one planted secret after another")]
async fn canaries(p: &TestPlatform) {
    let keys = p
        .simulator
        .provider(wechatpay_sim::NewProvider::default())
        .await
        .expect("a provider");
    let tenant = canary_tenant(p, &keys).await;
    let endpoint = p.register(&tenant, "hook", &["*"]).await;
    let webhook_secret = endpoint["secret"].as_str().expect("a secret").to_owned();
    let signed = with_own_header_and_v1a(p, &tenant).await;
    let signing_key = signing_key(p, &tenant, &signed).await;
    let mut answers = vec![signed];
    answers.extend(use_everything(p, &tenant).await);
    answers.extend(redirect_a_refund(p, &tenant).await);
    let own_keys = own_keys(p).await;
    let token = fetch_a_token(p, &tenant).await;
    let signer = sign_something(p, &tenant, &mut answers).await;
    let owner = p.owner("canary@example.com").await;
    let renewed = p.renew(&owner.cookie, &owner.csrf).await;
    let next = cookie_of(&renewed, "__Host-tributary").expect("a cookie");
    answers.push(owner.api.get("/admin/v1/me").await);
    answers.push(owner.api.get("/admin/v1/staff").await);
    answers.push(owner.api.get("/admin/v1/audit?limit=100").await);
    let secrets = [
        ("password of staff", PASSWORD.to_owned()),
        ("TOTP secret", owner.totp.clone().expect("a telephone")),
        ("recovery code", owner.recovery_codes[0].clone()),
        ("session token", owner.cookie.clone()),
        ("next session token", next),
        ("CSRF token", owner.csrf.clone()),
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
        ("tenant's own header", OWN_HEADER.to_owned()),
        ("seed of the v1a key", seed_of(&signing_key)),
        ("v1a key", signing_key),
        ("access token", token),
        ("tenant's private key", signer),
        ("key of the authority", own_keys[0].clone()),
        ("key of the answers", own_keys[1].clone()),
        ("key of the tokens", own_keys[2].clone()),
        ("number of the payee's card", CARD_NUMBER.to_owned()),
        ("name of the payee", CARD_HOLDER.to_owned()),
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
            Search::of(&[("tenant", tenant.id.to_string())])
                .first_in(&place.1)
                .is_some(),
            "{} is not searched",
            place.0
        );
    }
    let search = Search::of(&secrets);
    for (place, content) in &places {
        if let Some(name) = search.first_in(content) {
            panic!("the {name} is in {place}");
        }
    }
}

/// An endpoint that is sent a header of the tenant's own, and signed for with a key that only the platform holds.
async fn with_own_header_and_v1a(p: &TestPlatform, tenant: &TestTenant) -> Answer {
    let endpoint = tenant
        .api
        .create_endpoint(&json!({
            "url": p.receiver.url("signed"),
            "events": ["*"],
            "signature": "v1a",
            "headers": {"authorization": OWN_HEADER},
        }))
        .await;
    assert_eq!(endpoint.status, 201, "{}", endpoint.text);
    p.settle().await;
    let came = p.receiver.received("signed");
    assert_eq!(came[0].headers["authorization"], OWN_HEADER);
    endpoint
}

/// The private key behind an endpoint's public one, which no operation shows: opened with the tests' own key.
async fn signing_key(p: &TestPlatform, tenant: &TestTenant, endpoint: &Answer) -> String {
    let storage = Storage::connect(&p.database.url, 1).await;
    let storage = storage.expect("the database answers");
    let id = endpoint.body["id"].as_str().expect("an id");
    let ids = [id.parse().expect("an id of an endpoint")];
    let secrets = endpoints::live_secrets(&storage, &tenant.id, &ids, p.now()).await;
    let [secret] = &secrets.expect("the secrets")[..] else {
        panic!("one secret signs");
    };
    let wrapped = data_keys::find_active(&storage, tenant.id.as_str()).await;
    let wrapped = wrapped.expect("the data keys").expect("a data key");
    let key = Vault::open(platform::kek()).unwrap(&WrappedDataKey {
        id: wrapped.id,
        kek_id: wrapped.kek_id,
        owner: wrapped.owner,
        wrapped: wrapped.wrapped,
    });
    let place = Place {
        table: "endpoint_secrets",
        column: "sealed",
        row: secret.id.as_str(),
    };
    let opened = key
        .expect("the data key opens")
        .open(&place, &secret.sealed);
    storage.close().await.expect("the database closes");
    let text = String::from_utf8(opened.expect("it opens").to_vec()).expect("a text");
    text.strip_prefix("whsk_")
        .expect("a signing key")
        .to_owned()
}

/// The platform's own private keys, opened with the tests' own key.
async fn own_keys(p: &TestPlatform) -> [String; 3] {
    let nobody = Api::new(&p.platform.api_url(), None);
    nobody.get("/v1/meta/platform-certificates").await.ok();
    nobody.get("/.well-known/jwks.json").await.ok();
    let storage = Storage::connect(&p.database.url, 1).await;
    let storage = storage.expect("the database answers");
    let wrapped = data_keys::find_active(&storage, "platform").await;
    let wrapped = wrapped.expect("the data keys").expect("a data key");
    let key = Vault::open(platform::kek()).unwrap(&WrappedDataKey {
        id: wrapped.id,
        kek_id: wrapped.kek_id,
        owner: wrapped.owner,
        wrapped: wrapped.wrapped,
    });
    let key = key.expect("the data key opens");
    let mut found = Vec::new();
    for purpose in [
        SigningPurpose::Authority,
        SigningPurpose::Answers,
        SigningPurpose::Tokens,
    ] {
        let kept = signing_keys::list(&storage, purpose, p.now()).await;
        let kept = kept.expect("the keys").pop().expect("a key");
        let place = Place {
            table: "signing_keys",
            column: "private_key",
            row: kept.id.as_str(),
        };
        let opened = key.open(&place, &kept.private_key).expect("it opens");
        found.push(match std::str::from_utf8(&opened) {
            Ok(pem) if pem.contains("PRIVATE KEY") => middle_of(Some(pem)),
            _ => STANDARD.encode(&opened[..]),
        });
    }
    storage.close().await.expect("the database closes");
    found.try_into().expect("three keys")
}

/// An access token that was fetched, used, and refused once it was spoiled.
async fn fetch_a_token(p: &TestPlatform, tenant: &TestTenant) -> String {
    let id = tenant.api.me().await.ok()["api_key"]["id"].clone();
    let id = id.as_str().expect("an id");
    let form = format!(
        "grant_type=client_credentials&client_id={id}&client_secret={}",
        tenant.api_key
    );
    let url = p.platform.api_url();
    let kind = ("content-type", "application/x-www-form-urlencoded");
    let asked = Api::new(&url, None)
        .send(
            Method::POST,
            "/oauth/token",
            &[kind],
            Some(form.into_bytes()),
        )
        .await
        .ok();
    let token = asked["access_token"].as_str().expect("a token").to_owned();
    Api::new(&url, Some(&token)).me().await.ok();
    let spoiled = format!("{token}x");
    Api::new(&url, Some(&spoiled))
        .me()
        .await
        .problem(401, "unauthorized");
    token
}

/// Signed calls, taken and refused; answers with what identifies the tenant's private key.
async fn sign_something(
    p: &TestPlatform,
    tenant: &TestTenant,
    answers: &mut Vec<Answer>,
) -> String {
    let (private_key, _) = generate_pem().expect("a key pair");
    let request = signer::certificate_request(&private_key);
    let operations = p.platform.operations();
    let issued = operations
        .issue_certificate(
            &Actor::system("test"),
            &tenant.id,
            signer::every_scope(),
            &request,
        )
        .await
        .expect("a certificate");
    let signer = Signer::new(&private_key, issued, &p.platform.api_url());
    let me = signer::get("/v1/me", p.now());
    let authorization = signer.sign(me, "a-nonce-for-the-canary");
    answers.push(signer.send(me, &authorization).await);
    answers.push(signer.send(me, &authorization).await);
    middle_of(Some(&private_key))
}

/// A refund whose way back failed, sent to a card of the payer's.
async fn redirect_a_refund(p: &TestPlatform, tenant: &TestTenant) -> Vec<Answer> {
    let api = &tenant.api;
    let order = api.place_order(&tenant.order(888)).await.placed();
    p.pay(&order);
    p.settle().await;
    let asked = crate::refund::asked(&order, "canary-1", 888);
    let refund = api.create_refund(&asked).await.ok();
    crate::refund::end(p, &refund, RefundResult::Abnormal);
    p.settle().await;
    let path = format!(
        "/v1/refunds/{}/redirect",
        refund["id"].as_str().expect("an id")
    );
    let way = json!({
        "type": "user_bank_card",
        "bank_type": "ICBC_DEBIT",
        "bank_account": CARD_NUMBER,
        "real_name": CARD_HOLDER,
    });
    // Refused once, so that what WeChat says about it is written down as well.
    let refuse = Fault {
        status: Some(400),
        code: Some("INVALID_REQUEST".into()),
        message: Some("银行卡信息有误".into()),
        ..Fault::of(FaultKind::Refuse)
    };
    p.simulator
        .fault(refuse.on_path("/v3/refund/domestic/refunds/").times(1));
    let refused = api.post(&path, &way, &fresh_key()).await;
    assert!(!refused.status.is_success(), "{}", refused.text);
    p.simulator.clear_faults();
    let redirected = api.post(&path, &way, &fresh_key()).await;
    assert!(redirected.status.is_success(), "{}", redirected.text);
    let id = order["id"].as_str().expect("an id");
    vec![
        refused,
        redirected,
        api.timeline(id, "").await,
        api.refunds("limit=20").await,
    ]
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

/// The secret half of a pair of Ed25519 keys.
fn seed_of(pair: &str) -> String {
    let pair = STANDARD.decode(pair).expect("base64");
    STANDARD.encode(&pair[..32])
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

/// All forms of all secrets at once: the log of the whole run is long, and is read through once.
struct Search {
    forms: AhoCorasick,
    /// Whose form each is, in the order of the forms.
    names: Vec<&'static str>,
}

impl Search {
    fn of(secrets: &[(&'static str, String)]) -> Self {
        let (names, forms): (Vec<_>, Vec<_>) = secrets
            .iter()
            .flat_map(|(name, secret)| forms(secret).into_iter().map(move |form| (*name, form)))
            .unzip();
        let forms = AhoCorasick::new(forms).expect("forms to search for");
        Self { forms, names }
    }

    fn first_in(&self, content: &[u8]) -> Option<&'static str> {
        let found = self.forms.find(content)?;
        Some(self.names[found.pattern().as_usize()])
    }
}
