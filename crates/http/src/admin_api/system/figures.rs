//! Keys that end, applied migrations and what the process did, as the admin API shows them.

use std::collections::BTreeMap;

use poem_openapi::Object;
use tributary_domain::clock::Timestamp;
use tributary_operations::statistics;

use super::Counted;
use crate::figures::Summary;

/// A key or a certificate that ends within 180 days.
#[derive(Debug, Object)]
pub(super) struct EndingKey {
    /// `provider_key` or `tenant_certificate`.
    kind: String,
    /// Its id.
    id: String,
    /// What is printed on it.
    serial: String,
    /// Whose it is: the id of a provider or of a tenant.
    owner_id: String,
    /// When it ends (RFC 3339).
    ends_at: String,
    /// Whole days until then.
    days_left: i64,
}

impl From<statistics::EndingKey> for EndingKey {
    fn from(key: statistics::EndingKey) -> Self {
        Self {
            kind: key.kind.to_owned(),
            id: key.id,
            serial: key.serial,
            owner_id: key.owner,
            ends_at: key.ends_at.to_rfc3339(),
            days_left: key.days_left,
        }
    }
}

/// A change of the schema that was applied.
#[derive(Debug, Object)]
pub(super) struct AppliedMigration {
    /// Its name.
    name: String,
    /// When (RFC 3339).
    applied_at: String,
}

impl From<(String, Timestamp)> for AppliedMigration {
    fn from((name, at): (String, Timestamp)) -> Self {
        Self {
            name,
            applied_at: at.to_rfc3339(),
        }
    }
}

/// What the process that answers did, since somebody looked about five minutes ago or since its start.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct ProcessFigures {
    /// How long it runs.
    uptime_seconds: i64,
    /// How long the figures are about.
    window_seconds: i64,
    /// Requests by class of their status, such as `2xx`.
    requests: Vec<Counted>,
    /// Calls to WeChat by outcome: `succeeded`, `failed` or `unknown`.
    upstream_calls: Vec<Counted>,
    /// All but one in twenty of them took no longer, in steps; absent when there was none.
    upstream_p95_ms: Option<u64>,
    /// Attempts to deliver by outcome: `delivered`, or why they failed.
    deliveries: Vec<Counted>,
    /// WeChat's notifications by outcome.
    notifications: Vec<Counted>,
}

impl From<Summary> for ProcessFigures {
    fn from(summary: Summary) -> Self {
        Self {
            uptime_seconds: summary.uptime_ms / 1_000,
            window_seconds: summary.window_ms / 1_000,
            requests: shown(summary.requests),
            upstream_calls: shown(summary.calls),
            upstream_p95_ms: summary.calls_p95_ms,
            deliveries: shown(summary.deliveries),
            notifications: shown(summary.notifications),
        }
    }
}

fn shown(words: BTreeMap<String, u64>) -> Vec<Counted> {
    let counted = words.into_iter().map(|(name, count)| Counted {
        name,
        count: i64::try_from(count).unwrap_or(i64::MAX),
    });
    counted.collect()
}
