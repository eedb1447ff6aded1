//! The JSON that WeChat answers and notifies: orders, refunds, refund notices.

use serde_json::{Map, Value, json};

use crate::{
    clock::rfc3339,
    ledger::{Order, Payment, Refund, RefundStatus, TradeState},
};

/// The order as a query answers it; unpaid orders lack everything about a payment.
pub(crate) fn transaction(order: &Order) -> Value {
    transaction_in_state(order, order.trade_state)
}

/// The order as its payment is notified, which says `SUCCESS` whatever was refunded since.
pub(crate) fn transaction_notice(order: &Order) -> Value {
    transaction_in_state(order, TradeState::Success)
}

fn transaction_in_state(order: &Order, state: TradeState) -> Value {
    let mut document = Map::new();
    let mut put = |name: &str, value: Value| {
        document.insert(name.to_owned(), value);
    };
    put("sp_appid", order.sp_appid.clone().into());
    put("sp_mchid", order.sp_mchid.clone().into());
    if let Some(sub_appid) = &order.sub_appid {
        put("sub_appid", sub_appid.clone().into());
    }
    put("sub_mchid", order.sub_mchid.clone().into());
    put("out_trade_no", order.out_trade_no.clone().into());
    if let Some(payment) = &order.payment {
        put("transaction_id", payment.transaction_id.clone().into());
        put("trade_type", "JSAPI".into());
        put("bank_type", payment.bank_type.clone().into());
        put("success_time", rfc3339(payment.success_ms).into());
        put("payer", payer(payment));
        put("amount", payment_amount(payment));
        put("promotion_detail", json!([]));
    }
    put("trade_state", state.as_str().into());
    put("trade_state_desc", state.description().into());
    if let Some(attach) = &order.attach {
        put("attach", attach.clone().into());
    }
    if let Some(device_id) = &order.device_id {
        put("scene_info", json!({"device_id": device_id}));
    }
    Value::Object(document)
}

fn payer(payment: &Payment) -> Value {
    let mut payer = json!({"sp_openid": payment.sp_openid});
    if let (Some(sub_openid), Some(members)) = (&payment.sub_openid, payer.as_object_mut()) {
        members.insert("sub_openid".to_owned(), sub_openid.clone().into());
    }
    payer
}

fn payment_amount(payment: &Payment) -> Value {
    json!({
        "total": payment.amount_total,
        "payer_total": payment.payer_total,
        "currency": "CNY",
        "payer_currency": "CNY",
    })
}

/// Where refunded money goes when nothing else is known.
const RECEIVED_ACCOUNT: &str = "支付用户零钱";

fn received_account(refund: &Refund) -> &str {
    let other_way = refund.other_way.as_ref();
    other_way.map_or(RECEIVED_ACCOUNT, |way| &way.received_account)
}

/// The refund as applying for it and querying it answer.
pub(crate) fn refund(refund: &Refund) -> Value {
    let mut document = json!({
        "refund_id": refund.refund_id,
        "out_refund_no": refund.out_refund_no,
        "transaction_id": refund.transaction_id,
        "out_trade_no": refund.out_trade_no,
        "channel": refund.other_way.as_ref().map_or("ORIGINAL", |way| &way.channel),
        "user_received_account": received_account(refund),
        "create_time": rfc3339(refund.created_ms),
        "status": refund.status.as_str(),
        "funds_account": refund.funds_account.as_deref().unwrap_or("UNSETTLED"),
        "amount": {
            "total": refund.amount_total,
            "refund": refund.amount_refund,
            "payer_total": refund.amount_total,
            "payer_refund": refund.amount_refund,
            "settlement_refund": refund.amount_refund,
            "settlement_total": refund.amount_total,
            "discount_refund": 0,
            "currency": "CNY",
        },
        "promotion_detail": [],
    });
    if let (Some(success_ms), Some(members)) = (refund.success_ms, document.as_object_mut()) {
        members.insert("success_time".to_owned(), rfc3339(success_ms).into());
    }
    document
}

/// The refund as its result is notified: `refund_status`, and four amounts without currency.
pub(crate) fn refund_notice(refund: &Refund, status: RefundStatus) -> Value {
    let mut document = json!({
        "sp_mchid": refund.sp_mchid,
        "sub_mchid": refund.sub_mchid,
        "out_trade_no": refund.out_trade_no,
        "transaction_id": refund.transaction_id,
        "out_refund_no": refund.out_refund_no,
        "refund_id": refund.refund_id,
        "refund_status": status.as_str(),
        "user_received_account": received_account(refund),
        "amount": {
            "total": refund.amount_total,
            "refund": refund.amount_refund,
            "payer_total": refund.amount_total,
            "payer_refund": refund.amount_refund,
        },
    });
    let success_ms = refund
        .success_ms
        .filter(|_| status == RefundStatus::Success);
    if let (Some(success_ms), Some(members)) = (success_ms, document.as_object_mut()) {
        members.insert("success_time".to_owned(), rfc3339(success_ms).into());
    }
    document
}
