//! What callers of the control API send, and what they get back about keys and accounts.

use serde::{Deserialize, Serialize};

use crate::{
    ledger::{Account, RefundPolicy, RefundResult},
    providers::KeyMode,
};

/// A provider to create; whatever is left out is made up.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NewProvider {
    /// The service provider's number.
    pub sp_mchid: Option<String>,
    /// Shown to people.
    pub name: Option<String>,
    /// Its app.
    pub sp_appid: Option<String>,
    /// The app's secret, for `jscode2session`.
    pub sp_app_secret: Option<String>,
    /// Users of the app.
    pub openids: Vec<String>,
    /// The merchant's public key, when the caller keeps the private one.
    pub merchant_public_key_pem: Option<String>,
    /// The merchant's API certificate, instead of its public key.
    pub merchant_certificate_pem: Option<String>,
    /// The serial of that certificate: required beside a public key.
    pub serial: Option<String>,
    /// 32 ASCII characters.
    pub api_v3_key: Option<String>,
    /// Which of WeChat's keys signs; the default is the platform certificate.
    pub key_mode: Option<KeyMode>,
    /// During the switch, so many callbacks of 100 are signed with the public key (steps of 0.1).
    pub callback_percentage: Option<f64>,
    /// What refunds of its sub-merchants come to by themselves; absent means that they wait for the control API.
    pub refund_policy: Option<RefundPolicy>,
}

/// A provider's keys as a client needs them; private keys only when the simulator made them.
#[derive(Clone, Serialize, Deserialize)]
pub struct ProviderKeys {
    /// The service provider's number.
    pub sp_mchid: String,
    /// Its app.
    pub sp_appid: String,
    /// The app's secret.
    pub sp_app_secret: String,
    /// `serial_no` of the `Authorization` header.
    pub merchant_serial: String,
    /// Present when the simulator made the key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub merchant_private_key_pem: Option<String>,
    /// Present when the simulator made the key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub merchant_certificate_pem: Option<String>,
    /// The APIv3 key.
    pub api_v3_key: String,
    /// Which of WeChat's keys signs.
    pub key_mode: KeyMode,
    /// `PUB_KEY_ID_…`.
    pub wechatpay_public_key_id: String,
    /// The public key of that id.
    pub wechatpay_public_key_pem: String,
    /// The newest platform certificate.
    pub platform_certificate_pem: String,
    /// Its serial.
    pub platform_serial: String,
}

/// Keys: shown by their names only.
impl std::fmt::Debug for ProviderKeys {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("ProviderKeys")
            .field("sp_mchid", &self.sp_mchid)
            .field("merchant_serial", &self.merchant_serial)
            .finish_non_exhaustive()
    }
}

/// What may be changed about a provider; what is left out stays.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ChangeProvider {
    /// The phase of the switch from certificate to public key.
    pub key_mode: Option<KeyMode>,
    /// During the switch, so many callbacks of 100 are signed with the public key.
    pub callback_percentage: Option<f64>,
    /// A new APIv3 key, in force at once.
    pub api_v3_key: Option<String>,
    /// A further merchant key, beside the present ones.
    pub merchant_public_key_pem: Option<String>,
    /// A further merchant certificate, beside the present ones.
    pub merchant_certificate_pem: Option<String>,
    /// The serial of the further key.
    pub serial: Option<String>,
    /// Voids the merchant key with this serial.
    pub void_serial: Option<String>,
    /// Issues a new platform certificate: published at once, signing after so many milliseconds of business time.
    pub rotate_platform_certificate_after_ms: Option<i64>,
    /// What refunds accepted from now on come to by themselves; null ends the policy.
    #[serde(deserialize_with = "given")]
    pub refund_policy: Option<Option<RefundPolicy>>,
}

/// An app of a sub-merchant.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewApp {
    /// The appid.
    pub appid: String,
    /// Its secret, for `jscode2session`; made up when left out.
    #[serde(default)]
    pub secret: Option<String>,
}

/// A user: of a named app, or of the first app of the sub-merchant.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
pub enum OpenidOf {
    /// A user of the first app.
    Plain(String),
    /// A user of this app.
    OfApp(NewOpenid),
}

/// A user of an app.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewOpenid {
    /// The app.
    pub appid: String,
    /// The user; made up when left out.
    #[serde(default)]
    pub openid: Option<String>,
}

/// A sub-merchant to create under a provider; repeating it adds apps and users.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewSubMerchant {
    /// The service provider.
    pub sp_mchid: String,
    /// The sub-merchant's number; made up when left out.
    #[serde(default)]
    pub sub_mchid: Option<String>,
    /// Shown at the cashier.
    #[serde(default)]
    pub name: Option<String>,
    /// Apps bound to it under this provider.
    #[serde(default)]
    pub sub_appids: Vec<NewApp>,
    /// Users of those apps.
    #[serde(default)]
    pub openids: Vec<OpenidOf>,
}

/// A sub-merchant as it now stands.
#[derive(Debug, Clone, Serialize)]
pub struct SubMerchantView {
    /// The service provider.
    pub sp_mchid: String,
    /// The sub-merchant.
    pub sub_mchid: String,
    /// Shown at the cashier.
    pub name: String,
    /// Its apps with their secrets.
    pub sub_appids: Vec<NewApp>,
}

/// What may be changed about a sub-merchant; what is left out stays.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ChangeSubMerchant {
    /// The provider, when several have the same sub-merchant.
    pub sp_mchid: Option<String>,
    /// What of its money refunds may take, in fen; null takes the bound away.
    #[serde(deserialize_with = "given")]
    pub refund_balance: Option<Option<i64>>,
    /// Whether it permits the provider to refund; without, refunds are refused with `NO_AUTH`.
    pub refunds_permitted: Option<bool>,
    /// What refunds accepted from now on come to by themselves; null leaves it to the provider's policy.
    #[serde(deserialize_with = "given")]
    pub refund_policy: Option<Option<RefundPolicy>>,
}

/// How a sub-merchant's refunds stand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SubMerchantRefunds {
    /// The service provider.
    pub sp_mchid: String,
    /// The sub-merchant.
    pub sub_mchid: String,
    /// What of its money refunds may take, in fen; absent means all they want.
    pub refund_balance: Option<i64>,
    /// Whether it permits the provider to refund.
    pub refunds_permitted: bool,
    /// Its own policy.
    pub refund_policy: Option<RefundPolicy>,
}

/// Tells a member that is null from one that is left out.
#[expect(
    clippy::option_option,
    reason = "left out, null and given are three things"
)]
fn given<'de, T, D>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    T: Deserialize<'de>,
    D: serde::Deserializer<'de>,
{
    Option::deserialize(deserializer).map(Some)
}

/// A result for a refund.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SettleRefund {
    /// `SUCCESS`, `CLOSED` or `ABNORMAL`.
    #[serde(alias = "status")]
    pub result: RefundResult,
    /// The provider, when several use the same number.
    #[serde(default)]
    pub sp_mchid: Option<String>,
}

/// A movement on a provider's own account, such as a top-up or a withdrawal.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewFundFlow {
    /// The service provider.
    pub sp_mchid: String,
    /// In fen; negative when it leaves the account.
    pub amount: i64,
    /// What it is called; 充值 or 提现 when left out.
    #[serde(default)]
    pub business_name: Option<String>,
    /// Which account.
    #[serde(default)]
    pub account: Account,
    /// The provider's own number.
    #[serde(default)]
    pub voucher: Option<String>,
    /// RFC 3339; absent means now.
    #[serde(default)]
    pub time: Option<String>,
}

/// A login code to issue, as `wx.login()` would.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewCode {
    /// The mini-program.
    pub appid: String,
    /// The user who logs in; made up when left out.
    #[serde(default)]
    pub openid: Option<String>,
    /// Answered beside the openid when given.
    #[serde(default)]
    pub unionid: Option<String>,
    /// Answer this error instead: -1, 40226, 45011, …
    #[serde(default)]
    pub errcode: Option<i64>,
}
