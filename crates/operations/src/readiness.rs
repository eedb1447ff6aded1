//! Whether this node can do its work.

use tributary_storage::orders;

use crate::{OperationError, Operations};

/// What a readiness probe learns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Readiness {
    /// Open orders that nobody will look at again; anything but 0 is a fault of ours.
    pub stuck_orders: u64,
}

impl Operations {
    /// Answers once the database does.
    pub async fn ready(&self) -> Result<Readiness, OperationError> {
        self.storage().ping().await?;
        Ok(Readiness {
            stuck_orders: orders::count_stuck_all_tenants(self.storage()).await?,
        })
    }

    /// Fails when the key-encryption key is not the one that wrapped the keys in the database.
    pub async fn check_vault(&self) -> Result<(), OperationError> {
        self.sealing().check(self.storage()).await
    }
}
