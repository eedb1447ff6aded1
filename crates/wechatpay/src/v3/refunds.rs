//! Refunds: the request, the refund as answered or queried, and the notice. A 200 means accepted, not refunded.

use serde::{Deserialize, Serialize};

use super::answer_text::{non_empty, non_empty_enum};
use super::request::{InvalidRequest, Problem, check};
use crate::open_enum::open_enum;

const FUNDS_ACCOUNTS: [&str; 2] = ["AVAILABLE", "UNSETTLED"];
const SOURCE_ACCOUNTS: [&str; 2] = ["AVAILABLE", "UNAVAILABLE"];

open_enum! {
    /// The state of a refund.
    RefundStatus {
        /// Accepted.
        Processing = "PROCESSING",
        /// The payer has the money.
        Success = "SUCCESS",
        /// Not executed; the amount may be refunded again.
        Closed = "CLOSED",
        /// The original way failed; the money is neither with the payer nor released.
        Abnormal = "ABNORMAL",
    }
}

open_enum! {
    /// The way by which the money goes back.
    RefundChannel {
        /// The way it came.
        Original = "ORIGINAL",
        /// To the payer's balance.
        Balance = "BALANCE",
        /// The original account is gone; to another balance.
        OtherBalance = "OTHER_BALANCE",
        /// The original account is gone; to another card.
        OtherBankcard = "OTHER_BANKCARD",
    }
}

/// The body of `POST /v3/refund/domestic/refunds` in partner mode (WeChat partner docs: refund).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RefundRequest {
    /// The sub-merchant's number.
    pub sub_mchid: String,
    /// WeChat's number of the payment; this or `out_trade_no`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transaction_id: Option<String>,
    /// The merchant's number of the order; this or `transaction_id`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub out_trade_no: Option<String>,
    /// The merchant's number of the refund, unique per provider: the same number is the same refund.
    pub out_refund_no: String,
    /// What the payer is told, at most 80 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Where the result is notified. Without it WeChat may notify in the V2 format: always send it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notify_url: Option<String>,
    /// The account that pays: `AVAILABLE` or `UNSETTLED`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub funds_account: Option<String>,
    /// How much.
    pub amount: RefundRequestAmount,
    /// Which goods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub goods_detail: Option<Vec<RefundGoods>>,
}

/// How much is to be refunded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RefundRequestAmount {
    /// Fen to refund, at least 1.
    pub refund: i64,
    /// The accounts that pay, in special cases.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Vec<RefundSource>>,
    /// The order's original price in fen, neither the rest nor what the payer gave.
    pub total: i64,
    /// `CNY`.
    pub currency: String,
}

/// An account that pays for a refund.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RefundSource {
    /// `AVAILABLE` or `UNAVAILABLE`.
    pub account: String,
    /// Fen.
    pub amount: i64,
}

/// Goods that are refunded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RefundGoods {
    /// The merchant's id of the goods.
    pub merchant_goods_id: String,
    /// WeChat's id of the goods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wechatpay_goods_id: Option<String>,
    /// The name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub goods_name: Option<String>,
    /// Fen apiece.
    pub unit_price: i64,
    /// Fen to refund for these goods.
    pub refund_amount: i64,
    /// How many.
    pub refund_quantity: i64,
}

impl RefundRequest {
    /// Checks WeChat's published limits and names the first field that breaks one.
    pub fn validate(&self) -> Result<(), InvalidRequest> {
        check::number("/sub_mchid", &self.sub_mchid, b"", (1, 32))?;
        self.validate_payment()?;
        check::number("/out_refund_no", &self.out_refund_no, b"|*@", (1, 64))?;
        check::optional_text("/reason", self.reason.as_deref(), 80)?;
        if let Some(notify_url) = &self.notify_url {
            check::notify_url("/notify_url", notify_url, 256)?;
        }
        check::amount("/amount/total", self.amount.total, i64::MAX)?;
        check::amount("/amount/refund", self.amount.refund, self.amount.total)?;
        check::currency("/amount/currency", Some(&self.amount.currency))?;
        self.validate_sources()?;
        self.goods_detail
            .iter()
            .flatten()
            .try_for_each(RefundGoods::validate)
    }

    /// The accounts that pay must pay exactly what is refunded.
    fn validate_sources(&self) -> Result<(), InvalidRequest> {
        let fail = |field, problem| Err(InvalidRequest { field, problem });
        if self
            .funds_account
            .as_deref()
            .is_some_and(|a| !FUNDS_ACCOUNTS.contains(&a))
        {
            return fail("/funds_account", Problem::NotA("AVAILABLE or UNSETTLED"));
        }
        let Some(sources) = &self.amount.from else {
            return Ok(());
        };
        let mut sum = 0_i64;
        for source in sources {
            if !SOURCE_ACCOUNTS.contains(&source.account.as_str()) {
                let problem = Problem::NotA("AVAILABLE or UNAVAILABLE");
                return fail("/amount/from/account", problem);
            }
            check::amount("/amount/from/amount", source.amount, self.amount.refund)?;
            sum = sum.saturating_add(source.amount);
        }
        if sum != self.amount.refund {
            return fail(
                "/amount/from",
                Problem::DiffersFrom("/amount/refund in its sum"),
            );
        }
        Ok(())
    }

    fn validate_payment(&self) -> Result<(), InvalidRequest> {
        match (&self.transaction_id, &self.out_trade_no) {
            (Some(id), None) => check::number("/transaction_id", id, b"", (1, 32)),
            (None, Some(number)) => check::number("/out_trade_no", number, b"|*", (6, 32)),
            (None, None) => Err(InvalidRequest {
                field: "/transaction_id",
                problem: Problem::Required,
            }),
            (Some(_), Some(_)) => Err(InvalidRequest {
                field: "/out_trade_no",
                problem: Problem::NotTogetherWith("/transaction_id"),
            }),
        }
    }
}

impl RefundGoods {
    fn validate(&self) -> Result<(), InvalidRequest> {
        let id = &self.merchant_goods_id;
        check::number("/goods_detail/merchant_goods_id", id, b"", (1, 32))?;
        let id = self.wechatpay_goods_id.as_deref();
        check::optional_text("/goods_detail/wechatpay_goods_id", id, 32)?;
        let name = self.goods_name.as_deref();
        check::optional_text("/goods_detail/goods_name", name, 256)?;
        check::amount("/goods_detail/unit_price", self.unit_price, i64::MAX)?;
        check::amount("/goods_detail/refund_amount", self.refund_amount, i64::MAX)?;
        check::amount(
            "/goods_detail/refund_quantity",
            self.refund_quantity,
            i64::MAX,
        )
    }
}

/// A refund as answered to the request and to queries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refund {
    /// WeChat's number of the refund.
    pub refund_id: String,
    /// The merchant's number of the refund.
    pub out_refund_no: String,
    /// WeChat's number of the payment.
    pub transaction_id: String,
    /// The merchant's number of the order.
    pub out_trade_no: String,
    /// The way back.
    #[serde(
        default,
        deserialize_with = "non_empty_enum",
        skip_serializing_if = "Option::is_none"
    )]
    pub channel: Option<RefundChannel>,
    /// The receiving account in words.
    #[serde(
        default,
        deserialize_with = "non_empty",
        skip_serializing_if = "Option::is_none"
    )]
    pub user_received_account: Option<String>,
    /// When it succeeded, RFC 3339.
    #[serde(
        default,
        deserialize_with = "non_empty",
        skip_serializing_if = "Option::is_none"
    )]
    pub success_time: Option<String>,
    /// When it was accepted, RFC 3339.
    #[serde(
        default,
        deserialize_with = "non_empty",
        skip_serializing_if = "Option::is_none"
    )]
    pub create_time: Option<String>,
    /// The state (`refund_status` in the notice).
    pub status: RefundStatus,
    /// The account that pays.
    #[serde(
        default,
        deserialize_with = "non_empty",
        skip_serializing_if = "Option::is_none"
    )]
    pub funds_account: Option<String>,
    /// How much.
    pub amount: RefundAmount,
    /// The coupons that were taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promotion_detail: Option<Vec<RefundPromotion>>,
}

/// The amounts of a refund, in fen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundAmount {
    /// The order's price.
    pub total: i64,
    /// What is refunded.
    pub refund: i64,
    /// The accounts that pay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Vec<RefundSource>>,
    /// What the payer had given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payer_total: Option<i64>,
    /// What the payer gets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payer_refund: Option<i64>,
    /// What the merchant gives back of its settlement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settlement_refund: Option<i64>,
    /// What the merchant's settlement was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settlement_total: Option<i64>,
    /// The part that was a discount.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub discount_refund: Option<i64>,
    /// `CNY`.
    #[serde(
        default,
        deserialize_with = "non_empty",
        skip_serializing_if = "Option::is_none"
    )]
    pub currency: Option<String>,
    /// The service fee that is given back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refund_fee: Option<i64>,
}

/// A coupon that a refund takes back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundPromotion {
    /// The coupon.
    pub promotion_id: String,
    /// `GLOBAL` or `SINGLE`.
    #[serde(
        default,
        deserialize_with = "non_empty",
        skip_serializing_if = "Option::is_none"
    )]
    pub scope: Option<String>,
    /// `COUPON` (prepaid) or `DISCOUNT`.
    #[serde(
        rename = "type",
        default,
        deserialize_with = "non_empty",
        skip_serializing_if = "Option::is_none"
    )]
    pub kind: Option<String>,
    /// Fen.
    pub amount: i64,
    /// Fen that are taken back.
    pub refund_amount: i64,
}

/// The plain text of a refund notification.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "RefundNoticeWire")]
pub struct RefundNotice {
    /// The provider's number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sp_mchid: Option<String>,
    /// The sub-merchant's number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sub_mchid: Option<String>,
    /// The merchant's number of the order.
    pub out_trade_no: String,
    /// WeChat's number of the payment.
    pub transaction_id: String,
    /// The merchant's number of the refund.
    pub out_refund_no: String,
    /// WeChat's number of the refund.
    pub refund_id: String,
    /// The state; there is no notice of `PROCESSING`.
    pub refund_status: RefundStatus,
    /// When it succeeded, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub success_time: Option<String>,
    /// The receiving account in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_received_account: Option<String>,
    /// How much.
    pub amount: RefundAmount,
}

impl RefundNotice {
    /// Reads the plain text of a refund notification.
    pub fn from_plain(plain: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(plain)
    }
}

/// One partner example calls the provider `mchid` instead of `sp_mchid`.
#[derive(Deserialize)]
struct RefundNoticeWire {
    #[serde(default, deserialize_with = "non_empty")]
    sp_mchid: Option<String>,
    #[serde(default, deserialize_with = "non_empty")]
    mchid: Option<String>,
    #[serde(default, deserialize_with = "non_empty")]
    sub_mchid: Option<String>,
    out_trade_no: String,
    transaction_id: String,
    out_refund_no: String,
    refund_id: String,
    refund_status: RefundStatus,
    #[serde(default, deserialize_with = "non_empty")]
    success_time: Option<String>,
    #[serde(default, deserialize_with = "non_empty")]
    user_received_account: Option<String>,
    amount: RefundAmount,
}

impl From<RefundNoticeWire> for RefundNotice {
    fn from(wire: RefundNoticeWire) -> Self {
        Self {
            sp_mchid: wire.sp_mchid.or(wire.mchid),
            sub_mchid: wire.sub_mchid,
            out_trade_no: wire.out_trade_no,
            transaction_id: wire.transaction_id,
            out_refund_no: wire.out_refund_no,
            refund_id: wire.refund_id,
            refund_status: wire.refund_status,
            success_time: wire.success_time,
            user_received_account: wire.user_received_account,
            amount: wire.amount,
        }
    }
}
