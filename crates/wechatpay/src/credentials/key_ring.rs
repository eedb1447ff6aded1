//! The keys that WeChat signs with, by serial: platform certificates and public keys side by side.

use super::{Certificate, PublicKey};

/// An immutable set of WeChat's keys, looked up by what `Wechatpay-Serial` says.
///
/// A ring holds a handful of keys, so it is a list in order of insertion.
#[derive(Debug, Clone, Default)]
pub struct KeyRing {
    entries: Vec<Entry>,
    preferred: Option<String>,
}

#[derive(Debug, Clone)]
struct Entry {
    serial: String,
    key: PublicKey,
    kind: Kind,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    PublicKey,
    Certificate {
        not_before_unix: i64,
        not_after_unix: i64,
    },
}

impl KeyRing {
    /// Makes an empty ring, which verifies nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a platform certificate, replacing one of the same serial.
    #[must_use]
    pub fn with_certificate(self, certificate: Certificate) -> Self {
        let kind = Kind::Certificate {
            not_before_unix: certificate.not_before_unix,
            not_after_unix: certificate.not_after_unix,
        };
        let key = certificate.public_key();
        self.with_entry(Entry {
            serial: certificate.serial,
            key,
            kind,
        })
    }

    /// Adds a WeChat Pay public key under its id (`PUB_KEY_ID_…`), replacing one of the same id.
    #[must_use]
    pub fn with_public_key(self, id: impl Into<String>, key: PublicKey) -> Self {
        self.with_entry(Entry {
            serial: id.into(),
            key,
            kind: Kind::PublicKey,
        })
    }

    /// Names the key that requests announce and sensitive fields are encrypted with.
    #[must_use]
    pub fn with_preferred(mut self, serial: impl Into<String>) -> Self {
        self.preferred = Some(serial.into());
        self
    }

    /// Drops the certificates whose validity has ended at `now` (Unix seconds).
    #[must_use]
    pub fn without_expired(mut self, now: i64) -> Self {
        self.entries.retain(|entry| match entry.kind {
            Kind::PublicKey => true,
            Kind::Certificate { not_after_unix, .. } => now <= not_after_unix,
        });
        self
    }

    /// Finds the key of a serial. The id of a public key is opaque text; only certificate serials are read as hex.
    pub fn get(&self, serial: &str) -> Option<&PublicKey> {
        self.find(serial).map(|entry| &entry.key)
    }

    /// Returns what goes into `Wechatpay-Serial`: the named preference, else a public key, else the newest certificate.
    pub fn preferred(&self) -> Option<(&str, &PublicKey)> {
        let named = self
            .preferred
            .as_deref()
            .and_then(|serial| self.find(serial));
        let public_key = || {
            self.entries
                .iter()
                .rev()
                .find(|entry| entry.is_public_key())
        };
        let newest = || {
            self.entries
                .iter()
                .max_by_key(|entry| entry.not_before_unix())
        };
        let entry = named.or_else(public_key).or_else(newest)?;
        Some((&entry.serial, &entry.key))
    }

    /// Lists the serials in the order in which they were added.
    pub fn serials(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|entry| entry.serial.as_str())
    }

    /// Tells whether the ring holds no key at all.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    fn find(&self, serial: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.answers_to(serial))
    }

    fn with_entry(mut self, entry: Entry) -> Self {
        self.entries
            .retain(|known| !known.answers_to(&entry.serial));
        self.entries.push(entry);
        self
    }
}

impl Entry {
    fn is_public_key(&self) -> bool {
        matches!(self.kind, Kind::PublicKey)
    }

    fn not_before_unix(&self) -> i64 {
        match self.kind {
            Kind::PublicKey => i64::MIN,
            Kind::Certificate {
                not_before_unix, ..
            } => not_before_unix,
        }
    }

    fn answers_to(&self, serial: &str) -> bool {
        match self.kind {
            Kind::PublicKey => self.serial == serial,
            Kind::Certificate { .. } => same_hex(&self.serial, serial),
        }
    }
}

/// Some programs print a serial through an integer: lower case, leading zeros lost.
fn same_hex(known: &str, seen: &str) -> bool {
    let (known, seen) = (known.trim_start_matches('0'), seen.trim_start_matches('0'));
    !seen.is_empty() && known.eq_ignore_ascii_case(seen)
}

#[cfg(test)]
mod tests {
    use super::KeyRing;
    use crate::credentials::{PrivateKey, PublicKey, generate_pem};

    fn key() -> PublicKey {
        PrivateKey::from_pem(&generate_pem().unwrap().0)
            .unwrap()
            .public_key()
    }

    #[test]
    fn public_key_ids_are_opaque_text() {
        let ring = KeyRing::new().with_public_key("PUB_KEY_ID_0abc", key());
        assert!(ring.get("PUB_KEY_ID_0abc").is_some());
        assert!(ring.get("pub_key_id_0abc").is_none());
        assert!(ring.get("PUB_KEY_ID_abc").is_none());
        assert!(ring.get("").is_none());
    }

    #[test]
    fn a_named_preference_wins_over_a_public_key() {
        let ring = KeyRing::new()
            .with_public_key("A", key())
            .with_public_key("B", key());
        assert_eq!(ring.preferred().unwrap().0, "B");
        assert_eq!(ring.with_preferred("A").preferred().unwrap().0, "A");
        assert!(KeyRing::new().preferred().is_none());
    }

    #[test]
    fn the_same_id_twice_keeps_the_later_key() {
        let (first, second) = (key(), key());
        let ring = KeyRing::new()
            .with_public_key("A", first)
            .with_public_key("A", second.clone());
        assert_eq!(ring.serials().collect::<Vec<_>>(), ["A"]);
        assert_eq!(ring.get("A"), Some(&second));
    }
}
