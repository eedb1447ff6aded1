//! Recording what attempts brought: many in one transaction, each judged by its own fence.

use std::cmp::min;
use std::collections::{BTreeMap, BTreeSet, HashSet};

use sea_orm::sea_query::{Expr, ExprTrait, Func, LockType, Query, SimpleExpr};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, EntityTrait, FromQueryResult, QueryFilter,
    QueryOrder, QuerySelect,
};
use tributary_domain::clock::Timestamp;
use tributary_domain::delivery::{DeliveryState, QueueClass};
use tributary_domain::ids::{EndpointId, TenantId};
use tributary_domain::rehearsal::{Sabotage, is_broken};

use super::claim::{Lease, Unreadable};
use super::holding::hold_waiting;
use crate::endpoints::{LANE_CAP, disable};
use crate::entities::{deliveries, delivery_attempts, delivery_queue, endpoints, lanes};
use crate::error::{StorageError, database, inserting};
use crate::statement_sizes::{padded, power_of_two_chunks};
use crate::{Access, Tx};

/// While an endpoint answers well, its time of last success is written no more often than this.
const SUCCESS_GRAIN_MS: i64 = 5_000;
/// A lane that was narrowed grows by one after so many.
const SUCCESSES_PER_PLACE: i64 = 20;

/// One attempt with what follows from it.
#[derive(Clone, Debug)]
pub struct Completion {
    /// The right to report.
    pub lease: Lease,
    /// Whose delivery it is.
    pub tenant_id: TenantId,
    /// Whom it went to.
    pub endpoint_id: EndpointId,
    /// Where it was sent; the endpoint may have another URL by now.
    pub url: String,
    /// The log's row.
    pub attempt: super::LoggedAttempt,
    /// What becomes of the delivery.
    pub next: Next,
    /// What the attempt says about the endpoint.
    pub health: Health,
    /// Whether the receiver found the body too long, so that it is sent thin from now on.
    pub too_long: bool,
}

/// What becomes of a delivery after an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// It has arrived.
    Succeeded,
    /// It is tried again.
    Again {
        /// After so long.
        delay_ms: i64,
        /// The number of that attempt by the schedule.
        position: i64,
    },
    /// It is tried again as if this attempt had not been.
    Unspent {
        /// After so long.
        delay_ms: i64,
    },
    /// It is given up.
    Failed,
    /// It waits until its endpoint is served again.
    Held,
    /// Its receiver does not want it.
    Cancelled,
}

/// What an attempt says about its endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// It answered 2xx.
    Good,
    /// It failed.
    Bad,
    /// It asked for fewer requests.
    Overloaded,
    /// It is to be disabled, for this reason.
    Disable(&'static str),
    /// Nothing: the fault was ours.
    Unknown,
}

/// How many reports were taken, and how many came after their claim had ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Completed {
    /// Recorded.
    pub accepted: usize,
    /// Refused: the delivery was claimed again, or is finished.
    pub stale: usize,
}

/// Records attempts of any tenants; a report whose claim has ended changes nothing.
pub async fn complete_all_tenants(
    tx: &Tx,
    reports: &[Completion],
    now: Timestamp,
) -> Result<Completed, StorageError> {
    let valid = lock_valid(tx, reports).await?;
    let accepted: Vec<&Completion> = reports
        .iter()
        .filter(|report| valid.leases.contains(&report.lease))
        .collect();
    insert_attempts(tx, &accepted).await?;
    finish(tx, &accepted, now).await?;
    for report in &accepted {
        match report.next {
            Next::Again { delay_ms, position } => {
                requeue(tx, report, delay_ms, Some(position)).await?;
            }
            Next::Unspent { delay_ms } => requeue(tx, report, delay_ms, None).await?,
            Next::Succeeded | Next::Failed | Next::Held | Next::Cancelled => {}
        }
    }
    make_thin(tx, &accepted).await?;
    record_health(tx, &accepted, &valid.narrowed, now).await?;
    let stale = reports.len().saturating_sub(accepted.len());
    Ok(Completed {
        accepted: accepted.len(),
        stale,
    })
}

/// What holds among the reports.
struct Valid {
    /// The claims that have not ended.
    leases: HashSet<Lease>,
    /// The endpoints whose lanes are narrower than they might be.
    narrowed: HashSet<String>,
}

#[derive(FromQueryResult)]
struct Locked {
    delivery_id: String,
    endpoint_id: String,
    fence: i64,
    lease_owner: Option<String>,
    lane_cap: Option<i64>,
}

/// Locks the queue's rows in one order everywhere and tells which leases still hold.
async fn lock_valid(tx: &Tx, reports: &[Completion]) -> Result<Valid, StorageError> {
    use delivery_queue::Column;
    // Within the statement that is needed anyway: hardly any lane is narrow.
    let lane_cap = Query::select()
        .column(lanes::Column::MaxInflight)
        .from(lanes::Entity)
        .and_where(
            Expr::col((lanes::Entity, lanes::Column::EndpointId))
                .equals((delivery_queue::Entity, Column::EndpointId)),
        )
        .to_owned();
    let ids = reports
        .iter()
        .map(|report| report.lease.delivery_id.as_str())
        .collect();
    let rows: Vec<Locked> = delivery_queue::Entity::find()
        .select_only()
        .columns([
            Column::DeliveryId,
            Column::EndpointId,
            Column::Fence,
            Column::LeaseOwner,
        ])
        .expr_as(Expr::from(lane_cap), "lane_cap")
        .filter(Column::DeliveryId.is_in(padded(ids)))
        .order_by_asc(Column::DeliveryId)
        .lock(LockType::Update)
        .into_model()
        .all(tx.connection())
        .await
        .map_err(database("locking completed deliveries"))?;
    let holds = |lease: &Lease| {
        if is_broken(Sabotage::DoubleCompletion) {
            return true;
        }
        rows.iter().any(|row| {
            let is_current = row.fence == lease.fence
                && row.lease_owner.as_deref() == Some(lease.owner.as_str());
            row.delivery_id == lease.delivery_id.as_str()
                && (is_current || is_broken(Sabotage::NoFence))
        })
    };
    let leases = reports.iter().map(|report| &report.lease);
    let narrow = rows
        .iter()
        .filter(|row| row.lane_cap.is_some_and(|cap| cap < LANE_CAP));
    Ok(Valid {
        leases: leases.filter(|lease| holds(lease)).cloned().collect(),
        narrowed: narrow.map(|row| row.endpoint_id.clone()).collect(),
    })
}

/// What a receiver found too long is sent without its object from now on.
async fn make_thin(tx: &Tx, reports: &[&Completion]) -> Result<(), StorageError> {
    let too_long = reports.iter().filter(|report| report.too_long);
    let ids: Vec<&str> = too_long
        .map(|report| report.lease.delivery_id.as_str())
        .collect();
    if ids.is_empty() {
        return Ok(());
    }
    deliveries::Entity::update_many()
        .col_expr(deliveries::Column::Thin, Expr::value(true))
        .filter(deliveries::Column::Id.is_in(padded(ids)))
        .exec(tx.connection())
        .await
        .map_err(database("making deliveries thin"))?;
    Ok(())
}

async fn insert_attempts(tx: &Tx, reports: &[&Completion]) -> Result<(), StorageError> {
    let rows: Vec<delivery_attempts::ActiveModel> =
        reports.iter().map(|report| attempt_row(report)).collect();
    for chunk in power_of_two_chunks(&rows) {
        delivery_attempts::Entity::insert_many(chunk.iter().cloned())
            .exec_without_returning(tx.connection())
            .await
            .map_err(inserting("delivery_attempts"))?;
    }
    Ok(())
}

fn attempt_row(report: &Completion) -> delivery_attempts::ActiveModel {
    let attempt = &report.attempt;
    delivery_attempts::ActiveModel {
        delivery_id: Set(report.lease.delivery_id.to_string()),
        number: Set(attempt.number),
        tenant_id: Set(report.tenant_id.to_string()),
        trigger_kind: Set(attempt.trigger.clone()),
        started_at: Set(attempt.started_at.as_millis()),
        duration_ms: Set(attempt.duration_ms),
        status: Set(attempt.status),
        error_class: Set(attempt.error_class.clone()),
        response_headers: Set(attempt.response_headers.clone()),
        response_body: Set(attempt.response_body.clone()),
        remote_ip: Set(attempt.remote_ip.clone()),
        request_headers: Set(attempt.request_headers.clone()),
        dns_ms: Set(attempt.timing.dns_ms),
        connect_ms: Set(attempt.timing.connect_ms),
        tls_ms: Set(attempt.timing.tls_ms),
        first_byte_ms: Set(attempt.timing.first_byte_ms),
        tls_version: Set(attempt.tls_version.clone()),
    }
}

/// Moves the deliveries that have no next attempt, grouped so that like rows share a statement.
async fn finish(tx: &Tx, reports: &[&Completion], now: Timestamp) -> Result<(), StorageError> {
    use deliveries::Column;
    type Group = (&'static str, Option<i64>, Option<String>);
    let mut groups: BTreeMap<Group, Vec<&str>> = BTreeMap::new();
    let mut finished = Vec::new();
    for report in reports {
        let state = match report.next {
            Next::Again { .. } | Next::Unspent { .. } => continue,
            Next::Succeeded => DeliveryState::Succeeded,
            Next::Failed => DeliveryState::Failed,
            Next::Held => DeliveryState::Held,
            Next::Cancelled => DeliveryState::Cancelled,
        };
        let attempt = &report.attempt;
        let group = (state.as_str(), attempt.status, attempt.error_class.clone());
        let id = report.lease.delivery_id.as_str();
        groups.entry(group).or_default().push(id);
        finished.push(id);
    }
    if finished.is_empty() {
        return Ok(());
    }
    for ((state, status, error), ids) in groups {
        deliveries::Entity::update_many()
            .col_expr(Column::State, Expr::value(state))
            .col_expr(Column::Attempts, Expr::col(Column::Attempts).add(1))
            .col_expr(Column::LastStatus, Expr::value(status))
            .col_expr(Column::LastError, Expr::value(error))
            .col_expr(Column::FinishedAt, Expr::value(now.as_millis()))
            .filter(Column::Id.is_in(padded(ids)))
            .exec(tx.connection())
            .await
            .map_err(database("finishing deliveries"))?;
    }
    if is_broken(Sabotage::QueueRowStays) {
        return Ok(());
    }
    delivery_queue::Entity::delete_many()
        .filter(delivery_queue::Column::DeliveryId.is_in(padded(finished)))
        .exec(tx.connection())
        .await
        .map_err(database("taking finished deliveries out of the queue"))?;
    Ok(())
}

/// Gives the claim back for a while; without a position the delivery stays where it is in its schedule.
async fn requeue(
    tx: &Tx,
    report: &Completion,
    delay_ms: i64,
    position: Option<i64>,
) -> Result<(), StorageError> {
    use delivery_queue::Column;
    let mut update = delivery_queue::Entity::update_many();
    if let Some(position) = position {
        update = update
            .col_expr(Column::Attempt, Expr::value(position))
            .col_expr(Column::Class, Expr::value(QueueClass::Scheduled.as_str()));
    }
    update
        .col_expr(Column::VisibleAt, tx.lease_clock().now().add(delay_ms))
        .col_expr(Column::LeaseOwner, Expr::value(None::<String>))
        .col_expr(Column::LeaseUntil, Expr::value(0_i64))
        .col_expr(Column::Claims, Expr::value(0_i64))
        .filter(Column::DeliveryId.eq(report.lease.delivery_id.as_str()))
        .filter(Column::Fence.eq(report.lease.fence))
        .exec(tx.connection())
        .await
        .map_err(database("scheduling the next attempt"))?;
    deliveries::Entity::update_many()
        .col_expr(
            deliveries::Column::Attempts,
            Expr::value(report.attempt.number),
        )
        .col_expr(
            deliveries::Column::LastStatus,
            Expr::value(report.attempt.status),
        )
        .col_expr(
            deliveries::Column::LastError,
            Expr::value(report.attempt.error_class.clone()),
        )
        .filter(deliveries::Column::Id.eq(report.lease.delivery_id.as_str()))
        .filter(deliveries::Column::TenantId.eq(report.tenant_id.as_str()))
        .exec(tx.connection())
        .await
        .map_err(database("recording a failed attempt"))?;
    Ok(())
}

async fn record_health(
    tx: &Tx,
    reports: &[&Completion],
    narrowed: &HashSet<String>,
    now: Timestamp,
) -> Result<(), StorageError> {
    let mut good: BTreeMap<&str, i64> = BTreeMap::new();
    let mut bad: BTreeMap<&str, i64> = BTreeMap::new();
    let mut overloaded = BTreeSet::new();
    let mut disabled = BTreeMap::new();
    for report in reports {
        let id = report.endpoint_id.as_str();
        match report.health {
            Health::Unknown => continue,
            Health::Good => {
                let count = good.entry(id).or_default();
                *count = count.saturating_add(1);
                continue;
            }
            Health::Bad => {}
            Health::Overloaded => {
                overloaded.insert(id);
            }
            Health::Disable(reason) => {
                disabled.insert((id, report.url.as_str()), (report, reason));
            }
        }
        let count = bad.entry(id).or_default();
        *count = count.saturating_add(1);
    }
    // Within one batch the order of answers is not known; a success among them counts as the latest.
    bad.retain(|id, _| !good.contains_key(id));
    record_success(tx, good.keys().copied().collect(), now).await?;
    for (id, count) in good.iter().filter(|(id, _)| narrowed.contains(**id)) {
        widen_lane(tx, id, *count).await?;
    }
    for (id, count) in bad {
        record_failures(tx, id, count, now).await?;
    }
    for id in overloaded {
        halve_lane(tx, id).await?;
    }
    for (report, reason) in disabled.into_values() {
        let (tenant, id) = (&report.tenant_id, &report.endpoint_id);
        // What a receiver at another URL refused is released again, as all that is held without need.
        if disable(tx, id, &report.url, reason, now).await? {
            hold_waiting(tx, tenant, id).await?;
        }
    }
    Ok(())
}

async fn record_success(tx: &Tx, ids: Vec<&str>, now: Timestamp) -> Result<(), StorageError> {
    use endpoints::Column;
    if ids.is_empty() {
        return Ok(());
    }
    let grain = now.plus_millis(-SUCCESS_GRAIN_MS).as_millis();
    let news = Condition::any()
        .add(Column::ConsecutiveFailures.gt(0))
        .add(Column::LastSuccessAt.is_null())
        .add(Column::LastSuccessAt.lt(grain));
    endpoints::Entity::update_many()
        .col_expr(Column::ConsecutiveFailures, Expr::value(0_i64))
        .col_expr(Column::FailingSince, Expr::value(None::<i64>))
        .col_expr(Column::LastSuccessAt, Expr::value(now.as_millis()))
        .filter(Column::Id.is_in(padded(ids)))
        .filter(news)
        .exec(tx.connection())
        .await
        .map_err(database("recording successes"))?;
    Ok(())
}

async fn record_failures(
    tx: &Tx,
    id: &str,
    count: i64,
    now: Timestamp,
) -> Result<(), StorageError> {
    use endpoints::Column;
    let since: SimpleExpr = Func::coalesce([
        Expr::col(Column::FailingSince),
        Expr::value(now.as_millis()),
    ])
    .into();
    endpoints::Entity::update_many()
        .col_expr(
            Column::ConsecutiveFailures,
            Expr::col(Column::ConsecutiveFailures).add(count),
        )
        .col_expr(Column::FailingSince, since)
        .filter(Column::Id.eq(id))
        .exec(tx.connection())
        .await
        .map_err(database("recording failures"))?;
    Ok(())
}

/// An overloaded endpoint gets half as many requests at a time, and never none.
async fn halve_lane(tx: &Tx, id: &str) -> Result<(), StorageError> {
    use lanes::Column;
    lanes::Entity::update_many()
        .col_expr(Column::MaxInflight, Expr::col(Column::MaxInflight).div(2))
        .col_expr(Column::Successes, Expr::value(0_i64))
        .filter(Column::EndpointId.eq(id))
        .filter(Column::MaxInflight.gt(1))
        .exec(tx.connection())
        .await
        .map_err(database("narrowing a lane"))?;
    Ok(())
}

/// A lane that was narrowed regains one place for every twenty successes.
async fn widen_lane(tx: &Tx, id: &str, count: i64) -> Result<(), StorageError> {
    use lanes::Column;
    // At most one place at a time, so that the width is never passed.
    let counted = min(count, SUCCESSES_PER_PLACE);
    let successes = || Expr::col(Column::Successes).add(counted);
    lanes::Entity::update_many()
        .col_expr(
            Column::MaxInflight,
            Expr::col(Column::MaxInflight).add(successes().div(SUCCESSES_PER_PLACE)),
        )
        .col_expr(Column::Successes, successes().modulo(SUCCESSES_PER_PLACE))
        .filter(Column::EndpointId.eq(id))
        .filter(Column::MaxInflight.lt(LANE_CAP))
        .exec(tx.connection())
        .await
        .map_err(database("widening a lane"))?;
    Ok(())
}

/// Gives up a delivery that was claimed again and again although no attempt of it was ever recorded.
pub async fn quarantine(
    tx: &Tx,
    tenant: &TenantId,
    lease: &Lease,
    now: Timestamp,
) -> Result<bool, StorageError> {
    let removed = delivery_queue::Entity::delete_many()
        .filter(delivery_queue::Column::DeliveryId.eq(lease.delivery_id.as_str()))
        .filter(delivery_queue::Column::Fence.eq(lease.fence))
        .exec(tx.connection())
        .await
        .map_err(database("taking a poisonous delivery out of the queue"))?;
    if removed.rows_affected == 0 {
        return Ok(false);
    }
    fail(tx, tenant.as_str(), lease.delivery_id.as_str(), now).await?;
    Ok(true)
}

/// Gives up a delivery whose row in the queue makes no sense.
pub async fn give_up(tx: &Tx, row: &Unreadable, now: Timestamp) -> Result<(), StorageError> {
    delivery_queue::Entity::delete_many()
        .filter(delivery_queue::Column::DeliveryId.eq(row.delivery_id.as_str()))
        .exec(tx.connection())
        .await
        .map_err(database("taking an unreadable delivery out of the queue"))?;
    fail(tx, &row.tenant_id, &row.delivery_id, now).await
}

async fn fail(tx: &Tx, tenant: &str, id: &str, now: Timestamp) -> Result<(), StorageError> {
    use deliveries::Column;
    deliveries::Entity::update_many()
        .col_expr(Column::State, Expr::value(DeliveryState::Failed.as_str()))
        .col_expr(Column::LastError, Expr::value("quarantined"))
        .col_expr(Column::FinishedAt, Expr::value(now.as_millis()))
        .filter(Column::Id.eq(id))
        .filter(Column::TenantId.eq(tenant))
        .exec(tx.connection())
        .await
        .map_err(database("quarantining a delivery"))?;
    Ok(())
}
