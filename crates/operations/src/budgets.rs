//! How much may be asked of WeChat in a second, per provider and kind of call: below WeChat's own limits, shared fairly
//! between the provider's tenants, and less while WeChat says that it is too much.
//!
//! Ordering has a budget of its own, so no query and no sweep uses up what payers wait for; and when WeChat slows ordering,
//! the questions about orders and refunds are slowed with it.

mod shares;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use moka::sync::Cache;
use tributary_domain::clock::Timestamp;
use tributary_domain::ids::{ProviderId, TenantId};

use crate::upstream_calls::CallPurpose;
use crate::{OperationError, Operations};
use shares::Shares;

/// Budgets kept at the same time: one per provider and kind of call.
const BUDGETS_MAX: u64 = 60_000;
const KEPT: Duration = Duration::from_mins(1);
const WINDOW_MS: i64 = 1_000;
/// A budget never falls below this part of itself, and grows by as much in a second without a complaint.
const STEPS: u32 = 20;
/// This part of a budget is kept for what tenants ask; background work comes later.
const KEPT_FOR_TENANTS: u32 = 4;
/// Between two looks for room.
const ROOM_PAUSE: Duration = Duration::from_millis(50);

/// What is spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Spending {
    /// Placing an order.
    Prepay,
    /// Asking for a refund.
    Refund,
    /// A refusal of a refund: WeChat counts them apart, because they mean a loop.
    RefundRefusal,
    /// Asking about a refund.
    RefundQuery,
    /// Asking about an order, or closing it.
    OrderQuery,
    /// Asking for a bill.
    Bill,
}

/// Who waits for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Urgency {
    /// A tenant, in a request.
    Asked,
    /// Nobody: it comes later when there is no room.
    Background,
}

/// Who would spend what.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wish<'a> {
    /// Of whose budget.
    pub(crate) provider: &'a ProviderId,
    /// For which tenant; absent when it is for the provider itself.
    pub(crate) tenant: Option<&'a TenantId>,
    /// On what.
    pub(crate) what: Spending,
    /// Who waits for it.
    pub(crate) urgency: Urgency,
}

impl Spending {
    /// Every kind that is questions or sweeps of what was placed before.
    const BEHIND_ORDERING: [Self; 2] = [Self::OrderQuery, Self::RefundQuery];

    /// The budget that a call for this purpose is taken from.
    pub(crate) const fn of(purpose: CallPurpose) -> Option<Self> {
        match purpose {
            CallPurpose::Prepay => Some(Self::Prepay),
            CallPurpose::QueryOrder | CallPurpose::CloseOrder => Some(Self::OrderQuery),
            CallPurpose::Refund | CallPurpose::RedirectRefund => Some(Self::Refund),
            CallPurpose::QueryRefund => Some(Self::RefundQuery),
            CallPurpose::Bill => Some(Self::Bill),
            CallPurpose::Certificates | CallPurpose::KeyTest => None,
        }
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Prepay => "prepay",
            Self::Refund => "refund",
            Self::RefundRefusal => "refund_refusal",
            Self::RefundQuery => "refund_query",
            Self::OrderQuery => "order_query",
            Self::Bill => "bill",
        }
    }
}

/// What was spent in the present second, and what it allows.
#[derive(Debug)]
struct Window {
    second: i64,
    most: u32,
    /// Less than `most` after WeChat said that it was too much.
    allowed: u32,
    spent: u32,
    /// The second in which WeChat last complained: many calls at once are one complaint.
    slowed_in: Option<i64>,
    shares: Shares,
}

impl Window {
    fn full(most: u32) -> Self {
        Self {
            second: 0,
            most,
            allowed: most,
            spent: 0,
            slowed_in: None,
            shares: Shares::default(),
        }
    }

    fn step(&self) -> u32 {
        (self.most / STEPS).max(1)
    }

    fn turn_to(&mut self, second: i64) {
        if self.second == second {
            return;
        }
        // A clock that was set back makes nothing grow.
        let passed = u32::try_from(second.saturating_sub(self.second)).unwrap_or(0);
        let grown = passed.saturating_mul(self.step());
        self.allowed = self.allowed.saturating_add(grown).min(self.most);
        self.second = second;
        self.spent = 0;
        if passed == 1 {
            self.shares.turn();
        } else {
            self.shares = Shares::default();
        }
    }

    fn slow_down(&mut self) {
        if self.slowed_in != Some(self.second) {
            self.slowed_in = Some(self.second);
            self.allowed = (self.allowed / 2).max(self.step());
        }
    }

    fn has_room(&mut self, wish: Wish<'_>) -> bool {
        let most = match wish.urgency {
            Urgency::Asked => self.allowed,
            Urgency::Background => self.allowed - self.allowed / KEPT_FOR_TENANTS,
        };
        let Some(tenant) = wish.tenant else {
            return self.spent < most;
        };
        self.shares.seen(tenant);
        let room = self.shares.allow(tenant, most, self.spent);
        if !room && self.spent < most {
            self.shares.refuse(tenant);
        }
        room
    }

    fn spend(&mut self, wish: Wish<'_>) -> bool {
        let room = self.has_room(wish);
        if room {
            self.spent = self.spent.saturating_add(1);
            if let Some(tenant) = wish.tenant {
                self.shares.take(tenant);
            }
        }
        room
    }
}

/// The budgets of every provider that was used lately.
#[derive(Debug)]
pub(crate) struct Budgets {
    windows: Cache<(ProviderId, Spending), Arc<Mutex<Window>>>,
    prepays_per_second: u32,
}

/// Of whom background work may ask nothing in this second.
#[derive(Debug, Default)]
pub(crate) struct Exhausted {
    /// Providers whose budget is used up.
    pub(crate) providers: Vec<ProviderId>,
    /// Tenants that had their share.
    pub(crate) tenants: Vec<TenantId>,
}

impl Budgets {
    /// Budgets that nothing was spent of.
    pub(crate) fn new(prepays_per_second: u32) -> Self {
        let windows = Cache::builder()
            .max_capacity(BUDGETS_MAX)
            .time_to_idle(KEPT)
            .build();
        Self {
            windows,
            prepays_per_second,
        }
    }

    /// Per second and provider; WeChat allows 150, 6 and 300 ("WeChat partner docs: refund"), and 3 fund-flow bills; for
    /// questions about orders it tells no number, and for orders an installation knows its own. Three nodes, which do not
    /// know of each other, stay within.
    const fn most(&self, what: Spending) -> u32 {
        match what {
            Spending::Prepay => self.prepays_per_second,
            Spending::Refund => 50,
            Spending::RefundRefusal => 2,
            Spending::RefundQuery | Spending::OrderQuery => 100,
            Spending::Bill => 3,
        }
    }

    /// Whether anything is left, without taking of it.
    pub(crate) fn has_room(&self, wish: Wish<'_>, now: Timestamp) -> bool {
        self.with_window(wish.provider, wish.what, now, |window| {
            window.has_room(wish)
        })
    }

    /// Takes one when something is left.
    pub(crate) fn spend(&self, wish: Wish<'_>, now: Timestamp) -> bool {
        self.with_window(wish.provider, wish.what, now, |window| window.spend(wish))
    }

    /// Gives back one that was taken at an instant and not used; once that second is over there is nothing to give back.
    pub(crate) fn give_back(&self, wish: Wish<'_>, taken_at: Timestamp) {
        let Some(window) = self.windows.get(&(wish.provider.clone(), wish.what)) else {
            return;
        };
        let mut window = window.lock().unwrap_or_else(PoisonError::into_inner);
        if window.second == taken_at.as_millis() / WINDOW_MS {
            window.spent = window.spent.saturating_sub(1);
            if let Some(tenant) = wish.tenant {
                window.shares.give_back(tenant);
            }
        }
    }

    /// WeChat said that it was too much: less from now on, and more again by and by.
    pub(crate) fn slow_down(&self, provider: &ProviderId, what: Spending, now: Timestamp) {
        metrics::counter!("tributary_wechat_slowdowns_total", "call" => what.as_str()).increment(1);
        self.with_window(provider, what, now, Window::slow_down);
        if what == Spending::Prepay {
            for behind in Spending::BEHIND_ORDERING {
                self.with_window(provider, behind, now, Window::slow_down);
            }
        }
    }

    /// Of whom background work may ask nothing more in this second.
    pub(crate) fn exhausted(&self, what: Spending, now: Timestamp) -> Exhausted {
        let known = self.windows.iter().filter(|(key, _)| key.1 == what);
        let known: Vec<ProviderId> = known.map(|(key, _)| key.0.clone()).collect();
        let mut exhausted = Exhausted::default();
        for provider in known {
            let wish = Wish {
                provider: &provider,
                tenant: None,
                what,
                urgency: Urgency::Background,
            };
            self.with_window(&provider, what, now, |window| {
                exhausted.tenants.extend_from_slice(window.shares.refused());
                if !window.has_room(wish) {
                    exhausted.providers.push(provider.clone());
                }
            });
        }
        exhausted
    }

    fn with_window<T>(
        &self,
        provider: &ProviderId,
        what: Spending,
        now: Timestamp,
        act: impl FnOnce(&mut Window) -> T,
    ) -> T {
        let key = (provider.clone(), what);
        let fresh = || Arc::new(Mutex::new(Window::full(self.most(what))));
        let window = self.windows.get_with(key, fresh);
        let mut window = window.lock().unwrap_or_else(PoisonError::into_inner);
        window.turn_to(now.as_millis() / WINDOW_MS);
        act(&mut window)
    }
}

impl Operations {
    /// Waits a moment for room in a provider's budget; where there is none, nothing may be sent.
    pub(crate) async fn room_for(&self, wish: Wish<'_>) -> Result<(), OperationError> {
        let looks = self.inner.limits.room_wait.as_millis() / ROOM_PAUSE.as_millis();
        for _ in 0..looks {
            if self.inner.budgets.spend(wish, self.now()) {
                return Ok(());
            }
            // The budget counts by the second of the wall.
            tokio::time::sleep(ROOM_PAUSE).await;
        }
        if self.inner.budgets.spend(wish, self.now()) {
            return Ok(());
        }
        metrics::counter!("tributary_budget_refusals_total", "call" => wish.what.as_str())
            .increment(1);
        Err(OperationError::BudgetSpent)
    }
}

#[cfg(test)]
mod tests;
