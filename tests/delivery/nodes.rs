//! Two nodes on one PostgreSQL whose own clocks differ.

use tributary_operations::courier::{Courier, new_node_name};
use tributary_operations::endpoints::NewEndpoint;
use tributary_storage::tenancy;

use crate::receiver::Receiver;
use crate::world::{World, claim};

const TEN_MINUTES_MS: i64 = 600_000;

#[tokio::test]
async fn a_node_whose_clock_is_wrong_takes_no_lease_of_another_away() {
    if let Some(world) = World::on_postgres().await {
        Box::pin(tenancy::platform(wrong_clocks(&world))).await;
    }
}

async fn wrong_clocks(world: &World) {
    let mut receiver = Receiver::start().await;
    let shop = world.tenant("shop").await;
    let courier = |wrong_by_ms| Courier::new(world.node(wrong_by_ms), new_node_name());
    // More than a lease apart, both ways.
    let (slow, right, fast) = (
        courier(-TEN_MINUTES_MS),
        courier(0),
        courier(TEN_MINUTES_MS),
    );
    let new = NewEndpoint {
        url: receiver.url.clone(),
        description: String::new(),
        filters: vec!["*".to_owned()],
        ..NewEndpoint::default()
    };
    let fast_node = world.node(TEN_MINUTES_MS);
    fast_node.create_endpoint(&shop, new).await.unwrap();

    let load = claim(&slow).await;
    assert_eq!(
        load.outgoing.len(),
        1,
        "what a fast clock queued is due at once"
    );
    assert!(claim(&right).await.outgoing.is_empty());
    assert!(claim(&fast).await.outgoing.is_empty());
    let report = slow.deliver(&load.outgoing[0]).await;
    let recorded = slow.record(&[report]).await.unwrap();
    assert_eq!((recorded.accepted, recorded.stale), (1, 0));
    assert_eq!(receiver.take().len(), 1);
}
