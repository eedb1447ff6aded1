//! Whether this node can do its work.

use crate::{OperationError, Operations};

impl Operations {
    /// Answers once the database does. Cheap: anybody may ask.
    pub async fn ready(&self) -> Result<(), OperationError> {
        Ok(self.storage().ping().await?)
    }

    /// Fails when the key-encryption key is not the one that wrapped the keys in the database.
    pub async fn check_vault(&self) -> Result<(), OperationError> {
        self.sealing().check(self.storage()).await
    }
}
