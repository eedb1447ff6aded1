//! Time as a value that is passed in: instants in milliseconds, and the clock that hands them out.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use serde::{Deserialize, Serialize};

/// An instant in milliseconds since the Unix epoch, UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

/// Why a text is not an instant.
#[derive(Debug, thiserror::Error)]
#[error("not an RFC 3339 time with an offset, such as 2026-01-01T08:00:00+08:00")]
pub struct ParseTimestampError;

impl Timestamp {
    /// Makes an instant from milliseconds since the Unix epoch.
    pub const fn from_millis(ms: i64) -> Self {
        Self(ms)
    }

    /// Makes an instant from seconds since the Unix epoch.
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    /// Milliseconds since the Unix epoch.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since the Unix epoch, rounded down.
    pub const fn as_seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// The instant `ms` milliseconds later; stays at the end of time instead of wrapping.
    #[must_use]
    pub const fn plus_millis(self, ms: i64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// Milliseconds from `earlier` to this instant, negative when `earlier` is later.
    pub const fn millis_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// Reads RFC 3339, with any offset.
    pub fn parse_rfc3339(text: &str) -> Result<Self, ParseTimestampError> {
        match text.parse::<jiff::Timestamp>() {
            Ok(instant) => Ok(Self(instant.as_millisecond())),
            Err(_) => Self::beyond_calendar(text).ok_or(ParseTimestampError),
        }
    }

    /// The library's calendar ends shortly before RFC 3339's: what lies between is as good as its end.
    fn beyond_calendar(text: &str) -> Option<Self> {
        let pieces = jiff::fmt::temporal::Pieces::parse(text).ok()?;
        let local = pieces.date().to_datetime(pieces.time()?);
        let offset = pieces.to_numeric_offset()?;
        let is_beyond = offset.to_timestamp(local).is_err() && local.year() == 9999;
        is_beyond.then(|| Self(jiff::Timestamp::MAX.as_millisecond()))
    }

    /// Writes RFC 3339 in UTC with milliseconds, as our API shows times.
    pub fn to_rfc3339(self) -> String {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(instant) => format!("{instant:.3}"),
            // Only instants far outside the calendar of the library fail; no clock hands them out.
            Err(_) => String::from("9999-12-31T23:59:59.999Z"),
        }
    }

    /// Writes RFC 3339 in Beijing time with seconds, as WeChat Pay writes `time_expire`.
    pub fn to_rfc3339_beijing(self) -> String {
        let beijing = jiff::tz::Offset::constant(8);
        match jiff::Timestamp::from_second(self.as_seconds()) {
            Ok(instant) => instant.display_with_offset(beijing).to_string(),
            Err(_) => String::from("9999-12-31T23:59:59+08:00"),
        }
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_rfc3339())
    }
}

/// Hands out the time. Everything that needs the time takes one of these.
pub trait Clock: Send + Sync + fmt::Debug {
    /// The present instant.
    fn now(&self) -> Timestamp;
}

/// A clock that everybody can hold.
pub type SharedClock = Arc<dyn Clock>;

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp(jiff::Timestamp::now().as_millisecond())
    }
}

/// A clock that stands still until it is moved; tests own one.
#[derive(Debug)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// Starts a clock that shows `start`.
    pub fn starting_at(start: Timestamp) -> Arc<Self> {
        Arc::new(Self(AtomicI64::new(start.0)))
    }

    /// Moves the clock forward.
    pub fn advance_millis(&self, ms: i64) {
        self.0.fetch_add(ms, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_hours_of_rfc_3339_are_the_end_of_time() {
        for text in ["9999-12-31T23:59:59Z", "9999-12-31T23:59:59.999-08:00"] {
            let end = Timestamp::parse_rfc3339(text).unwrap();
            assert!(end.to_rfc3339().starts_with("9999-12-"), "{end}");
        }
        for text in ["9999-12-31T23:59:59", "9999-12-31", "9999-13-31T23:59:59Z"] {
            assert!(Timestamp::parse_rfc3339(text).is_err(), "{text}");
        }
    }

    #[test]
    fn beijing_and_utc_texts_name_the_same_instant() {
        let instant = Timestamp::parse_rfc3339("2026-01-01T08:00:00+08:00").unwrap();
        assert_eq!(instant.as_seconds(), 1_767_225_600);
        assert_eq!(instant.to_rfc3339(), "2026-01-01T00:00:00.000Z");
        assert_eq!(instant.to_rfc3339_beijing(), "2026-01-01T08:00:00+08:00");
    }

    #[test]
    fn a_time_without_an_offset_is_refused() {
        assert!(Timestamp::parse_rfc3339("2026-01-01T08:00:00").is_err());
        assert!(Timestamp::parse_rfc3339("tomorrow").is_err());
    }

    #[test]
    fn seconds_round_down_before_the_epoch_too() {
        assert_eq!(Timestamp::from_millis(-1).as_seconds(), -1);
    }
}
