//! What a tenant has, one real thing of each kind that the admin API can name.

use reqwest::Method;
use serde_json::{Value, json};
use tributary_domain::clock::Timestamp;
use tributary_domain::ids::{BillId, DiscrepancyId};
use tributary_domain::tenant::Mode;
use tributary_tests::api::fresh_key;
use tributary_tests::platform::number;
use tributary_tests::{TestPlatform, TestTenant};
use wechatpay_sim::PayOrder;

use super::{Member, send};

/// The day of the bill and of the comparison.
const DAY: &str = "2026-09-20";
/// Above what one person gives back alone.
const LARGE: i64 = 2_000_000;

/// What a tenant has, and what of the platform's touches it, by the name of the parameter that names it.
pub(crate) struct Belongings {
    ids: Vec<(&'static str, String)>,
    /// What else must not be seen: numbers, names and addresses.
    marks: Vec<String>,
    /// The hash of its payer.
    pub(crate) payer_hash: String,
    /// The number of its order at WeChat.
    pub(crate) number: String,
    /// Its sub-merchant's number.
    pub(crate) sub_mchid: String,
    /// Its name.
    pub(crate) name: String,
}

impl Belongings {
    /// The thing that a parameter names.
    pub(crate) fn id(&self, parameter: &str) -> &str {
        let found = self.ids.iter().find(|(name, _)| *name == parameter);
        let (_, id) = found.unwrap_or_else(|| panic!("{parameter}: plant one in this test"));
        id
    }

    /// A path with everything in it that is the victim's.
    pub(crate) fn fill(&self, path: &str) -> String {
        let path = if path.starts_with("/admin/v1/provider-keys") {
            path.replace("{key_id}", "{provider_key_id}")
        } else {
            path.to_owned()
        };
        path.split('/')
            .map(|part| {
                let inner = part
                    .strip_prefix('{')
                    .and_then(|part| part.strip_suffix('}'));
                inner.map_or(part, |parameter| self.id(parameter))
            })
            .collect::<Vec<_>>()
            .join("/")
    }

    /// Whether a text shows anything of the victim's.
    pub(crate) fn is_in(&self, text: &str) -> bool {
        let platforms = [
            "provider_id",
            "provider_key_id",
            "notification_id",
            "fact",
            "date",
        ];
        let own = self
            .ids
            .iter()
            .filter(|(name, _)| !platforms.contains(name));
        own.map(|(_, id)| id)
            .chain(&self.marks)
            .any(|mark| text.contains(mark.as_str()))
    }
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

/// Plants one of each for the platform's first tenant, whose member is `victim`.
pub(crate) async fn plant(p: &TestPlatform, victim: &Member) -> Belongings {
    let tenant = &p.tenant;
    let (endpoint, order, refund) = traded(p, tenant).await;
    let (job, approval) = asked(p, victim).await;
    let (key, certificate) = credentials(p, victim).await;
    let (late_payment, alarm) = held(p).await;
    let (bill, discrepancy) = compared(p, &order).await;
    let (sub_merchant, sub_app) = shop(p, tenant).await;
    let own = p.seen(&order).await;
    let deliveries = tenant.api.deliveries("limit=1").await.ok();
    let delivery = deliveries["data"][0].clone();
    let one = async |sql: &str| -> String {
        let rows = p.database.query(sql).await;
        rows[0].try_get_by_index(0).expect("an id")
    };
    let operations = p.platform.operations();
    operations.compute_hours().await.expect("figures");
    let known = operations.tenant(&tenant.id).await;
    let name = known.expect("the tenant").name;
    Belongings {
        payer_hash: one("SELECT payer_hash FROM orders WHERE payer_hash IS NOT NULL LIMIT 1").await,
        number: number(&own).to_owned(),
        sub_mchid: tenant.sub_mchid.clone(),
        marks: vec![
            victim.email.clone(),
            name.clone(),
            tenant.sub_mchid.clone(),
            tenant.sub_appid.clone(),
            tenant.openid.clone(),
            number(&own).to_owned(),
            text(&own["transaction_id"]),
            text(&own["merchant_order_no"]),
        ],
        name,
        ids: vec![
            ("staff_id", victim.id.clone()),
            ("session_id", victim.session.clone()),
            ("tenant_id", tenant.id.to_string()),
            ("sub_merchant_id", sub_merchant),
            ("sub_app_id", sub_app),
            ("order_id", text(&order["id"])),
            ("refund_id", text(&refund["id"])),
            ("endpoint_id", text(&endpoint["id"])),
            ("delivery_id", text(&delivery["id"])),
            ("event_id", text(&delivery["event_id"])),
            ("key_id", key),
            ("certificate_id", certificate),
            ("approval_id", approval),
            ("late_payment_id", late_payment),
            ("alarm_id", alarm),
            ("job_id", job),
            ("bill_id", bill),
            ("discrepancy_id", discrepancy),
            ("provider_id", p.provider.to_string()),
            (
                "provider_key_id",
                one("SELECT id FROM provider_keys LIMIT 1").await,
            ),
            (
                "notification_id",
                one("SELECT id FROM notifications LIMIT 1").await,
            ),
            ("fact", "contract_signed".to_owned()),
            ("date", DAY.to_owned()),
        ],
    }
}

/// An endpoint that was told, a paid order, and a refund of it.
async fn traded(p: &TestPlatform, tenant: &TestTenant) -> (Value, Value, Value) {
    let endpoint = p.register(tenant, "hook", &["order.paid"]).await;
    let order = p.paid_order(500).await;
    let wish = json!({
        "order_id": order["id"], "merchant_refund_no": "back-1",
        "amount": {"refund": 300, "currency": "CNY"},
    });
    let refund = tenant.api.create_refund(&wish).await.ok();
    (endpoint, order, refund)
}

/// An export that is done, and a refund that waits for a second person.
async fn asked(p: &TestPlatform, victim: &Member) -> (String, String) {
    let large = p.paid_order(LARGE).await;
    let export = "/admin/v1/orders/export?mode=test";
    let job = send(&victim.api, Method::POST, export, &json!({}))
        .await
        .ok();
    p.settle().await;
    let path = format!("/admin/v1/orders/{}/refunds", text(&large["id"]));
    let body = json!({"refund": LARGE, "reason": "Sold out"});
    let waits = victim.api.post(&path, &body, &fresh_key()).await;
    waits.problem(409, "approval_required");
    let pending = victim.api.get("/admin/v1/approvals").await.ok();
    (text(&job["id"]), text(&pending["data"][0]["id"]))
}

async fn credentials(p: &TestPlatform, victim: &Member) -> (String, String) {
    let made = async |list: &str, wish: Value| {
        let path = format!("/admin/v1/tenants/{}/{list}", p.tenant.id);
        send(&victim.api, Method::POST, &path, &wish).await.ok()
    };
    let scopes = ["orders:read"];
    let key = json!({"mode": "test", "name": "The victim's", "scopes": scopes});
    let key = made("api-keys", key).await;
    let registered = json!({
        "mode": "test", "name": "The victim's", "scopes": scopes,
        "public_key": p.keys.wechatpay_public_key_pem,
    });
    let registered = made("public-keys", registered).await;
    (text(&key["api_key"]["id"]), text(&registered["id"]))
}

/// Money of another amount, which is held and alarms.
async fn held(p: &TestPlatform) -> (String, String) {
    let order = p.order(700).await;
    let other = PayOrder {
        amount_total: Some(701),
        force: true,
        ..PayOrder::default()
    };
    p.pay_as(&order, &other);
    p.settle().await;
    let about = format!("WHERE order_id = '{}'", text(&order["id"]));
    let one = async |table: &str| -> String {
        let rows = p
            .database
            .query(&format!("SELECT id FROM {table} {about}"))
            .await;
        rows[0].try_get_by_index(0).expect("an id")
    };
    (one("late_payments").await, one("alarms").await)
}

/// A bill of the provider's, a day's comparison with it, and a difference about the victim's order.
async fn compared(p: &TestPlatform, order: &Value) -> (String, String) {
    let now = p.now();
    let (bill, discrepancy) = (BillId::new(now), DiscrepancyId::new(now));
    let (mode, at) = (Mode::Test.as_str(), now.as_millis());
    let provider = &p.provider;
    for sql in [
        format!(
            "INSERT INTO bills (id, provider_id, mode, day, kind, account, state, content_hash, content_bytes, chunks, \
             rows, refund_rows, payment_fen, refund_fen, unlisted_rows, unlisted_payment_fen, unlisted_refund_fen, \
             created_at) VALUES ('{bill}', '{provider}', '{mode}', '{DAY}', 'trade', '', 'empty', 'h', 0, 0, \
             0, 0, 0, 0, 0, 0, 0, {at})"
        ),
        format!(
            "INSERT INTO discrepancies (id, provider_id, mode, day, class, subject, number, line, tenant_id, order_id, \
             local_fen, bill_fen, state, owner, evidence, event_seq, seen_in, created_at, updated_at) VALUES \
             ('{discrepancy}', '{provider}', '{mode}', '{DAY}', 'R02', 'payment', '{}', 0, '{}', '{}', \
             500, 0, 'open', 'person', '{{}}', 1, 1, {at}, {at})",
            number(order),
            p.tenant.id,
            text(&order["id"]),
        ),
        reconciliation(p, now),
    ] {
        assert_eq!(p.database.execute(&sql).await, 1, "{sql}");
    }
    (bill.to_string(), discrepancy.to_string())
}

fn reconciliation(p: &TestPlatform, now: Timestamp) -> String {
    let sums = ["payment", "refund"].map(|what| {
        format!(
            "{what}_local_count, {what}_local_fen, {what}_bill_count, {what}_bill_fen, {what}_discrepancy_fen"
        )
    });
    let at = now.as_millis();
    format!(
        "INSERT INTO reconciliations (id, provider_id, mode, day, state, tries, created_at, updated_at, completed_at, {}) \
         VALUES ('{}', '{}', 'test', '{DAY}', 'completed', 1, {at}, {at}, {at}, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)",
        sums.join(", "),
        tributary_domain::ids::ReconciliationId::new(now),
        p.provider,
    )
}

async fn shop(p: &TestPlatform, tenant: &TestTenant) -> (String, String) {
    let operations = p.platform.operations();
    let merchants = operations.list_sub_merchants(&tenant.id).await;
    let merchant = merchants.expect("sub-merchants").remove(0);
    let apps = operations.sub_apps(&merchant).await;
    let app = apps.expect("apps").remove(0);
    (merchant.id.to_string(), app.id.to_string())
}
