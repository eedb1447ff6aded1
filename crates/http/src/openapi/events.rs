//! The webhooks of the document: one per event type, with the payload that is sent.

use serde_json::{Map, Value, json};
use tributary_domain::event::EventType;

use super::Audience;

/// Writes the webhooks into the document.
pub(super) fn add(document: &mut Value) {
    let example = Audience::Tenant.examples();
    let webhooks = EventType::ALL.iter().map(|kind| {
        let payload = payload(*kind, &example);
        (
            kind.as_str().to_owned(),
            json!({ "post": webhook(*kind, &payload) }),
        )
    });
    document["webhooks"] = Value::Object(webhooks.collect());
    if let Some(tags) = document["tags"].as_array_mut() {
        tags.push(json!({ "name": "webhooks", "description": "What is sent to your endpoints." }));
    }
}

fn webhook(kind: EventType, payload: &Value) -> Value {
    let (operation_id, summary, description) = told(kind);
    json!({
        "operationId": operation_id,
        "summary": summary,
        "description": description,
        "tags": ["webhooks"],
        "security": [],
        "parameters": [
            header("webhook-id", "The id of the event: the same in every repetition. Remember it for a week."),
            header("webhook-timestamp", "When this attempt was made, in seconds since 1970; signed."),
            header("webhook-signature", "`v1,` and the HMAC-SHA256, or `v1a,` and the Ed25519 signature, in base64; several, apart by spaces, while a secret rotates."),
        ],
        "requestBody": {
            "required": true,
            "content": { "application/json": {
                "schema": { "$ref": "#/components/schemas/Event" },
                "examples": { "example": { "value": payload } },
            } },
        },
        "responses": {
            "2XX": { "description": "Taken. Anything else is repeated for three days." },
            "410": { "description": "Nobody is here any more: the endpoint is disabled." },
        },
    })
}

fn header(name: &str, description: &str) -> Value {
    json!({
        "name": name,
        "in": "header",
        "required": true,
        "description": description,
        "schema": { "type": "string", "maxLength": 1024 },
    })
}

/// The name, the title and the explanation of a type.
#[expect(
    clippy::too_many_lines,
    reason = "a table: one entry per type of event"
)]
pub(super) fn told(kind: EventType) -> (&'static str, &'static str, &'static str) {
    match kind {
        EventType::OrderCreated => (
            "onOrderCreated",
            "An order was recorded",
            "Sent once per order, when it is recorded. Nothing is paid yet.",
        ),
        EventType::OrderPaid => (
            "onOrderPaid",
            "An order was paid",
            "Sent once per order, when WeChat Pay has confirmed the money. Deliver the goods.",
        ),
        EventType::OrderPaidLate => (
            "onOrderPaidLate",
            "A payment came after the end",
            "The order was closed here when WeChat Pay reported a payment. The state of the order says what your policy made of it: `paid`, `refunding` or `held`.",
        ),
        EventType::OrderClosed => (
            "onOrderClosed",
            "An order was closed unpaid",
            "Closed by you or expired, and WeChat Pay has confirmed that nobody can pay it any more.",
        ),
        EventType::OrderUnknown => (
            "onOrderUnknown",
            "An outcome is not known yet",
            "A call to WeChat Pay ended without a certain answer. It is being asked; another event follows. Do not order anew.",
        ),
        EventType::OrderDuplicatePaid => (
            "onOrderDuplicatePaid",
            "An order was paid a second time",
            "The payer paid twice. The order stays as it is; `late_payments` says what your policy made of the second payment.",
        ),
        EventType::OrderAmountMismatch => (
            "onOrderAmountMismatch",
            "Another amount was paid",
            "WeChat Pay reported a payment of another amount than the order's. Compare `amount.paid` with `amount.total`.",
        ),
        EventType::RefundCreated => (
            "onRefundCreated",
            "A refund was recorded",
            "Its amount is set aside; WeChat Pay is asked next.",
        ),
        EventType::RefundHeld => (
            "onRefundHeld",
            "A refund waits",
            "WeChat Pay did not take it for a reason that somebody can mend, such as too little money of the sub-merchant; `failure` says which. It is sent again under the same number.",
        ),
        EventType::RefundProcessing => (
            "onRefundProcessing",
            "A refund was accepted",
            "WeChat Pay is at it. The payer does not have the money yet.",
        ),
        EventType::RefundSucceeded => (
            "onRefundSucceeded",
            "A refund arrived",
            "The payer has the money.",
        ),
        EventType::RefundClosed => (
            "onRefundClosed",
            "A refund did not happen",
            "Its amount may be refunded again, under a new number.",
        ),
        EventType::RefundAbnormal => (
            "onRefundAbnormal",
            "A refund is stuck",
            "The way back to the payer failed, such as a closed card. The money is neither with the payer nor released; it needs a person.",
        ),
        EventType::RefundUnknown => (
            "onRefundUnknown",
            "The outcome of a refund is not known yet",
            "A call to WeChat Pay ended without a certain answer. It is being asked; another event follows. Do not refund anew.",
        ),
        EventType::ReconciliationCompleted => (
            "onReconciliationCompleted",
            "A day was compared with the bill",
            "Sent once per day and provider in which you have rows, when the books were compared with WeChat Pay's bill. Read the day by `GET /v1/reconciliation/days/{date}`.",
        ),
        EventType::ReconciliationDiscrepancy => (
            "onReconciliationDiscrepancy",
            "The books and the bill differ",
            "Something of yours stands otherwise in WeChat Pay's bill than in the books, or such a difference changed its state: `open`, `explained`, `fixed` or `closed`.",
        ),
        EventType::Ping => (
            "onPing",
            "A test",
            "Sent when an endpoint is registered and when you ask for it.",
        ),
    }
}

/// The example of the feed, changed to the type.
fn payload(kind: EventType, examples: &Map<String, Value>) -> Value {
    let mut payload = examples
        .get("getEvent")
        .map(|example| example["responses"]["200"].clone())
        .unwrap_or_default();
    if let Some(fields) = payload.as_object_mut() {
        fields.shift_remove("feed_seq");
    }
    payload["type"] = json!(kind.as_str());
    let (state, previous, seq) = match kind {
        EventType::OrderPaid => return payload,
        EventType::OrderCreated => ("created", None, 1),
        EventType::OrderPaidLate => ("paid", Some("closed"), 3),
        EventType::OrderDuplicatePaid => ("paid", Some("paid"), 3),
        EventType::OrderAmountMismatch => ("held", Some("paying"), 2),
        EventType::OrderClosed => ("closed", Some("closing"), 2),
        EventType::OrderUnknown => ("unknown", Some("created"), 2),
        EventType::Ping => return ping(payload, examples),
        EventType::ReconciliationCompleted | EventType::ReconciliationDiscrepancy => {
            return reconciliation(kind, payload, examples);
        }
        refund => return refund_payload(refund, payload, examples),
    };
    payload["seq"] = json!(seq);
    payload["data"]["object"]["state"] = json!(state);
    payload["data"]["previous"] = json!({ "state": previous });
    drop_fields(&mut payload["data"], previous.is_none(), "previous");
    match kind {
        EventType::OrderPaidLate
        | EventType::OrderDuplicatePaid
        | EventType::OrderAmountMismatch => add_late_payment(kind, &mut payload["data"]["object"]),
        _ => {
            payload["source"] = json!("api");
            make_unpaid(&mut payload["data"]["object"]);
        }
    }
    payload
}

fn make_unpaid(order: &mut Value) {
    for field in [
        "transaction_id",
        "success_time",
        "bank_type",
        "trade_type",
        "trade_state",
    ] {
        drop_fields(order, true, field);
    }
    drop_fields(&mut order["amount"], true, "payer_total");
    order["amount"]["paid"] = json!(0);
}

fn add_late_payment(kind: EventType, order: &mut Value) {
    let (word, state) = match kind {
        EventType::OrderPaidLate => ("paid_late", "accepted"),
        EventType::OrderDuplicatePaid => ("duplicate_paid", "accepted"),
        _ => ("amount_mismatch", "held"),
    };
    if word == "amount_mismatch" {
        order["amount"]["paid"] = json!(88);
        order["amount"]["payer_total"] = json!(88);
    }
    order["late_payments"] = json!([{
        "id": "lpm_01JAE2P7C4D9F2H6K8M1N3Q5RT",
        "kind": word,
        "state": state,
        "transaction_id": order["transaction_id"],
        "total": order["amount"]["paid"],
        "success_time": order["success_time"],
    }]);
}

/// The example of a refund, changed to the type.
fn refund_payload(kind: EventType, mut payload: Value, examples: &Map<String, Value>) -> Value {
    let mut refund = examples
        .get("getRefund")
        .map(|example| example["responses"]["200"].clone())
        .unwrap_or_default();
    let (state, previous, seq) = match kind {
        EventType::RefundCreated => ("requested", None, 1),
        EventType::RefundHeld => ("held", Some("sent"), 2),
        EventType::RefundProcessing => ("processing", Some("sent"), 2),
        EventType::RefundClosed => ("closed", Some("processing"), 3),
        EventType::RefundAbnormal => ("abnormal", Some("processing"), 3),
        EventType::RefundUnknown => ("unknown", Some("sent"), 2),
        _ => ("success", Some("processing"), 3),
    };
    refund["state"] = json!(state);
    let accepted = matches!(state, "processing" | "closed" | "abnormal" | "success");
    for field in ["refund_id", "wechat_status", "user_received_account"] {
        drop_fields(&mut refund, !accepted, field);
    }
    if accepted {
        refund["wechat_status"] = json!(state.to_uppercase());
    }
    drop_fields(&mut refund, state != "success", "success_time");
    if state == "held" {
        refund["failure"] =
            json!({ "code": "NOT_ENOUGH", "message": "基本账户余额不足，请充值后重新发起" });
    }
    payload["subject"] = json!({ "type": "refund", "id": refund["id"] });
    payload["seq"] = json!(seq);
    payload["source"] = json!(if accepted { "notification" } else { "api" });
    payload["data"] = json!({ "object": refund });
    if let Some(previous) = previous {
        payload["data"]["previous"] = json!({ "state": previous });
    }
    payload
}

/// The example of a day, changed to what is told of it.
fn reconciliation(kind: EventType, mut payload: Value, examples: &Map<String, Value>) -> Value {
    let day = examples
        .get("getReconciliationDay")
        .map(|example| example["responses"]["200"].clone())
        .unwrap_or_default();
    let object = if kind == EventType::ReconciliationCompleted {
        let mut object = json!({
            "id": "rec_01JAE5D7M4Q8W3N7R5T9V1X6Z0",
            "object": "reconciliation",
            "date": day["date"],
            "state": day["state"],
        });
        for column in ["paid_at_wechat", "known", "told", "delivered"] {
            object[column] = day[column].clone();
        }
        object
    } else {
        day["discrepancies"][0].clone()
    };
    payload["subject"] = json!({ "type": "reconciliation", "id": object["id"] });
    payload["seq"] = json!(1);
    payload["source"] = json!("reconciliation");
    payload["data"] = json!({ "object": object });
    payload
}

fn drop_fields(object: &mut Value, when: bool, field: &str) {
    if let (true, Some(fields)) = (when, object.as_object_mut()) {
        fields.shift_remove(field);
    }
}

fn ping(mut payload: Value, examples: &Map<String, Value>) -> Value {
    let endpoint = examples
        .get("getWebhookEndpoint")
        .map(|example| &example["responses"]["200"])
        .map(|shown| json!({ "id": shown["id"], "object": shown["object"], "mode": shown["mode"] }))
        .unwrap_or_default();
    payload["subject"] = json!({ "type": "endpoint", "id": endpoint["id"] });
    payload["seq"] = json!(1);
    payload["source"] = json!("api");
    payload["data"] = json!({ "object": endpoint });
    payload
}
