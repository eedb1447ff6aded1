//! Taking due deliveries: lane by lane, never more than a lane may have in flight, each with a lease and a fence.
//!
//! First the lanes are locked, then, in a second statement with a fresh view, what is in flight is counted and rows are
//! picked. In one statement the count would use the view from before the lock and the cap would not hold.

use std::cmp::min;
use std::collections::HashMap;

use sea_orm::sea_query::{Expr, ExprTrait, LockBehavior, LockType, Query};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, FromQueryResult, QueryFilter, QueryOrder,
    QuerySelect, Statement, Value,
};
use tributary_domain::delivery::QueueClass;
use tributary_domain::ids::{DeliveryId, EndpointId, TenantId};

use crate::entities::{delivery_queue, lanes};
use crate::error::{StorageError, column, database};
use crate::statement_sizes::padded;
use crate::{Access as _, Tx};

const QUEUE: &str = "delivery_queue";

/// In an ordered lane a delivery waits until those of the same subject before it are finished. `w` is its queue row.
const NOTHING_BEFORE: &str = "NOT EXISTS (
       SELECT 1 FROM deliveries d JOIN events e ON e.id = d.event_id
         JOIN events p ON p.tenant_id = e.tenant_id AND p.subject_type = e.subject_type
          AND p.subject_id = e.subject_id AND p.seq < e.seq
         JOIN deliveries b ON b.event_id = p.id AND b.endpoint_id = d.endpoint_id
          AND b.state IN ('open', 'held')
        WHERE d.id = w.delivery_id)";

/// Picks from every lane at once; `$1` is now unless the database knows it, `$2` the lease's length, `$3` the owner, then
/// pairs of lane and room.
const PICK_HEAD: &str = "
), picked AS MATERIALIZED (
  SELECT q.delivery_id FROM room r CROSS JOIN LATERAL (
    SELECT w.delivery_id FROM delivery_queue w
     WHERE w.endpoint_id = r.endpoint_id AND w.visible_at <= (SELECT now FROM clock)
       AND (NOT r.ordered OR ";
const PICK_TAIL: &str = ")
     ORDER BY visible_at, delivery_id LIMIT r.n FOR UPDATE SKIP LOCKED) q
), served AS (
  UPDATE lanes SET last_served_at = (SELECT now FROM clock) WHERE endpoint_id IN (SELECT endpoint_id FROM room)
)
UPDATE delivery_queue q SET fence = q.fence + 1, claims = q.claims + 1,
   lease_owner = $3, lease_until = (SELECT now FROM clock) + $2, visible_at = (SELECT now FROM clock) + $2
  FROM picked p WHERE q.delivery_id = p.delivery_id
RETURNING q.delivery_id, q.tenant_id, q.endpoint_id, q.class, q.attempt, q.fence, q.claims";

/// Who claims, and within which bounds.
#[derive(Clone, Debug)]
pub struct ClaimRequest<'a> {
    /// The claimer's name; it is checked with the fence.
    pub owner: &'a str,
    /// Only these lanes; without them every lane is looked at, which costs more.
    pub lanes: Option<&'a [EndpointId]>,
    /// At most this many lanes.
    pub max_lanes: u64,
    /// At most this many deliveries in all.
    pub limit: i64,
    /// How many more each tenant may have in flight; a tenant not listed may have `tenant_room_default`.
    pub tenant_room: &'a HashMap<TenantId, i64>,
    /// See `tenant_room`.
    pub tenant_room_default: i64,
    /// How long until an abandoned claim becomes due again by itself.
    pub lease_ms: i64,
}

/// The right to report on one delivery; a later claim ends it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Lease {
    /// The claimed delivery.
    pub delivery_id: DeliveryId,
    /// Grows with every claim.
    pub fence: i64,
    /// Who claimed.
    pub owner: String,
}

/// A claimed delivery.
#[derive(Clone, Debug)]
pub struct Claimed {
    /// The right to report on it.
    pub lease: Lease,
    /// Whose it is.
    pub tenant_id: TenantId,
    /// Whom it goes to.
    pub endpoint_id: EndpointId,
    /// Why it is sent now.
    pub class: QueueClass,
    /// The number of the next attempt by the schedule, from 1.
    pub position: i64,
    /// How often it was claimed since an attempt was last recorded.
    pub claims: i64,
}

/// A lane that had something due when it was claimed from; it may have more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueLane {
    /// Whose it is.
    pub tenant_id: TenantId,
    /// Which endpoint's.
    pub endpoint_id: EndpointId,
    /// How many deliveries it may have in flight.
    pub max_in_flight: i64,
    /// Whether what is finished may let the next one go.
    pub is_ordered: bool,
}

/// What was claimed, and from where.
#[derive(Clone, Debug, Default)]
pub struct ClaimBatch {
    /// The claimed deliveries.
    pub claimed: Vec<Claimed>,
    /// The lanes that were looked into.
    pub due_lanes: Vec<DueLane>,
    /// Lanes that were not looked into as far as they had room, because the claimer's own room ran out.
    pub left_lanes: Vec<EndpointId>,
    /// Whether lanes that were not looked into may have something due. Those that were stand behind them from now on,
    /// also when nothing could be taken from them; commit even then, or the same ones are looked into for ever.
    pub has_more_lanes: bool,
    /// Deliveries whose row makes no sense; to be given up in the same transaction.
    pub unreadable: Vec<Unreadable>,
}

/// A row of the queue that makes no sense, so that even its ids are texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// Whose delivery it is.
    pub tenant_id: String,
    /// The delivery.
    pub delivery_id: String,
}

#[derive(FromQueryResult)]
struct Picked {
    delivery_id: String,
    tenant_id: String,
    endpoint_id: String,
    class: String,
    attempt: i64,
    fence: i64,
    claims: i64,
}

struct Lane {
    endpoint_id: EndpointId,
    is_ordered: bool,
    room: i64,
}

/// Claims due deliveries of any tenant, the least recently served lanes first. Commit before anything is sent.
pub async fn claim_all_tenants(
    tx: &Tx,
    request: &ClaimRequest<'_>,
) -> Result<ClaimBatch, StorageError> {
    let mut batch = ClaimBatch::default();
    let lanes = lock_lanes(tx, request, &mut batch).await?;
    if lanes.is_empty() {
        return Ok(batch);
    }
    let picked = if tx.dialect().picks_all_lanes_at_once() {
        pick_at_once(tx, request, &lanes).await?
    } else {
        pick_lane_by_lane(tx, request, &lanes).await?
    };
    for row in picked {
        if let Ok(claimed) = to_claimed(&row, request.owner) {
            batch.claimed.push(claimed);
        } else {
            batch.unreadable.push(Unreadable {
                tenant_id: row.tenant_id,
                delivery_id: row.delivery_id,
            });
        }
    }
    Ok(batch)
}

/// Statement 1: the lanes with something due, locked; each with the most that it may be given.
async fn lock_lanes(
    tx: &Tx,
    request: &ClaimRequest<'_>,
    batch: &mut ClaimBatch,
) -> Result<Vec<Lane>, StorageError> {
    use lanes::Column;
    let now = || tx.lease_clock().now();
    let due = Query::select()
        .expr(Expr::value(1))
        .from(delivery_queue::Entity)
        .and_where(
            Expr::col((delivery_queue::Entity, delivery_queue::Column::EndpointId))
                .equals((lanes::Entity, Column::EndpointId)),
        )
        .and_where(
            Expr::col((delivery_queue::Entity, delivery_queue::Column::VisibleAt)).lte(now()),
        )
        .to_owned();
    let closed_no_longer = Condition::any()
        .add(Column::OpenUntil.is_null())
        .add(Expr::col((lanes::Entity, Column::OpenUntil)).lte(now()));
    let mut select = lanes::Entity::find()
        .filter(Column::Paused.eq(false))
        .filter(closed_no_longer)
        .filter(Expr::exists(due));
    if let Some(wanted) = request.lanes {
        let ids = padded(wanted.iter().map(EndpointId::as_str).collect());
        select = select.filter(Column::EndpointId.is_in(ids));
    }
    let rows = select
        .order_by_asc(Column::LastServedAt)
        .limit(request.max_lanes)
        .lock_with_behavior(LockType::Update, LockBehavior::SkipLocked)
        .all(tx.connection())
        .await
        .map_err(database("locking lanes"))?;
    batch.has_more_lanes = request.lanes.is_none() && rows.len() as u64 >= request.max_lanes;
    if batch.has_more_lanes {
        let ids = rows.iter().map(|row| row.endpoint_id.as_str()).collect();
        mark_served(tx, ids).await?;
    }
    share_out(rows, request, batch)
}

async fn mark_served(tx: &Tx, endpoints: Vec<&str>) -> Result<(), StorageError> {
    lanes::Entity::update_many()
        .col_expr(lanes::Column::LastServedAt, tx.lease_clock().now())
        .filter(lanes::Column::EndpointId.is_in(padded(endpoints)))
        .exec(tx.connection())
        .await
        .map_err(database("marking lanes as served"))?;
    Ok(())
}

/// Shares the claimer's and each tenant's room out among the lanes in their order; notes who got none.
fn share_out(
    rows: Vec<lanes::Model>,
    request: &ClaimRequest<'_>,
    batch: &mut ClaimBatch,
) -> Result<Vec<Lane>, StorageError> {
    let mut left = request.limit;
    let mut tenants: HashMap<TenantId, i64> = HashMap::new();
    let mut lanes = Vec::with_capacity(rows.len());
    for row in rows {
        let id = row.endpoint_id.as_str();
        let endpoint_id: EndpointId = column("lanes", "endpoint_id", id, id.parse())?;
        let tenant_id: TenantId = column("lanes", "tenant_id", id, row.tenant_id.parse())?;
        let of_tenant = tenants
            .entry(tenant_id.clone())
            .or_insert_with_key(|tenant| {
                let known = request.tenant_room.get(tenant).copied();
                known.unwrap_or(request.tenant_room_default)
            });
        let wanted = min(row.max_inflight, *of_tenant);
        let room = min(wanted, left);
        if room < wanted {
            batch.left_lanes.push(endpoint_id.clone());
        } else {
            let max_in_flight = row.max_inflight;
            let endpoint_id = endpoint_id.clone();
            batch.due_lanes.push(DueLane {
                tenant_id,
                endpoint_id,
                max_in_flight,
                is_ordered: row.ordered,
            });
        }
        if room > 0 {
            left = left.saturating_sub(room);
            *of_tenant = of_tenant.saturating_sub(room);
            lanes.push(Lane {
                endpoint_id,
                is_ordered: row.ordered,
                room,
            });
        }
    }
    Ok(lanes)
}

/// Statement 2 where one statement can pick from many lanes.
async fn pick_at_once(
    tx: &Tx,
    request: &ClaimRequest<'_>,
    lanes: &[Lane],
) -> Result<Vec<Picked>, StorageError> {
    let mut values: Vec<Value> = vec![
        tx.lease_clock().bound(),
        request.lease_ms.into(),
        request.owner.into(),
    ];
    // An unnamed lane fills up the number of pairs to a power of two: few shapes, all of them prepared.
    let pairs = lanes.len().next_power_of_two();
    let mut wanted = Vec::with_capacity(pairs);
    for index in 0..pairs {
        let lane = lanes.get(index);
        values.push(lane.map_or("", |lane| lane.endpoint_id.as_str()).into());
        values.push(lane.map_or(0, |lane| lane.room).into());
        let place = 4 + 2 * index;
        wanted.push(format!("(${place}::text, ${}::bigint)", place + 1));
    }
    let sql = format!(
        "WITH clock AS MATERIALIZED (
  SELECT COALESCE($1::BIGINT, {}) AS now
), room AS MATERIALIZED (
  SELECT l.endpoint_id, l.ordered, GREATEST(0, LEAST(w.n, l.max_inflight -
    (SELECT count(*) FROM delivery_queue x
      WHERE x.endpoint_id = l.endpoint_id AND x.lease_until > (SELECT now FROM clock)))) AS n
  FROM (VALUES {}) AS w (endpoint_id, n) JOIN lanes l ON l.endpoint_id = w.endpoint_id{PICK_HEAD}{NOTHING_BEFORE}{PICK_TAIL}",
        tx.dialect().clock().unwrap_or("NULL"),
        wanted.join(", ")
    );
    let connection = tx.connection();
    let statement = Statement::from_sql_and_values(connection.get_database_backend(), sql, values);
    Picked::find_by_statement(statement)
        .all(connection)
        .await
        .map_err(database("claiming deliveries"))
}

/// Statement 2 where each lane is counted and picked by itself.
async fn pick_lane_by_lane(
    tx: &Tx,
    request: &ClaimRequest<'_>,
    lanes: &[Lane],
) -> Result<Vec<Picked>, StorageError> {
    let mut picked = Vec::new();
    for lane in lanes {
        picked.extend(pick_from_lane(tx, request, lane).await?);
    }
    let ids = lanes.iter().map(|lane| lane.endpoint_id.as_str()).collect();
    mark_served(tx, ids).await?;
    Ok(picked)
}

async fn pick_from_lane(
    tx: &Tx,
    request: &ClaimRequest<'_>,
    lane: &Lane,
) -> Result<Vec<Picked>, StorageError> {
    let nothing_before = if lane.is_ordered {
        NOTHING_BEFORE
    } else {
        "TRUE"
    };
    let sql = format!(
        "
UPDATE delivery_queue SET fence = fence + 1, claims = claims + 1,
   lease_owner = $3, lease_until = $1 + $2, visible_at = $1 + $2
 WHERE delivery_id IN (
   SELECT w.delivery_id FROM delivery_queue w WHERE w.endpoint_id = $4 AND w.visible_at <= $1
    AND {nothing_before}
    ORDER BY visible_at, delivery_id
    LIMIT (SELECT MAX(0, MIN($5, l.max_inflight - (
       SELECT count(*) FROM delivery_queue x WHERE x.endpoint_id = $4 AND x.lease_until > $1)))
      FROM lanes l WHERE l.endpoint_id = $4))
RETURNING delivery_id, tenant_id, endpoint_id, class, attempt, fence, claims"
    );
    let values: [Value; 5] = [
        tx.lease_clock().bound(),
        request.lease_ms.into(),
        request.owner.into(),
        lane.endpoint_id.as_str().into(),
        lane.room.into(),
    ];
    let connection = tx.connection();
    let statement = Statement::from_sql_and_values(connection.get_database_backend(), sql, values);
    Picked::find_by_statement(statement)
        .all(connection)
        .await
        .map_err(database("claiming deliveries of a lane"))
}

fn to_claimed(row: &Picked, owner: &str) -> Result<Claimed, StorageError> {
    let id = row.delivery_id.as_str();
    Ok(Claimed {
        lease: Lease {
            delivery_id: column(QUEUE, "delivery_id", id, id.parse())?,
            fence: row.fence,
            owner: owner.to_owned(),
        },
        tenant_id: column(QUEUE, "tenant_id", id, row.tenant_id.parse())?,
        endpoint_id: column(QUEUE, "endpoint_id", id, row.endpoint_id.parse())?,
        class: column(QUEUE, "class", id, QueueClass::parse(&row.class).ok_or(()))?,
        position: row.attempt,
        claims: row.claims,
    })
}

/// Gives claims back unused, due at once; a claim that was lost meanwhile stays lost.
pub async fn release_all_tenants(tx: &Tx, leases: &[Lease]) -> Result<(), StorageError> {
    use delivery_queue::Column;
    for lease in leases {
        delivery_queue::Entity::update_many()
            .col_expr(Column::VisibleAt, tx.lease_clock().now())
            .col_expr(Column::LeaseUntil, Expr::value(0_i64))
            .col_expr(Column::LeaseOwner, Expr::value(None::<String>))
            .col_expr(Column::Claims, Expr::col(Column::Claims).sub(1))
            .filter(Column::DeliveryId.eq(lease.delivery_id.as_str()))
            .filter(Column::Fence.eq(lease.fence))
            .filter(Column::LeaseOwner.eq(lease.owner.as_str()))
            .exec(tx.connection())
            .await
            .map_err(database("releasing a claim"))?;
    }
    Ok(())
}
