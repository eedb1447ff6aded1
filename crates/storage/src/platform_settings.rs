//! Choices of the installation, and of it for single tenants.

use sea_orm::sea_query::Expr;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter};
use tributary_domain::audit::AuditScope;
use tributary_domain::clock::Timestamp;

use crate::entities::platform_settings::{ActiveModel, Column, Entity};
use crate::error::{StorageError, database, expect_one, inserting};
use crate::{Access, Tx};

const TABLE: &str = "platform_settings";

/// A choice with its version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// What was chosen.
    pub value: String,
    /// Counts the changes.
    pub version: i64,
}

/// Finds a choice for the platform or for one tenant.
pub async fn find(
    at: &impl Access,
    scope: &AuditScope,
    name: &str,
) -> Result<Option<Setting>, StorageError> {
    let row = Entity::find_by_id((scope.as_str().to_owned(), name.to_owned()))
        .one(at.connection())
        .await
        .map_err(database("reading a setting"))?;
    Ok(row.map(|row| Setting {
        value: row.value,
        version: row.version,
    }))
}

/// Writes a choice, provided that it is still the one that was read.
pub async fn write(
    tx: &Tx,
    scope: &AuditScope,
    name: &str,
    (before, value): (Option<&Setting>, &str),
    now: Timestamp,
) -> Result<(), StorageError> {
    let Some(before) = before else {
        let row = ActiveModel {
            scope: Set(scope.as_str().to_owned()),
            name: Set(name.to_owned()),
            value: Set(value.to_owned()),
            version: Set(1),
            updated_at: Set(now.as_millis()),
        };
        Entity::insert(row)
            .exec_without_returning(tx.connection())
            .await
            .map_err(inserting(TABLE))?;
        return Ok(());
    };
    let changed = Entity::update_many()
        .col_expr(Column::Value, Expr::value(value))
        .col_expr(Column::Version, Expr::value(before.version + 1))
        .col_expr(Column::UpdatedAt, Expr::value(now.as_millis()))
        .filter(Column::Scope.eq(scope.as_str()))
        .filter(Column::Name.eq(name))
        .filter(Column::Version.eq(before.version))
        .exec(tx.connection())
        .await
        .map_err(database("writing a setting"))?;
    expect_one(TABLE, changed.rows_affected)
}
