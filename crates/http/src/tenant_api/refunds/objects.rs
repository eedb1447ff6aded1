//! Refunds as a tenant sees them.

use poem_openapi::{Enum, Object};
use tributary_domain::refund;
use tributary_domain::refund_content as content;
use tributary_operations::pages::Page;
use tributary_operations::refunds::view::RefundView;

/// Where a refund stands.
#[derive(Debug, Clone, Copy, Enum)]
#[oai(rename_all = "snake_case", remote = "refund::RefundState")]
pub(super) enum RefundState {
    Requested,
    Sent,
    Unknown,
    Held,
    Processing,
    Abnormal,
    Success,
    Closed,
}

/// Who asked for a refund.
#[derive(Debug, Clone, Copy, Enum)]
#[oai(rename_all = "snake_case", remote = "refund::RefundOrigin")]
pub(super) enum RefundOrigin {
    Api,
    LateMoney,
    External,
}

/// A refund.
#[expect(
    clippy::struct_field_names,
    reason = "`refund_id` is WeChat's own word"
)]
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct Refund {
    /// Our id of it: `ref_…`.
    id: String,
    /// Always `refund`.
    object: String,
    /// Your own number of it.
    merchant_refund_no: String,
    /// The order that is refunded.
    order_id: String,
    /// `live` or `test`.
    mode: String,
    /// Where it stands. Only `success` means that the payer has the money; only `closed` means that it did not happen.
    state: RefundState,
    /// WeChat's own word for its state, as last seen.
    wechat_status: Option<String>,
    /// Who asked for it: you, what becomes of late money, or somebody in WeChat's own console.
    origin: RefundOrigin,
    /// How much.
    amount: RefundAmount,
    /// What the payer is told.
    reason: Option<String>,
    /// Which account of the sub-merchant pays.
    funds_account: Option<String>,
    /// Which goods.
    goods_detail: Option<Vec<RefundGoods>>,
    /// The sub-merchant whose money it is.
    sub_mchid: String,
    /// The number that WeChat sees; it never changes.
    out_refund_no: String,
    /// The order number of the payment, as WeChat sees it.
    out_trade_no: String,
    /// WeChat's number of the payment.
    transaction_id: String,
    /// WeChat's number of the refund.
    refund_id: Option<String>,
    /// The way back, in WeChat's word.
    channel: Option<String>,
    /// The receiving account in WeChat's words.
    user_received_account: Option<String>,
    /// When the payer had the money (RFC 3339).
    success_time: Option<String>,
    /// Why it waits or did not happen.
    failure: Option<RefundFailure>,
    /// When it is looked at next (RFC 3339); absent once it came to an end.
    next_try_at: Option<String>,
    /// When it was recorded (RFC 3339).
    created_at: String,
    /// When it last changed (RFC 3339).
    updated_at: String,
}

/// How much, in fen.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
struct RefundAmount {
    /// What is refunded, in whole fen.
    refund: i64,
    /// The whole payment.
    total: i64,
    /// What the payer gets after coupons; known once WeChat said so.
    payer_refund: Option<i64>,
    /// `CNY`.
    currency: String,
}

/// What WeChat said against it.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
struct RefundFailure {
    /// WeChat's code.
    code: Option<String>,
    /// WeChat's words, for people.
    message: String,
}

/// Goods that are refunded.
#[derive(Debug, Object)]
#[oai(deny_unknown_fields, skip_serializing_if_is_none)]
pub(super) struct RefundGoods {
    /// Your id of it.
    merchant_goods_id: String,
    /// WeChat's id of it.
    wechatpay_goods_id: Option<String>,
    /// Its name.
    goods_name: Option<String>,
    /// The price of one in fen.
    unit_price: i64,
    /// What is refunded for these goods, in fen.
    refund_amount: i64,
    /// How many.
    refund_quantity: i64,
}

/// A page of refunds, the newest first.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct RefundPage {
    /// Always `list`.
    object: String,
    /// The refunds.
    data: Vec<Refund>,
    /// Whether there is a next page.
    has_more: bool,
    /// Send it as `cursor` to get the next page; absent on the last.
    next_cursor: Option<String>,
}

impl From<Page<RefundView>> for RefundPage {
    fn from(page: Page<RefundView>) -> Self {
        Self {
            object: String::from("list"),
            data: page.items.into_iter().map(Into::into).collect(),
            has_more: page.next_cursor.is_some(),
            next_cursor: page.next_cursor,
        }
    }
}

impl From<RefundView> for Refund {
    fn from(view: RefundView) -> Self {
        let goods: Vec<RefundGoods> = view.goods_detail.into_iter().map(Into::into).collect();
        Self {
            id: view.id,
            object: view.object,
            merchant_refund_no: view.merchant_refund_no,
            order_id: view.order_id,
            mode: view.mode.as_str().to_owned(),
            state: view.state.into(),
            wechat_status: view.wechat_status,
            origin: view.origin.into(),
            amount: RefundAmount {
                refund: view.amount.refund,
                total: view.amount.total,
                payer_refund: view.amount.payer_refund,
                currency: view.amount.currency,
            },
            reason: view.reason,
            funds_account: view
                .funds_account
                .map(|account| account.as_str().to_owned()),
            goods_detail: (!goods.is_empty()).then_some(goods),
            sub_mchid: view.sub_mchid,
            out_refund_no: view.out_refund_no,
            out_trade_no: view.out_trade_no,
            transaction_id: view.transaction_id,
            refund_id: view.refund_id,
            channel: view.channel,
            user_received_account: view.user_received_account,
            success_time: view.success_time,
            failure: view.failure.map(|failure| RefundFailure {
                code: failure.code,
                message: failure.message,
            }),
            next_try_at: view.next_try_at,
            created_at: view.created_at,
            updated_at: view.updated_at,
        }
    }
}

impl From<content::RefundGoods> for RefundGoods {
    fn from(goods: content::RefundGoods) -> Self {
        Self {
            merchant_goods_id: goods.merchant_goods_id,
            wechatpay_goods_id: goods.wechatpay_goods_id,
            goods_name: goods.goods_name,
            unit_price: goods.unit_price,
            refund_amount: goods.refund_amount,
            refund_quantity: goods.refund_quantity,
        }
    }
}

impl From<RefundGoods> for content::RefundGoods {
    fn from(goods: RefundGoods) -> Self {
        Self {
            merchant_goods_id: goods.merchant_goods_id,
            wechatpay_goods_id: goods.wechatpay_goods_id,
            goods_name: goods.goods_name,
            unit_price: goods.unit_price,
            refund_amount: goods.refund_amount,
            refund_quantity: goods.refund_quantity,
        }
    }
}
