//! Waiting deliveries of an endpoint that is no longer served, or is served again.
//!
//! What is in flight is left alone: its result still counts, and its own completion decides.

use sea_orm::sea_query::{Expr, ExprTrait, LockType, Query};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use tributary_domain::delivery::{DeliveryState, QueueClass};
use tributary_domain::endpoint::EndpointState;
use tributary_domain::ids::{EndpointId, TenantId};

use super::{DELIVERIES, QueueEntry, enqueue};
use crate::entities::{deliveries, delivery_queue, endpoints, lanes};
use crate::error::{StorageError, column, database};
use crate::{Access, Tx};

const BATCH: u64 = 256;
/// One transaction moves at most this many; the rest waits in its closed lane, which is as good as held.
const MAX_BATCHES: u32 = 40;
/// Endpoints looked after in one transaction when what was forgotten is released.
const ENDPOINTS_AT_ONCE: u64 = 4;

/// Takes the waiting deliveries of an endpoint out of the queue and holds them; returns how many.
pub async fn hold_waiting(
    tx: &Tx,
    tenant: &TenantId,
    endpoint: &EndpointId,
) -> Result<usize, StorageError> {
    lock_lane(tx, endpoint).await?;
    let not_in_flight = Expr::col(delivery_queue::Column::LeaseUntil).lte(tx.lease_clock().now());
    take_out(
        tx,
        tenant,
        endpoint,
        Condition::all().add(not_in_flight),
        DeliveryState::Held,
    )
    .await
}

/// Cancels every open or held delivery of an endpoint that is going away; returns how many.
pub async fn cancel_all(
    tx: &Tx,
    tenant: &TenantId,
    endpoint: &EndpointId,
) -> Result<usize, StorageError> {
    lock_lane(tx, endpoint).await?;
    let all = Condition::all();
    let waiting = take_out(tx, tenant, endpoint, all, DeliveryState::Cancelled).await?;
    let open = [DeliveryState::Open.as_str(), DeliveryState::Held.as_str()];
    let held = deliveries::Entity::update_many()
        .col_expr(
            deliveries::Column::State,
            Expr::value(DeliveryState::Cancelled.as_str()),
        )
        .filter(deliveries::Column::EndpointId.eq(endpoint.as_str()))
        .filter(deliveries::Column::TenantId.eq(tenant.as_str()))
        .filter(deliveries::Column::State.is_in(open))
        .exec(tx.connection())
        .await
        .map_err(database("cancelling deliveries"))?;
    Ok(waiting.saturating_add(usize::try_from(held.rows_affected).unwrap_or(usize::MAX)))
}

/// Puts the held deliveries of an endpoint back into the queue, due now; returns how many.
///
/// What is more than one transaction should move is left to [`release_forgotten_all_tenants`].
pub async fn release_held(
    tx: &Tx,
    tenant: &TenantId,
    endpoint: &EndpointId,
) -> Result<usize, StorageError> {
    tx.due_lane(endpoint);
    let mut released = 0_usize;
    for _ in 0..MAX_BATCHES {
        let count = release_batch(tx, tenant, endpoint).await?;
        if count == 0 {
            break;
        }
        released = released.saturating_add(count);
    }
    Ok(released)
}

/// Releases what is held although its endpoint is served: a bounded piece of it; returns how many.
///
/// Serving an endpoint again releases so many at most, and does not see the events of transactions beside it.
pub async fn release_forgotten_all_tenants(tx: &Tx) -> Result<usize, StorageError> {
    use endpoints::Column;
    let held = Query::select()
        .expr(Expr::value(1))
        .from(deliveries::Entity)
        .and_where(
            Expr::col((deliveries::Entity, deliveries::Column::EndpointId))
                .equals((endpoints::Entity, Column::Id)),
        )
        .and_where(
            Expr::col((deliveries::Entity, deliveries::Column::State))
                .eq(DeliveryState::Held.as_str()),
        )
        .to_owned();
    let served = [EndpointState::Enabled, EndpointState::Degraded].map(EndpointState::as_str);
    let owners: Vec<(String, String)> = endpoints::Entity::find()
        .select_only()
        .columns([Column::TenantId, Column::Id])
        .filter(Column::State.is_in(served))
        .filter(Expr::exists(held))
        .order_by_asc(Column::Id)
        .limit(ENDPOINTS_AT_ONCE)
        .into_tuple()
        .all(tx.connection())
        .await
        .map_err(database("looking for endpoints with forgotten deliveries"))?;
    let mut released = 0_usize;
    for (tenant, id) in owners {
        let tenant = column("endpoints", "tenant_id", &id, tenant.parse())?;
        let endpoint = column("endpoints", "id", &id, id.parse())?;
        let count = release_batch(tx, &tenant, &endpoint).await?;
        released = released.saturating_add(count);
        tx.due_lane(&endpoint);
    }
    Ok(released)
}

async fn release_batch(
    tx: &Tx,
    tenant: &TenantId,
    endpoint: &EndpointId,
) -> Result<usize, StorageError> {
    let ids: Vec<String> = deliveries::Entity::find()
        .select_only()
        .column(deliveries::Column::Id)
        .filter(deliveries::Column::TenantId.eq(tenant.as_str()))
        .filter(deliveries::Column::EndpointId.eq(endpoint.as_str()))
        .filter(deliveries::Column::State.eq(DeliveryState::Held.as_str()))
        .order_by_asc(deliveries::Column::Id)
        .limit(BATCH)
        .lock(LockType::Update)
        .into_tuple()
        .all(tx.connection())
        .await
        .map_err(database("reading held deliveries"))?;
    if ids.is_empty() {
        return Ok(0);
    }
    set_state(tx, tenant, &ids, DeliveryState::Open).await?;
    let entries = ids.iter().map(|id| {
        Ok(QueueEntry {
            delivery_id: column(DELIVERIES, "id", id, id.parse())?,
            tenant_id: tenant.clone(),
            endpoint_id: endpoint.clone(),
            class: QueueClass::Scheduled,
        })
    });
    enqueue(tx, &entries.collect::<Result<Vec<_>, StorageError>>()?).await?;
    Ok(ids.len())
}

/// Holds the lane, so that no claim runs beside what follows.
async fn lock_lane(tx: &Tx, endpoint: &EndpointId) -> Result<(), StorageError> {
    lanes::Entity::find_by_id(endpoint.as_str())
        .lock(LockType::Update)
        .one(tx.connection())
        .await
        .map_err(database("locking a lane"))?;
    Ok(())
}

async fn take_out(
    tx: &Tx,
    tenant: &TenantId,
    endpoint: &EndpointId,
    which: Condition,
    state: DeliveryState,
) -> Result<usize, StorageError> {
    use delivery_queue::Column;
    let mut taken = 0_usize;
    for _ in 0..MAX_BATCHES {
        let ids: Vec<String> = delivery_queue::Entity::find()
            .select_only()
            .column(Column::DeliveryId)
            .filter(Column::EndpointId.eq(endpoint.as_str()))
            .filter(which.clone())
            .order_by_asc(Column::DeliveryId)
            .limit(BATCH)
            .lock(LockType::Update)
            .into_tuple()
            .all(tx.connection())
            .await
            .map_err(database("reading waiting deliveries"))?;
        if ids.is_empty() {
            break;
        }
        set_state(tx, tenant, &ids, state).await?;
        delivery_queue::Entity::delete_many()
            .filter(Column::DeliveryId.is_in(&ids))
            .exec(tx.connection())
            .await
            .map_err(database("taking deliveries out of the queue"))?;
        taken = taken.saturating_add(ids.len());
    }
    Ok(taken)
}

async fn set_state(
    tx: &Tx,
    tenant: &TenantId,
    ids: &[String],
    state: DeliveryState,
) -> Result<(), StorageError> {
    deliveries::Entity::update_many()
        .col_expr(deliveries::Column::State, Expr::value(state.as_str()))
        .filter(deliveries::Column::Id.is_in(ids))
        .filter(deliveries::Column::TenantId.eq(tenant.as_str()))
        .exec(tx.connection())
        .await
        .map_err(database("moving deliveries"))?;
    Ok(())
}
