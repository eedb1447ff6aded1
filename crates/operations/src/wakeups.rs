//! Hints to background work that something is due. The poll behind them is the truth.

use tokio::sync::Notify;

/// One signal per kind of background work.
#[derive(Debug, Default)]
pub struct Wakeups {
    /// Events were committed: there may be deliveries to send and events to number.
    pub events: Notify,
    /// Notifications were kept that wait to be applied.
    pub notifications: Notify,
}
