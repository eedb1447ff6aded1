//! When credentials were last used: kept in memory, written in batches, so that no call pays for a commit.
//!
//! It serves people who look for what nobody needs any more. What a crash takes with it is the last minute.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tributary_domain::clock::Timestamp;
use tributary_domain::credential::LastUse;
use tributary_domain::ids::{ApiKeyId, CertificateId, TenantId};
use tributary_storage::{api_keys, tenant_certificates};

use crate::{OperationError, Operations, tenancy};

/// Credentials whose use waits to be written; what comes beyond is not noted this time.
const WAITING_MAX: usize = 50_000;
/// Uses written in one transaction.
const BATCH: usize = 256;

/// A credential.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum UsedBy {
    ApiKey(TenantId, ApiKeyId),
    Certificate(TenantId, CertificateId),
}

/// The last use of each credential since it was last written.
#[derive(Debug, Default)]
pub(crate) struct Uses(Mutex<BTreeMap<UsedBy, LastUse>>);

impl Uses {
    pub(super) fn note(&self, by: UsedBy, at: Timestamp, from: Option<IpAddr>) {
        let address = from.map(|address| address.to_canonical());
        let last = LastUse { at, address };
        let mut waiting = self.waiting();
        if waiting.len() < WAITING_MAX || waiting.contains_key(&by) {
            waiting.insert(by, last);
        }
    }

    fn take_batch(&self) -> Vec<(UsedBy, LastUse)> {
        let mut waiting = self.waiting();
        let take = |_| waiting.pop_first();
        (0..BATCH).map_while(take).collect()
    }

    /// Keeps what could not be written, unless something later was noted meanwhile.
    fn put_back(&self, batch: Vec<(UsedBy, LastUse)>) {
        let mut waiting = self.waiting();
        for (by, last) in batch {
            waiting.entry(by).or_insert(last);
        }
    }

    fn waiting(&self) -> MutexGuard<'_, BTreeMap<UsedBy, LastUse>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Operations {
    /// Writes when credentials were last used on this node; returns how many were.
    pub async fn write_credential_uses(&self) -> Result<usize, OperationError> {
        let mut written = 0_usize;
        for _ in 0..WAITING_MAX.div_ceil(BATCH) {
            let batch = self.inner.uses.take_batch();
            if batch.is_empty() {
                break;
            }
            if let Err(error) = tenancy::platform(self.write_uses(&batch)).await {
                self.inner.uses.put_back(batch);
                return Err(error);
            }
            written = written.saturating_add(batch.len());
        }
        Ok(written)
    }

    async fn write_uses(&self, batch: &[(UsedBy, LastUse)]) -> Result<(), OperationError> {
        let tx = self.storage().begin().await?;
        for (by, last) in batch {
            match by {
                UsedBy::ApiKey(tenant, id) => api_keys::note_use(&tx, tenant, id, *last).await?,
                UsedBy::Certificate(tenant, id) => {
                    tenant_certificates::note_use(&tx, tenant, id, *last).await?;
                }
            }
        }
        Ok(tx.commit().await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_use_counts_and_a_failed_batch_is_not_lost() {
        let (uses, now) = (Uses::default(), Timestamp::from_seconds(1));
        let by = UsedBy::ApiKey(TenantId::new(now), ApiKeyId::new(now));
        uses.note(by.clone(), now, None);
        let later = now.plus_millis(1);
        uses.note(by.clone(), later, "::ffff:192.0.2.1".parse().ok());
        let batch = uses.take_batch();
        let last = LastUse {
            at: later,
            address: "192.0.2.1".parse().ok(),
        };
        assert_eq!(batch, [(by.clone(), last)]);
        uses.put_back(batch);
        assert_eq!(uses.take_batch(), [(by, last)]);
        assert!(uses.take_batch().is_empty());
    }
}
