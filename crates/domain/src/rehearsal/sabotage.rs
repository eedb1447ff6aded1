//! Rules broken on purpose, one at a time, so that it is seen whether the checks notice.

/// A rule that can be broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sabotage {
    /// A result is recorded although its claim has ended.
    NoFence,
    /// A notification is answered before it is committed.
    AckBeforeCommit,
    /// A call without an answer counts as refused.
    FailedOnTimeout,
    /// The feed is read in the order of ids.
    FeedById,
    /// An order is closed without asking WeChat.
    CloseWithoutAsking,
    /// A repetition after an unknown outcome takes a new number.
    NewNumberAfterUnknown,
    /// The event is written after the change was committed.
    EventAfterCommit,
    /// A notification is known by its id alone.
    DedupeByIdOnly,
    /// A late word of a close closes a paid order.
    PaidGoesBack,
    /// A delivery is finished as often as somebody says so.
    DoubleCompletion,
    /// The amount of a payment is not compared.
    AmountNotCompared,
    /// A claim whose owner died never ends.
    EndlessLease,
    /// A used idempotency key is taken for a new one.
    KeyIgnored,
    /// An open order is not looked at again.
    PollForgotten,
    /// A notification that could not be applied is kept without a time to try again.
    KeptForgotten,
    /// An event goes to the endpoints of every tenant.
    AnybodysEndpoint,
    /// An update names no state that it leaves.
    UnguardedUpdate,
    /// The body of a prepay is written anew for each try.
    BodyWrittenAnew,
    /// A webhook is signed with the secret of whichever endpoint comes first.
    AnySecret,
    /// A finished delivery stays in the queue.
    QueueRowStays,
    /// The sequencer leaves a number out.
    HoleInFeed,
    /// A refund that is sent again takes a new number.
    RefundNumberAnew,
    /// A refund without an answer counts as refused.
    RefundFailedOnTimeout,
    /// More may be refunded than was paid.
    RefundSumsUnguarded,
    /// A payment that is not the ordinary one is dropped.
    LateMoneyDropped,
    /// The end of a refund counts as often as it is told.
    RefundSettledTwice,
}

impl Sabotage {
    /// Every rule that can be broken.
    pub const ALL: [Self; 26] = [
        Self::NoFence,
        Self::AckBeforeCommit,
        Self::FailedOnTimeout,
        Self::FeedById,
        Self::CloseWithoutAsking,
        Self::NewNumberAfterUnknown,
        Self::EventAfterCommit,
        Self::DedupeByIdOnly,
        Self::PaidGoesBack,
        Self::DoubleCompletion,
        Self::AmountNotCompared,
        Self::EndlessLease,
        Self::KeyIgnored,
        Self::PollForgotten,
        Self::KeptForgotten,
        Self::AnybodysEndpoint,
        Self::UnguardedUpdate,
        Self::BodyWrittenAnew,
        Self::AnySecret,
        Self::QueueRowStays,
        Self::HoleInFeed,
        Self::RefundNumberAnew,
        Self::RefundFailedOnTimeout,
        Self::RefundSumsUnguarded,
        Self::LateMoneyDropped,
        Self::RefundSettledTwice,
    ];
}

#[cfg(debug_assertions)]
thread_local! {
    static BROKEN: std::cell::Cell<Option<Sabotage>> = const { std::cell::Cell::new(None) };
}

/// Breaks a rule on this thread, or none.
#[cfg(debug_assertions)]
pub fn sabotage(rule: Option<Sabotage>) {
    BROKEN.set(rule);
}

/// Whether the rule is broken on this thread.
#[cfg(debug_assertions)]
pub fn is_broken(rule: Sabotage) -> bool {
    BROKEN.get() == Some(rule)
}

/// Whether the rule is broken: never.
#[cfg(not(debug_assertions))]
pub const fn is_broken(_: Sabotage) -> bool {
    false
}
