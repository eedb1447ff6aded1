//! Optional texts of answers: WeChat sends an absent value as nothing, as `null` or as an empty string.

use serde::{Deserialize, Deserializer};

/// Reads a text and takes an empty one for absent.
pub(crate) fn non_empty<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<String>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    Ok(text.filter(|text| !text.is_empty()))
}

/// Reads an open enumeration and takes an empty text for absent.
pub(crate) fn non_empty_enum<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: for<'a> From<&'a str>,
{
    Ok(non_empty(deserializer)?.map(|text| T::from(&text)))
}
