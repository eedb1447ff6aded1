//! Payments that are faster than a close, that come by an attempt which was thought refused, or of another amount: each
//! ends where the tenant's policy says, one event tells it, and both sides' books are the same to the fen.

use serde_json::{Value, json};
use tributary_domain::bill::BillDay;
use tributary_domain::late_payment::LateDecision;
use tributary_tests::platform::number;
use tributary_tests::{TestPlatform, scenario};
use wechatpay_sim::{
    CloseAnswer, Fault, FaultKind, LedgerFilter, PayOnClose, PayOrder, RefundResult, RefundStatus,
    TradeState,
};

use crate::late_money::{end_refund, forced, policy, rule};
use crate::reconcile::{classes, morning_after, reconcile};

/// What came in and what went back, at WeChat: payments, and refunds that arrived.
fn at_wechat(p: &TestPlatform) -> (i64, i64) {
    let ledger = p.simulator.ledger_of(&LedgerFilter::default());
    let payments = ledger
        .orders
        .iter()
        .filter_map(|order| order.payment.as_ref());
    let arrived = ledger
        .refunds
        .iter()
        .filter(|refund| refund.status == RefundStatus::Success);
    (
        payments.map(|payment| payment.amount_total).sum(),
        arrived.map(|refund| refund.amount_refund).sum(),
    )
}

/// The same in our books: payments of orders with the second payments beside them, and refunds that arrived.
async fn in_the_books(p: &TestPlatform) -> (i64, i64) {
    let sum = async |column: &str, rows: &str| {
        let sql = format!("SELECT CAST(COALESCE(SUM({column}), 0) AS BIGINT) FROM {rows}");
        p.database.count(&sql).await
    };
    let second = "late_payments l WHERE NOT EXISTS \
                  (SELECT 1 FROM orders o WHERE o.transaction_id = l.transaction_id)";
    let paid = sum("paid_fen", "orders").await + sum("total_fen", second).await;
    (
        paid,
        sum("refund_fen", "refunds WHERE state = 'success'").await,
    )
}

/// Both sides have the same, and the day's bill finds nothing to say.
async fn money_is_accounted_for(p: &TestPlatform, expected: (i64, i64)) {
    let day = BillDay::of(p.now());
    p.settle().await;
    assert_eq!(at_wechat(p), expected, "at WeChat");
    assert_eq!(in_the_books(p).await, expected, "in the books");
    morning_after(p, day).await;
    assert_eq!(reconcile(p).await, 1);
    assert_eq!(classes(p, day).await, Vec::<String>::new());
}

async fn times_told(p: &TestPlatform, order: &Value, kind: &str) -> usize {
    let told = p.told(order).await;
    told.iter().filter(|one| *one == kind).count()
}

fn pays_on_close(p: &TestPlatform, order: &Value, answer: CloseAnswer) {
    let pay = PayOrder::default();
    p.simulator
        .pay_on_close(number(order), PayOnClose { answer, pay })
        .expect("a race");
}

async fn close(p: &TestPlatform, order: &Value) -> tributary_tests::Answer {
    let id = order["id"].as_str().expect("an id");
    p.tenant.api.close_order(id).await
}

/// The payer is faster, whatever the close is answered: the question after it finds the payment.
async fn loses(p: &TestPlatform, answer: CloseAnswer) {
    // The question alone finds it: nobody is notified meanwhile.
    p.simulator
        .fault(Fault::of(FaultKind::NotificationWithheld));
    let order = p.order(888).await;
    pays_on_close(p, &order, answer);
    close(p, &order).await.problem(409, "state_conflict");
    assert_eq!(p.at_wechat(&order).trade_state, TradeState::Success);
    let seen = p.seen(&order).await;
    assert_eq!(
        (&seen["state"], &seen["amount"]["paid"]),
        (&json!("paid"), &json!(888))
    );
    assert!(seen["late_payments"].as_array().is_none_or(Vec::is_empty));
    p.simulator.clear_faults();
    // The notification that comes after all says nothing new.
    p.advance_seconds(60).await;
    assert_eq!(p.told(&order).await, ["order.created", "order.paid"]);
    money_is_accounted_for(p, (888, 0)).await;
}

scenario!(
    close_that_loses_the_race_and_is_told_so_ends_in_the_payment,
    told_paid
);
async fn told_paid(p: &TestPlatform) {
    loses(p, CloseAnswer::OrderPaid).await;
}

scenario!(
    close_that_loses_the_race_and_is_told_closed_ends_in_the_payment,
    told_closed
);
async fn told_closed(p: &TestPlatform) {
    loses(p, CloseAnswer::Closed).await;
}

/// The close and the question after it both deny the payment: it is late money when its notification comes.
async fn denied(p: &TestPlatform, decision: LateDecision) -> Value {
    policy(p, decision).await;
    let order = p.order(888).await;
    // A number that nobody knows after a minute was never taken.
    p.advance_seconds(61).await;
    pays_on_close(p, &order, CloseAnswer::Closed);
    let deny = Fault::of(FaultKind::NotFound).on_order(number(&order));
    p.simulator.fault(deny.times(1));
    assert_eq!(close(p, &order).await.ok()["state"], "closed");
    p.settle().await;
    let seen = p.seen(&order).await;
    assert_eq!(seen["late_payments"][0]["kind"], "paid_late");
    assert_eq!(times_told(p, &order, "order.paid_late").await, 1);
    assert_eq!(times_told(p, &order, "order.paid").await, 0);
    seen
}

scenario!(denied_payment_is_accepted_late, denied_accept);
async fn denied_accept(p: &TestPlatform) {
    let order = denied(p, LateDecision::Accept).await;
    assert_eq!(order["state"], "paid");
    money_is_accounted_for(p, (888, 0)).await;
}

scenario!(
    denied_payment_goes_back_when_the_policy_says_so,
    denied_refund
);
async fn denied_refund(p: &TestPlatform) {
    let order = denied(p, LateDecision::Refund).await;
    end_refund(p, RefundResult::Success).await;
    assert_eq!(p.seen(&order).await["state"], "refunded");
    money_is_accounted_for(p, (888, 888)).await;
}

scenario!(denied_payment_is_held_when_the_policy_says_so, denied_hold);
async fn denied_hold(p: &TestPlatform) {
    let order = denied(p, LateDecision::Hold).await;
    assert_eq!(order["state"], "held");
    money_is_accounted_for(p, (888, 0)).await;
}

/// The first attempt takes effect at WeChat and looks refused; the second is paid, and then the first as well.
async fn paid_by_both(p: &TestPlatform, decision: LateDecision) -> Value {
    policy(p, decision).await;
    let refuse = Fault {
        status: Some(403),
        code: Some("NO_AUTH".to_owned()),
        after_applying: true,
        ..Fault::of(FaultKind::Refuse)
    };
    let body = p.tenant.order(888);
    p.simulator.fault(
        refuse
            .on_path("/v3/pay/partner/transactions/jsapi")
            .times(1),
    );
    // Asked about it, WeChat knows nothing of the first attempt yet.
    p.simulator
        .fault(Fault::of(FaultKind::NotFound).on_path("/out-trade-no/"));
    let refused = p.tenant.api.place_order(&body).await;
    refused.problem(422, "wechat_refused");
    p.simulator.clear_faults();
    let first = p.simulator.ledger().orders.remove(0).out_trade_no;
    let order = p.tenant.api.place_order(&body).await.placed();
    assert_ne!(number(&order), first, "an attempt of its own");
    p.pay(&order);
    p.settle().await;
    assert_eq!(p.seen(&order).await["state"], "paid");
    p.simulator
        .pay(&first, &forced(None))
        .expect("the first is paid too");
    p.settle().await;
    let seen = p.seen(&order).await;
    assert_eq!(seen["late_payments"][0]["kind"], "duplicate_paid");
    assert_eq!(
        (&seen["state"], &seen["amount"]["paid"]),
        (&json!("paid"), &json!(888))
    );
    let told = ["order.created", "order.paid", "order.duplicate_paid"];
    assert_eq!(p.told(&order).await, told);
    seen
}

scenario!(second_attempt_paid_goes_back_to_its_end, both_refund);
async fn both_refund(p: &TestPlatform) {
    let order = paid_by_both(p, LateDecision::Refund).await;
    assert_eq!(order["late_payments"][0]["state"], "refunding");
    end_refund(p, RefundResult::Success).await;
    let seen = p.seen(&order).await;
    assert_eq!(seen["late_payments"][0]["state"], "refunded");
    assert_eq!(
        (&seen["state"], &seen["amount"]["refunded"]),
        (&json!("paid"), &json!(0))
    );
    let id = seen["late_payments"][0]["refund_id"].clone();
    let told = ["refund.created", "refund.processing", "refund.succeeded"];
    assert_eq!(p.told(&json!({ "id": id })).await, told);
    money_is_accounted_for(p, (1_776, 888)).await;
}

scenario!(
    second_attempt_paid_is_kept_when_the_policy_says_so,
    both_accept
);
async fn both_accept(p: &TestPlatform) {
    let order = paid_by_both(p, LateDecision::Accept).await;
    assert_eq!(order["late_payments"][0]["state"], "accepted");
    money_is_accounted_for(p, (1_776, 0)).await;
}

scenario!(second_attempt_paid_is_held_for_a_person, both_hold);
async fn both_hold(p: &TestPlatform) {
    let order = paid_by_both(p, LateDecision::Hold).await;
    assert_eq!(order["late_payments"][0]["state"], "held");
    rule(p, &order, LateDecision::Refund).await;
    end_refund(p, RefundResult::Success).await;
    let seen = p.seen(&order).await;
    assert_eq!(seen["late_payments"][0]["state"], "refunded");
    money_is_accounted_for(p, (1_776, 888)).await;
}

/// The payer paid less than was asked.
async fn paid_less(p: &TestPlatform, decision: LateDecision) -> Value {
    policy(p, decision).await;
    let order = p.order(888).await;
    p.pay_as(&order, &forced(Some(800)));
    p.settle().await;
    assert_eq!(
        p.told(&order).await,
        ["order.created", "order.amount_mismatch"]
    );
    let seen = p.seen(&order).await;
    assert_eq!(seen["late_payments"][0]["kind"], "amount_mismatch");
    assert_eq!(seen["amount"]["paid"], 800);
    seen
}

scenario!(another_amount_is_kept_when_the_policy_says_so, less_accept);
async fn less_accept(p: &TestPlatform) {
    let order = paid_less(p, LateDecision::Accept).await;
    assert_eq!(order["state"], "paid");
    assert_eq!(order["late_payments"][0]["state"], "accepted");
    money_is_accounted_for(p, (800, 0)).await;
}

scenario!(
    another_amount_goes_back_when_the_policy_says_so,
    less_refund
);
async fn less_refund(p: &TestPlatform) {
    let order = paid_less(p, LateDecision::Refund).await;
    assert_eq!(order["state"], "refunding");
    end_refund(p, RefundResult::Success).await;
    let seen = p.seen(&order).await;
    assert_eq!(
        (&seen["state"], &seen["amount"]["refunded"]),
        (&json!("refunded"), &json!(800))
    );
    money_is_accounted_for(p, (800, 800)).await;
}
