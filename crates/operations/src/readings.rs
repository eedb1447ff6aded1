//! Reads that leave a trace in the audit log: who paid, in clear, and the files of bills.

use std::time::Duration;

use moka::future::Cache;
use tributary_domain::audit::AuditScope;
use tributary_domain::clock::Timestamp;
use tributary_domain::ids::{BillId, SessionId};
use tributary_domain::staff::Permission;

use crate::audit::{self, Act};
use crate::staff::{StaffCaller, scope_of};
use crate::{OperationError, Operations};

/// The same read within one session is one entry in this time: pages read themselves again and again.
const SAME_READ_MS: i64 = 60 * 60 * 1_000;
/// Forgotten after this long at the latest.
const SAME_READ_KEPT: Duration = Duration::from_millis(SAME_READ_MS.unsigned_abs());
const SAME_READS_MAX: u64 = 10_000;

/// What was read by which session, and when that was last written down.
#[derive(Clone, Debug)]
pub(crate) struct NotedReads(Cache<(SessionId, String), Timestamp>);

impl Default for NotedReads {
    fn default() -> Self {
        let noted = Cache::builder()
            .max_capacity(SAME_READS_MAX)
            .time_to_live(SAME_READ_KEPT);
        Self(noted.build())
    }
}

impl Operations {
    /// Writes down that a person is shown who paid, in clear: of an order, of a delivery, or in a list (`orders`).
    ///
    /// Comes before the answer: what cannot be written down is not shown. Nothing is written of whoever sees it masked.
    pub async fn note_payers_read(
        &self,
        caller: &StaffCaller,
        of: &str,
    ) -> Result<(), OperationError> {
        if !caller.may(Permission::PayerRead) {
            return Ok(());
        }
        let (noted, now) = (&self.inner.noted_reads.0, self.now());
        let read = (caller.session_id.clone(), of.to_owned());
        let last = noted.get(&read).await;
        if last.is_some_and(|last| now.millis_since(last) < SAME_READ_MS) {
            return Ok(());
        }
        let act = Act::new(scope_of(&caller.scope), "payer.read", of);
        self.note_read(caller, act, now).await?;
        noted.insert(read, now).await;
        Ok(())
    }

    /// Writes down that a person fetches the file of a bill, before it does.
    pub async fn note_bill_read(
        &self,
        caller: &StaffCaller,
        id: &BillId,
    ) -> Result<(), OperationError> {
        let act = Act::new(AuditScope::Platform, "bill.downloaded", id.as_str());
        self.note_read(caller, act, self.now()).await
    }

    async fn note_read(
        &self,
        caller: &StaffCaller,
        act: Act<'_>,
        now: Timestamp,
    ) -> Result<(), OperationError> {
        let tx = self.storage().begin().await?;
        audit::record(&tx, &caller.actor(), act, now).await?;
        Ok(tx.commit().await?)
    }
}
