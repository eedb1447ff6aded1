//! A timeline as a tenant sees it.

use poem_openapi::{Enum, Object};
use tributary_operations::timeline::{
    ActFacts, AttemptFacts, CallFacts, DeliveryFacts, Detail, EventFacts, Explained,
    NotificationFacts, Timeline, TimelineEntry as Entry,
};

use crate::problem::PlainWords;

/// Everything that happened to an order.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct OrderTimeline {
    /// Always `order_timeline`.
    object: String,
    /// The order.
    order_id: String,
    /// Your own number of it.
    merchant_order_no: String,
    /// `live` or `test`.
    mode: String,
    /// Where the order stands.
    state: String,
    /// WeChat's own word for its state, as last seen.
    trade_state: Option<String>,
    /// The provider's merchant number.
    sp_mchid: String,
    /// The sub-merchant that is paid.
    sub_mchid: String,
    /// WeChat's number of the payment.
    transaction_id: Option<String>,
    /// When this was put together (RFC 3339).
    generated_at: String,
    /// What happened, the oldest first.
    entries: Vec<TimelineEntry>,
    /// Whether there are more entries than the 1000 of a page; `next_cursor` then leads on.
    truncated: bool,
    /// Names the next page; absent at the end.
    next_cursor: Option<String>,
}

/// What kind of thing happened.
#[derive(Debug, Clone, Copy, Enum)]
#[oai(rename_all = "snake_case")]
enum TimelineEntryKind {
    /// The order got a number for WeChat Pay.
    Attempt,
    /// WeChat Pay was called.
    Call,
    /// WeChat Pay took the order.
    Prepared,
    /// WeChat Pay told us something.
    Notification,
    /// Something did not fit.
    Alarm,
    /// The order changed.
    Event,
    /// Money that came late, twice, or with another amount got its decision.
    Decision,
    /// You were told of an event.
    DeliveryAttempt,
    /// A person at the provider or of your team did something.
    Act,
}

/// One thing that happened; the member named like `kind` holds the facts.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
struct TimelineEntry {
    /// When it began (RFC 3339).
    at: String,
    /// What kind of thing it is.
    kind: TimelineEntryKind,
    /// What happened, in one sentence.
    summary: String,
    /// Of the kinds `attempt` and `prepared`.
    attempt: Option<TimelineAttempt>,
    /// Of the kind `call`.
    call: Option<TimelineCall>,
    /// Of the kind `notification`.
    notification: Option<TimelineNotification>,
    /// Of the kind `alarm`.
    alarm: Option<TimelineAlarm>,
    /// Of the kind `decision`.
    decision: Option<TimelineDecision>,
    /// Of the kind `event`.
    event: Option<TimelineEvent>,
    /// Of the kind `delivery_attempt`.
    delivery_attempt: Option<TimelineDeliveryAttempt>,
    /// Of the kind `act`.
    act: Option<TimelineAct>,
}

/// A number that the order had at WeChat Pay.
#[derive(Debug, Object)]
struct TimelineAttempt {
    /// Our id of it: `att_…`.
    attempt_id: String,
    /// The number that WeChat sees.
    out_trade_no: String,
}

/// One try of a call to WeChat Pay.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
struct TimelineCall {
    /// Our id of the call: `upc_…`; its tries share it.
    call_id: String,
    /// The number of the try within the call; 0 when nothing was sent.
    try_number: i64,
    /// What it was for, such as `prepay`, `query_order` or `close_order`.
    purpose: String,
    /// The attempt it was about.
    attempt_id: Option<String>,
    /// The refund it was about.
    refund_id: Option<String>,
    /// The HTTP method.
    method: String,
    /// The path, without its query.
    path: String,
    /// Host and port.
    host: String,
    /// How long it took.
    duration_ms: i64,
    /// What came of it: `succeeded`, `tried_again` (at once, by the next try), `failed`, or `unknown`.
    outcome: String,
    /// Why it failed, such as `timed_out`, `refused` or `bad_signature`.
    failure: Option<String>,
    /// The HTTP status of the answer.
    status: Option<i64>,
    /// WeChat's own error code.
    code: Option<String>,
    /// WeChat's `Request-ID`, which its support asks for.
    request_id: Option<String>,
    /// The serial of the key that signed the answer.
    key_serial: Option<String>,
    /// WeChat's own word for the state, when the answer names one.
    said: Option<String>,
    /// What the failure means and what to do.
    cause: Option<PlainWords>,
    /// Who can mend it: `tenant`, `provider`, `platform`, `wechat` or `nobody`.
    who_must_act: Option<String>,
    /// Whether the same request may be sent again.
    retryable: Option<bool>,
}

/// A notification of WeChat Pay's.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
struct TimelineNotification {
    /// Our id of it: `ntf_…`.
    notification_id: String,
    /// WeChat's id, the same when it comes again.
    notice_id: String,
    /// WeChat's word for what happened.
    event_type: String,
    /// What became of it: `received`, `applied` or `quarantined`.
    state: String,
    /// Why.
    verdict: Option<String>,
    /// The serial of the key that signed it.
    key_serial: Option<String>,
    /// WeChat's `Request-ID`.
    request_id: Option<String>,
    /// SHA-256 of the body, in hex.
    body_sha256: String,
}

/// What was decided about money that came late, twice, or with another amount.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
struct TimelineDecision {
    /// Our id of the payment: `lpm_…`.
    late_payment_id: String,
    /// In which way it was not the ordinary payment.
    late: String,
    /// Where it stands: `held`, `accepted`, `refunding` or `refunded`.
    state: String,
    /// Who decided: `policy`, or a person.
    decided_by: String,
    /// Why, in the person's words.
    reason: Option<String>,
}

/// Something that did not fit.
#[derive(Debug, Object)]
struct TimelineAlarm {
    /// Our id of it: `alm_…`.
    alarm_id: String,
    /// What did not fit.
    alarm: String,
}

/// A change of the order.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
struct TimelineEvent {
    /// The event: `evt_…`.
    event_id: String,
    /// Its type.
    event_type: String,
    /// Which event about this order, counted from 1.
    seq: i64,
    /// The state before.
    from_state: Option<String>,
    /// The state after.
    to_state: String,
    /// How we learned of it: `notification`, `query`, `reconciliation`, `api`, `person` or `system`.
    source: String,
    /// WeChat's own word at that time.
    trade_state: Option<String>,
    /// WeChat's number of the payment.
    transaction_id: Option<String>,
    /// When the payer paid (RFC 3339).
    success_time: Option<String>,
}

/// What a person did. Who it was stands in the log, which your people with a console account may read.
#[derive(Debug, Object)]
struct TimelineAct {
    /// The act's number in your log.
    number: u64,
    /// What was done, such as `refund.requested`.
    action: String,
    /// The order, the refund or the request for a second person that it was about.
    target: String,
}

/// One attempt to tell you.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
struct TimelineDeliveryAttempt {
    /// The delivery: `dlv_…`.
    delivery_id: String,
    /// The event.
    event_id: String,
    /// Its type.
    event_type: String,
    /// The endpoint.
    endpoint_id: String,
    /// Counted from 1.
    number: i64,
    /// Why it was made: `auto` or `manual`.
    trigger: String,
    /// How long it took.
    duration_ms: i64,
    /// What the receiver answered.
    status: Option<i64>,
    /// Why it failed.
    error_class: Option<String>,
}

impl From<Timeline> for OrderTimeline {
    fn from(timeline: Timeline) -> Self {
        let order = timeline.order;
        Self {
            object: String::from("order_timeline"),
            order_id: order.id.to_string(),
            merchant_order_no: order.content.merchant_order_no.to_string(),
            mode: order.mode.as_str().to_owned(),
            state: order.state.as_str().to_owned(),
            trade_state: order.trade_state,
            sp_mchid: order.sp_mchid.to_string(),
            sub_mchid: order.sub_mchid.to_string(),
            transaction_id: order.payment.map(|payment| payment.transaction_id),
            generated_at: timeline.generated_at.to_rfc3339(),
            entries: timeline.entries.into_iter().map(Into::into).collect(),
            truncated: timeline.next.is_some(),
            next_cursor: timeline.next.map(|place| place.to_string()),
        }
    }
}

impl From<Entry> for TimelineEntry {
    fn from(entry: Entry) -> Self {
        let mut shown = Self {
            at: entry.at.to_rfc3339(),
            kind: (&entry.detail).into(),
            summary: entry.summary,
            attempt: None,
            call: None,
            notification: None,
            alarm: None,
            decision: None,
            event: None,
            delivery_attempt: None,
            act: None,
        };
        match entry.detail {
            Detail::Attempt(facts) | Detail::Prepared(facts) => shown.attempt = Some(facts.into()),
            Detail::Call(facts) => shown.call = Some((*facts).into()),
            Detail::Notification(facts) => shown.notification = Some((*facts).into()),
            Detail::Decision(facts) => {
                shown.decision = Some(TimelineDecision {
                    late_payment_id: facts.late_payment_id,
                    late: facts.late.to_owned(),
                    state: facts.state.to_owned(),
                    decided_by: facts.decided_by,
                    reason: facts.reason,
                });
            }
            Detail::Alarm(facts) => {
                shown.alarm = Some(TimelineAlarm {
                    alarm_id: facts.alarm_id,
                    alarm: facts.alarm,
                });
            }
            Detail::Event(facts) => shown.event = Some((*facts).into()),
            Detail::DeliveryAttempt(facts) => shown.delivery_attempt = Some((*facts).into()),
            Detail::Act(facts) => shown.act = Some(facts.into()),
        }
        shown
    }
}

impl From<&Detail> for TimelineEntryKind {
    fn from(detail: &Detail) -> Self {
        match detail {
            Detail::Attempt(_) => Self::Attempt,
            Detail::Call(_) => Self::Call,
            Detail::Prepared(_) => Self::Prepared,
            Detail::Notification(_) => Self::Notification,
            Detail::Alarm(_) => Self::Alarm,
            Detail::Decision(_) => Self::Decision,
            Detail::Event(_) => Self::Event,
            Detail::DeliveryAttempt(_) => Self::DeliveryAttempt,
            Detail::Act(_) => Self::Act,
        }
    }
}

impl From<AttemptFacts> for TimelineAttempt {
    fn from(facts: AttemptFacts) -> Self {
        Self {
            attempt_id: facts.attempt_id,
            out_trade_no: facts.out_trade_no,
        }
    }
}

impl From<CallFacts> for TimelineCall {
    fn from(facts: CallFacts) -> Self {
        let (cause, who_must_act, retryable) = match facts.explained {
            Some(Explained {
                cause,
                who_must_act,
                retryable,
            }) => (
                Some(cause.into()),
                Some(who_must_act.to_owned()),
                Some(retryable),
            ),
            None => (None, None, None),
        };
        Self {
            call_id: facts.call_id,
            try_number: facts.try_number,
            purpose: facts.purpose,
            attempt_id: facts.attempt_id,
            refund_id: facts.refund_id,
            method: facts.method,
            path: facts.path,
            host: facts.host,
            duration_ms: facts.duration_ms,
            outcome: facts.outcome.to_owned(),
            failure: facts.failure,
            status: facts.status,
            code: facts.code,
            request_id: facts.request_id,
            key_serial: facts.key_serial,
            said: facts.said,
            cause,
            who_must_act,
            retryable,
        }
    }
}

impl From<NotificationFacts> for TimelineNotification {
    fn from(facts: NotificationFacts) -> Self {
        Self {
            notification_id: facts.notification_id,
            notice_id: facts.notice_id,
            event_type: facts.event_type,
            state: facts.state.to_owned(),
            verdict: facts.verdict,
            key_serial: facts.key_serial,
            request_id: facts.request_id,
            body_sha256: facts.body_sha256,
        }
    }
}

impl From<EventFacts> for TimelineEvent {
    fn from(facts: EventFacts) -> Self {
        Self {
            event_id: facts.event_id,
            event_type: facts.event_type,
            seq: facts.seq,
            from_state: facts.from_state,
            to_state: facts.to_state,
            source: facts.source,
            trade_state: facts.trade_state,
            transaction_id: facts.transaction_id,
            success_time: facts.success_time,
        }
    }
}

impl From<ActFacts> for TimelineAct {
    fn from(facts: ActFacts) -> Self {
        Self {
            number: facts.number,
            action: facts.action,
            target: facts.target,
        }
    }
}

impl From<DeliveryFacts> for TimelineDeliveryAttempt {
    fn from(facts: DeliveryFacts) -> Self {
        Self {
            delivery_id: facts.delivery_id,
            event_id: facts.event_id,
            event_type: facts.event_type,
            endpoint_id: facts.endpoint_id,
            number: facts.number,
            trigger: facts.trigger,
            duration_ms: facts.duration_ms,
            status: facts.status,
            error_class: facts.error_class,
        }
    }
}
