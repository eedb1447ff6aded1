//! Pages of a list, and how long they may be.

use serde::{Deserialize, Serialize};

use crate::OperationError;

/// What a list shows when nobody says how much.
pub const LIMIT_DEFAULT: u64 = 20;
/// The most that one page shows.
pub const LIMIT_MAX: u64 = 100;

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page<T> {
    /// What is on it.
    pub items: Vec<T>,
    /// Names the next page; absent on the last.
    pub next_cursor: Option<String>,
}

/// Checks how long a page shall be.
pub fn check_limit(limit: Option<u64>) -> Result<u64, OperationError> {
    match limit.unwrap_or(LIMIT_DEFAULT) {
        limit @ 1..=LIMIT_MAX => Ok(limit),
        _ => Err(OperationError::invalid("limit", "must be 1 to 100")),
    }
}

/// Cuts a list that was read one longer than asked: the extra row only tells that there is more.
pub(crate) fn cut<T>(mut rows: Vec<T>, limit: u64, cursor: impl Fn(&T) -> String) -> Page<T> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next_cursor = if more { rows.last().map(cursor) } else { None };
    Page {
        items: rows,
        next_cursor,
    }
}
