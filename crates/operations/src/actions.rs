//! What a person may do with an object now, and why not: the server knows, a page only shows.

use crate::OperationError;

/// One thing that could be done with an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action {
    /// What, in the word of the operation.
    pub name: &'static str,
    /// Why not now; absent when it is allowed.
    pub why_not: Option<String>,
}

impl Action {
    /// An action that is allowed unless a reason is given.
    pub fn unless(name: &'static str, why_not: Option<String>) -> Self {
        Self { name, why_not }
    }

    /// An action that is allowed unless a check refuses it.
    pub fn when<T>(name: &'static str, checked: Result<T, OperationError>) -> Self {
        Self {
            name,
            why_not: checked.err().map(|error| error.to_string()),
        }
    }

    /// Whether it may be done now.
    pub const fn is_allowed(&self) -> bool {
        self.why_not.is_none()
    }
}
