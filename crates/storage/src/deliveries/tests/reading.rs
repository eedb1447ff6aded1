//! What readers see: the feed, the log, and what is left of them after a while.

use super::*;

on_both! {
    the_feed_has_no_holes_and_keeps_a_subjects_order => feed_order;
    feeds_of_tenants_and_modes_are_apart => feeds_apart;
    what_is_old_is_deleted => retention;
    lists_are_filtered_and_stay_with_their_tenant => lists;
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
        let tx = at(storage, START).begin().await.unwrap();
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
