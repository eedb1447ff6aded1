//! Who calls: the headers that WeChat insists on, the clock window, the merchant's signature, the nonce.

use std::sync::Arc;

use poem::http::HeaderMap;
use serde_json::json;
use wechatpay::{server, v3::signature::request_message};

use crate::{
    core::{Core, SIGNATURE_WINDOW_S},
    providers::Provider,
    refusal::Refusal,
};

const NONCE_BYTES: usize = 128;
/// So much of the rebuilt message is shown: method and address, little of the body.
const SHOWN_BYTES: usize = 256;

/// A request as it came off the wire.
pub(crate) struct Wire<'a> {
    pub(crate) method: &'a str,
    /// Path and query, byte for byte.
    pub(crate) target: &'a str,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) body: &'a [u8],
}

impl Wire<'_> {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .filter(|v| !v.is_empty())
    }

    pub(crate) fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }
}

/// The provider that signed a request, and with which of its certificates.
pub(crate) struct Caller {
    pub(crate) provider: Arc<Provider>,
    pub(crate) serial: String,
}

/// Finds the provider that signed this request, or refuses as WeChat words it.
pub(crate) fn authenticate(core: &Core, wire: &Wire<'_>) -> Result<Caller, Refusal> {
    check_headers(wire)?;
    let authorization = wire
        .header("Authorization")
        .ok_or_else(|| Refusal::signature("Http头缺少Authorization"))?;
    let caller = server::parse_authorization(authorization)
        .map_err(|_| Refusal::signature("Http头Authorization值格式错误，请按签名规则构造"))?;
    // The clock is looked at before any key.
    if core.clock.signature_s().abs_diff(caller.timestamp) > SIGNATURE_WINDOW_S {
        return Err(Refusal::signature(
            "Http头Authorization中的timestamp与发起请求的时间不得超过5分钟",
        ));
    }
    let provider = core
        .ledger()
        .provider(&caller.mchid)
        .ok_or_else(|| Refusal::signature("商户号不存在，请检查Authorization中的mchid"))?;
    let key = provider
        .merchant_key(&caller.serial_no)
        .ok_or_else(|| Refusal::signature("商户证书序列号有误，请使用签名私钥匹配的证书序列号"))?;
    let now_s = core.clock.signature_s();
    server::verify_request(&caller, key, wire.method, wire.target, wire.body, now_s)
        .map_err(|_| wrong_signature(wire, &caller))?;
    if !is_nonce(&caller.nonce_str) {
        return Err(Refusal::signature(
            "Http头Authorization中的nonce_str格式错误",
        ));
    }
    if !core.is_fresh_nonce(&caller.mchid, &caller.nonce_str) {
        return Err(Refusal::signature(
            "请求重放：Authorization中的nonce_str已被使用",
        ));
    }
    Ok(Caller {
        provider,
        serial: caller.serial_no,
    })
}

fn is_nonce(nonce: &str) -> bool {
    (1..=NONCE_BYTES).contains(&nonce.len()) && nonce.bytes().all(|byte| byte.is_ascii_graphic())
}

/// What WeChat rebuilt, cut short, so that the caller can compare it with what it signed.
fn wrong_signature(wire: &Wire<'_>, caller: &server::Caller) -> Refusal {
    let nonce = &caller.nonce_str;
    let message = request_message(wire.method, wire.target, caller.timestamp, nonce, wire.body);
    let shown = String::from_utf8_lossy(message.get(..SHOWN_BYTES).unwrap_or(&message));
    let detail = json!({
        "location": "authorization",
        "issue": "sign not match",
        "field": "signature",
        "sign_information": {
            "method": wire.method,
            "url": wire.target,
            "truncated_sign_message": shown,
            "sign_message_length": message.len(),
        },
    });
    let message = "签名错误，请检查后再试";
    Refusal {
        detail: Some(Box::new(detail)),
        ..Refusal::signature(message)
    }
}

/// Some endpoints look at these headers before they look at the signature; those under `/v3/pay/` do not look at all.
fn check_headers(wire: &Wire<'_>) -> Result<(), Refusal> {
    let strict = !wire.path().starts_with("/v3/pay/");
    let lacks = |name: &str| wire.header(name).is_none();
    if strict && (lacks("Accept") || lacks("User-Agent")) {
        return Err(Refusal::invalid_request("Http头缺少Accept或User-Agent"));
    }
    Ok(())
}
