//! The resolver inside the connector: whatever it returns was vetted, so no second look-up can differ from the first.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use thiserror::Error;
use tokio::time::timeout;

use super::AddressPolicy;
use crate::sender::connection;

/// The answer of a [`Lookup`]: every address of the name.
pub type LookupFuture = BoxFuture<'static, io::Result<Vec<IpAddr>>>;

/// Looks a name up; the system's resolver unless something else is given.
pub type Lookup = Arc<dyn Fn(String) -> LookupFuture + Send + Sync>;

/// Why a name gave no address; the text reaches our log only, never a tenant.
#[derive(Debug, Error)]
pub(crate) enum ResolveFailure {
    #[error("looking the name up failed")]
    Lookup(#[source] io::Error),
    #[error("the name has no address")]
    Empty,
    #[error("looking the name up took too long")]
    TimedOut,
    #[error("the name leads to a forbidden address")]
    Blocked,
}

/// Resolves for the connector and refuses the whole name if any of its addresses is forbidden.
#[derive(Clone)]
pub(crate) struct GuardedResolver {
    policy: Arc<AddressPolicy>,
    lookup: Lookup,
    budget: Duration,
}

impl GuardedResolver {
    pub(crate) fn new(policy: Arc<AddressPolicy>, lookup: Lookup, budget: Duration) -> Self {
        Self {
            policy,
            lookup,
            budget,
        }
    }

    async fn vetted(self, name: String) -> Result<Vec<IpAddr>, ResolveFailure> {
        connection::lookup_begins();
        let found = timeout(self.budget, (self.lookup)(name)).await;
        connection::lookup_is_over();
        let addresses = found
            .map_err(|_| ResolveFailure::TimedOut)?
            .map_err(ResolveFailure::Lookup)?;
        if addresses.is_empty() {
            return Err(ResolveFailure::Empty);
        }
        if !addresses
            .iter()
            .all(|address| self.policy.permits(*address))
        {
            return Err(ResolveFailure::Blocked);
        }
        Ok(addresses)
    }
}

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let resolver = self.clone();
        Box::pin(async move {
            let addresses = resolver.vetted(name.as_str().to_owned()).await?;
            // Port zero is replaced by the URL's port.
            let addresses = addresses
                .into_iter()
                .map(|address| SocketAddr::new(address, 0));
            Ok(Box::new(addresses) as Addrs)
        })
    }
}

/// Returns the look-up that asks the system's resolver.
pub(crate) fn system_lookup() -> Lookup {
    Arc::new(|name| {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name, 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        })
    })
}
