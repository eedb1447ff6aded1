//! Pages that are open are told what changed, by server-sent events, as far as their person sees.

use std::time::Duration;

use reqwest::Response;
use serde_json::Value;
use tributary_tests::{TestPlatform, scenario};

const EVENTS: &str = "/admin/v1/events";
/// Looks after which what is waited for would have come.
const LOOKS_MAX: usize = 10;
/// Longer than any look takes.
const LOOK_MAX: Duration = Duration::from_secs(30);

/// The events of one look, each with its name.
async fn look(stream: &mut Response) -> Vec<(String, Value)> {
    let chunk = tokio::time::timeout(LOOK_MAX, stream.chunk()).await;
    let chunk = chunk
        .expect("a look in time")
        .expect("a whole chunk")
        .expect("more");
    let text = String::from_utf8(chunk.to_vec()).expect("UTF-8");
    let events = text.split("\n\n").filter_map(|event| {
        let (name, data) = event.split_once('\n')?;
        let name = name.strip_prefix("event: ")?;
        let data = serde_json::from_str(data.strip_prefix("data: ")?).expect("JSON");
        Some((name.to_owned(), data))
    });
    events.collect()
}

/// Looks until an order is told to be paid, and answers what was said of it.
async fn paid(stream: &mut Response, order: &Value) -> Value {
    for _ in 0..LOOKS_MAX {
        let said = look(stream).await.into_iter().find(|(name, data)| {
            name == "changed" && data["id"] == order["id"] && data["event"] == "order.paid"
        });
        if let Some((_, data)) = said {
            return data;
        }
    }
    panic!("nobody said that the order was paid");
}

scenario!(
    an_order_that_is_paid_is_told_to_who_may_see_it_and_to_nobody_else,
    told
);
async fn told(p: &TestPlatform) {
    let owner = p.owner("owner@example.com").await;
    let other = p.another_tenant().await;
    let viewer = ["tenant_viewer"];
    let own = p.invited(
        &owner,
        "own@example.com",
        &viewer,
        Some(p.tenant.id.as_str()),
    );
    let own = own.await;
    let stranger = p.invited(
        &owner,
        "other@example.com",
        &viewer,
        Some(other.id.as_str()),
    );
    let stranger = stranger.await;
    let mut streams = Vec::new();
    for person in [&owner, &own, &stranger] {
        let stream = person.api.open(EVENTS).await;
        assert_eq!(stream.status(), 200);
        assert_eq!(stream.headers()["content-type"], "text/event-stream");
        assert_eq!(stream.headers()["cache-control"], "no-store");
        streams.push(stream);
    }
    let order = p.paid_order(500).await;
    for stream in &mut streams[..2] {
        let said = paid(stream, &order).await;
        assert_eq!(said["kind"], "order");
        assert_eq!(said["tenant_id"], p.tenant.id.as_str());
    }
    // The others saw it meanwhile; these looks come after it.
    for _ in 0..3 {
        let seen = look(&mut streams[2]).await;
        assert!(seen.iter().all(|(name, _)| name == "inbox"), "{seen:?}");
        let text = serde_json::to_string(&seen).expect("JSON");
        assert!(!text.contains(p.tenant.id.as_str()), "{text}");
    }
    // A tenant's own is told to it, so the silence was not of the line.
    let theirs = other.api.place_order(&other.order(70)).await.placed();
    p.pay(&theirs);
    p.settle().await;
    let said = paid(&mut streams[2], &theirs).await;
    assert_eq!(said["tenant_id"], other.id.as_str());
}
