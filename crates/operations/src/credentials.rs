//! API keys: made once, shown once, kept as a hash; and who is calling.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use moka::future::Cache;
use rand::Rng as _;
use sha2::{Digest as _, Sha256};
use tributary_domain::clock::Timestamp;
use tributary_domain::ids::{ApiKeyId, TenantId};
use tributary_domain::tenant::{ApiKey, Mode, Scope, TenantState};
use tributary_storage::tenants;
use zeroize::Zeroizing;

use crate::{OperationError, Operations};

const SECRET_BYTES: usize = 32;
const SHOWN_PREFIX_CHARS: usize = 14;
const CACHED_KEYS_MAX: u64 = 50_000;
/// A key that another node revoked opens nothing here after this long.
const CACHED_KEY_AGE: Duration = Duration::from_secs(5);

/// Who is calling, and what the key allows.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Whose key it is.
    pub tenant_id: TenantId,
    /// The tenant's name.
    pub tenant_name: String,
    /// Which world the key opens.
    pub mode: Mode,
    /// The key, without its secret.
    pub key: Arc<ApiKey>,
}

impl Caller {
    /// Refuses unless the key has the scope.
    pub fn require(&self, scope: Scope) -> Result<(), OperationError> {
        if self.key.scopes.contains(&scope) {
            Ok(())
        } else {
            Err(OperationError::Forbidden(scope))
        }
    }
}

/// Why a caller was not recognised.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    /// No such key.
    #[error("the API key is not known")]
    Unknown,
    /// The key has ended.
    #[error("the API key has expired or was revoked")]
    Ended,
    /// The database failed us.
    #[error("the API key could not be checked")]
    Unavailable(#[source] OperationError),
}

/// A key that was just made; the only moment at which its secret is seen.
#[derive(Debug)]
pub struct NewApiKey {
    /// The key as it is kept.
    pub key: ApiKey,
    /// What the tenant sends.
    pub secret: ShownOnce,
}

/// A secret on its way to the person who asked for it.
pub struct ShownOnce(Zeroizing<String>);

impl ShownOnce {
    /// Wraps a secret.
    pub fn new(secret: String) -> Self {
        Self(Zeroizing::new(secret))
    }

    /// Shows it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for ShownOnce {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

/// Keys that were used lately, by hash.
#[derive(Clone, Debug)]
pub(crate) struct KeyCache(Cache<String, (Arc<ApiKey>, Arc<str>)>);

impl Default for KeyCache {
    fn default() -> Self {
        let cache = Cache::builder()
            .max_capacity(CACHED_KEYS_MAX)
            .time_to_live(CACHED_KEY_AGE)
            .build();
        Self(cache)
    }
}

impl Operations {
    /// Recognises a caller by the key in its `Authorization: Bearer` header.
    pub async fn authenticate(&self, secret: &str) -> Result<Caller, AuthError> {
        let hash = hash_of(secret);
        let (key, tenant_name) = match self.inner.keys.0.get(&hash).await {
            Some(known) => known,
            None => self.look_up_key(&hash).await?,
        };
        if !key.is_usable(self.now()) {
            return Err(AuthError::Ended);
        }
        Ok(Caller {
            tenant_id: key.tenant_id.clone(),
            tenant_name: tenant_name.to_string(),
            mode: key.mode,
            key,
        })
    }

    /// Recognises every key anew: a change of a tenant takes effect at once here, and elsewhere within seconds.
    pub(crate) fn forget_keys(&self) {
        self.inner.keys.0.invalidate_all();
    }

    async fn look_up_key(&self, hash: &str) -> Result<(Arc<ApiKey>, Arc<str>), AuthError> {
        let unavailable = |error| AuthError::Unavailable(OperationError::Storage(error));
        let key = tenants::find_api_key_all_tenants(self.storage(), hash)
            .await
            .map_err(unavailable)?
            .ok_or(AuthError::Unknown)?;
        let tenant = tenants::find(self.storage(), &key.tenant_id)
            .await
            .map_err(unavailable)?
            .ok_or(AuthError::Unknown)?;
        if tenant.state == TenantState::Closed {
            return Err(AuthError::Ended);
        }
        let known = (Arc::new(key), Arc::from(tenant.name));
        self.inner
            .keys
            .0
            .insert(hash.to_owned(), known.clone())
            .await;
        Ok(known)
    }

    /// Makes an API key for a tenant.
    pub async fn create_api_key(
        &self,
        tenant_id: &TenantId,
        mode: Mode,
        name: &str,
        scopes: Vec<Scope>,
        expires_at: Option<Timestamp>,
    ) -> Result<NewApiKey, OperationError> {
        if tenants::find(self.storage(), tenant_id).await?.is_none() {
            return Err(OperationError::NotFound);
        }
        let now = self.now();
        let secret = new_secret(mode);
        let key = ApiKey {
            id: ApiKeyId::new(now),
            tenant_id: tenant_id.clone(),
            mode,
            name: name.to_owned(),
            prefix: secret.reveal().chars().take(SHOWN_PREFIX_CHARS).collect(),
            hash: hash_of(secret.reveal()),
            scopes,
            expires_at,
            revoked_at: None,
            created_at: now,
        };
        let tx = self.storage().begin().await?;
        tenants::insert_api_key(&tx, &key).await?;
        tx.commit().await?;
        Ok(NewApiKey { key, secret })
    }

    /// Withdraws a tenant's API key.
    pub async fn revoke_api_key(
        &self,
        tenant_id: &TenantId,
        id: &ApiKeyId,
    ) -> Result<(), OperationError> {
        let tx = self.storage().begin().await?;
        let revoked = tenants::revoke_api_key(&tx, tenant_id, id, self.now()).await?;
        tx.commit().await?;
        self.forget_keys();
        if revoked {
            Ok(())
        } else {
            Err(OperationError::NotFound)
        }
    }
}

/// `trb_test_` or `trb_live_` and 43 characters: recognisable by secret scanners.
fn new_secret(mode: Mode) -> ShownOnce {
    let mut bytes = Zeroizing::new([0u8; SECRET_BYTES]);
    rand::rng().fill_bytes(bytes.as_mut_slice());
    ShownOnce::new(format!(
        "trb_{}_{}",
        mode.as_str(),
        URL_SAFE_NO_PAD.encode(&bytes[..])
    ))
}

/// 256 random bits need no slow hash.
fn hash_of(secret: &str) -> String {
    hex::encode(Sha256::digest(secret.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_secret_tells_its_mode_and_hides_in_debug() {
        let secret = new_secret(Mode::Test);
        assert!(secret.reveal().starts_with("trb_test_"));
        assert_eq!(secret.reveal().len(), "trb_test_".len() + 43);
        assert_eq!(format!("{secret:?}"), "***");
    }
}
