//! The only place that asks which database this is.

use sea_orm::{
    ConnectOptions, Database, DatabaseConnection, DbErr, SqliteTransactionMode, TransactionOptions,
};
use std::time::Duration;

/// Which database is behind the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// The embedded default.
    Sqlite,
    /// For more than one node.
    Postgres,
}

const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);
const SQLITE_BUSY_TIMEOUT: Duration = Duration::from_secs(10);
const SQLITE_READERS: u32 = 4;
const IDLE_BEFORE_TEST: Duration = Duration::from_secs(30);

impl Dialect {
    /// Tells the database from its URL.
    pub fn of_url(url: &str) -> Option<Self> {
        match url.split_once(':').map(|(scheme, _)| scheme) {
            Some("sqlite") => Some(Self::Sqlite),
            Some("postgres" | "postgresql") => Some(Self::Postgres),
            _ => None,
        }
    }

    /// Opens the connections for writing and for reading.
    ///
    /// SQLite has one writer: two would only wait for each other, and the queue in front of one is fair.
    pub(crate) async fn connect(
        self,
        url: &str,
        pool: u32,
    ) -> Result<(DatabaseConnection, DatabaseConnection), DbErr> {
        match self {
            Self::Sqlite => {
                let writer = Database::connect(sqlite_options(url, 1)).await?;
                let reader = Database::connect(sqlite_options(url, SQLITE_READERS)).await?;
                Ok((writer, reader))
            }
            Self::Postgres => {
                let mut options = ConnectOptions::new(url);
                options
                    .max_connections(pool)
                    .acquire_timeout(ACQUIRE_TIMEOUT)
                    .sqlx_logging(false)
                    .test_before_acquire(false);
                options.test_before_acquire_if_idle_for(IDLE_BEFORE_TEST);
                let both = Database::connect(options).await?;
                Ok((both.clone(), both))
            }
        }
    }

    /// Whether one statement can pick rows from many lanes (`LATERAL` with `SKIP LOCKED`).
    pub(crate) const fn picks_all_lanes_at_once(self) -> bool {
        matches!(self, Self::Postgres)
    }

    /// How a writing transaction begins.
    ///
    /// A deferred SQLite transaction that reads and then writes fails at once when another wrote in between.
    pub(crate) fn write_transaction(self) -> TransactionOptions {
        TransactionOptions {
            sqlite_transaction_mode: match self {
                Self::Sqlite => Some(SqliteTransactionMode::Immediate),
                Self::Postgres => None,
            },
            ..TransactionOptions::default()
        }
    }
}

fn sqlite_options(url: &str, connections: u32) -> ConnectOptions {
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(connections)
        .min_connections(1)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .sqlx_logging(false)
        .test_before_acquire(false)
        .map_sqlx_sqlite_opts(|options| {
            use sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous};
            options
                .create_if_missing(true)
                .journal_mode(SqliteJournalMode::Wal)
                // NORMAL may lose the last commits in a power cut; a 2xx to WeChat means a committed row.
                .synchronous(SqliteSynchronous::Full)
                .busy_timeout(SQLITE_BUSY_TIMEOUT)
                .foreign_keys(true)
        });
    options
}
