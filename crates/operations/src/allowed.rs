//! What a person may do with an object now, and why not: the server knows, an interface only shows.

use tributary_domain::staff::Permission;

use crate::PlainWords;
use crate::viewer::Viewer;

/// One thing that could be done with an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action {
    /// What, in a stable word.
    pub name: &'static str,
    /// Why it cannot be done now; absent when it can.
    pub why_not: Option<WhyNot>,
}

/// Why something cannot be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WhyNot {
    /// In a stable word.
    pub code: &'static str,
    /// For people.
    pub words: PlainWords,
}

impl WhyNot {
    /// A reason with its words in Chinese and in English.
    pub(crate) fn new(code: &'static str, zh: &str, en: &str) -> Self {
        Self {
            code,
            words: PlainWords {
                zh: zh.to_owned(),
                en: en.to_owned(),
            },
        }
    }
}

/// Judges one action: first whether the object allows it, but above all whether the person may.
pub(crate) fn action(
    viewer: &Viewer,
    name: &'static str,
    permission: Permission,
    refused: Option<WhyNot>,
) -> Action {
    let why_not = if viewer.may(permission) {
        refused
    } else {
        Some(WhyNot {
            code: "permission_denied",
            words: PlainWords {
                zh: format!("缺少权限 {permission}。"),
                en: format!("The permission {permission} is missing."),
            },
        })
    };
    Action { name, why_not }
}
