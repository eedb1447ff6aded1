//! A service provider as WeChat knows it: its numbers, its keys, and which key WeChat signs with for it.

pub(crate) mod keys;

use serde::{Deserialize, Serialize};
use wechatpay::credentials::{ApiV3Key, PublicKey};

use crate::{ledger::RefundPolicy, refusal::Refusal};
use keys::{PlatformCertificate, SigningKey, SigningKeyRecord, merchant_public_key};

/// Which of WeChat's keys signs (平台证书, 微信支付公钥, or the switch between them).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyMode {
    /// Before the switch: the platform certificate.
    Certificate,
    /// During it: replies by the request's `Wechatpay-Serial`, callbacks by percentage.
    Switching,
    /// After it: the WeChat Pay public key; certificates are void.
    PublicKey,
}

/// A merchant key that requests may be signed with.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct MerchantKeyRecord {
    pub(crate) serial: String,
    /// A public key or a certificate.
    pub(crate) pem: String,
}

/// What is kept about a provider across restarts.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct ProviderRecord {
    pub(crate) sp_mchid: String,
    pub(crate) name: String,
    pub(crate) sp_appids: Vec<String>,
    pub(crate) merchant_keys: Vec<MerchantKeyRecord>,
    pub(crate) api_v3_key: String,
    pub(crate) key_mode: KeyMode,
    /// Of 1000 callbacks, so many are signed with the public key during the switch.
    pub(crate) callback_permille: u32,
    pub(crate) public_key: SigningKeyRecord,
    /// Oldest first; the last one that is in effect signs.
    pub(crate) certificates: Vec<PlatformCertificate>,
    /// What refunds of its sub-merchants come to by themselves.
    #[serde(default)]
    pub(crate) refund_policy: Option<RefundPolicy>,
}

/// A provider with its keys parsed once.
pub(crate) struct Provider {
    record: ProviderRecord,
    merchant_keys: Vec<(String, PublicKey)>,
    api_v3_key: ApiV3Key,
    public_key: SigningKey,
    certificates: Vec<(i64, SigningKey)>,
}

impl Provider {
    pub(crate) fn from_record(record: ProviderRecord) -> anyhow::Result<Self> {
        let mut merchant_keys = Vec::new();
        for key in &record.merchant_keys {
            merchant_keys.push((key.serial.clone(), merchant_public_key(&key.pem)?));
        }
        let mut certificates = Vec::new();
        for certificate in &record.certificates {
            let key = SigningKey::from_record(&certificate.key)?;
            certificates.push((certificate.effective_ms, key));
        }
        Ok(Self {
            merchant_keys,
            api_v3_key: ApiV3Key::parse(&record.api_v3_key)?,
            public_key: SigningKey::from_record(&record.public_key)?,
            certificates,
            record,
        })
    }

    pub(crate) fn record(&self) -> &ProviderRecord {
        &self.record
    }

    /// How many RSA pairs it holds at most.
    pub(crate) fn key_pairs(&self) -> usize {
        1 + self.record.certificates.len() + self.record.merchant_keys.len()
    }

    pub(crate) fn api_v3_key(&self) -> &ApiV3Key {
        &self.api_v3_key
    }

    /// The key of one of the merchant's certificates.
    pub(crate) fn merchant_key(&self, serial: &str) -> Option<&PublicKey> {
        self.merchant_keys
            .iter()
            .find(|(known, _)| known == serial)
            .map(|(_, key)| key)
    }

    /// Whether any key of the merchant made this signature, as the client checks `paySign`.
    pub(crate) fn signed(&self, message: &[u8], signature: &str) -> bool {
        self.merchant_keys
            .iter()
            .any(|(_, key)| key.verify(message, signature).is_ok())
    }

    /// Encrypts a sensitive value with the merchant certificate that signed the request.
    pub(crate) fn encrypt_for_merchant(&self, serial: &str, plain: &[u8]) -> Option<String> {
        self.merchant_key(serial)
            .and_then(|key| key.encrypt_oaep(plain).ok())
    }

    pub(crate) fn has_app(&self, appid: &str) -> bool {
        self.record.sp_appids.iter().any(|bound| bound == appid)
    }

    /// The key named in a request's `Wechatpay-Serial`, if it may be used in this phase.
    pub(crate) fn named_key(&self, serial: &str) -> Result<&SigningKey, Refusal> {
        let public_key = (serial == self.public_key.serial).then_some(&self.public_key);
        let certificate = || {
            let named = |key: &SigningKey| key.serial.eq_ignore_ascii_case(serial);
            self.certificates
                .iter()
                .map(|(_, key)| key)
                .find(|key| named(key))
        };
        let known = match self.record.key_mode {
            KeyMode::PublicKey => public_key,
            KeyMode::Certificate | KeyMode::Switching => public_key.or_else(certificate),
        };
        known.ok_or_else(|| {
            Refusal::parameter(
                "header",
                "Wechatpay-Serial",
                &serde_json::Value::from(serial),
                "平台证书序列号Wechatpay-Serial错误",
            )
        })
    }

    /// The key that sensitive fields were encrypted for: the request must name it.
    pub(crate) fn decrypting_key(
        &self,
        named_serial: Option<&str>,
    ) -> Result<&SigningKey, Refusal> {
        let serial = named_serial.ok_or_else(|| {
            Refusal::invalid_request("HTTP header缺少微信支付平台证书序列号(Wechatpay-Serial)")
        })?;
        self.named_key(serial)
    }

    /// The key that signs a reply: the phase decides, and within the switch the request's header.
    pub(crate) fn reply_key(
        &self,
        named_serial: Option<&str>,
        now_ms: i64,
    ) -> Result<&SigningKey, Refusal> {
        let named = named_serial
            .map(|serial| self.named_key(serial))
            .transpose()?;
        Ok(match self.record.key_mode {
            KeyMode::Certificate => self.certificate_key(now_ms),
            KeyMode::Switching => named.unwrap_or_else(|| self.certificate_key(now_ms)),
            KeyMode::PublicKey => &self.public_key,
        })
    }

    /// The key that signs a callback; `draw` is a number below 1000.
    pub(crate) fn callback_key(&self, draw: u32, now_ms: i64) -> &SigningKey {
        match self.record.key_mode {
            KeyMode::Switching if draw < self.record.callback_permille => &self.public_key,
            KeyMode::Certificate | KeyMode::Switching => self.certificate_key(now_ms),
            KeyMode::PublicKey => &self.public_key,
        }
    }

    /// The newest platform certificate in effect; before the first one, the public key.
    fn certificate_key(&self, now_ms: i64) -> &SigningKey {
        let effective = self
            .certificates
            .iter()
            .rev()
            .find(|(since_ms, _)| *since_ms <= now_ms);
        effective
            .or(self.certificates.first())
            .map_or(&self.public_key, |(_, key)| key)
    }
}
