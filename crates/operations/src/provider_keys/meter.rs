//! The meter: which key signed, verified or failed how often, hour by hour.
//!
//! Counts are added up in memory and written in batches, so that neither a call nor a notification pays for a write.
//! What a crash takes with it is the last seconds; nothing about money is decided from it.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tributary_domain::clock::Timestamp;
use tributary_domain::ids::ProviderId;
use tributary_domain::provider_key::{KeyCounts, KeyKind, KeyUse};
use tributary_domain::staff::Permission;
use tributary_storage::key_usage::{self, Usage};
use tributary_storage::providers;
use wechatpay::client::{CallTrace, Failure, Try};

use crate::authority::Authority;
use crate::providers::ProviderHandle;
use crate::{OperationError, Operations};

/// Different counts that wait to be written; what comes beyond is dropped, and counted as such.
const WAITING_MAX: usize = 16_384;
/// Counts written in one transaction.
const BATCH: usize = 128;
const HOUR_MS: i64 = 60 * 60 * 1_000;
/// Hours of one provider that are read at once: a month with a handful of keys.
const ROWS_MAX: u64 = 20_000;
/// A key that is in no ring: anybody may name any, so all are one.
const UNKNOWN_SERIAL: &str = "unknown";
const PUBLIC_KEY_ID_PREFIX: &str = "PUB_KEY_ID_";
const SERIAL_CHARS: usize = 40;
/// WeChat refuses what is five minutes off; half a minute is a clock that nobody sets.
const SKEW_SECONDS_MAX: i64 = 30;
const UNAUTHORIZED: u16 = 401;

/// What a key did for one purpose in one hour.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Entry {
    provider_id: ProviderId,
    // The order of the rows, so that two nodes that write at once never wait for each other in a circle.
    purpose: &'static str,
    serial: String,
    hour_ms: i64,
}

/// Counts that wait to be written.
#[derive(Debug, Default)]
pub(crate) struct KeyMeter {
    waiting: Mutex<Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    counts: HashMap<Entry, (i64, i64)>,
    /// How many seconds our clock was ahead of WeChat's, where that was too much.
    skews: HashMap<ProviderId, i64>,
}

impl KeyMeter {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, entry: Entry, (passed, failed): (i64, i64)) {
        let mut waiting = self.waiting();
        let is_full = waiting.counts.len() >= WAITING_MAX && !waiting.counts.contains_key(&entry);
        if is_full {
            metrics::counter!("tributary_key_counts_dropped_total").increment(1);
            return;
        }
        let sum = waiting.counts.entry(entry).or_default();
        sum.0 = sum.0.saturating_add(passed);
        sum.1 = sum.1.saturating_add(failed);
    }

    fn take(&self) -> Waiting {
        std::mem::take(&mut *self.waiting())
    }
}

/// What became of a signature or a ciphertext.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proof {
    /// It was good.
    Passed,
    /// It was not.
    Failed,
    /// The key is in no ring.
    UnknownKey,
}

/// The share of one key in what a provider used keys for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyShare {
    /// For what.
    pub purpose: KeyUse,
    /// Which key; `unknown` for those that are in no ring.
    pub serial: String,
    /// How often it went well.
    pub passed: i64,
    /// How often it did not.
    pub failed: i64,
    /// Of a thousand that went well for this purpose, so many were this key's.
    pub permille: i64,
}

impl Operations {
    /// Notes what a key was used for.
    pub(crate) fn meter(&self, provider: &ProviderId, purpose: KeyUse, serial: &str, proof: Proof) {
        let serial = match proof {
            Proof::UnknownKey => UNKNOWN_SERIAL.to_owned(),
            Proof::Passed | Proof::Failed => normal(serial),
        };
        let entry = Entry {
            provider_id: provider.clone(),
            purpose: purpose.as_str(),
            serial,
            hour_ms: hour_of(self.now()).as_millis(),
        };
        let counts = if proof == Proof::Passed {
            (1, 0)
        } else {
            (0, 1)
        };
        self.inner.key_meter.add(entry, counts);
    }

    /// Notes which keys a call used, and how far the clocks are apart.
    pub(crate) fn meter_call(&self, handle: &ProviderHandle, trace: &CallTrace) {
        let provider = &handle.provider.id;
        for one in &trace.log {
            if one.host.is_empty() {
                continue;
            }
            let refused = one.http_status == Some(UNAUTHORIZED);
            let signed = if refused {
                Proof::Failed
            } else {
                Proof::Passed
            };
            let merchant_serial = &handle.client.merchant().serial;
            self.meter(provider, KeyUse::Call, merchant_serial, signed);
            if let (Some(serial), Some(proof)) = (&one.key_serial, proof_of_answer(one)) {
                self.meter(provider, KeyUse::Answer, serial, proof);
            }
        }
        let ahead = trace.ahead_seconds.unwrap_or_default();
        if ahead.saturating_abs() > SKEW_SECONDS_MAX {
            let mut waiting = self.inner.key_meter.waiting();
            if waiting.skews.len() < WAITING_MAX {
                waiting.skews.insert(provider.clone(), ahead);
            }
        }
    }

    /// Writes the counts that wait; returns how many that were.
    pub async fn write_key_usage(&self) -> Result<usize, OperationError> {
        let Waiting { counts, skews } = self.inner.key_meter.take();
        let mut rows: Vec<(Entry, (i64, i64))> = counts.into_iter().collect();
        rows.sort_unstable();
        let written = rows.len();
        let mut chunks = rows.chunks(BATCH);
        while let Some(chunk) = chunks.next() {
            if let Err(error) = self.write_chunk(chunk).await {
                // What is not written comes again with the next counts.
                for (entry, counts) in chunk.iter().chain(chunks.by_ref().flatten()) {
                    self.inner.key_meter.add(entry.clone(), *counts);
                }
                return Err(error);
            }
        }
        for (provider, ahead) in skews {
            let detail = serde_json::json!({ "ahead_seconds": ahead });
            self.alarm_about_provider(&provider, "clock_skew", &detail)
                .await?;
        }
        Ok(written)
    }

    async fn write_chunk(&self, chunk: &[(Entry, (i64, i64))]) -> Result<(), OperationError> {
        let now = self.now();
        let tx = self.storage().begin().await?;
        for (entry, (passed, failed)) in chunk {
            let Some(purpose) = KeyUse::parse(entry.purpose) else {
                continue;
            };
            let usage = Usage {
                provider_id: entry.provider_id.clone(),
                hour: Timestamp::from_millis(entry.hour_ms),
                purpose,
                serial: entry.serial.clone(),
                passed: *passed,
                failed: *failed,
            };
            key_usage::add(&tx, &usage).await?;
            let (kinds, more) = done_by_key(&usage);
            let key = (kinds, usage.serial.as_str());
            key_usage::add_to_key(&tx, &usage.provider_id, key, more, now).await?;
        }
        Ok(tx.commit().await?)
    }

    /// The share of each key in the last `hours`, by purpose; what this node counted is written first.
    ///
    /// Needs `provider:read`.
    pub async fn key_shares(
        &self,
        by: &dyn Authority,
        provider: &ProviderId,
        hours: u16,
    ) -> Result<Vec<KeyShare>, OperationError> {
        by.require(Permission::ProviderRead)?;
        if providers::find(self.storage(), provider).await?.is_none() {
            return Err(OperationError::NotFound);
        }
        self.write_key_usage().await?;
        let back = i64::from(hours.max(1)).saturating_sub(1);
        let from = hour_of(self.now()).plus_millis(back.saturating_mul(-HOUR_MS));
        let rows = key_usage::since(self.storage(), provider, from, ROWS_MAX).await?;
        Ok(shares(&rows))
    }
}

/// Adds up hours and says what each key's part is.
fn shares(rows: &[Usage]) -> Vec<KeyShare> {
    let mut found: Vec<KeyShare> = Vec::new();
    for row in rows {
        let same = |one: &&mut KeyShare| one.purpose == row.purpose && one.serial == row.serial;
        match found.iter_mut().find(same) {
            Some(share) => {
                share.passed = share.passed.saturating_add(row.passed);
                share.failed = share.failed.saturating_add(row.failed);
            }
            None => found.push(KeyShare {
                purpose: row.purpose,
                serial: row.serial.clone(),
                passed: row.passed,
                failed: row.failed,
                permille: 0,
            }),
        }
    }
    let totals: Vec<i64> = found
        .iter()
        .map(|share| {
            let of_purpose = found.iter().filter(|one| one.purpose == share.purpose);
            of_purpose.map(|one| one.passed).sum()
        })
        .collect();
    for (share, total) in found.iter_mut().zip(totals) {
        let parts = share.passed.saturating_mul(1_000);
        share.permille = parts.checked_div(total).unwrap_or_default();
    }
    found.sort_by(|one, other| {
        let by_purpose = one.purpose.as_str().cmp(other.purpose.as_str());
        by_purpose.then_with(|| one.serial.cmp(&other.serial))
    });
    found
}

/// Which kinds of key a purpose is about, and what it adds to theirs.
fn done_by_key(usage: &Usage) -> (&'static [KeyKind], KeyCounts) {
    let (passed, failed) = (usage.passed, usage.failed);
    let verified = KeyCounts {
        verified: passed,
        failed,
        ..KeyCounts::default()
    };
    match usage.purpose {
        KeyUse::Call => (
            &[KeyKind::MerchantCertificate],
            KeyCounts {
                signed: passed.saturating_add(failed),
                failed,
                ..KeyCounts::default()
            },
        ),
        KeyUse::Answer | KeyUse::Notification => (
            &[KeyKind::PlatformCertificate, KeyKind::WechatPublicKey],
            verified,
        ),
        KeyUse::Decryption => (&[KeyKind::ApiV3Key], verified),
    }
}

/// Only successes are signed, so a refusal proves nothing about WeChat's key.
fn proof_of_answer(one: &Try) -> Option<Proof> {
    match one.failure {
        None | Some(Failure::Accepted) => Some(Proof::Passed),
        Some(Failure::BadSignature) => Some(Proof::Failed),
        Some(Failure::UnknownKey) => Some(Proof::UnknownKey),
        Some(_) => None,
    }
}

/// Certificate serials are forty digits in upper case, whoever wrote them.
fn normal(serial: &str) -> String {
    let is_hex = serial.bytes().all(|byte| byte.is_ascii_hexdigit());
    if serial.starts_with(PUBLIC_KEY_ID_PREFIX) || !is_hex || serial.len() <= 16 {
        return serial.to_owned();
    }
    format!("{:0>SERIAL_CHARS$}", serial.to_ascii_uppercase())
}

fn hour_of(at: Timestamp) -> Timestamp {
    let into = at.as_millis().rem_euclid(HOUR_MS);
    at.plus_millis(-into)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(purpose: KeyUse, serial: &str, passed: i64) -> Usage {
        Usage {
            provider_id: ProviderId::new(Timestamp::from_seconds(1)),
            hour: Timestamp::from_seconds(0),
            purpose,
            serial: serial.to_owned(),
            passed,
            failed: 1,
        }
    }

    #[test]
    fn shares_are_of_one_purpose_and_add_up_hours() {
        let rows = [
            usage(KeyUse::Answer, "A", 1),
            usage(KeyUse::Answer, "B", 2),
            usage(KeyUse::Answer, "A", 1),
            usage(KeyUse::Notification, "B", 5),
            usage(KeyUse::Decryption, "C", 0),
        ];
        let shares = shares(&rows);
        let seen: Vec<_> = shares
            .iter()
            .map(|one| (one.purpose, one.serial.as_str(), one.permille, one.failed))
            .collect();
        assert_eq!(
            seen,
            [
                (KeyUse::Answer, "A", 500, 2),
                (KeyUse::Answer, "B", 500, 1),
                (KeyUse::Decryption, "C", 0, 1),
                (KeyUse::Notification, "B", 1_000, 1),
            ]
        );
    }

    #[test]
    fn what_does_not_fit_into_memory_is_dropped_and_what_is_known_still_counts() {
        let meter = KeyMeter::default();
        let entry = |number: i64| Entry {
            provider_id: ProviderId::new(Timestamp::from_seconds(1)),
            purpose: "call",
            serial: "A".to_owned(),
            hour_ms: number,
        };
        let first = entry(0);
        meter.add(first.clone(), (1, 0));
        for number in 1..=i64::try_from(WAITING_MAX).unwrap() {
            meter.add(entry(number), (1, 0));
        }
        meter.add(first.clone(), (1, 0));
        let taken = meter.take();
        assert_eq!(taken.counts.len(), WAITING_MAX);
        assert_eq!(taken.counts.get(&first), Some(&(2, 0)));
        assert!(meter.take().counts.is_empty());
    }

    #[test]
    fn a_serial_is_one_however_it_is_written() {
        assert_eq!(
            normal("5a8f06f96b8a2ef8dd26"),
            format!("{:0>40}", "5A8F06F96B8A2EF8DD26")
        );
        assert_eq!(normal("PUB_KEY_ID_0abc"), "PUB_KEY_ID_0abc");
        // Fingerprints of symmetric keys stay as they are.
        assert_eq!(normal("0123456789abcdef"), "0123456789abcdef");
    }
}
