//! The key of a login. It signs and is never shown.

use std::fmt;

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// A `session_key`, kept as the base64 text that WeChat gave, because that text is what signs.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct SessionKey(String);

impl SessionKey {
    /// Takes the text as WeChat gave it.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Signs a message as the login-state interfaces want it: HMAC-SHA256 in lower-case hex.
    pub fn sign_login_state(&self, message: &[u8]) -> String {
        // An HMAC takes a key of any length; an empty text would verify nothing.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(self.0.as_bytes()) else {
            return String::new();
        };
        mac.update(message);
        hex::encode(mac.finalize().into_bytes())
    }

    /// Checks the `signature` that comes with `rawData`: SHA-1 of the data followed by the key, in lower-case hex.
    pub fn verify_raw_data(&self, raw_data: &str, signature: &str) -> bool {
        let text = Zeroizing::new(format!("{raw_data}{}", self.0));
        let expected = hex::encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, text.as_bytes()));
        expected.as_bytes().ct_eq(signature.as_bytes()).into()
    }
}

impl fmt::Debug for SessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionKey(***)")
    }
}
