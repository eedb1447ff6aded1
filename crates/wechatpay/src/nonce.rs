//! Random texts for `nonce_str` and for the GCM nonces of notifications.

use rand::distr::{Alphanumeric, SampleString};

/// Returns `length` random characters of `[0-9A-Za-z]` from a cryptographic generator.
///
/// WeChat's own SDKs use 32 characters for `nonce_str`; GCM nonces have 12.
pub fn random_nonce(length: usize) -> String {
    Alphanumeric.sample_string(&mut rand::rng(), length)
}
