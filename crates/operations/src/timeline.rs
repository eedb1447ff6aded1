//! The timeline of an order: everything that was asked, said, told and done, in one order, to attach to a ticket.
//!
//! It is put together from rows that exist anyway and decides nothing. Only chosen fields get in: no openid, no
//! signature, no body. A further kind of entry is one more reader in `gather` and one more `Detail`.

mod pages;
pub mod staff;
mod words;

use serde::Deserialize;
use tributary_domain::clock::Timestamp;
use tributary_domain::cursor::TimelinePlace;
use tributary_domain::ids::{EventId, OrderId};
use tributary_domain::late_payment::LatePayment;
use tributary_domain::order::{Attempt, Order};
use tributary_domain::tenant::Scope;
use tributary_storage::alarms::{self, Alarm};
use tributary_storage::audit::{self, Chained};
use tributary_storage::deliveries::{self, SentAttempt};
use tributary_storage::feed::{self, FeedEvent};
use tributary_storage::notifications::{self, StoredNotification};
use tributary_storage::upstream_calls::{self, UpstreamTry};
use tributary_storage::{approvals, late_payments, orders, refunds};
use wechatpay::client::Failure;

use crate::credentials::Caller;
use crate::{OperationError, Operations, PlainWords};

pub use pages::TIMELINE_ENTRIES_MAX;
use pages::{READ_MAX, page, since};

/// A note is for those who wrote it, and is shown as what it says.
const NOTED: &str = "order.noted";

/// A page of an order's timeline.
#[derive(Clone, Debug)]
pub struct Timeline {
    /// The order as it is now.
    pub order: Order,
    /// When this was put together.
    pub generated_at: Timestamp,
    /// What happened, oldest first.
    pub entries: Vec<TimelineEntry>,
    /// Where the next page begins; absent at the end.
    pub next: Option<TimelinePlace>,
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimelineEntry {
    /// When it began.
    pub at: Timestamp,
    /// What happened, in one sentence for people.
    pub summary: String,
    /// The facts.
    pub detail: Detail,
}

/// The facts of one entry, by kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Detail {
    /// A new number for WeChat.
    Attempt(AttemptFacts),
    /// One try of a call to WeChat.
    Call(Box<CallFacts>),
    /// WeChat gave what the payer needs.
    Prepared(AttemptFacts),
    /// WeChat told us something.
    Notification(Box<NotificationFacts>),
    /// Something did not fit, and a person is to look.
    Alarm(AlarmFacts),
    /// Late money got its decision.
    Decision(DecisionFacts),
    /// The order changed, or something about it was told.
    Event(Box<EventFacts>),
    /// One try to tell the tenant.
    DeliveryAttempt(Box<DeliveryFacts>),
    /// A person did something about the order.
    Act(ActFacts),
}

impl Detail {
    /// Within one millisecond causes come before effects.
    pub(crate) fn rank(&self) -> u8 {
        match self {
            Self::Event(event) if event.seq == 1 => 0,
            Self::Attempt(_) => 1,
            Self::Call(_) => 2,
            Self::Prepared(_) => 3,
            Self::Notification(_) => 4,
            Self::Alarm(_) => 5,
            Self::Decision(_) => 6,
            Self::Event(_) => 7,
            Self::DeliveryAttempt(_) => 8,
            Self::Act(_) => 9,
        }
    }
}

/// An attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttemptFacts {
    /// Its id.
    pub attempt_id: String,
    /// The number that WeChat sees.
    pub out_trade_no: String,
}

/// One try of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallFacts {
    /// The call; its tries share it.
    pub call_id: String,
    /// The number of the try; 0 when nothing was sent.
    pub try_number: i64,
    /// What it was for.
    pub purpose: String,
    /// The attempt it was about.
    pub attempt_id: Option<String>,
    /// The refund it was about.
    pub refund_id: Option<String>,
    /// The HTTP method.
    pub method: String,
    /// The path without its query.
    pub path: String,
    /// Host and port.
    pub host: String,
    /// How long it lasted.
    pub duration_ms: i64,
    /// `succeeded`, `tried_again`, `failed` or `unknown`.
    pub outcome: &'static str,
    /// Why it failed, in a stable word.
    pub failure: Option<String>,
    /// The status of the answer.
    pub status: Option<i64>,
    /// WeChat's code.
    pub code: Option<String>,
    /// WeChat's `Request-ID`.
    pub request_id: Option<String>,
    /// The serial of the key that signed the answer.
    pub key_serial: Option<String>,
    /// WeChat's own word for the state.
    pub said: Option<String>,
    /// What a failure means.
    pub explained: Option<Explained>,
}

/// What a failure means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explained {
    /// In words.
    pub cause: PlainWords,
    /// `tenant`, `provider`, `wechat`, `platform` or `nobody`.
    pub who_must_act: &'static str,
    /// Whether the same request may be sent again.
    pub retryable: bool,
}

/// One notification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotificationFacts {
    /// Our id.
    pub notification_id: String,
    /// WeChat's id, the same on its retries.
    pub notice_id: String,
    /// WeChat's word for what happened.
    pub event_type: String,
    /// `received`, `applied` or `quarantined`.
    pub state: &'static str,
    /// Why, in a stable word.
    pub verdict: Option<String>,
    /// The serial of the key that signed it.
    pub key_serial: Option<String>,
    /// WeChat's `Request-ID`.
    pub request_id: Option<String>,
    /// SHA-256 of the body, in hex.
    pub body_sha256: String,
}

/// Something that a person is to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlarmFacts {
    /// Its id.
    pub alarm_id: String,
    /// What kind, in a stable word.
    pub alarm: String,
}

/// A decision about money that came late, twice, or with another amount.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecisionFacts {
    /// The payment.
    pub late_payment_id: String,
    /// In which way it was not the ordinary one.
    pub late: &'static str,
    /// Where it stands now.
    pub state: &'static str,
    /// `policy`, or a person.
    pub decided_by: String,
    /// The person's reason.
    pub reason: Option<String>,
}

/// A change of the order with what it rests on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventFacts {
    /// The event.
    pub event_id: String,
    /// Its type.
    pub event_type: String,
    /// Which event about this order, from 1.
    pub seq: i64,
    /// The state before, when there was one.
    pub from_state: Option<String>,
    /// The state after.
    pub to_state: String,
    /// How we learned of it: `notification`, `query`, `reconciliation`, `api`, `person` or `system`.
    pub source: String,
    /// WeChat's own word at that time.
    pub trade_state: Option<String>,
    /// WeChat's number of the payment.
    pub transaction_id: Option<String>,
    /// When the payer paid.
    pub success_time: Option<String>,
}

/// One try to tell the tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryFacts {
    /// The delivery.
    pub delivery_id: String,
    /// The event.
    pub event_id: String,
    /// Its type.
    pub event_type: String,
    /// The endpoint.
    pub endpoint_id: String,
    /// The number of the try, from 1.
    pub number: i64,
    /// `auto` or `manual`.
    pub trigger: String,
    /// How long it lasted.
    pub duration_ms: i64,
    /// What the receiver answered.
    pub status: Option<i64>,
    /// Why it failed, in a stable word.
    pub error_class: Option<String>,
}

/// What a person did; who it was is not for the tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActFacts {
    /// The act's number in the tenant's log.
    pub number: u64,
    /// What was done, in a stable word.
    pub action: String,
    /// The order, the refund or the request that it was about.
    pub target: String,
}

impl Operations {
    /// Shows what happened to an order, from the beginning or behind a place.
    pub async fn order_timeline(
        &self,
        caller: &Caller,
        id: &OrderId,
        after: Option<&TimelinePlace>,
    ) -> Result<Timeline, OperationError> {
        caller.require(Scope::OrdersRead)?;
        let (order, _) = self.find_order(caller, id).await?;
        // What this node still has in memory belongs to the story.
        self.write_upstream_calls().await?;
        let mut entries = self.gather(&order, since(after)).await?;
        let acts = self.acts_about(&order, since(after)).await?;
        entries.extend(acts.into_iter().map(of_act));
        entries.sort_by_key(|entry| (entry.at, entry.detail.rank()));
        let (entries, next) = page(entries, after, |entry| entry.at);
        Ok(Timeline {
            order,
            generated_at: self.now(),
            entries,
            next,
        })
    }

    /// Every kind in its own order, from `since` on where there may be many; the caller's sort is stable.
    pub(crate) async fn gather(
        &self,
        order: &Order,
        since: Timestamp,
    ) -> Result<Vec<TimelineEntry>, OperationError> {
        let (at, tenant, id) = (self.storage(), &order.tenant_id, &order.id);
        let (range, first) = ((since, READ_MAX), (Timestamp::from_millis(0), 1));
        let attempts = orders::attempts(at, tenant, id, READ_MAX).await?;
        let calls = upstream_calls::of_order(at, tenant, id, range).await?;
        let notices = notifications::of_order(at, tenant, id, range).await?;
        let first_notice = notifications::of_order(at, tenant, id, first).await?;
        let alarms = alarms::of_order(at, tenant, id, range).await?;
        let refunds = refunds::of_order(at, tenant, id, READ_MAX).await?;
        let refunds: Vec<&str> = refunds.iter().map(|refund| refund.id.as_str()).collect();
        let mut events = feed::of_subjects(at, tenant, "order", &[id.as_str()], READ_MAX).await?;
        events.extend(feed::of_subjects(at, tenant, "refund", &refunds, READ_MAX).await?);
        let told: Vec<EventId> = events.iter().map(|event| event.id.clone()).collect();
        let sent = deliveries::attempts_of_events(at, tenant, &told, range).await?;

        let first_notice = first_notice.first().map(|notice| notice.received_at);
        let mut entries: Vec<TimelineEntry> = attempts.iter().flat_map(of_attempt).collect();
        entries.extend(calls.into_iter().map(of_call));
        entries.extend(notices.into_iter().map(of_notification));
        entries.extend(alarms.into_iter().map(of_alarm));
        let late = late_payments::of_order(at, tenant, id).await?;
        entries.extend(late.into_iter().filter_map(of_decision));
        for event in events {
            entries.push(of_event(event, first_notice)?);
        }
        entries.extend(sent.into_iter().map(of_delivery));
        Ok(entries)
    }

    /// What the log has about the order, its refunds and the requests about them, but not that a note was written.
    pub(crate) async fn acts_about(
        &self,
        order: &Order,
        since: Timestamp,
    ) -> Result<Vec<Chained>, OperationError> {
        let (at, tenant, id) = (self.storage(), &order.tenant_id, &order.id);
        let refunds = refunds::of_order(at, tenant, id, READ_MAX).await?;
        let asked = approvals::of_target(at, tenant, id.as_str(), READ_MAX).await?;
        let mut targets = vec![id.as_str()];
        targets.extend(refunds.iter().map(|refund| refund.id.as_str()));
        targets.extend(asked.iter().map(|approval| approval.id.as_str()));
        let acts = audit::of_targets(at, tenant, &targets, (since, READ_MAX)).await?;
        let is_told = |act: &Chained| act.entry.action != NOTED;
        Ok(acts.into_iter().filter(is_told).collect())
    }
}

fn of_act(act: Chained) -> TimelineEntry {
    let facts = ActFacts {
        number: act.number,
        action: act.entry.action,
        target: act.entry.target.unwrap_or_default(),
    };
    TimelineEntry {
        at: act.at,
        summary: words::of_act(&facts.action),
        detail: Detail::Act(facts),
    }
}

fn of_attempt(attempt: &Attempt) -> Vec<TimelineEntry> {
    let facts = || AttemptFacts {
        attempt_id: attempt.id.to_string(),
        out_trade_no: attempt.out_trade_no.to_string(),
    };
    let began = TimelineEntry {
        at: attempt.created_at,
        summary: words::of_attempt(&facts()),
        detail: Detail::Attempt(facts()),
    };
    let prepared = attempt.prepared_at.map(|at| TimelineEntry {
        at,
        summary: words::of_prepared(&facts()),
        detail: Detail::Prepared(facts()),
    });
    std::iter::once(began).chain(prepared).collect()
}

/// What is held has no decision yet.
fn of_decision(late: LatePayment) -> Option<TimelineEntry> {
    let facts = DecisionFacts {
        late_payment_id: late.id.to_string(),
        late: late.kind.as_str(),
        state: late.state.as_str(),
        decided_by: late.decided_by?,
        reason: late.reason,
    };
    Some(TimelineEntry {
        at: late.updated_at,
        summary: words::of_decision(&facts),
        detail: Detail::Decision(facts),
    })
}

fn of_call(one: UpstreamTry) -> TimelineEntry {
    let failure = one.failure.as_deref().and_then(Failure::parse);
    let explained = failure.map(|failure| {
        let status = one.status.and_then(|status| u16::try_from(status).ok());
        let said = failure.explain(status, one.code.as_deref(), one.request_id.as_deref());
        Explained {
            cause: said.into(),
            who_must_act: said.who_must_act.as_str(),
            retryable: said.retryable,
        }
    });
    let facts = CallFacts {
        call_id: one.call_id.to_string(),
        try_number: one.number,
        purpose: one.purpose,
        attempt_id: one.attempt_id.as_ref().map(ToString::to_string),
        refund_id: one.refund_id,
        method: one.method,
        path: one.path,
        host: one.host,
        duration_ms: one.duration_ms,
        outcome: one.outcome.as_str(),
        failure: one.failure,
        status: one.status,
        code: one.code,
        request_id: one.request_id,
        key_serial: one.key_serial,
        said: one.said,
        explained,
    };
    TimelineEntry {
        at: one.started_at,
        summary: words::of_call(&facts),
        detail: Detail::Call(Box::new(facts)),
    }
}

/// Of the headers that were kept, two; the signature stays where it is.
#[derive(Default, Deserialize)]
struct KeptHeaders {
    #[serde(rename = "wechatpay-serial")]
    serial: Option<String>,
    #[serde(rename = "request-id")]
    request_id: Option<String>,
}

fn of_notification(notice: StoredNotification) -> TimelineEntry {
    let headers: KeptHeaders = serde_json::from_str(&notice.headers).unwrap_or_default();
    let facts = NotificationFacts {
        notification_id: notice.id.to_string(),
        notice_id: notice.notice_id,
        event_type: notice.event_type,
        state: notice.state.as_str(),
        verdict: notice.verdict,
        key_serial: headers.serial,
        request_id: headers.request_id,
        body_sha256: notice.body_sha256,
    };
    TimelineEntry {
        at: notice.received_at,
        summary: words::of_notification(&facts),
        detail: Detail::Notification(Box::new(facts)),
    }
}

fn of_alarm(alarm: Alarm) -> TimelineEntry {
    let facts = AlarmFacts {
        alarm_id: alarm.id.to_string(),
        alarm: alarm.kind,
    };
    TimelineEntry {
        at: alarm.raised_at,
        summary: words::of_alarm(&facts),
        detail: Detail::Alarm(facts),
    }
}

/// What a timeline needs of an event's body.
#[derive(Deserialize)]
struct EventBody {
    timestamp: String,
    source: String,
    seq: i64,
    data: EventData,
}

#[derive(Deserialize)]
struct EventData {
    object: EventObject,
    previous: Option<PreviousState>,
}

#[derive(Deserialize)]
struct EventObject {
    state: String,
    trade_state: Option<String>,
    transaction_id: Option<String>,
    success_time: Option<String>,
}

#[derive(Deserialize)]
struct PreviousState {
    state: String,
}

fn of_event(
    event: FeedEvent,
    first_notice: Option<Timestamp>,
) -> Result<TimelineEntry, OperationError> {
    let unreadable = |error: &dyn std::error::Error| {
        OperationError::Internal(format!("reading event {}: {error}", event.id))
    };
    let body: EventBody = serde_json::from_str(&event.body).map_err(|error| unreadable(&error))?;
    let at = Timestamp::parse_rfc3339(&body.timestamp).map_err(|error| unreadable(&error))?;
    let object = body.data.object;
    let facts = EventFacts {
        event_id: event.id.to_string(),
        event_type: event.kind,
        seq: body.seq,
        from_state: body.data.previous.map(|previous| previous.state),
        to_state: object.state,
        source: body.source,
        trade_state: object.trade_state,
        transaction_id: object.transaction_id,
        success_time: object.success_time,
    };
    let was_notified = first_notice.is_some_and(|first| first <= at);
    let summary = if was_notified {
        words::of_event(&facts)
    } else {
        words::of_event_without_notice(&facts)
    };
    Ok(TimelineEntry {
        at,
        summary,
        detail: Detail::Event(Box::new(facts)),
    })
}

fn of_delivery(sent: SentAttempt) -> TimelineEntry {
    let facts = DeliveryFacts {
        delivery_id: sent.delivery_id.to_string(),
        event_id: sent.event_id.to_string(),
        event_type: sent.event_kind,
        endpoint_id: sent.endpoint_id.to_string(),
        number: sent.attempt.number,
        trigger: sent.attempt.trigger,
        duration_ms: sent.attempt.duration_ms,
        status: sent.attempt.status,
        error_class: sent.attempt.error_class,
    };
    TimelineEntry {
        at: sent.attempt.started_at,
        summary: words::of_delivery(&facts),
        detail: Detail::DeliveryAttempt(Box::new(facts)),
    }
}
