//! What a person must be told about keys before it hurts: an end that comes near.

use tributary_domain::clock::Timestamp;
use tributary_domain::ids::ProviderKeyId;
use tributary_domain::provider_key::{ProviderKey, first_warning};
use tributary_storage::{alarms, provider_keys};

use crate::alarms::provider_alarm;
use crate::{OperationError, Operations};

/// Keys that are read in one statement.
const PAGE: u64 = 200;
/// Pages of one run: more keys than this that end within half a year are looked at an hour later.
const PAGES_MAX: usize = 100;

impl Operations {
    /// Raises one alarm for each step of each key's end that was reached; returns how many.
    pub async fn warn_of_ending_keys(&self) -> Result<usize, OperationError> {
        let now = self.now();
        let mut after: Option<ProviderKeyId> = None;
        let mut warned = 0_usize;
        for _ in 0..PAGES_MAX {
            let until = first_warning(now);
            let page = provider_keys::ending(self.storage(), until, after.as_ref(), PAGE).await?;
            let Some(last) = page.last() else {
                break;
            };
            after = Some(last.id.clone());
            for key in &page {
                if let Some(days) = key.due_warning(now) {
                    warned = warned.saturating_add(self.warn(key, days, now).await?);
                }
            }
        }
        Ok(warned)
    }

    async fn warn(
        &self,
        key: &ProviderKey,
        days: i64,
        now: Timestamp,
    ) -> Result<usize, OperationError> {
        let detail = serde_json::json!({
            "key_id": key.id,
            "kind": key.kind,
            "serial": key.serial,
            "ends_at": key.not_after.map(Timestamp::to_rfc3339),
            "days": days,
        });
        let alarm = provider_alarm(&key.provider_id, "key_expiring", &detail, now);
        let tx = self.storage().begin().await?;
        match provider_keys::note_warning(&tx, key, days).await {
            // Another node was faster.
            Err(error) if error.is_stale() => return Ok(0),
            other => other?,
        }
        alarms::insert(&tx, &alarm).await?;
        tx.commit().await?;
        metrics::counter!("tributary_alarms_total", "kind" => "key_expiring").increment(1);
        Ok(1)
    }
}
