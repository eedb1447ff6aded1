//! How the installation is: its version, its schema, its queues, who leads what.

use tributary_domain::clock::Timestamp;
use tributary_domain::staff::Permission;
use tributary_storage::{Dialect, statistics, stuck};

use crate::viewer::Viewer;
use crate::{OperationError, Operations};

/// Leases that are shown.
const LEASES_MAX: u64 = 200;

/// What is due in one queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueState {
    /// Which.
    pub name: &'static str,
    /// How much is due, counted up to 20,000.
    pub due: u64,
    /// Since when the oldest is due.
    pub oldest_due_at: Option<Timestamp>,
}

/// Who leads a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeaseState {
    /// Which task.
    pub name: String,
    /// Which node.
    pub owner: String,
    /// Until when, unless it is renewed.
    pub held_until: Timestamp,
}

/// How the installation is.
#[derive(Clone, Debug)]
pub struct SystemState {
    /// The version of the program.
    pub version: &'static str,
    /// Which database.
    pub database: &'static str,
    /// Whether every change of the schema was applied.
    pub is_migrated: bool,
    /// The changes of the schema that were applied, the first first, and when.
    pub migrations: Vec<(String, Timestamp)>,
    /// What is due.
    pub queues: Vec<QueueState>,
    /// Rows without a next action, which there must be none of: what, and how many.
    pub stuck: Vec<(&'static str, u64)>,
    /// Who leads what.
    pub leases: Vec<LeaseState>,
    /// Connections to the database that are in use, and that are open.
    pub connections: (u32, u32),
    /// What the server's clock shows.
    pub now: Timestamp,
}

impl Operations {
    /// Shows how the installation is. Needs `system:read`; it is nobody's tenant's affair.
    pub async fn system_state(&self, viewer: &Viewer) -> Result<SystemState, OperationError> {
        viewer.require(Permission::SystemRead)?;
        if viewer.tenant().is_some() {
            return Err(OperationError::NotFound);
        }
        let (at, now) = (self.storage(), self.now());
        let queues = statistics::due_all_tenants(at, now).await?;
        let leases = statistics::leases_all_tenants(at, LEASES_MAX).await?;
        Ok(SystemState {
            version: env!("CARGO_PKG_VERSION"),
            database: match at.dialect() {
                Dialect::Sqlite => "sqlite",
                Dialect::Postgres => "postgres",
            },
            is_migrated: at.is_migrated().await?,
            migrations: at.migrations().await?,
            queues: queues
                .into_iter()
                .map(|(name, due, oldest)| QueueState {
                    name,
                    due,
                    oldest_due_at: oldest.map(Timestamp::from_millis),
                })
                .collect(),
            stuck: stuck::count_all_tenants(at, self.now()).await?,
            leases: leases
                .into_iter()
                .map(|(name, owner, until)| LeaseState {
                    name,
                    owner,
                    held_until: Timestamp::from_millis(until),
                })
                .collect(),
            connections: at.connections(),
            now,
        })
    }
}
