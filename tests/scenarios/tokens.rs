//! Access tokens: fetched with an API key by the rules of RFC 6749, checked on every call, ended with the key.

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use ed25519_dalek::{Signature, Verifier as _, VerifyingKey};
use reqwest::Method;
use serde_json::{Value, json};
use tributary_domain::staff::Actor;
use tributary_domain::tenant::{Mode, Scope};
use tributary_operations::credentials::{ApiKeyWish, NewApiKey};
use tributary_tests::{Answer, Api, TestPlatform, scenario};

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

async fn new_key(p: &TestPlatform) -> NewApiKey {
    let wish = ApiKeyWish::new(
        Mode::Test,
        "client",
        vec![Scope::OrdersRead, Scope::OrdersWrite],
    );
    let by = Actor::system("test");
    let operations = p.platform.operations();
    let made = operations.create_api_key(&by, &p.tenant.id, wish).await;
    made.expect("a key")
}

async fn ask(p: &TestPlatform, headers: &[(&str, &str)], form: &str) -> Answer {
    let nobody = Api::new(&p.platform.api_url(), None);
    let body = Some(form.as_bytes().to_vec());
    nobody
        .send(Method::POST, "/oauth/token", headers, body)
        .await
}

fn basic(key: &NewApiKey) -> String {
    let pair = format!("{}:{}", key.key.id, key.secret.reveal());
    format!("Basic {}", BASE64_STANDARD.encode(pair))
}

async fn token(p: &TestPlatform, key: &NewApiKey, more: &str) -> String {
    let form = format!("grant_type=client_credentials{more}");
    let answer = ask(p, &[FORM, ("authorization", &basic(key))], &form)
        .await
        .ok();
    assert_eq!(answer["token_type"], "Bearer");
    assert_eq!(answer["expires_in"], 900);
    answer["access_token"].as_str().expect("a token").to_owned()
}

fn bearer(p: &TestPlatform, token: &str) -> Api {
    Api::new(&p.platform.api_url(), Some(token))
}

fn part(token: &str, index: usize) -> Value {
    let part = token.split('.').nth(index).expect("a part");
    let json = BASE64_URL_SAFE_NO_PAD.decode(part).expect("base64url");
    serde_json::from_slice(&json).expect("JSON")
}

/// Headers, body, and the status and error that answer them.
type Case<'a> = (&'a [(&'a str, &'a str)], &'a str, u16, &'a str);

scenario!(
    a_token_does_what_its_key_may_for_a_quarter_of_an_hour,
    lived
);
async fn lived(p: &TestPlatform) {
    let key = new_key(p).await;
    let whole = token(p, &key, "").await;
    let me = bearer(p, &whole).me().await.ok();
    assert_eq!(me["api_key"]["id"], key.key.id.as_str());
    assert_eq!(
        me["api_key"]["scopes"],
        json!(["orders:read", "orders:write"])
    );
    bearer(p, &whole)
        .place_order(&p.tenant.order(1))
        .await
        .placed();
    bearer(p, &whole)
        .refunds("")
        .await
        .problem(403, "insufficient_scope");
    let narrow = token(p, &key, "&scope=orders%3Aread").await;
    bearer(p, &narrow).orders("").await.ok();
    let refused = bearer(p, &narrow).place_order(&p.tenant.order(1)).await;
    refused.problem(403, "insufficient_scope");
    p.clock.advance_millis(899_000);
    bearer(p, &whole).me().await.ok();
    p.clock.advance_millis(1_000);
    bearer(p, &whole).me().await.problem(401, "unauthorized");
}

scenario!(a_token_ends_with_its_key, revoked);
async fn revoked(p: &TestPlatform) {
    let key = new_key(p).await;
    let token = token(p, &key, "").await;
    bearer(p, &token).me().await.ok();
    let operations = p.platform.operations();
    operations
        .revoke_api_key(&Actor::system("test"), &p.tenant.id, &key.key.id)
        .await
        .expect("revoked");
    bearer(p, &token).me().await.problem(401, "unauthorized");
    let form = "grant_type=client_credentials";
    let refused = ask(p, &[FORM, ("authorization", &basic(&key))], form).await;
    assert_eq!(refused.status, 401);
    assert_eq!(refused.body["error"], "invalid_client");
    assert!(
        refused.headers["www-authenticate"]
            .as_bytes()
            .starts_with(b"Basic")
    );
}

scenario!(the_token_endpoint_refuses_in_the_words_of_the_rfc, refused);
async fn refused(p: &TestPlatform) {
    let (key, other) = (new_key(p).await, new_key(p).await);
    let (id, secret) = (key.key.id.as_str(), key.secret.reveal());
    let by_body = format!("grant_type=client_credentials&client_id={id}&client_secret={secret}");
    let crossed = format!(
        "grant_type=client_credentials&client_id={}&client_secret={secret}",
        other.key.id
    );
    ask(p, &[FORM], &by_body).await.ok();
    let own = basic(&key);
    let json = ("content-type", "application/json");
    let with_key = ("authorization", own.as_str());
    let cases: [Case<'_>; 11] = [
        (&[FORM, with_key], "", 400, "invalid_request"),
        (
            &[FORM, with_key],
            "grant_type=password",
            400,
            "unsupported_grant_type",
        ),
        (&[json, with_key], "{}", 400, "invalid_request"),
        (&[FORM, with_key], &by_body, 400, "invalid_request"),
        (
            &[FORM],
            &format!("{by_body}&client_id={id}"),
            400,
            "invalid_request",
        ),
        (
            &[FORM],
            "grant_type=client_credentials",
            401,
            "invalid_client",
        ),
        (&[FORM], &crossed, 401, "invalid_client"),
        (
            &[FORM],
            &by_body.replace(secret, "trb_test_x"),
            401,
            "invalid_client",
        ),
        (
            &[FORM, ("authorization", "Basic !")],
            "grant_type=client_credentials",
            401,
            "invalid_client",
        ),
        (
            &[FORM],
            &format!("{by_body}&scope=refunds:read"),
            400,
            "invalid_scope",
        ),
        (
            &[FORM],
            &format!("{by_body}&scope=everything"),
            400,
            "invalid_scope",
        ),
    ];
    for (headers, form, status, error) in cases {
        let answer = ask(p, headers, form).await;
        assert_eq!(answer.status, status, "{form}: {}", answer.text);
        assert_eq!(answer.body["error"], error, "{form}");
        assert_eq!(answer.headers["cache-control"], "no-store");
        assert!(!answer.text.contains(secret), "{}", answer.text);
    }
    let large = format!("{by_body}&x={}", "x".repeat(1024 * 1024));
    ask(p, &[FORM], &large).await.problem(413, "body_too_large");
}

scenario!(a_token_that_is_not_ours_opens_nothing, forged);
async fn forged(p: &TestPlatform) {
    let key = new_key(p).await;
    let token = token(p, &key, "").await;
    let encode = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let parts: Vec<&str> = token.split('.').collect();
    let (header, claims) = (part(&token, 0), part(&token, 1));
    assert_eq!(
        (&header["alg"], &header["typ"]),
        (&json!("EdDSA"), &json!("at+jwt"))
    );
    let with = |base: &Value, name: &str, value: Value| {
        let mut changed = base.clone();
        changed[name] = value;
        changed
    };
    let none = encode(&with(&header, "alg", json!("none")));
    let symmetric = encode(&with(&header, "alg", json!("HS256")));
    let stranger = encode(&with(
        &header,
        "kid",
        json!("sgn_01JAE000A1B2C3D4E5F6G7H8JK"),
    ));
    let longer = encode(&with(&claims, "exp", json!(9_999_999_999_i64)));
    let wider = encode(&with(&claims, "scope", json!("orders:read refunds:read")));
    for forged in [
        format!("{none}.{}.", parts[1]),
        format!("{none}.{}.{}", parts[1], parts[2]),
        format!("{symmetric}.{}.{}", parts[1], parts[2]),
        format!("{stranger}.{}.{}", parts[1], parts[2]),
        format!("{}.{longer}.{}", parts[0], parts[2]),
        format!("{}.{wider}.{}", parts[0], parts[2]),
        format!("{}.{}", parts[0], parts[1]),
        format!("{token}x"),
        "..".to_owned(),
        "x".repeat(5_000),
    ] {
        bearer(p, &forged).me().await.problem(401, "unauthorized");
    }
    bearer(p, &token).me().await.ok();
}

scenario!(
    the_published_keys_verify_tokens_and_are_replaced_in_overlap,
    rotated
);
async fn rotated(p: &TestPlatform) {
    let key = new_key(p).await;
    let first = token(p, &key, "").await;
    let published = published(p).await;
    assert_eq!(published.len(), 1);
    assert!(verifies(&published, &first));
    // The next key is there for a day before it signs.
    p.clock.advance_millis(30 * DAY_MS);
    let second = token(p, &key, "").await;
    assert_eq!(part(&second, 0)["kid"], part(&first, 0)["kid"]);
    assert_eq!(self::published(p).await.len(), 2);
    p.clock.advance_millis(DAY_MS);
    let third = token(p, &key, "").await;
    assert_ne!(part(&third, 0)["kid"], part(&first, 0)["kid"]);
    let both = self::published(p).await;
    assert!(verifies(&both, &second) && verifies(&both, &third));
    bearer(p, &third).me().await.ok();
    p.clock.advance_millis(2 * DAY_MS);
    let left = self::published(p).await;
    assert!(!verifies(&left, &second) && verifies(&left, &third));
    assert_eq!(
        p.database.count("SELECT COUNT(*) FROM signing_keys").await,
        2
    );
}

const DAY_MS: i64 = 24 * 3_600_000;

async fn published(p: &TestPlatform) -> Vec<Value> {
    let nobody = Api::new(&p.platform.api_url(), None);
    let set = nobody.get("/.well-known/jwks.json").await.ok();
    set["keys"].as_array().expect("keys").clone()
}

/// Verifies a token as a program that knows nothing of us does.
fn verifies(keys: &[Value], token: &str) -> bool {
    let kid = &part(token, 0)["kid"];
    let Some(key) = keys.iter().find(|key| key["kid"] == *kid) else {
        return false;
    };
    assert_eq!(
        (&key["kty"], &key["crv"]),
        (&json!("OKP"), &json!("Ed25519"))
    );
    let x = BASE64_URL_SAFE_NO_PAD.decode(key["x"].as_str().expect("x"));
    let x: [u8; 32] = x.expect("base64url").try_into().expect("32 bytes");
    let (signed, signature) = token.rsplit_once('.').expect("three parts");
    let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).expect("base64url");
    let signature = Signature::from_slice(&signature).expect("64 bytes");
    let key = VerifyingKey::from_bytes(&x).expect("a public key");
    key.verify(signed.as_bytes(), &signature).is_ok()
}
