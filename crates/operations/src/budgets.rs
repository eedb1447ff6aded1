//! How much may be asked of WeChat in a second, per provider: below WeChat's own limits, so that no sweep uses up what
//! the tenants' calls need.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use moka::sync::Cache;
use tributary_domain::clock::Timestamp;
use tributary_domain::ids::ProviderId;

const PROVIDERS_MAX: u64 = 10_000;
const KEPT: Duration = Duration::from_mins(1);
const WINDOW_MS: i64 = 1_000;

/// What is spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Spending {
    /// Asking for a refund.
    Refund,
    /// A refusal of a refund: WeChat counts them apart, because they mean a loop.
    RefundRefusal,
    /// Asking about a refund.
    RefundQuery,
    /// Asking about an order because its time has come.
    OrderQuery,
    /// Asking for a bill.
    Bill,
}

impl Spending {
    /// Per second and provider; WeChat allows 150, 6 and 300 ("WeChat partner docs: refund"), and 3 fund-flow bills; for
    /// questions about orders it tells no number. Three nodes, which do not know of each other, stay within.
    const fn max(self) -> u32 {
        match self {
            Self::Refund => 50,
            Self::RefundRefusal => 2,
            Self::RefundQuery | Self::OrderQuery => 100,
            Self::Bill => 3,
        }
    }
}

/// What was spent in the present second.
#[derive(Debug, Default)]
struct Window {
    began_ms: i64,
    spent: u32,
}

/// The budgets of every provider that was used lately.
#[derive(Debug)]
pub(crate) struct Budgets(Cache<(ProviderId, Spending), Arc<Mutex<Window>>>);

impl Default for Budgets {
    fn default() -> Self {
        let windows = Cache::builder()
            .max_capacity(PROVIDERS_MAX)
            .time_to_idle(KEPT)
            .build();
        Self(windows)
    }
}

impl Budgets {
    /// Whether anything is left, without taking of it.
    pub(crate) fn has_room(&self, provider: &ProviderId, what: Spending, now: Timestamp) -> bool {
        self.with_window(provider, what, now, |window| window.spent < what.max())
    }

    /// The providers of which nothing is left in this second.
    pub(crate) fn spent(&self, what: Spending, now: Timestamp) -> Vec<ProviderId> {
        let known = self.0.iter().filter(|(key, _)| key.1 == what);
        let known: Vec<ProviderId> = known.map(|(key, _)| key.0.clone()).collect();
        let is_spent = |provider: &ProviderId| !self.has_room(provider, what, now);
        known.into_iter().filter(is_spent).collect()
    }

    /// Takes one when something is left.
    pub(crate) fn spend(&self, provider: &ProviderId, what: Spending, now: Timestamp) -> bool {
        self.with_window(provider, what, now, |window| {
            let room = window.spent < what.max();
            window.spent = window.spent.saturating_add(u32::from(room));
            room
        })
    }

    fn with_window<T>(
        &self,
        provider: &ProviderId,
        what: Spending,
        now: Timestamp,
        act: impl FnOnce(&mut Window) -> T,
    ) -> T {
        let key = (provider.clone(), what);
        let window = self.0.get_with(key, Arc::default);
        let mut window = window.lock().unwrap_or_else(PoisonError::into_inner);
        let began_ms = now.as_millis() / WINDOW_MS;
        if window.began_ms != began_ms {
            *window = Window { began_ms, spent: 0 };
        }
        act(&mut window)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_a_providers_own_and_new_every_second() {
        let budgets = Budgets::default();
        let now = Timestamp::from_seconds(1_767_225_600);
        let (one, other) = (ProviderId::new(now), ProviderId::new(now));
        let what = Spending::RefundRefusal;
        for _ in 0..2 {
            assert!(budgets.has_room(&one, what, now));
            assert!(budgets.spend(&one, what, now));
        }
        assert!(!budgets.has_room(&one, what, now));
        assert!(!budgets.spend(&one, what, now));
        assert!(budgets.spend(&other, what, now));
        assert!(budgets.spend(&one, what, now.plus_millis(1_000)));
    }
}
