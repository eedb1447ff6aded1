//! Long work in the background that a person started: done in steps, seen while it goes on, paused and cancelled.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::ids::{JobId, TenantId};
use crate::state_words::state_words;
use crate::tenant::Mode;

state_words! {
    /// What a job does.
    JobKind {
        /// Writes a list of orders into a file.
        ExportOrders = "export_orders",
        /// Writes a list of refunds into a file.
        ExportRefunds = "export_refunds",
        /// Sends the failed deliveries of an endpoint again.
        RecoverDeliveries = "recover_deliveries",
        /// Fetches a day's bill and compares it with the books.
        ReconcileDay = "reconcile_day",
    }
}

state_words! {
    /// Where a job stands.
    JobState {
        /// It goes on by itself.
        Running = "running",
        /// A person stopped it for a while.
        Paused = "paused",
        /// A person ended it.
        Cancelled = "cancelled",
        /// It is done.
        Succeeded = "succeeded",
        /// It cannot go on.
        Failed = "failed",
    }
}

impl JobState {
    /// Whether nothing happens any more.
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Cancelled | Self::Succeeded | Self::Failed)
    }
}

/// Long work in the background.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// Whose affairs; absent when everybody's.
    pub tenant_id: Option<TenantId>,
    /// Which world.
    pub mode: Mode,
    /// What it does.
    pub kind: JobKind,
    /// Where it stands.
    pub state: JobState,
    /// Who started it, as the audit log names people.
    pub asked_by: String,
    /// What was asked for, as JSON.
    pub wish: String,
    /// Where it stands within its rows: what is before is done.
    pub place: Option<String>,
    /// Rows that are done.
    pub done: i64,
    /// Rows that could not be worked on.
    pub troubles: i64,
    /// How many rows there are, when that is known.
    pub total: Option<i64>,
    /// Why it cannot go on.
    pub failure: Option<String>,
    /// The name of the file that it makes.
    pub result_name: Option<String>,
    /// The bytes of the file so far.
    pub result_bytes: i64,
    /// The pieces of the file so far.
    pub result_chunks: i64,
    /// Raised by whoever works on it or steers it; a step under an older one is refused.
    pub fence: i64,
    /// When the next step is due; absent when none is.
    pub next_run_at: Option<Timestamp>,
    /// When it was started.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// When it was over.
    pub finished_at: Option<Timestamp>,
}
