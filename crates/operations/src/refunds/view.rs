//! A refund as a tenant sees it: in answers, in the feed and in webhooks alike.

use serde::{Deserialize, Serialize};
use tributary_domain::clock::Timestamp;
use tributary_domain::refund::{Refund, RefundFailure, RefundOrigin, RefundState};
use tributary_domain::refund_content::{FundsAccount, RefundGoods};
use tributary_domain::tenant::Mode;

/// A refund as a tenant sees it. Times are RFC 3339, money is fen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundView {
    /// Our id.
    pub id: String,
    /// Always `refund`.
    pub object: String,
    /// The tenant's own number.
    pub merchant_refund_no: String,
    /// Of which order.
    pub order_id: String,
    /// Which world it lives in.
    pub mode: Mode,
    /// Where it stands.
    pub state: RefundState,
    /// WeChat's own word, as last seen.
    pub wechat_status: Option<String>,
    /// Who asked for it.
    pub origin: RefundOrigin,
    /// How much.
    pub amount: RefundAmountView,
    /// What the payer is told.
    pub reason: Option<String>,
    /// Which account pays.
    pub funds_account: Option<FundsAccount>,
    /// Which goods.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub goods_detail: Vec<RefundGoods>,
    /// Whose money it is.
    pub sub_mchid: String,
    /// The number that WeChat sees.
    pub out_refund_no: String,
    /// The order number of the payment.
    pub out_trade_no: String,
    /// WeChat's number of the payment.
    pub transaction_id: String,
    /// WeChat's number of the refund.
    pub refund_id: Option<String>,
    /// The way back.
    pub channel: Option<String>,
    /// The receiving account in WeChat's words.
    pub user_received_account: Option<String>,
    /// When the payer had the money.
    pub success_time: Option<String>,
    /// Why it is closed or held.
    pub failure: Option<RefundFailure>,
    /// When it is looked at next.
    pub next_try_at: Option<String>,
    /// When it was recorded.
    pub created_at: String,
    /// When it last changed.
    pub updated_at: String,
}

/// The amounts of a refund.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundAmountView {
    /// What is refunded, in fen.
    pub refund: i64,
    /// The whole payment, in fen.
    pub total: i64,
    /// What the payer gets, in fen, once WeChat said so.
    pub payer_refund: Option<i64>,
    /// ISO 4217 code.
    pub currency: String,
}

/// Renders a refund.
pub fn refund_view(refund: &Refund) -> RefundView {
    let (content, facts) = (&refund.content, &refund.facts);
    RefundView {
        id: refund.id.to_string(),
        object: "refund".into(),
        merchant_refund_no: content.merchant_refund_no.to_string(),
        order_id: refund.order_id.to_string(),
        mode: refund.mode,
        state: refund.state,
        wechat_status: facts.status.clone(),
        origin: refund.origin,
        amount: RefundAmountView {
            refund: content.refund.as_i64(),
            total: refund.total.as_i64(),
            payer_refund: facts.payer_refund,
            currency: content.currency.as_str().to_owned(),
        },
        reason: content.reason.clone(),
        funds_account: content.funds_account,
        goods_detail: content.goods_detail.clone(),
        sub_mchid: refund.sub_mchid.to_string(),
        out_refund_no: refund.out_refund_no.to_string(),
        out_trade_no: refund.out_trade_no.to_string(),
        transaction_id: refund.transaction_id.clone(),
        refund_id: facts.refund_id.clone(),
        channel: facts.channel.clone(),
        user_received_account: facts.user_received_account.clone(),
        success_time: facts.success_time.map(Timestamp::to_rfc3339),
        failure: refund.failure.clone(),
        next_try_at: refund.next_try_at.map(Timestamp::to_rfc3339),
        created_at: refund.created_at.to_rfc3339(),
        updated_at: refund.updated_at.to_rfc3339(),
    }
}
