//! Commits that fail: for certain, without a word, or with the process.

use std::cell::RefCell;

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

thread_local! {
    static DECIDER: RefCell<Option<Decider>> = const { RefCell::new(None) };
}

/// Lets `decider` say what becomes of every commit on this thread.
pub fn decide_commits(decider: impl FnMut() -> CommitFate + 'static) {
    DECIDER.set(Some(Box::new(decider)));
}

/// Lets every commit on this thread be made again.
pub fn leave_commits_alone() {
    DECIDER.set(None);
}

/// What becomes of the commit that is about to be made on this thread.
pub fn fate_of_commit() -> CommitFate {
    DECIDER.with_borrow_mut(|decider| decider.as_mut().map_or(CommitFate::Made, |decide| decide()))
}
