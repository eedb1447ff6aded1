//! Providers and their keys over the admin API: what comes in is checked, and live keys are used when two people stand
//! for them.

use reqwest::Method;
use serde_json::{Value, json};
use tributary_domain::ids::ProviderId;
use tributary_tests::api::fresh_key;
use tributary_tests::staff::Person;
use tributary_tests::{Answer, TestPlatform, scenario};
use wechatpay_sim::{KeyMode, NewProvider, ProviderKeys};

use crate::staff_isolation::send;

const PROVIDERS: &str = "/admin/v1/providers";

/// A merchant of WeChat's that is nobody's provider yet.
async fn merchant(p: &TestPlatform) -> ProviderKeys {
    let wish = NewProvider {
        key_mode: Some(KeyMode::PublicKey),
        ..NewProvider::default()
    };
    p.simulator.provider(wish).await.expect("a provider")
}

fn wish(keys: &ProviderKeys, mode: &str) -> Value {
    json!({
        "name": "A provider",
        "mode": mode,
        "sp_mchid": keys.sp_mchid,
        "sp_appid": keys.sp_appid,
        "private_key": keys.merchant_private_key_pem,
        "serial": keys.merchant_serial,
        "api_v3_key": keys.api_v3_key,
        "public_key": keys.wechatpay_public_key_pem,
        "public_key_id": keys.wechatpay_public_key_id,
    })
}

/// The ids of a provider's keys with their states, the oldest first.
async fn ring(person: &Person, provider: &str) -> Vec<(String, String)> {
    let path = format!("{PROVIDERS}/{provider}/keys");
    let ring = person.api.get(&path).await.ok();
    let keys = ring["data"].as_array().expect("keys").iter();
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    keys.map(|key| (text(&key["id"]), text(&key["state"])))
        .collect()
}

async fn on_key(person: &Person, key: &str, act: &str, body: Value) -> Answer {
    let path = format!("/admin/v1/provider-keys/{key}/{act}");
    send(&person.api, Method::POST, &path, &body).await
}

async fn is_ready(p: &TestPlatform, provider: &str) -> bool {
    let id: ProviderId = provider.parse().expect("an id");
    p.platform.operations().check_provider(&id).await.is_ok()
}

/// A person of the platform's operations, and an owner.
async fn two_people(p: &TestPlatform) -> (Person, Person) {
    let owner = p.owner("owner@example.com").await;
    let ops = p.invited(&owner, "ops@example.com", &["platform_ops"], None);
    let ops = ops.await;
    (ops, owner)
}

scenario!(
    a_provider_for_tests_is_ready_with_what_came_with_it,
    for_tests
);
async fn for_tests(p: &TestPlatform) {
    let (ops, owner) = two_people(p).await;
    let keys = merchant(p).await;
    let mut body = wish(&keys, "test");
    let nowhere = ops.api.post(PROVIDERS, &body, &fresh_key()).await;
    assert!(nowhere.names_field("/api_url"), "{}", nowhere.text);
    body["api_url"] = json!("ftp://wechat.example.com");
    let elsewhere = ops.api.post(PROVIDERS, &body, &fresh_key()).await;
    assert!(elsewhere.names_field("/api_url"), "{}", elsewhere.text);
    // Its keys would be used without a second person.
    for wechats in [
        "https://api.mch.weixin.qq.com/",
        "https://API2.mch.weixin.qq.com.",
    ] {
        body["api_url"] = json!(wechats);
        let real = ops.api.post(PROVIDERS, &body, &fresh_key()).await;
        assert!(real.names_field("/api_url"), "{}", real.text);
    }
    body["api_url"] = json!(p.simulator.base_url());
    let mut damaged = body.clone();
    damaged["api_v3_key"] = json!("too short");
    let refused = ops.api.post(PROVIDERS, &damaged, &fresh_key()).await;
    assert_eq!(refused.status, 422, "{}", refused.text);
    assert!(!refused.text.contains("too short"), "{}", refused.text);

    let key = fresh_key();
    let made = ops.api.post(PROVIDERS, &body, &key).await;
    assert_eq!(made.status, 201, "{}", made.text);
    assert!(!made.text.contains(&keys.api_v3_key), "{}", made.text);
    let again = ops.api.post(PROVIDERS, &body, &key).await.ok();
    assert_eq!(again["id"], made.body["id"]);
    let id = made.body["id"].as_str().expect("an id");
    let ring = ring(&ops, id).await;
    assert!(ring.iter().all(|(_, state)| state == "active"), "{ring:?}");
    assert_eq!(ring.len(), 3);
    assert!(is_ready(p, id).await);
    let taken = ops.api.post(PROVIDERS, &body, &fresh_key()).await;
    assert!(taken.names_field("/sp_mchid"), "{}", taken.text);

    let support = p.invited(&owner, "support@example.com", &["support"], None);
    let support = support.await;
    let refused = support.api.post(PROVIDERS, &body, &fresh_key()).await;
    refused.problem(403, "permission_denied");
    p.database
        .execute("UPDATE staff_sessions SET proven_at = 1")
        .await;
    let refused = ops.api.post(PROVIDERS, &body, &fresh_key()).await;
    refused.problem(403, "step_up_required");
    let audited = "SELECT COUNT(*) FROM audit_entries WHERE action = 'provider.created' \
                   AND entry LIKE '%operator%'";
    assert_eq!(p.database.count(audited).await, 0);
}

scenario!(
    a_live_provider_signs_nothing_until_two_people_stand_for_its_keys,
    live_provider
);
async fn live_provider(p: &TestPlatform) {
    let (ops, owner) = two_people(p).await;
    let keys = merchant(p).await;
    let mut body = wish(&keys, "live");
    body["api_url"] = json!(p.simulator.base_url());
    let elsewhere = ops.api.post(PROVIDERS, &body, &fresh_key()).await;
    assert!(elsewhere.names_field("/api_url"), "{}", elsewhere.text);
    body = wish(&keys, "live");
    let made = ops.api.post(PROVIDERS, &body, &fresh_key()).await.ok();
    let id = made["id"].as_str().expect("an id");
    assert!(!is_ready(p, id).await);
    // Its WeChat is the simulator, so that the keys can be tested.
    let url = p.simulator.base_url();
    let there =
        format!("UPDATE providers SET api_url = '{url}', backup_api_url = NULL WHERE id = '{id}'");
    assert_eq!(p.database.execute(&there).await, 1);
    let test = format!("{PROVIDERS}/{id}/test-keys");
    send(&ops.api, Method::POST, &test, &json!({})).await.ok();
    p.settle().await;
    assert_echo_opens(&ops).await;
    let ring_before = ring(&ops, id).await;
    assert_eq!(ring_before.len(), 3);
    for (key, state) in &ring_before {
        assert_eq!(state, "testing");
        let alone = on_key(&ops, key, "activate", json!({})).await;
        alone.problem(409, "approval_required");
        let own = on_key(&ops, key, "approve", json!({})).await;
        own.problem(403, "permission_denied");
        on_key(&owner, key, "approve", json!({})).await.ok();
        // Who approved does not activate.
        let both = on_key(&owner, key, "activate", json!({})).await;
        both.problem(409, "approval_required");
    }
    assert!(!is_ready(p, id).await);
    for (key, _) in &ring_before {
        let active = on_key(&ops, key, "activate", json!({})).await.ok();
        assert_eq!(
            (&active["state"], &active["approved_by"]),
            (&json!("active"), &json!(owner.id))
        );
    }
    assert!(is_ready(p, id).await);
}

/// The callback of a self-test is in the inbox, and opens although nothing signs for the provider yet.
async fn assert_echo_opens(person: &Person) {
    let inbox = "/admin/v1/notifications";
    let list = person.api.get(inbox).await.ok();
    let notice = &list["data"][0];
    let id = notice["id"].as_str().expect("a notification");
    let opened = person.api.get(&format!("{inbox}/{id}")).await.ok();
    let checks = opened["checks"].as_array().expect("checks");
    assert!(
        checks.iter().all(|check| check["holds"] == true),
        "{opened}"
    );
}

scenario!(
    a_kept_notification_of_a_provider_without_a_merchant_key_is_let_in,
    without_signer
);
async fn without_signer(p: &TestPlatform) {
    let (ops, _) = two_people(p).await;
    let order = p.paid_order(888).await;
    let path = format!("{PROVIDERS}/{}/keys", p.provider);
    let keys = ops.api.get(&path).await.ok();
    let mut keys = keys["data"].as_array().expect("keys").iter();
    let signer = keys.find(|key| key["kind"] == "merchant_certificate");
    let signer = signer.expect("a merchant key")["id"].as_str();
    let reason = json!({"reason": "it was on a stolen laptop"});
    let revoked = on_key(&ops, signer.expect("an id"), "revoke", reason).await;
    revoked.ok();
    assert!(!is_ready(p, p.provider.as_str()).await);
    let aside = "UPDATE notifications SET state = 'quarantined', verdict = 'undecryptable'";
    assert_eq!(p.database.execute(aside).await, 1);
    let inbox = "/admin/v1/notifications";
    let list = ops.api.get(inbox).await.ok();
    let id = list["data"][0]["id"].as_str().expect("a notification");
    ops.api.get(&format!("{inbox}/{id}")).await.ok();
    let again = format!("{inbox}/{id}/reprocess");
    let again = send(&ops.api, Method::POST, &again, &json!({})).await.ok();
    assert_eq!(again["notification"]["state"], "applied", "{again}");
    assert_eq!(p.seen(&order).await["state"], "paid");
}

scenario!(
    of_two_merchant_keys_that_are_activated_at_once_one_is_active,
    at_once
);
async fn at_once(p: &TestPlatform) {
    let (ops, _) = two_people(p).await;
    let import = format!("{PROVIDERS}/{}/keys", p.provider);
    let imported = async || {
        let keys = merchant(p).await;
        let body = json!({
            "kind": "merchant_certificate",
            "private_key": keys.merchant_private_key_pem,
            "serial": keys.merchant_serial,
        });
        let made = ops.api.post(&import, &body, &fresh_key()).await.ok();
        made["id"].as_str().expect("an id").to_owned()
    };
    let (one, two) = (imported().await, imported().await);
    let because = json!({"untested_because": "the old one leaked"});
    let (first, second) = futures::join!(
        on_key(&ops, &one, "activate", because.clone()),
        on_key(&ops, &two, "activate", because.clone()),
    );
    for answer in [first, second] {
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
    let active = format!(
        "SELECT COUNT(*) FROM provider_keys WHERE provider_id = '{}' \
         AND kind = 'merchant_certificate' AND state = 'active'",
        p.provider
    );
    assert_eq!(p.database.count(&active).await, 1);
}

scenario!(
    a_live_merchant_key_is_used_when_somebody_else_approved_it,
    live_key
);
async fn live_key(p: &TestPlatform) {
    let owner = p.owner("owner@example.com").await;
    let second = p.owner("second@example.com").await;
    let live = format!(
        "UPDATE providers SET mode = 'live' WHERE id = '{}'",
        p.provider
    );
    assert_eq!(p.database.execute(&live).await, 1);
    let keys = merchant(p).await;
    let import = format!("{PROVIDERS}/{}/keys", p.provider);
    let body = json!({
        "kind": "merchant_certificate",
        "private_key": keys.merchant_private_key_pem,
        "serial": keys.merchant_serial,
    });
    let imported = owner.api.post(&import, &body, &fresh_key()).await.ok();
    assert_eq!(imported["state"], "staged");
    let key = imported["id"].as_str().expect("an id");
    let untested = json!({"untested_because": "the old one leaked"});
    let alone = on_key(&owner, key, "activate", untested.clone()).await;
    alone.problem(409, "approval_required");
    let own = on_key(&owner, key, "approve", json!({})).await;
    own.problem(403, "own_request");
    on_key(&second, key, "approve", json!({})).await.ok();
    let both = on_key(&second, key, "activate", untested.clone()).await;
    both.problem(409, "approval_required");
    let active = on_key(&owner, key, "activate", untested).await.ok();
    assert_eq!(active["state"], "active");
    let states = ring(&owner, p.provider.as_str()).await;
    let retiring = states.iter().filter(|(_, state)| state == "retiring");
    assert_eq!(retiring.count(), 1, "{states:?}");
    for action in [
        "provider.key.imported",
        "provider.key.approved",
        "provider.key.activated",
    ] {
        let sql = format!(
            "SELECT COUNT(*) FROM audit_entries WHERE action = '{action}' AND entry LIKE '%{key}%'"
        );
        assert_eq!(p.database.count(&sql).await, 1, "{action}");
    }
}

scenario!(a_key_is_found_by_what_is_printed_on_it, printed);
async fn printed(p: &TestPlatform) {
    let owner = p.owner("owner@example.com").await;
    let path = format!("/admin/v1/tenants/{}/public-keys", p.tenant.id);
    let body = json!({
        "mode": "test", "name": "Signer", "scopes": ["orders:read"],
        "public_key": merchant(p).await.wechatpay_public_key_pem,
    });
    let registered = send(&owner.api, Method::POST, &path, &body).await.ok();
    let path = format!("{PROVIDERS}/{}/keys", p.provider);
    let list = owner.api.get(&path).await.ok();
    let mut keys = list["data"].as_array().expect("keys").iter();
    let merchant_key = keys.find(|key| key["kind"] == "merchant_certificate");
    let merchant_key = merchant_key.expect("a merchant key");
    let found = async |person: &Person, text: &Value| {
        let text = text.as_str().expect("a text");
        let path = format!("/admin/v1/search?q={text}");
        person.api.get(&path).await.ok()["data"].clone()
    };
    for name in ["serial", "fingerprint"] {
        let hits = found(&owner, &merchant_key[name]).await;
        assert_eq!(
            (&hits[0]["kind"], &hits[0]["id"]),
            (&json!("provider_key"), &merchant_key["id"]),
            "{hits}"
        );
    }
    let beginning: String =
        merchant_key["fingerprint"].as_str().expect("digits")[..10].to_uppercase();
    let hits = found(&owner, &json!(beginning)).await;
    assert_eq!(hits[0]["id"], merchant_key["id"], "{hits}");
    for name in ["serial", "fingerprint"] {
        let hits = found(&owner, &registered[name]).await;
        assert_eq!(
            (&hits[0]["kind"], &hits[0]["tenant_id"]),
            (&json!("tenant_certificate"), &json!(p.tenant.id)),
            "{hits}"
        );
    }
    // A member finds its tenant's certificates and nobody else's keys.
    let other = p.another_tenant().await;
    let roles = ["tenant_owner"];
    for (email, tenant, seen) in [
        ("own@example.com", &p.tenant.id, 1),
        ("other@example.com", &other.id, 0),
    ] {
        let member = p.invited(&owner, email, &roles, Some(tenant.as_str()));
        let member = member.await;
        let hits = found(&member, &registered["serial"]).await;
        assert_eq!(hits.as_array().map(Vec::len), Some(seen), "{email}");
        let hits = found(&member, &merchant_key["serial"]).await;
        assert_eq!(hits, json!([]), "{email}");
    }
}

scenario!(
    the_overview_tells_which_keys_end_and_the_system_its_migrations,
    ending
);
async fn ending(p: &TestPlatform) {
    const DAY_MS: i64 = 86_400_000;
    let owner = p.owner("owner@example.com").await;
    let in_days = |days: i64| p.now().plus_millis(days * DAY_MS + 1).as_millis();
    let path = format!("/admin/v1/tenants/{}/public-keys", p.tenant.id);
    for (name, days) in [("Soon", 10), ("Later", 181)] {
        let body = json!({
            "mode": "test", "name": name, "scopes": ["orders:read"],
            "public_key": merchant(p).await.wechatpay_public_key_pem,
        });
        let made = send(&owner.api, Method::POST, &path, &body).await.ok();
        let id = made["id"].as_str().expect("an id");
        let ends = in_days(days);
        let sql = format!("UPDATE tenant_certificates SET expires_at = {ends} WHERE id = '{id}'");
        assert_eq!(p.database.execute(&sql).await, 1);
    }
    let sql = format!(
        "UPDATE provider_keys SET not_after = {} WHERE kind = 'merchant_certificate'",
        in_days(30)
    );
    assert_eq!(p.database.execute(&sql).await, 1);
    let since = p.now().plus_millis(-DAY_MS).to_rfc3339();
    let health = format!("/admin/v1/statistics/health?mode=test&since={since}");
    let told = async |person: &Person| {
        let health = person.api.get(&health).await.ok();
        let keys = health["ending_keys"].as_array().expect("keys").clone();
        let shown = keys
            .into_iter()
            .map(|key| (key["kind"].clone(), key["days_left"].clone()));
        shown.collect::<Vec<_>>()
    };
    let tenants = (json!("tenant_certificate"), json!(10));
    let providers = (json!("provider_key"), json!(30));
    assert_eq!(told(&owner).await, [tenants.clone(), providers]);
    // The provider's world is test; its keys are no affair of the other, nor of one tenant's.
    let elsewhere = health.replace("mode=test", "mode=live");
    let elsewhere = owner.api.get(&elsewhere).await.ok();
    assert_eq!(elsewhere["ending_keys"], json!([]));
    let other = p.another_tenant().await;
    for (tenant, seen) in [(&p.tenant.id, 1), (&other.id, 0)] {
        let path = format!("{health}&tenant_id={tenant}");
        let of_one = owner.api.get(&path).await.ok();
        assert_eq!(of_one["hosts"], json!([]));
        let keys = of_one["ending_keys"].as_array().expect("keys");
        assert_eq!(keys.len(), seen, "{of_one}");
    }
    let roles = ["tenant_owner"];
    let member = p.invited(
        &owner,
        "own@example.com",
        &roles,
        Some(p.tenant.id.as_str()),
    );
    let member = member.await;
    assert_eq!(told(&member).await, [tenants]);
    let foreign = format!("{health}&tenant_id={}", other.id);
    member.api.get(&foreign).await.problem(404, "not_found");

    let system = owner.api.get("/admin/v1/system").await.ok();
    // The registry is the whole test process's.
    let process = &system["process"];
    assert!(process["window_seconds"].is_i64(), "{system}");
    let answered = process["requests"].as_array().expect("counts").iter();
    assert!(answered.clone().any(|one| one["name"] == "2xx"), "{system}");
    assert!(system["connections_open"].as_i64() > Some(0), "{system}");
    let migrations = system["migrations"].as_array().expect("migrations");
    assert_eq!(migrations[0]["name"], "m20261101_000001_create_tenants");
    assert!(migrations.iter().all(|one| one["applied_at"].is_string()));
}
