//! A notification that never comes loses nothing.

use tributary_tests::{TestPlatform, scenario};
use wechatpay_sim::{Fault, FaultKind};

scenario!(
    withheld_notifications_end_in_paid_by_the_sweeper_and_are_told_once,
    withheld
);
async fn withheld(p: &TestPlatform) {
    p.register(&p.tenant, "hook", &["*"]).await;
    p.simulator
        .fault(Fault::of(FaultKind::NotificationWithheld));
    let order = p.order(100).await;
    p.pay(&order);
    p.settle().await;
    assert_eq!(p.seen(&order).await["state"], "paying");

    p.advance_seconds(61).await;

    assert_eq!(p.seen(&order).await["state"], "paid");
    assert_eq!(p.receiver.of_kind("hook", "order.paid").len(), 1);

    // The notification that comes at last says nothing new.
    p.simulator.clear_faults();
    p.advance_seconds(24 * 3600).await;
    assert_eq!(p.receiver.of_kind("hook", "order.paid").len(), 1);
    assert_eq!(p.told(&order).await, ["order.created", "order.paid"]);
}

scenario!(
    tenant_that_asks_learns_of_the_payment_before_the_notification,
    asked
);
async fn asked(p: &TestPlatform) {
    p.simulator
        .fault(Fault::of(FaultKind::NotificationWithheld));
    let order = p.order(100).await;
    p.pay(&order);
    p.clock.advance_millis(3_000);
    let id = order["id"].as_str().expect("an id");
    assert_eq!(p.tenant.api.sync_order(id).await.ok()["state"], "paid");
    assert_eq!(p.told(&order).await, ["order.created", "order.paid"]);
}

scenario!(order_that_nobody_pays_is_closed_at_its_end, expiry);
async fn expiry(p: &TestPlatform) {
    let order = p.order(100).await;
    p.advance_seconds(8 * 24 * 3600).await;
    assert_eq!(p.seen(&order).await["state"], "closed");
    assert_eq!(p.told(&order).await, ["order.created", "order.closed"]);
}
