//! An order as WeChat reports it, in a query or in a notification; most fields exist only once it is paid.

use serde::{Deserialize, Serialize};

use crate::open_enum::open_enum;
use crate::v3::answer_text::{non_empty, non_empty_enum};

open_enum! {
    /// The state of an order at WeChat (WeChat partner docs: query order).
    TradeState {
        /// Paid.
        Success = "SUCCESS",
        /// Paid, and at least one refund was made, be it partial.
        Refund = "REFUND",
        /// Created, not paid.
        NotPay = "NOTPAY",
        /// Closed by the provider or by WeChat.
        Closed = "CLOSED",
        /// Reversed (code pay).
        Revoked = "REVOKED",
        /// The payer is entering the password (code pay).
        UserPaying = "USERPAYING",
        /// An attempt failed (code pay).
        PayError = "PAYERROR",
        /// Accepted, waiting for the deduction.
        Accept = "ACCEPT",
    }
}

impl TradeState {
    /// Tells whether the payer's money has been taken (`REFUND` is paid too).
    pub fn is_paid(&self) -> bool {
        matches!(self, Self::Success | Self::Refund)
    }
}

open_enum! {
    /// How an order was paid.
    TradeType {
        /// Official account or mini-program.
        Jsapi = "JSAPI",
        /// QR code.
        Native = "NATIVE",
        /// App.
        App = "APP",
        /// Code pay.
        Micropay = "MICROPAY",
        /// Mobile browser.
        Mweb = "MWEB",
        /// Face.
        Facepay = "FACEPAY",
    }
}

/// An order as WeChat sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transaction {
    /// The provider's app.
    #[serde(
        default,
        deserialize_with = "non_empty",
        skip_serializing_if = "Option::is_none"
    )]
    pub sp_appid: Option<String>,
    /// The provider's number.
    pub sp_mchid: String,
    /// The sub-merchant's app, if the order named one.
    #[serde(
        default,
        deserialize_with = "non_empty",
        skip_serializing_if = "Option::is_none"
    )]
    pub sub_appid: Option<String>,
    /// The sub-merchant's number.
    pub sub_mchid: String,
    /// The merchant's number of the order.
    pub out_trade_no: String,
    /// WeChat's number of the payment, once there is one.
    #[serde(
        default,
        deserialize_with = "non_empty",
        skip_serializing_if = "Option::is_none"
    )]
    pub transaction_id: Option<String>,
    /// How it was paid.
    #[serde(
        default,
        deserialize_with = "non_empty_enum",
        skip_serializing_if = "Option::is_none"
    )]
    pub trade_type: Option<TradeType>,
    /// The state.
    pub trade_state: TradeState,
    /// The state in words.
    #[serde(
        default,
        deserialize_with = "non_empty",
        skip_serializing_if = "Option::is_none"
    )]
    pub trade_state_desc: Option<String>,
    /// The payer's bank, an open list.
    #[serde(
        default,
        deserialize_with = "non_empty",
        skip_serializing_if = "Option::is_none"
    )]
    pub bank_type: Option<String>,
    /// What the order carried along.
    #[serde(
        default,
        deserialize_with = "non_empty",
        skip_serializing_if = "Option::is_none"
    )]
    pub attach: Option<String>,
    /// When it was paid, RFC 3339 as WeChat wrote it.
    #[serde(
        default,
        deserialize_with = "non_empty",
        skip_serializing_if = "Option::is_none"
    )]
    pub success_time: Option<String>,
    /// Who paid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payer: Option<ObservedPayer>,
    /// How much was paid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<ObservedAmount>,
    /// Where it was paid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scene_info: Option<ObservedScene>,
    /// The coupons that were used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promotion_detail: Option<Vec<Promotion>>,
    /// Instalments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub installment_info: Option<Installment>,
}

impl Transaction {
    /// Reads the plain text of a payment notification.
    pub fn from_plain(plain: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(plain)
    }

    /// Returns the moment of payment in Unix milliseconds.
    pub fn success_unix_ms(&self) -> Option<i64> {
        super::super::time::parse_unix_ms(self.success_time.as_deref()?)
    }
}

/// Who paid.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObservedPayer {
    /// The openid under the provider's app.
    #[serde(
        default,
        deserialize_with = "non_empty",
        skip_serializing_if = "Option::is_none"
    )]
    pub sp_openid: Option<String>,
    /// The openid under the sub-merchant's app.
    #[serde(
        default,
        deserialize_with = "non_empty",
        skip_serializing_if = "Option::is_none"
    )]
    pub sub_openid: Option<String>,
}

/// How much was paid, in fen.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObservedAmount {
    /// The order's price.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<i64>,
    /// What the payer gave after coupons.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payer_total: Option<i64>,
    /// The currency of the price.
    #[serde(
        default,
        deserialize_with = "non_empty",
        skip_serializing_if = "Option::is_none"
    )]
    pub currency: Option<String>,
    /// The currency in which the payer paid.
    #[serde(
        default,
        deserialize_with = "non_empty",
        skip_serializing_if = "Option::is_none"
    )]
    pub payer_currency: Option<String>,
}

/// Where it was paid.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObservedScene {
    /// The merchant's device.
    #[serde(
        default,
        deserialize_with = "non_empty",
        skip_serializing_if = "Option::is_none"
    )]
    pub device_id: Option<String>,
}

/// A coupon that was used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Promotion {
    /// The coupon.
    pub coupon_id: String,
    /// Its name.
    #[serde(
        default,
        deserialize_with = "non_empty",
        skip_serializing_if = "Option::is_none"
    )]
    pub name: Option<String>,
    /// `GLOBAL` or `SINGLE`.
    #[serde(
        default,
        deserialize_with = "non_empty",
        skip_serializing_if = "Option::is_none"
    )]
    pub scope: Option<String>,
    /// `CASH` (settled to the merchant) or `NOCASH`.
    #[serde(
        rename = "type",
        default,
        deserialize_with = "non_empty",
        skip_serializing_if = "Option::is_none"
    )]
    pub kind: Option<String>,
    /// Fen.
    pub amount: i64,
    /// The batch of the coupon.
    #[serde(
        default,
        deserialize_with = "non_empty",
        skip_serializing_if = "Option::is_none"
    )]
    pub stock_id: Option<String>,
    /// WeChat's share in fen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wechatpay_contribute: Option<i64>,
    /// The merchant's share in fen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merchant_contribute: Option<i64>,
    /// Others' share in fen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other_contribute: Option<i64>,
    /// The currency.
    #[serde(
        default,
        deserialize_with = "non_empty",
        skip_serializing_if = "Option::is_none"
    )]
    pub currency: Option<String>,
    /// The goods that it applied to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub goods_detail: Option<Vec<PromotionGoods>>,
}

/// Goods that a coupon applied to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PromotionGoods {
    /// The goods.
    pub goods_id: String,
    /// How many.
    pub quantity: i64,
    /// Fen apiece.
    pub unit_price: i64,
    /// The discount in fen.
    pub discount_amount: i64,
    /// A remark.
    #[serde(
        default,
        deserialize_with = "non_empty",
        skip_serializing_if = "Option::is_none"
    )]
    pub goods_remark: Option<String>,
}

/// Instalments (分付).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Installment {
    /// Whether interest is subsidised.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub use_subsidy: Option<bool>,
    /// How many instalments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selected_installment_number: Option<i64>,
}
