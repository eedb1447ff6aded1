//! Sending the failed deliveries of an endpoint again, slowly, below live traffic; counted before it begins.

use serde::{Deserialize, Serialize};
use tributary_domain::clock::Timestamp;
use tributary_domain::delivery::DeliveryState;
use tributary_domain::endpoint::Endpoint;
use tributary_domain::ids::{DeliveryId, EndpointId, TenantId};
use tributary_domain::job::Job;
use tributary_domain::staff::Permission;
use tributary_domain::tenant::Mode;
use tributary_storage::delivery_search::{self, DeliveryQuery};
use tributary_storage::jobs::{self, Trouble};
use tributary_storage::{Tx, endpoints};

use super::Step;
use crate::pages::read_cursor;
use crate::viewer::Viewer;
use crate::{OperationError, Operations};

/// The longest window.
const WINDOW_MS_MAX: i64 = 30 * 24 * 3_600_000;
/// Deliveries sent again in one second.
const PER_SECOND_MAX: u64 = 100;
const PAUSE_MS: i64 = 1_000;

/// Which deliveries to send again.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RecoverWish {
    /// To which endpoint.
    pub endpoint_id: EndpointId,
    /// Made at or after this instant.
    pub from: Timestamp,
    /// Made before this instant.
    pub to: Timestamp,
    /// How many in one second: 1 to 100.
    pub per_second: u64,
}

/// How many deliveries of one type would be sent again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecoverCount {
    /// The type of the event.
    pub event_kind: String,
    /// How many.
    pub count: i64,
    /// When the oldest was made.
    pub oldest: Timestamp,
}

/// What sending again would do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecoverPlan {
    /// How many deliveries in all.
    pub total: i64,
    /// By type.
    pub by_kind: Vec<RecoverCount>,
    /// Whether the endpoint is served; otherwise nothing can be sent.
    pub is_served: bool,
}

impl Operations {
    /// Counts what would be sent again, and sends nothing. Needs `webhook:recover`.
    pub async fn plan_recover(
        &self,
        viewer: &Viewer,
        wish: &RecoverWish,
    ) -> Result<RecoverPlan, OperationError> {
        viewer.require(Permission::WebhookRecover)?;
        let (endpoint, _) = self.recover_wish(viewer, wish).await?;
        let query = query(&endpoint, wish);
        let counted = delivery_search::kinds(self.storage(), &endpoint.tenant_id, &query).await?;
        let by_kind: Vec<RecoverCount> = counted
            .into_iter()
            .map(|(event_kind, count, oldest)| RecoverCount {
                event_kind,
                count,
                oldest,
            })
            .collect();
        Ok(RecoverPlan {
            total: by_kind.iter().map(|one| one.count).sum(),
            by_kind,
            is_served: endpoint.state.is_served(),
        })
    }

    pub(super) async fn recover_wish(
        &self,
        viewer: &Viewer,
        wish: &RecoverWish,
    ) -> Result<(Endpoint, String), OperationError> {
        let window_ms = wish.to.millis_since(wish.from);
        if window_ms <= 0 || window_ms > WINDOW_MS_MAX {
            return Err(OperationError::invalid(
                "/to",
                "must be within 30 days after from",
            ));
        }
        if !(1..=PER_SECOND_MAX).contains(&wish.per_second) {
            return Err(OperationError::invalid("/per_second", "must be 1 to 100"));
        }
        let endpoint = self.endpoint_seen(viewer, &wish.endpoint_id).await?;
        let text = serde_json::to_string(wish)
            .map_err(|error| OperationError::Internal(format!("writing a wish: {error}")))?;
        Ok((endpoint, text))
    }

    pub(super) async fn recover_step(&self, tx: &Tx, job: &Job) -> Result<Step, OperationError> {
        let wish: RecoverWish = serde_json::from_str(&job.wish)
            .map_err(|error| OperationError::Internal(format!("reading a wish: {error}")))?;
        let mut after = Box::new(job.clone());
        let endpoint = delivery_search::find_endpoint_all_tenants(tx, &wish.endpoint_id).await?;
        let Some(endpoint) = endpoint else {
            return Ok(Step::Stuck(after, "the endpoint was removed".to_owned()));
        };
        if !endpoint.state.is_served() {
            let why = format!("the endpoint is {}", endpoint.state.as_str());
            return Ok(Step::Stuck(after, why));
        }
        let (tenant, query) = (&endpoint.tenant_id, query(&endpoint, &wish));
        if after.total.is_none() {
            let (total, complete) = delivery_search::count(tx, tenant, &query).await?;
            after.total = complete.then_some(total);
        }
        let place = job
            .place
            .as_deref()
            .map(read_cursor::<DeliveryId>)
            .transpose()?;
        let found =
            delivery_search::search(tx, tenant, &query, place.as_ref(), wish.per_second).await?;
        for delivery in &found.items {
            match self
                .resend_in(tx, tenant, delivery.mode, &delivery.id)
                .await
            {
                Ok(()) => after.done = after.done.saturating_add(1),
                Err(OperationError::DeliveryInFlight) => {
                    let trouble = Trouble {
                        subject: delivery.id.to_string(),
                        reason: "it is being sent at this moment".to_owned(),
                    };
                    jobs::insert_trouble(tx, &job.id, after.troubles, &trouble).await?;
                    after.troubles = after.troubles.saturating_add(1);
                }
                Err(error) => return Err(error),
            }
        }
        after.place = found.next.as_ref().map(ToString::to_string);
        if after.place.is_none() {
            return Ok(Step::Done(after));
        }
        Ok(Step::More(after, self.now().plus_millis(PAUSE_MS)))
    }
}

/// Holds the endpoint, so that of two that begin at once one is refused, and refuses a second recovery.
pub(super) async fn hold_alone(
    tx: &Tx,
    tenant: &TenantId,
    mode: Mode,
    endpoint: &EndpointId,
) -> Result<(), OperationError> {
    let held = endpoints::lock(tx, tenant, mode, endpoint).await?;
    held.ok_or(OperationError::NotFound)?;
    match jobs::find_open_recovery(tx, tenant, endpoint).await? {
        Some(open) => Err(OperationError::StateConflict {
            state: format!("being recovered by {}", open.id),
        }),
        None => Ok(()),
    }
}

fn query(endpoint: &Endpoint, wish: &RecoverWish) -> DeliveryQuery {
    DeliveryQuery {
        endpoint_id: Some(endpoint.id.clone()),
        state: Some(DeliveryState::Failed),
        from: Some(wish.from),
        to: Some(wish.to),
        ..DeliveryQuery::of_mode(endpoint.mode)
    }
}
