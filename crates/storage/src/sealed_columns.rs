//! Every place where sealed values are kept, in one list: whoever rotates or checks keys walks it. A migration that adds
//! a sealed column adds a row here; a test looks at every column of bytes in the schema.

use sea_orm::sea_query::{
    Condition, Expr, ExprTrait, Order, Query, SelectStatement, SimpleExpr, Value,
};
use sea_orm::{ConnectionTrait, QueryResult};

use crate::error::{StorageError, database};
use crate::{Access, Tx};

/// A column that holds sealed values.
#[derive(Debug, PartialEq, Eq)]
pub struct SealedColumn {
    /// Its table.
    pub table: &'static str,
    /// Its name.
    pub column: &'static str,
    key: Key,
    owner: Owner,
    /// Where the id of the sealing key stands beside the value, for columns that are too large to be read for it.
    key_id: Option<&'static str>,
}

/// The primary key of its table; as text it is the row that the vault authenticates.
#[derive(Debug, PartialEq, Eq)]
enum Key {
    Id,
    /// A parent's id and a number below it: `parent/number`.
    Numbered(&'static str, &'static str),
}

/// Whose data key seals the values.
#[derive(Debug, PartialEq, Eq)]
enum Owner {
    /// The row names it.
    Column(&'static str),
    /// The row's parent names it: its table, and the column there.
    Parent(&'static str, &'static str),
}

/// Every sealed column.
pub const SEALED_COLUMNS: &[SealedColumn] = &[
    small("providers", "merchant_private_key", "id"),
    small("providers", "api_v3_key", "id"),
    small("providers", "api_v3_key_previous", "id"),
    small("sub_apps", "secret", "tenant_id"),
    small("endpoint_secrets", "sealed", "tenant_id"),
    small("endpoints", "sealed_headers", "tenant_id"),
    SealedColumn {
        table: "bill_chunks",
        column: "sealed",
        key: Key::Numbered("bill_id", "number"),
        owner: Owner::Parent("bills", "provider_id"),
        key_id: Some("data_key_id"),
    },
];

const fn small(table: &'static str, column: &'static str, owner: &'static str) -> SealedColumn {
    SealedColumn {
        table,
        column,
        key: Key::Id,
        owner: Owner::Column(owner),
        key_id: None,
    }
}

/// One sealed value with the name of its row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedValue {
    /// Where it stands.
    pub row: RowKey,
    /// Whose data key seals it.
    pub owner: String,
    /// The value.
    pub sealed: Vec<u8>,
}

/// The primary key of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowKey {
    id: String,
    number: Option<i64>,
}

impl std::fmt::Display for RowKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.number {
            None => f.write_str(&self.id),
            Some(number) => write!(f, "{}/{number}", self.id),
        }
    }
}

impl SealedColumn {
    /// Whether its values are large and many: they are read a few at a time, and only when they must be.
    pub const fn is_bulk(&self) -> bool {
        self.key_id.is_some()
    }

    fn owner(&self) -> SimpleExpr {
        match (&self.owner, &self.key) {
            (Owner::Column(name), _) => Expr::col((self.table, *name)),
            (Owner::Parent(..), Key::Id) => Expr::col((self.table, "id")),
            (Owner::Parent(table, name), Key::Numbered(parent, _)) => {
                let query = Query::select()
                    .column((*table, *name))
                    .from(*table)
                    .and_where(Expr::col((*table, "id")).eq(Expr::col((self.table, *parent))))
                    .to_owned();
                SimpleExpr::SubQuery(None, Box::new(query.into()))
            }
        }
    }

    /// The rows of one owner, found by an index.
    fn of_owner(&self, owner: &str) -> SimpleExpr {
        match (&self.owner, &self.key) {
            (Owner::Parent(table, name), Key::Numbered(parent, _)) => {
                let query = Query::select()
                    .column("id")
                    .from(*table)
                    .and_where(Expr::col(*name).eq(owner))
                    .to_owned();
                Expr::col((self.table, *parent)).in_subquery(query)
            }
            _ => self.owner().eq(owner),
        }
    }

    fn is_row(&self, row: &RowKey) -> Condition {
        match self.key {
            Key::Id => Condition::all().add(Expr::col("id").eq(row.id.as_str())),
            Key::Numbered(parent, number) => Condition::all()
                .add(Expr::col(parent).eq(row.id.as_str()))
                .add(Expr::col(number).eq(row.number)),
        }
    }

    fn is_behind(&self, row: &RowKey) -> Condition {
        match self.key {
            Key::Id => Condition::all().add(Expr::col((self.table, "id")).gt(row.id.as_str())),
            Key::Numbered(parent, number) => {
                let same_parent = Condition::all()
                    .add(Expr::col((self.table, parent)).eq(row.id.as_str()))
                    .add(Expr::col((self.table, number)).gt(row.number));
                Condition::any()
                    .add(Expr::col((self.table, parent)).gt(row.id.as_str()))
                    .add(same_parent)
            }
        }
    }

    fn select(&self) -> SelectStatement {
        let mut query = Query::select();
        query
            .expr(self.owner())
            .column((self.table, self.column))
            .from(self.table)
            .and_where(Expr::col((self.table, self.column)).is_not_null());
        match self.key {
            Key::Id => query
                .column((self.table, "id"))
                .order_by((self.table, "id"), Order::Asc),
            Key::Numbered(parent, number) => query
                .column((self.table, parent))
                .column((self.table, number))
                .order_by((self.table, parent), Order::Asc)
                .order_by((self.table, number), Order::Asc),
        };
        query
    }

    fn read(&self, row: &QueryResult) -> Result<SealedValue, sea_orm::DbErr> {
        let number = match self.key {
            Key::Id => None,
            Key::Numbered(..) => Some(row.try_get_by_index(3)?),
        };
        Ok(SealedValue {
            row: RowKey {
                id: row.try_get_by_index(2)?,
                number,
            },
            owner: row.try_get_by_index(0)?,
            sealed: row.try_get_by_index(1)?,
        })
    }
}

/// A page of a column's values, of one owner or of all, behind a row.
pub async fn page_all_tenants(
    at: &impl Access,
    column: &SealedColumn,
    owner: Option<&str>,
    after: Option<&RowKey>,
    limit: u64,
) -> Result<Vec<SealedValue>, StorageError> {
    let mut query = column.select();
    if let Some(owner) = owner {
        query.and_where(column.of_owner(owner));
    }
    if let Some(after) = after {
        query.cond_where(column.is_behind(after));
    }
    query.limit(limit);
    let failed = "reading sealed values";
    let rows = at.connection().query_all(&query).await;
    rows.map_err(database(failed))?
        .iter()
        .map(|row| column.read(row).map_err(database(failed)))
        .collect()
}

/// Puts a value in the place of another, sealed by the key of this id; false when the row holds another by now.
pub async fn replace(
    tx: &Tx,
    column: &SealedColumn,
    before: &SealedValue,
    (sealed, key_id): (Vec<u8>, String),
) -> Result<bool, StorageError> {
    let mut update = Query::update();
    update
        .table(column.table)
        .value(column.column, sealed)
        .cond_where(column.is_row(&before.row))
        .and_where(Expr::col(column.column).eq(Value::from(before.sealed.clone())));
    if let Some(name) = column.key_id {
        update.value(name, key_id);
    }
    let changed = tx.connection().execute(&update).await;
    let changed = changed.map_err(database("sealing a value again"))?;
    Ok(changed.rows_affected() == 1)
}

/// Whether a bulk column holds anything that the key of this id may have sealed.
pub async fn may_refer(
    at: &impl Access,
    column: &SealedColumn,
    owner: &str,
    key_id: &str,
) -> Result<bool, StorageError> {
    let Some(name) = column.key_id else {
        return Ok(true);
    };
    let named = Condition::any()
        .add(Expr::col((column.table, name)).eq(key_id))
        .add(Expr::col((column.table, name)).is_null());
    let query = Query::select()
        .expr(Expr::value(1_i64))
        .from(column.table)
        .cond_where(named)
        .and_where(column.of_owner(owner))
        .limit(1)
        .to_owned();
    let found = at.connection().query_one(&query).await;
    let found = found.map_err(database("looking for values of a data key"))?;
    Ok(found.is_some())
}

#[cfg(test)]
mod tests;
