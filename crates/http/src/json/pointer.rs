//! A place in a JSON document, written as a JSON pointer (RFC 6901).

use std::fmt;

/// Names longer than this are cut, so that an answer never echoes a large body.
const STEP_CHARS_MAX: usize = 64;

/// A place in a document: the steps from the root to it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pointer(Vec<String>);

impl Pointer {
    /// Goes one step down.
    pub(crate) fn push(&mut self, step: &str) {
        let short: String = step.chars().take(STEP_CHARS_MAX).collect();
        self.0.push(short);
    }

    /// Goes one step up.
    pub(crate) fn pop(&mut self) {
        self.0.pop();
    }

    /// How many steps the place is below the root.
    pub(crate) fn depth(&self) -> usize {
        self.0.len()
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for step in &self.0 {
            write!(f, "/{}", step.replace('~', "~0").replace('/', "~1"))?;
        }
        Ok(())
    }
}
