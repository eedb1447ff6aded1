//! What a person must look at, for the people who do.

use serde_json::Value;
use tributary_domain::clock::Timestamp;
use tributary_domain::ids::{AlarmId, ProviderId};
use tributary_storage::alarms;

pub use tributary_storage::alarms::Alarm;

use crate::{OperationError, Operations, tenancy};

/// Alarms shown at once.
const SHOWN_MAX: u64 = 100;
/// The same trouble of the same provider is told once within this time, so that a flood of it stays one line.
const SAME_TROUBLE_MS: i64 = 60 * 60 * 1_000;
/// Characters of a serial that an alarm shows; WeChat's are shorter.
const SERIAL_CHARS_MAX: usize = 64;

impl Operations {
    /// The newest alarms of every tenant.
    pub async fn alarms(&self) -> Result<Vec<Alarm>, OperationError> {
        Ok(alarms::newest_all_tenants(self.storage(), SHOWN_MAX).await?)
    }

    /// Tells a person about a provider, once an hour for each kind of trouble.
    pub(crate) async fn alarm_about_provider(
        &self,
        provider: &ProviderId,
        kind: &'static str,
        detail: &Value,
    ) -> Result<(), OperationError> {
        let now = self.now();
        let told = &self.inner.providers.alarmed;
        let subject = (provider.clone(), kind);
        let last = told.get(&subject).await;
        if last.is_some_and(|last| now.millis_since(last) < SAME_TROUBLE_MS) {
            return Ok(());
        }
        // Before it is written, so that many at once write one; forgotten again when that fails.
        told.insert(subject.clone(), now).await;
        tracing::error!(provider.id = %provider, kind, %detail, "a provider needs a person");
        let written = async {
            let tx = self.storage().begin().await?;
            alarms::insert(&tx, &provider_alarm(provider, kind, detail, now)).await?;
            tx.commit().await
        };
        if let Err(error) = written.await {
            told.invalidate(&subject).await;
            return Err(error.into());
        }
        metrics::counter!("tributary_alarms_total", "kind" => kind).increment(1);
        Ok(())
    }

    /// Tells a person that WeChat signs with a key that nobody here knows, seen in a `notification` or an `answer`.
    ///
    /// Whatever a tenant asked for led to it, the alarm is the platform's.
    pub(crate) async fn alarm_of_unknown_serial(
        &self,
        provider: &ProviderId,
        serial: &str,
        seen_in: &'static str,
    ) -> Result<(), OperationError> {
        let serial: String = serial.chars().take(SERIAL_CHARS_MAX).collect();
        let detail = serde_json::json!({ "serial": serial, "seen_in": seen_in });
        let told = Box::pin(self.alarm_about_provider(provider, "unknown_serial", &detail));
        tenancy::platform(told).await
    }
}

/// An alarm about a provider.
pub(crate) fn provider_alarm(
    provider: &ProviderId,
    kind: &str,
    detail: &Value,
    now: Timestamp,
) -> Alarm {
    Alarm {
        id: AlarmId::new(now),
        raised_at: now,
        kind: kind.to_owned(),
        tenant_id: None,
        provider_id: Some(provider.clone()),
        order_id: None,
        detail: detail.to_string(),
    }
}
