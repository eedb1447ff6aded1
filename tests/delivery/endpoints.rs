//! Endpoints: made, refused, rotated, paused, removed, and out of reach for others.

use tributary_operations::OperationError;
use tributary_operations::deliveries::DeliveryFilter;
use tributary_operations::endpoints::{NewEndpoint, Rotation};
use tributary_webhooks::VerifyError;

use crate::on_both;
use crate::receiver::{Answer, Receiver};
use crate::world::{START, World, patch_state};

const NOW_SECONDS: i64 = START.as_seconds();
const HOUR_MS: i64 = 3_600_000;

on_both! {
    both_secrets_sign_while_a_rotation_lasts => rotation;
    a_compromised_secret_signs_no_more_at_once => compromise;
    an_endpoint_inside_is_refused_with_the_field_named => refused_urls;
    the_seventeenth_endpoint_is_refused => too_many;
    a_deleted_endpoint_hears_nothing_more => deleted;
    a_paused_endpoint_gets_what_it_missed => paused;
    what_one_tenant_has_another_cannot_see_or_touch => isolation;
}

async fn rotation(world: World) {
    let mut receiver = Receiver::start().await;
    let shop = world.tenant("shop").await;
    let (id, first) = world.endpoint(&shop, &receiver.url).await;
    receiver.take();
    let second = world
        .operations
        .rotate_endpoint_secret(&shop, &id, Rotation::after(3_600))
        .await
        .unwrap();
    world.tell(&shop, "ord_1", 1).await;
    world.settle().await;
    let got = receiver.next().await;
    assert_eq!(got.header("webhook-signature").split(' ').count(), 2);
    assert_eq!(got.verify(&first, NOW_SECONDS), Ok(()));
    assert_eq!(got.verify(second.text(), NOW_SECONDS), Ok(()));
    let newest_first = got.header("webhook-signature").split(' ').next().unwrap();
    world.clock.advance_millis(1);
    world
        .operations
        .rotate_endpoint_secret(&shop, &id, Rotation::after(3_600))
        .await
        .unwrap();
    let fourth = world
        .operations
        .rotate_endpoint_secret(&shop, &id, Rotation::after(3_600))
        .await;
    assert!(matches!(
        fourth,
        Err(OperationError::LimitReached { max: 3, .. })
    ));
    let endpoint = world.operations.get_endpoint(&shop, &id).await.unwrap();
    assert_eq!(endpoint.secrets.len(), 3);

    world.clock.advance_millis(HOUR_MS);
    world.tell(&shop, "ord_1", 2).await;
    world.settle().await;
    let later = receiver.next().await;
    assert_eq!(
        later.verify(&first, NOW_SECONDS + 3_600),
        Err(VerifyError::NoMatch)
    );
    assert_eq!(
        later.verify(second.text(), NOW_SECONDS + 3_600),
        Err(VerifyError::NoMatch)
    );
    assert!(!later.header("webhook-signature").contains(newest_first));
}

async fn compromise(world: World) {
    let mut receiver = Receiver::start().await;
    let shop = world.tenant("shop").await;
    let (id, first) = world.endpoint(&shop, &receiver.url).await;
    receiver.take();
    let second = world
        .operations
        .rotate_endpoint_secret(&shop, &id, Rotation::after(0))
        .await
        .unwrap();
    world.tell(&shop, "ord_1", 1).await;
    world.settle().await;
    let got = receiver.next().await;
    assert_eq!(got.verify(&first, NOW_SECONDS), Err(VerifyError::NoMatch));
    assert_eq!(got.verify(second.text(), NOW_SECONDS), Ok(()));
    for grace in [-1, 604_801] {
        let refused = world
            .operations
            .rotate_endpoint_secret(&shop, &id, Rotation::after(grace))
            .await;
        assert!(matches!(refused, Err(OperationError::Invalid(_))));
    }
}

async fn refused_urls(world: World) {
    let shop = world.tenant("shop").await;
    for (url, events, field) in [
        ("https://10.0.0.1/", "*", "/url"),
        ("https://2852039166/", "*", "/url"),
        ("http://shop.example.com/", "*", "/url"),
        ("https://shop.example.com:22/", "*", "/url"),
        ("https://shop.example.com/", "parcel.*", "/events/0"),
        ("https://shop.example.com/", "", "/events/0"),
    ] {
        let new = NewEndpoint {
            url: url.to_owned(),
            description: String::new(),
            filters: vec![events.to_owned()],
            ..NewEndpoint::default()
        };
        let refused = world.operations.create_endpoint(&shop, new).await;
        let Err(OperationError::Invalid(faults)) = refused else {
            panic!("{url} {events}: {refused:?}");
        };
        assert_eq!(faults[0].field, field);
    }
    let none = NewEndpoint {
        url: "https://shop.example.com/".to_owned(),
        description: "line\nbreak".to_owned(),
        filters: Vec::new(),
        ..NewEndpoint::default()
    };
    let refused = world.operations.create_endpoint(&shop, none).await;
    assert!(matches!(refused, Err(OperationError::Invalid(faults)) if faults.len() == 2));
    let page = world
        .operations
        .list_endpoints(&shop, None, 20)
        .await
        .unwrap();
    assert!(page.items.is_empty());
}

async fn too_many(world: World) {
    let shop = world.tenant("shop").await;
    let new = NewEndpoint {
        url: "https://shop.example.com/".to_owned(),
        description: String::new(),
        filters: vec!["order.*".to_owned()],
        ..NewEndpoint::default()
    };
    for _ in 0..16 {
        world
            .operations
            .create_endpoint(&shop, new.clone())
            .await
            .unwrap();
        world.clock.advance_millis(1);
    }
    let refused = world.operations.create_endpoint(&shop, new).await;
    assert!(matches!(
        refused,
        Err(OperationError::LimitReached { max: 16, .. })
    ));
    let first = world
        .operations
        .list_endpoints(&shop, None, 10)
        .await
        .unwrap();
    let second = world
        .operations
        .list_endpoints(&shop, first.next_cursor, 10)
        .await
        .unwrap();
    assert_eq!((first.items.len(), second.items.len()), (10, 6));
    assert!(first.items[9].id > second.items[0].id);
    assert_eq!(second.next_cursor, None);
}

async fn deleted(world: World) {
    let mut receiver = Receiver::start().await;
    let shop = world.tenant("shop").await;
    let (id, _) = world.endpoint(&shop, &receiver.url).await;
    receiver.take();
    receiver.answer([Answer::status(500)]);
    world.tell(&shop, "ord_1", 1).await;
    world.settle().await;
    world.operations.delete_endpoint(&shop, &id).await.unwrap();
    world.tell(&shop, "ord_1", 2).await;
    world.clock.advance_millis(HOUR_MS);
    world.settle().await;
    assert_eq!(receiver.take().len(), 1);
    let (delivery, detail) = world.newest(&shop).await;
    assert_eq!(detail.delivery.state, "cancelled");
    let refused = world.operations.retry_delivery(&shop, &delivery).await;
    assert!(matches!(refused, Err(OperationError::StateConflict { .. })));
    let again = world.operations.delete_endpoint(&shop, &id).await;
    assert!(matches!(again, Err(OperationError::NotFound)));
}

async fn paused(world: World) {
    let mut receiver = Receiver::start().await;
    let shop = world.tenant("shop").await;
    let (id, _) = world.endpoint(&shop, &receiver.url).await;
    receiver.take();
    world.tell(&shop, "ord_1", 1).await;
    world
        .operations
        .update_endpoint(&shop, &id, patch_state("paused"))
        .await
        .unwrap();
    world.tell(&shop, "ord_1", 2).await;
    world.settle().await;
    assert!(receiver.take().is_empty());
    world
        .operations
        .update_endpoint(&shop, &id, patch_state("enabled"))
        .await
        .unwrap();
    world.settle().await;
    assert_eq!(receiver.take().len(), 2);
    let refused = world
        .operations
        .update_endpoint(&shop, &id, patch_state("degraded"))
        .await;
    assert!(matches!(refused, Err(OperationError::Invalid(_))));
}

async fn isolation(world: World) {
    let receiver = Receiver::start().await;
    let shop = world.tenant("shop").await;
    let thief = world.tenant("thief").await;
    let (id, _) = world.endpoint(&shop, &receiver.url).await;
    let (delivery, detail) = world.newest(&shop).await;
    let event = detail.delivery.event_id.parse().unwrap();
    let operations = &world.operations;
    let not_found = [
        operations.get_endpoint(&thief, &id).await.err(),
        operations
            .update_endpoint(&thief, &id, patch_state("paused"))
            .await
            .err(),
        operations.delete_endpoint(&thief, &id).await.err(),
        operations
            .rotate_endpoint_secret(&thief, &id, Rotation::after(0))
            .await
            .err(),
        operations.ping_endpoint(&thief, &id).await.err(),
        operations.get_delivery(&thief, &delivery).await.err(),
        operations.retry_delivery(&thief, &delivery).await.err(),
        operations.get_event(&thief, &event).await.err(),
    ];
    for (index, refused) in not_found.into_iter().enumerate() {
        assert!(
            matches!(refused, Some(OperationError::NotFound)),
            "{index}: {refused:?}"
        );
    }
    assert!(
        operations
            .list_endpoints(&thief, None, 10)
            .await
            .unwrap()
            .items
            .is_empty()
    );
    assert!(
        operations
            .list_events(&thief, None, Vec::new(), 10)
            .await
            .unwrap()
            .items
            .is_empty()
    );
    let by_endpoint = DeliveryFilter {
        endpoint_id: Some(id.clone()),
        limit: 10,
        ..DeliveryFilter::default()
    };
    assert!(
        operations
            .list_deliveries(&thief, by_endpoint)
            .await
            .unwrap()
            .items
            .is_empty()
    );
    let untouched = operations.get_endpoint(&shop, &id).await.unwrap();
    assert_eq!(
        (untouched.state.as_str(), untouched.secrets.len()),
        ("enabled", 1)
    );
}
