//! One owner's data key, and what it seals. A sealed value opens only under its owner's key, in the
//! table, column and row for which it was sealed.

use std::fmt;

use aes_gcm::aead::Payload;
use zeroize::Zeroizing;

use crate::LAYOUT_V1;
use crate::envelope::{self, KEY_LEN, NONCE_LEN, TAG_LEN};
use crate::error::VaultError;
use crate::key_id::{KEY_ID_LEN, KeyId};

const EMPTY_BLOB_LEN: usize = 1 + KEY_ID_LEN + NONCE_LEN + TAG_LEN;

/// Where a sealed value lives; it opens nowhere else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place<'a> {
    /// The table's name.
    pub table: &'a str,
    /// The column's name.
    pub column: &'a str,
    /// The row's id.
    pub row: &'a str,
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{} of {}", self.table, self.column, self.row)
    }
}

/// A sealed value: `0x01 | data key id(16) | nonce(12) | ciphertext | tag(16)`.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedBlob(pub Vec<u8>);

impl AsRef<[u8]> for SealedBlob {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl From<SealedBlob> for Vec<u8> {
    fn from(blob: SealedBlob) -> Self {
        blob.0
    }
}

impl fmt::Debug for SealedBlob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealedBlob({} bytes)", self.0.len())
    }
}

/// An unwrapped data key; zeroised when dropped, and neither printable nor cloneable.
pub struct DataKey {
    id: KeyId,
    owner: String,
    bytes: Zeroizing<[u8; KEY_LEN]>,
}

impl DataKey {
    pub(crate) fn new(id: KeyId, owner: &str, bytes: Zeroizing<[u8; KEY_LEN]>) -> Self {
        Self {
            id,
            owner: owner.to_owned(),
            bytes,
        }
    }

    /// Gives the key's id, as [`crate::WrappedDataKey::id`] spells it.
    pub fn id(&self) -> String {
        self.id.to_text()
    }

    /// Names the tenant or provider whose secrets the key seals.
    pub fn owner(&self) -> &str {
        &self.owner
    }

    pub(crate) fn bytes(&self) -> &[u8; KEY_LEN] {
        &self.bytes
    }

    /// Seals a value for one place.
    pub fn seal(&self, place: &Place<'_>, plaintext: &[u8]) -> Result<SealedBlob, VaultError> {
        let aad = self.associated_data(place)?;
        let nonce = envelope::random_nonce()?;
        let payload = Payload {
            msg: plaintext,
            aad: &aad,
        };
        let ciphertext = envelope::encrypt(&self.bytes, &nonce, payload)?;
        let mut blob = Vec::with_capacity(EMPTY_BLOB_LEN + plaintext.len());
        blob.push(LAYOUT_V1);
        blob.extend_from_slice(&self.id.to_bytes());
        blob.extend_from_slice(&nonce);
        blob.extend_from_slice(&ciphertext);
        Ok(SealedBlob(blob))
    }

    /// Opens a value that was sealed by this key for this place.
    pub fn open(&self, place: &Place<'_>, blob: &[u8]) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let (sealed_by, rest) = split_header(blob)?;
        if sealed_by != self.id {
            return Err(VaultError::OtherDataKey {
                place: place.to_string(),
                wanted: sealed_by.to_text(),
                held: self.id(),
            });
        }
        let (nonce, ciphertext) = rest.split_first_chunk().ok_or_else(|| too_short(blob))?;
        let aad = self.associated_data(place)?;
        envelope::decrypt(
            &self.bytes,
            nonce,
            Payload {
                msg: ciphertext,
                aad: &aad,
            },
        )
        .ok_or_else(|| VaultError::Open {
            place: place.to_string(),
        })
    }

    fn associated_data(&self, place: &Place<'_>) -> Result<Vec<u8>, VaultError> {
        let id = self.id();
        let fields = [
            "dek:v1",
            &self.owner,
            place.table,
            place.column,
            place.row,
            &id,
        ];
        envelope::associated_data(&fields)
    }
}

/// Names the data key that sealed a blob, so that the caller can load it.
pub fn sealing_key_id(blob: &[u8]) -> Result<String, VaultError> {
    split_header(blob).map(|(id, _)| id.to_text())
}

fn split_header(blob: &[u8]) -> Result<(KeyId, &[u8]), VaultError> {
    if blob.len() < EMPTY_BLOB_LEN {
        return Err(too_short(blob));
    }
    let (version, rest) = blob.split_first().ok_or_else(|| too_short(blob))?;
    if *version != LAYOUT_V1 {
        return Err(VaultError::Layout { found: *version });
    }
    let (id, rest) = rest.split_first_chunk().ok_or_else(|| too_short(blob))?;
    Ok((KeyId::from_bytes(*id), rest))
}

fn too_short(blob: &[u8]) -> VaultError {
    VaultError::BlobLength {
        len: blob.len(),
        least: EMPTY_BLOB_LEN,
    }
}
