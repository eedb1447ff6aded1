//! The sweeper: asks WeChat about open orders on a schedule, so that a lost notification loses nothing.

use futures::StreamExt as _;
use tributary_domain::order::{Attempt, AttemptState, Order, OrderState};
use tributary_domain::rehearsal;
use tributary_domain::settlement::Source;
use tributary_storage::orders::{self, NotNow};

use crate::budgets::{Spending, Urgency, Wish};
use crate::orders::Queried;
use crate::orders::close::PREPAY_SETTLES_MS;
use crate::{OperationError, Operations};

/// Orders taken up in one run.
const BATCH: u64 = 200;
/// Calls to WeChat at the same time.
const CONCURRENT_MAX: usize = 16;
/// How long one node has an order for itself.
const CLAIM_MS: i64 = 60_000;
/// Looks in vain at an order that is closed, some hours long; if it was paid all the same, the bill tells.
const CLOSED_LOOKS_MAX: i64 = 24;
/// A person looks into what does not fit; asking WeChat more often changes nothing.
const DISPUTED_MS: i64 = 3_600_000;
/// A prepay that the provider's budget has no room for waits this long.
const NO_ROOM_MS: i64 = 1_000;

impl Operations {
    /// Looks at every order whose time has come; returns how many were looked at.
    pub async fn poll_due_orders(&self) -> Result<usize, OperationError> {
        let (budgets, now) = (&self.inner.budgets, self.now());
        // Neither a provider's backlog nor a tenant's must stand before everybody else's.
        let exhausted = budgets.exhausted(Spending::OrderQuery, now);
        let without = NotNow {
            providers: &exhausted.providers,
            tenants: &exhausted.tenants,
        };
        let mut due = orders::due_all_tenants(self.storage(), now, &without, BATCH).await?;
        // What there is no room for stays due, and the next run takes it up.
        due.retain(|order| budgets.spend(in_background(order, Spending::OrderQuery), now));
        let count = due.len();
        futures::stream::iter(due)
            .for_each_concurrent(rehearsal::width(CONCURRENT_MAX), |order| async move {
                if let Err(error) = self.poll_order(&order).await {
                    tracing::warn!(order.id = %order.id, tenant.id = %order.tenant_id,
                        error = &error as &dyn std::error::Error, "an order could not be polled");
                }
            })
            .await;
        Ok(count)
    }

    async fn poll_order(&self, order: &Order) -> Result<(), OperationError> {
        let until = self.now().plus_millis(CLAIM_MS);
        let tx = self.storage().begin().await?;
        if !orders::claim_poll(&tx, order, until).await? {
            return Ok(());
        }
        tx.commit().await?;
        metrics::counter!("tributary_polls_total").increment(1);
        // As the claim wrote it, so that nothing below writes the old count back.
        let order = &Order {
            polls: order.polls.saturating_add(1),
            next_poll_at: Some(until),
            ..order.clone()
        };
        let looked = self.look(order).await;
        if looked.is_err() {
            let is_over = order.state == OrderState::Closed && order.polls > CLOSED_LOOKS_MAX;
            if is_over {
                self.look_at_closed(order, None).await?;
            } else {
                self.look_again(order, None).await?;
            }
        }
        looked
    }

    async fn look(&self, order: &Order) -> Result<(), OperationError> {
        if order.state == OrderState::Closed {
            return self.look_after_close(order).await;
        }
        if !order.state.is_open() {
            return self.close_leftovers(order).await;
        }
        let attempt = orders::latest_attempt(self.storage(), &order.tenant_id, &order.id).await?;
        let open = attempt.as_ref().filter(|attempt| attempt.state.is_open());
        let expired = self.now() >= order.expires_at;
        let ends = |order: &Order| expired || order.state == OrderState::Closing;
        match open {
            None if ends(order) => self.end(order, attempt.as_ref()).await,
            None => self.wait_for_expiry(order).await,
            Some(attempt) => match self.query(order, attempt, Source::Query).await? {
                Queried::Disputed => self.look_again(order, Some(DISPUTED_MS)).await,
                Queried::Seen(now) if !now.state.is_open() => Ok(()),
                Queried::Seen(now) if ends(&now) => self.end(&now, Some(attempt)).await,
                Queried::Seen(now) if is_unsent(attempt) => {
                    self.resend_with_room(&now, attempt).await
                }
                Queried::Seen(_) => Ok(()),
                Queried::NotThere if ends(order) => self.end(order, Some(attempt)).await,
                Queried::NotThere => self.resend_when_settled(order, attempt).await,
            },
        }
    }

    async fn end(&self, order: &Order, attempt: Option<&Attempt>) -> Result<(), OperationError> {
        self.close_open(order, attempt, Source::System)
            .await
            .map(drop)
    }

    /// An order whose only attempts were refused waits for its end; a tenant may still place it again.
    async fn wait_for_expiry(&self, order: &Order) -> Result<(), OperationError> {
        let after = Order {
            next_poll_at: Some(order.expires_at.plus_millis(1000)),
            ..order.clone()
        };
        let tx = self.storage().begin().await?;
        orders::update(&tx, order, &after).await?;
        Ok(tx.commit().await?)
    }

    /// "No such order" right after a prepay is not final; later the same bytes are sent again.
    async fn resend_when_settled(
        &self,
        order: &Order,
        attempt: &Attempt,
    ) -> Result<(), OperationError> {
        if self.now().millis_since(attempt.created_at) < PREPAY_SETTLES_MS {
            return self.look_again(order, None).await;
        }
        self.resend_with_room(order, attempt).await
    }

    /// What tenants place now goes before what is placed again.
    async fn resend_with_room(
        &self,
        order: &Order,
        attempt: &Attempt,
    ) -> Result<(), OperationError> {
        let wish = in_background(order, Spending::Prepay);
        if !self.inner.budgets.spend(wish, self.now()) {
            return self.look_again(order, Some(NO_ROOM_MS)).await;
        }
        self.resend(order, attempt).await
    }

    /// Schedules the next look: after `delay_ms`, or as the schedule of unknown outcomes says.
    async fn look_again(&self, order: &Order, delay_ms: Option<i64>) -> Result<(), OperationError> {
        let tx = self.storage().begin().await?;
        let Some(before) = orders::lock(&tx, &order.tenant_id, &order.id).await? else {
            return Ok(());
        };
        if before.next_poll_at.is_some() {
            let now = self.now();
            // The claim counted this look already.
            let tries = before.polls.saturating_sub(1);
            let after = match delay_ms {
                None => before.in_doubt(tries, now),
                // Nothing was tried in vain.
                Some(ms) => Order {
                    next_poll_at: Some(now.plus_millis(ms)),
                    polls: tries,
                    ..before.clone()
                },
            };
            orders::update(&tx, &before, &after).await?;
        }
        Ok(tx.commit().await?)
    }
}

fn in_background(order: &Order, what: Spending) -> Wish<'_> {
    Wish {
        provider: &order.provider_id,
        tenant: Some(&order.tenant_id),
        what,
        urgency: Urgency::Background,
    }
}

/// WeChat may know the order, but we have no handle for the payer.
fn is_unsent(attempt: &Attempt) -> bool {
    matches!(
        attempt.state,
        AttemptState::New | AttemptState::Sent | AttemptState::Unknown
    )
}
