//! Deliveries and endpoints as staff are shown them.

use poem_openapi::Object;
use serde_json::Value;
use tributary_domain::clock::Timestamp;
use tributary_domain::ids::EndpointId;
use tributary_operations::delivery_search::{
    EndpointDetail, InspectedDelivery, ListedDelivery, ListedEndpoint,
};
use tributary_operations::jobs::{RecoverPlan, RecoverWish};
use tributary_operations::pages::Searched;

use crate::admin_api::actions::{self, AllowedAction};
use crate::pagination::Parameters;
use crate::problem::Problem;

/// A delivery in a list.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct StaffDelivery {
    /// Its id: `dlv_…`.
    id: String,
    /// Always `delivery`.
    object: String,
    /// `live` or `test`.
    mode: String,
    /// Whose it is.
    tenant_id: String,
    /// The tenant's name.
    tenant_name: String,
    /// What is told.
    event_id: String,
    /// Its type.
    event_type: String,
    /// What it tells about: the id of an order or a refund.
    subject_id: Option<String>,
    /// Whom.
    endpoint_id: String,
    /// How far it has come.
    state: String,
    /// How many attempts were made.
    attempts: i64,
    /// The status of the last answer.
    last_status: Option<i64>,
    /// The class of the last failure.
    last_error: Option<String>,
    /// When the next attempt is due (RFC 3339).
    next_attempt_at: Option<String>,
    /// When it was made (RFC 3339).
    created_at: String,
    /// When it was finished (RFC 3339).
    finished_at: Option<String>,
}

impl From<ListedDelivery> for StaffDelivery {
    fn from(listed: ListedDelivery) -> Self {
        let delivery = listed.delivery;
        Self {
            id: delivery.id.to_string(),
            object: String::from("delivery"),
            mode: delivery.mode.as_str().to_owned(),
            tenant_id: delivery.tenant_id.to_string(),
            tenant_name: listed.tenant_name,
            event_id: delivery.event_id.to_string(),
            event_type: delivery.event_kind,
            subject_id: listed.subject.map(|(_, id)| id),
            endpoint_id: delivery.endpoint_id.to_string(),
            state: delivery.state.as_str().to_owned(),
            attempts: delivery.attempts,
            last_status: delivery.last_status,
            last_error: delivery.last_error,
            next_attempt_at: delivery.next_attempt_at.map(Timestamp::to_rfc3339),
            created_at: delivery.created_at.to_rfc3339(),
            finished_at: delivery.finished_at.map(Timestamp::to_rfc3339),
        }
    }
}

/// A page of deliveries, the newest first.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct StaffDeliveryPage {
    /// Always `list`.
    object: String,
    /// The deliveries.
    data: Vec<StaffDelivery>,
    /// Whether there are more.
    has_more: bool,
    /// Names the next page.
    next_cursor: Option<String>,
    /// When this was looked up (RFC 3339).
    as_of: String,
}

impl From<Searched<ListedDelivery>> for StaffDeliveryPage {
    fn from(found: Searched<ListedDelivery>) -> Self {
        Self {
            object: String::from("list"),
            data: found.items.into_iter().map(Into::into).collect(),
            has_more: found.next_cursor.is_some(),
            next_cursor: found.next_cursor,
            as_of: found.as_of.to_rfc3339(),
        }
    }
}

/// One HTTP try of a delivery.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct StaffDeliveryAttempt {
    /// Its number, from 1.
    number: i64,
    /// `auto` or `manual`.
    trigger: String,
    /// When it began (RFC 3339).
    started_at: String,
    /// How long it lasted, in milliseconds.
    duration_ms: i64,
    /// The status of the answer.
    status: Option<i64>,
    /// The class of the failure.
    error_class: Option<String>,
    /// Who answered.
    remote_ip: Option<String>,
    /// The version of TLS.
    tls_version: Option<String>,
    /// How long looking the name up took, in milliseconds.
    dns_ms: Option<i64>,
    /// How long connecting took, in milliseconds.
    connect_ms: Option<i64>,
    /// How long the TLS handshake took, in milliseconds.
    tls_ms: Option<i64>,
    /// When the answer's head was complete, in milliseconds.
    first_byte_ms: Option<i64>,
    /// The request's headers, a line each; values that the tenant gave are masked.
    request_headers: Option<String>,
    /// The answer's headers, a line each.
    response_headers: Option<String>,
    /// The beginning of the answer's body, as text.
    response_body: Option<String>,
}

/// A delivery whole.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct StaffDeliveryDetail {
    /// As in a list.
    delivery: StaffDelivery,
    /// Where it goes; absent when the endpoint was removed.
    url: Option<String>,
    /// Its attempts, first to last.
    attempts: Vec<StaffDeliveryAttempt>,
    /// What it carries; who paid as you may see it.
    body: Option<Value>,
    /// What you may do with it.
    actions: Vec<AllowedAction>,
}

impl From<InspectedDelivery> for StaffDeliveryDetail {
    fn from(seen: InspectedDelivery) -> Self {
        let attempts = seen
            .attempts
            .into_iter()
            .map(|attempt| StaffDeliveryAttempt {
                number: attempt.number,
                trigger: attempt.trigger,
                started_at: attempt.started_at.to_rfc3339(),
                duration_ms: attempt.duration_ms,
                status: attempt.status,
                error_class: attempt.error_class,
                remote_ip: attempt.remote_ip,
                tls_version: attempt.tls_version,
                dns_ms: attempt.timing.dns_ms,
                connect_ms: attempt.timing.connect_ms,
                tls_ms: attempt.timing.tls_ms,
                first_byte_ms: attempt.timing.first_byte_ms,
                request_headers: attempt.request_headers,
                response_headers: attempt.response_headers,
                response_body: attempt
                    .response_body
                    .map(|bytes| String::from_utf8_lossy(&bytes).into_owned()),
            });
        Self {
            attempts: attempts.collect(),
            delivery: seen.listed.into(),
            url: seen.url,
            body: seen.body,
            actions: actions::shown(seen.actions),
        }
    }
}

/// An endpoint in a list.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct StaffEndpoint {
    /// Its id: `ep_…`.
    id: String,
    /// Always `webhook_endpoint`.
    object: String,
    /// `live` or `test`.
    mode: String,
    /// Whose it is.
    tenant_id: String,
    /// The tenant's name.
    tenant_name: String,
    /// Where events are sent to.
    url: String,
    /// What its tenant calls it.
    description: String,
    /// Which events it hears.
    events: Vec<String>,
    /// `unverified`, `enabled`, `degraded`, `paused` or `disabled`.
    state: String,
    /// Why it is disabled.
    disabled_reason: Option<String>,
    /// Failures since the last success.
    consecutive_failures: i64,
    /// Since when it fails (RFC 3339).
    failing_since: Option<String>,
    /// When it last took something (RFC 3339).
    last_success_at: Option<String>,
    /// How many deliveries wait for it.
    waiting: i64,
    /// Since when the oldest of them is due (RFC 3339).
    oldest_due_at: Option<String>,
    /// When it was made (RFC 3339).
    created_at: String,
}

impl From<ListedEndpoint> for StaffEndpoint {
    fn from(listed: ListedEndpoint) -> Self {
        let endpoint = listed.endpoint;
        Self {
            id: endpoint.id.to_string(),
            object: String::from("webhook_endpoint"),
            mode: endpoint.mode.as_str().to_owned(),
            tenant_id: endpoint.tenant_id.to_string(),
            tenant_name: listed.tenant_name,
            url: endpoint.url,
            description: endpoint.description,
            events: endpoint.filters,
            state: endpoint.state.as_str().to_owned(),
            disabled_reason: endpoint.disabled_reason,
            consecutive_failures: endpoint.consecutive_failures,
            failing_since: endpoint.failing_since.map(Timestamp::to_rfc3339),
            last_success_at: endpoint.last_success_at.map(Timestamp::to_rfc3339),
            waiting: listed.waiting,
            oldest_due_at: listed.oldest_due_at.map(Timestamp::to_rfc3339),
            created_at: endpoint.created_at.to_rfc3339(),
        }
    }
}

/// A page of endpoints, the newest first.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct StaffEndpointPage {
    /// Always `list`.
    object: String,
    /// The endpoints.
    data: Vec<StaffEndpoint>,
    /// Whether there are more.
    has_more: bool,
    /// Names the next page.
    next_cursor: Option<String>,
    /// When this was looked up (RFC 3339).
    as_of: String,
}

impl From<Searched<ListedEndpoint>> for StaffEndpointPage {
    fn from(found: Searched<ListedEndpoint>) -> Self {
        Self {
            object: String::from("list"),
            data: found.items.into_iter().map(Into::into).collect(),
            has_more: found.next_cursor.is_some(),
            next_cursor: found.next_cursor,
            as_of: found.as_of.to_rfc3339(),
        }
    }
}

/// An endpoint whole.
#[derive(Debug, Object)]
pub(super) struct StaffEndpointDetail {
    /// As in a list.
    endpoint: StaffEndpoint,
    /// The fingerprints of its secrets; the secrets themselves are never shown.
    secret_fingerprints: Vec<String>,
    /// What you may do with it.
    actions: Vec<AllowedAction>,
}

impl From<EndpointDetail> for StaffEndpointDetail {
    fn from(detail: EndpointDetail) -> Self {
        Self {
            endpoint: detail.listed.into(),
            secret_fingerprints: detail
                .view
                .secrets
                .into_iter()
                .map(|one| one.fingerprint)
                .collect(),
            actions: actions::shown(detail.actions),
        }
    }
}

/// Which failed deliveries to send again.
#[derive(Debug, Object)]
#[oai(deny_unknown_fields)]
pub(super) struct Recovery {
    /// Made at this time or later (RFC 3339).
    from: String,
    /// Made before this time (RFC 3339), within 30 days after `from`.
    to: String,
    /// How many in one second, 1 to 100; 10 when it is left out.
    per_second: Option<u64>,
}

impl Recovery {
    pub(super) fn into_wish(self, endpoint_id: EndpointId) -> Result<RecoverWish, Problem> {
        const USUAL: u64 = 10;
        let mut given = Parameters::default();
        let from = given.time("/from", Some(&self.from));
        let to = given.time("/to", Some(&self.to));
        given.finish()?;
        let instant = |at: Option<Timestamp>| at.unwrap_or(Timestamp::from_millis(0));
        Ok(RecoverWish {
            endpoint_id,
            from: instant(from),
            to: instant(to),
            per_second: self.per_second.unwrap_or(USUAL),
        })
    }
}

/// How many deliveries of one type would be sent again.
#[derive(Debug, Object)]
pub(super) struct RecoveryCount {
    /// The type of the event.
    event_type: String,
    /// How many.
    count: i64,
    /// When the oldest was made (RFC 3339).
    oldest: String,
}

/// What sending again would do; nothing was sent.
#[derive(Debug, Object)]
pub(super) struct RecoveryPlan {
    /// How many deliveries in all, at most 50,000 of which are counted.
    total: i64,
    /// By type.
    by_type: Vec<RecoveryCount>,
    /// Whether the endpoint is served; otherwise nothing can be sent.
    is_served: bool,
}

impl From<RecoverPlan> for RecoveryPlan {
    fn from(plan: RecoverPlan) -> Self {
        let counts = plan.by_kind.into_iter().map(|one| RecoveryCount {
            event_type: one.event_kind,
            count: one.count,
            oldest: one.oldest.to_rfc3339(),
        });
        Self {
            total: plan.total,
            by_type: counts.collect(),
            is_served: plan.is_served,
        }
    }
}
