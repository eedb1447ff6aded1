//! Closing asks WeChat first.

use tributary_tests::{TestPlatform, scenario};
use wechatpay_sim::{Fault, FaultKind, PayOrder, TradeState};

fn id(order: &serde_json::Value) -> &str {
    order["id"].as_str().expect("an order has an id")
}

scenario!(closed_order_is_closed_at_wechat_too, closes);
async fn closes(p: &TestPlatform) {
    p.register(&p.tenant, "hook", &["order.closed"]).await;
    let order = p.order(100).await;
    assert_eq!(
        p.tenant.api.close_order(id(&order)).await.ok()["state"],
        "closed"
    );
    assert_eq!(p.at_wechat(&order).trade_state, TradeState::Closed);
    p.settle().await;
    assert_eq!(p.receiver.of_kind("hook", "order.closed").len(), 1);
}

scenario!(closing_twice_is_the_same_as_closing_once, twice);
async fn twice(p: &TestPlatform) {
    let order = p.order(100).await;
    p.tenant.api.close_order(id(&order)).await.ok();
    assert_eq!(
        p.tenant.api.close_order(id(&order)).await.ok()["state"],
        "closed"
    );
    p.settle().await;
    assert_eq!(p.told(&order).await, ["order.created", "order.closed"]);
}

scenario!(
    order_that_was_closed_at_wechat_already_is_closed,
    closed_there
);
async fn closed_there(p: &TestPlatform) {
    let order = p.order(100).await;
    p.simulator
        .close(tributary_tests::platform::number(&order))
        .expect("closed at WeChat");
    assert_eq!(
        p.tenant.api.close_order(id(&order)).await.ok()["state"],
        "closed"
    );
}

scenario!(
    order_that_was_paid_a_moment_ago_is_not_closed_but_paid,
    paid
);
async fn paid(p: &TestPlatform) {
    p.simulator
        .fault(Fault::of(FaultKind::NotificationWithheld));
    let order = p.order(100).await;
    p.pay(&order);
    p.tenant
        .api
        .close_order(id(&order))
        .await
        .problem(409, "state_conflict");
    assert_eq!(p.seen(&order).await["state"], "paid");
    p.settle().await;
    assert_eq!(p.told(&order).await, ["order.created", "order.paid"]);
}

scenario!(
    close_without_an_answer_is_finished_by_the_sweeper,
    lost_answer
);
async fn lost_answer(p: &TestPlatform) {
    let order = p.order(100).await;
    p.simulator
        .fault(Fault::of(FaultKind::LostAnswer).on_path("/close").times(2));
    p.tenant
        .api
        .close_order(id(&order))
        .await
        .problem(504, "outcome_unknown");
    p.advance_seconds(120).await;
    assert_eq!(p.seen(&order).await["state"], "closed");
    assert_eq!(p.told(&order).await, ["order.created", "order.closed"]);
}

scenario!(money_that_comes_after_closing_is_told_as_late, late);
async fn late(p: &TestPlatform) {
    let order = p.order(100).await;
    p.tenant.api.close_order(id(&order)).await.ok();
    let force = PayOrder {
        force: true,
        ..PayOrder::default()
    };
    p.pay_as(&order, &force);
    p.settle().await;
    assert_eq!(p.seen(&order).await["state"], "paid");
    assert_eq!(
        p.told(&order).await,
        ["order.created", "order.closed", "order.paid_late"]
    );
}

scenario!(
    close_of_an_order_that_is_hours_old_is_finished_in_seconds_too,
    lost_answer_of_an_old_order
);
async fn lost_answer_of_an_old_order(p: &TestPlatform) {
    let order = p.order(100).await;
    // It was asked about many times by now.
    for _ in 0..18 {
        p.advance_seconds(1_800).await;
    }
    assert_eq!(p.seen(&order).await["state"], "paying");
    let lost = Fault::of(FaultKind::LostAnswer).on_path("/close");
    p.simulator.fault(lost.times(2));
    p.tenant
        .api
        .close_order(id(&order))
        .await
        .problem(504, "outcome_unknown");
    p.advance_seconds(6).await;
    assert_eq!(p.seen(&order).await["state"], "closed");
    assert_eq!(p.told(&order).await, ["order.created", "order.closed"]);
}

scenario!(
    answers_that_are_lost_for_long_are_asked_for_less_and_less_often,
    lost_for_long
);
async fn lost_for_long(p: &TestPlatform) {
    let order = p.order(100).await;
    for _ in 0..18 {
        p.advance_seconds(1_800).await;
    }
    // Nothing took effect, so no question tells that it is closed.
    p.simulator
        .fault(Fault::of(FaultKind::ServerError).on_path("/close"));
    p.tenant
        .api
        .close_order(id(&order))
        .await
        .problem(504, "outcome_unknown");
    let (mut looks, mut last) = (Vec::new(), p.now());
    while looks.len() < 15 {
        let due = p
            .database
            .count("SELECT next_poll_at FROM orders WHERE state = 'closing'")
            .await;
        let wait_ms = due - p.now().as_millis();
        looks.push((due - last.as_millis()) / 1_000);
        last = p.now().plus_millis(wait_ms);
        p.advance_seconds(wait_ms / 1_000).await;
    }
    let minutes = [60; 11];
    assert_eq!(looks[..2], [5, 15]);
    assert_eq!(looks[2..13], minutes);
    assert_eq!(looks[13..], [3_600, 3_600]);
    p.simulator.clear_faults();
    p.advance_seconds(3_600).await;
    assert_eq!(p.seen(&order).await["state"], "closed");
}

scenario!(
    order_that_wechat_does_not_know_is_closed_after_a_minute,
    unknown_there
);
async fn unknown_there(p: &TestPlatform) {
    let order = p.order(100).await;
    let refusal = Fault {
        status: Some(404),
        code: Some("ORDER_NOT_EXIST".to_owned()),
        ..Fault::of(FaultKind::Refuse).on_path("/close")
    };
    p.simulator.fault(refusal);
    p.simulator.fault(Fault::of(FaultKind::NotFound));
    // So soon after the prepay it proves nothing.
    p.tenant
        .api
        .close_order(id(&order))
        .await
        .problem(504, "outcome_unknown");
    p.advance_seconds(61).await;
    assert_eq!(p.seen(&order).await["state"], "closed");

    // It comes to be known there after all, and can be paid: then it is closed there, too.
    p.simulator.clear_faults();
    assert_eq!(p.at_wechat(&order).trade_state, TradeState::NotPay);
    p.advance_seconds(600).await;
    assert_eq!(p.at_wechat(&order).trade_state, TradeState::Closed);
    p.advance_seconds(600).await;
    assert_eq!(p.told(&order).await, ["order.created", "order.closed"]);
}

scenario!(
    payment_that_raced_the_close_and_was_not_told_is_found_ten_minutes_later,
    raced
);
async fn raced(p: &TestPlatform) {
    p.simulator
        .fault(Fault::of(FaultKind::NotificationWithheld));
    let order = p.order(100).await;
    p.tenant.api.close_order(id(&order)).await.ok();
    let force = PayOrder {
        force: true,
        ..PayOrder::default()
    };
    p.pay_as(&order, &force);
    p.advance_seconds(590).await;
    assert_eq!(p.seen(&order).await["state"], "closed");
    p.advance_seconds(11).await;
    assert_eq!(p.seen(&order).await["state"], "paid");
    let told = ["order.created", "order.closed", "order.paid_late"];
    assert_eq!(p.told(&order).await, told);
}
