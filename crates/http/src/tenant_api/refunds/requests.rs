//! What a tenant sends to refund an order. Limits are checked in `domain`, and written into the document.

use poem_openapi::{Enum, Object};
use tributary_domain::refund_content as content;

use super::objects::RefundGoods;

/// A refund to be made.
#[derive(Debug, Object)]
#[oai(deny_unknown_fields)]
pub(super) struct NewRefund {
    /// Our id of the order; this or `merchant_order_no`.
    order_id: Option<String>,
    /// Your own number of the order; this or `order_id`.
    merchant_order_no: Option<String>,
    /// Your own number of the refund, unique per mode: up to 64 characters of `0-9 A-Z a-z _ - | * @ .`.
    merchant_refund_no: String,
    /// How much.
    amount: NewRefundAmount,
    /// What the payer is told: at most 80 bytes of UTF-8, without emoji.
    reason: Option<String>,
    /// Which account of the sub-merchant pays. Leave it out to take what is not settled yet first.
    funds_account: Option<NewRefundAccount>,
    /// Which goods.
    goods_detail: Option<Vec<RefundGoods>>,
}

/// How much is to be refunded.
#[derive(Debug, Object)]
#[oai(deny_unknown_fields)]
struct NewRefundAmount {
    /// Whole fen (1/100 yuan), at most what is left of the payment.
    refund: i64,
    /// `CNY`, the only currency.
    currency: Option<String>,
}

/// An account of a sub-merchant.
#[derive(Debug, Clone, Copy, Enum)]
#[oai(rename_all = "SCREAMING_SNAKE_CASE")]
enum NewRefundAccount {
    /// What it may withdraw.
    Available,
    /// What is not settled yet.
    Unsettled,
}

impl From<NewRefund> for content::RefundRequest {
    fn from(refund: NewRefund) -> Self {
        let account = |account| match account {
            NewRefundAccount::Available => content::FundsAccount::Available,
            NewRefundAccount::Unsettled => content::FundsAccount::Unsettled,
        };
        let goods = refund.goods_detail.unwrap_or_default();
        Self {
            order_id: refund.order_id,
            merchant_order_no: refund.merchant_order_no,
            merchant_refund_no: refund.merchant_refund_no,
            refund: refund.amount.refund,
            currency: refund.amount.currency,
            reason: refund.reason,
            funds_account: refund
                .funds_account
                .map(|word| account(word).as_str().to_owned()),
            goods_detail: goods.into_iter().map(Into::into).collect(),
        }
    }
}
