//! An order's timeline for people: the same entries in lanes, with a tone, with what people did and with what is
//! missing.

use tributary_domain::clock::Timestamp;
use tributary_domain::cursor::TimelinePlace;
use tributary_domain::ids::OrderId;
use tributary_domain::order::Order;
use tributary_domain::settlement::Source;
use tributary_domain::staff::Permission;
use tributary_storage::audit::Chained;
use tributary_storage::order_notes::{self, OrderNote};

use super::pages::{behind, page, since};
use super::{Detail, TimelineEntry, words};
use crate::order_notes::NOTES_SHOWN_MAX;
use crate::viewer::Viewer;
use crate::{OperationError, Operations};

/// A notification that comes later than this after the payment is a gap to be seen.
const LATE_NOTICE_MS: i64 = 30_000;

/// Whose doing an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// The tenant's program, and what it was told.
    Tenant,
    /// The platform's own.
    Platform,
    /// WeChat's, and what it was asked.
    Wechat,
    /// People.
    Staff,
}

/// How an entry is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// As it should be.
    Ok,
    /// Something is still to come.
    Wait,
    /// Worth a look.
    Warn,
    /// Wrong.
    Bad,
    /// Neither.
    Idle,
}

/// What an entry shows beside its words.
#[derive(Clone, Debug, PartialEq)]
pub enum StaffDetail {
    /// What a tenant sees as well.
    Shared(Detail),
    /// What a person wrote.
    Note(OrderNote),
    /// What a person did, as the audit log has it.
    Act(Box<Chained>),
    /// What should have been there and was not.
    Gap(&'static str),
}

/// Where a page of the timeline begins.
#[derive(Clone, Copy, Debug)]
pub enum TimelineStart {
    /// With the first entry.
    Beginning,
    /// Behind everything that began at this time: what is new since.
    After(Timestamp),
    /// Where the page before ended.
    Place(TimelinePlace),
}

impl TimelineStart {
    const fn place(self) -> Option<TimelinePlace> {
        match self {
            Self::Beginning => None,
            Self::After(at) => Some(behind(at)),
            Self::Place(place) => Some(place),
        }
    }
}

/// One entry.
#[derive(Clone, Debug, PartialEq)]
pub struct StaffEntry {
    /// Names the entry within the timeline, always the same.
    pub key: String,
    /// When it began.
    pub at: Timestamp,
    /// Since the entry before.
    pub since_previous_ms: Option<i64>,
    /// Whose doing.
    pub lane: Lane,
    /// How it is meant.
    pub tone: Tone,
    /// What happened, in one sentence.
    pub summary: String,
    /// Who did it, when it was a person.
    pub actor: Option<String>,
    /// WeChat's or our number of the request.
    pub request_id: Option<String>,
    /// How long it lasted.
    pub duration_ms: Option<i64>,
    /// The facts.
    pub detail: StaffDetail,
}

/// A page of an order's timeline for people.
#[derive(Clone, Debug)]
pub struct StaffTimeline {
    /// The order as it is now.
    pub order: Order,
    /// When this was put together.
    pub generated_at: Timestamp,
    /// What happened, oldest first.
    pub entries: Vec<StaffEntry>,
    /// Where the next page begins; absent at the end.
    pub next: Option<TimelinePlace>,
}

impl Operations {
    /// Shows what happened to an order, from `start` on. Needs `order:read`.
    pub async fn staff_timeline(
        &self,
        viewer: &Viewer,
        id: &OrderId,
        start: TimelineStart,
    ) -> Result<StaffTimeline, OperationError> {
        viewer.require(Permission::OrderRead)?;
        let order = self.order_seen(viewer, id).await?;
        // What this node still has in memory belongs to the story.
        self.write_upstream_calls().await?;
        let after = start.place();
        let since = since(after.as_ref());
        let shared = self.gather(&order, since).await?;
        let mut ranked: Vec<(u8, StaffEntry)> = shared.into_iter().map(of_shared).collect();
        ranked.extend(self.of_people(&order, since).await?);
        ranked.extend(gaps(&order));
        ranked.sort_by_key(|(rank, entry)| (entry.at, *rank));
        let entries = ranked.into_iter().map(|(_, entry)| entry).collect();
        let (mut entries, next) = page(entries, after.as_ref(), |entry: &StaffEntry| entry.at);
        let mut previous: Option<Timestamp> = after.map(|place| place.at);
        for entry in &mut entries {
            entry.since_previous_ms = previous.map(|before| entry.at.millis_since(before));
            previous = Some(entry.at);
        }
        Ok(StaffTimeline {
            order,
            generated_at: self.now(),
            entries,
            next,
        })
    }

    async fn of_people(
        &self,
        order: &Order,
        since: Timestamp,
    ) -> Result<Vec<(u8, StaffEntry)>, OperationError> {
        const RANK: u8 = 9;
        let (at, tenant) = (self.storage(), &order.tenant_id);
        let notes = order_notes::of_order(at, tenant, &order.id, NOTES_SHOWN_MAX).await?;
        let acts = self.acts_about(order, since).await?;
        let acts = acts.into_iter().map(of_act);
        let people = notes.into_iter().map(of_note).chain(acts);
        Ok(people.map(|entry| (RANK, entry)).collect())
    }
}

fn of_shared(entry: TimelineEntry) -> (u8, StaffEntry) {
    let rank = entry.detail.rank();
    let (lane, tone) = (lane(&entry.detail), tone(&entry.detail));
    let (request_id, duration_ms) = match &entry.detail {
        Detail::Call(call) => (call.request_id.clone(), Some(call.duration_ms)),
        Detail::Notification(notice) => (notice.request_id.clone(), None),
        Detail::DeliveryAttempt(sent) => (None, Some(sent.duration_ms)),
        _ => (None, None),
    };
    let actor = match &entry.detail {
        Detail::Decision(decision) => Some(decision.decided_by.clone()),
        _ => None,
    };
    let shown = StaffEntry {
        key: key(&entry.detail),
        at: entry.at,
        since_previous_ms: None,
        lane,
        tone,
        summary: entry.summary,
        actor,
        request_id,
        duration_ms,
        detail: StaffDetail::Shared(entry.detail),
    };
    (rank, shown)
}

fn lane(detail: &Detail) -> Lane {
    match detail {
        Detail::Call(_) | Detail::Prepared(_) | Detail::Notification(_) => Lane::Wechat,
        Detail::DeliveryAttempt(_) => Lane::Tenant,
        Detail::Event(event) if event.source == Source::Api.as_str() => Lane::Tenant,
        Detail::Event(event) if event.source == Source::Person.as_str() => Lane::Staff,
        Detail::Act(_) => Lane::Staff,
        Detail::Decision(decision) if decision.decided_by != "policy" => Lane::Staff,
        Detail::Attempt(_) | Detail::Alarm(_) | Detail::Event(_) | Detail::Decision(_) => {
            Lane::Platform
        }
    }
}

fn tone(detail: &Detail) -> Tone {
    match detail {
        Detail::Attempt(_) | Detail::Act(_) => Tone::Idle,
        Detail::Prepared(_) => Tone::Ok,
        Detail::Call(call) => match call.outcome {
            "succeeded" => Tone::Ok,
            "failed" => Tone::Bad,
            _ => Tone::Warn,
        },
        Detail::Notification(notice) => match notice.state {
            "applied" => Tone::Ok,
            "received" => Tone::Wait,
            _ => Tone::Bad,
        },
        Detail::Alarm(_) => Tone::Bad,
        Detail::Decision(_) => Tone::Warn,
        Detail::Event(event) => match event.to_state.as_str() {
            "paid" | "success" => Tone::Ok,
            "unknown" | "refunded" | "partially_refunded" => Tone::Warn,
            "held" | "abnormal" => Tone::Bad,
            "closed" => Tone::Idle,
            _ => Tone::Wait,
        },
        Detail::DeliveryAttempt(sent) => {
            let taken = sent
                .status
                .is_some_and(|status| (200..300).contains(&status));
            if taken && sent.error_class.is_none() {
                Tone::Ok
            } else {
                Tone::Bad
            }
        }
    }
}

fn key(detail: &Detail) -> String {
    match detail {
        Detail::Attempt(attempt) => attempt.attempt_id.clone(),
        Detail::Prepared(attempt) => format!("{}-prepared", attempt.attempt_id),
        Detail::Call(call) => format!("{}-{}", call.call_id, call.try_number),
        Detail::Notification(notice) => notice.notification_id.clone(),
        Detail::Alarm(alarm) => alarm.alarm_id.clone(),
        Detail::Decision(decision) => decision.late_payment_id.clone(),
        Detail::Event(event) => event.event_id.clone(),
        Detail::DeliveryAttempt(sent) => format!("{}-{}", sent.delivery_id, sent.number),
        Detail::Act(act) => format!("act-{}", act.number),
    }
}

fn of_note(note: OrderNote) -> StaffEntry {
    StaffEntry {
        key: note.id.to_string(),
        at: note.created_at,
        since_previous_ms: None,
        lane: Lane::Staff,
        tone: Tone::Idle,
        summary: "A note was written.".to_owned(),
        actor: Some(note.author.clone()),
        request_id: None,
        duration_ms: None,
        detail: StaffDetail::Note(note),
    }
}

fn of_act(act: Chained) -> StaffEntry {
    StaffEntry {
        key: format!("act-{}", act.number),
        at: act.at,
        since_previous_ms: None,
        lane: Lane::Staff,
        tone: Tone::Idle,
        summary: words::of_act(&act.entry.action),
        actor: Some(act.entry.actor.clone()),
        request_id: act.entry.request_id.clone(),
        duration_ms: None,
        detail: StaffDetail::Act(Box::new(act)),
    }
}

/// What should have been there: the notification of a payment, in time.
fn gaps(order: &Order) -> Option<(u8, StaffEntry)> {
    const BEFORE_THE_EVENT: u8 = 6;
    let payment = order.payment.as_ref()?;
    let learned = payment.learned?;
    let late_ms = learned.at.millis_since(payment.success_time);
    let (code, summary) = match learned.source {
        Source::Notification if late_ms <= LATE_NOTICE_MS => return None,
        Source::Notification => (
            "notification_late",
            format!(
                "WeChat Pay's notification came {} s after the payment.",
                late_ms / 1_000
            ),
        ),
        Source::Query => (
            "notification_missing",
            "No notification came: our own question found the payment.".to_owned(),
        ),
        Source::Reconciliation => (
            "found_in_bill",
            "Neither a notification nor a question found the payment: the bill did.".to_owned(),
        ),
        Source::Api | Source::Person | Source::System => return None,
    };
    let gap = StaffEntry {
        key: format!("gap-{code}"),
        at: learned.at,
        since_previous_ms: None,
        lane: Lane::Wechat,
        tone: Tone::Warn,
        summary,
        actor: None,
        request_id: None,
        duration_ms: Some(late_ms),
        detail: StaffDetail::Gap(code),
    };
    Some((BEFORE_THE_EVENT, gap))
}
