//! The only crate that knows SQL: SQLite and PostgreSQL, one schema, one file per noun.
//!
//! Functions take the connection first, the tenant second; what crosses tenants says so in its name. Entities are
//! private: domain values go in and come out. No HTTP, no cryptography, no decision. Read `orders`, then `outbox`.

pub mod alarms;
pub mod api_keys;
pub mod approvals;
pub mod audit;
pub mod bill_rows;
pub mod bills;
pub mod books;
mod commit_signals;
mod connection;
pub mod data_keys;
pub mod day_books;
pub mod day_columns;
pub mod deliveries;
pub mod delivery_search;
mod dialect;
pub mod discrepancies;
pub mod endpoints;
mod entities;
mod error;
pub mod feed;
pub mod idempotency;
pub mod jobs;
pub mod key_tests;
pub mod key_usage;
pub mod late_payments;
mod lease_clock;
pub mod leases;
pub mod lookups;
pub mod merchant_readiness;
pub mod merchants;
pub mod notification_search;
pub mod notifications;
pub mod order_hours;
pub mod order_notes;
pub mod order_search;
pub mod orders;
pub mod outbox;
pub mod platform_secrets;
pub mod platform_settings;
pub mod printed_name;
pub mod provider_keys;
pub mod providers;
pub mod reconciliations;
pub mod refund_search;
pub mod refunds;
#[cfg(debug_assertions)]
mod rehearsal;
pub mod request_nonces;
pub mod scan;
#[cfg(test)]
mod schema_roundtrip;
pub mod sealed_columns;
pub mod sign_in_failures;
pub mod signing_keys;
pub mod staff;
pub mod staff_requests;
pub mod staff_sessions;
mod statement_sizes;
pub mod statistics;
pub mod stuck;
pub mod tenancy;
pub mod tenant_certificates;
pub mod tenants;
#[cfg(test)]
mod test_database;
pub mod upstream_calls;
#[cfg(test)]
mod wall_stands;

pub use commit_signals::CommitSignals;
pub use dialect::Dialect;
pub use error::StorageError;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sea_orm::{ConnectionTrait, DatabaseConnection};
use sea_orm_migration::MigratorTrait;
use tributary_domain::clock::{SharedClock, SystemClock, Timestamp};
use tributary_domain::ids::EndpointId;
use tributary_migrations::Migrator;

use crate::commit_signals::Written;
use crate::connection::{Reader, Transaction};
use crate::error::database;
use crate::lease_clock::LeaseClock;

/// The database. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Storage {
    dialect: Dialect,
    writer: DatabaseConnection,
    reader: Reader,
    signals: Arc<CommitSignals>,
    lease_clock: LeaseClock,
}

/// One writing transaction; dropped without `commit`, it never happened.
#[derive(Debug)]
pub struct Tx {
    dialect: Dialect,
    inner: Transaction,
    signals: Arc<CommitSignals>,
    lease_clock: LeaseClock,
    written: Mutex<Written>,
    #[cfg(debug_assertions)]
    late: Box<rehearsal::Late>,
}

/// What a read may run on: the database itself, or a transaction that must see its own writes.
pub trait Access: Sync {
    /// The kind of connection.
    type Connection: ConnectionTrait;

    /// The connection.
    fn connection(&self) -> &Self::Connection;
}

impl Access for Storage {
    type Connection = Reader;

    fn connection(&self) -> &Reader {
        &self.reader
    }
}

impl Access for Tx {
    type Connection = Transaction;

    fn connection(&self) -> &Transaction {
        &self.inner
    }
}

impl Storage {
    /// Opens the database behind `url` (`sqlite://path` or `postgres://…`) with at most `pool` connections.
    pub async fn connect(url: &str, pool: u32) -> Result<Self, StorageError> {
        let Some(dialect) = Dialect::of_url(url) else {
            let reason =
                sea_orm::DbErr::Custom("the URL must begin with sqlite: or postgres:".into());
            return Err(database("reading the database URL")(reason));
        };
        let (writer, reader) = dialect
            .connect(url, pool)
            .await
            .map_err(database("connecting to the database"))?;
        Ok(Self {
            dialect,
            writer,
            reader,
            signals: Arc::default(),
            lease_clock: match dialect.clock() {
                Some(sql) => LeaseClock::Database(sql),
                None => LeaseClock::of_process(Arc::new(SystemClock)),
            },
        })
    }

    /// Lets leases and due times go by this clock, and not by the database's: right for a single process only.
    #[must_use]
    pub fn with_lease_clock(mut self, clock: SharedClock) -> Self {
        self.lease_clock = LeaseClock::of_process(clock);
        self
    }

    /// Brings the schema up to date.
    pub async fn migrate(&self) -> Result<(), StorageError> {
        self.dialect
            .migrate(&self.writer)
            .await
            .map_err(database("migrating the schema"))
    }

    /// The migrations that were applied, the first first: the name, and when.
    pub async fn migrations(&self) -> Result<Vec<(String, Timestamp)>, StorageError> {
        let applied = Migrator::get_migration_models(&self.writer)
            .await
            .map_err(database("reading the applied migrations"))?;
        let applied = applied.into_iter();
        let dated = applied.map(|one| (one.version, Timestamp::from_seconds(one.applied_at)));
        Ok(dated.collect())
    }

    /// Whether every migration has been applied.
    pub async fn is_migrated(&self) -> Result<bool, StorageError> {
        let pending = Migrator::get_pending_migrations(&self.writer)
            .await
            .map_err(database("reading the applied migrations"))?;
        Ok(pending.is_empty())
    }

    /// Begins a writing transaction.
    pub async fn begin(&self) -> Result<Tx, StorageError> {
        #[cfg(debug_assertions)]
        if let Some(pause) = tributary_domain::rehearsal::pause() {
            pause.await;
        }
        let inner = self
            .dialect
            .begin(&self.writer)
            .await
            .map_err(database("beginning a transaction"))?;
        Ok(Tx {
            dialect: self.dialect,
            inner,
            signals: Arc::clone(&self.signals),
            lease_clock: self.lease_clock.clone(),
            written: Mutex::default(),
            #[cfg(debug_assertions)]
            late: Box::new(rehearsal::Late::new(self.clone())),
        })
    }

    /// Why the database itself does not keep tenants apart, where it could: its role, or a table.
    pub async fn hole_in_wall(&self) -> Result<Option<String>, StorageError> {
        self.dialect
            .hole_in_wall(&self.writer)
            .await
            .map_err(database("looking at the wall between tenants"))
    }

    /// Answers once the database does.
    pub async fn ping(&self) -> Result<(), StorageError> {
        self.writer
            .ping()
            .await
            .map_err(database("reaching the database"))
    }

    /// What commits in this process made worth a look.
    pub fn signals(&self) -> &CommitSignals {
        &self.signals
    }

    /// How many connections for writing are in use, and how many are open; on PostgreSQL reads use the same.
    pub fn connections(&self) -> (u32, u32) {
        self.dialect.connections(&self.writer)
    }

    /// Which database this is, for people to read.
    pub const fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Closes every connection.
    pub async fn close(self) -> Result<(), StorageError> {
        self.writer
            .close()
            .await
            .map_err(database("closing the database"))
    }
}

impl Tx {
    /// Notes a lane that has something due once this is committed.
    pub(crate) fn due_lane(&self, endpoint: &EndpointId) {
        self.written().lanes.push(endpoint.clone());
    }

    /// Notes that an event is there once this is committed.
    pub(crate) fn event_written(&self) {
        self.written().events = true;
    }

    fn written(&self) -> MutexGuard<'_, Written> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes everything written in the transaction true at once.
    pub async fn commit(self) -> Result<(), StorageError> {
        #[cfg(debug_assertions)]
        let committed = Box::pin(rehearsal::commit(self.inner)).await;
        #[cfg(not(debug_assertions))]
        let committed = self.inner.commit().await;
        committed.map_err(database("committing"))?;
        #[cfg(debug_assertions)]
        Box::pin(self.late.write()).await?;
        let written = self.written.into_inner();
        self.signals
            .publish(written.unwrap_or_else(PoisonError::into_inner));
        Ok(())
    }

    /// Undoes everything; once it is done the locks are free, which a dropped transaction only promises for later.
    pub async fn rollback(self) -> Result<(), StorageError> {
        self.inner
            .rollback()
            .await
            .map_err(database("rolling back"))
    }

    pub(crate) const fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// What says what is due and when a lease ends.
    pub(crate) const fn lease_clock(&self) -> &LeaseClock {
        &self.lease_clock
    }
}
