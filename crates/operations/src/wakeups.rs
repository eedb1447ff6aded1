//! Hints to background work that something is due. The poll behind them is the truth.

use tokio::sync::Notify;

/// One signal per kind of background work.
#[derive(Debug, Default)]
pub struct Wakeups {
    /// Notifications were kept that wait to be applied.
    pub notifications: Notify,
    /// A refund waits to be sent.
    pub refunds: Notify,
    /// A job was started or steered.
    pub jobs: Notify,
}
