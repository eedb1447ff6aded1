//! Deliveries, their log and their queue. `claim` takes work, `completion` gives it back.

use sea_orm::sea_query::{Expr, ExprTrait, LockType, Query};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QueryOrder,
    QuerySelect,
};
use tributary_domain::clock::Timestamp;
use tributary_domain::delivery::{Delivery, DeliveryState, QueueClass};
use tributary_domain::ids::{DeliveryId, EndpointId, EventId, TenantId};
use tributary_domain::tenant::Mode;

use crate::entities::{deliveries, delivery_attempts, delivery_queue};
use crate::error::{StorageError, column, database, expect_one, inserting};
use crate::statement_sizes::{padded, power_of_two_chunks};
use crate::{Access, Tx};

pub mod claim;
pub mod completion;
mod holding;
pub mod parcel;
mod retention;
#[cfg(test)]
mod tests;

pub use holding::{cancel_all, hold_waiting, release_forgotten_all_tenants, release_held};
pub use retention::{cancel_orphans_all_tenants, purge, purge_all_tenants};

const DELIVERIES: &str = "deliveries";

/// Which deliveries a list shows.
#[derive(Clone, Debug, Default)]
pub struct DeliveryFilter {
    /// Only to this endpoint.
    pub endpoint_id: Option<EndpointId>,
    /// Only in this state.
    pub state: Option<DeliveryState>,
    /// Only of this type.
    pub event_kind: Option<String>,
    /// Only of this event.
    pub event_id: Option<EventId>,
    /// Only made at or after this instant.
    pub created_from: Option<Timestamp>,
    /// Only made before this instant.
    pub created_to: Option<Timestamp>,
}

/// One HTTP try as the log keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggedAttempt {
    /// Its number within the delivery, from 1.
    pub number: i64,
    /// `auto` or `manual`.
    pub trigger: String,
    /// When it began.
    pub started_at: Timestamp,
    /// How long it lasted.
    pub duration_ms: i64,
    /// The status of the answer.
    pub status: Option<i64>,
    /// The class of the failure.
    pub error_class: Option<String>,
    /// The answer's headers as lines.
    pub response_headers: Option<String>,
    /// The beginning of the answer's body.
    pub response_body: Option<Vec<u8>>,
    /// Who answered.
    pub remote_ip: Option<String>,
    /// The request's headers as lines; values that the tenant gave are masked.
    pub request_headers: Option<String>,
    /// How long the steps lasted.
    pub timing: Timing,
    /// The version of TLS that was spoken on a connection opened for this attempt.
    pub tls_version: Option<String>,
}

/// How long the steps of an attempt lasted; what was not done, on a kept connection for example, has no length.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timing {
    /// Looking the name up.
    pub dns_ms: Option<i64>,
    /// Connecting by TCP.
    pub connect_ms: Option<i64>,
    /// The TLS handshake.
    pub tls_ms: Option<i64>,
    /// From the beginning until the answer's head was complete.
    pub first_byte_ms: Option<i64>,
}

/// A new row of the queue, due at once.
#[derive(Clone, Debug)]
pub(crate) struct QueueEntry {
    pub(crate) delivery_id: DeliveryId,
    pub(crate) tenant_id: TenantId,
    pub(crate) endpoint_id: EndpointId,
    pub(crate) class: QueueClass,
}

/// What became of the wish to send a delivery again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resend {
    /// It is due now.
    Due,
    /// An attempt is being made at this moment.
    InFlight,
}

/// Finds a tenant's delivery.
pub async fn find(
    at: &impl Access,
    tenant: &TenantId,
    mode: Mode,
    id: &DeliveryId,
) -> Result<Option<Delivery>, StorageError> {
    let filter = Condition::all().add(deliveries::Column::Id.eq(id.as_str()));
    Ok(read(at, tenant, mode, filter, 1).await?.pop())
}

/// Lists a tenant's deliveries, newest first, starting after the delivery `after`.
pub async fn list(
    at: &impl Access,
    tenant: &TenantId,
    mode: Mode,
    filter: &DeliveryFilter,
    after: Option<&DeliveryId>,
    limit: u64,
) -> Result<Vec<Delivery>, StorageError> {
    use deliveries::Column;
    let wanted = Condition::all()
        .add_option(
            filter
                .endpoint_id
                .as_ref()
                .map(|id| Column::EndpointId.eq(id.as_str())),
        )
        .add_option(filter.state.map(|state| Column::State.eq(state.as_str())))
        .add_option(
            filter
                .event_kind
                .as_ref()
                .map(|kind| Column::EventKind.eq(kind)),
        )
        .add_option(
            filter
                .event_id
                .as_ref()
                .map(|id| Column::EventId.eq(id.as_str())),
        )
        .add_option(
            filter
                .created_from
                .map(|from| Column::CreatedAt.gte(from.as_millis())),
        )
        .add_option(
            filter
                .created_to
                .map(|to| Column::CreatedAt.lt(to.as_millis())),
        )
        .add_option(after.map(|id| Column::Id.lt(id.as_str())));
    read(at, tenant, mode, wanted, limit).await
}

async fn read(
    at: &impl Access,
    tenant: &TenantId,
    mode: Mode,
    wanted: Condition,
    limit: u64,
) -> Result<Vec<Delivery>, StorageError> {
    let rows = deliveries::Entity::find()
        .filter(deliveries::Column::TenantId.eq(tenant.as_str()))
        .filter(deliveries::Column::Mode.eq(mode.as_str()))
        .filter(wanted)
        .order_by_desc(deliveries::Column::Id)
        .limit(limit)
        .all(at.connection())
        .await
        .map_err(database("reading deliveries"))?;
    let open = rows.iter().map(|row| row.id.as_str()).collect::<Vec<_>>();
    let due: Vec<(String, i64)> = delivery_queue::Entity::find()
        .select_only()
        .columns([
            delivery_queue::Column::DeliveryId,
            delivery_queue::Column::VisibleAt,
        ])
        .filter(delivery_queue::Column::DeliveryId.is_in(open))
        .into_tuple()
        .all(at.connection())
        .await
        .map_err(database("reading when deliveries are due"))?;
    rows.into_iter()
        .map(|row| {
            let next = due.iter().find(|(id, _)| *id == row.id).map(|(_, at)| *at);
            to_delivery(row, next)
        })
        .collect()
}

/// Every recorded attempt of a tenant's delivery, first to last.
pub async fn attempts(
    at: &impl Access,
    tenant: &TenantId,
    id: &DeliveryId,
) -> Result<Vec<LoggedAttempt>, StorageError> {
    let rows = delivery_attempts::Entity::find()
        .filter(delivery_attempts::Column::TenantId.eq(tenant.as_str()))
        .filter(delivery_attempts::Column::DeliveryId.eq(id.as_str()))
        .order_by_asc(delivery_attempts::Column::Number)
        .all(at.connection())
        .await
        .map_err(database("reading the attempts of a delivery"))?;
    Ok(rows.into_iter().map(to_attempt).collect())
}

/// One HTTP try together with what was sent to whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentAttempt {
    /// The delivery.
    pub delivery_id: DeliveryId,
    /// What was told.
    pub event_id: EventId,
    /// Its type.
    pub event_kind: String,
    /// Whom.
    pub endpoint_id: EndpointId,
    /// How the try went.
    pub attempt: LoggedAttempt,
}

/// The first `limit` tries from `since` on to deliver some of a tenant's events, oldest first.
pub async fn attempts_of_events(
    at: &impl Access,
    tenant: &TenantId,
    events: &[EventId],
    (since, limit): (Timestamp, u64),
) -> Result<Vec<SentAttempt>, StorageError> {
    let ids = padded(events.iter().map(EventId::as_str).collect());
    let of_events: Vec<(String, String, String, String)> = deliveries::Entity::find()
        .select_only()
        .columns([
            deliveries::Column::Id,
            deliveries::Column::EventId,
            deliveries::Column::EventKind,
            deliveries::Column::EndpointId,
        ])
        .filter(deliveries::Column::TenantId.eq(tenant.as_str()))
        .filter(deliveries::Column::EventId.is_in(ids))
        .order_by_asc(deliveries::Column::Id)
        .limit(limit)
        .into_tuple()
        .all(at.connection())
        .await
        .map_err(database("reading the deliveries of events"))?;
    let ids = padded(of_events.iter().map(|(id, ..)| id.as_str()).collect());
    let tries = delivery_attempts::Entity::find()
        .filter(delivery_attempts::Column::TenantId.eq(tenant.as_str()))
        .filter(delivery_attempts::Column::DeliveryId.is_in(ids))
        .filter(delivery_attempts::Column::StartedAt.gte(since.as_millis()))
        .order_by_asc(delivery_attempts::Column::StartedAt)
        .order_by_asc(delivery_attempts::Column::DeliveryId)
        .order_by_asc(delivery_attempts::Column::Number)
        .limit(limit)
        .all(at.connection())
        .await
        .map_err(database("reading the attempts of deliveries"))?;
    let mut sent = Vec::with_capacity(tries.len());
    for row in tries {
        let of = of_events.iter().find(|(id, ..)| *id == row.delivery_id);
        let Some((id, event, event_kind, endpoint)) = of else {
            continue;
        };
        sent.push(SentAttempt {
            delivery_id: column(DELIVERIES, "id", id, id.parse())?,
            event_id: column(DELIVERIES, "event_id", id, event.parse())?,
            endpoint_id: column(DELIVERIES, "endpoint_id", id, endpoint.parse())?,
            event_kind: event_kind.clone(),
            attempt: to_attempt(row),
        });
    }
    Ok(sent)
}

/// Makes a delivery due now, whatever became of it before; the event's id and bytes stay the same.
pub async fn resend(tx: &Tx, delivery: &Delivery) -> Result<Resend, StorageError> {
    use delivery_queue::Column;
    let is_leased = Expr::col(Column::LeaseUntil).gt(tx.lease_clock().now());
    let queued: Option<(String, bool)> = delivery_queue::Entity::find_by_id(delivery.id.as_str())
        .select_only()
        .column(Column::Class)
        .expr_as(is_leased, "is_leased")
        .lock(LockType::Update)
        .into_tuple()
        .one(tx.connection())
        .await
        .map_err(database("locking a queued delivery"))?;
    tx.due_lane(&delivery.endpoint_id);
    match queued {
        Some((_, true)) => Ok(Resend::InFlight),
        Some((class, false)) => hurry(tx, delivery, &class).await,
        None => reopen(tx, delivery).await,
    }
}

async fn hurry(tx: &Tx, delivery: &Delivery, class: &str) -> Result<Resend, StorageError> {
    use delivery_queue::Column;
    let class = match QueueClass::parse(class) {
        Some(QueueClass::Scheduled) | None => QueueClass::Hurried,
        Some(class) => class,
    };
    delivery_queue::Entity::update_many()
        .col_expr(Column::VisibleAt, tx.lease_clock().now())
        .col_expr(Column::Class, Expr::value(class.as_str()))
        .filter(Column::DeliveryId.eq(delivery.id.as_str()))
        .filter(Column::TenantId.eq(delivery.tenant_id.as_str()))
        .exec(tx.connection())
        .await
        .map_err(database("hurrying a delivery"))?;
    Ok(Resend::Due)
}

async fn reopen(tx: &Tx, delivery: &Delivery) -> Result<Resend, StorageError> {
    use deliveries::Column;
    let changed = deliveries::Entity::update_many()
        .col_expr(Column::State, Expr::value(DeliveryState::Open.as_str()))
        .col_expr(Column::FinishedAt, Expr::value(None::<i64>))
        .filter(Column::Id.eq(delivery.id.as_str()))
        .filter(Column::TenantId.eq(delivery.tenant_id.as_str()))
        .filter(Column::State.eq(delivery.state.as_str()))
        .exec(tx.connection())
        .await
        .map_err(database("reopening a delivery"))?;
    expect_one(DELIVERIES, changed.rows_affected)?;
    let entry = QueueEntry {
        delivery_id: delivery.id.clone(),
        tenant_id: delivery.tenant_id.clone(),
        endpoint_id: delivery.endpoint_id.clone(),
        class: QueueClass::Replay,
    };
    enqueue(tx, &[entry]).await?;
    Ok(Resend::Due)
}

/// Puts deliveries into the queue.
pub(crate) async fn enqueue(tx: &Tx, entries: &[QueueEntry]) -> Result<(), StorageError> {
    use delivery_queue::Column;
    for chunk in power_of_two_chunks(entries) {
        let mut insert = Query::insert();
        insert.into_table(delivery_queue::Entity).columns([
            Column::DeliveryId,
            Column::TenantId,
            Column::EndpointId,
            Column::Class,
            Column::Attempt,
            Column::VisibleAt,
            Column::Fence,
            Column::LeaseUntil,
            Column::Claims,
        ]);
        for entry in chunk {
            let row = [
                entry.delivery_id.as_str().into(),
                entry.tenant_id.as_str().into(),
                entry.endpoint_id.as_str().into(),
                entry.class.as_str().into(),
                1_i64.into(),
                tx.lease_clock().now(),
                0_i64.into(),
                0_i64.into(),
                0_i64.into(),
            ];
            insert
                .values(row)
                .map_err(|error| database("filling the queue")(DbErr::Custom(error.to_string())))?;
        }
        let connection = tx.connection();
        let statement = connection.get_database_backend().build(&insert);
        connection
            .execute_raw(statement)
            .await
            .map_err(inserting("delivery_queue"))?;
    }
    Ok(())
}

pub(crate) fn to_delivery(
    row: deliveries::Model,
    next: Option<i64>,
) -> Result<Delivery, StorageError> {
    let id = row.id.as_str();
    Ok(Delivery {
        id: column(DELIVERIES, "id", id, id.parse())?,
        tenant_id: column(DELIVERIES, "tenant_id", id, row.tenant_id.parse())?,
        mode: column(DELIVERIES, "mode", id, Mode::parse(&row.mode).ok_or(()))?,
        event_id: column(DELIVERIES, "event_id", id, row.event_id.parse())?,
        endpoint_id: column(DELIVERIES, "endpoint_id", id, row.endpoint_id.parse())?,
        state: column(
            DELIVERIES,
            "state",
            id,
            DeliveryState::parse(&row.state).ok_or(()),
        )?,
        event_kind: row.event_kind,
        attempts: row.attempts,
        next_attempt_at: next.map(Timestamp::from_millis),
        last_status: row.last_status,
        last_error: row.last_error,
        created_at: Timestamp::from_millis(row.created_at),
        finished_at: row.finished_at.map(Timestamp::from_millis),
    })
}

fn to_attempt(row: delivery_attempts::Model) -> LoggedAttempt {
    LoggedAttempt {
        number: row.number,
        trigger: row.trigger_kind,
        started_at: Timestamp::from_millis(row.started_at),
        duration_ms: row.duration_ms,
        status: row.status,
        error_class: row.error_class,
        response_headers: row.response_headers,
        response_body: row.response_body,
        remote_ip: row.remote_ip,
        request_headers: row.request_headers,
        timing: Timing {
            dns_ms: row.dns_ms,
            connect_ms: row.connect_ms,
            tls_ms: row.tls_ms,
            first_byte_ms: row.first_byte_ms,
        },
        tls_version: row.tls_version,
    }
}
