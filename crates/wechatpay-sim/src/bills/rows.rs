//! The rows of a trade bill: what the ledger says that payments and refunds did on one day.

use crate::{
    bills::calendar::Day,
    ledger::{Ledger, Order, Refund},
};

/// 0.60 % of what is paid, rounded to the fen, and as much given back for what is refunded.
const FEE_PER_TEN_THOUSAND: i64 = 60;
pub(super) const FEE_RATE: &str = "0.60%";
/// Fees are written to a hundred-thousandth of a yuan.
const FEE_UNITS_PER_FEN: i64 = 1_000;

/// One row of a trade bill.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TradeRow {
    pub(super) at_ms: i64,
    pub(super) sp_appid: String,
    pub(super) sp_mchid: String,
    pub(super) sub_mchid: String,
    pub(super) device_id: String,
    pub(super) transaction_id: String,
    pub(super) out_trade_no: String,
    pub(super) openid: String,
    pub(super) trade_state: String,
    pub(super) bank_type: String,
    /// In fen; nothing in the row of a refund.
    pub(super) amount_total: i64,
    pub(super) refund: Option<RefundPart>,
    pub(super) description: String,
    pub(super) attach: String,
    /// In hundred-thousandths of a yuan.
    pub(super) fee: i64,
}

/// What the row of a refund has beyond that of a payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RefundPart {
    pub(super) applied_ms: i64,
    pub(super) succeeded_ms: Option<i64>,
    pub(super) refund_id: String,
    pub(super) out_refund_no: String,
    /// In fen.
    pub(super) amount: i64,
    pub(super) channel: String,
    pub(super) state: String,
}

/// The fee for so many fen, in fen.
pub(super) fn fee_fen(fen: i64) -> i64 {
    (fen * FEE_PER_TEN_THOUSAND + 5_000) / 10_000
}

pub(super) fn fee(fen: i64) -> i64 {
    fee_fen(fen) * FEE_UNITS_PER_FEN
}

/// Everything that a provider's sub-merchants were paid, and everything refunded, on one day, oldest first.
pub(super) fn of_day(ledger: &Ledger, sp_mchid: &str, day: Day) -> Vec<TradeRow> {
    let payments = ledger
        .orders()
        .filter(|order| order.sp_mchid == sp_mchid)
        .filter_map(payment)
        .filter(|row| day.contains(row.at_ms));
    let refunds = ledger
        .refunds()
        .filter(|refund| refund.sp_mchid == sp_mchid && day.contains(refund.created_ms))
        .filter_map(|refund| {
            let order = ledger.find_order(&refund.sp_mchid, &refund.out_trade_no)?;
            refund_row(refund, ledger.order(order)?, day)
        });
    let mut rows: Vec<TradeRow> = payments.chain(refunds).collect();
    rows.sort_by_key(|row| row.at_ms);
    rows
}

fn payment(order: &Order) -> Option<TradeRow> {
    let payment = order.payment.as_ref()?;
    Some(TradeRow {
        at_ms: payment.success_ms,
        sp_appid: order.sp_appid.clone(),
        sp_mchid: order.sp_mchid.clone(),
        sub_mchid: order.sub_mchid.clone(),
        device_id: order.device_id.clone().unwrap_or_default(),
        transaction_id: payment.transaction_id.clone(),
        out_trade_no: order.out_trade_no.clone(),
        openid: payment.sp_openid.clone(),
        trade_state: "SUCCESS".to_owned(),
        bank_type: payment.bank_type.clone(),
        amount_total: payment.amount_total,
        refund: None,
        description: order.description.clone(),
        attach: order.attach.clone().unwrap_or_default(),
        fee: fee(payment.amount_total),
    })
}

/// A refund stands in the bill of the day that accepted it, as it was when that day ended.
fn refund_row(refund: &Refund, order: &Order, day: Day) -> Option<TradeRow> {
    let succeeded_ms = refund
        .success_ms
        .filter(|success_ms| day.contains(*success_ms));
    let state = match succeeded_ms {
        Some(_) => "SUCCESS",
        None => "PROCESSING",
    };
    let channel = match &refund.other_way {
        Some(way) if succeeded_ms.is_some() => way.channel.clone(),
        _ => "ORIGINAL".to_owned(),
    };
    Some(TradeRow {
        at_ms: refund.created_ms,
        trade_state: "REFUND".to_owned(),
        amount_total: 0,
        refund: Some(RefundPart {
            applied_ms: refund.created_ms,
            succeeded_ms,
            refund_id: refund.refund_id.clone(),
            out_refund_no: refund.out_refund_no.clone(),
            amount: refund.amount_refund,
            channel,
            state: state.to_owned(),
        }),
        fee: -fee(refund.amount_refund),
        ..payment(order)?
    })
}
