//! Failed sign-ins in a row. The subject is a hash of the name that was given, whether or not it is anybody's.

use sea_orm::sea_query::{Expr, ExprTrait, LockType};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QuerySelect};
use tributary_domain::clock::Timestamp;

use crate::entities::sign_in_failures::{ActiveModel, Column, Entity};
use crate::error::{StorageError, database, expect_one, inserting};
use crate::{Access as _, Tx};

const TABLE: &str = "sign_in_failures";

/// How often somebody failed in a row, and until when nothing more is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failures {
    /// How often.
    pub count: i64,
    /// Until when.
    pub blocked_until: Timestamp,
}

/// Reads and locks; nothing when nobody failed. `Duplicate` is possible at the first failure of two at once.
pub async fn lock(tx: &Tx, subject: &str) -> Result<Option<Failures>, StorageError> {
    let row = Entity::find_by_id(subject)
        .lock(LockType::Update)
        .one(tx.connection())
        .await
        .map_err(database("reading failed sign-ins"))?;
    Ok(row.map(|row| Failures {
        count: row.failures,
        blocked_until: Timestamp::from_millis(row.blocked_until),
    }))
}

/// Writes how often somebody failed; `before` is what [`lock`] read.
pub async fn write(
    tx: &Tx,
    subject: &str,
    before: Option<Failures>,
    after: Failures,
    now: Timestamp,
) -> Result<(), StorageError> {
    if before.is_none() {
        let row = ActiveModel {
            subject: Set(subject.to_owned()),
            failures: Set(after.count),
            blocked_until: Set(after.blocked_until.as_millis()),
            updated_at: Set(now.as_millis()),
        };
        Entity::insert(row)
            .exec_without_returning(tx.connection())
            .await
            .map_err(inserting(TABLE))?;
        return Ok(());
    }
    let changed = Entity::update_many()
        .col_expr(Column::Failures, Expr::value(after.count))
        .col_expr(
            Column::BlockedUntil,
            Expr::value(after.blocked_until.as_millis()),
        )
        .col_expr(Column::UpdatedAt, Expr::value(now.as_millis()))
        .filter(Column::Subject.eq(subject))
        .exec(tx.connection())
        .await
        .map_err(database("noting a failed sign-in"))?;
    expect_one(TABLE, changed.rows_affected)
}

/// Forgets the failures of one who got in.
pub async fn clear(tx: &Tx, subject: &str) -> Result<(), StorageError> {
    Entity::delete_by_id(subject)
        .exec(tx.connection())
        .await
        .map_err(database("forgetting failed sign-ins"))?;
    Ok(())
}

/// Forgets what nobody added to since `before`, a bounded number of rows.
pub async fn forget_all_tenants(
    tx: &Tx,
    before: Timestamp,
    limit: u64,
) -> Result<u64, StorageError> {
    let mut old = sea_orm::sea_query::Query::select();
    old.column(Column::Subject)
        .from(Entity)
        .and_where(Expr::col(Column::UpdatedAt).lt(before.as_millis()))
        .limit(limit);
    let gone = Entity::delete_many()
        .filter(Column::Subject.in_subquery(old))
        .exec(tx.connection())
        .await
        .map_err(database("forgetting failed sign-ins"))?;
    Ok(gone.rows_affected)
}
