//! WeChat's platform certificates: fetched, decrypted, kept, renewed in time.

use tributary_domain::clock::Timestamp;
use tributary_domain::ids::{ProviderId, ProviderKeyId};
use tributary_domain::provider_key::{KeyCounts, KeyKind, KeyState, ProviderKey};
use tributary_storage::provider_keys::{self, SealedSecret};
use tributary_storage::providers::{self, Upkeep};
use wechatpay::client::CallError;
use wechatpay::v3::PlatformCertificate;

use crate::provider_keys::acts;
use crate::upstream_calls::{CallContext, CallPurpose};
use crate::{OperationError, Operations, UpstreamError, tenancy};

/// Certificates are fetched at most this often because of a serial that nobody knows.
const REFRESH_PAUSE_MS: i64 = 60_000;
/// Certificates are fetched this often; WeChat asks for less than twelve hours.
const REFRESH_EVERY_MS: i64 = 6 * 60 * 60 * 1_000;
/// What failed is tried again after this long.
const REFRESH_RETRY_MS: i64 = 15 * 60 * 1_000;
/// Providers that are taken at once.
const REFRESH_BATCH: u64 = 50;

impl Operations {
    /// Fetches the platform certificates that are due; one provider that fails does not stop the others.
    ///
    /// Of several nodes one takes each provider. Returns how many were refreshed.
    pub async fn refresh_certificates(&self) -> Result<usize, OperationError> {
        let work = Upkeep::Certificates;
        let due = providers::due(self.storage(), work, self.now(), REFRESH_BATCH).await?;
        let mut refreshed = 0_usize;
        for (id, due_at) in due {
            let next = self.now().plus_millis(REFRESH_EVERY_MS);
            if !self.take_upkeep(&id, work, due_at, next).await? {
                continue;
            }
            match self.refresh_certificates_of(&id).await {
                Ok(_) => refreshed = refreshed.saturating_add(1),
                Err(error) => {
                    tracing::warn!(provider.id = %id, error = &error as &dyn std::error::Error,
                        "platform certificates were not refreshed; the known ones stay");
                    let soon = self.now().plus_millis(REFRESH_RETRY_MS);
                    self.take_upkeep(&id, work, next, soon).await?;
                }
            }
        }
        Ok(refreshed)
    }

    pub(crate) async fn take_upkeep(
        &self,
        id: &ProviderId,
        work: Upkeep,
        due_at: Timestamp,
        next: Timestamp,
    ) -> Result<bool, OperationError> {
        let tx = self.storage().begin().await?;
        let taken = providers::take_upkeep(&tx, id, work, due_at, next).await?;
        tx.commit().await?;
        Ok(taken)
    }

    /// Fetches the platform certificates of one provider; returns how many it has.
    ///
    /// None is normal: an account that uses WeChat's public key only has no certificates.
    pub async fn refresh_certificates_of(&self, id: &ProviderId) -> Result<usize, OperationError> {
        let last_asked = self.inner.providers.last_asked(id).await;
        let mut last_asked = last_asked.lock().await;
        *last_asked = Some(self.now());
        self.fetch_certificates(id).await
    }

    async fn fetch_certificates(&self, id: &ProviderId) -> Result<usize, OperationError> {
        let handle = self.provider(id).await?;
        let started_at = self.now();
        let result = handle.client.certificates().await;
        let context = CallContext::provider(CallPurpose::Certificates);
        self.record_call(&handle, &context, started_at, &result);
        let certificates = match result {
            Ok(answer) => answer.value,
            Err(error) if has_no_certificates(&error) => Vec::new(),
            Err(error) if error.outcome_unknown() => {
                return Err(OperationError::UpstreamUnknown(UpstreamError::from(&error)));
            }
            Err(error) => return Err(OperationError::Upstream(UpstreamError::from(&error))),
        };
        for certificate in &certificates {
            self.keep_certificate(id, certificate).await?;
        }
        Ok(certificates.len())
    }

    /// Adds a certificate that is new. A known one stays as it is, also one that a person revoked.
    async fn keep_certificate(
        &self,
        id: &ProviderId,
        certificate: &PlatformCertificate,
    ) -> Result<(), OperationError> {
        let key = certificate_key(id, certificate, self.now())?;
        let kind = KeyKind::PlatformCertificate;
        let known = provider_keys::find_by_serial(self.storage(), id, kind, &key.serial).await?;
        if known.is_some() {
            return Ok(());
        }
        let now = self.now();
        let tx = self.storage().begin().await?;
        acts::note_change(&tx, id, now).await?;
        let added = acts::insert(&tx, &acts::wechat(), (key, SealedSecret::None), now).await;
        match added {
            // Another node was faster.
            Err(OperationError::Storage(error)) if error.is_duplicate() => return Ok(()),
            other => other?,
        }
        tx.commit().await?;
        self.forget_provider(id).await;
        Ok(())
    }

    /// Finds out about a key that this node does not know: from the database first, else from WeChat.
    ///
    /// Whatever a tenant asked for led to it, the ring and its log are the platform's.
    pub(crate) async fn learn_new_keys(&self, id: &ProviderId, version: i64) {
        tenancy::platform(async {
            if !self.forget_if_older(id, version).await {
                Box::pin(self.refresh_for_unknown_serial(id)).await;
            }
        })
        .await;
    }

    /// Fetches once when a serial is unknown: one caller fetches, the others wait for it, nobody within a minute.
    async fn refresh_for_unknown_serial(&self, id: &ProviderId) {
        let last_asked = self.inner.providers.last_asked(id).await;
        let mut last_asked = last_asked.lock().await;
        let now = self.now();
        if last_asked.is_some_and(|last| now.millis_since(last) < REFRESH_PAUSE_MS) {
            return;
        }
        *last_asked = Some(now);
        if let Err(error) = self.fetch_certificates(id).await {
            tracing::warn!(provider.id = %id, error = &error as &dyn std::error::Error,
                "an unknown serial could not be looked up");
        }
    }
}

/// In use at once: its encryption under the APIv3 key vouches for it, and WeChat will sign with it unasked.
fn certificate_key(
    provider: &ProviderId,
    certificate: &PlatformCertificate,
    now: Timestamp,
) -> Result<ProviderKey, OperationError> {
    let parsed = certificate
        .certificate()
        .map_err(|_| OperationError::Internal("a certificate does not parse".into()))?;
    Ok(ProviderKey {
        id: ProviderKeyId::new(now),
        provider_id: provider.clone(),
        kind: KeyKind::PlatformCertificate,
        state: KeyState::Active,
        serial: parsed.serial,
        fingerprint: Some(parsed.fingerprint),
        pem: Some(certificate.pem.clone()),
        not_before: Some(Timestamp::from_seconds(parsed.not_before_unix)),
        not_after: Some(Timestamp::from_seconds(parsed.not_after_unix)),
        added_at: now,
        added_by: acts::wechat().who().to_owned(),
        approved_at: None,
        approved_by: None,
        changed_at: now,
        counts: KeyCounts::default(),
        last_seen_at: None,
        warned_days: None,
    })
}

fn has_no_certificates(error: &CallError) -> bool {
    error.code() == Some("RESOURCE_NOT_EXISTS")
}
