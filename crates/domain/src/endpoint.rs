//! Endpoints: where a tenant wants to be told, about what, and whether it still listens.

use crate::clock::Timestamp;
use crate::event::filter_matches;
use crate::ids::{EndpointId, TenantId};
use crate::tenant::Mode;

/// How many endpoints a tenant may have in one mode.
pub const MAX_ENDPOINTS: u64 = 16;

/// Whether an endpoint is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EndpointState {
    /// Never answered yet; what matches is held.
    Unverified,
    /// Served.
    Enabled,
    /// Served, and failing.
    Degraded,
    /// Not served, because it is gone, failed for too long, or was switched off.
    Disabled,
    /// Not served for a while, by hand.
    Paused,
}

impl EndpointState {
    /// Every state there is.
    pub const ALL: [Self; 5] = [
        Self::Unverified,
        Self::Enabled,
        Self::Degraded,
        Self::Disabled,
        Self::Paused,
    ];

    /// The word stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unverified => "unverified",
            Self::Enabled => "enabled",
            Self::Degraded => "degraded",
            Self::Disabled => "disabled",
            Self::Paused => "paused",
        }
    }

    /// Reads the stored word.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }

    /// Whether deliveries go out; otherwise they are held.
    pub const fn is_served(self) -> bool {
        matches!(self, Self::Enabled | Self::Degraded)
    }
}

/// A tenant's URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Its id.
    pub id: EndpointId,
    /// Whose it is.
    pub tenant_id: TenantId,
    /// Which of the two worlds it hears of.
    pub mode: Mode,
    /// Where deliveries are posted.
    pub url: String,
    /// What a person calls it.
    pub description: String,
    /// Which event types it wants: words, or stems that end in `*`.
    pub filters: Vec<String>,
    /// Whether it is served.
    pub state: EndpointState,
    /// Why it is not served: `gone`, `receiver`, `manual`.
    pub disabled_reason: Option<String>,
    /// Failed attempts since the last success.
    pub consecutive_failures: i64,
    /// When the first of them failed.
    pub failing_since: Option<Timestamp>,
    /// When it last answered 2xx.
    pub last_success_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed by hand.
    pub updated_at: Timestamp,
}

/// Whether any of the filters lets the type through.
pub fn any_filter_matches(filters: &[String], kind: &str) -> bool {
    filters.iter().any(|filter| filter_matches(filter, kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_reads_back_and_only_two_are_served() {
        for state in EndpointState::ALL {
            assert_eq!(EndpointState::parse(state.as_str()), Some(state));
        }
        let served = EndpointState::ALL
            .into_iter()
            .filter(|state| state.is_served());
        assert_eq!(
            served.collect::<Vec<_>>(),
            [EndpointState::Enabled, EndpointState::Degraded]
        );
    }

    #[test]
    fn one_matching_filter_is_enough_and_none_lets_nothing_through() {
        let filters = ["order.paid".to_owned(), "refund.*".to_owned()];
        assert!(any_filter_matches(&filters, "order.paid"));
        assert!(any_filter_matches(&filters, "refund.created"));
        assert!(!any_filter_matches(&filters, "order.paid_late"));
        assert!(!any_filter_matches(&[], "order.paid"));
    }
}
