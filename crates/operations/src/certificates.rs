//! WeChat's platform certificates: fetched, decrypted, kept, renewed in time.

use tributary_domain::clock::Timestamp;
use tributary_domain::ids::ProviderId;
use tributary_storage::providers::{self, PlatformKey, PlatformKeyKind};
use wechatpay::client::CallError;

use crate::upstream_calls::{CallContext, CallPurpose};
use crate::{OperationError, Operations, UpstreamError};

/// Certificates are fetched at most this often because of a serial that nobody knows.
const REFRESH_PAUSE_MS: i64 = 60_000;

impl Operations {
    /// Fetches the platform certificates of every provider; one that fails does not stop the others.
    ///
    /// Returns how many providers were refreshed.
    pub async fn refresh_certificates(&self) -> Result<usize, OperationError> {
        let mut refreshed = 0;
        for stored in providers::list(self.storage()).await? {
            let id = stored.provider.id;
            match self.refresh_certificates_of(&id).await {
                Ok(_) => refreshed += 1,
                Err(error) => {
                    tracing::warn!(provider.id = %id, error = &error as &dyn std::error::Error,
                        "platform certificates were not refreshed; the known ones stay");
                }
            }
        }
        Ok(refreshed)
    }

    /// Fetches the platform certificates of one provider; returns how many it has.
    ///
    /// None is normal: an account that uses WeChat's public key only has no certificates.
    pub async fn refresh_certificates_of(&self, id: &ProviderId) -> Result<usize, OperationError> {
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
        let now = self.now();
        let tx = self.storage().begin().await?;
        for certificate in &certificates {
            let parsed = certificate
                .certificate()
                .map_err(|_| OperationError::Internal("a certificate does not parse".into()))?;
            let key = PlatformKey {
                serial: parsed.serial.clone(),
                kind: PlatformKeyKind::Certificate,
                pem: certificate.pem.clone(),
                not_before: Some(Timestamp::from_seconds(parsed.not_before_unix)),
                not_after: Some(Timestamp::from_seconds(parsed.not_after_unix)),
            };
            providers::put_platform_key(&tx, id, &key, now).await?;
        }
        tx.commit().await?;
        self.forget_provider(id).await;
        Ok(certificates.len())
    }

    /// Fetches once when a serial is unknown: one caller fetches, the others wait for it, nobody within a minute.
    ///
    /// Tells whether WeChat was asked by this call.
    pub(crate) async fn refresh_for_unknown_serial(&self, id: &ProviderId) -> bool {
        let last_asked = self.inner.providers.last_asked(id).await;
        let mut last_asked = last_asked.lock().await;
        let now = self.now();
        if last_asked.is_some_and(|last| now.millis_since(last) < REFRESH_PAUSE_MS) {
            return false;
        }
        *last_asked = Some(now);
        if let Err(error) = self.refresh_certificates_of(id).await {
            tracing::warn!(provider.id = %id, error = &error as &dyn std::error::Error,
                "an unknown serial could not be looked up");
        }
        true
    }
}

fn has_no_certificates(error: &CallError) -> bool {
    error.code() == Some("RESOURCE_NOT_EXISTS")
}
