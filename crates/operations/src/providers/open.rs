//! Opening a provider: from sealed rows to a key ring and a client.

use std::sync::Arc;

use tributary_domain::clock::Timestamp;
use tributary_domain::ids::{ProviderId, ProviderKeyId};
use tributary_domain::merchant::Provider;
use tributary_domain::provider_key::{KeyKind, KeyState, ProviderKey};
use tributary_storage::provider_keys::{self, SealedSecret, StoredKey};
use tributary_storage::providers::{self, StoredProvider};
use tributary_vault::Place;
use url::Url;
use wechatpay::client::{Client, Hosts};
use wechatpay::credentials::{ApiV3Key, Certificate, KeyRing, Merchant, PrivateKey, PublicKey};
use wechatpay::v3::notification::Envelope;
use zeroize::Zeroizing;

use super::ProviderHandle;
use crate::{OperationError, Operations};

pub(crate) const PRIVATE_KEY: &str = "merchant_private_key";
pub(crate) const API_V3_KEY: &str = "api_v3_key";
const API_V3_KEY_PREVIOUS: &str = "api_v3_key_previous";
/// Keys of one provider that are read at once; a ring in use has a handful.
pub(crate) const RING_MAX: u64 = 64;

/// The keys of a provider, ready for use.
#[derive(Debug)]
pub(crate) struct OpenedRing {
    pub(crate) provider: Provider,
    /// Rises with every change to the ring.
    pub(crate) version: i64,
    /// What WeChat may sign with.
    pub(crate) trusted: KeyRing,
    /// The same with the keys under test, which are believed about self-tests only.
    pub(crate) with_testing: KeyRing,
    api_keys: Vec<NamedApiKey>,
    handle: Option<Arc<ProviderHandle>>,
}

/// An APIv3 key and its row.
#[derive(Debug)]
struct NamedApiKey {
    id: ProviderKeyId,
    serial: String,
    key: ApiV3Key,
}

/// A notification in the clear, and the key that opened it.
pub(crate) struct Decrypted<'a> {
    pub(crate) plain: Vec<u8>,
    pub(crate) key_id: &'a ProviderKeyId,
    pub(crate) serial: &'a str,
}

impl OpenedRing {
    /// What calls are made with.
    pub(crate) fn handle(&self) -> Result<Arc<ProviderHandle>, OperationError> {
        self.handle.clone().ok_or_else(|| {
            let id = &self.provider.id;
            OperationError::Internal(format!("provider {id} has no active merchant key"))
        })
    }

    /// Decrypts a notification, and tells under which key it was.
    pub(crate) fn decrypt(&self, envelope: &Envelope) -> Option<Decrypted<'_>> {
        self.api_keys.iter().find_map(|named| {
            let plain = envelope.decrypt(std::slice::from_ref(&named.key)).ok()?;
            Some(Decrypted {
                plain,
                key_id: &named.id,
                serial: &named.serial,
            })
        })
    }
}

impl Operations {
    /// Opens everything that a provider uses.
    pub(crate) async fn open_ring(&self, id: &ProviderId) -> Result<OpenedRing, OperationError> {
        // The version is read before the keys: a change in between is noticed as a newer version.
        let stored = providers::find(self.storage(), id)
            .await?
            .ok_or_else(|| OperationError::Internal(format!("provider {id} is gone")))?;
        let states = [KeyState::Testing, KeyState::Active, KeyState::Retiring];
        let keys = provider_keys::of_provider(self.storage(), id, &states, RING_MAX).await?;
        let now = self.now();
        let believed: Vec<&ProviderKey> = keys
            .iter()
            .map(|stored| &stored.key)
            .filter(|key| key.state != KeyState::Testing)
            .collect();
        let trusted = ring_of(believed.iter().copied(), now);
        let trusted = match preferred(&believed, stored.preferred_serial.as_deref(), now) {
            Some(serial) => trusted.with_preferred(serial),
            None => trusted,
        };
        let api_keys = self.open_api_keys(&stored, &keys).await?;
        let signer = keys.iter().find(|stored| {
            stored.key.kind == KeyKind::MerchantCertificate && stored.key.state == KeyState::Active
        });
        let handle = match signer {
            None => None,
            Some(signer) => {
                let merchant = self.open_merchant(&stored, signer, &api_keys).await?;
                let client = self.client_of(&stored.provider, merchant, trusted.clone())?;
                Some(Arc::new(ProviderHandle {
                    provider: stored.provider.clone(),
                    version: stored.keys_version,
                    client,
                }))
            }
        };
        Ok(OpenedRing {
            provider: stored.provider,
            version: stored.keys_version,
            with_testing: ring_of(keys.iter().map(|stored| &stored.key), now),
            trusted,
            api_keys,
            handle,
        })
    }

    /// A client that signs with one merchant key and names one key of WeChat's, for a self-test.
    pub(crate) async fn test_client(
        &self,
        ring: &OpenedRing,
        merchant_key: &StoredKey,
        platform_serial: &str,
    ) -> Result<Client, OperationError> {
        let stored = providers::find(self.storage(), &ring.provider.id)
            .await?
            .ok_or(OperationError::NotFound)?;
        let merchant = self
            .open_merchant(&stored, merchant_key, &ring.api_keys)
            .await?;
        let keys = ring.with_testing.clone().with_preferred(platform_serial);
        self.client_of(&stored.provider, merchant, keys)
    }

    fn client_of(
        &self,
        provider: &Provider,
        merchant: Merchant,
        ring: KeyRing,
    ) -> Result<Client, OperationError> {
        let hosts = Hosts {
            main: parse_url(&provider.api_url)?,
            backup: provider
                .backup_api_url
                .as_deref()
                .map(parse_url)
                .transpose()?,
        };
        let clock = Arc::clone(&self.inner.clock);
        Ok(Client::new(
            self.inner.transport.clone(),
            hosts,
            Arc::new(merchant),
            ring,
            Arc::new(move || clock.now().as_seconds()),
        ))
    }

    async fn open_merchant(
        &self,
        provider: &StoredProvider,
        key: &StoredKey,
        api_keys: &[NamedApiKey],
    ) -> Result<Merchant, OperationError> {
        let pem = self.open_secret(provider, key).await?;
        let private_key = PrivateKey::from_pem(&pem).map_err(|_| broken(&key.key))?;
        Ok(Merchant {
            mchid: provider.provider.sp_mchid.to_string(),
            serial: key.key.serial.clone(),
            private_key,
            api_v3_keys: api_keys.iter().map(|named| named.key.clone()).collect(),
        })
    }

    /// The present key first: what is encrypted is most likely under that one.
    async fn open_api_keys(
        &self,
        provider: &StoredProvider,
        keys: &[StoredKey],
    ) -> Result<Vec<NamedApiKey>, OperationError> {
        let mut opened = Vec::new();
        for state in [KeyState::Active, KeyState::Testing, KeyState::Retiring] {
            let of_state = |stored: &&StoredKey| {
                stored.key.kind == KeyKind::ApiV3Key && stored.key.state == state
            };
            for stored in keys.iter().filter(of_state) {
                let text = self.open_secret(provider, stored).await?;
                opened.push(NamedApiKey {
                    id: stored.key.id.clone(),
                    serial: stored.key.serial.clone(),
                    key: ApiV3Key::parse(&text).map_err(|_| broken(&stored.key))?,
                });
            }
        }
        Ok(opened)
    }

    pub(crate) async fn open_secret(
        &self,
        provider: &StoredProvider,
        stored: &StoredKey,
    ) -> Result<Zeroizing<String>, OperationError> {
        let owner = provider.provider.id.as_str();
        let (place, blob) = match &stored.secret {
            SealedSecret::Own(blob) => (own_place(stored.key.id.as_str()), Some(blob)),
            SealedSecret::HeldIn(column) => {
                let held = match column.as_str() {
                    PRIVATE_KEY => Some(&provider.merchant_private_key),
                    API_V3_KEY => Some(&provider.api_v3_key),
                    API_V3_KEY_PREVIOUS => provider.api_v3_key_previous.as_ref(),
                    _ => None,
                };
                (held_place(column, owner), held)
            }
            SealedSecret::None => (own_place(stored.key.id.as_str()), None),
        };
        let blob = blob.ok_or_else(|| broken(&stored.key))?;
        let bytes = self
            .sealing()
            .open(self.storage(), owner, &place, blob)
            .await?;
        let text = std::str::from_utf8(&bytes).map_err(|_| broken(&stored.key))?;
        Ok(Zeroizing::new(text.to_owned()))
    }
}

/// Where the secret of a key is sealed for.
pub(crate) const fn own_place(row: &str) -> Place<'_> {
    Place {
        table: "provider_keys",
        column: "secret",
        row,
    }
}

/// Where a secret of a provider's first keys is sealed for.
pub(crate) const fn held_place<'a>(column: &'a str, row: &'a str) -> Place<'a> {
    Place {
        table: "providers",
        column,
        row,
    }
}

fn broken(key: &ProviderKey) -> OperationError {
    OperationError::Internal(format!("the key {} does not open or parse", key.id))
}

fn parse_url(text: &str) -> Result<Url, OperationError> {
    text.parse()
        .map_err(|_| OperationError::Internal("a provider's URL does not parse".into()))
}

/// The key that requests name: the one that a person prefers, else the newest certificate, else a public key.
///
/// A public key that is new in the ring changes nothing until somebody prefers it.
fn preferred<'a>(keys: &[&'a ProviderKey], wish: Option<&str>, now: Timestamp) -> Option<&'a str> {
    let usable = || keys.iter().filter(|key| !key.is_expired(now));
    let wished = usable().find(|key| key.kind.is_wechats() && Some(key.serial.as_str()) == wish);
    let active =
        |kind| move |key: &&&ProviderKey| key.kind == kind && key.state == KeyState::Active;
    let newest = || {
        usable()
            .filter(active(KeyKind::PlatformCertificate))
            .max_by_key(|key| key.not_before)
    };
    let public = || usable().find(active(KeyKind::WechatPublicKey));
    let found = wished.or_else(newest).or_else(public)?;
    Some(&found.serial)
}

/// A key that does not parse is left out and told in the log: one bad row must not stop the others.
fn ring_of<'a>(keys: impl Iterator<Item = &'a ProviderKey>, now: Timestamp) -> KeyRing {
    keys.filter(|key| key.kind.is_wechats() && !key.is_expired(now))
        .fold(KeyRing::new(), |ring, key| {
            let pem = key.pem.as_deref().unwrap_or_default();
            let added = match key.kind {
                KeyKind::WechatPublicKey => PublicKey::from_pem(pem)
                    .map(|public| ring.clone().with_public_key(key.serial.clone(), public)),
                _ => Certificate::from_pem(pem)
                    .map(|certificate| ring.clone().with_certificate(certificate)),
            };
            added.unwrap_or_else(|error| {
                tracing::error!(key.id = %key.id, error = &error as &dyn std::error::Error,
                    "a platform key does not parse and is not used");
                ring
            })
        })
}
