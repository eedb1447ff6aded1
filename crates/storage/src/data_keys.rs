//! Wrapped data keys: at most one active per owner, those before it still opening what they sealed, and the names of
//! those that are gone. Owners are tenants and providers alike.

use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
};
use tributary_domain::clock::Timestamp;
use tributary_domain::data_key::{DataKeyEnd, DataKeyState, USES_MAX};

use crate::entities::data_keys::{self, Column};
use crate::error::{StorageError, column, database, inserting};
use crate::{Access, Tx};

const TABLE: &str = "data_keys";

/// A data key as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredDataKey {
    /// Its id; sealed blobs carry it.
    pub id: String,
    /// Whose secrets it seals.
    pub owner: String,
    /// Which key-encryption key wraps it.
    pub kek_id: String,
    /// The wrapped key; empty once it is destroyed.
    pub wrapped: Vec<u8>,
    /// What it is good for.
    pub state: DataKeyState,
    /// How often it may have sealed.
    pub uses: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// Why it is gone, once it is.
    pub ended_by: Option<DataKeyEnd>,
}

/// Records a new active data key; a duplicate means that the owner has one.
pub async fn insert(tx: &Tx, key: &StoredDataKey) -> Result<(), StorageError> {
    let row = data_keys::ActiveModel {
        id: Set(key.id.clone()),
        owner: Set(key.owner.clone()),
        kek_id: Set(key.kek_id.clone()),
        wrapped: Set(key.wrapped.clone()),
        state: Set(DataKeyState::Active.as_str().to_owned()),
        created_at: Set(key.created_at.as_millis()),
        uses: Set(key.uses),
        active_owner: Set(Some(key.owner.clone())),
        retired_at: Set(None),
        next_look_at: Set(None),
        destroyed_at: Set(None),
        ended_by: Set(None),
    };
    data_keys::Entity::insert(row)
        .exec_without_returning(tx.connection())
        .await
        .map_err(inserting(TABLE))?;
    Ok(())
}

/// Lets an owner's active key only open from now on, and says when it is looked at; false when it is not this one.
pub async fn retire(
    tx: &Tx,
    owner: &str,
    id: &str,
    (now, look_at): (Timestamp, Timestamp),
) -> Result<bool, StorageError> {
    let changed = data_keys::Entity::update_many()
        .col_expr(
            Column::State,
            Expr::value(DataKeyState::DecryptOnly.as_str()),
        )
        .col_expr(Column::ActiveOwner, Expr::value(None::<String>))
        .col_expr(Column::RetiredAt, Expr::value(now.as_millis()))
        .col_expr(Column::NextLookAt, Expr::value(look_at.as_millis()))
        .filter(Column::Id.eq(id))
        .filter(Column::Owner.eq(owner))
        .filter(Column::State.eq(DataKeyState::Active.as_str()))
        .exec(tx.connection())
        .await
        .map_err(database("retiring a data key"))?;
    Ok(changed.rows_affected == 1)
}

/// Counts `uses` more before they are made; false when the key is active no more, or worn.
pub async fn reserve_uses(tx: &Tx, owner: &str, id: &str, uses: i64) -> Result<bool, StorageError> {
    let changed = data_keys::Entity::update_many()
        .col_expr(Column::Uses, Expr::col(Column::Uses).add(uses))
        .filter(Column::Id.eq(id))
        .filter(Column::Owner.eq(owner))
        .filter(Column::State.eq(DataKeyState::Active.as_str()))
        .filter(Column::Uses.lt(USES_MAX))
        .exec(tx.connection())
        .await
        .map_err(database("reserving uses of a data key"))?;
    Ok(changed.rows_affected == 1)
}

/// The active data key of an owner.
pub async fn find_active(
    at: &impl Access,
    owner: &str,
) -> Result<Option<StoredDataKey>, StorageError> {
    let row = data_keys::Entity::find()
        .filter(Column::ActiveOwner.eq(owner))
        .one(at.connection())
        .await
        .map_err(database("reading a data key"))?;
    row.map(to_data_key).transpose()
}

/// The data key of an owner with this id, in whatever state.
pub async fn find(
    at: &impl Access,
    owner: &str,
    id: &str,
) -> Result<Option<StoredDataKey>, StorageError> {
    let row = data_keys::Entity::find_by_id(id)
        .filter(Column::Owner.eq(owner))
        .one(at.connection())
        .await
        .map_err(database("reading a data key"))?;
    row.map(to_data_key).transpose()
}

/// Every key of an owner that is not gone.
pub async fn of_owner(at: &impl Access, owner: &str) -> Result<Vec<StoredDataKey>, StorageError> {
    let rows = data_keys::Entity::find()
        .filter(Column::Owner.eq(owner))
        .filter(Column::State.ne(DataKeyState::Destroyed.as_str()))
        .order_by_asc(Column::Id)
        .all(at.connection())
        .await
        .map_err(database("reading an owner's data keys"))?;
    rows.into_iter().map(to_data_key).collect()
}

/// One key, not gone, for each key-encryption key that wraps any.
pub async fn one_of_each_kek_all_tenants(
    at: &impl Access,
) -> Result<Vec<StoredDataKey>, StorageError> {
    let ids: Vec<String> = data_keys::Entity::find()
        .select_only()
        .column_as(Column::Id.min(), "id")
        .filter(Column::State.ne(DataKeyState::Destroyed.as_str()))
        .group_by(Column::KekId)
        .into_tuple()
        .all(at.connection())
        .await
        .map_err(database("reading which key-encryption keys are in use"))?;
    let rows = data_keys::Entity::find()
        .filter(Column::Id.is_in(ids))
        .all(at.connection())
        .await
        .map_err(database("reading data keys"))?;
    rows.into_iter().map(to_data_key).collect()
}

/// A page of all keys by id, gone or not.
pub async fn page_all_tenants(
    at: &impl Access,
    after: &str,
    limit: u64,
) -> Result<Vec<StoredDataKey>, StorageError> {
    read_page(at, Condition::all(), after, limit).await
}

/// A page of the keys that another key-encryption key than this one wraps.
pub async fn page_wrapped_otherwise_all_tenants(
    at: &impl Access,
    kek: &str,
    after: &str,
    limit: u64,
) -> Result<Vec<StoredDataKey>, StorageError> {
    let wanted = Condition::all()
        .add(Column::KekId.ne(kek))
        .add(Column::State.ne(DataKeyState::Destroyed.as_str()));
    read_page(at, wanted, after, limit).await
}

/// A page of the active keys.
pub async fn page_active_all_tenants(
    at: &impl Access,
    after: &str,
    limit: u64,
) -> Result<Vec<StoredDataKey>, StorageError> {
    let wanted = Condition::all().add(Column::State.eq(DataKeyState::Active.as_str()));
    read_page(at, wanted, after, limit).await
}

async fn read_page(
    at: &impl Access,
    wanted: Condition,
    after: &str,
    limit: u64,
) -> Result<Vec<StoredDataKey>, StorageError> {
    let rows = data_keys::Entity::find()
        .filter(wanted)
        .filter(Column::Id.gt(after))
        .order_by_asc(Column::Id)
        .limit(limit)
        .all(at.connection())
        .await
        .map_err(database("reading a page of data keys"))?;
    rows.into_iter().map(to_data_key).collect()
}

/// The retired keys that are due to be looked at, the longest waiting first.
pub async fn due_all_tenants(
    at: &impl Access,
    now: Timestamp,
    limit: u64,
) -> Result<Vec<StoredDataKey>, StorageError> {
    let rows = data_keys::Entity::find()
        .filter(Column::State.eq(DataKeyState::DecryptOnly.as_str()))
        .filter(Column::NextLookAt.lte(now.as_millis()))
        .order_by_asc(Column::NextLookAt)
        .limit(limit)
        .all(at.connection())
        .await
        .map_err(database("reading retired data keys"))?;
    rows.into_iter().map(to_data_key).collect()
}

/// Puts the next look at a retired key off.
pub async fn look_later(
    tx: &Tx,
    owner: &str,
    id: &str,
    look_at: Timestamp,
) -> Result<(), StorageError> {
    data_keys::Entity::update_many()
        .col_expr(Column::NextLookAt, Expr::value(look_at.as_millis()))
        .filter(Column::Id.eq(id))
        .filter(Column::Owner.eq(owner))
        .filter(Column::State.eq(DataKeyState::DecryptOnly.as_str()))
        .exec(tx.connection())
        .await
        .map_err(database("putting off the look at a data key"))?;
    Ok(())
}

/// Writes a key as it is wrapped now; false when somebody else wrapped or destroyed it first.
pub async fn rewrap(
    tx: &Tx,
    before: &StoredDataKey,
    (kek, wrapped): (String, Vec<u8>),
) -> Result<bool, StorageError> {
    let changed = data_keys::Entity::update_many()
        .col_expr(Column::KekId, Expr::value(kek))
        .col_expr(Column::Wrapped, Expr::value(wrapped))
        .filter(Column::Id.eq(before.id.as_str()))
        .filter(Column::Owner.eq(before.owner.as_str()))
        .filter(Column::KekId.eq(before.kek_id.as_str()))
        .filter(Column::State.ne(DataKeyState::Destroyed.as_str()))
        .exec(tx.connection())
        .await
        .map_err(database("wrapping a data key again"))?;
    Ok(changed.rows_affected == 1)
}

/// Forgets a key for good and keeps its name; false when it left the state it was read in.
pub async fn destroy(
    tx: &Tx,
    key: &StoredDataKey,
    why: DataKeyEnd,
    now: Timestamp,
) -> Result<bool, StorageError> {
    let changed = data_keys::Entity::update_many()
        .col_expr(Column::State, Expr::value(DataKeyState::Destroyed.as_str()))
        .col_expr(Column::Wrapped, Expr::value(Vec::<u8>::new()))
        .col_expr(Column::ActiveOwner, Expr::value(None::<String>))
        .col_expr(Column::NextLookAt, Expr::value(None::<i64>))
        .col_expr(Column::DestroyedAt, Expr::value(now.as_millis()))
        .col_expr(Column::EndedBy, Expr::value(why.as_str()))
        .filter(Column::Id.eq(key.id.as_str()))
        .filter(Column::Owner.eq(key.owner.as_str()))
        .filter(Column::State.eq(key.state.as_str()))
        .exec(tx.connection())
        .await
        .map_err(database("destroying a data key"))?;
    Ok(changed.rows_affected == 1)
}

fn to_data_key(row: data_keys::Model) -> Result<StoredDataKey, StorageError> {
    let state = DataKeyState::parse(&row.state).ok_or(());
    let ended_by = row.ended_by.as_deref().map(DataKeyEnd::parse);
    let ended_by = ended_by.map(|word| word.ok_or(())).transpose();
    Ok(StoredDataKey {
        state: column(TABLE, "state", &row.id, state)?,
        ended_by: column(TABLE, "ended_by", &row.id, ended_by)?,
        id: row.id,
        owner: row.owner,
        kek_id: row.kek_id,
        wrapped: row.wrapped,
        uses: row.uses,
        created_at: Timestamp::from_millis(row.created_at),
    })
}

#[cfg(test)]
mod tests;
