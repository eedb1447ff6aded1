//! Closing asks WeChat first.

use tributary_tests::{TestPlatform, scenario};
use wechatpay_sim::{Fault, FaultKind, TradeState};

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
    let force = wechatpay_sim::PayOrder {
        force: true,
        ..wechatpay_sim::PayOrder::default()
    };
    p.pay_as(&order, &force);
    p.settle().await;
    assert_eq!(p.seen(&order).await["state"], "paid");
    assert_eq!(
        p.told(&order).await,
        ["order.created", "order.closed", "order.paid_late"]
    );
}
