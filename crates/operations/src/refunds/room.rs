//! Room for one more refund in a provider's budgets, and which sub-merchants' refunds WeChat takes.
//!
//! WeChat counts refused refunds apart, and bears few of them. A refund of a sub-merchant whose last one was taken goes
//! out at once; any other takes room for its refusal beforehand and gives it back when it is taken. So however many are
//! asked for at once of a sub-merchant without money, they are refused a few in each second.

use std::time::Duration;

use moka::sync::Cache;
use tributary_domain::clock::Timestamp;
use tributary_domain::ids::ProviderId;
use tributary_domain::refund::Refund;

use crate::Operations;
use crate::budgets::{Spending, Urgency};
use crate::refunds::wish;

/// Sub-merchants remembered at the same time; one that is forgotten is only sent more slowly at first.
const TAKEN_MAX: u64 = 60_000;
/// So long after WeChat took a refund the next is expected to be taken as well.
const TAKEN_FOR: Duration = Duration::from_mins(10);

/// Sub-merchants of providers whose last refund WeChat took.
#[derive(Debug)]
pub(crate) struct Taken(Cache<(ProviderId, String), ()>);

impl Taken {
    /// Nobody's yet.
    pub(crate) fn new() -> Self {
        let builder = Cache::builder().max_capacity(TAKEN_MAX);
        Self(builder.time_to_live(TAKEN_FOR).build())
    }
}

/// Room that was taken for a refund.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    /// When room for a refusal was taken; absent when none was.
    refusal_at: Option<Timestamp>,
}

impl Operations {
    /// Takes room for a refund; absent when there is none now.
    pub(super) fn take_room(
        &self,
        refund: &Refund,
        urgency: Urgency,
        now: Timestamp,
    ) -> Option<Room> {
        let budgets = &self.inner.budgets;
        let refusal = wish(refund, Spending::RefundRefusal, urgency);
        let is_expected = self.inner.taken_refunds.0.contains_key(&key(refund));
        if is_expected {
            let has_room = budgets.has_room(refusal, now)
                && budgets.spend(wish(refund, Spending::Refund, urgency), now);
            return has_room.then_some(Room { refusal_at: None });
        }
        if !budgets.spend(refusal, now) {
            return None;
        }
        if !budgets.spend(wish(refund, Spending::Refund, urgency), now) {
            budgets.give_back(refusal, now);
            return None;
        }
        Some(Room {
            refusal_at: Some(now),
        })
    }

    /// WeChat took the refund, so the room for its refusal is free again.
    pub(super) fn refund_was_taken(&self, refund: &Refund, room: Room) {
        self.inner.taken_refunds.0.insert(key(refund), ());
        if let Some(at) = room.refusal_at {
            let wish = wish(refund, Spending::RefundRefusal, Urgency::Asked);
            self.inner.budgets.give_back(wish, at);
        }
    }

    /// WeChat refused the refund: the next ones go out a few in each second.
    pub(super) fn refund_was_refused(&self, refund: &Refund, room: Room) {
        self.inner.taken_refunds.0.invalidate(&key(refund));
        if room.refusal_at.is_none() {
            let wish = wish(refund, Spending::RefundRefusal, Urgency::Asked);
            self.inner.budgets.spend(wish, self.now());
        }
    }
}

fn key(refund: &Refund) -> (ProviderId, String) {
    (refund.provider_id.clone(), refund.sub_mchid.to_string())
}
