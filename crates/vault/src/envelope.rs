//! The bytes: AES-256-GCM over length-prefixed associated data. Pure but for the two functions that
//! draw randomness, so that published vectors test it byte for byte.

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Key, Nonce};
use rand::TryRng;
use rand::rngs::SysRng;
use zeroize::Zeroizing;

use crate::error::VaultError;

pub(crate) const KEY_LEN: usize = 32;
pub(crate) const NONCE_LEN: usize = 12;
pub(crate) const TAG_LEN: usize = 16;

/// Joins fields with a big-endian u32 length before each, so that no two lists give the same bytes.
pub(crate) fn associated_data(fields: &[&str]) -> Result<Vec<u8>, VaultError> {
    let mut joined = Vec::with_capacity(fields.iter().map(|field| 4 + field.len()).sum());
    for field in fields {
        let len = u32::try_from(field.len()).map_err(|_| VaultError::TooLong)?;
        joined.extend_from_slice(&len.to_be_bytes());
        joined.extend_from_slice(field.as_bytes());
    }
    Ok(joined)
}

/// Encrypts, and appends the tag.
pub(crate) fn encrypt(
    key: &[u8; KEY_LEN],
    nonce: &[u8; NONCE_LEN],
    payload: Payload<'_, '_>,
) -> Result<Vec<u8>, VaultError> {
    cipher(key)
        .encrypt(&Nonce::from(*nonce), payload)
        .map_err(|_| VaultError::TooLong)
}

/// Decrypts what ends in its tag; `None` when key, nonce, data or associated data is not the one.
pub(crate) fn decrypt(
    key: &[u8; KEY_LEN],
    nonce: &[u8; NONCE_LEN],
    payload: Payload<'_, '_>,
) -> Option<Zeroizing<Vec<u8>>> {
    cipher(key)
        .decrypt(&Nonce::from(*nonce), payload)
        .ok()
        .map(Zeroizing::new)
}

/// Draws a nonce; 96 random bits are safe for the 2^32 uses that NIST allows one key.
pub(crate) fn random_nonce() -> Result<[u8; NONCE_LEN], VaultError> {
    let mut nonce = [0; NONCE_LEN];
    fill_random(&mut nonce)?;
    Ok(nonce)
}

/// Fills from the operating system's generator, which cannot be seeded or forked.
pub(crate) fn fill_random(buffer: &mut [u8]) -> Result<(), VaultError> {
    SysRng
        .try_fill_bytes(buffer)
        .map_err(|source| VaultError::Random { source })
}

fn cipher(key: &[u8; KEY_LEN]) -> Aes256Gcm {
    Aes256Gcm::new(<&Key<Aes256Gcm>>::from(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ascending<const N: usize>(first: u8) -> [u8; N] {
        std::array::from_fn(|index| first + u8::try_from(index).unwrap())
    }

    #[test]
    fn wrapping_vector_matches_byte_for_byte() {
        let aad = associated_data(&["kek:v1", "k-2026-01", "ten_01", "d-7"]).unwrap();
        let data_key: [u8; 32] = ascending(0x20);
        let sealed = encrypt(
            &ascending(0),
            &ascending(0),
            Payload {
                msg: &data_key,
                aad: &aad,
            },
        )
        .unwrap();
        assert_eq!(
            hex::encode(&sealed),
            "6723f438e1c0e43ca568bda09dc45642b3e7b507c44e694b005edfbe21543e8d\
             b315307224bc9e56babd49915226f940"
        );
        let opened = decrypt(
            &ascending(0),
            &ascending(0),
            Payload {
                msg: &sealed,
                aad: &aad,
            },
        )
        .unwrap();
        assert_eq!(opened.as_slice(), data_key);
    }

    #[test]
    fn sealing_vector_matches_and_refuses_another_tenant() {
        let key: [u8; 32] = ascending(0x20);
        let nonce: [u8; 12] = ascending(0x0c);
        let fields = [
            "dek:v1",
            "ten_01",
            "merchant_key",
            "api_v3_key",
            "mk_42",
            "d-7",
        ];
        let aad = associated_data(&fields).unwrap();
        let plain = b"0123456789abcdef0123456789abcdef";
        let sealed = encrypt(
            &key,
            &nonce,
            Payload {
                msg: plain,
                aad: &aad,
            },
        )
        .unwrap();
        assert_eq!(
            hex::encode(&sealed),
            "d20b7c0600083688e66c859691b186a19ea71984ff99af739fe1de7e486aed21\
             828cb4e66e9f4609c091278fb1ea7c58"
        );
        assert_eq!(
            decrypt(
                &key,
                &nonce,
                Payload {
                    msg: &sealed,
                    aad: &aad
                }
            )
            .unwrap()
            .as_slice(),
            plain
        );
        let fields = [
            "dek:v1",
            "ten_02",
            "merchant_key",
            "api_v3_key",
            "mk_42",
            "d-7",
        ];
        let foreign = associated_data(&fields).unwrap();
        assert!(
            decrypt(
                &key,
                &nonce,
                Payload {
                    msg: &sealed,
                    aad: &foreign
                }
            )
            .is_none()
        );
    }

    #[test]
    fn field_borders_are_part_of_the_associated_data() {
        assert_ne!(
            associated_data(&["ab", "c"]).unwrap(),
            associated_data(&["a", "bc"]).unwrap()
        );
    }

    #[test]
    fn ciphertext_shorter_than_its_tag_is_refused() {
        for len in 0..TAG_LEN {
            let msg = vec![0; len];
            assert!(
                decrypt(
                    &[1; 32],
                    &[2; 12],
                    Payload {
                        msg: &msg,
                        aad: b""
                    }
                )
                .is_none()
            );
        }
    }
}
