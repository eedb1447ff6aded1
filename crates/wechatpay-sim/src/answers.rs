//! Answers under `/v3`: `Request-ID` on all, signed when 2xx, and spoilt when a fault asks for it.

use std::{io, sync::Arc, time::Duration};

use poem::{Body, Response, http::StatusCode};
use serde_json::{Value, json};
use wechatpay::server;

use crate::{
    bills::{self, Issued},
    core::Core,
    faults::{Fault, FaultKind},
    notifier::{UNKNOWN_SERIAL, probe, replace},
    providers::keys::SigningKey,
    refusal::Refusal,
};

/// What an endpoint says when all went well.
pub(crate) enum Outcome {
    /// 200 with this document.
    Document(Value),
    /// 204.
    Nothing,
    /// 202: repeat the request.
    Accepted,
    /// 200 with a file, which is not signed.
    File(Arc<Issued>),
}

/// What a garbled answer says around what should have been said.
fn garble(body: &str) -> String {
    json!({"ret": 0, "msg": "ok", "data": [body]}).to_string()
}

/// How long a delayed answer waits when the fault does not say.
const DELAY_MS: u64 = 1_000;

/// The wait that a fault asks for.
pub(crate) async fn wait(fault: Option<&Fault>) {
    if let Some(Fault {
        kind: FaultKind::Delay,
        delay_ms,
        ..
    }) = fault
    {
        tokio::time::sleep(Duration::from_millis(delay_ms.unwrap_or(DELAY_MS))).await;
    }
}

/// The refusal that a fault puts in place of any work.
pub(crate) fn refusal_instead(fault: Option<&Fault>) -> Option<Refusal> {
    let fault = fault?;
    match fault.kind {
        FaultKind::ServerError if !fault.after_applying => Some(server_error(fault)),
        FaultKind::FrequencyLimited => Some(Refusal::frequency_limited()),
        FaultKind::NotEnough => Some(Refusal::not_enough()),
        FaultKind::Refuse if !fault.after_applying => Some(refused(fault)),
        _ => None,
    }
}

/// The refusal that a fault puts in place of a result.
pub(crate) fn refusal_afterwards(fault: Option<&Fault>) -> Option<Refusal> {
    let fault = fault?;
    match fault.kind {
        FaultKind::ServerError => Some(server_error(fault)),
        FaultKind::Refuse => Some(refused(fault)),
        _ => None,
    }
}

fn refused(fault: &Fault) -> Refusal {
    let status = fault.status.filter(|status| (400..600).contains(status));
    let (code, message) = (fault.code.clone(), fault.message.clone());
    Refusal::new(
        status.unwrap_or(400),
        code.unwrap_or_else(|| "INVALID_REQUEST".to_owned()),
        message.unwrap_or_else(|| "请求被拒绝".to_owned()),
    )
}

fn server_error(fault: &Fault) -> Refusal {
    Refusal::system_error(fault.status.filter(|status| *status >= 500).unwrap_or(500))
}

/// Writes an unsigned refusal.
pub(crate) fn refuse(core: &Core, refusal: &Refusal) -> Response {
    let status = StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    Response::builder()
        .status(status)
        .header("Request-ID", request_id(core, refusal.internal_code()))
        .content_type("application/json; charset=utf-8")
        .body(refusal.to_json().to_string())
}

/// Writes a signed answer.
pub(crate) fn accept(
    core: &Core,
    key: &SigningKey,
    outcome: &Outcome,
    fault: Option<&Fault>,
) -> Response {
    let (mut status, mut body) = match outcome {
        Outcome::Document(document) => (StatusCode::OK, document.to_string()),
        Outcome::Nothing => (StatusCode::NO_CONTENT, String::new()),
        Outcome::Accepted => (StatusCode::ACCEPTED, String::new()),
        Outcome::File(issued) => return file(core, issued, fault),
    };
    let kind = fault.map(|fault| fault.kind);
    if kind == Some(FaultKind::Garbled) {
        (status, body) = (StatusCode::OK, garble(&body));
    }
    let headers = match signature_headers(core, key, body.as_bytes(), kind) {
        Ok(headers) => headers,
        Err(error) => {
            tracing::error!(%error, "an answer could not be signed");
            return refuse(core, &Refusal::system_error(500));
        }
    };
    let mut response = Response::builder()
        .status(status)
        .header("Request-ID", request_id(core, 0));
    for (name, value) in headers {
        response = response.header(name, value);
    }
    if body.is_empty() {
        return response.finish();
    }
    let response = response.content_type("application/json; charset=utf-8");
    if kind == Some(FaultKind::HalfAnswer) {
        return response
            .header("Content-Length", body.len())
            .body(half(body));
    }
    response.body(body)
}

/// Writes a file, unsigned, for as long as its reader reads.
fn file(core: &Core, issued: &Arc<Issued>, fault: Option<&Fault>) -> Response {
    let issued = Arc::clone(issued);
    let body = if fault.is_some_and(|fault| fault.kind == FaultKind::HalfAnswer) {
        bills::download_half(issued)
    } else {
        bills::download(issued)
    };
    Response::builder()
        .status(StatusCode::OK)
        .header("Request-ID", request_id(core, 0))
        .content_type("application/octet-stream")
        .body(body)
}

/// Half a body, then the end of the connection.
fn half(mut body: String) -> Body {
    let middle = (0..=body.len() / 2)
        .rev()
        .find(|at| body.is_char_boundary(*at));
    body.truncate(middle.unwrap_or_default());
    let cut = io::Error::new(io::ErrorKind::ConnectionReset, "half of the answer is lost");
    Body::from_bytes_stream(futures::stream::iter([Ok(body), Err(cut)]))
}

fn signature_headers(
    core: &Core,
    key: &SigningKey,
    body: &[u8],
    fault: Option<FaultKind>,
) -> anyhow::Result<Vec<(String, String)>> {
    if fault == Some(FaultKind::UnsignedAnswer) {
        return Ok(Vec::new());
    }
    let signed: &[u8] = if fault == Some(FaultKind::WrongSignature) {
        b"other bytes"
    } else {
        body
    };
    let nonce = core.ledger().ids.nonce();
    let timestamp = core.clock.signature_s();
    let headers = server::sign_answer(&key.private_key, &key.serial, timestamp, &nonce, signed)?;
    let mut headers: Vec<_> = headers
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    match fault {
        Some(FaultKind::UnknownSerial) => {
            replace(&mut headers, "Wechatpay-Serial", |_| {
                UNKNOWN_SERIAL.to_owned()
            });
        }
        Some(FaultKind::ProbeAnswer) => replace(&mut headers, "Wechatpay-Signature", probe),
        _ => {}
    }
    Ok(headers)
}

/// `{id}-{internal code}`, as WeChat's support asks for it.
fn request_id(core: &Core, internal_code: u32) -> String {
    let id = core.ledger().ids.nonce().to_uppercase();
    format!("08{}-{internal_code}", id.get(..26).unwrap_or(&id))
}
