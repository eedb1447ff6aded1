//! Idempotency keys: the same key with the same request takes effect once and gives the same answer.

use sha2::{Digest as _, Sha256};
use tributary_domain::clock::Timestamp;
use tributary_domain::ids::{TenantId, sortable_text};
use tributary_domain::rehearsal::{Sabotage, is_broken};
use tributary_domain::tenant::Mode;
use tributary_storage::idempotency::{self, About, RecoveryPoint, Request, Scope};

use crate::credentials::Caller;
use crate::{OperationError, Operations};

/// How long one request may be worked on before another may take it up.
const LOCK_MS: i64 = 60_000;
/// How long a key is remembered.
const KEPT_MS: i64 = 7 * 24 * 3_600_000;
/// Keys forgotten in one transaction, so that nobody waits for it.
const FORGOTTEN_AT_ONCE: u64 = 500;

/// An idempotency key as it came, with the fingerprint of its request.
#[derive(Clone, Debug)]
pub struct Idempotency {
    /// The key.
    pub key: String,
    /// Over method, path, query and raw body.
    pub fingerprint: [u8; 32],
    /// Method and route template.
    pub route: &'static str,
}

/// SHA-256 over the length-prefixed parts of a request.
pub fn fingerprint(method: &str, path: &str, query: &str, body: &[u8]) -> [u8; 32] {
    let mut hash = Sha256::new();
    let body_hash = Sha256::digest(body);
    for part in [
        b"idem:v1",
        method.as_bytes(),
        path.as_bytes(),
        query.as_bytes(),
        &body_hash[..],
    ] {
        let length = u32::try_from(part.len()).unwrap_or(u32::MAX);
        hash.update(length.to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

/// What to do with a request whose key was used before.
#[derive(Debug)]
pub(crate) enum Known {
    /// Give this answer again.
    Replay {
        /// The status that was answered.
        status: u16,
        /// The answer, as JSON.
        answer: String,
    },
    /// Its owner vanished: go on where it stopped.
    Resume {
        /// What it is about.
        about: About,
        /// Guards every write of this run.
        lock_token: i64,
    },
}

impl Idempotency {
    pub(crate) fn fingerprint_hex(&self) -> String {
        hex::encode(self.fingerprint)
    }

    pub(crate) fn scope(&self, caller: &Caller) -> Scope {
        self.scope_of(&caller.tenant_id, caller.mode)
    }

    pub(crate) fn scope_of(&self, tenant: &TenantId, mode: Mode) -> Scope {
        Scope {
            tenant_id: tenant.clone(),
            mode,
            route: self.route.to_owned(),
            key_hash: if is_broken(Sabotage::KeyIgnored) {
                sortable_text(Timestamp::from_millis(0))
            } else {
                hex::encode(Sha256::digest(self.key.as_bytes()))
            },
        }
    }

    pub(crate) fn request(&self, scope: Scope, about: About, now: Timestamp) -> Request {
        Request {
            scope,
            fingerprint: self.fingerprint_hex(),
            recovery_point: RecoveryPoint::Intent,
            lock_token: 1,
            locked_until: now.plus_millis(LOCK_MS),
            about,
            status: None,
            answer: None,
            created_at: now,
        }
    }
}

impl Operations {
    /// Looks up a key; decides whether to replay, resume, wait or refuse.
    pub(crate) async fn known_request(
        &self,
        idem: &Idempotency,
        scope: &Scope,
    ) -> Result<Option<Known>, OperationError> {
        let Some(request) = idempotency::find(self.storage(), scope).await? else {
            return Ok(None);
        };
        if request.fingerprint != idem.fingerprint_hex() {
            return Err(OperationError::IdempotencyKeyReused);
        }
        if let (RecoveryPoint::Completed, Some(status), Some(answer)) = (
            request.recovery_point,
            request.status,
            request.answer.clone(),
        ) {
            return Ok(Some(Known::Replay { status, answer }));
        }
        self.resume(request).await.map(Some)
    }

    async fn resume(&self, request: Request) -> Result<Known, OperationError> {
        let now = self.now();
        if now < request.locked_until {
            return Err(OperationError::IdempotencyInFlight);
        }
        let tx = self.storage().begin().await?;
        if !idempotency::take_over(&tx, &request, now.plus_millis(LOCK_MS)).await? {
            return Err(OperationError::IdempotencyInFlight);
        }
        tx.commit().await?;
        Ok(Known::Resume {
            about: request.about,
            lock_token: request.lock_token.saturating_add(1),
        })
    }

    /// Forgets keys that are older than seven days, a bounded number of them.
    pub async fn forget_old_idempotency_keys(&self) -> Result<u64, OperationError> {
        let tx = self.storage().begin().await?;
        let before = self.now().plus_millis(-KEPT_MS);
        let gone = idempotency::forget_all_tenants(&tx, before, FORGOTTEN_AT_ONCE).await?;
        tx.commit().await?;
        Ok(gone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fingerprint_is_the_documented_one() {
        let body = br#"{"amount":{"total":888,"currency":"CNY"},"out_trade_no":"T1"}"#;
        assert_eq!(
            hex::encode(fingerprint("POST", "/v1/payments", "", body)),
            "c1ed5769c805fdbce31b3beeb016eedc386e80bd0a74b5dbb5756ff7febc9d2a"
        );
    }
}
