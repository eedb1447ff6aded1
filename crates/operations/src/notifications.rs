//! WeChat's notifications: verified over the raw bytes, decrypted, committed, then answered.

mod keys;

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};
use tributary_domain::clock::Timestamp;
use tributary_domain::ids::{AlarmId, NotificationId, ProviderId};
use tributary_domain::refund_settlement::RefundObservation;
use tributary_domain::rehearsal::{Sabotage, is_broken};
use tributary_domain::settlement::{Source, TransactionObservation};
use tributary_storage::StorageError;
use tributary_storage::alarms::{self, Alarm};
use tributary_storage::notifications::{self, NotificationState, StoredNotification};
use wechatpay::v3::notification::{Envelope, Notice};

use self::keys::Verified;
use crate::observation::{from_refund_notice, from_transaction};
use crate::providers::open::OpenedRing;
use crate::settlement::{Inbox, Observed, ObservedRefund};
use crate::{OperationError, Operations};

/// The last part of the notification path for payments.
pub const KIND_TRANSACTION: &str = "transaction";
/// The last part of the notification path for refunds.
pub const KIND_REFUND: &str = "refund";
/// The last part of the notification path for self-tests of keys.
pub const KIND_ECHO: &str = "echo";
const NOTICE_ID_CHARS_MAX: usize = 100;
/// Headers of one notification that are kept, and their bytes.
const HEADERS_KEPT_MAX: usize = 64;
const HEADERS_KEPT_BYTES_MAX: usize = 8 * 1024;
/// Kept notifications that wait to be applied, taken up at once.
const APPLY_BATCH: u64 = 100;
/// After so many failures a person is told, and the tries become rare. They never end: money may hang on it.
const TRIES_QUICK: i64 = 20;
const RETRY_MS: i64 = 30_000;
const RETRY_SLOW_MS: i64 = 3_600_000;
const UNDECRYPTABLE: &str = "undecryptable";

/// Why a notification is not answered with success.
#[derive(Debug, thiserror::Error)]
pub enum NotifyError {
    /// No provider has this path.
    #[error("no provider has this route")]
    UnknownRoute,
    /// The signature is not WeChat's; `probe` when WeChat itself tests that we notice.
    #[error("the signature does not verify")]
    Unverified {
        /// Whether it was a `WECHATPAY/SIGNTEST/` probe.
        probe: bool,
    },
    /// Signed with a key that is not known, even after asking WeChat for new ones.
    #[error("the key that signed is not known")]
    UnknownSerial,
    /// Signed by WeChat, but not encrypted with an APIv3 key of ours.
    #[error("the notification cannot be decrypted")]
    Undecryptable,
    /// It could not be kept; WeChat must send it again.
    #[error("the notification could not be kept")]
    Unavailable(#[source] OperationError),
}

/// What became of a notification that was answered with success.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Received {
    /// Kept and applied, or it said nothing new.
    Applied,
    /// Kept, alarmed, not applied.
    Quarantined,
    /// Kept; to be applied soon.
    Kept,
    /// The same bytes were kept before.
    Duplicate,
}

impl Received {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Quarantined => "quarantined",
            Self::Kept => "kept",
            Self::Duplicate => "duplicate",
        }
    }
}

impl NotifyError {
    const fn as_str(&self) -> &'static str {
        match self {
            Self::UnknownRoute => "unknown_route",
            Self::Unverified { probe: true } => "probe",
            Self::Unverified { probe: false } => "unverified",
            Self::UnknownSerial => "unknown_serial",
            Self::Undecryptable => "undecryptable",
            Self::Unavailable(_) => "unavailable",
        }
    }
}

impl Operations {
    /// Takes in one notification. An `Ok` means a committed row.
    pub async fn receive_notification(
        &self,
        route_token: &str,
        headers: &[(String, String)],
        body: &[u8],
    ) -> Result<Received, NotifyError> {
        let result = self.receive(route_token, headers, body).await;
        let outcome = result
            .as_ref()
            .map_or_else(NotifyError::as_str, |kept| kept.as_str());
        metrics::counter!("tributary_notifications_total", "outcome" => outcome).increment(1);
        result
    }

    async fn receive(
        &self,
        route_token: &str,
        headers: &[(String, String)],
        body: &[u8],
    ) -> Result<Received, NotifyError> {
        let ring = self
            .ring_by_route(route_token)
            .await
            .map_err(NotifyError::Unavailable)?
            .ok_or(NotifyError::UnknownRoute)?;
        let ring = match self.verify_notification(ring, headers, body).await? {
            Verified::Believed(ring) => ring,
            Verified::UnderTest(ring) => return self.receive_test(&ring, headers, body).await,
        };
        let Ok(envelope) = Envelope::parse(body) else {
            let notice = self.keepable(&ring, None, headers, body);
            return self.quarantine(notice, "unreadable").await;
        };
        let notice = self.keepable(&ring, Some(&envelope), headers, body);
        if is_broken(Sabotage::DedupeByIdOnly) && self.knows_id(&notice).await {
            return Ok(Received::Duplicate);
        }
        let Some((plain, api_key)) = self.decrypt(&ring, &envelope).await else {
            self.quarantine(notice, UNDECRYPTABLE).await?;
            return Err(NotifyError::Undecryptable);
        };
        let report = match Report::from_plain(&plain) {
            Ok(Report::Echo(said)) => return self.receive_echo(notice, &said, &api_key).await,
            Ok(report) => report,
            Err(verdict) => return self.quarantine(notice, verdict).await,
        };
        let inbox = Inbox::New(&notice);
        match self
            .let_report_in(&notice.provider_id, &report, &inbox)
            .await
        {
            Ok(Received::Duplicate) => self.apply_earlier(&notice, &report).await,
            Ok(received) => Ok(received),
            Err(_) if is_broken(Sabotage::AckBeforeCommit) => Ok(Received::Kept),
            Err(error) => self.keep_for_later(notice, error).await,
        }
    }

    async fn let_report_in(
        &self,
        provider: &ProviderId,
        report: &Report,
        inbox: &Inbox<'_>,
    ) -> Result<Received, OperationError> {
        let source = Source::Notification;
        Ok(match report {
            Report::Payment(seen) => {
                Received::from(&self.observe(provider, seen, source, inbox).await?)
            }
            Report::Refund(seen) => {
                Received::from(&self.observe_refund(provider, seen, source, inbox).await?)
            }
            // An echo is taken in when it comes, or not at all.
            Report::Echo(_) => {
                return Err(OperationError::Internal(
                    "an echo says nothing about money".into(),
                ));
            }
        })
    }

    /// A wrong way to recognise a repetition, for rehearsals.
    async fn knows_id(&self, notice: &StoredNotification) -> bool {
        let (provider, id) = (&notice.provider_id, &notice.notice_id);
        let known = notifications::find_by_notice_id(self.storage(), provider, id).await;
        known.is_ok_and(|known| !known.is_empty())
    }

    /// The same bytes came before. If they could not be decrypted or applied then, they are applied now.
    async fn apply_earlier(
        &self,
        notice: &StoredNotification,
        report: &Report,
    ) -> Result<Received, NotifyError> {
        let unavailable = |error| NotifyError::Unavailable(OperationError::Storage(error));
        let earlier = self.unapplied(notice).await.map_err(unavailable)?;
        match earlier {
            None => Ok(Received::Duplicate),
            Some(earlier) => {
                let inbox = Inbox::Kept(&earlier);
                let received = self
                    .let_report_in(&notice.provider_id, report, &inbox)
                    .await;
                received.map_err(|error| {
                    tracing::error!(notification.id = %earlier.id,
                        error = &error as &dyn std::error::Error, "a notification could not be applied");
                    NotifyError::Unavailable(OperationError::Internal("applying failed".into()))
                })
            }
        }
    }

    /// The same bytes as they were kept before, when they could not be decrypted or applied yet.
    async fn unapplied(
        &self,
        notice: &StoredNotification,
    ) -> Result<Option<StoredNotification>, StorageError> {
        let (provider, notice_id) = (&notice.provider_id, &notice.notice_id);
        let kept = notifications::find_by_notice_id(self.storage(), provider, notice_id).await?;
        let is_unapplied = |earlier: &StoredNotification| {
            earlier.body_sha256 == notice.body_sha256
                && (earlier.state == NotificationState::Received
                    || earlier.verdict.as_deref() == Some(UNDECRYPTABLE))
        };
        Ok(kept.into_iter().find(is_unapplied))
    }

    fn keepable(
        &self,
        ring: &OpenedRing,
        envelope: Option<&Envelope>,
        headers: &[(String, String)],
        body: &[u8],
    ) -> StoredNotification {
        let now = self.now();
        let body_sha256 = hex::encode(Sha256::digest(body));
        let notice_id = match envelope {
            Some(envelope) => envelope.id.chars().take(NOTICE_ID_CHARS_MAX).collect(),
            None => format!("unreadable-{body_sha256}"),
        };
        StoredNotification {
            id: NotificationId::new(now),
            provider_id: ring.provider.id.clone(),
            notice_id,
            event_type: envelope.map_or_else(String::new, |envelope| {
                envelope
                    .event_type
                    .chars()
                    .take(NOTICE_ID_CHARS_MAX)
                    .collect()
            }),
            headers: kept_headers(headers),
            body: body.to_vec(),
            body_sha256,
            state: NotificationState::Received,
            verdict: None,
            tenant_id: None,
            order_id: None,
            received_at: now,
            next_try_at: None,
            tries: 0,
        }
    }

    /// Keeps a notification that nothing can be done with, and tells a person.
    async fn quarantine(
        &self,
        notice: StoredNotification,
        verdict: &'static str,
    ) -> Result<Received, NotifyError> {
        let now = self.now();
        let kept = StoredNotification {
            state: NotificationState::Quarantined,
            verdict: Some(verdict.to_owned()),
            ..notice
        };
        match self.keep_with_alarm(&kept, verdict, now).await {
            Err(OperationError::Storage(error)) if error.is_duplicate() => Ok(Received::Duplicate),
            Err(error) => Err(NotifyError::Unavailable(error)),
            Ok(()) => {
                tracing::error!(provider.id = %kept.provider_id, notification.id = %kept.id,
                    verdict, "a notification is kept and not applied");
                Ok(Received::Quarantined)
            }
        }
    }

    async fn keep_with_alarm(
        &self,
        kept: &StoredNotification,
        verdict: &'static str,
        now: Timestamp,
    ) -> Result<(), OperationError> {
        let tx = self.storage().begin().await?;
        notifications::insert(&tx, kept).await?;
        let alarm = alarm_about(kept, verdict, now);
        alarms::insert(&tx, &alarm).await?;
        tx.commit().await?;
        metrics::counter!("tributary_alarms_total", "kind" => verdict).increment(1);
        Ok(())
    }

    /// Applying failed; when the notification can at least be kept, WeChat need not send it again.
    async fn keep_for_later(
        &self,
        notice: StoredNotification,
        cause: OperationError,
    ) -> Result<Received, NotifyError> {
        let kept = StoredNotification {
            next_try_at: (!is_broken(Sabotage::KeptForgotten)).then(|| self.now()),
            ..notice
        };
        let inserted = async {
            let tx = self.storage().begin().await?;
            notifications::insert(&tx, &kept).await?;
            tx.commit().await
        };
        match inserted.await {
            Ok(()) => {
                tracing::error!(notification.id = %kept.id, error = &cause as &dyn std::error::Error,
                    "a notification could not be applied yet");
                self.wakeups().notifications.notify_one();
                Ok(Received::Kept)
            }
            Err(error) if error.is_duplicate() => self.duplicate_of_earlier(&kept, cause).await,
            Err(_) => Err(NotifyError::Unavailable(cause)),
        }
    }

    /// The same bytes were kept before: well, if they were applied then or somebody will; otherwise WeChat must go on.
    async fn duplicate_of_earlier(
        &self,
        notice: &StoredNotification,
        cause: OperationError,
    ) -> Result<Received, NotifyError> {
        match self.unapplied(notice).await {
            Ok(Some(earlier)) if earlier.next_try_at.is_none() => {
                Err(NotifyError::Unavailable(cause))
            }
            Ok(_) => Ok(Received::Duplicate),
            Err(_) => Err(NotifyError::Unavailable(cause)),
        }
    }

    /// Applies notifications that were kept and not applied; returns how many were taken up.
    pub async fn apply_kept_notifications(&self) -> Result<usize, OperationError> {
        let due = notifications::due_all_tenants(self.storage(), self.now(), APPLY_BATCH).await?;
        let count = due.len();
        for notice in due {
            if let Err(error) = self.apply_kept(&notice).await {
                tracing::error!(notification.id = %notice.id,
                    error = &error as &dyn std::error::Error, "a notification could not be applied");
                self.postpone(&notice).await?;
            }
        }
        Ok(count)
    }

    pub(crate) async fn apply_kept(
        &self,
        notice: &StoredNotification,
    ) -> Result<(), OperationError> {
        let ring = self.ring(&notice.provider_id).await?;
        let unreadable = |_| OperationError::Internal("a kept notification is unreadable".into());
        let envelope = Envelope::parse(&notice.body).map_err(unreadable)?;
        let (plain, _) = self.decrypt(&ring, &envelope).await.ok_or_else(|| {
            OperationError::Internal("a kept notification cannot be decrypted".into())
        })?;
        let report = Report::from_plain(&plain).map_err(|verdict| {
            OperationError::Internal(format!("a kept notification: {verdict}"))
        })?;
        let inbox = Inbox::Kept(notice);
        self.let_report_in(&notice.provider_id, &report, &inbox)
            .await?;
        Ok(())
    }

    async fn postpone(&self, notice: &StoredNotification) -> Result<(), OperationError> {
        let now = self.now();
        let tries = notice.tries.saturating_add(1);
        let delay_ms = if tries < TRIES_QUICK {
            RETRY_MS
        } else {
            RETRY_SLOW_MS
        };
        let later = StoredNotification {
            tries,
            next_try_at: Some(now.plus_millis(delay_ms)),
            ..notice.clone()
        };
        let tx = self.storage().begin().await?;
        notifications::update(&tx, notice, &later).await?;
        if tries == TRIES_QUICK {
            alarms::insert(&tx, &alarm_about(&later, "not_applied", now)).await?;
        }
        Ok(tx.commit().await?)
    }
}

fn alarm_about(kept: &StoredNotification, verdict: &str, now: Timestamp) -> Alarm {
    Alarm {
        id: AlarmId::new(now),
        raised_at: now,
        kind: format!("notification_{verdict}"),
        tenant_id: None,
        provider_id: Some(kept.provider_id.clone()),
        order_id: None,
        detail: serde_json::json!({ "notification_id": kept.id, "event_type": kept.event_type })
            .to_string(),
    }
}

/// What a notification says, in the form that the rules know.
enum Report {
    Payment(Box<TransactionObservation>),
    Refund(Box<RefundObservation>),
    Echo(String),
}

impl Report {
    /// Reads a plain text, or says why it can only be kept.
    fn from_plain(plain: &[u8]) -> Result<Self, &'static str> {
        match Notice::from_plain(plain) {
            Ok(Notice::Payment(seen)) => Ok(Self::Payment(Box::new(from_transaction(&seen)))),
            Ok(Notice::Refund(seen)) => Ok(Self::Refund(Box::new(from_refund_notice(&seen)))),
            Ok(Notice::Echo(said)) => Ok(Self::Echo(said)),
            Ok(_) => Err("unsupported_kind"),
            Err(_) => Err("unreadable"),
        }
    }
}

impl From<&ObservedRefund> for Received {
    fn from(observed: &ObservedRefund) -> Self {
        match observed {
            ObservedRefund::Applied(_) => Self::Applied,
            ObservedRefund::Quarantined(_) | ObservedRefund::OrderNotPaid(_) => Self::Quarantined,
            ObservedRefund::Duplicate => Self::Duplicate,
        }
    }
}

impl From<&Observed> for Received {
    fn from(observed: &Observed) -> Self {
        match observed {
            Observed::Applied(_) => Self::Applied,
            Observed::Quarantined(_) => Self::Quarantined,
            Observed::Duplicate => Self::Duplicate,
        }
    }
}

/// A header that comes twice is as good as absent: nobody can say which one was signed.
fn find_header<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let mut values = headers
        .iter()
        .filter(|(known, _)| known.eq_ignore_ascii_case(name));
    let (_, value) = values.next()?;
    if values.next().is_some() {
        None
    } else {
        Some(value)
    }
}

/// The headers as they came, within bounds: first what is needed to verify the bytes again. What lets somebody in is
/// left out, although WeChat sends none of it.
fn kept_headers(headers: &[(String, String)]) -> String {
    const LETS_IN: [&str; 3] = ["authorization", "cookie", "proxy-authorization"];
    let lower = |(name, value): &(String, String)| (name.to_ascii_lowercase(), value.clone());
    let mut all: Vec<(String, String)> = headers.iter().map(lower).collect();
    all.sort_by_key(|(name, _)| !(name.starts_with("wechatpay-") || name == "request-id"));
    let mut kept: BTreeMap<String, String> = BTreeMap::new();
    let mut bytes = 0_usize;
    for (name, value) in all {
        bytes = bytes.saturating_add(name.len()).saturating_add(value.len());
        if bytes > HEADERS_KEPT_BYTES_MAX || kept.len() >= HEADERS_KEPT_MAX {
            break;
        }
        if !LETS_IN.contains(&name.as_str()) {
            kept.insert(name, value);
        }
    }
    serde_json::to_string(&kept).unwrap_or_default()
}
