//! Tenants, the two modes that never mix, and what a credential may do.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::ids::TenantId;
use crate::late_payment::LatePolicy;

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

/// Our customer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tenant {
    /// Its id.
    pub id: TenantId,
    /// Its name, shown to people.
    pub name: String,
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
