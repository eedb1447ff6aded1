//! Which addresses and URLs we send to. The first wall is here; network segmentation is the second.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

mod endpoint_url;
mod network;
mod resolver;
#[cfg(test)]
mod tests;

pub use endpoint_url::{EndpointUrl, UrlRefused};
pub use network::{Network, NetworkError};
pub(crate) use resolver::{GuardedResolver, ResolveFailure, system_lookup};
pub use resolver::{Lookup, LookupFuture};

/// What is refused in IPv4: everything that is not the public unicast internet, and Azure's host agent.
const FORBIDDEN_V4: [(Ipv4Addr, u8); 16] = [
    (Ipv4Addr::UNSPECIFIED, 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    (Ipv4Addr::new(240, 0, 0, 0), 4),
    (Ipv4Addr::new(168, 63, 129, 16), 32),
];

/// The only part of IPv6 that is sent to; mapped, translated, local and multicast forms all lie outside.
const ALLOWED_V6: (Ipv6Addr, u8) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);

/// What is refused within [`ALLOWED_V6`]: protocol assignments (Teredo), documentation, 6to4, documentation.
const FORBIDDEN_V6: [(Ipv6Addr, u8); 4] = [
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
];

/// What an installation permits besides, or refuses on top of, the fixed list.
#[derive(Clone, Debug, Default)]
pub struct AddressPolicy {
    /// Permits loopback addresses, `localhost` and plain `http` to them; for development only.
    pub allow_loopback: bool,
    /// Networks that are permitted although the list forbids them; IP literals within them may be endpoint hosts.
    pub allowed: Vec<Network>,
    /// Networks that are refused although the list permits them, our own public addresses among them.
    pub denied: Vec<Network>,
    /// Our own host names, which would make us call ourselves.
    pub own_hosts: Vec<String>,
}

impl AddressPolicy {
    /// Tells whether a connection to this address may be opened.
    pub fn permits(&self, address: IpAddr) -> bool {
        if contains(&self.denied, address) {
            return false;
        }
        self.permits_explicitly(address) || !is_forbidden(address)
    }

    /// Tells whether configuration, and not merely the fixed list, permits this address.
    fn permits_explicitly(&self, address: IpAddr) -> bool {
        contains(&self.allowed, address) || (self.allow_loopback && address.is_loopback())
    }
}

/// Tells whether the fixed list refuses this address.
pub fn is_forbidden(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => within_v4(address, &FORBIDDEN_V4),
        IpAddr::V6(address) => {
            !within_v6(address, &[ALLOWED_V6]) || within_v6(address, &FORBIDDEN_V6)
        }
    }
}

fn contains(networks: &[Network], address: IpAddr) -> bool {
    networks.iter().any(|network| network.contains(address))
}

fn within_v4(address: Ipv4Addr, list: &[(Ipv4Addr, u8)]) -> bool {
    let bits = u128::from(address.to_bits());
    list.iter().any(|(base, prefix)| {
        network::same_prefix(bits, u128::from(base.to_bits()), 32 - u32::from(*prefix))
    })
}

fn within_v6(address: Ipv6Addr, list: &[(Ipv6Addr, u8)]) -> bool {
    list.iter().any(|(base, prefix)| {
        network::same_prefix(address.to_bits(), base.to_bits(), 128 - u32::from(*prefix))
    })
}
