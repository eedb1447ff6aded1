//! Closing an order: WeChat first, then here. "Already paid" leads to a query.

use tributary_domain::clock::Timestamp;
use tributary_domain::event::EventType;
use tributary_domain::ids::OrderId;
use tributary_domain::order::{Attempt, AttemptState, LOOK_AFTER_CLOSE_MS, Order, OrderState};
use tributary_domain::rehearsal::{CrashPoint, Sabotage, crash_point, is_broken};
use tributary_domain::settlement::Source;
use tributary_domain::tenant::Scope;
use tributary_storage::{Tx, orders};

use wechatpay::client::Client;

use crate::budgets::Spending;
use crate::credentials::Caller;
use crate::orders::view::{OrderView, order_view};
use crate::orders::{Queried, asked, upstream};
use crate::settlement::{Telling, change};
use crate::upstream_calls::{CallContext, CallPurpose};
use crate::{OperationError, Operations, PlainWords, UpstreamError};

/// How long after a prepay WeChat may still learn of it; before that, "no such order" proves nothing.
pub(crate) const PREPAY_SETTLES_MS: i64 = 60_000;

impl Operations {
    /// Closes an order, so that nobody can pay it any more.
    pub async fn close_order(
        &self,
        caller: &Caller,
        id: &OrderId,
    ) -> Result<OrderView, OperationError> {
        caller.require(Scope::OrdersWrite)?;
        let (order, attempt) = self.find_order(caller, id).await?;
        let after = match order.state {
            OrderState::Closed => order,
            state if state.has_money() => return Err(conflict(&order)),
            _ => {
                self.room_for(asked(&order, Spending::OrderQuery)).await?;
                self.close_open(&order, attempt.as_ref(), Source::Api)
                    .await?
            }
        };
        match after.state {
            OrderState::Closed => Ok(order_view(&after, attempt.as_ref())),
            state if state.has_money() => Err(conflict(&after)),
            // WeChat took the close but cannot prove it yet; the sweeper goes on.
            _ => Err(OperationError::UpstreamUnknown(UpstreamError {
                status: None,
                code: None,
                message: "WeChat has not confirmed the close yet".into(),
                cause: Box::new(PlainWords {
                    zh: "微信支付尚未确认关单；系统会继续查询。".to_owned(),
                    en: "WeChat Pay has not confirmed the close; the platform goes on asking."
                        .to_owned(),
                }),
                field: None,
                request_id: None,
                retryable: true,
                who_must_act: "nobody".into(),
            })),
        }
    }

    /// Closes an open order at WeChat and lets the proof in through the one door.
    pub(crate) async fn close_open(
        &self,
        order: &Order,
        attempt: Option<&Attempt>,
        source: Source,
    ) -> Result<Order, OperationError> {
        let must_ask = |attempt: &&Attempt| {
            attempt.state.is_open() && !is_broken(Sabotage::CloseWithoutAsking)
        };
        let Some(attempt) = attempt.filter(must_ask) else {
            return self.close_here(order, attempt, source).await;
        };
        let closing = self.mark_closing(order).await?;
        crash_point(CrashPoint::ClosingMarked);
        self.close_at_wechat(order, attempt).await?;
        match self.query(&closing, attempt, source).await? {
            Queried::Seen(now) => Ok(*now),
            Queried::NotThere
                if self.now().millis_since(attempt.created_at) >= PREPAY_SETTLES_MS =>
            {
                self.close_here(&closing, Some(attempt), source).await
            }
            Queried::NotThere | Queried::Disputed => Ok(closing),
        }
    }

    /// Closes what is still open of an order that another attempt paid, so that nobody pays it twice.
    pub(crate) async fn close_leftovers(&self, order: &Order) -> Result<(), OperationError> {
        let open = orders::open_attempts(self.storage(), &order.tenant_id, &order.id).await?;
        for attempt in &open {
            self.close_at_wechat(order, attempt).await?;
            let settled_ms = self.now().millis_since(attempt.created_at);
            match self.query(order, attempt, Source::System).await? {
                Queried::NotThere if settled_ms >= PREPAY_SETTLES_MS => {
                    let tx = self.storage().begin().await?;
                    close_attempt(&tx, Some(attempt)).await?;
                    tx.commit().await?;
                }
                _ => {}
            }
        }
        let tx = self.storage().begin().await?;
        let locked = orders::lock(&tx, &order.tenant_id, &order.id).await?;
        let before = locked.ok_or(OperationError::NotFound)?;
        let left = orders::open_attempts(&tx, &order.tenant_id, &order.id).await?;
        let after = if left.is_empty() {
            Order {
                next_poll_at: None,
                ..before.clone()
            }
        } else {
            // The claim counted this look already.
            before.in_doubt(before.polls.saturating_sub(1), self.now())
        };
        orders::update(&tx, &before, &after).await?;
        Ok(tx.commit().await?)
    }

    /// Looks once more at an order that was closed a while ago.
    pub(crate) async fn look_after_close(&self, order: &Order) -> Result<(), OperationError> {
        let newest = orders::latest_attempt(self.storage(), &order.tenant_id, &order.id).await?;
        let Some(attempt) = newest else {
            return self.look_at_closed(order, None).await;
        };
        let payable = match self.query(order, &attempt, Source::Query).await? {
            Queried::Seen(now) => now.state == OrderState::Closed && !is_closed_there(&now),
            Queried::NotThere | Queried::Disputed => false,
        };
        if !payable || is_broken(Sabotage::CloseWithoutAsking) {
            return self.look_at_closed(order, None).await;
        }
        // WeChat did not know it when it was closed here, and knows it now.
        self.close_at_wechat(order, &attempt).await?;
        let again = self.now().plus_millis(LOOK_AFTER_CLOSE_MS);
        self.look_at_closed(order, Some(again)).await
    }

    /// Writes when a closed order is looked at again, if it is closed still.
    pub(crate) async fn look_at_closed(
        &self,
        order: &Order,
        at: Option<Timestamp>,
    ) -> Result<(), OperationError> {
        let tx = self.storage().begin().await?;
        let locked = orders::lock(&tx, &order.tenant_id, &order.id).await?;
        let Some(before) = locked.filter(|locked| locked.state == OrderState::Closed) else {
            return Ok(());
        };
        let after = Order {
            next_poll_at: at,
            polls: 0,
            ..before.clone()
        };
        orders::update(&tx, &before, &after).await?;
        Ok(tx.commit().await?)
    }

    /// Asks WeChat to close an attempt; that it is paid, closed already or unknown is for the query to say.
    async fn close_at_wechat(
        &self,
        order: &Order,
        attempt: &Attempt,
    ) -> Result<(), OperationError> {
        let handle = self.provider(&order.provider_id).await?;
        let (sub_mchid, number) = (order.sub_mchid.as_str(), attempt.out_trade_no.as_str());
        let closed = |client: Client| async move { client.close(sub_mchid, number).await };
        let context = CallContext::attempt(CallPurpose::CloseOrder, attempt);
        let answer = self.call(&handle, &context, closed).await;
        crash_point(CrashPoint::CloseAnswered);
        match answer {
            Err(error) if !error.code().is_some_and(is_told_by_query) => Err(upstream(&error)),
            _ => Ok(()),
        }
    }

    async fn mark_closing(&self, order: &Order) -> Result<Order, OperationError> {
        let now = self.now();
        // The tries are counted from when the closing began.
        let tries = match order.state {
            OrderState::Closing => order.polls.saturating_sub(1),
            _ => 0,
        };
        let after = Order {
            state: OrderState::Closing,
            updated_at: now,
            ..order.in_doubt(tries, now)
        };
        let tx = self.storage().begin().await?;
        orders::update(&tx, order, &after).await.map_err(raced)?;
        tx.commit().await?;
        Ok(after)
    }

    /// Closes an order of which nothing is open at WeChat.
    async fn close_here(
        &self,
        order: &Order,
        attempt: Option<&Attempt>,
        source: Source,
    ) -> Result<Order, OperationError> {
        let now = self.now();
        let tx = self.storage().begin().await?;
        let locked = orders::lock(&tx, &order.tenant_id, &order.id).await?;
        let before = locked.ok_or(OperationError::NotFound)?;
        if !before.state.is_open() {
            return Ok(before);
        }
        let newest = orders::latest_attempt(&tx, &order.tenant_id, &order.id).await?;
        let known = attempt.map(|attempt| &attempt.id);
        if newest.is_some_and(|newest| newest.state.is_open() && Some(&newest.id) != known) {
            // Placed again meanwhile: there is something at WeChat that must be closed first.
            return Err(OperationError::StateConflict {
                state: before.state.as_str().to_owned(),
            });
        }
        let was_payable = attempt.is_some_and(|attempt| attempt.state.is_open());
        let attempt = close_attempt(&tx, attempt).await?;
        let mut after = Order {
            state: OrderState::Closed,
            next_poll_at: was_payable.then(|| now.plus_millis(LOOK_AFTER_CLOSE_MS)),
            polls: 0,
            ..before.clone()
        };
        let kind = EventType::OrderClosed;
        let telling = Telling {
            kind,
            source,
            now,
            attempt: attempt.as_ref(),
            late_payments: &[],
        };
        change(&tx, &before, &mut after, &telling).await?;
        tx.commit().await?;
        Ok(after)
    }
}

/// What a refused close means, only a query can tell.
fn is_told_by_query(code: &str) -> bool {
    matches!(
        code,
        "ORDER_PAID" | "ORDER_CLOSED" | "ORDER_NOT_EXIST" | "RESOURCE_NOT_EXISTS"
    )
}

fn is_closed_there(order: &Order) -> bool {
    matches!(order.trade_state.as_deref(), Some("CLOSED" | "REVOKED"))
}

async fn close_attempt(
    tx: &Tx,
    attempt: Option<&Attempt>,
) -> Result<Option<Attempt>, OperationError> {
    match attempt {
        Some(attempt) if attempt.state.is_open() => {
            let closed = Attempt {
                state: AttemptState::Closed,
                ..attempt.clone()
            };
            orders::update_attempt(tx, attempt.state, &closed).await?;
            Ok(Some(closed))
        }
        other => Ok(other.cloned()),
    }
}

fn conflict(order: &Order) -> OperationError {
    OperationError::StateConflict {
        state: order.state.as_str().to_owned(),
    }
}

/// Somebody changed the order between our reading and our writing: the caller looks again.
fn raced(error: tributary_storage::StorageError) -> OperationError {
    if error.is_stale() {
        OperationError::StateConflict {
            state: "changing".into(),
        }
    } else {
        error.into()
    }
}
