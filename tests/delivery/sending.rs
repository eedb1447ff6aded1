//! Deliveries: sent, retried, replayed, given up.

use tokio::sync::oneshot;
use tributary_operations::OperationError;
use tributary_operations::courier::{Courier, new_node_name};
use tributary_operations::endpoints::{EndpointPatch, NewEndpoint, Rotation};
use tributary_storage::endpoints;
use tributary_webhooks::VerifyError;

use crate::on_both;
use crate::receiver::{Answer, Receiver};
use crate::world::{START, World, claim, enabled};

const NOW_SECONDS: i64 = START.as_seconds();
const HOUR_MS: i64 = 3_600_000;

on_both! {
    a_new_endpoint_gets_a_signed_ping_that_is_in_the_feed_too => ping;
    the_stored_bytes_are_what_is_signed_and_sent => same_bytes;
    a_failing_receiver_is_tried_fourteen_times_over_three_days => exhausted;
    the_receivers_wish_to_wait_is_granted => retry_after;
    a_receiver_that_is_gone_is_disabled_and_served_again_by_hand => gone;
    a_receiver_that_is_gone_says_nothing_about_the_url_after_it => moved;
    a_fault_of_ours_uses_nothing_of_the_schedule_up => our_fault;
    a_delivery_in_flight_is_not_retried_beside => in_flight;
    a_replay_carries_the_same_id_and_a_fresh_timestamp => replay;
    a_failed_replay_does_not_start_the_schedule_again => failed_replay;
    a_delivery_that_kills_its_worker_is_quarantined => poison;
    a_hurried_delivery_goes_back_to_its_schedule => hurried;
    the_feed_goes_on_where_the_reader_stopped => feed;
    a_running_worker_delivers_without_being_asked_and_drains_at_the_end => running_worker;
    a_running_worker_serves_many_lanes_to_the_end => many_lanes;
}

async fn ping(world: World) {
    let mut receiver = Receiver::start().await;
    let shop = world.tenant("shop").await;
    let (id, secret) = world.endpoint(&shop, &receiver.url).await;
    let got = receiver.next().await;
    assert_eq!(got.verify(&secret, NOW_SECONDS), Ok(()));
    assert_eq!(got.header("webhook-event-type"), "ping");
    assert_eq!(got.header("webhook-livemode"), "0");
    assert_eq!(got.json()["subject"]["id"], id.as_str());
    let feed = world
        .operations
        .list_events(&shop, None, Vec::new(), 10)
        .await
        .unwrap();
    assert_eq!(feed.items.len(), 1);
    assert_eq!(feed.items[0].feed_seq, Some(1));
    assert_eq!(feed.items[0].body.get(), got.body);
    let endpoint = world.operations.get_endpoint(&shop, &id).await.unwrap();
    assert_eq!(endpoint.state, "enabled");
    assert_eq!(
        endpoint.last_success_at.as_deref(),
        Some("2027-01-15T08:00:00.000Z")
    );
    assert_eq!(endpoint.secrets.len(), 1);
    assert!(
        !serde_json::to_string(&endpoint)
            .unwrap()
            .contains(&secret[6..])
    );
    assert_eq!(world.newest(&shop).await.1.attempts[0].trigger, "test");
    assert_eq!(world.settle().await, 0);
}

async fn same_bytes(world: World) {
    let mut receiver = Receiver::start().await;
    let shop = world.tenant("shop").await;
    let (_, secret) = world.endpoint(&shop, &receiver.url).await;
    receiver.take();
    let event = world.tell(&shop, "ord_1", 1).await;
    world.settle().await;
    let got = receiver.next().await;
    assert_eq!(got.body, r#"{"subject":"ord_1","seq":1,"text":"咖啡"}"#);
    assert_eq!(got.header("webhook-id"), event.as_str());
    assert_eq!(got.header("webhook-attempt"), "1");
    assert_eq!(got.header("webhook-replay"), "0");
    assert_eq!(got.verify(&secret, NOW_SECONDS), Ok(()));
    assert_eq!(
        got.verify(&secret, NOW_SECONDS + 301),
        Err(VerifyError::OutsideTolerance)
    );
    let (_, detail) = world.newest(&shop).await;
    assert_eq!(detail.delivery.state, "succeeded");
    assert_eq!(detail.attempts[0].remote_ip.as_deref(), Some("127.0.0.1"));
    assert!(receiver.take().is_empty());
}

async fn exhausted(world: World) {
    let mut receiver = Receiver::start().await;
    let shop = world.tenant("shop").await;
    let (id, _) = world.endpoint(&shop, &receiver.url).await;
    receiver.take();
    receiver.answer([Answer::status(500)]);
    world.tell(&shop, "ord_1", 1).await;
    for attempt in 1..=14 {
        world.settle().await;
        let got = receiver.take();
        assert_eq!(got.len(), 1, "attempt {attempt}");
        assert_eq!(got[0].header("webhook-attempt"), attempt.to_string());
        // No delay is longer than 16 hours and a fifth.
        world.clock.advance_millis(20 * HOUR_MS);
    }
    world.settle().await;
    assert!(receiver.take().is_empty());
    let (_, detail) = world.newest(&shop).await;
    assert_eq!(
        (detail.delivery.state.as_str(), detail.delivery.attempts),
        ("failed", 14)
    );
    assert_eq!(detail.delivery.last_error.as_deref(), Some("status_5xx"));
    assert_eq!(detail.attempts.len(), 14);
    let endpoint = world.operations.get_endpoint(&shop, &id).await.unwrap();
    assert_eq!(endpoint.consecutive_failures, 14);
}

async fn retry_after(world: World) {
    let mut receiver = Receiver::start().await;
    let shop = world.tenant("shop").await;
    world.endpoint(&shop, &receiver.url).await;
    receiver.take();
    let busy = Answer {
        status: 503,
        headers: vec![("retry-after", "600".to_owned())],
    };
    receiver.answer([busy, Answer::status(200)]);
    world.tell(&shop, "ord_1", 1).await;
    world.settle().await;
    world.clock.advance_millis(599_999);
    world.settle().await;
    assert_eq!(receiver.take().len(), 1);
    world.clock.advance_millis(1);
    world.settle().await;
    assert_eq!(receiver.take().len(), 1);
    assert_eq!(world.newest(&shop).await.1.delivery.state, "succeeded");
}

async fn gone(world: World) {
    let mut receiver = Receiver::start().await;
    let shop = world.tenant("shop").await;
    let (id, _) = world.endpoint(&shop, &receiver.url).await;
    receiver.take();
    receiver.answer([Answer::status(410)]);
    world.tell(&shop, "ord_1", 1).await;
    world.settle().await;
    let endpoint = world.operations.get_endpoint(&shop, &id).await.unwrap();
    assert_eq!(endpoint.state, "disabled");
    assert_eq!(endpoint.disabled_reason.as_deref(), Some("gone"));
    let refused = world.operations.ping_endpoint(&shop, &id).await;
    assert!(matches!(refused, Err(OperationError::StateConflict { .. })));
    world.tell(&shop, "ord_1", 2).await;
    world.settle().await;
    assert_eq!(receiver.take().len(), 1);
    let held = world.deliveries(&shop).await;
    assert_eq!(
        held.iter()
            .filter(|delivery| delivery.state == "held")
            .count(),
        2
    );

    receiver.answer([Answer::status(200)]);
    let enabled = world
        .operations
        .update_endpoint(&shop, &id, enabled())
        .await;
    assert_eq!(enabled.unwrap().disabled_reason, None);
    world.settle().await;
    assert_eq!(receiver.take().len(), 2);
}

async fn moved(world: World) {
    let (mut old, mut new) = (Receiver::start_closed().await, Receiver::start().await);
    let shop = world.tenant("shop").await;
    old.answer([Answer::status(410)]);
    let wanted = NewEndpoint {
        url: old.url.clone(),
        description: String::new(),
        filters: vec!["*".to_owned()],
        ..NewEndpoint::default()
    };
    let made = world.operations.create_endpoint(&shop, wanted).await;
    let id = made.unwrap().0.id.parse().unwrap();
    let worker = world.worker.clone();
    let sending = tokio::spawn(async move { worker.run_until_idle().await.unwrap() });
    old.next().await;
    let patch = EndpointPatch {
        url: Some(new.url.clone()),
        ..EndpointPatch::default()
    };
    let changed = world.operations.update_endpoint(&shop, &id, patch).await;
    changed.unwrap();
    old.open_gate();
    sending.await.unwrap();
    let endpoint = world.operations.get_endpoint(&shop, &id).await.unwrap();
    assert_eq!(endpoint.state, "enabled");
    assert_eq!(new.take().len(), 1);
    assert_eq!(world.newest(&shop).await.1.delivery.state, "succeeded");
}

async fn our_fault(world: World) {
    let mut receiver = Receiver::start().await;
    let shop = world.tenant("shop").await;
    let (id, _) = world.endpoint(&shop, &receiver.url).await;
    receiver.take();
    let tx = world.storage.begin().await.unwrap();
    // Without a secret nothing can be signed.
    endpoints::expire_secrets(&tx, &shop.tenant_id, &id, START)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    world.tell(&shop, "ord_1", 1).await;
    for _ in 0..20 {
        world.settle().await;
        world.clock.advance_millis(HOUR_MS);
    }
    let (_, detail) = world.newest(&shop).await;
    assert_eq!(detail.delivery.state, "open");
    assert_eq!(detail.attempts.len(), 20);
    let endpoint = world.operations.get_endpoint(&shop, &id).await.unwrap();
    assert_eq!(endpoint.consecutive_failures, 0);
    world
        .operations
        .rotate_endpoint_secret(&shop, &id, Rotation::after(0))
        .await
        .unwrap();
    receiver.answer([Answer::status(500)]);
    world.settle().await;
    assert_eq!(receiver.take().len(), 1);
    // What follows the first failure of the receiver is the beginning of the schedule.
    world.clock.advance_millis(10_000);
    world.settle().await;
    assert_eq!(receiver.take().len(), 1);
}

async fn in_flight(world: World) {
    let mut receiver = Receiver::start_closed().await;
    let shop = world.tenant("shop").await;
    let new = NewEndpoint {
        url: receiver.url.clone(),
        description: String::new(),
        filters: vec!["*".to_owned()],
        ..NewEndpoint::default()
    };
    world.operations.create_endpoint(&shop, new).await.unwrap();
    let worker = world.worker.clone();
    let sending = tokio::spawn(async move { worker.run_until_idle().await.unwrap() });
    receiver.next().await;
    let (id, _) = world.newest(&shop).await;
    let refused = world.operations.retry_delivery(&shop, &id).await;
    assert!(
        matches!(refused, Err(OperationError::DeliveryInFlight)),
        "{refused:?}"
    );
    receiver.open_gate();
    sending.await.unwrap();
    assert_eq!(world.newest(&shop).await.1.delivery.state, "succeeded");
}

async fn replay(world: World) {
    let mut receiver = Receiver::start().await;
    let shop = world.tenant("shop").await;
    let (_, secret) = world.endpoint(&shop, &receiver.url).await;
    let first = receiver.next().await;
    world.clock.advance_millis(1_000_000);
    let (id, _) = world.newest(&shop).await;
    let retried = world.operations.retry_delivery(&shop, &id).await.unwrap();
    assert_eq!(retried.state, "open");
    world.settle().await;
    let second = receiver.next().await;
    assert_eq!(second.header("webhook-id"), first.header("webhook-id"));
    assert_eq!(second.body, first.body);
    assert_eq!(second.header("webhook-replay"), "1");
    assert_eq!(second.verify(&secret, NOW_SECONDS + 1_000), Ok(()));
    let (_, detail) = world.newest(&shop).await;
    assert_eq!(
        (detail.delivery.state.as_str(), detail.attempts.len()),
        ("succeeded", 2)
    );
}

async fn failed_replay(world: World) {
    let mut receiver = Receiver::start().await;
    let shop = world.tenant("shop").await;
    world.endpoint(&shop, &receiver.url).await;
    receiver.answer([Answer::status(500)]);
    let (id, _) = world.newest(&shop).await;
    world.operations.retry_delivery(&shop, &id).await.unwrap();
    world.settle().await;
    world.clock.advance_millis(100 * HOUR_MS);
    world.settle().await;
    assert_eq!(receiver.take().len(), 2);
    assert_eq!(world.newest(&shop).await.1.delivery.state, "failed");
}

async fn poison(world: World) {
    let mut receiver = Receiver::start().await;
    let shop = world.tenant("shop").await;
    world.endpoint(&shop, &receiver.url).await;
    receiver.take();
    world.tell(&shop, "ord_1", 1).await;
    for _ in 0..5 {
        // Claimed by a worker that dies before it can report.
        let doomed = Courier::new(world.operations.clone(), new_node_name());
        assert_eq!(claim(&doomed).await.outgoing.len(), 1);
        world.clock.advance_millis(60_000);
    }
    world.settle().await;
    assert!(receiver.take().is_empty());
    let (_, detail) = world.newest(&shop).await;
    assert_eq!(detail.delivery.state, "failed");
    assert_eq!(detail.delivery.last_error.as_deref(), Some("quarantined"));
}

async fn hurried(world: World) {
    let mut receiver = Receiver::start().await;
    let shop = world.tenant("shop").await;
    world.endpoint(&shop, &receiver.url).await;
    receiver.take();
    receiver.answer([Answer::status(500)]);
    world.tell(&shop, "ord_1", 1).await;
    world.settle().await;
    let (id, _) = world.newest(&shop).await;
    world.operations.retry_delivery(&shop, &id).await.unwrap();
    world.settle().await;
    assert_eq!(receiver.take().len(), 2);
    for _ in 0..14 {
        world.clock.advance_millis(20 * HOUR_MS);
        world.settle().await;
    }
    // Fourteen by the schedule and the one by hand.
    let (_, detail) = world.newest(&shop).await;
    assert_eq!(
        (detail.delivery.state.as_str(), detail.delivery.attempts),
        ("failed", 15)
    );
    let manual = detail
        .attempts
        .iter()
        .filter(|attempt| attempt.trigger == "manual");
    assert_eq!(manual.count(), 1);
}

async fn feed(world: World) {
    let shop = world.tenant("shop").await;
    for seq in 1..=5 {
        world.tell(&shop, "ord_1", seq).await;
    }
    let list = |after, limit| {
        let (operations, shop) = (world.operations.clone(), shop.clone());
        async move {
            operations
                .list_events(&shop, after, Vec::new(), limit)
                .await
                .unwrap()
        }
    };
    assert!(list(None, 10).await.items.is_empty());
    world.settle().await;
    let first = list(None, 3).await;
    assert_eq!(first.items.len(), 3);
    let cursor: i64 = first.next_cursor.unwrap().parse().unwrap();
    let second = list(Some(cursor), 3).await;
    assert_eq!((second.items.len(), second.next_cursor), (2, None));
    assert_eq!(second.items[1].feed_seq, Some(5));
    let pings = vec!["ping".to_owned()];
    let none = world
        .operations
        .list_events(&shop, None, pings, 10)
        .await
        .unwrap();
    assert!(none.items.is_empty());
    let orders = vec!["order.*".to_owned()];
    let all = world
        .operations
        .list_events(&shop, None, orders, 10)
        .await
        .unwrap();
    assert_eq!(all.items.len(), 5);
}

async fn running_worker(world: World) {
    let mut receiver = Receiver::start().await;
    let shop = world.tenant("shop").await;
    world.endpoint(&shop, &receiver.url).await;
    receiver.take();
    let (stop, stopped) = oneshot::channel::<()>();
    let worker = world.worker.clone();
    let running = tokio::spawn(async move {
        worker.run(async { drop(stopped.await) }).await.unwrap();
    });
    for seq in 1..=20 {
        world.tell(&shop, "ord_1", seq).await;
        receiver.next().await;
    }
    world.tell(&shop, "ord_1", 21).await;
    receiver.next().await;
    stop.send(()).unwrap();
    running.await.unwrap();
    // What was in flight when the worker was stopped has been written down.
    let open = world.deliveries(&shop).await;
    assert!(open.iter().all(|delivery| delivery.state == "succeeded"));
    assert_eq!(open.len(), 22);
}

async fn many_lanes(world: World) {
    let mut receiver = Receiver::start().await;
    let shops = [world.tenant("one").await, world.tenant("two").await];
    for shop in &shops {
        for _ in 0..6 {
            world.endpoint(shop, &receiver.url).await;
        }
    }
    receiver.take();
    let (stop, stopped) = oneshot::channel::<()>();
    let worker = world.worker.clone();
    let running = tokio::spawn(async move {
        worker.run(async { drop(stopped.await) }).await.unwrap();
    });
    for seq in 1..=20 {
        for shop in &shops {
            world.tell(shop, "ord_1", seq).await;
        }
    }
    let mut seen = std::collections::HashSet::new();
    for _ in 0..2 * 6 * 20 {
        let got = receiver.next().await;
        assert!(
            seen.insert(got.header("webhook-delivery-id").to_owned()),
            "sent twice"
        );
    }
    stop.send(()).unwrap();
    running.await.unwrap();
    assert!(receiver.take().is_empty());
}
