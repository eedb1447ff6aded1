//! What is old is deleted, a bounded piece at a time.

use sea_orm::sea_query::{Expr, ExprTrait, Query};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use tributary_domain::clock::Timestamp;
use tributary_domain::delivery::DeliveryState;
use tributary_domain::ids::{DeliveryId, EventId, TenantId};
use tributary_domain::tenant::Mode;

use crate::entities::{deliveries, delivery_attempts, delivery_queue, events, lanes};
use crate::error::{StorageError, database};
use crate::{Access, Tx};

/// Deletes attempts begun before `attempts_before`, and finished deliveries and numbered events made before
/// `events_before`; at most `limit` of each. Returns how many rows went.
pub async fn purge_all_tenants(
    tx: &Tx,
    attempts_before: Timestamp,
    events_before: Timestamp,
    limit: u64,
) -> Result<u64, StorageError> {
    let attempts = purge_attempts(tx, attempts_before, limit).await?;
    let deliveries = purge_deliveries(tx, events_before, limit).await?;
    let events = purge_events(tx, events_before, limit).await?;
    Ok(attempts.saturating_add(deliveries).saturating_add(events))
}

/// Deletes a tenant's deliveries that ended and were made before `before`, with their attempts, and then its numbered
/// events of that time that no delivery is left of; at most `limit` of each. Returns how many rows went.
pub async fn purge(
    tx: &Tx,
    tenant: &TenantId,
    mode: Mode,
    before: Timestamp,
    limit: u64,
) -> Result<u64, StorageError> {
    use deliveries::Column;
    let unfinished = [DeliveryState::Open, DeliveryState::Held];
    let old: Vec<String> = deliveries::Entity::find()
        .select_only()
        .column(Column::Id)
        .filter(Column::TenantId.eq(tenant.as_str()))
        .filter(Column::Mode.eq(mode.as_str()))
        .filter(Column::Id.lt(millisecond_prefix(DeliveryId::new(before).as_str())))
        .filter(Column::State.is_not_in(unfinished.map(DeliveryState::as_str)))
        .order_by_asc(Column::Id)
        .limit(limit)
        .into_tuple()
        .all(tx.connection())
        .await
        .map_err(database("reading a tenant's old deliveries"))?;
    let attempts = delivery_attempts::Entity::delete_many()
        .filter(delivery_attempts::Column::DeliveryId.is_in(&old))
        .exec(tx.connection())
        .await
        .map_err(database("deleting a tenant's old attempts"))?;
    let deleted = deliveries::Entity::delete_many()
        .filter(Column::Id.is_in(old))
        .exec(tx.connection())
        .await
        .map_err(database("deleting a tenant's old deliveries"))?;
    let events = purge_events_of(tx, tenant, mode, before, limit).await?;
    let rows = [attempts.rows_affected, deleted.rows_affected, events];
    Ok(rows.into_iter().fold(0, u64::saturating_add))
}

/// Only the tenant's first events are looked at: they are the oldest, and no index leads to the others by age. One
/// whose delivery is held or open stays, so that the feed has gaps below the age that was agreed.
async fn purge_events_of(
    tx: &Tx,
    tenant: &TenantId,
    mode: Mode,
    before: Timestamp,
    limit: u64,
) -> Result<u64, StorageError> {
    use events::Column;
    let mut first: Vec<String> = events::Entity::find()
        .select_only()
        .column(Column::Id)
        .filter(Column::TenantId.eq(tenant.as_str()))
        .filter(Column::Mode.eq(mode.as_str()))
        .filter(Column::FeedSeq.is_not_null())
        .order_by_asc(Column::FeedSeq)
        .limit(limit)
        .into_tuple()
        .all(tx.connection())
        .await
        .map_err(database("reading a tenant's old events"))?;
    let newest = EventId::new(before);
    first.retain(|id| id.as_str() < millisecond_prefix(newest.as_str()));
    let delivery = Query::select()
        .expr(Expr::value(1))
        .from(deliveries::Entity)
        .and_where(
            Expr::col((deliveries::Entity, deliveries::Column::EventId))
                .equals((events::Entity, Column::Id)),
        )
        .to_owned();
    let deleted = events::Entity::delete_many()
        .filter(Column::Id.is_in(first))
        .filter(Expr::exists(delivery).not())
        .exec(tx.connection())
        .await
        .map_err(database("deleting a tenant's old events"))?;
    Ok(deleted.rows_affected)
}

/// Cancels deliveries that were queued while their endpoint was being deleted; returns how many, at most `limit`.
///
/// The outbox does not lock endpoints, since every change of an order would wait for every other; this is the price.
pub async fn cancel_orphans_all_tenants(
    tx: &Tx,
    now: Timestamp,
    limit: u64,
) -> Result<u64, StorageError> {
    use delivery_queue::Column;
    let lane = Query::select()
        .expr(Expr::value(1))
        .from(lanes::Entity)
        .and_where(
            Expr::col((lanes::Entity, lanes::Column::EndpointId))
                .equals((delivery_queue::Entity, Column::EndpointId)),
        )
        .to_owned();
    let orphans: Vec<String> = delivery_queue::Entity::find()
        .select_only()
        .column(Column::DeliveryId)
        .filter(Expr::exists(lane).not())
        .limit(limit)
        .into_tuple()
        .all(tx.connection())
        .await
        .map_err(database("looking for deliveries without an endpoint"))?;
    if orphans.is_empty() {
        return Ok(0);
    }
    deliveries::Entity::update_many()
        .col_expr(
            deliveries::Column::State,
            Expr::value(DeliveryState::Cancelled.as_str()),
        )
        .col_expr(deliveries::Column::FinishedAt, Expr::value(now.as_millis()))
        .filter(deliveries::Column::Id.is_in(&orphans))
        .exec(tx.connection())
        .await
        .map_err(database("cancelling deliveries without an endpoint"))?;
    let deleted = delivery_queue::Entity::delete_many()
        .filter(Column::DeliveryId.is_in(&orphans))
        .exec(tx.connection())
        .await
        .map_err(database("taking deliveries without an endpoint out"))?;
    Ok(deleted.rows_affected)
}

async fn purge_attempts(tx: &Tx, before: Timestamp, limit: u64) -> Result<u64, StorageError> {
    use delivery_attempts::Column;
    let old: Vec<String> = delivery_attempts::Entity::find()
        .select_only()
        .column(Column::DeliveryId)
        .filter(Column::StartedAt.lt(before.as_millis()))
        .order_by_asc(Column::StartedAt)
        .limit(limit)
        .into_tuple()
        .all(tx.connection())
        .await
        .map_err(database("reading old attempts"))?;
    let deleted = delivery_attempts::Entity::delete_many()
        .filter(Column::DeliveryId.is_in(old))
        .filter(Column::StartedAt.lt(before.as_millis()))
        .exec(tx.connection())
        .await
        .map_err(database("deleting old attempts"))?;
    Ok(deleted.rows_affected)
}

async fn purge_deliveries(tx: &Tx, before: Timestamp, limit: u64) -> Result<u64, StorageError> {
    use deliveries::Column;
    let old: Vec<String> = deliveries::Entity::find()
        .select_only()
        .column(Column::Id)
        .filter(Column::Id.lt(millisecond_prefix(DeliveryId::new(before).as_str())))
        .filter(Column::State.ne(DeliveryState::Open.as_str()))
        .order_by_asc(Column::Id)
        .limit(limit)
        .into_tuple()
        .all(tx.connection())
        .await
        .map_err(database("reading old deliveries"))?;
    let deleted = deliveries::Entity::delete_many()
        .filter(Column::Id.is_in(old))
        .exec(tx.connection())
        .await
        .map_err(database("deleting old deliveries"))?;
    Ok(deleted.rows_affected)
}

async fn purge_events(tx: &Tx, before: Timestamp, limit: u64) -> Result<u64, StorageError> {
    use events::Column;
    let old: Vec<String> = events::Entity::find()
        .select_only()
        .column(Column::Id)
        .filter(Column::Id.lt(millisecond_prefix(EventId::new(before).as_str())))
        .filter(Column::FeedSeq.is_not_null())
        .order_by_asc(Column::Id)
        .limit(limit)
        .into_tuple()
        .all(tx.connection())
        .await
        .map_err(database("reading old events"))?;
    let deleted = events::Entity::delete_many()
        .filter(Column::Id.is_in(old))
        .exec(tx.connection())
        .await
        .map_err(database("deleting old events"))?;
    Ok(deleted.rows_affected)
}

/// Ids sort by time, so the primary key is the index of age; what follows the millisecond is random.
fn millisecond_prefix(id: &str) -> &str {
    const LENGTH: usize = "evt_".len() + 10;
    id.get(..LENGTH).unwrap_or(id)
}
