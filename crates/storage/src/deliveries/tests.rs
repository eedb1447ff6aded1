//! Fan-out, claims, completions, holding and the feed, on both databases.

use std::collections::{HashMap, HashSet};

use tributary_domain::delivery::QueueClass;
use tributary_domain::endpoint::{Endpoint, EndpointState};
use tributary_domain::event::{EventType, NewEvent, Subject};

use super::claim::{ClaimRequest, Claimed, DueLane, Lease, claim_all_tenants, parcels_all_tenants};
use super::completion::{Completed, Completion, Health, Next, complete_all_tenants, quarantine};
use super::*;
use crate::test_database::on_both;
use crate::{Storage, endpoints, feed, outbox};

const START: Timestamp = Timestamp::from_millis(1_800_000_000_000);
const LEASE_MS: i64 = 60_000;

on_both! {
    an_event_fans_out_to_matching_endpoints_of_its_mode => fans_out;
    an_effect_is_told_once => told_once;
    a_lane_never_has_more_in_flight_than_its_cap => lane_cap;
    concurrent_claimers_share_a_lane_without_passing_its_cap => concurrent_claimers;
    a_paused_lane_gives_nothing => paused_lane;
    a_tenant_has_only_its_room => tenant_room;
    a_claimer_takes_no_more_than_its_room_and_names_what_it_left => claimer_room;
    only_hinted_lanes_are_looked_at_when_hints_are_given => hinted_lanes;
    a_success_finishes_and_a_failure_comes_back_at_its_time => completes;
    a_straggler_is_refused_after_its_lease_was_claimed_again => straggler;
    one_batch_judges_each_row_by_its_own_fence => mixed_batch;
    gone_disables_the_endpoint_and_holds_what_waits => gone;
    held_deliveries_come_back_when_the_endpoint_does => released;
    failures_are_counted_and_a_success_ends_them => health;
    an_overloaded_lane_is_halved_and_never_closed => overloaded;
    a_delivery_in_flight_cannot_be_resent => resend_in_flight;
    a_finished_delivery_can_be_replayed => replayed;
    an_open_delivery_can_be_hurried => hurried;
    a_poisonous_delivery_is_taken_out => poison;
    unused_claims_go_back_at_once => released_claims;
    a_deleted_endpoint_leaves_cancelled_deliveries => deleted_endpoint;
    a_delivery_queued_while_its_endpoint_went_is_cancelled => orphan;
    what_is_held_although_its_endpoint_is_served_is_released => forgotten;
    the_feed_has_no_holes_and_keeps_a_subjects_order => feed_order;
    feeds_of_tenants_and_modes_are_apart => feeds_apart;
    what_is_old_is_deleted => retention;
    lists_are_filtered_and_stay_with_their_tenant => lists;
}

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
        state,
        disabled_reason: None,
        consecutive_failures: 0,
        failing_since: None,
        last_success_at: None,
        created_at: START,
        updated_at: START,
    };
    let tx = storage.begin().await.unwrap();
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
        body: format!("{{\"seq\":{seq}}}"),
    }
}

async fn append(storage: &Storage, event: &NewEvent) -> outbox::FanOut {
    let tx = storage.begin().await.unwrap();
    let fan_out = outbox::append(&tx, event).await.unwrap();
    tx.commit().await.unwrap();
    fan_out
}

async fn append_many(storage: &Storage, tenant: &TenantId, count: i64) {
    let tx = storage.begin().await.unwrap();
    for seq in 1..=count {
        outbox::append(&tx, &event(tenant, Mode::Test, "ord_1", seq))
            .await
            .unwrap();
    }
    tx.commit().await.unwrap();
}

fn request(rooms: &HashMap<TenantId, i64>, now: Timestamp) -> ClaimRequest<'_> {
    ClaimRequest {
        owner: "worker-1",
        lanes: None,
        max_lanes: 64,
        limit: 512,
        tenant_room: rooms,
        tenant_room_default: 1_000,
        now,
        lease_until: now.plus_millis(LEASE_MS),
    }
}

async fn claim_at(storage: &Storage, now: Timestamp) -> Vec<Claimed> {
    let rooms = HashMap::new();
    let tx = storage.begin().await.unwrap();
    let batch = claim_all_tenants(&tx, &request(&rooms, now)).await.unwrap();
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
        },
        next,
        health,
    }
}

async fn complete(storage: &Storage, reports: &[Completion], now: Timestamp) -> Completed {
    let tx = storage.begin().await.unwrap();
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

async fn fans_out(storage: &Storage) {
    let (mine, other) = (tenant(), tenant());
    let wanted = endpoint(storage, &mine, &["order.*"]).await;
    let all_types = endpoint(storage, &mine, &["*"]).await;
    endpoint(storage, &mine, &["ping"]).await;
    endpoint(storage, &other, &["*"]).await;
    endpoint_in(storage, &mine, Mode::Live, &["*"], EndpointState::Enabled).await;
    let paused = endpoint_in(storage, &mine, Mode::Test, &["*"], EndpointState::Paused).await;
    storage.signals().take_lanes(100);

    append(storage, &event(&mine, Mode::Test, "ord_1", 1)).await;
    let made = all(storage, &mine).await;
    let of = |endpoint: &Endpoint| made.iter().find(|made| made.endpoint_id == endpoint.id);
    assert_eq!(made.len(), 3);
    assert_eq!(of(&wanted).unwrap().state, DeliveryState::Open);
    assert_eq!(of(&all_types).unwrap().next_attempt_at, Some(START));
    assert_eq!(of(&paused).unwrap().state, DeliveryState::Held);
    assert_eq!(of(&paused).unwrap().next_attempt_at, None);
    let hinted: HashSet<EndpointId> = storage.signals().take_lanes(100).into_iter().collect();
    assert_eq!(hinted, HashSet::from([wanted.id, all_types.id]));
}

async fn told_once(storage: &Storage) {
    let mine = tenant();
    endpoint(storage, &mine, &["*"]).await;
    append(storage, &event(&mine, Mode::Test, "ord_1", 1)).await;
    let tx = storage.begin().await.unwrap();
    let again = NewEvent {
        seq: 2,
        ..event(&mine, Mode::Test, "ord_1", 1)
    };
    assert!(
        outbox::append(&tx, &again)
            .await
            .unwrap_err()
            .is_duplicate()
    );
    drop(tx);
    assert_eq!(all(storage, &mine).await.len(), 1);
}

async fn lane_cap(storage: &Storage) {
    let mine = tenant();
    endpoint(storage, &mine, &["*"]).await;
    append_many(storage, &mine, 20).await;
    let first = claim_at(storage, START).await;
    assert_eq!(first.len(), 8);
    assert!(claim_at(storage, START).await.is_empty());
    complete(
        storage,
        &[report(&first[0], Next::Succeeded, Health::Good)],
        START,
    )
    .await;
    assert_eq!(claim_at(storage, START).await.len(), 1);
}

async fn concurrent_claimers(storage: &Storage) {
    let mine = tenant();
    endpoint(storage, &mine, &["*"]).await;
    append_many(storage, &mine, 60).await;
    let claims = (0..6).map(|_| {
        let storage = storage.clone();
        tokio::spawn(async move { claim_at(&storage, START).await })
    });
    let mut seen = HashSet::new();
    for claimed in claims.collect::<Vec<_>>() {
        for claimed in claimed.await.unwrap() {
            assert!(seen.insert(claimed.lease.delivery_id), "claimed twice");
        }
    }
    assert_eq!(seen.len(), 8);
}

async fn paused_lane(storage: &Storage) {
    let mine = tenant();
    let mut endpoint = endpoint(storage, &mine, &["*"]).await;
    append_many(storage, &mine, 1).await;
    endpoint.state = EndpointState::Paused;
    let tx = storage.begin().await.unwrap();
    endpoints::update(&tx, &endpoint).await.unwrap();
    tx.commit().await.unwrap();
    assert!(claim_at(storage, START).await.is_empty());
}

async fn tenant_room(storage: &Storage) {
    let (mine, other) = (tenant(), tenant());
    for _ in 0..3 {
        endpoint(storage, &mine, &["*"]).await;
    }
    endpoint(storage, &other, &["*"]).await;
    append_many(storage, &mine, 8).await;
    append_many(storage, &other, 8).await;
    let rooms = HashMap::from([(mine.clone(), 10)]);
    let tx = storage.begin().await.unwrap();
    let batch = claim_all_tenants(&tx, &request(&rooms, START))
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let count = |tenant: &TenantId| {
        batch
            .claimed
            .iter()
            .filter(|row| row.tenant_id == *tenant)
            .count()
    };
    assert_eq!((count(&mine), count(&other)), (10, 8));
    assert_eq!(batch.due_lanes.len(), 4);
}

async fn hinted_lanes(storage: &Storage) {
    let mine = tenant();
    let first = endpoint(storage, &mine, &["*"]).await;
    endpoint(storage, &mine, &["*"]).await;
    append_many(storage, &mine, 20).await;
    let rooms = HashMap::new();
    let lanes = [first.id.clone()];
    let hinted = ClaimRequest {
        lanes: Some(&lanes),
        ..request(&rooms, START)
    };
    let tx = storage.begin().await.unwrap();
    let batch = claim_all_tenants(&tx, &hinted).await.unwrap();
    tx.commit().await.unwrap();
    assert!(batch.claimed.iter().all(|row| row.endpoint_id == first.id));
    let lane = DueLane {
        tenant_id: mine,
        endpoint_id: first.id,
        max_in_flight: 8,
    };
    assert_eq!((batch.claimed.len(), batch.due_lanes), (8, vec![lane]));
    assert!(batch.left_lanes.is_empty());
}

async fn claimer_room(storage: &Storage) {
    let mine = tenant();
    for _ in 0..3 {
        endpoint(storage, &mine, &["*"]).await;
    }
    append_many(storage, &mine, 8).await;
    let rooms = HashMap::new();
    let narrow = ClaimRequest {
        limit: 10,
        ..request(&rooms, START)
    };
    let tx = storage.begin().await.unwrap();
    let batch = claim_all_tenants(&tx, &narrow).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(batch.claimed.len(), 10);
    assert_eq!((batch.due_lanes.len(), batch.left_lanes.len()), (1, 2));
}

async fn completes(storage: &Storage) {
    let mine = tenant();
    let endpoint = endpoint(storage, &mine, &["*"]).await;
    append_many(storage, &mine, 2).await;
    let claimed = claim_at(storage, START).await;
    let parcels: Vec<DeliveryId> = claimed
        .iter()
        .map(|row| row.lease.delivery_id.clone())
        .collect();
    let parcels = parcels_all_tenants(storage, &parcels).await.unwrap();
    assert_eq!(parcels.len(), 2);
    assert_eq!(parcels[0].url, endpoint.url);
    assert!(parcels[0].body.starts_with("{\"seq\":"));

    let later = START.plus_millis(5_000);
    let again = Next::Again {
        at: later,
        position: 2,
    };
    let reports = [
        report(&claimed[0], Next::Succeeded, Health::Good),
        report(&claimed[1], again, Health::Bad),
    ];
    let completed = complete(storage, &reports, START).await;
    assert_eq!(
        completed,
        Completed {
            accepted: 2,
            stale: 0
        }
    );

    let find = |id: &DeliveryId| {
        let (mine, id) = (mine.clone(), id.clone());
        async move {
            find(storage, &mine, Mode::Test, &id)
                .await
                .unwrap()
                .unwrap()
        }
    };
    let done = find(&claimed[0].lease.delivery_id).await;
    assert_eq!((done.state, done.attempts), (DeliveryState::Succeeded, 1));
    assert_eq!(
        (done.last_status, done.finished_at),
        (Some(200), Some(START))
    );
    assert_eq!((done.last_error, done.next_attempt_at), (None, None));
    let open = find(&claimed[1].lease.delivery_id).await;
    assert_eq!((open.state, open.attempts), (DeliveryState::Open, 1));
    assert_eq!(open.next_attempt_at, Some(later));
    assert_eq!(open.last_error.as_deref(), Some("status_5xx"));

    let logged = attempts(storage, &mine, &open.id).await.unwrap();
    assert_eq!(logged, [reports[1].attempt.clone()]);
    assert!(claim_at(storage, later.plus_millis(-1)).await.is_empty());
    let second = claim_at(storage, later).await;
    assert_eq!(
        (second.len(), second[0].position, second[0].claims),
        (1, 2, 1)
    );
}

async fn straggler(storage: &Storage) {
    let mine = tenant();
    endpoint(storage, &mine, &["*"]).await;
    append_many(storage, &mine, 1).await;
    let slow = claim_at(storage, START).await;
    let after = START.plus_millis(LEASE_MS);
    assert!(claim_at(storage, after.plus_millis(-1)).await.is_empty());
    let fast = claim_at(storage, after).await;
    assert_eq!((fast.len(), fast[0].lease.fence, fast[0].claims), (1, 2, 2));

    let late = report(&slow[0], Next::Failed, Health::Bad);
    let refused = Completed {
        accepted: 0,
        stale: 1,
    };
    assert_eq!(
        complete(storage, std::slice::from_ref(&late), after).await,
        refused
    );
    assert_eq!(states(storage, &mine).await, [DeliveryState::Open]);
    complete(
        storage,
        &[report(&fast[0], Next::Succeeded, Health::Good)],
        after,
    )
    .await;
    assert_eq!(complete(storage, &[late], after).await, refused);
    assert_eq!(states(storage, &mine).await, [DeliveryState::Succeeded]);
}

async fn mixed_batch(storage: &Storage) {
    let mine = tenant();
    endpoint(storage, &mine, &["*"]).await;
    append_many(storage, &mine, 3).await;
    let claimed = claim_at(storage, START).await;
    let mut reports: Vec<Completion> = claimed
        .iter()
        .map(|row| report(row, Next::Succeeded, Health::Good))
        .collect();
    reports[1].lease = Lease {
        fence: 9,
        ..reports[1].lease.clone()
    };
    reports[2].lease = Lease {
        owner: "worker-2".to_owned(),
        ..reports[2].lease.clone()
    };
    let completed = complete(storage, &reports, START).await;
    assert_eq!(
        completed,
        Completed {
            accepted: 1,
            stale: 2
        }
    );
}

async fn gone(storage: &Storage) {
    let mine = tenant();
    let endpoint = endpoint(storage, &mine, &["*"]).await;
    append_many(storage, &mine, 10).await;
    let claimed = claim_at(storage, START).await;
    let health = Health::Disable("gone");
    complete(storage, &[report(&claimed[0], Next::Held, health)], START).await;
    let now = endpoint_now(storage, &endpoint).await;
    assert_eq!(now.state, EndpointState::Disabled);
    assert_eq!(now.disabled_reason.as_deref(), Some("gone"));
    let count = |state| {
        let mine = mine.clone();
        async move {
            states(storage, &mine)
                .await
                .into_iter()
                .filter(|s| *s == state)
                .count()
        }
    };
    // Seven more are in flight: their results still count.
    assert_eq!(count(DeliveryState::Held).await, 3);
    assert_eq!(count(DeliveryState::Open).await, 7);
    let last = report(&claimed[1], Next::Succeeded, Health::Good);
    assert_eq!(complete(storage, &[last], START).await.accepted, 1);
    append(storage, &event(&mine, Mode::Test, "ord_2", 1)).await;
    assert_eq!(count(DeliveryState::Held).await, 4);
    assert!(
        claim_at(storage, START.plus_millis(LEASE_MS))
            .await
            .is_empty()
    );
}

async fn released(storage: &Storage) {
    let mine = tenant();
    let mut endpoint = endpoint_in(storage, &mine, Mode::Test, &["*"], EndpointState::Paused).await;
    append_many(storage, &mine, 300).await;
    endpoint.state = EndpointState::Enabled;
    let tx = storage.begin().await.unwrap();
    endpoints::update(&tx, &endpoint).await.unwrap();
    assert_eq!(
        release_held(&tx, &mine, &endpoint.id, START).await.unwrap(),
        300
    );
    tx.commit().await.unwrap();
    assert_eq!(storage.signals().take_lanes(10), [endpoint.id]);
    assert!(
        states(storage, &mine)
            .await
            .iter()
            .all(|state| *state == DeliveryState::Open)
    );
    assert_eq!(claim_at(storage, START).await.len(), 8);
}

async fn health(storage: &Storage) {
    let mine = tenant();
    let endpoint = endpoint(storage, &mine, &["*"]).await;
    append_many(storage, &mine, 3).await;
    let claimed = claim_at(storage, START).await;
    complete(
        storage,
        &[report(&claimed[0], Next::Failed, Health::Bad)],
        START,
    )
    .await;
    let later = START.plus_millis(10);
    complete(
        storage,
        &[report(&claimed[1], Next::Failed, Health::Bad)],
        later,
    )
    .await;
    let failing = endpoint_now(storage, &endpoint).await;
    assert_eq!(
        (failing.consecutive_failures, failing.failing_since),
        (2, Some(START))
    );
    complete(
        storage,
        &[report(&claimed[2], Next::Succeeded, Health::Good)],
        later,
    )
    .await;
    let well = endpoint_now(storage, &endpoint).await;
    assert_eq!((well.consecutive_failures, well.failing_since), (0, None));
    assert_eq!(well.last_success_at, Some(later));
}

async fn overloaded(storage: &Storage) {
    let mine = tenant();
    endpoint(storage, &mine, &["*"]).await;
    append_many(storage, &mine, 40).await;
    let mut now = START;
    for expected in [8, 4, 2, 1, 1] {
        now = now.plus_millis(LEASE_MS);
        let claimed = claim_at(storage, now).await;
        assert_eq!(claimed.len(), expected);
        let busy = report(&claimed[0], Next::Failed, Health::Overloaded);
        complete(storage, &[busy], now).await;
    }
    let claimed = claim_at(storage, now.plus_millis(LEASE_MS)).await;
    complete(
        storage,
        &[report(&claimed[0], Next::Succeeded, Health::Good)],
        now,
    )
    .await;
    assert_eq!(
        claim_at(storage, now.plus_millis(3 * LEASE_MS)).await.len(),
        2
    );
}

async fn resend_first(storage: &Storage, mine: &TenantId, now: Timestamp) -> Resend {
    let delivery = all(storage, mine).await.pop().unwrap();
    let tx = storage.begin().await.unwrap();
    let resent = resend(&tx, &delivery, now).await.unwrap();
    tx.commit().await.unwrap();
    resent
}

async fn resend_in_flight(storage: &Storage) {
    let mine = tenant();
    endpoint(storage, &mine, &["*"]).await;
    append_many(storage, &mine, 1).await;
    claim_at(storage, START).await;
    assert_eq!(resend_first(storage, &mine, START).await, Resend::InFlight);
}

async fn replayed(storage: &Storage) {
    let mine = tenant();
    endpoint(storage, &mine, &["*"]).await;
    append_many(storage, &mine, 1).await;
    let claimed = claim_at(storage, START).await;
    complete(
        storage,
        &[report(&claimed[0], Next::Succeeded, Health::Good)],
        START,
    )
    .await;
    assert_eq!(resend_first(storage, &mine, START).await, Resend::Due);
    let again = claim_at(storage, START).await;
    assert_eq!((again.len(), again[0].class), (1, QueueClass::Replay));
    assert_eq!(again[0].lease.delivery_id, claimed[0].lease.delivery_id);
}

async fn hurried(storage: &Storage) {
    let mine = tenant();
    endpoint(storage, &mine, &["*"]).await;
    append_many(storage, &mine, 1).await;
    let claimed = claim_at(storage, START).await;
    let again = Next::Again {
        at: START.plus_millis(100_000),
        position: 2,
    };
    complete(storage, &[report(&claimed[0], again, Health::Bad)], START).await;
    assert_eq!(resend_first(storage, &mine, START).await, Resend::Due);
    let again = claim_at(storage, START).await;
    assert_eq!(
        (again[0].class, again[0].position),
        (QueueClass::Hurried, 2)
    );
}

async fn poison(storage: &Storage) {
    let mine = tenant();
    endpoint(storage, &mine, &["*"]).await;
    append_many(storage, &mine, 1).await;
    claim_at(storage, START).await;
    let now = START.plus_millis(LEASE_MS);
    let claimed = claim_at(storage, now).await;
    let stale = Lease {
        fence: 1,
        ..claimed[0].lease.clone()
    };
    let tx = storage.begin().await.unwrap();
    assert!(!quarantine(&tx, &mine, &stale, now).await.unwrap());
    assert!(
        quarantine(&tx, &mine, &claimed[0].lease, now)
            .await
            .unwrap()
    );
    tx.commit().await.unwrap();
    let delivery = all(storage, &mine).await.pop().unwrap();
    assert_eq!(delivery.state, DeliveryState::Failed);
    assert_eq!(delivery.last_error.as_deref(), Some("quarantined"));
}

async fn released_claims(storage: &Storage) {
    let mine = tenant();
    endpoint(storage, &mine, &["*"]).await;
    append_many(storage, &mine, 2).await;
    let claimed = claim_at(storage, START).await;
    let leases: Vec<Lease> = claimed.iter().map(|row| row.lease.clone()).collect();
    let tx = storage.begin().await.unwrap();
    claim::release_all_tenants(&tx, &leases, START)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let again = claim_at(storage, START).await;
    assert_eq!(again.len(), 2);
    assert!(
        again
            .iter()
            .all(|row| row.claims == 1 && row.lease.fence == 2)
    );
}

async fn deleted_endpoint(storage: &Storage) {
    let mine = tenant();
    let endpoint = endpoint(storage, &mine, &["*"]).await;
    append_many(storage, &mine, 10).await;
    let claimed = claim_at(storage, START).await;
    let tx = storage.begin().await.unwrap();
    cancel_all(&tx, &mine, &endpoint.id).await.unwrap();
    endpoints::delete(&tx, &mine, &endpoint.id).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(states(storage, &mine).await, [DeliveryState::Cancelled; 10]);
    let late = report(&claimed[0], Next::Succeeded, Health::Good);
    assert_eq!(complete(storage, &[late], START).await.stale, 1);
    append(storage, &event(&mine, Mode::Test, "ord_2", 1)).await;
    assert_eq!(all(storage, &mine).await.len(), 10);
}

async fn orphan(storage: &Storage) {
    let mine = tenant();
    let gone = endpoint(storage, &mine, &["*"]).await;
    append_many(storage, &mine, 1).await;
    let tx = storage.begin().await.unwrap();
    // What a delete leaves that did not see the event of a transaction beside it.
    endpoints::delete(&tx, &mine, &gone.id).await.unwrap();
    tx.commit().await.unwrap();
    endpoint(storage, &mine, &["*"]).await;
    append(storage, &event(&mine, Mode::Test, "ord_2", 1)).await;
    let tx = storage.begin().await.unwrap();
    let cancelled = cancel_orphans_all_tenants(&tx, START, 10).await;
    assert_eq!(cancelled.unwrap(), 1);
    tx.commit().await.unwrap();
    for delivery in all(storage, &mine).await {
        let expected = if delivery.endpoint_id == gone.id {
            DeliveryState::Cancelled
        } else {
            DeliveryState::Open
        };
        assert_eq!(delivery.state, expected);
    }
}

async fn forgotten(storage: &Storage) {
    let (mine, other) = (tenant(), tenant());
    let paused = EndpointState::Paused;
    let served = endpoint_in(storage, &mine, Mode::Test, &["*"], paused).await;
    endpoint_in(storage, &other, Mode::Test, &["*"], paused).await;
    append_many(storage, &mine, 300).await;
    append_many(storage, &other, 1).await;
    let release = async || {
        let tx = storage.begin().await.unwrap();
        let count = release_forgotten_all_tenants(&tx, START).await.unwrap();
        tx.commit().await.unwrap();
        count
    };
    assert_eq!(release().await, 0);
    let tx = storage.begin().await.unwrap();
    // Served again by a transaction that did not see the events of those beside it.
    let enabled = Endpoint {
        state: EndpointState::Enabled,
        ..served
    };
    endpoints::update(&tx, &enabled).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(release().await, 256);
    assert_eq!(release().await, 44);
    assert_eq!(release().await, 0);
    let open = states(storage, &mine).await;
    assert_eq!(open, vec![DeliveryState::Open; 300]);
    assert_eq!(states(storage, &other).await, [DeliveryState::Held]);
    assert!(!claim_at(storage, START).await.is_empty());
}

async fn sequence(storage: &Storage, limit: u64) -> usize {
    let tx = storage.begin().await.unwrap();
    let count = feed::sequence_all_tenants(&tx, limit).await.unwrap();
    tx.commit().await.unwrap();
    count
}

async fn numbers(storage: &Storage, tenant: &TenantId, mode: Mode) -> Vec<(i64, String)> {
    let events = feed::list(storage, tenant, mode, 0, &[], 1_000)
        .await
        .unwrap();
    events
        .into_iter()
        .map(|event| (event.feed_seq.unwrap(), event.body))
        .collect()
}

async fn feed_order(storage: &Storage) {
    let mine = tenant();
    // All within one millisecond, where ids sort at random.
    append_many(storage, &mine, 150).await;
    while sequence(storage, 200).await > 0 {}
    append(storage, &event(&mine, Mode::Test, "ord_2", 1)).await;
    assert_eq!(sequence(storage, 200).await, 1);
    let feed = numbers(storage, &mine, Mode::Test).await;
    assert_eq!(feed.len(), 151);
    for (index, (number, body)) in feed.iter().enumerate().take(150) {
        assert_eq!(*number, i64::try_from(index).unwrap() + 1);
        assert_eq!(*body, format!("{{\"seq\":{number}}}"));
    }
    assert_eq!(feed[150].0, 151);
    let rest = feed::list(storage, &mine, Mode::Test, 149, &[], 1)
        .await
        .unwrap();
    assert_eq!(rest[0].feed_seq, Some(150));
    let none = feed::list(storage, &mine, Mode::Test, 0, &["ping".to_owned()], 10)
        .await
        .unwrap();
    assert!(none.is_empty());
}

async fn feeds_apart(storage: &Storage) {
    let (mine, other) = (tenant(), tenant());
    append(storage, &event(&mine, Mode::Test, "ord_1", 1)).await;
    append(storage, &event(&mine, Mode::Live, "ord_2", 1)).await;
    append(storage, &event(&other, Mode::Test, "ord_1", 1)).await;
    sequence(storage, 100).await;
    for (tenant, mode) in [
        (&mine, Mode::Test),
        (&mine, Mode::Live),
        (&other, Mode::Test),
    ] {
        assert_eq!(numbers(storage, tenant, mode).await.len(), 1);
        assert_eq!(numbers(storage, tenant, mode).await[0].0, 1);
    }
    let event = feed::list(storage, &mine, Mode::Test, 0, &[], 1)
        .await
        .unwrap()
        .remove(0);
    assert!(
        feed::find(storage, &mine, Mode::Test, &event.id)
            .await
            .unwrap()
            .is_some()
    );
    assert!(
        feed::find(storage, &other, Mode::Test, &event.id)
            .await
            .unwrap()
            .is_none()
    );
    assert!(
        feed::find(storage, &mine, Mode::Live, &event.id)
            .await
            .unwrap()
            .is_none()
    );
}

async fn retention(storage: &Storage) {
    let mine = tenant();
    endpoint(storage, &mine, &["*"]).await;
    append_many(storage, &mine, 2).await;
    let claimed = claim_at(storage, START).await;
    complete(
        storage,
        &[report(&claimed[0], Next::Succeeded, Health::Good)],
        START,
    )
    .await;
    let purge = |attempts: i64, events: i64| async move {
        let tx = storage.begin().await.unwrap();
        let (attempts, events) = (START.plus_millis(attempts), START.plus_millis(events));
        let count = purge_all_tenants(&tx, attempts, events, 100).await.unwrap();
        tx.commit().await.unwrap();
        count
    };
    assert_eq!(purge(0, 0).await, 0);
    assert_eq!(purge(1, 0).await, 1);
    // The open delivery stays, and so do events that the feed has not numbered yet.
    assert_eq!(purge(1, 1_000).await, 1);
    sequence(storage, 10).await;
    assert_eq!(purge(1, 1_000).await, 2);
    assert_eq!(states(storage, &mine).await, [DeliveryState::Open]);
}

async fn lists(storage: &Storage) {
    let (mine, other) = (tenant(), tenant());
    let endpoint = endpoint(storage, &mine, &["*"]).await;
    append_many(storage, &mine, 3).await;
    let everything = all(storage, &mine).await;
    assert!(everything.is_sorted_by(|a, b| a.id > b.id));
    assert!(all(storage, &other).await.is_empty());
    let first = &everything[0];
    assert!(
        find(storage, &other, Mode::Test, &first.id)
            .await
            .unwrap()
            .is_none()
    );
    assert!(
        find(storage, &mine, Mode::Live, &first.id)
            .await
            .unwrap()
            .is_none()
    );
    assert!(
        attempts(storage, &other, &first.id)
            .await
            .unwrap()
            .is_empty()
    );
    let count = |filter: DeliveryFilter| {
        let mine = mine.clone();
        async move {
            list(storage, &mine, Mode::Test, &filter, None, 10)
                .await
                .unwrap()
                .len()
        }
    };
    let none = DeliveryFilter::default();
    let by_endpoint = DeliveryFilter {
        endpoint_id: Some(endpoint.id),
        ..none.clone()
    };
    let by_event = DeliveryFilter {
        event_id: Some(first.event_id.clone()),
        ..none.clone()
    };
    let by_state = DeliveryFilter {
        state: Some(DeliveryState::Failed),
        ..none.clone()
    };
    let by_kind = DeliveryFilter {
        event_kind: Some("order.paid".to_owned()),
        ..none.clone()
    };
    let by_time = DeliveryFilter {
        created_to: Some(START),
        ..none.clone()
    };
    let counts = [
        count(by_endpoint).await,
        count(by_event).await,
        count(by_state).await,
        count(by_kind).await,
        count(by_time).await,
    ];
    assert_eq!(counts, [3, 1, 0, 3, 0]);
    let after = list(storage, &mine, Mode::Test, &none, Some(&first.id), 10)
        .await
        .unwrap();
    assert_eq!(after, everything[1..]);
}
