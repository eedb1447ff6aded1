//! Seals and opens secrets: a data key per owner (a tenant or a provider), wrapped by one
//! key-encryption key that never touches the database.
//!
//! Reading order: `key_source` (where the key-encryption key comes from), this file (wrapping),
//! `data_key` (sealing), `envelope` (the bytes). May import `tributary-domain` and nothing else of
//! the workspace. Deliberately absent: a database, a cache, a clock, the environment, plain text as
//! a fallback when there is no key.

mod data_key;
mod envelope;
mod error;
mod fingerprint;
mod key_id;
mod key_source;

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

/// Makes and unwraps data keys under one key-encryption key.
#[derive(Debug)]
pub struct Vault {
    kek: Kek,
}

impl Vault {
    /// Reads the key-encryption key from its source.
    pub fn new(source: &dyn KeySource) -> Result<Self, VaultError> {
        Ok(Self::open(source.kek()?))
    }

    /// Takes a key-encryption key that is at hand already.
    pub fn open(kek: Kek) -> Self {
        Self { kek }
    }

    /// Names the key-encryption key in use.
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
        if stored.kek_id != self.kek.id() {
            return Err(VaultError::OtherKek {
                data_key: stored.id.clone(),
                wanted: stored.kek_id.clone(),
                held: self.kek.id().to_owned(),
            });
        }
        let id = KeyId::parse(&stored.id)?;
        let (nonce, ciphertext) = split_wrapped(&stored.wrapped)?;
        let aad = wrap_aad(self.kek.id(), &stored.owner, &stored.id)?;
        let plain = envelope::decrypt(
            self.kek.bytes(),
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

    /// Wraps a stored data key again under a new key-encryption key; what it sealed stays as it is.
    pub fn rewrap(
        &self,
        stored: &WrappedDataKey,
        new_kek: &Kek,
    ) -> Result<WrappedDataKey, VaultError> {
        wrap(new_kek, &self.unwrap(stored)?)
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

#[cfg(test)]
mod tests;
