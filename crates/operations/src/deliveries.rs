//! The delivery log: what was sent to whom, what came back, and sending it again.

use std::collections::BTreeMap;

use serde::Serialize;
use tributary_domain::clock::Timestamp;
use tributary_domain::delivery::Delivery;
pub use tributary_domain::delivery::DeliveryState;
use tributary_domain::event::EventType;
use tributary_domain::ids::{DeliveryId, EndpointId, EventId, TenantId};
use tributary_domain::tenant::{Mode, Scope};
use tributary_storage::deliveries::{self, LoggedAttempt, Resend};
use tributary_storage::{StorageError, Tx, endpoints};

use crate::credentials::Caller;
use crate::pages::{Page, check_limit, cut};
use crate::{OperationError, Operations};

/// Which deliveries a list shows.
#[derive(Clone, Debug, Default)]
pub struct DeliveryFilter {
    /// Only to this endpoint.
    pub endpoint_id: Option<EndpointId>,
    /// Only in this state.
    pub state: Option<DeliveryState>,
    /// Only of this type.
    pub event_type: Option<EventType>,
    /// Only of this event.
    pub event_id: Option<EventId>,
    /// Only made at or after this instant.
    pub from: Option<Timestamp>,
    /// Only made before this instant.
    pub to: Option<Timestamp>,
    /// Where the page begins.
    pub cursor: Option<String>,
    /// How long the page is.
    pub limit: u64,
}

/// A delivery as a tenant sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DeliveryView {
    /// Its id.
    pub id: String,
    /// Always `delivery`.
    pub object: String,
    /// What is told.
    pub event_id: String,
    /// Its type.
    pub event_type: String,
    /// Whom.
    pub endpoint_id: String,
    /// How far it has come.
    pub state: String,
    /// How many attempts were made.
    pub attempts: i64,
    /// When the next one is due.
    pub next_attempt_at: Option<String>,
    /// The class of the last failure.
    pub last_error: Option<String>,
    /// The status of the last answer.
    pub last_status: Option<i64>,
    /// When it was made.
    pub created_at: String,
    /// When it was finished.
    pub finished_at: Option<String>,
}

/// One HTTP try as a tenant sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AttemptView {
    /// Its number, from 1.
    pub number: i64,
    /// `auto` or `manual`.
    pub trigger: String,
    /// When it began.
    pub started_at: String,
    /// How long it lasted.
    pub duration_ms: i64,
    /// The status of the answer.
    pub status: Option<i64>,
    /// The class of the failure.
    pub error_class: Option<String>,
    /// The answer's headers.
    pub response_headers: Option<BTreeMap<String, String>>,
    /// The beginning of the answer's body, as text.
    pub response_body: Option<String>,
    /// Who answered.
    pub remote_ip: Option<String>,
    /// The request's headers; values that the tenant gave are masked.
    pub request_headers: Option<BTreeMap<String, String>>,
    /// How long looking the name up took.
    pub dns_ms: Option<i64>,
    /// How long connecting took.
    pub connect_ms: Option<i64>,
    /// How long the TLS handshake took.
    pub tls_ms: Option<i64>,
    /// When the answer's head was complete.
    pub first_byte_ms: Option<i64>,
    /// The version of TLS that was spoken.
    pub tls_version: Option<String>,
}

/// A delivery with its attempts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DeliveryDetail {
    /// The delivery.
    pub delivery: DeliveryView,
    /// Its recorded attempts, first to last.
    pub attempts: Vec<AttemptView>,
}

impl Operations {
    /// Lists deliveries, newest first.
    pub async fn list_deliveries(
        &self,
        caller: &Caller,
        filter: DeliveryFilter,
    ) -> Result<Page<DeliveryView>, OperationError> {
        caller.require(Scope::WebhooksRead)?;
        let limit = check_limit(Some(filter.limit))?;
        let after: Option<DeliveryId> = filter
            .cursor
            .map(|text| text.parse())
            .transpose()
            .map_err(|_| OperationError::invalid("cursor", "must be a next_cursor of this list"))?;
        let wanted = deliveries::DeliveryFilter {
            endpoint_id: filter.endpoint_id,
            state: filter.state,
            event_kind: filter.event_type.map(|kind| kind.as_str().to_owned()),
            event_id: filter.event_id,
            created_from: filter.from,
            created_to: filter.to,
        };
        let (tenant, mode) = (&caller.tenant_id, caller.mode);
        let longer = limit.saturating_add(1);
        let rows = deliveries::list(
            self.storage(),
            tenant,
            mode,
            &wanted,
            after.as_ref(),
            longer,
        )
        .await?;
        let page = cut(rows, limit, |delivery| delivery.id.to_string());
        let items = page.items.iter().map(delivery_view).collect();
        Ok(Page {
            items,
            next_cursor: page.next_cursor,
        })
    }

    /// Shows one delivery with its attempts.
    pub async fn get_delivery(
        &self,
        caller: &Caller,
        id: &DeliveryId,
    ) -> Result<DeliveryDetail, OperationError> {
        caller.require(Scope::WebhooksRead)?;
        let delivery = self.find_delivery(caller, id).await?;
        let attempts = deliveries::attempts(self.storage(), &caller.tenant_id, id).await?;
        Ok(DeliveryDetail {
            delivery: delivery_view(&delivery),
            attempts: attempts.into_iter().map(attempt_view).collect(),
        })
    }

    /// Sends a delivery again now: the same id and bytes, a fresh timestamp.
    pub async fn retry_delivery(
        &self,
        caller: &Caller,
        id: &DeliveryId,
    ) -> Result<DeliveryView, OperationError> {
        caller.require(Scope::WebhooksWrite)?;
        let (tenant, mode) = (&caller.tenant_id, caller.mode);
        let tx = self.storage().begin().await?;
        self.resend_in(&tx, tenant, mode, id).await?;
        tx.commit().await?;
        Ok(delivery_view(&self.find_delivery(caller, id).await?))
    }

    /// Makes a delivery of a tenant due within a transaction, when its endpoint is served.
    pub(crate) async fn resend_in(
        &self,
        tx: &Tx,
        tenant: &TenantId,
        mode: Mode,
        id: &DeliveryId,
    ) -> Result<(), OperationError> {
        let delivery = deliveries::find(tx, tenant, mode, id)
            .await?
            .ok_or(OperationError::NotFound)?;
        let endpoint = endpoints::lock(tx, tenant, mode, &delivery.endpoint_id).await?;
        let state = endpoint.map_or("deleted", |endpoint| {
            if endpoint.state.is_served() {
                ""
            } else {
                endpoint.state.as_str()
            }
        });
        if !state.is_empty() {
            let state = format!("endpoint {state}");
            return Err(OperationError::StateConflict { state });
        }
        match deliveries::resend(tx, &delivery).await {
            Ok(Resend::Due) => Ok(()),
            // Somebody moved it between our read and our write: most likely it was just claimed or finished.
            Ok(Resend::InFlight) | Err(StorageError::Stale { .. }) => {
                Err(OperationError::DeliveryInFlight)
            }
            Err(StorageError::Duplicate { .. }) => Err(OperationError::DeliveryInFlight),
            Err(other) => Err(other.into()),
        }
    }

    async fn find_delivery(
        &self,
        caller: &Caller,
        id: &DeliveryId,
    ) -> Result<Delivery, OperationError> {
        deliveries::find(self.storage(), &caller.tenant_id, caller.mode, id)
            .await?
            .ok_or(OperationError::NotFound)
    }
}

fn delivery_view(delivery: &Delivery) -> DeliveryView {
    DeliveryView {
        id: delivery.id.to_string(),
        object: "delivery".to_owned(),
        event_id: delivery.event_id.to_string(),
        event_type: delivery.event_kind.clone(),
        endpoint_id: delivery.endpoint_id.to_string(),
        state: delivery.state.as_str().to_owned(),
        attempts: delivery.attempts,
        next_attempt_at: delivery.next_attempt_at.map(Timestamp::to_rfc3339),
        last_error: delivery.last_error.clone(),
        last_status: delivery.last_status,
        created_at: delivery.created_at.to_rfc3339(),
        finished_at: delivery.finished_at.map(Timestamp::to_rfc3339),
    }
}

fn attempt_view(attempt: LoggedAttempt) -> AttemptView {
    AttemptView {
        number: attempt.number,
        trigger: attempt.trigger,
        started_at: attempt.started_at.to_rfc3339(),
        duration_ms: attempt.duration_ms,
        status: attempt.status,
        error_class: attempt.error_class,
        response_headers: attempt.response_headers.as_deref().map(header_map),
        response_body: attempt
            .response_body
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned()),
        remote_ip: attempt.remote_ip,
        request_headers: attempt.request_headers.as_deref().map(header_map),
        dns_ms: attempt.timing.dns_ms,
        connect_ms: attempt.timing.connect_ms,
        tls_ms: attempt.timing.tls_ms,
        first_byte_ms: attempt.timing.first_byte_ms,
        tls_version: attempt.tls_version,
    }
}

/// A header that came several times shows all its values.
fn header_map(lines: &str) -> BTreeMap<String, String> {
    let mut headers: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in lines.lines().filter_map(|line| line.split_once(": ")) {
        headers
            .entry(name.to_owned())
            .and_modify(|known| {
                known.push_str(", ");
                known.push_str(value);
            })
            .or_insert_with(|| value.to_owned());
    }
    headers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_headers_are_joined() {
        let headers = header_map("server: x\nset-cookie: a\nset-cookie: b\n");
        assert_eq!(headers["server"], "x");
        assert_eq!(headers["set-cookie"], "a, b");
    }
}
