//! What people read off a key or a certificate when they look for it.

use sea_orm::{ColumnTrait, Condition};

/// Fewer digits of a fingerprint name too many keys.
const FINGERPRINT_DIGITS_MIN: usize = 8;

/// A serial, the id of a public key, or the beginning of a fingerprint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrintedName(String);

impl PrintedName {
    /// Takes it as somebody pasted it; colons between the digits are left out.
    pub fn new(text: &str) -> Self {
        Self(text.replace(':', ""))
    }

    /// Whether one of the columns holds it. Each is looked up by an index: digits sort before the letter `g`.
    pub(crate) fn is_on(
        &self,
        serial: impl ColumnTrait,
        fingerprint: impl ColumnTrait,
    ) -> Condition {
        let (lower, upper) = (self.0.to_ascii_lowercase(), self.0.to_ascii_uppercase());
        let is_digits = self.0.bytes().all(|b| b.is_ascii_hexdigit());
        let begins = is_digits && self.0.len() >= FINGERPRINT_DIGITS_MIN;
        let behind = format!("{lower}g");
        let beginning = Condition::all()
            .add(fingerprint.gte(lower.as_str()))
            .add(fingerprint.lt(behind));
        Condition::any()
            .add(serial.is_in([self.0.clone(), lower.clone(), upper]))
            .add_option(begins.then_some(beginning))
    }
}
