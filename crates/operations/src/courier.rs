//! The courier: takes due deliveries, sends each once, and records what came of it. When, how many at a time and how
//! often is the worker's business.

use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;
use moka::sync::Cache;
use tributary_domain::clock::Timestamp;
use tributary_domain::delivery::QueueClass;
use tributary_domain::endpoint::RetrySchedule;
use tributary_domain::event::EventType;
use tributary_domain::ids::{AlarmId, DeliveryId, EndpointId, EndpointSecretId, TenantId};
use tributary_domain::rehearsal::{self, CrashPoint, Sabotage, crash_point, is_broken};
use tributary_domain::tenant::Mode;
use tributary_storage::alarms::{self, Alarm};
pub use tributary_storage::deliveries::claim::DueLane;
use tributary_storage::deliveries::claim::{self, ClaimRequest, Claimed, Lease, Unreadable};
use tributary_storage::deliveries::completion::{self, Completed, Completion, Health, Next};
use tributary_storage::deliveries::parcel::{self, Parcel};
use tributary_storage::deliveries::{LoggedAttempt, Timing};
use tributary_storage::endpoints::{self, StoredSecret};
use tributary_storage::{StorageError, Tx};
use tributary_webhooks::{Attempt, CustomHeaders, Delivery, Outcome, Schedule, Secret};

use crate::endpoints::secret_place;
use crate::{OperationError, Operations};

/// Longer than a whole attempt with the database's time-outs around it.
const LEASE_MS: i64 = 60_000;
/// Claimed more often than this without a recorded attempt, a delivery is thought to kill its worker.
const CLAIMS_MAX: i64 = 5;
const OWN_FAULT_PAUSE_MS: i64 = 60_000;
const OWN_FAULT_PAUSE_MAX_MS: i64 = 3_600_000;
const LANES_PER_CLAIM: u64 = 64;
const CACHED_SECRETS_MAX: u64 = 10_000;
const CACHED_SECRET_AGE: Duration = Duration::from_mins(5);

/// A name for a worker that no other one has.
pub fn new_node_name() -> String {
    format!("node-{:016x}", rand::random::<u64>())
}

/// How much may be claimed.
#[derive(Clone, Debug)]
pub struct Wish<'a> {
    /// Only these lanes; without them every lane is looked at.
    pub lanes: Option<&'a [EndpointId]>,
    /// At most this many deliveries.
    pub limit: usize,
    /// At most this many of one tenant in flight.
    pub tenant_cap: usize,
    /// What is in flight already, by tenant.
    pub in_flight: &'a HashMap<TenantId, usize>,
}

/// What a claim brought.
#[derive(Debug, Default)]
pub struct Load {
    /// What is to be sent.
    pub outgoing: Vec<Outgoing>,
    /// The lanes that were looked into; they may have more.
    pub due_lanes: Vec<DueLane>,
    /// Lanes that were not looked into as far as they had room, because the limit was reached.
    pub left_lanes: Vec<EndpointId>,
}

/// One claimed delivery with everything needed to send it.
#[derive(Clone, Debug)]
pub struct Outgoing {
    claimed: Claimed,
    parcel: Parcel,
    secrets: Vec<Secret>,
    headers: CustomHeaders,
}

/// What one attempt brought, on its way into the log.
#[derive(Clone, Debug)]
pub struct Report(Completion);

/// Sends deliveries under one name.
#[derive(Debug)]
pub struct Courier {
    operations: Operations,
    name: String,
    // By the id of the secret's row, whose content never changes; which secrets are alive is read every time.
    secrets: Cache<EndpointSecretId, Secret>,
}

impl Outgoing {
    /// Which delivery it is.
    pub fn delivery_id(&self) -> &DeliveryId {
        &self.claimed.lease.delivery_id
    }

    /// Whose delivery it is.
    pub fn tenant_id(&self) -> &TenantId {
        &self.claimed.tenant_id
    }

    /// Whom it goes to.
    pub fn endpoint_id(&self) -> &EndpointId {
        &self.claimed.endpoint_id
    }
}

impl Report {
    /// Which delivery it was.
    pub fn delivery_id(&self) -> &DeliveryId {
        &self.0.lease.delivery_id
    }

    /// Whose delivery it was.
    pub fn tenant_id(&self) -> &TenantId {
        &self.0.tenant_id
    }

    /// Whom it went to.
    pub fn endpoint_id(&self) -> &EndpointId {
        &self.0.endpoint_id
    }
}

impl Courier {
    /// Makes a courier; its name must differ from that of every other one on the same database.
    pub fn new(operations: Operations, name: String) -> Self {
        let secrets = Cache::builder()
            .max_capacity(CACHED_SECRETS_MAX)
            .time_to_live(CACHED_SECRET_AGE)
            .build();
        Self {
            operations,
            name,
            secrets,
        }
    }

    /// Waits until a commit in this process made something due.
    pub async fn lanes_hinted(&self) {
        self.operations.storage().signals().lanes_hinted().await;
    }

    /// Says that these lanes may have more.
    pub fn hint_lanes(&self, lanes: impl IntoIterator<Item = EndpointId>) {
        self.operations.storage().signals().hint_lanes(lanes);
    }

    /// Takes lanes that commits in this process made due.
    pub fn take_hinted_lanes(&self) -> Vec<EndpointId> {
        let limit = usize::try_from(LANES_PER_CLAIM).unwrap_or(usize::MAX);
        self.operations.storage().signals().take_lanes(limit)
    }

    /// Claims due deliveries and gathers what is needed to send them.
    pub async fn claim(&self, wish: &Wish<'_>) -> Result<Load, OperationError> {
        let now = self.operations.now();
        let storage = self.operations.storage();
        let cap = wish.tenant_cap;
        let room = |used: &usize| to_i64(cap.saturating_sub(*used));
        let rooms: HashMap<TenantId, i64> = wish
            .in_flight
            .iter()
            .map(|(tenant, used)| (tenant.clone(), room(used)))
            .collect();
        let request = ClaimRequest {
            owner: &self.name,
            lanes: wish.lanes,
            max_lanes: LANES_PER_CLAIM,
            limit: to_i64(wish.limit),
            tenant_room: &rooms,
            tenant_room_default: to_i64(cap),
            lease_ms: if is_broken(Sabotage::EndlessLease) {
                LEASE_MS.saturating_mul(1_000_000)
            } else {
                LEASE_MS
            },
        };
        let tx = storage.begin().await?;
        let batch = claim::claim_all_tenants(&tx, &request).await?;
        let mut load = Load {
            outgoing: Vec::new(),
            due_lanes: batch.due_lanes,
            left_lanes: batch.left_lanes,
        };
        let is_empty = batch.claimed.is_empty() && batch.unreadable.is_empty();
        if is_empty && !batch.has_more_lanes {
            // The lanes that were looked at must be free for whoever looks next.
            tx.rollback().await?;
            return Ok(load);
        }
        give_up_unreadable(&tx, &batch.unreadable, now).await?;
        crash_point(CrashPoint::ClaimBeforeCommit);
        tx.commit().await?;
        crash_point(CrashPoint::ClaimAfterCommit);
        for row in &batch.unreadable {
            metrics::counter!("tributary_webhook_quarantined_total").increment(1);
            tracing::error!(delivery.id = %row.delivery_id, "a delivery cannot be read; it is sent no more");
        }
        load.outgoing = self.gather(batch.claimed, now).await?;
        Ok(load)
    }

    async fn gather(
        &self,
        claimed: Vec<Claimed>,
        now: Timestamp,
    ) -> Result<Vec<Outgoing>, OperationError> {
        let claimed = self.without_poison(claimed, now).await?;
        if claimed.is_empty() {
            return Ok(Vec::new());
        }
        let storage = self.operations.storage();
        let ids: Vec<DeliveryId> = claimed
            .iter()
            .map(|row| row.lease.delivery_id.clone())
            .collect();
        let parcels = parcel::parcels_all_tenants(storage, &ids).await?;
        let mut parcels = readable(parcels);
        let secrets = self.secrets_of(&claimed, now).await?;
        let mut outgoing = Vec::with_capacity(claimed.len());
        for claimed in claimed {
            // Its endpoint was deleted since the claim, and the delivery cancelled; or nobody can read it.
            let Some(parcel) = parcels.remove(&claimed.lease.delivery_id) else {
                continue;
            };
            let any = || is_broken(Sabotage::AnySecret).then(|| secrets.values().next())?;
            let known = any().or(secrets.get(&claimed.endpoint_id)).cloned();
            // Without its headers it may not go out, and nothing goes out unsigned.
            let (headers, secrets) = match self.headers_of(&claimed, &parcel).await {
                Some(headers) => (headers, known.unwrap_or_default()),
                None => (CustomHeaders::default(), Vec::new()),
            };
            outgoing.push(Outgoing {
                claimed,
                parcel,
                secrets,
                headers,
            });
        }
        Ok(outgoing)
    }

    /// Opens what the tenant adds; nothing when that fails, which is our own fault.
    async fn headers_of(&self, claimed: &Claimed, parcel: &Parcel) -> Option<CustomHeaders> {
        let Some(sealed) = &parcel.sealed_headers else {
            return Some(CustomHeaders::default());
        };
        let (tenant, endpoint) = (&claimed.tenant_id, &claimed.endpoint_id);
        let opened = self.operations.open_headers(tenant, endpoint, sealed).await;
        opened
            .inspect_err(|error| {
                tracing::error!(endpoint.id = %endpoint, error = error as &dyn std::error::Error,
                    "the headers of a webhook endpoint cannot be opened");
            })
            .ok()
    }

    /// Takes out what was claimed again and again although nobody lived to report on it.
    async fn without_poison(
        &self,
        claimed: Vec<Claimed>,
        now: Timestamp,
    ) -> Result<Vec<Claimed>, OperationError> {
        let (poison, sound): (Vec<_>, Vec<_>) =
            claimed.into_iter().partition(|row| row.claims > CLAIMS_MAX);
        for row in poison {
            let tx = self.operations.storage().begin().await?;
            completion::quarantine(&tx, &row.tenant_id, &row.lease, now).await?;
            let tenant = Some(row.tenant_id.clone());
            let alarm = alarm_about(row.lease.delivery_id.as_str(), tenant, now);
            alarms::insert(&tx, &alarm).await?;
            tx.commit().await?;
            metrics::counter!("tributary_webhook_quarantined_total").increment(1);
            tracing::error!(delivery.id = %row.lease.delivery_id, tenant.id = %row.tenant_id,
                "a delivery was claimed again and again without a result; it is sent no more");
        }
        Ok(sound)
    }

    /// Opens the live secrets of all endpoints in a load, newest first.
    async fn secrets_of(
        &self,
        claimed: &[Claimed],
        now: Timestamp,
    ) -> Result<HashMap<EndpointId, Vec<Secret>>, OperationError> {
        let mut owners: Vec<(TenantId, EndpointId)> = claimed
            .iter()
            .map(|row| (row.tenant_id.clone(), row.endpoint_id.clone()))
            .collect();
        owners.sort();
        owners.dedup();
        let storage = self.operations.storage();
        let stored = endpoints::live_secrets_all_tenants(storage, &owners, now).await?;
        let mut secrets: HashMap<EndpointId, Vec<Secret>> = HashMap::new();
        for row in stored {
            match self.open(&row).await {
                Ok(secret) => secrets.entry(row.endpoint_id).or_default().push(secret),
                // The endpoint's deliveries fail as our own fault; the others go on.
                Err(error) => {
                    tracing::error!(endpoint.id = %row.endpoint_id, secret.id = %row.id,
                        error = &error as &dyn std::error::Error, "a webhook secret cannot be opened");
                }
            }
        }
        Ok(secrets)
    }

    async fn open(&self, row: &StoredSecret) -> Result<Secret, OperationError> {
        if let Some(known) = self.secrets.get(&row.id) {
            return Ok(known);
        }
        let (storage, owner) = (self.operations.storage(), row.tenant_id.as_str());
        let place = secret_place(&row.id);
        let plain = self
            .operations
            .sealing()
            .open(storage, owner, &place, &row.sealed)
            .await?;
        let malformed = || OperationError::Internal(format!("secret {} is malformed", row.id));
        let text = std::str::from_utf8(&plain).map_err(|_| malformed())?;
        let secret = Secret::parse(text).map_err(|_| malformed())?;
        self.secrets.insert(row.id.clone(), secret.clone());
        Ok(secret)
    }

    /// Makes one attempt; no database is involved.
    pub async fn deliver(&self, outgoing: &Outgoing) -> Report {
        let started_at = self.operations.now();
        let (claimed, parcel) = (&outgoing.claimed, &outgoing.parcel);
        let number = parcel.attempts.saturating_add(1);
        let delivery = Delivery {
            url: parcel.url.clone(),
            event_id: parcel.event_id.to_string(),
            event_type: parcel.event_kind.clone(),
            attempt: u32::try_from(number).unwrap_or(u32::MAX),
            delivery_id: claimed.lease.delivery_id.to_string(),
            endpoint_id: claimed.endpoint_id.to_string(),
            replay: claimed.class != QueueClass::Scheduled,
            livemode: parcel.mode == Mode::Live,
            body: Bytes::from(parcel.body.clone().into_bytes()),
            secrets: outgoing.secrets.clone(),
            timestamp: started_at.as_seconds(),
            headers: outgoing.headers.clone(),
            timeout_ms: parcel.timeout_ms.and_then(|ms| u64::try_from(ms).ok()),
        };
        let attempt = self.operations.sender().send(&delivery).await;
        crash_point(CrashPoint::DeliveryAnswered);
        count(&attempt);
        let next = next_of(claimed, parcel.schedule, number, attempt.outcome);
        Report(Completion {
            lease: claimed.lease.clone(),
            tenant_id: claimed.tenant_id.clone(),
            endpoint_id: claimed.endpoint_id.clone(),
            url: parcel.url.clone(),
            health: health_of(attempt.outcome),
            too_long: attempt.outcome == Outcome::TooLarge,
            attempt: logged(outgoing, attempt, number, started_at),
            next,
        })
    }

    /// Records attempts, all in one transaction; reports whose claim has ended are refused and counted.
    pub async fn record(&self, reports: &[Report]) -> Result<Completed, OperationError> {
        let completions: Vec<Completion> = reports.iter().map(|report| report.0.clone()).collect();
        let tx = self.operations.storage().begin().await?;
        let now = self.operations.now();
        let completed = completion::complete_all_tenants(&tx, &completions, now).await?;
        crash_point(CrashPoint::RecordBeforeCommit);
        tx.commit().await?;
        crash_point(CrashPoint::RecordAfterCommit);
        if completed.stale > 0 {
            metrics::counter!("tributary_webhook_stale_completions_total")
                .increment(u64::try_from(completed.stale).unwrap_or(u64::MAX));
            tracing::warn!(
                count = completed.stale,
                "results came after their claims had ended"
            );
        }
        Ok(completed)
    }

    /// Gives claims back unused, so that another courier need not wait for their end.
    pub async fn give_back(&self, outgoing: &[Outgoing]) -> Result<(), OperationError> {
        let leases: Vec<Lease> = outgoing
            .iter()
            .map(|outgoing| outgoing.claimed.lease.clone())
            .collect();
        let tx = self.operations.storage().begin().await?;
        claim::release_all_tenants(&tx, &leases).await?;
        tx.commit().await?;
        Ok(())
    }
}

/// Decides what becomes of a delivery.
fn next_of(claimed: &Claimed, schedule: RetrySchedule, number: i64, outcome: Outcome) -> Next {
    let retry_after_ms = match outcome {
        Outcome::Delivered => return Next::Succeeded,
        Outcome::Gone | Outcome::Disabled => return Next::Held,
        Outcome::Aborted => return Next::Cancelled,
        Outcome::Overloaded { retry_after_ms } => retry_after_ms,
        Outcome::Failed { class } if class.is_ours() => {
            let delay_ms = own_fault_pause_ms(number);
            return Next::Unspent { delay_ms };
        }
        Outcome::TooLarge | Outcome::Failed { .. } => None,
    };
    let position = claimed.position;
    // The delay that leads to the next attempt is counted from the attempt before it.
    let (failed, next) = match claimed.class {
        QueueClass::Scheduled => (position, position.saturating_add(1)),
        QueueClass::Hurried => (position.saturating_sub(1).max(1), position),
        QueueClass::Replay => return Next::Failed,
    };
    let failed = u32::try_from(failed).unwrap_or(u32::MAX);
    let schedule = match schedule {
        RetrySchedule::Standard => Schedule::standard(),
        RetrySchedule::Wechat => Schedule::wechat(),
    };
    match schedule.next_delay_ms(failed, rehearsal::draw_or(rand::random), retry_after_ms) {
        Some(delay) => Next::Again {
            delay_ms: i64::try_from(delay).unwrap_or(i64::MAX),
            position: next,
        },
        None => Next::Failed,
    }
}

/// The parcels by their delivery. What cannot be read is claimed again until it is quarantined.
fn readable(parcels: Vec<Result<Parcel, StorageError>>) -> HashMap<DeliveryId, Parcel> {
    let sound = parcels.into_iter().filter_map(|parcel| {
        parcel
            .inspect_err(|error| {
                tracing::error!(
                    error = error as &dyn std::error::Error,
                    "what is to be delivered cannot be read"
                );
            })
            .ok()
    });
    sound
        .map(|parcel| (parcel.delivery_id.clone(), parcel))
        .collect()
}

/// One row that nobody can read must not keep the others waiting; a person looks at it.
async fn give_up_unreadable(
    tx: &Tx,
    unreadable: &[Unreadable],
    now: Timestamp,
) -> Result<(), StorageError> {
    for row in unreadable {
        completion::give_up(tx, row, now).await?;
        let alarm = alarm_about(&row.delivery_id, row.tenant_id.parse().ok(), now);
        alarms::insert(tx, &alarm).await?;
    }
    Ok(())
}

fn alarm_about(delivery_id: &str, tenant_id: Option<TenantId>, now: Timestamp) -> Alarm {
    Alarm {
        id: AlarmId::new(now),
        raised_at: now,
        kind: "delivery_quarantined".to_owned(),
        tenant_id,
        provider_id: None,
        order_id: None,
        detail: serde_json::json!({ "delivery_id": delivery_id }).to_string(),
    }
}

/// A fault of ours costs the tenant nothing of the schedule; the longer it lasts, the rarer it is logged.
fn own_fault_pause_ms(attempts: i64) -> i64 {
    attempts
        .saturating_mul(OWN_FAULT_PAUSE_MS)
        .min(OWN_FAULT_PAUSE_MAX_MS)
}

fn health_of(outcome: Outcome) -> Health {
    match outcome {
        Outcome::Delivered => Health::Good,
        Outcome::Gone => Health::Disable("gone"),
        Outcome::Disabled => Health::Disable("receiver"),
        Outcome::Aborted => Health::Unknown,
        Outcome::Overloaded { .. } => Health::Overloaded,
        Outcome::Failed { class } if class.is_ours() => Health::Unknown,
        Outcome::TooLarge | Outcome::Failed { .. } => Health::Bad,
    }
}

fn logged(
    outgoing: &Outgoing,
    attempt: Attempt,
    number: i64,
    started_at: Timestamp,
) -> LoggedAttempt {
    let is_test = outgoing.parcel.event_kind == EventType::Ping.as_str();
    let class = outgoing.claimed.class;
    LoggedAttempt {
        number,
        trigger: if is_test { "test" } else { class.trigger() }.to_owned(),
        started_at,
        duration_ms: to_ms(attempt.duration_ms),
        status: attempt.status.map(i64::from),
        error_class: attempt.error_class.map(|class| class.as_str().to_owned()),
        response_headers: Some(attempt.response_headers).filter(|lines| !lines.is_empty()),
        response_body: Some(attempt.response_body.to_vec()).filter(|body| !body.is_empty()),
        remote_ip: attempt.remote_ip.map(|address| address.to_string()),
        request_headers: Some(attempt.request_headers).filter(|lines| !lines.is_empty()),
        timing: Timing {
            dns_ms: attempt.dns_ms.map(to_ms),
            connect_ms: attempt.connect_ms.map(to_ms),
            tls_ms: attempt.tls_ms.map(to_ms),
            first_byte_ms: attempt.first_byte_ms.map(to_ms),
        },
        tls_version: attempt.tls_version.map(str::to_owned),
    }
}

fn count(attempt: &Attempt) {
    let outcome = attempt
        .error_class
        .map_or("delivered", |class| class.as_str());
    metrics::counter!("tributary_webhook_attempts_total", "outcome" => outcome).increment(1);
    #[expect(
        clippy::cast_precision_loss,
        reason = "a histogram of milliseconds needs no exactness"
    )]
    let seconds = attempt.duration_ms as f64 / 1_000.0;
    metrics::histogram!("tributary_webhook_attempt_seconds").record(seconds);
}

fn to_ms(length: u64) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}

fn to_i64(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
