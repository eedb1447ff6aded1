//! Pages of a list, and how long they may be.

use std::str::FromStr;

use serde::{Deserialize, Serialize};
use tributary_domain::clock::Timestamp;
pub use tributary_domain::cursor::Place;

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

/// One page of a search: it may be short although there is more, because what a page may look at is bounded.
#[derive(Clone, Debug)]
pub struct Searched<T> {
    /// What was found.
    pub items: Vec<T>,
    /// Where the next page begins; absent at the end.
    pub next_cursor: Option<String>,
    /// When it was looked up.
    pub as_of: Timestamp,
}

/// A page of what was found, with its cursor as text.
pub(crate) fn placed<T>(items: Vec<T>, next: Option<Place>, as_of: Timestamp) -> Searched<T> {
    Searched {
        items,
        next_cursor: next.map(|place| place.to_string()),
        as_of,
    }
}

/// Reads a cursor; it must have been a `next_cursor` of a list of such ids in the same order.
pub fn read_cursor<T: FromStr>(text: &str) -> Result<Place, OperationError> {
    let refused = || OperationError::invalid("cursor", "must be a next_cursor of this list");
    Place::read::<T>(text).ok_or_else(refused)
}
