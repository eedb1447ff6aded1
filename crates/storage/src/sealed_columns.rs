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
    /// One column.
    Column(&'static str),
    /// A parent's id and a number below it: `parent/number`.
    Numbered(&'static str, &'static str),
    /// A parent's id and a text below it: `parent/text`.
    Pair(&'static str, &'static str),
}

/// Whose data key seals the values.
#[derive(Debug, PartialEq, Eq)]
enum Owner {
    /// The row names it.
    Column(&'static str),
    /// The row's parent names it: its table, the column there, and the column here with the parent's id.
    Parent(&'static str, &'static str, &'static str),
    /// The platform itself.
    Platform,
}

/// Whose data key seals what belongs to the platform itself.
pub const PLATFORM: &str = "platform";

/// Every sealed column.
pub const SEALED_COLUMNS: &[SealedColumn] = &[
    small("providers", "merchant_private_key", "id"),
    small("providers", "api_v3_key", "id"),
    small("providers", "api_v3_key_previous", "id"),
    small("sub_apps", "secret", "tenant_id"),
    small("endpoint_secrets", "sealed", "tenant_id"),
    small("endpoints", "sealed_headers", "tenant_id"),
    small("signing_keys", "private_key", "owner"),
    small("provider_keys", "secret", "provider_id"),
    SealedColumn {
        table: "bill_chunks",
        column: "sealed",
        key: Key::Numbered("bill_id", "number"),
        owner: Owner::Parent("bills", "provider_id", "bill_id"),
        key_id: Some("data_key_id"),
    },
    platform("staff", "totp_secret", Key::Column("id")),
    platform("staff", "totp_offered", Key::Column("id")),
    platform(
        "staff_requests",
        "sealed_answer",
        Key::Pair("staff_id", "key_hash"),
    ),
    platform("platform_secrets", "sealed", Key::Column("name")),
];

const fn small(table: &'static str, column: &'static str, owner: &'static str) -> SealedColumn {
    SealedColumn {
        table,
        column,
        key: Key::Column("id"),
        owner: Owner::Column(owner),
        key_id: None,
    }
}

const fn platform(table: &'static str, column: &'static str, key: Key) -> SealedColumn {
    SealedColumn {
        table,
        column,
        key,
        owner: Owner::Platform,
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
    below: Option<Below>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Below {
    Number(i64),
    Text(String),
}

impl Below {
    fn value(&self) -> Value {
        match self {
            Self::Number(number) => (*number).into(),
            Self::Text(text) => text.as_str().into(),
        }
    }
}

impl std::fmt::Display for RowKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.below {
            None => f.write_str(&self.id),
            Some(Below::Number(number)) => write!(f, "{}/{number}", self.id),
            Some(Below::Text(text)) => write!(f, "{}/{text}", self.id),
        }
    }
}

impl SealedColumn {
    /// Whether its values are large and many: they are read a few at a time, and only when they must be.
    pub const fn is_bulk(&self) -> bool {
        self.key_id.is_some()
    }

    fn owner(&self) -> SimpleExpr {
        match self.owner {
            Owner::Column(name) => Expr::col((self.table, name)),
            Owner::Platform => Expr::value(PLATFORM),
            Owner::Parent(table, name, parent) => {
                let query = Query::select()
                    .column((table, name))
                    .from(table)
                    .and_where(Expr::col((table, "id")).eq(Expr::col((self.table, parent))))
                    .to_owned();
                SimpleExpr::SubQuery(None, Box::new(query.into()))
            }
        }
    }

    /// The rows of one owner, found by an index.
    fn of_owner(&self, owner: &str) -> SimpleExpr {
        match self.owner {
            Owner::Parent(table, name, parent) => {
                let query = Query::select()
                    .column("id")
                    .from(table)
                    .and_where(Expr::col(name).eq(owner))
                    .to_owned();
                Expr::col((self.table, parent)).in_subquery(query)
            }
            Owner::Platform => Expr::value(owner == PLATFORM),
            Owner::Column(_) => self.owner().eq(owner),
        }
    }

    /// The columns of the primary key.
    const fn key_columns(&self) -> (&'static str, Option<&'static str>) {
        match self.key {
            Key::Column(name) => (name, None),
            Key::Numbered(parent, below) | Key::Pair(parent, below) => (parent, Some(below)),
        }
    }

    fn is_row(&self, row: &RowKey) -> Condition {
        let (first, second) = self.key_columns();
        let mut is_it = Condition::all().add(Expr::col(first).eq(row.id.as_str()));
        if let (Some(name), Some(below)) = (second, &row.below) {
            is_it = is_it.add(Expr::col(name).eq(below.value()));
        }
        is_it
    }

    fn is_behind(&self, row: &RowKey) -> Condition {
        let (first, second) = self.key_columns();
        let first = (self.table, first);
        let mut behind = Condition::any().add(Expr::col(first).gt(row.id.as_str()));
        if let (Some(name), Some(below)) = (second, &row.below) {
            let same_parent = Condition::all()
                .add(Expr::col(first).eq(row.id.as_str()))
                .add(Expr::col((self.table, name)).gt(below.value()));
            behind = behind.add(same_parent);
        }
        behind
    }

    fn select(&self) -> SelectStatement {
        let mut query = Query::select();
        query
            .expr(self.owner())
            .column((self.table, self.column))
            .from(self.table)
            .and_where(Expr::col((self.table, self.column)).is_not_null());
        let (first, second) = self.key_columns();
        for name in std::iter::once(first).chain(second) {
            query
                .column((self.table, name))
                .order_by((self.table, name), Order::Asc);
        }
        query
    }

    fn read(&self, row: &QueryResult) -> Result<SealedValue, sea_orm::DbErr> {
        let below = match self.key {
            Key::Column(_) => None,
            Key::Numbered(..) => Some(Below::Number(row.try_get_by_index(3)?)),
            Key::Pair(..) => Some(Below::Text(row.try_get_by_index(3)?)),
        };
        Ok(SealedValue {
            row: RowKey {
                id: row.try_get_by_index(2)?,
                below,
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
