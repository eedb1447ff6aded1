//! Leases: who leads a task that only one node runs at a time.

use sea_orm::sea_query::{Expr, ExprTrait, Query};
use sea_orm::{ColumnTrait, Condition, ConnectionTrait, DbErr, EntityTrait, QueryFilter};

use crate::Access;
use crate::Tx;
use crate::entities::leases;
use crate::error::{StorageError, database, inserting};

/// Takes or renews the lead of `name` for `length_ms`; false while another holds it.
pub async fn acquire(
    tx: &Tx,
    name: &str,
    owner: &str,
    length_ms: i64,
) -> Result<bool, StorageError> {
    use leases::Column;
    let mine_or_ended = Condition::any()
        .add(Column::Owner.eq(owner))
        .add(Expr::col(Column::HeldUntil).lte(tx.lease_clock().now()));
    let changed = leases::Entity::update_many()
        .col_expr(Column::Owner, Expr::value(owner))
        .col_expr(Column::HeldUntil, tx.lease_clock().now().add(length_ms))
        .col_expr(Column::Fence, Expr::col(Column::Fence).add(1))
        .filter(Column::Name.eq(name))
        .filter(mine_or_ended)
        .exec(tx.connection())
        .await
        .map_err(database("renewing a lease"))?;
    if changed.rows_affected == 1 {
        return Ok(true);
    }
    let known = leases::Entity::find_by_id(name)
        .one(tx.connection())
        .await
        .map_err(database("reading a lease"))?;
    if known.is_some() {
        Ok(false)
    } else {
        create(tx, name, owner, length_ms).await
    }
}

async fn create(tx: &Tx, name: &str, owner: &str, length_ms: i64) -> Result<bool, StorageError> {
    use leases::Column;
    let mut insert = Query::insert();
    insert
        .into_table(leases::Entity)
        .columns([
            Column::Name,
            Column::Owner,
            Column::Fence,
            Column::HeldUntil,
        ])
        .values([
            name.into(),
            owner.into(),
            1_i64.into(),
            tx.lease_clock().now().add(length_ms),
        ])
        .map_err(|error| database("making a lease")(DbErr::Custom(error.to_string())))?;
    let connection = tx.connection();
    let statement = connection.get_database_backend().build(&insert);
    connection
        .execute_raw(statement)
        .await
        .map_err(inserting("leases"))?;
    Ok(true)
}
