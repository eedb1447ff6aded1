//! Idempotency keys of the admin API, each with the sealed answer that it gave.

use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter};
use tributary_domain::clock::Timestamp;
use tributary_domain::ids::StaffId;

use crate::entities::staff_requests::{ActiveModel, Column, Entity};
use crate::error::{StorageError, column, database, expect_one, inserting};
use crate::{Access, Tx};

const TABLE: &str = "staff_requests";

/// A request under a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StaffRequest {
    /// Over method, path, query and raw body, in hex.
    pub fingerprint: String,
    /// Until when the first run of it may take.
    pub locked_until: Timestamp,
    /// The status and the sealed answer, once there is one.
    pub answer: Option<(u16, Vec<u8>)>,
}

/// Takes a key for a request that begins. `Duplicate` when it was used before.
pub async fn insert(
    tx: &Tx,
    staff: &StaffId,
    key_hash: &str,
    request: &StaffRequest,
    now: Timestamp,
) -> Result<(), StorageError> {
    let row = ActiveModel {
        staff_id: Set(staff.to_string()),
        key_hash: Set(key_hash.to_owned()),
        fingerprint: Set(request.fingerprint.clone()),
        locked_until: Set(request.locked_until.as_millis()),
        status: Set(None),
        sealed_answer: Set(None),
        created_at: Set(now.as_millis()),
    };
    Entity::insert(row)
        .exec_without_returning(tx.connection())
        .await
        .map_err(inserting(TABLE))?;
    Ok(())
}

/// Finds the request of a key.
pub async fn find(
    at: &impl Access,
    staff: &StaffId,
    key_hash: &str,
) -> Result<Option<StaffRequest>, StorageError> {
    let row = Entity::find_by_id((staff.to_string(), key_hash.to_owned()))
        .one(at.connection())
        .await
        .map_err(database("reading a request of a person"))?;
    let Some(row) = row else { return Ok(None) };
    let status = row.status.map(u16::try_from).transpose();
    let status = column(TABLE, "status", key_hash, status)?;
    Ok(Some(StaffRequest {
        fingerprint: row.fingerprint,
        locked_until: Timestamp::from_millis(row.locked_until),
        answer: status.zip(row.sealed_answer),
    }))
}

/// Takes over a request whose first run never ended; `Stale` when another was faster.
pub async fn take_over(
    tx: &Tx,
    staff: &StaffId,
    key_hash: &str,
    before: &StaffRequest,
    locked_until: Timestamp,
) -> Result<(), StorageError> {
    let changed = Entity::update_many()
        .col_expr(Column::LockedUntil, Expr::value(locked_until.as_millis()))
        .filter(Column::StaffId.eq(staff.as_str()))
        .filter(Column::KeyHash.eq(key_hash))
        .filter(Column::LockedUntil.eq(before.locked_until.as_millis()))
        .filter(Column::Status.is_null())
        .exec(tx.connection())
        .await
        .map_err(database("taking over a request"))?;
    expect_one(TABLE, changed.rows_affected)
}

/// Keeps the answer of a request.
pub async fn complete(
    tx: &Tx,
    staff: &StaffId,
    key_hash: &str,
    status: u16,
    sealed: Vec<u8>,
) -> Result<(), StorageError> {
    let changed = Entity::update_many()
        .col_expr(Column::Status, Expr::value(i64::from(status)))
        .col_expr(Column::SealedAnswer, Expr::value(sealed))
        .filter(Column::StaffId.eq(staff.as_str()))
        .filter(Column::KeyHash.eq(key_hash))
        .filter(Column::Status.is_null())
        .exec(tx.connection())
        .await
        .map_err(database("keeping an answer"))?;
    expect_one(TABLE, changed.rows_affected)
}

/// Frees the key of a request that was refused, so that it may be mended.
pub async fn release(tx: &Tx, staff: &StaffId, key_hash: &str) -> Result<(), StorageError> {
    Entity::delete_many()
        .filter(Column::StaffId.eq(staff.as_str()))
        .filter(Column::KeyHash.eq(key_hash))
        .filter(Column::Status.is_null())
        .exec(tx.connection())
        .await
        .map_err(database("freeing a key"))?;
    Ok(())
}

/// Forgets what is older than `before`, a bounded number of rows.
pub async fn forget_all_tenants(
    tx: &Tx,
    before: Timestamp,
    limit: u64,
) -> Result<u64, StorageError> {
    let mut old = sea_orm::sea_query::Query::select();
    old.column(Column::KeyHash)
        .from(Entity)
        .and_where(Expr::col(Column::CreatedAt).lt(before.as_millis()))
        .limit(limit);
    let gone = Entity::delete_many()
        .filter(Column::KeyHash.in_subquery(old))
        .filter(Column::CreatedAt.lt(before.as_millis()))
        .exec(tx.connection())
        .await
        .map_err(database("forgetting keys"))?;
    Ok(gone.rows_affected)
}
