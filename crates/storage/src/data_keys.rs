//! Wrapped data keys: one active per owner, as the vault made them.

use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use tributary_domain::clock::Timestamp;

use crate::entities::data_keys;
use crate::error::{StorageError, database, inserting};
use crate::{Access, Tx};

const ACTIVE: &str = "active";

/// A data key as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredDataKey {
    /// Its id; sealed blobs carry it.
    pub id: String,
    /// Whose secrets it seals.
    pub owner: String,
    /// Which key-encryption key wraps it.
    pub kek_id: String,
    /// The wrapped key.
    pub wrapped: Vec<u8>,
}

/// Records a new data key.
pub async fn insert(tx: &Tx, key: &StoredDataKey, now: Timestamp) -> Result<(), StorageError> {
    let row = data_keys::ActiveModel {
        id: Set(key.id.clone()),
        owner: Set(key.owner.clone()),
        kek_id: Set(key.kek_id.clone()),
        wrapped: Set(key.wrapped.clone()),
        state: Set(ACTIVE.to_owned()),
        created_at: Set(now.as_millis()),
    };
    data_keys::Entity::insert(row)
        .exec_without_returning(tx.connection())
        .await
        .map_err(inserting("data_keys"))?;
    Ok(())
}

/// The active data key of an owner.
pub async fn find_active(
    at: &impl Access,
    owner: &str,
) -> Result<Option<StoredDataKey>, StorageError> {
    let row = data_keys::Entity::find()
        .filter(data_keys::Column::Owner.eq(owner))
        .filter(data_keys::Column::State.eq(ACTIVE))
        .order_by_desc(data_keys::Column::CreatedAt)
        .one(at.connection())
        .await
        .map_err(database("reading a data key"))?;
    Ok(row.map(to_data_key))
}

/// The data key of an owner with this id, active or not.
pub async fn find(
    at: &impl Access,
    owner: &str,
    id: &str,
) -> Result<Option<StoredDataKey>, StorageError> {
    let row = data_keys::Entity::find_by_id(id)
        .filter(data_keys::Column::Owner.eq(owner))
        .one(at.connection())
        .await
        .map_err(database("reading a data key"))?;
    Ok(row.map(to_data_key))
}

/// One data key of any owner, to check at start that the key-encryption key is the right one.
pub async fn find_any(at: &impl Access) -> Result<Option<StoredDataKey>, StorageError> {
    let row = data_keys::Entity::find()
        .order_by_asc(data_keys::Column::Id)
        .one(at.connection())
        .await
        .map_err(database("reading a data key"))?;
    Ok(row.map(to_data_key))
}

fn to_data_key(row: data_keys::Model) -> StoredDataKey {
    StoredDataKey {
        id: row.id,
        owner: row.owner,
        kek_id: row.kek_id,
        wrapped: row.wrapped,
    }
}
