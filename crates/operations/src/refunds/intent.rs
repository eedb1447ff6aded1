//! The intent of a refund: its number, its amount set aside and its event, committed before WeChat hears of it.

use tributary_domain::clock::Timestamp;
use tributary_domain::event::{Draft, EventType, NewEvent, Subject};
use tributary_domain::ids::{LatePaymentId, RefundId};
use tributary_domain::merchant::{MerchantRefundNo, OutRefundNo};
use tributary_domain::money::{Currency, Fen};
use tributary_domain::order::{Attempt, Order};
use tributary_domain::refund::{REFUND_CLAIM_MS, Refund, RefundFacts, RefundOrigin, RefundState};
use tributary_domain::refund_content::RefundContent;
use tributary_domain::settlement::Source;
use tributary_storage::{Tx, orders, outbox, refunds};

use crate::OperationError;
use crate::refunds::view::refund_view;

/// What a refund is made of.
pub(crate) struct Intent<'a> {
    pub(crate) order: &'a Order,
    pub(crate) attempt: &'a Attempt,
    pub(crate) transaction_id: &'a str,
    /// The whole payment.
    pub(crate) total: Fen,
    /// What was asked for; absent for the whole payment under a number of our own.
    pub(crate) content: Option<RefundContent>,
    pub(crate) origin: RefundOrigin,
    /// The late payment that it gives back, when it is not the order's own payment.
    pub(crate) late_payment: Option<&'a LatePaymentId>,
}

/// Makes a refund; the number that WeChat sees never changes from here on.
pub(crate) fn new_refund(intent: &Intent<'_>, now: Timestamp) -> Refund {
    let id = RefundId::new(now);
    let content = intent.content.clone().unwrap_or_else(|| RefundContent {
        merchant_refund_no: MerchantRefundNo::from_id(&id),
        refund: intent.total,
        currency: Currency::Cny,
        reason: None,
        funds_account: None,
        goods_detail: Vec::new(),
    });
    let order = intent.order;
    // Whoever sends it at once has it for itself; everybody else waits for the worker.
    let claimed_ms = match intent.origin {
        RefundOrigin::Api => REFUND_CLAIM_MS,
        RefundOrigin::LateMoney | RefundOrigin::External => 0,
    };
    Refund {
        out_refund_no: OutRefundNo::from_id(&id),
        id,
        tenant_id: order.tenant_id.clone(),
        mode: order.mode,
        provider_id: order.provider_id.clone(),
        order_id: order.id.clone(),
        attempt_id: intent.attempt.id.clone(),
        late_payment_id: intent.late_payment.cloned(),
        sub_mchid: order.sub_mchid.clone(),
        origin: intent.origin,
        content,
        out_trade_no: intent.attempt.out_trade_no.clone(),
        transaction_id: intent.transaction_id.to_owned(),
        total: intent.total,
        body: None,
        state: RefundState::Requested,
        facts: RefundFacts::default(),
        failure: None,
        created_at: now,
        updated_at: now,
        event_seq: 1,
        sent_at: None,
        next_try_at: Some(now.plus_millis(claimed_ms)),
        tries: 0,
    }
}

/// Commits with the caller's transaction: the refund, its amount set aside on the order, `refund.created`.
///
/// Holds the order's row; gives the order back as it is then.
pub(crate) async fn record(
    tx: &Tx,
    order: &Order,
    refund: &Refund,
    source: Source,
) -> Result<Order, OperationError> {
    let mut after = order.clone();
    if refund.late_payment_id.is_none() {
        after.money = order
            .money
            .reserve(refund.content.refund)
            .map_err(OperationError::NotRefundable)?;
        after.updated_at = refund.created_at;
        orders::update_money(tx, order, &after).await?;
    }
    refunds::insert(tx, refund).await?;
    tell(tx, refund, None, EventType::RefundCreated, source).await?;
    Ok(after)
}

/// Writes a changed refund together with the event that tells of it.
pub(crate) async fn change(
    tx: &Tx,
    before: &Refund,
    after: &mut Refund,
    kind: EventType,
    source: Source,
) -> Result<(), OperationError> {
    assert!(
        after.state.rank() >= before.state.rank() || before.state.is_unaccepted(),
        "a refund never moves back from what is certain"
    );
    after.event_seq = before.event_seq.saturating_add(1);
    refunds::update(tx, before, after).await?;
    tell(tx, after, Some(before.state.as_str()), kind, source).await
}

async fn tell(
    tx: &Tx,
    refund: &Refund,
    previous_state: Option<&str>,
    kind: EventType,
    source: Source,
) -> Result<(), OperationError> {
    let object = serde_json::value::to_raw_value(&refund_view(refund))
        .map_err(|error| OperationError::Internal(format!("rendering a refund: {error}")))?;
    let draft = Draft {
        tenant_id: &refund.tenant_id,
        mode: refund.mode,
        kind,
        subject: Subject {
            kind: "refund",
            id: refund.id.to_string(),
        },
        seq: refund.event_seq,
        occurred_at: refund.updated_at,
        source,
        object: &object,
        previous_state,
        sub_mchid: Some(refund.sub_mchid.as_str()),
    };
    let event = NewEvent::from_draft(draft, dedupe_key(refund, kind), refund.updated_at)
        .map_err(|error| OperationError::Internal(format!("rendering an event: {error}")))?;
    outbox::append(tx, &event).await?;
    Ok(())
}

/// What is certain happens once to a refund; waiting and not knowing may happen again.
fn dedupe_key(refund: &Refund, kind: EventType) -> String {
    match kind {
        EventType::RefundUnknown | EventType::RefundHeld => {
            format!("{}:{}:{}", refund.id, kind.as_str(), refund.event_seq)
        }
        _ => format!("{}:{}", refund.id, kind.as_str()),
    }
}
