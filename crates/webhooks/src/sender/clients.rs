//! The HTTP client, replaced every minute so that no connection is reused past the vetting of its address.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::{Client, redirect};
use rustls::ClientConfig;
use tokio::time::Instant;

use super::SenderConfig;
use super::connection::{StepLimits, WatchLayer};
use crate::address_guard::{GuardedResolver, Lookup};

/// The longest that a kept connection is offered for reuse.
const MAX_CONNECTION_AGE: Duration = Duration::from_mins(1);
const MAX_RESPONSE_HEADERS: usize = 100;
/// The resolver ends by itself when its time is over; this limit only stands behind it.
const RESOLVER_SLACK: Duration = Duration::from_secs(1);
/// Idle connections kept per endpoint; the lane's cap on what is in flight is the same number.
const MAX_IDLE_PER_HOST: usize = 8;

pub(super) struct Clients {
    resolver: Arc<GuardedResolver>,
    limits: StepLimits,
    tls: ClientConfig,
    current: Mutex<Generation>,
}

struct Generation {
    client: Client,
    since: Instant,
}

impl Clients {
    pub(super) fn new(
        config: &SenderConfig,
        lookup: Lookup,
        tls: ClientConfig,
    ) -> reqwest::Result<Self> {
        let limits = StepLimits {
            dns: Duration::from_millis(config.dns_timeout_ms) + RESOLVER_SLACK,
            connect: Duration::from_millis(config.connect_timeout_ms),
            tls: Duration::from_millis(config.tls_timeout_ms),
        };
        let dns_budget = Duration::from_millis(config.dns_timeout_ms);
        let policy = Arc::new(config.policy.clone());
        let resolver = Arc::new(GuardedResolver::new(policy, lookup, dns_budget));
        let client = build(&resolver, limits, &tls)?;
        let current = Mutex::new(Generation {
            client,
            since: Instant::now(),
        });
        Ok(Self {
            resolver,
            limits,
            tls,
            current,
        })
    }

    /// Returns the current client; dropping the one before closes its idle connections.
    pub(super) fn current(&self) -> reqwest::Result<Client> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if current.since.elapsed() >= MAX_CONNECTION_AGE {
            let client = build(&self.resolver, self.limits, &self.tls)?;
            *current = Generation {
                client,
                since: Instant::now(),
            };
        }
        Ok(current.client.clone())
    }
}

fn build(
    resolver: &Arc<GuardedResolver>,
    limits: StepLimits,
    tls: &ClientConfig,
) -> reqwest::Result<Client> {
    Client::builder()
        .dns_resolver(Arc::clone(resolver))
        .connector_layer(WatchLayer(limits))
        .redirect(redirect::Policy::none())
        .referer(false)
        .no_proxy()
        .tls_backend_preconfigured(tls.clone())
        .http1_only()
        .http1_max_headers(MAX_RESPONSE_HEADERS)
        .tcp_nodelay(true)
        .pool_idle_timeout(MAX_CONNECTION_AGE)
        .pool_max_idle_per_host(MAX_IDLE_PER_HOST)
        .build()
}

impl fmt::Debug for Clients {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Clients")
    }
}
