//! The record of calls to WeChat: one row per try, written in batches, read by the order it is about.

use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use tributary_domain::clock::Timestamp;
use tributary_domain::ids::{AttemptId, OrderId, ProviderId, TenantId, UpstreamCallId};
use tributary_domain::tenant::Mode;

use crate::entities::upstream_calls;
use crate::error::{StorageError, column, database, inserting};
use crate::statement_sizes::power_of_two_chunks;
use crate::{Access, Tx};

const TABLE: &str = "upstream_calls";

/// What one try came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallOutcome {
    /// WeChat did what it was asked.
    Succeeded,
    /// It failed, and the same request was sent once more at once.
    TriedAgain,
    /// It certainly did not happen.
    Failed,
    /// Nobody knows whether WeChat did it.
    Unknown,
}

impl CallOutcome {
    const ALL: [Self; 4] = [
        Self::Succeeded,
        Self::TriedAgain,
        Self::Failed,
        Self::Unknown,
    ];

    /// The word stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::TriedAgain => "tried_again",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == text)
    }
}

/// One try of a call to WeChat. No secret is in it: no body, no query, no signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpstreamTry {
    /// The call that it belongs to.
    pub call_id: UpstreamCallId,
    /// Its number within the call, from 1; 0 when nothing was sent.
    pub number: i64,
    /// Orders the calls of one process that began in one millisecond.
    pub position: i64,
    /// Through which provider.
    pub provider_id: ProviderId,
    /// Which world it belongs to.
    pub mode: Mode,
    /// Whose, when it is about a tenant's affairs.
    pub tenant_id: Option<TenantId>,
    /// About which order.
    pub order_id: Option<OrderId>,
    /// About which attempt.
    pub attempt_id: Option<AttemptId>,
    /// About which refund.
    pub refund_id: Option<String>,
    /// What it was for, in a stable word.
    pub purpose: String,
    /// The HTTP method.
    pub method: String,
    /// The path without its query.
    pub path: String,
    /// Host and port; empty when nothing was sent.
    pub host: String,
    /// When the try began.
    pub started_at: Timestamp,
    /// How long it lasted.
    pub duration_ms: i64,
    /// What it came to.
    pub outcome: CallOutcome,
    /// Why it failed, in a stable word.
    pub failure: Option<String>,
    /// The status of the answer.
    pub status: Option<i64>,
    /// WeChat's code, spelling folded.
    pub code: Option<String>,
    /// WeChat's `Request-ID`.
    pub request_id: Option<String>,
    /// The serial of the key that signed the answer.
    pub key_serial: Option<String>,
    /// WeChat's own word for the state of what was asked about.
    pub said: Option<String>,
}

/// Records tries. They are facts about the past: nothing is compared, nothing else changes.
pub async fn insert_all(tx: &Tx, tries: &[UpstreamTry]) -> Result<(), StorageError> {
    let rows: Vec<upstream_calls::ActiveModel> = tries.iter().map(to_row).collect();
    for chunk in power_of_two_chunks(&rows) {
        upstream_calls::Entity::insert_many(chunk.iter().cloned())
            .exec_without_returning(tx.connection())
            .await
            .map_err(inserting(TABLE))?;
    }
    Ok(())
}

/// The first `limit` tries of calls about a tenant's order from `since` on, oldest first.
pub async fn of_order(
    at: &impl Access,
    tenant: &TenantId,
    order: &OrderId,
    (since, limit): (Timestamp, u64),
) -> Result<Vec<UpstreamTry>, StorageError> {
    use upstream_calls::Column;
    let rows = upstream_calls::Entity::find()
        .filter(Column::TenantId.eq(tenant.as_str()))
        .filter(Column::OrderId.eq(order.as_str()))
        .filter(Column::StartedAt.gte(since.as_millis()))
        .order_by_asc(Column::StartedAt)
        .order_by_asc(Column::Position)
        .order_by_asc(Column::Id)
        .order_by_asc(Column::TryNumber)
        .limit(limit)
        .all(at.connection())
        .await
        .map_err(database("reading the calls about an order"))?;
    rows.into_iter().map(to_try).collect()
}

/// Deletes calls begun before `before`, of at most `limit` tries; returns how many tries went.
pub async fn purge_all_tenants(
    tx: &Tx,
    before: Timestamp,
    limit: u64,
) -> Result<u64, StorageError> {
    use upstream_calls::Column;
    let old: Vec<String> = upstream_calls::Entity::find()
        .select_only()
        .column(Column::Id)
        .filter(Column::StartedAt.lt(before.as_millis()))
        .order_by_asc(Column::StartedAt)
        .limit(limit)
        .into_tuple()
        .all(tx.connection())
        .await
        .map_err(database("reading old calls"))?;
    let deleted = upstream_calls::Entity::delete_many()
        .filter(Column::Id.is_in(old))
        .filter(Column::StartedAt.lt(before.as_millis()))
        .exec(tx.connection())
        .await
        .map_err(database("deleting old calls"))?;
    Ok(deleted.rows_affected)
}

fn to_row(one: &UpstreamTry) -> upstream_calls::ActiveModel {
    upstream_calls::ActiveModel {
        id: Set(one.call_id.to_string()),
        try_number: Set(one.number),
        position: Set(one.position),
        provider_id: Set(one.provider_id.to_string()),
        mode: Set(one.mode.as_str().to_owned()),
        tenant_id: Set(one.tenant_id.as_ref().map(ToString::to_string)),
        order_id: Set(one.order_id.as_ref().map(ToString::to_string)),
        attempt_id: Set(one.attempt_id.as_ref().map(ToString::to_string)),
        refund_id: Set(one.refund_id.clone()),
        purpose: Set(one.purpose.clone()),
        method: Set(one.method.clone()),
        path: Set(one.path.clone()),
        host: Set(one.host.clone()),
        started_at: Set(one.started_at.as_millis()),
        duration_ms: Set(one.duration_ms),
        outcome: Set(one.outcome.as_str().to_owned()),
        failure: Set(one.failure.clone()),
        status: Set(one.status),
        code: Set(one.code.clone()),
        request_id: Set(one.request_id.clone()),
        key_serial: Set(one.key_serial.clone()),
        said: Set(one.said.clone()),
    }
}

fn to_try(row: upstream_calls::Model) -> Result<UpstreamTry, StorageError> {
    let id = row.id.as_str();
    let tenant_id = row.tenant_id.as_deref().map(str::parse).transpose();
    let order_id = row.order_id.as_deref().map(str::parse).transpose();
    let attempt_id = row.attempt_id.as_deref().map(str::parse).transpose();
    let outcome = CallOutcome::parse(&row.outcome).ok_or(());
    Ok(UpstreamTry {
        call_id: column(TABLE, "id", id, id.parse())?,
        provider_id: column(TABLE, "provider_id", id, row.provider_id.parse())?,
        mode: column(TABLE, "mode", id, Mode::parse(&row.mode).ok_or(()))?,
        tenant_id: column(TABLE, "tenant_id", id, tenant_id)?,
        order_id: column(TABLE, "order_id", id, order_id)?,
        attempt_id: column(TABLE, "attempt_id", id, attempt_id)?,
        outcome: column(TABLE, "outcome", id, outcome)?,
        number: row.try_number,
        position: row.position,
        refund_id: row.refund_id,
        purpose: row.purpose,
        method: row.method,
        path: row.path,
        host: row.host,
        started_at: Timestamp::from_millis(row.started_at),
        duration_ms: row.duration_ms,
        failure: row.failure,
        status: row.status,
        code: row.code,
        request_id: row.request_id,
        key_serial: row.key_serial,
        said: row.said,
    })
}
