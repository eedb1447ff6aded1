//! Deliveries as a tenant sees them.

use std::collections::BTreeMap;

use poem_openapi::{Enum, Object};
use tributary_domain::event;
use tributary_operations::deliveries::{self, AttemptView, DeliveryDetail, DeliveryView};
use tributary_operations::pages::Page;

/// Where a delivery stands.
#[derive(Debug, Clone, Copy, Enum)]
#[oai(rename_all = "snake_case", remote = "deliveries::DeliveryState")]
pub(super) enum DeliveryState {
    Open,
    Succeeded,
    Failed,
    Held,
    Cancelled,
}

/// What can happen.
#[derive(Debug, Clone, Copy, Enum)]
#[oai(remote = "event::EventType")]
pub(super) enum EventType {
    #[oai(rename = "order.created")]
    OrderCreated,
    #[oai(rename = "order.paid")]
    OrderPaid,
    #[oai(rename = "order.paid_late")]
    OrderPaidLate,
    #[oai(rename = "order.closed")]
    OrderClosed,
    #[oai(rename = "order.unknown")]
    OrderUnknown,
    #[oai(rename = "order.duplicate_paid")]
    OrderDuplicatePaid,
    #[oai(rename = "order.amount_mismatch")]
    OrderAmountMismatch,
    #[oai(rename = "refund.created")]
    RefundCreated,
    #[oai(rename = "refund.held")]
    RefundHeld,
    #[oai(rename = "refund.processing")]
    RefundProcessing,
    #[oai(rename = "refund.succeeded")]
    RefundSucceeded,
    #[oai(rename = "refund.closed")]
    RefundClosed,
    #[oai(rename = "refund.abnormal")]
    RefundAbnormal,
    #[oai(rename = "refund.unknown")]
    RefundUnknown,
    #[oai(rename = "reconciliation.completed")]
    ReconciliationCompleted,
    #[oai(rename = "reconciliation.discrepancy")]
    ReconciliationDiscrepancy,
    #[oai(rename = "ping")]
    Ping,
}

/// One event on its way to one endpoint.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct Delivery {
    /// Its id: `dlv_…`.
    id: String,
    /// Always `delivery`.
    object: String,
    /// The event.
    event_id: String,
    /// What happened.
    event_type: String,
    /// The endpoint.
    endpoint_id: String,
    /// Where it stands.
    state: String,
    /// How many attempts were made.
    attempts: i64,
    /// When the next attempt is due (RFC 3339).
    next_attempt_at: Option<String>,
    /// Why the last attempt failed.
    last_error: Option<String>,
    /// What the receiver last answered.
    last_status: Option<i64>,
    /// When the event was made (RFC 3339).
    created_at: String,
    /// When it ended (RFC 3339).
    finished_at: Option<String>,
}

/// One attempt to deliver.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
struct DeliveryAttempt {
    /// Counted from 1.
    number: i64,
    /// Why it was made: `auto`, `manual` or `test`.
    trigger: String,
    /// When it began (RFC 3339).
    started_at: String,
    /// How long it took.
    duration_ms: i64,
    /// What the receiver answered.
    status: Option<i64>,
    /// Why it failed.
    error_class: Option<String>,
    /// The headers of the answer.
    response_headers: Option<BTreeMap<String, String>>,
    /// The first 4 KiB of the answer.
    response_body: Option<String>,
    /// The address that answered.
    remote_ip: Option<String>,
    /// The headers of the request; your own are shown as `***`.
    request_headers: Option<BTreeMap<String, String>>,
    /// How long the name was looked up, when a connection was opened.
    dns_ms: Option<i64>,
    /// How long TCP took to connect, when a connection was opened.
    connect_ms: Option<i64>,
    /// How long the TLS handshake took, when one was made.
    tls_ms: Option<i64>,
    /// From the beginning until the head of the answer was there.
    first_byte_ms: Option<i64>,
    /// The version of TLS, when a handshake was made.
    tls_version: Option<String>,
}

/// A delivery with every attempt.
#[derive(Debug, Object)]
pub(super) struct DeliveryWithAttempts {
    #[oai(flatten)]
    delivery: Delivery,
    /// The attempts, the first one first.
    attempt_log: Vec<DeliveryAttempt>,
}

/// A page of deliveries, the newest first.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct DeliveryPage {
    /// Always `list`.
    object: String,
    /// The deliveries.
    data: Vec<Delivery>,
    /// Whether there is a next page.
    has_more: bool,
    /// Send it as `cursor` to get the next page; absent on the last.
    next_cursor: Option<String>,
}

impl From<Page<DeliveryView>> for DeliveryPage {
    fn from(page: Page<DeliveryView>) -> Self {
        Self {
            object: String::from("list"),
            data: page.items.into_iter().map(Into::into).collect(),
            has_more: page.next_cursor.is_some(),
            next_cursor: page.next_cursor,
        }
    }
}

impl From<DeliveryDetail> for DeliveryWithAttempts {
    fn from(detail: DeliveryDetail) -> Self {
        Self {
            delivery: detail.delivery.into(),
            attempt_log: detail.attempts.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<DeliveryView> for Delivery {
    fn from(view: DeliveryView) -> Self {
        Self {
            id: view.id,
            object: view.object,
            event_id: view.event_id,
            event_type: view.event_type,
            endpoint_id: view.endpoint_id,
            state: view.state,
            attempts: view.attempts,
            next_attempt_at: view.next_attempt_at,
            last_error: view.last_error,
            last_status: view.last_status,
            created_at: view.created_at,
            finished_at: view.finished_at,
        }
    }
}

impl From<AttemptView> for DeliveryAttempt {
    fn from(view: AttemptView) -> Self {
        Self {
            number: view.number,
            trigger: view.trigger,
            started_at: view.started_at,
            duration_ms: view.duration_ms,
            status: view.status,
            error_class: view.error_class,
            response_headers: view.response_headers,
            response_body: view.response_body,
            remote_ip: view.remote_ip,
            request_headers: view.request_headers,
            dns_ms: view.dns_ms,
            connect_ms: view.connect_ms,
            tls_ms: view.tls_ms,
            first_byte_ms: view.first_byte_ms,
            tls_version: view.tls_version,
        }
    }
}
