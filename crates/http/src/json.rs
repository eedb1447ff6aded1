//! JSON in and out: a strict request body that names each faulty field, and a plain JSON answer.

mod clearable;
mod pointer;
mod reader;
pub(crate) mod shape;

use bytes::Bytes;
use poem::http::{HeaderValue, StatusCode, header};
use poem::{FromRequest, IntoResponse, Request, RequestBody, Response};
use poem_openapi::payload::{ParsePayload, Payload};
use poem_openapi::registry::{MetaMediaType, MetaRequest, MetaResponse, MetaResponses};
use poem_openapi::registry::{MetaSchemaRef, Registry};
use poem_openapi::types::{ParseFromJSON, ToJSON, Type};
use poem_openapi::{ApiExtractor, ApiExtractorType, ApiResponse, ExtractParamOptions};
use tributary_domain::field::FieldError;

use crate::body;
use crate::openapi::Audience;
use crate::problem::{Problem, ProblemCode};

pub(crate) use clearable::Clearable;
use reader::read;

const CONTENT_TYPE: &str = "application/json";

/// An answer in JSON.
#[derive(Debug)]
pub(crate) struct Json<T>(pub(crate) T);

impl<T: Type> Payload for Json<T> {
    const CONTENT_TYPE: &'static str = CONTENT_TYPE;

    fn schema_ref() -> MetaSchemaRef {
        T::schema_ref()
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
    }
}

impl<T: ToJSON> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        response(StatusCode::OK, CONTENT_TYPE, &self.0)
    }
}

impl<T: ToJSON> ApiResponse for Json<T> {
    fn meta() -> MetaResponses {
        MetaResponses {
            responses: vec![MetaResponse {
                description: "",
                status: Some(200),
                status_range: None,
                content: vec![MetaMediaType {
                    content_type: CONTENT_TYPE,
                    schema: T::schema_ref(),
                }],
                headers: vec![],
            }],
        }
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
    }
}

/// Renders a value as an answer of the given media type.
pub(crate) fn response(
    status: StatusCode,
    content_type: &'static str,
    value: &impl ToJSON,
) -> Response {
    let text = value.to_json().unwrap_or_default().to_string();
    let mut response = text.into_response();
    response.set_status(status);
    let content_type = HeaderValue::from_static(content_type);
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, content_type);
    response
}

/// A request body in JSON, checked against its published schema, beside the bytes that arrived.
#[derive(Debug)]
pub(crate) struct JsonBody<T> {
    /// The bytes as they arrived, for the fingerprint of an idempotency key.
    pub(crate) raw: Bytes,
    /// What they say.
    pub(crate) value: T,
}

impl<T: Type> Payload for JsonBody<T> {
    const CONTENT_TYPE: &'static str = CONTENT_TYPE;

    fn check_content_type(content_type: &str) -> bool {
        let mut parts = content_type.split(';').map(str::trim);
        let essence = parts.next().unwrap_or_default();
        let is_utf8 = |charset: &str| charset.trim_matches('"').eq_ignore_ascii_case("utf-8");
        let mut charsets = parts.filter_map(|part| {
            let (name, value) = part.split_once('=')?;
            name.eq_ignore_ascii_case("charset").then_some(value)
        });
        essence.eq_ignore_ascii_case(CONTENT_TYPE) && charsets.all(is_utf8)
    }

    fn schema_ref() -> MetaSchemaRef {
        T::schema_ref()
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
    }
}

impl<T: ParseFromJSON> ParsePayload for JsonBody<T> {
    const IS_REQUIRED: bool = true;

    async fn from_request(request: &Request, body: &mut RequestBody) -> poem::Result<Self> {
        let raw =
            body::read(<poem::Body as FromRequest>::from_request(request, body).await?).await?;
        let audience = Audience::of_path(request.original_uri().path());
        let value = parse(&raw, audience)?;
        Ok(Self { raw, value })
    }
}

impl<'a, T: ParseFromJSON> ApiExtractor<'a> for JsonBody<T> {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::RequestObject];

    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        <Self as Payload>::register(registry);
    }

    fn request_meta() -> Option<MetaRequest> {
        Some(MetaRequest {
            description: None,
            content: vec![MetaMediaType {
                content_type: CONTENT_TYPE,
                schema: <Self as Payload>::schema_ref(),
            }],
            required: true,
        })
    }

    async fn from_request(
        request: &'a Request,
        body: &mut RequestBody,
        _options: ExtractParamOptions<()>,
    ) -> poem::Result<Self> {
        match request.content_type() {
            Some(given) if <Self as Payload>::check_content_type(given) => {}
            _ => return Err(unsupported("send the body as application/json in UTF-8")),
        }
        let codings = request.headers().get_all(header::CONTENT_ENCODING);
        if codings
            .iter()
            .any(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity"))
        {
            return Err(unsupported("send the body without a Content-Encoding"));
        }
        <Self as ParsePayload>::from_request(request, body).await
    }
}

fn unsupported(advice: &str) -> poem::Error {
    Problem::of(ProblemCode::UnsupportedMediaType)
        .detail(advice)
        .into()
}

/// Reads, checks the shape, then makes the value.
pub(crate) fn parse<T: ParseFromJSON>(raw: &[u8], audience: Audience) -> Result<T, Problem> {
    let value = read(raw)
        .map_err(|fault| Problem::of(ProblemCode::MalformedJson).with_errors(vec![fault]))?;
    let faults = shape::check(audience.registry(), &T::schema_ref(), &value);
    if !faults.is_empty() {
        return Err(Problem::invalid(faults));
    }
    // The shape is the schema of this very type, so this is not expected to fail.
    T::parse_from_json(Some(value))
        .map_err(|error| Problem::invalid(vec![FieldError::new("", error.into_message())]))
}

#[cfg(test)]
mod tests {
    use super::*;

    type Body = JsonBody<serde_json::Value>;

    #[test]
    fn a_body_is_json_in_utf_8() {
        for (given, fine) in [
            ("application/json", true),
            ("Application/JSON; charset=\"UTF-8\"", true),
            ("application/json; profile=x", true),
            ("application/json; charset=utf-16", false),
            ("text/json", false),
        ] {
            assert_eq!(
                <Body as Payload>::check_content_type(given),
                fine,
                "{given}"
            );
        }
    }

    #[tokio::test]
    async fn a_packed_body_is_not_read() {
        for (coding, fine) in [("identity", true), ("gzip", false), ("identity, br", false)] {
            let request = Request::builder()
                .content_type(CONTENT_TYPE)
                .header(header::CONTENT_ENCODING, coding)
                .body("{}");
            let (request, mut body) = request.split();
            let options = ExtractParamOptions::default();
            let read = <Body as ApiExtractor>::from_request(&request, &mut body, options).await;
            let status = read.map_or_else(|error| error.status().as_u16(), |_| 200);
            assert_eq!(status, if fine { 200 } else { 415 }, "{coding}");
        }
    }
}
