//! The keys of the vault over their life: wrapped again under another key-encryption key, replaced when they are worn,
//! destroyed when nothing needs them, or when what they sealed shall be lost. Everything goes on meanwhile: each step
//! is one small transaction, guarded by what it found, and may be the last one before the process dies.

mod reseal;
mod verify;

use std::collections::BTreeSet;

use serde_json::json;
use tributary_domain::audit::AuditScope;
use tributary_domain::data_key::DataKeyEnd;
use tributary_domain::ids::{ProviderId, TenantId};
use tributary_domain::staff::Actor;
use tributary_storage::StorageError;
use tributary_storage::data_keys::{self, StoredDataKey};

use crate::audit::{self, Act};
use crate::sealing::{rotated, scope_of_owner, wrapped};
use crate::staff::check_reason;
use crate::{OperationError, Operations};

pub use reseal::Reach;
pub use verify::{ColumnCount, VaultReport};

/// Keys that are wrapped again in one transaction.
const PAGE: u64 = 100;
/// Owners whose retired keys one run of the clock's work looks at.
const LOOKS_BATCH: u64 = 20;
/// A key this young is not replaced again by a rotation of all, so that one that was interrupted goes on where it was.
const FRESH_MS: i64 = 60 * 60 * 1_000;
/// How long a key is left alone that something still needs.
const NEEDED_PAUSE_MS: i64 = 24 * 60 * 60 * 1_000;
/// Rows that are named when they cannot be opened; the rest is counted.
const NAMED_MAX: usize = 1_000;

/// Rows that cannot be opened: all counted, the first thousand named.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unreadable {
    /// How many.
    pub count: u64,
    /// Which.
    pub named: Vec<String>,
}

impl Unreadable {
    fn note(&mut self, what: &str, error: &(dyn std::error::Error + 'static)) {
        tracing::error!(what, error, "what is sealed cannot be opened");
        self.count = self.count.saturating_add(1);
        if self.named.len() < NAMED_MAX {
            let cause = std::iter::successors(error.source(), |cause| cause.source()).last();
            let why = cause.map_or_else(|| error.to_string(), ToString::to_string);
            self.named.push(format!("{what}: {why}"));
        }
    }
}

/// What wrapping again under the current key-encryption key did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KekRotation {
    /// The key-encryption key that wraps everything now, but for what could not be opened.
    pub kek_id: String,
    /// Data keys that were wrapped again.
    pub rewrapped: u64,
    /// Data keys that no key at hand opens.
    pub failed: Unreadable,
}

/// What replacing data keys did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DataKeyRotation {
    /// Owners that have a new key.
    pub rotated: u64,
    /// Values that were sealed again.
    pub resealed: u64,
    /// Values that cannot be opened, and keep their key.
    pub failed: Unreadable,
}

impl Operations {
    /// Wraps every data key again that the current key-encryption key does not wrap. Repeatable at any time.
    pub async fn rotate_kek(&self, by: &Actor) -> Result<KekRotation, OperationError> {
        let kek_id = self.sealing().vault().kek_id().to_owned();
        let mut done = KekRotation {
            kek_id: kek_id.clone(),
            rewrapped: 0,
            failed: Unreadable::default(),
        };
        let mut after = String::new();
        loop {
            let page = data_keys::page_wrapped_otherwise_all_tenants(
                self.storage(),
                &kek_id,
                &after,
                PAGE,
            );
            let page = page.await?;
            let Some(last) = page.last() else {
                return Ok(done);
            };
            after.clone_from(&last.id);
            self.rewrap(by, page, &mut done).await?;
        }
    }

    async fn rewrap(
        &self,
        by: &Actor,
        page: Vec<StoredDataKey>,
        done: &mut KekRotation,
    ) -> Result<(), OperationError> {
        let vault = self.sealing().vault();
        let mut again = Vec::with_capacity(page.len());
        for before in page {
            match vault.rewrap(&wrapped(before.clone())) {
                Ok(after) => again.push((before, (after.kek_id, after.wrapped))),
                Err(error) => done.failed.note(&format!("data key {}", before.id), &error),
            }
        }
        let tx = self.storage().begin().await?;
        let mut rewrapped = 0_u64;
        for (before, after) in again {
            // Whoever was faster has wrapped it under a key of theirs, or destroyed it.
            rewrapped += u64::from(data_keys::rewrap(&tx, &before, after).await?);
        }
        if rewrapped > 0 {
            let act = Act {
                after: Some(json!({ "data_keys": rewrapped })),
                ..Act::new(AuditScope::Platform, "vault.kek.rotated", &done.kek_id)
            };
            audit::record(&tx, by, act, self.now()).await?;
        }
        tx.commit().await?;
        done.rewrapped = done.rewrapped.saturating_add(rewrapped);
        Ok(())
    }

    /// Gives one owner a new data key and seals again what the old ones sealed.
    pub async fn rotate_data_key(
        &self,
        by: &Actor,
        owner: &str,
        reach: Reach,
    ) -> Result<DataKeyRotation, OperationError> {
        let active = data_keys::find_active(self.storage(), owner).await?;
        let active = active.ok_or(OperationError::NotFound)?;
        let mut done = DataKeyRotation::default();
        self.replace_key(by, &active, &mut done).await?;
        self.reseal_owner(owner, reach, &mut done).await?;
        Ok(done)
    }

    /// The same for every owner; one that has a new key since an hour keeps it, so that this can be repeated after a
    /// crash.
    pub async fn rotate_all_data_keys(
        &self,
        by: &Actor,
        reach: Reach,
    ) -> Result<DataKeyRotation, OperationError> {
        let before = self.now().plus_millis(-FRESH_MS);
        let mut done = DataKeyRotation::default();
        let mut after = String::new();
        loop {
            let page = data_keys::page_active_all_tenants(self.storage(), &after, PAGE).await?;
            let Some(last) = page.last() else {
                return Ok(done);
            };
            after.clone_from(&last.id);
            for active in page {
                if active.created_at < before {
                    self.replace_key(by, &active, &mut done).await?;
                }
                self.reseal_owner(&active.owner, reach, &mut done).await?;
            }
        }
    }

    async fn replace_key(
        &self,
        by: &Actor,
        active: &StoredDataKey,
        done: &mut DataKeyRotation,
    ) -> Result<(), OperationError> {
        let (owner, now) = (active.owner.as_str(), self.now());
        let tx = self.storage().begin().await?;
        let made = self
            .sealing()
            .replace(&tx, owner, Some(active), now)
            .await?;
        if let Some(made) = made {
            let made = made.id();
            audit::record(&tx, by, rotated(owner, &active.id, &made), now).await?;
            tx.commit().await?;
            done.rotated = done.rotated.saturating_add(1);
        } else {
            // Somebody else gave the owner a new key in this moment, which is as good.
            tx.rollback().await?;
        }
        self.sealing().forget(owner, &[]).await;
        Ok(())
    }

    /// Looks at a bounded number of retired keys: seals again what they sealed, and destroys those that nothing needs.
    pub async fn look_after_data_keys(&self) -> Result<usize, OperationError> {
        let due = data_keys::due_all_tenants(self.storage(), self.now(), LOOKS_BATCH).await?;
        let owners: BTreeSet<&str> = due.iter().map(|key| key.owner.as_str()).collect();
        for owner in owners {
            let retired = due.iter().filter(|key| key.owner == owner);
            let retired: Vec<&StoredDataKey> = retired.collect();
            let looked = self.look_after(owner, &retired).await;
            if let Err(error) = looked {
                complain(owner, &error);
                self.look_later(&retired, NEEDED_PAUSE_MS).await?;
            }
        }
        Ok(due.len())
    }

    async fn look_after(
        &self,
        owner: &str,
        retired: &[&StoredDataKey],
    ) -> Result<(), OperationError> {
        let mut done = DataKeyRotation::default();
        self.reseal_owner(owner, Reach::Secrets, &mut done).await?;
        if done.resealed > 0 {
            // Somebody may just have read what was sealed before, and opens it now.
            return Ok(());
        }
        let referred = self.keys_in_use(owner).await?;
        for key in retired {
            if referred.contains(&key.id) || self.is_needed_in_bulk(key).await? {
                self.look_later(&[key], NEEDED_PAUSE_MS).await?;
            } else {
                self.destroy_unreferenced(key).await?;
            }
        }
        Ok(())
    }

    async fn destroy_unreferenced(&self, key: &StoredDataKey) -> Result<(), OperationError> {
        let tx = self.storage().begin().await?;
        let why = DataKeyEnd::Unreferenced;
        if data_keys::destroy(&tx, key, why, self.now()).await? {
            let scope = scope_of_owner(&key.owner);
            let act = Act::new(scope, "vault.data_key.destroyed", &key.id);
            audit::record(&tx, &Actor::system("vault"), act, self.now()).await?;
            tx.commit().await?;
            tracing::info!(
                owner = key.owner,
                data_key.id = key.id,
                "a data key that nothing needed was destroyed"
            );
        } else {
            tx.rollback().await?;
        }
        Ok(())
    }

    async fn look_later(
        &self,
        keys: &[&StoredDataKey],
        pause_ms: i64,
    ) -> Result<(), OperationError> {
        let at = self.now().plus_millis(pause_ms);
        let tx = self.storage().begin().await?;
        for key in keys {
            data_keys::look_later(&tx, &key.owner, &key.id, at).await?;
        }
        Ok(tx.commit().await?)
    }

    /// Destroys every data key of an owner, and with them everything that they sealed. Nobody can undo it but who has
    /// a backup of the database and the key-encryption key of that time.
    pub async fn destroy_owner(
        &self,
        by: &Actor,
        owner: &str,
        confirmed: &str,
        reason: &str,
    ) -> Result<u64, OperationError> {
        if confirmed != owner {
            let fault = "must be the owner's id once more";
            return Err(OperationError::invalid("/confirm", fault));
        }
        let reason = check_reason(reason)?;
        // The platform's own key is no owner's: without it nobody signs in.
        if owner.parse::<TenantId>().is_err() && owner.parse::<ProviderId>().is_err() {
            return Err(OperationError::NotFound);
        }
        let tx = self.storage().begin().await?;
        let keys = data_keys::of_owner(&tx, owner).await?;
        if keys.is_empty() {
            return Err(OperationError::NotFound);
        }
        for key in &keys {
            if !data_keys::destroy(&tx, key, DataKeyEnd::Erased, self.now()).await? {
                return Err(StorageError::Stale { table: "data_keys" }.into());
            }
        }
        let gone: Vec<&str> = keys.iter().map(|key| key.id.as_str()).collect();
        let act = Act {
            before: Some(json!({ "data_keys": gone })),
            reason: Some(reason),
            ..Act::new(scope_of_owner(owner), "vault.owner.erased", owner)
        };
        audit::record(&tx, by, act, self.now()).await?;
        tx.commit().await?;
        self.sealing().forget(owner, &keys).await;
        Ok(u64::try_from(keys.len()).unwrap_or(u64::MAX))
    }
}

fn complain(owner: &str, error: &(dyn std::error::Error + 'static)) {
    tracing::error!(owner, error, "retired data keys could not be looked after");
}
