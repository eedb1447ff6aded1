//! Providers: their keys in and out of the vault, and one immutable WeChat client for each.

use std::sync::Arc;
use std::time::Duration;

use moka::future::Cache;
use rand::Rng as _;
use tributary_domain::clock::Timestamp;
use tributary_domain::field::FieldError;
use tributary_domain::ids::ProviderId;
use tributary_domain::merchant::{AppId, Mchid, Provider};
use tributary_domain::tenant::Mode;
use tributary_storage::providers::{self, PlatformKey, PlatformKeyKind, StoredProvider};
use tributary_vault::Place;
use url::Url;
use wechatpay::client::{Answer, CallError, Client, Hosts};
use wechatpay::credentials::{ApiV3Key, Certificate, KeyRing, Merchant, PrivateKey, PublicKey};
use zeroize::Zeroizing;

use crate::budgets::Spending;
use crate::tenants::check_name;
use crate::upstream_calls::CallContext;
use crate::{OperationError, Operations};

const TABLE: &str = "providers";
const PRIVATE_KEY: &str = "merchant_private_key";
const API_V3_KEY: &str = "api_v3_key";
const API_V3_KEY_PREVIOUS: &str = "api_v3_key_previous";
/// WeChat's status for FREQUENCY_LIMITED and its other spellings.
const TOO_MANY: u16 = 429;
const ROUTE_TOKEN_BYTES: usize = 16;
const CACHED_PROVIDERS_MAX: u64 = 1_000;
/// A key that another node added is used here after this long.
const CACHED_PROVIDER_AGE: Duration = Duration::from_mins(1);

/// A provider to be added, with its secrets in the clear.
pub struct NewProvider {
    /// What a person calls it.
    pub name: String,
    /// Its merchant number.
    pub sp_mchid: Mchid,
    /// Its app id.
    pub sp_appid: AppId,
    /// Whether it talks to WeChat or to a simulator.
    pub mode: Mode,
    /// Where its calls go; absent means WeChat's own hosts.
    pub api_url: Option<String>,
    /// Where a failed call goes a second time.
    pub backup_api_url: Option<String>,
    /// Where mini-program logins go; absent means WeChat's own host.
    pub login_url: Option<String>,
    /// Serial of its API certificate.
    pub merchant_serial: String,
    /// Its private key, PEM.
    pub merchant_private_key: Zeroizing<String>,
    /// Its APIv3 key.
    pub api_v3_key: Zeroizing<String>,
    /// WeChat's public key with its id; absent when the provider uses platform certificates.
    pub public_key: Option<(String, String)>,
}

impl std::fmt::Debug for NewProvider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewProvider")
            .field("sp_mchid", &self.sp_mchid)
            .finish_non_exhaustive()
    }
}

/// A provider ready for use.
#[derive(Debug)]
pub(crate) struct ProviderHandle {
    pub(crate) provider: Provider,
    pub(crate) client: Client,
}

/// Providers that were used lately, by id and by route token.
#[derive(Debug)]
pub(crate) struct ProviderCache {
    by_id: Cache<ProviderId, Arc<ProviderHandle>>,
    ids: Cache<String, ProviderId>,
    /// When certificates were last fetched because of an unknown serial; the lock makes others wait for it.
    unknown_serials: Cache<ProviderId, LastAsked>,
}

/// When WeChat was last asked for a provider's certificates because of an unknown serial.
type LastAsked = Arc<tokio::sync::Mutex<Option<Timestamp>>>;

impl ProviderCache {
    /// One lock per provider: a slow answer for one holds up no other.
    pub(crate) async fn last_asked(&self, id: &ProviderId) -> LastAsked {
        let fresh = async { LastAsked::default() };
        self.unknown_serials.get_with_by_ref(id, fresh).await
    }
}

impl Default for ProviderCache {
    fn default() -> Self {
        Self {
            by_id: Cache::builder()
                .max_capacity(CACHED_PROVIDERS_MAX)
                .time_to_live(CACHED_PROVIDER_AGE)
                .build(),
            ids: Cache::builder().max_capacity(CACHED_PROVIDERS_MAX).build(),
            unknown_serials: Cache::builder().max_capacity(CACHED_PROVIDERS_MAX).build(),
        }
    }
}

impl Operations {
    /// Adds a provider; its secrets are checked, then sealed.
    pub async fn create_provider(&self, new: NewProvider) -> Result<Provider, OperationError> {
        check_name(&new.name)?;
        check_keys(&new)?;
        let now = self.now();
        let provider = Provider {
            id: ProviderId::new(now),
            name: new.name.clone(),
            sp_mchid: new.sp_mchid.clone(),
            sp_appid: new.sp_appid.clone(),
            mode: new.mode,
            api_url: new
                .api_url
                .clone()
                .unwrap_or_else(|| PRODUCTION_API.to_owned()),
            backup_api_url: match &new.api_url {
                Some(_) => new.backup_api_url.clone(),
                None => Some(PRODUCTION_BACKUP_API.to_owned()),
            },
            login_url: new
                .login_url
                .clone()
                .unwrap_or_else(|| PRODUCTION_LOGIN.to_owned()),
            route_token: new_route_token(),
            created_at: now,
        };
        let stored = self.seal_provider(&provider, &new, now).await?;
        let tx = self.storage().begin().await?;
        match providers::insert(&tx, &stored).await {
            Err(error) if error.is_duplicate() => {
                return Err(OperationError::invalid(
                    "/sp_mchid",
                    "is taken in this mode",
                ));
            }
            other => other?,
        }
        if let Some((id, pem)) = new.public_key {
            let key = PlatformKey {
                serial: id,
                kind: PlatformKeyKind::PublicKey,
                pem,
                not_before: None,
                not_after: None,
            };
            providers::put_platform_key(&tx, &provider.id, &key, now).await?;
        }
        tx.commit().await?;
        Ok(provider)
    }

    /// Every provider, without secrets.
    pub async fn list_providers(&self) -> Result<Vec<Provider>, OperationError> {
        let stored = providers::list(self.storage()).await?;
        Ok(stored.into_iter().map(|one| one.provider).collect())
    }

    /// Fails when a provider's keys cannot be opened or do not parse.
    pub async fn check_provider(&self, id: &ProviderId) -> Result<(), OperationError> {
        self.provider(id).await.map(drop)
    }

    async fn seal_provider(
        &self,
        provider: &Provider,
        new: &NewProvider,
        now: Timestamp,
    ) -> Result<StoredProvider, OperationError> {
        let row = provider.id.as_str();
        let private_key = self
            .sealing()
            .seal(
                self.storage(),
                row,
                &place(PRIVATE_KEY, row),
                new.merchant_private_key.as_bytes(),
                now,
            )
            .await?;
        let api_v3_key = self
            .sealing()
            .seal(
                self.storage(),
                row,
                &place(API_V3_KEY, row),
                new.api_v3_key.as_bytes(),
                now,
            )
            .await?;
        Ok(StoredProvider {
            provider: provider.clone(),
            merchant_serial: new.merchant_serial.clone(),
            merchant_private_key: private_key,
            api_v3_key,
            api_v3_key_previous: None,
        })
    }

    /// A provider ready for use.
    pub(crate) async fn provider(
        &self,
        id: &ProviderId,
    ) -> Result<Arc<ProviderHandle>, OperationError> {
        if let Some(known) = self.inner.providers.by_id.get(id).await {
            return Ok(known);
        }
        let stored = providers::find(self.storage(), id)
            .await?
            .ok_or_else(|| OperationError::Internal(format!("provider {id} is gone")))?;
        self.open_provider(stored).await
    }

    /// Calls WeChat for a provider, and notes how it went.
    ///
    /// An answer that is signed with an unknown key leads to one look at WeChat's certificates and one repetition:
    /// the same bytes under the same number, so nothing happens twice.
    pub(crate) async fn call<T, Called>(
        &self,
        handle: &ProviderHandle,
        context: &CallContext,
        call: impl Fn(Client) -> Called,
    ) -> Result<Answer<T>, CallError>
    where
        Called: Future<Output = Result<Answer<T>, CallError>>,
    {
        let recorded = async |handle: &ProviderHandle| {
            let started_at = self.now();
            let result = call(handle.client.clone()).await;
            self.record_call(handle, context, started_at, &result);
            if let Err(error) = &result {
                self.heed(handle, context, error);
            }
            result
        };
        let first = recorded(handle).await;
        match &first {
            Err(error) if error.unknown_serial().is_some() => {
                self.refresh_for_unknown_serial(&handle.provider.id).await;
            }
            _ => return first,
        }
        match self.provider(&handle.provider.id).await {
            // The first call was answered with a 2xx that could not be verified: it may have taken effect.
            Ok(fresh) => recorded(&fresh)
                .await
                .map_err(CallError::after_unknown_outcome),
            Err(_) => first,
        }
    }

    /// Slows down what WeChat says is too much.
    fn heed(&self, handle: &ProviderHandle, context: &CallContext, error: &CallError) {
        if error.status() == Some(TOO_MANY)
            && let Some(what) = Spending::of(context.purpose)
        {
            let provider = &handle.provider.id;
            self.inner.budgets.slow_down(provider, what, self.now());
        }
    }

    /// The provider that a notification path names.
    pub(crate) async fn provider_by_route(
        &self,
        token: &str,
    ) -> Result<Option<Arc<ProviderHandle>>, OperationError> {
        if let Some(id) = self.inner.providers.ids.get(token).await {
            return self.provider(&id).await.map(Some);
        }
        let Some(stored) = providers::find_by_route_token(self.storage(), token).await? else {
            return Ok(None);
        };
        self.inner
            .providers
            .ids
            .insert(token.to_owned(), stored.provider.id.clone())
            .await;
        self.open_provider(stored).await.map(Some)
    }

    /// Makes the next use of a provider read its keys anew.
    pub(crate) async fn forget_provider(&self, id: &ProviderId) {
        self.inner.providers.by_id.invalidate(id).await;
    }

    async fn open_provider(
        &self,
        stored: StoredProvider,
    ) -> Result<Arc<ProviderHandle>, OperationError> {
        let merchant = self.open_merchant(&stored).await?;
        let keys = providers::platform_keys(self.storage(), &stored.provider.id).await?;
        // An expired certificate verifies nothing any more.
        let ring = key_ring(&keys).without_expired(self.now().as_seconds());
        let hosts = Hosts {
            main: parse_url(&stored.provider.api_url)?,
            backup: stored
                .provider
                .backup_api_url
                .as_deref()
                .map(parse_url)
                .transpose()?,
        };
        let clock = Arc::clone(&self.inner.clock);
        let client = Client::new(
            self.inner.transport.clone(),
            hosts,
            Arc::new(merchant),
            ring,
            Arc::new(move || clock.now().as_seconds()),
        );
        let handle = Arc::new(ProviderHandle {
            provider: stored.provider,
            client,
        });
        self.inner
            .providers
            .by_id
            .insert(handle.provider.id.clone(), Arc::clone(&handle))
            .await;
        Ok(handle)
    }

    async fn open_merchant(&self, stored: &StoredProvider) -> Result<Merchant, OperationError> {
        let row = stored.provider.id.as_str();
        let pem = self
            .open_text(row, PRIVATE_KEY, &stored.merchant_private_key)
            .await?;
        let private_key = PrivateKey::from_pem(&pem).map_err(|_| broken_key(row))?;
        let mut api_v3_keys = Vec::new();
        let current = self.open_text(row, API_V3_KEY, &stored.api_v3_key).await?;
        api_v3_keys.push(ApiV3Key::parse(&current).map_err(|_| broken_key(row))?);
        if let Some(previous) = &stored.api_v3_key_previous {
            let previous = self.open_text(row, API_V3_KEY_PREVIOUS, previous).await?;
            api_v3_keys.push(ApiV3Key::parse(&previous).map_err(|_| broken_key(row))?);
        }
        Ok(Merchant {
            mchid: stored.provider.sp_mchid.to_string(),
            serial: stored.merchant_serial.clone(),
            private_key,
            api_v3_keys,
        })
    }

    async fn open_text(
        &self,
        row: &str,
        column: &str,
        blob: &[u8],
    ) -> Result<Zeroizing<String>, OperationError> {
        let bytes = self
            .sealing()
            .open(self.storage(), row, &place(column, row), blob)
            .await?;
        let text = std::str::from_utf8(&bytes).map_err(|_| broken_key(row))?;
        Ok(Zeroizing::new(text.to_owned()))
    }
}

const PRODUCTION_API: &str = "https://api.mch.weixin.qq.com";
const PRODUCTION_BACKUP_API: &str = "https://api2.mch.weixin.qq.com";
const PRODUCTION_LOGIN: &str = "https://api.weixin.qq.com";

const fn place<'a>(column: &'a str, row: &'a str) -> Place<'a> {
    Place {
        table: TABLE,
        column,
        row,
    }
}

fn broken_key(provider: &str) -> OperationError {
    OperationError::Internal(format!("a key of provider {provider} does not parse"))
}

fn parse_url(text: &str) -> Result<Url, OperationError> {
    text.parse()
        .map_err(|_| OperationError::Internal("a provider's URL does not parse".into()))
}

/// Says exactly what is wrong with the keys before anything is kept.
fn check_keys(new: &NewProvider) -> Result<(), OperationError> {
    let mut faults = Vec::new();
    if PrivateKey::from_pem(&new.merchant_private_key).is_err() {
        let reason = "must be a PEM private key, RSA 2048, PKCS#1 or PKCS#8";
        faults.push(FieldError::new("/merchant_private_key", reason));
    }
    if ApiV3Key::parse(&new.api_v3_key).is_err() {
        faults.push(FieldError::new(
            "/api_v3_key",
            "must be 32 ASCII characters",
        ));
    }
    let serial = &new.merchant_serial;
    if serial.is_empty() || serial.len() > 64 || !serial.bytes().all(|b| b.is_ascii_hexdigit()) {
        faults.push(FieldError::new(
            "/merchant_serial",
            "must be the certificate's serial in hex",
        ));
    }
    if let Some((id, pem)) = &new.public_key {
        if !id.starts_with("PUB_KEY_ID_") || id.len() > 128 {
            faults.push(FieldError::new(
                "/public_key_id",
                "must begin with PUB_KEY_ID_",
            ));
        }
        if PublicKey::from_pem(pem).is_err() {
            faults.push(FieldError::new("/public_key", "must be a PEM public key"));
        }
    }
    for (field, url) in [
        ("/api_url", &new.api_url),
        ("/backup_api_url", &new.backup_api_url),
        ("/login_url", &new.login_url),
    ] {
        if url
            .as_deref()
            .is_some_and(|url| url.parse::<Url>().is_err())
        {
            faults.push(FieldError::new(field, "must be a URL"));
        }
    }
    if faults.is_empty() {
        Ok(())
    } else {
        Err(OperationError::Invalid(faults))
    }
}

fn new_route_token() -> String {
    let mut bytes = [0u8; ROUTE_TOKEN_BYTES];
    rand::rng().fill_bytes(&mut bytes);
    hex::encode(bytes)
}

/// A key that does not parse is left out and told in the log: one bad row must not stop the others.
fn key_ring(keys: &[PlatformKey]) -> KeyRing {
    keys.iter()
        .fold(KeyRing::new(), |ring, key| match key.kind {
            PlatformKeyKind::PublicKey => match PublicKey::from_pem(&key.pem) {
                Ok(public) => ring.with_public_key(key.serial.clone(), public),
                Err(error) => skip(ring, &key.serial, &error),
            },
            PlatformKeyKind::Certificate => match Certificate::from_pem(&key.pem) {
                Ok(certificate) => ring.with_certificate(certificate),
                Err(error) => skip(ring, &key.serial, &error),
            },
        })
}

fn skip(ring: KeyRing, serial: &str, error: &(dyn std::error::Error + 'static)) -> KeyRing {
    tracing::error!(
        serial,
        error,
        "a platform key does not parse and is not used"
    );
    ring
}
