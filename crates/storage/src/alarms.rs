//! Alarms: what a person must look at, kept until somebody did.

use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use tributary_domain::clock::Timestamp;
use tributary_domain::ids::{AlarmId, OrderId, ProviderId, TenantId};

use crate::entities::alarms;
use crate::error::{StorageError, column, database, inserting};
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

/// The first `limit` alarms about a tenant's order, oldest first.
pub async fn of_order(
    at: &impl Access,
    tenant: &TenantId,
    order: &OrderId,
    limit: u64,
) -> Result<Vec<Alarm>, StorageError> {
    use alarms::Column;
    let rows = alarms::Entity::find()
        .filter(Column::TenantId.eq(tenant.as_str()))
        .filter(Column::OrderId.eq(order.as_str()))
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
