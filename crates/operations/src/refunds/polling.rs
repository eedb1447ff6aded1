//! The sweeper of refunds: sends what waits, asks about what is open, and tells a person what takes too long.

use futures::{FutureExt as _, StreamExt as _};
use tributary_domain::event::EventType;
use tributary_domain::refund::{
    REFUND_CLAIM_MS, REFUND_SETTLES_MS, REFUND_SLOW_MS, Refund, RefundOrigin, RefundState,
};
use tributary_domain::rehearsal;
use tributary_domain::settlement::Source;
use tributary_storage::refunds;

use crate::budgets::{Spending, Urgency};
use crate::refunds::send::{Permit, lock_both};
use crate::refunds::{QueriedRefund, intent, wish};
use crate::settlement::{About, racing, raise, remind_of_abnormal};
use crate::{OperationError, Operations};

/// Refunds taken up in one run.
const BATCH: u64 = 200;
/// Calls to WeChat at the same time.
const CONCURRENT_MAX: usize = 16;
/// A person looks into what does not fit; asking WeChat more often changes nothing.
const DISPUTED_MS: i64 = 3_600_000;
/// A question that the provider's budget has no room for waits this long.
const NO_ROOM_MS: i64 = 1_000;

impl Operations {
    /// Looks at every refund whose time has come; returns how many were looked at.
    pub async fn poll_due_refunds(&self) -> Result<usize, OperationError> {
        let due = refunds::due_all_tenants(self.storage(), self.now(), BATCH).await?;
        let count = due.len();
        futures::stream::iter(due)
            .for_each_concurrent(rehearsal::width(CONCURRENT_MAX), |refund| async move {
                if let Err(error) = self.poll_refund(&refund).await {
                    tracing::warn!(refund.id = %refund.id, tenant.id = %refund.tenant_id,
                        error = &error as &dyn std::error::Error, "a refund could not be looked at");
                }
            })
            .await;
        Ok(count)
    }

    async fn poll_refund(&self, refund: &Refund) -> Result<(), OperationError> {
        let until = self.now().plus_millis(REFUND_CLAIM_MS);
        let tx = self.storage().begin().await?;
        if !refunds::claim(&tx, refund, until).await? {
            return Ok(());
        }
        tx.commit().await?;
        metrics::counter!("tributary_refund_polls_total").increment(1);
        let refund = &Refund {
            next_try_at: Some(until),
            ..refund.clone()
        };
        self.tell_when_slow(refund).await?;
        self.remind_when_abnormal(refund).await?;
        let looked = self.look_at_refund(refund).await;
        if looked.is_err() {
            self.look_at_refund_again(refund, None).await?;
        }
        looked
    }

    async fn look_at_refund(&self, refund: &Refund) -> Result<(), OperationError> {
        match refund.state {
            RefundState::Requested | RefundState::Held => {
                self.send_refund(refund, Permit::Claimed).await.map(drop)
            }
            RefundState::Success | RefundState::Closed => Ok(()),
            _ => self.ask_about(refund).await,
        }
    }

    async fn ask_about(&self, refund: &Refund) -> Result<(), OperationError> {
        let now = self.now();
        let wish = wish(refund, Spending::RefundQuery, Urgency::Background);
        if !self.inner.budgets.spend(wish, now) {
            return self.look_at_refund_again(refund, Some(NO_ROOM_MS)).await;
        }
        let sent_at = refund.last_sent_at.unwrap_or(refund.created_at);
        let is_settled = now.millis_since(sent_at) >= REFUND_SETTLES_MS;
        let may_send = refund.state.is_unaccepted() && refund.origin != RefundOrigin::External;
        match self.query_refund(refund).await? {
            QueriedRefund::Seen(_) => Ok(()),
            QueriedRefund::Disputed => self.look_at_refund_again(refund, Some(DISPUTED_MS)).await,
            QueriedRefund::NotThere if may_send && is_settled => {
                self.send_refund(refund, Permit::Claimed).await.map(drop)
            }
            QueriedRefund::NotThere => self.look_at_refund_again(refund, None).await,
        }
    }

    /// Whatever it waits for, after a week somebody must know.
    async fn tell_when_slow(&self, refund: &Refund) -> Result<(), OperationError> {
        if self.now().millis_since(refund.created_at) < REFUND_SLOW_MS {
            return Ok(());
        }
        let about = About {
            code: "refund_slow",
            tenant: Some(&refund.tenant_id),
            order: Some(&refund.order_id),
        };
        let detail = serde_json::json!({ "refund_id": refund.id }).to_string();
        let tx = self.storage().begin().await?;
        raise(&tx, &refund.provider_id, &about, detail, self.now()).await?;
        Ok(tx.commit().await?)
    }

    /// Money that is on no way is a person's to send on, and every day somebody is told again.
    async fn remind_when_abnormal(&self, refund: &Refund) -> Result<(), OperationError> {
        if refund.state != RefundState::Abnormal {
            return Ok(());
        }
        let tx = self.storage().begin().await?;
        remind_of_abnormal(&tx, refund, self.now()).await?;
        Ok(tx.commit().await?)
    }

    /// Schedules the next look: after `delay_ms`, or as the schedule of its state says.
    async fn look_at_refund_again(
        &self,
        refund: &Refund,
        delay_ms: Option<i64>,
    ) -> Result<(), OperationError> {
        racing(|| self.reschedule(refund, delay_ms).boxed()).await
    }

    async fn reschedule(
        &self,
        refund: &Refund,
        delay_ms: Option<i64>,
    ) -> Result<(), OperationError> {
        let now = self.now();
        let tx = self.storage().begin().await?;
        let (_, before) = lock_both(&tx, refund).await?;
        if !before.state.is_open() {
            return Ok(());
        }
        // Whoever sent it did not live to write what came of it.
        let state = match before.state {
            RefundState::Sent => RefundState::Unknown,
            state => state,
        };
        let mut after = Refund {
            state,
            tries: before.tries.saturating_add(1),
            next_try_at: match delay_ms {
                Some(ms) => Some(now.plus_millis(ms)),
                None => before.next_look(state, before.tries, now),
            },
            ..before.clone()
        };
        if state == before.state {
            refunds::update(&tx, &before, &after).await?;
        } else {
            after.updated_at = now;
            let kind = EventType::RefundUnknown;
            intent::change(&tx, &before, &mut after, kind, Source::System).await?;
        }
        Ok(tx.commit().await?)
    }
}
