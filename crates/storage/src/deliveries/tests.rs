//! Deliveries on both databases, one file per side of them. Here is what the files share.

use std::collections::{HashMap, HashSet};

use tributary_domain::clock::ManualClock;
use tributary_domain::delivery::QueueClass;
use tributary_domain::endpoint::{Endpoint, EndpointState, PayloadMode, RetrySchedule};
use tributary_domain::event::{API_VERSION, EventType, NewEvent, Subject};

use super::claim::{ClaimRequest, Claimed, DueLane, Lease, Unreadable, claim_all_tenants};
use super::completion::{
    Completed, Completion, Health, Next, complete_all_tenants, give_up, quarantine,
};
use super::parcel::parcels_all_tenants;
use super::*;
use crate::test_database::on_both;
use crate::{Storage, endpoints, feed, outbox, tenancy};

const START: Timestamp = Timestamp::from_millis(1_800_000_000_000);
const LEASE_MS: i64 = 60_000;

mod claiming;
mod completing;
mod holding;
mod reading;

fn tenant() -> TenantId {
    TenantId::new(START)
}

async fn endpoint(storage: &Storage, tenant: &TenantId, filters: &[&str]) -> Endpoint {
    endpoint_in(storage, tenant, Mode::Test, filters, EndpointState::Enabled).await
}

async fn endpoint_in(
    storage: &Storage,
    tenant: &TenantId,
    mode: Mode,
    filters: &[&str],
    state: EndpointState,
) -> Endpoint {
    let endpoint = Endpoint {
        id: EndpointId::new(START),
        tenant_id: tenant.clone(),
        mode,
        url: "https://shop.example.com/hook".to_owned(),
        description: String::new(),
        filters: filters.iter().map(|&filter| filter.to_owned()).collect(),
        sub_mchids: Vec::new(),
        payload: PayloadMode::Full,
        schedule: RetrySchedule::Standard,
        api_version: API_VERSION.to_owned(),
        ordered: false,
        timeout_ms: None,
        header_names: Vec::new(),
        state,
        disabled_reason: None,
        consecutive_failures: 0,
        failing_since: None,
        last_success_at: None,
        created_at: START,
        updated_at: START,
    };
    let tx = at(storage, START).begin().await.unwrap();
    endpoints::insert(&tx, &endpoint).await.unwrap();
    tx.commit().await.unwrap();
    endpoint
}

fn event(tenant: &TenantId, mode: Mode, subject: &str, seq: i64) -> NewEvent {
    NewEvent {
        id: EventId::new(START),
        tenant_id: tenant.clone(),
        mode,
        kind: EventType::OrderPaid,
        subject: Subject {
            kind: "order",
            id: subject.to_owned(),
        },
        seq,
        occurred_at: START,
        recorded_at: START,
        dedupe_key: format!("{subject}:{seq}"),
        sub_mchid: Some("1900000109".to_owned()),
        body: format!("{{\"seq\":{seq}}}"),
        thin_body: format!("{{\"thin\":{seq}}}"),
    }
}

/// The same database at another time.
fn at(storage: &Storage, now: Timestamp) -> Storage {
    storage
        .clone()
        .with_lease_clock(ManualClock::starting_at(now))
}

async fn append(storage: &Storage, event: &NewEvent) -> outbox::FanOut {
    let tx = at(storage, START).begin().await.unwrap();
    let fan_out = outbox::append(&tx, event).await.unwrap();
    tx.commit().await.unwrap();
    fan_out
}

async fn append_many(storage: &Storage, tenant: &TenantId, count: i64) {
    let tx = at(storage, START).begin().await.unwrap();
    for seq in 1..=count {
        outbox::append(&tx, &event(tenant, Mode::Test, "ord_1", seq))
            .await
            .unwrap();
    }
    tx.commit().await.unwrap();
}

fn request(rooms: &HashMap<TenantId, i64>) -> ClaimRequest<'_> {
    ClaimRequest {
        owner: "worker-1",
        lanes: None,
        max_lanes: 64,
        limit: 512,
        tenant_room: rooms,
        tenant_room_default: 1_000,
        lease_ms: LEASE_MS,
    }
}

async fn claim_at(storage: &Storage, now: Timestamp) -> Vec<Claimed> {
    let rooms = HashMap::new();
    let tx = at(storage, now).begin().await.unwrap();
    let batch = claim_all_tenants(&tx, &request(&rooms)).await.unwrap();
    tx.commit().await.unwrap();
    batch.claimed
}

fn report(claimed: &Claimed, next: Next, health: Health) -> Completion {
    let failed = health != Health::Good;
    Completion {
        lease: claimed.lease.clone(),
        tenant_id: claimed.tenant_id.clone(),
        endpoint_id: claimed.endpoint_id.clone(),
        url: "https://shop.example.com/hook".to_owned(),
        attempt: LoggedAttempt {
            number: 1,
            trigger: claimed.class.trigger().to_owned(),
            started_at: START,
            duration_ms: 12,
            status: Some(if failed { 500 } else { 200 }),
            error_class: failed.then(|| "status_5xx".to_owned()),
            response_headers: Some("server: x\n".to_owned()),
            response_body: Some(vec![0, 255]),
            remote_ip: Some("192.0.2.1".to_owned()),
            request_headers: Some("webhook-id: evt_1\n".to_owned()),
            timing: Timing {
                dns_ms: Some(1),
                connect_ms: Some(2),
                tls_ms: Some(3),
                first_byte_ms: Some(10),
            },
            tls_version: Some("1.3".to_owned()),
        },
        next,
        health,
        too_long: false,
    }
}

async fn complete(storage: &Storage, reports: &[Completion], now: Timestamp) -> Completed {
    let tx = at(storage, now).begin().await.unwrap();
    let completed = complete_all_tenants(&tx, reports, now).await.unwrap();
    tx.commit().await.unwrap();
    completed
}

async fn all(storage: &Storage, tenant: &TenantId) -> Vec<Delivery> {
    list(
        storage,
        tenant,
        Mode::Test,
        &DeliveryFilter::default(),
        None,
        1_000,
    )
    .await
    .unwrap()
}

async fn states(storage: &Storage, tenant: &TenantId) -> Vec<DeliveryState> {
    all(storage, tenant)
        .await
        .into_iter()
        .map(|delivery| delivery.state)
        .collect()
}

async fn endpoint_now(storage: &Storage, endpoint: &Endpoint) -> Endpoint {
    endpoints::find(storage, &endpoint.tenant_id, endpoint.mode, &endpoint.id)
        .await
        .unwrap()
        .unwrap()
}

async fn sequence(storage: &Storage, limit: u64) -> usize {
    let tx = at(storage, START).begin().await.unwrap();
    let count = feed::sequence_all_tenants(&tx, limit).await.unwrap();
    tx.commit().await.unwrap();
    count
}
