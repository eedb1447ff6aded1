//! What follows from an attempt: for its delivery, for its lane, for its endpoint.

use super::*;

on_both! {
    a_success_finishes_and_a_failure_comes_back_at_its_time => completes;
    a_straggler_is_refused_after_its_lease_was_claimed_again => straggler;
    one_batch_judges_each_row_by_its_own_fence => mixed_batch;
    failures_are_counted_and_a_success_ends_them => health;
    an_overloaded_lane_is_halved_and_never_closed => overloaded;
    a_narrowed_lane_grows_by_one_for_twenty_successes => widened;
    what_is_too_long_for_a_receiver_is_sent_thin_from_then_on => too_long;
    a_delivery_in_flight_cannot_be_resent => resend_in_flight;
    a_finished_delivery_can_be_replayed => replayed;
    an_open_delivery_can_be_hurried => hurried;
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
    let first = parcels[0].as_ref().unwrap();
    assert_eq!(first.url, endpoint.url);
    assert!(first.body.starts_with("{\"seq\":"));

    let later = START.plus_millis(5_000);
    let again = Next::Again {
        delay_ms: 5_000,
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
}

async fn widened(storage: &Storage) {
    let mine = tenant();
    endpoint(storage, &mine, &["*"]).await;
    append_many(storage, &mine, 80).await;
    let claimed = claim_at(storage, START).await;
    let busy = report(&claimed[0], Next::Failed, Health::Overloaded);
    complete(storage, &[busy], START).await;
    let mut now = START;
    let mut widths = Vec::new();
    for _ in 0..12 {
        now = now.plus_millis(LEASE_MS);
        let claimed = claim_at(storage, now).await;
        widths.push(claimed.len());
        let good: Vec<Completion> = claimed
            .iter()
            .map(|claim| report(claim, Next::Succeeded, Health::Good))
            .collect();
        complete(storage, &good, now).await;
    }
    // Five times four, four times five, then six.
    assert_eq!(widths, [4, 4, 4, 4, 4, 5, 5, 5, 5, 6, 6, 6]);
}

async fn too_long(storage: &Storage) {
    let mine = tenant();
    endpoint(storage, &mine, &["*"]).await;
    append_many(storage, &mine, 1).await;
    let claimed = claim_at(storage, START).await;
    let body = async |claim: &Claimed| {
        let ids = [claim.lease.delivery_id.clone()];
        parcels_all_tenants(storage, &ids)
            .await
            .unwrap()
            .remove(0)
            .unwrap()
            .body
    };
    assert_eq!(body(&claimed[0]).await, "{\"seq\":1}");
    let again = Next::Again {
        delay_ms: 0,
        position: 2,
    };
    let refused = Completion {
        too_long: true,
        ..report(&claimed[0], again, Health::Bad)
    };
    complete(storage, &[refused], START).await;
    let claimed = claim_at(storage, START).await;
    assert_eq!(body(&claimed[0]).await, "{\"thin\":1}");
}

async fn resend_first(storage: &Storage, mine: &TenantId, now: Timestamp) -> Resend {
    let delivery = all(storage, mine).await.pop().unwrap();
    let tx = at(storage, now).begin().await.unwrap();
    let resent = resend(&tx, &delivery).await.unwrap();
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
        delay_ms: 100_000,
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
