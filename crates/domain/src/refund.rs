//! Refunds: the states, which may follow which, and when WeChat is asked again. No refund expires by our clock.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::ids::{AttemptId, LatePaymentId, OrderId, ProviderId, RefundId, TenantId};
use crate::merchant::{Mchid, OutRefundNo, OutTradeNo};
use crate::money::Fen;
use crate::refund_content::RefundContent;
use crate::state_words::state_words;
use crate::tenant::Mode;

state_words! {
    /// Where a refund stands.
    RefundState {
        /// Recorded, its amount set aside; not sent yet.
        Requested = "requested",
        /// Sent; the answer is on its way.
        Sent = "sent",
        /// Sent, and no certain answer came; a query will tell.
        Unknown = "unknown",
        /// The sub-merchant's money does not suffice; the same number is sent again later.
        Held = "held",
        /// WeChat accepted it.
        Processing = "processing",
        /// The way back to the payer failed; the money is neither with the payer nor released.
        Abnormal = "abnormal",
        /// The payer has the money.
        Success = "success",
        /// It did not happen; the amount may be refunded again.
        Closed = "closed",
    }
}

state_words! {
    /// Who asked for a refund.
    RefundOrigin {
        /// The tenant, over the API.
        Api = "api",
        /// What becomes of late money.
        LateMoney = "late_money",
        /// Somebody elsewhere, such as in WeChat's own console; found in a bill or a notification.
        External = "external",
    }
}

impl RefundState {
    /// Whether something is still to be found out or done.
    pub const fn is_open(self) -> bool {
        !matches!(self, Self::Success | Self::Closed)
    }

    /// Whether WeChat is not known to have accepted it.
    pub const fn is_unaccepted(self) -> bool {
        matches!(
            self,
            Self::Requested | Self::Sent | Self::Unknown | Self::Held
        )
    }

    /// Rank of certainty: a fact never moves a refund to a lower rank.
    pub const fn rank(self) -> u8 {
        match self {
            Self::Requested => 0,
            Self::Sent => 1,
            Self::Unknown | Self::Held => 2,
            Self::Processing => 3,
            Self::Abnormal => 6,
            Self::Success | Self::Closed => 10,
        }
    }
}

/// What WeChat said about a refund, as last seen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundFacts {
    /// WeChat's number of the refund.
    pub refund_id: Option<String>,
    /// WeChat's own word for its state.
    pub status: Option<String>,
    /// The way back.
    pub channel: Option<String>,
    /// The receiving account in WeChat's words.
    pub user_received_account: Option<String>,
    /// When the payer had the money.
    pub success_time: Option<Timestamp>,
    /// What the payer gets, after coupons.
    pub payer_refund: Option<i64>,
    /// When WeChat accepted it, in its own words where it said so: the day of the bill that shows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted_at: Option<Timestamp>,
}

/// Why a refund did not happen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundFailure {
    /// WeChat's code.
    pub code: Option<String>,
    /// WeChat's words.
    pub message: String,
}

/// Money on its way back to a payer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refund {
    /// Our id.
    pub id: RefundId,
    /// Whose it is.
    pub tenant_id: TenantId,
    /// Which world it lives in.
    pub mode: Mode,
    /// Through which provider.
    pub provider_id: ProviderId,
    /// Of which order.
    pub order_id: OrderId,
    /// Of which attempt's payment.
    pub attempt_id: AttemptId,
    /// Of which late payment, when not of the order's own.
    pub late_payment_id: Option<LatePaymentId>,
    /// Whose money it is.
    pub sub_mchid: Mchid,
    /// Who asked for it.
    pub origin: RefundOrigin,
    /// What was asked for.
    pub content: RefundContent,
    /// The number that WeChat sees: fixed when the refund is recorded.
    pub out_refund_no: OutRefundNo,
    /// The order number of the payment.
    pub out_trade_no: OutTradeNo,
    /// WeChat's number of the payment.
    pub transaction_id: String,
    /// The whole payment, of which this is a part.
    pub total: Fen,
    /// The exact bytes sent; absent until the first sending, the same on every later one.
    pub body: Option<Vec<u8>>,
    /// Where it stands.
    pub state: RefundState,
    /// What WeChat said.
    pub facts: RefundFacts,
    /// Why it is closed or held.
    pub failure: Option<RefundFailure>,
    /// When it was recorded.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Number of the last event about it.
    pub event_seq: i64,
    /// When it was first sent.
    pub sent_at: Option<Timestamp>,
    /// When it was last sent; only a minute later "no such refund" proves anything.
    pub last_sent_at: Option<Timestamp>,
    /// When it is looked at next; absent exactly when nothing is left to do.
    pub next_try_at: Option<Timestamp>,
    /// How often it was looked at in its present state.
    pub tries: i64,
}

/// How long after a refund was sent "no such refund" proves nothing.
pub const REFUND_SETTLES_MS: i64 = 60_000;
/// How long one node has a refund for itself.
pub const REFUND_CLAIM_MS: i64 = 60_000;

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;
/// A refund that WeChat has not finished after this long is shown to a person ("WeChat partner docs: refund":
/// bank cards take one to three working days).
pub const REFUND_SLOW_MS: i64 = 7 * DAY_MS;
/// "WeChat partner docs: query a refund": a minute after it was accepted, then at growing intervals.
const PROCESSING_STEPS_MS: [i64; 9] = [
    MINUTE_MS,
    MINUTE_MS,
    MINUTE_MS,
    MINUTE_MS,
    MINUTE_MS,
    5 * MINUTE_MS,
    10 * MINUTE_MS,
    20 * MINUTE_MS,
    30 * MINUTE_MS,
];
const UNKNOWN_STEPS_MS: [i64; 13] = [
    5_000, 15_000, MINUTE_MS, MINUTE_MS, MINUTE_MS, MINUTE_MS, MINUTE_MS, MINUTE_MS, MINUTE_MS,
    MINUTE_MS, MINUTE_MS, MINUTE_MS, MINUTE_MS,
];
const HELD_STEPS_MS: [i64; 5] = [
    10 * MINUTE_MS,
    10 * MINUTE_MS,
    30 * MINUTE_MS,
    HOUR_MS,
    HOUR_MS,
];
const HELD_EVERY_MS: i64 = 6 * HOUR_MS;

impl Refund {
    /// Whether it is closed because WeChat refused it, not because WeChat says that it is closed.
    pub const fn was_closed_by_us(&self) -> bool {
        matches!(self.state, RefundState::Closed) && self.facts.refund_id.is_none()
    }

    /// When to look at the refund again, being in `state` and looked at `tries` times in it.
    pub fn next_look(&self, state: RefundState, tries: i64, now: Timestamp) -> Option<Timestamp> {
        let age_ms = now.millis_since(self.sent_at.unwrap_or(self.created_at));
        let delay_ms = match state {
            RefundState::Success | RefundState::Closed => return None,
            RefundState::Requested | RefundState::Sent => REFUND_CLAIM_MS,
            RefundState::Unknown => {
                step(&UNKNOWN_STEPS_MS, tries).unwrap_or_else(|| processing_pause(age_ms))
            }
            RefundState::Held => step(&HELD_STEPS_MS, tries).unwrap_or(HELD_EVERY_MS),
            RefundState::Processing => {
                step(&PROCESSING_STEPS_MS, tries).unwrap_or_else(|| processing_pause(age_ms))
            }
            RefundState::Abnormal => DAY_MS,
        };
        Some(now.plus_millis(delay_ms))
    }
}

fn step(steps: &[i64], tries: i64) -> Option<i64> {
    usize::try_from(tries)
        .ok()
        .and_then(|n| steps.get(n))
        .copied()
}

/// Long after the sending, the pauses grow with the age.
const fn processing_pause(age_ms: i64) -> i64 {
    if age_ms < DAY_MS {
        30 * MINUTE_MS
    } else if age_ms < REFUND_SLOW_MS {
        6 * HOUR_MS
    } else {
        DAY_MS
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A refund of 300 of 888 fen.
    pub(crate) fn refund(state: RefundState) -> Refund {
        let now = Timestamp::from_seconds(1_767_225_600);
        Refund {
            id: RefundId::new(now),
            tenant_id: TenantId::new(now),
            mode: Mode::Test,
            provider_id: ProviderId::new(now),
            order_id: OrderId::new(now),
            attempt_id: AttemptId::new(now),
            late_payment_id: None,
            sub_mchid: Mchid::parse("1900000110").unwrap(),
            origin: RefundOrigin::Api,
            content: RefundContent::whole("R1", Fen::new(300).unwrap()).unwrap(),
            out_refund_no: OutRefundNo::parse("R123456").unwrap(),
            out_trade_no: OutTradeNo::parse("123456").unwrap(),
            transaction_id: "4200000000202601010000000001".into(),
            total: Fen::new(888).unwrap(),
            body: None,
            state,
            facts: RefundFacts::default(),
            failure: None,
            created_at: now,
            updated_at: now,
            event_seq: 1,
            sent_at: Some(now),
            last_sent_at: Some(now),
            next_try_at: Some(now),
            tries: 0,
        }
    }

    #[test]
    fn every_state_reads_back_from_its_word() {
        for state in RefundState::ALL {
            assert_eq!(RefundState::parse(state.as_str()), Some(*state));
        }
        for origin in RefundOrigin::ALL {
            assert_eq!(RefundOrigin::parse(origin.as_str()), Some(*origin));
        }
    }

    #[test]
    fn every_open_state_has_a_next_look_and_no_ended_one_has() {
        for state in RefundState::ALL {
            for (tries, days) in [(0, 0), (12, 0), (100, 1), (1000, 30)] {
                let refund = refund(*state);
                let now = refund.created_at.plus_millis(days * DAY_MS);
                let next = refund.next_look(*state, tries, now);
                assert_eq!(next.is_some(), state.is_open(), "{state:?}");
                assert!(next.is_none_or(|at| at > now && at <= now.plus_millis(DAY_MS)));
            }
        }
    }

    #[test]
    fn an_accepted_refund_is_asked_about_as_wechat_advises() {
        let refund = refund(RefundState::Processing);
        let sent = refund.sent_at.unwrap();
        let pause = |tries, age_ms| {
            let now = sent.plus_millis(age_ms);
            let next = refund.next_look(RefundState::Processing, tries, now);
            next.unwrap().millis_since(now) / MINUTE_MS
        };
        let first: Vec<i64> = (0..10).map(|tries| pause(tries, 0)).collect();
        assert_eq!(first, [1, 1, 1, 1, 1, 5, 10, 20, 30, 30]);
        assert_eq!(pause(50, 2 * DAY_MS), 360);
        assert_eq!(pause(80, 8 * DAY_MS), 1440);
    }
}
