//! How long what is not business is kept.

use tributary_storage::{deliveries, upstream_calls};

use crate::{OperationError, Operations};

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;
const ATTEMPTS_KEPT_DAYS: i64 = 30;
const EVENTS_KEPT_DAYS: i64 = 90;
const CALLS_KEPT_DAYS: i64 = 90;
/// Rows of each kind deleted in one transaction, so that nobody waits for it.
const BATCH: u64 = 500;

impl Operations {
    /// Deletes a bounded piece of what is older than it is kept; returns how many rows went.
    pub async fn purge_old_deliveries(&self) -> Result<u64, OperationError> {
        let now = self.now();
        let attempts_before = now.plus_millis(-ATTEMPTS_KEPT_DAYS * DAY_MS);
        let events_before = now.plus_millis(-EVENTS_KEPT_DAYS * DAY_MS);
        let tx = self.storage().begin().await?;
        let count =
            deliveries::purge_all_tenants(&tx, attempts_before, events_before, BATCH).await?;
        let orphans = deliveries::cancel_orphans_all_tenants(&tx, now, BATCH).await?;
        tx.commit().await?;
        Ok(count.saturating_add(orphans))
    }

    /// Deletes a bounded piece of the record of calls to WeChat; returns how many rows went.
    pub async fn purge_old_upstream_calls(&self) -> Result<u64, OperationError> {
        let before = self.now().plus_millis(-CALLS_KEPT_DAYS * DAY_MS);
        let tx = self.storage().begin().await?;
        let count = upstream_calls::purge_all_tenants(&tx, before, BATCH).await?;
        tx.commit().await?;
        Ok(count)
    }
}
