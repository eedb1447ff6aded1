//! The V2 signature: sorted fields, `&key=…`, and MD5 or HMAC-SHA256 in upper-case hex.

use std::collections::BTreeMap;

use hmac::{Hmac, KeyInit as _, Mac as _};
use md5::{Digest as _, Md5};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::credentials::ApiV2Key;
use crate::v3::PayParameters;

const MD5_HEX_LENGTH: usize = 32;

/// The algorithm of a V2 signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignType {
    /// `MD5`, the default of V2.
    Md5,
    /// `HMAC-SHA256`.
    HmacSha256,
}

impl SignType {
    /// Returns WeChat's spelling.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Md5 => "MD5",
            Self::HmacSha256 => "HMAC-SHA256",
        }
    }
}

/// Signs fields: those named `sign` and those without a value do not count, and their order does not matter.
pub fn sign<'a>(
    fields: impl IntoIterator<Item = (&'a str, &'a str)>,
    key: &ApiV2Key,
    sign_type: SignType,
) -> String {
    let counted = fields
        .into_iter()
        .filter(|(name, value)| *name != "sign" && !value.is_empty());
    let sorted: BTreeMap<_, _> = counted.collect();
    let mut text = Zeroizing::new(Vec::new());
    for (name, value) in sorted {
        for part in [name, "=", value, "&"] {
            text.extend_from_slice(part.as_bytes());
        }
    }
    text.extend_from_slice(b"key=");
    text.extend_from_slice(key.as_bytes());
    match sign_type {
        SignType::Md5 => hex::encode_upper(Md5::digest(text.as_slice())),
        SignType::HmacSha256 => hmac_upper(key, &text),
    }
}

/// Verifies the `sign` of a message in constant time; without `sign_type` its length tells the algorithm.
pub fn verify<'a>(
    fields: impl IntoIterator<Item = (&'a str, &'a str)>,
    signature: &str,
    key: &ApiV2Key,
) -> bool {
    let fields: BTreeMap<_, _> = fields.into_iter().collect();
    let sign_type = match fields.get("sign_type").copied() {
        Some("HMAC-SHA256") => SignType::HmacSha256,
        Some("MD5") => SignType::Md5,
        _ if signature.len() == MD5_HEX_LENGTH => SignType::Md5,
        _ => SignType::HmacSha256,
    };
    let expected = sign(fields, key, sign_type);
    expected.as_bytes().ct_eq(signature.as_bytes()).into()
}

/// Signs the five fields that raise the cashier; `package` is `prepay_id=…`.
pub fn pay_sign(
    key: &ApiV2Key,
    appid: &str,
    time_stamp: &str,
    nonce: &str,
    package: &str,
    sign_type: SignType,
) -> String {
    let fields = [
        ("appId", appid),
        ("timeStamp", time_stamp),
        ("nonceStr", nonce),
        ("package", package),
        ("signType", sign_type.as_str()),
    ];
    sign(fields, key, sign_type)
}

/// Signs payment parameters for an order that was placed through V2; `sign_type` must be the order's.
pub fn pay_parameters(
    key: &ApiV2Key,
    appid: &str,
    prepay_id: &str,
    timestamp: i64,
    nonce: &str,
    sign_type: SignType,
) -> PayParameters {
    let time_stamp = timestamp.to_string();
    let package = format!("prepay_id={prepay_id}");
    let pay_sign = pay_sign(key, appid, &time_stamp, nonce, &package, sign_type);
    PayParameters {
        app_id: appid.to_owned(),
        time_stamp,
        nonce_str: nonce.to_owned(),
        package,
        sign_type: sign_type.as_str().to_owned(),
        pay_sign,
    }
}

/// An HMAC takes a key of any length, so the fallback is never reached; it verifies nothing.
fn hmac_upper(key: &ApiV2Key, text: &[u8]) -> String {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key.as_bytes()) else {
        return String::new();
    };
    mac.update(text);
    hex::encode_upper(mac.finalize().into_bytes())
}
