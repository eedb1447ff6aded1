//! What a person must look at, for the people who do.

use tributary_storage::alarms;

pub use tributary_storage::alarms::Alarm;

use crate::{OperationError, Operations};

/// Alarms shown at once.
const SHOWN_MAX: u64 = 100;

impl Operations {
    /// The newest alarms of every tenant.
    pub async fn alarms(&self) -> Result<Vec<Alarm>, OperationError> {
        Ok(alarms::newest_all_tenants(self.storage(), SHOWN_MAX).await?)
    }
}
