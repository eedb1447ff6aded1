//! The signing secrets of endpoints: made, sealed, rotated.

use std::collections::HashMap;
use std::fmt;

use tributary_domain::clock::Timestamp;
use tributary_domain::endpoint::SignatureKind;
use tributary_domain::ids::{EndpointId, EndpointSecretId, TenantId};
use tributary_domain::tenant::Scope;
use tributary_storage::endpoints::{self, StoredSecret};
use tributary_vault::Place;
use tributary_webhooks::Secret;
use zeroize::Zeroizing;

use crate::credentials::Caller;
use crate::{OperationError, Operations};

const GRACE_SECONDS_MAX: i64 = 604_800;
/// So many secrets of one endpoint may sign at the same time.
const LIVE_SECRETS_MAX: usize = 3;

/// How a secret is replaced.
#[derive(Clone, Copy, Debug)]
pub struct Rotation {
    /// How long the secrets before sign beside the new one.
    pub grace_seconds: i64,
    /// How webhooks are signed from now on; as before when absent.
    pub signature: Option<SignatureKind>,
}

/// What a tenant verifies with, shown this once; it prints as `***` where it is secret.
#[derive(Clone)]
pub enum IssuedSecret {
    /// `whsec_…`: what signs and verifies `v1`.
    Shared(Zeroizing<String>),
    /// `whpk_…`: verifies `v1a`; what signs stays here.
    Public(String),
}

impl IssuedSecret {
    /// The text of either.
    pub fn text(&self) -> &str {
        match self {
            Self::Shared(text) => text,
            Self::Public(text) => text,
        }
    }
}

impl fmt::Debug for IssuedSecret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shared(_) => formatter.write_str("Shared(***)"),
            Self::Public(text) => formatter.debug_tuple("Public").field(text).finish(),
        }
    }
}

impl Rotation {
    /// Replaces a secret by one of the same kind.
    pub const fn after(grace_seconds: i64) -> Self {
        Self {
            grace_seconds,
            signature: None,
        }
    }
}

/// How a kept secret signs.
pub(super) fn kind_of(secret: &StoredSecret) -> SignatureKind {
    match secret.public_key {
        Some(_) => SignatureKind::V1a,
        None => SignatureKind::V1,
    }
}

impl Operations {
    /// Makes a new secret, shown this once; the ones before sign beside it while the rotation lasts.
    pub async fn rotate_endpoint_secret(
        &self,
        caller: &Caller,
        id: &EndpointId,
        rotation: Rotation,
    ) -> Result<IssuedSecret, OperationError> {
        caller.require(Scope::WebhooksWrite)?;
        let grace_seconds = rotation.grace_seconds;
        if !(0..=GRACE_SECONDS_MAX).contains(&grace_seconds) {
            return Err(OperationError::invalid(
                "/grace_seconds",
                "must be 0 to 604800",
            ));
        }
        let now = self.now();
        let tenant = &caller.tenant_id;
        // Sealing may write a data key, so it comes before the transaction; a foreign id must not get that far.
        let known = endpoints::find(self.storage(), tenant, caller.mode, id).await?;
        known.ok_or(OperationError::NotFound)?;
        let ids = std::slice::from_ref(id);
        let newest = endpoints::live_secrets(self.storage(), tenant, ids, now).await?;
        let before = newest.first().map(kind_of).unwrap_or_default();
        let signature = rotation.signature.unwrap_or(before);
        let (stored, secret) = self.new_secret(tenant, id, signature, now).await?;
        let tx = self.storage().begin().await?;
        endpoints::lock(&tx, tenant, caller.mode, id)
            .await?
            .ok_or(OperationError::NotFound)?;
        let until = now.plus_millis(grace_seconds.saturating_mul(1_000));
        endpoints::expire_secrets(&tx, tenant, id, until).await?;
        let live = endpoints::live_secrets(&tx, tenant, ids, now).await?;
        if live.len() >= LIVE_SECRETS_MAX {
            return Err(OperationError::LimitReached {
                what: "live secrets of an endpoint",
                max: u64::try_from(LIVE_SECRETS_MAX).unwrap_or(u64::MAX),
            });
        }
        endpoints::insert_secret(&tx, &stored).await?;
        tx.commit().await?;
        tracing::info!(endpoint.id = %id, tenant.id = %tenant, "the secret of a webhook endpoint was rotated");
        Ok(secret)
    }

    pub(super) async fn new_secret(
        &self,
        tenant: &TenantId,
        endpoint: &EndpointId,
        signature: SignatureKind,
        now: Timestamp,
    ) -> Result<(StoredSecret, IssuedSecret), OperationError> {
        let made = match signature {
            SignatureKind::V1 => Secret::generate(),
            SignatureKind::V1a => Secret::generate_ed25519(),
        };
        let public_key = made.public_text();
        let secret = made.expose();
        let id = EndpointSecretId::new(now);
        let place = secret_place(&id);
        let sealed = self
            .sealing()
            .seal(
                self.storage(),
                tenant.as_str(),
                &place,
                secret.as_bytes(),
                now,
            )
            .await?;
        let stored = StoredSecret {
            id,
            tenant_id: tenant.clone(),
            endpoint_id: endpoint.clone(),
            sealed,
            fingerprint: tributary_vault::fingerprint(secret.as_bytes()),
            public_key: public_key.clone(),
            created_at: now,
            expires_at: None,
        };
        let issued = public_key.map_or(IssuedSecret::Shared(secret), IssuedSecret::Public);
        Ok((stored, issued))
    }

    pub(super) async fn secrets_of(
        &self,
        tenant: &TenantId,
        ids: &[EndpointId],
    ) -> Result<HashMap<EndpointId, Vec<StoredSecret>>, OperationError> {
        let live = endpoints::live_secrets(self.storage(), tenant, ids, self.now()).await?;
        let mut by_endpoint: HashMap<EndpointId, Vec<StoredSecret>> = HashMap::new();
        for secret in live {
            by_endpoint
                .entry(secret.endpoint_id.clone())
                .or_default()
                .push(secret);
        }
        Ok(by_endpoint)
    }
}

/// Where the secret with this id is sealed for.
pub(crate) fn secret_place(id: &EndpointSecretId) -> Place<'_> {
    Place {
        table: "endpoint_secrets",
        column: "sealed",
        row: id.as_str(),
    }
}
