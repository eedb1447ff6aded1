//! Time as a value that is passed in; the only wall clock of the crate.

use std::sync::Arc;

/// Tells the time in Unix seconds.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// Returns the machine's clock, for use outside tests and simulators.
pub fn system_clock() -> Clock {
    Arc::new(|| jiff::Timestamp::now().as_second())
}
