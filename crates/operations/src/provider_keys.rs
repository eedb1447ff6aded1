//! The key ring of a provider: importing, activating, retiring and revoking keys, and which of WeChat's keys requests
//! name.
//!
//! A change of keys is: import (`staged`), self-test (`testing`), activate, watch the meter, retire. Nothing here
//! reads a secret back: a key is shown by its serial and its fingerprint.

pub(crate) mod acts;
pub mod material;
pub(crate) mod meter;
pub mod self_test;
mod watch;

use serde_json::json;
use tributary_domain::clock::Timestamp;
use tributary_domain::ids::{ProviderId, ProviderKeyId};
use tributary_domain::merchant::Provider;
use tributary_domain::provider_key::{KeyKind, KeyMove, KeyRefusal, KeyState, ProviderKey};
use tributary_domain::staff::{Actor, Permission};
use tributary_domain::tenant::Mode;
use tributary_storage::Tx;
use tributary_storage::provider_keys::{self, SealedSecret, StoredKey};
use tributary_storage::providers::{self, StoredProvider};

use crate::actions::Action;
use crate::approvals::not_invited_by;
use crate::authority::Authority;
use crate::provider_keys::acts::Moved;
use crate::provider_keys::material::NewKey;
use crate::providers::open::{RING_MAX, own_place};
use crate::staff::{StaffCaller, check_reason};
use crate::{OperationError, Operations};

pub use meter::KeyShare;

/// What stands for a key that is to come into use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyProof {
    /// Its last self-test is green.
    SelfTest,
    /// A person says why it must do without.
    Waived {
        /// Why.
        reason: String,
    },
}

impl Operations {
    /// Puts a key into a provider's ring, staged; everything about it is checked before it is kept.
    ///
    /// Needs `key:import`.
    pub async fn import_key(
        &self,
        by: &dyn Authority,
        provider: &ProviderId,
        new: &NewKey,
    ) -> Result<ProviderKey, OperationError> {
        let by = &by.acting(Permission::KeyImport)?;
        let owner = self.stored_provider(provider).await?.provider;
        let now = self.now();
        let checked = new
            .check(&owner.sp_mchid, now)
            .map_err(OperationError::Invalid)?;
        let key = checked.to_key(provider, by, now);
        let secret = match &checked.secret {
            None => SealedSecret::None,
            Some(secret) => SealedSecret::Own(
                self.sealing()
                    .seal(
                        self.storage(),
                        provider.as_str(),
                        &own_place(key.id.as_str()),
                        secret.as_bytes(),
                        now,
                    )
                    .await?,
            ),
        };
        let tx = self.storage().begin().await?;
        acts::note_change(&tx, provider, now).await?;
        match acts::insert(&tx, by, (key.clone(), secret), now).await {
            Err(OperationError::Storage(error)) if error.is_duplicate() => {
                return Err(OperationError::invalid("/key", "is in the ring already"));
            }
            other => other?,
        }
        tx.commit().await?;
        self.forget_provider(provider).await;
        Ok(key)
    }

    /// The newest keys of a provider, oldest first. Needs `provider:read`.
    pub async fn provider_keys(
        &self,
        by: &dyn Authority,
        provider: &ProviderId,
    ) -> Result<Vec<ProviderKey>, OperationError> {
        by.require(Permission::ProviderRead)?;
        self.stored_provider(provider).await?;
        let stored =
            provider_keys::of_provider(self.storage(), provider, KeyState::ALL, RING_MAX).await?;
        Ok(stored.into_iter().map(|one| one.key).collect())
    }

    /// One provider, without secrets. Needs `provider:read`.
    pub async fn find_provider(
        &self,
        by: &dyn Authority,
        id: &ProviderId,
    ) -> Result<Provider, OperationError> {
        by.require(Permission::ProviderRead)?;
        Ok(self.stored_provider(id).await?.provider)
    }

    async fn provider_key(&self, id: &ProviderKeyId) -> Result<ProviderKey, OperationError> {
        let stored = provider_keys::find(self.storage(), id).await?;
        Ok(stored.ok_or(OperationError::NotFound)?.key)
    }

    /// Stands for a key that somebody else brought, as the second person that live mode asks for.
    ///
    /// Needs `key:approve`.
    pub async fn approve_key(
        &self,
        by: &dyn Authority,
        id: &ProviderKeyId,
    ) -> Result<ProviderKey, OperationError> {
        let by = &by.acting(Permission::KeyApprove)?;
        let before = self.provider_key(id).await?;
        if before.added_by == by.who() {
            return Err(OperationError::OwnRequest);
        }
        if !matches!(before.state, KeyState::Staged | KeyState::Testing) {
            return Err(KeyRefusal::State(before.state).into());
        }
        let after = ProviderKey {
            approved_at: Some(self.now()),
            approved_by: Some(by.who().to_owned()),
            ..before.clone()
        };
        let act = Moved {
            action: "provider.key.approved",
            before: &before,
            after: &after,
            reason: None,
        };
        let tx = self.storage().begin().await?;
        acts::note_change(&tx, &before.provider_id, self.now()).await?;
        if let Ok(approver) = by.who().parse() {
            not_invited_by(&tx, &approver, &before.added_by).await?;
        }
        acts::write_move(&tx, by, act, self.now()).await?;
        tx.commit().await?;
        self.forget_provider(&before.provider_id).await;
        Ok(after)
    }

    /// Brings a key into use; the one that it replaces retires. Needs `key:import`, the approver `key:approve`.
    ///
    /// A key that was replaced can be activated again: that is how a change is taken back.
    pub async fn activate_key(
        &self,
        by: &dyn Authority,
        id: &ProviderKeyId,
        proof: &KeyProof,
        approved_by: Option<&Actor>,
    ) -> Result<ProviderKey, OperationError> {
        let by = &by.acting(Permission::KeyImport)?;
        let before = self.provider_key(id).await?;
        let mode = self
            .stored_provider(&before.provider_id)
            .await?
            .provider
            .mode;
        let now = self.now();
        let reason = self.check_proof(&before, proof).await?;
        let approved_by = check_approval(&before, mode, by, approved_by.map(Actor::who))?;
        let mut after = before.moved(KeyMove::Activate, now)?;
        if after.approved_by.as_deref() != approved_by {
            after.approved_at = Some(now);
            after.approved_by = approved_by.map(str::to_owned);
        }
        let provider = &after.provider_id;
        let tx = self.storage().begin().await?;
        acts::note_change(&tx, provider, now).await?;
        let activated = Moved {
            action: "provider.key.activated",
            before: &before,
            after: &after,
            reason,
        };
        acts::write_move(&tx, by, activated, now).await?;
        for (before, after) in &replaced_by(&tx, &after, now).await? {
            let replaced = Moved {
                action: "provider.key.replaced",
                before,
                after,
                reason,
            };
            acts::write_move(&tx, by, replaced, now).await?;
        }
        tx.commit().await?;
        self.forget_provider(provider).await;
        Ok(after)
    }

    /// The self-test needs the new protocol; what is left of the old one cannot be tested so.
    async fn check_proof<'a>(
        &self,
        key: &ProviderKey,
        proof: &'a KeyProof,
    ) -> Result<Option<&'a str>, OperationError> {
        match proof {
            KeyProof::Waived { reason } => {
                check_reason(reason)?;
                Ok(Some(reason))
            }
            KeyProof::SelfTest if key.kind == KeyKind::V2Key => Ok(None),
            KeyProof::SelfTest if key.state == KeyState::Retiring => Ok(None),
            KeyProof::SelfTest => {
                if self.is_tested(key).await? {
                    Ok(None)
                } else {
                    Err(KeyRefusal::Untested.into())
                }
            }
        }
    }

    /// Lets a key go: an active key of WeChat's begins to retire, and what has retired for long enough is gone.
    ///
    /// Needs `key:import`.
    pub async fn retire_key(
        &self,
        by: &dyn Authority,
        id: &ProviderKeyId,
    ) -> Result<ProviderKey, OperationError> {
        let by = &by.acting(Permission::KeyImport)?;
        let before = self.provider_key(id).await?;
        let is_active = before.state == KeyState::Active;
        let to = if is_active {
            KeyMove::Replace
        } else {
            KeyMove::Retire
        };
        let now = self.now();
        let after = before.moved(to, now)?;
        let tx = self.storage().begin().await?;
        acts::note_change(&tx, &before.provider_id, now).await?;
        if is_active {
            check_not_last(&tx, &before, now).await?;
        }
        let act = Moved {
            action: "provider.key.retired",
            before: &before,
            after: &after,
            reason: None,
        };
        acts::write_move(&tx, by, act, now).await?;
        tx.commit().await?;
        self.forget_provider(&before.provider_id).await;
        Ok(after)
    }

    /// Withdraws a key at once, also the last one: whoever does so says why. Needs `key:import`.
    pub async fn revoke_key(
        &self,
        by: &dyn Authority,
        id: &ProviderKeyId,
        reason: &str,
    ) -> Result<ProviderKey, OperationError> {
        let by = &by.acting(Permission::KeyImport)?;
        check_reason(reason)?;
        let before = self.provider_key(id).await?;
        let after = before.moved(KeyMove::Revoke, self.now())?;
        let act = Moved {
            action: "provider.key.revoked",
            before: &before,
            after: &after,
            reason: Some(reason),
        };
        self.move_key(by, act).await?;
        Ok(after)
    }

    /// Lets requests name WeChat's public key, so that answers are signed with it. Needs `provider:write`.
    pub async fn prefer_public_key(
        &self,
        by: &dyn Authority,
        provider: &ProviderId,
    ) -> Result<ProviderKey, OperationError> {
        let by = &by.acting(Permission::ProviderWrite)?;
        self.prefer(by, provider, KeyKind::WechatPublicKey).await
    }

    /// Lets requests name the newest platform certificate again; needs `provider:write`.
    ///
    /// It works until WeChat's console voids the certificates. After that nothing leads back.
    pub async fn prefer_certificate(
        &self,
        by: &dyn Authority,
        provider: &ProviderId,
    ) -> Result<ProviderKey, OperationError> {
        let by = &by.acting(Permission::ProviderWrite)?;
        self.prefer(by, provider, KeyKind::PlatformCertificate)
            .await
    }

    async fn prefer(
        &self,
        by: &Actor,
        id: &ProviderId,
        kind: KeyKind,
    ) -> Result<ProviderKey, OperationError> {
        let provider = self.stored_provider(id).await?;
        let now = self.now();
        let active = self.keys_in(id, &[KeyState::Active]).await?;
        let usable = active
            .into_iter()
            .map(|stored| stored.key)
            .filter(|key| key.kind == kind && !key.is_expired(now));
        let newest = usable.max_by_key(|key| (key.not_before, key.added_at));
        let Some(key) = newest else {
            let missing = match kind {
                KeyKind::WechatPublicKey => "has no active public key of WeChat's",
                _ => "has no active platform certificate",
            };
            return Err(OperationError::invalid("/provider_id", missing));
        };
        let tx = self.storage().begin().await?;
        provider_keys::prefer(&tx, id, &key.serial).await?;
        acts::note_change(&tx, id, now).await?;
        let change = (
            json!({ "preferred_serial": provider.preferred_serial }),
            json!({ "preferred_serial": key.serial }),
        );
        let act = (id, "provider.key.preferred");
        acts::record_about_provider(&tx, by, act, change, now).await?;
        tx.commit().await?;
        self.forget_provider(id).await;
        Ok(key)
    }

    async fn keys_in(
        &self,
        provider: &ProviderId,
        states: &[KeyState],
    ) -> Result<Vec<StoredKey>, OperationError> {
        Ok(provider_keys::of_provider(self.storage(), provider, states, RING_MAX).await?)
    }

    async fn stored_provider(&self, id: &ProviderId) -> Result<StoredProvider, OperationError> {
        let found = providers::find(self.storage(), id).await?;
        found.ok_or(OperationError::NotFound)
    }
}

/// The active keys of the same kind, as they are after another took their place; the ring is held by `tx`.
async fn replaced_by(
    tx: &Tx,
    key: &ProviderKey,
    now: Timestamp,
) -> Result<Vec<(ProviderKey, ProviderKey)>, OperationError> {
    if !key.kind.replaces_its_like() {
        return Ok(Vec::new());
    }
    let states = [KeyState::Active];
    let active = provider_keys::of_provider(tx, &key.provider_id, &states, RING_MAX).await?;
    let mut replaced = Vec::new();
    for stored in active {
        if stored.key.kind == key.kind && stored.key.id != key.id {
            let after = stored.key.moved(KeyMove::Replace, now)?;
            replaced.push((stored.key, after));
        }
    }
    Ok(replaced)
}

/// Only a key of WeChat's retires without another taking its place, and only when one is left; the ring is held by `tx`.
async fn check_not_last(tx: &Tx, key: &ProviderKey, now: Timestamp) -> Result<(), OperationError> {
    let provider = providers::find(tx, &key.provider_id).await?;
    let provider = provider.ok_or(OperationError::NotFound)?;
    let states = [KeyState::Active];
    let others = provider_keys::of_provider(tx, &key.provider_id, &states, RING_MAX).await?;
    let is_left = others.iter().any(|other| {
        other.key.kind.is_wechats() && other.key.id != key.id && !other.key.is_expired(now)
    });
    let is_named = provider.preferred_serial.as_deref() == Some(key.serial.as_str());
    if key.kind.is_wechats() && is_left && !is_named {
        Ok(())
    } else {
        Err(KeyRefusal::LastOne.into())
    }
}

/// The second person must be another than the one who acts and the one who brought the key.
fn check_approval<'a>(
    key: &'a ProviderKey,
    mode: Mode,
    by: &Actor,
    approved_by: Option<&'a str>,
) -> Result<Option<&'a str>, OperationError> {
    let second = approved_by.or(key.approved_by.as_deref());
    if !key.needs_approval(mode) {
        return Ok(second);
    }
    match second {
        Some(second) if second != by.who() && second != key.added_by => Ok(Some(second)),
        _ => Err(KeyRefusal::Unapproved.into()),
    }
}

/// What a person may do with a key now.
pub fn key_actions(key: &ProviderKey, caller: &StaffCaller, now: Timestamp) -> Vec<Action> {
    let may = |permission| caller.require(permission);
    let refused = |to| key.moved(to, now).map_err(OperationError::from);
    let move_of = |to| may(Permission::KeyImport).and_then(|()| refused(to).map(drop));
    let approval = may(Permission::KeyApprove).and_then(|()| match key.state {
        _ if key.added_by == caller.staff_id.as_str() => Err(OperationError::OwnRequest),
        _ if caller.invited_by.as_deref() == Some(key.added_by.as_str()) => {
            Err(OperationError::InvitedByRequester)
        }
        KeyState::Staged | KeyState::Testing => Ok(()),
        state => Err(KeyRefusal::State(state).into()),
    });
    let retiring = match key.state {
        KeyState::Active if key.kind.is_wechats() => KeyMove::Replace,
        _ => KeyMove::Retire,
    };
    vec![
        Action::when("approve", approval),
        Action::when("activate", move_of(KeyMove::Activate)),
        Action::when("retire", move_of(retiring)),
        Action::when("revoke", move_of(KeyMove::Revoke)),
    ]
}
