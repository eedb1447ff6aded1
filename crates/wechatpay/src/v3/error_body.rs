//! The body of a refusal. Refusals are not signed: nothing irreversible may rest on one alone.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::answer_text;

/// WeChat's error envelope.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ErrorBody {
    /// WeChat's code as it came; spellings vary, so branch on the normalised one of the client's error.
    #[serde(default)]
    pub code: String,
    /// Text for people; its wording changes.
    #[serde(default)]
    pub message: String,
    /// Details of varying shape.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<Value>,
}

impl ErrorBody {
    /// Makes a body without details.
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            message: message.into(),
            detail: None,
        }
    }

    /// Returns the field that WeChat complains about, a JSON pointer or a name.
    pub fn detail_field(&self) -> Option<&str> {
        self.detail
            .as_ref()?
            .get("field")?
            .as_str()
            .filter(|field| !field.is_empty())
    }
}

/// The answer to a notification, which WeChat reads only when it is refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotificationReply {
    /// `SUCCESS` or `FAIL`.
    pub code: String,
    /// The reason, for WeChat's log.
    #[serde(default, deserialize_with = "answer_text::non_empty")]
    pub message: Option<String>,
}

impl NotificationReply {
    /// Makes the body that goes with a 4xx or 5xx.
    pub fn fail(message: impl Into<String>) -> Self {
        Self {
            code: "FAIL".to_owned(),
            message: Some(message.into()),
        }
    }
}
