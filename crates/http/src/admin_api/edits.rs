//! Edits of what somebody else may have changed: `ETag` out, `If-Match` in.

use poem::http::{HeaderValue, header};
use poem::{IntoResponse, Request, RequestBody, Response};
use poem_openapi::registry::{
    MetaHeader, MetaParamIn, MetaResponses, MetaSchema, MetaSchemaRef, Registry,
};
use poem_openapi::types::{ToJSON, Type};
use poem_openapi::{ApiExtractor, ApiExtractorType, ApiResponse, ExtractParamOptions};

use crate::json::Json;
use crate::problem::{Problem, ProblemCode};

const HEADER: &str = "If-Match";

/// An object that can be edited, with its version.
pub(crate) struct Tagged<T>(Json<T>, String);

impl<T> Tagged<T> {
    /// Shows an object at a version.
    pub(crate) fn new(object: T, version: i64) -> Self {
        Self(Json(object), etag(version))
    }
}

impl<T: ToJSON> IntoResponse for Tagged<T> {
    fn into_response(self) -> Response {
        let mut response = self.0.into_response();
        if let Ok(tag) = HeaderValue::from_str(&self.1) {
            response.headers_mut().insert(header::ETAG, tag);
        }
        response
    }
}

impl<T: ToJSON> ApiResponse for Tagged<T> {
    fn meta() -> MetaResponses {
        let mut meta = Json::<T>::meta();
        for response in &mut meta.responses {
            response.headers.push(MetaHeader {
                name: String::from("ETag"),
                description: Some(String::from("The version; an edit sends it in `If-Match`.")),
                required: true,
                deprecated: false,
                schema: String::schema_ref(),
            });
        }
        meta
    }

    fn register(registry: &mut Registry) {
        Json::<T>::register(registry);
    }
}

/// The version of an object, as `ETag` shows it.
fn etag(version: i64) -> String {
    format!("\"{version}\"")
}

/// The version that an edit is about.
#[derive(Debug)]
pub(crate) struct IfMatch {
    /// The number in the tag.
    pub(crate) version: i64,
    raw: String,
}

impl<'a> ApiExtractor<'a> for IfMatch {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::Parameter];
    const PARAM_IS_REQUIRED: bool = true;

    type ParamType = String;
    type ParamRawType = String;

    fn param_in() -> Option<MetaParamIn> {
        Some(MetaParamIn::Header)
    }

    fn param_schema_ref() -> Option<MetaSchemaRef> {
        Some(MetaSchemaRef::Inline(Box::new(MetaSchema {
            max_length: Some(20),
            pattern: Some(String::from("^\"[1-9][0-9]{0,17}\"$")),
            ..MetaSchema::new("string")
        })))
    }

    fn param_raw_type(&self) -> Option<&String> {
        Some(&self.raw)
    }

    async fn from_request(
        request: &'a Request,
        _body: &mut RequestBody,
        _options: ExtractParamOptions<String>,
    ) -> poem::Result<Self> {
        let given = request.header(HEADER);
        let given = given.ok_or_else(|| Problem::of(ProblemCode::PreconditionRequired))?;
        let version = version_of(given)
            .ok_or_else(|| Problem::invalid_field(HEADER, "must be the ETag of the object"))?;
        Ok(Self {
            version,
            raw: given.to_owned(),
        })
    }
}

fn version_of(tag: &str) -> Option<i64> {
    let digits = tag.strip_prefix('"')?.strip_suffix('"')?;
    let is_number = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    is_number.then(|| digits.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_reads_back_as_its_version() {
        assert_eq!(version_of(&etag(7)), Some(7));
        for bad in [
            "7",
            "\"\"",
            "\"-1\"",
            "W/\"7\"",
            "*",
            "\"99999999999999999999\"",
        ] {
            assert_eq!(version_of(bad), None, "{bad}");
        }
    }
}
