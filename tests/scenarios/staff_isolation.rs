//! No operation of the admin API lets a tenant's member see or touch what belongs to another tenant.
//!
//! The document drives the test: an operation that has no entry fails it, and so does a parameter that nobody has
//! thought about. Of each kind of thing that can be named, a real one of the other tenant is planted.

mod belongings;
mod entries;

use std::collections::{BTreeMap, BTreeSet};

use reqwest::Method;
use serde_json::{Value, json};
use tributary_domain::rehearsal;
use tributary_domain::staff::Actor;
use tributary_tests::api::fresh_key;
use tributary_tests::{
    Answer, Api, Backend, TestPlatform, TestTenant, run_on_one_thread, scenario,
};

use crate::admin_document::{Operation, call, operations};
use belongings::{Belongings, plant};
use entries::{Foreign, entry};

const PASSWORD: &str = "a long way to the river";

/// Somebody who is signed in.
pub(crate) struct Member {
    /// Its account.
    pub(crate) id: String,
    email: String,
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
        email: email.to_owned(),
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

/// Parameters of queries that name nothing of anybody's.
const NEUTRAL: [&str; 26] = [
    "state",
    "cursor",
    "limit",
    "mode",
    "time",
    "from",
    "to",
    "amount_min",
    "amount_max",
    "problem",
    "refunds",
    "webhook",
    "origin",
    "event_type",
    "error_class",
    "status_class",
    "verdict",
    "kind",
    "hours",
    "by",
    "since",
    "until",
    "before",
    "date",
    "action",
    "after",
];
/// What changes from call to call, whoever asks.
const VOLATILE: [&str; 4] = ["as_of", "server_time", "request_id", "instance"];
/// The body of an id of nothing.
const NOTHING: &str = "01JAE000A1B2C3D4E5F6G7H8JK";

/// Who wants to reach what.
struct Attempt {
    thief: Member,
    of: Belongings,
    /// What the thief was shown before there was anything of the victim's.
    before: BTreeMap<String, Value>,
    /// The thief's own tenant and shop, under which it names things of the victim's.
    own: [(&'static str, String); 2],
}

impl Attempt {
    /// The operations by which the thief reached something of the victim's, each with what it was told.
    async fn reached(&self) -> BTreeMap<String, String> {
        let mut reached = BTreeMap::new();
        for operation in &operations() {
            let entry = entry(&operation.id, self.of.id("tenant_id"))
                .unwrap_or_else(|| panic!("{} has no entry in this test: add one", operation.id));
            let held = match &entry {
                Foreign::Absent(query, body) => self.is_absent(operation, query, body).await,
                Foreign::Platform => self.is_refused(operation).await,
                Foreign::Shows(queries) => self.shows_nothing(operation, queries).await,
                Foreign::OwnAccount | Foreign::Elsewhere => Ok(()),
            };
            if let Err(why) = held {
                reached.insert(operation.id.clone(), why);
            }
        }
        reached
    }

    /// Under the victim's tenant as under the thief's own, a thing of the victim's is not found.
    async fn is_absent(
        &self,
        operation: &Operation,
        query: &str,
        body: &Value,
    ) -> Result<(), String> {
        let mut paths = vec![operation.path.clone()];
        for (parameter, own) in &self.own {
            let parameter = format!("{{{parameter}}}");
            if operation.path.contains(&parameter) && operation.path.matches('{').count() > 1 {
                paths.push(operation.path.replace(&parameter, own));
            }
        }
        for path in paths {
            let path = format!("{}?{query}", self.of.fill(&path));
            let body = operation.has_body.then_some(body);
            let answer = call(&self.thief.api, operation.method.clone(), &path, body).await;
            if answer.status != 404 || answer.body["code"] != "not_found" {
                return Err(told(&path, &answer));
            }
        }
        Ok(())
    }

    /// What only people of the platform may do is refused by its permission.
    async fn is_refused(&self, operation: &Operation) -> Result<(), String> {
        let path = self.of.fill(&operation.path);
        let body = operation.has_body.then_some(&operation.example);
        let answer = call(&self.thief.api, operation.method.clone(), &path, body).await;
        let detail = answer.body["detail"].as_str().unwrap_or_default();
        let is_named = operation
            .needs
            .iter()
            .any(|one| detail.contains(one.as_str()));
        if answer.status == 403 && answer.body["code"] == "permission_denied" && is_named {
            Ok(())
        } else {
            Err(told(&path, &answer))
        }
    }

    /// A list shows what it showed before the victim had anything; and a filter that names something of the victim's
    /// is answered like one that names nothing.
    async fn shows_nothing(&self, operation: &Operation, queries: &[String]) -> Result<(), String> {
        for query in queries {
            let path = format!("{}?{query}", operation.path);
            let answer = self.thief.api.get(&path).await;
            let was = self.before.get(&path).expect("it was asked before");
            if !answer.status.is_success() || self.of.is_in(&answer.text) {
                return Err(told(&path, &answer));
            }
            if !is_logged(operation) && *was != lasting(&answer, "") {
                return Err(format!("{}\nbefore: {was}", told(&path, &answer)));
            }
            for (parameter, value) in self.named(&operation.query) {
                let filtered = |value: &str| format!("{path}&{parameter}={value}");
                let nothing = like_nothing(&value);
                let found = self.thief.api.get(&filtered(&value)).await;
                let absent = self.thief.api.get(&filtered(&nothing)).await;
                let statuses = (found.status.as_u16(), absent.status.as_u16());
                if !matches!(statuses, (200, 200) | (404, 404)) {
                    return Err(told(&filtered(&value), &found));
                }
                let is_alike = lasting(&found, &value) == lasting(&absent, &nothing);
                if !(is_alike || is_logged(operation))
                    || self.of.is_in(&found.text.replace(&value, ""))
                {
                    return Err(told(&filtered(&value), &found));
                }
            }
        }
        Ok(())
    }

    /// What of the victim's each parameter of a query can name.
    fn named(&self, query: &[String]) -> Vec<(String, String)> {
        let mut named = Vec::new();
        for parameter in query
            .iter()
            .filter(|name| !NEUTRAL.contains(&name.as_str()))
        {
            let ids: &[&str] = match parameter.as_str() {
                "actor" => &["staff_id"],
                "target" => &["staff_id", "order_id", "key_id", "approval_id"],
                "subject_id" => &["order_id", "refund_id"],
                "q" => &[
                    "tenant_id",
                    "sub_merchant_id",
                    "order_id",
                    "refund_id",
                    "endpoint_id",
                    "delivery_id",
                    "event_id",
                    "certificate_id",
                    "notification_id",
                ],
                "sub_mchid" | "number" | "payer_hash" | "host" | "name" => &[],
                other => &[other],
            };
            let ids = ids.iter().map(|id| self.of.id(id).to_owned());
            let texts = match parameter.as_str() {
                "sub_mchid" => vec![self.of.sub_mchid.clone()],
                "number" => vec![self.of.number.clone()],
                "payer_hash" => vec![self.of.payer_hash.clone()],
                "host" => vec!["127.0.0.1".to_owned()],
                "name" => vec![self.of.name.replace(' ', "%20")],
                "q" => vec![self.of.number.clone(), self.of.sub_mchid.clone()],
                _ => Vec::new(),
            };
            named.extend(ids.chain(texts).map(|value| (parameter.clone(), value)));
        }
        named
    }
}

/// Whether asking itself is written into the log that is shown.
fn is_logged(operation: &Operation) -> bool {
    ["listAudit", "exportAudit", "verifyAudit"].contains(&operation.id.as_str())
}

fn told(path: &str, answer: &Answer) -> String {
    format!("{path}: {} {}", answer.status, answer.text)
}

/// A value of the same form that names nothing.
fn like_nothing(value: &str) -> String {
    match value.split_once('_') {
        Some((prefix, body)) if body.len() == NOTHING.len() => format!("{prefix}_{NOTHING}"),
        _ if value.contains('.') => "192.0.2.1".to_owned(),
        _ if value.bytes().all(|b| b.is_ascii_digit()) => "9".repeat(value.len()),
        _ => "0".repeat(value.len()),
    }
}

/// What of an answer lasts: without times and numbers of the call, and without what was asked for.
fn lasting(answer: &Answer, asked: &str) -> Value {
    let text = if asked.is_empty() {
        answer.text.clone()
    } else {
        answer.text.replace(asked, "*")
    };
    let mut body: Value = serde_json::from_str(&text).unwrap_or(Value::String(text));
    if let Some(members) = body.as_object_mut() {
        members.retain(|name, _| !VOLATILE.contains(&name.as_str()));
    }
    body
}

/// What the thief is shown while the other tenant has nothing.
async fn shown(thief: &Member, victim: &TestTenant) -> BTreeMap<String, Value> {
    let mut shown = BTreeMap::new();
    for operation in operations() {
        let Some(Foreign::Shows(queries)) = entry(&operation.id, victim.id.as_str()) else {
            continue;
        };
        for query in queries {
            let path = format!("{}?{query}", operation.path);
            let answer = thief.api.get(&path).await;
            assert_eq!(answer.status, 200, "{path}: {}", answer.text);
            shown.insert(path, lasting(&answer, ""));
        }
    }
    shown
}

/// Two members of two tenants, of which one has everything.
async fn attempt(p: &TestPlatform) -> Attempt {
    let owner = owner(p).await;
    let victim = member(p, &owner, &p.tenant, "victim@example.com").await;
    let other = p.another_tenant().await;
    let thief = member(p, &owner, &other, "thief@example.com").await;
    let merchants = p.platform.operations().list_sub_merchants(&other.id).await;
    let merchant = merchants.expect("sub-merchants").remove(0);
    let before = shown(&thief, &p.tenant).await;
    Attempt {
        of: plant(p, &victim).await,
        thief,
        before,
        own: [
            ("tenant_id", other.id.to_string()),
            ("sub_merchant_id", merchant.id.to_string()),
        ],
    }
}

/// Every row of the victim's, its people's sessions among them.
async fn snapshot(p: &TestPlatform, of: &Belongings) -> Vec<String> {
    let mut rows = p.database.rows_of(of.id("tenant_id")).await;
    assert!(rows.len() > 20, "{rows:?}");
    let sessions = format!(
        "SELECT COUNT(*) FROM staff_sessions WHERE staff_id = '{}' AND ended_at IS NULL",
        of.id("staff_id")
    );
    rows.push(format!("sessions: {}", p.database.count(&sessions).await));
    rows
}

scenario!(no_admin_operation_reaches_another_tenant, foreign);
async fn foreign(p: &TestPlatform) {
    let attempt = attempt(p).await;
    let before = snapshot(p, &attempt.of).await;
    assert_eq!(attempt.reached().await, BTreeMap::new());
    assert_eq!(snapshot(p, &attempt.of).await, before);
}

/// The same with finders that forget whose rows were asked for: then the database alone keeps tenants apart.
#[test]
fn no_admin_operation_reaches_another_tenant_through_finders_that_forget_the_tenant() {
    run_on_one_thread(Backend::Postgres, async |p: &TestPlatform| {
        let attempt = attempt(p).await;
        let before = snapshot(p, &attempt.of).await;
        rehearsal::forget_tenants();
        let reached = attempt.reached().await;
        rehearsal::remember_tenants();
        assert_eq!(reached, BTreeMap::new());
        assert_eq!(snapshot(p, &attempt.of).await, before);
    });
}

/// What no finder that forgets the tenant opens, because something else keeps tenants apart there, before the finder is
/// asked or after it has answered. Whatever else names a thing of the victim's, or lists things, is opened by it; so the
/// tests above can fail.
const KEPT_APART: [(&str, &str); 22] = [
    ("getStaffMe", "the caller's own account"),
    ("listSessions", "the caller's own account"),
    ("endSession", "the statement names the caller's account"),
    ("listPermissions", "the same for everybody"),
    (
        "inviteStaff",
        "the tenant asked for is compared with the caller's",
    ),
    (
        "getRefundLimit",
        "the tenant asked for is compared with the caller's",
    ),
    (
        "updateRefundLimit",
        "the tenant asked for is compared with the caller's",
    ),
    ("verifyAudit", "a chain is named by its scope"),
    ("listTenants", "a member's list is its own tenant"),
    (
        "getTenant",
        "the tenant asked for is compared with the caller's",
    ),
    (
        "listApiKeys",
        "the tenant asked for is compared with the caller's",
    ),
    (
        "createApiKey",
        "the tenant asked for is compared with the caller's",
    ),
    (
        "listCertificates",
        "the tenant asked for is compared with the caller's",
    ),
    (
        "issueCertificate",
        "the tenant asked for is compared with the caller's",
    ),
    (
        "registerPublicKey",
        "the tenant asked for is compared with the caller's",
    ),
    (
        "search",
        "whose each thing found is, is compared with the caller's",
    ),
    (
        "decideLatePayment",
        "whose the money found is, is compared with the caller's",
    ),
    ("listReconciliationDays", "days are the provider's"),
    ("getReconciliationDay", "days are the provider's"),
    ("closeReconciliationDay", "days are the provider's"),
    ("listBills", "bills are the provider's"),
    ("getBillContent", "bills are the provider's"),
];

/// Where no wall stands behind them, the same finders show everything of another tenant's, and let it be changed.
#[test]
fn admin_finders_that_forget_the_tenant_show_everything_where_no_wall_stands() {
    run_on_one_thread(Backend::Sqlite, async |p: &TestPlatform| {
        let attempt = attempt(p).await;
        let is_about_the_victim = |one: &Operation| {
            let entry = entry(&one.id, attempt.of.id("tenant_id"));
            matches!(entry, Some(Foreign::Absent(..) | Foreign::Shows(_)))
        };
        let is_kept = |name: &str| KEPT_APART.iter().any(|(kept, _)| *kept == name);
        rehearsal::forget_tenants();
        let files = attempt.exported(p).await;
        let reached = attempt.reached().await;
        rehearsal::remember_tenants();
        let all: Vec<Operation> = operations()
            .into_iter()
            .filter(is_about_the_victim)
            .collect();
        let (kept, open): (Vec<Operation>, Vec<Operation>) =
            all.into_iter().partition(|one| is_kept(&one.id));
        assert_eq!(kept.len(), KEPT_APART.len());
        let open: BTreeSet<String> = open.into_iter().map(|one| one.id).collect();
        let names: BTreeSet<String> = reached.keys().cloned().collect();
        assert_eq!(names, open, "{reached:?}");
        assert_eq!(files.len(), EXPORTS.len(), "{files:?}");
        // Nobody was signed out on the way, which would have looked like something reached.
        attempt.thief.api.get("/admin/v1/me").await.ok();
    });
}

/// What is written into files, each with a filter that may name what is the victim's.
const EXPORTS: [&str; 2] = ["orders", "refunds"];

impl Attempt {
    /// The exports whose file holds something of the victim's, each with the file.
    async fn exported(&self, p: &TestPlatform) -> BTreeMap<&'static str, String> {
        let filters = [
            String::new(),
            format!("&tenant_id={}", self.of.id("tenant_id")),
            format!("&sub_mchid={}", self.of.sub_mchid),
        ];
        let mut held = BTreeMap::new();
        for (of, filter) in EXPORTS
            .iter()
            .flat_map(|of| filters.iter().map(move |filter| (of, filter)))
        {
            let path = format!("/admin/v1/{of}/export?mode=test{filter}");
            let asked = call(&self.thief.api, Method::POST, &path, None).await;
            if filter.starts_with("&tenant_id") && asked.status == 404 {
                continue;
            }
            p.settle().await;
            let job = asked.ok();
            let job = format!("/admin/v1/jobs/{}", job["id"].as_str().expect("an id"));
            let done = self.thief.api.get(&job).await.ok();
            assert_eq!(done["state"], "succeeded", "{path}: {done}");
            let file = self.thief.api.get(&format!("{job}/result")).await;
            assert_eq!(file.status, 200, "{path}: {}", file.text);
            if done["done"] != 0 || self.of.is_in(&file.text) {
                held.insert(*of, told(&path, &file));
            }
        }
        held
    }
}

// What another tenant's member exports, whatever it asks for, is its own.
scenario!(an_export_by_a_foreign_filter_is_empty, files);
async fn files(p: &TestPlatform) {
    let attempt = attempt(p).await;
    assert_eq!(attempt.exported(p).await, BTreeMap::new());
}

/// The same with finders that forget whose rows were asked for.
#[test]
fn an_export_by_a_foreign_filter_is_empty_through_finders_that_forget_the_tenant() {
    run_on_one_thread(Backend::Postgres, async |p: &TestPlatform| {
        let attempt = attempt(p).await;
        rehearsal::forget_tenants();
        let held = attempt.exported(p).await;
        rehearsal::remember_tenants();
        assert_eq!(held, BTreeMap::new());
    });
}

// A job of a member is done for its tenant alone, and reaches all that it needs there.
scenario!(a_recovery_that_a_member_asks_for_is_done, recovered);
async fn recovered(p: &TestPlatform) {
    let owner = owner(p).await;
    let member = member(p, &owner, &p.tenant, "member@example.com").await;
    let endpoint = p.register(&p.tenant, "hook", &["order.paid"]).await;
    p.paid_order(500).await;
    p.settle().await;
    let fail = "UPDATE deliveries SET state = 'failed' WHERE event_kind = 'order.paid'";
    assert_eq!(p.database.execute(fail).await, 1);
    let path = format!(
        "/admin/v1/webhook-endpoints/{}/recover",
        endpoint["id"].as_str().expect("an id")
    );
    let from = p.now().plus_millis(-3_600_000).to_rfc3339();
    let window = json!({"from": from, "to": p.now().plus_millis(1).to_rfc3339()});
    let job = send(&member.api, Method::POST, &path, &window).await.ok();
    p.settle().await;
    let job = format!("/admin/v1/jobs/{}", job["id"].as_str().expect("an id"));
    let done = member.api.get(&job).await.ok();
    assert_eq!(
        (&done["state"], &done["done"]),
        (&json!("succeeded"), &json!(1)),
        "{done}"
    );
    assert_eq!(p.receiver.of_kind("hook", "order.paid").len(), 2);
}
