//! API keys: bound to networks, rolled in overlap, and known by when they were last used.

use reqwest::Method;
use serde_json::json;
use tributary_domain::clock::SharedClock;
use tributary_domain::credential::{ApiKey, NetworkList, Overlap};
use tributary_domain::staff::Actor;
use tributary_domain::tenant::{Mode, Scope};
use tributary_operations::OperationError;
use tributary_operations::credentials::{ApiKeyWish, NewApiKey};
use tributary_server::platform::{Platform, PlatformConfig};
use tributary_tests::platform::kek;
use tributary_tests::{Api, TestPlatform, scenario};

const DAY_MS: i64 = 24 * 3_600_000;

fn by() -> Actor {
    Actor::system("test")
}

async fn make(p: &TestPlatform, wish: ApiKeyWish) -> NewApiKey {
    let operations = p.platform.operations();
    let made = operations.create_api_key(&by(), &p.tenant.id, wish).await;
    made.expect("a key")
}

fn wish() -> ApiKeyWish {
    ApiKeyWish::new(Mode::Test, "bound", Scope::ALL.to_vec())
}

fn bound_to(networks: &[&str]) -> ApiKeyWish {
    ApiKeyWish {
        networks: NetworkList::parse(networks).expect("networks"),
        ..wish()
    }
}

async fn kept(p: &TestPlatform, key: &NewApiKey) -> ApiKey {
    let operations = p.platform.operations();
    let all = operations
        .list_api_keys(&by(), &p.tenant.id)
        .await
        .expect("keys");
    let found = all.into_iter().find(|one| one.id == key.key.id);
    found.expect("the key is listed")
}

scenario!(a_key_works_from_its_networks_alone, networks);
async fn networks(p: &TestPlatform) {
    let here = make(p, bound_to(&["127.0.0.0/8", "::1"])).await;
    let elsewhere = make(p, bound_to(&["192.0.2.0/24"])).await;
    let url = p.platform.api_url();
    Api::new(&url, Some(here.secret.reveal())).me().await.ok();
    let stranger = Api::new(&url, Some(elsewhere.secret.reveal()));
    stranger.me().await.problem(403, "address_not_allowed");
    let claiming = ("x-forwarded-for", "192.0.2.7");
    let answer = stranger
        .send(Method::GET, "/v1/me", &[claiming], None)
        .await;
    answer.problem(403, "address_not_allowed");
    let form = format!(
        "grant_type=client_credentials&client_id={}&client_secret={}",
        elsewhere.key.id,
        elsewhere.secret.reveal()
    );
    let kind = ("content-type", "application/x-www-form-urlencoded");
    let nobody = Api::new(&url, None);
    let refused = nobody
        .send(
            Method::POST,
            "/oauth/token",
            &[kind],
            Some(form.into_bytes()),
        )
        .await;
    assert_eq!(
        (refused.status.as_u16(), &refused.body["error"]),
        (400, &json!("unauthorized_client"))
    );
}

scenario!(a_proxy_that_the_configuration_names_is_believed, proxied);
async fn proxied(p: &TestPlatform) {
    let key = make(p, bound_to(&["192.0.2.0/24"])).await;
    let clock = p.clock.clone() as SharedClock;
    let config = PlatformConfig {
        trusted_proxies: NetworkList::parse(["127.0.0.1"]).expect("a network"),
        ..PlatformConfig::testing(p.database.url.clone(), kek(), clock)
    };
    let behind = Platform::build(config).await.expect("a node");
    let api = Api::new(&behind.api_url(), Some(key.secret.reveal()));
    for (said, status) in [
        ("192.0.2.7", 200),
        ("198.51.100.1, 192.0.2.7", 200),
        ("192.0.2.7, 198.51.100.1", 403),
        ("192.0.2.7, nonsense", 403),
        ("127.0.0.1", 403),
    ] {
        let header = [("x-forwarded-for", said)];
        let answer = api.send(Method::GET, "/v1/me", &header, None).await;
        assert_eq!(answer.status, status, "{said}: {}", answer.text);
    }
    api.me().await.problem(403, "address_not_allowed");
    behind.shutdown().await.expect("an orderly stop");
}

scenario!(a_rolled_key_works_on_for_the_overlap, rolled);
async fn rolled(p: &TestPlatform) {
    let operations = p.platform.operations();
    let old = make(
        p,
        bound_to(&["127.0.0.1"]).until(p.now().plus_millis(30 * DAY_MS)),
    )
    .await;
    let roll = async |key: &NewApiKey, overlap| {
        operations
            .roll_api_key(&by(), &p.tenant.id, &key.key.id, overlap)
            .await
    };
    p.clock.advance_millis(10 * DAY_MS);
    let new = roll(&old, Overlap::Hour).await.expect("rolled");
    assert_eq!(new.key.scopes, old.key.scopes);
    assert_eq!(new.key.networks, old.key.networks);
    assert_eq!(new.key.expires_at, Some(p.now().plus_millis(30 * DAY_MS)));
    let again = roll(&old, Overlap::Hour).await;
    assert!(matches!(again, Err(OperationError::StateConflict { .. })));
    let url = p.platform.api_url();
    let (before, after) = (
        Api::new(&url, Some(old.secret.reveal())),
        Api::new(&url, Some(new.secret.reveal())),
    );
    p.clock.advance_millis(3_599_000);
    before.me().await.ok();
    after.me().await.ok();
    p.clock.advance_millis(1_000);
    before.me().await.problem(401, "unauthorized");
    after.me().await.ok();
    assert_eq!(kept(p, &old).await.successor, Some(new.key.id.clone()));
    let last = roll(&new, Overlap::None).await.expect("rolled");
    after.me().await.problem(401, "unauthorized");
    Api::new(&url, Some(last.secret.reveal())).me().await.ok();
    let foreign = p.another_tenant().await.id;
    let missing = operations
        .roll_api_key(&by(), &foreign, &last.key.id, Overlap::None)
        .await;
    assert!(matches!(missing, Err(OperationError::NotFound)));
}

scenario!(the_last_use_of_a_key_is_written_in_batches, used);
async fn used(p: &TestPlatform) {
    let operations = p.platform.operations();
    let (key, idle) = (make(p, wish()).await, make(p, wish()).await);
    let api = Api::new(&p.platform.api_url(), Some(key.secret.reveal()));
    api.me().await.ok();
    p.clock.advance_millis(5_000);
    api.me().await.ok();
    assert_eq!(kept(p, &key).await.last_use, None);
    assert_eq!(
        operations.write_credential_uses().await.expect("written"),
        1
    );
    let last = kept(p, &key).await.last_use.expect("a use");
    assert_eq!(last.at, p.now());
    assert_eq!(last.address, "127.0.0.1".parse().ok());
    p.clock.advance_millis(90 * DAY_MS - 5_000);
    assert!(!kept(p, &key).await.is_unused(p.now()));
    assert!(kept(p, &idle).await.is_unused(p.now()));
}

scenario!(a_wish_for_a_key_that_makes_no_sense_is_refused, senseless);
async fn senseless(p: &TestPlatform) {
    let operations = p.platform.operations();
    let named = |name: &str| ApiKeyWish::new(Mode::Test, name, Scope::ALL.to_vec());
    for (field, wish) in [
        ("/name", named("")),
        ("/name", named("a\nb")),
        ("/scopes", ApiKeyWish::new(Mode::Test, "none", vec![])),
        ("/expires_at", wish().until(p.now())),
    ] {
        let refused = operations.create_api_key(&by(), &p.tenant.id, wish).await;
        let Err(OperationError::Invalid(faults)) = refused else {
            panic!("{refused:?}");
        };
        assert_eq!(faults[0].field, field);
    }
}
