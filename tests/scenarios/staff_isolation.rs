//! No operation of the admin API lets a tenant's member see or touch what belongs to another tenant.
//!
//! The document drives the test: an operation that names a thing in its path which nobody has thought about fails it.

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
pub(crate) struct Member {
    /// Its account.
    pub(crate) id: String,
    session: String,
    /// Its access to the admin API.
    pub(crate) api: Api,
}

pub(crate) async fn send(api: &Api, method: Method, path: &str, body: &Value) -> Answer {
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
pub(crate) async fn come(p: &TestPlatform, email: &str, token: &str) -> Member {
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

pub(crate) async fn owner(p: &TestPlatform) -> Member {
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

/// What a tenant has besides its people.
struct Belongings {
    tenant: String,
    sub_merchant: String,
    sub_app: String,
    order: String,
    refund: String,
    endpoint: String,
    delivery: String,
}

const EVERY_METHOD: &[Method] = &[
    Method::GET,
    Method::POST,
    Method::PUT,
    Method::PATCH,
    Method::DELETE,
];

async fn belongings(p: &TestPlatform) -> Belongings {
    let tenant = &p.tenant;
    let endpoint = p.register(tenant, "hook", &["order.paid"]).await;
    let order = p.paid_order(500).await;
    let wish = json!({
        "order_id": order["id"], "merchant_refund_no": "back-1",
        "amount": {"refund": 300, "currency": "CNY"},
    });
    tenant.api.create_refund(&wish).await.ok();
    let refunds = tenant.api.refunds("limit=1").await.ok();
    let deliveries = tenant.api.deliveries("limit=1").await.ok();
    let id = |object: &Value| object["id"].as_str().expect("an id").to_owned();
    let operations = p.platform.operations();
    let merchants = operations.list_sub_merchants(&tenant.id).await;
    let merchant = merchants.expect("sub-merchants").remove(0);
    let app = operations
        .sub_apps(&merchant)
        .await
        .expect("apps")
        .remove(0);
    Belongings {
        tenant: tenant.id.to_string(),
        sub_merchant: merchant.id.to_string(),
        sub_app: app.id.to_string(),
        order: id(&order),
        refund: id(&refunds["data"][0]),
        endpoint: id(&endpoint),
        delivery: id(&deliveries["data"][0]),
    }
}

/// What an operation is sent that names a thing in its path; nothing where the example of the document will do.
fn body_of(operation: &str) -> Option<Value> {
    Some(match operation {
        "endSession" | "getStaff" | "listStaffSessions" | "renewInvitation" | "listApiKeys"
        | "revokeApiKey" | "listCertificates" | "getCertificate" | "revokeCertificate" => json!({}),
        "updateStaff" => json!({"name": "Mine now"}),
        "suspendStaff" | "reactivateStaff" | "reinviteStaff" | "resetSecondFactor"
        | "endStaffSessions" => json!({"reason": "because"}),
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

/// The example of a request that the document gives.
fn example(operation: &Value) -> Value {
    let example = "/requestBody/content/application~1json/examples/example/value";
    operation.pointer(example).cloned().unwrap_or(json!({}))
}

/// A path with everything in it that is the victim's; what the tenant has none of gets a number of nothing.
fn filled(path: &str, victim: &Member, of: &Belongings) -> String {
    let mut path = path.to_owned();
    for (parameter, value) in [
        ("staff_id", &victim.id),
        ("session_id", &victim.session),
        ("tenant_id", &of.tenant),
        ("sub_merchant_id", &of.sub_merchant),
        ("sub_app_id", &of.sub_app),
        ("order_id", &of.order),
        ("refund_id", &of.refund),
        ("endpoint_id", &of.endpoint),
        ("delivery_id", &of.delivery),
    ] {
        path = path.replace(&format!("{{{parameter}}}"), value);
    }
    for (parameter, value) in [
        ("fact", "contract_signed"),
        ("date", "2026-01-31"),
        ("key_id", "key_01JAE000A1B2C3D4E5F6G7H8JK"),
        ("certificate_id", "crt_01JAE000A1B2C3D4E5F6G7H8JK"),
        ("notification_id", "ntf_01JAE000A1B2C3D4E5F6G7H8JK"),
        ("alarm_id", "alm_01JAE000A1B2C3D4E5F6G7H8JK"),
        ("approval_id", "apr_01JAE000A1B2C3D4E5F6G7H8JK"),
        ("late_payment_id", "lpm_01JAE000A1B2C3D4E5F6G7H8JK"),
        ("provider_id", "prv_01JAE000A1B2C3D4E5F6G7H8JK"),
        ("discrepancy_id", "dsc_01JAE000A1B2C3D4E5F6G7H8JK"),
        ("bill_id", "bil_01JAE000A1B2C3D4E5F6G7H8JK"),
        ("job_id", "job_01JAE000A1B2C3D4E5F6G7H8JK"),
    ] {
        path = path.replace(&format!("{{{parameter}}}"), value);
    }
    assert!(!path.contains('{'), "{path}: an unknown parameter");
    path
}

/// The operations by which the thief reached something of the victim's.
async fn reached(
    thief: &Api,
    (victim, of): (&Member, &Belongings),
    tried: &[Method],
) -> BTreeSet<String> {
    let document: Value =
        serde_json::from_str(tributary_http::admin_document()).expect("the document is JSON");
    let paths = document["paths"].as_object().expect("paths");
    let mut reached = BTreeSet::new();
    for (path, methods) in paths.iter().filter(|(path, _)| path.contains('{')) {
        for (method, operation) in methods.as_object().expect("methods") {
            let name = operation["operationId"].as_str().expect("a name");
            let method: Method = method.to_uppercase().parse().expect("a method");
            if !tried.contains(&method) {
                continue;
            }
            let body = body_of(name).unwrap_or_else(|| example(operation));
            let answer = send(thief, method, &filled(path, victim, of), &body).await;
            if ![403, 404].contains(&answer.status.as_u16()) {
                reached.insert(format!("{name} {}", answer.status));
            }
        }
    }
    let of_another = |list: &str| format!("/admin/v1/{list}?tenant_id={}", of.tenant);
    let (people, merchants) = (of_another("staff"), of_another("sub-merchants"));
    for path in [
        "/admin/v1/staff",
        "/admin/v1/sessions",
        "/admin/v1/tenants",
        "/admin/v1/sub-merchants",
        &people,
        &merchants,
    ] {
        let answer = thief.get(path).await;
        let is_seen = [&victim.id, &of.tenant]
            .iter()
            .any(|id| answer.text.contains(*id));
        if answer.status.is_server_error() || is_seen {
            reached.insert(format!("{path} {}", answer.status));
        }
    }
    let wish = json!({
        "email": "spy@example.com", "name": "A spy", "roles": ["tenant_viewer"], "tenant_id": of.tenant,
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
    let of = belongings(p).await;
    let reached = reached(&thief.api, (&victim, &of), EVERY_METHOD).await;
    assert_eq!(reached, BTreeSet::new());
}

/// The same with finders that forget whose rows were asked for: then the database alone keeps tenants apart.
#[test]
fn no_admin_operation_reaches_another_tenant_through_finders_that_forget_the_tenant() {
    run_on_one_thread(Backend::Postgres, async |p: &TestPlatform| {
        let (victim, thief) = two_members(p).await;
        let of = belongings(p).await;
        rehearsal::forget_tenants();
        let reached = reached(&thief.api, (&victim, &of), EVERY_METHOD).await;
        rehearsal::remember_tenants();
        assert_eq!(reached, BTreeSet::new());
    });
}

/// Where no wall stands behind them, the same finders show another tenant's people.
#[test]
fn admin_finders_that_forget_the_tenant_show_people_where_no_wall_stands() {
    run_on_one_thread(Backend::Sqlite, async |p: &TestPlatform| {
        let (victim, thief) = two_members(p).await;
        let of = belongings(p).await;
        rehearsal::forget_tenants();
        // Reads are enough to see it, and leave nothing behind that does not fit together.
        let reached = reached(&thief.api, (&victim, &of), &[Method::GET]).await;
        rehearsal::remember_tenants();
        for read in ["getStaff 200 OK", "getSubMerchant 200 OK"] {
            assert!(reached.contains(read), "{reached:?}");
        }
    });
}
