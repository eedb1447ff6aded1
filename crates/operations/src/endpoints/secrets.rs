//! The signing secrets of endpoints: made, sealed, rotated.

use std::collections::HashMap;

use tributary_domain::clock::Timestamp;
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

impl Operations {
    /// Makes a new secret, shown this once; the ones before sign beside it for `grace_seconds`.
    pub async fn rotate_endpoint_secret(
        &self,
        caller: &Caller,
        id: &EndpointId,
        grace_seconds: i64,
    ) -> Result<Zeroizing<String>, OperationError> {
        caller.require(Scope::WebhooksWrite)?;
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
        let (stored, secret) = self.new_secret(tenant, id, now).await?;
        let tx = self.storage().begin().await?;
        endpoints::lock(&tx, tenant, caller.mode, id)
            .await?
            .ok_or(OperationError::NotFound)?;
        let until = now.plus_millis(grace_seconds.saturating_mul(1_000));
        endpoints::expire_secrets(&tx, tenant, id, until).await?;
        let ids = std::slice::from_ref(id);
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
        now: Timestamp,
    ) -> Result<(StoredSecret, Zeroizing<String>), OperationError> {
        let secret = Secret::generate().expose();
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
            created_at: now,
            expires_at: None,
        };
        Ok((stored, secret))
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
