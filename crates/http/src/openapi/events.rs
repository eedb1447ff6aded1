//! The webhooks of the document: one per event type, with the payload that is sent.

use serde_json::{Map, Value, json};
use tributary_domain::event::EventType;

/// Writes the webhooks into the document.
pub(super) fn add(document: &mut Value) {
    let example = super::tables::examples();
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
            "The order was closed here when WeChat Pay reported a payment. Decide whether to deliver or to refund.",
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
        EventType::OrderPaidLate => ("paid_late", Some("closed"), 3),
        EventType::OrderClosed => ("closed", Some("closing"), 2),
        EventType::OrderUnknown => ("unknown", Some("created"), 2),
        EventType::Ping => return ping(payload, examples),
    };
    payload["seq"] = json!(seq);
    payload["source"] = json!(if kind == EventType::OrderPaidLate {
        "notification"
    } else {
        "api"
    });
    payload["data"]["object"]["state"] = json!(state);
    payload["data"]["previous"] = json!({ "state": previous });
    let unpaid = kind != EventType::OrderPaidLate;
    drop_fields(&mut payload["data"], previous.is_none(), "previous");
    for field in [
        "transaction_id",
        "success_time",
        "bank_type",
        "trade_type",
        "trade_state",
    ] {
        drop_fields(&mut payload["data"]["object"], unpaid, field);
    }
    drop_fields(
        &mut payload["data"]["object"]["amount"],
        unpaid,
        "payer_total",
    );
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
