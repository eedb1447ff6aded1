//! API keys: made, rolled, withdrawn, and recognised by their hash.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use moka::future::Cache;
use rand::Rng as _;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use tributary_domain::audit::AuditScope;
use tributary_domain::clock::Timestamp;
use tributary_domain::credential::{ApiKey, NetworkList, Overlap};
use tributary_domain::ids::{ApiKeyId, TenantId};
use tributary_domain::staff::Permission;
use tributary_domain::tenant::{Mode, Scope};
use tributary_storage::api_keys;
use zeroize::Zeroizing;

use super::uses::UsedBy;
use super::{AuthError, Caller, Credential, ShownOnce, check_granted, check_scopes};
use crate::audit::{self, Act};
use crate::authority::Authority;
use crate::tenants::{check_name, hold_open};
use crate::{OperationError, Operations, tenancy};

/// What every key begins with.
const PREFIX: &str = "trb_";
const SECRET_BYTES: usize = 32;
const SHOWN_PREFIX_CHARS: usize = 14;
/// Keys of one tenant that work at once.
const KEYS_MAX: u64 = 100;
const CACHED_KEYS_MAX: u64 = 50_000;
/// A key that another node revoked opens nothing here after this long.
const CACHED_KEY_AGE: Duration = Duration::from_secs(5);

/// What an API key shall be.
#[derive(Clone, Debug)]
pub struct ApiKeyWish {
    /// Which world it opens.
    pub mode: Mode,
    /// What people call it.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// From where it may be used.
    pub networks: NetworkList,
    /// When it stops working.
    pub expires_at: Option<Timestamp>,
}

impl ApiKeyWish {
    /// A key that works from everywhere and until it is withdrawn.
    pub fn new(mode: Mode, name: &str, scopes: Vec<Scope>) -> Self {
        Self {
            mode,
            name: name.to_owned(),
            scopes,
            networks: NetworkList::default(),
            expires_at: None,
        }
    }

    /// The same until an instant.
    #[must_use]
    pub fn until(mut self, expires_at: Timestamp) -> Self {
        self.expires_at = Some(expires_at);
        self
    }

    fn check(&self, now: Timestamp) -> Result<(), OperationError> {
        check_name(&self.name)?;
        check_scopes(&self.scopes)?;
        if self.expires_at.is_some_and(|at| at <= now) {
            return Err(OperationError::invalid(
                "/expires_at",
                "must lie in the future",
            ));
        }
        Ok(())
    }
}

/// A key that was just made; the only moment at which its secret is seen.
#[derive(Debug)]
pub struct NewApiKey {
    /// The key as it is kept.
    pub key: ApiKey,
    /// What the tenant sends.
    pub secret: ShownOnce,
}

/// A key with the name of its tenant.
pub(super) type KnownKey = (Arc<ApiKey>, Arc<str>);

/// Keys that were used lately: by hash for those who send them, by id for those who send a token.
#[derive(Clone, Debug)]
pub(crate) struct KeyCache {
    by_hash: Cache<String, KnownKey>,
    by_id: Cache<(TenantId, ApiKeyId), KnownKey>,
}

impl Default for KeyCache {
    fn default() -> Self {
        Self {
            by_hash: Cache::builder()
                .max_capacity(CACHED_KEYS_MAX)
                .time_to_live(CACHED_KEY_AGE)
                .build(),
            by_id: Cache::builder()
                .max_capacity(CACHED_KEYS_MAX)
                .time_to_live(CACHED_KEY_AGE)
                .build(),
        }
    }
}

impl KeyCache {
    pub(super) fn forget_all(&self) {
        self.by_hash.invalidate_all();
        self.by_id.invalidate_all();
    }
}

/// Whether a text claims to be an API key.
pub(super) fn is_key(text: &str) -> bool {
    text.starts_with(PREFIX)
}

impl Operations {
    pub(super) async fn authenticate_key(
        &self,
        secret: &str,
        from: Option<IpAddr>,
    ) -> Result<Caller, AuthError> {
        let hash = hash_of(secret);
        let known = match self.inner.keys.by_hash.get(&hash).await {
            Some(known) => known,
            // Whose key it is, is what this asks.
            None => tenancy::platform(self.look_up_hash(&hash)).await?,
        };
        let (key, tenant_name) = self.admit_key(known, from)?;
        Ok(Caller {
            tenant_id: key.tenant_id.clone(),
            tenant_name: tenant_name.to_string(),
            mode: key.mode,
            scopes: key.scopes.clone(),
            credential: Credential::ApiKey(key),
        })
    }

    /// A tenant's key by its id, at most five seconds old.
    pub(super) async fn known_key(
        &self,
        tenant: &TenantId,
        id: &ApiKeyId,
    ) -> Result<KnownKey, AuthError> {
        let name = (tenant.clone(), id.clone());
        if let Some(known) = self.inner.keys.by_id.get(&name).await {
            return Ok(known);
        }
        let known = tenancy::platform(async {
            let key = api_keys::find(self.storage(), tenant, id).await?;
            let key = key.ok_or(AuthError::Unknown)?;
            Ok::<_, AuthError>((Arc::new(key), self.tenant_name(tenant).await?))
        });
        let known = known.await?;
        self.inner.keys.by_id.insert(name, known.clone()).await;
        Ok(known)
    }

    /// Lets a key in, if it is alive and used from where it may be, and notes the use.
    pub(super) fn admit_key(
        &self,
        known: KnownKey,
        from: Option<IpAddr>,
    ) -> Result<KnownKey, AuthError> {
        let (key, now) = (&known.0, self.now());
        if !key.is_usable(now) {
            return Err(AuthError::Ended);
        }
        if !key.networks.admits(from) {
            return Err(AuthError::Address);
        }
        let used = UsedBy::ApiKey(key.tenant_id.clone(), key.id.clone());
        self.inner.uses.note(used, now, from);
        Ok(known)
    }

    async fn look_up_hash(&self, hash: &str) -> Result<KnownKey, AuthError> {
        let key = api_keys::find_by_hash_all_tenants(self.storage(), hash).await?;
        let key = key.ok_or(AuthError::Unknown)?;
        let tenant_name = self.tenant_name(&key.tenant_id).await?;
        let known = (Arc::new(key), tenant_name);
        let cache = &self.inner.keys.by_hash;
        cache.insert(hash.to_owned(), known.clone()).await;
        Ok(known)
    }

    /// Makes an API key for a tenant. Needs `credential:write`, as rolling and withdrawing do, and a fresh proof.
    pub async fn create_api_key(
        &self,
        by: &dyn Authority,
        tenant_id: &TenantId,
        wish: ApiKeyWish,
    ) -> Result<NewApiKey, OperationError> {
        let name = &by.acting_in(tenant_id, Permission::CredentialWrite)?;
        check_granted(by, wish.mode, &wish.scopes)?;
        let now = self.now();
        wish.check(now)?;
        let made = new_key(tenant_id, wish, now);
        let tx = self.storage().begin().await?;
        hold_open(&tx, tenant_id).await?;
        if api_keys::count_usable(&tx, tenant_id, now).await? >= KEYS_MAX {
            return Err(OperationError::LimitReached {
                what: "API keys that work at once",
                max: KEYS_MAX,
            });
        }
        api_keys::insert(&tx, &made.key).await?;
        let act = act(&made.key, "api_key.created");
        audit::record(&tx, name, act, now).await?;
        tx.commit().await?;
        Ok(made)
    }

    /// Makes the key that takes the place of another: the same in everything but its secret and its time.
    ///
    /// The old one works on for the overlap, or to its own end if that comes first. The new one lives as long as the
    /// old one was made to live. A key that could do what the person may not is not rolled: the new secret would be in
    /// the person's hand.
    pub async fn roll_api_key(
        &self,
        by: &dyn Authority,
        tenant_id: &TenantId,
        id: &ApiKeyId,
        overlap: Overlap,
    ) -> Result<NewApiKey, OperationError> {
        let name = &by.acting_in(tenant_id, Permission::CredentialWrite)?;
        let now = self.now();
        let tx = self.storage().begin().await?;
        hold_open(&tx, tenant_id).await?;
        let old = api_keys::find(&tx, tenant_id, id).await?;
        let old = old.ok_or(OperationError::NotFound)?;
        if let Some((_, permission)) = by.first_beyond(old.mode, &old.scopes) {
            return Err(OperationError::PermissionDenied(permission));
        }
        if let Some(state) = not_rollable(&old, now) {
            return Err(OperationError::StateConflict {
                state: state.to_owned(),
            });
        }
        let made = new_key(tenant_id, heir_of(&old, now), now);
        let ends_at = overlap.ends_at(now);
        let ends_at = old.expires_at.map_or(ends_at, |own| own.min(ends_at));
        api_keys::insert(&tx, &made.key).await?;
        if !api_keys::supersede(&tx, &old, &made.key.id, ends_at).await? {
            return Err(OperationError::StateConflict {
                state: "rolled".to_owned(),
            });
        }
        let act = Act {
            before: Some(json!({ "id": old.id, "ends_at": ends_at.to_rfc3339() })),
            ..act(&made.key, "api_key.rolled")
        };
        audit::record(&tx, name, act, now).await?;
        tx.commit().await?;
        self.inner.keys.forget_all();
        Ok(made)
    }

    /// Withdraws a tenant's API key, and every token that it fetched.
    pub async fn revoke_api_key(
        &self,
        by: &dyn Authority,
        tenant_id: &TenantId,
        id: &ApiKeyId,
    ) -> Result<(), OperationError> {
        let by = &by.acting_in(tenant_id, Permission::CredentialWrite)?;
        let now = self.now();
        let tx = self.storage().begin().await?;
        if !api_keys::revoke(&tx, tenant_id, id, now).await? {
            return Err(OperationError::NotFound);
        }
        let scope = AuditScope::Tenant(tenant_id.clone());
        let act = Act::new(scope, "api_key.revoked", id.as_str());
        audit::record(&tx, by, act, now).await?;
        tx.commit().await?;
        self.inner.keys.forget_all();
        Ok(())
    }

    /// A tenant's API keys, the newest first, those that have ended among them. Needs `credential:read`.
    pub async fn list_api_keys(
        &self,
        by: &dyn Authority,
        tenant_id: &TenantId,
    ) -> Result<Vec<ApiKey>, OperationError> {
        by.require_in(tenant_id, Permission::CredentialRead)?;
        self.check_tenant(tenant_id).await?;
        Ok(api_keys::list(self.storage(), tenant_id).await?)
    }
}

/// What the log says about a new key: everything but the key.
fn act<'a>(key: &'a ApiKey, action: &'static str) -> Act<'a> {
    let after = json!({
        "mode": key.mode,
        "name": key.name,
        "prefix": key.prefix,
        "scopes": key.scopes,
        "networks": key.networks.texts(),
        "expires_at": key.expires_at.map(Timestamp::to_rfc3339),
    });
    Act {
        after: Some(after),
        ..Act::new(
            AuditScope::Tenant(key.tenant_id.clone()),
            action,
            key.id.as_str(),
        )
    }
}

/// What speaks against rolling a key.
fn not_rollable(key: &ApiKey, now: Timestamp) -> Option<&'static str> {
    if key.revoked_at.is_some() {
        Some("revoked")
    } else if !key.is_usable(now) {
        Some("expired")
    } else if key.successor.is_some() {
        Some("rolled")
    } else {
        None
    }
}

fn heir_of(old: &ApiKey, now: Timestamp) -> ApiKeyWish {
    let lives_ms = old
        .expires_at
        .map(|end| end.as_millis().saturating_sub(old.created_at.as_millis()));
    ApiKeyWish {
        mode: old.mode,
        name: old.name.clone(),
        scopes: old.scopes.clone(),
        networks: old.networks.clone(),
        expires_at: lives_ms.map(|ms| now.plus_millis(ms)),
    }
}

fn new_key(tenant_id: &TenantId, wish: ApiKeyWish, now: Timestamp) -> NewApiKey {
    let secret = new_secret(wish.mode);
    let key = ApiKey {
        id: ApiKeyId::new(now),
        tenant_id: tenant_id.clone(),
        mode: wish.mode,
        name: wish.name,
        prefix: secret.reveal().chars().take(SHOWN_PREFIX_CHARS).collect(),
        hash: hash_of(secret.reveal()),
        scopes: wish.scopes,
        networks: wish.networks,
        expires_at: wish.expires_at,
        revoked_at: None,
        successor: None,
        last_use: None,
        created_at: now,
    };
    NewApiKey { key, secret }
}

/// `trb_test_` or `trb_live_` and 43 characters: recognisable by secret scanners.
fn new_secret(mode: Mode) -> ShownOnce {
    let mut bytes = Zeroizing::new([0u8; SECRET_BYTES]);
    rand::rng().fill_bytes(bytes.as_mut_slice());
    ShownOnce::new(format!(
        "{PREFIX}{}_{}",
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
