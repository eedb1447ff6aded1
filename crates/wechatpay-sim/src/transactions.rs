//! Orders: placing, querying, closing, paying. The rules that need the ledger are here, those of shape in `rules`.

mod paying;
mod placing;

use std::collections::HashMap;

use serde_json::Value;

use crate::{
    core::Core,
    documents,
    ledger::{Ledger, Order, OrderIndex, TradeState},
    providers::Provider,
    refusal::Refusal,
};

pub use paying::{CloseAnswer, PayOnClose, PayOrder};
pub(crate) use paying::{PaymentProblem, check_prepay, pay};
pub(crate) use placing::place;

/// A prepay id can be paid with for two hours from its issue.
pub(crate) const PREPAY_LIFE_MS: i64 = 2 * 3_600_000;

/// How a query names an order.
pub(crate) enum OrderNumber<'a> {
    Transaction(&'a str),
    OutTradeNo(&'a str),
}

/// Answers one of the two queries.
pub(crate) fn query(
    core: &Core,
    provider: &Provider,
    number: &OrderNumber<'_>,
    parameters: &HashMap<String, String>,
) -> Result<Value, Refusal> {
    let sub_mchid = owner_parameters(provider, parameters)?;
    let ledger = core.ledger();
    check_relation(&ledger, provider, sub_mchid)?;
    let sp_mchid = &provider.record().sp_mchid;
    let found = match number {
        OrderNumber::Transaction(transaction_id) => ledger.find_by_transaction(transaction_id),
        OrderNumber::OutTradeNo(number) => ledger.find_order(sp_mchid, number),
    };
    let order = found.and_then(|index| ledger.order(index));
    let order = order.filter(|order| &order.sp_mchid == sp_mchid);
    match order {
        Some(order) if order.sub_mchid == sub_mchid => Ok(documents::transaction(order)),
        Some(_) => Err(Refusal {
            message: "商户号与订单不匹配".into(),
            ..Refusal::order_not_exist()
        }),
        None => Err(Refusal::order_not_exist()),
    }
}

/// Closes an order; a number that was never used is closed as well as any other.
pub(crate) fn close(
    core: &Core,
    provider: &Provider,
    out_trade_no: &str,
    body: &Value,
) -> Result<(), Refusal> {
    check_caller(provider, text(body, "sp_mchid").unwrap_or_default())?;
    let sub_mchid = text(body, "sub_mchid").unwrap_or_default();
    let now_ms = core.clock.business_ms();
    let mut ledger = core.ledger();
    check_relation(&ledger, provider, sub_mchid)?;
    let Some(index) = ledger.find_order(&provider.record().sp_mchid, out_trade_no) else {
        return Ok(());
    };
    if ledger
        .order(index)
        .is_some_and(|order| order.sub_mchid != sub_mchid)
    {
        return Err(Refusal::invalid_request("商户号与订单不匹配"));
    }
    let race = ledger
        .order(index)
        .and_then(|order| order.pay_on_close.clone());
    if let Some(race) = race {
        ledger.update_order(index, now_ms, |order| order.pay_on_close = None);
        drop(ledger);
        return lose_race(core, index, &race);
    }
    close_unpaid(&mut ledger, index, now_ms)
}

/// The user was faster.
fn lose_race(core: &Core, index: OrderIndex, race: &PayOnClose) -> Result<(), Refusal> {
    match (pay(core, index, &race.pay), race.answer) {
        (Ok(_) | Err(PaymentProblem::Paid), CloseAnswer::OrderPaid) => Err(paid()),
        (Ok(_), CloseAnswer::Closed) => Ok(()),
        (Err(_), _) => {
            let now_ms = core.clock.business_ms();
            close_unpaid(&mut core.ledger(), index, now_ms)
        }
    }
}

/// Closes what is unpaid; closed stays closed, paid is refused.
pub(crate) fn close_unpaid(
    ledger: &mut Ledger,
    index: OrderIndex,
    now_ms: i64,
) -> Result<(), Refusal> {
    match ledger.order(index).map(|order| order.trade_state) {
        Some(TradeState::NotPay) => {
            ledger.update_order(index, now_ms, |order| {
                order.trade_state = TradeState::Closed;
            });
            Ok(())
        }
        Some(TradeState::Success | TradeState::Refund) => Err(paid()),
        Some(TradeState::Closed) | None => Ok(()),
    }
}

pub(crate) fn paid() -> Refusal {
    Refusal::new(400, "ORDERPAID", "该订单已支付")
}

/// The sub-merchant named in a query, after `sp_mchid` was found to be the caller's.
fn owner_parameters<'p>(
    provider: &Provider,
    parameters: &'p HashMap<String, String>,
) -> Result<&'p str, Refusal> {
    let sp_mchid = query_parameter(parameters, "sp_mchid")?;
    let sub_mchid = query_parameter(parameters, "sub_mchid")?;
    refuse_other_parameters(parameters, &["sp_mchid", "sub_mchid"])?;
    check_caller(provider, sp_mchid)?;
    Ok(sub_mchid)
}

/// A query parameter that must be there.
pub(crate) fn query_parameter<'p>(
    parameters: &'p HashMap<String, String>,
    name: &str,
) -> Result<&'p str, Refusal> {
    match parameters.get(name).map(String::as_str) {
        Some(value) if (1..=32).contains(&value.len()) => Ok(value),
        Some(value) => {
            let issue = "字符串长度应在1到32字节之间";
            Err(Refusal::parameter(
                "query",
                name,
                &Value::from(value),
                issue,
            ))
        }
        None => Err(Refusal::parameter(
            "query",
            name,
            &Value::Null,
            "必填字段缺失",
        )),
    }
}

/// Unknown parameters are refused in the query as they are in bodies.
pub(crate) fn refuse_other_parameters(
    parameters: &HashMap<String, String>,
    known: &[&str],
) -> Result<(), Refusal> {
    match parameters
        .keys()
        .find(|name| !known.contains(&name.as_str()))
    {
        Some(name) => {
            let issue = "请求中含有未在API文档中定义的参数";
            Err(Refusal::parameter("query", name, &Value::Null, issue))
        }
        None => Ok(()),
    }
}

/// The provider named in a request must be the one that signed it.
pub(crate) fn check_caller(provider: &Provider, sp_mchid: &str) -> Result<(), Refusal> {
    if provider.record().sp_mchid == sp_mchid {
        return Ok(());
    }
    Err(Refusal::new(
        400,
        "PARAM_ERROR",
        "http header中的mchid与post payload中的mchid不匹配",
    ))
}

/// The sub-merchant must exist and be this provider's.
pub(crate) fn check_relation(
    ledger: &Ledger,
    provider: &Provider,
    sub_mchid: &str,
) -> Result<(), Refusal> {
    let sp_mchid = &provider.record().sp_mchid;
    if sub_mchid == sp_mchid {
        return Err(Refusal::invalid_request("子商户号与服务商号相同"));
    }
    if ledger.sub_merchant(sp_mchid, sub_mchid).is_some() {
        return Ok(());
    }
    if ledger.knows_merchant(sub_mchid) {
        return Err(Refusal::invalid_request("受理关系不存在"));
    }
    Err(Refusal::new(400, "MCH_NOT_EXISTS", "商户号不存在"))
}

/// A text member of a body that its schema has passed.
pub(crate) fn text<'v>(body: &'v Value, name: &str) -> Option<&'v str> {
    body.get(name).and_then(Value::as_str)
}

/// A text member as the ledger keeps it.
pub(crate) fn owned(body: &Value, name: &str) -> Option<String> {
    text(body, name).map(str::to_owned)
}

/// Whether the order's time to pay has passed.
pub(crate) fn is_expired(order: &Order, now_ms: i64) -> bool {
    now_ms > order.expires_ms
}
