//! The figures of the overview are those of the orders, to the fen: a small day is made by hand and added up.

use serde_json::{Value, json};
use tributary_tests::webhook_receiver::Behaviour;
use tributary_tests::{Person, TestPlatform, TestTenant, scenario};
use wechatpay_sim::RefundResult;

/// Both evenings of the small day: it crosses midnight in Beijing (16:00 UTC).
const SPAN: &str = "mode=test&from=2026-09-21T14:00:00Z&to=2026-09-21T17:00:00Z";
const TWO_HOURS_SECONDS: i64 = 2 * 60 * 60;

/// A group of figures by its key: how many were placed, paid and ended unpaid; thousandths of success; fen that were asked
/// for, came in and went back; how many were found by us, told by WeChat, and refunded.
fn figures(group: &Value) -> Value {
    json!([
        group["placed"],
        group["paid"],
        group["ended_unpaid"],
        group["success_rate"],
        group["placed_amount"],
        group["paid_amount"],
        group["refunded_amount"],
        group["found_by_query"],
        group["notified"],
        group["refunds"],
    ])
}

async fn grouped(person: &Person, query: &str) -> Vec<(Value, Value)> {
    let path = format!("/admin/v1/statistics/orders?{SPAN}&{query}");
    let list = person.api.get(&path).await.ok();
    let groups = list["data"].as_array().expect("groups").iter();
    groups
        .map(|group| (group["key"].clone(), figures(group)))
        .collect()
}

async fn pay(p: &TestPlatform, tenant: &TestTenant, total: i64, late_seconds: i64) -> Value {
    let order = tenant.api.place_order(&tenant.order(total)).await.placed();
    p.pay(&order);
    p.clock.advance_millis(late_seconds * 1_000);
    p.settle().await;
    order
}

async fn refund(p: &TestPlatform, order: &Value, number: &str, fen: i64) -> Value {
    let wish = crate::refund::asked(order, number, fen);
    let refund = p.tenant.api.create_refund(&wish).await.ok();
    p.settle().await;
    refund
}

/// What the first tenant lives through in the first hour, and the second one in the first and the third.
async fn small_day(p: &TestPlatform, other: &TestTenant) {
    p.register(&p.tenant, "hook", &["order.paid"]).await;
    p.receiver.behave(
        "broken",
        Behaviour::Answer(reqwest::StatusCode::BAD_GATEWAY),
    );
    p.register(other, "broken", &["order.paid"]).await;
    // Told three seconds late, and partly given back.
    let told = pay(p, &p.tenant, 1_000, 3).await;
    let back = refund(p, &told, "back-1", 300).await;
    crate::refund::end(p, &back, RefundResult::Success);
    p.settle().await;
    // Found by our own question; a refund of it is on its way.
    let found = p.order(2_000).await;
    p.pay(&found);
    let id = found["id"].as_str().expect("an id");
    p.tenant.api.sync_order(id).await.ok();
    p.settle().await;
    refund(p, &found, "back-2", 100).await;
    // Closed, and still open.
    let closed = p.order(700).await;
    p.tenant
        .api
        .close_order(closed["id"].as_str().expect("an id"))
        .await
        .ok();
    p.order(50).await;
    pay(p, other, 123, 0).await;
    p.advance_seconds(TWO_HOURS_SECONDS).await;
    pay(p, other, 77, 1).await;
    p.platform
        .operations()
        .compute_hours()
        .await
        .expect("figures");
}

/// An owner of the platform, and a member of each tenant.
async fn people(p: &TestPlatform, other: &TestTenant) -> [Person; 3] {
    let owner = p.owner("owner@example.com").await;
    let roles = ["tenant_viewer"];
    let own = p.invited(
        &owner,
        "own@example.com",
        &roles,
        Some(p.tenant.id.as_str()),
    );
    let own = own.await;
    let theirs = p.invited(
        &owner,
        "theirs@example.com",
        &roles,
        Some(other.id.as_str()),
    );
    let theirs = theirs.await;
    [owner, own, theirs]
}

scenario!(
    figures_of_orders_are_those_of_a_small_day_to_the_fen,
    to_the_fen
);
async fn to_the_fen(p: &TestPlatform) {
    let other = p.another_tenant().await;
    small_day(p, &other).await;
    let [owner, own, theirs] = people(p, &other).await;
    let mine = json!([4, 2, 1, 6_666, 3_750, 3_000, 300, 1, 1, 2]);
    let others = json!([2, 2, 0, 10_000, 200, 200, 0, 0, 2, 0]);
    let tenants = [
        (json!(p.tenant.id), mine.clone()),
        (json!(other.id), others.clone()),
    ];
    let merchants = [
        (json!(p.tenant.sub_mchid), mine.clone()),
        (json!(other.sub_mchid), others.clone()),
    ];
    let first = json!([5, 3, 1, 7_500, 3_873, 3_123, 300, 1, 2, 2]);
    let last = json!([1, 1, 0, 10_000, 77, 77, 0, 0, 1, 0]);
    let days = [
        (json!("2026-09-21"), first.clone()),
        (json!("2026-09-22"), last.clone()),
    ];
    let hours = [
        (json!("2026-09-21T14:00:00.000Z"), first),
        (json!("2026-09-21T16:00:00.000Z"), last),
    ];
    for (by, expected) in [
        ("tenant", &tenants),
        ("sub_merchant", &merchants),
        ("day", &days),
        ("hour", &hours),
    ] {
        assert_eq!(
            grouped(&owner, &format!("by={by}")).await,
            expected,
            "by {by}"
        );
    }
    for (filter, expected) in [
        (format!("tenant_id={}", other.id), &tenants[1]),
        (format!("sub_mchid={}", p.tenant.sub_mchid), &tenants[0]),
    ] {
        let found = grouped(&owner, &format!("by=tenant&{filter}")).await;
        assert_eq!(&found, std::slice::from_ref(expected), "{filter}");
    }
    // A member sees its own, whatever it asks for.
    for (member, expected) in [(&own, &tenants[0]), (&theirs, &tenants[1])] {
        for filter in [String::new(), format!("&tenant_id={}", p.tenant.id)] {
            let found = grouped(member, &format!("by=tenant{filter}")).await;
            let nothing: [(Value, Value); 0] = [];
            let is_own = found == std::slice::from_ref(expected);
            assert!(
                is_own || (!filter.is_empty() && found == nothing),
                "{found:?}"
            );
        }
    }
}

scenario!(
    hours_that_nobody_computed_for_days_are_made_up_for,
    standstill
);
async fn standstill(p: &TestPlatform) {
    let place = async || {
        let order = p.tenant.order(100);
        p.tenant.api.place_order(&order).await.placed();
    };
    place().await;
    let operations = p.platform.operations();
    operations.compute_hours().await.expect("figures");
    // Nothing but orders comes for days.
    p.clock.advance_millis(3 * 60 * 60 * 1_000);
    place().await;
    p.clock.advance_millis(5 * 24 * 60 * 60 * 1_000);
    operations.compute_hours().await.expect("figures");
    let span = "mode=test&by=hour&from=2026-09-21T00:00:00Z&to=2026-09-28T00:00:00Z";
    let path = format!("/admin/v1/statistics/orders?{span}");
    let owner = p.owner("owner@example.com").await;
    let list = owner.api.get(&path).await.ok();
    let placed = list["data"].as_array().expect("groups").iter();
    let placed: Vec<&Value> = placed.map(|group| &group["placed"]).collect();
    assert_eq!(placed, [1, 1]);
}

scenario!(health_is_that_of_a_small_day, health);
async fn health(p: &TestPlatform) {
    let other = p.another_tenant().await;
    small_day(p, &other).await;
    let [owner, own, theirs] = people(p, &other).await;
    let read = async |person: &Person| {
        let path = "/admin/v1/statistics/health?mode=test&since=2026-09-21T14:00:00Z";
        person.api.get(path).await.ok()
    };
    let seen = read(&owner).await;
    let lag =
        |sample, p50, p95| json!({"sample": sample, "p50_ms": p50, "p95_ms": p95, "p99_ms": p95});
    assert_eq!(seen["notification_lag"], lag(3, 1_000, 3_000));
    assert_eq!(
        seen["open_refunds"],
        json!([{"name": "processing", "count": 1}])
    );
    assert_eq!(seen["slow_refunds"], 0);
    assert_eq!(seen["hosts"].as_array().map(Vec::len), Some(1), "{seen}");
    assert_eq!(seen["hosts"][0]["failed"], 0);
    let taken = p.receiver.received("hook").len();
    let failed = p.receiver.received("broken").len();
    assert!(taken > 1 && failed > 1, "{taken} {failed}");
    // Those with the most failures first.
    let [broken, whole] = [&seen["endpoints"][0], &seen["endpoints"][1]];
    assert_eq!(
        (&broken["succeeded"], &broken["failed"][0]["count"]),
        (&json!(0), &json!(failed))
    );
    assert_eq!(
        (&whole["succeeded"], &whole["failed"]),
        (&json!(taken), &json!([]))
    );

    let seen = read(&own).await;
    assert_eq!(seen["notification_lag"], lag(1, 3_000, 3_000));
    assert_eq!(seen["endpoints"], json!([whole]));
    assert_eq!(seen["hosts"], json!([]));
    let seen = read(&theirs).await;
    assert_eq!(seen["notification_lag"], lag(2, 0, 1_000));
    assert_eq!(seen["endpoints"], json!([broken]));
    assert_eq!(seen["open_refunds"], json!([]));
}
