//! Whether this node can do its work.

use std::sync::atomic::Ordering;

use tributary_storage::stuck;

use crate::{OperationError, Operations};

impl Operations {
    /// Answers once the database does, with the number of rows that have no next action. Cheap: anybody may ask.
    pub async fn ready(&self) -> Result<u64, OperationError> {
        self.storage().ping().await?;
        Ok(self.inner.stuck_rows.load(Ordering::Relaxed))
    }

    /// Counts the rows that are not at an end and that nobody will look at again; there must be none.
    pub async fn count_stuck_rows(&self) -> Result<u64, OperationError> {
        let counted = stuck::count_all_tenants(self.storage(), self.now()).await?;
        let mut total = 0_u64;
        for (what, count) in counted {
            metrics::gauge!("tributary_stuck_rows", "what" => what).set(approximately(count));
            if count > 0 {
                tracing::error!(
                    what,
                    count,
                    "rows without a next action: nobody will look at them"
                );
            }
            total = total.saturating_add(count);
        }
        self.inner.stuck_rows.store(total, Ordering::Relaxed);
        Ok(total)
    }

    /// Fails when the key-encryption key is not the one that wrapped the keys in the database.
    pub async fn check_vault(&self) -> Result<(), OperationError> {
        self.sealing().check(self.storage()).await
    }
}

/// A gauge is a floating-point number; counts that matter here are small.
fn approximately(count: u64) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}
