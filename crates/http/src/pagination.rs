//! Pages: how many, from where, and the parameters of lists that are texts until they are parsed.

use std::borrow::Cow;
use std::fmt;

use poem_openapi::registry::{MetaSchema, MetaSchemaRef};
use poem_openapi::types::{ParseError, ParseFromParameter, ParseResult, Type};
use tributary_domain::clock::Timestamp;
use tributary_domain::field::FieldError;

use crate::problem::Problem;

const LIMIT_DEFAULT: u32 = 20;
const LIMIT_MAX: u32 = 100;

/// How many objects a page holds at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limit(u32);

impl Limit {
    /// The number asked for, or the usual one.
    pub(crate) fn or_default(limit: Option<Self>) -> u64 {
        limit.map_or(LIMIT_DEFAULT, |limit| limit.0).into()
    }
}

impl Type for Limit {
    const IS_REQUIRED: bool = true;

    type RawValueType = Self;
    type RawElementValueType = Self;

    fn name() -> Cow<'static, str> {
        Cow::Borrowed("limit")
    }

    fn schema_ref() -> MetaSchemaRef {
        MetaSchemaRef::Inline(Box::new(MetaSchema {
            minimum: Some(1.0),
            maximum: Some(f64::from(LIMIT_MAX)),
            default: Some(LIMIT_DEFAULT.into()),
            ..MetaSchema::new("integer")
        }))
    }

    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }

    fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a Self> + 'a> {
        Box::new(std::iter::once(self))
    }
}

impl ParseFromParameter for Limit {
    fn parse_from_parameter(text: &str) -> ParseResult<Self> {
        match text.parse() {
            Ok(limit @ 1..=LIMIT_MAX) => Ok(Self(limit)),
            _ => Err(ParseError::custom(format!(
                "must be an integer from 1 to {LIMIT_MAX}"
            ))),
        }
    }
}

/// Parses the text parameters of a list and collects what is wrong with them.
#[derive(Default)]
pub(crate) struct Parameters(Vec<FieldError>);

impl Parameters {
    /// Parses one parameter, when it was given.
    pub(crate) fn parse<T, E: fmt::Display>(
        &mut self,
        name: &str,
        text: Option<&str>,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        match parse(text?) {
            Ok(value) => Some(value),
            Err(error) => {
                self.0.push(FieldError::new(name, error.to_string()));
                None
            }
        }
    }

    /// Parses one parameter that is a time.
    pub(crate) fn time(&mut self, name: &str, text: Option<&str>) -> Option<Timestamp> {
        self.parse(name, text, Timestamp::parse_rfc3339)
    }

    /// Ends well, or with every fault.
    pub(crate) fn finish(self) -> Result<(), Problem> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(Problem::invalid(self.0))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_1_to_100() {
        let parse = |text: &str| Limit::parse_from_parameter(text).ok();
        assert_eq!(parse("1"), Some(Limit(1)));
        assert_eq!(parse("100"), Some(Limit(100)));
        for bad in ["0", "101", "-1", "1.0", "ten", "", "99999999999999999999"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
        assert_eq!(Limit::or_default(None), 20);
    }

    #[test]
    fn every_faulty_parameter_is_named() {
        let mut parameters = Parameters::default();
        assert_eq!(parameters.time("from", Some("yesterday")), None);
        assert_eq!(parameters.time("to", None), None);
        assert_eq!(parameters.0.len(), 1);
        assert!(parameters.finish().is_err());
    }
}
