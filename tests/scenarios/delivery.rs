//! How events reach a tenant's server, whatever that server does.

use poem::http::StatusCode;
use serde_json::{Value, json};
use tributary_domain::clock::Timestamp;
use tributary_tests::{Behaviour, Gate, TestPlatform, scenario};

/// The delays after each failed attempt, in seconds, as documented; each comes with a fifth of jitter.
const SCHEDULE_SECONDS: [i64; 13] = [
    5, 30, 120, 600, 1800, 3600, 7200, 14400, 28800, 43200, 43200, 57600, 57600,
];

fn failing() -> Behaviour {
    Behaviour::Answer(StatusCode::INTERNAL_SERVER_ERROR)
}

fn working() -> Behaviour {
    Behaviour::Answer(StatusCode::NO_CONTENT)
}

fn id(value: &Value) -> &str {
    value["id"].as_str().expect("an id")
}

/// The only delivery of the order's creation.
async fn delivery(p: &TestPlatform, endpoint: &Value) -> Value {
    let query = format!("endpoint_id={}&event_type=order.created", id(endpoint));
    let page = p.tenant.api.deliveries(&query).await.ok();
    let found = page["data"].as_array().expect("a page has data").clone();
    assert_eq!(found.len(), 1);
    p.tenant.api.delivery(id(&found[0])).await.ok()
}

scenario!(
    failed_delivery_is_tried_fourteen_times_on_schedule,
    schedule
);
async fn schedule(p: &TestPlatform) {
    let endpoint = p.register(&p.tenant, "hook", &["order.created"]).await;
    p.receiver.behave("hook", failing());
    p.order(100).await;
    p.settle().await;
    for (failed, seconds) in SCHEDULE_SECONDS.into_iter().enumerate() {
        let seen = delivery(p, &endpoint).await;
        assert_eq!(seen["attempts"], failed + 1);
        let next = seen["next_attempt_at"].as_str().expect("a next attempt");
        let next = Timestamp::parse_rfc3339(next).expect("a time");
        let wait_ms = next.millis_since(p.now());
        let bounds = seconds * 800..=seconds * 1200;
        assert!(bounds.contains(&wait_ms), "attempt {failed}: {wait_ms} ms");
        p.clock.advance_millis(wait_ms - 1);
        p.settle().await;
        assert_eq!(
            delivery(p, &endpoint).await["attempts"],
            failed + 1,
            "too early"
        );
        p.clock.advance_millis(1);
        p.settle().await;
    }
    let last = delivery(p, &endpoint).await;
    assert_eq!(last["attempts"], 14);
    assert_eq!(last["state"], "failed");
    assert_eq!(last["last_status"], 500);
    let tries = p.receiver.of_kind("hook", "order.created");
    let first = &tries[0].headers["webhook-id"];
    assert!(tries.iter().all(|one| one.headers["webhook-id"] == *first));
    let secret = endpoint["secret"].as_str().expect("a secret");
    assert!(
        tries[13].is_signed_by(secret, p.now()),
        "every attempt is signed anew"
    );
}

scenario!(endpoint_that_recovers_gets_what_failed, recovers);
async fn recovers(p: &TestPlatform) {
    let endpoint = p.register(&p.tenant, "hook", &["order.created"]).await;
    p.receiver.behave("hook", failing());
    p.order(100).await;
    p.settle().await;
    p.receiver.behave("hook", working());
    p.advance_seconds(7).await;
    let seen = delivery(p, &endpoint).await;
    assert_eq!(
        (&seen["state"], &seen["attempts"]),
        (&json!("succeeded"), &json!(2))
    );
    let log = seen["attempt_log"].as_array().expect("a log");
    let statuses: Vec<&Value> = log.iter().map(|attempt| &attempt["status"]).collect();
    assert_eq!(statuses, [500, 204]);
    let endpoint = p.tenant.api.endpoint(id(&endpoint)).await.ok();
    assert_eq!(endpoint["state"], "enabled");
    assert_eq!(endpoint["consecutive_failures"], 0);
}

scenario!(slow_endpoint_delays_nobody_else, slow);
async fn slow(p: &TestPlatform) {
    p.register(&p.tenant, "slow", &["order.created"]).await;
    p.register(&p.tenant, "fast", &["order.created"]).await;
    let gate = Gate::default();
    p.receiver.behave("slow", Behaviour::Hold(gate.clone()));
    p.order(100).await;
    let stuck = p.platform.run_until_idle();
    let watch = async {
        while p.receiver.of_kind("fast", "order.created").is_empty() {
            tokio::task::yield_now().await;
        }
        gate.open();
    };
    let (stuck, ()) = futures::join!(stuck, watch);
    stuck.expect("background work succeeds");
    p.settle().await;
    assert_eq!(p.receiver.of_kind("slow", "order.created").len(), 1);
}

scenario!(slow_endpoint_holds_no_later_event_of_others, slow_later);
async fn slow_later(p: &TestPlatform) {
    let other = p.another_tenant().await;
    p.register(&p.tenant, "slow", &["order.created"]).await;
    p.register(&other, "fast", &["order.created"]).await;
    let gate = Gate::default();
    p.receiver.behave("slow", Behaviour::Hold(gate.clone()));
    p.order(1).await;
    let stuck = p.platform.run_until_idle();
    let later = async {
        while p.receiver.of_kind("slow", "order.created").is_empty() {
            tokio::task::yield_now().await;
        }
        for total in 2..5 {
            other.api.place_order(&other.order(total)).await.placed();
        }
        p.platform
            .run_until_idle()
            .await
            .expect("background work succeeds");
        assert_eq!(p.receiver.of_kind("fast", "order.created").len(), 3);
        gate.open();
    };
    let (stuck, ()) = futures::join!(stuck, later);
    stuck.expect("background work succeeds");
}

scenario!(
    gone_endpoint_is_disabled_and_gets_what_it_missed_when_enabled,
    gone
);
async fn gone(p: &TestPlatform) {
    let endpoint = p.register(&p.tenant, "hook", &["order.*"]).await;
    p.receiver
        .behave("hook", Behaviour::Answer(StatusCode::GONE));
    p.order(100).await;
    p.settle().await;
    let seen = p.tenant.api.endpoint(id(&endpoint)).await.ok();
    assert_eq!(seen["state"], "disabled");
    assert!(seen["disabled_reason"].is_string());
    let before = p.receiver.received("hook").len();
    p.order(200).await;
    p.advance_seconds(3600).await;
    assert_eq!(
        p.receiver.received("hook").len(),
        before,
        "nothing is sent to a gone endpoint"
    );
    p.receiver.behave("hook", working());
    p.tenant
        .api
        .update_endpoint(id(&endpoint), &json!({"state": "enabled"}))
        .await
        .ok();
    p.advance_seconds(60).await;
    let told = p.receiver.of_kind("hook", "order.created");
    let totals: Vec<Value> = told
        .iter()
        .map(|one| one.event()["data"]["object"]["amount"]["total"].clone())
        .collect();
    assert!(totals.contains(&json!(200)), "{totals:?}");
}

scenario!(redirect_is_refused, redirect);
async fn redirect(p: &TestPlatform) {
    let endpoint = p.register(&p.tenant, "hook", &["order.created"]).await;
    p.receiver
        .behave("hook", Behaviour::Redirect(p.receiver.url("elsewhere")));
    p.order(100).await;
    p.settle().await;
    assert!(p.receiver.received("elsewhere").is_empty());
    let seen = delivery(p, &endpoint).await;
    assert_eq!(seen["last_error"], "redirect");
    assert_eq!(seen["state"], "open");
}

scenario!(
    rotated_secret_signs_beside_the_old_one_until_the_grace_ends,
    rotation
);
async fn rotation(p: &TestPlatform) {
    let endpoint = p.register(&p.tenant, "hook", &["order.created"]).await;
    let old = endpoint["secret"].as_str().expect("a secret").to_owned();
    let rotated = p.tenant.api.rotate_secret(id(&endpoint), 3600).await.ok();
    let new = rotated["secret"].as_str().expect("a secret").to_owned();
    assert_ne!(old, new);
    p.order(1).await;
    p.settle().await;
    p.advance_seconds(3601).await;
    p.order(2).await;
    p.settle().await;
    let told = p.receiver.of_kind("hook", "order.created");
    assert!(told[0].has_signature_of(&old, p.now()) && told[0].has_signature_of(&new, p.now()));
    assert!(!told[1].has_signature_of(&old, p.now()) && told[1].has_signature_of(&new, p.now()));
}

scenario!(leaked_secret_stops_signing_at_once, leaked);
async fn leaked(p: &TestPlatform) {
    let endpoint = p.register(&p.tenant, "hook", &["order.created"]).await;
    let old = endpoint["secret"].as_str().expect("a secret").to_owned();
    p.tenant.api.rotate_secret(id(&endpoint), 0).await.ok();
    p.order(1).await;
    p.settle().await;
    assert!(!p.receiver.of_kind("hook", "order.created")[0].has_signature_of(&old, p.now()));
}

scenario!(delivery_is_sent_again_by_hand, by_hand);
async fn by_hand(p: &TestPlatform) {
    let endpoint = p.register(&p.tenant, "hook", &["order.created"]).await;
    p.receiver.behave("hook", failing());
    p.order(100).await;
    p.settle().await;
    p.receiver.behave("hook", working());
    let failed = delivery(p, &endpoint).await;
    p.tenant.api.retry_delivery(id(&failed)).await.ok();
    p.settle().await;
    let seen = delivery(p, &endpoint).await;
    assert_eq!(
        seen["state"], "succeeded",
        "without waiting for the schedule"
    );
    p.tenant.api.retry_delivery(id(&failed)).await.ok();
    p.settle().await;
    let told = p.receiver.of_kind("hook", "order.created");
    assert_eq!(told.len(), 3, "what succeeded may be replayed");
    assert!(
        told.iter()
            .all(|one| one.headers["webhook-id"] == told[0].headers["webhook-id"])
    );
    assert_eq!(
        delivery(p, &endpoint).await["attempt_log"][2]["trigger"],
        "manual"
    );
}

scenario!(
    paused_endpoint_gets_what_was_held_when_it_is_enabled,
    paused
);
async fn paused(p: &TestPlatform) {
    let endpoint = p.register(&p.tenant, "hook", &["order.created"]).await;
    p.tenant
        .api
        .update_endpoint(id(&endpoint), &json!({"state": "paused"}))
        .await
        .ok();
    p.order(100).await;
    p.advance_seconds(3600).await;
    assert!(p.receiver.of_kind("hook", "order.created").is_empty());
    p.tenant
        .api
        .update_endpoint(id(&endpoint), &json!({"state": "enabled"}))
        .await
        .ok();
    p.settle().await;
    assert_eq!(p.receiver.of_kind("hook", "order.created").len(), 1);
}

scenario!(removed_endpoint_gets_nothing_more, removed);
async fn removed(p: &TestPlatform) {
    let endpoint = p.register(&p.tenant, "hook", &["order.created"]).await;
    p.receiver.behave("hook", failing());
    p.order(100).await;
    p.settle().await;
    assert_eq!(
        p.tenant.api.delete_endpoint(id(&endpoint)).await.status,
        204
    );
    let before = p.receiver.received("hook").len();
    p.advance_seconds(24 * 3600).await;
    assert_eq!(p.receiver.received("hook").len(), before);
    p.tenant
        .api
        .endpoint(id(&endpoint))
        .await
        .problem(404, "not_found");
}

scenario!(endpoint_gets_only_what_it_asked_for, filters);
async fn filters(p: &TestPlatform) {
    p.register(&p.tenant, "paid", &["order.paid"]).await;
    p.register(&p.tenant, "all", &["*"]).await;
    let order = p.order(100).await;
    // Deliveries that are due together arrive in any order.
    p.settle().await;
    p.pay(&order);
    p.settle().await;
    let kinds = |hook: &str| -> Vec<String> {
        p.receiver
            .received(hook)
            .iter()
            .map(tributary_tests::Webhook::kind)
            .collect()
    };
    assert_eq!(kinds("paid"), ["ping", "order.paid"]);
    assert_eq!(kinds("all"), ["ping", "order.created", "order.paid"]);
}

scenario!(
    delivery_whose_queue_row_nobody_can_read_is_ended_and_alarms_a_person,
    unreadable
);
async fn unreadable(p: &TestPlatform) {
    let endpoint = p.register(&p.tenant, "hook", &["order.created"]).await;
    p.receiver.behave("hook", failing());
    p.order(100).await;
    p.settle().await;
    let broken = "UPDATE delivery_queue SET class = 'of tomorrow'";
    assert_eq!(p.database.execute(broken).await, 1);
    p.advance_seconds(10).await;
    let ended = delivery(p, &endpoint).await;
    assert_eq!(
        (&ended["state"], &ended["attempts"]),
        (&json!("failed"), &json!(1))
    );
    let at = "SELECT finished_at FROM deliveries WHERE last_error = 'quarantined'";
    assert_eq!(p.database.count(at).await, p.now().as_millis());
    let alarms = p.platform.operations().alarms().await.expect("alarms");
    let [alarm] = &alarms[..] else {
        panic!("{alarms:?}");
    };
    assert_eq!(alarm.kind, "delivery_quarantined");
    assert_eq!(alarm.tenant_id.as_ref(), Some(&p.tenant.id));
    assert!(alarm.detail.contains(id(&ended)), "{}", alarm.detail);
}
