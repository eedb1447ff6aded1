//! One Idempotency-Key takes effect once, whatever happens on the way.

use futures::future::join_all;
use serde_json::json;
use tributary_tests::api::fresh_key;
use tributary_tests::{TestPlatform, scenario};
use wechatpay_sim::{Fault, FaultKind};

const CONCURRENT: usize = 50;

scenario!(
    fifty_identical_concurrent_creates_make_one_order_and_one_prepay,
    fifty
);
async fn fifty(p: &TestPlatform) {
    let (body, key) = (p.tenant.order(100), fresh_key());
    let asked = (0..CONCURRENT).map(|_| p.tenant.api.post("/v1/orders", &body, &key));
    let answers = join_all(asked).await;
    let mut done = 0;
    for answer in answers {
        if answer.status.is_success() {
            done += 1;
        } else {
            assert!(
                answer.headers.contains_key("retry-after"),
                "{}",
                answer.text
            );
            answer.problem(409, "idempotency_in_flight");
        }
    }
    assert!(done >= 1, "nobody was told of the order");
    let order = p.tenant.api.post("/v1/orders", &body, &key).await.placed();
    assert_eq!(p.simulator.ledger().orders.len(), 1);
    assert_eq!(p.at_wechat(&order).prepay_ids.len(), 1);
    assert_eq!(p.database.count("SELECT COUNT(*) FROM orders").await, 1);
    assert_eq!(p.told(&order).await, ["order.created"]);
}

scenario!(
    fifty_concurrent_creates_of_one_number_make_one_order,
    one_number
);
async fn one_number(p: &TestPlatform) {
    let body = p.tenant.order(100);
    let answers = join_all((0..CONCURRENT).map(|_| p.tenant.api.place_order(&body))).await;
    let ids: std::collections::BTreeSet<String> = answers
        .into_iter()
        .filter(|answer| answer.status.is_success())
        .map(|answer| answer.body["order"]["id"].to_string())
        .collect();
    assert_eq!(ids.len(), 1);
    assert_eq!(p.simulator.ledger().orders.len(), 1);
    assert_eq!(p.database.count("SELECT COUNT(*) FROM orders").await, 1);
}

scenario!(same_key_and_body_replay_the_answer, replay);
async fn replay(p: &TestPlatform) {
    let (body, key) = (p.tenant.order(100), fresh_key());
    let first = p.tenant.api.post("/v1/orders", &body, &key).await;
    let second = p.tenant.api.post("/v1/orders", &body, &key).await;
    assert_eq!(first.status, second.status);
    assert_eq!(first.placed(), second.placed());
}

scenario!(replayed_refusal_says_that_it_is_one, replayed_refusal);
async fn replayed_refusal(p: &TestPlatform) {
    let refuse = Fault {
        status: Some(400),
        code: Some("OPENID_MISMATCH".into()),
        message: Some("openid与appid不匹配".into()),
        ..Fault::of(FaultKind::Refuse)
    };
    p.simulator.fault(refuse.on_path("/v3/pay").times(1));
    let (body, key) = (p.tenant.order(100), fresh_key());
    let first = p.tenant.api.post("/v1/orders", &body, &key).await;
    assert!(!first.headers.contains_key("idempotent-replayed"));
    let said = first.problem(422, "wechat_refused");
    let second = p.tenant.api.post("/v1/orders", &body, &key).await;
    assert_eq!(second.headers["idempotent-replayed"], "true");
    assert_eq!(
        second.problem(422, "wechat_refused")["wechat"],
        said["wechat"]
    );
    assert_eq!(p.simulator.ledger().orders.len(), 0);
}

scenario!(same_key_with_another_body_is_refused, other_body);
async fn other_body(p: &TestPlatform) {
    let key = fresh_key();
    p.tenant
        .api
        .post("/v1/orders", &p.tenant.order(100), &key)
        .await
        .placed();
    let other = p
        .tenant
        .api
        .post("/v1/orders", &p.tenant.order(100), &key)
        .await;
    other.problem(422, "idempotency_key_reused");
    assert_eq!(p.simulator.ledger().orders.len(), 1);
}

scenario!(same_key_of_another_tenant_is_another_key, other_tenant);
async fn other_tenant(p: &TestPlatform) {
    let (key, other) = (fresh_key(), p.another_tenant().await);
    let first = p
        .tenant
        .api
        .post("/v1/orders", &p.tenant.order(100), &key)
        .await
        .placed();
    let second = other
        .api
        .post("/v1/orders", &other.order(100), &key)
        .await
        .placed();
    assert_ne!(first["id"], second["id"]);
}

scenario!(creating_without_a_key_is_refused, no_key);
async fn no_key(p: &TestPlatform) {
    let headers = [("content-type", "application/json")];
    let body = p.tenant.order(100).to_string().into_bytes();
    let answer = p
        .tenant
        .api
        .send(reqwest::Method::POST, "/v1/orders", &headers, Some(body))
        .await;
    answer.problem(400, "idempotency_key_required");
    assert_eq!(p.database.count("SELECT COUNT(*) FROM orders").await, 0);
}

scenario!(
    crash_between_intent_and_answer_goes_on_with_the_same_number,
    crash
);
async fn crash(p: &TestPlatform) {
    // Both tries are lost after they took effect: the platform knows as little as after a crash.
    p.simulator
        .fault(Fault::of(FaultKind::LostAnswer).on_path("/v3/pay").times(2));
    let (body, key) = (p.tenant.order(100), fresh_key());
    p.tenant
        .api
        .post("/v1/orders", &body, &key)
        .await
        .problem(504, "outcome_unknown");
    let number = p.simulator.ledger().orders[0].out_trade_no.clone();
    // What a dead process leaves behind: the key locked, the attempt sent, no answer kept.
    let locked_until = p.now().plus_millis(60_000).as_millis();
    let planted = [
        "UPDATE attempts SET state = 'sent'".to_owned(),
        "UPDATE orders SET state = 'created'".to_owned(),
        format!(
            "UPDATE idempotency_keys SET recovery_point = 'intent', locked_until = {locked_until}"
        ),
    ];
    for sql in planted {
        assert_eq!(p.database.execute(&sql).await, 1, "{sql}");
    }
    let waiting = p.tenant.api.post("/v1/orders", &body, &key).await;
    assert!(waiting.headers.contains_key("retry-after"));
    waiting.problem(409, "idempotency_in_flight");
    p.clock.advance_millis(60_000);

    let order = p.tenant.api.post("/v1/orders", &body, &key).await.placed();

    assert_eq!(order["out_trade_no"], json!(number));
    assert_eq!(p.simulator.ledger().orders.len(), 1);
    p.pay(&order);
    p.settle().await;
    assert_eq!(p.seen(&order).await["state"], "paid");
}
