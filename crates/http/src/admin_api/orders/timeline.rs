//! An order's time line as staff are shown it.

use poem_openapi::{ApiResponse, Object};
use serde_json::{Value, json};
use tributary_operations::timeline::Detail;
use tributary_operations::timeline::staff::{Lane, StaffDetail, StaffEntry, StaffTimeline, Tone};

use crate::json::Json;

/// One thing that happened.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
struct Entry {
    /// Names the entry within the time line, always the same.
    key: String,
    /// When it began (RFC 3339).
    at: String,
    /// Since the entry before, in milliseconds.
    since_previous_ms: Option<i64>,
    /// Whose doing: `tenant`, `platform`, `wechat` or `staff`.
    lane: String,
    /// `ok`, `wait`, `warn`, `bad` or `idle`.
    tone: String,
    /// What kind of entry.
    kind: String,
    /// What happened, in one sentence.
    summary: String,
    /// Who did it, when it was a person or the policy.
    actor: Option<String>,
    /// WeChat's or our number of the request.
    request_id: Option<String>,
    /// How long it lasted, in milliseconds.
    duration_ms: Option<i64>,
    /// The facts, by kind.
    facts: Value,
}

/// An order's time line.
#[derive(Debug, Object)]
pub(super) struct StaffTimelineObject {
    /// The order.
    order_id: String,
    /// Where it stands.
    state: String,
    /// When this was put together (RFC 3339).
    generated_at: String,
    /// What happened, oldest first.
    data: Vec<Entry>,
    /// Whether there are more entries than the 1000 of a page; `next_cursor` then leads on.
    truncated: bool,
    /// Names the next page; absent at the end.
    #[oai(skip_serializing_if_is_none)]
    next_cursor: Option<String>,
}

/// A time line, with a file name when it was asked for as a file.
#[derive(ApiResponse)]
pub(super) enum StaffTimelineAnswer {
    /// The time line.
    #[oai(status = 200)]
    Shown(
        Json<StaffTimelineObject>,
        /// The name to save it under, with `download=1`.
        #[oai(header = "content-disposition")]
        Option<String>,
    ),
}

impl From<StaffTimeline> for StaffTimelineObject {
    fn from(told: StaffTimeline) -> Self {
        Self {
            order_id: told.order.id.to_string(),
            state: told.order.state.as_str().to_owned(),
            generated_at: told.generated_at.to_rfc3339(),
            data: told.entries.into_iter().map(entry).collect(),
            truncated: told.next.is_some(),
            next_cursor: told.next.map(|place| place.to_string()),
        }
    }
}

fn entry(entry: StaffEntry) -> Entry {
    let (kind, facts) = shown(&entry.detail);
    Entry {
        key: entry.key,
        at: entry.at.to_rfc3339(),
        since_previous_ms: entry.since_previous_ms,
        lane: lane(entry.lane).to_owned(),
        tone: tone(entry.tone).to_owned(),
        kind: kind.to_owned(),
        summary: entry.summary,
        actor: entry.actor,
        request_id: entry.request_id,
        duration_ms: entry.duration_ms,
        facts,
    }
}

const fn lane(lane: Lane) -> &'static str {
    match lane {
        Lane::Tenant => "tenant",
        Lane::Platform => "platform",
        Lane::Wechat => "wechat",
        Lane::Staff => "staff",
    }
}

const fn tone(tone: Tone) -> &'static str {
    match tone {
        Tone::Ok => "ok",
        Tone::Wait => "wait",
        Tone::Warn => "warn",
        Tone::Bad => "bad",
        Tone::Idle => "idle",
    }
}

fn shown(detail: &StaffDetail) -> (&'static str, Value) {
    match detail {
        StaffDetail::Shared(detail) => shared(detail),
        StaffDetail::Note(note) => (
            "note",
            json!({ "words": note.words, "author": note.author }),
        ),
        StaffDetail::Act(act) => (
            "act",
            json!({
                "number": act.number,
                "action": act.entry.action,
                "target": act.entry.target,
                "reason": act.entry.reason,
            }),
        ),
        StaffDetail::Gap(code) => ("gap", json!({ "code": code })),
    }
}

#[expect(clippy::too_many_lines, reason = "one line for each kind of entry")]
fn shared(detail: &Detail) -> (&'static str, Value) {
    match detail {
        Detail::Attempt(attempt) => (
            "attempt",
            json!({ "attempt_id": attempt.attempt_id, "out_trade_no": attempt.out_trade_no }),
        ),
        Detail::Prepared(attempt) => (
            "prepared",
            json!({ "attempt_id": attempt.attempt_id, "out_trade_no": attempt.out_trade_no }),
        ),
        Detail::Call(call) => (
            "call",
            json!({
                "call_id": call.call_id,
                "try": call.try_number,
                "purpose": call.purpose,
                "method": call.method,
                "path": call.path,
                "host": call.host,
                "outcome": call.outcome,
                "status": call.status,
                "code": call.code,
                "key_serial": call.key_serial,
                "said": call.said,
                "who_must_act": call.explained.as_ref().map(|told| told.who_must_act),
                "retryable": call.explained.as_ref().map(|told| told.retryable),
                "cause_zh": call.explained.as_ref().map(|told| told.cause.zh.as_str()),
                "cause_en": call.explained.as_ref().map(|told| told.cause.en.as_str()),
            }),
        ),
        Detail::Notification(notice) => (
            "notification",
            json!({
                "notification_id": notice.notification_id,
                "notice_id": notice.notice_id,
                "event_type": notice.event_type,
                "state": notice.state,
                "verdict": notice.verdict,
                "key_serial": notice.key_serial,
            }),
        ),
        Detail::Alarm(alarm) => (
            "alarm",
            json!({ "alarm_id": alarm.alarm_id, "alarm": alarm.alarm }),
        ),
        Detail::Decision(decision) => (
            "decision",
            json!({
                "late_payment_id": decision.late_payment_id,
                "late": decision.late,
                "state": decision.state,
                "reason": decision.reason,
            }),
        ),
        Detail::Event(event) => (
            "event",
            json!({
                "event_id": event.event_id,
                "event_type": event.event_type,
                "seq": event.seq,
                "from_state": event.from_state,
                "to_state": event.to_state,
                "source": event.source,
                "trade_state": event.trade_state,
            }),
        ),
        Detail::DeliveryAttempt(sent) => (
            "delivery_attempt",
            json!({
                "delivery_id": sent.delivery_id,
                "event_id": sent.event_id,
                "event_type": sent.event_type,
                "endpoint_id": sent.endpoint_id,
                "number": sent.number,
                "trigger": sent.trigger,
                "status": sent.status,
                "error_class": sent.error_class,
            }),
        ),
        Detail::Act(act) => (
            "act",
            json!({ "number": act.number, "action": act.action, "target": act.target }),
        ),
    }
}
