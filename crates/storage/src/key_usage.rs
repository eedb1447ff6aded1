//! How often each key served each purpose, hour by hour: added up in memory, written in batches.

use sea_orm::sea_query::{Expr, ExprTrait, OnConflict};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use tributary_domain::clock::Timestamp;
use tributary_domain::ids::ProviderId;
use tributary_domain::provider_key::{KeyCounts, KeyKind, KeyUse};

use crate::entities::key_usage::{ActiveModel, Column, Entity, Model};
use crate::entities::provider_keys;
use crate::error::{StorageError, column, database};
use crate::{Access, Tx};

const TABLE: &str = "key_usage";

/// What one key did for one purpose within one hour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Usage {
    /// Whose key.
    pub provider_id: ProviderId,
    /// The hour's beginning.
    pub hour: Timestamp,
    /// For what.
    pub purpose: KeyUse,
    /// Which key, by its name on the wire.
    pub serial: String,
    /// How often it went well.
    pub passed: i64,
    /// How often it did not.
    pub failed: i64,
}

/// Adds to the hour's counts.
pub async fn add(tx: &Tx, usage: &Usage) -> Result<(), StorageError> {
    let row = ActiveModel {
        provider_id: Set(usage.provider_id.to_string()),
        hour: Set(usage.hour.as_millis()),
        purpose: Set(usage.purpose.as_str().to_owned()),
        serial: Set(usage.serial.clone()),
        passed: Set(usage.passed),
        failed: Set(usage.failed),
    };
    let add = |counted: Column, more: i64| Expr::col((Entity, counted)).add(more);
    let key = [
        Column::ProviderId,
        Column::Hour,
        Column::Purpose,
        Column::Serial,
    ];
    let both = OnConflict::columns(key)
        .value(Column::Passed, add(Column::Passed, usage.passed))
        .value(Column::Failed, add(Column::Failed, usage.failed))
        .to_owned();
    Entity::insert(row)
        .on_conflict(both)
        .exec_without_returning(tx.connection())
        .await
        .map_err(database("counting the use of a key"))?;
    Ok(())
}

/// Adds to what a key of the ring has done; a name that is not in the ring is nobody's.
pub async fn add_to_key(
    tx: &Tx,
    provider: &ProviderId,
    (kinds, serial): (&[KeyKind], &str),
    more: KeyCounts,
    seen_at: Timestamp,
) -> Result<(), StorageError> {
    use provider_keys::Column as Key;
    let kinds = kinds.iter().map(|kind| kind.as_str());
    provider_keys::Entity::update_many()
        .col_expr(Key::Signed, Expr::col(Key::Signed).add(more.signed))
        .col_expr(Key::Verified, Expr::col(Key::Verified).add(more.verified))
        .col_expr(Key::Failed, Expr::col(Key::Failed).add(more.failed))
        .col_expr(Key::LastSeenAt, Expr::value(seen_at.as_millis()))
        .filter(Key::ProviderId.eq(provider.as_str()))
        .filter(Key::Kind.is_in(kinds))
        .filter(Key::Serial.eq(serial))
        .exec(tx.connection())
        .await
        .map_err(database("counting what a key did"))?;
    Ok(())
}

/// A provider's counts of the hours that began at or after an instant.
pub async fn since(
    at: &impl Access,
    provider: &ProviderId,
    from: Timestamp,
    limit: u64,
) -> Result<Vec<Usage>, StorageError> {
    let rows = Entity::find()
        .filter(Column::ProviderId.eq(provider.as_str()))
        .filter(Column::Hour.gte(from.as_millis()))
        .order_by_asc(Column::Hour)
        .limit(limit)
        .all(at.connection())
        .await
        .map_err(database("reading the use of keys"))?;
    rows.into_iter().map(to_usage).collect()
}

/// Deletes the counts of hours before an instant; returns how many rows went.
pub async fn purge(tx: &Tx, before: Timestamp) -> Result<u64, StorageError> {
    let gone = Entity::delete_many()
        .filter(Column::Hour.lt(before.as_millis()))
        .exec(tx.connection())
        .await
        .map_err(database("deleting old counts"))?;
    Ok(gone.rows_affected)
}

fn to_usage(row: Model) -> Result<Usage, StorageError> {
    let id = row.serial.as_str();
    let purpose = KeyUse::parse(&row.purpose).ok_or(());
    Ok(Usage {
        provider_id: column(TABLE, "provider_id", id, row.provider_id.parse())?,
        purpose: column(TABLE, "purpose", id, purpose)?,
        hour: Timestamp::from_millis(row.hour),
        serial: row.serial,
        passed: row.passed,
        failed: row.failed,
    })
}
