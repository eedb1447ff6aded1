//! Fan-out and claims: who gets what, and how much of it.

use super::*;

on_both! {
    a_row_that_nobody_can_read_is_quarantined_and_the_others_go_on => unreadable;
    an_ordered_lane_gives_one_delivery_of_a_subject_at_a_time => ordered_lane;
    what_is_held_keeps_its_place_in_an_ordered_lane => ordered_after_pause;
    lanes_that_give_nothing_do_not_keep_the_others_waiting => blocked_lanes;
    an_endpoint_hears_of_the_sub_merchants_that_it_names => sub_merchants;
    a_thin_endpoint_is_sent_thin_bodies => thin_endpoint;
    an_event_fans_out_to_matching_endpoints_of_its_mode => fans_out;
    an_effect_is_told_once => told_once;
    a_lane_never_has_more_in_flight_than_its_cap => lane_cap;
    concurrent_claimers_share_a_lane_without_passing_its_cap => concurrent_claimers;
    a_paused_lane_gives_nothing => paused_lane;
    a_tenant_has_only_its_room => tenant_room;
    a_claimer_takes_no_more_than_its_room_and_names_what_it_left => claimer_room;
    only_hinted_lanes_are_looked_at_when_hints_are_given => hinted_lanes;
    unused_claims_go_back_at_once => released_claims;
    a_poisonous_delivery_is_taken_out => poison;
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
    let tx = at(storage, START).begin().await.unwrap();
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
        tokio::spawn(tenancy::carried(
            async move { claim_at(&storage, START).await },
        ))
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
    let tx = at(storage, START).begin().await.unwrap();
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
    let tx = at(storage, START).begin().await.unwrap();
    let batch = claim_all_tenants(&tx, &request(&rooms)).await.unwrap();
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

/// In each of two ordered lanes the first delivery waits for its retry and the next one, which is due, for the first.
async fn blocked_lanes(storage: &Storage) {
    let (mine, other) = (tenant(), tenant());
    for _ in 0..2 {
        with(storage, &mine, |endpoint| endpoint.ordered = true).await;
    }
    append_many(storage, &mine, 2).await;
    let first = claim_at(storage, START).await;
    let again = Next::Again {
        delay_ms: 3_600_000,
        position: 2,
    };
    for claim in &first {
        complete(storage, &[report(claim, again, Health::Bad)], START).await;
    }
    // Served a moment later than they were, so that they come first.
    let waiting = endpoint(storage, &other, &["*"]).await;
    append_many(storage, &other, 1).await;
    let rooms = HashMap::new();
    let lanes = [waiting.id.clone()];
    let hinted = ClaimRequest {
        lanes: Some(&lanes),
        ..request(&rooms)
    };
    let tx = at(storage, START.plus_millis(500)).begin().await.unwrap();
    claim_all_tenants(&tx, &hinted).await.unwrap();
    tx.commit().await.unwrap();
    append(storage, &event(&other, Mode::Test, "ord_2", 1)).await;
    let narrow = ClaimRequest {
        max_lanes: 2,
        ..request(&rooms)
    };
    let mut claimed = Vec::new();
    for second in 1..=2 {
        let now = START.plus_millis(1_000 * second);
        let tx = at(storage, now).begin().await.unwrap();
        let batch = claim_all_tenants(&tx, &narrow).await.unwrap();
        assert_eq!(
            (batch.claimed.len(), batch.has_more_lanes),
            match second {
                1 => (0, true),
                _ => (1, true),
            }
        );
        tx.commit().await.unwrap();
        claimed.extend(batch.claimed);
    }
    assert_eq!(claimed[0].endpoint_id, waiting.id);
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
        ..request(&rooms)
    };
    let tx = at(storage, START).begin().await.unwrap();
    let batch = claim_all_tenants(&tx, &hinted).await.unwrap();
    tx.commit().await.unwrap();
    assert!(batch.claimed.iter().all(|row| row.endpoint_id == first.id));
    let lane = DueLane {
        tenant_id: mine,
        endpoint_id: first.id,
        max_in_flight: 8,
        is_ordered: false,
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
        ..request(&rooms)
    };
    let tx = at(storage, START).begin().await.unwrap();
    let batch = claim_all_tenants(&tx, &narrow).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(batch.claimed.len(), 10);
    assert_eq!((batch.due_lanes.len(), batch.left_lanes.len()), (1, 2));
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
    let tx = at(storage, START).begin().await.unwrap();
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
    let tx = at(storage, START).begin().await.unwrap();
    claim::release_all_tenants(&tx, &leases).await.unwrap();
    tx.commit().await.unwrap();
    let again = claim_at(storage, START).await;
    assert_eq!(again.len(), 2);
    assert!(
        again
            .iter()
            .all(|row| row.claims == 1 && row.lease.fence == 2)
    );
}

async fn with(
    storage: &Storage,
    tenant: &TenantId,
    change: impl FnOnce(&mut Endpoint),
) -> Endpoint {
    let mut endpoint = endpoint(storage, tenant, &["*"]).await;
    change(&mut endpoint);
    let tx = at(storage, START).begin().await.unwrap();
    endpoints::update(&tx, &endpoint).await.unwrap();
    tx.commit().await.unwrap();
    endpoint
}

/// Which subject and which of its events each claim is about.
async fn claimed_events(
    storage: &Storage,
    mine: &TenantId,
    claims: &[Claimed],
) -> Vec<(String, i64)> {
    let mut found = Vec::new();
    for claim in claims {
        let delivery = find(storage, mine, Mode::Test, &claim.lease.delivery_id)
            .await
            .unwrap()
            .unwrap();
        let event = crate::entities::events::Entity::find_by_id(delivery.event_id.as_str())
            .one(&storage.reader)
            .await
            .unwrap()
            .unwrap();
        found.push((event.subject_id, event.seq));
    }
    found.sort();
    found
}

async fn ordered_lane(storage: &Storage) {
    let mine = tenant();
    let lane = with(storage, &mine, |endpoint| endpoint.ordered = true).await;
    endpoint(storage, &mine, &["*"]).await;
    append_many(storage, &mine, 3).await;
    append(storage, &event(&mine, Mode::Test, "ord_2", 1)).await;
    let of_lane = |claims: Vec<Claimed>| -> Vec<Claimed> {
        let mut claims = claims;
        claims.retain(|claim| claim.endpoint_id == lane.id);
        claims
    };
    let first = claim_at(storage, START).await;
    assert_eq!(first.len(), 2 + 4, "the other endpoint waits for nothing");
    let first = of_lane(first);
    let ord = |seq| ("ord_1".to_owned(), seq);
    assert_eq!(
        claimed_events(storage, &mine, &first).await,
        [ord(1), ("ord_2".to_owned(), 1)]
    );
    // A retry keeps its place; only an end, good or bad, lets the next one go.
    let place = |claim: &&Claimed| claim.lease.delivery_id.clone();
    let head = {
        let mut heads = Vec::new();
        for claim in &first {
            let events = claimed_events(storage, &mine, std::slice::from_ref(claim)).await;
            if events[0] == ord(1) {
                heads.push(claim);
            }
        }
        heads[0]
    };
    let again = Next::Again {
        delay_ms: 5_000,
        position: 2,
    };
    complete(storage, &[report(head, again, Health::Bad)], START).await;
    let soon = START.plus_millis(4_999);
    assert!(of_lane(claim_at(storage, soon).await).is_empty());
    let later = START.plus_millis(5_000);
    let retried = of_lane(claim_at(storage, later).await);
    assert_eq!(place(&&retried[0]), place(&head));
    let mut second_try = report(&retried[0], Next::Failed, Health::Bad);
    second_try.attempt.number = 2;
    complete(storage, &[second_try], later).await;
    for seq in 2..=3 {
        let next = of_lane(claim_at(storage, later).await);
        assert_eq!(claimed_events(storage, &mine, &next).await, [ord(seq)]);
        assert!(of_lane(claim_at(storage, later).await).is_empty());
        complete(
            storage,
            &[report(&next[0], Next::Succeeded, Health::Good)],
            later,
        )
        .await;
    }
}

async fn ordered_after_pause(storage: &Storage) {
    let mine = tenant();
    let paused = with(storage, &mine, |endpoint| {
        endpoint.ordered = true;
        endpoint.state = EndpointState::Paused;
    })
    .await;
    append(storage, &event(&mine, Mode::Test, "ord_1", 1)).await;
    let tx = at(storage, START).begin().await.unwrap();
    let enabled = Endpoint {
        state: EndpointState::Enabled,
        ..paused
    };
    endpoints::update(&tx, &enabled).await.unwrap();
    tx.commit().await.unwrap();
    // The first is still held when the second comes.
    append(storage, &event(&mine, Mode::Test, "ord_1", 2)).await;
    assert!(claim_at(storage, START).await.is_empty());
    let tx = at(storage, START).begin().await.unwrap();
    assert_eq!(release_held(&tx, &mine, &enabled.id).await.unwrap(), 1);
    tx.commit().await.unwrap();
    let claimed = claim_at(storage, START).await;
    let events = claimed_events(storage, &mine, &claimed).await;
    assert_eq!(events, [("ord_1".to_owned(), 1)]);
}

async fn sub_merchants(storage: &Storage) {
    let mine = tenant();
    let named = |number: &str| {
        let number = number.to_owned();
        move |endpoint: &mut Endpoint| endpoint.sub_mchids = vec!["1".to_owned(), number]
    };
    let wanted = with(storage, &mine, named("1900000109")).await;
    with(storage, &mine, named("1900000110")).await;
    let all_of_them = endpoint(storage, &mine, &["*"]).await;
    append(storage, &event(&mine, Mode::Test, "ord_1", 1)).await;
    let about_nobody = NewEvent {
        sub_mchid: None,
        ..event(&mine, Mode::Test, "ord_2", 1)
    };
    append(storage, &about_nobody).await;
    let claimed = claim_at(storage, START).await;
    let count = |id: &EndpointId| claimed.iter().filter(|row| row.endpoint_id == *id).count();
    assert_eq!(claimed.len(), 3);
    assert_eq!((count(&wanted.id), count(&all_of_them.id)), (1, 2));
}

async fn thin_endpoint(storage: &Storage) {
    let mine = tenant();
    let thin = with(storage, &mine, |endpoint| {
        endpoint.payload = PayloadMode::Thin;
    })
    .await;
    endpoint(storage, &mine, &["*"]).await;
    append_many(storage, &mine, 1).await;
    for claim in claim_at(storage, START).await {
        let parcels = parcels_all_tenants(storage, &[claim.lease.delivery_id])
            .await
            .unwrap();
        let expected = if claim.endpoint_id == thin.id {
            "{\"thin\":1}"
        } else {
            "{\"seq\":1}"
        };
        assert_eq!(parcels[0].as_ref().unwrap().body, expected);
    }
}

async fn unreadable(storage: &Storage) {
    let mine = tenant();
    endpoint(storage, &mine, &["*"]).await;
    append_many(storage, &mine, 3).await;
    let broken = all(storage, &mine).await.remove(1);
    let rooms = HashMap::new();
    let tx = at(storage, START).begin().await.unwrap();
    delivery_queue::Entity::update_many()
        .col_expr(delivery_queue::Column::Class, Expr::value("of tomorrow"))
        .filter(delivery_queue::Column::DeliveryId.eq(broken.id.as_str()))
        .exec(tx.connection())
        .await
        .unwrap();
    let batch = claim_all_tenants(&tx, &request(&rooms)).await.unwrap();
    let told = Unreadable {
        tenant_id: mine.to_string(),
        delivery_id: broken.id.to_string(),
    };
    assert_eq!(batch.unreadable, [told]);
    give_up(&tx, &batch.unreadable[0], START).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(batch.claimed.len(), 2);
    let given_up = find(storage, &mine, Mode::Test, &broken.id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(given_up.state, DeliveryState::Failed);
    assert_eq!(given_up.last_error.as_deref(), Some("quarantined"));
    assert_eq!(given_up.finished_at, Some(START));
    assert!(
        claim_at(storage, START.plus_millis(2 * LEASE_MS))
            .await
            .len()
            == 2
    );
}
