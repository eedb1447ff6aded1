//! People who manage the platform: how they come, what they may do, what takes two of them, and what the log says.

use reqwest::Method;
use serde_json::{Value, json};
use tributary_tests::api::fresh_key;
use tributary_tests::staff::{PASSWORD, send};
use tributary_tests::{Answer, Person, TestPlatform, scenario};
use wechatpay_sim::RefundResult;

use crate::refund::ending;

const STAFF: &str = "/admin/v1/staff";

async fn post(person: &Person, path: &str, body: Value) -> Answer {
    send(&person.api, Method::POST, path, &body).await
}

async fn suspend(by: &Person, id: &str) -> Answer {
    let path = format!("{STAFF}/{id}/suspend");
    post(by, &path, json!({"reason": "left the company"})).await
}

/// What the log says was done, the oldest first.
async fn log_of(person: &Person) -> Vec<String> {
    let page = person.api.get("/admin/v1/audit?limit=100").await.ok();
    let mut actions: Vec<String> = page["data"]
        .as_array()
        .expect("entries")
        .iter()
        .map(|entry| entry["action"].as_str().expect("an action").to_owned())
        .collect();
    actions.reverse();
    actions
}

scenario!(
    an_owner_comes_enrols_and_invites_and_the_log_shows_it_all,
    comes
);
async fn comes(p: &TestPlatform) {
    let owner = p.owner("owner@example.com").await;
    assert_eq!(owner.recovery_codes.len(), 10);
    let finance = p
        .invited(&owner, "finance@example.com", &["platform_finance"], None)
        .await;
    let me = finance.api.get("/admin/v1/me").await.ok();
    let permissions = me["permissions"].as_array().expect("permissions").clone();
    assert!(permissions.contains(&json!("refund:approve")));
    assert!(!permissions.contains(&json!("key:import")));
    assert_eq!(me["scope"], "provider");
    let refused = finance.api.get("/admin/v1/audit").await;
    let told = refused.problem(403, "permission_denied");
    assert!(
        told["detail"]
            .as_str()
            .expect("a detail")
            .contains("audit:read")
    );
    let body = json!({"email": "x@example.com", "name": "X", "roles": ["support"]});
    let refused = finance.api.post(STAFF, &body, &fresh_key()).await;
    refused.problem(403, "permission_denied");
    cannot_import(p, &finance).await;
    two_stand_for_a_refund(p, &finance, &owner).await;
    log_shows_it_all(&owner, &finance).await;
}

/// Keys are not the affair of who looks after money.
async fn cannot_import(p: &TestPlatform, finance: &Person) {
    let path = format!("/admin/v1/providers/{}/keys", p.provider);
    let body = json!({
        "kind": "wechat_public_key",
        "public_key": p.keys.wechatpay_public_key_pem,
        "public_key_id": "PUB_KEY_ID_0119000001092024",
    });
    let refused = finance.api.post(&path, &body, &fresh_key()).await;
    let told = refused.problem(403, "permission_denied");
    let detail = told["detail"].as_str().expect("a detail");
    assert!(detail.contains("key:import"), "{detail}");
}

/// What one asks for above the limit, another lets go.
async fn two_stand_for_a_refund(p: &TestPlatform, asks: &Person, decides: &Person) {
    let order = p.paid_order(2_000_000).await;
    let path = format!(
        "/admin/v1/orders/{}/refunds",
        order["id"].as_str().expect("an id")
    );
    let body = json!({"refund": 2_000_000, "reason": "Sold out"});
    let asked = asks.api.post(&path, &body, &fresh_key()).await;
    asked.problem(409, "approval_required");
    let waits = decides.api.get("/admin/v1/approvals?state=pending").await;
    let waits = waits.ok()["data"][0].clone();
    assert_eq!(waits["requested_by"], asks.id.as_str());
    let id = waits["id"].as_str().expect("an id");
    let approve = format!("/admin/v1/approvals/{id}/approve");
    let reason = json!({"reason": "the shop called"});
    post(asks, &approve, reason.clone())
        .await
        .problem(403, "own_request");
    let approved = post(decides, &approve, reason).await.ok();
    assert_eq!(approved["state"], "done", "{approved}");
    assert_eq!(approved["decided_by"], decides.id.as_str());
    assert_eq!(p.seen(&order).await["amount"]["refunding"], 2_000_000);
}

async fn log_shows_it_all(owner: &Person, finance: &Person) {
    let said = log_of(owner).await;
    for action in [
        "staff.invited",
        "staff.came",
        "session.began",
        "staff.second_factor.enrolled",
    ] {
        let times = said.iter().filter(|said| *said == action).count();
        assert!(times >= 2, "{action}: {said:?}");
    }
    let by = async |action: &str| {
        let path = format!("/admin/v1/audit?action={action}");
        let page = owner.api.get(&path).await.ok();
        assert_eq!(
            page["data"].as_array().map(Vec::len),
            Some(1),
            "{action}: {page}"
        );
        page["data"][0]["actor"].clone()
    };
    assert_eq!(by("approval.asked").await, finance.id.as_str());
    assert_eq!(by("approval.approved").await, owner.id.as_str());
    let checked = owner.api.get("/admin/v1/audit/verification").await.ok();
    assert_eq!(
        (&checked["holds"], &checked["whole"]),
        (&json!(true), &json!(true))
    );
    let file = owner
        .api
        .get("/admin/v1/audit/export?action=staff.came")
        .await;
    assert_eq!(file.text.lines().count(), 3, "{}", file.text);
    // Entries of one instant in several chains have no order among each other.
    let said = log_of(owner).await;
    assert!(said.iter().any(|said| said == "audit.exported"), "{said:?}");
}

scenario!(
    a_person_without_the_second_factor_it_needs_may_only_enrol,
    enrol_first
);
async fn enrol_first(p: &TestPlatform) {
    let owner = p.owner("owner@example.com").await;
    let body = json!({"email": "ops@example.com", "name": "Ops", "roles": ["platform_ops"]});
    let invited = owner.api.post(STAFF, &body, &fresh_key()).await.ok();
    let taken = json!({"token": invited["invitation_token"], "password": PASSWORD});
    let accept = "/admin/v1/invitations/accept";
    send(&p.browser(), Method::POST, accept, &taken).await.ok();
    let again = send(&p.browser(), Method::POST, accept, &taken).await;
    again.problem(401, "invalid_credentials");
    let opened = p
        .sign_in(&json!({"email": "ops@example.com", "password": PASSWORD}))
        .await
        .ok();
    assert_eq!(opened["second_factor_enrolment_required"], true);
    let token = opened["access_token"].as_str().expect("a token");
    let api = tributary_tests::Api::new(&p.platform.api_url(), Some(token));
    for path in [STAFF, "/admin/v1/permissions", "/admin/v1/approvals"] {
        let refused = api.get(path).await;
        refused.problem(403, "second_factor_enrolment_required");
    }
    let me = api.get("/admin/v1/me").await.ok();
    assert_eq!(me["permissions"], json!([]));
}

scenario!(an_approval_takes_two_people, two_people);
async fn two_people(p: &TestPlatform) {
    let owner = p.owner("owner@example.com").await;
    let ops = p
        .invited(&owner, "ops@example.com", &["platform_ops"], None)
        .await;
    let body = json!({"email": "o@example.com", "name": "O", "roles": ["platform_owner"]});
    let alone = owner.api.post(STAFF, &body, &fresh_key()).await;
    alone.problem(409, "approval_required");
    let path = format!("{STAFF}/{}/ownership", ops.id);
    let asked = post(&owner, &path, json!({"reason": "takes over"})).await;
    assert_eq!(asked.status, 202, "{}", asked.text);
    let id = asked.body["id"].as_str().expect("an id").to_owned();
    // Whoever did not hear the answer asks again.
    let twice = post(&owner, &path, json!({"reason": "takes over"})).await;
    assert_eq!(twice.body["id"], id.as_str(), "{}", twice.text);
    let approve = format!("/admin/v1/approvals/{id}/approve");
    let reason = json!({"reason": "agreed on Monday"});
    let own = post(&owner, &approve, reason.clone()).await;
    own.problem(403, "own_request");
    let unseen = post(&ops, &approve, reason.clone()).await;
    unseen.problem(404, "not_found");
    let second = p.owner("second@example.com").await;
    let approved = post(&second, &approve, reason.clone()).await.ok();
    assert_eq!(approved["state"], "done");
    assert_eq!(approved["decided_by"], second.id.as_str());
    let again = post(&second, &approve, reason).await;
    again.problem(409, "state_conflict");
    ops.api
        .get("/admin/v1/me")
        .await
        .problem(401, "unauthorized");
    let ops = p.signed_in_again(&ops).await;
    let me = ops.api.get("/admin/v1/me").await.ok();
    assert_eq!(me["roles"], json!(["platform_owner"]));
    let said = log_of(&second).await;
    for action in [
        "approval.asked",
        "approval.approved",
        "staff.ownership.granted",
    ] {
        assert!(said.iter().any(|said| said == action), "{action}: {said:?}");
    }
}

scenario!(
    a_refund_above_the_limit_goes_when_a_second_person_lets_it,
    refund_above_limit
);
async fn refund_above_limit(p: &TestPlatform) {
    let owner = p.owner("owner@example.com").await;
    let roles = ["platform_finance"];
    let asks = p.invited(&owner, "li@example.com", &roles, None).await;
    let decides = p.invited(&owner, "wu@example.com", &roles, None).await;
    let order = p.paid_order(2_000_000).await;
    let path = format!(
        "/admin/v1/orders/{}/refunds",
        order["id"].as_str().expect("an id")
    );
    let refund = async |amount: i64, key: &str| {
        let body = json!({"refund": amount, "reason": "Sold out"});
        asks.api.post(&path, &body, key).await
    };
    refund(600_000, &fresh_key()).await.ok();
    // Half a million more is below the limit by itself, and not with what went before. Whoever does not hear the answer
    // asks again.
    let key = fresh_key();
    for _ in 0..2 {
        let asked = refund(500_000, &key).await;
        asked.problem(409, "approval_required");
    }
    let other = refund(500_000, &fresh_key()).await;
    other.problem(409, "state_conflict");
    let pending = asks.api.get("/admin/v1/approvals?state=pending").await.ok();
    assert_eq!(pending["data"].as_array().map(Vec::len), Some(1));
    let id = pending["data"][0]["id"].as_str().expect("an id").to_owned();
    let approve = format!("/admin/v1/approvals/{id}/approve");
    let reason = json!({"reason": "the shop called"});
    post(&asks, &approve, reason.clone())
        .await
        .problem(403, "own_request");
    let approved = post(&decides, &approve, reason.clone()).await.ok();
    assert_eq!(approved["state"], "done", "{approved}");
    post(&decides, &approve, reason)
        .await
        .problem(409, "state_conflict");
    // Refunds of one order keep their distance.
    p.advance_seconds(61).await;
    let at_wechat = p.simulator.ledger().refunds;
    assert_eq!(at_wechat.len(), 2);
    for refund in &at_wechat {
        let success = ending(RefundResult::Success);
        p.simulator
            .settle_refund(&refund.out_refund_no, &success)
            .expect("a result");
    }
    p.settle().await;
    let amount = &p.seen(&order).await["amount"];
    assert_eq!(amount["refunded"], 1_100_000, "{amount}");
}

scenario!(
    of_refunds_at_once_those_pass_that_are_together_within_the_limit,
    refunds_at_once
);
async fn refunds_at_once(p: &TestPlatform) {
    let owner = p.owner("owner@example.com").await;
    let roles = ["platform_finance"];
    let asks = p.invited(&owner, "li@example.com", &roles, None).await;
    let order = p.paid_order(5_000_000).await;
    let path = format!(
        "/admin/v1/orders/{}/refunds",
        order["id"].as_str().expect("an id")
    );
    // Each is below the limit of a million alone, and no two of them are together.
    let asking = (0..5).map(async |number| {
        let body = json!({
            "refund": 999_999, "reason": "Sold out", "merchant_refund_no": format!("at-once-{number}"),
        });
        asks.api.post(&path, &body, &fresh_key()).await
    });
    let answers = futures::future::join_all(asking).await;
    let passed = answers.iter().filter(|one| one.status.is_success());
    assert_eq!(passed.count(), 1, "{answers:?}");
    let refused = answers.iter().filter(|one| one.status == 409);
    assert_eq!(refused.count(), 4, "{answers:?}");
    let made = "SELECT COUNT(*) FROM refunds";
    assert_eq!(p.database.count(made).await, 1);
    let asked = "SELECT COUNT(*) FROM approvals";
    assert!(p.database.count(asked).await > 0);
}

scenario!(a_request_that_nobody_decides_expires, expires);
async fn expires(p: &TestPlatform) {
    let owner = p.owner("owner@example.com").await;
    let ops = p
        .invited(&owner, "ops@example.com", &["platform_ops"], None)
        .await;
    let path = format!("{STAFF}/{}/ownership", ops.id);
    let asked = post(&owner, &path, json!({"reason": "takes over"}))
        .await
        .ok();
    let id = asked["id"].as_str().expect("an id");
    p.clock.advance_millis(24 * 3_600_000);
    let second = p.owner("second@example.com").await;
    let approve = format!("/admin/v1/approvals/{id}/approve");
    let late = post(&second, &approve, json!({"reason": "agreed"})).await;
    late.problem(409, "state_conflict");
    let expired = p.platform.operations().expire_approvals().await;
    assert_eq!(expired.expect("it runs"), 1);
    let read = second
        .api
        .get(&format!("/admin/v1/approvals/{id}"))
        .await
        .ok();
    assert_eq!(read["state"], "expired");
}

scenario!(an_edit_names_the_version_that_it_changes, versions);
async fn versions(p: &TestPlatform) {
    let owner = p.owner("owner@example.com").await;
    let support = p
        .invited(&owner, "support@example.com", &["support"], None)
        .await;
    let path = format!("{STAFF}/{}", support.id);
    let read = owner.api.get(&path).await;
    let etag = read.headers["etag"].to_str().expect("a tag").to_owned();
    let edit = async |tag: Option<&str>, body: Value| {
        let mut headers = vec![("content-type", "application/json")];
        headers.extend(tag.map(|tag| ("if-match", tag)));
        let body = Some(body.to_string().into_bytes());
        owner.api.send(Method::PATCH, &path, &headers, body).await
    };
    let name = json!({"name": "Support"});
    edit(None, name.clone())
        .await
        .problem(428, "precondition_required");
    edit(Some("7"), name.clone())
        .await
        .problem(422, "validation_failed");
    let edited = edit(Some(&etag), name.clone()).await;
    assert_ne!(edited.headers["etag"].to_str().expect("a tag"), etag);
    edit(Some(&etag), name)
        .await
        .problem(412, "version_conflict");
    let next = edited.headers["etag"].to_str().expect("a tag").to_owned();
    let roles = json!({"roles": ["support", "auditor"]});
    let edited = edit(Some(&next), roles).await.ok();
    assert_eq!(edited["roles"], json!(["support", "auditor"]));
    support
        .api
        .get("/admin/v1/me")
        .await
        .problem(401, "unauthorized");
}

scenario!(the_same_invitation_twice_is_one, once);
async fn once(p: &TestPlatform) {
    let owner = p.owner("owner@example.com").await;
    let (key, other) = (fresh_key(), fresh_key());
    let body = json!({"email": "a@example.com", "name": "A", "roles": ["support"]});
    let first = owner.api.post(STAFF, &body, &key).await;
    let again = owner.api.post(STAFF, &body, &key).await;
    assert_eq!(first.status, 201, "{}", first.text);
    assert_eq!((again.status, &again.body), (first.status, &first.body));
    assert_eq!(again.headers["idempotent-replayed"], "true");
    let taken = owner.api.post(STAFF, &body, &other).await;
    assert!(taken.names_field("/email"), "{}", taken.text);
    let changed = json!({"email": "b@example.com", "name": "B", "roles": ["support"]});
    let reused = owner.api.post(STAFF, &changed, &key).await;
    reused.problem(422, "idempotency_key_reused");
    // A refusal frees its key.
    let mended = owner.api.post(STAFF, &changed, &other).await;
    assert_eq!(mended.status, 201, "{}", mended.text);
}

scenario!(who_is_suspended_is_out_at_once, suspended);
async fn suspended(p: &TestPlatform) {
    let owner = p.owner("owner@example.com").await;
    let support = p
        .invited(&owner, "support@example.com", &["support"], None)
        .await;
    suspend(&owner, &owner.id).await.problem(403, "own_request");
    suspend(&support, &owner.id)
        .await
        .problem(403, "permission_denied");
    let out = suspend(&owner, &support.id).await.ok();
    assert_eq!(out["state"], "suspended");
    support
        .api
        .get("/admin/v1/me")
        .await
        .problem(401, "unauthorized");
    let barred = p
        .sign_in(&json!({"email": support.email, "password": PASSWORD, "otp": p.code(&support)}))
        .await;
    barred.problem(401, "invalid_credentials");
    let path = format!("{STAFF}/{}/reactivate", support.id);
    let back = post(&owner, &path, json!({"reason": "is back"})).await.ok();
    assert_eq!(back["state"], "active");
    p.signed_in_again(&support).await;
    let second = p.owner("second@example.com").await;
    suspend(&second, &owner.id).await.ok();
    owner
        .api
        .get("/admin/v1/me")
        .await
        .problem(401, "unauthorized");
}

scenario!(what_is_wrong_with_a_request_is_named, faults);
#[expect(clippy::too_many_lines, reason = "a table of faults")]
async fn faults(p: &TestPlatform) {
    let owner = p.owner("owner@example.com").await;
    for (body, field) in [
        (
            json!({"email": "x", "name": "X", "roles": ["support"]}),
            "/email",
        ),
        (
            json!({"email": "x@y.z", "name": " ", "roles": ["support"]}),
            "/name",
        ),
        (
            json!({"email": "x@y.z", "name": "X", "roles": []}),
            "/roles",
        ),
        (
            json!({"email": "x@y.z", "name": "X", "roles": ["tenant_dev"]}),
            "/roles",
        ),
        (
            json!({"email": "x@y.z", "name": "X", "roles": ["god"]}),
            "/roles/0",
        ),
        (
            json!({"email": "x@y.z", "name": "X", "roles": ["support", "support"]}),
            "/roles",
        ),
        (
            json!({"email": "x@y.z", "name": "X", "roles": ["support"], "admin": true}),
            "/admin",
        ),
        (
            json!({"email": "x@y.z", "name": "X\u{0}", "roles": ["support"]}),
            "/name",
        ),
        (
            json!({"email": 7, "name": "X", "roles": ["support"]}),
            "/email",
        ),
        (
            json!({"email": "x@y.z", "name": "X", "roles": ["support"], "tenant_id": "no"}),
            "/tenant_id",
        ),
    ] {
        let refused = owner.api.post(STAFF, &body, &fresh_key()).await;
        assert!(refused.names_field(field), "{body}: {}", refused.text);
        refused.problem(422, "validation_failed");
    }
    for query in [
        "limit=0",
        "limit=101",
        "cursor=x",
        "state=gone",
        "tenant_id=x",
    ] {
        let refused = owner.api.get(&format!("{STAFF}?{query}")).await;
        refused.problem(422, "validation_failed");
    }
    for query in ["since=yesterday", "cursor=1.2", "tenant_id=prv_1"] {
        let refused = owner.api.get(&format!("/admin/v1/audit?{query}")).await;
        refused.problem(422, "validation_failed");
    }
    let path = format!("{STAFF}/{}/suspend", owner.id);
    let empty = post(&owner, &path, json!({"reason": "two\nlines"})).await;
    assert!(!empty.status.is_success(), "{}", empty.text);
    owner
        .api
        .get(&format!("{STAFF}/nobody"))
        .await
        .problem(404, "not_found");
}

scenario!(what_matters_needs_a_fresh_proof, step_up);
async fn step_up(p: &TestPlatform) {
    let owner = p.owner("owner@example.com").await;
    p.clock.advance_millis(4 * 60_000);
    let renewed = p.renew(&owner.cookie, &owner.csrf).await.ok();
    let token = renewed["access_token"].as_str().expect("a token");
    let api = tributary_tests::Api::new(&p.platform.api_url(), Some(token));
    p.clock.advance_millis(2 * 60_000);
    let body = json!({"email": "a@example.com", "name": "A", "roles": ["support"]});
    let refused = api.post(STAFF, &body, &fresh_key()).await;
    refused.problem(403, "step_up_required");
    let step_up = "/admin/v1/session/step-up";
    let wrong = send(
        &api,
        Method::POST,
        step_up,
        &json!({"password": "not the password"}),
    )
    .await;
    wrong.problem(401, "invalid_credentials");
    let both = send(&api, Method::POST, step_up, &json!({})).await;
    both.problem(422, "validation_failed");
    let proven = send(&api, Method::POST, step_up, &json!({"otp": p.code(&owner)})).await;
    assert_eq!(proven.status, 204, "{}", proven.text);
    let invited = api.post(STAFF, &body, &fresh_key()).await;
    assert_eq!(invited.status, 201, "{}", invited.text);
}

scenario!(
    who_lost_the_telephone_comes_back_with_a_code_or_with_help,
    lost
);
async fn lost(p: &TestPlatform) {
    let owner = p.owner("owner@example.com").await;
    let support = p
        .invited(&owner, "support@example.com", &["support"], None)
        .await;
    let with = |code: &str| json!({"email": support.email, "password": PASSWORD, "recovery_code": code.to_lowercase()});
    let code = &support.recovery_codes[0];
    p.sign_in(&with(code)).await.ok();
    p.sign_in(&with(code))
        .await
        .problem(401, "invalid_credentials");
    let path = format!("{STAFF}/{}/reset-second-factor", support.id);
    let reset = post(&owner, &path, json!({"reason": "seen in person"})).await;
    assert_eq!(reset.status, 204, "{}", reset.text);
    let opened = p
        .sign_in(&json!({"email": support.email, "password": PASSWORD}))
        .await
        .ok();
    assert_eq!(opened["second_factor_enrolment_required"], true);
}
