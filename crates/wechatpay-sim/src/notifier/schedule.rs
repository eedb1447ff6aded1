//! What is due when, notifications and planned results of refunds; the ledger says what they are.

use std::{
    cmp::Reverse,
    collections::BinaryHeap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Notify;

use crate::ledger::{NotificationIndex, RefundIndex};

/// What falls due; at one instant results come first, so that what they notify goes out with them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Due {
    Result(RefundIndex),
    Notification(NotificationIndex),
}

impl From<RefundIndex> for Due {
    fn from(index: RefundIndex) -> Self {
        Self::Result(index)
    }
}

impl From<NotificationIndex> for Due {
    fn from(index: NotificationIndex) -> Self {
        Self::Notification(index)
    }
}

/// Due times, and the notifications that wait for another to overtake them.
#[derive(Default)]
pub(crate) struct Schedule {
    inner: Mutex<Inner>,
    added: Notify,
}

#[derive(Default)]
struct Inner {
    due: BinaryHeap<Reverse<(i64, Due)>>,
    overtaken: Vec<NotificationIndex>,
}

impl Schedule {
    pub(crate) fn add(&self, due_ms: i64, due: impl Into<Due>) {
        self.inner().due.push(Reverse((due_ms, due.into())));
        self.added.notify_one();
    }

    /// Lets the notifier look at the clock again.
    pub(crate) fn wake(&self) {
        self.added.notify_one();
    }

    /// What is due next, taken off the schedule.
    pub(crate) fn take_due(&self, now_ms: i64) -> Option<Due> {
        let mut inner = self.inner();
        match inner.due.peek() {
            Some(Reverse((due_ms, _))) if *due_ms <= now_ms => {
                inner.due.pop().map(|Reverse((_, due))| due)
            }
            _ => None,
        }
    }

    pub(crate) fn next_due_ms(&self) -> Option<i64> {
        self.inner().due.peek().map(|Reverse((due_ms, _))| *due_ms)
    }

    /// Waits for a new notification or a wake.
    pub(crate) async fn added(&self) {
        self.added.notified().await;
    }

    /// Keeps a notification back until another has gone.
    pub(crate) fn hold_back(&self, index: NotificationIndex) {
        self.inner().overtaken.push(index);
    }

    /// Those that were kept back and may go, now that another has gone.
    pub(crate) fn release(&self) -> Vec<NotificationIndex> {
        std::mem::take(&mut self.inner().overtaken)
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
