//! API keys: their hashes, what they may do, and when they were used.

use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder,
};
use tributary_domain::clock::Timestamp;
use tributary_domain::credential::{ApiKey, LastUse, NetworkList};
use tributary_domain::ids::{ApiKeyId, TenantId};
use tributary_domain::tenant::{Mode, Scope};

use crate::entities::api_keys;
use crate::error::{StorageError, column, database, inserting};
use crate::{Access, Tx};

const TABLE: &str = "api_keys";

/// Records a new API key.
pub async fn insert(tx: &Tx, key: &ApiKey) -> Result<(), StorageError> {
    let row = api_keys::ActiveModel {
        id: Set(key.id.to_string()),
        tenant_id: Set(key.tenant_id.to_string()),
        mode: Set(key.mode.as_str().to_owned()),
        name: Set(key.name.clone()),
        prefix: Set(key.prefix.clone()),
        hash: Set(key.hash.clone()),
        scopes: Set(scopes_text(&key.scopes)),
        expires_at: Set(key.expires_at.map(Timestamp::as_millis)),
        revoked_at: Set(key.revoked_at.map(Timestamp::as_millis)),
        networks: Set((!key.networks.is_empty()).then(|| key.networks.to_string())),
        successor_id: Set(key.successor.as_ref().map(ToString::to_string)),
        last_used_at: Set(key.last_use.map(|last| last.at.as_millis())),
        last_used_from: Set(key.last_use.and_then(address_text)),
        created_at: Set(key.created_at.as_millis()),
    };
    api_keys::Entity::insert(row)
        .exec_without_returning(tx.connection())
        .await
        .map_err(inserting(TABLE))?;
    Ok(())
}

/// Finds the key with this hash: how a caller is recognised, so it spans tenants.
pub async fn find_by_hash_all_tenants(
    at: &impl Access,
    hash: &str,
) -> Result<Option<ApiKey>, StorageError> {
    let row = api_keys::Entity::find()
        .filter(api_keys::Column::Hash.eq(hash))
        .one(at.connection())
        .await
        .map_err(database("reading an API key"))?;
    row.map(to_api_key).transpose()
}

/// Finds a tenant's key.
pub async fn find(
    at: &impl Access,
    tenant: &TenantId,
    id: &ApiKeyId,
) -> Result<Option<ApiKey>, StorageError> {
    let row = api_keys::Entity::find_by_id(id.as_str())
        .filter(api_keys::Column::TenantId.eq(tenant.as_str()))
        .one(at.connection())
        .await
        .map_err(database("reading an API key"))?;
    row.map(to_api_key).transpose()
}

/// Lists a tenant's keys, the newest first, those that have ended among them.
pub async fn list(at: &impl Access, tenant: &TenantId) -> Result<Vec<ApiKey>, StorageError> {
    let rows = api_keys::Entity::find()
        .filter(api_keys::Column::TenantId.eq(tenant.as_str()))
        .order_by_desc(api_keys::Column::Id)
        .all(at.connection())
        .await
        .map_err(database("listing API keys"))?;
    rows.into_iter().map(to_api_key).collect()
}

/// Counts a tenant's keys that open something at `now`.
pub async fn count_usable(
    at: &impl Access,
    tenant: &TenantId,
    now: Timestamp,
) -> Result<u64, StorageError> {
    api_keys::Entity::find()
        .filter(api_keys::Column::TenantId.eq(tenant.as_str()))
        .filter(usable(now))
        .count(at.connection())
        .await
        .map_err(database("counting API keys"))
}

/// Withdraws a tenant's key; false when there is no such key or it was withdrawn before.
pub async fn revoke(
    tx: &Tx,
    tenant: &TenantId,
    id: &ApiKeyId,
    now: Timestamp,
) -> Result<bool, StorageError> {
    let changed = api_keys::Entity::update_many()
        .col_expr(api_keys::Column::RevokedAt, Expr::value(now.as_millis()))
        .filter(api_keys::Column::TenantId.eq(tenant.as_str()))
        .filter(api_keys::Column::Id.eq(id.as_str()))
        .filter(api_keys::Column::RevokedAt.is_null())
        .exec(tx.connection())
        .await
        .map_err(database("revoking an API key"))?;
    Ok(changed.rows_affected == 1)
}

/// Names the key that takes the place of one, which ends then; false when it had ended or was rolled before.
pub async fn supersede(
    tx: &Tx,
    key: &ApiKey,
    successor: &ApiKeyId,
    ends_at: Timestamp,
) -> Result<bool, StorageError> {
    use api_keys::Column;
    let changed = api_keys::Entity::update_many()
        .col_expr(Column::SuccessorId, Expr::value(successor.as_str()))
        .col_expr(Column::ExpiresAt, Expr::value(ends_at.as_millis()))
        .filter(Column::TenantId.eq(key.tenant_id.as_str()))
        .filter(Column::Id.eq(key.id.as_str()))
        .filter(Column::SuccessorId.is_null())
        .filter(Column::RevokedAt.is_null())
        .exec(tx.connection())
        .await
        .map_err(database("superseding an API key"))?;
    Ok(changed.rows_affected == 1)
}

/// Notes when a tenant's key was last used, unless a later use is known.
pub async fn note_use(
    tx: &Tx,
    tenant: &TenantId,
    id: &ApiKeyId,
    last: LastUse,
) -> Result<(), StorageError> {
    use api_keys::Column;
    let earlier = Condition::any()
        .add(Column::LastUsedAt.is_null())
        .add(Column::LastUsedAt.lt(last.at.as_millis()));
    api_keys::Entity::update_many()
        .col_expr(Column::LastUsedAt, Expr::value(last.at.as_millis()))
        .col_expr(Column::LastUsedFrom, Expr::value(address_text(last)))
        .filter(Column::TenantId.eq(tenant.as_str()))
        .filter(Column::Id.eq(id.as_str()))
        .filter(earlier)
        .exec(tx.connection())
        .await
        .map_err(database("noting the use of an API key"))?;
    Ok(())
}

fn usable(now: Timestamp) -> Condition {
    use api_keys::Column;
    let unexpired = Condition::any()
        .add(Column::ExpiresAt.is_null())
        .add(Column::ExpiresAt.gt(now.as_millis()));
    Condition::all()
        .add(Column::RevokedAt.is_null())
        .add(unexpired)
}

fn to_api_key(row: api_keys::Model) -> Result<ApiKey, StorageError> {
    let id = row.id.as_str();
    let networks = NetworkList::parse(row.networks.iter().flat_map(|text| text.split(' ')));
    let successor = row.successor_id.as_deref().map(str::parse).transpose();
    Ok(ApiKey {
        id: column(TABLE, "id", id, id.parse())?,
        tenant_id: column(TABLE, "tenant_id", id, row.tenant_id.parse())?,
        mode: column(TABLE, "mode", id, Mode::parse(&row.mode).ok_or(()))?,
        // What cannot be read must not open more than it did.
        networks: column(TABLE, "networks", id, networks)?,
        successor: column(TABLE, "successor_id", id, successor)?,
        last_use: last_use(row.last_used_at, row.last_used_from.as_deref()),
        scopes: read_scopes(&row.scopes),
        name: row.name,
        prefix: row.prefix,
        hash: row.hash,
        expires_at: row.expires_at.map(Timestamp::from_millis),
        revoked_at: row.revoked_at.map(Timestamp::from_millis),
        created_at: Timestamp::from_millis(row.created_at),
    })
}

pub(crate) fn scopes_text(scopes: &[Scope]) -> String {
    let words: Vec<&str> = scopes.iter().map(|scope| scope.as_str()).collect();
    words.join(" ")
}

/// A scope that this version does not know opens nothing, so it is left out.
pub(crate) fn read_scopes(text: &str) -> Vec<Scope> {
    text.split(' ').filter_map(Scope::parse).collect()
}

pub(crate) fn address_text(last: LastUse) -> Option<String> {
    last.address.map(|address| address.to_string())
}

pub(crate) fn last_use(at: Option<i64>, from: Option<&str>) -> Option<LastUse> {
    let at = Timestamp::from_millis(at?);
    let address = from.and_then(|text| text.parse().ok());
    Some(LastUse { at, address })
}
