//! The self-test of a provider's keys: `POST /v3/security/echo` and its callback (WeChat partner docs: security echo).
//!
//! One test is one merchant key with one key of WeChat's. It is recorded before the call, green when the answer was
//! signed, verified and read and the callback reached us, and red with the first step that failed.

use tributary_domain::clock::Timestamp;
use tributary_domain::ids::{KeyTestId, ProviderId, ProviderKeyId};
use tributary_domain::provider_key::{
    KeyKind, KeyMode, KeyMove, KeyState, KeyTest, KeyTestState, KeyTestStep, ProviderKey,
};
use tributary_domain::staff::{Actor, Permission};
use tributary_storage::notifications::{self, NotificationState, StoredNotification};
use tributary_storage::provider_keys::{self, StoredKey};
use tributary_storage::providers::{self, Upkeep};
use tributary_storage::{StorageError, Tx, alarms, key_tests};
use wechatpay::client::{CallError, CallErrorKind};

use super::acts;
use crate::alarms::provider_alarm;
use crate::authority::Authority;
use crate::notifications::KIND_ECHO;
use crate::providers::open::{OpenedRing, RING_MAX};
use crate::upstream_calls::{CallContext, CallPurpose};
use crate::{OperationError, Operations};

/// WeChat calls back within seconds; its first repetition comes after 15.
const CALLBACK_WAIT_MS: i64 = 5 * 60 * 1_000;
const DAY_MS: i64 = 24 * 60 * 60 * 1_000;
/// Pairs of keys that are tested at once: two merchant keys in a change, each with two certificates and a public key.
const PAIRS_MAX: usize = 6;
/// Providers whose turn it is that are tested in one run.
const DUE_BATCH: u64 = 10;
/// Tests whose time is up that are ended in one run.
const OVERDUE_BATCH: u64 = 100;
/// Tests of one provider that are shown.
const SHOWN_MAX: u64 = 50;
const UNAUTHORIZED: u16 = 401;

/// One merchant key and one key of WeChat's.
struct Pair<'a> {
    merchant: &'a StoredKey,
    platform: &'a ProviderKey,
}

impl Operations {
    /// Tests every pair of a provider's keys that is in use or about to be; staged keys become `testing`.
    ///
    /// The callbacks come later: look at the tests again. Needs `key:import`.
    pub async fn test_keys(
        &self,
        by: &dyn Authority,
        provider: &ProviderId,
    ) -> Result<Vec<KeyTest>, OperationError> {
        by.require(Permission::KeyImport)?;
        let by = &by.name();
        self.stored_provider(provider).await?;
        self.stage_into_testing(by, provider).await?;
        let states = [KeyState::Testing, KeyState::Active];
        let keys = provider_keys::of_provider(self.storage(), provider, &states, RING_MAX).await?;
        let now = self.now();
        let pairs = pairs(&keys, now);
        if pairs.is_empty() {
            let nothing = "needs a merchant key, and a key of WeChat's, that are not expired";
            return Err(OperationError::invalid("/provider_id", nothing));
        }
        let ring = self.ring(provider).await?;
        let mut tests = Vec::new();
        for pair in pairs {
            tests.push(self.test_pair(&ring, &pair).await?);
        }
        Ok(tests)
    }

    /// The newest tests of a provider, newest first. Needs `provider:read`.
    pub async fn key_tests(
        &self,
        by: &dyn Authority,
        provider: &ProviderId,
    ) -> Result<Vec<KeyTest>, OperationError> {
        by.require(Permission::ProviderRead)?;
        self.newest_tests(provider).await
    }

    async fn newest_tests(&self, provider: &ProviderId) -> Result<Vec<KeyTest>, OperationError> {
        Ok(key_tests::newest(self.storage(), provider, SHOWN_MAX).await?)
    }

    /// Tests the providers whose turn it is, and ends the tests whose callback did not come; returns how many.
    ///
    /// Every change to a ring makes it its provider's turn.
    pub async fn test_due_keys(&self) -> Result<usize, OperationError> {
        let work = Upkeep::KeyTest;
        let mut done = self.end_overdue_tests().await?;
        for (id, due_at) in providers::due(self.storage(), work, self.now(), DUE_BATCH).await? {
            let next = self.now().plus_millis(DAY_MS);
            if !self.take_upkeep(&id, work, due_at, next).await? {
                continue;
            }
            done = done.saturating_add(1);
            if let Err(error) = self.test_keys(&acts::schedule(), &id).await {
                tracing::warn!(provider.id = %id, error = &error as &dyn std::error::Error,
                    "the keys of a provider could not be tested");
            }
        }
        Ok(done)
    }

    async fn stage_into_testing(
        &self,
        by: &Actor,
        provider: &ProviderId,
    ) -> Result<(), OperationError> {
        let states = [KeyState::Staged];
        let staged =
            provider_keys::of_provider(self.storage(), provider, &states, RING_MAX).await?;
        for stored in staged
            .iter()
            .filter(|stored| stored.key.kind != KeyKind::V2Key)
        {
            let now = self.now();
            let moved = stored.key.moved(KeyMove::Test, now)?;
            let act = acts::Moved {
                action: "provider.key.tested",
                before: &stored.key,
                after: &moved,
                reason: None,
            };
            match self.move_key(by, act).await {
                // Somebody else did the same.
                Err(OperationError::Storage(error)) if error.is_stale() => {}
                other => other?,
            }
        }
        Ok(())
    }

    async fn test_pair(
        &self,
        ring: &OpenedRing,
        pair: &Pair<'_>,
    ) -> Result<KeyTest, OperationError> {
        let test = new_test(ring, pair, self.now());
        let tx = self.storage().begin().await?;
        key_tests::insert(&tx, &test).await?;
        tx.commit().await?;
        let outcome = self.echo(ring, pair, &test).await?;
        let now = self.now();
        let tx = self.storage().begin().await?;
        let written = match &outcome {
            Ok(()) => key_tests::note_answer(&tx, &test, now).await,
            Err((step, detail)) => {
                let failed = test.failed(*step, detail.clone(), now);
                self.write_red(&tx, &failed).await
            }
        };
        match written {
            // Its time was up while WeChat was slow.
            Err(error) if error.is_stale() => {}
            other => {
                other?;
                tx.commit().await?;
            }
        }
        let found = key_tests::find(self.storage(), &test.provider_id, &test.id).await?;
        found.ok_or(OperationError::NotFound)
    }

    /// Calls, and says at which step it failed; the outer error is ours.
    async fn echo(
        &self,
        ring: &OpenedRing,
        pair: &Pair<'_>,
        test: &KeyTest,
    ) -> Result<Result<(), (KeyTestStep, String)>, OperationError> {
        let client = self
            .test_client(ring, pair.merchant, &pair.platform.serial)
            .await?;
        let notify_url = format!(
            "{}/wechat/notify/{}/{KIND_ECHO}",
            self.inner.public_url, ring.provider.route_token
        );
        let prepared = client.prepare_echo(test.id.as_str(), Some(&notify_url));
        let request = match prepared {
            Ok(request) => request,
            Err(error) => return Ok(Err((KeyTestStep::Decrypt, error.to_string()))),
        };
        let started_at = self.now();
        let result = client.echo(&request).await;
        let handle = crate::providers::ProviderHandle {
            provider: ring.provider.clone(),
            version: ring.version,
            client,
        };
        let context = CallContext::provider(CallPurpose::KeyTest);
        self.record_call(&handle, &context, started_at, &result);
        Ok(match result {
            Ok(_) => Ok(()),
            Err(error) => Err((step_of(&error), words_of(&error))),
        })
    }

    /// Ends tests whose callback did not come in time; returns how many.
    async fn end_overdue_tests(&self) -> Result<usize, OperationError> {
        let now = self.now();
        let overdue = key_tests::overdue(self.storage(), now, OVERDUE_BATCH).await?;
        let count = overdue.len();
        for test in overdue {
            let detail = "nothing came within five minutes".to_owned();
            let failed = test.failed(test.missing_step(), detail, now);
            let tx = self.storage().begin().await?;
            match self.write_red(&tx, &failed).await {
                Err(error) if error.is_stale() => {}
                other => {
                    other?;
                    tx.commit().await?;
                }
            }
        }
        Ok(count)
    }

    /// Ends a test as failed; a person is told when the one before of the same pair had not failed.
    async fn write_red(&self, tx: &Tx, failed: &KeyTest) -> Result<(), StorageError> {
        let before = key_tests::newest(tx, &failed.provider_id, SHOWN_MAX).await?;
        let same = |one: &&KeyTest| {
            one.id != failed.id
                && one.state != KeyTestState::Waiting
                && one.merchant_key == failed.merchant_key
                && one.platform_key == failed.platform_key
        };
        let was_red = before.iter().find(same).map(|one| one.state) == Some(KeyTestState::Red);
        key_tests::fail(tx, failed).await?;
        if was_red {
            return Ok(());
        }
        let detail = serde_json::json!({
            "test_id": failed.id,
            "key_mode": failed.key_mode,
            "failed_step": failed.failed_step,
            "detail": failed.detail,
        });
        let alarm = provider_alarm(&failed.provider_id, "key_test_failed", &detail, self.now());
        alarms::insert(tx, &alarm).await
    }

    /// WeChat's callback of a test: kept like every notification, and noted in the test.
    pub(crate) async fn take_echo(
        &self,
        notice: StoredNotification,
        said: &str,
        api_key: &ProviderKeyId,
    ) -> Result<(), OperationError> {
        let now = self.now();
        let kept = StoredNotification {
            state: NotificationState::Applied,
            verdict: Some(KIND_ECHO.to_owned()),
            ..notice
        };
        let test = match said.parse::<KeyTestId>() {
            Ok(id) => key_tests::find(self.storage(), &kept.provider_id, &id).await?,
            Err(_) => None,
        };
        let tx = self.storage().begin().await?;
        notifications::insert(&tx, &kept).await?;
        if let Some(test) = test {
            key_tests::note_callback(&tx, &test, Some(api_key), now).await?;
        }
        Ok(tx.commit().await?)
    }

    /// Whether the last finished test that used a key was green, and not older than a day.
    pub(crate) async fn is_tested(&self, key: &ProviderKey) -> Result<bool, OperationError> {
        let tests = self.newest_tests(&key.provider_id).await?;
        let mut finished = tests
            .iter()
            .filter(|test| test.concerns(&key.id) && test.state != KeyTestState::Waiting);
        let newest = finished.next();
        let now = self.now();
        Ok(newest.is_some_and(|test| {
            test.state == KeyTestState::Green && now.millis_since(test.started_at) < DAY_MS
        }))
    }
}

fn new_test(ring: &OpenedRing, pair: &Pair<'_>, now: Timestamp) -> KeyTest {
    KeyTest {
        id: KeyTestId::new(now),
        provider_id: ring.provider.id.clone(),
        key_mode: match pair.platform.kind {
            KeyKind::WechatPublicKey => KeyMode::PublicKey,
            _ => KeyMode::Certificate,
        },
        merchant_key: pair.merchant.key.id.clone(),
        platform_key: pair.platform.id.clone(),
        api_key: None,
        state: KeyTestState::Waiting,
        failed_step: None,
        detail: None,
        started_at: now,
        answered_at: None,
        called_back_at: None,
        finished_at: None,
        deadline: now.plus_millis(CALLBACK_WAIT_MS),
    }
}

/// Every merchant key with every key of WeChat's.
fn pairs(keys: &[StoredKey], now: Timestamp) -> Vec<Pair<'_>> {
    let usable = |stored: &&StoredKey| !stored.key.is_expired(now);
    let merchants = keys
        .iter()
        .filter(usable)
        .filter(|stored| stored.key.kind == KeyKind::MerchantCertificate);
    let platforms = || {
        let usable = keys.iter().filter(usable);
        usable.filter(|stored| stored.key.kind.is_wechats())
    };
    merchants
        .flat_map(|merchant| {
            platforms().map(move |platform| Pair {
                merchant,
                platform: &platform.key,
            })
        })
        .take(PAIRS_MAX)
        .collect()
}

/// The step that an error is about.
fn step_of(error: &CallError) -> KeyTestStep {
    match &*error.kind {
        CallErrorKind::Unsigned(_)
        | CallErrorKind::Refused {
            status: UNAUTHORIZED,
            ..
        } => KeyTestStep::Sign,
        CallErrorKind::Unverified(_) => KeyTestStep::Verify,
        // Its text came back otherwise, or WeChat could not read what we encrypted.
        CallErrorKind::Undecodable(_) | CallErrorKind::Unencrypted(_) => KeyTestStep::Decrypt,
        CallErrorKind::Refused { code, .. } if code == "PARAM_ERROR" => KeyTestStep::Decrypt,
        _ => KeyTestStep::Reach,
    }
}

/// What a person needs to mend it: WeChat's code and number of the call, no body.
fn words_of(error: &CallError) -> String {
    let code = error.code().unwrap_or("no code");
    let request_id = error.trace.request_id.as_deref().unwrap_or("none");
    let text = format!("{} ({code}, Request-ID {request_id})", error.kind);
    text.chars().filter(|c| !c.is_control()).take(500).collect()
}
