//! Endpoints: where a tenant wants to be told, about what, and whether it still listens.

use crate::clock::Timestamp;
use crate::event::filter_matches;
use crate::ids::{EndpointId, TenantId};
use crate::tenant::Mode;

/// How many endpoints a tenant may have in one mode.
pub const MAX_ENDPOINTS: u64 = 16;

/// How many headers of its own an endpoint may have.
pub const MAX_HEADERS: usize = 10;
/// What an endpoint may choose as the time for one attempt.
pub const TIMEOUT_SECONDS: std::ops::RangeInclusive<i64> = 3..=30;
/// How many sub-merchants an endpoint may name.
pub const MAX_SUB_MCHIDS: usize = 100;

/// How webhooks to an endpoint are signed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum SignatureKind {
    /// HMAC-SHA256 under a secret that both sides have.
    #[default]
    V1,
    /// Ed25519; the receiver has the public key only.
    V1a,
}

impl SignatureKind {
    /// The word shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V1 => "v1",
            Self::V1a => "v1a",
        }
    }
}

/// How much of an event an endpoint is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum PayloadMode {
    /// The object as it was.
    #[default]
    Full,
    /// The object's id; the tenant reads the rest through the API.
    Thin,
}

impl PayloadMode {
    /// The word stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Thin => "thin",
        }
    }

    /// Reads the stored word.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Full, Self::Thin]
            .into_iter()
            .find(|mode| mode.as_str() == text)
    }
}

/// When failed deliveries to an endpoint are tried again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum RetrySchedule {
    /// Fourteen attempts over three days.
    #[default]
    Standard,
    /// As WeChat Pay repeats its own notifications: sixteen attempts over a day.
    Wechat,
}

impl RetrySchedule {
    /// The word stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Wechat => "wechat",
        }
    }

    /// Reads the stored word.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Standard, Self::Wechat]
            .into_iter()
            .find(|schedule| schedule.as_str() == text)
    }
}

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
    /// The sub-merchants that it wants to hear of; empty means all of them, and what concerns none.
    pub sub_mchids: Vec<String>,
    /// How much of an event it is sent.
    pub payload: PayloadMode,
    /// When failed deliveries are tried again.
    pub schedule: RetrySchedule,
    /// The version of the payloads, chosen once.
    pub api_version: String,
    /// Whether it gets the events of one subject one after another.
    pub ordered: bool,
    /// How long an attempt may last, when not as long as usual.
    pub timeout_ms: Option<i64>,
    /// The names of the headers that its tenant adds; their values are sealed and stay where they are.
    pub header_names: Vec<String>,
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

/// Whether an endpoint with this list hears of what concerns this sub-merchant.
pub fn concerns(sub_mchids: &[String], sub_mchid: Option<&str>) -> bool {
    sub_mchids.is_empty()
        || sub_mchid.is_some_and(|concerned| sub_mchids.iter().any(|wanted| wanted == concerned))
}

/// Whether any of the filters lets the type through.
pub fn any_filter_matches(filters: &[String], kind: &str) -> bool {
    filters.iter().any(|filter| filter_matches(filter, kind))
}

/// The name of the receiver in a checked URL, lower case: what people look an endpoint up by.
pub fn host_of(url: &str) -> String {
    const CHARS_MAX: usize = 191;
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    let host = match host.strip_prefix('[') {
        Some(address) => address.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    host.to_ascii_lowercase().chars().take(CHARS_MAX).collect()
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
    fn every_choice_reads_back() {
        for payload in [PayloadMode::Full, PayloadMode::Thin] {
            assert_eq!(PayloadMode::parse(payload.as_str()), Some(payload));
        }
        for schedule in [RetrySchedule::Standard, RetrySchedule::Wechat] {
            assert_eq!(RetrySchedule::parse(schedule.as_str()), Some(schedule));
        }
    }

    #[test]
    fn a_list_of_sub_merchants_keeps_the_others_out() {
        let listed = ["1900000109".to_owned()];
        assert!(concerns(&listed, Some("1900000109")));
        assert!(!concerns(&listed, Some("1900000110")));
        assert!(!concerns(&listed, None));
        assert!(concerns(&[], Some("1900000110")) && concerns(&[], None));
    }

    #[test]
    fn one_matching_filter_is_enough_and_none_lets_nothing_through() {
        let filters = ["order.paid".to_owned(), "refund.*".to_owned()];
        assert!(any_filter_matches(&filters, "order.paid"));
        assert!(any_filter_matches(&filters, "refund.created"));
        assert!(!any_filter_matches(&filters, "order.paid_late"));
        assert!(!any_filter_matches(&[], "order.paid"));
    }

    #[test]
    fn a_host_is_found_in_every_form_of_url() {
        for (url, host) in [
            ("https://Shop.Example.com/hook?x=1", "shop.example.com"),
            ("http://127.0.0.1:9000/hook", "127.0.0.1"),
            ("https://u:p@shop.example.com:8443", "shop.example.com"),
            ("https://[2001:db8::1]:443/hook", "2001:db8::1"),
        ] {
            assert_eq!(host_of(url), host, "{url}");
        }
    }
}
