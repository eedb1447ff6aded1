//! Reports about refunds through the one door: refund, order, late payment and event change together or not at all.

use futures::FutureExt as _;
use tributary_domain::bill::BillDay;
use tributary_domain::clock::Timestamp;
use tributary_domain::event::EventType;
use tributary_domain::ids::ProviderId;
use tributary_domain::late_payment::{LateKind, LatePayment, LatePaymentState};
use tributary_domain::merchant::OutRefundNo;
use tributary_domain::money::{Fen, MoneyError};
use tributary_domain::order::{Attempt, Order, OrderState};
use tributary_domain::refund::{Refund, RefundOrigin, RefundState};
use tributary_domain::refund_settlement::{RefundObservation, RefundVerdict, facts, settle_refund};
use tributary_domain::rehearsal::{CrashPoint, crash_point};
use tributary_domain::settlement::Source;
use tributary_domain::staff::Actor;
use tributary_storage::{Tx, alarms, late_payments, orders, refunds};

use crate::refunds::intent::{self, Asked, Intent};
use crate::settlement::{About, Inbox, Judged, count, is_known_notice, keep, late, racing, raise};
use crate::{OperationError, Operations};

/// The kind of the alarms about a refund that does not go on by itself.
const ABNORMAL: &str = "refund_abnormal";

/// What became of a report about a refund.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ObservedRefund {
    /// Compared and, where it said something new, applied. Holds the refund as it is now.
    Applied(Box<Refund>),
    /// Kept and alarmed, not applied: why, in a stable word.
    Quarantined(&'static str),
    /// The same notification was kept before.
    Duplicate,
    /// A refund that somebody else made, of an order that is not paid as far as we know: ask about the order first.
    OrderNotPaid(Box<(Order, Attempt)>),
}

/// What the comparison came to.
enum Outcome {
    Applied(Judged, Box<Refund>),
    Refused(Judged),
    OrderNotPaid(Box<(Order, Attempt)>),
}

/// Whether a refund of an unpaid order is worth asking about, or was asked about already.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unpaid {
    /// Say so, and keep nothing yet.
    Ask,
    /// Keep the report and tell a person.
    Quarantine,
}

impl Operations {
    /// Lets a report about a refund in. Tries again when somebody else changed the refund in between.
    pub(crate) async fn observe_refund(
        &self,
        provider: &ProviderId,
        seen: &RefundObservation,
        source: Source,
        inbox: &Inbox<'_>,
    ) -> Result<ObservedRefund, OperationError> {
        let ask = || {
            self.observe_refund_once(provider, seen, source, inbox, Unpaid::Ask)
                .boxed()
        };
        let first = match racing(ask).await {
            Err(error) if is_known_notice(&error) => return Ok(ObservedRefund::Duplicate),
            other => other?,
        };
        let ObservedRefund::OrderNotPaid(unpaid) = first else {
            return Ok(first);
        };
        // A refund overtook its payment: the payment is evidence that WeChat has.
        let (order, attempt) = &*unpaid;
        self.query(order, attempt, Source::Query).await?;
        let keep = || {
            self.observe_refund_once(provider, seen, source, inbox, Unpaid::Quarantine)
                .boxed()
        };
        match racing(keep).await {
            Err(error) if is_known_notice(&error) => Ok(ObservedRefund::Duplicate),
            other => other,
        }
    }

    async fn observe_refund_once(
        &self,
        provider: &ProviderId,
        seen: &RefundObservation,
        source: Source,
        inbox: &Inbox<'_>,
        unpaid: Unpaid,
    ) -> Result<ObservedRefund, OperationError> {
        let now = self.now();
        let tx = self.storage().begin().await?;
        let outcome = judge(&tx, provider, seen, (source, now)).await?;
        let (judged, refund) = match outcome {
            Outcome::Applied(judged, refund) => (judged, Some(refund)),
            Outcome::Refused(judged) => (judged, None),
            Outcome::OrderNotPaid(found) if unpaid == Unpaid::Ask => {
                return Ok(ObservedRefund::OrderNotPaid(found));
            }
            Outcome::OrderNotPaid(found) => {
                let (order, _) = *found;
                (Judged::refused("refund_of_unpaid_order", Some(order)), None)
            }
        };
        if let Some(code) = judged.refused {
            raise(&tx, provider, &judged.about(code), detail_of(seen), now).await?;
        }
        keep(&tx, inbox, &judged).await?;
        crash_point(CrashPoint::RefundReportBeforeCommit);
        tx.commit().await?;
        crash_point(CrashPoint::RefundReportAfterCommit);
        count(source, &judged);
        match (judged.refused, refund) {
            (None, Some(refund)) => Ok(ObservedRefund::Applied(refund)),
            (code, _) => Ok(ObservedRefund::Quarantined(code.unwrap_or("unrouted"))),
        }
    }
}

async fn judge(
    tx: &Tx,
    provider: &ProviderId,
    seen: &RefundObservation,
    (source, now): (Source, Timestamp),
) -> Result<Outcome, OperationError> {
    let number = seen.out_refund_no.as_str();
    let known = refunds::find_by_out_refund_no_all_tenants(tx, provider, number).await?;
    let (order, refund) = match known {
        Some(known) => {
            // Everybody takes the order's row first.
            let order = orders::lock(tx, &known.tenant_id, &known.order_id).await?;
            let refund = refunds::lock(tx, &known.tenant_id, &known.id).await?;
            match (order, refund) {
                (Some(order), Some(refund)) => (order, refund),
                _ => {
                    return Err(OperationError::Internal(
                        "a refund without its order".into(),
                    ));
                }
            }
        }
        None => match adopt(tx, provider, seen, (source, now)).await? {
            Adopted::Refund(found) => *found,
            Adopted::Refused(judged) => return Ok(Outcome::Refused(judged)),
            Adopted::OrderNotPaid(found) => return Ok(Outcome::OrderNotPaid(found)),
        },
    };
    let provider_fits = seen
        .sp_mchid
        .as_deref()
        .is_none_or(|theirs| theirs == order.sp_mchid.as_str());
    if !provider_fits {
        return Ok(Outcome::Refused(Judged::refused(
            "sp_mchid_mismatch",
            Some(order),
        )));
    }
    let verdict = match settle_refund(&refund, seen) {
        Ok(verdict) => verdict,
        Err(mismatch) => {
            let judged = Judged::refused(mismatch.code(), Some(order));
            return Ok(Outcome::Refused(judged));
        }
    };
    if verdict == RefundVerdict::Unchanged {
        let refund = look_later(tx, refund, source, now).await?;
        let judged = Judged::applied("unchanged", order);
        return Ok(Outcome::Applied(judged, Box::new(refund)));
    }
    let Some(order) = set_aside_again(tx, &order, &refund, now).await? else {
        // What was free again went elsewhere meanwhile: a person must look.
        let judged = Judged::refused("refund_after_refusal", Some(order));
        return Ok(Outcome::Refused(judged));
    };
    let step = Step {
        verdict,
        seen,
        source,
        now,
    };
    let (order, refund) = apply(tx, order, &refund, &step).await?;
    let judged = Judged::applied(refund.state.as_str(), order);
    Ok(Outcome::Applied(judged, Box::new(refund)))
}

/// A refund that was taken for refused, and that WeChat has after all, needs its amount again.
async fn set_aside_again(
    tx: &Tx,
    order: &Order,
    refund: &Refund,
    now: Timestamp,
) -> Result<Option<Order>, OperationError> {
    if !refund.was_closed_by_us() {
        return Ok(Some(order.clone()));
    }
    if refund.origin == RefundOrigin::LateMoney && !take_back_late(tx, refund, now).await? {
        return Ok(None);
    }
    if refund.late_payment_id.is_some() {
        return Ok(Some(order.clone()));
    }
    let Ok(money) = order.money.reserve(refund.content.refund) else {
        return Ok(None);
    };
    let after = Order {
        money,
        state: match order.state {
            OrderState::Held => OrderState::Refunding,
            state => state,
        },
        updated_at: now,
        ..order.clone()
    };
    orders::update_money(tx, order, &after).await?;
    Ok(Some(after))
}

/// Late money that waited for a person again is on its way back after all; false when it was decided otherwise.
async fn take_back_late(tx: &Tx, refund: &Refund, now: Timestamp) -> Result<bool, OperationError> {
    let all = late_payments::of_order(tx, &refund.tenant_id, &refund.order_id).await?;
    let waits = |late: &&LatePayment| {
        late.refund_id.as_ref() == Some(&refund.id) && late.state == LatePaymentState::Held
    };
    let Some(before) = all.iter().find(waits) else {
        return Ok(false);
    };
    let after = LatePayment {
        state: LatePaymentState::Refunding,
        updated_at: now,
        ..before.clone()
    };
    late_payments::update(tx, before, &after).await?;
    Ok(true)
}

/// A question that brought nothing new still counts: the next one comes later.
async fn look_later(
    tx: &Tx,
    refund: Refund,
    source: Source,
    now: Timestamp,
) -> Result<Refund, OperationError> {
    if !refund.state.is_open() || source != Source::Query {
        return Ok(refund);
    }
    let after = Refund {
        tries: refund.tries.saturating_add(1),
        next_try_at: refund.next_look(refund.state, refund.tries.saturating_add(1), now),
        ..refund.clone()
    };
    refunds::update(tx, &refund, &after).await?;
    Ok(after)
}

/// What a verdict is applied with.
struct Step<'a> {
    verdict: RefundVerdict,
    seen: &'a RefundObservation,
    source: Source,
    now: Timestamp,
}

async fn apply(
    tx: &Tx,
    order: Order,
    refund: &Refund,
    step: &Step<'_>,
) -> Result<(Order, Refund), OperationError> {
    let (state, kind) = match step.verdict {
        RefundVerdict::Success => (RefundState::Success, EventType::RefundSucceeded),
        RefundVerdict::Closed => (RefundState::Closed, EventType::RefundClosed),
        RefundVerdict::Abnormal => (RefundState::Abnormal, EventType::RefundAbnormal),
        RefundVerdict::Processing | RefundVerdict::Unchanged => {
            (RefundState::Processing, EventType::RefundProcessing)
        }
    };
    let mut known = facts(&refund.facts, step.seen);
    // A notification does not say when it was accepted; by now it is.
    known.accepted_at = known.accepted_at.or(Some(step.now));
    let mut after = Refund {
        state,
        facts: known,
        failure: None,
        updated_at: step.now,
        tries: 0,
        next_try_at: refund.next_look(state, 0, step.now),
        ..refund.clone()
    };
    let order = settle_refund_money(tx, order, &after, step.now).await?;
    intent::change(tx, refund, &mut after, kind, step.source).await?;
    if state == RefundState::Abnormal {
        remind_of_abnormal(tx, &after, step.now).await?;
    } else if refund.state == RefundState::Abnormal {
        forget_abnormal(tx, &after, step.now).await?;
    }
    Ok((order, after))
}

/// Tells a person, once each day, of a refund that does not go on by itself.
pub(crate) async fn remind_of_abnormal(
    tx: &Tx,
    refund: &Refund,
    now: Timestamp,
) -> Result<(), OperationError> {
    let about = About {
        code: ABNORMAL,
        tenant: Some(&refund.tenant_id),
        order: Some(&refund.order_id),
    };
    // The same words on another day are another alarm.
    let detail = serde_json::json!({ "refund_id": refund.id, "date": BillDay::of(now) });
    raise(tx, &refund.provider_id, &about, detail.to_string(), now).await
}

/// Its reminders need nobody any more once it has ended.
async fn forget_abnormal(tx: &Tx, refund: &Refund, now: Timestamp) -> Result<(), OperationError> {
    let about = (ABNORMAL, &refund.order_id, refund.id.as_str());
    let words = format!("the refund is {}", refund.state.as_str());
    let by = Actor::system("refunds");
    alarms::resolve_about(tx, about, (by.who(), &words), now).await?;
    Ok(())
}

/// Moves the sums of the order, or the late payment, as the end of a refund demands. Holds the order's row.
pub(crate) async fn settle_refund_money(
    tx: &Tx,
    order: Order,
    refund: &Refund,
    now: Timestamp,
) -> Result<Order, OperationError> {
    if refund.state.is_open() {
        return Ok(order);
    }
    let happened = refund.state == RefundState::Success;
    settle_late_payment(tx, refund, now).await?;
    if refund.late_payment_id.is_some() {
        return Ok(order);
    }
    let fen = refund.content.refund;
    let money = match (happened, &refund.facts.refund_id) {
        (true, _) => order.money.refunded(fen),
        (false, Some(_)) => order.money.released(fen),
        // WeChat never took it, so it is none of the fifty.
        (false, None) => order.money.withdrawn(fen),
    };
    let money = money.map_err(|error| broken_sums(&order, error))?;
    let state = match order.state {
        // Late money whose way back failed waits for a person again.
        OrderState::Refunding if !happened => OrderState::Held,
        OrderState::Held if money.refunded != money.paid => OrderState::Held,
        _ => money.state(),
    };
    let after = Order {
        money,
        state,
        updated_at: now,
        ..order.clone()
    };
    orders::update_money(tx, &order, &after).await?;
    if after.state == OrderState::Refunded {
        close_held(tx, &after, now).await?;
    }
    Ok(after)
}

/// Nothing is left to decide about held money that went back another way, such as by WeChat's console.
async fn close_held(tx: &Tx, order: &Order, now: Timestamp) -> Result<(), OperationError> {
    let all = late_payments::of_order(tx, &order.tenant_id, &order.id).await?;
    let of_order_itself = |late: &&LatePayment| late.kind != LateKind::DuplicatePaid;
    for before in all.iter().filter(of_order_itself) {
        if before.state == LatePaymentState::Held {
            let after = LatePayment {
                state: LatePaymentState::Refunded,
                updated_at: now,
                ..before.clone()
            };
            late_payments::update(tx, before, &after).await?;
        }
    }
    Ok(())
}

async fn settle_late_payment(
    tx: &Tx,
    refund: &Refund,
    now: Timestamp,
) -> Result<(), OperationError> {
    let all = late_payments::of_order(tx, &refund.tenant_id, &refund.order_id).await?;
    let given_back = |late: &&LatePayment| {
        late.refund_id.as_ref() == Some(&refund.id) && late.state == LatePaymentState::Refunding
    };
    let Some(before) = all.iter().find(given_back) else {
        return Ok(());
    };
    let state = if refund.state == RefundState::Success {
        LatePaymentState::Refunded
    } else {
        LatePaymentState::Held
    };
    let after = LatePayment {
        state,
        updated_at: now,
        ..before.clone()
    };
    late_payments::update(tx, before, &after).await?;
    if state == LatePaymentState::Held {
        late::alarm(tx, &after, now).await?;
    }
    Ok(())
}

fn broken_sums(order: &Order, error: MoneyError) -> OperationError {
    OperationError::Internal(format!("the sums of {} do not fit: {error}", order.id))
}

/// What became of a refund that we did not make.
enum Adopted {
    Refund(Box<(Order, Refund)>),
    Refused(Judged),
    OrderNotPaid(Box<(Order, Attempt)>),
}

/// Takes over a refund that was made elsewhere, such as in WeChat's console, of a payment that is ours.
async fn adopt(
    tx: &Tx,
    provider: &ProviderId,
    seen: &RefundObservation,
    (source, now): (Source, Timestamp),
) -> Result<Adopted, OperationError> {
    let attempt = orders::find_attempt_all_tenants(tx, provider, &seen.out_trade_no).await?;
    let Some(attempt) = attempt else {
        return Ok(Adopted::Refused(Judged::refused("unrouted", None)));
    };
    let Some(order) = orders::lock(tx, &attempt.tenant_id, &attempt.order_id).await? else {
        return Err(OperationError::Internal(
            "an attempt without its order".into(),
        ));
    };
    let Some(payment) = order.payment.clone() else {
        return Ok(Adopted::OrderNotPaid(Box::new((order, attempt))));
    };
    let (number, fen) = (
        OutRefundNo::parse(&seen.out_refund_no),
        Fen::new(seen.refund),
    );
    let (Ok(out_refund_no), Ok(refund_fen)) = (number, fen) else {
        return Ok(Adopted::Refused(Judged::refused(
            "refund_unreadable",
            Some(order),
        )));
    };
    let provider_fits = seen
        .sp_mchid
        .as_deref()
        .is_none_or(|theirs| theirs == order.sp_mchid.as_str());
    if payment.transaction_id != seen.transaction_id || !provider_fits {
        let code = "refund_payment_mismatch";
        return Ok(Adopted::Refused(Judged::refused(code, Some(order))));
    }
    let intent = Intent {
        order: &order,
        attempt: &attempt,
        transaction_id: &payment.transaction_id,
        total: order.money.paid,
        refund: Asked::Ours(refund_fen),
        origin: RefundOrigin::External,
        late_payment: None,
    };
    let mut refund = intent::new_refund(&intent, now);
    refund.out_refund_no = out_refund_no;
    refund.state = RefundState::Sent;
    refund.sent_at = Some(now);
    refund.last_sent_at = Some(now);
    if let Err(mismatch) = settle_refund(&refund, seen) {
        let judged = Judged::refused(mismatch.code(), Some(order));
        return Ok(Adopted::Refused(judged));
    }
    // When a refund of ours has the amount set aside, this one waits until that is refused: the error keeps the
    // notification, and it is tried again.
    let order = intent::record(tx, &order, &refund, source).await?;
    Ok(Adopted::Refund(Box::new((order, refund))))
}

/// What a person needs to look into it; nothing secret.
fn detail_of(seen: &RefundObservation) -> String {
    serde_json::json!({
        "sp_mchid": seen.sp_mchid,
        "sub_mchid": seen.sub_mchid,
        "out_trade_no": seen.out_trade_no,
        "transaction_id": seen.transaction_id,
        "out_refund_no": seen.out_refund_no,
        "wechat_refund_id": seen.refund_id,
        "status": seen.status,
        "refund": seen.refund,
        "total": seen.total,
    })
    .to_string()
}
