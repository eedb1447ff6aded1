//! Money that did not come in the ordinary way: late, twice, or with another amount. It is never dropped.
//!
//! Each is a row with a decision: by the tenant's policy at once, or by a person later.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::ids::{AttemptId, LatePaymentId, OrderId, ProviderId, RefundId, TenantId};
use crate::money::Fen;
use crate::state_words::state_words;
use crate::tenant::Mode;

state_words! {
    /// In which way money was not the ordinary payment.
    LateKind {
        /// The order was closed here before.
        PaidLate = "paid_late",
        /// The order was paid already.
        DuplicatePaid = "duplicate_paid",
        /// Another amount than the order's.
        AmountMismatch = "amount_mismatch",
    }
}

state_words! {
    /// What is to become of such money.
    LateDecision {
        /// The tenant keeps it.
        Accept = "accept",
        /// It goes back to the payer.
        Refund = "refund",
        /// A person decides.
        Hold = "hold",
    }
}

state_words! {
    /// Where such money stands.
    LatePaymentState {
        /// A person must decide.
        Held = "held",
        /// The tenant keeps it.
        Accepted = "accepted",
        /// On its way back to the payer.
        Refunding = "refunding",
        /// The payer has it back.
        Refunded = "refunded",
    }
}

/// A tenant's standing decision for each kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LatePolicy {
    /// For a payment after the close.
    pub paid_late: LateDecision,
    /// For a second payment of one order.
    pub duplicate_paid: LateDecision,
    /// For a payment of another amount.
    pub amount_mismatch: LateDecision,
}

impl Default for LatePolicy {
    /// Money that fits is accepted; money of another amount waits for a person, because accepting it would call an
    /// order paid that was not paid in full.
    fn default() -> Self {
        Self {
            paid_late: LateDecision::Accept,
            duplicate_paid: LateDecision::Accept,
            amount_mismatch: LateDecision::Hold,
        }
    }
}

impl LatePolicy {
    /// The decision for one kind.
    pub const fn decide(&self, kind: LateKind) -> LateDecision {
        match kind {
            LateKind::PaidLate => self.paid_late,
            LateKind::DuplicatePaid => self.duplicate_paid,
            LateKind::AmountMismatch => self.amount_mismatch,
        }
    }
}

/// One payment that came late, twice, or with another amount.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LatePayment {
    /// Our id.
    pub id: LatePaymentId,
    /// Whose it is.
    pub tenant_id: TenantId,
    /// Which world it lives in.
    pub mode: Mode,
    /// For which order.
    pub order_id: OrderId,
    /// Of which attempt.
    pub attempt_id: AttemptId,
    /// Through which provider.
    pub provider_id: ProviderId,
    /// In which way it is not the ordinary payment.
    pub kind: LateKind,
    /// WeChat's number of the payment.
    pub transaction_id: String,
    /// What came in.
    pub total: Fen,
    /// When the payer paid.
    pub success_time: Timestamp,
    /// Where it stands.
    pub state: LatePaymentState,
    /// Who decided: `policy`, or a person.
    pub decided_by: Option<String>,
    /// Why, in the person's words.
    pub reason: Option<String>,
    /// The refund that gives it back.
    pub refund_id: Option<RefundId>,
    /// When it was seen.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl LateDecision {
    /// Where money stands once this was decided.
    pub const fn state(self) -> LatePaymentState {
        match self {
            Self::Accept => LatePaymentState::Accepted,
            Self::Refund => LatePaymentState::Refunding,
            Self::Hold => LatePaymentState::Held,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_that_names_one_kind_keeps_the_defaults_of_the_others() {
        let policy: LatePolicy = serde_json::from_str(r#"{"paid_late":"refund"}"#).unwrap();
        assert_eq!(policy.decide(LateKind::PaidLate), LateDecision::Refund);
        assert_eq!(policy.decide(LateKind::DuplicatePaid), LateDecision::Accept);
        assert_eq!(policy.decide(LateKind::AmountMismatch), LateDecision::Hold);
    }

    #[test]
    fn every_word_reads_back() {
        for kind in LateKind::ALL {
            assert_eq!(LateKind::parse(kind.as_str()), Some(*kind));
        }
        for state in LatePaymentState::ALL {
            assert_eq!(LatePaymentState::parse(state.as_str()), Some(*state));
        }
    }
}
