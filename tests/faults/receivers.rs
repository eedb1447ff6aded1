//! Tenants' receivers that mean no good hurt nobody but themselves, and get everything once they behave.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tributary_tests::{HostileReceiver, Hostility, TestPlatform};

use crate::{HURRIED, fault};

/// Generous: all of a round is bounded by one attempt, which takes a second at most.
const ROUND_LIMIT: Duration = Duration::from_millis(HURRIED.webhook_ms * 8);

async fn endpoint_at(p: &TestPlatform, url: &str) -> Value {
    let body = json!({"url": url, "events": ["order.created"]});
    p.tenant.api.create_endpoint(&body).await.ok()
}

async fn deliveries(p: &TestPlatform, endpoint: &Value) -> Vec<Value> {
    let id = endpoint["id"].as_str().expect("an id");
    let query = format!("endpoint_id={id}&limit=100");
    let page = p.tenant.api.deliveries(&query).await.ok();
    let all = page["data"].as_array().expect("a page has data").clone();
    all.into_iter()
        .filter(|delivery| delivery["event_type"] == "order.created")
        .collect()
}

/// A good status has been given, whatever becomes of the body behind it; everything else is tried again.
fn outcome(hostility: Hostility) -> (&'static str, Option<&'static str>) {
    match hostility {
        Hostility::Hangs | Hostility::DripsHead => ("open", Some("timeout_headers")),
        Hostility::FloodsHead => ("open", Some("too_large")),
        Hostility::Redirects => ("open", Some("redirect")),
        Hostility::DripsBody | Hostility::Floods | Hostility::Resets => ("succeeded", None),
    }
}

fault!(
    receivers_that_mean_no_good_delay_nobody_and_miss_nothing,
    no_good
);
async fn no_good(p: &TestPlatform) {
    let mut hostile = Vec::new();
    for hostility in Hostility::ALL {
        let receiver = HostileReceiver::start(hostility).await;
        let endpoint = endpoint_at(p, &receiver.url()).await;
        hostile.push((hostility, receiver, endpoint));
    }
    endpoint_at(p, &p.receiver.url("good")).await;
    p.settle().await;
    let begun = Instant::now();
    let order = p.order(100).await;
    p.settle().await;
    assert!(begun.elapsed() < ROUND_LIMIT, "{:?}", begun.elapsed());
    assert_eq!(p.receiver.of_kind("good", "order.created").len(), 1);
    for (hostility, receiver, endpoint) in &hostile {
        assert!(receiver.connections() >= 1, "{hostility:?}");
        let deliveries = deliveries(p, endpoint).await;
        assert_eq!(deliveries.len(), 1, "{hostility:?}");
        assert_eq!(deliveries[0]["attempts"], 1, "{hostility:?}");
        let (state, error) = outcome(*hostility);
        assert_eq!(deliveries[0]["state"], state, "{hostility:?}");
        assert_eq!(deliveries[0]["last_error"].as_str(), error, "{hostility:?}");
    }
    // They come to their senses.
    for (hostility, _, endpoint) in &hostile {
        let hook = format!("{hostility:?}");
        let id = endpoint["id"].as_str().expect("an id");
        let patch = json!({"url": p.receiver.url(&hook)});
        p.tenant.api.update_endpoint(id, &patch).await.ok();
    }
    p.advance_seconds(10).await;
    for (hostility, _, endpoint) in &hostile {
        let hook = format!("{hostility:?}");
        let came = p.receiver.of_kind(&hook, "order.created");
        let delivery = &deliveries(p, endpoint).await[0];
        assert_eq!(delivery["state"], "succeeded", "{hostility:?}");
        let by_now = usize::from(delivery["attempts"] != 1);
        assert_eq!(came.len(), by_now, "{hostility:?}");
        let told = came
            .iter()
            .all(|hook| hook.event()["subject"]["id"] == order["id"]);
        assert!(told, "{hostility:?}");
    }
}
