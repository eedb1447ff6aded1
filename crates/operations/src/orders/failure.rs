//! What a prepay that failed means: refused for good, to be asked about, or of no consequence.

use tributary_domain::order::{Attempt, AttemptState, Order};
use tributary_domain::settlement::Source;
use tributary_storage::{idempotency, orders};

use crate::orders::Queried;
use crate::orders::close::PREPAY_SETTLES_MS;
use crate::orders::place::{KeptAnswer, Placed, Work};
use crate::orders::prepay::{write_rejected, write_unknown};
use crate::{OperationError, Operations, UpstreamError};

impl Operations {
    /// Writes what a failed call means, and gives what the tenant shall see.
    pub(super) async fn fail(
        &self,
        work: Work,
        error: OperationError,
    ) -> Result<Placed, OperationError> {
        match error {
            // The prepay that WeChat gave before stays payable, whatever becomes of its renewal.
            error if work.attempt.state == AttemptState::Prepared => {
                self.renewal_failed(work, error).await
            }
            OperationError::Upstream(refusal) if work.first_send => {
                note(&work, self.write_refusal(&work, &refusal).await);
                Err(OperationError::Upstream(refusal))
            }
            OperationError::Upstream(refusal) => self.refused_after_unknown(work, refusal).await,
            // Without room in the budget nothing was sent: the sweeper or a repetition does it later.
            busy @ (OperationError::UpstreamBusy(_) | OperationError::BudgetSpent) => {
                note(&work, self.write_postponed(&work).await);
                Err(busy)
            }
            other => {
                note(&work, self.write_unknown_outcome(&work).await);
                Err(other)
            }
        }
    }

    async fn renewal_failed(
        &self,
        mut work: Work,
        error: OperationError,
    ) -> Result<Placed, OperationError> {
        if matches!(error, OperationError::Upstream(_))
            && let Ok(Queried::Seen(now)) =
                self.query(&work.order, &work.attempt, Source::Query).await
            && !now.state.is_open()
        {
            work.order = *now;
            return self.answer(&work, None).await;
        }
        note(&work, self.release(&work).await);
        Err(error)
    }

    /// An earlier send of this number had no certain end, so a refusal now proves nothing by itself.
    async fn refused_after_unknown(
        &self,
        mut work: Work,
        refusal: UpstreamError,
    ) -> Result<Placed, OperationError> {
        let asked = self.query(&work.order, &work.attempt, Source::Query).await;
        let settled = self.now().millis_since(work.attempt.created_at) >= PREPAY_SETTLES_MS;
        match asked {
            Ok(Queried::Seen(now)) if !now.state.is_open() => {
                work.order = *now;
                self.answer(&work, None).await
            }
            Ok(Queried::NotThere) if settled => {
                note(&work, self.write_refusal(&work, &refusal).await);
                Err(OperationError::Upstream(refusal))
            }
            _ => {
                note(&work, self.write_unknown_outcome(&work).await);
                Err(OperationError::UpstreamUnknown(refusal))
            }
        }
    }

    /// A refusal that the tenant must mend is its answer; one that somebody else mends is asked for again.
    async fn write_refusal(
        &self,
        work: &Work,
        refusal: &UpstreamError,
    ) -> Result<(), OperationError> {
        let now = self.now();
        let tx = self.storage().begin().await?;
        write_rejected(&tx, &work.order, &work.attempt, now).await?;
        let (scope, lock) = (&work.scope, work.lock_token);
        if refusal.who_must_act == "tenant" {
            let answer = KeptAnswer::Refused(refusal.clone()).to_json();
            let status = refusal.status.unwrap_or_default();
            idempotency::complete(&tx, scope, lock, status, &answer).await?;
        } else {
            idempotency::release(&tx, scope, lock, now).await?;
        }
        Ok(tx.commit().await?)
    }

    async fn write_unknown_outcome(&self, work: &Work) -> Result<(), OperationError> {
        let now = self.now();
        let tx = self.storage().begin().await?;
        write_unknown(&tx, &work.order, &work.attempt, now).await?;
        idempotency::release(&tx, &work.scope, work.lock_token, now).await?;
        Ok(tx.commit().await?)
    }

    /// WeChat asked to slow down, or was not reached. Whether it took the order is open, so it is to be asked.
    async fn write_postponed(&self, work: &Work) -> Result<(), OperationError> {
        let now = self.now();
        let unsure = Attempt {
            state: AttemptState::Unknown,
            ..work.attempt.clone()
        };
        // Nothing was sent, so it is no further try.
        let tries = match work.attempt.state {
            AttemptState::Unknown => work.order.polls.saturating_sub(1),
            _ => 0,
        };
        let after = Order {
            updated_at: now,
            ..work.order.in_doubt(tries, now)
        };
        let tx = self.storage().begin().await?;
        orders::update(&tx, &work.order, &after).await?;
        orders::update_attempt(&tx, work.attempt.state, &unsure).await?;
        idempotency::release(&tx, &work.scope, work.lock_token, now).await?;
        Ok(tx.commit().await?)
    }

    async fn release(&self, work: &Work) -> Result<(), OperationError> {
        let tx = self.storage().begin().await?;
        idempotency::release(&tx, &work.scope, work.lock_token, self.now()).await?;
        Ok(tx.commit().await?)
    }
}

fn note(work: &Work, written: Result<(), OperationError>) {
    if let Err(cause) = written {
        tracing::error!(order.id = %work.order.id, error = &cause as &dyn std::error::Error,
            "the end of a prepay could not be written; the sweeper will find out");
    }
}
