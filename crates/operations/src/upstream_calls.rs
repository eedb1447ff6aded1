//! The record of calls to WeChat: collected in memory, written in batches, so that no call pays for a commit.
//!
//! It is for people who look into an order; nothing about money is decided from it. What does not fit into memory is
//! counted and dropped, and what a crash takes with it is the last moments before the crash.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tributary_domain::clock::Timestamp;
use tributary_domain::ids::{AttemptId, OrderId, TenantId, UpstreamCallId};
use tributary_domain::order::Attempt;
use tributary_domain::refund::Refund;
use tributary_storage::upstream_calls::{self, CallOutcome, UpstreamTry};
use wechatpay::client::{Answer, CallError, CallTrace, Try};

use crate::providers::ProviderHandle;
use crate::{OperationError, Operations, tenancy};

/// Tries that wait to be written; what comes beyond is counted and dropped.
const WAITING_TRIES_MAX: usize = 8_192;
/// Tries written in one transaction.
const BATCH_TRIES: usize = 256;
/// Characters of a text that WeChat, or a number of the tenant's, has a part in.
const TEXT_CHARS_MAX: usize = 191;

/// What a call is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CallPurpose {
    /// Placing an attempt.
    Prepay,
    /// Asking about an attempt.
    QueryOrder,
    /// Closing an attempt.
    CloseOrder,
    /// Asking for a refund.
    Refund,
    /// Asking about a refund.
    QueryRefund,
    /// Sending an abnormal refund another way.
    RedirectRefund,
    /// Fetching platform certificates.
    Certificates,
    /// Asking for a bill.
    Bill,
    /// Testing keys.
    KeyTest,
}

impl CallPurpose {
    const ALL: [Self; 9] = [
        Self::Prepay,
        Self::QueryOrder,
        Self::CloseOrder,
        Self::Refund,
        Self::QueryRefund,
        Self::RedirectRefund,
        Self::Certificates,
        Self::Bill,
        Self::KeyTest,
    ];

    /// Reads the stored word; one that a newer node wrote is not known.
    pub(crate) fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == word)
    }

    /// The word stored and shown.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Prepay => "prepay",
            Self::QueryOrder => "query_order",
            Self::CloseOrder => "close_order",
            Self::Refund => "refund",
            Self::QueryRefund => "query_refund",
            Self::RedirectRefund => "redirect_refund",
            Self::Certificates => "certificates",
            Self::Bill => "bill",
            Self::KeyTest => "key_test",
        }
    }
}

/// What a call is about, for the record.
#[derive(Clone, Debug)]
pub(crate) struct CallContext {
    /// What it is for.
    pub(crate) purpose: CallPurpose,
    /// Whose affairs.
    pub(crate) tenant_id: Option<TenantId>,
    /// Which order.
    pub(crate) order_id: Option<OrderId>,
    /// Which attempt.
    pub(crate) attempt_id: Option<AttemptId>,
    /// Which refund.
    pub(crate) refund_id: Option<String>,
}

impl CallContext {
    /// About an attempt and its order.
    pub(crate) fn attempt(purpose: CallPurpose, attempt: &Attempt) -> Self {
        Self {
            tenant_id: Some(attempt.tenant_id.clone()),
            order_id: Some(attempt.order_id.clone()),
            attempt_id: Some(attempt.id.clone()),
            ..Self::provider(purpose)
        }
    }

    /// About a refund and its order.
    pub(crate) fn refund(purpose: CallPurpose, refund: &Refund) -> Self {
        Self {
            tenant_id: Some(refund.tenant_id.clone()),
            order_id: Some(refund.order_id.clone()),
            attempt_id: Some(refund.attempt_id.clone()),
            refund_id: Some(refund.id.to_string()),
            ..Self::provider(purpose)
        }
    }

    /// About the provider alone.
    pub(crate) fn provider(purpose: CallPurpose) -> Self {
        Self {
            purpose,
            tenant_id: None,
            order_id: None,
            attempt_id: None,
            refund_id: None,
        }
    }
}

/// What waits to be written.
#[derive(Debug, Default)]
pub(crate) struct WaitingCalls {
    tries: Mutex<VecDeque<UpstreamTry>>,
    calls_made: AtomicI64,
    /// One writer at a time, so that whoever flushed and returned has seen everything written.
    writing: tokio::sync::Mutex<()>,
}

impl WaitingCalls {
    fn tries(&self) -> MutexGuard<'_, VecDeque<UpstreamTry>> {
        self.tries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, tries: impl IntoIterator<Item = UpstreamTry>) {
        let mut waiting = self.tries();
        let mut dropped = 0_u64;
        for one in tries {
            if waiting.len() < WAITING_TRIES_MAX {
                waiting.push_back(one);
            } else {
                dropped = dropped.saturating_add(1);
            }
        }
        drop(waiting);
        if dropped > 0 {
            metrics::counter!("tributary_upstream_tries_dropped_total").increment(dropped);
        }
    }

    fn take_batch(&self) -> Vec<UpstreamTry> {
        let mut waiting = self.tries();
        let count = waiting.len().min(BATCH_TRIES);
        waiting.drain(..count).collect()
    }

    /// Puts back what could not be written, in front, as far as there is room.
    fn put_back(&self, batch: Vec<UpstreamTry>) {
        let mut waiting = self.tries();
        let room = WAITING_TRIES_MAX.saturating_sub(waiting.len());
        let dropped = batch.len().saturating_sub(room);
        for one in batch.into_iter().skip(dropped).rev() {
            waiting.push_front(one);
        }
        drop(waiting);
        if dropped > 0 {
            let dropped = u64::try_from(dropped).unwrap_or(u64::MAX);
            metrics::counter!("tributary_upstream_tries_dropped_total").increment(dropped);
        }
    }
}

impl Operations {
    /// Notes how a call went; it is written later.
    pub(crate) fn record_call<T>(
        &self,
        handle: &ProviderHandle,
        context: &CallContext,
        started_at: Timestamp,
        result: &Result<Answer<T>, CallError>,
    ) {
        let waiting = &self.inner.waiting_calls;
        let whole = Call {
            id: UpstreamCallId::new(started_at),
            position: waiting.calls_made.fetch_add(1, Ordering::Relaxed),
            handle,
            context,
            started_at,
            ended_at: self.now(),
        };
        let (trace, outcome, nothing_sent) = match result {
            Ok(answer) => (&answer.trace, CallOutcome::Succeeded, None),
            Err(error) => {
                let outcome = if error.outcome_unknown() {
                    CallOutcome::Unknown
                } else {
                    CallOutcome::Failed
                };
                (&*error.trace, outcome, Some(error.kind.failure()))
            }
        };
        self.meter_call(handle, trace);
        count(outcome, whole.ended_at.millis_since(started_at));
        if trace.log.is_empty() {
            let unsent = Try {
                failure: nothing_sent,
                ..Try::default()
            };
            waiting.push([whole.one(trace, (0, &unsent), outcome)]);
            return;
        }
        let last = trace.log.len();
        waiting.push((1..).zip(&trace.log).map(|(number, one)| {
            let outcome = if number == last {
                outcome
            } else {
                CallOutcome::TriedAgain
            };
            whole.one(trace, (number, one), outcome)
        }));
    }

    /// Writes what waits to be written; returns how many tries that were.
    ///
    /// When it returns, every call that had ended on this node before is in the database.
    pub async fn write_upstream_calls(&self) -> Result<usize, OperationError> {
        let waiting = &self.inner.waiting_calls;
        let _writing = waiting.writing.lock().await;
        let mut written = 0_usize;
        // Others go on adding; what was there at the beginning is what this run owes.
        for _ in 0..WAITING_TRIES_MAX.div_ceil(BATCH_TRIES) {
            let batch = waiting.take_batch();
            if batch.is_empty() {
                break;
            }
            // Calls of all tenants wait together, whoever asks for them to be written.
            if let Err(error) = tenancy::platform(self.write_batch(&batch)).await {
                waiting.put_back(batch);
                return Err(error);
            }
            written = written.saturating_add(batch.len());
        }
        Ok(written)
    }

    async fn write_batch(&self, batch: &[UpstreamTry]) -> Result<(), OperationError> {
        let tx = self.storage().begin().await?;
        upstream_calls::insert_all(&tx, batch).await?;
        Ok(tx.commit().await?)
    }
}

fn count(outcome: CallOutcome, took_ms: i64) {
    metrics::counter!("tributary_upstream_calls_total", "outcome" => outcome.as_str()).increment(1);
    let took_ms = u32::try_from(took_ms.max(0)).unwrap_or(u32::MAX);
    metrics::histogram!("tributary_upstream_call_seconds").record(f64::from(took_ms) / 1_000.0);
}

/// What the tries of one call have in common.
struct Call<'a> {
    id: UpstreamCallId,
    position: i64,
    handle: &'a ProviderHandle,
    context: &'a CallContext,
    started_at: Timestamp,
    ended_at: Timestamp,
}

impl Call<'_> {
    fn one(
        &self,
        trace: &CallTrace,
        (number, one): (usize, &Try),
        outcome: CallOutcome,
    ) -> UpstreamTry {
        let (context, provider) = (self.context, &self.handle.provider);
        let after_ms = i64::try_from(one.after_ms).unwrap_or(i64::MAX);
        UpstreamTry {
            call_id: self.id.clone(),
            number: i64::try_from(number).unwrap_or(i64::MAX),
            position: self.position,
            provider_id: provider.id.clone(),
            mode: provider.mode,
            tenant_id: context.tenant_id.clone(),
            order_id: context.order_id.clone(),
            attempt_id: context.attempt_id.clone(),
            refund_id: context.refund_id.clone(),
            purpose: context.purpose.as_str().to_owned(),
            method: trace.method.clone(),
            path: bounded(&trace.path),
            host: bounded(&one.host),
            // The stopwatch and the clock are two things; the clock has the last word.
            started_at: self.started_at.plus_millis(after_ms).min(self.ended_at),
            duration_ms: i64::try_from(one.duration_ms).unwrap_or(i64::MAX),
            outcome,
            failure: one.failure.map(|failure| failure.as_str().to_owned()),
            status: one.http_status.map(i64::from),
            code: one.code.as_deref().map(bounded),
            request_id: one.request_id.as_deref().map(bounded),
            key_serial: one.key_serial.as_deref().map(bounded),
            said: trace
                .said
                .as_deref()
                .filter(|_| one.failure.is_none())
                .map(bounded),
        }
    }
}

/// One odd character in an answer must not keep a whole batch out of the database.
fn bounded(text: &str) -> String {
    let printable = text.chars().filter(|c| !c.is_control());
    printable.take(TEXT_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use tributary_domain::ids::ProviderId;
    use tributary_domain::tenant::Mode;

    use super::*;

    fn tries(count: usize) -> impl Iterator<Item = UpstreamTry> {
        let now = Timestamp::from_seconds(1_767_225_600);
        let one = UpstreamTry {
            call_id: UpstreamCallId::new(now),
            number: 1,
            position: 0,
            provider_id: ProviderId::new(now),
            mode: Mode::Test,
            tenant_id: None,
            order_id: None,
            attempt_id: None,
            refund_id: None,
            purpose: CallPurpose::Prepay.as_str().to_owned(),
            method: "POST".to_owned(),
            path: "/".to_owned(),
            host: String::new(),
            started_at: now,
            duration_ms: 0,
            outcome: CallOutcome::Succeeded,
            failure: None,
            status: None,
            code: None,
            request_id: None,
            key_serial: None,
            said: None,
        };
        (0..count).map(move |number| UpstreamTry {
            number: i64::try_from(number).unwrap(),
            ..one.clone()
        })
    }

    #[test]
    fn what_does_not_fit_into_memory_is_dropped_and_blocks_nobody() {
        let waiting = WaitingCalls::default();
        waiting.push(tries(WAITING_TRIES_MAX + 10));
        assert_eq!(waiting.tries().len(), WAITING_TRIES_MAX);
        let batch = waiting.take_batch();
        assert_eq!(batch.len(), BATCH_TRIES);
        waiting.push(tries(BATCH_TRIES - 1));
        waiting.put_back(batch);
        assert_eq!(waiting.tries().len(), WAITING_TRIES_MAX);
        // Of what is put back the newest stays.
        let first = waiting.tries().front().map(|one| one.number);
        assert_eq!(first, i64::try_from(BATCH_TRIES - 1).ok());
    }

    #[test]
    fn a_batch_that_could_not_be_written_comes_again_in_its_order() {
        let waiting = WaitingCalls::default();
        waiting.push(tries(3));
        let batch = waiting.take_batch();
        waiting.put_back(batch);
        let numbers: Vec<i64> = waiting.take_batch().iter().map(|one| one.number).collect();
        assert_eq!(numbers, [0, 1, 2]);
    }

    #[test]
    fn a_text_from_outside_is_bounded_and_printable() {
        assert_eq!(bounded("a\0b\n"), "ab");
        assert_eq!(bounded(&"长".repeat(500)).chars().count(), TEXT_CHARS_MAX);
    }

    #[test]
    fn every_purpose_reads_back() {
        for purpose in CallPurpose::ALL {
            assert_eq!(CallPurpose::parse(purpose.as_str()), Some(purpose));
        }
    }
}
