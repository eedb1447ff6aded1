//! What a tenant proves itself with: API keys and certificates, how long they last, where they may be used from.

use std::fmt;
use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::ids::{ApiKeyId, CertificateId, TenantId};
use crate::tenant::{Mode, Scope};

const HOUR_MS: i64 = 3_600_000;
/// A credential that nobody used for so long is one that nobody would miss, or watch.
const UNUSED_AFTER_MS: i64 = 90 * 24 * HOUR_MS;

/// An API key as it is kept: never the key, only its hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    /// Its id.
    pub id: ApiKeyId,
    /// Whose it is.
    pub tenant_id: TenantId,
    /// Which of the two worlds it opens.
    pub mode: Mode,
    /// What a person calls it.
    pub name: String,
    /// The first characters of the key, enough to recognise it.
    pub prefix: String,
    /// SHA-256 of the whole key, in hex.
    pub hash: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// From where it may be used.
    pub networks: NetworkList,
    /// When it stops working.
    pub expires_at: Option<Timestamp>,
    /// When it was withdrawn.
    pub revoked_at: Option<Timestamp>,
    /// The key that takes its place, once it was rolled.
    pub successor: Option<ApiKeyId>,
    /// When it was last used, in coarse steps.
    pub last_use: Option<LastUse>,
    /// When it was made.
    pub created_at: Timestamp,
}

impl ApiKey {
    /// Whether the key opens anything at `now`.
    pub fn is_usable(&self, now: Timestamp) -> bool {
        is_open(now, self.expires_at, self.revoked_at)
    }

    /// Whether nobody has used it for 90 days.
    pub fn is_unused(&self, now: Timestamp) -> bool {
        is_unused(now, self.last_use, self.created_at)
    }
}

/// How a certificate came to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CertificateKind {
    /// The platform issued it for the tenant's request.
    Issued,
    /// The tenant registered its public key.
    PublicKey,
}

impl CertificateKind {
    /// The word stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Issued => "issued",
            Self::PublicKey => "public_key",
        }
    }

    /// Reads the stored word.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Issued, Self::PublicKey]
            .into_iter()
            .find(|kind| kind.as_str() == text)
    }
}

/// A public key that a tenant's requests are verified with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TenantCertificate {
    /// Its id.
    pub id: CertificateId,
    /// Whose it is.
    pub tenant_id: TenantId,
    /// Which of the two worlds it opens.
    pub mode: Mode,
    /// What a person calls it.
    pub name: String,
    /// How it came to be.
    pub kind: CertificateKind,
    /// What requests name it by: a certificate's serial, or the id that a registered key was given.
    pub serial: String,
    /// The certificate, or the public key, in PEM.
    pub pem: String,
    /// SHA-256 of the public key, in hex.
    pub fingerprint: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// When it stops working.
    pub expires_at: Option<Timestamp>,
    /// When it was withdrawn.
    pub revoked_at: Option<Timestamp>,
    /// When it was last used, in coarse steps.
    pub last_use: Option<LastUse>,
    /// When it was made.
    pub created_at: Timestamp,
}

impl TenantCertificate {
    /// Whether it opens anything at `now`.
    pub fn is_usable(&self, now: Timestamp) -> bool {
        is_open(now, self.expires_at, self.revoked_at)
    }

    /// Whether nobody has used it for 90 days.
    pub fn is_unused(&self, now: Timestamp) -> bool {
        is_unused(now, self.last_use, self.created_at)
    }
}

/// When and from where a credential was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastUse {
    /// When.
    pub at: Timestamp,
    /// From where, when that is known.
    pub address: Option<IpAddr>,
}

fn is_open(now: Timestamp, expires_at: Option<Timestamp>, revoked_at: Option<Timestamp>) -> bool {
    revoked_at.is_none_or(|at| now < at) && expires_at.is_none_or(|at| now < at)
}

fn is_unused(now: Timestamp, last_use: Option<LastUse>, created_at: Timestamp) -> bool {
    let last = last_use.map_or(created_at, |last| last.at);
    last.plus_millis(UNUSED_AFTER_MS) <= now
}

/// How long an API key works on beside the one that takes its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overlap {
    /// Not at all: the old key is known to others.
    None,
    /// An hour.
    Hour,
    /// A day.
    Day,
    /// Three days, for those who deploy before a holiday.
    ThreeDays,
}

impl Overlap {
    /// Reads a number of hours: 0, 1, 24 or 72.
    pub const fn from_hours(hours: u32) -> Option<Self> {
        match hours {
            0 => Some(Self::None),
            1 => Some(Self::Hour),
            24 => Some(Self::Day),
            72 => Some(Self::ThreeDays),
            _ => None,
        }
    }

    /// The same in hours.
    pub const fn hours(self) -> u32 {
        match self {
            Self::None => 0,
            Self::Hour => 1,
            Self::Day => 24,
            Self::ThreeDays => 72,
        }
    }

    /// When the old key ends.
    pub fn ends_at(self, now: Timestamp) -> Timestamp {
        now.plus_millis(i64::from(self.hours()).saturating_mul(HOUR_MS))
    }
}

/// Why a text is not a list of networks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NetworkListError {
    /// One of them is neither an address nor a network.
    #[error("{0} is neither an IP address nor a network such as 198.51.100.0/24")]
    NotANetwork(String),
    /// There are too many.
    #[error("at most {} networks", NetworkList::MAX)]
    TooMany,
}

/// Networks that a credential may be used from; an empty list is no restriction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NetworkList(Vec<IpNet>);

impl NetworkList {
    /// Entries at most.
    pub const MAX: usize = 50;

    /// Reads addresses and networks in CIDR form, IPv4 and IPv6.
    pub fn parse<T: AsRef<str>>(
        texts: impl IntoIterator<Item = T>,
    ) -> Result<Self, NetworkListError> {
        let mut networks = Vec::new();
        for text in texts {
            let network = read_network(text.as_ref().trim())?;
            if !networks.contains(&network) {
                networks.push(network);
            }
        }
        if networks.len() > Self::MAX {
            return Err(NetworkListError::TooMany);
        }
        Ok(Self(networks))
    }

    /// Whether there is no restriction.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the list permits a caller from `address`; one whose address is unknown passes no restriction.
    pub fn admits(&self, address: Option<IpAddr>) -> bool {
        self.is_empty() || address.is_some_and(|address| self.contains(address))
    }

    /// Whether an address is in one of the networks; an IPv4 address in IPv6's clothes is the IPv4 address.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }

    /// The networks as texts.
    pub fn texts(&self) -> Vec<String> {
        self.0.iter().map(ToString::to_string).collect()
    }
}

impl fmt::Display for NetworkList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.texts().join(" "))
    }
}

fn read_network(text: &str) -> Result<IpNet, NetworkListError> {
    let address = || {
        text.parse::<IpAddr>()
            .map(|at| IpNet::from(at.to_canonical()))
    };
    let network = text.parse::<IpNet>().map(|network| network.trunc());
    network
        .or_else(|_| address())
        .map_err(|_| NetworkListError::NotANetwork(text.chars().take(64).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(texts: &[&str]) -> NetworkList {
        NetworkList::parse(texts).unwrap()
    }

    fn at(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_list_admits_its_networks_and_nobody_else() {
        let list = list(&["198.51.100.7", "203.0.113.0/24", "2001:db8::/32"]);
        for inside in [
            "198.51.100.7",
            "203.0.113.255",
            "2001:db8:1::1",
            "::ffff:203.0.113.9",
        ] {
            assert!(list.admits(Some(at(inside))), "{inside}");
        }
        for outside in ["198.51.100.8", "203.0.114.0", "2001:db9::1", "::1"] {
            assert!(!list.admits(Some(at(outside))), "{outside}");
        }
        assert!(!list.admits(None));
        assert!(NetworkList::default().admits(None));
    }

    #[test]
    fn a_list_is_kept_as_it_was_meant() {
        let list = list(&["203.0.113.77/24", "203.0.113.0/24", "::ffff:192.0.2.1"]);
        assert_eq!(list.to_string(), "203.0.113.0/24 192.0.2.1/32");
        let again = NetworkList::parse(list.to_string().split(' ')).unwrap();
        assert_eq!(again, list);
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for text in [
            "",
            "300.1.1.1",
            "10.0.0.0/33",
            "example.com",
            "10.0.0.0/8/8",
        ] {
            assert!(NetworkList::parse([text]).is_err(), "{text}");
        }
        let many: Vec<String> = (0..=NetworkList::MAX)
            .map(|n| format!("10.0.0.{n}"))
            .collect();
        assert_eq!(NetworkList::parse(many), Err(NetworkListError::TooMany));
    }

    #[test]
    fn an_overlap_is_one_of_four() {
        let now = Timestamp::from_seconds(1_000);
        for (hours, ends) in [(0, 1_000), (1, 4_600), (24, 87_400), (72, 260_200)] {
            let overlap = Overlap::from_hours(hours).unwrap();
            assert_eq!(overlap.hours(), hours);
            assert_eq!(overlap.ends_at(now), Timestamp::from_seconds(ends));
        }
        assert_eq!(Overlap::from_hours(2), None);
    }

    #[test]
    fn a_credential_is_unused_after_ninety_days_without_a_use() {
        let made = Timestamp::from_seconds(0);
        let day = |days: i64| Timestamp::from_seconds(days * 86_400);
        let used = Some(LastUse {
            at: day(50),
            address: None,
        });
        assert!(!is_unused(day(89), None, made));
        assert!(is_unused(day(90), None, made));
        assert!(!is_unused(day(139), used, made));
        assert!(is_unused(day(140), used, made));
    }

    #[test]
    fn a_credential_ends_at_the_first_of_its_ends() {
        let (early, late) = (Timestamp::from_seconds(1), Timestamp::from_seconds(2));
        assert!(is_open(early, Some(late), None));
        assert!(!is_open(late, Some(late), None));
        assert!(!is_open(early, Some(late), Some(early)));
    }
}
