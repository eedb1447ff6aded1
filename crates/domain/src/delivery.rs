//! Deliveries: one event on its way to one endpoint.

use crate::clock::Timestamp;
use crate::ids::{DeliveryId, EndpointId, EventId, TenantId};
use crate::tenant::Mode;

/// How far a delivery has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DeliveryState {
    /// It has a next attempt.
    Open,
    /// Its endpoint is not served.
    Held,
    /// The endpoint answered 2xx.
    Succeeded,
    /// Every attempt failed.
    Failed,
    /// Nobody wants it any more.
    Cancelled,
}

impl DeliveryState {
    /// Every state there is.
    pub const ALL: [Self; 5] = [
        Self::Open,
        Self::Held,
        Self::Succeeded,
        Self::Failed,
        Self::Cancelled,
    ];

    /// The word stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Held => "held",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Reads the stored word.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

/// Why an attempt is made, and what its failure means for the schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum QueueClass {
    /// By the schedule.
    Scheduled,
    /// A person hurried an open delivery; a failure returns to the schedule without using it up.
    Hurried,
    /// A person replays a finished delivery; a failure finishes it again.
    Replay,
}

impl QueueClass {
    /// The word stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Scheduled => "scheduled",
            Self::Hurried => "hurried",
            Self::Replay => "replay",
        }
    }

    /// Reads the stored word.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Scheduled, Self::Hurried, Self::Replay]
            .into_iter()
            .find(|class| class.as_str() == text)
    }

    /// The word that the delivery log shows.
    pub const fn trigger(self) -> &'static str {
        match self {
            Self::Scheduled => "auto",
            Self::Hurried | Self::Replay => "manual",
        }
    }
}

/// One event on its way to one endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Its id.
    pub id: DeliveryId,
    /// Whose it is.
    pub tenant_id: TenantId,
    /// Which world it belongs to.
    pub mode: Mode,
    /// What is told.
    pub event_id: EventId,
    /// The type of what is told.
    pub event_kind: String,
    /// Whom.
    pub endpoint_id: EndpointId,
    /// How far it has come.
    pub state: DeliveryState,
    /// How many attempts were made.
    pub attempts: i64,
    /// When the next one is due.
    pub next_attempt_at: Option<Timestamp>,
    /// The status of the last answer.
    pub last_status: Option<i64>,
    /// The class of the last failure.
    pub last_error: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was finished.
    pub finished_at: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_and_class_reads_back() {
        for state in DeliveryState::ALL {
            assert_eq!(DeliveryState::parse(state.as_str()), Some(state));
        }
        for class in [
            QueueClass::Scheduled,
            QueueClass::Hurried,
            QueueClass::Replay,
        ] {
            assert_eq!(QueueClass::parse(class.as_str()), Some(class));
        }
    }
}
