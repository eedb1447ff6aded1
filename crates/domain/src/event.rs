//! Events: what a tenant is told, rendered once to the bytes that are stored, signed and sent.

use serde::Serialize;
use serde_json::value::RawValue;

use crate::clock::Timestamp;
use crate::ids::{EventId, TenantId};
use crate::settlement::Source;
use crate::tenant::Mode;

/// The version of the payloads, pinned in each of them.
pub const API_VERSION: &str = "2026-11-01";
/// Every version that an endpoint may be pinned to, oldest first.
pub const API_VERSIONS: [&str; 1] = [API_VERSION];
/// A body that would be longer is stored thin.
pub const MAX_BODY_BYTES: usize = 64 * 1024;

/// Everything a tenant can be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EventType {
    /// An order was recorded.
    OrderCreated,
    /// An order was paid.
    OrderPaid,
    /// A payment arrived after the order was closed.
    OrderPaidLate,
    /// An order was closed unpaid.
    OrderClosed,
    /// A call to WeChat about the order had no certain end; a query will tell.
    OrderUnknown,
    /// A second payment of an order that was paid.
    OrderDuplicatePaid,
    /// A payment of another amount than the order's.
    OrderAmountMismatch,
    /// A refund was recorded.
    RefundCreated,
    /// A refund waits, such as for the sub-merchant's money; it is sent again under its number.
    RefundHeld,
    /// WeChat accepted a refund.
    RefundProcessing,
    /// The payer has the money.
    RefundSucceeded,
    /// A refund did not happen.
    RefundClosed,
    /// The way back to the payer failed.
    RefundAbnormal,
    /// A call to WeChat about the refund had no certain end; a query will tell.
    RefundUnknown,
    /// A day was compared with WeChat's bill.
    ReconciliationCompleted,
    /// Our books and a bill differ, or a difference changed its state.
    ReconciliationDiscrepancy,
    /// A test of an endpoint.
    Ping,
}

impl EventType {
    /// Every type there is.
    pub const ALL: [Self; 17] = [
        Self::OrderCreated,
        Self::OrderPaid,
        Self::OrderPaidLate,
        Self::OrderClosed,
        Self::OrderUnknown,
        Self::OrderDuplicatePaid,
        Self::OrderAmountMismatch,
        Self::RefundCreated,
        Self::RefundHeld,
        Self::RefundProcessing,
        Self::RefundSucceeded,
        Self::RefundClosed,
        Self::RefundAbnormal,
        Self::RefundUnknown,
        Self::ReconciliationCompleted,
        Self::ReconciliationDiscrepancy,
        Self::Ping,
    ];

    /// The word stored and sent.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OrderCreated => "order.created",
            Self::OrderPaid => "order.paid",
            Self::OrderPaidLate => "order.paid_late",
            Self::OrderClosed => "order.closed",
            Self::OrderUnknown => "order.unknown",
            Self::OrderDuplicatePaid => "order.duplicate_paid",
            Self::OrderAmountMismatch => "order.amount_mismatch",
            Self::RefundCreated => "refund.created",
            Self::RefundHeld => "refund.held",
            Self::RefundProcessing => "refund.processing",
            Self::RefundSucceeded => "refund.succeeded",
            Self::RefundClosed => "refund.closed",
            Self::RefundAbnormal => "refund.abnormal",
            Self::RefundUnknown => "refund.unknown",
            Self::ReconciliationCompleted => "reconciliation.completed",
            Self::ReconciliationDiscrepancy => "reconciliation.discrepancy",
            Self::Ping => "ping",
        }
    }

    /// Reads the stored word.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// Whether a filter such as `order.paid`, `order.*` or `*` lets a type through.
pub fn filter_matches(filter: &str, kind: &str) -> bool {
    match filter.strip_suffix('*') {
        Some(stem) => kind.starts_with(stem),
        None => filter == kind,
    }
}

/// Whether a filter names at least one type that exists.
pub fn filter_is_known(filter: &str) -> bool {
    EventType::ALL
        .iter()
        .any(|kind| filter_matches(filter, kind.as_str()))
}

/// What an event is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Subject {
    /// `order`, `refund`, `reconciliation`, `endpoint`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Its id.
    pub id: String,
}

/// An event on its way into the outbox.
#[derive(Clone, Debug)]
pub struct NewEvent {
    /// Its id, the same on every retry, replay and endpoint.
    pub id: EventId,
    /// Whom it is for.
    pub tenant_id: TenantId,
    /// Which world it belongs to.
    pub mode: Mode,
    /// What happened.
    pub kind: EventType,
    /// To what.
    pub subject: Subject,
    /// Which event about this subject, counted from 1 without a gap.
    pub seq: i64,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// When we wrote it down; its deliveries are due from then on.
    pub recorded_at: Timestamp,
    /// The effect that must happen once: a second event with the same key is refused by the database.
    pub dedupe_key: String,
    /// The sub-merchant that it concerns, when it concerns one.
    pub sub_mchid: Option<String>,
    /// The exact bytes that every endpoint and the feed receive.
    pub body: String,
    /// The exact bytes for endpoints that read the object through the API.
    pub thin_body: String,
}

/// What the body of an event is made of.
#[derive(Debug)]
pub struct Draft<'a> {
    /// Whom it is for.
    pub tenant_id: &'a TenantId,
    /// Which world it belongs to.
    pub mode: Mode,
    /// What happened.
    pub kind: EventType,
    /// To what.
    pub subject: Subject,
    /// Which event about this subject.
    pub seq: i64,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// How we learned of it.
    pub source: Source,
    /// The sub-merchant that it concerns, when it concerns one.
    pub sub_mchid: Option<&'a str>,
    /// The object as it is now, as JSON.
    pub object: &'a RawValue,
    /// Its state before, when it had one.
    pub previous_state: Option<&'a str>,
}

#[derive(Serialize)]
struct Envelope<'a, D> {
    id: &'a EventId,
    #[serde(rename = "type")]
    kind: &'static str,
    timestamp: String,
    api_version: &'static str,
    livemode: bool,
    tenant_id: &'a TenantId,
    subject: &'a Subject,
    seq: i64,
    source: &'static str,
    data: D,
}

#[derive(Serialize)]
struct Data<'a> {
    object: &'a RawValue,
    #[serde(skip_serializing_if = "Option::is_none")]
    previous: Option<Previous<'a>>,
}

/// What is left of an object that is too long to send, or not wanted: its id.
#[derive(Serialize)]
struct ThinData<'a> {
    object: ThinObject<'a>,
    truncated: bool,
}

#[derive(Serialize)]
struct ThinObject<'a> {
    id: &'a str,
}

#[derive(Serialize)]
struct Previous<'a> {
    state: &'a str,
}

impl NewEvent {
    /// Renders the bodies once; what is stored is what is signed and sent.
    pub fn from_draft(
        draft: Draft<'_>,
        dedupe_key: String,
        now: Timestamp,
    ) -> Result<Self, serde_json::Error> {
        let id = EventId::new(now);
        let previous = draft.previous_state.map(|state| Previous { state });
        let data = Data {
            object: draft.object,
            previous,
        };
        let thin = ThinData {
            object: ThinObject {
                id: &draft.subject.id,
            },
            truncated: true,
        };
        let body = serde_json::to_string(&envelope(&id, &draft, data))?;
        let thin_body = serde_json::to_string(&envelope(&id, &draft, thin))?;
        let is_too_long = body.len() > MAX_BODY_BYTES;
        Ok(Self {
            id,
            tenant_id: draft.tenant_id.clone(),
            mode: draft.mode,
            kind: draft.kind,
            sub_mchid: draft.sub_mchid.map(str::to_owned),
            subject: draft.subject,
            seq: draft.seq,
            occurred_at: draft.occurred_at,
            recorded_at: now,
            dedupe_key,
            body: if is_too_long { thin_body.clone() } else { body },
            thin_body,
        })
    }
}

fn envelope<'a, D>(id: &'a EventId, draft: &'a Draft<'_>, data: D) -> Envelope<'a, D> {
    Envelope {
        id,
        kind: draft.kind.as_str(),
        timestamp: draft.occurred_at.to_rfc3339(),
        api_version: API_VERSION,
        livemode: draft.mode == Mode::Live,
        tenant_id: draft.tenant_id,
        subject: &draft.subject,
        seq: draft.seq,
        source: draft.source.as_str(),
        data,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_match_exactly_or_by_a_trailing_star() {
        assert!(filter_matches("order.*", "order.paid"));
        assert!(filter_matches("*", "ping"));
        assert!(filter_matches("order.paid", "order.paid"));
        assert!(!filter_matches("order.paid", "order.paid_late"));
        assert!(filter_is_known("refund.*"));
        assert!(!filter_is_known("parcel.*"));
    }

    fn told(object: &str) -> NewEvent {
        let now = Timestamp::from_seconds(1_767_225_600);
        let tenant_id = TenantId::new(now);
        let object = RawValue::from_string(object.to_owned()).unwrap();
        let draft = Draft {
            tenant_id: &tenant_id,
            mode: Mode::Test,
            kind: EventType::OrderPaid,
            subject: Subject {
                kind: "order",
                id: "ord_1".into(),
            },
            seq: 2,
            occurred_at: now,
            source: Source::Notification,
            sub_mchid: Some("1900000109"),
            object: &object,
            previous_state: Some("paying"),
        };
        NewEvent::from_draft(draft, "ord_1:paid".into(), now).unwrap()
    }

    #[test]
    fn the_body_is_the_documented_envelope() {
        let event = told(r#"{"id":"ord_1"}"#);
        let body: serde_json::Value = serde_json::from_str(&event.body).unwrap();
        assert_eq!(body["type"], "order.paid");
        assert_eq!(body["timestamp"], "2026-01-01T00:00:00.000Z");
        assert_eq!(body["livemode"], false);
        assert_eq!(body["data"]["object"]["id"], "ord_1");
        assert_eq!(body["data"]["previous"]["state"], "paying");
        assert_eq!(body["id"], event.id.as_str());
    }

    #[test]
    fn a_body_of_more_than_64_kib_is_stored_thin() {
        let object =
            |length: usize| format!(r#"{{"id":"ord_1","attach":"{}"}}"#, "a".repeat(length));
        let around = told(&object(0)).body.len();
        let longest = told(&object(MAX_BODY_BYTES - around));
        assert_eq!(longest.body.len(), MAX_BODY_BYTES);
        let longer = told(&object(MAX_BODY_BYTES - around + 1));
        assert_eq!(longer.body, longer.thin_body);
        let thin: serde_json::Value = serde_json::from_str(&longer.thin_body).unwrap();
        let data = serde_json::json!({"object": {"id": "ord_1"}, "truncated": true});
        assert_eq!(thin["data"], data);
        assert_eq!(thin["type"], "order.paid");
        assert_eq!(thin["subject"]["id"], "ord_1");
    }
}
