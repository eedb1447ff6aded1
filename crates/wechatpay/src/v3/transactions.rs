//! Orders in partner mode: the JSAPI prepay, the close and the order as WeChat reports it.
//!
//! Requests refuse unknown fields (WeChat does) and omit absent ones; answers tolerate both.

mod limits;
mod observed;

use serde::{Deserialize, Serialize};

use super::request::InvalidRequest;

pub use observed::{
    Installment, ObservedAmount, ObservedPayer, ObservedScene, Promotion, PromotionGoods,
    TradeState, TradeType, Transaction,
};

/// The body of `POST /v3/pay/partner/transactions/jsapi` (WeChat partner docs: JSAPI order).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JsapiPrepay {
    /// An app bound to the service provider.
    pub sp_appid: String,
    /// The service provider's number, equal to the one that signs.
    pub sp_mchid: String,
    /// An app bound to the sub-merchant under this provider; required with `payer.sub_openid`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sub_appid: Option<String>,
    /// The sub-merchant that receives the money.
    pub sub_mchid: String,
    /// What the payer sees, at most 127 bytes.
    pub description: String,
    /// 6 to 32 characters, unique per service provider.
    pub out_trade_no: String,
    /// The last moment at which the payer can pay, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_expire: Option<String>,
    /// Text that comes back in queries, notifications and bills.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attach: Option<String>,
    /// Where the payment is notified: absolute, without query.
    pub notify_url: String,
    /// Coupon marker.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub goods_tag: Option<String>,
    /// Profit sharing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settle_info: Option<SettleInfo>,
    /// Shows the entry to electronic invoices.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub support_fapiao: Option<bool>,
    /// Forbidden ways to pay, such as `no_credit`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit_pay: Option<Vec<String>>,
    /// The price.
    pub amount: OrderAmount,
    /// The payer, by exactly one openid.
    pub payer: Payer,
    /// Goods and original price.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<OrderDetail>,
    /// The place of payment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scene_info: Option<SceneInfo>,
}

impl JsapiPrepay {
    /// Returns the app that the payer is in, and with it the `appId` of the payment parameters.
    ///
    /// The openid decides: an openid of the sub-merchant's app means `sub_appid`, else it is the provider's app.
    pub fn paying_appid(&self) -> &str {
        match (&self.payer.sub_openid, &self.sub_appid) {
            (Some(_), Some(sub_appid)) => sub_appid,
            _ => &self.sp_appid,
        }
    }

    /// Checks WeChat's published limits and names the first field that breaks one.
    pub fn validate(&self) -> Result<(), InvalidRequest> {
        limits::check(self)
    }
}

/// The price of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrderAmount {
    /// Fen, at least 1.
    pub total: i64,
    /// `CNY`, the default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
}

/// The payer of a JSAPI order: exactly one of the openids.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Payer {
    /// The openid under `sp_appid`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sp_openid: Option<String>,
    /// The openid under `sub_appid`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sub_openid: Option<String>,
}

/// Settlement of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SettleInfo {
    /// Freezes the money until it has been shared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profit_sharing: Option<bool>,
}

/// Goods and original price of an order, at most 6144 bytes of JSON.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrderDetail {
    /// The price before coupons, in fen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_price: Option<i64>,
    /// The merchant's receipt number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invoice_id: Option<String>,
    /// The goods, 1 to 6000 of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub goods_detail: Option<Vec<Goods>>,
}

/// One kind of goods.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Goods {
    /// The merchant's id of the goods.
    pub merchant_goods_id: String,
    /// WeChat's id of the goods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wechatpay_goods_id: Option<String>,
    /// The name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub goods_name: Option<String>,
    /// How many.
    pub quantity: i64,
    /// Fen apiece.
    pub unit_price: i64,
}

/// The place of payment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SceneInfo {
    /// The payer's address, version 4 or 6.
    pub payer_client_ip: String,
    /// The merchant's device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_id: Option<String>,
    /// The shop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store_info: Option<StoreInfo>,
}

/// The shop of a payment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoreInfo {
    /// The merchant's id of the shop.
    pub id: String,
    /// The name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The area code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub area_code: Option<String>,
    /// The address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
}

/// The answer to a prepay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prepay {
    /// Opaque; usable for two hours.
    pub prepay_id: String,
}

/// The body of a close.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CloseRequest {
    /// The service provider's number.
    pub sp_mchid: String,
    /// The sub-merchant's number.
    pub sub_mchid: String,
}
