//! The few secrets of the platform itself, sealed, by their names.

use sea_orm::{ActiveValue::Set, EntityTrait};
use tributary_domain::clock::Timestamp;

use crate::entities::platform_secrets::{ActiveModel, Entity};
use crate::error::{StorageError, database, inserting};
use crate::{Access, Tx};

/// Keeps a secret under a new name. `Duplicate` when another node was faster.
pub async fn insert(
    tx: &Tx,
    name: &str,
    sealed: Vec<u8>,
    now: Timestamp,
) -> Result<(), StorageError> {
    let row = ActiveModel {
        name: Set(name.to_owned()),
        sealed: Set(sealed),
        created_at: Set(now.as_millis()),
    };
    Entity::insert(row)
        .exec_without_returning(tx.connection())
        .await
        .map_err(inserting("platform_secrets"))?;
    Ok(())
}

/// Finds the secret of a name, sealed.
pub async fn find(at: &impl Access, name: &str) -> Result<Option<Vec<u8>>, StorageError> {
    let row = Entity::find_by_id(name)
        .one(at.connection())
        .await
        .map_err(database("reading a secret of the platform"))?;
    Ok(row.map(|row| row.sealed))
}
