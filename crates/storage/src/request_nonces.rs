//! Nonces that signed requests have spent: one row each, so that no node takes a request a second time.

use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use tributary_domain::clock::Timestamp;
use tributary_domain::ids::TenantId;

use crate::entities::request_nonces;
use crate::error::{StorageError, database, inserting};
use crate::{Access, Tx};

/// Spends a nonce of a tenant's; a duplicate says that it was spent before.
pub async fn spend(
    tx: &Tx,
    tenant: &TenantId,
    nonce: &str,
    expires_at: Timestamp,
) -> Result<(), StorageError> {
    let row = request_nonces::ActiveModel {
        tenant_id: Set(tenant.to_string()),
        nonce: Set(nonce.to_owned()),
        expires_at: Set(expires_at.as_millis()),
    };
    request_nonces::Entity::insert(row)
        .exec_without_returning(tx.connection())
        .await
        .map_err(inserting("request_nonces"))?;
    Ok(())
}

/// Forgets about `limit` nonces whose requests are too old to be taken anyway, the oldest first; returns how many.
pub async fn forget_all_tenants(tx: &Tx, now: Timestamp, limit: u64) -> Result<u64, StorageError> {
    use request_nonces::Column;
    let old: Vec<i64> = request_nonces::Entity::find()
        .select_only()
        .column(Column::ExpiresAt)
        .filter(Column::ExpiresAt.lt(now.as_millis()))
        .order_by_asc(Column::ExpiresAt)
        .limit(limit)
        .into_tuple()
        .all(tx.connection())
        .await
        .map_err(database("reading old nonces"))?;
    let Some(newest) = old.last() else {
        return Ok(0);
    };
    let deleted = request_nonces::Entity::delete_many()
        .filter(Column::ExpiresAt.lte(*newest))
        .exec(tx.connection())
        .await
        .map_err(database("deleting old nonces"))?;
    Ok(deleted.rows_affected)
}
