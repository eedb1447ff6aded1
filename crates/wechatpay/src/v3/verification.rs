//! Verification of answers and notifications over their raw bytes.

use crate::credentials::KeyRing;

use super::signature::{SCHEME, response_message};

/// How far WeChat's clock and ours may differ, in seconds, each way.
pub const CLOCK_WINDOW_SECONDS: u64 = 300;

/// What WeChat's deliberately wrong signatures begin with.
const PROBE_PREFIX: &str = "WECHATPAY/SIGNTEST/";

/// Header names, spelled as WeChat spells them.
pub mod header {
    /// Seconds at which the answer was signed.
    pub const TIMESTAMP: &str = "Wechatpay-Timestamp";
    /// Random text of the answer.
    pub const NONCE: &str = "Wechatpay-Nonce";
    /// The signature in base64.
    pub const SIGNATURE: &str = "Wechatpay-Signature";
    /// The serial of the platform certificate or the id of the public key.
    pub const SERIAL: &str = "Wechatpay-Serial";
    /// The algorithm; absent means RSA with SHA-256.
    pub const SIGNATURE_TYPE: &str = "Wechatpay-Signature-Type";
}

/// The signature headers of an answer or a notification, as they came.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SignatureHeaders {
    timestamp: Option<String>,
    nonce: Option<String>,
    signature: Option<String>,
    serial: Option<String>,
    signature_type: Option<String>,
}

/// A verification that succeeded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The serial that the sender named.
    pub serial: String,
}

/// Why a message is not from WeChat, as far as can be told.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// A header is missing (or is there twice, if the caller maps that to absent, as it should).
    #[error("the header {0} is missing")]
    Missing(&'static str),
    /// A header cannot be read, or names another algorithm.
    #[error("the header {0} is malformed")]
    Malformed(&'static str),
    /// The timestamp is more than five minutes away from our clock.
    #[error("the timestamp is outside the five-minute window")]
    ClockSkew,
    /// The ring holds no key of this serial.
    #[error("no key is known for this serial")]
    UnknownSerial(String),
    /// The signature does not match; WeChat's probes end here too.
    #[error("the signature does not match")]
    BadSignature,
}

impl SignatureHeaders {
    /// Reads the headers through `get`, which is given names as in [`header`] and must ignore their case.
    ///
    /// A header that is present more than once must be reported as absent: no rule says which one counts.
    pub fn from_fn<'a>(get: impl Fn(&str) -> Option<&'a str>) -> Self {
        let read = |name: &str| get(name).map(ToOwned::to_owned);
        Self {
            timestamp: read(header::TIMESTAMP),
            nonce: read(header::NONCE),
            signature: read(header::SIGNATURE),
            serial: read(header::SERIAL),
            signature_type: read(header::SIGNATURE_TYPE),
        }
    }

    /// Returns the serial that the sender named.
    pub fn serial(&self) -> Option<&str> {
        self.serial.as_deref()
    }

    /// Tells whether this is one of WeChat's deliberate forgeries; for counting only, since `verify` refuses it anyway.
    pub fn is_probe(&self) -> bool {
        self.signature
            .as_deref()
            .is_some_and(|signature| signature.starts_with(PROBE_PREFIX))
    }
}

/// Verifies a message against the ring; `now` is in Unix seconds, `body` is what came over the wire.
pub fn verify(
    ring: &KeyRing,
    headers: &SignatureHeaders,
    body: &[u8],
    now: i64,
) -> Result<Verified, VerifyError> {
    let timestamp = present(header::TIMESTAMP, headers.timestamp.as_deref())?;
    let nonce = present(header::NONCE, headers.nonce.as_deref())?;
    let signature = present(header::SIGNATURE, headers.signature.as_deref())?;
    let serial = present(header::SERIAL, headers.serial.as_deref())?;
    if headers
        .signature_type
        .as_deref()
        .is_some_and(|kind| kind != SCHEME)
    {
        return Err(VerifyError::Malformed(header::SIGNATURE_TYPE));
    }
    check_clock(timestamp, now)?;
    let key = ring
        .get(serial)
        .ok_or_else(|| VerifyError::UnknownSerial(serial.to_owned()))?;
    let message = response_message(timestamp, nonce, body);
    key.verify(&message, signature)
        .map_err(|_| VerifyError::BadSignature)?;
    Ok(Verified {
        serial: serial.to_owned(),
    })
}

/// Tells whether `timestamp` lies within five minutes of `now`; holds for every pair of integers.
pub(crate) fn within_window(timestamp: i64, now: i64) -> bool {
    now.abs_diff(timestamp) <= CLOCK_WINDOW_SECONDS
}

fn check_clock(timestamp: &str, now: i64) -> Result<(), VerifyError> {
    let seconds: i64 = timestamp
        .parse()
        .map_err(|_| VerifyError::Malformed(header::TIMESTAMP))?;
    if within_window(seconds, now) {
        Ok(())
    } else {
        Err(VerifyError::ClockSkew)
    }
}

fn present<'a>(name: &'static str, value: Option<&'a str>) -> Result<&'a str, VerifyError> {
    match value {
        Some("") | None => Err(VerifyError::Missing(name)),
        Some(value) => Ok(value),
    }
}
