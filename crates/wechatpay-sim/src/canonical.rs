//! Tells whether two requests have the same parameters, whatever the order of their members.

use std::fmt::Write as _;

use serde_json::Value;
use sha2::{Digest, Sha256};

/// SHA-256, in hexadecimal, of a body with its members sorted.
pub(crate) fn parameters_digest(body: &Value) -> String {
    let mut text = String::new();
    write_sorted(body, &mut text);
    hex(&Sha256::digest(text.as_bytes()))
}

/// Writes bytes in lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            // Writing to a String cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}

fn write_sorted(value: &Value, text: &mut String) {
    match value {
        Value::Object(members) => {
            let mut names: Vec<&String> = members.keys().collect();
            names.sort();
            text.push('{');
            for name in names {
                text.push_str(&Value::from(name.as_str()).to_string());
                text.push(':');
                write_sorted(members.get(name).unwrap_or(&Value::Null), text);
                text.push(',');
            }
            text.push('}');
        }
        Value::Array(entries) => {
            text.push('[');
            for entry in entries {
                write_sorted(entry, text);
                text.push(',');
            }
            text.push(']');
        }
        scalar => text.push_str(&scalar.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::parameters_digest;

    #[test]
    fn order_of_members_does_not_matter_and_values_do() {
        let first = json!({"a": 1, "b": {"c": "x", "d": [1, 2]}});
        let turned = json!({"b": {"d": [1, 2], "c": "x"}, "a": 1});
        assert_eq!(parameters_digest(&first), parameters_digest(&turned));
        let other = json!({"b": {"d": [2, 1], "c": "x"}, "a": 1});
        assert_ne!(parameters_digest(&first), parameters_digest(&other));
    }
}
