//! Who asks too much waits, is told for how long, and holds up nobody else.

use reqwest::Method;
use tributary_domain::rate_limit::Quota;
use tributary_domain::staff::Actor;
use tributary_operations::Limits;
use tributary_tests::api::fresh_key;
use tributary_tests::platform::{Setup, run_with};
use tributary_tests::{Answer, Backend, TestDatabase, TestPlatform};
use wechatpay_sim::{Fault, FaultKind};

/// A call is tried twice; so many complaints make it fail.
const BOTH_TRIES: u32 = 2;

/// A scenario with limits of its own on both databases.
macro_rules! limited {
    ($name:ident, $limits:ident, $run:ident) => {
        mod $name {
            #[test]
            fn on_sqlite() {
                super::run(super::Backend::Sqlite, super::$limits(), super::$run);
            }

            #[test]
            fn on_postgres() {
                super::run(super::Backend::Postgres, super::$limits(), super::$run);
            }
        }
    };
}

fn run(backend: Backend, limits: Limits, scenario: impl AsyncFnOnce(&TestPlatform)) {
    let setup = Setup {
        limits: Some(limits),
        ..Setup::default()
    };
    let database = async || TestDatabase::create(backend).await;
    run_with(database, &setup, scenario);
}

fn few_writes() -> Limits {
    Limits {
        writes: Quota::new(2, 3),
        ..Limits::unlimited()
    }
}

fn one_export() -> Limits {
    Limits {
        exports_at_once: 1,
        ..Limits::unlimited()
    }
}

fn few_prepays() -> Limits {
    Limits {
        prepays_per_second: 4,
        ..Limits::unlimited()
    }
}

fn some_prepays() -> Limits {
    Limits {
        prepays_per_second: 16,
        ..Limits::unlimited()
    }
}

fn header<'a>(answer: &'a Answer, name: &str) -> &'a str {
    let value = answer.headers.get(name);
    value.map_or("none", |value| value.to_str().expect("plain text"))
}

limited!(
    a_tenant_at_its_limit_is_told_when_to_come_back_and_alone_waits,
    few_writes,
    at_the_limit
);
async fn at_the_limit(p: &TestPlatform) {
    let other = p.another_tenant().await;
    let mut first = None;
    for left in ["2;t=1", "1;t=1", "0;t=2"] {
        let answer = p.tenant.api.place_order(&p.tenant.order(100)).await;
        assert_eq!(header(&answer, "ratelimit-policy"), r#""writes";q=3;w=2"#);
        let state = format!(r#""writes";r={left}"#);
        assert_eq!(header(&answer, "ratelimit"), state);
        first.get_or_insert(answer.placed());
    }
    let beyond = p.tenant.api.place_order(&p.tenant.order(100)).await;
    assert_eq!(header(&beyond, "retry-after"), "1");
    assert_eq!(header(&beyond, "ratelimit"), r#""writes";r=0;t=2"#);
    beyond.problem(429, "rate_limited");
    assert_eq!(p.simulator.ledger().orders.len(), 3, "nothing was done");

    // Reads, another tenant and WeChat itself are not concerned.
    let first = first.expect("an order");
    p.pay(&first);
    p.settle().await;
    assert_eq!(p.seen(&first).await["state"], "paid");
    other.api.place_order(&other.order(100)).await.placed();

    p.clock.advance_millis(499);
    let early = p.tenant.api.place_order(&p.tenant.order(100)).await;
    early.problem(429, "rate_limited");
    p.clock.advance_millis(1);
    let again = p.tenant.api.place_order(&p.tenant.order(100)).await;
    again.placed();
}

limited!(a_call_of_nobodys_counts_for_nobody, few_writes, unknown_key);
async fn unknown_key(p: &TestPlatform) {
    let stranger = tributary_tests::Api::new(&p.platform.api_url(), Some("trb_test_nobody"));
    for _ in 0..10 {
        let answer = stranger.place_order(&p.tenant.order(100)).await;
        assert_eq!(header(&answer, "ratelimit"), "none");
        answer.problem(401, "unauthorized");
    }
    p.order(100).await;
}

limited!(
    fetching_a_token_is_one_of_the_tenants_calls,
    few_writes,
    tokens
);
async fn tokens(p: &TestPlatform) {
    let key = format!(
        "SELECT COUNT(*) FROM api_keys WHERE tenant_id = '{}'",
        p.tenant.id
    );
    assert_eq!(p.database.count(&key).await, 1);
    let operations = p.platform.operations();
    let keys = operations
        .list_api_keys(&Actor::system("test"), &p.tenant.id)
        .await
        .expect("keys");
    let key = keys.first().expect("a key");
    let browser = tributary_tests::Api::new(&p.platform.api_url(), None);
    let ask = async |secret: &str| {
        let form = format!(
            "grant_type=client_credentials&client_id={}&client_secret={secret}",
            key.id
        );
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        let body = Some(form.into_bytes());
        browser
            .send(Method::POST, "/oauth/token", &headers, body)
            .await
    };
    // Who only claims to be the tenant uses nothing up.
    for _ in 0..5 {
        assert_eq!(ask("trb_test_guessed").await.status, 401);
    }
    for left in ["2;t=1", "1;t=1", "0;t=2"] {
        let answer = ask(&p.tenant.api_key).await;
        assert_eq!(
            header(&answer, "ratelimit"),
            format!(r#""writes";r={left}"#)
        );
        answer.ok();
    }
    let beyond = ask(&p.tenant.api_key).await;
    assert_eq!(header(&beyond, "retry-after"), "1");
    beyond.problem(429, "rate_limited");
    let order = p.tenant.api.place_order(&p.tenant.order(100)).await;
    order.problem(429, "rate_limited");
}

limited!(a_tenant_takes_one_file_at_a_time, one_export, one_file);
async fn one_file(p: &TestPlatform) {
    let operations = p.platform.operations();
    let caller = operations
        .authenticate(&p.tenant.api_key, None)
        .await
        .expect("a key");
    let csv = "/v1/bills?date=2026-01-31&format=csv";
    let running = operations.begin_export(&caller).expect("the first");
    let answer = p.tenant.api.get(csv).await;
    let policy = r#""exports";q=1;qu="concurrent-requests""#;
    assert_eq!(header(&answer, "ratelimit-policy"), policy);
    assert!(answer.headers.contains_key("retry-after"));
    answer.problem(429, "rate_limited");
    p.tenant.api.get("/v1/bills?date=2026-01-31").await.ok();
    drop(running);
    // A file that was taken to its end counts no more.
    for _ in 0..2 {
        p.tenant.api.send(Method::GET, csv, &[], None).await.ok();
    }
}

limited!(
    an_order_without_room_is_not_sent_and_not_lost,
    few_prepays,
    no_room
);
async fn no_room(p: &TestPlatform) {
    for _ in 0..4 {
        p.order(100).await;
    }
    let place = async |body: &serde_json::Value, key: &str| {
        p.tenant.api.post("/v1/orders", body, key).await
    };
    let (repeated, key) = (p.tenant.order(100), fresh_key());
    let answer = place(&repeated, &key).await;
    assert_eq!(header(&answer, "retry-after"), "1");
    answer.problem(503, "busy");
    let left_alone = p.tenant.order(100);
    place(&left_alone, &fresh_key()).await.problem(503, "busy");
    assert_eq!(p.simulator.ledger().orders.len(), 4, "nothing was sent");

    p.clock.advance_millis(1_000);
    let order = place(&repeated, &key).await.placed();
    assert_eq!(order["state"], "paying");
    for _ in 0..8 {
        p.advance_seconds(30).await;
    }
    // Nobody asked for the other again: it was placed anyway, once.
    assert_eq!(p.simulator.ledger().orders.len(), 6);
    let order = place(&left_alone, &fresh_key()).await.placed();
    assert_eq!(order["state"], "paying");
}

limited!(
    a_greedy_tenant_leaves_another_its_share_of_the_provider,
    few_prepays,
    greedy
);
async fn greedy(p: &TestPlatform) {
    let other = p.another_tenant().await;
    p.order(100).await;
    other.api.place_order(&other.order(100)).await.placed();
    p.clock.advance_millis(1_000);
    let mut placed = 0;
    for _ in 0..6 {
        let answer = p.tenant.api.place_order(&p.tenant.order(100)).await;
        placed += usize::from(answer.status.is_success());
    }
    assert_eq!(placed, 2, "half of the budget");
    for _ in 0..2 {
        other.api.place_order(&other.order(100)).await.placed();
    }
}

limited!(
    wechat_that_asks_to_slow_down_is_heeded_until_it_stops,
    some_prepays,
    slowed
);
async fn slowed(p: &TestPlatform) {
    let fault = Fault::of(FaultKind::FrequencyLimited).on_path("/v3/pay");
    p.simulator.fault(fault.times(BOTH_TRIES));
    let answer = p.tenant.api.place_order(&p.tenant.order(100)).await;
    answer.problem(503, "wechat_busy");
    p.simulator.clear_faults();
    let placed = async || {
        let mut placed = 0;
        loop {
            let answer = p.tenant.api.place_order(&p.tenant.order(100)).await;
            if !answer.status.is_success() {
                answer.problem(503, "busy");
                return placed;
            }
            placed += 1;
        }
    };
    // Half of sixteen, less an eighth for newcomers, less the one that WeChat refused.
    assert_eq!(placed().await, 6);
    p.clock.advance_millis(2_000);
    assert_eq!(placed().await, 9, "two steps more");
    p.clock.advance_millis(8_000);
    assert_eq!(placed().await, 14, "all of it, less an eighth");
}
