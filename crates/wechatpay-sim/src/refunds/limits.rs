//! WeChat bounds how often refund calls of one provider may fail.

use std::collections::{HashMap, VecDeque};

use crate::{core::Core, providers::Provider, refusal::Refusal};

/// Partner docs: refund, frequency of failing or invalid requests.
const FAILURES_PER_SECOND: usize = 6;
const SECOND_MS: i64 = 1_000;

/// The failures of the last second by provider, in business time.
#[derive(Default)]
pub(crate) struct FailingCalls {
    failed_ms: HashMap<String, VecDeque<i64>>,
}

impl FailingCalls {
    fn is_exhausted(&mut self, sp_mchid: &str, now_ms: i64) -> bool {
        let Some(failed_ms) = self.failed_ms.get_mut(sp_mchid) else {
            return false;
        };
        while failed_ms
            .front()
            .is_some_and(|at_ms| now_ms - at_ms >= SECOND_MS)
        {
            failed_ms.pop_front();
        }
        failed_ms.len() >= FAILURES_PER_SECOND
    }

    fn enter(&mut self, sp_mchid: &str, now_ms: i64) {
        let failed_ms = self.failed_ms.entry(sp_mchid.to_owned()).or_default();
        failed_ms.push_back(now_ms);
    }
}

/// Runs a refund call, unless too many of this provider's have failed within a second.
pub(crate) fn limited<T>(
    core: &Core,
    provider: &Provider,
    call: impl FnOnce() -> Result<T, Refusal>,
) -> Result<T, Refusal> {
    let sp_mchid = &provider.record().sp_mchid;
    let now_ms = core.clock.business_ms();
    if core.failing_refunds().is_exhausted(sp_mchid, now_ms) {
        return Err(Refusal::frequency_limited());
    }
    let outcome = call();
    if outcome.is_err() {
        core.failing_refunds().enter(sp_mchid, now_ms);
    }
    outcome
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn six_failures_a_second_are_borne_and_the_second_passes() {
        let mut calls = FailingCalls::default();
        for at_ms in 0..6 {
            assert!(!calls.is_exhausted("1", at_ms));
            calls.enter("1", at_ms);
        }
        assert!(calls.is_exhausted("1", 999));
        assert!(!calls.is_exhausted("2", 999));
        assert!(!calls.is_exhausted("1", 1_000));
    }
}
