//! Faults as `application/problem+json` (RFC 9457). The only place that maps an error to a status.

mod codes;
mod mapping;

use std::fmt;

use poem::http::{HeaderName, HeaderValue, StatusCode, header};
use poem::{IntoResponse, Response};
use poem_openapi::registry::{MetaResponses, Registry};
use poem_openapi::types::{ToJSON, Type};
use poem_openapi::{ApiResponse, Object};
use tributary_domain::field::FieldError;

use crate::json::shape::FAULTS_MAX;

pub(crate) use codes::ProblemCode;

/// The media type of a problem.
pub(crate) const PROBLEM_JSON: &str = "application/problem+json";

/// A fault on its way to the caller.
#[derive(Debug)]
pub(crate) struct Problem(Box<Parts>);

#[derive(Debug)]
struct Parts {
    status: StatusCode,
    code: ProblemCode,
    detail: Option<String>,
    errors: Vec<FieldError>,
    wechat: Option<WechatCause>,
    headers: Vec<(HeaderName, HeaderValue)>,
    /// For the log only, never for the caller.
    cause: Option<String>,
}

/// A fault as the caller reads it (RFC 9457).
#[derive(Debug, Object)]
#[oai(rename = "Problem", skip_serializing_if_is_none)]
struct ProblemDocument {
    /// Names the kind of problem: `urn:tributary:problem:` and the code.
    r#type: String,
    /// A short summary, the same at every occurrence of the code.
    title: String,
    /// The HTTP status, again.
    status: u16,
    /// What happened this time, for a person.
    detail: Option<String>,
    /// What went wrong, for a program.
    code: ProblemCode,
    /// Names this request in our logs; equal to the header `X-Request-Id`.
    request_id: String,
    /// The faulty fields and parameters.
    #[oai(skip_serializing_if_is_empty)]
    errors: Option<Vec<ProblemField>>,
    /// What WeChat said, when WeChat is the cause.
    wechat: Option<WechatCause>,
}

/// One faulty field or parameter.
#[derive(Debug, Object)]
struct ProblemField {
    /// A JSON pointer into the body (`/amount/total`), or the name of a parameter or header.
    field: String,
    /// What it must be.
    reason: String,
}

/// What WeChat said.
#[derive(Clone, Debug, PartialEq, Eq, Object)]
#[oai(skip_serializing_if_is_none)]
pub(crate) struct WechatCause {
    /// WeChat's own error code.
    pub(crate) code: Option<String>,
    /// WeChat's own words, or ours when no answer came.
    pub(crate) message: String,
    /// What it means and what to do, whatever words WeChat chose.
    pub(crate) cause: PlainWords,
    /// WeChat's `Request-ID`, which its support asks for.
    pub(crate) request_id: Option<String>,
    /// Whether the same call may succeed later.
    pub(crate) retryable: bool,
    /// Who can mend it: `tenant`, `provider`, `platform`, `wechat` or `nobody`.
    pub(crate) who_must_act: String,
}

/// The same in both languages, so that it can be handed on.
#[derive(Clone, Debug, PartialEq, Eq, Object)]
pub(crate) struct PlainWords {
    /// In Chinese.
    pub(crate) zh: String,
    /// In English.
    pub(crate) en: String,
}

impl From<tributary_operations::PlainWords> for PlainWords {
    fn from(words: tributary_operations::PlainWords) -> Self {
        Self {
            zh: words.zh,
            en: words.en,
        }
    }
}

impl Problem {
    /// A problem of the given kind with its usual status.
    pub(crate) fn of(code: ProblemCode) -> Self {
        let usual = code.statuses().first().copied().unwrap_or(500);
        Self(Box::new(Parts {
            status: StatusCode::from_u16(usual).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            code,
            detail: None,
            errors: Vec::new(),
            wechat: None,
            headers: Vec::new(),
            cause: None,
        }))
    }

    /// A call without a usable key or token.
    pub(crate) fn unauthorized() -> Self {
        mapping::unauthorized()
    }

    /// A request with faulty fields.
    pub(crate) fn invalid(errors: Vec<FieldError>) -> Self {
        Self::of(ProblemCode::ValidationFailed).with_errors(errors)
    }

    /// A request with one faulty parameter or header.
    pub(crate) fn invalid_field(field: &str, reason: impl fmt::Display) -> Self {
        Self::invalid(vec![FieldError::new(field, reason.to_string())])
    }

    /// Says what happened this time.
    pub(crate) fn detail(mut self, detail: impl Into<String>) -> Self {
        self.0.detail = Some(detail.into());
        self
    }

    /// Names the faulty fields, and says them in the detail too.
    pub(crate) fn with_errors(mut self, mut errors: Vec<FieldError>) -> Self {
        errors.truncate(FAULTS_MAX);
        if let Some(first) = errors.first() {
            let place = if first.field.is_empty() {
                "the body"
            } else {
                &first.field
            };
            self.0.detail = Some(format!("{place}: {}", first.reason));
        }
        self.0.errors = errors;
        self
    }

    /// Adds a header to the answer.
    pub(crate) fn header(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.0.headers.push((name, value));
        }
        self
    }

    /// Says when to come back.
    pub(crate) fn retry_after(self, seconds: u32) -> Self {
        self.header(header::RETRY_AFTER, &seconds.to_string())
    }

    fn status(mut self, status: StatusCode) -> Self {
        self.0.status = status;
        self
    }

    fn wechat(mut self, cause: WechatCause) -> Self {
        self.0.detail = Some(cause.message.clone());
        self.0.wechat = Some(cause);
        self
    }

    /// Keeps an error and its causes for the log.
    pub(crate) fn cause(mut self, cause: &dyn std::error::Error) -> Self {
        self.0.cause = Some(chain(cause));
        self
    }

    /// The kind of problem.
    pub(crate) fn code(&self) -> ProblemCode {
        self.0.code
    }

    /// The faulty fields.
    #[cfg(test)]
    pub(crate) fn errors(&self) -> &[FieldError] {
        &self.0.errors
    }

    /// What the log says about it and the caller does not read.
    pub(crate) fn log_text(&self) -> Option<&str> {
        self.0.cause.as_deref()
    }

    /// Renders it under the id of the request.
    pub(crate) fn render(self, request_id: &str) -> Response {
        let parts = *self.0;
        let errors = parts.errors.into_iter();
        let document = ProblemDocument {
            r#type: format!("urn:tributary:problem:{}", parts.code.as_str()),
            title: parts.code.title().to_owned(),
            status: parts.status.as_u16(),
            detail: parts.detail,
            code: parts.code,
            request_id: request_id.to_owned(),
            errors: non_empty(
                errors.map(|FieldError { field, reason }| ProblemField { field, reason }),
            ),
            wechat: parts.wechat,
        };
        let mut response = crate::json::response(parts.status, PROBLEM_JSON, &document);
        response.headers_mut().extend(parts.headers);
        response
    }

    /// Renders an example for the document.
    pub(crate) fn example(code: ProblemCode, status: StatusCode) -> serde_json::Value {
        let document = ProblemDocument {
            r#type: format!("urn:tributary:problem:{}", code.as_str()),
            title: code.title().to_owned(),
            status: status.as_u16(),
            detail: None,
            code,
            request_id: String::from("req_7c9e6679f7e64b4fa0e4c5c7"),
            errors: mapping::example_errors(code)
                .map(|FieldError { field, reason }| vec![ProblemField { field, reason }]),
            wechat: mapping::example_wechat(code, status),
        };
        document.to_json().unwrap_or_default()
    }
}

fn non_empty<T>(items: impl Iterator<Item = T>) -> Option<Vec<T>> {
    let items: Vec<T> = items.collect();
    (!items.is_empty()).then_some(items)
}

/// An error with all its causes, for the log.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.code.title())
    }
}

impl std::error::Error for Problem {}

impl poem::error::ResponseError for Problem {
    fn status(&self) -> StatusCode {
        self.0.status
    }

    /// Never used: `request_log` takes the problem out of the error and renders it under the request's id.
    fn as_response(&self) -> Response {
        self.0.status.into_response()
    }
}

/// The error answers of each operation are written into the document by `openapi::answers`, from one table.
impl ApiResponse for Problem {
    fn meta() -> MetaResponses {
        MetaResponses {
            responses: Vec::new(),
        }
    }

    fn register(registry: &mut Registry) {
        ProblemDocument::register(registry);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn body_of(problem: Problem) -> serde_json::Value {
        let text = problem
            .render("req_1")
            .into_body()
            .into_string()
            .await
            .unwrap();
        serde_json::from_str(&text).unwrap()
    }

    #[tokio::test]
    async fn a_problem_names_its_fields_and_its_request() {
        let body = body_of(Problem::invalid_field(
            "/amount/total",
            "must be at least 1 fen",
        ))
        .await;
        assert_eq!(body["type"], "urn:tributary:problem:validation_failed");
        assert_eq!(body["status"], 422);
        assert_eq!(body["request_id"], "req_1");
        assert_eq!(body["errors"][0]["field"], "/amount/total");
        assert!(body.get("wechat").is_none());
    }

    #[tokio::test]
    async fn the_cause_stays_in_the_log() {
        let secret = std::io::Error::other("password=hunter2");
        let problem = Problem::of(ProblemCode::Internal).cause(&secret);
        assert_eq!(problem.log_text(), Some("password=hunter2"));
        assert!(!body_of(problem).await.to_string().contains("hunter2"));
    }

    #[tokio::test]
    async fn an_answer_lists_a_bounded_number_of_faults() {
        let faults = (0..1000).map(|n| FieldError::new(format!("/{n}"), "is wrong"));
        let body = body_of(Problem::invalid(faults.collect())).await;
        assert_eq!(body["errors"].as_array().unwrap().len(), FAULTS_MAX);
    }

    #[tokio::test]
    async fn a_problem_is_served_as_problem_json() {
        let response = Problem::of(ProblemCode::NotFound).render("req_1");
        assert_eq!(response.status(), StatusCode::NOT_FOUND);
        assert_eq!(response.content_type(), Some(PROBLEM_JSON));
    }
}
