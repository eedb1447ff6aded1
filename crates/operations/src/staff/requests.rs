//! Idempotency keys of people: the same request under the same key is answered from what is kept, sealed.
//!
//! The key is taken before the work and the answer kept after it. Whoever dies in between leaves the key taken for a
//! minute; the next try does the work again, which the rows' own keys (an e-mail address, a refund's number) make safe.

use sha2::{Digest as _, Sha256};
use tributary_domain::ids::StaffId;
use tributary_storage::sealed_columns::PLATFORM;
use tributary_storage::staff_requests::{self, StaffRequest};
use tributary_vault::Place;
use zeroize::Zeroizing;

use super::caller::StaffCaller;
use crate::idempotency::Idempotency;
use crate::{OperationError, Operations};

/// How long one request may take before another may take it up.
const LOCK_MS: i64 = 60_000;

/// What to do with a request.
#[derive(Debug)]
pub enum Begun {
    /// Do the work.
    Now,
    /// Give this answer again.
    Before(Zeroizing<Vec<u8>>),
}

impl Operations {
    /// Takes a key for a request of a person, or finds what it was answered.
    pub async fn begin_request(
        &self,
        caller: &StaffCaller,
        key: &Idempotency,
    ) -> Result<Begun, OperationError> {
        let (now, hash) = (self.now(), hash_of_key(key));
        let request = StaffRequest {
            fingerprint: hex::encode(key.fingerprint),
            locked_until: now.plus_millis(LOCK_MS),
            answer: None,
        };
        let tx = self.storage().begin().await?;
        match staff_requests::insert(&tx, &caller.staff_id, &hash, &request, now).await {
            Ok(()) => {
                tx.commit().await?;
                Ok(Begun::Now)
            }
            Err(error) if error.is_duplicate() => {
                tx.rollback().await?;
                self.known_staff_request(caller, &hash, &request).await
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn known_staff_request(
        &self,
        caller: &StaffCaller,
        hash: &str,
        wanted: &StaffRequest,
    ) -> Result<Begun, OperationError> {
        let staff = &caller.staff_id;
        let known = staff_requests::find(self.storage(), staff, hash).await?;
        let known = known.ok_or(OperationError::IdempotencyInFlight)?;
        if known.fingerprint != wanted.fingerprint {
            return Err(OperationError::IdempotencyKeyReused);
        }
        if let Some((_, sealed)) = &known.answer {
            let row = answer_row(staff, hash);
            let place = answer_place(&row);
            let answer = self
                .sealing()
                .open(self.storage(), PLATFORM, &place, sealed)
                .await?;
            return Ok(Begun::Before(answer));
        }
        if self.now() < known.locked_until {
            return Err(OperationError::IdempotencyInFlight);
        }
        let tx = self.storage().begin().await?;
        let taken = staff_requests::take_over(&tx, staff, hash, &known, wanted.locked_until).await;
        match taken {
            Ok(()) => {
                tx.commit().await?;
                Ok(Begun::Now)
            }
            Err(error) if error.is_stale() => Err(OperationError::IdempotencyInFlight),
            Err(error) => Err(error.into()),
        }
    }

    /// Keeps the answer of a request, sealed: it may show a secret once.
    pub async fn complete_request(
        &self,
        caller: &StaffCaller,
        key: &Idempotency,
        status: u16,
        answer: &[u8],
    ) -> Result<(), OperationError> {
        let (staff, now) = (&caller.staff_id, self.now());
        let hash = hash_of_key(key);
        let row = answer_row(staff, &hash);
        let place = answer_place(&row);
        let sealed = self
            .sealing()
            .seal(self.storage(), PLATFORM, &place, answer, now)
            .await?;
        let tx = self.storage().begin().await?;
        staff_requests::complete(&tx, staff, &hash, status, sealed).await?;
        Ok(tx.commit().await?)
    }

    /// Frees the key of a request that was refused.
    pub async fn release_request(
        &self,
        caller: &StaffCaller,
        key: &Idempotency,
    ) -> Result<(), OperationError> {
        let tx = self.storage().begin().await?;
        staff_requests::release(&tx, &caller.staff_id, &hash_of_key(key)).await?;
        Ok(tx.commit().await?)
    }
}

/// A key counts within its route.
fn hash_of_key(key: &Idempotency) -> String {
    let mut hash = Sha256::new();
    hash.update(key.route.as_bytes());
    hash.update([0]);
    hash.update(key.key.as_bytes());
    hex::encode(hash.finalize())
}

/// An answer opens under the key of its own request only.
fn answer_row(staff: &StaffId, hash: &str) -> String {
    format!("{staff}/{hash}")
}

const fn answer_place(row: &str) -> Place<'_> {
    Place {
        table: "staff_requests",
        column: "sealed_answer",
        row,
    }
}
