//! Bills by hand: what is wrong with them, what they would say, and what moves on providers' own accounts.

use std::sync::Arc;

use poem::{IntoResponse, Response, handler, http::StatusCode, web::Query};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{ControlError, Controlled, NewFundFlow, Shared, answer, read};
use crate::{
    bills::{self, BillFault, BillQuery, Contents},
    clock::parse_rfc3339,
    core::Core,
    ledger::FundFlow,
};

/// No account moves more at once: a hundred million yuan.
const DEAREST_FEN: u64 = 10_000_000_000;

impl Core {
    pub(crate) fn add_bill_faults(&self, faults: Vec<BillFault>) -> Controlled<Value> {
        if let Some(problem) = faults.iter().find_map(BillFault::problem) {
            return Err(ControlError::Invalid(problem.to_owned()));
        }
        self.bill_faults().add(faults);
        Ok(self.describe_bill_faults())
    }

    pub(crate) fn describe_bill_faults(&self) -> Value {
        json!({"faults": self.bill_faults().list()})
    }

    pub(crate) fn preview_bill(&self, query: &BillQuery) -> Controlled<Contents> {
        bills::preview(self, query).map_err(ControlError::Invalid)
    }

    pub(crate) fn add_fund_flow(&self, wish: NewFundFlow) -> Controlled<FundFlow> {
        if wish.amount == 0 || wish.amount.unsigned_abs() > DEAREST_FEN {
            let problem = "amount is not zero, and at most 10000000000 each way";
            return Err(ControlError::Invalid(problem.to_owned()));
        }
        let at_ms = match &wish.time {
            Some(time) => parse_rfc3339(time)
                .ok_or_else(|| ControlError::Invalid("time is not RFC 3339".to_owned()))?,
            None => self.clock.business_ms(),
        };
        let mut ledger = self.ledger();
        if ledger.provider(&wish.sp_mchid).is_none() {
            let problem = format!("no provider {}", wish.sp_mchid);
            return Err(ControlError::NotFound(problem));
        }
        let usual = if wish.amount < 0 { "提现" } else { "充值" };
        let flow = FundFlow {
            sp_mchid: wish.sp_mchid,
            account: wish.account,
            at_ms,
            amount: wish.amount,
            business_name: wish.business_name.unwrap_or_else(|| usual.to_owned()),
            flow_id: ledger.ids.flow_id(at_ms),
            voucher: wish.voucher.unwrap_or_default(),
        };
        ledger.add_fund_flow(flow.clone());
        Ok(flow)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Faults {
    faults: Vec<BillFault>,
}

#[handler]
pub(super) fn add_faults(core: Shared<'_>, body: Vec<u8>) -> Response {
    let faults = read::<Value>(&body).and_then(|members| match members.get("faults") {
        Some(_) => read::<Faults>(&body).map(|wish| wish.faults),
        None => read(&body).map(|fault| vec![fault]),
    });
    answer(faults.and_then(|faults| core.add_bill_faults(faults)))
}

#[handler]
pub(super) fn list_faults(core: Shared<'_>) -> Response {
    answer(Ok(core.describe_bill_faults()))
}

#[handler]
pub(super) fn clear_faults(core: Shared<'_>) -> Response {
    let cleared = core.describe_bill_faults();
    core.bill_faults().clear();
    answer(Ok(json!({"cleared": cleared})))
}

#[handler]
pub(super) fn add_fund_flow(core: Shared<'_>, body: Vec<u8>) -> Response {
    answer(read(&body).and_then(|wish| core.add_fund_flow(wish)))
}

#[handler]
pub(super) async fn show(core: Shared<'_>, query: poem::Result<Query<BillQuery>>) -> Response {
    let query = match query {
        Ok(Query(query)) => query,
        Err(error) => return answer::<Value>(Err(ControlError::Invalid(error.to_string()))),
    };
    let core = Arc::clone(&core);
    let found = tokio::task::spawn_blocking(move || core.preview_bill(&query)).await;
    match found {
        Ok(Ok(contents)) => Response::builder()
            .content_type("text/plain; charset=utf-8")
            .body(bills::show(contents)),
        Ok(Err(error)) => answer::<Value>(Err(error)),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
