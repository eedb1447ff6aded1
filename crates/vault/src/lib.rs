//! Seals and opens secrets: a data key per owner (a tenant or a provider), wrapped by a
//! key-encryption key that never touches the database.
//!
//! Reading order: `key_source` (where the key-encryption key comes from), this file (wrapping),
//! `data_key` (sealing), `envelope` (the bytes). May import `tributary-domain` and nothing else of
//! the workspace. Deliberately absent: a database, a cache, a clock, the environment, serde, plain
//! text as a fallback when there is no key.

mod data_key;
mod envelope;
mod error;
mod fingerprint;
mod key_id;
mod key_source;

use std::fmt;

use aes_gcm::aead::Payload;
use zeroize::Zeroizing;

pub use crate::data_key::{DataKey, Place, SealedBlob, sealing_key_id};
pub use crate::error::VaultError;
pub use crate::fingerprint::fingerprint;
pub use crate::key_source::{EnvironmentValue, Kek, KeyCommand, KeyFile, KeySource};

use crate::envelope::{KEY_LEN, NONCE_LEN, TAG_LEN};
use crate::key_id::KeyId;

/// The first byte of every wrapped key and sealed blob; another layout gets another byte.
const LAYOUT_V1: u8 = 0x01;
const WRAPPED_LEN: usize = 1 + NONCE_LEN + KEY_LEN + TAG_LEN;

/// A data key as the database stores it: unreadable without its key-encryption key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrappedDataKey {
    /// `dk_` and 26 characters.
    pub id: String,
    /// Names the key-encryption key that opens it.
    pub kek_id: String,
    /// Whose secrets the key seals: a tenant's or a provider's id.
    pub owner: String,
    /// `0x01 | nonce(12) | ciphertext(32) | tag(16)`.
    pub wrapped: Vec<u8>,
}

/// Makes data keys under one key-encryption key, and unwraps those of others that it was given.
pub struct Vault {
    kek: Kek,
    others: Vec<Kek>,
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Vault({}, ***)", self.kek.id())
    }
}

impl Vault {
    /// Reads the key-encryption key from its source.
    pub fn new(source: &dyn KeySource) -> Result<Self, VaultError> {
        Ok(Self::open(source.kek()?))
    }

    /// Takes a key-encryption key that is at hand already.
    pub fn open(kek: Kek) -> Self {
        Self {
            kek,
            others: Vec::new(),
        }
    }

    /// Opens what this other key wraps as well; nothing new is wrapped by it.
    #[must_use]
    pub fn also_opening(mut self, kek: Kek) -> Self {
        self.others.push(kek);
        self
    }

    /// Names the key-encryption key that wraps.
    pub fn kek_id(&self) -> &str {
        self.kek.id()
    }

    /// Makes a fresh data key for one owner, with the wrapped form that must be stored before use.
    pub fn new_data_key(&self, owner: &str) -> Result<(DataKey, WrappedDataKey), VaultError> {
        let mut bytes = Zeroizing::new([0; KEY_LEN]);
        envelope::fill_random(bytes.as_mut_slice())?;
        let key = DataKey::new(KeyId::random()?, owner, bytes);
        let wrapped = wrap(&self.kek, &key)?;
        Ok((key, wrapped))
    }

    /// Opens a stored data key.
    pub fn unwrap(&self, stored: &WrappedDataKey) -> Result<DataKey, VaultError> {
        let kek = self.kek_of(stored)?;
        let id = KeyId::parse(&stored.id)?;
        let (nonce, ciphertext) = split_wrapped(&stored.wrapped)?;
        let aad = wrap_aad(kek.id(), &stored.owner, &stored.id)?;
        let plain = envelope::decrypt(
            kek.bytes(),
            nonce,
            Payload {
                msg: ciphertext,
                aad: &aad,
            },
        )
        .ok_or_else(|| VaultError::Unwrap {
            data_key: stored.id.clone(),
        })?;
        let bytes = plain
            .as_slice()
            .try_into()
            .map_err(|_| VaultError::Unwrap {
                data_key: stored.id.clone(),
            })?;
        Ok(DataKey::new(id, &stored.owner, Zeroizing::new(bytes)))
    }

    /// Wraps a stored data key again, under the key that wraps now; what it sealed stays as it is.
    pub fn rewrap(&self, stored: &WrappedDataKey) -> Result<WrappedDataKey, VaultError> {
        wrap(&self.kek, &self.unwrap(stored)?)
    }

    fn kek_of(&self, stored: &WrappedDataKey) -> Result<&Kek, VaultError> {
        let mut held = std::iter::once(&self.kek).chain(&self.others);
        held.find(|kek| kek.id() == stored.kek_id)
            .ok_or_else(|| VaultError::OtherKek {
                data_key: stored.id.clone(),
                wanted: stored.kek_id.clone(),
                held: self.kek.id().to_owned(),
            })
    }
}

fn wrap(kek: &Kek, key: &DataKey) -> Result<WrappedDataKey, VaultError> {
    let id = key.id();
    let aad = wrap_aad(kek.id(), key.owner(), &id)?;
    let nonce = envelope::random_nonce()?;
    let payload = Payload {
        msg: key.bytes(),
        aad: &aad,
    };
    let ciphertext = envelope::encrypt(kek.bytes(), &nonce, payload)?;
    let mut wrapped = Vec::with_capacity(WRAPPED_LEN);
    wrapped.push(LAYOUT_V1);
    wrapped.extend_from_slice(&nonce);
    wrapped.extend_from_slice(&ciphertext);
    Ok(WrappedDataKey {
        id,
        kek_id: kek.id().to_owned(),
        owner: key.owner().to_owned(),
        wrapped,
    })
}

fn wrap_aad(kek_id: &str, owner: &str, data_key: &str) -> Result<Vec<u8>, VaultError> {
    envelope::associated_data(&["kek:v1", kek_id, owner, data_key])
}

fn split_wrapped(wrapped: &[u8]) -> Result<(&[u8; NONCE_LEN], &[u8]), VaultError> {
    let wrong_length = || VaultError::WrappedLength {
        len: wrapped.len(),
        expected: WRAPPED_LEN,
    };
    if wrapped.len() != WRAPPED_LEN {
        return Err(wrong_length());
    }
    let (version, rest) = wrapped.split_first().ok_or_else(wrong_length)?;
    if *version != LAYOUT_V1 {
        return Err(VaultError::Layout { found: *version });
    }
    rest.split_first_chunk().ok_or_else(wrong_length)
}

/// Does not compile once a secret type can be printed or copied: a name is then found twice.
/// Nothing here can be serialised, because the crate does not know serde.
const _: () = {
    trait IfNot<A> {
        fn found_once() {}
    }
    struct Printed;
    struct Copied;
    impl<T> IfNot<()> for T {}
    impl<T: fmt::Debug> IfNot<Printed> for T {}
    impl<T: Clone> IfNot<Copied> for T {}
    let _ = <Kek as IfNot<_>>::found_once;
    let _ = <DataKey as IfNot<_>>::found_once;
    let _ = <EnvironmentValue as IfNot<_>>::found_once;
};

#[cfg(test)]
mod tests;
