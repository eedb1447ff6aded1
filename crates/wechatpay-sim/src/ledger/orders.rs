//! Orders, the prepay ids that point at them, and the one payment each may have.

use serde::{Deserialize, Serialize};

use super::{Ledger, OrderIndex, Record};
use crate::transactions::PayOnClose;

/// WeChat's state of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum TradeState {
    /// Created, not paid.
    NotPay,
    /// Paid.
    Success,
    /// Paid, and at least one refund was made.
    Refund,
    /// Closed unpaid.
    Closed,
}

impl TradeState {
    /// WeChat's spelling.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotPay => "NOTPAY",
            Self::Success => "SUCCESS",
            Self::Refund => "REFUND",
            Self::Closed => "CLOSED",
        }
    }

    /// WeChat's text beside the state.
    pub fn description(self) -> &'static str {
        match self {
            Self::NotPay => "订单未支付",
            Self::Success => "支付成功",
            Self::Refund => "订单发生过退款，退款详情请查询退款单",
            Self::Closed => "订单已关闭",
        }
    }
}

/// A `prepay_id` and when it was issued; usable for two hours.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Prepay {
    /// The id as the client sees it.
    pub prepay_id: String,
    /// Business time of issue, Unix milliseconds.
    pub issued_ms: i64,
}

/// The payment of an order.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Payment {
    /// WeChat's number.
    pub transaction_id: String,
    /// What WeChat reports as the order's total, in fen.
    pub amount_total: i64,
    /// What the user paid, in fen.
    pub payer_total: i64,
    /// The payer under the provider's app.
    pub sp_openid: String,
    /// The payer under the sub-merchant's app.
    pub sub_openid: Option<String>,
    /// Business time of the payment, Unix milliseconds.
    pub success_ms: i64,
    /// WeChat's bank code.
    pub bank_type: String,
}

/// One order of a sub-merchant, placed by its provider.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Order {
    /// The service provider.
    pub sp_mchid: String,
    /// The provider's app.
    pub sp_appid: String,
    /// The sub-merchant.
    pub sub_mchid: String,
    /// The sub-merchant's app, when the order named one.
    pub sub_appid: Option<String>,
    /// The number that the provider gave.
    pub out_trade_no: String,
    /// Text shown to the payer.
    pub description: String,
    /// Returned as it was sent.
    pub attach: Option<String>,
    /// Where the payment is notified.
    pub notify_url: String,
    /// In fen.
    pub amount_total: i64,
    /// The payer named by the order, under the provider's app.
    pub sp_openid: Option<String>,
    /// The payer named by the order, under the sub-merchant's app.
    pub sub_openid: Option<String>,
    /// Device of the scene, when named.
    pub device_id: Option<String>,
    /// Last moment at which the user may pay, business time.
    pub expires_ms: i64,
    /// SHA-256 of the first request's parameters; a repetition must have the same.
    pub parameters_digest: String,
    /// Business time of the first request.
    pub created_ms: i64,
    /// Business time of the last change.
    pub updated_ms: i64,
    /// WeChat's state.
    pub trade_state: TradeState,
    /// The prepay ids issued, oldest first, at most twenty.
    pub prepay_ids: Vec<Prepay>,
    /// Present once paid.
    pub payment: Option<Payment>,
    /// Refunded or being refunded, in fen.
    pub refund_total: i64,
    /// How many refunds hold money of this order.
    pub refund_count: u32,
    /// When the last refund was accepted.
    pub last_refund_ms: Option<i64>,
    /// The payment that will be faster than the next close.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pay_on_close: Option<PayOnClose>,
}

/// How many prepay ids of one order stay usable.
pub(crate) const PREPAY_IDS_KEPT: usize = 20;

impl Order {
    /// The appid that the payer's client must name: the one whose openid the order carries.
    pub(crate) fn paying_appid(&self) -> &str {
        match (&self.sub_openid, &self.sub_appid) {
            (Some(_), Some(sub_appid)) => sub_appid,
            _ => &self.sp_appid,
        }
    }
}

impl Ledger {
    pub(crate) fn order(&self, index: OrderIndex) -> Option<&Order> {
        self.orders.get(index.0)
    }

    pub(crate) fn find_order(&self, sp_mchid: &str, out_trade_no: &str) -> Option<OrderIndex> {
        self.orders_by_number
            .get(&(sp_mchid.to_owned(), out_trade_no.to_owned()))
            .copied()
    }

    pub(crate) fn orders(&self) -> impl Iterator<Item = &Order> {
        self.orders.iter()
    }

    pub(crate) fn find_by_transaction(&self, transaction_id: &str) -> Option<OrderIndex> {
        self.orders_by_transaction.get(transaction_id).copied()
    }

    pub(crate) fn find_by_prepay(&self, prepay_id: &str) -> Option<OrderIndex> {
        self.orders_by_prepay.get(prepay_id).copied()
    }

    /// Orders of any provider with this number: what the control API is asked for.
    pub(crate) fn orders_numbered(&self, out_trade_no: &str) -> &[OrderIndex] {
        self.orders_by_bare_number
            .get(out_trade_no)
            .map_or(&[], Vec::as_slice)
    }

    /// Files a new order, or the order's newer form, under all its names.
    pub(crate) fn keep_order(&mut self, order: Order) {
        let key = (order.sp_mchid.clone(), order.out_trade_no.clone());
        let index = if let Some(index) = self.orders_by_number.get(&key) {
            *index
        } else {
            let index = OrderIndex(self.orders.len());
            self.orders_by_bare_number
                .entry(key.1.clone())
                .or_default()
                .push(index);
            self.orders_by_number.insert(key, index);
            index
        };
        for prepay in &order.prepay_ids {
            self.orders_by_prepay
                .insert(prepay.prepay_id.clone(), index);
        }
        if let Some(payment) = &order.payment {
            self.orders_by_transaction
                .insert(payment.transaction_id.clone(), index);
        }
        if self.journal.is_kept() {
            self.journal.write(&Record::Order(Box::new(order.clone())));
        }
        match self.orders.get_mut(index.0) {
            Some(slot) => *slot = order,
            None => self.orders.push(order),
        }
    }

    /// Changes an order and files it again.
    pub(crate) fn update_order(
        &mut self,
        index: OrderIndex,
        now_ms: i64,
        change: impl FnOnce(&mut Order),
    ) {
        let Some(mut order) = self.orders.get(index.0).cloned() else {
            return;
        };
        change(&mut order);
        order.updated_ms = now_ms;
        self.keep_order(order);
    }

    /// Adds a prepay id, forgetting the oldest when there are too many.
    pub(crate) fn add_prepay(&mut self, index: OrderIndex, prepay: Prepay) {
        let issued_ms = prepay.issued_ms;
        let oldest = self.order(index).and_then(|order| {
            (order.prepay_ids.len() >= PREPAY_IDS_KEPT).then(|| {
                order
                    .prepay_ids
                    .first()
                    .map(|prepay| prepay.prepay_id.clone())
            })?
        });
        if let Some(oldest) = oldest {
            self.orders_by_prepay.remove(&oldest);
        }
        self.update_order(index, issued_ms, |order| {
            if order.prepay_ids.len() >= PREPAY_IDS_KEPT {
                order.prepay_ids.remove(0);
            }
            order.prepay_ids.push(prepay);
        });
    }
}
