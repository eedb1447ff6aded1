//! Notifications: the envelope, what is inside, and which kind of business it tells of.

use serde::{Deserialize, Serialize};

use super::aead::{self, AeadError};
use super::{RefundNotice, Transaction};
use crate::credentials::ApiV3Key;

/// The body of a notification. Its signature must be verified before it is parsed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    /// The notification's id; the same on its retries.
    pub id: String,
    /// RFC 3339.
    #[serde(default)]
    pub create_time: String,
    /// `encrypt-resource`.
    #[serde(default)]
    pub resource_type: String,
    /// Such as `TRANSACTION.SUCCESS`; several businesses share one, so it does not tell which it is.
    pub event_type: String,
    /// Text for people.
    #[serde(default)]
    pub summary: String,
    /// What is encrypted.
    pub resource: Resource,
}

/// The encrypted part of a notification.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resource {
    /// `transaction`, `refund` and others.
    #[serde(default)]
    pub original_type: String,
    /// `AEAD_AES_256_GCM`.
    pub algorithm: String,
    /// Base64 of ciphertext and tag.
    pub ciphertext: String,
    /// May be empty or absent.
    #[serde(default, deserialize_with = "or_empty")]
    pub associated_data: String,
    /// 12 to 16 characters.
    pub nonce: String,
}

impl Envelope {
    /// Reads the raw body of a notification.
    pub fn parse(body: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(body)
    }

    /// Decrypts the resource under the first key that fits.
    pub fn decrypt(&self, keys: &[ApiV3Key]) -> Result<Vec<u8>, AeadError> {
        let resource = &self.resource;
        if resource.algorithm != aead::ALGORITHM {
            return Err(AeadError::Algorithm);
        }
        let Resource {
            nonce,
            associated_data,
            ciphertext,
            ..
        } = resource;
        aead::open_with_any(keys, nonce, associated_data, ciphertext)
    }
}

/// What a notification tells of, decided by the shape of its plain text, because `event_type` is shared.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Notice {
    /// A partner payment.
    Payment(Box<Transaction>),
    /// A refund.
    Refund(Box<RefundNotice>),
    /// A combined payment; this crate does not read it further.
    CombinedPayment,
    /// What an echo call asked WeChat to say back, word for word.
    Echo(String),
    /// Something else: keep it and look.
    Unknown,
}

impl Notice {
    /// Reads the plain text of a notification.
    pub fn from_plain(plain: &[u8]) -> Result<Self, serde_json::Error> {
        let shape: Shape = serde_json::from_slice(plain)?;
        if shape.combine_out_trade_no.is_some() {
            return Ok(Self::CombinedPayment);
        }
        if shape.out_refund_no.is_some() {
            return RefundNotice::from_plain(plain).map(|refund| Self::Refund(Box::new(refund)));
        }
        if shape.sp_mchid.is_some() && shape.trade_state.is_some() {
            return Transaction::from_plain(plain).map(|order| Self::Payment(Box::new(order)));
        }
        Ok(shape.echo_message.map_or(Self::Unknown, Self::Echo))
    }
}

/// The fields that tell the kinds apart; their values do not matter here.
#[derive(Deserialize)]
struct Shape {
    combine_out_trade_no: Option<serde::de::IgnoredAny>,
    out_refund_no: Option<serde::de::IgnoredAny>,
    sp_mchid: Option<serde::de::IgnoredAny>,
    trade_state: Option<serde::de::IgnoredAny>,
    echo_message: Option<String>,
}

fn or_empty<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.unwrap_or_default())
}
