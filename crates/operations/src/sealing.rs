//! Secrets in and out of the database: finds or makes the owner's data key, then seals or opens.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use moka::future::Cache;
use serde_json::json;
use tributary_domain::audit::AuditScope;
use tributary_domain::clock::Timestamp;
use tributary_domain::data_key::{DataKeyState, is_worn};
use tributary_domain::staff::Actor;
use tributary_storage::data_keys::{self, StoredDataKey};
use tributary_storage::sealed_columns::{SEALED_COLUMNS, SealedColumn};
use tributary_storage::{Storage, Tx};
use tributary_vault::{DataKey, Place, Vault, VaultError, WrappedDataKey};
use zeroize::Zeroizing;

use crate::OperationError;
use crate::audit::{self, Act};

const CACHED_KEYS_MAX: u64 = 10_000;
/// How long another node may go on sealing with a key that was retired here.
const CACHED_KEY_AGE: Duration = Duration::from_mins(5);
/// Uses that are counted before they are made, so that not every seal is a write. A key survives many restarts: what
/// a node leaves of a block is lost.
const USES_BLOCK: i64 = 1_024;
/// Each round somebody else was faster, or the block was empty.
const ROUNDS_MAX: usize = 8;
/// How long a retired key is left alone at least: longer by far than any node remembers it, or a seal takes to be
/// committed, so that nothing appears under a key that was found unused.
pub(crate) const RETIRED_GRACE_MS: i64 = 60 * 60 * 1_000;

/// The vault with the data keys that were used lately: by owner for sealing, by id for opening.
pub(crate) struct Sealing {
    vault: Vault,
    active: Cache<String, Arc<ActiveKey>>,
    opening: Cache<String, Arc<DataKey>>,
}

impl fmt::Debug for Sealing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealing")
            .field("vault", &self.vault)
            .finish_non_exhaustive()
    }
}

/// A key that seals, and how often it may do so before more is counted.
struct ActiveKey {
    key: Arc<DataKey>,
    uses_left: AtomicI64,
    uses: i64,
    made_at: Timestamp,
}

impl ActiveKey {
    fn is_worn(&self, now: Timestamp) -> bool {
        is_worn(self.uses, self.made_at, now)
    }

    fn takes_a_use(&self) -> bool {
        self.uses_left.fetch_sub(1, Ordering::Relaxed) > 0
    }
}

impl Sealing {
    pub(crate) fn new(vault: Vault) -> Self {
        Self {
            vault,
            active: Cache::builder()
                .max_capacity(CACHED_KEYS_MAX)
                .time_to_live(CACHED_KEY_AGE)
                .build(),
            opening: Cache::builder()
                .max_capacity(CACHED_KEYS_MAX)
                .time_to_live(CACHED_KEY_AGE)
                .build(),
        }
    }

    /// Wraps and unwraps data keys.
    pub(crate) fn vault(&self) -> &Vault {
        &self.vault
    }

    /// Seals a secret of `owner` for one place in the database. Never inside a transaction: it may write a key.
    pub(crate) async fn seal(
        &self,
        storage: &Storage,
        owner: &str,
        place: &Place<'_>,
        secret: &[u8],
        now: Timestamp,
    ) -> Result<Vec<u8>, OperationError> {
        // What no list names would be forgotten when keys rotate, and lost with the old key.
        let listed = |one: &SealedColumn| one.table == place.table && one.column == place.column;
        if !SEALED_COLUMNS.iter().any(listed) {
            let reason = format!("{place} is not listed among the sealed columns");
            return Err(OperationError::Internal(reason));
        }
        for _ in 0..ROUNDS_MAX {
            let active = self.find_active(storage, owner, now).await?;
            if active.takes_a_use() {
                return Ok(active.key.seal(place, secret)?.0);
            }
            self.active.invalidate(owner).await;
        }
        let reason = format!("no data key of {owner} was to be had");
        Err(OperationError::Internal(reason))
    }

    /// Opens a secret of `owner` that was sealed for this place.
    pub(crate) async fn open(
        &self,
        storage: &Storage,
        owner: &str,
        place: &Place<'_>,
        blob: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, OperationError> {
        let id = tributary_vault::sealing_key_id(blob)?;
        let key = match self.opening.get(&id).await {
            // The owner is checked by the cipher, and here by name: a cached key must not open another's blob.
            Some(key) if key.owner() == owner => key,
            _ => self.fetch(storage, owner, &id).await?,
        };
        Ok(key.open(place, blob)?)
    }

    /// Fails when a key-encryption key is missing that wraps keys in the database.
    pub(crate) async fn check(&self, storage: &Storage) -> Result<(), OperationError> {
        for stored in data_keys::one_of_each_kek_all_tenants(storage).await? {
            self.unwrap(stored)?;
        }
        Ok(())
    }

    /// Opens a stored key.
    pub(crate) fn unwrap(&self, stored: StoredDataKey) -> Result<DataKey, VaultError> {
        if stored.state == DataKeyState::Destroyed {
            let data_key = stored.id;
            return Err(VaultError::Destroyed { data_key });
        }
        self.vault.unwrap(&wrapped(stored))
    }

    /// Forgets the keys of an owner here; other nodes do so when they have held them long enough.
    pub(crate) async fn forget(&self, owner: &str, keys: &[StoredDataKey]) {
        self.active.invalidate(owner).await;
        for key in keys {
            self.opening.invalidate(&key.id).await;
        }
    }

    /// The key that seals for an owner: the one there is, or a new one when there is none or it is worn.
    async fn find_active(
        &self,
        storage: &Storage,
        owner: &str,
        now: Timestamp,
    ) -> Result<Arc<ActiveKey>, OperationError> {
        if let Some(known) = self.active.get(owner).await
            && !known.is_worn(now)
        {
            return Ok(known);
        }
        for _ in 0..ROUNDS_MAX {
            let found = match data_keys::find_active(storage, owner).await? {
                Some(stored) if !is_worn(stored.uses, stored.created_at, now) => {
                    self.reserve(storage, stored).await?
                }
                before => self.create(storage, owner, before.as_ref(), now).await?,
            };
            if let Some(active) = found {
                let active = Arc::new(active);
                self.active
                    .insert(owner.to_owned(), Arc::clone(&active))
                    .await;
                return Ok(active);
            }
        }
        let reason = format!("the data key of {owner} never came to rest");
        Err(OperationError::Internal(reason))
    }

    /// Counts a block of uses; nothing when the key was retired in the meantime.
    async fn reserve(
        &self,
        storage: &Storage,
        stored: StoredDataKey,
    ) -> Result<Option<ActiveKey>, OperationError> {
        let tx = storage.begin().await?;
        if !data_keys::reserve_uses(&tx, &stored.owner, &stored.id, USES_BLOCK).await? {
            tx.rollback().await?;
            return Ok(None);
        }
        tx.commit().await?;
        let (uses, made_at) = (stored.uses, stored.created_at);
        let key = Arc::new(self.unwrap(stored)?);
        Ok(Some(ActiveKey {
            key,
            uses_left: AtomicI64::new(USES_BLOCK),
            uses,
            made_at,
        }))
    }

    /// Makes an owner's first key, or the next one; nothing when somebody else was faster.
    async fn create(
        &self,
        storage: &Storage,
        owner: &str,
        before: Option<&StoredDataKey>,
        now: Timestamp,
    ) -> Result<Option<ActiveKey>, OperationError> {
        let tx = storage.begin().await?;
        let Some(key) = self.replace(&tx, owner, before, now).await? else {
            tx.rollback().await?;
            return Ok(None);
        };
        if let Some(before) = before {
            let made = key.id();
            let act = rotated(owner, &before.id, &made);
            audit::record(&tx, &Actor::system("vault"), act, now).await?;
        }
        tx.commit().await?;
        Ok(Some(ActiveKey {
            key: Arc::new(key),
            uses_left: AtomicI64::new(USES_BLOCK),
            uses: 0,
            made_at: now,
        }))
    }

    /// Writes a new active key in the place of `before`; nothing when that is not the active one any more.
    pub(crate) async fn replace(
        &self,
        tx: &Tx,
        owner: &str,
        before: Option<&StoredDataKey>,
        now: Timestamp,
    ) -> Result<Option<DataKey>, OperationError> {
        if let Some(old) = before {
            let look_at = now.plus_millis(RETIRED_GRACE_MS);
            if !data_keys::retire(tx, owner, &old.id, (now, look_at)).await? {
                return Ok(None);
            }
        }
        let (key, wrapped) = self.vault.new_data_key(owner)?;
        let stored = StoredDataKey {
            id: wrapped.id,
            owner: wrapped.owner,
            kek_id: wrapped.kek_id,
            wrapped: wrapped.wrapped,
            state: DataKeyState::Active,
            uses: USES_BLOCK,
            created_at: now,
            ended_by: None,
        };
        match data_keys::insert(tx, &stored).await {
            Ok(()) => Ok(Some(key)),
            Err(error) if error.is_duplicate() => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The blob names its key: a second one of the same owner must not be tried in its place.
    async fn fetch(
        &self,
        storage: &Storage,
        owner: &str,
        id: &str,
    ) -> Result<Arc<DataKey>, OperationError> {
        let stored = data_keys::find(storage, owner, id).await?.ok_or_else(|| {
            VaultError::NoSuchDataKey {
                data_key: id.to_owned(),
                owner: owner.to_owned(),
            }
        })?;
        let key = Arc::new(self.unwrap(stored)?);
        self.opening.insert(id.to_owned(), Arc::clone(&key)).await;
        Ok(key)
    }
}

/// That an owner seals with another key from now on.
pub(crate) fn rotated<'a>(owner: &str, before: &str, after: &'a str) -> Act<'a> {
    Act {
        before: Some(json!({ "data_key": before })),
        ..Act::new(scope_of_owner(owner), "vault.data_key.rotated", after)
    }
}

/// The chain of an owner of keys: a tenant has its own.
pub(crate) fn scope_of_owner(owner: &str) -> AuditScope {
    owner
        .parse()
        .map_or(AuditScope::Platform, AuditScope::Tenant)
}

/// A stored key as the vault takes it.
pub(crate) fn wrapped(stored: StoredDataKey) -> WrappedDataKey {
    WrappedDataKey {
        id: stored.id,
        kek_id: stored.kek_id,
        owner: stored.owner,
        wrapped: stored.wrapped,
    }
}
