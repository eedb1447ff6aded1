//! Calls that a tenant's key signed: proven over their bytes before they are routed, and answered under the
//! platform's signature.
//!
//! An answer is signed whatever it says, once the call named a certificate that exists: whoever names none is
//! a stranger, for whom no key is put to work.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use poem::http::{HeaderName, HeaderValue, header};
use poem::{Body, Endpoint, IntoResponse, Request, Response};
use tributary_operations::Operations;
use tributary_operations::credentials::{Caller, RequestLine};

use crate::problem::{Problem, ProblemCode};
use crate::{body, peer};

const SCHEME: &str = "WECHATPAY2-SHA256-RSA2048";

/// A caller that has proven itself by a signature.
#[derive(Clone)]
pub(crate) struct Proven(pub(crate) Caller);

/// Says whether the answer is to be signed.
#[derive(Clone, Default)]
struct ToBeSigned(Arc<AtomicBool>);

/// Proves signed calls before what is within sees them; others pass.
pub(crate) struct Proving<E>(pub(crate) E);

impl<E: Endpoint> Endpoint for Proving<E> {
    type Output = E::Output;

    async fn call(&self, mut request: Request) -> poem::Result<E::Output> {
        if is_signed(&request) {
            let caller = prove(&mut request).await?;
            request.extensions_mut().insert(Proven(caller));
        }
        self.0.call(request).await
    }
}

async fn prove(request: &mut Request) -> Result<Caller, Problem> {
    let operations = request.data::<Operations>().cloned();
    let operations = operations.ok_or_else(|| Problem::of(ProblemCode::Internal))?;
    let claim = operations.claim(the_authorization(request)?).await?;
    if let Some(to_be_signed) = request.data::<ToBeSigned>() {
        to_be_signed.0.store(true, Ordering::Relaxed);
    }
    let body = body::read(request.take_body()).await?;
    let uri = request.original_uri();
    let line = RequestLine {
        method: request.method().as_str(),
        path_and_query: uri
            .path_and_query()
            .map_or(uri.path(), |both| both.as_str()),
    };
    let from = peer::address_of(request);
    let caller = operations.prove(claim, line, &body, from).await?;
    request.set_body(body);
    Ok(caller)
}

/// The one `Authorization` header: of two, nobody can say which counts.
fn the_authorization(request: &Request) -> Result<&str, Problem> {
    let mut all = request.headers().get_all(header::AUTHORIZATION).iter();
    match (all.next().map(HeaderValue::to_str), all.next()) {
        (Some(Ok(value)), None) => Ok(value),
        _ => Err(Problem::of(ProblemCode::SignatureRefused)
            .detail("there must be one Authorization header, in ASCII")),
    }
}

fn is_signed(request: &Request) -> bool {
    let value = request.headers().get(header::AUTHORIZATION);
    value.is_some_and(|value| value.as_bytes().starts_with(SCHEME.as_bytes()))
}

/// Signs the answers to signed calls, errors as well; it stands around what makes answers of errors.
pub(crate) struct SignedAnswers<E>(pub(crate) E);

impl<E: Endpoint> Endpoint for SignedAnswers<E> {
    type Output = Response;

    async fn call(&self, mut request: Request) -> poem::Result<Response> {
        if !is_signed(&request) {
            return Ok(self.0.call(request).await?.into_response());
        }
        let operations = request.data::<Operations>().cloned();
        let to_be_signed = ToBeSigned::default();
        request.extensions_mut().insert(to_be_signed.clone());
        let answer = self.0.call(request).await?.into_response();
        match operations {
            Some(operations) if to_be_signed.0.load(Ordering::Relaxed) => {
                signed(&operations, answer).await
            }
            _ => Ok(answer),
        }
    }
}

/// An answer that could not be signed goes out as it is: the caller refuses it, and asks again.
async fn signed(operations: &Operations, mut answer: Response) -> poem::Result<Response> {
    let body = answer.take_body().into_bytes().await;
    let body = body.map_err(|_| Problem::of(ProblemCode::Internal))?;
    match operations.sign_answer(&body).await {
        Ok(headers) => {
            for (name, value) in headers {
                let name = HeaderName::from_bytes(name.as_bytes());
                if let (Ok(name), Ok(value)) = (name, HeaderValue::try_from(value)) {
                    answer.headers_mut().insert(name, value);
                }
            }
        }
        Err(error) => {
            let error = &error as &dyn std::error::Error;
            tracing::error!(error, "an answer could not be signed");
        }
    }
    answer.set_body(Body::from_bytes(body));
    Ok(answer)
}
