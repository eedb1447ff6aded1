//! Where an amount is in doubt, nothing is given back that no person decided about.

use serde_json::Value;
use tributary_domain::bill::BillDay;
use tributary_domain::late_payment::{LateDecision, LatePolicy};
use tributary_domain::reconciliation::DiscrepancyClass;
use tributary_domain::staff::Actor;
use tributary_operations::reconciliation::Closing;
use tributary_tests::{TestPlatform, scenario};
use wechatpay_sim::{BillFault, BillFaultKind, Fault, FaultKind, PayOrder, RowChange};

use crate::reconcile::{fault, found, morning_after, of_order, reconcile};

async fn refund_late_money(p: &TestPlatform) {
    let policy = LatePolicy {
        paid_late: LateDecision::Refund,
        duplicate_paid: LateDecision::Refund,
        amount_mismatch: LateDecision::Refund,
    };
    p.platform
        .operations()
        .set_late_policy(&Actor::system("test"), &p.tenant.id, policy)
        .await
        .expect("a policy");
}

/// Late money whose refund cannot be sent yet, and a bill that has another amount of it.
async fn late_money_in_doubt(p: &TestPlatform) -> (Value, BillDay) {
    let day = BillDay::of(p.now());
    refund_late_money(p).await;
    p.simulator
        .fault(Fault::of(FaultKind::NotEnough).on_path("/v3/refund/domestic/refunds"));
    let order = p.order(888).await;
    let id = order["id"].as_str().expect("an id");
    p.tenant.api.close_order(id).await.ok();
    let forced = PayOrder {
        force: true,
        ..PayOrder::default()
    };
    p.pay_as(&order, &forced);
    p.settle().await;
    assert_eq!(p.seen(&order).await["state"], "refunding");
    let set = RowChange {
        amount_total: Some(887),
        ..RowChange::default()
    };
    fault(
        p,
        BillFault {
            set,
            ..of_order(BillFaultKind::Change, &order)
        },
    );
    morning_after(p, day).await;
    reconcile(p).await;
    (order, day)
}

async fn close(p: &TestPlatform, day: BillDay, class: DiscrepancyClass) {
    let mut all = found(p, day).await;
    all.retain(|one| one.class == class);
    let closing = Closing {
        actor: "li.wei".to_owned(),
        reason: "WeChat corrected its bill".to_owned(),
    };
    let operations = p.platform.operations();
    let by = Actor::operator("li.wei");
    let closed = operations.close_discrepancy(&by, &all[0].id, &closing);
    closed.await.expect("closed");
}

scenario!(
    automatic_refund_waits_until_a_person_has_settled_the_amount,
    waits
);
async fn waits(p: &TestPlatform) {
    let (order, day) = late_money_in_doubt(p).await;
    p.simulator.clear_faults();
    for _ in 0..8 {
        p.advance_seconds(3_601).await;
    }
    assert_eq!(p.simulator.ledger().refunds.len(), 0);
    assert_eq!(p.seen(&order).await["state"], "refunding");
    close(p, day, DiscrepancyClass::PaymentAmount).await;
    for _ in 0..8 {
        p.advance_seconds(3_601).await;
    }
    assert_eq!(p.simulator.ledger().refunds.len(), 1);
}

scenario!(
    late_money_is_held_while_a_sum_of_its_tenant_is_in_doubt,
    holds
);
async fn holds(p: &TestPlatform) {
    let day = BillDay::of(p.now());
    refund_late_money(p).await;
    let unbalanced = p.paid_order(800).await;
    let unbalanced = unbalanced["id"].as_str().expect("an id");
    let set =
        |fen: i64| format!("UPDATE orders SET refunding_fen = {fen} WHERE id = '{unbalanced}'");
    p.database.execute(&set(5)).await;
    morning_after(p, day).await;
    reconcile(p).await;
    p.database.execute(&set(0)).await;

    let late = |order: Value| async move {
        let id = order["id"].as_str().expect("an id");
        p.tenant.api.close_order(id).await.ok();
        let forced = PayOrder {
            force: true,
            ..PayOrder::default()
        };
        p.pay_as(&order, &forced);
        p.settle().await;
        p.seen(&order).await["state"].clone()
    };
    assert_eq!(late(p.order(100).await).await, "held");
    close(p, day, DiscrepancyClass::TrialBalance).await;
    assert_eq!(late(p.order(100).await).await, "refunding");
}
