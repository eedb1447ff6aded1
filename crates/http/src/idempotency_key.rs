//! The header `Idempotency-Key`: quoted or bare, 1 to 255 visible ASCII characters.

use poem::{Request, RequestBody};
use poem_openapi::registry::{MetaParamIn, MetaSchema, MetaSchemaRef};
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions};
use tributary_domain::idempotency_key::{KEY_CHARS_MAX, parse};
use tributary_operations::idempotency::{self, Idempotency};

use crate::problem::{Problem, ProblemCode};

const HEADER: &str = "Idempotency-Key";

/// The key of a request that creates or moves money, without its quotes.
#[derive(Debug)]
pub(crate) struct IdempotencyKey(pub(crate) String);

impl IdempotencyKey {
    /// The key with the fingerprint of the request that carries it.
    pub(crate) fn of(self, request: &Request, raw: &[u8], route: &'static str) -> Idempotency {
        let uri = request.original_uri();
        let query = uri.query().unwrap_or_default();
        Idempotency {
            key: self.0,
            fingerprint: idempotency::fingerprint("POST", uri.path(), query, raw),
            route,
        }
    }
}

impl<'a> ApiExtractor<'a> for IdempotencyKey {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::Parameter];
    const PARAM_IS_REQUIRED: bool = true;

    type ParamType = String;
    type ParamRawType = String;

    fn param_in() -> Option<MetaParamIn> {
        Some(MetaParamIn::Header)
    }

    fn param_schema_ref() -> Option<MetaSchemaRef> {
        Some(MetaSchemaRef::Inline(Box::new(MetaSchema {
            min_length: Some(1),
            max_length: Some(KEY_CHARS_MAX),
            pattern: Some(String::from("^[!#-~][!-~]*$")),
            ..MetaSchema::new("string")
        })))
    }

    fn param_raw_type(&self) -> Option<&String> {
        Some(&self.0)
    }

    async fn from_request(
        request: &'a Request,
        _body: &mut RequestBody,
        _options: ExtractParamOptions<String>,
    ) -> poem::Result<Self> {
        let mut given = request.headers().get_all(HEADER).iter();
        let key = match (given.next(), given.next()) {
            (None, _) => return Err(Problem::of(ProblemCode::IdempotencyKeyRequired).into()),
            (Some(key), None) => parse(key.as_bytes()),
            (Some(_), Some(_)) => None,
        };
        let rule = "must be one value of 1 to 255 visible ASCII characters, quoted or bare";
        Ok(Self(
            key.ok_or_else(|| Problem::invalid_field(HEADER, rule))?,
        ))
    }
}
