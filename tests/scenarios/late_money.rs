//! Money that comes late, twice, or with another amount: a state with a policy, one event, never a log line.

use serde_json::{Value, json};
use tributary_domain::late_payment::{LateDecision, LatePolicy};
use tributary_domain::staff::Actor;
use tributary_operations::late_payments::Ruling;
use tributary_tests::{TestPlatform, scenario};
use wechatpay_sim::{Fault, FaultKind, PayOrder, RefundResult};

pub(crate) async fn policy(p: &TestPlatform, decision: LateDecision) {
    let policy = LatePolicy {
        paid_late: decision,
        duplicate_paid: decision,
        amount_mismatch: decision,
    };
    let operations = p.platform.operations();
    operations
        .set_late_policy(&Actor::system("test"), &p.tenant.id, policy)
        .await
        .expect("a policy");
}

/// An order that was closed here and at WeChat, and is paid all the same.
async fn paid_after_close(p: &TestPlatform) -> Value {
    let order = p.order(888).await;
    let id = order["id"].as_str().expect("an id");
    p.tenant.api.close_order(id).await.ok();
    p.pay_as(&order, &forced(None));
    p.settle().await;
    order
}

pub(crate) fn forced(amount_total: Option<i64>) -> PayOrder {
    PayOrder {
        force: true,
        amount_total,
        ..PayOrder::default()
    }
}

/// The one refund that WeChat knows comes to this end.
pub(crate) async fn end_refund(p: &TestPlatform, status: RefundResult) {
    let refunds = p.simulator.ledger().refunds;
    assert_eq!(refunds.len(), 1, "one refund at WeChat");
    p.simulator
        .settle_refund(&refunds[0].out_refund_no, &crate::refund::ending(status))
        .expect("a result");
    p.settle().await;
}

pub(crate) async fn rule(p: &TestPlatform, order: &Value, decision: LateDecision) {
    let held = p
        .platform
        .operations()
        .held_payments(None)
        .await
        .expect("a list");
    let id = order["id"].as_str().expect("an id");
    let late = held.items.iter().find(|late| late.order_id.as_str() == id);
    let ruling = Ruling {
        decision,
        decided_by: "li.wei".into(),
        reason: "The payer asked for it".into(),
    };
    let late = late.expect("held money");
    let operations = p.platform.operations();
    let by = Actor::operator("li.wei");
    let decided = operations.decide_late_payment(&by, &late.tenant_id, &late.id, &ruling);
    decided.await.expect("a decision");
    p.settle().await;
}

scenario!(
    late_money_is_accepted_unless_the_tenant_says_otherwise,
    accepted
);
async fn accepted(p: &TestPlatform) {
    let order = paid_after_close(p).await;
    let seen = p.seen(&order).await;
    assert_eq!(seen["state"], "paid");
    assert_eq!(seen["amount"]["paid"], 888);
    assert_eq!(seen["late_payments"][0]["kind"], "paid_late");
    assert_eq!(seen["late_payments"][0]["state"], "accepted");
    assert_eq!(
        p.told(&order).await,
        ["order.created", "order.closed", "order.paid_late"]
    );
}

scenario!(late_money_goes_back_when_the_tenant_says_refund, refunded);
async fn refunded(p: &TestPlatform) {
    policy(p, LateDecision::Refund).await;
    let order = paid_after_close(p).await;
    assert_eq!(p.seen(&order).await["state"], "refunding");
    end_refund(p, RefundResult::Success).await;
    let seen = p.seen(&order).await;
    assert_eq!(seen["state"], "refunded");
    assert_eq!(seen["amount"]["refunded"], 888);
    assert_eq!(seen["late_payments"][0]["state"], "refunded");
    assert_eq!(
        p.told(&order).await,
        ["order.created", "order.closed", "order.paid_late"]
    );
    let id = seen["late_payments"][0]["refund_id"].clone();
    let told = ["refund.created", "refund.processing", "refund.succeeded"];
    assert_eq!(p.told(&json!({ "id": id })).await, told);
}

scenario!(
    held_late_money_waits_for_a_person_who_accepts,
    held_accepted
);
async fn held_accepted(p: &TestPlatform) {
    policy(p, LateDecision::Hold).await;
    let order = paid_after_close(p).await;
    assert_eq!(p.seen(&order).await["state"], "held");
    rule(p, &order, LateDecision::Accept).await;
    assert_eq!(p.seen(&order).await["state"], "paid");
    let told = [
        "order.created",
        "order.closed",
        "order.paid_late",
        "order.paid",
    ];
    assert_eq!(p.told(&order).await, told);
}

scenario!(
    held_late_money_that_a_person_refunds_goes_back_once,
    held_refunded
);
async fn held_refunded(p: &TestPlatform) {
    policy(p, LateDecision::Hold).await;
    let order = paid_after_close(p).await;
    rule(p, &order, LateDecision::Refund).await;
    assert_eq!(p.seen(&order).await["state"], "refunding");
    end_refund(p, RefundResult::Success).await;
    assert_eq!(p.seen(&order).await["state"], "refunded");
}

scenario!(
    late_money_whose_way_back_fails_waits_for_a_person_again,
    way_back_fails
);
async fn way_back_fails(p: &TestPlatform) {
    policy(p, LateDecision::Refund).await;
    let order = paid_after_close(p).await;
    end_refund(p, RefundResult::Closed).await;
    let seen = p.seen(&order).await;
    assert_eq!(seen["state"], "held");
    assert_eq!(seen["late_payments"][0]["state"], "held");
    rule(p, &order, LateDecision::Accept).await;
    assert_eq!(p.seen(&order).await["state"], "paid");
}

scenario!(
    another_amount_never_pays_an_order_unless_somebody_accepts_it,
    another_amount
);
async fn another_amount(p: &TestPlatform) {
    let order = p.order(888).await;
    p.pay_as(&order, &forced(Some(1)));
    p.settle().await;
    let seen = p.seen(&order).await;
    assert_eq!(seen["state"], "held");
    assert_eq!(
        (&seen["amount"]["paid"], &seen["amount"]["total"]),
        (&json!(1), &json!(888))
    );
    assert_eq!(
        p.told(&order).await,
        ["order.created", "order.amount_mismatch"]
    );
    rule(p, &order, LateDecision::Refund).await;
    end_refund(p, RefundResult::Success).await;
    assert_eq!(p.seen(&order).await["state"], "refunded");
}

scenario!(
    second_payment_goes_back_when_the_tenant_says_refund,
    second_payment
);
async fn second_payment(p: &TestPlatform) {
    policy(p, LateDecision::Refund).await;
    let order = p.paid_order(888).await;
    let number = tributary_tests::platform::number(&order);
    let mut plain = p.hand.paid(&p.tenant, number, 888);
    plain["transaction_id"] = json!("4200000000202611210000000099");
    assert_eq!(p.say("second", &plain).await.status, 204);
    let seen = p.seen(&order).await;
    assert_eq!(seen["state"], "paid");
    assert_eq!(seen["amount"]["refunding"], 0);
    assert_eq!(seen["late_payments"][0]["kind"], "duplicate_paid");
    assert_eq!(seen["late_payments"][0]["state"], "refunding");
    let refund = seen["late_payments"][0]["refund_id"]
        .as_str()
        .expect("a refund");
    let refund = p.tenant.api.refund(refund).await.ok();
    assert_eq!(refund["transaction_id"], plain["transaction_id"]);
    assert_eq!(refund["amount"]["refund"], 888);
    assert_eq!(refund["origin"], "late_money");
}

scenario!(
    second_payment_whose_refund_was_taken_for_refused_is_not_given_back_twice,
    refused_and_yet_there
);
async fn refused_and_yet_there(p: &TestPlatform) {
    policy(p, LateDecision::Refund).await;
    let order = p.paid_order(888).await;
    let mut plain = p
        .hand
        .paid(&p.tenant, tributary_tests::platform::number(&order), 888);
    plain["transaction_id"] = json!("4200000000202611210000000099");
    let refuse = Fault {
        status: Some(403),
        code: Some("USER_ACCOUNT_ABNORMAL".into()),
        message: Some("用户账户异常".into()),
        ..Fault::of(FaultKind::Refuse)
    };
    p.simulator.fault(refuse.on_path("/v3/refund").times(1));
    assert_eq!(p.say("second", &plain).await.status, 204);
    p.settle().await;
    let late = p.seen(&order).await["late_payments"][0].clone();
    assert_eq!(late["state"], "held");

    let id = late["refund_id"].as_str().expect("a refund");
    let refund = p.tenant.api.refund(id).await.ok();
    assert_eq!(refund["state"], "closed");
    let notice = json!({
        "sp_mchid": p.keys.sp_mchid,
        "sub_mchid": p.tenant.sub_mchid,
        "out_trade_no": refund["out_trade_no"],
        "transaction_id": refund["transaction_id"],
        "out_refund_no": refund["out_refund_no"],
        "refund_id": "50300000382026112109732678859",
        "refund_status": "SUCCESS",
        "success_time": "2026-11-21T17:12:30+08:00",
        "user_received_account": "支付用户零钱",
        "amount": {"total": 888, "refund": 888, "payer_total": 888, "payer_refund": 888},
    });
    assert_eq!(p.say("after all", &notice).await.status, 204);

    assert_eq!(p.tenant.api.refund(id).await.ok()["state"], "success");
    let late = p.seen(&order).await["late_payments"][0].clone();
    assert_eq!(late["state"], "refunded");
    let held = p.platform.operations().held_payments(None).await;
    assert!(held.expect("a list").items.is_empty());
}
