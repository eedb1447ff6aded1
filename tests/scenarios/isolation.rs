//! No operation of the OpenAPI document shows or touches another tenant's rows, and none works without a key.
//!
//! The document drives the test: an operation that has no entry here fails it.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};
use tributary_domain::rehearsal;
use tributary_tests::api::fresh_key;
use tributary_tests::{Answer, Api, Backend, TestPlatform, run_on_one_thread, scenario};

/// The day on which every test begins, in Beijing.
const DAY: &str = "2026-09-21";

/// What a foreigner may do with an operation.
enum Foreign {
    /// The path names a thing of the victim: not found.
    NotFound(Value),
    /// The answer lists things: none of the victim's is among them.
    ListsNothing,
    /// The body names things of the victim: refused, naming the field.
    Refused(Value, &'static str),
    /// Nothing in the request can name anything of the victim.
    OwnOnly(Value),
    /// Anybody may call it, because nothing of it is a tenant's.
    Public,
}

/// Things of the victim.
struct Victim {
    order: String,
    refund: String,
    endpoint: String,
    delivery: String,
    event: String,
    sub_mchid: String,
    sub_appid: String,
    openid: String,
}

impl Victim {
    fn ids(&self) -> [&str; 7] {
        [
            &self.order,
            &self.refund,
            &self.endpoint,
            &self.delivery,
            &self.event,
            &self.sub_mchid,
            &self.sub_appid,
        ]
    }

    /// The entry of an operation; there is none for an operation that nobody has thought about.
    fn entry(&self, operation: &str) -> Option<Foreign> {
        Some(match operation {
            "createOrder" => Foreign::Refused(self.order_body(), "/sub_mchid"),
            "createMiniprogramSession" => Foreign::Refused(
                json!({"sub_appid": self.sub_appid, "code": "any-code"}),
                "/sub_appid",
            ),
            "createWebhookEndpoint" => {
                Foreign::OwnOnly(json!({"url": "http://127.0.0.1:9/hook", "events": ["*"]}))
            }
            "getMe"
            | "listOrders"
            | "listRefunds"
            | "listEvents"
            | "listEventTypes"
            | "getWebhookIps"
            | "listWebhookEndpoints"
            | "listDeliveries"
            | "listBillRows"
            | "getReconciliationDay" => Foreign::ListsNothing,
            "updateWebhookEndpoint" => Foreign::NotFound(json!({"description": "mine now"})),
            "rotateWebhookEndpointSecret" => Foreign::NotFound(json!({"grace_seconds": 0})),
            "createRefund" => Foreign::NotFound(json!({
                "order_id": self.order,
                "merchant_refund_no": "stolen-1",
                "amount": {"refund": 1, "currency": "CNY"},
            })),
            "redirectRefund" => Foreign::NotFound(json!({"type": "merchant_bank_card"})),
            "listPlatformCertificates" | "createAccessToken" | "listTokenKeys" => Foreign::Public,
            "getOrder"
            | "listOrderRefunds"
            | "getRefund"
            | "syncRefund"
            | "getOrderTimeline"
            | "closeOrder"
            | "syncOrder"
            | "getEvent"
            | "getWebhookEndpoint"
            | "deleteWebhookEndpoint"
            | "testWebhookEndpoint"
            | "getDelivery"
            | "retryDelivery" => Foreign::NotFound(json!({})),
            _ => return None,
        })
    }

    fn order_body(&self) -> Value {
        json!({
            "merchant_order_no": "stolen-1",
            "sub_mchid": self.sub_mchid,
            "sub_appid": self.sub_appid,
            "description": "Not mine",
            "amount": {"total": 1, "currency": "CNY"},
            "payer": {"sub_openid": self.openid},
        })
    }

    /// The path of an operation with the victim's ids in it.
    fn fill(&self, path: &str) -> String {
        let filled = path
            .replace("{order_id}", &self.order)
            .replace("{refund_id}", &self.refund)
            .replace("{endpoint_id}", &self.endpoint)
            .replace("{delivery_id}", &self.delivery)
            .replace("{event_id}", &self.event)
            .replace("{date}", DAY);
        let filled = if filled == "/v1/bills" {
            format!("{filled}?date={DAY}")
        } else {
            filled
        };
        assert!(
            !filled.contains('{'),
            "{path}: a parameter that the test does not know"
        );
        filled
    }
}

/// One operation of the document.
struct Operation {
    id: String,
    method: Method,
    path: String,
    has_body: bool,
}

fn operations() -> Vec<Operation> {
    let document: Value =
        serde_json::from_str(tributary_http::tenant_document()).expect("the document is JSON");
    let paths = document["paths"]
        .as_object()
        .expect("the document has paths");
    let mut operations = Vec::new();
    for (path, methods) in paths {
        for (method, operation) in methods.as_object().expect("a path has methods") {
            let Ok(method) = method.to_uppercase().parse::<Method>() else {
                continue;
            };
            let Some(id) = operation["operationId"].as_str() else {
                continue;
            };
            operations.push(Operation {
                id: id.to_owned(),
                method,
                path: path.clone(),
                has_body: !operation["requestBody"].is_null(),
            });
        }
    }
    assert!(
        operations.len() >= 18,
        "only {} operations",
        operations.len()
    );
    operations
}

async fn call(api: &Api, operation: &Operation, path: &str, body: &Value) -> Answer {
    let key = fresh_key();
    let mut headers = Vec::new();
    if operation.method == Method::POST {
        headers.push(("idempotency-key", key.as_str()));
    }
    let body = operation.has_body.then(|| body.to_string().into_bytes());
    if body.is_some() {
        headers.push(("content-type", "application/json"));
    }
    api.send(operation.method.clone(), path, &headers, body)
        .await
}

async fn victim(p: &TestPlatform) -> Victim {
    let endpoint = p.register(&p.tenant, "hook", &["*"]).await;
    let order = p.paid_order(100).await;
    let refund = crate::refund::asked(&order, "victim-1", 40);
    let refund = p.tenant.api.create_refund(&refund).await.ok();
    p.settle().await;
    let deliveries = p.tenant.api.deliveries("limit=1").await.ok();
    let text = |value: &Value| value["id"].as_str().expect("an id").to_owned();
    Victim {
        order: text(&order),
        refund: text(&refund),
        endpoint: text(&endpoint),
        delivery: text(&deliveries["data"][0]),
        event: text(&p.feed(&p.tenant).await[0]),
        sub_mchid: p.tenant.sub_mchid.clone(),
        sub_appid: p.tenant.sub_appid.clone(),
        openid: p.tenant.openid.clone(),
    }
}

scenario!(no_operation_works_without_a_key, no_key);
async fn no_key(p: &TestPlatform) {
    let victim = victim(p).await;
    let url = p.platform.api_url();
    for operation in operations() {
        if matches!(victim.entry(&operation.id), Some(Foreign::Public)) {
            continue;
        }
        let path = victim.fill(&operation.path);
        for key in [
            None,
            Some("trb_test_0000000000000000000000000000000000000000000"),
            Some("x"),
        ] {
            let answer = call(&Api::new(&url, key), &operation, &path, &json!({})).await;
            assert_eq!(
                answer.status, 401,
                "{} with {key:?}: {}",
                operation.id, answer.text
            );
            answer.problem(401, "unauthorized");
        }
    }
}

scenario!(no_operation_reaches_another_tenant, foreign);
async fn foreign(p: &TestPlatform) {
    let victim = victim(p).await;
    let thief = p.another_tenant().await;
    let before = snapshot(p, &victim).await;
    assert_eq!(reached(&thief.api, &victim).await, BTreeSet::new());
    assert_eq!(
        snapshot(p, &victim).await,
        before,
        "the victim's things were touched"
    );
}

/// The same with finders that forget whose rows were asked for: then the database alone keeps tenants apart.
#[test]
fn no_operation_reaches_another_tenant_through_finders_that_forget_the_tenant() {
    run_on_one_thread(Backend::Postgres, async |p: &TestPlatform| {
        let victim = victim(p).await;
        let thief = p.another_tenant().await;
        let before = snapshot(p, &victim).await;
        assert_eq!(
            reached_by_forgetting(&thief.api, &victim).await,
            BTreeSet::new()
        );
        assert_eq!(snapshot(p, &victim).await, before);
    });
}

/// Where no wall stands behind them, the same finders show everything: so the test above tests the wall.
#[test]
fn finders_that_forget_the_tenant_show_everything_where_no_wall_stands() {
    run_on_one_thread(Backend::Sqlite, async |p: &TestPlatform| {
        let victim = victim(p).await;
        let thief = p.another_tenant().await;
        let reached = reached_by_forgetting(&thief.api, &victim).await;
        println!("{reached:?}");
        for operation in operations() {
            let path_names_a_thing =
                matches!(victim.entry(&operation.id), Some(Foreign::NotFound(_)));
            if operation.method == Method::GET && path_names_a_thing {
                assert!(
                    reached.contains(&operation.id),
                    "{}: {reached:?}",
                    operation.id
                );
            }
        }
        for name in [
            "createOrder",
            "createRefund",
            "closeOrder",
            "listOrders",
            "listEvents",
        ] {
            assert!(reached.contains(name), "{name}: {reached:?}");
        }
    });
}

async fn reached_by_forgetting(thief: &Api, victim: &Victim) -> BTreeSet<String> {
    rehearsal::forget_tenants();
    let reached = reached(thief, victim).await;
    rehearsal::remember_tenants();
    reached
}

/// The operations by which the thief reached something of the victim's.
async fn reached(thief: &Api, victim: &Victim) -> BTreeSet<String> {
    let mut reached = BTreeSet::new();
    for operation in operations() {
        let name = &operation.id;
        let entry = victim.entry(name);
        let entry = entry.unwrap_or_else(|| panic!("{name} has no entry in this test: add one"));
        let path = victim.fill(&operation.path);
        let is_kept_out = match entry {
            Foreign::NotFound(body) => {
                let answer = call(thief, &operation, &path, &body).await;
                answer.status == 404 && answer.body["code"] == "not_found"
            }
            Foreign::ListsNothing => {
                let answer = call(thief, &operation, &path, &json!({})).await;
                answer.status == 200 && !shows(&answer, victim)
            }
            Foreign::Refused(body, field) => {
                let answer = call(thief, &operation, &path, &body).await;
                answer.status == 422 && answer.names_field(field)
            }
            Foreign::OwnOnly(body) => {
                let answer = call(thief, &operation, &path, &body).await;
                !answer.status.is_server_error() && !shows(&answer, victim)
            }
            Foreign::Public => {
                let answer = call(thief, &operation, &path, &json!({})).await;
                !answer.status.is_server_error() && !shows(&answer, victim)
            }
        };
        if !is_kept_out {
            reached.insert(operation.id);
        }
    }
    reached
}

fn shows(answer: &Answer, victim: &Victim) -> bool {
    victim.ids().iter().any(|id| answer.text.contains(id))
}

/// Everything of the victim that the thief tried to reach.
async fn snapshot(p: &TestPlatform, victim: &Victim) -> [Value; 5] {
    [
        p.tenant.api.order(&victim.order).await.ok(),
        p.tenant.api.refund(&victim.refund).await.ok(),
        p.tenant.api.endpoint(&victim.endpoint).await.ok(),
        p.tenant.api.delivery(&victim.delivery).await.ok(),
        p.tenant.api.event(&victim.event).await.ok(),
    ]
}

scenario!(lists_filtered_by_foreign_ids_are_empty, filtered);
async fn filtered(p: &TestPlatform) {
    let victim = victim(p).await;
    let thief = p.another_tenant().await;
    for path in [
        format!("/v1/deliveries?endpoint_id={}", victim.endpoint),
        format!("/v1/deliveries?event_id={}", victim.event),
        format!("/v1/orders?sub_mchid={}", victim.sub_mchid),
    ] {
        let answer = thief.api.get(&path).await;
        let empty =
            answer.status == 404 || answer.body["data"].as_array().is_some_and(Vec::is_empty);
        assert!(empty, "{path}: {}", answer.text);
    }
}

#[test]
fn every_operation_has_a_name_of_its_own() {
    let all = operations();
    let names: BTreeSet<&str> = all.iter().map(|operation| operation.id.as_str()).collect();
    assert_eq!(names.len(), all.len());
}
