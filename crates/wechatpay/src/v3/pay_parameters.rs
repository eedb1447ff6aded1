//! What the page or mini-program hands to WeChat to raise the cashier. Computed locally, at any time within two hours.

use serde::{Deserialize, Serialize};

use crate::credentials::{PrivateKey, SigningError};

/// The arguments of `wx.requestPayment` and of `WeixinJSBridge` `getBrandWCPayRequest`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PayParameters {
    /// The app that the payer is in.
    pub app_id: String,
    /// Unix seconds, as text, because the text is what is signed.
    pub time_stamp: String,
    /// At most 32 characters.
    pub nonce_str: String,
    /// `prepay_id=…`.
    pub package: String,
    /// `RSA`, not part of the signature.
    pub sign_type: String,
    /// The signature in base64.
    pub pay_sign: String,
}

impl PayParameters {
    /// Signs the parameters for a page or mini-program with the key that placed the order.
    pub fn sign(
        key: &PrivateKey,
        appid: &str,
        prepay_id: &str,
        timestamp: i64,
        nonce: &str,
    ) -> Result<Self, SigningError> {
        let time_stamp = timestamp.to_string();
        let package = format!("prepay_id={prepay_id}");
        let pay_sign = key.sign(&message(appid, &time_stamp, nonce, &package))?;
        Ok(Self {
            app_id: appid.to_owned(),
            time_stamp,
            nonce_str: nonce.to_owned(),
            package,
            sign_type: "RSA".to_owned(),
            pay_sign,
        })
    }

    /// Returns the text that `pay_sign` signs, as the WeChat client (or a simulator) checks it.
    pub fn signed_message(&self) -> Vec<u8> {
        message(
            &self.app_id,
            &self.time_stamp,
            &self.nonce_str,
            &self.package,
        )
    }
}

/// Builds the four signed lines; the last one is `prepay_id=…` for pages and the bare id for the app SDK.
pub fn message(appid: &str, time_stamp: &str, nonce: &str, fourth_line: &str) -> Vec<u8> {
    format!("{appid}\n{time_stamp}\n{nonce}\n{fourth_line}\n").into_bytes()
}
