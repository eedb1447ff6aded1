//! What requests have in common: limits that are checked before anything is sent, and bodies that never change.

use serde::Serialize;

/// A request body, serialised once. Storing it lets a call be repeated byte for byte, as WeChat demands.
#[derive(Clone, PartialEq, Eq)]
pub struct FrozenBody(Vec<u8>);

impl FrozenBody {
    /// Takes bytes that were frozen and stored earlier.
    pub fn from_bytes(bytes: impl Into<Vec<u8>>) -> Self {
        Self(bytes.into())
    }

    /// Returns the bytes that are signed and sent.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Returns the bytes for storage.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    pub(crate) fn freeze(value: &impl Serialize) -> Result<Self, InvalidRequest> {
        let bytes = serde_json::to_vec(value).map_err(|_| InvalidRequest {
            field: "/",
            problem: Problem::NotSerialisable,
        })?;
        Ok(Self(bytes))
    }
}

/// Bodies carry openids and names, so only the size is shown.
impl std::fmt::Debug for FrozenBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "FrozenBody({} bytes)", self.0.len())
    }
}

/// A request that WeChat would refuse, found before it was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct InvalidRequest {
    /// The field as a JSON pointer, spelled as WeChat spells it in `detail.field`.
    pub field: &'static str,
    /// What is wrong with it.
    pub problem: Problem,
}

/// What can be wrong with a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// The field is required here.
    #[error("is required")]
    Required,
    /// The field must not be sent together with another one.
    #[error("must not be sent together with {0}")]
    NotTogetherWith(&'static str),
    /// The field has too few characters or items.
    #[error("is shorter than {0}")]
    TooShort(usize),
    /// The field has too many characters, bytes or items.
    #[error("is longer than {0}")]
    TooLong(usize),
    /// The number is too small.
    #[error("is below {0}")]
    BelowMinimum(i64),
    /// The number is too large.
    #[error("is above {0}")]
    AboveMaximum(i64),
    /// The field holds characters that WeChat does not take, such as emoji.
    #[error("holds characters that WeChat Pay does not accept")]
    Characters,
    /// The field is not of the form that is asked for.
    #[error("is not {0}")]
    NotA(&'static str),
    /// The field must equal something that is known.
    #[error("differs from {0}")]
    DiffersFrom(&'static str),
    /// The request cannot be written as JSON.
    #[error("cannot be written as JSON")]
    NotSerialisable,
}

/// Collects the checks of one request; the first failure wins.
pub(crate) mod check {
    use super::{InvalidRequest, Problem};

    type Checked = Result<(), InvalidRequest>;

    fn fail(field: &'static str, problem: Problem) -> Checked {
        Err(InvalidRequest { field, problem })
    }

    /// Accepts 1 to `limit` bytes of text whose characters take at most three bytes of UTF-8.
    pub(crate) fn text(field: &'static str, value: &str, limit: usize) -> Checked {
        if value.is_empty() {
            return fail(field, Problem::Required);
        }
        optional_text(field, Some(value), limit)
    }

    /// Accepts no text, or up to `limit` bytes of characters of at most three bytes of UTF-8.
    pub(crate) fn optional_text(field: &'static str, value: Option<&str>, limit: usize) -> Checked {
        let value = value.unwrap_or_default();
        if value.len() > limit {
            return fail(field, Problem::TooLong(limit));
        }
        if value.chars().any(|c| c.len_utf8() > 3 || c.is_control()) {
            return fail(field, Problem::Characters);
        }
        Ok(())
    }

    /// Accepts `[0-9A-Za-z_-]` and `others`, between `least` and `most` characters.
    pub(crate) fn number(
        field: &'static str,
        value: &str,
        others: &[u8],
        (least, most): (usize, usize),
    ) -> Checked {
        if value.is_empty() {
            return fail(field, Problem::Required);
        }
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b"_-".contains(&b);
        if !value.bytes().all(|b| allowed(b) || others.contains(&b)) {
            return fail(field, Problem::Characters);
        }
        match value.len() {
            length if length < least => fail(field, Problem::TooShort(least)),
            length if length > most => fail(field, Problem::TooLong(most)),
            _ => Ok(()),
        }
    }

    /// Accepts an amount of at least one fen that no sum can overflow.
    pub(crate) fn amount(field: &'static str, fen: i64, most: i64) -> Checked {
        if fen < 1 {
            return fail(field, Problem::BelowMinimum(1));
        }
        if fen > most {
            return fail(field, Problem::AboveMaximum(most));
        }
        Ok(())
    }

    /// Accepts an absolute http(s) URL without query and fragment.
    pub(crate) fn notify_url(field: &'static str, value: &str, limit: usize) -> Checked {
        text(field, value, limit)?;
        match url::Url::parse(value) {
            Ok(url) if !matches!(url.scheme(), "http" | "https") => {
                fail(field, Problem::NotA("an http or https URL"))
            }
            Ok(url) if url.query().is_some() || url.fragment().is_some() => {
                fail(field, Problem::NotA("a URL without query and fragment"))
            }
            Ok(_) => Ok(()),
            Err(_) => fail(field, Problem::NotA("an absolute URL")),
        }
    }

    /// Accepts `CNY` or nothing.
    pub(crate) fn currency(field: &'static str, value: Option<&str>) -> Checked {
        match value {
            None | Some("CNY") => Ok(()),
            Some(_) => fail(field, Problem::NotA("CNY")),
        }
    }

    /// Accepts an RFC 3339 date-time or nothing.
    pub(crate) fn date_time(field: &'static str, value: Option<&str>) -> Checked {
        match value.map(crate::v3::time::parse_unix_ms) {
            Some(None) => fail(field, Problem::NotA("an RFC 3339 date-time")),
            _ => Ok(()),
        }
    }
}
