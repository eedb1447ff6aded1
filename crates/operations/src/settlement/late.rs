//! Late money through the one door: recorded, decided by the tenant's policy, told once.

use tributary_domain::clock::Timestamp;
use tributary_domain::event::EventType;
use tributary_domain::ids::LatePaymentId;
use tributary_domain::late_payment::{LateDecision, LateKind, LatePayment};
use tributary_domain::order::{Attempt, AttemptState, Order, OrderState};
use tributary_domain::refund::RefundOrigin;
use tributary_domain::rehearsal::{CrashPoint, Sabotage, crash_point, is_broken};
use tributary_domain::settlement::{LateMoney, Source};
use tributary_storage::{Tx, discrepancies, late_payments, orders, tenants};

use crate::OperationError;
use crate::refunds::intent::{self, Asked, Intent};
use crate::settlement::{About, Judged, Telling, change, learned, leftovers_due, raise};

/// Who decides when no person does.
pub(crate) const POLICY: &str = "policy";

/// A payment that is not the ordinary one of its order.
pub(super) struct News<'a> {
    pub(super) order: &'a Order,
    pub(super) attempt: &'a Attempt,
    pub(super) money: &'a LateMoney,
    /// WeChat's own word.
    pub(super) trade_state: &'a str,
}

/// Records late money with what the policy says about it; the same payment again says nothing new.
pub(super) async fn settle_late(
    tx: &Tx,
    news: &News<'_>,
    source: Source,
    now: Timestamp,
) -> Result<Judged, OperationError> {
    let (order, kind) = (news.order, news.money.kind);
    let mut all = late_payments::of_order(tx, &order.tenant_id, &order.id).await?;
    let transaction_id = news.money.payment.transaction_id.as_str();
    let is_known = all
        .iter()
        .any(|known| known.transaction_id == transaction_id);
    if is_known || is_broken(Sabotage::LateMoneyDropped) {
        return Ok(Judged::applied("unchanged", order.clone()));
    }
    let tenant = tenants::find(tx, &order.tenant_id).await?;
    let policy = tenant.map(|tenant| tenant.late_policy).unwrap_or_default();
    let is_stopped =
        discrepancies::stop_automatics(tx, &order.tenant_id, order.mode, &order.id).await?;
    let decision = if is_stopped {
        LateDecision::Hold
    } else {
        decide(order, kind, policy.decide(kind))
    };
    let mut late = late_payment(news, decision, now);
    let attempt = settle_attempt(tx, news).await?;
    let mut after = after(news, decision);
    if after.payment != order.payment {
        learned(&mut after, source, now);
    }
    after.next_poll_at = leftovers_due(tx, order, news.attempt, now).await?;
    after.polls = 0;
    let refund =
        (decision == LateDecision::Refund).then(|| refund_of(&after, &attempt, &late, now));
    late.refund_id = refund.as_ref().map(|refund| refund.id.clone());
    late_payments::insert(tx, &late).await?;
    all.push(late.clone());
    let telling = Telling {
        kind: event(kind),
        source,
        now,
        attempt: Some(&attempt),
        late_payments: &all,
    };
    change(tx, order, &mut after, &telling).await?;
    if let Some(refund) = &refund {
        after = intent::record(tx, &after, refund, Source::System).await?;
        crash_point(CrashPoint::LateRefundBeforeCommit);
    }
    if decision == LateDecision::Hold || kind != LateKind::PaidLate {
        alarm(tx, &late, now).await?;
    }
    let mut judged = Judged::applied(kind.as_str(), after);
    judged.refund_due = refund.is_some();
    Ok(judged)
}

/// A second payment is only surplus while the first one stands; otherwise it may be the one that was meant.
const fn decide(order: &Order, kind: LateKind, decision: LateDecision) -> LateDecision {
    let first_stands = matches!(
        order.state,
        OrderState::Paid | OrderState::PartiallyRefunded
    );
    match (kind, decision) {
        (LateKind::DuplicatePaid, LateDecision::Accept) if !first_stands => LateDecision::Hold,
        _ => decision,
    }
}

fn late_payment(news: &News<'_>, decision: LateDecision, now: Timestamp) -> LatePayment {
    let (order, payment) = (news.order, &news.money.payment);
    LatePayment {
        id: LatePaymentId::new(now),
        tenant_id: order.tenant_id.clone(),
        mode: order.mode,
        order_id: order.id.clone(),
        attempt_id: news.attempt.id.clone(),
        provider_id: order.provider_id.clone(),
        kind: news.money.kind,
        transaction_id: payment.transaction_id.clone(),
        total: news.money.total,
        success_time: payment.success_time,
        state: decision.state(),
        decided_by: (decision != LateDecision::Hold).then(|| POLICY.to_owned()),
        reason: None,
        refund_id: None,
        created_at: now,
        updated_at: now,
    }
}

async fn settle_attempt(tx: &Tx, news: &News<'_>) -> Result<Attempt, OperationError> {
    let state = match (news.money.kind, news.attempt.state) {
        (LateKind::DuplicatePaid, AttemptState::Success) => return Ok(news.attempt.clone()),
        (LateKind::DuplicatePaid, _) => AttemptState::DuplicatePaid,
        _ => AttemptState::Success,
    };
    let paid = Attempt {
        state,
        ..news.attempt.clone()
    };
    orders::update_attempt(tx, news.attempt.state, &paid).await?;
    Ok(paid)
}

/// A second payment changes nothing about the first; the others are the order's own payment, whatever becomes of it.
fn after(news: &News<'_>, decision: LateDecision) -> Order {
    let mut after = news.order.clone();
    if news.money.kind == LateKind::DuplicatePaid {
        return after;
    }
    after.trade_state = Some(news.trade_state.to_owned());
    after.payment = Some(news.money.payment.clone());
    after.money.paid = news.money.total;
    after.state = match decision {
        LateDecision::Accept => OrderState::Paid,
        LateDecision::Refund => OrderState::Refunding,
        LateDecision::Hold => OrderState::Held,
    };
    after
}

/// The refund that gives late money back as a whole; its number is fixed with it.
pub(crate) fn refund_of(
    order: &Order,
    attempt: &Attempt,
    late: &LatePayment,
    now: Timestamp,
) -> tributary_domain::refund::Refund {
    // What of the order's own payment went back another way meanwhile is not given back again.
    let refund = match late.kind {
        LateKind::DuplicatePaid => late.total,
        _ => order.money.left(),
    };
    intent::new_refund(
        &Intent {
            order,
            attempt,
            transaction_id: &late.transaction_id,
            total: late.total,
            refund: Asked::Ours(refund),
            origin: RefundOrigin::LateMoney,
            late_payment: (late.kind == LateKind::DuplicatePaid).then_some(&late.id),
        },
        now,
    )
}

const fn event(kind: LateKind) -> EventType {
    match kind {
        LateKind::PaidLate => EventType::OrderPaidLate,
        LateKind::DuplicatePaid => EventType::OrderDuplicatePaid,
        LateKind::AmountMismatch => EventType::OrderAmountMismatch,
    }
}

/// Tells a person that there is something to decide, or that WeChat and we disagree about an amount.
pub(crate) async fn alarm(
    tx: &Tx,
    late: &LatePayment,
    now: Timestamp,
) -> Result<(), OperationError> {
    let about = About {
        code: match late.kind {
            LateKind::PaidLate => "paid_late",
            LateKind::DuplicatePaid => "duplicate_paid",
            LateKind::AmountMismatch => "amount_mismatch",
        },
        tenant: Some(&late.tenant_id),
        order: Some(&late.order_id),
    };
    let detail = serde_json::json!({
        "late_payment_id": late.id,
        "transaction_id": late.transaction_id,
        "total": late.total,
        "state": late.state,
        "refund_id": late.refund_id,
    });
    raise(tx, &late.provider_id, &about, detail.to_string(), now).await
}
