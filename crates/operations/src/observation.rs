//! WeChat's wire shape of a transaction becomes the observation that the rules know.

use tributary_domain::clock::Timestamp;
use tributary_domain::settlement::TransactionObservation;
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
