//! The other role: verify a caller as WeChat does, sign answers, encrypt notifications and certificates, make bills.
//!
//! A simulator plays WeChat with it; a platform may authenticate its own callers with it.

mod bills;

use crate::credentials::{ApiV3Key, Certificate, PrivateKey, PublicKey, SigningError};
use crate::v3::aead::{self, AeadError};
use crate::v3::certificates::{CertificateEntry, EncryptedCertificate};
use crate::v3::notification::{Envelope, Resource};
use crate::v3::signature::{SCHEME, request_message, response_message};
use crate::v3::time::format_beijing;
use crate::v3::verification::{header, within_window};

pub use bills::{BillSealError, SealedBillPart, bill_hash, pack_bill, seal_bill_part};

const CERTIFICATE_AAD: &str = "certificate";

/// Who calls, according to the `Authorization` header; nothing of it is proven yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The caller's number.
    pub mchid: String,
    /// The serial of the certificate whose key signed.
    pub serial_no: String,
    /// The caller's random text.
    pub nonce_str: String,
    /// Unix seconds.
    pub timestamp: i64,
    /// The signature in base64.
    pub signature: String,
}

/// Why a caller is refused; WeChat answers 401 `SIGN_ERROR` to all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// The header does not begin with the scheme and one space.
    #[error("the Authorization header names another scheme")]
    Scheme,
    /// The header is not a list of `name="value"` pairs with each name once.
    #[error("the Authorization header is malformed")]
    Malformed,
    /// A pair is missing.
    #[error("the Authorization header lacks {0}")]
    Missing(&'static str),
    /// The timestamp is more than five minutes away from our clock.
    #[error("the timestamp is outside the five-minute window")]
    ClockSkew,
    /// The signature does not match the request.
    #[error("the signature does not match the request")]
    BadSignature,
}

/// Reads an `Authorization` header; the pairs may stand in any order.
pub fn parse_authorization(value: &str) -> Result<Caller, RequestError> {
    let pairs = value
        .strip_prefix(SCHEME)
        .and_then(|rest| rest.strip_prefix(' '));
    let pairs = pairs.ok_or(RequestError::Scheme)?;
    let mut found: [Option<&str>; NAMES.len()] = [None; NAMES.len()];
    for pair in pairs.split(',') {
        let (name, value) = pair.split_once('=').ok_or(RequestError::Malformed)?;
        let value = unquote(value).ok_or(RequestError::Malformed)?;
        let slot = NAMES
            .iter()
            .zip(&mut found)
            .find(|(known, _)| **known == name.trim());
        let (_, slot) = slot.ok_or(RequestError::Malformed)?;
        if slot.replace(value).is_some() {
            return Err(RequestError::Malformed);
        }
    }
    let [mchid, serial_no, nonce_str, timestamp, signature] = found;
    let timestamp = required("timestamp", timestamp)?;
    Ok(Caller {
        mchid: required("mchid", mchid)?.to_owned(),
        serial_no: required("serial_no", serial_no)?.to_owned(),
        nonce_str: required("nonce_str", nonce_str)?.to_owned(),
        timestamp: canonical_integer(timestamp).ok_or(RequestError::Malformed)?,
        signature: required("signature", signature)?.to_owned(),
    })
}

const NAMES: [&str; 5] = ["mchid", "serial_no", "nonce_str", "timestamp", "signature"];

/// Verifies that the caller signed exactly this request within five minutes of `now` (Unix seconds).
///
/// `path_and_query` and `body` are the bytes as received; `key` is the one of `caller.serial_no`.
pub fn verify_request(
    caller: &Caller,
    key: &PublicKey,
    method: &str,
    path_and_query: &str,
    body: &[u8],
    now: i64,
) -> Result<(), RequestError> {
    if !within_window(caller.timestamp, now) {
        return Err(RequestError::ClockSkew);
    }
    let message = request_message(
        method,
        path_and_query,
        caller.timestamp,
        &caller.nonce_str,
        body,
    );
    key.verify(&message, &caller.signature)
        .map_err(|_| RequestError::BadSignature)
}

/// Signs an answer or a notification and returns the headers to send with `body`.
pub fn sign_answer(
    key: &PrivateKey,
    serial: &str,
    timestamp: i64,
    nonce: &str,
    body: &[u8],
) -> Result<Vec<(&'static str, String)>, SigningError> {
    let timestamp = timestamp.to_string();
    let signature = key.sign(&response_message(&timestamp, nonce, body))?;
    Ok(vec![
        (header::TIMESTAMP, timestamp),
        (header::NONCE, nonce.to_owned()),
        (header::SERIAL, serial.to_owned()),
        (header::SIGNATURE, signature),
        (header::SIGNATURE_TYPE, SCHEME.to_owned()),
    ])
}

/// A notification before it is encrypted.
#[derive(Debug, Clone, Copy)]
pub struct OutgoingNotification<'a> {
    /// The notification's id; the same on every retry.
    pub id: &'a str,
    /// Such as `TRANSACTION.SUCCESS`.
    pub event_type: &'a str,
    /// `transaction` or `refund`; it is the associated data too, as WeChat does it.
    pub original_type: &'a str,
    /// Text for people.
    pub summary: &'a str,
    /// RFC 3339.
    pub create_time: &'a str,
    /// 12 fresh characters.
    pub nonce: &'a str,
    /// What the receiver decrypts.
    pub plain: &'a [u8],
}

/// Encrypts a notification under the receiver's APIv3 key and returns the body to send.
pub fn encrypt_notification(
    key: &ApiV3Key,
    notification: &OutgoingNotification<'_>,
) -> Result<Vec<u8>, AeadError> {
    let OutgoingNotification {
        original_type,
        nonce,
        plain,
        ..
    } = *notification;
    let envelope = Envelope {
        id: notification.id.to_owned(),
        create_time: notification.create_time.to_owned(),
        resource_type: "encrypt-resource".to_owned(),
        event_type: notification.event_type.to_owned(),
        summary: notification.summary.to_owned(),
        resource: Resource {
            original_type: original_type.to_owned(),
            algorithm: aead::ALGORITHM.to_owned(),
            ciphertext: aead::seal(key, nonce, original_type, plain)?,
            associated_data: original_type.to_owned(),
            nonce: nonce.to_owned(),
        },
    };
    serde_json::to_vec(&envelope).map_err(|_| AeadError::Algorithm)
}

/// Encrypts a platform certificate for the answer of `GET /v3/certificates`.
pub fn encrypt_certificate(
    key: &ApiV3Key,
    certificate: &Certificate,
    pem: &str,
    nonce: &str,
) -> Result<CertificateEntry, AeadError> {
    let beijing = |unix: i64| format_beijing(unix).unwrap_or_default();
    Ok(CertificateEntry {
        serial_no: certificate.serial.clone(),
        effective_time: beijing(certificate.not_before_unix),
        expire_time: beijing(certificate.not_after_unix),
        encrypt_certificate: EncryptedCertificate {
            algorithm: aead::ALGORITHM.to_owned(),
            nonce: nonce.to_owned(),
            associated_data: CERTIFICATE_AAD.to_owned(),
            ciphertext: aead::seal(key, nonce, CERTIFICATE_AAD, pem.as_bytes())?,
        },
    })
}

fn unquote(value: &str) -> Option<&str> {
    let inner = value.trim().strip_prefix('"')?.strip_suffix('"')?;
    (!inner.contains('"')).then_some(inner)
}

fn required<'a>(name: &'static str, value: Option<&'a str>) -> Result<&'a str, RequestError> {
    value
        .filter(|value| !value.is_empty())
        .ok_or(RequestError::Missing(name))
}

/// The number is signed as text, so only the text that the number prints as is accepted.
fn canonical_integer(text: &str) -> Option<i64> {
    let number: i64 = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}
