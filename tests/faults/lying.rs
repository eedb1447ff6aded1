//! WeChat is slow, busy, or says what is not so.

use tributary_tests::TestPlatform;
use tributary_tests::api::fresh_key;
use wechatpay_sim::{Fault, FaultKind};

use crate::{
    BOTH_TRIES, HURRIED, REFUND_PATH, assert_one_of_each, fault, refund_of, refunds_succeed,
};

/// WeChat may deny for so long what it has just taken.
const DENIED_MS: i64 = 60_000;

fn denial() -> Fault {
    Fault::of(FaultKind::NotFound).within(DENIED_MS)
}

fn lost(path: &str) -> Fault {
    Fault::of(FaultKind::LostAnswer)
        .on_path(path)
        .times(BOTH_TRIES)
}

fault!(
    order_that_wechat_denies_for_a_minute_is_neither_lost_nor_doubled,
    denied_order
);
async fn denied_order(p: &TestPlatform) {
    p.simulator.fault(lost("/jsapi"));
    p.simulator.fault(denial());
    let (body, key) = (p.tenant.order(888), fresh_key());
    let answer = p.tenant.api.post("/v1/orders", &body, &key).await;
    answer.problem(504, "outcome_unknown");
    for _ in 0..11 {
        p.advance_seconds(5).await;
    }
    assert_eq!(p.simulator.ledger().orders.len(), 1);
    let order = p.tenant.api.post("/v1/orders", &body, &key).await.placed();
    p.pay(&order);
    for _ in 0..6 {
        p.advance_seconds(30).await;
    }
    assert_eq!(p.simulator.ledger().orders.len(), 1);
    assert_eq!(p.seen(&order).await["state"], "paid");
    let told = p.told(&order).await;
    let paid = told.iter().filter(|kind| *kind == "order.paid");
    assert_eq!(paid.count(), 1, "{told:?}");
}

fault!(
    payment_that_wechat_denies_for_a_minute_is_seen_by_asking_again,
    denied_payment
);
async fn denied_payment(p: &TestPlatform) {
    p.simulator
        .fault(Fault::of(FaultKind::NotificationWithheld));
    p.simulator.fault(denial());
    let order = p.order(888).await;
    p.pay(&order);
    let id = order["id"].as_str().expect("an id");
    p.tenant.api.sync_order(id).await;
    assert_eq!(p.seen(&order).await["state"], "paying");
    for _ in 0..20 {
        p.advance_seconds(60).await;
    }
    assert_eq!(p.seen(&order).await["state"], "paid");
    assert_eq!(p.simulator.ledger().orders.len(), 1);
}

fault!(
    close_of_an_order_that_wechat_denies_is_not_believed_before_its_minute_is_over,
    denied_close
);
async fn denied_close(p: &TestPlatform) {
    let order = p.order(888).await;
    p.simulator.fault(denial());
    let id = order["id"].as_str().expect("an id");
    let answer = p.tenant.api.close_order(id).await;
    answer.problem(504, "outcome_unknown");
    assert_eq!(p.seen(&order).await["state"], "closing");
    for _ in 0..5 {
        p.advance_seconds(30).await;
    }
    assert_eq!(p.seen(&order).await["state"], "closed");
}

fault!(
    refund_that_wechat_denies_for_a_minute_is_neither_lost_nor_doubled,
    denied_refund
);
async fn denied_refund(p: &TestPlatform) {
    let order = p.paid_order(888).await;
    p.advance_seconds(120).await;
    p.simulator.fault(lost(REFUND_PATH));
    p.simulator.fault(denial());
    let asked = refund_of(&order, "R-1", 888);
    let answer = p.tenant.api.create_refund(&asked).await;
    assert_eq!(answer.status, 202, "{}", answer.text);
    let refund = answer.ok();
    for _ in 0..11 {
        p.advance_seconds(5).await;
    }
    assert_eq!(p.refund_seen(&refund).await["state"], "unknown");
    for _ in 0..6 {
        p.advance_seconds(30).await;
    }
    refunds_succeed(p).await;
    assert_one_of_each(p);
    assert_eq!(p.refund_seen(&refund).await["state"], "success");
    assert_eq!(p.seen(&order).await["amount"]["refunded"], 888);
}

fault!(
    refund_of_a_payment_that_wechat_does_not_know_yet_is_sent_again,
    young_payment
);
async fn young_payment(p: &TestPlatform) {
    let order = p.paid_order(888).await;
    p.simulator.fault(denial());
    let asked = refund_of(&order, "R-1", 888);
    let refund = p.tenant.api.create_refund(&asked).await.ok();
    assert_eq!(refund["state"], "unknown");
    for _ in 0..8 {
        p.advance_seconds(30).await;
    }
    refunds_succeed(p).await;
    assert_one_of_each(p);
    assert_eq!(p.refund_seen(&refund).await["state"], "success");
}

fault!(
    wechat_that_limits_every_call_for_ten_minutes_delays_and_loses_nothing,
    limited
);
async fn limited(p: &TestPlatform) {
    let order = p.paid_order(888).await;
    p.simulator.fault(Fault::of(FaultKind::FrequencyLimited));
    let (body, key) = (p.tenant.order(100), fresh_key());
    let answer = p.tenant.api.post("/v1/orders", &body, &key).await;
    answer.problem(503, "wechat_busy");
    let asked = refund_of(&order, "R-1", 300);
    let refund = p.tenant.api.create_refund(&asked).await.ok();
    for _ in 0..20 {
        p.advance_seconds(30).await;
    }
    assert!(p.simulator.ledger().refunds.is_empty());
    p.simulator.clear_faults();
    for _ in 0..20 {
        p.advance_seconds(30).await;
    }
    refunds_succeed(p).await;
    assert_eq!(p.refund_seen(&refund).await["state"], "success");
    let placed = p.tenant.api.post("/v1/orders", &body, &key).await.placed();
    assert_eq!(placed["state"], "paying");
    let ledger = p.simulator.ledger();
    assert_eq!((ledger.orders.len(), ledger.refunds.len()), (2, 1));
}

fault!(wechat_that_answers_too_late_is_unknown_and_made_once, late);
async fn late(p: &TestPlatform) {
    let late = Fault::of(FaultKind::Delay)
        .on_path("/v3/")
        .delayed_by(HURRIED.wechat_total_ms * 2)
        .times(BOTH_TRIES);
    p.simulator.fault(late.clone());
    let (body, key) = (p.tenant.order(888), fresh_key());
    let answer = p.tenant.api.post("/v1/orders", &body, &key).await;
    answer.problem(504, "outcome_unknown");
    let order = p.tenant.api.post("/v1/orders", &body, &key).await.placed();
    p.pay(&order);
    p.settle().await;
    p.simulator.fault(late);
    let asked = refund_of(&order, "R-1", 300);
    let refund = p.tenant.api.create_refund(&asked).await.ok();
    assert_eq!(refund["state"], "unknown");
    for _ in 0..6 {
        p.advance_seconds(30).await;
    }
    refunds_succeed(p).await;
    assert_one_of_each(p);
    assert_eq!(p.refund_seen(&refund).await["state"], "success");
}

/// Answers of which nothing can be believed, although the request took effect, or is told to have been taken.
const UNUSABLE: [FaultKind; 8] = [
    FaultKind::UnsignedAnswer,
    FaultKind::WrongSignature,
    FaultKind::UnknownSerial,
    FaultKind::ProbeAnswer,
    FaultKind::HalfAnswer,
    FaultKind::Garbled,
    FaultKind::Accepted,
    FaultKind::ServerError,
];

fault!(
    answers_that_cannot_be_believed_make_one_order_and_one_refund_each,
    unusable
);
async fn unusable(p: &TestPlatform) {
    for (made, kind) in UNUSABLE.into_iter().enumerate() {
        let mut fault = Fault::of(kind).on_path("/v3/").times(BOTH_TRIES);
        fault.after_applying = true;
        p.simulator.fault(fault.clone());
        let (body, key) = (p.tenant.order(888), fresh_key());
        p.tenant.api.post("/v1/orders", &body, &key).await;
        p.simulator.clear_faults();
        p.advance_seconds(61).await;
        let order = p.tenant.api.post("/v1/orders", &body, &key).await.placed();
        p.pay(&order);
        p.settle().await;
        assert_eq!(p.seen(&order).await["state"], "paid", "{kind:?}");
        p.simulator.fault(fault);
        let asked = refund_of(&order, &format!("R-{made}"), 888);
        p.tenant.api.create_refund(&asked).await.ok();
        p.simulator.clear_faults();
        for _ in 0..6 {
            p.advance_seconds(30).await;
        }
        refunds_succeed(p).await;
        assert_eq!(p.seen(&order).await["state"], "refunded", "{kind:?}");
        let ledger = p.simulator.ledger();
        let counts = (ledger.orders.len(), ledger.refunds.len());
        assert_eq!(counts, (made + 1, made + 1), "{kind:?}");
    }
}
