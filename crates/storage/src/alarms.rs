//! Alarms: what a person must look at, kept until somebody did.

use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter};
use tributary_domain::clock::Timestamp;
use tributary_domain::ids::{AlarmId, OrderId, ProviderId, TenantId};

use crate::entities::alarms;
use crate::error::{StorageError, database, inserting};
use crate::{Access as _, Tx};

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
    };
    alarms::Entity::insert(row)
        .exec_without_returning(tx.connection())
        .await
        .map_err(inserting("alarms"))?;
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
