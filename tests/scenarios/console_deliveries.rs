//! What staff do with deliveries: look into them, send one again, recover many.

use tributary_domain::endpoint::EndpointState;
use tributary_domain::ids::{DeliveryId, EndpointId};
use tributary_domain::staff::Role;
use tributary_domain::tenant::Mode;
use tributary_operations::OperationError;
use tributary_operations::delivery_search::{DeliveryQuery, EndpointQuery};
use tributary_operations::jobs::{JobState, JobView, JobWish, RecoverWish};
use tributary_tests::{TestPlatform, scenario};

use crate::console::{by, is_absent, member, platform};

/// A delivery that its receiver refused for good.
async fn failed_delivery(p: &TestPlatform) -> (EndpointId, DeliveryId) {
    let endpoint = p.register(&p.tenant, "hook", &["order.*"]).await;
    let id: EndpointId = endpoint["id"]
        .as_str()
        .expect("an id")
        .parse()
        .expect("an id");
    p.paid_order(888).await;
    p.settle().await;
    let fail = "UPDATE deliveries SET state = 'failed', last_error = 'http_5xx', last_status = 500 \
                WHERE event_kind = 'order.paid'";
    assert_eq!(p.database.execute(fail).await, 1);
    let query = DeliveryQuery {
        state: Some(tributary_operations::deliveries::DeliveryState::Failed),
        ..DeliveryQuery::of_mode(Mode::Test)
    };
    let (operations, support) = (p.platform.operations(), platform(Role::Support));
    let page = operations
        .search_deliveries(&support, &query, None, None)
        .await
        .expect("a page");
    assert_eq!(page.items.len(), 1);
    (id, page.items[0].delivery.id.clone())
}

scenario!(a_delivery_is_inspected_and_sent_again, replays);
async fn replays(p: &TestPlatform) {
    let (endpoint, id) = failed_delivery(p).await;
    let operations = p.platform.operations();
    let support = platform(Role::Support);
    let seen = operations
        .inspect_delivery(&support, &id)
        .await
        .expect("a delivery");
    let body = seen.body.expect("a body");
    let payer = &body["data"]["object"]["payer"]["sub_openid"];
    assert!(
        payer.as_str().is_some_and(|payer| payer.contains("****")),
        "{payer}"
    );
    assert!(seen.actions.iter().all(|action| action.why_not.is_none()));
    let stranger = member(&p.another_tenant().await, Role::TenantOwner);
    assert!(is_absent(
        &operations.inspect_delivery(&stranger, &id).await
    ));
    assert!(is_absent(
        &operations.replay_delivery(&by(), &stranger, &id).await
    ));

    let ops = platform(Role::PlatformOps);
    let paused = operations
        .set_endpoint_state(&by(), &ops, &endpoint, EndpointState::Paused)
        .await;
    assert_eq!(
        paused.expect("an endpoint").listed.endpoint.state,
        EndpointState::Paused
    );
    let refused = operations.replay_delivery(&by(), &support, &id).await;
    assert!(matches!(refused, Err(OperationError::StateConflict { .. })));
    let list = operations
        .search_endpoints(&ops, &EndpointQuery::default(), None, None)
        .await;
    assert_eq!(list.expect("a page").items.len(), 1);
    let resumed = operations
        .set_endpoint_state(&by(), &ops, &endpoint, EndpointState::Enabled)
        .await;
    resumed.expect("an endpoint");
    let before = p.receiver.of_kind("hook", "order.paid").len();
    operations
        .replay_delivery(&by(), &support, &id)
        .await
        .expect("due");
    p.settle().await;
    assert_eq!(p.receiver.of_kind("hook", "order.paid").len(), before + 1);
}

scenario!(recovering_is_counted_first_paused_and_goes_on, recovering);
async fn recovering(p: &TestPlatform) {
    let endpoint = p.register(&p.tenant, "hook", &["order.*"]).await;
    let endpoint = endpoint["id"].as_str().expect("an id");
    let endpoint: EndpointId = endpoint.parse().expect("an id");
    for _ in 0..3 {
        p.paid_order(888).await;
    }
    p.settle().await;
    p.database
        .execute("UPDATE deliveries SET state = 'failed' WHERE event_kind = 'order.paid'")
        .await;
    let operations = p.platform.operations();
    let ops = platform(Role::PlatformOps);
    let wish = RecoverWish {
        endpoint_id: endpoint,
        from: p.now().plus_millis(-3_600_000),
        to: p.now().plus_millis(1),
        per_second: 1,
    };
    let plan = operations.plan_recover(&ops, &wish).await.expect("a plan");
    assert_eq!(
        (plan.total, plan.by_kind.len(), plan.is_served),
        (3, 1, true)
    );
    let before = p.receiver.of_kind("hook", "order.paid").len();
    let started = operations
        .start_job(&by(), &ops, JobWish::Recover(wish.clone()))
        .await;
    let id = started.expect("a job").job.id;
    let beside = async || {
        let wish = JobWish::Recover(wish.clone());
        operations.start_job(&by(), &ops, wish).await
    };
    let names_open = |refused: Result<JobView, OperationError>| match refused {
        Err(OperationError::StateConflict { state }) => state.contains(id.as_str()),
        _ => false,
    };
    assert!(names_open(beside().await));
    p.settle().await;
    let seen = operations.job(&ops, &id).await.expect("a job").job;
    assert_eq!(
        (seen.done, seen.total, seen.state),
        (1, Some(3), JobState::Running)
    );
    let paused = operations
        .steer_job(&by(), &ops, &id, JobState::Paused)
        .await;
    assert_eq!(paused.expect("a job").job.state, JobState::Paused);
    assert!(names_open(beside().await), "a paused one goes on later");
    p.advance_seconds(10).await;
    assert_eq!(operations.job(&ops, &id).await.expect("a job").job.done, 1);
    operations
        .steer_job(&by(), &ops, &id, JobState::Running)
        .await
        .expect("a job");
    for _ in 0..3 {
        p.advance_seconds(1).await;
    }
    let seen = operations.job(&ops, &id).await.expect("a job").job;
    assert_eq!((seen.done, seen.state), (3, JobState::Succeeded));
    assert_eq!(p.receiver.of_kind("hook", "order.paid").len(), before + 3);
    let again = operations
        .steer_job(&by(), &ops, &id, JobState::Cancelled)
        .await;
    assert!(matches!(again, Err(OperationError::StateConflict { .. })));
    let stranger = member(&p.another_tenant().await, Role::TenantOwner);
    assert!(is_absent(&operations.job(&stranger, &id).await));
}
