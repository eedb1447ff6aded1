//! The symmetric keys that a merchant sets in WeChat's console.

use std::fmt;

use zeroize::{Zeroize, ZeroizeOnDrop};

use super::KeyError;

const KEY_LENGTH: usize = 32;

/// The APIv3 key: 32 ASCII characters, used as bytes for AES-256-GCM.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct ApiV3Key([u8; KEY_LENGTH]);

/// The APIv2 key: 32 ASCII characters that end the text which V2 hashes.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct ApiV2Key([u8; KEY_LENGTH]);

impl ApiV3Key {
    /// Accepts exactly 32 printable ASCII characters; neither hex nor base64 is decoded.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        parse(text).map(Self)
    }

    pub(crate) fn as_bytes(&self) -> &[u8; KEY_LENGTH] {
        &self.0
    }
}

impl ApiV2Key {
    /// Accepts exactly 32 printable ASCII characters.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        parse(text).map(Self)
    }

    pub(crate) fn as_bytes(&self) -> &[u8; KEY_LENGTH] {
        &self.0
    }
}

fn parse(text: &str) -> Result<[u8; KEY_LENGTH], KeyError> {
    let bytes = text.as_bytes();
    if !bytes.iter().all(u8::is_ascii_graphic) {
        return Err(KeyError::ApiKey);
    }
    bytes.try_into().map_err(|_| KeyError::ApiKey)
}

impl fmt::Debug for ApiV3Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiV3Key(***)")
    }
}

impl fmt::Debug for ApiV2Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiV2Key(***)")
    }
}
