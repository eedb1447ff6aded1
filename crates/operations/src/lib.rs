//! Use cases: the only place where rules, database, secrets and WeChat meet.
//!
//! An operation is: read, decide (pure, in `domain`), write the intent, call, write the result. No network call runs
//! inside a transaction. May import `domain`, `storage`, `vault`, `wechatpay`, `webhooks`; never HTTP routes, SQL or
//! the command line. Read `orders`, then `settlement` (the one door for money), then `notifications` and `polling`.

pub mod account;
pub mod actions;
pub mod alarms;
pub mod approvals;
pub mod audit;
pub mod audit_log;
pub mod authority;
pub mod bills;
mod budgets;
pub mod certificates;
pub mod changes;
pub mod courier;
pub mod credentials;
pub mod data_keys;
pub mod deliveries;
pub mod delivery_search;
pub mod endpoints;
mod error;
pub mod feed;
pub mod idempotency;
pub mod inbox;
pub mod jobs;
pub mod late_payments;
pub mod logins;
pub mod merchants;
pub mod notification_search;
pub mod notifications;
mod observation;
pub mod order_notes;
pub mod order_search;
pub mod orders;
pub mod pages;
pub mod polling;
pub mod provider_keys;
pub mod providers;
pub mod rate_limits;
pub mod readiness;
mod readings;
pub mod reconciliation;
pub mod refund_limits;
pub mod refund_search;
pub mod refunds;
pub mod retention;
mod sealing;
pub mod search;
pub mod settlement;
pub mod staff;
pub mod statistics;
pub mod system;
pub mod tenants;
pub mod timeline;
pub(crate) mod upstream_calls;
pub mod viewer;
mod wakeups;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64};

use moka::future::Cache;
use tokio::sync::OnceCell;
use tributary_domain::clock::{SharedClock, Timestamp};
use tributary_domain::ids::OrderId;
use tributary_storage::Storage;
use tributary_vault::Vault;
use tributary_webhooks::Sender;
use wechatpay::client::Transport;

pub use tributary_storage::tenancy;

pub use error::{LoginProblem, OperationError, PlainWords, UpstreamError};
pub use rate_limits::Limits;
pub use wakeups::Wakeups;

use crate::budgets::Budgets;
use crate::credentials::{CertificateCache, KeyCache, SigningKeys, Uses};
use crate::orders::preflight::MerchantCache;
use crate::provider_keys::meter::KeyMeter;
use crate::providers::ProviderCache;
use crate::rate_limits::RateLimits;
use crate::readings::NotedReads;
use crate::refunds::Taken;
use crate::sealing::Sealing;
use crate::staff::{Addresses, PasswordCost, Passwords, TokenKeys};
use crate::upstream_calls::WaitingCalls;

const SYNCS_KEPT_MAX: u64 = 100_000;
const SYNC_KEPT: std::time::Duration = std::time::Duration::from_secs(10);

/// What the operations are built from.
#[derive(Debug)]
pub struct OperationsConfig {
    /// Hands out the time.
    pub clock: SharedClock,
    /// The database.
    pub storage: Storage,
    /// Seals and opens secrets.
    pub vault: Vault,
    /// The connection pool towards WeChat.
    pub transport: Transport,
    /// Sends webhooks.
    pub sender: Sender,
    /// Where WeChat reaches us, without a trailing slash: the base of every `notify_url`.
    pub public_url: String,
    /// How long bills are kept, in days.
    pub bills_kept_days: u32,
    /// What a password of staff costs to try.
    pub password_cost: PasswordCost,
    /// What staff are told this installation is for.
    pub environment: Environment,
    /// What tenants may ask of us, and we of WeChat.
    pub limits: Limits,
}

/// What an installation is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Environment {
    /// Real money, when there is a live provider.
    Production,
    /// A demo on somebody's machine.
    Development,
}

impl Environment {
    /// The word shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Production => "production",
            Self::Development => "development",
        }
    }
}

/// How long bills are kept unless the installation says otherwise: five years and the days that leap years add.
pub const BILLS_KEPT_DAYS: u32 = 5 * 366;

/// Everything the platform can do. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Operations {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    clock: SharedClock,
    storage: Storage,
    sealing: Sealing,
    transport: Transport,
    sender: Sender,
    public_url: String,
    keys: KeyCache,
    certificates: CertificateCache,
    signing_keys: SigningKeys,
    uses: Uses,
    merchants: MerchantCache,
    providers: ProviderCache,
    /// When a tenant last made us ask WeChat about an order.
    syncs: Cache<OrderId, Timestamp>,
    waiting_calls: WaitingCalls,
    key_meter: KeyMeter,
    wakeups: Wakeups,
    budgets: Budgets,
    taken_refunds: Taken,
    limits: Limits,
    rate_limits: RateLimits,
    /// Rows without a next action, as last counted.
    stuck_rows: AtomicU64,
    /// When this process last computed the figures of hours, in milliseconds; 0 before it did.
    hours_computed_at: AtomicI64,
    bills_kept_days: i64,
    /// Tells this process from others where one leads.
    node: String,
    passwords: Passwords,
    addresses: Addresses,
    noted_reads: NotedReads,
    token_keys: OnceCell<TokenKeys>,
    environment: Environment,
}

impl Operations {
    /// Puts the parts together.
    pub fn new(config: OperationsConfig) -> Self {
        let inner = Inner {
            clock: config.clock,
            sealing: Sealing::new(config.vault),
            storage: config.storage,
            transport: config.transport,
            sender: config.sender,
            public_url: config.public_url.trim_end_matches('/').to_owned(),
            keys: KeyCache::default(),
            certificates: CertificateCache::default(),
            signing_keys: SigningKeys::default(),
            uses: Uses::default(),
            merchants: MerchantCache::default(),
            providers: ProviderCache::default(),
            syncs: Cache::builder()
                .max_capacity(SYNCS_KEPT_MAX)
                .time_to_live(SYNC_KEPT)
                .build(),
            waiting_calls: WaitingCalls::default(),
            key_meter: KeyMeter::default(),
            wakeups: Wakeups::default(),
            budgets: Budgets::new(config.limits.prepays_per_second),
            taken_refunds: Taken::new(),
            limits: config.limits,
            rate_limits: RateLimits::default(),
            stuck_rows: AtomicU64::new(0),
            hours_computed_at: AtomicI64::new(0),
            bills_kept_days: i64::from(config.bills_kept_days),
            node: courier::new_node_name(),
            passwords: Passwords::new(config.password_cost),
            addresses: Addresses::default(),
            noted_reads: NotedReads::default(),
            token_keys: OnceCell::new(),
            environment: config.environment,
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// The present instant.
    pub fn now(&self) -> Timestamp {
        self.inner.clock.now()
    }

    /// What background work waits for.
    pub fn wakeups(&self) -> &Wakeups {
        &self.inner.wakeups
    }

    pub(crate) fn storage(&self) -> &Storage {
        &self.inner.storage
    }

    pub(crate) fn sealing(&self) -> &Sealing {
        &self.inner.sealing
    }

    /// Where this installation is reached, without a trailing slash.
    pub fn public_url(&self) -> &str {
        &self.inner.public_url
    }

    /// Sends webhooks.
    pub fn sender(&self) -> &Sender {
        &self.inner.sender
    }
}
