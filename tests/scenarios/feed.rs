//! The feed: every event once, in an order that has no holes, however many write at the same time.

use std::sync::atomic::{AtomicBool, Ordering};

use futures::future::join_all;
use serde_json::Value;
use tributary_tests::{TestPlatform, TestTenant, scenario};

const WRITERS: i64 = 40;

scenario!(reader_beside_concurrent_writers_misses_nothing, no_holes);
async fn no_holes(p: &TestPlatform) {
    let other = p.another_tenant().await;
    let done = AtomicBool::new(false);
    // Background work has one runner at a time, as it has in a process.
    let numbered = AtomicBool::new(false);
    let write = async {
        let mine = (0..WRITERS).map(|_| p.tenant.api.place_order_body(&p.tenant));
        let theirs = (0..WRITERS / 2).map(|_| other.api.place_order_body(&other));
        futures::join!(join_all(mine), join_all(theirs));
        done.store(true, Ordering::SeqCst);
    };
    let number = async {
        while !done.load(Ordering::SeqCst) {
            p.platform
                .run_until_idle()
                .await
                .expect("background work succeeds");
        }
        numbered.store(true, Ordering::SeqCst);
    };
    let read = async {
        let mut seen = Vec::new();
        loop {
            // Asked before the page is read, so that the last page is read after the last write.
            let last = numbered.load(Ordering::SeqCst);
            if last {
                p.settle().await;
            }
            let fresh = next_page(&p.tenant, &seen).await;
            if fresh.is_empty() && last {
                return seen;
            }
            seen.extend(fresh);
            tokio::task::yield_now().await;
        }
    };
    let ((), (), seen) = futures::join!(write, number, read);
    assert_eq!(numbers(&seen), (1..=WRITERS).collect::<Vec<_>>());
    let theirs = p.feed(&other).await;
    assert_eq!(numbers(&theirs), (1..=WRITERS / 2).collect::<Vec<_>>());
}

/// What the reader has not seen yet, by the number of the last event it saw.
async fn next_page(tenant: &TestTenant, seen: &[Value]) -> Vec<Value> {
    let after = numbers(seen)
        .last()
        .map(|last| format!("&after={last}"))
        .unwrap_or_default();
    let page = tenant.api.events(&format!("limit=7{after}")).await.ok();
    page["data"].as_array().expect("a page has data").clone()
}

fn numbers(events: &[Value]) -> Vec<i64> {
    events
        .iter()
        .map(|event| event["feed_seq"].as_i64().expect("a number"))
        .collect()
}

scenario!(feed_can_be_read_by_type, by_type);
async fn by_type(p: &TestPlatform) {
    let order = p.order(1).await;
    p.order(2).await;
    p.pay(&order);
    p.settle().await;
    let page = p.tenant.api.events("types=order.paid").await.ok();
    let events = page["data"].as_array().expect("a page has data");
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["subject"]["id"], order["id"]);
}
