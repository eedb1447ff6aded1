//! Slows down those who guess: by the account that they try, and by where they come from. Nobody is locked out for good.

use std::net::IpAddr;

use moka::sync::Cache;
use tributary_domain::clock::Timestamp;
use tributary_domain::staff_member::wait_after;
use tributary_storage::sign_in_failures::{self, Failures};

use super::tokens::hash_of;
use crate::{OperationError, Operations};

/// Sign-ins that one address may try in a minute, on one node.
const PER_MINUTE_MAX: u32 = 30;
const MINUTE_MS: i64 = 60_000;
const ADDRESSES_KEPT_MAX: u64 = 10_000;
const ADDRESS_KEPT: std::time::Duration = std::time::Duration::from_mins(2);
/// Tries to note a failure when another request notes one of the same account at the same moment.
const NOTING_TRIES_MAX: u32 = 5;

/// How often each address tried within its minute.
#[derive(Debug)]
pub(crate) struct Addresses(Cache<(IpAddr, i64), u32>);

impl Default for Addresses {
    fn default() -> Self {
        let cache = Cache::builder()
            .max_capacity(ADDRESSES_KEPT_MAX)
            .time_to_live(ADDRESS_KEPT)
            .build();
        Self(cache)
    }
}

impl Addresses {
    /// Counts a try; answers how long to wait when there were too many.
    fn count(&self, ip: IpAddr, now: Timestamp) -> Option<i64> {
        let minute = now.as_millis().div_euclid(MINUTE_MS);
        let entry = self.0.entry((network_of(ip), minute));
        let counted = entry
            .and_upsert_with(|known| known.map_or(1, |known| known.into_value().saturating_add(1)));
        let too_many = counted.into_value() > PER_MINUTE_MAX;
        too_many.then(|| (minute + 1) * MINUTE_MS - now.as_millis())
    }
}

/// Whoever has one address of IPv6 has all of its /64.
fn network_of(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(_) => ip,
        IpAddr::V6(ip) => {
            let network = ip.to_bits() >> 64 << 64;
            IpAddr::V6(network.into())
        }
    }
}

/// A try that was counted as failed before it was judged, so that many at once gain nothing.
#[derive(Debug)]
pub(super) struct Try {
    /// The hash of the name that was given.
    pub(super) subject: String,
}

impl Operations {
    /// Counts a try from `ip`; refuses when there were too many within a minute.
    pub(super) fn count_address(&self, ip: Option<IpAddr>) -> Result<(), OperationError> {
        match ip.and_then(|ip| self.inner.addresses.count(ip, self.now())) {
            Some(wait_ms) => Err(OperationError::TooManyAttempts { wait_ms }),
            None => Ok(()),
        }
    }

    /// Counts a try of `name` from `ip`; refuses while either has to wait.
    pub(super) async fn begin_try(
        &self,
        name: &str,
        ip: Option<IpAddr>,
    ) -> Result<Try, OperationError> {
        self.count_address(ip)?;
        let now = self.now();
        let name = name.trim().to_lowercase();
        let subject = hash_of("sign-in", &name);
        for _ in 0..NOTING_TRIES_MAX {
            match self.note_failure(&subject, now).await {
                Err(OperationError::Storage(error)) if error.is_duplicate() => {}
                other => return other.map(|()| Try { subject }),
            }
        }
        Err(OperationError::Busy)
    }

    async fn note_failure(&self, subject: &str, now: Timestamp) -> Result<(), OperationError> {
        let tx = self.storage().begin().await?;
        let before = sign_in_failures::lock(&tx, subject).await?;
        let blocked_until = before.map_or(now, |before| before.blocked_until);
        if now < blocked_until {
            let wait_ms = blocked_until.as_millis() - now.as_millis();
            return Err(OperationError::TooManyAttempts { wait_ms });
        }
        let count = before.map_or(0, |before| before.count).saturating_add(1);
        let after = Failures {
            count,
            blocked_until: now.plus_millis(wait_after(count)),
        };
        sign_in_failures::write(&tx, subject, before, after, now).await?;
        Ok(tx.commit().await?)
    }

    /// Takes one failure back: the password was right, and only the second factor is still missing.
    pub(super) async fn take_back(&self, tried: &Try) -> Result<(), OperationError> {
        let now = self.now();
        let tx = self.storage().begin().await?;
        if let Some(before) = sign_in_failures::lock(&tx, &tried.subject).await? {
            let count = before.count.saturating_sub(1);
            let after = Failures {
                count,
                blocked_until: now.plus_millis(wait_after(count)),
            };
            sign_in_failures::write(&tx, &tried.subject, Some(before), after, now).await?;
        }
        Ok(tx.commit().await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_tries_thirty_times_a_minute() {
        let addresses = Addresses::default();
        let ip: IpAddr = "192.0.2.1".parse().unwrap();
        let at = Timestamp::from_millis;
        for _ in 0..PER_MINUTE_MAX {
            assert_eq!(addresses.count(ip, at(1_000)), None);
        }
        assert_eq!(addresses.count(ip, at(1_000)), Some(59_000));
        assert_eq!(addresses.count(ip, at(60_000)), None);
    }

    #[test]
    fn a_network_of_ipv6_counts_as_one() {
        let of = |text: &str| network_of(text.parse().unwrap());
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:1"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
    }
}
