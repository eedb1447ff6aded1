//! WeChat's wire shapes of a transaction and a refund become the observations that the rules know.

use tributary_domain::clock::Timestamp;
use tributary_domain::refund_settlement::RefundObservation;
use tributary_domain::settlement::TransactionObservation;
use wechatpay::v3::refunds::{Refund, RefundNotice};
use wechatpay::v3::transactions::Transaction;

pub(crate) fn from_transaction(seen: &Transaction) -> TransactionObservation {
    let amount = seen.amount.as_ref();
    TransactionObservation {
        sp_mchid: seen.sp_mchid.clone(),
        sub_mchid: seen.sub_mchid.clone(),
        sp_appid: seen.sp_appid.clone(),
        sub_appid: seen.sub_appid.clone(),
        out_trade_no: seen.out_trade_no.clone(),
        trade_state: seen.trade_state.as_str().to_owned(),
        transaction_id: seen.transaction_id.clone(),
        trade_type: seen
            .trade_type
            .as_ref()
            .map(|kind| kind.as_str().to_owned()),
        bank_type: seen.bank_type.clone(),
        success_time: seen.success_unix_ms().map(Timestamp::from_millis),
        total: amount.and_then(|amount| amount.total),
        payer_total: amount.and_then(|amount| amount.payer_total),
        currency: amount.and_then(|amount| amount.currency.clone()),
    }
}

/// The answer to a refund, or to a question about one.
pub(crate) fn from_refund(seen: &Refund) -> RefundObservation {
    RefundObservation {
        sp_mchid: None,
        sub_mchid: None,
        out_trade_no: seen.out_trade_no.clone(),
        transaction_id: seen.transaction_id.clone(),
        out_refund_no: seen.out_refund_no.clone(),
        refund_id: seen.refund_id.clone(),
        status: seen.status.as_str().to_owned(),
        channel: seen.channel.as_ref().map(|way| way.as_str().to_owned()),
        user_received_account: seen.user_received_account.clone(),
        create_time: instant(seen.create_time.as_deref()),
        success_time: instant(seen.success_time.as_deref()),
        refund: seen.amount.refund,
        total: seen.amount.total,
        payer_refund: seen.amount.payer_refund,
    }
}

/// A notification about a refund.
pub(crate) fn from_refund_notice(seen: &RefundNotice) -> RefundObservation {
    RefundObservation {
        sp_mchid: seen.sp_mchid.clone(),
        sub_mchid: seen.sub_mchid.clone(),
        out_trade_no: seen.out_trade_no.clone(),
        transaction_id: seen.transaction_id.clone(),
        out_refund_no: seen.out_refund_no.clone(),
        refund_id: seen.refund_id.clone(),
        status: seen.refund_status.as_str().to_owned(),
        channel: None,
        user_received_account: seen.user_received_account.clone(),
        create_time: None,
        success_time: instant(seen.success_time.as_deref()),
        refund: seen.amount.refund,
        total: seen.amount.total,
        payer_refund: seen.amount.payer_refund,
    }
}

fn instant(text: Option<&str>) -> Option<Timestamp> {
    Timestamp::parse_rfc3339(text?).ok()
}
