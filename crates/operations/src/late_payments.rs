//! What people do about late money: set a tenant's policy, see what is held, decide.

use futures::FutureExt as _;
use serde_json::json;
use tributary_domain::clock::Timestamp;
use tributary_domain::event::EventType;
use tributary_domain::field::FieldError;
use tributary_domain::ids::{LatePaymentId, TenantId};
use tributary_domain::late_payment::{
    LateDecision, LateKind, LatePayment, LatePaymentState, LatePolicy,
};
use tributary_domain::order::{Attempt, Order, OrderState};
use tributary_domain::settlement::Source;
use tributary_domain::staff::{Actor, Permission};
use tributary_storage::{Tx, late_payments, orders, tenants};

use crate::audit::{self, Act};
use crate::authority::Authority;
use crate::pages::{LIMIT_MAX, Page, check_limit, cut};
use crate::refunds::intent;
use crate::settlement::{Telling, change, racing, refund_of};
use crate::tenants::scope_of;
use crate::viewer::Viewer;
use crate::{OperationError, Operations};

const WORDS_CHARS_MAX: usize = 191;

/// A person's decision about held money.
#[derive(Clone, Debug)]
pub struct Ruling {
    /// What is to become of it: `accept` or `refund`.
    pub decision: LateDecision,
    /// Who decided.
    pub decided_by: String,
    /// Why.
    pub reason: String,
}

impl Operations {
    /// Sets what becomes of a tenant's late money from now on.
    pub async fn set_late_policy(
        &self,
        by: &Actor,
        tenant: &TenantId,
        policy: LatePolicy,
    ) -> Result<(), OperationError> {
        let tx = self.storage().begin().await?;
        if !tenants::set_late_policy(&tx, tenant, policy).await? {
            return Err(OperationError::NotFound);
        }
        let act = Act {
            after: Some(json!(policy)),
            ..Act::new(
                scope_of(tenant),
                "tenant.late_policy.changed",
                tenant.as_str(),
            )
        };
        audit::record(&tx, by, act, self.now()).await?;
        Ok(tx.commit().await?)
    }

    /// Late money of every tenant that waits for a person, the oldest first.
    pub async fn held_payments(
        &self,
        after: Option<&LatePaymentId>,
    ) -> Result<Page<LatePayment>, OperationError> {
        let (state, longer) = (LatePaymentState::Held, LIMIT_MAX.saturating_add(1));
        let rows = late_payments::in_state_all_tenants(self.storage(), state, after, longer);
        Ok(cut(rows.await?, LIMIT_MAX, |late| late.id.to_string()))
    }

    /// Late money in a state, oldest first, as far as the viewer sees. Needs `order:read`.
    pub async fn late_payments_in(
        &self,
        viewer: &Viewer,
        state: LatePaymentState,
        after: Option<&LatePaymentId>,
        limit: Option<u64>,
    ) -> Result<Page<LatePayment>, OperationError> {
        viewer.require(Permission::OrderRead)?;
        let limit = check_limit(limit)?;
        let (at, longer) = (self.storage(), limit.saturating_add(1));
        let rows = match viewer.tenant() {
            Some(tenant) => late_payments::in_state(at, tenant, state, after, longer).await?,
            None => late_payments::in_state_all_tenants(at, state, after, longer).await?,
        };
        Ok(cut(rows, limit, |late| late.id.to_string()))
    }

    /// A late payment that the viewer sees. Needs `order:read`.
    pub async fn late_payment(
        &self,
        viewer: &Viewer,
        id: &LatePaymentId,
    ) -> Result<LatePayment, OperationError> {
        viewer.require(Permission::OrderRead)?;
        let at = self.storage();
        let found = match viewer.tenant() {
            Some(tenant) => late_payments::find(at, tenant, id).await?,
            None => late_payments::find_all_tenants(at, id).await?,
        };
        found.ok_or(OperationError::NotFound)
    }

    /// Decides about held money; the decision is written with whatever follows from it.
    ///
    /// Needs `late_payment:decide`.
    pub async fn decide_late_payment(
        &self,
        by: &dyn Authority,
        tenant: &TenantId,
        id: &LatePaymentId,
        ruling: &Ruling,
    ) -> Result<LatePayment, OperationError> {
        let by = &by.acting_in(tenant, Permission::LatePaymentDecide)?;
        check(ruling)?;
        let decide = || self.decide_once(by, tenant, id, ruling).boxed();
        let decided = racing(decide).await?;
        self.wakeups().refunds.notify_one();
        Ok(decided)
    }

    async fn decide_once(
        &self,
        by: &Actor,
        tenant: &TenantId,
        id: &LatePaymentId,
        ruling: &Ruling,
    ) -> Result<LatePayment, OperationError> {
        let now = self.now();
        let tx = self.storage().begin().await?;
        let found = late_payments::find(&tx, tenant, id).await?;
        let found = found.ok_or(OperationError::NotFound)?;
        let order = orders::lock(&tx, tenant, &found.order_id).await?;
        let late = late_payments::find(&tx, tenant, id).await?;
        let attempt = orders::find_attempt(&tx, tenant, &found.attempt_id).await?;
        let (Some(order), Some(late), Some(attempt)) = (order, late, attempt) else {
            return Err(OperationError::Internal(
                "a late payment without its order".into(),
            ));
        };
        if !is_open_to(ruling.decision, &late, &order) {
            return Err(OperationError::StateConflict {
                state: late.state.as_str().to_owned(),
            });
        }
        let mut decided = LatePayment {
            state: ruling.decision.state(),
            decided_by: Some(ruling.decided_by.clone()),
            reason: Some(ruling.reason.clone()),
            updated_at: now,
            ..late.clone()
        };
        if ruling.decision == LateDecision::Refund {
            let sending = leave_held(&tx, &order, &late, OrderState::Refunding, now).await?;
            let refund = refund_of(&sending, &attempt, &late, now);
            intent::record(&tx, &sending, &refund, Source::Person).await?;
            decided.refund_id = Some(refund.id);
            late_payments::update(&tx, &late, &decided).await?;
        } else {
            late_payments::update(&tx, &late, &decided).await?;
            accept(&tx, &order, &attempt, &decided, now).await?;
        }
        let act = Act {
            before: Some(json!({ "state": late.state })),
            after: Some(json!({ "state": decided.state, "refund_id": decided.refund_id })),
            reason: Some(&ruling.reason),
            ..Act::new(scope_of(tenant), "late_payment.decided", order.id.as_str())
        };
        audit::record(&tx, by, act, now).await?;
        tx.commit().await?;
        Ok(decided)
    }
}

/// Held money can be decided about; a second payment that was accepted can still be given back.
fn is_open_to(decision: LateDecision, late: &LatePayment, order: &Order) -> bool {
    match (late.kind, late.state) {
        (LateKind::DuplicatePaid, LatePaymentState::Held) => true,
        (LateKind::DuplicatePaid, LatePaymentState::Accepted) => decision == LateDecision::Refund,
        (_, LatePaymentState::Held) => order.state == OrderState::Held,
        _ => false,
    }
}

fn check(ruling: &Ruling) -> Result<(), OperationError> {
    let mut faults = Vec::new();
    if ruling.decision == LateDecision::Hold {
        faults.push(FieldError::new("/decision", "must be accept or refund"));
    }
    for (field, words) in [
        ("/decided_by", &ruling.decided_by),
        ("/reason", &ruling.reason),
    ] {
        let length = words.chars().count();
        if words.trim().is_empty() || length > WORDS_CHARS_MAX || words.contains('\0') {
            faults.push(FieldError::new(field, "must be 1 to 191 characters"));
        }
    }
    if faults.is_empty() {
        Ok(())
    } else {
        Err(OperationError::Invalid(faults))
    }
}

/// The order of held money moves on, unless the money is a second payment of it.
async fn leave_held(
    tx: &Tx,
    order: &Order,
    late: &LatePayment,
    state: OrderState,
    now: Timestamp,
) -> Result<Order, OperationError> {
    if late.kind == LateKind::DuplicatePaid {
        return Ok(order.clone());
    }
    let after = Order {
        state,
        updated_at: now,
        ..order.clone()
    };
    orders::update(tx, order, &after).await?;
    Ok(after)
}

async fn accept(
    tx: &Tx,
    order: &Order,
    attempt: &Attempt,
    late: &LatePayment,
    now: Timestamp,
) -> Result<(), OperationError> {
    if late.kind == LateKind::DuplicatePaid {
        return Ok(());
    }
    let all = late_payments::of_order(tx, &order.tenant_id, &order.id).await?;
    let mut after = Order {
        state: order.money.state(),
        ..order.clone()
    };
    let telling = Telling {
        kind: EventType::OrderPaid,
        source: Source::Person,
        now,
        attempt: Some(attempt),
        late_payments: &all,
    };
    change(tx, order, &mut after, &telling).await
}
