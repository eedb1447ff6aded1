//! Tenants, the two modes that never mix, and what a credential may do.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::ids::TenantId;
use crate::late_payment::LatePolicy;
use crate::state_words::state_words;

/// `live` moves money at WeChat; `test` talks to the simulator. No row is shared between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Real money.
    Live,
    /// The simulator.
    Test,
}

impl Mode {
    /// The word stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Test => "test",
        }
    }

    /// Reads the stored word.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "live" => Some(Self::Live),
            "test" => Some(Self::Test),
            _ => None,
        }
    }
}

state_words! {
    /// Where a tenant stands.
    TenantState {
        /// Somebody was asked to come: it may try everything in test mode, and order nothing in live mode.
        Invited = "invited",
        /// Everything works.
        Active = "active",
        /// No new orders; money that is under way, refunds and webhooks go on.
        Suspended = "suspended",
        /// Nobody gets in any more; money that is under way is still told.
        Closed = "closed",
    }
}

impl TenantState {
    /// Whether a person may bring a tenant from this state into another.
    pub const fn may_become(self, next: Self) -> bool {
        matches!(
            (self, next),
            (Self::Invited | Self::Suspended, Self::Active | Self::Closed)
                | (Self::Active, Self::Suspended | Self::Closed)
        )
    }

    /// Whether orders are taken in a mode.
    pub const fn takes_orders(self, mode: Mode) -> bool {
        match self {
            Self::Active => true,
            Self::Invited => matches!(mode, Mode::Test),
            Self::Suspended | Self::Closed => false,
        }
    }
}

/// What is agreed with a tenant. What is absent is as the installation has it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TenantSettings {
    /// After how many minutes an order ends that does not say when: 1 to 10,080.
    pub order_expires_after_minutes: Option<u32>,
    /// How new webhook endpoints are tried again, in the words of the endpoints' own setting.
    pub webhook_schedule: Option<String>,
    /// Which version of the events new webhook endpoints get.
    pub webhook_api_version: Option<String>,
    /// After how many days its events go, and its deliveries with their attempts: 7 to 90.
    pub events_kept_days: Option<u32>,
}

impl TenantSettings {
    /// Seven days, which is how long WeChat keeps an order open at most.
    pub const ORDER_MINUTES_MAX: u32 = 7 * 24 * 60;
    /// Twice as long as a delivery is tried, and room for who reads the feed once a week.
    pub const EVENTS_DAYS_MIN: u32 = 7;
    /// How long the installation keeps events.
    pub const EVENTS_DAYS_MAX: u32 = 90;
}

/// Our customer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tenant {
    /// Its id.
    pub id: TenantId,
    /// Its name, shown to people.
    pub name: String,
    /// Whom to write to about it.
    pub contact: Option<String>,
    /// Where it stands.
    pub state: TenantState,
    /// What is agreed with it.
    pub settings: TenantSettings,
    /// Rises with every change: who edits says which version was read.
    pub version: i64,
    /// What becomes of money that comes late, twice, or with another amount.
    pub late_policy: LatePolicy,
    /// When it was created.
    pub created_at: Timestamp,
}

/// What a credential may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Scope {
    /// See orders.
    #[serde(rename = "orders:read")]
    OrdersRead,
    /// Create, close and sync orders; exchange login codes.
    #[serde(rename = "orders:write")]
    OrdersWrite,
    /// See refunds.
    #[serde(rename = "refunds:read")]
    RefundsRead,
    /// Refund orders.
    #[serde(rename = "refunds:write")]
    RefundsWrite,
    /// See bills and what differs from them.
    #[serde(rename = "bills:read")]
    BillsRead,
    /// Read the events feed.
    #[serde(rename = "events:read")]
    EventsRead,
    /// See webhook endpoints and deliveries.
    #[serde(rename = "webhooks:read")]
    WebhooksRead,
    /// Manage webhook endpoints, retry deliveries.
    #[serde(rename = "webhooks:write")]
    WebhooksWrite,
}

impl Scope {
    /// Every scope there is.
    pub const ALL: [Self; 8] = [
        Self::OrdersRead,
        Self::OrdersWrite,
        Self::RefundsRead,
        Self::RefundsWrite,
        Self::BillsRead,
        Self::EventsRead,
        Self::WebhooksRead,
        Self::WebhooksWrite,
    ];

    /// The word stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OrdersRead => "orders:read",
            Self::OrdersWrite => "orders:write",
            Self::RefundsRead => "refunds:read",
            Self::RefundsWrite => "refunds:write",
            Self::BillsRead => "bills:read",
            Self::EventsRead => "events:read",
            Self::WebhooksRead => "webhooks:read",
            Self::WebhooksWrite => "webhooks:write",
        }
    }

    /// Reads the stored word.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == text)
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closed_tenant_comes_back_into_no_state_and_no_tenant_is_invited_twice() {
        for state in TenantState::ALL {
            assert!(!TenantState::Closed.may_become(*state));
            assert!(!state.may_become(TenantState::Invited));
            assert!(!state.may_become(*state));
        }
    }

    #[test]
    fn who_is_only_invited_tries_in_test_mode() {
        assert!(TenantState::Invited.takes_orders(Mode::Test));
        assert!(!TenantState::Invited.takes_orders(Mode::Live));
        assert!(TenantState::Active.takes_orders(Mode::Live));
        assert!(!TenantState::Suspended.takes_orders(Mode::Test));
    }
}
