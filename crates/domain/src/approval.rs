//! What one person asks for and another must approve.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::ids::{ApprovalId, StaffId};
use crate::staff::Permission;
use crate::staff_member::StaffScope;
use crate::state_words::state_words;

/// How long a request waits for its second person.
pub const OPEN_MS: i64 = 24 * 3_600_000;

state_words! {
    /// What is asked for.
    ApprovalKind {
        /// A refund above the limit.
        RefundAboveLimit = "refund_above_limit",
        /// Making somebody an owner of the platform.
        GrantOwner = "grant_owner",
    }
}

impl ApprovalKind {
    /// What the second person needs.
    pub const fn permission(self) -> Permission {
        match self {
            Self::RefundAboveLimit => Permission::RefundApprove,
            Self::GrantOwner => Permission::StaffApprove,
        }
    }
}

state_words! {
    /// How far a request came.
    ApprovalState {
        /// Waits for the second person.
        Pending = "pending",
        /// Approved, and about to be carried out.
        Approved = "approved",
        /// Carried out.
        Done = "done",
        /// Approved, but it could not be carried out.
        Failed = "failed",
        /// Refused by the second person.
        Rejected = "rejected",
        /// Nobody decided in time.
        Expired = "expired",
    }
}

/// A request that waits for a second person, or did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    /// Its id.
    pub id: ApprovalId,
    /// What is asked for.
    pub kind: ApprovalKind,
    /// Whose it is.
    pub scope: StaffScope,
    /// The object that it is about.
    pub target: String,
    /// What was asked, frozen; it holds no secret.
    pub content: serde_json::Value,
    /// How far it came.
    pub state: ApprovalState,
    /// Who asked.
    pub requested_by: StaffId,
    /// Why.
    pub reason: String,
    /// Who decided.
    pub decided_by: Option<StaffId>,
    /// Why.
    pub decision_reason: Option<String>,
    /// When it was decided.
    pub decided_at: Option<Timestamp>,
    /// What came of it, for people.
    pub outcome: Option<String>,
    /// When it was asked.
    pub created_at: Timestamp,
    /// Until when it may be decided.
    pub expires_at: Timestamp,
}

/// Why a person may not decide about a request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecisionRefusal {
    /// Nobody decides about a request of their own.
    #[error("the request is their own")]
    Own,
    /// It was decided, or its time is over.
    #[error("it is {}", .0.as_str())]
    NotOpen(ApprovalState),
}

impl Approval {
    /// The state at `now`: what nobody decided in time is expired.
    pub fn state_at(&self, now: Timestamp) -> ApprovalState {
        match self.state {
            ApprovalState::Pending if now >= self.expires_at => ApprovalState::Expired,
            state => state,
        }
    }

    /// Whether this person may decide now.
    pub fn may_be_decided(&self, by: &StaffId, now: Timestamp) -> Result<(), DecisionRefusal> {
        match self.state_at(now) {
            ApprovalState::Pending if *by == self.requested_by => Err(DecisionRefusal::Own),
            ApprovalState::Pending => Ok(()),
            state => Err(DecisionRefusal::NotOpen(state)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked_by(requester: &StaffId) -> Approval {
        let at = Timestamp::from_millis(0);
        Approval {
            id: ApprovalId::new(at),
            kind: ApprovalKind::GrantOwner,
            scope: StaffScope::Provider,
            target: "stf_".into(),
            content: serde_json::Value::Null,
            state: ApprovalState::Pending,
            requested_by: requester.clone(),
            reason: "because".into(),
            decided_by: None,
            decision_reason: None,
            decided_at: None,
            outcome: None,
            created_at: at,
            expires_at: at.plus_millis(OPEN_MS),
        }
    }

    #[test]
    fn only_another_person_decides_and_only_in_time() {
        let at = Timestamp::from_millis;
        let (asks, other) = (StaffId::new(at(1)), StaffId::new(at(2)));
        let approval = asked_by(&asks);
        assert_eq!(approval.may_be_decided(&other, at(OPEN_MS - 1)), Ok(()));
        let own = approval.may_be_decided(&asks, at(1));
        assert_eq!(own, Err(DecisionRefusal::Own));
        let late = approval.may_be_decided(&other, at(OPEN_MS));
        assert_eq!(late, Err(DecisionRefusal::NotOpen(ApprovalState::Expired)));
        let done = Approval {
            state: ApprovalState::Done,
            ..approval
        };
        let again = done.may_be_decided(&other, at(1));
        assert_eq!(again, Err(DecisionRefusal::NotOpen(ApprovalState::Done)));
    }
}
