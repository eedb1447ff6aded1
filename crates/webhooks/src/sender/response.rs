//! Reads a response within bounds: what is kept for the log, what its headers ask, how its body ended.

use bytes::{Bytes, BytesMut};
use jiff::fmt::rfc2822;
use reqwest::Response;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use tokio::time::{Instant, timeout_at};

const KEPT_HEADER_BYTES: usize = 4 * 1024;
const KEPT_BODY_BYTES: usize = 4 * 1024;
const MAX_RETRY_AFTER_SECONDS: u64 = 7 * 24 * 3600;

/// How the reading of a body ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum BodyEnding {
    Whole,
    Cut,
    TimedOut,
}

/// Reads at most `max_bytes` of the body and keeps its beginning; dropping the rest closes the connection.
pub(super) async fn read_body(
    mut response: Response,
    max_bytes: usize,
    deadline: Instant,
) -> (Bytes, BodyEnding) {
    let mut kept = BytesMut::new();
    let mut total = 0_usize;
    let ending = loop {
        let chunk = match timeout_at(deadline, response.chunk()).await {
            Err(_) => break BodyEnding::TimedOut,
            Ok(Err(_)) => break BodyEnding::Cut,
            Ok(Ok(None)) => break BodyEnding::Whole,
            Ok(Ok(Some(chunk))) => chunk,
        };
        let room = KEPT_BODY_BYTES - kept.len();
        kept.extend(chunk.iter().take(room));
        total = total.saturating_add(chunk.len());
        if total > max_bytes {
            break BodyEnding::Cut;
        }
    };
    (kept.freeze(), ending)
}

/// Returns the headers as lines, as many as fit what is kept.
pub(super) fn header_lines(headers: &HeaderMap) -> String {
    let mut lines = String::new();
    for (name, value) in headers {
        let line = format!("{name}: {}\n", String::from_utf8_lossy(value.as_bytes()));
        if lines.len() + line.len() > KEPT_HEADER_BYTES {
            break;
        }
        lines.push_str(&line);
    }
    lines
}

/// Returns the size of the header block.
pub(super) fn head_bytes(headers: &HeaderMap) -> usize {
    headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + 4)
        .sum()
}

/// Returns what the receiver asks by `webhook-delivery`.
pub(super) fn control(headers: &HeaderMap) -> Option<&str> {
    headers
        .get("webhook-delivery")?
        .to_str()
        .ok()
        .map(str::trim)
}

/// Reads `retry-after`, in seconds or as an HTTP date.
pub(super) fn retry_after_ms(headers: &HeaderMap, now_seconds: i64) -> Option<u64> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let seconds = text
        .parse()
        .ok()
        .or_else(|| seconds_until(text, now_seconds))?;
    Some(seconds.min(MAX_RETRY_AFTER_SECONDS) * 1_000)
}

fn seconds_until(date: &str, now_seconds: i64) -> Option<u64> {
    let date = rfc2822::DateTimeParser::new().parse_timestamp(date).ok()?;
    Some(u64::try_from(date.as_second().saturating_sub(now_seconds)).unwrap_or(0))
}
