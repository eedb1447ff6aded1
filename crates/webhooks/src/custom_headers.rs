//! The headers that a tenant adds to what is sent to its endpoint: which are allowed, and never printed.

use std::fmt;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use thiserror::Error;
use zeroize::Zeroizing;

const MAX_NAME_BYTES: usize = 64;
const MAX_VALUE_BYTES: usize = 1_024;
/// What stands in place of a value wherever headers are shown.
pub const MASK: &str = "***";
/// What we or the connection decide; a trailing dash stands for every name that begins so.
const REFUSED: [&str; 15] = [
    "host",
    "content-length",
    "transfer-encoding",
    "connection",
    "upgrade",
    "te",
    "trailer",
    "expect",
    "proxy-",
    "cookie",
    "content-type",
    "content-encoding",
    // Compressed answers are not unpacked.
    "accept-encoding",
    "user-agent",
    "webhook-",
];

/// Checked headers; they print as their names, and values are wiped when dropped.
#[derive(Clone, Default)]
pub struct CustomHeaders(Vec<(HeaderName, Zeroizing<String>)>);

/// Why a header cannot be added.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum HeaderRefused {
    /// Not 1 to 64 letters, digits and dashes, or a dash at the beginning.
    #[error(
        "the name must be 1 to 64 letters, digits and dashes, and begin with a letter or digit"
    )]
    Name,
    /// A name that is not the tenant's to set.
    #[error("this header is set by the platform or the connection")]
    Reserved,
    /// The same name, in whatever spelling, was given before.
    #[error("this header is given twice")]
    Repeated,
    /// Empty, too long, or with characters that are not visible ASCII.
    #[error("the value must be 1 to 1024 visible ASCII characters; spaces may stand between them")]
    Value,
    /// What we show in place of values.
    #[error("this is the mask that values are shown by: send the value itself")]
    Mask,
}

impl CustomHeaders {
    /// Adds one header after checking it.
    pub fn add(&mut self, name: &str, value: &str) -> Result<(), HeaderRefused> {
        let name = check_name(name)?;
        if self.0.iter().any(|(known, _)| *known == name) {
            return Err(HeaderRefused::Repeated);
        }
        check_value(value)?;
        self.0.push((name, Zeroizing::new(value.to_owned())));
        Ok(())
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The names, in lower case.
    pub fn names(&self) -> Vec<String> {
        self.0.iter().map(|(name, _)| name.to_string()).collect()
    }

    /// The names with their values, for whoever seals them.
    pub fn expose(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    pub(crate) fn write(&self, headers: &mut HeaderMap) -> Option<()> {
        for (name, value) in &self.0 {
            let mut value = HeaderValue::from_str(value).ok()?;
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        Some(())
    }
}

impl fmt::Debug for CustomHeaders {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_list().entries(self.names()).finish()
    }
}

fn check_name(name: &str) -> Result<HeaderName, HeaderRefused> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    if name.len() > MAX_NAME_BYTES || name.starts_with('-') || !name.bytes().all(is_plain) {
        return Err(HeaderRefused::Name);
    }
    let name: HeaderName = name.parse().map_err(|_| HeaderRefused::Name)?;
    let is_refused = REFUSED.iter().any(|refused| {
        name == *refused || (refused.ends_with('-') && name.as_str().starts_with(refused))
    });
    if is_refused {
        Err(HeaderRefused::Reserved)
    } else {
        Ok(name)
    }
}

fn check_value(value: &str) -> Result<(), HeaderRefused> {
    let is_shown = |byte: u8| byte.is_ascii_graphic() || byte == b' ';
    let is_sound = (1..=MAX_VALUE_BYTES).contains(&value.len()) && value.bytes().all(is_shown);
    if !is_sound || value.starts_with(' ') || value.ends_with(' ') {
        return Err(HeaderRefused::Value);
    }
    if value == MASK {
        return Err(HeaderRefused::Mask);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(name: &str, value: &str) -> Option<HeaderRefused> {
        CustomHeaders::default().add(name, value).err()
    }

    #[test]
    fn usual_headers_pass_and_print_without_their_values() {
        let mut headers = CustomHeaders::default();
        headers.add("Authorization", "Bearer abc.DEF~1").unwrap();
        headers
            .add("X-Tenant-2", "~!\"#$%&'()*+,-./:;<=>?@[]^_`{|}")
            .unwrap();
        assert_eq!(format!("{headers:?}"), r#"["authorization", "x-tenant-2"]"#);
        assert_eq!(
            headers.add("AUTHORIZATION", "x"),
            Err(HeaderRefused::Repeated)
        );
        assert_eq!(refusal(&"a".repeat(64), &"b".repeat(1_024)), None);
    }

    #[test]
    fn what_is_not_a_plain_header_is_refused() {
        for name in [
            "",
            "-x",
            "x_y",
            "x y",
            "x:y",
            "x\r\ny",
            "é",
            &"a".repeat(65),
        ] {
            assert_eq!(refusal(name, "v"), Some(HeaderRefused::Name), "{name:?}");
        }
        for value in [
            "",
            " v",
            "v ",
            "a\r\nb: c",
            "a\tb",
            "é",
            "\u{7f}",
            &"v".repeat(1_025),
        ] {
            assert_eq!(refusal("x", value), Some(HeaderRefused::Value), "{value:?}");
        }
        assert_eq!(refusal("x", MASK), Some(HeaderRefused::Mask));
    }

    #[test]
    fn what_is_not_the_tenants_to_set_is_refused_in_any_spelling() {
        for name in [
            "Host",
            "content-LENGTH",
            "transfer-encoding",
            "connection",
            "upgrade",
            "te",
            "trailer",
            "expect",
            "Proxy-Authorization",
            "proxy-x",
            "cookie",
            "content-type",
            "content-encoding",
            "accept-encoding",
            "user-agent",
            "Webhook-Id",
            "webhook-anything",
        ] {
            assert_eq!(refusal(name, "v"), Some(HeaderRefused::Reserved), "{name}");
        }
        for name in [
            "team",
            "hostname",
            "proxy",
            "webhook",
            "x-webhook-id",
            "content-language",
        ] {
            assert_eq!(refusal(name, "v"), None, "{name}");
        }
    }
}
