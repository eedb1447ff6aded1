//! Commits that fail: for certain, without a word, or with the process; and what others do before a transaction begins.

use std::cell::RefCell;
use std::pin::Pin;

/// What becomes of a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommitFate {
    /// It is made.
    Made,
    /// It is not made, and the caller is told so.
    Refused,
    /// It is made, and the caller is told that it failed.
    MadeInSilence,
    /// The process ends before it.
    CrashBefore,
    /// It is made, and the process ends before the caller hears of it.
    CrashAfter,
}

type Decider = Box<dyn FnMut() -> CommitFate>;

/// What others do while somebody waits to begin a transaction.
pub type Pause = Pin<Box<dyn Future<Output = ()> + Send>>;

type Pauser = Box<dyn FnMut() -> Option<Pause>>;

thread_local! {
    static PAUSER: RefCell<Option<Pauser>> = const { RefCell::new(None) };
    static DECIDER: RefCell<Option<Decider>> = const { RefCell::new(None) };
}

/// Lets `decider` say what becomes of every commit on this thread.
pub fn decide_commits(decider: impl FnMut() -> CommitFate + 'static) {
    DECIDER.set(Some(Box::new(decider)));
}

/// Lets `pauser` say what others do before a transaction on this thread begins.
pub fn pause_transactions(pauser: impl FnMut() -> Option<Pause> + 'static) {
    PAUSER.set(Some(Box::new(pauser)));
}

/// Lets every commit on this thread be made again, and every transaction begin at once.
pub fn leave_commits_alone() {
    DECIDER.set(None);
    PAUSER.set(None);
}

/// What others do before the transaction that is about to begin on this thread.
pub fn pause() -> Option<Pause> {
    PAUSER.with_borrow_mut(|pauser| pauser.as_mut().and_then(|pauser| pauser()))
}

/// What becomes of the commit that is about to be made on this thread.
pub fn fate_of_commit() -> CommitFate {
    DECIDER.with_borrow_mut(|decider| decider.as_mut().map_or(CommitFate::Made, |decide| decide()))
}
