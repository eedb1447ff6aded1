//! One call: sign, send, judge, verify, and at most one second try on the backup host.

use std::time::Instant;

use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::{Method, Url};
use serde::de::DeserializeOwned;
use url::Position;

use crate::credentials::KeyRing;
use crate::random_nonce;
use crate::v3::certificates::CertificateList;
use crate::v3::signature::authorization_header;
use crate::v3::verification::{header, verify};
use crate::v3::{ErrorBody, InvalidRequest, SignatureHeaders, VerifyError};

use super::transport::RawAnswer;
use super::{Answer, CallError, CallErrorKind, CallTrace, Client, codes};

const NONCE_LENGTH: usize = 32;
const MOST_TRIES: u8 = 2;
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// A request whose bytes are settled; only host, timestamp, nonce and signature differ between tries.
pub(super) struct Call<'a> {
    pub(super) method: Method,
    /// Percent-encoded.
    pub(super) path: String,
    /// Percent-encoded.
    pub(super) query: Option<String>,
    pub(super) body: &'a [u8],
    pub(super) trust: Trust,
}

/// A verified body, and whether an earlier try may have taken effect.
pub(super) struct Reply {
    body: Vec<u8>,
    pub(super) trace: CallTrace,
    earlier_try_unknown: bool,
}

/// Which keys an answer may be signed with.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Trust {
    KeyRing,
    /// Also the certificates inside the answer, which its authenticated encryption vouches for.
    KeyRingAndEnclosed,
}

impl<'a> Call<'a> {
    pub(super) fn get(path: impl Into<String>, query: Option<String>) -> Self {
        let path = path.into();
        Self {
            method: Method::GET,
            path,
            query,
            body: b"",
            trust: Trust::KeyRing,
        }
    }

    pub(super) fn post(path: impl Into<String>, body: &'a [u8]) -> Self {
        let path = path.into();
        Self {
            method: Method::POST,
            path,
            query: None,
            body,
            trust: Trust::KeyRing,
        }
    }

    /// Builds the URL once, so that what is signed is what the HTTP client sends.
    fn url(&self, host: &Url) -> Url {
        let mut url = host.clone();
        url.set_path(&self.path);
        url.set_query(self.query.as_deref());
        url
    }

    fn trace(&self) -> CallTrace {
        CallTrace {
            method: self.method.to_string(),
            path: self.path.clone(),
            ..CallTrace::default()
        }
    }

    /// Refuses a request before anything is sent.
    pub(super) fn refuse(&self, invalid: InvalidRequest) -> CallError {
        self.unsent(CallErrorKind::Invalid(invalid))
    }

    /// Gives up before anything is sent.
    pub(super) fn unsent(&self, kind: CallErrorKind) -> CallError {
        CallError::new(kind, self.trace(), false)
    }
}

impl Client {
    /// Makes a call whose answer is JSON.
    pub(super) async fn fetch<T: DeserializeOwned>(
        &self,
        call: &Call<'_>,
    ) -> Result<Answer<T>, CallError> {
        let reply = self.exchange(call).await?;
        match serde_json::from_slice(&reply.body) {
            Ok(value) => Ok(Answer {
                value,
                trace: reply.trace,
            }),
            Err(_) => Err(reply.into_error()),
        }
    }

    /// Makes a call and returns the verified body.
    pub(super) async fn exchange(&self, call: &Call<'_>) -> Result<Reply, CallError> {
        let started = Instant::now();
        let mut trace = call.trace();
        let mut earlier_try_unknown = false;
        loop {
            let host = self.host_of_try(trace.tries);
            trace.tries += 1;
            let after_ms = elapsed_ms(started);
            let outcome = self.try_once(call, host, &mut trace).await;
            trace.duration_ms = elapsed_ms(started);
            trace.note_try(after_ms, outcome.as_ref().err());
            log_try(&trace, outcome.as_ref().err());
            match outcome {
                Ok(body) => {
                    return Ok(Reply {
                        body,
                        trace,
                        earlier_try_unknown,
                    });
                }
                Err(kind) if trace.tries < MOST_TRIES && kind.deserves_second_try() => {
                    earlier_try_unknown |= kind.verdict().certainty == codes::Certainty::Unknown;
                }
                Err(kind) => return Err(CallError::new(kind, trace, earlier_try_unknown)),
            }
        }
    }

    fn host_of_try(&self, tries_before: u8) -> &Url {
        let hosts = &self.0.hosts;
        if tries_before == 0 {
            &hosts.main
        } else {
            hosts.backup.as_ref().unwrap_or(&hosts.main)
        }
    }

    async fn try_once(
        &self,
        call: &Call<'_>,
        host: &Url,
        trace: &mut CallTrace,
    ) -> Result<Vec<u8>, CallErrorKind> {
        let url = call.url(host);
        url[Position::BeforeHost..Position::AfterPort].clone_into(&mut trace.host);
        (trace.http_status, trace.request_id, trace.key_serial) = (None, None, None);
        let request = self.signed_request(call, &url)?;
        let answer = self
            .0
            .transport
            .exchange(request)
            .await
            .map_err(CallErrorKind::Transport)?;
        trace.http_status = Some(answer.status);
        trace.request_id = answer.header("Request-ID").map(ToOwned::to_owned);
        trace.key_serial = answer.header(header::SERIAL).map(ToOwned::to_owned);
        let date = answer.header("Date").and_then(unix_seconds);
        trace.ahead_seconds = date.map(|date| (self.0.clock)().saturating_sub(date));
        self.judge(call, answer)
    }

    fn signed_request(
        &self,
        call: &Call<'_>,
        url: &Url,
    ) -> Result<reqwest::RequestBuilder, CallErrorKind> {
        let transport = &self.0.transport;
        let request = transport
            .request(call.method.clone(), url.clone())
            .header(ACCEPT, JSON)
            .header(CONTENT_TYPE, JSON);
        let request = self.authorise(request, &call.method, url, call.body)?;
        Ok(if call.body.is_empty() {
            request
        } else {
            request.body(call.body.to_vec())
        })
    }

    /// Signs path and query exactly as they are sent, and announces the key for the answer.
    pub(super) fn authorise(
        &self,
        mut request: reqwest::RequestBuilder,
        method: &Method,
        url: &Url,
        body: &[u8],
    ) -> Result<reqwest::RequestBuilder, CallErrorKind> {
        let authorization = authorization_header(
            &self.0.merchant,
            method.as_str(),
            &url[Position::BeforePath..Position::AfterQuery],
            (self.0.clock)(),
            &random_nonce(NONCE_LENGTH),
            body,
        );
        let authorization = authorization.map_err(CallErrorKind::Unsigned)?;
        request = match HeaderValue::from_str(&authorization) {
            Ok(mut value) => {
                value.set_sensitive(true);
                request.header(AUTHORIZATION, value)
            }
            // The builder keeps the fault and reports it when the request is sent.
            Err(_) => request.header(AUTHORIZATION, authorization),
        };
        // Announcing the key on every call is what WeChat's switch to public keys counts.
        if let Some((serial, _)) = self.0.key_ring.preferred() {
            request = request.header(header::SERIAL, serial);
        }
        Ok(request)
    }

    /// Looks at the status first: only successes are signed, and a refusal must not be masked as a bad signature.
    fn judge(&self, call: &Call<'_>, answer: RawAnswer) -> Result<Vec<u8>, CallErrorKind> {
        if !(200..300).contains(&answer.status) {
            return Err(CallErrorKind::from_status(answer.status, &answer.body));
        }
        self.verify(call.trust, &answer)
            .map_err(CallErrorKind::Unverified)?;
        if answer.status == 202 {
            return Err(CallErrorKind::from_status(answer.status, &answer.body));
        }
        Ok(answer.body)
    }

    fn verify(&self, trust: Trust, answer: &RawAnswer) -> Result<(), VerifyError> {
        let headers = SignatureHeaders::from_fn(|name| answer.header(name));
        let enclosed = match trust {
            Trust::KeyRing => None,
            Trust::KeyRingAndEnclosed => Some(self.with_enclosed(&answer.body)),
        };
        let ring = enclosed.as_ref().unwrap_or(&self.0.key_ring);
        verify(ring, &headers, &answer.body, (self.0.clock)()).map(|_| ())
    }

    fn with_enclosed(&self, body: &[u8]) -> KeyRing {
        let list: CertificateList = serde_json::from_slice(body).unwrap_or_default();
        let keys = &self.0.merchant.api_v3_keys;
        let opened = list
            .data
            .iter()
            .filter_map(|entry| entry.decrypt(keys).ok());
        let certificates = opened.filter_map(|certificate| certificate.certificate().ok());
        certificates.fold(self.0.key_ring.clone(), KeyRing::with_certificate)
    }
}

impl Reply {
    /// Says why a verified body is not what was expected; some endpoints answer 200 with an error envelope.
    fn into_error(self) -> CallError {
        let body: ErrorBody = serde_json::from_slice(&self.body).unwrap_or_default();
        let kind = if body.code.is_empty() {
            CallErrorKind::Undecodable("the body is not the JSON that was expected")
        } else {
            CallErrorKind::Refused {
                status: self.trace.http_status.unwrap_or_default(),
                code: codes::normalise(&body.code).to_owned(),
                detail_field: body.detail_field().map(ToOwned::to_owned),
                message: body.message,
            }
        };
        let mut trace = self.trace;
        trace.fail_last_try(&kind);
        CallError::new(kind, trace, self.earlier_try_unknown)
    }
}

/// Reads the time as HTTP writes it.
fn unix_seconds(date: &str) -> Option<i64> {
    let date = jiff::fmt::rfc2822::parse(date).ok()?;
    Some(date.timestamp().as_second())
}

fn elapsed_ms(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// Turns a verified answer into an error because of what it says; its outcome is unknown in any case.
pub(super) fn unusable<T>(answer: Answer<T>, why: &'static str) -> CallError {
    let (kind, mut trace) = (CallErrorKind::Undecodable(why), answer.trace);
    trace.fail_last_try(&kind);
    CallError::new(kind, trace, false)
}

/// One event per try, for diagnosis; whoever handles the error logs it with its consequences.
pub(super) fn log_try(trace: &CallTrace, error: Option<&CallErrorKind>) {
    tracing::debug!(
        method = trace.method,
        path = trace.path,
        host = trace.host,
        status = trace.http_status,
        request_id = trace.request_id,
        duration_ms = trace.duration_ms,
        tries = trace.tries,
        error = error.map(tracing::field::display),
        "tried a call to WeChat Pay"
    );
}
