//! An orderly stop finishes what is under way.

use std::sync::Arc;

use serde_json::json;
use tributary_domain::clock::SharedClock;
use tributary_server::config::Timeouts;
use tributary_server::platform::{Background, Platform, PlatformConfig};
use tributary_tests::{Api, Behaviour, Gate, TestPlatform, platform, scenario};
use wechatpay_sim::{Fault, FaultKind};

/// How long WeChat takes to answer: long enough for the stop to begin meanwhile.
const ANSWER_DELAY_MS: u64 = 500;

/// A second node on the same database that works by itself, as `serve` does.
async fn node(p: &TestPlatform) -> Platform {
    let clock = Arc::clone(&p.clock) as SharedClock;
    let config = PlatformConfig::testing(p.database.url.clone(), platform::kek(), clock);
    let config = PlatformConfig {
        background: Background::Running,
        ..config
    };
    Platform::build(config).await.expect("the node starts")
}

scenario!(
    delivery_under_way_is_finished_and_recorded_before_the_stop,
    delivery
);
async fn delivery(p: &TestPlatform) {
    p.register(&p.tenant, "hook", &["order.created"]).await;
    let gate = Gate::default();
    p.receiver.behave("hook", Behaviour::Hold(gate.clone()));
    let node = node(p).await;
    p.order(100).await;
    p.receiver.wait_for(2).await;
    let open = async {
        tokio::task::yield_now().await;
        gate.open();
    };
    let (stopped, ()) = futures::join!(node.shutdown(), open);
    stopped.expect("an orderly stop");
    let succeeded = "SELECT COUNT(*) FROM deliveries WHERE state = 'succeeded' AND event_kind = 'order.created'";
    assert_eq!(p.database.count(succeeded).await, 1);
}

scenario!(request_under_way_is_answered_before_the_stop, request);
async fn request(p: &TestPlatform) {
    p.simulator.fault(
        Fault::of(FaultKind::Delay)
            .on_path("/v3/pay")
            .delayed_by(ANSWER_DELAY_MS),
    );
    let node = node(p).await;
    let api = Api::new(&node.api_url(), Some(&p.tenant.api_key));
    let body = p.tenant.order(100);
    let stop = async {
        while p.simulator.faults()["faults"][0]["happened"] == json!(0) {
            tokio::task::yield_now().await;
        }
        node.shutdown().await.expect("an orderly stop");
    };
    let (answer, ()) = futures::join!(api.place_order(&body), stop);
    assert_eq!(answer.placed()["state"], "paying");
    assert!(
        api.try_post("/v1/orders", &body, "k").await.is_err(),
        "nobody listens any more"
    );
}

scenario!(
    stop_does_not_wait_for_a_receiver_that_never_answers,
    never_answered
);
async fn never_answered(p: &TestPlatform) {
    p.register(&p.tenant, "hook", &["order.created"]).await;
    let gate = Gate::default();
    p.receiver.behave("hook", Behaviour::Hold(gate.clone()));
    let clock = Arc::clone(&p.clock) as SharedClock;
    let config = PlatformConfig::testing(p.database.url.clone(), platform::kek(), clock);
    let config = PlatformConfig {
        background: Background::Running,
        timeouts: Timeouts {
            shutdown_ms: 200,
            ..config.timeouts
        },
        ..config
    };
    let node = Platform::build(config).await.expect("the node starts");
    p.order(100).await;
    p.receiver.wait_for(2).await;
    node.shutdown().await.expect("an orderly stop");
    // The attempt would have failed by itself seconds later, and that would have been written down.
    let as_it_was = "SELECT COUNT(*) FROM deliveries WHERE state = 'open' AND attempts = 0 AND event_kind = 'order.created'";
    assert_eq!(p.database.count(as_it_was).await, 1);
    // Whoever comes next takes it up once the claim has ended.
    gate.open();
    p.advance_seconds(3 * 60).await;
    let succeeded = "SELECT COUNT(*) FROM deliveries WHERE state = 'succeeded' AND event_kind = 'order.created'";
    assert_eq!(p.database.count(succeeded).await, 1);
}
