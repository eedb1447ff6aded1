//! The inbox: every notification that WeChat sent and we answered with success.

use sea_orm::sea_query::Expr;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use tributary_domain::clock::Timestamp;
use tributary_domain::ids::{NotificationId, OrderId, ProviderId, TenantId};

use crate::entities::notifications;
use crate::error::{StorageError, column, database, expect_one, inserting};
use crate::{Access, Tx};

const TABLE: &str = "notifications";

/// What became of a notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotificationState {
    /// Kept; still to be applied.
    Received,
    /// Applied, or found to say nothing new.
    Applied,
    /// Kept, alarmed, and not applied.
    Quarantined,
}

impl NotificationState {
    /// The word stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Applied => "applied",
            Self::Quarantined => "quarantined",
        }
    }

    /// Reads the stored word.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "received" => Some(Self::Received),
            "applied" => Some(Self::Applied),
            "quarantined" => Some(Self::Quarantined),
            _ => None,
        }
    }
}

/// A notification as it is kept: the bytes that came, and what became of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredNotification {
    /// Our id.
    pub id: NotificationId,
    /// To which provider.
    pub provider_id: ProviderId,
    /// WeChat's id, the same on its retries.
    pub notice_id: String,
    /// WeChat's word for what happened.
    pub event_type: String,
    /// The headers that carried the signature, as JSON.
    pub headers: String,
    /// The body, byte for byte.
    pub body: Vec<u8>,
    /// SHA-256 of the body, in hex.
    pub body_sha256: String,
    /// What became of it.
    pub state: NotificationState,
    /// Why, in a stable word.
    pub verdict: Option<String>,
    /// Whose order it was about.
    pub tenant_id: Option<TenantId>,
    /// Which order it was about.
    pub order_id: Option<OrderId>,
    /// When it came.
    pub received_at: Timestamp,
    /// When to try to apply it again.
    pub next_try_at: Option<Timestamp>,
    /// How often applying it failed.
    pub tries: i64,
}

/// Keeps a notification. `Duplicate` when the same bytes with the same id are kept already.
pub async fn insert(tx: &Tx, notice: &StoredNotification) -> Result<(), StorageError> {
    let row = notifications::ActiveModel {
        id: Set(notice.id.to_string()),
        provider_id: Set(notice.provider_id.to_string()),
        notice_id: Set(notice.notice_id.clone()),
        event_type: Set(notice.event_type.clone()),
        headers: Set(notice.headers.clone()),
        body: Set(notice.body.clone()),
        body_sha256: Set(notice.body_sha256.clone()),
        state: Set(notice.state.as_str().to_owned()),
        verdict: Set(notice.verdict.clone()),
        tenant_id: Set(notice.tenant_id.as_ref().map(ToString::to_string)),
        order_id: Set(notice.order_id.as_ref().map(ToString::to_string)),
        received_at: Set(notice.received_at.as_millis()),
        next_try_at: Set(notice.next_try_at.map(Timestamp::as_millis)),
        tries: Set(notice.tries),
    };
    notifications::Entity::insert(row)
        .exec_without_returning(tx.connection())
        .await
        .map_err(inserting(TABLE))?;
    Ok(())
}

/// Every kept notification with WeChat's id `notice_id`.
pub async fn find_by_notice_id(
    at: &impl Access,
    provider: &ProviderId,
    notice_id: &str,
) -> Result<Vec<StoredNotification>, StorageError> {
    let rows = notifications::Entity::find()
        .filter(notifications::Column::ProviderId.eq(provider.as_str()))
        .filter(notifications::Column::NoticeId.eq(notice_id))
        .order_by_asc(notifications::Column::Id)
        .all(at.connection())
        .await
        .map_err(database("reading notifications by id"))?;
    rows.into_iter().map(to_notification).collect()
}

/// The first `limit` notifications about a tenant's order from `since` on, oldest first.
pub async fn of_order(
    at: &impl Access,
    tenant: &TenantId,
    order: &OrderId,
    (since, limit): (Timestamp, u64),
) -> Result<Vec<StoredNotification>, StorageError> {
    use notifications::Column;
    let rows = notifications::Entity::find()
        .filter(Column::TenantId.eq(tenant.as_str()))
        .filter(Column::OrderId.eq(order.as_str()))
        .filter(Column::ReceivedAt.gte(since.as_millis()))
        .order_by_asc(Column::ReceivedAt)
        .order_by_asc(Column::Id)
        .limit(limit)
        .all(at.connection())
        .await
        .map_err(database("reading the notifications about an order"))?;
    rows.into_iter().map(to_notification).collect()
}

/// Notifications that wait to be applied.
pub async fn due_all_tenants(
    at: &impl Access,
    now: Timestamp,
    limit: u64,
) -> Result<Vec<StoredNotification>, StorageError> {
    let rows = notifications::Entity::find()
        .filter(notifications::Column::NextTryAt.lte(now.as_millis()))
        .order_by_asc(notifications::Column::NextTryAt)
        .limit(limit)
        .all(at.connection())
        .await
        .map_err(database("reading notifications to apply"))?;
    rows.into_iter().map(to_notification).collect()
}

/// Writes what became of a notification, provided it is still in the state and try that `before` shows.
pub async fn update(
    tx: &Tx,
    before: &StoredNotification,
    after: &StoredNotification,
) -> Result<(), StorageError> {
    use notifications::Column;
    let changed = notifications::Entity::update_many()
        .col_expr(Column::State, Expr::value(after.state.as_str()))
        .col_expr(Column::Verdict, Expr::value(after.verdict.clone()))
        .col_expr(
            Column::TenantId,
            Expr::value(after.tenant_id.as_ref().map(ToString::to_string)),
        )
        .col_expr(
            Column::OrderId,
            Expr::value(after.order_id.as_ref().map(ToString::to_string)),
        )
        .col_expr(
            Column::NextTryAt,
            Expr::value(after.next_try_at.map(Timestamp::as_millis)),
        )
        .col_expr(Column::Tries, Expr::value(after.tries))
        .filter(Column::Id.eq(before.id.as_str()))
        .filter(Column::State.eq(before.state.as_str()))
        .filter(Column::Tries.eq(before.tries))
        .exec(tx.connection())
        .await
        .map_err(database("updating a notification"))?;
    expect_one(TABLE, changed.rows_affected)
}

pub(crate) fn to_notification(
    row: notifications::Model,
) -> Result<StoredNotification, StorageError> {
    let id = row.id.as_str();
    let tenant_id = row.tenant_id.as_deref().map(str::parse).transpose();
    let order_id = row.order_id.as_deref().map(str::parse).transpose();
    Ok(StoredNotification {
        id: column(TABLE, "id", id, id.parse())?,
        provider_id: column(TABLE, "provider_id", id, row.provider_id.parse())?,
        state: column(
            TABLE,
            "state",
            id,
            NotificationState::parse(&row.state).ok_or(()),
        )?,
        tenant_id: column(TABLE, "tenant_id", id, tenant_id)?,
        order_id: column(TABLE, "order_id", id, order_id)?,
        notice_id: row.notice_id,
        event_type: row.event_type,
        headers: row.headers,
        body: row.body,
        body_sha256: row.body_sha256,
        verdict: row.verdict,
        received_at: Timestamp::from_millis(row.received_at),
        next_try_at: row.next_try_at.map(Timestamp::from_millis),
        tries: row.tries,
    })
}

/// Deletes at most `limit` notifications of each end that were received before `before`; returns how many went.
///
/// What is still to be applied is never old.
pub async fn purge_all_tenants(
    tx: &Tx,
    before: Timestamp,
    limit: u64,
) -> Result<u64, StorageError> {
    use notifications::Column;
    // Ids grow with time, and the index is by state and id.
    let first_kept = NotificationId::new(before);
    let mut gone = 0_u64;
    for state in [NotificationState::Applied, NotificationState::Quarantined] {
        let old: Vec<String> = notifications::Entity::find()
            .select_only()
            .column(Column::Id)
            .filter(Column::State.eq(state.as_str()))
            .filter(Column::Id.lt(first_kept.as_str()))
            .order_by_asc(Column::Id)
            .limit(limit)
            .into_tuple()
            .all(tx.connection())
            .await
            .map_err(database("reading old notifications"))?;
        let deleted = notifications::Entity::delete_many()
            .filter(Column::Id.is_in(old))
            .filter(Column::State.eq(state.as_str()))
            .exec(tx.connection())
            .await
            .map_err(database("deleting old notifications"))?;
        gone = gone.saturating_add(deleted.rows_affected);
    }
    Ok(gone)
}
