//! `GET /v3/certificates`: the platform certificates, each encrypted with the caller's APIv3 key.

use std::collections::HashMap;

use serde_json::{Value, json};
use wechatpay::{credentials::Certificate, server};

use crate::{
    core::Core,
    providers::{KeyMode, Provider, keys::PlatformCertificate},
    refusal::Refusal,
    transactions::refuse_other_parameters,
};

pub(super) fn list(
    core: &Core,
    provider: &Provider,
    parameters: &HashMap<String, String>,
) -> Result<Value, Refusal> {
    refuse_other_parameters(parameters, &["algorithm_type"])?;
    match parameters.get("algorithm_type").map(String::as_str) {
        None | Some("RSA" | "ALL") => {}
        Some(other) => {
            let value = Value::from(other);
            return Err(Refusal::parameter(
                "query",
                "algorithm_type",
                &value,
                "不在枚举值之中",
            ));
        }
    }
    // An account that has finished the switch has no certificates left.
    if provider.record().key_mode == KeyMode::PublicKey {
        return Err(Refusal::resource_not_exists(
            "无可用的平台证书，请在商户平台-API安全申请使用微信支付公钥",
        ));
    }
    let now_ms = core.clock.business_ms();
    let mut data = Vec::new();
    let published = &provider.record().certificates;
    for certificate in published
        .iter()
        .filter(|certificate| certificate.expire_ms > now_ms)
    {
        data.push(encrypted(core, provider, certificate).map_err(|error| {
            tracing::error!(%error, "a platform certificate could not be encrypted");
            Refusal::system_error(500)
        })?);
    }
    Ok(json!({"data": data}))
}

fn encrypted(
    core: &Core,
    provider: &Provider,
    certificate: &PlatformCertificate,
) -> anyhow::Result<Value> {
    let nonce: String = core.ledger().ids.nonce().chars().take(12).collect();
    let pem = &certificate.certificate_pem;
    let parsed = Certificate::from_pem(pem)?;
    let entry = server::encrypt_certificate(provider.api_v3_key(), &parsed, pem, &nonce)?;
    Ok(serde_json::to_value(entry)?)
}
