//! `AEAD_AES_256_GCM`: notifications, platform certificates and encrypted bills.
//!
//! The tag is the last 16 bytes of the ciphertext. Nonces have 12 bytes in notifications and 16 in bills.

mod stream;

use aes_gcm::aead::consts::{U12, U13, U14, U15, U16};
use aes_gcm::aead::{Aead as _, KeyInit, Payload};
use aes_gcm::aes::Aes256;
use aes_gcm::{AesGcm, Nonce};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use crate::credentials::ApiV3Key;

pub use stream::OpeningStream;

/// The only algorithm of an RSA account.
pub const ALGORITHM: &str = "AEAD_AES_256_GCM";

const TAG_LENGTH: usize = 16;

/// Why something was not sealed or opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AeadError {
    /// The key does not have 32 bytes.
    #[error("the key must have 32 bytes")]
    KeyLength,
    /// The nonce does not have 12 to 16 bytes.
    #[error("the nonce must have 12 to 16 bytes")]
    NonceLength,
    /// The ciphertext is shorter than its tag.
    #[error("the ciphertext is shorter than the 16 bytes of its tag")]
    Truncated,
    /// The ciphertext is not base64.
    #[error("the ciphertext is not base64")]
    NotBase64,
    /// The tag does not match: another key, nonce or associated data, or altered bytes.
    #[error("the ciphertext does not match its tag")]
    Tag,
    /// The text is longer than one key and nonce may encrypt (64 GiB).
    #[error("the ciphertext is longer than its nonce allows")]
    TooLong,
    /// The envelope names an algorithm other than `AEAD_AES_256_GCM`.
    #[error("the algorithm is not supported")]
    Algorithm,
}

/// Decrypts base64 text under an APIv3 key.
pub fn open(
    key: &ApiV3Key,
    nonce: &str,
    associated_data: &str,
    ciphertext: &str,
) -> Result<Vec<u8>, AeadError> {
    open_with_any(
        std::slice::from_ref(key),
        nonce,
        associated_data,
        ciphertext,
    )
}

/// Decrypts base64 text under the first of several keys whose tag matches.
///
/// A retried notification may still be encrypted under the key that was replaced.
pub fn open_with_any(
    keys: &[ApiV3Key],
    nonce: &str,
    associated_data: &str,
    ciphertext: &str,
) -> Result<Vec<u8>, AeadError> {
    let bytes = BASE64_STANDARD
        .decode(ciphertext)
        .map_err(|_| AeadError::NotBase64)?;
    let mut outcome = Err(AeadError::Tag);
    for key in keys {
        outcome = open_bytes(
            key.as_bytes(),
            nonce.as_bytes(),
            associated_data.as_bytes(),
            &bytes,
        );
        if outcome != Err(AeadError::Tag) {
            break;
        }
    }
    outcome
}

/// Decrypts raw bytes (ciphertext followed by its tag) under a raw key, as bills need it.
pub fn open_bytes(
    key: &[u8],
    nonce: &[u8],
    associated_data: &[u8],
    ciphertext: &[u8],
) -> Result<Vec<u8>, AeadError> {
    if ciphertext.len() < TAG_LENGTH {
        return Err(AeadError::Truncated);
    }
    run::<Aes256>(
        key,
        nonce,
        Payload {
            msg: ciphertext,
            aad: associated_data,
        },
        Direction::Open,
    )
}

/// Encrypts `plain` under an APIv3 key and returns base64 text; a nonce must never be used twice.
pub fn seal(
    key: &ApiV3Key,
    nonce: &str,
    associated_data: &str,
    plain: &[u8],
) -> Result<String, AeadError> {
    let payload = Payload {
        msg: plain,
        aad: associated_data.as_bytes(),
    };
    let bytes = run::<Aes256>(key.as_bytes(), nonce.as_bytes(), payload, Direction::Seal)?;
    Ok(BASE64_STANDARD.encode(bytes))
}

/// Encrypts raw bytes under a raw key as bills are, without associated data: ciphertext followed by its tag.
pub fn seal_bytes(key: &[u8], nonce: &[u8], plain: &[u8]) -> Result<Vec<u8>, AeadError> {
    let payload = Payload {
        msg: plain,
        aad: b"",
    };
    run::<Aes256>(key, nonce, payload, Direction::Seal)
}

#[derive(Clone, Copy)]
enum Direction {
    Seal,
    Open,
}

/// Runs GCM with the nonce's own length, because the length is a type parameter of the cipher.
fn run<C>(
    key: &[u8],
    nonce: &[u8],
    payload: Payload<'_, '_>,
    direction: Direction,
) -> Result<Vec<u8>, AeadError>
where
    C: aes_gcm::aes::cipher::BlockCipherEncrypt
        + aes_gcm::aes::cipher::BlockSizeUser<BlockSize = U16>
        + KeyInit,
{
    macro_rules! with_nonce {
        ($size:ty) => {{
            let cipher =
                AesGcm::<C, $size>::new_from_slice(key).map_err(|_| AeadError::KeyLength)?;
            let nonce = <&Nonce<$size>>::try_from(nonce).map_err(|_| AeadError::NonceLength)?;
            match direction {
                Direction::Seal => cipher.encrypt(nonce, payload),
                Direction::Open => cipher.decrypt(nonce, payload),
            }
        }};
    }
    let outcome = match nonce.len() {
        12 => with_nonce!(U12),
        13 => with_nonce!(U13),
        14 => with_nonce!(U14),
        15 => with_nonce!(U15),
        16 => with_nonce!(U16),
        _ => return Err(AeadError::NonceLength),
    };
    outcome.map_err(|_| AeadError::Tag)
}

#[cfg(test)]
mod tests {
    use aes_gcm::aes::Aes128;

    use super::*;

    #[test]
    fn e1_of_the_go_sdk_opens_with_its_short_key_which_production_refuses() {
        let (key, nonce) = ("testAPIv3Key0000", "wCq51qZv4Yfg");
        let associated_data = "Dl56FrqWQJF1t9LtC3vEUsniZKvbqdR8";
        let ciphertext = BASE64_STANDARD
            .decode("FsdXzxryWfKwvLJKf8LG/ToRPTRh8RN9wROC")
            .unwrap();
        let payload = Payload {
            msg: &ciphertext,
            aad: associated_data.as_bytes(),
        };
        let plain = run::<Aes128>(key.as_bytes(), nonce.as_bytes(), payload, Direction::Open);
        assert_eq!(plain.unwrap(), b"Hello World");
        let refused = open_bytes(
            key.as_bytes(),
            nonce.as_bytes(),
            associated_data.as_bytes(),
            &ciphertext,
        );
        assert_eq!(refused, Err(AeadError::KeyLength));
        assert!(ApiV3Key::parse(key).is_err());
    }

    #[test]
    fn wrong_lengths_are_errors_for_every_length_up_to_forty() {
        let key = [7_u8; 32];
        for length in 0..40_usize {
            let opened = open_bytes(&key, &vec![b'n'; length], b"", &[0; 32]);
            let expected = if (12..=16).contains(&length) {
                AeadError::Tag
            } else {
                AeadError::NonceLength
            };
            assert_eq!(opened, Err(expected), "nonce of {length} bytes");
            let opened = open_bytes(&vec![7; length], b"123456789012", b"", &[0; 32]);
            let expected = if length == 32 {
                AeadError::Tag
            } else {
                AeadError::KeyLength
            };
            assert_eq!(opened, Err(expected), "key of {length} bytes");
            let opened = open_bytes(&key, b"123456789012", b"", &vec![0; length]);
            let expected = if length < 16 {
                AeadError::Truncated
            } else {
                AeadError::Tag
            };
            assert_eq!(opened, Err(expected), "ciphertext of {length} bytes");
        }
    }

    #[test]
    fn sealed_text_opens_with_each_nonce_length_and_with_an_older_key() {
        let old = ApiV3Key::parse(&"o".repeat(32)).unwrap();
        let new = ApiV3Key::parse(&"n".repeat(32)).unwrap();
        for length in 12..=16_usize {
            let nonce = "x".repeat(length);
            let sealed = seal(&old, &nonce, "aad", b"plain").unwrap();
            assert_eq!(open(&new, &nonce, "aad", &sealed), Err(AeadError::Tag));
            let keys = [new.clone(), old.clone()];
            assert_eq!(
                open_with_any(&keys, &nonce, "aad", &sealed).unwrap(),
                b"plain"
            );
            assert_eq!(
                open_with_any(&keys, &nonce, "", &sealed),
                Err(AeadError::Tag)
            );
        }
        assert_eq!(
            open_with_any(&[], "123456789012", "", ""),
            Err(AeadError::Tag)
        );
    }
}
