//! The audit log: what people and programs did, written in the transaction of the act, chained, and checked.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tributary_domain::audit::{AuditEntry, AuditScope, GENESIS, HASH_LEN, hashed_bytes};
use tributary_domain::clock::Timestamp;
use tributary_domain::ids::AlarmId;
use tributary_domain::staff::Actor;
use tributary_storage::alarms::{self, Alarm};
use tributary_storage::audit::{self, Chained, Head};
use tributary_storage::{Storage, Tx, leases};

use crate::{OperationError, Operations};

/// Entries or heads that are read at once while chains are checked.
const CHECKED_AT_ONCE: u64 = 500;
/// Entries of one chain that are checked while somebody waits.
pub(crate) const ENTRIES_CHECKED_MAX: u64 = 100_000;
/// One node checks the whole log once in this time.
const CHECKED_EVERY_MS: i64 = 24 * 60 * 60 * 1_000;
/// Held while the log is checked, and from then on for that long: it is the memory of the check.
const LEASE: &str = "audit_check";
/// A check that died is made again after this long.
const CHECK_MS: i64 = 60 * 60 * 1_000;
/// The longest entry; what is longer says too much.
const ENTRY_BYTES_MAX: usize = 64 * 1024;

/// What was done, without secrets: of those only fingerprints.
#[derive(Clone, Debug)]
pub struct Act<'a> {
    /// Whose chain it belongs to.
    pub scope: AuditScope,
    /// What, in a stable word such as `provider.key.imported`.
    pub action: &'static str,
    /// To which object.
    pub target: Option<&'a str>,
    /// What it was before.
    pub before: Option<Value>,
    /// What it is now.
    pub after: Option<Value>,
    /// Why, in the words of the person.
    pub reason: Option<&'a str>,
}

impl<'a> Act<'a> {
    /// An act that needs no more words.
    pub const fn new(scope: AuditScope, action: &'static str, target: &'a str) -> Self {
        Self {
            scope,
            action,
            target: Some(target),
            before: None,
            after: None,
            reason: None,
        }
    }
}

/// Writes an act into the log, in its own transaction: when this fails the act must not be committed.
///
/// It holds the chain until the transaction ends, so it comes last before the commit.
pub async fn record(
    tx: &Tx,
    by: &Actor,
    act: Act<'_>,
    now: Timestamp,
) -> Result<(), OperationError> {
    let entry = AuditEntry {
        actor: by.who().to_owned(),
        action: act.action.to_owned(),
        at: now.to_rfc3339(),
        target: act.target.map(str::to_owned),
        before: act.before,
        after: act.after,
        reason: act.reason.map(str::to_owned),
        session: by.session().map(ToString::to_string),
        ip: by.ip().map(|ip| ip.to_string()),
        request_id: by.request_id().map(str::to_owned),
    };
    let bytes = entry
        .to_bytes()
        .map_err(|_| OperationError::Internal("an audit entry cannot be written".into()))?;
    if bytes.len() > ENTRY_BYTES_MAX {
        return Err(OperationError::Internal(format!(
            "an audit entry of {} bytes is too long",
            bytes.len()
        )));
    }
    let head = audit::lock_head(tx, &act.scope).await?;
    let number = head.number.saturating_add(1);
    let chained = Chained {
        hash: hash(&act.scope, number, &head.hash, &bytes),
        scope: act.scope,
        number,
        at: now,
        entry,
        bytes,
    };
    audit::append(tx, &chained).await?;
    Ok(())
}

fn hash(scope: &AuditScope, number: u64, previous: &[u8; HASH_LEN], entry: &str) -> [u8; HASH_LEN] {
    Sha256::digest(hashed_bytes(scope.as_str(), number, previous, entry)).into()
}

/// The end of a chain, as a person keeps it elsewhere: proof that nothing before it was cut off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownHead {
    /// `platform` or a tenant's id.
    pub scope: String,
    /// The last entry's number.
    pub number: u64,
    /// Its hash, in hex.
    pub hash: String,
}

/// What a check of the whole log found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditReport {
    /// Entries that were checked.
    pub entries: u64,
    /// The ends of the chains.
    pub heads: Vec<KnownHead>,
    /// What does not hold; empty when the log is whole.
    pub faults: Vec<AuditFault>,
}

/// A place at which a chain does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditFault {
    /// Whose chain.
    pub scope: String,
    /// The number at which it breaks.
    pub number: u64,
    /// How.
    pub what: &'static str,
}

impl Operations {
    /// Checks every chain from its first entry to its head, and that the heads known from before are still in them.
    pub async fn verify_audit(&self, known: &[KnownHead]) -> Result<AuditReport, OperationError> {
        let mut report = AuditReport {
            entries: 0,
            heads: Vec::new(),
            faults: Vec::new(),
        };
        let mut after = None;
        loop {
            let heads =
                audit::heads_all_tenants(self.storage(), after.as_ref(), CHECKED_AT_ONCE).await?;
            let Some(last) = heads.last() else { break };
            after = Some(last.scope.clone());
            for head in &heads {
                check_chain(self.storage(), head, known, u64::MAX, &mut report).await?;
            }
        }
        for lost in known {
            if !report.heads.iter().any(|head| head.scope == lost.scope) {
                let (scope, number) = (lost.scope.clone(), lost.number);
                let what = "the whole chain is gone";
                report.faults.push(AuditFault {
                    scope,
                    number,
                    what,
                });
            }
        }
        Ok(report)
    }
}

impl Operations {
    /// Checks one chain up to its head, or as far as one may wait for.
    pub(crate) async fn verify_audit_chain(
        &self,
        scope: &AuditScope,
    ) -> Result<AuditReport, OperationError> {
        let mut report = AuditReport {
            entries: 0,
            heads: Vec::new(),
            faults: Vec::new(),
        };
        if let Some(head) = audit::head(self.storage(), scope).await? {
            let storage = self.storage();
            check_chain(storage, &head, &[], ENTRIES_CHECKED_MAX, &mut report).await?;
        }
        Ok(report)
    }
}

impl Operations {
    /// Checks the whole log once a day, on one node, and tells a person of what does not hold; returns how much that is.
    pub async fn check_audit_log(&self) -> Result<usize, OperationError> {
        let now = self.now();
        // Another holder each time, so that not even this node takes it again before it ends.
        let holder = format!("{}-{}", self.inner.node, now.as_millis());
        let hold = async |length_ms| {
            let tx = self.storage().begin().await?;
            let is_held = leases::acquire(&tx, LEASE, &holder, length_ms).await?;
            tx.commit().await?;
            Ok::<_, OperationError>(is_held)
        };
        if !hold(CHECK_MS).await? {
            return Ok(0);
        }
        let report = self.verify_audit(&[]).await?;
        for fault in &report.faults {
            tracing::error!(scope = %fault.scope, number = fault.number, what = fault.what,
                "the audit log does not hold");
            let alarm = fault.alarm(now);
            let tx = self.storage().begin().await?;
            if alarms::is_known(&tx, &alarm).await? {
                continue;
            }
            alarms::insert(&tx, &alarm).await?;
            tx.commit().await?;
            metrics::counter!("tributary_alarms_total", "kind" => BROKEN).increment(1);
        }
        hold(CHECKED_EVERY_MS).await?;
        Ok(report.faults.len())
    }
}

/// The alarm of a chain that does not hold.
const BROKEN: &str = "audit_log_broken";

impl AuditFault {
    /// Nobody's tenant's affair: whoever could change a tenant's chain had the database.
    fn alarm(&self, now: Timestamp) -> Alarm {
        let (scope, number, what) = (&self.scope, self.number, self.what);
        let detail = json!({ "scope": scope, "number": number, "what": what });
        Alarm {
            id: AlarmId::new(now),
            raised_at: now,
            kind: BROKEN.to_owned(),
            tenant_id: None,
            provider_id: None,
            order_id: None,
            detail: detail.to_string(),
        }
    }
}

/// Walks one chain; at its first fault the walk ends, because nothing behind it can be trusted.
async fn check_chain(
    storage: &Storage,
    head: &Head,
    known: &[KnownHead],
    most: u64,
    report: &mut AuditReport,
) -> Result<(), OperationError> {
    let scope = head.scope.as_str();
    let (mut number, mut previous) = (0, GENESIS);
    let mut fault = None;
    while number < head.number.min(most) && fault.is_none() {
        let entries = audit::chain(storage, &head.scope, number, CHECKED_AT_ONCE).await?;
        if entries.is_empty() {
            break;
        }
        for entry in entries {
            // What was appended after the head was read is the next check's.
            if number == head.number {
                break;
            }
            fault = fault_of(&entry, number, &previous, known);
            if fault.is_some() {
                break;
            }
            (number, previous) = (entry.number, entry.hash);
            report.entries += 1;
        }
    }
    let is_cut_short = number >= most && number < head.number;
    if fault.is_none() && number != head.number && !is_cut_short {
        fault = Some((head.number, "entries are missing at the end"));
    }
    if fault.is_none() && number == head.number && previous != head.hash {
        fault = Some((number, "the head is not the last entry's"));
    }
    let cut = known.iter().find(|k| k.scope == scope && k.number > number);
    if let (None, Some(cut)) = (fault, cut) {
        fault = Some((cut.number, "an entry that was there is gone"));
    }
    if let Some((number, what)) = fault {
        let scope = scope.to_owned();
        report.faults.push(AuditFault {
            scope,
            number,
            what,
        });
    }
    report.heads.push(KnownHead {
        scope: scope.to_owned(),
        number: head.number,
        hash: hex::encode(head.hash),
    });
    Ok(())
}

fn fault_of(
    entry: &Chained,
    before: u64,
    previous: &[u8; HASH_LEN],
    known: &[KnownHead],
) -> Option<(u64, &'static str)> {
    let number = entry.number;
    if number != before.saturating_add(1) {
        return Some((before.saturating_add(1), "an entry is missing"));
    }
    if hash(&entry.scope, number, previous, &entry.bytes) != entry.hash {
        return Some((number, "the entry is not the one that was hashed"));
    }
    if entry.entry.at != entry.at.to_rfc3339() {
        return Some((number, "the entry is filed under another time"));
    }
    let kept = known
        .iter()
        .find(|k| k.scope == entry.scope.as_str() && k.number == number);
    match kept {
        Some(kept) if kept.hash != hex::encode(entry.hash) => {
            Some((number, "the chain was written anew"))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chain_hashes_as_published() {
        let first =
            r#"{"actor":"adm_1","action":"login.succeeded","at":"2026-01-01T00:00:00.000Z"}"#;
        let second = r#"{"actor":"adm_1","action":"endpoint.secret.rotated","at":"2026-01-01T00:00:01.000Z","target":"ep_1"}"#;
        let one: [u8; HASH_LEN] = Sha256::digest(hashed_bytes("ten_01", 1, &GENESIS, first)).into();
        assert_eq!(
            hex::encode(one),
            "457bc7949cf46f8353c22833e6b5960cbb0b7a54b232072d41ec5179772ee925"
        );
        let two = Sha256::digest(hashed_bytes("ten_01", 2, &one, second));
        assert_eq!(
            hex::encode(two),
            "2a71bc0248320b21b6fb4a620dc672ce84e4ef85115e86d9354623e8d2c98e8c"
        );
        // The members are written in the order in which the published bytes have them.
        let parsed: AuditEntry = serde_json::from_str(second).unwrap();
        assert_eq!(parsed.to_bytes().unwrap(), second);
    }
}
