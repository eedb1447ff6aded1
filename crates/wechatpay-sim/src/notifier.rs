//! Telling providers: the schedule of notifications and WeChat's retry steps.

mod delivery;
mod message;
mod schedule;

use std::{sync::Arc, time::Duration};

use futures::future::BoxFuture;
use tokio::sync::Semaphore;

use crate::{
    core::Core,
    ledger::{AttemptKind, NotificationIndex},
    refunds,
};

/// A notification on its way to a receiver in the same process.
#[derive(Clone, Debug)]
pub struct Letter {
    /// Genuine or not.
    pub kind: AttemptKind,
    /// Where it goes.
    pub notify_url: String,
    /// The headers that sign it.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// Takes a letter to its receiver and brings the status back, or says why there is none.
pub type Postman = Arc<dyn Fn(Letter) -> BoxFuture<'static, Result<u16, String>> + Send + Sync>;

pub(crate) use message::{UNKNOWN_SERIAL, probe, replace};
use schedule::Due;
pub(crate) use schedule::Schedule;

/// Waits after the first delivery and each that follows, in milliseconds: 15 s, 15 s, 30 s, 3 m, 10 m, 20 m, 30 m,
/// 30 m, 30 m, 60 m, 3 h, 3 h, 3 h, 6 h, 6 h.
pub const RETRY_STEPS_MS: [i64; 15] = [
    15_000, 15_000, 30_000, 180_000, 600_000, 1_200_000, 1_800_000, 1_800_000, 1_800_000,
    3_600_000, 10_800_000, 10_800_000, 10_800_000, 21_600_000, 21_600_000,
];

/// So many deliveries are under way at once.
const PARALLEL_DELIVERIES: usize = 256;

/// The clock may be a test's, moving without a timer; it is looked at this often at least.
const LONGEST_NAP: Duration = Duration::from_millis(250);

/// Delivers what falls due until the task is dropped.
pub(crate) async fn run(core: Arc<Core>) {
    let permits = Arc::new(Semaphore::new(PARALLEL_DELIVERIES));
    loop {
        while let Some(index) = next_notification(&core) {
            let Ok(permit) = Arc::clone(&permits).acquire_owned().await else {
                return;
            };
            let core = Arc::clone(&core);
            tokio::spawn(async move {
                delivery::deliver(&core, index).await;
                drop(permit);
            });
        }
        nap(&core).await;
    }
}

/// Delivers everything that is due now, one after another; answers how many deliveries were made.
pub(crate) async fn run_due(core: &Core) -> usize {
    let mut delivered = 0;
    while let Some(index) = next_notification(core) {
        delivery::deliver(core, index).await;
        delivered += 1;
    }
    delivered
}

/// The next notification that is due, after the results that are due before it.
fn next_notification(core: &Core) -> Option<NotificationIndex> {
    loop {
        match core.schedule.take_due(core.clock.business_ms())? {
            Due::Notification(index) => return Some(index),
            Due::Result(index) => refunds::settle_planned(core, index),
        }
    }
}

/// Sends one notification once more, whatever its state.
pub(crate) async fn resend(core: &Core, index: NotificationIndex) {
    delivery::deliver_again(core, index).await;
}

async fn nap(core: &Core) {
    let Some(due_ms) = core.schedule.next_due_ms() else {
        core.schedule.added().await;
        return;
    };
    let wait_ms = u64::try_from(due_ms - core.clock.business_ms()).unwrap_or_default();
    let wait = Duration::from_millis(wait_ms).min(LONGEST_NAP);
    // Woken early by a new notification or a moved clock, or late by at most the nap: both are fine.
    let _ = tokio::time::timeout(wait, core.schedule.added()).await;
}
