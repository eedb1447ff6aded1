//! Standard Webhooks 1.0.0 signatures: `v1` is HMAC-SHA256, `v1a` is Ed25519, both over `id.timestamp.body`.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, Signer as _, SigningKey};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use thiserror::Error;
use zeroize::Zeroizing;

#[cfg(test)]
mod tests;

const HMAC_PREFIX: &str = "whsec_";
const ED25519_SECRET_PREFIX: &str = "whsk_";
const ED25519_PUBLIC_PREFIX: &str = "whpk_";
const GENERATED_KEY_BYTES: usize = 32;
/// The key lengths that Standard Webhooks allows for `v1`.
const HMAC_KEY_BYTES: std::ops::RangeInclusive<usize> = 24..=64;
/// A header that lists more signatures than this is not worth the work of checking it.
const MAX_LISTED_SIGNATURES: usize = 8;

/// The signing secret of one endpoint; it prints as `***` and is wiped when dropped.
#[derive(Clone)]
pub struct Secret(Key);

#[derive(Clone)]
enum Key {
    Hmac(Zeroizing<Vec<u8>>),
    Ed25519(Box<SigningKey>),
}

/// The three headers that a signature covers or consists of.
#[derive(Clone, Copy, Debug)]
pub struct SignedHeaders<'a> {
    /// `webhook-id`.
    pub id: &'a str,
    /// `webhook-timestamp`, as it was received.
    pub timestamp: &'a str,
    /// `webhook-signature`, the whole list.
    pub signature: &'a str,
}

/// Why a text is not a signing secret.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum SecretError {
    /// The text carries neither of the two known prefixes.
    #[error("a secret starts with whsec_ or whsk_")]
    UnknownPrefix,
    /// The part behind the prefix is not standard base64.
    #[error("the secret is not base64")]
    NotBase64,
    /// The key has a length that its kind does not allow.
    #[error("the secret has a wrong length")]
    WrongLength,
    /// The public half does not belong to the seed.
    #[error("the public half does not belong to the secret")]
    MismatchedPublicKey,
}

/// Why a received webhook was not accepted.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum VerifyError {
    /// The timestamp is not a plain decimal number.
    #[error("webhook-timestamp is not a number")]
    MalformedTimestamp,
    /// The timestamp is further from now than the tolerance.
    #[error("webhook-timestamp is outside the tolerance")]
    OutsideTolerance,
    /// No listed signature matches any held secret.
    #[error("no signature matches")]
    NoMatch,
}

impl Secret {
    /// Makes a new `v1` secret of 32 random bytes.
    pub fn generate() -> Self {
        let key: [u8; GENERATED_KEY_BYTES] = rand::random();
        Self(Key::Hmac(Zeroizing::new(key.to_vec())))
    }

    /// Makes a new `v1a` secret.
    pub fn generate_ed25519() -> Self {
        let seed = Zeroizing::new(rand::random::<[u8; 32]>());
        Self(Key::Ed25519(Box::new(SigningKey::from_bytes(&seed))))
    }

    /// Reads `whsec_…` (HMAC) or `whsk_…` (Ed25519: seed and public key, or the seed alone).
    pub fn parse(text: &str) -> Result<Self, SecretError> {
        if let Some(encoded) = text.strip_prefix(HMAC_PREFIX) {
            let key = decode(encoded)?;
            if !HMAC_KEY_BYTES.contains(&key.len()) {
                return Err(SecretError::WrongLength);
            }
            return Ok(Self(Key::Hmac(key)));
        }
        let encoded = text
            .strip_prefix(ED25519_SECRET_PREFIX)
            .ok_or(SecretError::UnknownPrefix)?;
        let key = ed25519_key(&decode(encoded)?)?;
        Ok(Self(Key::Ed25519(Box::new(key))))
    }

    /// Returns the secret's text, to be shown once or sealed.
    pub fn expose(&self) -> Zeroizing<String> {
        Zeroizing::new(match &self.0 {
            Key::Hmac(key) => format!("{HMAC_PREFIX}{}", STANDARD.encode(key.as_slice())),
            Key::Ed25519(key) => {
                let pair = Zeroizing::new(key.to_keypair_bytes());
                format!(
                    "{ED25519_SECRET_PREFIX}{}",
                    STANDARD.encode(pair.as_slice())
                )
            }
        })
    }

    /// Returns the `whpk_…` text that a receiver verifies `v1a` with; a `v1` secret has none.
    pub fn public_text(&self) -> Option<String> {
        match &self.0 {
            Key::Hmac(_) => None,
            Key::Ed25519(key) => {
                let public = STANDARD.encode(key.verifying_key().as_bytes());
                Some(format!("{ED25519_PUBLIC_PREFIX}{public}"))
            }
        }
    }

    fn sign(&self, message: &[u8]) -> String {
        match &self.0 {
            Key::Hmac(key) => {
                let tag = hmac_over(key, message).finalize().into_bytes();
                format!("v1,{}", STANDARD.encode(tag))
            }
            Key::Ed25519(key) => {
                format!("v1a,{}", STANDARD.encode(key.sign(message).to_bytes()))
            }
        }
    }

    fn matches(&self, version: &str, tag: &[u8], message: &[u8]) -> bool {
        match (&self.0, version) {
            (Key::Hmac(key), "v1") => hmac_over(key, message).verify_slice(tag).is_ok(),
            (Key::Ed25519(key), "v1a") => Signature::from_slice(tag)
                .is_ok_and(|tag| key.verifying_key().verify_strict(message, &tag).is_ok()),
            _ => false,
        }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret(***)")
    }
}

/// Returns the value of `webhook-signature`: one signature per secret, in the given order (newest first).
pub fn sign(secrets: &[Secret], id: &str, timestamp_seconds: i64, body: &[u8]) -> String {
    let message = signed_bytes(id, &timestamp_seconds.to_string(), body);
    let signatures: Vec<String> = secrets.iter().map(|secret| secret.sign(&message)).collect();
    signatures.join(" ")
}

/// Accepts a webhook when any listed signature matches any held secret and its timestamp is near `now_seconds`.
pub fn verify(
    secrets: &[Secret],
    headers: &SignedHeaders<'_>,
    body: &[u8],
    now_seconds: i64,
    tolerance_seconds: u64,
) -> Result<(), VerifyError> {
    let sent = parse_timestamp(headers.timestamp)?;
    if sent.abs_diff(now_seconds) > tolerance_seconds {
        return Err(VerifyError::OutsideTolerance);
    }
    let message = signed_bytes(headers.id, headers.timestamp, body);
    let mut matched = false;
    for listed in headers.signature.split(' ').take(MAX_LISTED_SIGNATURES) {
        let Some((version, encoded)) = listed.split_once(',') else {
            continue;
        };
        let Ok(tag) = STANDARD.decode(encoded) else {
            continue;
        };
        for secret in secrets {
            matched |= secret.matches(version, &tag, &message);
        }
    }
    if matched {
        Ok(())
    } else {
        Err(VerifyError::NoMatch)
    }
}

fn parse_timestamp(text: &str) -> Result<i64, VerifyError> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(VerifyError::MalformedTimestamp);
    }
    text.parse().map_err(|_| VerifyError::MalformedTimestamp)
}

fn signed_bytes(id: &str, timestamp: &str, body: &[u8]) -> Vec<u8> {
    [id.as_bytes(), b".", timestamp.as_bytes(), b".", body].concat()
}

#[expect(clippy::expect_used, reason = "HMAC accepts keys of every length")]
fn hmac_over(key: &[u8], message: &[u8]) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC accepts keys of every length");
    mac.update(message);
    mac
}

fn decode(encoded: &str) -> Result<Zeroizing<Vec<u8>>, SecretError> {
    STANDARD
        .decode(encoded)
        .map(Zeroizing::new)
        .map_err(|_| SecretError::NotBase64)
}

fn ed25519_key(bytes: &[u8]) -> Result<SigningKey, SecretError> {
    if let Ok(seed) = <&[u8; 32]>::try_from(bytes) {
        return Ok(SigningKey::from_bytes(seed));
    }
    let pair = <&[u8; 64]>::try_from(bytes).map_err(|_| SecretError::WrongLength)?;
    SigningKey::from_keypair_bytes(pair).map_err(|_| SecretError::MismatchedPublicKey)
}
