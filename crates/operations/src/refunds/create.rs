//! Asking for a refund: its intent is committed with the idempotency key, then it is sent.

use serde::{Deserialize, Serialize};
use tributary_domain::audit::AuditScope;
use tributary_domain::clock::Timestamp;
use tributary_domain::ids::{RefundId, TenantId};
use tributary_domain::order::Order;
use tributary_domain::refund::{Refund, RefundOrigin, RefundState};
use tributary_domain::refund_content::{OrderRef, RefundContent, RefundRequest};
use tributary_domain::rehearsal::{CrashPoint, crash_point};
use tributary_domain::settlement::Source;
use tributary_domain::staff::Actor;
use tributary_domain::tenant::{Mode, Scope};
use tributary_storage::idempotency::{self, About, Scope as KeyScope};
use tributary_storage::{StorageError, Tx, orders, refunds};

use crate::audit::{self, Act};
use crate::credentials::Caller;
use crate::idempotency::{Idempotency, Known};
use crate::refunds::intent::{self, Asked, Intent};
use crate::refunds::send::Permit;
use crate::refunds::view::{RefundView, refund_view};
use crate::{OperationError, Operations, UpstreamError, refund_limits};

/// The status of an answer that made a new refund.
const CREATED: u16 = 201;
/// The status of an answer that gives a refund back.
const OK: u16 = 200;
/// The status of an answer about a refund whose outcome at WeChat is not known yet.
const ACCEPTED: u16 = 202;

/// The answer to asking for a refund.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refunded {
    /// 201 for a new refund, 200 for one that is given back, 202 while its outcome is unknown.
    pub status: u16,
    /// Whether the answer was given before under the same idempotency key.
    pub replayed: bool,
    /// The refund.
    pub view: RefundView,
}

/// Whose money goes back, and who asks for it.
pub(crate) struct Asker<'a> {
    pub(crate) tenant_id: TenantId,
    pub(crate) mode: Mode,
    pub(crate) by: AskedBy<'a>,
}

/// Who asks for a refund.
#[derive(Clone, Copy)]
pub(crate) enum AskedBy<'a> {
    /// The tenant's program: it is the tenant's own money.
    Program,
    /// A person, up to the limit.
    Person(&'a Actor),
    /// A person whose request a second one approved.
    TwoPeople(&'a Actor),
}

/// A definite answer as it is kept under an idempotency key.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum KeptAnswer {
    Refunded(Box<RefundView>),
    Refused(UpstreamError),
}

/// A refund on its way, and the key that guards the answer.
struct Work {
    refund: Refund,
    scope: KeyScope,
    lock_token: i64,
    /// What a success is answered with.
    status: u16,
}

impl Operations {
    /// Refunds an order, or gives back the refund that the same request made before.
    pub async fn create_refund(
        &self,
        caller: &Caller,
        request: RefundRequest,
        idem: &Idempotency,
    ) -> Result<Refunded, OperationError> {
        caller.require(Scope::RefundsWrite)?;
        let asker = Asker {
            tenant_id: caller.tenant_id.clone(),
            mode: caller.mode,
            by: AskedBy::Program,
        };
        self.refund_for(&asker, request, idem).await
    }

    /// The same for whoever asks.
    pub(crate) async fn refund_for(
        &self,
        asker: &Asker<'_>,
        request: RefundRequest,
        idem: &Idempotency,
    ) -> Result<Refunded, OperationError> {
        let asked = RefundContent::parse(request).map_err(OperationError::Invalid)?;
        let scope = idem.scope_of(&asker.tenant_id, asker.mode);
        match self.record_refund(asker, &asked, idem, &scope).await {
            Ok(work) => self.carry_refund_out(work).await,
            Err(OperationError::Storage(StorageError::Duplicate {
                table: "idempotency_keys",
            })) => match self.known_request(idem, &scope).await? {
                Some(Known::Replay { status, answer }) => replay(status, &answer),
                Some(Known::Resume {
                    about: About::Refund(id),
                    lock_token,
                }) => {
                    let work = Work {
                        refund: self.refund_of(asker, &id).await?,
                        scope,
                        lock_token,
                        status: OK,
                    };
                    self.carry_refund_out(work).await
                }
                _ => Err(OperationError::IdempotencyInFlight),
            },
            // Somebody else used the number for another order in the same moment.
            Err(OperationError::Storage(StorageError::Duplicate { table: "refunds" })) => {
                Err(OperationError::IdempotencyInFlight)
            }
            Err(other) => Err(other),
        }
    }

    async fn refund_of(&self, asker: &Asker<'_>, id: &RefundId) -> Result<Refund, OperationError> {
        let found = refunds::find(self.storage(), &asker.tenant_id, asker.mode, id).await?;
        found.ok_or(OperationError::NotFound)
    }

    /// Commits the key with the refund that it makes, or with the one that the tenant's number names already.
    async fn record_refund(
        &self,
        asker: &Asker<'_>,
        (order_ref, content): &(OrderRef, RefundContent),
        idem: &Idempotency,
        scope: &KeyScope,
    ) -> Result<Work, OperationError> {
        let now = self.now();
        let tx = self.storage().begin().await?;
        let order = lock_order(&tx, asker, order_ref).await?;
        let (tenant, mode) = (&asker.tenant_id, asker.mode);
        let number = &content.merchant_refund_no;
        let known = refunds::find_by_number(&tx, tenant, mode, number).await?;
        let (refund, status) = match known {
            Some(known) if known.content == *content && known.order_id == order.id => (known, OK),
            Some(known) => {
                // The key comes first: a repeated request is told what it is.
                refuse_reused_key(&tx, idem, scope).await?;
                return Err(OperationError::RefundConflict {
                    refund_id: known.id.to_string(),
                });
            }
            None => (new_refund(&tx, &order, content, now).await?, CREATED),
        };
        let about = About::Refund(refund.id.clone());
        let request = idem.request(scope.clone(), about, now);
        idempotency::insert(&tx, &request).await?;
        if status == CREATED {
            // Last, because only now it is certain that the key is new.
            reserve(&tx, asker, (&order, &refund), now).await?;
            if let AskedBy::Person(_) = asker.by {
                refund_limits::refuse_above(&tx, &order, &refund).await?;
            }
            record_person(&tx, asker, &refund, now).await?;
        }
        crash_point(CrashPoint::RefundIntentBeforeCommit);
        tx.commit().await?;
        crash_point(CrashPoint::RefundIntentAfterCommit);
        Ok(Work {
            refund,
            scope: scope.clone(),
            lock_token: request.lock_token,
            status,
        })
    }

    async fn carry_refund_out(&self, mut work: Work) -> Result<Refunded, OperationError> {
        let mut refusal = None;
        if work.refund.state.is_unaccepted() {
            match Box::pin(self.send_refund(&work.refund, Permit::Ask)).await {
                Ok(sent) => {
                    work.refund = sent.refund;
                    refusal = sent.error;
                }
                // The intent is committed: the worker goes on, and the tenant gets the refund as it is.
                Err(error) => self.read_again(&mut work, &error).await?,
            }
        }
        match (work.refund.state, refusal) {
            (RefundState::Closed, Some(refusal)) => self.refuse_refund(&work, refusal).await,
            (RefundState::Unknown | RefundState::Sent, _) => {
                self.release_key(&work).await?;
                work.status = ACCEPTED;
                Ok(answered(&work))
            }
            _ => {
                let view = refund_view(&work.refund);
                let answer = KeptAnswer::Refunded(Box::new(view));
                self.keep_answer(&work, work.status, &answer).await?;
                Ok(answered(&work))
            }
        }
    }

    async fn read_again(
        &self,
        work: &mut Work,
        error: &OperationError,
    ) -> Result<(), OperationError> {
        tracing::error!(refund.id = %work.refund.id, error = error as &dyn std::error::Error,
            "a refund was recorded and could not be sent yet");
        let (tenant, mode, id) = (&work.refund.tenant_id, work.refund.mode, &work.refund.id);
        let found = refunds::find(self.storage(), tenant, mode, id).await?;
        let gone = || OperationError::Internal("a refund is gone".into());
        work.refund = found.ok_or_else(gone)?;
        Ok(())
    }

    /// WeChat refused it for good: that is the answer from now on.
    async fn refuse_refund(
        &self,
        work: &Work,
        refusal: UpstreamError,
    ) -> Result<Refunded, OperationError> {
        let status = refusal.status.unwrap_or_default();
        let answer = KeptAnswer::Refused(refusal.clone());
        self.keep_answer(work, status, &answer).await?;
        Err(OperationError::Upstream(refusal))
    }

    async fn keep_answer(
        &self,
        work: &Work,
        status: u16,
        answer: &KeptAnswer,
    ) -> Result<(), OperationError> {
        // Plain data of our own: it always renders.
        let answer = serde_json::to_string(answer).unwrap_or_default();
        let tx = self.storage().begin().await?;
        match idempotency::complete(&tx, &work.scope, work.lock_token, status, &answer).await {
            // Another took the request up meanwhile, and has the answer.
            Err(error) if error.is_stale() => Err(OperationError::IdempotencyInFlight),
            other => {
                other?;
                Ok(tx.commit().await?)
            }
        }
    }

    async fn release_key(&self, work: &Work) -> Result<(), OperationError> {
        let tx = self.storage().begin().await?;
        idempotency::release(&tx, &work.scope, work.lock_token, self.now()).await?;
        Ok(tx.commit().await?)
    }
}

/// Fails when the key came with another request before.
async fn refuse_reused_key(
    tx: &Tx,
    idem: &Idempotency,
    scope: &KeyScope,
) -> Result<(), OperationError> {
    match idempotency::find(tx, scope).await? {
        Some(known) if known.fingerprint != idem.fingerprint_hex() => {
            Err(OperationError::IdempotencyKeyReused)
        }
        _ => Ok(()),
    }
}

/// The order that a request names, its row held until the transaction ends.
async fn lock_order(tx: &Tx, asker: &Asker<'_>, order: &OrderRef) -> Result<Order, OperationError> {
    let (tenant, mode) = (&asker.tenant_id, asker.mode);
    let found = match order {
        OrderRef::Id(id) => orders::find(tx, tenant, mode, id).await?,
        OrderRef::Number(number) => orders::find_by_number(tx, tenant, mode, number).await?,
    };
    let found = found.ok_or(OperationError::NotFound)?;
    let locked = orders::lock(tx, tenant, &found.id).await?;
    locked.ok_or(OperationError::NotFound)
}

async fn new_refund(
    tx: &Tx,
    order: &Order,
    content: &RefundContent,
    now: Timestamp,
) -> Result<Refund, OperationError> {
    // What cannot be refunded is refused below, once the key is known to be new.
    let attempt = match &order.payment {
        Some(payment) => orders::find_attempt(tx, &order.tenant_id, &payment.attempt_id).await?,
        None => orders::latest_attempt(tx, &order.tenant_id, &order.id).await?,
    };
    let Some(attempt) = attempt else {
        return Err(OperationError::Internal("an order without attempt".into()));
    };
    let payment = order.payment.as_ref();
    let intent = Intent {
        order,
        attempt: &attempt,
        transaction_id: payment.map_or("", |payment| payment.transaction_id.as_str()),
        total: order.money.paid,
        refund: Asked::Content(content.clone()),
        origin: RefundOrigin::Api,
        late_payment: None,
    };
    Ok(intent::new_refund(&intent, now))
}

async fn reserve(
    tx: &Tx,
    asker: &Asker<'_>,
    (order, refund): (&Order, &Refund),
    now: Timestamp,
) -> Result<(), OperationError> {
    let source = match asker.by {
        AskedBy::Program => Source::Api,
        AskedBy::Person(_) | AskedBy::TwoPeople(_) => Source::Person,
    };
    order
        .reserve_refund(refund.content.refund, now)
        .map_err(OperationError::NotRefundable)?;
    intent::record(tx, order, refund, source).await?;
    Ok(())
}

/// Who pays a tenant's money back without being its program stands in the log.
async fn record_person(
    tx: &Tx,
    asker: &Asker<'_>,
    refund: &Refund,
    now: Timestamp,
) -> Result<(), OperationError> {
    let by = match asker.by {
        AskedBy::Program => return Ok(()),
        AskedBy::Person(by) | AskedBy::TwoPeople(by) => by,
    };
    let scope = AuditScope::Tenant(asker.tenant_id.clone());
    let act = Act {
        after: Some(serde_json::json!({
            "order_id": refund.order_id,
            "merchant_refund_no": refund.content.merchant_refund_no,
            "refund_fen": refund.content.refund.as_i64(),
        })),
        reason: refund.content.reason.as_deref(),
        ..Act::new(scope, "refund.requested", refund.id.as_str())
    };
    audit::record(tx, by, act, now).await
}

fn answered(work: &Work) -> Refunded {
    Refunded {
        status: work.status,
        replayed: false,
        view: refund_view(&work.refund),
    }
}

fn replay(status: u16, answer: &str) -> Result<Refunded, OperationError> {
    match serde_json::from_str(answer) {
        Ok(KeptAnswer::Refunded(view)) => Ok(Refunded {
            status,
            replayed: true,
            view: *view,
        }),
        Ok(KeptAnswer::Refused(refusal)) => Err(OperationError::RefusedBefore(refusal)),
        Err(_) => Err(OperationError::Internal(
            "a kept answer does not parse".into(),
        )),
    }
}
