//! Placing an order: intent first, then the call, then the result; every step survives a crash.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tributary_domain::clock::Timestamp;
use tributary_domain::event::EventType;
use tributary_domain::ids::{OrderId, TenantId};
use tributary_domain::order::{Attempt, Order, OrderState, next_poll_at};
use tributary_domain::order_content::{OrderContent, OrderRequest, Payer};
use tributary_domain::order_money::OrderMoney;
use tributary_domain::rehearsal::{CrashPoint, crash_point};
use tributary_domain::settlement::Source;
use tributary_domain::tenant::Scope;
use tributary_storage::idempotency::{self, About, Scope as KeyScope};
use tributary_storage::{StorageError, orders};

use crate::budgets::Spending;
use crate::credentials::Caller;
use crate::idempotency::{Idempotency, Known};
use crate::logins::openid_hash;
use crate::orders::preflight::Destination;
use crate::orders::prepay::{Prepaid, prepared, write_prepared};
use crate::orders::view::{PayParams, PlacedView, order_view};
use crate::orders::{Queried, asked};
use crate::providers::ProviderHandle;
use crate::settlement::{Telling, tell};
use crate::{OperationError, Operations, UpstreamError};

/// The status of an answer that made a new order.
const CREATED: u16 = 201;
/// The status of an answer that gives an order back.
const OK: u16 = 200;
const RACES_MAX: usize = 5;

/// The answer to placing an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    /// 201 for a new order, 200 for one that is given back.
    pub status: u16,
    /// Whether the answer was given before under the same idempotency key.
    pub replayed: bool,
    /// The order and how to pay it.
    pub view: PlacedView,
}

/// A definite answer as it is kept under an idempotency key.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum KeptAnswer {
    Placed(Box<PlacedView>),
    Refused(UpstreamError),
}

impl KeptAnswer {
    pub(super) fn to_json(&self) -> String {
        // Plain data of our own: it always renders.
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// A request on its way: whose order, and which key guards every write.
pub(super) struct Work {
    pub(super) order: Order,
    pub(super) attempt: Attempt,
    pub(super) handle: Arc<ProviderHandle>,
    pub(super) scope: KeyScope,
    pub(super) lock_token: i64,
    /// What a success is answered with.
    pub(super) status: u16,
    /// Nobody sent this attempt before, so a refusal is the whole truth about it.
    pub(super) first_send: bool,
}

impl Operations {
    /// Places an order, or gives back the one that the same request placed before.
    pub async fn place_order(
        &self,
        caller: &Caller,
        request: OrderRequest,
        idem: &Idempotency,
    ) -> Result<Placed, OperationError> {
        caller.require(Scope::OrdersWrite)?;
        let mut content = OrderContent::parse(request).map_err(OperationError::Invalid)?;
        let scope = idem.scope(caller);
        let destination = match self.check_new(caller, &content).await {
            Ok(destination) => destination,
            // A repeated request is answered from its key even when a new one would be refused by now.
            Err(refusal) => {
                return match self.known_request(idem, &scope).await? {
                    Some(known) => self.go_on(caller, known, scope).await,
                    None => {
                        Box::pin(self.given_back_anyway(caller, content, idem, scope, refusal))
                            .await
                    }
                };
            }
        };
        // Naming the only sub-merchant or leaving it out is the same order.
        content.sub_mchid = Some(destination.merchant.sub_mchid.clone());
        match self
            .record_intent(caller, &content, &destination, idem, &scope)
            .await
        {
            Ok(work) => self.carry_out(work).await,
            Err(OperationError::Storage(StorageError::Duplicate {
                table: "idempotency_keys",
            })) => match self.known_request(idem, &scope).await? {
                Some(known) => self.go_on(caller, known, scope).await,
                None => Err(OperationError::IdempotencyInFlight),
            },
            Err(OperationError::Storage(StorageError::Duplicate { table: "orders" })) => {
                self.same_number(caller, &content, idem, scope).await
            }
            Err(other) => Err(other),
        }
    }

    async fn check_new(
        &self,
        caller: &Caller,
        content: &OrderContent,
    ) -> Result<Destination, OperationError> {
        content
            .check_expiry(self.now())
            .map_err(|fault| OperationError::Invalid(vec![fault]))?;
        self.preflight(caller, content).await
    }

    /// The same order asked for again after its expiry came near is still the same order.
    async fn given_back_anyway(
        &self,
        caller: &Caller,
        mut content: OrderContent,
        idem: &Idempotency,
        scope: KeyScope,
        refusal: OperationError,
    ) -> Result<Placed, OperationError> {
        let (tenant, number) = (&caller.tenant_id, &content.merchant_order_no);
        let known = orders::find_by_number(self.storage(), tenant, caller.mode, number).await?;
        let Some(order) = known else {
            return Err(refusal);
        };
        if content.sub_mchid.is_none() {
            content.sub_mchid = Some(order.sub_mchid.clone());
        }
        if order.content == content {
            self.same_number(caller, &content, idem, scope).await
        } else {
            Err(refusal)
        }
    }

    /// Commits order, attempt, key and `order.created` before anything is sent.
    async fn record_intent(
        &self,
        caller: &Caller,
        content: &OrderContent,
        destination: &Destination,
        idem: &Idempotency,
        scope: &KeyScope,
    ) -> Result<Work, OperationError> {
        let now = self.now();
        let order = new_order(caller, content, destination, now);
        let attempt = self.new_attempt(&order, &destination.provider, now)?;
        let request = idem.request(scope.clone(), About::Order(order.id.clone()), now);
        let tx = self.storage().begin().await?;
        idempotency::insert(&tx, &request).await?;
        orders::insert(&tx, &order).await?;
        orders::insert_attempt(&tx, &attempt).await?;
        let kind = EventType::OrderCreated;
        let telling = Telling {
            kind,
            source: Source::Api,
            now,
            attempt: Some(&attempt),
            late_payments: &[],
        };
        tell(&tx, &order, None, &telling).await?;
        crash_point(CrashPoint::IntentBeforeCommit);
        tx.commit().await?;
        crash_point(CrashPoint::IntentAfterCommit);
        Ok(Work {
            order,
            attempt,
            handle: Arc::clone(&destination.provider),
            scope: scope.clone(),
            lock_token: request.lock_token,
            status: CREATED,
            first_send: true,
        })
    }

    /// The tenant used the number before: the same content gives the order back, other content is refused.
    async fn same_number(
        &self,
        caller: &Caller,
        content: &OrderContent,
        idem: &Idempotency,
        scope: KeyScope,
    ) -> Result<Placed, OperationError> {
        let (tenant, number) = (&caller.tenant_id, &content.merchant_order_no);
        let order = orders::find_by_number(self.storage(), tenant, caller.mode, number)
            .await?
            .ok_or(OperationError::IdempotencyInFlight)?;
        if order.content != *content {
            return Err(OperationError::OrderConflict {
                order_id: order.id.to_string(),
            });
        }
        let about = About::Order(order.id.clone());
        let request = idem.request(scope.clone(), about, self.now());
        let tx = self.storage().begin().await?;
        match idempotency::insert(&tx, &request).await {
            Err(error) if error.is_duplicate() => {
                drop(tx);
                return match self.known_request(idem, &scope).await? {
                    Some(known) => self.go_on(caller, known, scope).await,
                    None => Err(OperationError::IdempotencyInFlight),
                };
            }
            other => other?,
        }
        tx.commit().await?;
        self.take_up(caller, &order.id, scope, request.lock_token)
            .await
    }

    async fn go_on(
        &self,
        caller: &Caller,
        known: Known,
        scope: KeyScope,
    ) -> Result<Placed, OperationError> {
        match known {
            Known::Replay { status, answer } => replay(status, &answer),
            Known::Resume {
                about: About::Order(order_id),
                lock_token,
            } => self.take_up(caller, &order_id, scope, lock_token).await,
            Known::Resume { .. } => Err(OperationError::Internal(
                "the key of an order names something else".into(),
            )),
        }
    }

    /// Goes on with an order that is recorded already.
    async fn take_up(
        &self,
        caller: &Caller,
        order_id: &OrderId,
        scope: KeyScope,
        lock_token: i64,
    ) -> Result<Placed, OperationError> {
        let (order, newest) = self.find_order(caller, order_id).await?;
        let handle = self.provider(&order.provider_id).await?;
        let payable = order.state.is_open() && order.state != OrderState::Closing;
        let (attempt, first_send) = match newest {
            Some(newest) if newest.state.is_open() || !payable => (newest, false),
            // WeChat refused or closed the last attempt: this one gets a number of its own.
            _ => (self.record_attempt(&order, &handle).await?, true),
        };
        let work = Work {
            order,
            attempt,
            handle,
            scope,
            lock_token,
            status: OK,
            first_send,
        };
        self.carry_out(work).await
    }

    /// Adds an attempt, unless the order ended or got one in the meantime; then the caller asks again.
    async fn record_attempt(
        &self,
        order: &Order,
        handle: &ProviderHandle,
    ) -> Result<Attempt, OperationError> {
        let attempt = self.new_attempt(order, handle, self.now())?;
        let tx = self.storage().begin().await?;
        let locked = orders::lock(&tx, &order.tenant_id, &order.id).await?;
        let newest = orders::latest_attempt(&tx, &order.tenant_id, &order.id).await?;
        let unchanged = locked.is_some_and(|locked| locked.state == order.state);
        if !unchanged || newest.is_some_and(|newest| newest.state.is_open()) {
            return Err(OperationError::IdempotencyInFlight);
        }
        orders::insert_attempt(&tx, &attempt).await?;
        tx.commit().await?;
        Ok(attempt)
    }

    async fn carry_out(&self, work: Work) -> Result<Placed, OperationError> {
        if !work.order.state.is_open() || work.order.state == OrderState::Closing {
            return self.answer(&work, None).await;
        }
        if let (Some(prepay_id), Some(at)) = (
            work.attempt.usable_prepay_id(self.now()),
            work.attempt.prepared_at,
        ) {
            let params = self.pay_params(&work.handle, &work.order, prepay_id, at)?;
            return self.answer(&work, Some(params)).await;
        }
        if let Err(busy) = self.room_for(asked(&work.order, Spending::Prepay)).await {
            return Box::pin(self.fail(work, busy)).await;
        }
        match self.send_prepay(&work.handle, &work.attempt).await {
            Prepaid::Prepared { prepay_id } => self.succeed(work, &prepay_id).await,
            Prepaid::PaidAlready => Box::pin(self.paid_already(work)).await,
            Prepaid::Failed(error) => Box::pin(self.fail(work, error)).await,
        }
    }

    /// Commits the handle and the answer; a payment that was faster than this commit is left as it is.
    async fn succeed(&self, mut work: Work, prepay_id: &str) -> Result<Placed, OperationError> {
        let now = self.now();
        let params = self.pay_params(&work.handle, &work.order, prepay_id, now)?;
        for _ in 0..RACES_MAX {
            if !work.order.state.is_open() || !work.attempt.state.is_open() {
                return self.answer(&work, None).await;
            }
            let (order, attempt) = prepared(&work.order, &work.attempt, prepay_id, now);
            let view = PlacedView {
                order: order_view(&order, Some(&attempt)),
                // A close that came in between stands: nobody shall begin to pay.
                pay_params: (order.state == OrderState::Paying).then(|| params.clone()),
            };
            match self.commit_success(&work, (&order, &attempt), &view).await {
                Ok(()) => {
                    return Ok(Placed {
                        status: work.status,
                        replayed: false,
                        view,
                    });
                }
                Err(StorageError::Stale {
                    table: "idempotency_keys",
                }) => break,
                Err(StorageError::Stale { .. }) => self.reread(&mut work).await?,
                Err(other) => return Err(other.into()),
            }
        }
        Err(OperationError::IdempotencyInFlight)
    }

    async fn commit_success(
        &self,
        work: &Work,
        after: (&Order, &Attempt),
        view: &PlacedView,
    ) -> Result<(), StorageError> {
        let answer = KeptAnswer::Placed(Box::new(view.clone())).to_json();
        let tx = self.storage().begin().await?;
        write_prepared(&tx, (&work.order, &work.attempt), after).await?;
        idempotency::complete(&tx, &work.scope, work.lock_token, work.status, &answer).await?;
        crash_point(CrashPoint::PrepayBeforeCommit);
        tx.commit().await?;
        crash_point(CrashPoint::PrepayAfterCommit);
        Ok(())
    }

    /// Commits the answer for an order that needs no call to WeChat.
    pub(super) async fn answer(
        &self,
        work: &Work,
        pay_params: Option<PayParams>,
    ) -> Result<Placed, OperationError> {
        let view = PlacedView {
            order: order_view(&work.order, Some(&work.attempt)),
            pay_params,
        };
        let answer = KeptAnswer::Placed(Box::new(view.clone())).to_json();
        let tx = self.storage().begin().await?;
        idempotency::complete(&tx, &work.scope, work.lock_token, work.status, &answer).await?;
        tx.commit().await?;
        Ok(Placed {
            status: work.status,
            replayed: false,
            view,
        })
    }

    async fn paid_already(&self, mut work: Work) -> Result<Placed, OperationError> {
        match self.query(&work.order, &work.attempt, Source::Query).await {
            Ok(Queried::Seen(order)) => work.order = *order,
            Ok(Queried::NotThere | Queried::Disputed) => {}
            Err(error) => return Box::pin(self.fail(work, error)).await,
        }
        self.reread(&mut work).await?;
        self.answer(&work, None).await
    }

    async fn reread(&self, work: &mut Work) -> Result<(), OperationError> {
        let (tenant, id) = (&work.order.tenant_id, &work.order.id);
        let order = orders::find(self.storage(), tenant, work.order.mode, id).await?;
        let attempt = orders::find_attempt(self.storage(), tenant, &work.attempt.id).await?;
        let gone = || OperationError::Internal("an order is gone".into());
        work.order = order.ok_or_else(gone)?;
        work.attempt = attempt.ok_or_else(gone)?;
        Ok(())
    }
}

fn new_order(
    caller: &Caller,
    content: &OrderContent,
    destination: &Destination,
    now: Timestamp,
) -> Order {
    let provider = &destination.provider.provider;
    let expires_at = content.expires_at(now, destination.expires_after_minutes);
    Order {
        id: OrderId::new(now),
        tenant_id: caller.tenant_id.clone(),
        mode: caller.mode,
        provider_id: provider.id.clone(),
        sub_merchant_id: destination.merchant.id.clone(),
        sp_mchid: provider.sp_mchid.clone(),
        sp_appid: provider.sp_appid.clone(),
        sub_mchid: destination.merchant.sub_mchid.clone(),
        content: content.clone(),
        state: OrderState::Created,
        trade_state: None,
        payment: None,
        money: OrderMoney::NONE,
        expires_at,
        created_at: now,
        updated_at: now,
        event_seq: 1,
        next_poll_at: Some(next_poll_at(now, now, expires_at)),
        polls: 0,
        payer_hash: Some(payer_hash(&caller.tenant_id, &content.payer)),
    }
}

/// What stands for the payer where a person looks for the orders of one.
fn payer_hash(tenant: &TenantId, payer: &Payer) -> String {
    let (Payer::SpOpenid(openid) | Payer::SubOpenid(openid)) = payer;
    openid_hash(tenant, openid.as_str())
}

fn replay(status: u16, answer: &str) -> Result<Placed, OperationError> {
    match serde_json::from_str(answer) {
        Ok(KeptAnswer::Placed(view)) => Ok(Placed {
            status,
            replayed: true,
            view: *view,
        }),
        Ok(KeptAnswer::Refused(refusal)) => Err(OperationError::RefusedBefore(refusal)),
        Err(error) => Err(OperationError::Internal(format!("a kept answer: {error}"))),
    }
}
