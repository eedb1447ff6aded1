//! A call without an answer is unknown, never failed.

use serde_json::json;
use tributary_tests::api::fresh_key;
use tributary_tests::{TestPlatform, scenario};
use wechatpay_sim::{Fault, FaultKind};

/// A call is tried twice; so many lost answers make its outcome unknown.
const BOTH_TRIES: u32 = 2;

scenario!(
    lost_answer_is_unknown_and_the_retry_keeps_number_and_prepay,
    lost_answer
);
async fn lost_answer(p: &TestPlatform) {
    p.register(&p.tenant, "hook", &["*"]).await;
    p.simulator.fault(
        Fault::of(FaultKind::LostAnswer)
            .on_path("/v3/pay")
            .times(BOTH_TRIES),
    );
    let (body, key) = (p.tenant.order(100), fresh_key());
    let answer = p.tenant.api.post("/v1/orders", &body, &key).await;
    assert!(answer.headers.contains_key("retry-after"));
    answer.problem(504, "outcome_unknown");
    p.settle().await;
    assert_eq!(p.receiver.of_kind("hook", "order.unknown").len(), 1);
    let number = p.simulator.ledger().orders[0].out_trade_no.clone();

    let order = p.tenant.api.post("/v1/orders", &body, &key).await.placed();

    assert_eq!(order["state"], "paying");
    assert_eq!(order["out_trade_no"], json!(number));
    let at_wechat = p.at_wechat(&order);
    let newest = at_wechat.prepay_ids.last().expect("a prepay");
    let package = format!("prepay_id={}", newest.prepay_id);
    assert_eq!(order["pay_params"]["package"], json!(package));
    assert_eq!(p.simulator.ledger().orders.len(), 1);
}

scenario!(one_lost_answer_is_healed_by_the_second_try, healed);
async fn healed(p: &TestPlatform) {
    p.simulator
        .fault(Fault::of(FaultKind::LostAnswer).on_path("/v3/pay").times(1));
    let order = p.order(100).await;
    assert_eq!(order["state"], "paying");
    assert_eq!(p.simulator.ledger().orders.len(), 1);
}

scenario!(
    unknown_order_that_was_paid_becomes_paid_without_the_tenant,
    paid_meanwhile
);
async fn paid_meanwhile(p: &TestPlatform) {
    p.simulator.fault(
        Fault::of(FaultKind::LostAnswer)
            .on_path("/v3/pay")
            .times(BOTH_TRIES),
    );
    p.simulator
        .fault(Fault::of(FaultKind::NotificationWithheld));
    p.tenant
        .api
        .place_order(&p.tenant.order(100))
        .await
        .problem(504, "outcome_unknown");
    let order = p.tenant.api.orders("limit=1").await.ok()["data"][0].clone();
    assert_eq!(order["state"], "unknown");
    p.pay(&order);
    p.advance_seconds(120).await;
    assert_eq!(p.seen(&order).await["state"], "paid");
}

scenario!(unsigned_answer_is_not_believed, unsigned);
async fn unsigned(p: &TestPlatform) {
    for kind in [
        FaultKind::UnsignedAnswer,
        FaultKind::WrongSignature,
        FaultKind::UnknownSerial,
        FaultKind::ProbeAnswer,
    ] {
        p.simulator
            .fault(Fault::of(kind).on_path("/v3/pay").times(BOTH_TRIES));
        let answer = p.tenant.api.place_order(&p.tenant.order(100)).await;
        answer.problem(504, "outcome_unknown");
        p.simulator.clear_faults();
    }
}

scenario!(refusal_names_wechats_cause_and_who_must_act, refusal);
async fn refusal(p: &TestPlatform) {
    let mut fault = Fault::of(FaultKind::Refuse).on_path("/v3/pay").times(1);
    fault.status = Some(403);
    fault.code = Some("NO_AUTH".to_owned());
    fault.message = Some("商户无权限".to_owned());
    p.simulator.fault(fault);
    let answer = p.tenant.api.place_order(&p.tenant.order(100)).await;
    let status = answer.status.as_u16();
    let problem = answer.problem(status, "wechat_refused");
    assert!([422, 502].contains(&status));
    assert_eq!(problem["wechat"]["code"], "NO_AUTH");
    assert!(problem["wechat"]["request_id"].is_string());
    assert!(problem["wechat"]["who_must_act"].is_string());
    assert_eq!(problem["wechat"]["retryable"], false);
    let cause = |language| {
        problem["wechat"]["cause"][language]
            .as_str()
            .expect("words")
    };
    assert!(cause("zh").contains("子商户未授权给服务商"));
    assert!(cause("en").contains("has not authorised the provider"));
}

scenario!(wechat_that_asks_to_slow_down_is_a_503_with_a_time, busy);
async fn busy(p: &TestPlatform) {
    p.simulator.fault(
        Fault::of(FaultKind::FrequencyLimited)
            .on_path("/v3/pay")
            .times(BOTH_TRIES),
    );
    let (body, key) = (p.tenant.order(100), fresh_key());
    let answer = p.tenant.api.post("/v1/orders", &body, &key).await;
    assert!(answer.headers.contains_key("retry-after"));
    answer.problem(503, "wechat_busy");
    p.simulator.clear_faults();
    let order = p.tenant.api.post("/v1/orders", &body, &key).await.placed();
    assert_eq!(order["state"], "paying");
}
