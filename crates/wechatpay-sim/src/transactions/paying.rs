//! Paying an order, from the cashier or by the control API.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{PREPAY_LIFE_MS, is_expired};
use crate::{
    clock::parse_rfc3339,
    core::Core,
    ids::openid_from,
    ledger::{Ledger, Order, OrderIndex, Payment, Subject, TradeState},
};

/// Why a user cannot pay, in the words that the user reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PaymentProblem {
    #[error("订单不存在")]
    NoOrder,
    #[error("该订单已支付")]
    Paid,
    #[error("该订单已关闭，请重新下单")]
    Closed,
    #[error("支付已过期，请重新下单")]
    Expired,
    #[error("success_time不符合RFC3339格式")]
    SuccessTime,
}

/// How the control API lets an order be paid.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PayOrder {
    /// The provider, when several use the same number.
    #[serde(default)]
    pub sp_mchid: Option<String>,
    /// Another payer than the order named.
    #[serde(default)]
    pub openid: Option<String>,
    /// Another total than the order's, in fen: what WeChat never does and a platform must notice.
    #[serde(default)]
    pub amount_total: Option<i64>,
    /// RFC 3339; absent means now.
    #[serde(default)]
    pub success_time: Option<String>,
    /// Pays an expired or closed order all the same: what a race looks like from outside.
    #[serde(default)]
    pub force: bool,
}

/// A payment in the moment in which the order's close is asked for.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PayOnClose {
    /// What the close is answered.
    pub answer: CloseAnswer,
    /// How the order is paid.
    pub pay: PayOrder,
}

/// What a close that came too late is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum CloseAnswer {
    /// 400 `ORDERPAID`.
    #[default]
    #[serde(rename = "ORDERPAID")]
    OrderPaid,
    /// 204, although the order is paid.
    #[serde(rename = "CLOSED")]
    Closed,
}

/// Whether a user could pay this order now.
pub(crate) fn can_be_paid(order: &Order, now_ms: i64) -> Result<(), PaymentProblem> {
    match order.trade_state {
        TradeState::Success | TradeState::Refund => Err(PaymentProblem::Paid),
        TradeState::Closed => Err(PaymentProblem::Closed),
        TradeState::NotPay if is_expired(order, now_ms) => Err(PaymentProblem::Expired),
        TradeState::NotPay => Ok(()),
    }
}

/// Whether this prepay id can still be paid with.
pub(crate) fn check_prepay(
    order: &Order,
    prepay_id: &str,
    now_ms: i64,
) -> Result<(), PaymentProblem> {
    can_be_paid(order, now_ms)?;
    let issued = order
        .prepay_ids
        .iter()
        .find(|prepay| prepay.prepay_id == prepay_id);
    match issued {
        Some(prepay) if now_ms - prepay.issued_ms <= PREPAY_LIFE_MS => Ok(()),
        Some(_) => Err(PaymentProblem::Expired),
        None => Err(PaymentProblem::NoOrder),
    }
}

/// Pays, and files the notification; answers the transaction id.
pub(crate) fn pay(
    core: &Core,
    index: OrderIndex,
    wish: &PayOrder,
) -> Result<String, PaymentProblem> {
    let now_ms = core.clock.business_ms();
    let success_ms = match &wish.success_time {
        Some(text) => parse_rfc3339(text).ok_or(PaymentProblem::SuccessTime)?,
        None => now_ms,
    };
    let mut ledger = core.ledger();
    let order = ledger
        .order(index)
        .cloned()
        .ok_or(PaymentProblem::NoOrder)?;
    match can_be_paid(&order, now_ms) {
        Err(PaymentProblem::Closed | PaymentProblem::Expired) if wish.force => {}
        other => other?,
    }
    let payment = make_payment(&mut ledger, &order, wish, success_ms);
    let transaction_id = payment.transaction_id.clone();
    ledger.update_order(index, now_ms, |order| {
        order.trade_state = TradeState::Success;
        order.payment = Some(payment);
    });
    let subject = Subject::Transaction {
        out_trade_no: order.out_trade_no,
    };
    let notification = ledger.add_notification(&order.sp_mchid, subject, &order.notify_url, now_ms);
    drop(ledger);
    core.schedule.add(now_ms, notification);
    Ok(transaction_id)
}

fn make_payment(ledger: &mut Ledger, order: &Order, wish: &PayOrder, success_ms: i64) -> Payment {
    let (sp_openid, sub_openid) = payers(ledger, order, wish.openid.as_deref());
    let amount_total = wish.amount_total.unwrap_or(order.amount_total);
    Payment {
        transaction_id: ledger.ids.transaction_id(success_ms),
        amount_total,
        payer_total: amount_total,
        sp_openid,
        sub_openid,
        success_ms,
        bank_type: "OTHERS".to_owned(),
    }
}

/// The payer in both scopes: WeChat tells `sp_openid` always, and `sub_openid` when a `sub_appid` was sent.
fn payers(ledger: &mut Ledger, order: &Order, other: Option<&str>) -> (String, Option<String>) {
    let named = other
        .or(order.sub_openid.as_deref())
        .or(order.sp_openid.as_deref());
    let openid = named.unwrap_or_default().to_owned();
    let (sp_openid, sub_openid) = match &order.sub_appid {
        Some(sub_appid) if order.sub_openid.is_some() => (
            counterpart(&openid, sub_appid, &order.sp_appid),
            Some(openid),
        ),
        Some(sub_appid) => {
            let sub_openid = counterpart(&openid, &order.sp_appid, sub_appid);
            (openid, Some(sub_openid))
        }
        None => (openid, None),
    };
    ledger.add_openid(&order.sp_appid, &sp_openid);
    if let (Some(appid), Some(sub_openid)) = (&order.sub_appid, &sub_openid) {
        ledger.add_openid(appid, sub_openid);
    }
    (sp_openid, sub_openid)
}

/// The same user's openid under another app: always the same, and unlike the first.
fn counterpart(openid: &str, appid: &str, other_appid: &str) -> String {
    let digest = Sha256::digest(format!("{appid}\n{openid}\n{other_appid}").as_bytes());
    let mut words = [0_u64; 3];
    for (word, bytes) in words.iter_mut().zip(digest.chunks(8)) {
        *word = bytes
            .iter()
            .fold(0, |word, byte| (word << 8) | u64::from(*byte));
    }
    openid_from(&words)
}
