//! `POST /v3/security/echo`: checks signing, verifying, both directions of encryption and the callback without money.

use serde::{Deserialize, Serialize};

/// The body of an echo call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EchoRequest {
    /// The text that must come back.
    pub echo_message: String,
    /// The same text encrypted with the key that `Wechatpay-Serial` names.
    pub encrypted_echo_message: String,
    /// Where a `SECURITY_ECHO.SUCCESS` notification goes, if wanted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notify_url: Option<String>,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EchoReply {
    /// The text.
    pub echo_message: String,
    /// The text encrypted with the key of the merchant's certificate.
    pub encrypted_echo_message: String,
}
