//! The platform's own key pairs: made on first use, sealed, replaced in time, the next one published before it signs.

use std::sync::{Arc, PoisonError, RwLock};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rcgen::{KeyPair, PKCS_ED25519};
use serde_json::json;
use tributary_domain::audit::AuditScope;
use tributary_domain::clock::Timestamp;
use tributary_domain::ids::SigningKeyId;
use tributary_domain::staff::Actor;
use tributary_storage::signing_keys::{self, SigningPurpose, StoredSigningKey};
use tributary_vault::Place;
use wechatpay::credentials::{PrivateKey, PublicKey, generate_pem};
use zeroize::Zeroizing;

use super::authority::{Authority, Subject};
use crate::audit::{self, Act};
use crate::{OperationError, Operations, tenancy};

/// Whose data key seals the private halves.
const OWNER: &str = "platform";
/// A key that another node made is known here after this long.
const READ_AGAIN_MS: i64 = 60_000;
/// A key that nobody here knows is looked for at most this often.
const LOOK_AGAIN_MS: i64 = 5_000;
/// Another node may make the next key meanwhile, and once more.
const ROUNDS_MAX: u32 = 3;

const DAY_MS: i64 = 24 * 3_600_000;
const YEAR_MS: i64 = 365 * DAY_MS;

/// How long the keys of a purpose last.
#[expect(
    clippy::struct_field_names,
    reason = "a number of time carries its unit"
)]
struct Life {
    /// From the first signature until nothing of it counts any more.
    whole_ms: i64,
    /// The next one is made so long before the end.
    renewed_before_ms: i64,
    /// The next one is published so long before it signs.
    published_before_ms: i64,
}

const fn life_of(purpose: SigningPurpose) -> Life {
    match purpose {
        // What it issues lasts five years at most, and so never longer than itself.
        SigningPurpose::Authority => Life {
            whole_ms: 20 * YEAR_MS,
            renewed_before_ms: 6 * YEAR_MS,
            published_before_ms: 0,
        },
        // Tenants fetch it by hand, as they do WeChat's.
        SigningPurpose::Answers => Life {
            whole_ms: 5 * YEAR_MS,
            renewed_before_ms: 120 * DAY_MS,
            published_before_ms: 90 * DAY_MS,
        },
        // Programs fetch it by themselves.
        SigningPurpose::Tokens => Life {
            whole_ms: 32 * DAY_MS,
            renewed_before_ms: 2 * DAY_MS,
            published_before_ms: DAY_MS,
        },
    }
}

/// The private half of a purpose's key, ready for use.
pub(super) trait SigningSecret: Sized {
    const PURPOSE: SigningPurpose;

    fn open(secret: &[u8], public_part: &str) -> Result<Self, OperationError>;

    fn slot(keys: &SigningKeys) -> &Slot<Self>;
}

/// A key pair, ready for use.
pub(super) struct SigningKey<K> {
    pub(super) serial: String,
    pub(super) public_part: String,
    pub(super) signs_from: Timestamp,
    pub(super) ends_at: Timestamp,
    pub(super) secret: K,
}

/// The key pairs of a purpose, oldest first.
pub(super) struct Keys<K> {
    read_at: Timestamp,
    pub(super) all: Vec<SigningKey<K>>,
}

impl<K> Keys<K> {
    /// The one that signs.
    pub(super) fn signer(&self, now: Timestamp) -> Result<&SigningKey<K>, OperationError> {
        let signs = |key: &&SigningKey<K>| key.signs_from <= now && now < key.ends_at;
        self.all
            .iter()
            .rfind(signs)
            .ok_or_else(|| OperationError::Internal("no key of the platform's signs".into()))
    }

    pub(super) fn find(&self, serial: &str) -> Option<&SigningKey<K>> {
        self.all.iter().find(|key| key.serial == serial)
    }
}

/// Key pairs as last read.
pub(super) struct Slot<K>(RwLock<Option<Arc<Keys<K>>>>);

impl<K> Default for Slot<K> {
    fn default() -> Self {
        Self(RwLock::new(None))
    }
}

impl<K> Slot<K> {
    fn younger_than(&self, age_ms: i64, now: Timestamp) -> Option<Arc<Keys<K>>> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let known = known.as_ref()?;
        (now < known.read_at.plus_millis(age_ms)).then(|| Arc::clone(known))
    }

    fn put(&self, keys: Arc<Keys<K>>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Some(keys);
    }
}

/// What this node knows of the platform's own keys: a handful, so there is no bound to keep.
#[derive(Default)]
pub(crate) struct SigningKeys {
    pub(super) answers: Slot<PrivateKey>,
    pub(super) tokens: Slot<super::tokens::TokenSecret>,
    /// One reads or makes, the others wait for it.
    reading: tokio::sync::Mutex<()>,
}

impl std::fmt::Debug for SigningKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SigningKeys(***)")
    }
}

impl SigningSecret for PrivateKey {
    const PURPOSE: SigningPurpose = SigningPurpose::Answers;

    fn open(secret: &[u8], _: &str) -> Result<Self, OperationError> {
        let key = Self::from_pem(text_of(secret)?);
        key.map_err(|error| OperationError::Internal(error.to_string()))
    }

    fn slot(keys: &SigningKeys) -> &Slot<Self> {
        &keys.answers
    }
}

/// A key pair that was just made.
struct Made {
    secret: Zeroizing<Vec<u8>>,
    serial: String,
    public_part: String,
}

impl Operations {
    /// The keys of a purpose; the first one is made when it is asked for.
    pub(super) async fn signing_keys<K: SigningSecret>(
        &self,
    ) -> Result<Arc<Keys<K>>, OperationError> {
        self.signing_keys_younger_than(READ_AGAIN_MS).await
    }

    /// The same, read again when `serial` is not among them.
    pub(super) async fn signing_keys_with<K: SigningSecret>(
        &self,
        serial: &str,
    ) -> Result<Arc<Keys<K>>, OperationError> {
        let keys = self.signing_keys().await?;
        if keys.find(serial).is_some() {
            return Ok(keys);
        }
        self.signing_keys_younger_than(LOOK_AGAIN_MS).await
    }

    async fn signing_keys_younger_than<K: SigningSecret>(
        &self,
        age_ms: i64,
    ) -> Result<Arc<Keys<K>>, OperationError> {
        let now = self.now();
        let slot = K::slot(&self.inner.signing_keys);
        if let Some(known) = slot.younger_than(age_ms, now) {
            return Ok(known);
        }
        let _reading = self.inner.signing_keys.reading.lock().await;
        if let Some(known) = slot.younger_than(age_ms, now) {
            return Ok(known);
        }
        // The platform's own, whoever asks.
        let all = tenancy::platform(self.read_signing_keys::<K>(now)).await?;
        let keys = Arc::new(Keys { read_at: now, all });
        slot.put(Arc::clone(&keys));
        Ok(keys)
    }

    async fn read_signing_keys<K: SigningSecret>(
        &self,
        now: Timestamp,
    ) -> Result<Vec<SigningKey<K>>, OperationError> {
        let mut all = Vec::new();
        for stored in self.stored_signing_keys(K::PURPOSE, now).await? {
            let secret = self.open_signing_key(&stored).await?;
            all.push(SigningKey {
                secret: K::open(&secret, &stored.public_part)?,
                serial: stored.serial,
                public_part: stored.public_part,
                signs_from: stored.signs_from,
                ends_at: stored.ends_at,
            });
        }
        Ok(all)
    }

    /// The authority, and the certificate that names it.
    pub(super) async fn authority(
        &self,
        now: Timestamp,
    ) -> Result<(Authority, StoredSigningKey), OperationError> {
        let stored = self.stored_signing_keys(SigningPurpose::Authority, now);
        let newest = stored.await?.pop();
        let newest = newest.ok_or_else(|| OperationError::Internal("no authority".into()))?;
        let secret = self.open_signing_key(&newest).await?;
        let authority = Authority::open(text_of(&secret)?, newest.generation)?;
        Ok((authority, newest))
    }

    /// The keys of a purpose that have not ended, the next one among them when it is time for it; oldest first.
    pub(super) async fn stored_signing_keys(
        &self,
        purpose: SigningPurpose,
        now: Timestamp,
    ) -> Result<Vec<StoredSigningKey>, OperationError> {
        let life = life_of(purpose);
        for _ in 0..ROUNDS_MAX {
            let mut keys = signing_keys::list(self.storage(), purpose, now).await?;
            let newest = keys.last();
            let is_enough =
                |key: &StoredSigningKey| now < key.ends_at.plus_millis(-life.renewed_before_ms);
            if newest.is_some_and(is_enough) {
                keys.retain(|key| now < key.ends_at);
                return Ok(keys);
            }
            let generation = newest.map_or(1, |key| key.generation.saturating_add(1));
            let handover = now.plus_millis(life.published_before_ms);
            let signs_from = match newest {
                Some(key) if handover < key.ends_at => handover,
                _ => now,
            };
            self.make_signing_key(purpose, generation, signs_from)
                .await?;
        }
        Err(OperationError::Internal(format!(
            "the platform's key for {} could not be made",
            purpose.as_str()
        )))
    }

    /// Makes one generation of a purpose's keys, unless another node has.
    async fn make_signing_key(
        &self,
        purpose: SigningPurpose,
        generation: i64,
        signs_from: Timestamp,
    ) -> Result<(), OperationError> {
        let now = self.now();
        let ends_at = signs_from.plus_millis(life_of(purpose).whole_ms);
        let id = SigningKeyId::new(now);
        let made = match purpose {
            SigningPurpose::Authority => new_authority(generation, (now, ends_at)).await?,
            SigningPurpose::Answers => Box::pin(self.new_answer_key((now, ends_at))).await?,
            SigningPurpose::Tokens => new_token_key(&id)?,
        };
        let place = place(&id);
        let sealing = self.sealing();
        let private_key = sealing.seal(self.storage(), OWNER, &place, &made.secret, now);
        let stored = StoredSigningKey {
            private_key: private_key.await?,
            owner: OWNER.to_owned(),
            purpose,
            generation,
            serial: made.serial,
            public_part: made.public_part,
            signs_from,
            ends_at,
            created_at: now,
            id: id.clone(),
        };
        let tx = self.storage().begin().await?;
        match signing_keys::insert(&tx, &stored).await {
            // The other node's is as good.
            Err(error) if error.is_duplicate() => Ok(tx.rollback().await?),
            other => {
                other?;
                let mut act = Act::new(AuditScope::Platform, "signing_key.made", id.as_str());
                act.after = Some(json!({
                    "purpose": purpose.as_str(),
                    "serial": stored.serial,
                    "signs_from": signs_from.to_rfc3339(),
                }));
                let by = Actor::system("signing_keys");
                audit::record(&tx, &by, act, now).await?;
                Ok(tx.commit().await?)
            }
        }
    }

    async fn new_answer_key(
        &self,
        validity: (Timestamp, Timestamp),
    ) -> Result<Made, OperationError> {
        let (authority, _) = self.authority(validity.0).await?;
        let (private_pem, public_pem) = new_rsa_pair().await?;
        let key = PublicKey::from_pem(&public_pem)
            .map_err(|error| OperationError::Internal(error.to_string()))?;
        let issued = authority.issue(&Subject {
            name: "Tributary answers",
            key: &key,
            validity,
        })?;
        Ok(Made {
            secret: Zeroizing::new(private_pem.as_bytes().to_vec()),
            serial: issued.serial,
            public_part: issued.pem,
        })
    }

    async fn open_signing_key(
        &self,
        stored: &StoredSigningKey,
    ) -> Result<Zeroizing<Vec<u8>>, OperationError> {
        let place = place(&stored.id);
        self.sealing()
            .open(self.storage(), &stored.owner, &place, &stored.private_key)
            .await
    }
}

fn place(id: &SigningKeyId) -> Place<'_> {
    Place {
        table: "signing_keys",
        column: "private_key",
        row: id.as_str(),
    }
}

async fn new_authority(
    generation: i64,
    validity: (Timestamp, Timestamp),
) -> Result<Made, OperationError> {
    let (private_pem, _) = new_rsa_pair().await?;
    let own = Authority::own_certificate(&private_pem, generation, validity)?;
    Ok(Made {
        secret: Zeroizing::new(private_pem.as_bytes().to_vec()),
        serial: own.serial,
        public_part: own.pem,
    })
}

fn new_token_key(id: &SigningKeyId) -> Result<Made, OperationError> {
    let pair = KeyPair::generate_for(&PKCS_ED25519)
        .map_err(|error| OperationError::Internal(error.to_string()))?;
    Ok(Made {
        secret: Zeroizing::new(pair.serialize_der()),
        serial: id.to_string(),
        public_part: URL_SAFE_NO_PAD.encode(pair.public_key_raw()),
    })
}

/// Making a pair takes up to a second, which no other request shall wait for.
async fn new_rsa_pair() -> Result<(Zeroizing<String>, String), OperationError> {
    let failed = |cause: &dyn std::error::Error| OperationError::Internal(cause.to_string());
    let made = tokio::task::spawn_blocking(generate_pem).await;
    let (private_pem, public_pem) = made
        .map_err(|error| failed(&error))?
        .map_err(|error| failed(&error))?;
    Ok((Zeroizing::new(private_pem), public_pem))
}

fn text_of(secret: &[u8]) -> Result<&str, OperationError> {
    std::str::from_utf8(secret)
        .map_err(|_| OperationError::Internal("a key of the platform's is no text".into()))
}
