//! The control API under `/_sim/`: what a test, or a tenant's CI, tells the simulator. Described in the README.

#![expect(
    clippy::needless_pass_by_value,
    reason = "handlers own what was extracted"
)]

mod accounts;
mod actions;
mod bills;
mod requests;

use std::sync::Arc;

use poem::{
    IntoResponse, Response, Route, get, handler,
    http::StatusCode,
    patch, post,
    web::{Data, Path, Query},
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

pub use requests::{
    ChangeProvider, ChangeSubMerchant, NewApp, NewCode, NewFundFlow, NewOpenid, NewProvider,
    NewSubMerchant, OpenidOf, ProviderKeys, SettleRefund, SubMerchantRefunds, SubMerchantView,
};

use crate::{
    core::Core,
    faults::{Fault, SeededFaults},
    ledger::LedgerFilter,
    notifier,
    transactions::{PayOnClose, PayOrder},
};

/// Why the control API did not do what it was told.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ControlError {
    /// Something named does not exist.
    #[error("{0}")]
    NotFound(String),
    /// It exists, and is not in a state for this.
    #[error("{0}")]
    Conflict(String),
    /// The request itself is wrong.
    #[error("{0}")]
    Invalid(String),
}

type Controlled<T> = Result<T, ControlError>;

/// The routes under `/_sim`.
pub(crate) fn routes() -> impl poem::Endpoint {
    Route::new()
        .at("/health", get(health))
        .at("/providers", post(create_provider).get(list_providers))
        .at("/providers/:sp_mchid", patch(change_provider))
        .at("/sub-merchants", post(create_sub_merchant))
        .at("/sub-merchants/:sub_mchid", patch(change_sub_merchant))
        .at("/openids", post(register_openid))
        .at("/codes", post(issue_code))
        .at("/orders/:out_trade_no/pay", post(pay_order))
        .at("/orders/:out_trade_no/pay-on-close", post(pay_on_close))
        .at("/orders/:out_trade_no/close", post(close_order))
        .at("/refunds/:out_refund_no/result", post(settle_refund))
        .at("/clock", post(advance_clock).get(show_clock))
        .at(
            "/faults",
            post(add_faults).get(list_faults).delete(clear_faults),
        )
        .at("/bills", get(bills::show))
        .at(
            "/bills/faults",
            post(bills::add_faults)
                .get(bills::list_faults)
                .delete(bills::clear_faults),
        )
        .at("/fund-flows", post(bills::add_fund_flow))
        .at("/ledger", get(show_ledger))
        .at("/notifications/run-due", post(run_due))
        .at("/notifications/:id/resend", post(resend))
}

fn answer<T: serde::Serialize>(result: Controlled<T>) -> Response {
    match result {
        Ok(value) => json_response(StatusCode::OK, &value),
        Err(error) => {
            let status = match &error {
                ControlError::NotFound(_) => StatusCode::NOT_FOUND,
                ControlError::Conflict(_) => StatusCode::CONFLICT,
                ControlError::Invalid(_) => StatusCode::BAD_REQUEST,
            };
            json_response(status, &json!({"error": error.to_string()}))
        }
    }
}

fn json_response(status: StatusCode, value: &impl serde::Serialize) -> Response {
    match serde_json::to_vec(value) {
        Ok(body) => Response::builder()
            .status(status)
            .content_type("application/json; charset=utf-8")
            .body(body),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// Reads a body that may be left out where every member may.
fn read<T: DeserializeOwned>(body: &[u8]) -> Controlled<T> {
    let body = if body.trim_ascii().is_empty() {
        b"{}"
    } else {
        body
    };
    serde_json::from_slice(body).map_err(|error| ControlError::Invalid(error.to_string()))
}

type Shared<'a> = Data<&'a Arc<Core>>;

#[handler]
fn health() -> Response {
    json_response(StatusCode::OK, &json!({"status": "ok"}))
}

#[handler]
async fn create_provider(core: Shared<'_>, body: Vec<u8>) -> Response {
    let core = Arc::clone(&core);
    // Making keys takes a while and would hold up every other answer.
    let made = tokio::task::spawn_blocking(move || core.create_provider(read(&body)?)).await;
    answer(made.unwrap_or_else(|_| Err(ControlError::Invalid("keys could not be made".into()))))
}

#[handler]
fn list_providers(core: Shared<'_>) -> Response {
    answer(Ok(core.describe_providers()))
}

#[handler]
async fn change_provider(
    core: Shared<'_>,
    Path(sp_mchid): Path<String>,
    body: Vec<u8>,
) -> Response {
    let core = Arc::clone(&core);
    let changed =
        tokio::task::spawn_blocking(move || core.change_provider(&sp_mchid, read(&body)?)).await;
    answer(changed.unwrap_or_else(|_| Err(ControlError::Invalid("keys could not be made".into()))))
}

#[handler]
fn create_sub_merchant(core: Shared<'_>, body: Vec<u8>) -> Response {
    answer(read(&body).and_then(|wish| core.create_sub_merchant(wish)))
}

#[handler]
fn change_sub_merchant(core: Shared<'_>, Path(sub_mchid): Path<String>, body: Vec<u8>) -> Response {
    answer(read(&body).and_then(|change| core.change_sub_merchant(&sub_mchid, &change)))
}

#[handler]
fn register_openid(core: Shared<'_>, body: Vec<u8>) -> Response {
    answer(read(&body).map(|wish| core.register_openid(wish)))
}

#[handler]
fn issue_code(core: Shared<'_>, body: Vec<u8>) -> Response {
    answer(read(&body).and_then(|wish| core.issue_code(wish)))
}

#[handler]
fn pay_order(core: Shared<'_>, Path(number): Path<String>, body: Vec<u8>) -> Response {
    answer(read::<PayOrder>(&body).and_then(|wish| core.pay_order(&number, &wish)))
}

#[handler]
fn pay_on_close(core: Shared<'_>, Path(number): Path<String>, body: Vec<u8>) -> Response {
    answer(read::<PayOnClose>(&body).and_then(|wish| core.pay_on_close(&number, wish)))
}

#[handler]
fn close_order(core: Shared<'_>, Path(number): Path<String>, body: Vec<u8>) -> Response {
    answer(
        read::<Whose>(&body).and_then(|whose| core.close_order(&number, whose.sp_mchid.as_deref())),
    )
}

#[handler]
fn settle_refund(core: Shared<'_>, Path(number): Path<String>, body: Vec<u8>) -> Response {
    answer(read::<SettleRefund>(&body).and_then(|wish| core.settle_refund(&number, &wish)))
}

#[handler]
fn advance_clock(core: Shared<'_>, body: Vec<u8>) -> Response {
    answer(
        read(&body)
            .and_then(Advance::bounded)
            .map(|ms| core.advance_clock(ms)),
    )
}

#[handler]
fn show_clock(core: Shared<'_>) -> Response {
    answer(Ok(core.describe_clock()))
}

#[handler]
fn add_faults(core: Shared<'_>, body: Vec<u8>) -> Response {
    let wish = FaultWish::read(&body).and_then(|wish| core.leave_a_way_back(wish));
    answer(wish.and_then(|wish| core.add_faults(wish)))
}

#[handler]
fn list_faults(core: Shared<'_>) -> Response {
    answer(Ok(core.describe_faults()))
}

#[handler]
fn clear_faults(core: Shared<'_>) -> Response {
    let cleared = core.describe_faults();
    core.clear_faults();
    answer(Ok(json!({"cleared": cleared})))
}

#[handler]
async fn show_ledger(core: Shared<'_>, filter: poem::Result<Query<LedgerFilter>>) -> Response {
    let filter = match filter {
        Ok(Query(filter)) => filter,
        Err(error) => return answer::<Value>(Err(ControlError::Invalid(error.to_string()))),
    };
    let core = Arc::clone(&core);
    // A hundred thousand orders take a while to copy and write; nobody else waits for that.
    let written = tokio::task::spawn_blocking(move || answer(Ok(core.view(&filter)))).await;
    written.unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())
}

#[handler]
async fn run_due(core: Shared<'_>) -> Response {
    let delivered = notifier::run_due(&core).await;
    answer(Ok(json!({"delivered": delivered})))
}

#[handler]
async fn resend(core: Shared<'_>, Path(id): Path<String>) -> Response {
    let found = core.ledger().find_notification(&id);
    match found {
        Some(index) => {
            notifier::resend(&core, index).await;
            answer(Ok(core.ledger().notification(index).cloned()))
        }
        None => answer::<Value>(Err(ControlError::NotFound(
            "no such notification".to_owned(),
        ))),
    }
}

/// Which provider's order, when several use one number.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Whose {
    sp_mchid: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    advance_ms: i64,
}

impl Advance {
    /// Ten years: orders and keys are long over by then, and the calendar is not.
    const MAX_MS: i64 = 3_650 * 24 * 3_600 * 1_000;

    fn bounded(self) -> Controlled<i64> {
        if (0..=Self::MAX_MS).contains(&self.advance_ms) {
            return Ok(self.advance_ms);
        }
        let max = Self::MAX_MS;
        Err(ControlError::Invalid(format!(
            "advance_ms must lie between 0 and {max}"
        )))
    }
}

/// One fault, several, or a seed.
pub(crate) enum FaultWish {
    Seeded(SeededFaults),
    Many(Vec<Fault>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Faults {
    faults: Vec<Fault>,
}

impl FaultWish {
    /// Chosen by the member that only one of them has, so that an error names what is wrong with that one.
    fn read(body: &[u8]) -> Controlled<Self> {
        let members: Value = read(body)?;
        if members.get("seed").is_some() {
            return read(body).map(Self::Seeded);
        }
        if members.get("faults").is_some() {
            return read::<Faults>(body).map(|wish| Self::Many(wish.faults));
        }
        read(body).map(|fault| Self::Many(vec![fault]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_moves_forward_and_stays_in_the_calendar() {
        let bounded = |advance_ms| Advance { advance_ms }.bounded().ok();
        assert_eq!(bounded(0), Some(0));
        assert_eq!(bounded(Advance::MAX_MS), Some(Advance::MAX_MS));
        for bad in [-1, Advance::MAX_MS + 1, i64::MAX, i64::MIN] {
            assert_eq!(bounded(bad), None, "{bad}");
        }
    }
}
