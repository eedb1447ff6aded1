//! Deliveries whose endpoint is not served, or is gone.

use super::*;

on_both! {
    gone_disables_the_endpoint_and_holds_what_waits => gone;
    held_deliveries_come_back_when_the_endpoint_does => released;
    a_deleted_endpoint_leaves_cancelled_deliveries => deleted_endpoint;
    a_delivery_queued_while_its_endpoint_went_is_cancelled => orphan;
    what_is_held_although_its_endpoint_is_served_is_released => forgotten;
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
    let tx = at(storage, START).begin().await.unwrap();
    endpoints::update(&tx, &endpoint).await.unwrap();
    assert_eq!(release_held(&tx, &mine, &endpoint.id).await.unwrap(), 300);
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

async fn deleted_endpoint(storage: &Storage) {
    let mine = tenant();
    let endpoint = endpoint(storage, &mine, &["*"]).await;
    append_many(storage, &mine, 10).await;
    let claimed = claim_at(storage, START).await;
    let tx = at(storage, START).begin().await.unwrap();
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
    let tx = at(storage, START).begin().await.unwrap();
    // What a delete leaves that did not see the event of a transaction beside it.
    endpoints::delete(&tx, &mine, &gone.id).await.unwrap();
    tx.commit().await.unwrap();
    endpoint(storage, &mine, &["*"]).await;
    append(storage, &event(&mine, Mode::Test, "ord_2", 1)).await;
    let tx = at(storage, START).begin().await.unwrap();
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
        let tx = at(storage, START).begin().await.unwrap();
        let count = release_forgotten_all_tenants(&tx).await.unwrap();
        tx.commit().await.unwrap();
        count
    };
    assert_eq!(release().await, 0);
    let tx = at(storage, START).begin().await.unwrap();
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
