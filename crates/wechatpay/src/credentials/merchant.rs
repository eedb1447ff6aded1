//! The caller: a merchant number with the keys that belong to it.

use super::{ApiV3Key, PrivateKey};

/// A merchant number (in partner mode the service provider's) and its own keys.
#[derive(Debug, Clone)]
pub struct Merchant {
    /// The number that signs: `sp_mchid` in partner mode.
    pub mchid: String,
    /// The serial of the merchant's API certificate, 40 upper-case hex digits.
    pub serial: String,
    /// The key of that certificate.
    pub private_key: PrivateKey,
    /// The APIv3 keys, the current one first, then those that late notifications may still use.
    pub api_v3_keys: Vec<ApiV3Key>,
}
