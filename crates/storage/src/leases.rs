//! Leases: who leads a task that only one node runs at a time.

use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ActiveValue::Set, ColumnTrait, Condition, EntityTrait, QueryFilter};
use tributary_domain::clock::Timestamp;

use crate::Access;
use crate::Tx;
use crate::entities::leases;
use crate::error::{StorageError, database, inserting};

/// Takes or renews the lead of `name` until `until`; false while another holds it.
pub async fn acquire(
    tx: &Tx,
    name: &str,
    owner: &str,
    now: Timestamp,
    until: Timestamp,
) -> Result<bool, StorageError> {
    use leases::Column;
    let mine_or_ended = Condition::any()
        .add(Column::Owner.eq(owner))
        .add(Column::HeldUntil.lte(now.as_millis()));
    let changed = leases::Entity::update_many()
        .col_expr(Column::Owner, Expr::value(owner))
        .col_expr(Column::HeldUntil, Expr::value(until.as_millis()))
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
        create(tx, name, owner, until).await
    }
}

async fn create(tx: &Tx, name: &str, owner: &str, until: Timestamp) -> Result<bool, StorageError> {
    let row = leases::ActiveModel {
        name: Set(name.to_owned()),
        owner: Set(owner.to_owned()),
        fence: Set(1),
        held_until: Set(until.as_millis()),
    };
    leases::Entity::insert(row)
        .exec_without_returning(tx.connection())
        .await
        .map_err(inserting("leases"))?;
    Ok(true)
}
