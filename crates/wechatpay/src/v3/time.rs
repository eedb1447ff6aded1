//! RFC 3339 as WeChat writes it: Beijing time or `Z`, with or without milliseconds.

use jiff::Timestamp;
use jiff::tz::Offset;

/// Reads a date-time and returns Unix milliseconds.
pub fn parse_unix_ms(text: &str) -> Option<i64> {
    text.parse::<Timestamp>()
        .ok()
        .map(Timestamp::as_millisecond)
}

/// Writes Unix seconds as Beijing time, `2026-01-01T08:00:00+08:00`; `None` outside years -9999 to 9999.
pub fn format_beijing(unix: i64) -> Option<String> {
    let timestamp = Timestamp::from_second(unix).ok()?;
    Some(
        timestamp
            .display_with_offset(Offset::constant(8))
            .to_string(),
    )
}

#[cfg(test)]
mod tests {
    use super::{format_beijing, parse_unix_ms};

    #[test]
    fn offsets_milliseconds_and_z_are_read() {
        assert_eq!(
            parse_unix_ms("2026-01-01T08:00:00+08:00"),
            Some(1_767_225_600_000)
        );
        assert_eq!(
            parse_unix_ms("2026-01-01T00:00:00Z"),
            Some(1_767_225_600_000)
        );
        assert_eq!(
            parse_unix_ms("2026-01-01T08:00:00.123+08:00"),
            Some(1_767_225_600_123)
        );
        assert_eq!(parse_unix_ms("2026-01-01 08:00:00"), None);
        assert_eq!(parse_unix_ms(""), None);
    }

    #[test]
    fn seconds_are_written_as_beijing_time() {
        let text = format_beijing(1_767_225_600);
        assert_eq!(text.as_deref(), Some("2026-01-01T08:00:00+08:00"));
        assert_eq!(format_beijing(i64::MAX), None);
    }
}
