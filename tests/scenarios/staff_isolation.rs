//! No operation of the admin API lets a tenant's member see or touch what belongs to another tenant.
//!
//! The document drives the test: an operation that names a thing in its path and has no entry here fails it.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};
use tributary_domain::rehearsal;
use tributary_domain::staff::Actor;
use tributary_tests::api::fresh_key;
use tributary_tests::{
    Answer, Api, Backend, TestPlatform, TestTenant, run_on_one_thread, scenario,
};

const PASSWORD: &str = "a long way to the river";

/// Somebody who is signed in.
struct Member {
    id: String,
    session: String,
    api: Api,
}

async fn send(api: &Api, method: Method, path: &str, body: &Value) -> Answer {
    let key = fresh_key();
    let headers = [
        ("content-type", "application/json"),
        ("if-match", "\"1\""),
        ("idempotency-key", key.as_str()),
    ];
    api.send(method, path, &headers, Some(body.to_string().into_bytes()))
        .await
}

/// Takes an invitation up and signs in. A second factor is planted, which tests of signing in are about.
async fn come(p: &TestPlatform, email: &str, token: &str) -> Member {
    let browser = Api::new(&p.platform.api_url(), None);
    let taken = json!({"token": token, "password": PASSWORD});
    let came = send(
        &browser,
        Method::POST,
        "/admin/v1/invitations/accept",
        &taken,
    )
    .await;
    let id = came.ok()["id"].as_str().expect("an id").to_owned();
    let shown = json!({"email": email, "password": PASSWORD});
    let opened = send(&browser, Method::POST, "/admin/v1/session", &shown).await;
    let enrolled = format!("UPDATE staff SET totp_enrolled_at = 1 WHERE id = '{id}'");
    assert_eq!(p.database.execute(&enrolled).await, 1);
    let opened = opened.ok();
    let token = opened["access_token"].as_str().expect("a token");
    let api = Api::new(&p.platform.api_url(), Some(token));
    let open = api.get("/admin/v1/sessions").await.ok();
    Member {
        id,
        session: open["data"][0]["id"].as_str().expect("an id").to_owned(),
        api,
    }
}

async fn owner(p: &TestPlatform) -> Member {
    let email = "owner@example.com";
    let by = Actor::system("test");
    let invited = p.platform.operations().create_owner(&by, email, "An owner");
    let invited = invited.await.expect("an invitation");
    come(p, email, invited.token.reveal()).await
}

async fn member(p: &TestPlatform, owner: &Member, tenant: &TestTenant, email: &str) -> Member {
    let wish = json!({
        "email": email, "name": "A member", "roles": ["tenant_owner"], "tenant_id": tenant.id,
    });
    let invited = owner.api.post("/admin/v1/staff", &wish, &fresh_key()).await;
    let invited = invited.ok();
    let token = invited["invitation_token"].as_str().expect("a token");
    come(p, email, token).await
}

/// What an operation is sent that names a thing in its path; nothing for one that nobody has thought about.
fn body_of(operation: &str) -> Option<Value> {
    Some(match operation {
        "endSession" | "getStaff" | "listStaffSessions" | "renewInvitation" => json!({}),
        "updateStaff" => json!({"name": "Mine now"}),
        "suspendStaff" | "reactivateStaff" | "resetSecondFactor" | "endStaffSessions" => {
            json!({"reason": "because"})
        }
        "listApiKeys" | "revokeApiKey" | "listCertificates" | "getCertificate"
        | "revokeCertificate" => json!({}),
        "createApiKey" => json!({"mode": "test", "name": "mine", "scopes": ["orders:read"]}),
        "rollApiKey" => json!({"overlap_hours": 0}),
        "issueCertificate" => {
            json!({"mode": "test", "name": "mine", "scopes": ["orders:read"], "csr": "x"})
        }
        "registerPublicKey" => {
            json!({"mode": "test", "name": "mine", "scopes": ["orders:read"], "public_key": "x"})
        }
        _ => return None,
    })
}

/// The operations by which the thief reached something of the victim's.
async fn reached(thief: &Api, victim: &Member, of: &TestTenant) -> BTreeSet<String> {
    let document: Value =
        serde_json::from_str(tributary_http::admin_document()).expect("the document is JSON");
    let paths = document["paths"].as_object().expect("paths");
    let mut reached = BTreeSet::new();
    for (path, methods) in paths.iter().filter(|(path, _)| path.contains('{')) {
        for (method, operation) in methods.as_object().expect("methods") {
            let name = operation["operationId"].as_str().expect("a name");
            let body = body_of(name);
            let body = body.unwrap_or_else(|| panic!("{name} has no entry in this test: add one"));
            let filled = path
                .replace("{staff_id}", &victim.id)
                .replace("{session_id}", &victim.session)
                .replace("{tenant_id}", of.id.as_str())
                .replace("{key_id}", "key_01JAE000A1B2C3D4E5F6G7H8JK")
                .replace("{certificate_id}", "crt_01JAE000A1B2C3D4E5F6G7H8JK");
            assert!(!filled.contains('{'), "{path}: an unknown parameter");
            let method = method.to_uppercase().parse().expect("a method");
            let answer = send(thief, method, &filled, &body).await;
            if ![403, 404].contains(&answer.status.as_u16()) {
                reached.insert(format!("{name} {}", answer.status));
            }
        }
    }
    let of_another = format!("/admin/v1/staff?tenant_id={}", of.id);
    for path in ["/admin/v1/staff", "/admin/v1/sessions", &of_another] {
        let answer = thief.get(path).await;
        if answer.status.is_server_error() || answer.text.contains(&victim.id) {
            reached.insert(format!("{path} {}", answer.status));
        }
    }
    let wish = json!({
        "email": "spy@example.com", "name": "A spy", "roles": ["tenant_viewer"], "tenant_id": of.id,
    });
    let invited = thief.post("/admin/v1/staff", &wish, &fresh_key()).await;
    if invited.status != 404 {
        reached.insert(format!("inviteStaff {}", invited.status));
    }
    reached
}

async fn two_members(p: &TestPlatform) -> (Member, Member) {
    let owner = owner(p).await;
    let victim = member(p, &owner, &p.tenant, "victim@example.com").await;
    let other = p.another_tenant().await;
    let thief = member(p, &owner, &other, "thief@example.com").await;
    for one in [&victim, &thief] {
        let seen = one.api.get(&format!("/admin/v1/staff/{}", one.id)).await;
        assert_eq!(seen.status, 200, "{}", seen.text);
    }
    (victim, thief)
}

scenario!(no_admin_operation_reaches_another_tenant, foreign);
async fn foreign(p: &TestPlatform) {
    let (victim, thief) = two_members(p).await;
    let reached = reached(&thief.api, &victim, &p.tenant).await;
    assert_eq!(reached, BTreeSet::new());
}

/// The same with finders that forget whose rows were asked for: then the database alone keeps tenants apart.
#[test]
fn no_admin_operation_reaches_another_tenant_through_finders_that_forget_the_tenant() {
    run_on_one_thread(Backend::Postgres, async |p: &TestPlatform| {
        let (victim, thief) = two_members(p).await;
        rehearsal::forget_tenants();
        let reached = reached(&thief.api, &victim, &p.tenant).await;
        rehearsal::remember_tenants();
        assert_eq!(reached, BTreeSet::new());
    });
}

/// Where no wall stands behind them, the same finders show another tenant's people.
#[test]
fn admin_finders_that_forget_the_tenant_show_people_where_no_wall_stands() {
    run_on_one_thread(Backend::Sqlite, async |p: &TestPlatform| {
        let (victim, thief) = two_members(p).await;
        rehearsal::forget_tenants();
        let reached = reached(&thief.api, &victim, &p.tenant).await;
        rehearsal::remember_tenants();
        assert!(reached.contains("getStaff 200 OK"), "{reached:?}");
    });
}
