//! Keys that end, and applied migrations, as the admin API shows them.

use poem_openapi::Object;
use tributary_domain::clock::Timestamp;
use tributary_operations::statistics;

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
