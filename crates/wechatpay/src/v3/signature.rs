//! `WECHATPAY2-SHA256-RSA2048`: the messages that are signed and the `Authorization` header.

use crate::credentials::{Merchant, SigningError};

/// The scheme of the `Authorization` header and the value of `Wechatpay-Signature-Type`.
pub const SCHEME: &str = "WECHATPAY2-SHA256-RSA2048";

/// Builds the five lines of a request, each ended by one LF, the body last and byte for byte.
///
/// `path_and_query` is what goes on the wire, percent-encoded, without scheme and host.
pub fn request_message(
    method: &str,
    path_and_query: &str,
    timestamp: i64,
    nonce: &str,
    body: &[u8],
) -> Vec<u8> {
    let head = format!("{method}\n{path_and_query}\n{timestamp}\n{nonce}\n");
    with_body(head, body)
}

/// Builds the three lines of an answer or a notification; an empty body still has its line.
pub fn response_message(timestamp: &str, nonce: &str, body: &[u8]) -> Vec<u8> {
    with_body(format!("{timestamp}\n{nonce}\n"), body)
}

/// Signs a request and returns the whole value of its `Authorization` header.
pub fn authorization_header(
    merchant: &Merchant,
    method: &str,
    path_and_query: &str,
    timestamp: i64,
    nonce: &str,
    body: &[u8],
) -> Result<String, SigningError> {
    let message = request_message(method, path_and_query, timestamp, nonce, body);
    let signature = merchant.private_key.sign(&message)?;
    let (mchid, serial) = (&merchant.mchid, &merchant.serial);
    Ok(format!(
        "{SCHEME} mchid=\"{mchid}\",nonce_str=\"{nonce}\",signature=\"{signature}\",\
         timestamp=\"{timestamp}\",serial_no=\"{serial}\""
    ))
}

fn with_body(head: String, body: &[u8]) -> Vec<u8> {
    let mut message = head.into_bytes();
    message.reserve(body.len() + 1);
    message.extend_from_slice(body);
    message.push(b'\n');
    message
}
