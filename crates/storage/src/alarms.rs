//! Alarms: what a person must look at, kept until somebody did.

use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    UpdateMany,
};
use tributary_domain::clock::Timestamp;
use tributary_domain::ids::{AlarmId, OrderId, ProviderId, TenantId};

use crate::entities::alarms;
use crate::error::{StorageError, column, database, expect_one, inserting};
use crate::{Access, Tx};

const TABLE: &str = "alarms";

/// Something a person must look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alarm {
    /// Its id.
    pub id: AlarmId,
    /// When it was raised.
    pub raised_at: Timestamp,
    /// What kind, in a stable word.
    pub kind: String,
    /// Whose, when known.
    pub tenant_id: Option<TenantId>,
    /// Through which provider, when known.
    pub provider_id: Option<ProviderId>,
    /// About which order, when known.
    pub order_id: Option<OrderId>,
    /// What was seen, without secrets.
    pub detail: String,
}

/// Whether a person still has to look at an alarm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlarmState {
    /// Nobody has looked.
    Open,
    /// Somebody looked and said what became of it.
    Resolved,
}

impl AlarmState {
    /// The word stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Resolved => "resolved",
        }
    }

    /// Reads the stored word.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "open" => Some(Self::Open),
            "resolved" => Some(Self::Resolved),
            _ => None,
        }
    }
}

/// Raises an alarm with the change that caused it.
pub async fn insert(tx: &Tx, alarm: &Alarm) -> Result<(), StorageError> {
    let row = alarms::ActiveModel {
        id: Set(alarm.id.to_string()),
        raised_at: Set(alarm.raised_at.as_millis()),
        kind: Set(alarm.kind.clone()),
        tenant_id: Set(alarm.tenant_id.as_ref().map(ToString::to_string)),
        provider_id: Set(alarm.provider_id.as_ref().map(ToString::to_string)),
        order_id: Set(alarm.order_id.as_ref().map(ToString::to_string)),
        detail: Set(alarm.detail.clone()),
        state: Set(AlarmState::Open.as_str().to_owned()),
        resolved_at: Set(None),
        resolved_by: Set(None),
        resolution: Set(None),
    };
    alarms::Entity::insert(row)
        .exec_without_returning(tx.connection())
        .await
        .map_err(inserting(TABLE))?;
    Ok(())
}

/// Whether the same was seen before, so that asking again every hour raises one alarm and not one an hour.
pub async fn is_known(tx: &Tx, alarm: &Alarm) -> Result<bool, StorageError> {
    use alarms::Column;
    let mut same = alarms::Entity::find()
        .filter(Column::Kind.eq(alarm.kind.as_str()))
        .filter(Column::Detail.eq(alarm.detail.as_str()));
    same = match &alarm.order_id {
        Some(order) => same.filter(Column::OrderId.eq(order.as_str())),
        None => same.filter(Column::OrderId.is_null()),
    };
    let found = same
        .one(tx.connection())
        .await
        .map_err(database("looking for an alarm"))?;
    Ok(found.is_some())
}

/// The first `limit` alarms about a tenant's order from `since` on, oldest first.
pub async fn of_order(
    at: &impl Access,
    tenant: &TenantId,
    order: &OrderId,
    (since, limit): (Timestamp, u64),
) -> Result<Vec<Alarm>, StorageError> {
    use alarms::Column;
    let rows = alarms::Entity::find()
        .filter(Column::TenantId.eq(tenant.as_str()))
        .filter(Column::OrderId.eq(order.as_str()))
        .filter(Column::RaisedAt.gte(since.as_millis()))
        .order_by_asc(Column::RaisedAt)
        .order_by_asc(Column::Id)
        .limit(limit)
        .all(at.connection())
        .await
        .map_err(database("reading the alarms about an order"))?;
    rows.into_iter().map(to_alarm).collect()
}

/// The newest alarms of every tenant, for the people who look at them.
pub async fn newest_all_tenants(at: &impl Access, limit: u64) -> Result<Vec<Alarm>, StorageError> {
    use alarms::Column;
    let rows = alarms::Entity::find()
        .order_by_desc(Column::Id)
        .limit(limit)
        .all(at.connection())
        .await
        .map_err(database("reading the newest alarms"))?;
    rows.into_iter().map(to_alarm).collect()
}

/// An alarm with what a person said about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenAlarm {
    /// The alarm.
    pub alarm: Alarm,
    /// Whether somebody looked.
    pub state: AlarmState,
    /// When.
    pub resolved_at: Option<Timestamp>,
    /// Who.
    pub resolved_by: Option<String>,
    /// What became of it.
    pub resolution: Option<String>,
}

/// Which alarms a list shows.
#[derive(Clone, Debug)]
pub struct AlarmFilter {
    /// Only in this state.
    pub state: AlarmState,
    /// Only of this kind.
    pub kind: Option<String>,
}

/// A tenant's alarms in a state, newest first, before `before`.
pub async fn list(
    at: &impl Access,
    tenant: &TenantId,
    filter: &AlarmFilter,
    before: Option<&AlarmId>,
    limit: u64,
) -> Result<Vec<SeenAlarm>, StorageError> {
    let own = Condition::all().add(alarms::Column::TenantId.eq(tenant.as_str()));
    list_where(at, own, filter, before, limit).await
}

/// Alarms in a state whoever's they are, newest first, before `before`.
pub async fn list_all_tenants(
    at: &impl Access,
    filter: &AlarmFilter,
    before: Option<&AlarmId>,
    limit: u64,
) -> Result<Vec<SeenAlarm>, StorageError> {
    list_where(at, Condition::all(), filter, before, limit).await
}

async fn list_where(
    at: &impl Access,
    whose: Condition,
    filter: &AlarmFilter,
    before: Option<&AlarmId>,
    limit: u64,
) -> Result<Vec<SeenAlarm>, StorageError> {
    use alarms::Column;
    let wanted = whose
        .add(Column::State.eq(filter.state.as_str()))
        .add_option(
            filter
                .kind
                .as_ref()
                .map(|kind| Column::Kind.eq(kind.as_str())),
        )
        .add_option(before.map(|id| Column::Id.lt(id.as_str())));
    let rows = alarms::Entity::find()
        .filter(wanted)
        .order_by_desc(Column::Id)
        .limit(limit)
        .all(at.connection())
        .await
        .map_err(database("listing alarms"))?;
    rows.into_iter().map(to_seen).collect()
}

/// An alarm by its id, whoever's it is.
pub async fn find_all_tenants(
    at: &impl Access,
    id: &AlarmId,
) -> Result<Option<SeenAlarm>, StorageError> {
    let row = alarms::Entity::find_by_id(id.as_str())
        .one(at.connection())
        .await
        .map_err(database("reading an alarm"))?;
    row.map(to_seen).transpose()
}

/// A tenant's alarm by its id.
pub async fn find(
    at: &impl Access,
    tenant: &TenantId,
    id: &AlarmId,
) -> Result<Option<SeenAlarm>, StorageError> {
    let row = alarms::Entity::find_by_id(id.as_str())
        .filter(alarms::Column::TenantId.eq(tenant.as_str()))
        .one(at.connection())
        .await
        .map_err(database("reading an alarm"))?;
    row.map(to_seen).transpose()
}

/// Writes what became of an open alarm. `Stale` when somebody was faster.
pub async fn resolve(
    tx: &Tx,
    id: &AlarmId,
    by: &str,
    resolution: &str,
    now: Timestamp,
) -> Result<(), StorageError> {
    let changed = ending((by, resolution), now)
        .filter(alarms::Column::Id.eq(id.as_str()))
        .exec(tx.connection())
        .await
        .map_err(database("resolving an alarm"))?;
    expect_one(TABLE, changed.rows_affected)
}

/// Writes the same end of every open alarm of a kind about an order whose detail names something.
pub async fn resolve_about(
    tx: &Tx,
    (kind, order, named): (&str, &OrderId, &str),
    (by, resolution): (&str, &str),
    now: Timestamp,
) -> Result<(), StorageError> {
    use alarms::Column;
    ending((by, resolution), now)
        .filter(Column::OrderId.eq(order.as_str()))
        .filter(Column::Kind.eq(kind))
        .filter(Column::Detail.contains(named))
        .exec(tx.connection())
        .await
        .map_err(database("resolving alarms about an order"))?;
    Ok(())
}

/// What is written into open alarms when they end.
fn ending((by, resolution): (&str, &str), now: Timestamp) -> UpdateMany<alarms::Entity> {
    use alarms::Column;
    alarms::Entity::update_many()
        .col_expr(Column::State, Expr::value(AlarmState::Resolved.as_str()))
        .col_expr(Column::ResolvedAt, Expr::value(now.as_millis()))
        .col_expr(Column::ResolvedBy, Expr::value(by))
        .col_expr(Column::Resolution, Expr::value(resolution))
        .filter(Column::State.eq(AlarmState::Open.as_str()))
}

fn to_seen(row: alarms::Model) -> Result<SeenAlarm, StorageError> {
    let state = AlarmState::parse(&row.state).ok_or(());
    Ok(SeenAlarm {
        state: column(TABLE, "state", &row.id, state)?,
        resolved_at: row.resolved_at.map(Timestamp::from_millis),
        resolved_by: row.resolved_by.clone(),
        resolution: row.resolution.clone(),
        alarm: to_alarm(row)?,
    })
}

fn to_alarm(row: alarms::Model) -> Result<Alarm, StorageError> {
    let id = row.id.as_str();
    let tenant_id = row.tenant_id.as_deref().map(str::parse).transpose();
    let provider_id = row.provider_id.as_deref().map(str::parse).transpose();
    let order_id = row.order_id.as_deref().map(str::parse).transpose();
    Ok(Alarm {
        id: column(TABLE, "id", id, id.parse())?,
        tenant_id: column(TABLE, "tenant_id", id, tenant_id)?,
        provider_id: column(TABLE, "provider_id", id, provider_id)?,
        order_id: column(TABLE, "order_id", id, order_id)?,
        raised_at: Timestamp::from_millis(row.raised_at),
        kind: row.kind,
        detail: row.detail,
    })
}
