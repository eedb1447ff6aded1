//! Bills as WeChat makes them: packed, hashed, and for sub-merchants' accounts encrypted part by part.

use std::io::Write as _;

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use flate2::write::GzEncoder;
use zeroize::Zeroizing;

use crate::credentials::{OaepError, PublicKey};
use crate::random_nonce;
use crate::v3::aead::{self, AeadError};
use crate::v3::bills::Compression;

/// A file's key is 32 characters, as WeChat's are.
const FILE_KEY_LENGTH: usize = 32;
/// Longer than GCM's own twelve, as in WeChat's published example.
const NONCE_LENGTH: usize = 16;

/// An encrypted part of a bill.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedBillPart {
    /// The file's key, encrypted for the merchant's certificate, in base64.
    pub encrypt_key: String,
    /// The file's nonce.
    pub nonce: String,
    /// The file: ciphertext followed by its tag.
    pub file: Vec<u8>,
}

/// Why a part was not encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BillSealError {
    /// The merchant's key refused the file's key.
    #[error("encrypting the key of a bill's part")]
    Key(#[source] OaepError),
    /// The part could not be encrypted.
    #[error("encrypting a bill's part")]
    Part(#[source] AeadError),
}

/// Returns the SHA-1 of a bill's plain content in hex, as `hash_value` holds it.
pub fn bill_hash(content: &[u8]) -> String {
    hex::encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, content))
}

/// Packs a bill's content as `tar_type` asks for.
pub fn pack_bill(content: &[u8], compression: Compression) -> std::io::Result<Vec<u8>> {
    match compression {
        Compression::None => Ok(content.to_vec()),
        Compression::Gzip => {
            let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(content)?;
            encoder.finish()
        }
    }
}

/// Encrypts a packed part under a fresh key and nonce for the merchant with the public key `recipient`.
pub fn seal_bill_part(
    recipient: &PublicKey,
    packed: &[u8],
) -> Result<SealedBillPart, BillSealError> {
    let key = Zeroizing::new(random_nonce(FILE_KEY_LENGTH));
    let nonce = random_nonce(NONCE_LENGTH);
    let encrypt_key = recipient
        .encrypt_oaep(key.as_bytes())
        .map_err(BillSealError::Key)?;
    let file =
        aead::seal_bytes(key.as_bytes(), nonce.as_bytes(), packed).map_err(BillSealError::Part)?;
    Ok(SealedBillPart {
        encrypt_key,
        nonce,
        file,
    })
}
