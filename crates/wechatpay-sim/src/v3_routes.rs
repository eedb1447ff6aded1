//! Everything under `/v3`: verify the caller, find the endpoint, let faults happen, sign the answer.

mod asked;
mod certificates;
mod echo;

use std::{collections::HashMap, io, sync::Arc};

use futures::StreamExt;
use percent_encoding::percent_decode_str;
use poem::{
    Body, Request, Response, handler,
    http::{HeaderValue, Method, StatusCode, header},
    web::{Data, RemoteAddr},
};
use serde_json::Value;

use crate::{
    answers::{self, Outcome},
    authentication::{Caller, Wire, authenticate},
    bills,
    clock::http_date,
    connections::Cut,
    core::Core,
    faults::{Fault, FaultKind, Host},
    refunds,
    refusal::Refusal,
    rules::{bodies, schema},
    transactions::{self, OrderNumber},
};

/// No request of these endpoints is near this; a larger one is refused unread.
const BODY_LIMIT_BYTES: usize = 1024 * 1024;

/// Receives every request under `/v3`.
#[handler]
pub(crate) async fn receive(request: &Request, body: Body, core: Data<&Arc<Core>>) -> Response {
    let Ok(bytes) = body.into_bytes_limit(BODY_LIMIT_BYTES).await else {
        return answers::refuse(&core, &Refusal::new(413, "PARAM_ERROR", "请求体过大"));
    };
    let target = request
        .original_uri()
        .path_and_query()
        .map_or("/", |target| target.as_str());
    let wire = Wire {
        method: request.method().as_str(),
        target,
        headers: request.headers(),
        body: &bytes,
    };
    let host = core.host_at(request.local_addr().as_socket_addr());
    let (response, ending) = handle(&core, &wire, host).await;
    match ending {
        Ending::Whole => {}
        Ending::Lost(cut) => core.connections.cut(request.remote_addr(), cut),
        Ending::BrokenOff => return break_off(&core, request.remote_addr(), response),
    }
    response
}

/// How much of an answer arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    Whole,
    /// Nothing.
    Lost(Cut),
    /// The connection ends where the body does.
    BrokenOff,
}

/// Answers one request, and tells how much of the answer is to arrive.
pub(crate) async fn handle(core: &Arc<Core>, wire: &Wire<'_>, host: Host) -> (Response, Ending) {
    let (mut response, ending) = respond(core, wire, host).await;
    // The server beneath would write the system's time, which need not be the simulator's.
    if let Ok(date) = HeaderValue::from_str(&http_date(core.clock.signature_s())) {
        response.headers_mut().insert(header::DATE, date);
    }
    (response, ending)
}

async fn respond(core: &Arc<Core>, wire: &Wire<'_>, host: Host) -> (Response, Ending) {
    let call = match Call::read(wire) {
        Ok(call) => call,
        Err(Missing::Method) => return (StatusCode::METHOD_NOT_ALLOWED.into(), Ending::Whole),
        Err(Missing::Path) => {
            let refusal = Refusal::resource_not_exists("请求的接口不存在");
            return (answers::refuse(core, &refusal), Ending::Whole);
        }
    };
    let fault = asked::draw_fault(core, wire, &call, host);
    let kind = fault.as_ref().map(|fault| fault.kind);
    if kind == Some(FaultKind::HostDown) {
        let nothing = StatusCode::SERVICE_UNAVAILABLE.into();
        return (nothing, Ending::Lost(Cut::Reset));
    }
    let is_download = matches!(call, Call::DownloadBill);
    let response = if call.writes_a_bill() {
        answer_aside(core, wire, call, fault.clone()).await
    } else {
        answer(core, wire, &call, fault.as_ref())
    };
    answers::wait(fault.as_ref()).await;
    // Half of nothing is nothing.
    let is_empty = response.status() == StatusCode::NO_CONTENT;
    let ending = match kind {
        Some(FaultKind::HalfAnswer) if is_download => Ending::BrokenOff,
        Some(FaultKind::HalfAnswer) if is_empty => Ending::Lost(Cut::Closed),
        Some(FaultKind::LostAnswer) => Ending::Lost(Cut::Closed),
        _ => Ending::Whole,
    };
    (response, ending)
}

/// Cuts the connection where the body ends, without which the body would seem whole.
fn break_off(core: &Arc<Core>, peer: &RemoteAddr, mut response: Response) -> Response {
    let (core, peer) = (Arc::clone(core), peer.clone());
    let cut = async move {
        // What came before goes out first.
        tokio::task::yield_now().await;
        core.connections.cut(&peer, Cut::Closed);
        Err(io::ErrorKind::ConnectionReset.into())
    };
    let body = response.take_body().into_bytes_stream();
    let body = body.chain(futures::stream::once(cut));
    response.set_body(Body::from_bytes_stream(body));
    response
}

/// Answers on a thread that may be busy for long: writing a large bill takes seconds.
async fn answer_aside(
    core: &Arc<Core>,
    wire: &Wire<'_>,
    call: Call,
    fault: Option<Fault>,
) -> Response {
    let core = Arc::clone(core);
    let (method, target) = (wire.method.to_owned(), wire.target.to_owned());
    let (headers, body) = (wire.headers.clone(), wire.body.to_vec());
    let answered = tokio::task::spawn_blocking(move || {
        let wire = Wire {
            method: &method,
            target: &target,
            headers: &headers,
            body: &body,
        };
        answer(&core, &wire, &call, fault.as_ref())
    });
    let failed = |_| StatusCode::INTERNAL_SERVER_ERROR.into();
    answered.await.unwrap_or_else(failed)
}

fn answer(core: &Core, wire: &Wire<'_>, call: &Call, fault: Option<&Fault>) -> Response {
    let handled = authenticate(core, wire).and_then(|caller| {
        let now_ms = core.clock.business_ms();
        caller
            .provider
            .reply_key(wire.header("Wechatpay-Serial"), now_ms)?;
        if let Some(refusal) = answers::refusal_instead(fault) {
            return Err(refusal);
        }
        if fault.is_some_and(|fault| fault.kind == FaultKind::NotFound) {
            return Err(call.denial());
        }
        if fault.is_some_and(|fault| fault.kind == FaultKind::Accepted) {
            return Ok((caller.provider, Outcome::Accepted));
        }
        let outcome = call.run(core, &caller, wire)?;
        match answers::refusal_afterwards(fault) {
            Some(refusal) => Err(refusal),
            None => Ok((caller.provider, outcome)),
        }
    });
    let (provider, outcome) = match handled {
        Ok(handled) => handled,
        Err(refusal) => return answers::refuse(core, &refusal),
    };
    let now_ms = core.clock.business_ms();
    match provider.reply_key(wire.header("Wechatpay-Serial"), now_ms) {
        Ok(key) => answers::accept(core, key, &outcome, fault),
        Err(refusal) => answers::refuse(core, &refusal),
    }
}

/// Why there is no endpoint for a request.
enum Missing {
    Path,
    Method,
}

/// An endpoint with the variables of its path.
enum Call {
    PlaceJsapi,
    QueryByTransaction(String),
    QueryByNumber(String),
    Close(String),
    Refund,
    QueryRefund(String),
    ApplyAbnormalRefund(String),
    TradeBill,
    FundFlowBill,
    SubMerchantFundFlowBill,
    DownloadBill,
    Certificates,
    Echo,
}

impl Call {
    fn read(wire: &Wire<'_>) -> Result<Self, Missing> {
        let segments: Vec<&str> = wire.path().split('/').skip(1).collect();
        let decoded = |segment: &str| percent_decode_str(segment).decode_utf8_lossy().into_owned();
        let (method, call) = match segments.as_slice() {
            ["v3", "pay", "partner", "transactions", rest @ ..] => match rest {
                ["jsapi"] => (Method::POST, Self::PlaceJsapi),
                ["id", id] => (Method::GET, Self::QueryByTransaction(decoded(id))),
                ["out-trade-no", number] => (Method::GET, Self::QueryByNumber(decoded(number))),
                ["out-trade-no", number, "close"] => (Method::POST, Self::Close(decoded(number))),
                _ => return Err(Missing::Path),
            },
            ["v3", "refund", "domestic", "refunds"] => (Method::POST, Self::Refund),
            ["v3", "refund", "domestic", "refunds", number] => {
                (Method::GET, Self::QueryRefund(decoded(number)))
            }
            [
                "v3",
                "refund",
                "domestic",
                "refunds",
                id,
                "apply-abnormal-refund",
            ] => (Method::POST, Self::ApplyAbnormalRefund(decoded(id))),
            ["v3", "bill", "tradebill"] => (Method::GET, Self::TradeBill),
            ["v3", "bill", "fundflowbill"] => (Method::GET, Self::FundFlowBill),
            ["v3", "bill", "sub-merchant-fundflowbill"] => {
                (Method::GET, Self::SubMerchantFundFlowBill)
            }
            ["v3", "billdownload", "file"] => (Method::GET, Self::DownloadBill),
            ["v3", "certificates"] => (Method::GET, Self::Certificates),
            ["v3", "security", "echo"] => (Method::POST, Self::Echo),
            _ => return Err(Missing::Path),
        };
        if wire.method == method.as_str() {
            Ok(call)
        } else {
            Err(Missing::Method)
        }
    }

    fn writes_a_bill(&self) -> bool {
        matches!(
            self,
            Self::TradeBill | Self::FundFlowBill | Self::SubMerchantFundFlowBill
        )
    }

    /// How WeChat says that there is no such thing.
    fn denial(&self) -> Refusal {
        match self {
            Self::Refund => Refusal::resource_not_exists("订单不存在"),
            Self::QueryRefund(_) => Refusal::resource_not_exists("退款单不存在"),
            _ => Refusal::order_not_exist(),
        }
    }

    /// A number in the path has the length and characters that it had in a body.
    fn check_number(&self) -> Result<(), Refusal> {
        let (name, number, sizes, extra) = match self {
            Self::QueryByNumber(number) | Self::Close(number) => {
                ("out_trade_no", number, 6..=32, "_-|*")
            }
            Self::QueryRefund(number) => ("out_refund_no", number, 1..=64, "_-|*@"),
            Self::QueryByTransaction(number) => ("transaction_id", number, 1..=32, ""),
            Self::ApplyAbnormalRefund(number) => ("refund_id", number, 1..=32, ""),
            _ => return Ok(()),
        };
        let allowed = |c: char| c.is_ascii_alphanumeric() || extra.contains(c);
        if sizes.contains(&number.len()) && number.chars().all(allowed) {
            return Ok(());
        }
        let value = Value::from(number.as_str());
        Err(Refusal::parameter(
            "url",
            name,
            &value,
            "长度或字符不符合要求",
        ))
    }

    fn run(&self, core: &Core, caller: &Caller, wire: &Wire<'_>) -> Result<Outcome, Refusal> {
        let provider = caller.provider.as_ref();
        self.check_number()?;
        match self {
            Self::PlaceJsapi => {
                let body = posted(wire, bodies::JSAPI)?;
                let prepay_id = transactions::place(core, provider, &body)?;
                Ok(Outcome::Document(
                    serde_json::json!({"prepay_id": prepay_id}),
                ))
            }
            Self::QueryByTransaction(id) => {
                let number = OrderNumber::Transaction(id);
                transactions::query(core, provider, &number, &parameters(wire)?)
                    .map(Outcome::Document)
            }
            Self::QueryByNumber(number) => {
                let number = OrderNumber::OutTradeNo(number);
                transactions::query(core, provider, &number, &parameters(wire)?)
                    .map(Outcome::Document)
            }
            Self::Close(number) => {
                let body = posted(wire, bodies::CLOSE)?;
                transactions::close(core, provider, number, &body).map(|()| Outcome::Nothing)
            }
            Self::Refund => refunds::limited(core, provider, || {
                refunds::apply(core, provider, &posted(wire, bodies::REFUND)?)
            })
            .map(Outcome::Document),
            Self::ApplyAbnormalRefund(id) => refunds::limited(core, provider, || {
                let body = posted(wire, bodies::ABNORMAL_REFUND)?;
                let serial = wire.header("Wechatpay-Serial");
                refunds::apply_abnormal(core, provider, serial, (id, &body))
            })
            .map(Outcome::Document),
            Self::QueryRefund(number) => {
                refunds::query(core, provider, number, &parameters(wire)?).map(Outcome::Document)
            }
            Self::TradeBill
            | Self::FundFlowBill
            | Self::SubMerchantFundFlowBill
            | Self::DownloadBill => self.run_bill(core, caller, wire),
            Self::Certificates => {
                certificates::list(core, provider, &parameters(wire)?).map(Outcome::Document)
            }
            Self::Echo => {
                echo::echo(core, caller, wire, &posted(wire, bodies::ECHO)?).map(Outcome::Document)
            }
        }
    }

    fn run_bill(&self, core: &Core, caller: &Caller, wire: &Wire<'_>) -> Result<Outcome, Refusal> {
        let provider = caller.provider.as_ref();
        let parameters = parameters(wire)?;
        let host = wire.header("Host").unwrap_or_default();
        let told = match self {
            Self::FundFlowBill => bills::apply_fund_flow(core, provider, &parameters, host),
            Self::SubMerchantFundFlowBill => {
                bills::apply_sub_merchant_fund_flow(core, caller, &parameters, host)
            }
            Self::DownloadBill => {
                return bills::find_file(core, provider, &parameters).map(Outcome::File);
            }
            _ => bills::apply_trade(core, provider, &parameters, host),
        };
        told.map(Outcome::Document)
    }
}

/// A body that must be JSON by its type and by its members.
fn posted(wire: &Wire<'_>, members: &'static [schema::Member]) -> Result<Value, Refusal> {
    let media_type = wire.header("Content-Type").unwrap_or_default();
    let essence = media_type.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case("application/json") {
        return Err(Refusal::new(
            415,
            "PARAM_ERROR",
            "Content-Type必须为application/json",
        ));
    }
    schema::parse(wire.body, members)
}

/// The query of the address; a name that comes twice is refused.
fn parameters(wire: &Wire<'_>) -> Result<HashMap<String, String>, Refusal> {
    let query = wire.target.split_once('?').map_or("", |(_, query)| query);
    let mut parameters = HashMap::new();
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        if parameters
            .insert(name.clone().into_owned(), value.into_owned())
            .is_some()
        {
            return Err(Refusal::parameter("query", &name, &Value::Null, "参数重复"));
        }
    }
    Ok(parameters)
}
