//! Secrets in and out of the database: finds or makes the owner's data key, then seals or opens.

use std::sync::Arc;
use std::time::Duration;

use moka::future::Cache;
use tributary_domain::clock::Timestamp;
use tributary_storage::Storage;
use tributary_storage::data_keys::{self, StoredDataKey};
use tributary_vault::{DataKey, Place, Vault, WrappedDataKey};
use zeroize::Zeroizing;

use crate::OperationError;

const CACHED_KEYS_MAX: u64 = 10_000;
const CACHED_KEY_AGE: Duration = Duration::from_mins(5);

/// The vault with the data keys that were used lately: by owner for sealing, by id for opening.
#[derive(Debug)]
pub(crate) struct Sealing {
    vault: Vault,
    keys: Cache<String, Arc<DataKey>>,
}

impl Sealing {
    pub(crate) fn new(vault: Vault) -> Self {
        let keys = Cache::builder()
            .max_capacity(CACHED_KEYS_MAX)
            .time_to_live(CACHED_KEY_AGE)
            .build();
        Self { vault, keys }
    }

    /// Seals a secret of `owner` for one place in the database.
    pub(crate) async fn seal(
        &self,
        storage: &Storage,
        owner: &str,
        place: &Place<'_>,
        secret: &[u8],
        now: Timestamp,
    ) -> Result<Vec<u8>, OperationError> {
        let key = match self.find(storage, owner).await? {
            Some(key) => key,
            None => self.create(storage, owner, now).await?,
        };
        Ok(key.seal(place, secret)?.0)
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
        let key = match self.keys.get(&id).await {
            Some(key) => key,
            None => self.fetch(storage, owner, &id).await?,
        };
        Ok(key.open(place, blob)?)
    }

    /// Fails when the key-encryption key is not the one that wrapped the keys in the database.
    pub(crate) async fn check(&self, storage: &Storage) -> Result<(), OperationError> {
        if let Some(stored) = data_keys::find_any(storage).await? {
            self.vault.unwrap(&wrapped(stored))?;
        }
        Ok(())
    }

    async fn find(
        &self,
        storage: &Storage,
        owner: &str,
    ) -> Result<Option<Arc<DataKey>>, OperationError> {
        if let Some(key) = self.keys.get(owner).await {
            return Ok(Some(key));
        }
        let Some(stored) = data_keys::find_active(storage, owner).await? else {
            return Ok(None);
        };
        let key = Arc::new(self.vault.unwrap(&wrapped(stored))?);
        self.keys.insert(owner.to_owned(), Arc::clone(&key)).await;
        Ok(Some(key))
    }

    /// The blob names its key: a second one of the same owner must not be tried in its place.
    async fn fetch(
        &self,
        storage: &Storage,
        owner: &str,
        id: &str,
    ) -> Result<Arc<DataKey>, OperationError> {
        let stored = data_keys::find(storage, owner, id)
            .await?
            .ok_or_else(|| OperationError::Internal(format!("{owner} has no data key {id}")))?;
        let key = Arc::new(self.vault.unwrap(&wrapped(stored))?);
        self.keys.insert(id.to_owned(), Arc::clone(&key)).await;
        Ok(key)
    }

    async fn create(
        &self,
        storage: &Storage,
        owner: &str,
        now: Timestamp,
    ) -> Result<Arc<DataKey>, OperationError> {
        let (key, wrapped) = self.vault.new_data_key(owner)?;
        let stored = StoredDataKey {
            id: wrapped.id,
            owner: wrapped.owner,
            kek_id: wrapped.kek_id,
            wrapped: wrapped.wrapped,
        };
        let tx = storage.begin().await?;
        data_keys::insert(&tx, &stored, now).await?;
        tx.commit().await?;
        let key = Arc::new(key);
        self.keys.insert(owner.to_owned(), Arc::clone(&key)).await;
        Ok(key)
    }
}

fn wrapped(stored: StoredDataKey) -> WrappedDataKey {
    WrappedDataKey {
        id: stored.id,
        kek_id: stored.kek_id,
        owner: stored.owner,
        wrapped: stored.wrapped,
    }
}
