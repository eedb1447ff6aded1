//! Refunds: one upstream however often asked, never more than was paid, never failed because nobody answered.

use futures::future::join_all;
use serde_json::{Value, json};
use tributary_tests::api::fresh_key;
use tributary_tests::{TestPlatform, scenario};
use wechatpay_sim::{Fault, FaultKind, RefundResult, SettleRefund};

/// A call is tried twice; so many lost answers make its outcome unknown.
const BOTH_TRIES: u32 = 2;
const REFUND_PATH: &str = "/v3/refund/domestic/refunds";

/// The body that refunds a part of an order.
pub(crate) fn asked(order: &Value, number: &str, refund: i64) -> Value {
    json!({
        "order_id": order["id"],
        "merchant_refund_no": number,
        "amount": {"refund": refund, "currency": "CNY"},
        "reason": "Sold out",
    })
}

/// The numbers of the refunds that WeChat knows.
fn at_wechat(p: &TestPlatform) -> Vec<String> {
    let refunds = p.simulator.ledger().refunds;
    refunds
        .into_iter()
        .map(|refund| refund.out_refund_no)
        .collect()
}

/// What the simulator is told to end a refund.
pub(crate) fn ending(result: RefundResult) -> SettleRefund {
    SettleRefund {
        result,
        sp_mchid: None,
    }
}

/// Lets WeChat end a refund.
pub(crate) fn end(p: &TestPlatform, refund: &Value, status: RefundResult) {
    let number = refund["out_refund_no"]
        .as_str()
        .expect("a refund has its number");
    p.simulator
        .settle_refund(number, &ending(status))
        .expect("a result");
}

scenario!(refund_arrives_and_the_order_shows_it, arrives);
async fn arrives(p: &TestPlatform) {
    p.register(&p.tenant, "hook", &["refund.*"]).await;
    let order = p.paid_order(888).await;
    let answer = p.tenant.api.create_refund(&asked(&order, "R-1", 300)).await;
    assert_eq!(answer.status, 201);
    let refund = answer.ok();
    assert_eq!(refund["state"], "processing");
    let amount = &p.seen(&order).await["amount"];
    assert_eq!(
        (&amount["refunding"], &amount["refunded"]),
        (&json!(300), &json!(0))
    );

    end(p, &refund, RefundResult::Success);
    p.settle().await;

    let refund = p.refund_seen(&refund).await;
    assert_eq!(refund["state"], "success");
    assert!(refund["success_time"].is_string() && refund["next_try_at"].is_null());
    let order = p.seen(&order).await;
    assert_eq!(order["state"], "partially_refunded");
    assert_eq!(order["amount"]["paid"], 888);
    assert_eq!(order["amount"]["refunded"], 300);
    assert_eq!(order["amount"]["refunding"], 0);
    let told = ["refund.created", "refund.processing", "refund.succeeded"];
    assert_eq!(p.told(&refund).await, told);
    assert_eq!(p.receiver.of_kind("hook", "refund.succeeded").len(), 1);
}

scenario!(order_that_is_refunded_in_parts_ends_refunded, parts);
async fn parts(p: &TestPlatform) {
    let order = p.paid_order(100).await;
    for (number, part) in [("R-1", 60), ("R-2", 40)] {
        let refund = p
            .tenant
            .api
            .create_refund(&asked(&order, number, part))
            .await
            .ok();
        // Refunds of one order keep their distance.
        p.advance_seconds(61).await;
        end(p, &refund, RefundResult::Success);
        p.settle().await;
    }
    assert_eq!(p.seen(&order).await["state"], "refunded");
    let more = p.tenant.api.create_refund(&asked(&order, "R-3", 1)).await;
    assert!(more.names_field("/amount/refund"));
    more.problem(422, "not_refundable");
    let id = order["id"].as_str().expect("an id");
    let listed = p.tenant.api.get(&format!("/v1/orders/{id}/refunds")).await;
    assert_eq!(listed.ok()["data"].as_array().map(Vec::len), Some(2));
}

scenario!(fifty_identical_requests_make_one_refund, identical);
async fn identical(p: &TestPlatform) {
    let order = p.paid_order(888).await;
    let (body, key) = (asked(&order, "R-1", 300), fresh_key());
    let calls = (0..50).map(|_| p.tenant.api.post("/v1/refunds", &body, &key));
    let answers = join_all(calls).await;
    let made = answers.iter().filter(|answer| answer.status == 201);
    assert!(made.count() >= 1);
    for answer in &answers {
        let code = answer.body["code"].as_str();
        let fine = answer.status == 201 || code == Some("idempotency_in_flight");
        assert!(fine, "{} {}", answer.status, answer.text);
    }
    assert_eq!(at_wechat(p).len(), 1);
    assert_eq!(p.seen(&order).await["amount"]["refunding"], 300);
}

scenario!(fifty_different_refunds_never_exceed_the_payment, different);
async fn different(p: &TestPlatform) {
    let order = p.paid_order(1000).await;
    let bodies: Vec<Value> = (0..50)
        .map(|n| asked(&order, &format!("R-{n}"), 90))
        .collect();
    let answers = join_all(bodies.iter().map(|body| p.tenant.api.create_refund(body))).await;
    let taken = answers.iter().filter(|answer| answer.status == 201).count();
    assert_eq!(
        taken, 11,
        "eleven times ninety is what fits into a thousand"
    );
    for answer in answers.into_iter().filter(|answer| answer.status != 201) {
        answer.problem(422, "not_refundable");
    }
    // One a minute, as WeChat demands.
    for _ in 0..12 {
        p.advance_seconds(61).await;
    }
    let refunds = p.simulator.ledger().refunds;
    let sum: i64 = refunds.iter().map(|refund| refund.amount_refund).sum();
    assert_eq!((refunds.len(), sum), (11, 990));
}

scenario!(
    refund_whose_answer_is_lost_is_asked_about_and_keeps_its_number,
    lost
);
async fn lost(p: &TestPlatform) {
    let order = p.paid_order(888).await;
    let fault = Fault::of(FaultKind::LostAnswer)
        .on_path(REFUND_PATH)
        .times(BOTH_TRIES);
    p.simulator.fault(fault);
    let answer = p.tenant.api.create_refund(&asked(&order, "R-1", 300)).await;
    assert_eq!(answer.status, 202);
    let refund = answer.ok();
    assert_eq!(refund["state"], "unknown");
    p.advance_seconds(6).await;
    assert_eq!(p.refund_seen(&refund).await["state"], "processing");
    assert_eq!(
        at_wechat(p),
        [refund["out_refund_no"].as_str().expect("a number")]
    );
    let told = ["refund.created", "refund.unknown", "refund.processing"];
    assert_eq!(p.told(&refund).await, told);
}

scenario!(
    refund_that_never_reached_wechat_is_sent_again_with_the_same_bytes,
    never_reached
);
async fn never_reached(p: &TestPlatform) {
    let order = p.paid_order(888).await;
    let fault = Fault::of(FaultKind::ServerError)
        .on_path(REFUND_PATH)
        .times(BOTH_TRIES);
    p.simulator.fault(fault);
    let refund = p
        .tenant
        .api
        .create_refund(&asked(&order, "R-1", 300))
        .await
        .ok();
    assert_eq!(refund["state"], "unknown");
    assert!(at_wechat(p).is_empty());
    for _ in 0..4 {
        p.advance_seconds(30).await;
    }
    assert_eq!(p.refund_seen(&refund).await["state"], "processing");
    assert_eq!(
        at_wechat(p),
        [refund["out_refund_no"].as_str().expect("a number")]
    );
}

scenario!(
    tenant_that_repeats_an_unknown_refund_gets_the_same_one,
    repeats
);
async fn repeats(p: &TestPlatform) {
    let order = p.paid_order(888).await;
    let fault = Fault::of(FaultKind::LostAnswer)
        .on_path(REFUND_PATH)
        .times(BOTH_TRIES);
    p.simulator.fault(fault);
    let (body, key) = (asked(&order, "R-1", 300), fresh_key());
    let first = p.tenant.api.post("/v1/refunds", &body, &key).await;
    assert_eq!(first.status, 202);
    let again = p.tenant.api.post("/v1/refunds", &body, &key).await.ok();
    assert_eq!(again["id"], first.body["id"]);
    assert_eq!(again["state"], "processing");
    assert_eq!(at_wechat(p).len(), 1);
}

scenario!(number_with_other_content_is_refused, conflict);
async fn conflict(p: &TestPlatform) {
    let order = p.paid_order(888).await;
    p.tenant
        .api
        .create_refund(&asked(&order, "R-1", 300))
        .await
        .ok();
    let same = p.tenant.api.create_refund(&asked(&order, "R-1", 300)).await;
    assert_eq!(same.status, 200);
    let other = p.tenant.api.create_refund(&asked(&order, "R-1", 301)).await;
    other.problem(409, "refund_conflict");
    assert_eq!(at_wechat(p).len(), 1);
}

scenario!(
    insufficient_balance_holds_the_refund_under_its_number,
    not_enough
);
async fn not_enough(p: &TestPlatform) {
    let order = p.paid_order(888).await;
    p.simulator.fault(
        Fault::of(FaultKind::NotEnough)
            .on_path(REFUND_PATH)
            .times(2),
    );
    let refund = p
        .tenant
        .api
        .create_refund(&asked(&order, "R-1", 300))
        .await
        .ok();
    assert_eq!(refund["state"], "held");
    assert_eq!(refund["failure"]["code"], "NOT_ENOUGH");
    assert_eq!(p.seen(&order).await["amount"]["refunding"], 300);
    p.advance_seconds(601).await;
    assert_eq!(p.refund_seen(&refund).await["state"], "held");
    p.advance_seconds(601).await;
    assert_eq!(p.refund_seen(&refund).await["state"], "processing");
    assert_eq!(
        at_wechat(p),
        [refund["out_refund_no"].as_str().expect("a number")]
    );
    let told = ["refund.created", "refund.held", "refund.processing"];
    assert_eq!(p.told(&refund).await, told);
}

scenario!(
    definite_refusal_closes_the_refund_and_frees_its_amount,
    refused
);
async fn refused(p: &TestPlatform) {
    let order = p.paid_order(888).await;
    let refuse = Fault {
        status: Some(403),
        code: Some("USER_ACCOUNT_ABNORMAL".into()),
        message: Some("用户账户异常".into()),
        ..Fault::of(FaultKind::Refuse)
    };
    p.simulator.fault(refuse.on_path(REFUND_PATH).times(1));
    let (body, key) = (asked(&order, "R-1", 888), fresh_key());
    let answer = p.tenant.api.post("/v1/refunds", &body, &key).await;
    assert!(!answer.headers.contains_key("idempotent-replayed"));
    let problem = answer.problem(422, "wechat_refused");
    assert_eq!(problem["wechat"]["code"], "USER_ACCOUNT_ABNORMAL");
    let replayed = p.tenant.api.post("/v1/refunds", &body, &key).await;
    assert_eq!(replayed.headers["idempotent-replayed"], "true");
    replayed.problem(422, "wechat_refused");
    assert_eq!(p.seen(&order).await["amount"]["refunding"], 0);
    let another = p.tenant.api.create_refund(&asked(&order, "R-2", 888)).await;
    assert_eq!(another.status, 201);
    p.advance_seconds(61).await;
    assert_eq!(at_wechat(p).len(), 1);
}

scenario!(refund_that_wechat_closes_frees_its_amount, closed);
async fn closed(p: &TestPlatform) {
    let order = p.paid_order(888).await;
    let refund = p
        .tenant
        .api
        .create_refund(&asked(&order, "R-1", 888))
        .await
        .ok();
    end(p, &refund, RefundResult::Closed);
    p.settle().await;
    assert_eq!(p.refund_seen(&refund).await["state"], "closed");
    let order = p.seen(&order).await;
    assert_eq!(order["state"], "paid");
    assert_eq!(order["amount"]["refunding"], 0);
}

scenario!(abnormal_refund_waits_and_may_still_arrive, abnormal);
async fn abnormal(p: &TestPlatform) {
    let order = p.paid_order(888).await;
    let refund = p
        .tenant
        .api
        .create_refund(&asked(&order, "R-1", 888))
        .await
        .ok();
    end(p, &refund, RefundResult::Abnormal);
    p.settle().await;
    assert_eq!(p.refund_seen(&refund).await["state"], "abnormal");
    // Neither with the payer nor released: nothing is left to refund.
    let more = p.tenant.api.create_refund(&asked(&order, "R-2", 1)).await;
    more.problem(422, "not_refundable");
    end(p, &refund, RefundResult::Success);
    p.settle().await;
    assert_eq!(p.refund_seen(&refund).await["state"], "success");
    assert_eq!(p.seen(&order).await["state"], "refunded");
    let told = [
        "refund.created",
        "refund.processing",
        "refund.abnormal",
        "refund.succeeded",
    ];
    assert_eq!(p.told(&refund).await, told);
}

scenario!(lost_refund_notification_is_made_up_for_by_asking, withheld);
async fn withheld(p: &TestPlatform) {
    let order = p.paid_order(888).await;
    let refund = p
        .tenant
        .api
        .create_refund(&asked(&order, "R-1", 888))
        .await
        .ok();
    p.simulator
        .fault(Fault::of(FaultKind::NotificationWithheld));
    end(p, &refund, RefundResult::Success);
    p.advance_seconds(61).await;
    assert_eq!(p.refund_seen(&refund).await["state"], "success");
    assert_eq!(p.told(&refund).await.len(), 3);
}

scenario!(order_that_is_not_paid_is_not_refunded, unpaid);
async fn unpaid(p: &TestPlatform) {
    let order = p.order(888).await;
    let answer = p.tenant.api.create_refund(&asked(&order, "R-1", 1)).await;
    answer.problem(422, "not_refundable");
    let by_number = json!({
        "merchant_order_no": "there-is-no-such-order",
        "merchant_refund_no": "R-1",
        "amount": {"refund": 1},
    });
    p.tenant
        .api
        .create_refund(&by_number)
        .await
        .problem(404, "not_found");
    assert!(at_wechat(p).is_empty());
}

scenario!(
    refund_beyond_a_year_is_refused_before_wechat_is_asked,
    too_old
);
async fn too_old(p: &TestPlatform) {
    let order = p.paid_order(888).await;
    p.advance_seconds(366 * 86_400).await;
    let answer = p.tenant.api.create_refund(&asked(&order, "R-1", 1)).await;
    let problem = answer.problem(422, "not_refundable");
    assert!(
        problem["detail"]
            .as_str()
            .is_some_and(|detail| detail.contains("one year"))
    );
}
