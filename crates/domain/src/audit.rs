//! The audit log: what was done, by whom, chained so that no entry can be changed, dropped or put in later unnoticed.
//!
//! One chain per scope. Each entry's hash covers the hash before it, its number and its own bytes; the bytes are kept
//! exactly as they were hashed.

use serde::{Deserialize, Serialize};

use crate::ids::TenantId;

/// Length of a hash of the chain.
pub const HASH_LEN: usize = 32;
/// What the first entry of a chain follows.
pub const GENESIS: [u8; HASH_LEN] = [0; HASH_LEN];

/// Whose chain an entry belongs to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AuditScope {
    /// What is nobody's tenant's: providers, staff, keys.
    Platform,
    /// What belongs to a tenant.
    Tenant(TenantId),
}

impl AuditScope {
    const PLATFORM: &'static str = "platform";

    /// The word stored and hashed.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Platform => Self::PLATFORM,
            Self::Tenant(id) => id.as_str(),
        }
    }

    /// Reads the stored word.
    pub fn parse(text: &str) -> Option<Self> {
        if text == Self::PLATFORM {
            return Some(Self::Platform);
        }
        text.parse().ok().map(Self::Tenant)
    }
}

/// What an entry says. Its members are written in this order and absent ones left out: those bytes are hashed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditEntry {
    /// Who: `stf_…`, `key_…`, `operator:…`, `system:…`.
    pub actor: String,
    /// What, in a stable word such as `provider.key.imported`.
    pub action: String,
    /// When, RFC 3339 with milliseconds.
    pub at: String,
    /// To which object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// What it was before, without secrets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<serde_json::Value>,
    /// What it is now, without secrets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<serde_json::Value>,
    /// Why, in the words of the person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The person's session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// Where the request came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip: Option<String>,
    /// The request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

impl AuditEntry {
    /// The bytes that are hashed and kept.
    pub fn to_bytes(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self)
    }
}

/// The bytes whose SHA-256 is an entry's hash: each part behind its length in four bytes, big-endian.
pub fn hashed_bytes(scope: &str, number: u64, previous: &[u8; HASH_LEN], entry: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(entry.len() + 128);
    let number = number.to_be_bytes();
    let parts: [&[u8]; 5] = [
        b"audit:v1",
        scope.as_bytes(),
        &number,
        previous,
        entry.as_bytes(),
    ];
    for part in parts {
        // An entry is bounded far below 4 GiB; a longer one would hash as if it were that long.
        let length = u32::try_from(part.len()).unwrap_or(u32::MAX);
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(part);
    }
    bytes
}
