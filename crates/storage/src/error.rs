//! What can go wrong between us and the database.

use crate::dialect::is_passing;

/// A failure of the database, or a row that makes no sense.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// The database cannot be reached or gave up.
    #[error("{doing} failed")]
    Database {
        /// What we were doing.
        doing: &'static str,
        /// The driver's reason.
        #[source]
        source: sea_orm::DbErr,
    },
    /// A unique key is taken: the row exists already.
    #[error("a row with the same key exists in {table}")]
    Duplicate {
        /// Which table refused.
        table: &'static str,
    },
    /// A guarded update found the row in another state than the caller had read.
    #[error("a row of {table} changed in the meantime")]
    Stale {
        /// Which table.
        table: &'static str,
    },
    /// A row that does not parse.
    #[error("column {column} of {table} row {id} does not parse")]
    Inconsistent {
        /// Which table.
        table: &'static str,
        /// Which column.
        column: &'static str,
        /// Which row.
        id: String,
    },
}

impl StorageError {
    /// Whether a unique key is taken.
    pub const fn is_duplicate(&self) -> bool {
        matches!(self, Self::Duplicate { .. })
    }

    /// Whether the database is out of reach or too busy, so that the same request may succeed in a while.
    pub fn is_unavailable(&self) -> bool {
        matches!(self, Self::Database { source, .. } if is_passing(source))
    }

    /// Whether somebody else changed the row first.
    pub const fn is_stale(&self) -> bool {
        matches!(self, Self::Stale { .. })
    }
}

/// Names what we were doing when the database failed.
pub(crate) fn database(doing: &'static str) -> impl FnOnce(sea_orm::DbErr) -> StorageError {
    move |source| StorageError::Database { doing, source }
}

/// Understands a unique violation; every other failure keeps its cause.
pub(crate) fn inserting(table: &'static str) -> impl FnOnce(sea_orm::DbErr) -> StorageError {
    move |source| match source.sql_err() {
        Some(sea_orm::SqlErr::UniqueConstraintViolation(_)) => StorageError::Duplicate { table },
        _ => StorageError::Database {
            doing: "an insert",
            source,
        },
    }
}

/// Exactly one row must have changed.
pub(crate) const fn expect_one(table: &'static str, rows: u64) -> Result<(), StorageError> {
    if rows == 1 {
        Ok(())
    } else {
        Err(StorageError::Stale { table })
    }
}

/// Turns a stored text into a domain value, or names the row that does not parse.
pub(crate) fn column<T, E>(
    table: &'static str,
    column: &'static str,
    id: &str,
    parsed: Result<T, E>,
) -> Result<T, StorageError> {
    parsed.map_err(|_| StorageError::Inconsistent {
        table,
        column,
        id: id.to_owned(),
    })
}
