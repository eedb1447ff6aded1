//! The one door: everything that tells us what happened to money enters here.
//!
//! It finds the attempt, locks the order's row, compares, moves the state forward or not at all, and writes the event
//! for the tenant in the same transaction. There is no other way to mark an order paid, or a refund done.

mod late;
mod refunds;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use tributary_domain::clock::Timestamp;
use tributary_domain::event::{Draft, EventType, NewEvent, Subject};
use tributary_domain::ids::{AlarmId, OrderId, ProviderId, TenantId};
use tributary_domain::late_payment::LatePayment;
use tributary_domain::order::{
    Attempt, AttemptState, LOOK_AFTER_CLOSE_MS, Learned, Order, OrderState,
    next_look_after_unknown, next_poll_at,
};
use tributary_domain::rehearsal::{CrashPoint, Sabotage, crash_point, is_broken};
use tributary_domain::settlement::{Source, TransactionObservation, Verdict, settle};
use tributary_storage::alarms::{self, Alarm};
use tributary_storage::notifications::{NotificationState, StoredNotification};
use tributary_storage::{StorageError, Tx, notifications, orders, outbox};

use crate::orders::view;
use crate::{OperationError, Operations};
pub(crate) use late::{POLICY, refund_of};
pub(crate) use refunds::{ObservedRefund, remind_of_abnormal, settle_refund_money};

/// How often a change is tried again when somebody else changed the row first.
const TRIES_MAX: usize = 5;

/// What became of an observation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Observed {
    /// Compared and, where it said something new, applied. Holds the order as it is now.
    Applied(Box<Order>),
    /// Kept and alarmed, not applied: why, in a stable word.
    Quarantined(&'static str),
    /// The same notification was kept before.
    Duplicate,
}

/// Tries a change again when somebody else made one first.
///
/// The step is boxed, because the compiler cannot see that an async closure's future may change threads.
pub(crate) async fn racing<'a, T>(
    step: impl Fn() -> BoxFuture<'a, Result<T, OperationError>>,
) -> Result<T, OperationError> {
    let mut tries = 0;
    loop {
        tries += 1;
        match step().await {
            Err(OperationError::Storage(error)) if is_race(&error) && tries < TRIES_MAX => {}
            other => return other,
        }
    }
}

/// A notification that an observation came with.
pub(crate) enum Inbox<'a> {
    /// Not a notification.
    None,
    /// A new one, to be kept with the change.
    New(&'a StoredNotification),
    /// One that was kept before and waits to be applied.
    Kept(&'a StoredNotification),
}

impl Operations {
    /// Lets an observation in. Tries again when somebody else changed the order in between.
    pub(crate) async fn observe(
        &self,
        provider: &ProviderId,
        seen: &TransactionObservation,
        source: Source,
        inbox: &Inbox<'_>,
    ) -> Result<Observed, OperationError> {
        let seen_once = || self.observe_once(provider, seen, source, inbox).boxed();
        match racing(seen_once).await {
            Err(error) if is_known_notice(&error) => Ok(Observed::Duplicate),
            other => other,
        }
    }

    async fn observe_once(
        &self,
        provider: &ProviderId,
        seen: &TransactionObservation,
        source: Source,
        inbox: &Inbox<'_>,
    ) -> Result<Observed, OperationError> {
        let now = self.now();
        let tx = self.storage().begin().await?;
        let attempt = orders::find_attempt_all_tenants(&tx, provider, &seen.out_trade_no).await?;
        let outcome = match attempt {
            Some(attempt) => judge(&tx, &attempt, seen, source, now).await?,
            None => Judged::refused("unrouted", None),
        };
        if let Some(code) = outcome.refused {
            let about = outcome.about(code);
            raise(&tx, provider, &about, detail_of(seen), now).await?;
        }
        keep(&tx, inbox, &outcome).await?;
        crash_point(CrashPoint::ObservationBeforeCommit);
        tx.commit().await?;
        crash_point(CrashPoint::ObservationAfterCommit);
        count(source, &outcome);
        if outcome.refund_due {
            self.wakeups().refunds.notify_one();
        }
        match (outcome.refused, outcome.order) {
            (Some(code), _) => Ok(Observed::Quarantined(code)),
            (None, Some(order)) => Ok(Observed::Applied(order)),
            (None, None) => Err(OperationError::Internal(
                "an observation without order".into(),
            )),
        }
    }
}

/// What the comparison came to.
pub(crate) struct Judged {
    verdict: &'static str,
    refused: Option<&'static str>,
    order: Option<Box<Order>>,
    /// Whether a refund waits to be sent.
    refund_due: bool,
}

impl Judged {
    fn applied(verdict: &'static str, order: Order) -> Self {
        Self {
            verdict,
            refused: None,
            order: Some(Box::new(order)),
            refund_due: false,
        }
    }

    fn refused(code: &'static str, order: Option<Order>) -> Self {
        Self {
            verdict: code,
            refused: Some(code),
            order: order.map(Box::new),
            refund_due: false,
        }
    }

    fn about(&self, code: &'static str) -> About<'_> {
        About {
            code,
            tenant: self.order.as_ref().map(|order| &order.tenant_id),
            order: self.order.as_ref().map(|order| &order.id),
        }
    }
}

/// What an alarm is about.
pub(crate) struct About<'a> {
    /// What is wrong, in a stable word.
    pub(crate) code: &'static str,
    /// Whose affairs, when known.
    pub(crate) tenant: Option<&'a TenantId>,
    /// Which order, when known.
    pub(crate) order: Option<&'a OrderId>,
}

/// The inbox has the very same notification.
fn is_known_notice(error: &OperationError) -> bool {
    matches!(
        error,
        OperationError::Storage(StorageError::Duplicate {
            table: "notifications",
        })
    )
}

fn count(source: Source, outcome: &Judged) {
    metrics::counter!("tributary_observations_total",
        "source" => source.as_str(), "verdict" => outcome.refused.unwrap_or(outcome.verdict))
    .increment(1);
}

/// A unique event or a guarded row was taken by somebody who knew the same fact a moment earlier.
fn is_race(error: &StorageError) -> bool {
    match error {
        StorageError::Stale { .. } => true,
        StorageError::Duplicate { table } => {
            matches!(*table, "events" | "late_payments" | "refunds")
        }
        StorageError::Database { .. } | StorageError::Inconsistent { .. } => false,
    }
}

async fn judge(
    tx: &Tx,
    attempt: &Attempt,
    seen: &TransactionObservation,
    source: Source,
    now: Timestamp,
) -> Result<Judged, OperationError> {
    let Some(order) = orders::lock(tx, &attempt.tenant_id, &attempt.order_id).await? else {
        return Err(OperationError::Internal(format!(
            "attempt {} has no order",
            attempt.id
        )));
    };
    let verdict = match settle(&order, attempt, seen) {
        Ok(Verdict::Late(money)) => {
            let news = late::News {
                order: &order,
                attempt,
                money: &money,
                trade_state: &seen.trade_state,
            };
            return late::settle_late(tx, &news, source, now).await;
        }
        Ok(verdict) => verdict,
        Err(mismatch) => return Ok(Judged::refused(mismatch.code(), Some(order))),
    };
    if verdict == Verdict::Closed {
        let newest = orders::latest_attempt(tx, &order.tenant_id, &order.id).await?;
        let is_newest = newest.is_none_or(|newest| newest.id == attempt.id);
        let has_money = order.state.has_money() && !is_broken(Sabotage::PaidGoesBack);
        if has_money || !is_newest {
            return close_older(tx, order, attempt).await;
        }
    }
    let mut step = step(&order, attempt, verdict, now);
    if speaks_of_the_payment(&order, attempt, seen) {
        step.after.trade_state = Some(seen.trade_state.clone());
    }
    if step.after.payment != order.payment {
        learned(&mut step.after, source, now);
        step.after.next_poll_at = leftovers_due(tx, &order, attempt, now).await?;
    }
    let settled = step.attempt_state.map(|state| Attempt {
        state,
        ..attempt.clone()
    });
    if let Some(settled) = &settled {
        orders::update_attempt(tx, attempt.state, settled).await?;
    }
    match step.event {
        Some(kind) => {
            let attempt = settled.as_ref().or(Some(attempt));
            change(
                tx,
                &order,
                &mut step.after,
                &Telling {
                    kind,
                    source,
                    now,
                    attempt,
                    late_payments: &[],
                },
            )
            .await?;
        }
        None if step.after != order => {
            step.after.updated_at = now;
            orders::update(tx, &order, &step.after).await?;
        }
        None => {}
    }
    Ok(Judged::applied(step.word, step.after))
}

/// Notes with a new payment how and when we learned of it.
pub(super) const fn learned(order: &mut Order, source: Source, now: Timestamp) {
    // Whoever made us ask, it was our question that found it.
    let source = match source {
        Source::Api | Source::Person | Source::System => Source::Query,
        other => other,
    };
    if let Some(payment) = &mut order.payment {
        payment.learned = Some(Learned { source, at: now });
    }
}

/// A paid order shows the state of its payment: not of another attempt, and not one that was left behind.
fn speaks_of_the_payment(order: &Order, attempt: &Attempt, seen: &TransactionObservation) -> bool {
    let Some(payment) = &order.payment else {
        return true;
    };
    let goes_back = order.trade_state.as_deref() == Some("REFUND") && seen.trade_state == "SUCCESS";
    payment.attempt_id == attempt.id && !goes_back
}

/// When to close what else is open of an order that was paid by one of its attempts; absent when nothing is.
async fn leftovers_due(
    tx: &Tx,
    order: &Order,
    paid: &Attempt,
    now: Timestamp,
) -> Result<Option<Timestamp>, OperationError> {
    let open = orders::open_attempts(tx, &order.tenant_id, &order.id).await?;
    let is_left = |attempt: &Attempt| attempt.id != paid.id;
    Ok(open.iter().any(is_left).then_some(now))
}

/// An attempt that another has taken the place of is closed; the order lives on with the newer one.
async fn close_older(tx: &Tx, order: Order, attempt: &Attempt) -> Result<Judged, OperationError> {
    if attempt.state.is_open() {
        let closed = Attempt {
            state: AttemptState::Closed,
            ..attempt.clone()
        };
        orders::update_attempt(tx, attempt.state, &closed).await?;
    }
    Ok(Judged::applied("older_closed", order))
}

/// What a verdict does to an order and to the attempt that it is about.
struct Step {
    after: Order,
    word: &'static str,
    event: Option<EventType>,
    attempt_state: Option<AttemptState>,
}

fn step(order: &Order, attempt: &Attempt, verdict: Verdict, now: Timestamp) -> Step {
    let mut after = order.clone();
    let (word, event, attempt_state) = match verdict {
        // Late money took a way of its own.
        Verdict::Unchanged | Verdict::Late(_) => ("unchanged", None, None),
        Verdict::StillOpen => {
            let next = next_look(order, attempt, now);
            after.next_poll_at = (!is_broken(Sabotage::PollForgotten)).then_some(next);
            if order.state == OrderState::Paying {
                // It is certain where the order stands.
                after.polls = 0;
            }
            ("still_open", None, None)
        }
        Verdict::Paid(payment) => {
            after.next_poll_at = None;
            after.polls = 0;
            after.state = OrderState::Paid;
            after.payment = Some(payment);
            after.money.paid = order.content.total;
            (
                "paid",
                Some(EventType::OrderPaid),
                Some(AttemptState::Success),
            )
        }
        Verdict::Closed => {
            after.next_poll_at = Some(now.plus_millis(LOOK_AFTER_CLOSE_MS));
            after.polls = 0;
            after.state = OrderState::Closed;
            (
                "closed",
                Some(EventType::OrderClosed),
                Some(AttemptState::Closed),
            )
        }
    };
    Step {
        after,
        word,
        event,
        attempt_state,
    }
}

/// When to ask again about an order that nobody has paid or closed yet.
fn next_look(order: &Order, attempt: &Attempt, now: Timestamp) -> Timestamp {
    if order.state == OrderState::Closing {
        // WeChat was asked to close it, and the proof is not there yet.
        return next_look_after_unknown(order.polls.saturating_sub(1), now);
    }
    // A renewed prepay begins the schedule anew.
    let since = attempt.prepared_at.unwrap_or(attempt.created_at);
    next_poll_at(since, now, order.expires_at)
}

/// What a tenant is told, and of which attempt.
pub(crate) struct Telling<'a> {
    pub(crate) kind: EventType,
    pub(crate) source: Source,
    pub(crate) now: Timestamp,
    pub(crate) attempt: Option<&'a Attempt>,
    /// The payments of the order that came late, twice, or with another amount.
    pub(crate) late_payments: &'a [LatePayment],
}

/// Writes a changed order together with the event that tells of it.
pub(crate) async fn change(
    tx: &Tx,
    before: &Order,
    after: &mut Order,
    telling: &Telling<'_>,
) -> Result<(), OperationError> {
    assert!(
        after.state.rank() >= before.state.rank() || before.state.is_open(),
        "an order never moves back from what is certain"
    );
    after.event_seq = before.event_seq.saturating_add(1);
    after.updated_at = telling.now;
    orders::update(tx, before, after).await?;
    tell(tx, after, Some(before.state.as_str()), telling).await
}

/// Writes the event about an order; its number is `order.event_seq`.
pub(crate) async fn tell(
    tx: &Tx,
    order: &Order,
    previous_state: Option<&str>,
    telling: &Telling<'_>,
) -> Result<(), OperationError> {
    let view = view::order_view(order, telling.attempt).with_late_payments(telling.late_payments);
    let object = serde_json::value::to_raw_value(&view)
        .map_err(|error| OperationError::Internal(format!("rendering an order: {error}")))?;
    let draft = Draft {
        tenant_id: &order.tenant_id,
        mode: order.mode,
        kind: telling.kind,
        subject: Subject {
            kind: "order",
            id: order.id.to_string(),
        },
        seq: order.event_seq,
        occurred_at: telling.now,
        source: telling.source,
        sub_mchid: Some(order.sub_mchid.as_str()),
        object: &object,
        previous_state,
    };
    let event = NewEvent::from_draft(draft, dedupe_key(order, telling), telling.now)
        .map_err(|error| OperationError::Internal(format!("rendering an event: {error}")))?;
    outbox::append(tx, &event).await?;
    Ok(())
}

/// Created, paid and closed happen once to an order; what may happen again is told apart by what it is about.
fn dedupe_key(order: &Order, telling: &Telling<'_>) -> String {
    let kind = telling.kind.as_str();
    match (telling.kind, telling.late_payments.last()) {
        (EventType::OrderUnknown, _) => format!("{}:{kind}:{}", order.id, order.event_seq),
        (EventType::OrderDuplicatePaid, Some(late)) => format!("{}:{kind}:{}", order.id, late.id),
        _ => format!("{}:{kind}", order.id),
    }
}

/// Raises an alarm, unless the same was raised before.
pub(crate) async fn raise(
    tx: &Tx,
    provider: &ProviderId,
    about: &About<'_>,
    detail: String,
    now: Timestamp,
) -> Result<(), OperationError> {
    let alarm = Alarm {
        id: AlarmId::new(now),
        raised_at: now,
        kind: about.code.to_owned(),
        tenant_id: about.tenant.cloned(),
        provider_id: Some(provider.clone()),
        order_id: about.order.cloned(),
        detail,
    };
    if alarms::is_known(tx, &alarm).await? {
        return Ok(());
    }
    tracing::error!(
        provider.id = %provider,
        order.id = about.order.map(OrderId::as_str),
        code = about.code,
        "something about money needs a person; it is kept"
    );
    alarms::insert(tx, &alarm).await?;
    metrics::counter!("tributary_alarms_total", "kind" => about.code).increment(1);
    Ok(())
}

/// What a person needs to look into it; no openid, nothing secret.
fn detail_of(seen: &TransactionObservation) -> String {
    serde_json::json!({
        "sp_mchid": seen.sp_mchid,
        "sub_mchid": seen.sub_mchid,
        "sp_appid": seen.sp_appid,
        "sub_appid": seen.sub_appid,
        "out_trade_no": seen.out_trade_no,
        "transaction_id": seen.transaction_id,
        "trade_state": seen.trade_state,
        "total": seen.total,
        "currency": seen.currency,
    })
    .to_string()
}

pub(crate) async fn keep(
    tx: &Tx,
    inbox: &Inbox<'_>,
    judged: &Judged,
) -> Result<(), OperationError> {
    let settle_into = |notice: &StoredNotification| StoredNotification {
        state: if judged.refused.is_some() {
            NotificationState::Quarantined
        } else {
            NotificationState::Applied
        },
        verdict: Some(judged.refused.unwrap_or(judged.verdict).to_owned()),
        tenant_id: judged.order.as_ref().map(|order| order.tenant_id.clone()),
        order_id: judged.order.as_ref().map(|order| order.id.clone()),
        next_try_at: None,
        ..notice.clone()
    };
    match inbox {
        Inbox::None => {}
        Inbox::New(notice) => notifications::insert(tx, &settle_into(notice)).await?,
        Inbox::Kept(notice) => notifications::update(tx, notice, &settle_into(notice)).await?,
    }
    Ok(())
}
