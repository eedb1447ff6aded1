//! What a person may reach is what it may do by now and by itself: files, streams, keys for programs, approvals, and the
//! way back for whoever lost what it signs in with.

use std::time::Duration;

use reqwest::{Client, Method};
use serde_json::{Value, json};
use tributary_domain::bill::BillDay;
use tributary_tests::api::fresh_key;
use tributary_tests::staff::{PASSWORD, Person, send};
use tributary_tests::{Answer, TestPlatform, scenario};
use wechatpay::credentials::generate_pem;

use crate::reconcile::{morning_after, reconcile};

const STAFF: &str = "/admin/v1/staff";
/// Longer than a stream takes to look at its session again.
const ENDS_WITHIN: Duration = Duration::from_secs(30);

async fn post(person: &Person, path: &str, body: Value) -> Answer {
    send(&person.api, Method::POST, path, &body).await
}

async fn member(p: &TestPlatform, owner: &Person, email: &str, role: &str) -> Person {
    let tenant = p.tenant.id.to_string();
    p.invited(owner, email, &[role], Some(&tenant)).await
}

scenario!(
    a_file_that_says_who_paid_is_for_whoever_may_export_payers,
    files
);
async fn files(p: &TestPlatform) {
    let owner = p.owner("owner@example.com").await;
    let boss = member(p, &owner, "boss@example.com", "tenant_owner").await;
    let finance = member(p, &owner, "finance@example.com", "tenant_finance").await;
    p.paid_order(888).await;
    let file_of = async |person: &Person, path: &str| {
        let started = post(person, path, json!({})).await;
        assert_eq!(started.status, 202, "{}", started.text);
        p.settle().await;
        format!(
            "/admin/v1/jobs/{}/result",
            started.body["id"].as_str().expect("an id")
        )
    };
    let orders = "/admin/v1/orders/export?mode=test";
    let with_payers = file_of(&boss, orders).await;
    let whole = boss.api.get(&with_payers).await;
    assert!(whole.text.contains(&p.tenant.openid), "{}", whole.text);
    let refused = finance.api.get(&with_payers).await;
    assert!(!refused.text.contains(&p.tenant.openid), "{}", refused.text);
    refused.problem(403, "permission_denied");
    let without = file_of(&finance, orders).await;
    for person in [&boss, &finance] {
        let file = person.api.get(&without).await;
        assert_eq!(file.status, 200, "{}", file.text);
        assert!(!file.text.contains(&p.tenant.openid), "{}", file.text);
    }
    // Who took which file away is in the log; what was refused took nothing.
    let log = "/admin/v1/audit?action=job.result_fetched&limit=100";
    let log = owner.api.get(log).await.ok();
    let mut fetched: Vec<(String, bool)> = log["data"]
        .as_array()
        .expect("entries")
        .iter()
        .map(|act| {
            let who = act["actor"].as_str().expect("a person").to_owned();
            let payers = act["after"]["payers"].as_bool();
            (who, payers.expect("whether it names payers"))
        })
        .collect();
    fetched.sort();
    let mut expected = vec![
        (boss.id.clone(), false),
        (boss.id.clone(), true),
        (finance.id.clone(), false),
    ];
    expected.sort();
    assert_eq!(fetched, expected, "{log}");
}

scenario!(refunds_are_exported_as_orders_are, refunds);
async fn refunds(p: &TestPlatform) {
    let owner = p.owner("owner@example.com").await;
    let finance = member(p, &owner, "finance@example.com", "tenant_finance").await;
    let viewer = member(p, &owner, "viewer@example.com", "tenant_viewer").await;
    let order = p.paid_order(888).await;
    let wish = json!({
        "order_id": order["id"], "merchant_refund_no": "back-1",
        "amount": {"refund": 300, "currency": "CNY"},
    });
    p.tenant.api.create_refund(&wish).await.ok();
    let path = "/admin/v1/refunds/export?mode=test";
    let unknown = format!("{path}&state=nowhere");
    let unknown = post(&finance, &unknown, json!({})).await;
    unknown.problem(422, "validation_failed");
    let refused = post(&viewer, path, json!({})).await;
    refused.problem(403, "permission_denied");
    let started = post(&finance, path, json!({})).await;
    assert_eq!(started.status, 202, "{}", started.text);
    assert_eq!(started.body["kind"], "export_refunds");
    p.settle().await;
    let id = started.body["id"].as_str().expect("an id");
    let file = finance
        .api
        .get(&format!("/admin/v1/jobs/{id}/result"))
        .await;
    assert!(file.text.contains("back-1"), "{}", file.text);
    let name = file.headers.get("content-disposition").expect("a name");
    assert_eq!(name, "attachment; filename=\"refunds.csv\"");
}

/// An open stream of changes, and what it has said so far.
struct Stream {
    answer: reqwest::Response,
    said: String,
}

impl Stream {
    /// Opens it and waits for its first words.
    async fn open(p: &TestPlatform, person: &Person) -> Self {
        let token = person.api.key().expect("a token");
        let client = Client::builder().no_proxy().build().expect("a client");
        let url = format!("{}/admin/v1/events", p.platform.api_url());
        let answer = client.get(url).bearer_auth(token).send().await;
        let mut stream = Self {
            answer: answer.expect("a stream"),
            said: String::new(),
        };
        stream.hear().await;
        stream
    }

    /// Takes what comes next; false at the end.
    async fn hear(&mut self) -> bool {
        let chunk = tokio::time::timeout(ENDS_WITHIN, self.answer.chunk()).await;
        let chunk = chunk.expect("in time").expect("an orderly end");
        let text = chunk.as_deref().map(String::from_utf8_lossy);
        self.said.push_str(text.as_deref().unwrap_or_default());
        chunk.is_some()
    }
}

scenario!(
    a_stream_of_changes_ends_with_the_session_and_tells_of_jobs_only_who_may_see_them,
    streams
);
async fn streams(p: &TestPlatform) {
    let owner = p.owner("owner@example.com").await;
    let viewer = member(p, &owner, "viewer@example.com", "tenant_viewer").await;
    let dev = member(p, &owner, "dev@example.com", "tenant_dev").await;
    let boss = member(p, &owner, "boss@example.com", "tenant_owner").await;
    let (mut of_viewer, mut of_dev) =
        futures::join!(Stream::open(p, &viewer), Stream::open(p, &dev));
    let export = "/admin/v1/orders/export?mode=test";
    let started = post(&boss, export, json!({})).await;
    assert_eq!(started.status, 202, "{}", started.text);
    while !of_dev.said.contains("event: job") {
        assert!(of_dev.hear().await, "{}", of_dev.said);
    }
    assert!(of_viewer.hear().await);
    let suspend = format!("{STAFF}/{}/suspend", viewer.id);
    let reason = json!({"reason": "left the company"});
    post(&owner, &suspend, reason.clone()).await.ok();
    let end = format!("{STAFF}/{}/end-sessions", dev.id);
    post(&owner, &end, reason).await.ok();
    // What was said before the end may still come; then it is over, long before its four minutes.
    let told = async |mut stream: Stream| {
        while stream.hear().await {}
        stream.said
    };
    let (viewers, devs) = futures::join!(told(of_viewer), told(of_dev));
    assert!(!viewers.contains("event: job"), "{viewers}");
    assert!(devs.contains("event: inbox"), "{devs}");
    p.settle().await;
}

scenario!(
    nobody_gives_a_live_program_what_it_may_not_do_itself,
    scopes
);
async fn scopes(p: &TestPlatform) {
    let owner = p.owner("owner@example.com").await;
    let dev = member(p, &owner, "dev@example.com", "tenant_dev").await;
    let boss = member(p, &owner, "boss@example.com", "tenant_owner").await;
    let of_tenant = format!("/admin/v1/tenants/{}", p.tenant.id);
    let keys = format!("{of_tenant}/api-keys");
    let (_, public) = generate_pem().expect("an RSA pair");
    let wish = |mode: &str, scopes: &[&str]| json!({"mode": mode, "name": "App", "scopes": scopes});
    let all = ["orders:write", "refunds:write"];
    let made = async |person: &Person, mode: &str, scopes: &[&str]| {
        let body = wish(mode, scopes);
        person.api.post(&keys, &body, &fresh_key()).await
    };
    let refused = made(&dev, "live", &all).await;
    assert_eq!(refused.status, 422, "{}", refused.text);
    assert!(refused.names_field("/scopes"), "{}", refused.text);
    assert!(refused.text.contains("refund:create"), "{}", refused.text);
    for (path, name, content) in [
        ("certificates", "csr", "not even looked at"),
        ("public-keys", "public_key", public.as_str()),
    ] {
        let mut body = wish("live", &all);
        body[name] = json!(content);
        let refused = post(&dev, &format!("{of_tenant}/{path}"), body).await;
        assert!(refused.names_field("/scopes"), "{path}: {}", refused.text);
    }
    // What it may do, it may give; and in test mode nothing is at stake.
    for (mode, scopes) in [
        ("live", &["orders:write", "refunds:read"]),
        ("test", &["orders:write", "refunds:write"]),
    ] {
        let made = made(&dev, mode, scopes).await;
        assert_eq!(made.status, 201, "{mode}: {}", made.text);
    }
    let given = made(&boss, "live", &all).await;
    assert_eq!(given.status, 201, "{}", given.text);
    // Rolling it would put its next secret into the hand of whoever rolls.
    let id = given.body["api_key"]["id"].as_str().expect("an id");
    let roll = format!("{keys}/{id}/roll");
    let body = json!({"overlap_hours": 0});
    let refused = dev.api.post(&roll, &body, &fresh_key()).await;
    refused.problem(403, "permission_denied");
    let rolled = boss.api.post(&roll, &body, &fresh_key()).await;
    assert_eq!(rolled.status, 201, "{}", rolled.text);
}

scenario!(
    an_account_that_the_requester_invited_is_no_second_person,
    invited_second
);
async fn invited_second(p: &TestPlatform) {
    let owner = p.owner("owner@example.com").await;
    let boss = member(p, &owner, "boss@example.com", "tenant_owner").await;
    let friend = member(p, &boss, "friend@example.com", "tenant_owner").await;
    let other = member(p, &owner, "other@example.com", "tenant_owner").await;
    let order = p.paid_order(2_000_000).await;
    let id = order["id"].as_str().expect("an id");
    let refund = async |person: &Person| {
        let body = json!({"refund": 1_500_000, "reason": "Sold out"});
        let path = format!("/admin/v1/orders/{id}/refunds");
        let asked = person.api.post(&path, &body, &fresh_key()).await;
        asked.problem(409, "approval_required");
    };
    refund(&boss).await;
    let pending = friend.api.get("/admin/v1/approvals?state=pending").await;
    let pending = pending.ok()["data"][0].clone();
    let actions = pending["actions"].as_array().expect("actions");
    assert!(
        actions.iter().all(|action| action["allowed"] == false),
        "{pending}"
    );
    let of = |what: &str| {
        let id = pending["id"].as_str().expect("an id");
        format!("/admin/v1/approvals/{id}/{what}")
    };
    let reason = json!({"reason": "the shop called"});
    for what in ["approve", "reject"] {
        let refused = post(&friend, &of(what), reason.clone()).await;
        let told = refused.problem(403, "own_request");
        let detail = told["detail"].as_str().expect("a detail");
        assert!(detail.contains("invited"), "{detail}");
    }
    // Nor one that the requester invited anew: it came by the requester's hand, whoever it was before.
    p.clock.advance_millis(31_000);
    let again = format!("{STAFF}/{}/reinvite", other.id);
    let again = post(&boss, &again, json!({"reason": "forgot"})).await.ok();
    let token = again["invitation_token"].as_str().expect("a token");
    let other = p.come(&other.email, token).await;
    let refused = post(&other, &of("approve"), reason.clone()).await;
    refused.problem(403, "own_request");
    let third = member(p, &owner, "third@example.com", "tenant_owner").await;
    let approved = post(&third, &of("approve"), reason).await.ok();
    assert_eq!(approved["state"], "done", "{approved}");
}

scenario!(who_forgot_everything_comes_back_by_an_invitation, way_back);
async fn way_back(p: &TestPlatform) {
    let owner = p.owner("owner@example.com").await;
    let second = p.owner("second@example.com").await;
    let finance = ["platform_finance"];
    let lost = p.invited(&owner, "lost@example.com", &finance, None).await;
    let reinvite = |id: &str| format!("{STAFF}/{id}/reinvite");
    let reason = json!({"reason": "lost the telephone"});
    let denied = post(&lost, &reinvite(&second.id), reason.clone()).await;
    denied.problem(403, "permission_denied");
    let own = post(&owner, &reinvite(&owner.id), reason.clone()).await;
    own.problem(403, "own_request");
    let peer = post(&owner, &reinvite(&second.id), reason.clone()).await;
    peer.problem(409, "state_conflict");
    let unsaid = post(&owner, &reinvite(&lost.id), json!({"reason": " "})).await;
    assert!(unsaid.names_field("/reason"), "{}", unsaid.text);

    let again = post(&owner, &reinvite(&lost.id), reason.clone()).await.ok();
    assert_eq!(again["staff"]["state"], "invited");
    assert_eq!(again["staff"]["second_factor"], false);
    let me = lost.api.get("/admin/v1/me").await;
    me.problem(401, "unauthorized");
    let old = json!({"email": lost.email, "password": PASSWORD, "otp": p.code(&lost)});
    let old = p.sign_in(&old).await;
    old.problem(401, "invalid_credentials");
    let twice = post(&owner, &reinvite(&lost.id), reason).await;
    twice.problem(409, "state_conflict");
    let token = again["invitation_token"].as_str().expect("a token");
    let back = p.come(&lost.email, token).await;
    assert_eq!(back.id, lost.id);
    assert_ne!(back.totp, lost.totp, "the second factor is another");
    let me = back.api.get("/admin/v1/me").await.ok();
    assert_eq!(me["roles"], json!(finance));
    let audited = format!(
        "SELECT COUNT(*) FROM audit_entries WHERE action = 'staff.invited.again' \
         AND target = '{}' AND actor = '{}'",
        lost.id, owner.id
    );
    assert_eq!(p.database.count(&audited).await, 1);
}

scenario!(
    the_log_says_who_read_payers_in_clear_and_who_fetched_a_bill,
    readings
);
async fn readings(p: &TestPlatform) {
    let owner = p.owner("owner@example.com").await;
    let finance = ["platform_finance"];
    let finance = p.invited(&owner, "li@example.com", &finance, None).await;
    let support = p.invited(&owner, "su@example.com", &["support"], None);
    let support = support.await;
    let order = p.paid_order(888).await;
    let id = order["id"].as_str().expect("an id");
    let noted = async |person: &Person| {
        let sql = format!(
            "SELECT COUNT(*) FROM audit_entries WHERE action = 'payer.read' AND actor = '{}'",
            person.id
        );
        p.database.count(&sql).await
    };
    for person in [&finance, &support] {
        for path in [
            format!("/admin/v1/orders/{id}"),
            "/admin/v1/orders?mode=test".to_owned(),
        ] {
            for _ in 0..2 {
                person.api.get(&path).await.ok();
            }
        }
    }
    // The order and the list, each once an hour; nothing of whoever sees stars.
    assert_eq!((noted(&finance).await, noted(&support).await), (2, 0));
    let day = BillDay::of(p.now());
    morning_after(p, day).await;
    reconcile(p).await;
    let finance = p.signed_in_again(&finance).await;
    let bills = finance.api.get("/admin/v1/bills?mode=test").await.ok();
    let bill = bills["data"][0]["id"].as_str().expect("a bill");
    let content = format!("/admin/v1/bills/{bill}/content");
    assert_eq!(finance.api.get(&content).await.status, 200);
    let sql = format!(
        "SELECT COUNT(*) FROM audit_entries WHERE action = 'bill.downloaded' AND target = '{bill}'"
    );
    assert_eq!(p.database.count(&sql).await, 1);
}
