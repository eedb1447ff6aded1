//! `req_info` of a V2 refund notice: AES-256-ECB, which keeps no integrity. Confirm what it says by a query.

use aes_gcm::aes::Aes256;
use aes_gcm::aes::cipher::{Block, BlockCipherDecrypt as _, KeyInit as _};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use md5::{Digest as _, Md5};
use zeroize::Zeroizing;

use crate::credentials::ApiV2Key;

const BLOCK_LENGTH: usize = 16;

/// Why a refund notice was not decrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoticeError {
    /// The text is not base64.
    #[error("the notice is not base64")]
    NotBase64,
    /// The text is empty or not a whole number of blocks.
    #[error("the notice is not a whole number of blocks")]
    Length,
    /// The padding is wrong: another key, or altered bytes.
    #[error("the notice cannot be decrypted with this key")]
    Padding,
}

/// Decrypts `req_info` into XML with the root `<root>`.
pub fn open_refund_notice(key: &ApiV2Key, req_info: &str) -> Result<Vec<u8>, NoticeError> {
    let key = Zeroizing::new(hex::encode(Md5::digest(key.as_bytes())));
    open_ecb(key.as_bytes(), req_info)
}

fn open_ecb(key: &[u8], text: &str) -> Result<Vec<u8>, NoticeError> {
    let mut bytes = BASE64_STANDARD
        .decode(text)
        .map_err(|_| NoticeError::NotBase64)?;
    if bytes.is_empty() || !bytes.len().is_multiple_of(BLOCK_LENGTH) {
        return Err(NoticeError::Length);
    }
    let cipher = Aes256::new_from_slice(key).map_err(|_| NoticeError::Padding)?;
    for block in bytes.chunks_exact_mut(BLOCK_LENGTH) {
        let block: &mut Block<Aes256> = block.try_into().map_err(|_| NoticeError::Length)?;
        cipher.decrypt_block(block);
    }
    unpad(bytes)
}

/// Removes PKCS#7 padding: 1 to 16 bytes that each say how many they are.
fn unpad(mut bytes: Vec<u8>) -> Result<Vec<u8>, NoticeError> {
    let last = bytes.last().copied().ok_or(NoticeError::Padding)?;
    let length = usize::from(last);
    let start = bytes
        .len()
        .checked_sub(length)
        .ok_or(NoticeError::Padding)?;
    let padding = bytes.get(start..).unwrap_or_default();
    if !(1..=BLOCK_LENGTH).contains(&length) || padding.iter().any(|byte| *byte != last) {
        return Err(NoticeError::Padding);
    }
    bytes.truncate(start);
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::{NoticeError, open_ecb};

    #[test]
    fn t4_of_the_php_sdk_opens_under_its_raw_key() {
        let key = b"0123456789abcdef0123456789abcdef";
        assert_eq!(open_ecb(key, "pZwJZBLuy3mDACEQT4YTBw==").unwrap(), b"hello");
        assert_eq!(open_ecb(key, ""), Err(NoticeError::Length));
        assert_eq!(
            open_ecb(key, "pZwJZBLuy3mDACEQT4YT"),
            Err(NoticeError::Length)
        );
        assert_eq!(open_ecb(key, "*"), Err(NoticeError::NotBase64));
        let other = open_ecb(
            b"1123456789abcdef0123456789abcdef",
            "pZwJZBLuy3mDACEQT4YTBw==",
        );
        assert_eq!(other, Err(NoticeError::Padding));
    }
}
