//! Which notification is due when; the ledger says what it is.

use std::{
    cmp::Reverse,
    collections::BinaryHeap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Notify;

use crate::ledger::NotificationIndex;

/// Due times, and the notifications that wait for another to overtake them.
#[derive(Default)]
pub(crate) struct Schedule {
    inner: Mutex<Inner>,
    added: Notify,
}

#[derive(Default)]
struct Inner {
    due: BinaryHeap<Reverse<(i64, NotificationIndex)>>,
    overtaken: Vec<NotificationIndex>,
}

impl Schedule {
    pub(crate) fn add(&self, due_ms: i64, index: NotificationIndex) {
        self.inner().due.push(Reverse((due_ms, index)));
        self.added.notify_one();
    }

    /// Lets the notifier look at the clock again.
    pub(crate) fn wake(&self) {
        self.added.notify_one();
    }

    /// The next notification that is due, taken off the schedule.
    pub(crate) fn take_due(&self, now_ms: i64) -> Option<NotificationIndex> {
        let mut inner = self.inner();
        match inner.due.peek() {
            Some(Reverse((due_ms, _))) if *due_ms <= now_ms => {
                inner.due.pop().map(|Reverse((_, index))| index)
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
