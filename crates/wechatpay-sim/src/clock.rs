//! The two clocks of the simulator, and WeChat's way of writing time.
//!
//! The base clock stamps signatures; the business clock is the base clock plus an offset that a test moves.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use jiff::{Timestamp, tz::Offset};

/// Milliseconds since the Unix epoch, from wherever the caller takes time.
pub type BaseClock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// Beijing time, which WeChat writes.
pub(crate) const BEIJING: Offset = Offset::constant(8);

pub(crate) struct Clock {
    base: BaseClock,
    offset_ms: AtomicI64,
}

impl Clock {
    pub(crate) fn new(base: BaseClock) -> Self {
        Self {
            base,
            offset_ms: AtomicI64::new(0),
        }
    }

    /// Seconds by the base clock: signatures and their window.
    pub(crate) fn signature_s(&self) -> i64 {
        (self.base)().div_euclid(1000)
    }

    /// Milliseconds by the business clock: expiry, payment times, the notification schedule.
    pub(crate) fn business_ms(&self) -> i64 {
        (self.base)().saturating_add(self.offset_ms.load(Ordering::SeqCst))
    }

    pub(crate) fn offset_ms(&self) -> i64 {
        self.offset_ms.load(Ordering::SeqCst)
    }

    pub(crate) fn set_offset_ms(&self, offset_ms: i64) {
        self.offset_ms.store(offset_ms, Ordering::SeqCst);
    }
}

/// The system's clock, in milliseconds.
pub fn system_clock() -> BaseClock {
    Arc::new(|| Timestamp::now().as_millisecond())
}

/// Writes `2026-01-01T08:00:00+08:00`.
pub(crate) fn rfc3339(at_ms: i64) -> String {
    beijing(at_ms, "%Y-%m-%dT%H:%M:%S%:z")
}

/// Writes `20260101`, the day as it stands inside transaction numbers.
pub(crate) fn compact_day(at_ms: i64) -> String {
    beijing(at_ms, "%Y%m%d")
}

/// Writes `Thu, 01 Jan 2026 00:00:00 GMT`, as HTTP does.
pub(crate) fn http_date(at_s: i64) -> String {
    let instant = Timestamp::from_second(at_s).unwrap_or(Timestamp::UNIX_EPOCH);
    instant.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// Writes an instant in Beijing time.
pub(crate) fn beijing(at_ms: i64, format: &str) -> String {
    let instant = Timestamp::from_millisecond(at_ms).unwrap_or(Timestamp::UNIX_EPOCH);
    BEIJING
        .to_datetime(instant)
        .to_zoned(BEIJING.to_time_zone())
        .map_or_else(
            |_| String::new(),
            |zoned| zoned.strftime(format).to_string(),
        )
}

/// Reads an RFC 3339 instant as WeChat does: a `T`, whole or fractional seconds, and an offset.
pub(crate) fn parse_rfc3339(text: &str) -> Option<i64> {
    let shaped = text.is_ascii()
        && text.len() >= 20
        && text.as_bytes().get(10) == Some(&b'T')
        && !text.contains('[');
    if !shaped {
        return None;
    }
    text.parse::<Timestamp>()
        .ok()
        .map(Timestamp::as_millisecond)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_is_written_in_beijing_and_read_with_any_offset() {
        assert_eq!(rfc3339(1_767_225_600_000), "2026-01-01T08:00:00+08:00");
        assert_eq!(
            parse_rfc3339("2026-01-01T08:00:00+08:00"),
            Some(1_767_225_600_000)
        );
        assert_eq!(
            parse_rfc3339("2026-01-01T00:00:00.5Z"),
            Some(1_767_225_600_500)
        );
    }

    #[test]
    fn time_without_offset_or_letter_t_is_refused() {
        for text in [
            "2026-01-01T08:00:00",
            "2026-01-01 08:00:00+08:00",
            "2026-01-01",
            "soon",
        ] {
            assert_eq!(parse_rfc3339(text), None, "{text}");
        }
    }
}
