//! How long what is not business is kept.

use tributary_domain::bill::BillState;
use tributary_domain::ids::TenantId;
use tributary_domain::tenant::{Mode, TenantSettings};
use tributary_storage::{
    bills, deliveries, key_tests, key_usage, notifications, tenants, upstream_calls,
};

use crate::{OperationError, Operations};

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;
const ATTEMPTS_KEPT_DAYS: i64 = 30;
const EVENTS_KEPT_DAYS: i64 = TenantSettings::EVENTS_DAYS_MAX as i64;
const CALLS_KEPT_DAYS: i64 = 90;
/// A dispute about a payment, half a year later, can still be answered with WeChat's own words.
const NOTIFICATIONS_KEPT_DAYS: i64 = 180;
/// What keys were used for, and their self-tests.
const KEY_RECORDS_KEPT_DAYS: i64 = 90;
/// Bills deleted in one run.
const BILLS_BATCH: u64 = 2;
/// Tenants whose settings are read at once.
const TENANTS_PAGE: u64 = 500;
/// Pages of one run: the newest half a million tenants.
const TENANTS_PAGES_MAX: usize = 1_000;
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

    /// Deletes a bounded piece of what single tenants keep for a shorter time; returns how many rows went.
    pub async fn purge_as_agreed(&self) -> Result<u64, OperationError> {
        let (mut after, mut gone): (Option<TenantId>, _) = (None, 0_u64);
        for _ in 0..TENANTS_PAGES_MAX {
            let storage = self.storage();
            let page = tenants::page_all_tenants(storage, None, None, after.as_ref(), TENANTS_PAGE);
            let page = page.await?;
            let Some(last) = page.last() else { break };
            after = Some(last.id.clone());
            for tenant in &page {
                if let Some(days) = tenant.settings.events_kept_days {
                    gone = gone.saturating_add(self.purge_of(&tenant.id, days).await?);
                }
            }
        }
        Ok(gone)
    }

    async fn purge_of(&self, tenant: &TenantId, days: u32) -> Result<u64, OperationError> {
        let before = self.now().plus_millis(-i64::from(days) * DAY_MS);
        let mut gone = 0_u64;
        for mode in [Mode::Live, Mode::Test] {
            let tx = self.storage().begin().await?;
            let count = deliveries::purge(&tx, tenant, mode, before, BATCH).await?;
            tx.commit().await?;
            gone = gone.saturating_add(count);
        }
        Ok(gone)
    }

    /// Deletes a bounded piece of the record of calls to WeChat; returns how many rows went.
    pub async fn purge_old_upstream_calls(&self) -> Result<u64, OperationError> {
        let before = self.now().plus_millis(-CALLS_KEPT_DAYS * DAY_MS);
        let tx = self.storage().begin().await?;
        let count = upstream_calls::purge_all_tenants(&tx, before, BATCH).await?;
        tx.commit().await?;
        Ok(count)
    }

    /// Deletes a bounded piece of WeChat's notifications that were applied or given up; returns how many rows went.
    pub async fn purge_old_notifications(&self) -> Result<u64, OperationError> {
        let before = self.now().plus_millis(-NOTIFICATIONS_KEPT_DAYS * DAY_MS);
        let tx = self.storage().begin().await?;
        let count = notifications::purge_all_tenants(&tx, before, BATCH).await?;
        tx.commit().await?;
        Ok(count)
    }

    /// Deletes what was counted about keys, and their self-tests; returns how many rows went.
    pub async fn purge_old_key_records(&self) -> Result<u64, OperationError> {
        let before = self.now().plus_millis(-KEY_RECORDS_KEPT_DAYS * DAY_MS);
        let tx = self.storage().begin().await?;
        let tests = key_tests::purge(&tx, before, BATCH).await?;
        let counts = key_usage::purge(&tx, before).await?;
        tx.commit().await?;
        Ok(tests.saturating_add(counts))
    }

    /// Deletes bills that are older than the installation keeps them; returns how many went.
    ///
    /// Merchants keep their books for five years at least, and so does what proves them.
    pub async fn purge_old_bills(&self) -> Result<u64, OperationError> {
        let before = self.now().plus_millis(-self.inner.bills_kept_days * DAY_MS);
        let mut gone = 0_u64;
        for state in [BillState::Verified, BillState::Empty, BillState::Rejected] {
            let old = bills::older_all_tenants(self.storage(), state, before, BILLS_BATCH).await?;
            for bill in old {
                self.empty_bill(&bill.id).await?;
                let tx = self.storage().begin().await?;
                bills::delete_all_tenants(&tx, &bill.id).await?;
                tx.commit().await?;
                gone = gone.saturating_add(1);
            }
        }
        Ok(gone)
    }
}
