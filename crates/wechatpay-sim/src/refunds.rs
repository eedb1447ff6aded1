//! Refunds: applying, querying, and the result that the control API or a policy decides.

mod abnormal;
mod limits;

use std::collections::HashMap;

use serde_json::Value;

use crate::{
    canonical::parameters_digest,
    core::Core,
    documents,
    ledger::{Ledger, Order, Refund, RefundIndex, RefundResult, RefundStatus, Subject, TradeState},
    providers::Provider,
    refusal::Refusal,
    rules::urls::check_notify_url,
    transactions::{check_relation, owned, query_parameter, refuse_other_parameters, text},
};

pub(crate) use abnormal::apply_abnormal;
pub(crate) use limits::{FailingCalls, limited};

const PARTIAL_REFUNDS: u32 = 50;
/// Partial refunds of one order keep this distance.
const PARTIAL_DISTANCE_MS: i64 = 60_000;
const WINDOW_MS: i64 = 365 * 86_400_000;

/// Accepts a refund, or answers a repetition of the same request with the refund as it stands.
pub(crate) fn apply(core: &Core, provider: &Provider, body: &Value) -> Result<Value, Refusal> {
    if let Some(address) = text(body, "notify_url") {
        check_notify_url(address)?;
    }
    check_parts(body)?;
    let now_ms = core.clock.business_ms();
    let mut ledger = core.ledger();
    let sub_mchid = text(body, "sub_mchid").unwrap_or_default();
    check_relation(&ledger, provider, sub_mchid)?;
    check_permission(&ledger, provider, sub_mchid)?;
    let digest = parameters_digest(body);
    let sp_mchid = provider.record().sp_mchid.as_str();
    let out_refund_no = text(body, "out_refund_no").unwrap_or_default();
    if let Some(index) = ledger.find_refund(sp_mchid, out_refund_no) {
        return repeat(&ledger, index, &digest);
    }
    let order = find_order(&ledger, provider, body)?.clone();
    check_amounts(&order, body, now_ms)?;
    check_balance(&ledger, &order, body)?;
    let refund = accept(&mut ledger, &order, body, (digest, now_ms));
    schedule_result(core, &ledger, &refund);
    Ok(documents::refund(&refund))
}

/// Answers the query of one refund.
pub(crate) fn query(
    core: &Core,
    provider: &Provider,
    out_refund_no: &str,
    parameters: &HashMap<String, String>,
) -> Result<Value, Refusal> {
    let sub_mchid = query_parameter(parameters, "sub_mchid")?;
    refuse_other_parameters(parameters, &["sub_mchid"])?;
    let ledger = core.ledger();
    check_relation(&ledger, provider, sub_mchid)?;
    ledger
        .find_refund(&provider.record().sp_mchid, out_refund_no)
        .and_then(|index| ledger.refund(index))
        .filter(|refund| refund.sub_mchid == sub_mchid)
        .map(documents::refund)
        .ok_or_else(|| Refusal::resource_not_exists("退款单不存在"))
}

/// The sub-merchant must have permitted the provider to refund.
fn check_permission(ledger: &Ledger, provider: &Provider, sub_mchid: &str) -> Result<(), Refusal> {
    let sub_merchant = ledger.sub_merchant(&provider.record().sp_mchid, sub_mchid);
    if sub_merchant.is_some_and(|sub_merchant| sub_merchant.refunds_forbidden) {
        return Err(Refusal::new(403, "NO_AUTH", "特约商户未授权服务商发起退款"));
    }
    Ok(())
}

/// What the refund takes must be there; the same request may be repeated once it is.
fn check_balance(ledger: &Ledger, order: &Order, body: &Value) -> Result<(), Refusal> {
    let balance = ledger
        .sub_merchant(&order.sp_mchid, &order.sub_mchid)
        .and_then(|sub_merchant| sub_merchant.refund_balance);
    let wanted = body.pointer("/amount/refund").and_then(Value::as_i64);
    match balance {
        Some(balance) if wanted > Some(balance) => Err(Refusal::not_enough()),
        _ => Ok(()),
    }
}

/// `amount.from`, when given, is the whole refund in parts.
fn check_parts(body: &Value) -> Result<(), Refusal> {
    let Some(parts) = body.pointer("/amount/from").and_then(Value::as_array) else {
        return Ok(());
    };
    let sum: i64 = parts
        .iter()
        .filter_map(|part| part.get("amount")?.as_i64())
        .sum();
    if Some(sum) == body.pointer("/amount/refund").and_then(Value::as_i64) {
        return Ok(());
    }
    let issue = "出资金额之和与退款金额不一致";
    Err(Refusal::body("/amount/from", &Value::from(sum), issue))
}

fn repeat(ledger: &Ledger, index: RefundIndex, digest: &str) -> Result<Value, Refusal> {
    match ledger.refund(index) {
        Some(refund) if refund.parameters_digest == digest => Ok(documents::refund(refund)),
        _ => Err(Refusal::invalid_request(
            "退款单号已存在，且参数与首次请求时不一致",
        )),
    }
}

fn find_order<'l>(
    ledger: &'l Ledger,
    provider: &Provider,
    body: &Value,
) -> Result<&'l Order, Refusal> {
    let sp_mchid = provider.record().sp_mchid.as_str();
    let by_transaction = text(body, "transaction_id").map(|id| ledger.find_by_transaction(id));
    let by_number = text(body, "out_trade_no").map(|no| ledger.find_order(sp_mchid, no));
    let index = match (by_transaction, by_number) {
        (None, None) => {
            let issue = "transaction_id和out_trade_no必须二选一";
            return Err(Refusal::body("/transaction_id", &Value::Null, issue));
        }
        (Some(first), Some(second)) if first != second => {
            return Err(Refusal::invalid_request(
                "transaction_id与out_trade_no不是同一订单",
            ));
        }
        (Some(found), _) | (None, Some(found)) => found,
    };
    index
        .and_then(|index| ledger.order(index))
        .filter(|order| order.sp_mchid == sp_mchid)
        .filter(|order| text(body, "sub_mchid") == Some(order.sub_mchid.as_str()))
        .ok_or_else(|| Refusal::resource_not_exists("订单不存在"))
}

fn check_amounts(order: &Order, body: &Value, now_ms: i64) -> Result<(), Refusal> {
    let amount = |name: &str| {
        body.pointer(&format!("/amount/{name}"))
            .and_then(Value::as_i64)
            .unwrap_or(0)
    };
    let Some(payment) = &order.payment else {
        return Err(Refusal::invalid_request("订单未支付，不能退款"));
    };
    if now_ms - payment.success_ms > WINDOW_MS {
        return Err(Refusal::invalid_request(
            "订单已超过可退款的最大期限（365天）",
        ));
    }
    if amount("total") != payment.amount_total {
        return Err(Refusal::invalid_request("订单金额与原订单不一致"));
    }
    if amount("refund") > payment.amount_total - order.refund_total {
        return Err(Refusal::invalid_request("累计退款金额大于订单金额"));
    }
    if order.refund_count >= PARTIAL_REFUNDS {
        return Err(Refusal::invalid_request("该订单部分退款次数已达50次上限"));
    }
    if order
        .last_refund_ms
        .is_some_and(|last_ms| now_ms - last_ms < PARTIAL_DISTANCE_MS)
    {
        let message = "同一订单的部分退款需间隔1分钟以上";
        return Err(Refusal {
            message: message.into(),
            ..Refusal::frequency_limited()
        });
    }
    Ok(())
}

fn accept(
    ledger: &mut Ledger,
    order: &Order,
    body: &Value,
    (parameters_digest, now_ms): (String, i64),
) -> Refund {
    let amount = |name: &str| {
        body.pointer(&format!("/amount/{name}"))
            .and_then(Value::as_i64)
    };
    let transaction_id = order
        .payment
        .as_ref()
        .map(|payment| payment.transaction_id.clone());
    let refund = Refund {
        sp_mchid: order.sp_mchid.clone(),
        sub_mchid: order.sub_mchid.clone(),
        out_trade_no: order.out_trade_no.clone(),
        transaction_id: transaction_id.unwrap_or_default(),
        out_refund_no: owned(body, "out_refund_no").unwrap_or_default(),
        refund_id: ledger.ids.refund_id(now_ms),
        notify_url: owned(body, "notify_url"),
        amount_refund: amount("refund").unwrap_or_default(),
        amount_total: amount("total").unwrap_or_default(),
        funds_account: owned(body, "funds_account"),
        parameters_digest,
        created_ms: now_ms,
        updated_ms: now_ms,
        success_ms: None,
        status: RefundStatus::Processing,
        planned: ledger
            .refund_policy(&order.sp_mchid, &order.sub_mchid)
            .map(|policy| policy.planned(now_ms)),
        other_way: None,
    };
    ledger.keep_refund(refund.clone());
    ledger.move_refund_balance(&order.sp_mchid, &order.sub_mchid, -refund.amount_refund);
    if let Some(index) = ledger.find_order(&order.sp_mchid, &order.out_trade_no) {
        // The state turns when the refund is accepted and never turns back, even if the refund is closed.
        ledger.update_order(index, now_ms, |order| {
            order.trade_state = TradeState::Refund;
            order.refund_total += refund.amount_refund;
            order.refund_count += 1;
            order.last_refund_ms = Some(now_ms);
        });
    }
    refund
}

/// Why a result cannot be given to a refund.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ResultProblem {
    #[error("there is no such refund")]
    NoRefund,
    #[error("the refund has already come to its end")]
    Ended,
}

/// Brings a refund to a result and files its notification.
pub(crate) fn settle(
    core: &Core,
    index: RefundIndex,
    result: RefundResult,
) -> Result<(), ResultProblem> {
    let status = RefundStatus::from(result);
    let now_ms = core.clock.business_ms();
    let mut ledger = core.ledger();
    let mut refund = ledger
        .refund(index)
        .cloned()
        .ok_or(ResultProblem::NoRefund)?;
    match (refund.status, status) {
        (RefundStatus::Success | RefundStatus::Closed, _)
        | (RefundStatus::Abnormal, RefundStatus::Abnormal) => return Err(ResultProblem::Ended),
        _ => {}
    }
    refund.status = status;
    refund.planned = None;
    refund.updated_ms = now_ms;
    refund.success_ms = (status == RefundStatus::Success).then_some(now_ms);
    ledger.keep_refund(refund.clone());
    if status == RefundStatus::Closed
        && let Some(order) = ledger.find_order(&refund.sp_mchid, &refund.out_trade_no)
    {
        ledger.update_order(order, now_ms, |order| {
            order.refund_total -= refund.amount_refund;
        });
        ledger.move_refund_balance(&refund.sp_mchid, &refund.sub_mchid, refund.amount_refund);
    }
    let Some(notify_url) = &refund.notify_url else {
        return Ok(());
    };
    let subject = Subject::Refund {
        out_trade_no: refund.out_trade_no.clone(),
        out_refund_no: refund.out_refund_no.clone(),
        status,
    };
    let notification = ledger.add_notification(&refund.sp_mchid, subject, notify_url, now_ms);
    drop(ledger);
    core.schedule.add(now_ms, notification);
    Ok(())
}

/// Gives a refund the result that was planned for it, when its time has come and nothing else came first.
pub(crate) fn settle_planned(core: &Core, index: RefundIndex) {
    let now_ms = core.clock.business_ms();
    let planned = core
        .ledger()
        .refund(index)
        .and_then(|refund| refund.planned);
    let Some(planned) = planned.filter(|planned| planned.at_ms <= now_ms) else {
        return;
    };
    if let Err(problem) = settle(core, index, planned.result) {
        tracing::warn!(%problem, "a planned result came too late");
    }
}

/// Enters the planned result of a refund that was just accepted.
fn schedule_result(core: &Core, ledger: &Ledger, refund: &Refund) {
    let index = ledger.find_refund(&refund.sp_mchid, &refund.out_refund_no);
    if let (Some(planned), Some(index)) = (refund.planned, index) {
        core.schedule.add(planned.at_ms, index);
    }
}
