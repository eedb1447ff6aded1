//! An order as a tenant sees it: in answers, in the feed and in webhooks alike.

use serde::{Deserialize, Serialize};
use tributary_domain::clock::Timestamp;
use tributary_domain::ids::OrderId;
use tributary_domain::late_payment::{LateKind, LatePayment, LatePaymentState};
use tributary_domain::order::{Attempt, Order, OrderState, PREPAY_LIFETIME_MS};
use tributary_domain::order_content::{Detail, Payer, SceneInfo, SettleInfo};
use tributary_domain::tenant::Mode;

/// An order as a tenant sees it. Times are RFC 3339, money is fen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderView {
    /// Our id.
    pub id: OrderId,
    /// Always `order`.
    pub object: String,
    /// The tenant's own number.
    pub merchant_order_no: String,
    /// Which world it lives in.
    pub mode: Mode,
    /// Where it stands.
    pub state: OrderState,
    /// WeChat's own word, as last seen.
    pub trade_state: Option<String>,
    /// Paid to which sub-merchant.
    pub sub_mchid: String,
    /// The sub-merchant's app, when the payer is in it.
    pub sub_appid: Option<String>,
    /// What the payer reads.
    pub description: String,
    /// How much.
    pub amount: AmountView,
    /// Who pays.
    pub payer: PayerView,
    /// Given back as it came.
    pub attach: Option<String>,
    /// Coupon marker.
    pub goods_tag: Option<String>,
    /// Last moment to pay, when the tenant said one.
    pub time_expire: Option<String>,
    /// When the order ends unpaid.
    pub expires_at: String,
    /// Goods.
    pub detail: Option<Detail>,
    /// Where the payment happens.
    pub scene_info: Option<SceneInfo>,
    /// Settlement choices.
    pub settle_info: Option<SettleInfo>,
    /// The number that WeChat sees, of the newest attempt.
    pub out_trade_no: Option<String>,
    /// WeChat's number of the payment.
    pub transaction_id: Option<String>,
    /// When it was paid.
    pub success_time: Option<String>,
    /// How it was paid.
    pub trade_type: Option<String>,
    /// The payer's bank.
    pub bank_type: Option<String>,
    /// Payments that came late, twice, or with another amount; in lists they are left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub late_payments: Vec<LatePaymentView>,
    /// When it was recorded.
    pub created_at: String,
    /// When it last changed.
    pub updated_at: String,
}

/// A payment that came late, twice, or with another amount, as a tenant sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LatePaymentView {
    /// Our id.
    pub id: String,
    /// In which way it is not the ordinary payment.
    pub kind: LateKind,
    /// Where it stands.
    pub state: LatePaymentState,
    /// WeChat's number of the payment.
    pub transaction_id: String,
    /// What came in, in fen.
    pub total: i64,
    /// When the payer paid.
    pub success_time: String,
    /// The refund that gives it back.
    pub refund_id: Option<String>,
}

impl OrderView {
    /// The same, with the payments that came late, twice, or with another amount.
    pub fn with_late_payments(mut self, late: &[LatePayment]) -> Self {
        self.late_payments = late
            .iter()
            .map(|late| LatePaymentView {
                id: late.id.to_string(),
                kind: late.kind,
                state: late.state,
                transaction_id: late.transaction_id.clone(),
                total: late.total.as_i64(),
                success_time: late.success_time.to_rfc3339(),
                refund_id: late.refund_id.as_ref().map(ToString::to_string),
            })
            .collect();
        self
    }
}

/// An amount with its currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AmountView {
    /// What is asked, in fen.
    pub total: i64,
    /// What the payer gave after coupons, in fen, once paid.
    pub payer_total: Option<i64>,
    /// What came in, in fen.
    #[serde(default)]
    pub paid: i64,
    /// What is on its way back, in fen.
    #[serde(default)]
    pub refunding: i64,
    /// What went back, in fen.
    #[serde(default)]
    pub refunded: i64,
    /// ISO 4217 code.
    pub currency: String,
}

/// A payer in the scope of one app.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PayerView {
    /// Openid under the provider's app.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sp_openid: Option<String>,
    /// Openid under the sub-merchant's app.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sub_openid: Option<String>,
}

/// What `wx.requestPayment` needs; spelled as WeChat spells it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PayParams {
    /// The app the payer is in.
    pub app_id: String,
    /// Seconds since 1970, as text.
    pub time_stamp: String,
    /// Random text.
    pub nonce_str: String,
    /// `prepay_id=…`.
    pub package: String,
    /// `RSA`.
    pub sign_type: String,
    /// The provider's signature.
    pub pay_sign: String,
    /// When the prepay ends; ask again with the same order number for a new one.
    #[serde(rename = "expires_at")]
    pub expires_at: String,
}

/// The answer to placing an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlacedView {
    /// The order.
    pub order: OrderView,
    /// How to pay it; absent when it can no longer be paid.
    pub pay_params: Option<PayParams>,
}

/// Renders an order with its newest attempt.
pub fn order_view(order: &Order, attempt: Option<&Attempt>) -> OrderView {
    let content = &order.content;
    let payment = order.payment.as_ref();
    OrderView {
        id: order.id.clone(),
        object: "order".into(),
        merchant_order_no: content.merchant_order_no.to_string(),
        mode: order.mode,
        state: order.state,
        trade_state: order.trade_state.clone(),
        sub_mchid: order.sub_mchid.to_string(),
        sub_appid: content.sub_appid.as_ref().map(ToString::to_string),
        description: content.description.clone(),
        amount: AmountView {
            total: content.total.as_i64(),
            payer_total: payment.and_then(|paid| paid.payer_total).map(i64::from),
            paid: order.money.paid.as_i64(),
            refunding: order.money.refunding.as_i64(),
            refunded: order.money.refunded.as_i64(),
            currency: content.currency.as_str().to_owned(),
        },
        payer: payer_view(&content.payer),
        attach: content.attach.clone(),
        goods_tag: content.goods_tag.clone(),
        time_expire: content.time_expire.map(Timestamp::to_rfc3339),
        expires_at: order.expires_at.to_rfc3339(),
        detail: content.detail.clone(),
        scene_info: content.scene_info.clone(),
        settle_info: content.settle_info.clone(),
        out_trade_no: attempt.map(|attempt| attempt.out_trade_no.to_string()),
        transaction_id: payment.map(|paid| paid.transaction_id.clone()),
        success_time: payment.map(|paid| paid.success_time.to_rfc3339()),
        trade_type: payment.and_then(|paid| paid.trade_type.clone()),
        bank_type: payment.and_then(|paid| paid.bank_type.clone()),
        late_payments: Vec::new(),
        created_at: order.created_at.to_rfc3339(),
        updated_at: order.updated_at.to_rfc3339(),
    }
}

fn payer_view(payer: &Payer) -> PayerView {
    match payer {
        Payer::SpOpenid(id) => PayerView {
            sp_openid: Some(id.to_string()),
            sub_openid: None,
        },
        Payer::SubOpenid(id) => PayerView {
            sp_openid: None,
            sub_openid: Some(id.to_string()),
        },
    }
}

/// When a prepay ends that was issued at `prepared_at`.
pub(crate) fn prepay_end(prepared_at: Timestamp) -> Timestamp {
    prepared_at.plus_millis(PREPAY_LIFETIME_MS)
}
