//! Sending a refund: the same number and the same bytes every time; what has no certain end is asked about, never failed.

use futures::FutureExt as _;
use tributary_domain::clock::Timestamp;
use tributary_domain::event::EventType;
use tributary_domain::ids::RefundId;
use tributary_domain::order::Order;
use tributary_domain::order_money::REFUND_DISTANCE_MS;
use tributary_domain::refund::{
    REFUND_CLAIM_MS, REFUND_SETTLES_MS, Refund, RefundFailure, RefundOrigin, RefundState,
};
use tributary_domain::rehearsal::{CrashPoint, Sabotage, crash_point, is_broken};
use tributary_domain::settlement::Source;
use tributary_storage::{Tx, discrepancies, late_payments, orders, refunds};
use wechatpay::client::{CallError, Client};
use wechatpay::v3::refunds as wire;
use wechatpay::v3::request::FrozenBody;

use crate::budgets::Urgency;
use crate::notifications::KIND_REFUND;
use crate::observation::from_refund;
use crate::orders::upstream;
use crate::providers::ProviderHandle;
use crate::refunds::room::Room;
use crate::refunds::{QueriedRefund, intent};
use crate::settlement::{POLICY, racing, settle_refund_money};
use crate::upstream_calls::{CallContext, CallPurpose};
use crate::{OperationError, Operations, UpstreamError};

/// How long after the payment WeChat may still have to learn of it ("WeChat partner docs: refund": sporadically in
/// the first seconds).
const PAYMENT_SETTLES_MS: i64 = 5 * 60_000;
/// A refund that the provider's budget has no room for waits this long.
const NO_ROOM_MS: i64 = 1_000;
/// An automatic refund of an order whose sums are in doubt waits this long for a person.
const STOPPED_MS: i64 = 60 * 60_000;

/// Whether the sender has the refund for itself already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Permit {
    /// Nobody else may be sending it.
    Ask,
    /// The worker claimed it.
    Claimed,
}

impl Permit {
    const fn urgency(self) -> Urgency {
        match self {
            Self::Ask => Urgency::Asked,
            Self::Claimed => Urgency::Background,
        }
    }
}

/// What a sending came to.
pub(crate) struct Sent {
    /// The refund as it is now.
    pub(crate) refund: Refund,
    /// What WeChat said against it.
    pub(crate) error: Option<UpstreamError>,
}

/// A refund that is about to be sent.
struct Ready {
    refund: Refund,
    body: FrozenBody,
    /// Its state before.
    was: RefundState,
    /// When it was sent before: a refusal now proves nothing about that time.
    sent_before: Option<Timestamp>,
    room: Room,
}

/// What follows from a refusal.
enum Becomes {
    /// It is in this state from now on.
    State(RefundState),
    /// A question found out more than the refusal said.
    Settled(Box<Refund>),
}

enum Prepared {
    Ready(Box<Ready>),
    /// Not now: somebody else has it, it came to an end, or it must wait.
    Not(Box<Refund>),
}

impl Operations {
    /// Sends a refund that WeChat is not known to have accepted, and writes what came of it.
    pub(crate) async fn send_refund(
        &self,
        refund: &Refund,
        permit: Permit,
    ) -> Result<Sent, OperationError> {
        let handle = self.provider(&refund.provider_id).await?;
        let prepare = || self.prepare(&handle, refund, permit).boxed();
        let ready = match racing(prepare).await? {
            Prepared::Ready(ready) => *ready,
            Prepared::Not(refund) => {
                return Ok(Sent {
                    refund: *refund,
                    error: None,
                });
            }
        };
        let body = &ready.body;
        let sent = |client: Client| async move { client.refund(body).await };
        let context = CallContext::refund(CallPurpose::Refund, &ready.refund);
        crash_point(CrashPoint::RefundMarkedSent);
        let answer = self.call(&handle, &context, sent).await;
        crash_point(CrashPoint::RefundAnswered);
        match answer {
            Ok(answer) => {
                self.refund_was_taken(&ready.refund, ready.room);
                let seen = from_refund(&answer.value);
                let now = self.let_in(&ready.refund, &seen, Source::Api).await?;
                Ok(Sent {
                    refund: now.map_or(ready.refund, |now| *now),
                    error: None,
                })
            }
            Err(error) => self.refund_failed(ready, &error).await,
        }
    }

    /// Commits that it is being sent, with the bytes that every later sending repeats.
    async fn prepare(
        &self,
        handle: &ProviderHandle,
        asked: &Refund,
        permit: Permit,
    ) -> Result<Prepared, OperationError> {
        let now = self.now();
        let tx = self.storage().begin().await?;
        let (order, refund) = lock_both(&tx, asked).await?;
        let taken = match permit {
            Permit::Ask => {
                refund.state == RefundState::Sent && refund.next_try_at.is_some_and(|at| at > now)
            }
            // Whoever sent it since the claim has moved the next look.
            Permit::Claimed => refund.next_try_at != asked.next_try_at,
        };
        // What was made elsewhere is never asked for here.
        let is_ours = refund.origin != RefundOrigin::External;
        if !refund.state.is_unaccepted() || taken || !is_ours {
            return Ok(Prepared::Not(Box::new(refund)));
        }
        let turn = if is_stopped(&tx, &refund).await? {
            Err(now.plus_millis(STOPPED_MS))
        } else {
            self.turn(&order, &refund, permit, now)
        };
        let room = match turn {
            Ok(room) => room,
            Err(at) => {
                let after = Refund {
                    next_try_at: Some(at),
                    ..refund.clone()
                };
                refunds::update(&tx, &refund, &after).await?;
                tx.commit().await?;
                return Ok(Prepared::Not(Box::new(after)));
            }
        };
        let body = match &refund.body {
            Some(body) if !is_broken(Sabotage::RefundNumberAnew) => {
                FrozenBody::from_bytes(body.clone())
            }
            _ => self.freeze(handle, &refund)?,
        };
        let after = Refund {
            body: Some(body.as_bytes().to_vec()),
            state: RefundState::Sent,
            sent_at: refund.sent_at.or(Some(now)),
            last_sent_at: Some(now),
            updated_at: now,
            next_try_at: Some(now.plus_millis(REFUND_CLAIM_MS)),
            ..refund.clone()
        };
        refunds::update(&tx, &refund, &after).await?;
        let mut sending = order.clone();
        sending.money.last_refund_at = Some(now);
        orders::update_money(&tx, &order, &sending).await?;
        tx.commit().await?;
        Ok(Prepared::Ready(Box::new(Ready {
            was: refund.state,
            sent_before: refund.last_sent_at,
            refund: after,
            body,
            room,
        })))
    }

    /// Refunds of one order keep their distance, and a provider's budgets are never overdrawn: room for this one, or
    /// when to look again.
    fn turn(
        &self,
        order: &Order,
        refund: &Refund,
        permit: Permit,
        now: Timestamp,
    ) -> Result<Room, Timestamp> {
        // To WeChat a refund that was held is a first one too: it was never taken.
        let is_first = refund.sent_at.is_none() || refund.state == RefundState::Held;
        if let Some(last) = order.money.last_refund_at
            && is_first
            && now.millis_since(last) < REFUND_DISTANCE_MS
        {
            return Err(last.plus_millis(REFUND_DISTANCE_MS));
        }
        self.take_room(refund, permit.urgency(), now)
            .ok_or_else(|| now.plus_millis(NO_ROOM_MS))
    }

    fn freeze(
        &self,
        handle: &ProviderHandle,
        refund: &Refund,
    ) -> Result<FrozenBody, OperationError> {
        let notify_url = format!(
            "{}/wechat/notify/{}/{KIND_REFUND}",
            self.inner.public_url, handle.provider.route_token
        );
        handle
            .client
            .prepare_refund(&wire_refund(refund, notify_url))
            .map_err(|fault| OperationError::Internal(format!("freezing a refund: {fault}")))
    }

    async fn refund_failed(&self, ready: Ready, error: &CallError) -> Result<Sent, OperationError> {
        let refund = &ready.refund;
        tracing::warn!(refund.id = %refund.id, order.id = %refund.order_id, code = error.code(),
            request_id = error.trace.request_id.as_deref(), outcome_unknown = error.outcome_unknown(),
            error = error as &dyn std::error::Error, "a refund was not accepted");
        if error
            .status()
            .is_some_and(|status| (400..429).contains(&status))
        {
            self.refund_was_refused(refund, ready.room);
        }
        let shown = UpstreamError::from(error);
        let becomes = match upstream(error) {
            OperationError::Upstream(_) => self.after_refusal(&ready, &shown).await,
            _ if is_broken(Sabotage::RefundFailedOnTimeout) => Becomes::State(RefundState::Closed),
            // Nothing was sent, or nobody knows: the same bytes again, after asking.
            _ => Becomes::State(RefundState::Unknown),
        };
        let refund = match becomes {
            Becomes::Settled(refund) => *refund,
            Becomes::State(state) => {
                let write = || self.write_failure(&ready, state, &shown).boxed();
                racing(write).await?
            }
        };
        Ok(Sent {
            refund,
            error: Some(shown),
        })
    }

    /// What a definite refusal means for the refund.
    ///
    /// A refusal is not signed, so before anything is given up WeChat is asked.
    async fn after_refusal(&self, ready: &Ready, refusal: &UpstreamError) -> Becomes {
        let refund = &ready.refund;
        let now = self.now();
        let since_ms = |at: Option<Timestamp>| at.map_or(i64::MAX, |at| now.millis_since(at));
        if is_mended_elsewhere(refusal) {
            return Becomes::State(RefundState::Held);
        }
        let code = refusal.code.as_deref();
        let unknown_order = matches!(code, Some("ORDER_NOT_EXIST" | "RESOURCE_NOT_EXISTS"));
        let is_young = since_ms(refund.sent_at) < PAYMENT_SETTLES_MS;
        // Without a code it may be anybody's page.
        if code.is_none() || (unknown_order && is_young) {
            return Becomes::State(RefundState::Unknown);
        }
        match self.query_refund(refund).await {
            Ok(QueriedRefund::Seen(now)) => Becomes::Settled(now),
            Ok(QueriedRefund::NotThere) if since_ms(ready.sent_before) >= REFUND_SETTLES_MS => {
                Becomes::State(RefundState::Closed)
            }
            _ => Becomes::State(RefundState::Unknown),
        }
    }

    /// Writes that a sending was not accepted, unless somebody learned more in the meantime.
    async fn write_failure(
        &self,
        ready: &Ready,
        state: RefundState,
        shown: &UpstreamError,
    ) -> Result<Refund, OperationError> {
        let now = self.now();
        let tx = self.storage().begin().await?;
        let (order, before) = lock_both(&tx, &ready.refund).await?;
        // The time of the next look tells whose sending this is the end of.
        let is_mine = before.next_try_at == ready.refund.next_try_at;
        if before.state != RefundState::Sent || !is_mine {
            return Ok(before);
        }
        let failure = RefundFailure {
            code: shown.code.clone(),
            message: shown.message.to_string(),
        };
        let known = before.failure.as_ref();
        let told = ready.was == state && known.is_some_and(|known| known.code == failure.code);
        let tries = if ready.was == state { before.tries } else { 0 };
        let mut after = Refund {
            state,
            failure: Some(failure),
            updated_at: now,
            next_try_at: before.next_look(state, tries, now),
            tries: tries.saturating_add(1),
            ..before.clone()
        };
        let kind = match state {
            RefundState::Closed => EventType::RefundClosed,
            RefundState::Held => EventType::RefundHeld,
            _ => EventType::RefundUnknown,
        };
        settle_refund_money(&tx, order, &after, now).await?;
        if told && state.is_open() {
            // It waits for the same reason as before, and that was told.
            refunds::update(&tx, &before, &after).await?;
        } else {
            intent::change(&tx, &before, &mut after, kind, Source::System).await?;
        }
        tx.commit().await?;
        Ok(after)
    }
}

/// Whether a refund that no person decided about must wait until a person has settled what is wrong with the sums.
async fn is_stopped(tx: &Tx, refund: &Refund) -> Result<bool, OperationError> {
    if refund.origin != RefundOrigin::LateMoney {
        return Ok(false);
    }
    let (tenant, order) = (&refund.tenant_id, &refund.order_id);
    let all = late_payments::of_order(tx, tenant, order).await?;
    let is_automatic = all.iter().any(|late| {
        late.refund_id.as_ref() == Some(&refund.id) && late.decided_by.as_deref() == Some(POLICY)
    });
    Ok(is_automatic && discrepancies::stop_automatics(tx, tenant, refund.mode, order).await?)
}

/// Takes the order's row first and the refund's second, as everybody does.
pub(super) async fn lock_both(tx: &Tx, refund: &Refund) -> Result<(Order, Refund), OperationError> {
    let order = orders::lock(tx, &refund.tenant_id, &refund.order_id).await?;
    let refund = refunds::lock(tx, &refund.tenant_id, &refund.id).await?;
    match (order, refund) {
        (Some(order), Some(refund)) => Ok((order, refund)),
        _ => Err(OperationError::Internal(
            "a refund without its order".into(),
        )),
    }
}

/// Money that is missing, a permission or a key: somebody mends it, and then the same number is accepted.
fn is_mended_elsewhere(refusal: &UpstreamError) -> bool {
    let code = refusal.code.as_deref();
    matches!(code, Some("NOT_ENOUGH" | "NO_AUTH" | "SIGN_ERROR"))
        || matches!(refusal.who_must_act.as_str(), "provider" | "wechat")
}

fn wire_refund(refund: &Refund, notify_url: String) -> wire::RefundRequest {
    let content = &refund.content;
    wire::RefundRequest {
        sub_mchid: refund.sub_mchid.to_string(),
        transaction_id: Some(refund.transaction_id.clone()),
        out_trade_no: None,
        out_refund_no: if is_broken(Sabotage::RefundNumberAnew) && refund.sent_at.is_some() {
            RefundId::new(refund.updated_at).to_string()
        } else {
            refund.out_refund_no.to_string()
        },
        reason: content.reason.clone(),
        notify_url: Some(notify_url),
        funds_account: content
            .funds_account
            .map(|account| account.as_str().to_owned()),
        amount: wire::RefundRequestAmount {
            refund: content.refund.as_i64(),
            from: None,
            total: refund.total.as_i64(),
            currency: content.currency.as_str().to_owned(),
        },
        goods_detail: wire_goods(refund),
    }
}

fn wire_goods(refund: &Refund) -> Option<Vec<wire::RefundGoods>> {
    let goods = &refund.content.goods_detail;
    let wired = goods.iter().map(|goods| wire::RefundGoods {
        merchant_goods_id: goods.merchant_goods_id.clone(),
        wechatpay_goods_id: goods.wechatpay_goods_id.clone(),
        goods_name: goods.goods_name.clone(),
        unit_price: goods.unit_price,
        refund_amount: goods.refund_amount,
        refund_quantity: goods.refund_quantity,
    });
    (!goods.is_empty()).then(|| wired.collect())
}
