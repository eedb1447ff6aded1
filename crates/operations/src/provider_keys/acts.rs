//! Changes to a ring as they are written: the keys, the ring's version and the audit entry, in one transaction.

use serde_json::{Value, json};
use tributary_domain::audit::AuditScope;
use tributary_domain::clock::Timestamp;
use tributary_domain::ids::ProviderId;
use tributary_domain::provider_key::{KeyState, ProviderKey};
use tributary_domain::staff::Actor;
use tributary_storage::Tx;
use tributary_storage::provider_keys::{self, SealedSecret, StoredKey};
use tributary_storage::providers::{self, Upkeep};

use crate::audit::{self, Act};
use crate::{OperationError, Operations};

/// What was fetched from WeChat.
pub(crate) fn wechat() -> Actor {
    Actor::system("certificates")
}

/// What happens by the clock.
pub(crate) fn schedule() -> Actor {
    Actor::system("key_tests")
}

/// One key that moves on.
pub(crate) struct Moved<'a> {
    pub(crate) action: &'static str,
    pub(crate) before: &'a ProviderKey,
    pub(crate) after: &'a ProviderKey,
    pub(crate) reason: Option<&'a str>,
}

/// Writes a new key and what is said about it; the ring's version is the caller's affair.
pub(crate) async fn insert(
    tx: &Tx,
    by: &Actor,
    (key, secret): (ProviderKey, SealedSecret),
    now: Timestamp,
) -> Result<(), OperationError> {
    let stored = StoredKey { key, secret };
    provider_keys::insert(tx, &stored).await?;
    let key = &stored.key;
    let act = Act {
        after: Some(shown(key)),
        ..Act::new(
            AuditScope::Platform,
            "provider.key.imported",
            key.id.as_str(),
        )
    };
    audit::record(tx, by, act, now).await
}

/// Notes that a ring is another: nodes read it anew, and its keys are tested soon.
///
/// Comes first in its transaction: it holds the provider's row, so that who decides by the other keys of the ring sees
/// them as they stay.
pub(crate) async fn note_change(
    tx: &Tx,
    provider: &ProviderId,
    now: Timestamp,
) -> Result<(), OperationError> {
    provider_keys::note_change(tx, provider, now).await?;
    Ok(providers::make_due(tx, provider, Upkeep::KeyTest, now).await?)
}

/// Records something that was done to a provider as a whole.
pub(crate) async fn record_about_provider(
    tx: &Tx,
    by: &Actor,
    (provider, action): (&ProviderId, &'static str),
    (before, after): (Value, Value),
    now: Timestamp,
) -> Result<(), OperationError> {
    let act = Act {
        before: Some(before),
        after: Some(after),
        ..Act::new(AuditScope::Platform, action, provider.as_str())
    };
    audit::record(tx, by, act, now).await
}

impl Operations {
    /// Moves a key of a provider on.
    pub(crate) async fn move_key(&self, by: &Actor, act: Moved<'_>) -> Result<(), OperationError> {
        let provider = &act.before.provider_id;
        let now = self.now();
        let tx = self.storage().begin().await?;
        // A self-test moves keys as well, and asks for no other one.
        if act.after.state == KeyState::Testing {
            provider_keys::note_change(&tx, provider, now).await?;
        } else {
            note_change(&tx, provider, now).await?;
        }
        write_move(&tx, by, act, now).await?;
        tx.commit().await?;
        self.forget_provider(provider).await;
        Ok(())
    }
}

/// Writes how a key moves on, in a transaction that has noted the change of the ring.
pub(crate) async fn write_move(
    tx: &Tx,
    by: &Actor,
    act: Moved<'_>,
    now: Timestamp,
) -> Result<(), OperationError> {
    provider_keys::update(tx, act.before, act.after).await?;
    let entry = Act {
        before: Some(shown(act.before)),
        after: Some(shown(act.after)),
        reason: act.reason,
        ..Act::new(AuditScope::Platform, act.action, act.before.id.as_str())
    };
    audit::record(tx, by, entry, now).await
}

/// A key as the log shows it: names and fingerprints, no key.
fn shown(key: &ProviderKey) -> Value {
    json!({
        "provider_id": key.provider_id,
        "kind": key.kind,
        "state": key.state,
        "serial": key.serial,
        "fingerprint": key.fingerprint,
        "approved_by": key.approved_by,
    })
}
