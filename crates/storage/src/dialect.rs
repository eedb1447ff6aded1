//! The only place that asks which database this is.

use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DatabaseTransaction, DbErr,
    RuntimeErr, SqliteTransactionMode, TransactionOptions, TransactionTrait,
};
use sea_orm_migration::MigratorTrait;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::os::unix::fs::OpenOptionsExt;
use std::time::Duration;
use tributary_migrations::{Migrator, wall};

use crate::connection::{Reader, Transaction};

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
/// No statement of ours needs a second; one that lasts holds rows that others wait for.
const POSTGRES_LIMITS: [(&str, &str); 3] = [
    // Locks of ours are held for milliseconds; who waits longer waits for somebody else's session.
    ("lock_timeout", "5s"),
    ("statement_timeout", "15s"),
    // A node that hangs inside a transaction must let go of its rows.
    ("idle_in_transaction_session_timeout", "30s"),
];
/// A migration may rewrite a table that has grown.
const NO_POSTGRES_LIMITS: &str =
    "SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0";

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
    ) -> Result<(DatabaseConnection, Reader), DbErr> {
        match self {
            Self::Sqlite => {
                make_private_file(url)?;
                let writer = Database::connect(sqlite_options(url, 1)).await?;
                let reader = Database::connect(sqlite_options(url, SQLITE_READERS)).await?;
                Ok((writer, Reader::open(reader)))
            }
            Self::Postgres => {
                let mut options = ConnectOptions::new(url);
                options
                    .max_connections(pool)
                    .acquire_timeout(ACQUIRE_TIMEOUT)
                    .sqlx_logging(false)
                    .test_before_acquire(false)
                    .map_sqlx_postgres_opts(|options| options.options(POSTGRES_LIMITS));
                options.test_before_acquire_if_idle_for(IDLE_BEFORE_TEST);
                let both = Database::connect(options).await?;
                let reader = Reader::walled(both.get_postgres_connection_pool().clone());
                Ok((both, reader))
            }
        }
    }

    /// Brings the schema up to date, however long it takes.
    pub(crate) async fn migrate(self, writer: &DatabaseConnection) -> Result<(), DbErr> {
        match self {
            Self::Sqlite => Migrator::up(writer, None).await,
            Self::Postgres => {
                let unlimited = begin_unlimited(writer).await?;
                Migrator::up(&unlimited, None).await?;
                // Also around tables that a later migration made, or that somebody opened by hand.
                wall::raise(&unlimited).await?;
                unlimited.commit().await
            }
        }
    }

    /// Asks the database for the present in milliseconds, where it has a clock that several processes can share.
    ///
    /// A subquery is asked once per statement, and its answer can be looked up in an index; the bare call cannot.
    pub(crate) const fn clock(self) -> Option<&'static str> {
        match self {
            Self::Sqlite => None,
            Self::Postgres => {
                Some("(SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT))")
            }
        }
    }

    /// Whether one statement can pick rows from many lanes (`LATERAL` with `SKIP LOCKED`).
    pub(crate) const fn picks_all_lanes_at_once(self) -> bool {
        matches!(self, Self::Postgres)
    }

    /// Begins a writing transaction.
    pub(crate) async fn begin(self, writer: &DatabaseConnection) -> Result<Transaction, DbErr> {
        match self {
            // A deferred transaction that reads and then writes fails at once when another wrote in between.
            Self::Sqlite => {
                let options = TransactionOptions {
                    sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
                    ..TransactionOptions::default()
                };
                let begun = writer.begin_with_options(options).await?;
                Ok(Transaction::open(begun))
            }
            Self::Postgres => {
                Transaction::begin_walled(writer.get_postgres_connection_pool()).await
            }
        }
    }

    /// How many connections for writing are in use, and how many are open; on PostgreSQL reads use the same.
    pub(crate) fn connections(self, writer: &DatabaseConnection) -> (u32, u32) {
        let (open, idle) = match self {
            Self::Sqlite => {
                let pool = writer.get_sqlite_connection_pool();
                (pool.size(), pool.num_idle())
            }
            Self::Postgres => {
                let pool = writer.get_postgres_connection_pool();
                (pool.size(), pool.num_idle())
            }
        };
        let idle = u32::try_from(idle).unwrap_or(open);
        (open.saturating_sub(idle), open)
    }

    /// Why the wall between tenants does not stand, where there is to be one.
    pub(crate) async fn hole_in_wall(
        self,
        writer: &DatabaseConnection,
    ) -> Result<Option<String>, DbErr> {
        match self {
            Self::Sqlite => Ok(None),
            Self::Postgres => wall::hole(writer).await,
        }
    }
}

async fn begin_unlimited(writer: &DatabaseConnection) -> Result<DatabaseTransaction, DbErr> {
    let tx = writer.begin().await?;
    tx.execute_unprepared(NO_POSTGRES_LIMITS).await?;
    // A migration that rewrites rows rewrites everybody's.
    let everybody = format!("SET LOCAL {} = '{}'", wall::SETTING, wall::EVERYBODY);
    tx.execute_unprepared(&everybody).await?;
    Ok(tx)
}

/// Whether a failure says how the database is, and not what is wrong with the statement.
pub(crate) fn is_passing(error: &DbErr) -> bool {
    let cause = match error {
        DbErr::ConnectionAcquire(_) => return true,
        DbErr::Conn(RuntimeErr::SqlxError(cause))
        | DbErr::Exec(RuntimeErr::SqlxError(cause))
        | DbErr::Query(RuntimeErr::SqlxError(cause)) => cause,
        _ => return false,
    };
    match cause.as_ref() {
        sqlx::Error::Io(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => true,
        sqlx::Error::Database(refusal) => refusal.code().is_some_and(|code| is_passing_code(&code)),
        _ => false,
    }
}

/// By PostgreSQL's SQLSTATE: a broken connection, a deadlock, no resources, an operator's hand, a lock that was not to
/// be had. By SQLite's number: busy, locked.
fn is_passing_code(code: &str) -> bool {
    const CLASSES: [&str; 4] = ["08", "40", "53", "57"];
    const LOCK_NOT_AVAILABLE: &str = "55P03";
    const BUSY: u32 = 5;
    const LOCKED: u32 = 6;
    if code.len() == LOCK_NOT_AVAILABLE.len() {
        return code == LOCK_NOT_AVAILABLE || CLASSES.iter().any(|class| code.starts_with(class));
    }
    // The lower byte of an extended code is the plain one.
    code.parse::<u32>()
        .is_ok_and(|code| matches!(code & 0xff, BUSY | LOCKED))
}

/// SQLite makes its files as readable as the first one is, and makes that one readable for everybody.
fn make_private_file(url: &str) -> Result<(), DbErr> {
    let told = |error: &dyn std::error::Error| DbErr::Custom(error.to_string());
    let options: SqliteConnectOptions = url.parse().map_err(|error: sqlx::Error| told(&error))?;
    let path = options.get_filename();
    // A database in memory has a name of this form.
    if path.as_os_str().as_encoded_bytes().starts_with(b"file:") {
        return Ok(());
    }
    let made = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path);
    match made {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(DbErr::Custom(format!(
            "creating {}: {error}",
            path.display()
        ))),
        _ => Ok(()),
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

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use sea_orm::{ConnectionTrait, Statement};

    use super::begin_unlimited;
    use crate::Storage;
    use crate::test_database::TestDatabase;

    async fn limits(at: &impl ConnectionTrait) -> [String; 2] {
        let mut found = [String::new(), String::new()];
        let names = ["statement_timeout", "idle_in_transaction_session_timeout"];
        for (limit, name) in found.iter_mut().zip(names) {
            let backend = at.get_database_backend();
            let statement = Statement::from_string(backend, format!("SHOW {name}"));
            let row = at.query_one_raw(statement).await.unwrap().unwrap();
            *limit = row.try_get_by_index(0).unwrap();
        }
        found
    }

    #[tokio::test]
    async fn a_session_of_postgres_is_limited_except_while_it_migrates() {
        let Some(database) = TestDatabase::postgres().await else {
            return;
        };
        let writer = &database.storage.writer;
        assert_eq!(limits(writer).await, ["15s", "30s"]);
        let tx = begin_unlimited(writer).await.unwrap();
        assert_eq!(limits(&tx).await, ["0", "0"]);
        tx.commit().await.unwrap();
        assert_eq!(limits(writer).await, ["15s", "30s"]);
        database.storage.migrate().await.unwrap();
    }

    #[tokio::test]
    async fn the_files_of_a_database_are_their_owners_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new one.db");
        let url = format!("sqlite://{}", path.display()).replace(' ', "%20");
        for start in ["first", "second"] {
            let storage = Storage::connect(&url, 1).await.unwrap();
            storage.migrate().await.unwrap();
            for entry in folder.path().read_dir().unwrap() {
                let entry = entry.unwrap();
                let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
                assert_eq!(mode, 0o600, "{start}: {:?}", entry.file_name());
            }
            assert!(path.exists());
            storage.close().await.unwrap();
        }
    }

    #[tokio::test]
    async fn a_database_in_memory_makes_no_file() {
        let storage = Storage::connect("sqlite::memory:", 1).await.unwrap();
        storage.close().await.unwrap();
    }
}
