//! Around every request: its id, its span, its metrics, its time-out, what its limit says, and the one place where errors
//! become answers.

use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use futures::FutureExt;
use poem::PathPattern;
use poem::http::{HeaderName, HeaderValue, Method, header};
use poem::{Endpoint, IntoResponse, Request, Response};
use tracing::{Instrument, Span, field};

use crate::problem::{Problem, ProblemCode};
use crate::rate_limits::Note;
use crate::route_table::{RouteTable, UNMATCHED};

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const REQUEST_ID_CHARS_MAX: usize = 64;
/// Longer than every time-out of a call to WeChat together.
const REQUEST_TIMEOUT: Duration = Duration::from_mins(1);

/// What the admin API's answers say to a browser that opens one: it is no page, and nobody embeds it.
const ADMIN_HEADERS: [(HeaderName, &str); 5] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    ),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), microphone=(), geolocation=()",
    ),
];

/// Names the request, for handlers that write it down.
#[derive(Clone, Debug)]
pub(crate) struct RequestId(pub(crate) String);

/// The outermost endpoint.
pub(crate) struct RequestLog<E> {
    inner: E,
    table: RouteTable,
}

impl<E> RequestLog<E> {
    /// Wraps all routes.
    pub(crate) fn new(inner: E, table: RouteTable) -> Self {
        Self { inner, table }
    }
}

impl<E: Endpoint> Endpoint for RequestLog<E> {
    type Output = Response;

    async fn call(&self, mut request: Request) -> poem::Result<Response> {
        let started = Instant::now();
        let is_admin = request.uri().path().starts_with("/admin/v1");
        let method = method_label(request.method());
        let request_id = request_id(&request);
        request.set_data(RequestId(request_id.clone()));
        let span = tracing::info_span!(
            "request",
            method,
            request_id,
            route = field::Empty,
            status = field::Empty,
            duration_ms = field::Empty,
            "tenant.id" = field::Empty,
        );
        let limit = Note::default();
        request.extensions_mut().insert(limit.clone());
        let answer = self.answer(request).instrument(span.clone()).await;
        let route = answer.route;
        let mut response = match answer.result {
            Ok(response) => response,
            Err(problem) => self.refuse(&span, problem, &route, &request_id),
        };
        add_headers(&mut response, &request_id);
        if is_admin {
            let headers = response.headers_mut();
            for (name, value) in ADMIN_HEADERS {
                headers.insert(name, HeaderValue::from_static(value));
            }
        }
        limit.write(&mut response);
        let status = response.status().as_u16();
        record(
            &span,
            &Seen {
                method,
                route,
                status,
                took: started.elapsed(),
            },
        );
        Ok(response)
    }
}

/// How a request ended, and at which route.
struct Answer {
    route: String,
    result: Result<Response, Problem>,
}

/// What the log and the metrics say about a request.
struct Seen {
    method: &'static str,
    route: String,
    status: u16,
    took: Duration,
}

impl<E: Endpoint> RequestLog<E> {
    async fn answer(&self, request: Request) -> Answer {
        let work = AssertUnwindSafe(self.inner.call(request)).catch_unwind();
        match tokio::time::timeout(REQUEST_TIMEOUT, work).await {
            Ok(Ok(Ok(output))) => {
                let response = output.into_response();
                let route = self.route_label(response.data());
                Answer {
                    route,
                    result: Ok(response),
                }
            }
            Ok(Ok(Err(error))) => {
                let route = self.route_label(error.data());
                Answer {
                    route,
                    result: Err(Problem::from(error)),
                }
            }
            Ok(Err(_panic)) => unmatched(ProblemCode::Internal),
            Err(_elapsed) => unmatched(ProblemCode::Timeout),
        }
    }

    fn route_label(&self, pattern: Option<&PathPattern>) -> String {
        self.table
            .template(pattern.map(|pattern| pattern.0.as_ref()))
            .to_owned()
    }

    fn refuse(&self, span: &Span, problem: Problem, route: &str, request_id: &str) -> Response {
        log_cause(span, &problem);
        let allow = match problem.code() {
            ProblemCode::MethodNotAllowed => self.table.methods(route),
            _ => None,
        };
        match allow {
            Some(methods) => problem.header(header::ALLOW, methods),
            None => problem,
        }
        .render(request_id)
    }
}

/// What the caller does not read, once, where the error stops.
fn log_cause(span: &Span, problem: &Problem) {
    match (problem.code(), problem.log_text()) {
        (ProblemCode::Internal, cause) => {
            let error = cause.unwrap_or("a panic, or an error without a text");
            tracing::error!(parent: span, error, "a request failed on our side");
        }
        (_, Some(error)) => tracing::warn!(parent: span, error, "a request could not be served"),
        (_, None) => {}
    }
}

/// Answers hold tenants' data and secrets that are shown once: nobody between us keeps them or guesses their type.
fn add_headers(response: &mut Response, request_id: &str) {
    let headers = response.headers_mut();
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    // The files of the admin UI alone say otherwise: their names hold their hash, and nothing of anybody's is in them.
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    if let Ok(value) = HeaderValue::from_str(request_id) {
        headers.insert(X_REQUEST_ID, value);
    }
}

fn unmatched(code: ProblemCode) -> Answer {
    Answer {
        route: UNMATCHED.to_owned(),
        result: Err(Problem::of(code)),
    }
}

fn record(span: &Span, seen: &Seen) {
    let Seen {
        method,
        route,
        status,
        took,
    } = seen;
    let duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    span.record("route", route.as_str());
    span.record("status", status);
    span.record("duration_ms", duration_ms);
    if ["/v1/", "/wechat/", "/admin/v1/"]
        .iter()
        .any(|part| route.starts_with(part))
    {
        tracing::info!(parent: span, "{method} {route} answered {status} in {duration_ms} ms");
    } else {
        tracing::debug!(parent: span, "{method} {route} answered {status} in {duration_ms} ms");
    }
    metrics::counter!(
        "http_requests_total",
        "route" => route.clone(), "method" => *method, "status" => status.to_string(),
    )
    .increment(1);
    metrics::histogram!("http_request_duration_seconds", "route" => route.clone())
        .record(took.as_secs_f64());
}

/// The caller's id when it is sane, so that both sides can name the request alike; else one of ours.
fn request_id(request: &Request) -> String {
    let given = request.header(X_REQUEST_ID).unwrap_or_default();
    let is_sane = (1..=REQUEST_ID_CHARS_MAX).contains(&given.len())
        && given
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
    if is_sane {
        given.to_owned()
    } else {
        format!("req_{:032x}", rand::random::<u128>())
    }
}

/// Methods are whatever a caller writes; a metric takes only the known ones.
fn method_label(method: &Method) -> &'static str {
    const KNOWN: [&str; 7] = ["GET", "POST", "PATCH", "DELETE", "PUT", "HEAD", "OPTIONS"];
    let known = KNOWN.into_iter().find(|known| *known == method.as_str());
    known.unwrap_or("OTHER")
}

#[cfg(test)]
mod tests {
    use poem::endpoint::make_sync;
    use poem::http::StatusCode;
    use poem::{Route, get};

    use super::*;

    fn app() -> RequestLog<Route> {
        let routes = Route::new().at("/fine/:id", get(make_sync(|_| "fine"))).at(
            "/panics",
            get(make_sync(|_| -> &'static str { panic!("boom") })),
        );
        let mut table = RouteTable::default();
        table.add("/fine/{id}", "GET");
        RequestLog::new(routes, table)
    }

    async fn answer(method: Method, path: &'static str, id: &'static str) -> Response {
        let uri = poem::http::Uri::from_static(path);
        let request = Request::builder()
            .method(method)
            .uri(uri)
            .header("x-request-id", id);
        app().call(request.finish()).await.unwrap()
    }

    #[tokio::test]
    async fn a_sane_request_id_comes_back_and_another_is_replaced() {
        let response = answer(Method::GET, "/fine/1", "my-id.7").await;
        assert_eq!(response.header("x-request-id"), Some("my-id.7"));
        let response = answer(Method::GET, "/fine/1", "no spaces").await;
        assert!(response.header("x-request-id").unwrap().starts_with("req_"));
    }

    #[tokio::test]
    async fn a_problem_carries_the_id_of_the_answer() {
        let response = answer(Method::GET, "/nowhere", "abc").await;
        assert_eq!(response.status(), StatusCode::NOT_FOUND);
        let body = response.into_body().into_string().await.unwrap();
        assert!(body.contains(r#""request_id":"abc""#), "{body}");
    }

    #[tokio::test]
    async fn a_method_that_is_not_allowed_is_told_which_are() {
        let response = answer(Method::DELETE, "/fine/1", "abc").await;
        assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(response.header("allow"), Some("GET"));
    }

    #[tokio::test]
    async fn nobody_between_keeps_an_answer() {
        for path in ["/fine/1", "/nowhere"] {
            let response = answer(Method::GET, path, "abc").await;
            assert_eq!(response.header("cache-control"), Some("no-store"));
        }
    }

    #[tokio::test]
    async fn a_panic_is_answered() {
        let response = answer(Method::GET, "/panics", "abc").await;
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(response.content_type(), Some("application/problem+json"));
    }
}
