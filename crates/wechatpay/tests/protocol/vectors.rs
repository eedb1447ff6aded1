//! The published vectors, and the keys of set K as this crate's types.

use std::sync::LazyLock;

use serde_json::Value;
use wechatpay::credentials::{ApiV3Key, Certificate, KeyRing, Merchant, PrivateKey, PublicKey};
use wechatpay::v3::SignatureHeaders;

/// The moment of set K.
pub(crate) const NOW: i64 = 1_767_225_600;

/// Parsing RSA keys is slow, so each of the set is parsed once.
static SET_K: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("../../testdata/v3_set_k.json")).unwrap());
static MERCHANT_KEY: LazyLock<PrivateKey> =
    LazyLock::new(|| PrivateKey::from_pem(text(&SET_K, "/keys/sp_private_key_pkcs8_pem")).unwrap());
static PLATFORM_KEY: LazyLock<PrivateKey> = LazyLock::new(|| {
    PrivateKey::from_pem(text(&SET_K, "/keys/platform_private_key_pkcs8_pem")).unwrap()
});
static PLATFORM_CERTIFICATE: LazyLock<Certificate> =
    LazyLock::new(|| Certificate::from_pem(text(&SET_K, "/keys/platform_cert_pem")).unwrap());

pub(crate) fn set_k() -> Value {
    SET_K.clone()
}

pub(crate) fn set_d() -> Value {
    serde_json::from_str(include_str!("../../testdata/v3_set_d.json")).unwrap()
}

/// Reads a text by JSON pointer.
pub(crate) fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_else(|| panic!("no text {pointer}"))
}

/// Finds the entry of a list whose id begins with `id`.
pub(crate) fn entry(set: &Value, list: &str, id: &str) -> Value {
    let entries = set[list].as_array().unwrap();
    let found = entries
        .iter()
        .find(|entry| text(entry, "/id").starts_with(id));
    found.unwrap_or_else(|| panic!("no {id} in {list}")).clone()
}

pub(crate) fn merchant() -> Merchant {
    Merchant {
        mchid: text(&SET_K, "/keys/sp_mchid").to_owned(),
        serial: text(&SET_K, "/keys/sp_cert_serial").to_owned(),
        private_key: MERCHANT_KEY.clone(),
        api_v3_keys: vec![api_v3_key()],
    }
}

pub(crate) fn api_v3_key() -> ApiV3Key {
    ApiV3Key::parse(text(&SET_K, "/keys/apiv3_key")).unwrap()
}

pub(crate) fn platform_key() -> PrivateKey {
    PLATFORM_KEY.clone()
}

pub(crate) fn platform_certificate() -> Certificate {
    PLATFORM_CERTIFICATE.clone()
}

pub(crate) fn platform_public_key() -> PublicKey {
    platform_key().public_key()
}

/// Certificate and public key side by side.
pub(crate) fn ring() -> KeyRing {
    let id = text(&SET_K, "/keys/platform_public_key_id").to_owned();
    KeyRing::new()
        .with_certificate(platform_certificate())
        .with_public_key(id, platform_public_key())
}

/// Takes the headers of a vector, looked up without regard to case.
pub(crate) fn headers(vector: &Value) -> SignatureHeaders {
    SignatureHeaders::from_fn(|name| {
        let headers = vector["headers"].as_object().unwrap();
        let found = headers
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.and_then(|(_, value)| value.as_str())
    })
}
