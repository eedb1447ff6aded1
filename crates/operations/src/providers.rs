//! Providers: added with their first keys, opened when they are used, and forgotten when a key changes.
//!
//! A provider's keys are opened once and shared; at most `CACHED_PROVIDERS_MAX` are held, so that thousands of
//! providers do not mean thousands of parsed keys. A change on this node is in force at once. One on another node is
//! noticed by the version of the ring within seconds ([`Operations::notice_changed_keys`]), and within
//! `CACHED_PROVIDER_AGE` in any case.

mod create;
pub(crate) mod open;

use std::sync::Arc;
use std::time::Duration;

use moka::future::Cache;
use tributary_domain::clock::Timestamp;
use tributary_domain::ids::ProviderId;
use tributary_domain::merchant::Provider;
use tributary_storage::{provider_keys, providers};
use wechatpay::client::{Answer, CallError, Client};

pub use create::NewProvider;
pub(crate) use create::is_wechats;

use crate::budgets::Spending;
use crate::providers::open::OpenedRing;
use crate::upstream_calls::CallContext;
use crate::{OperationError, Operations};

/// WeChat's status for FREQUENCY_LIMITED and its other spellings.
const TOO_MANY: u16 = 429;
const CACHED_PROVIDERS_MAX: u64 = 1_000;
/// A key that another node changed is used here after this long, whatever happens.
const CACHED_PROVIDER_AGE: Duration = Duration::from_mins(1);
/// How far back a look for changed rings goes: more than clocks of nodes differ, less than the age of the cache.
const CHANGES_LOOKED_BACK_MS: i64 = 120_000;
/// Changed rings that are read at once; what does not fit ages out.
const CHANGES_MAX: u64 = 1_000;

/// A provider that can make calls.
#[derive(Debug)]
pub(crate) struct ProviderHandle {
    pub(crate) provider: Provider,
    pub(crate) version: i64,
    pub(crate) client: Client,
}

/// Providers that were used lately, by id and by route token.
#[derive(Debug)]
pub(crate) struct ProviderCache {
    by_id: Cache<ProviderId, Arc<OpenedRing>>,
    ids: Cache<String, ProviderId>,
    /// When certificates were last fetched; the lock makes others wait for it.
    certificates_asked: Cache<ProviderId, LastAsked>,
    /// When a person was last told of each kind of trouble.
    pub(crate) alarmed: Cache<(ProviderId, &'static str), Timestamp>,
}

/// When WeChat was last asked for a provider's certificates.
type LastAsked = Arc<tokio::sync::Mutex<Option<Timestamp>>>;

impl ProviderCache {
    /// One lock per provider: a slow answer for one holds up no other.
    pub(crate) async fn last_asked(&self, id: &ProviderId) -> LastAsked {
        let fresh = async { LastAsked::default() };
        self.certificates_asked.get_with_by_ref(id, fresh).await
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
            certificates_asked: Cache::builder().max_capacity(CACHED_PROVIDERS_MAX).build(),
            alarmed: Cache::builder().max_capacity(CACHED_PROVIDERS_MAX).build(),
        }
    }
}

impl Operations {
    /// Every provider, without secrets.
    pub async fn list_providers(&self) -> Result<Vec<Provider>, OperationError> {
        let stored = providers::list(self.storage()).await?;
        Ok(stored.into_iter().map(|one| one.provider).collect())
    }

    /// Fails when a provider's keys cannot be opened or do not parse, or when it has none to sign with.
    pub async fn check_provider(&self, id: &ProviderId) -> Result<(), OperationError> {
        self.provider(id).await.map(drop)
    }

    /// A provider ready to make calls.
    pub(crate) async fn provider(
        &self,
        id: &ProviderId,
    ) -> Result<Arc<ProviderHandle>, OperationError> {
        self.ring(id).await?.handle()
    }

    /// A provider's keys, opened once however many ask at the same time.
    pub(crate) async fn ring(&self, id: &ProviderId) -> Result<Arc<OpenedRing>, OperationError> {
        let opening = async { self.open_ring(id).await.map(Arc::new) };
        let opened = self.inner.providers.by_id.try_get_with_by_ref(id, opening);
        match opened.await {
            Ok(ring) => Ok(ring),
            // Those who waited share the error, which cannot be shared out; each asks for its own.
            Err(shared) => match Arc::try_unwrap(shared) {
                Ok(error) => Err(error),
                Err(_) => self.open_ring(id).await.map(Arc::new),
            },
        }
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
                self.learn_new_keys(&handle.provider.id, handle.version)
                    .await;
            }
            _ => return first,
        }
        let last = match self.provider(&handle.provider.id).await {
            // The first call was answered with a 2xx that could not be verified: it may have taken effect.
            Ok(fresh) => recorded(&fresh)
                .await
                .map_err(CallError::after_unknown_outcome),
            Err(_) => first,
        };
        if let Err(error) = &last
            && let Some(serial) = error.unknown_serial()
        {
            self.tell_of_unknown_serial(&handle.provider.id, serial)
                .await;
        }
        last
    }

    /// What became of the call counts, also when nobody can be told.
    async fn tell_of_unknown_serial(&self, id: &ProviderId, serial: &str) {
        if let Err(error) = self.alarm_of_unknown_serial(id, serial, "answer").await {
            tracing::warn!(provider.id = %id, error = &error as &dyn std::error::Error,
                "nobody was told of an unknown serial");
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
    pub(crate) async fn ring_by_route(
        &self,
        token: &str,
    ) -> Result<Option<Arc<OpenedRing>>, OperationError> {
        if let Some(id) = self.inner.providers.ids.get(token).await {
            return self.ring(&id).await.map(Some);
        }
        let Some(stored) = providers::find_by_route_token(self.storage(), token).await? else {
            return Ok(None);
        };
        let id = stored.provider.id;
        self.inner
            .providers
            .ids
            .insert(token.to_owned(), id.clone())
            .await;
        self.ring(&id).await.map(Some)
    }

    /// Makes the next use of a provider read its keys anew.
    pub(crate) async fn forget_provider(&self, id: &ProviderId) {
        self.inner.providers.by_id.invalidate(id).await;
    }

    /// Whether the ring in the database is newer than this version; then it is read anew at its next use.
    pub(crate) async fn forget_if_older(&self, id: &ProviderId, version: i64) -> bool {
        let stored = provider_keys::version(self.storage(), id).await;
        let is_newer = matches!(stored, Ok(Some(stored)) if stored > version);
        if is_newer {
            self.forget_provider(id).await;
        }
        is_newer
    }

    /// Forgets the rings that other nodes changed lately; returns how many.
    pub async fn notice_changed_keys(&self) -> Result<usize, OperationError> {
        let since = self.now().plus_millis(-CHANGES_LOOKED_BACK_MS);
        let changed = provider_keys::changed_since(self.storage(), since, CHANGES_MAX).await?;
        let mut forgotten = 0_usize;
        for (id, version) in changed {
            let held = self.inner.providers.by_id.get(&id).await;
            if held.is_some_and(|ring| ring.version < version) {
                self.forget_provider(&id).await;
                forgotten = forgotten.saturating_add(1);
            }
        }
        Ok(forgotten)
    }
}
