//! What a comparison must not step over: a sub-merchant behind one that is refused, the days of a standstill, and a
//! payment that neither the bill nor WeChat knows.

use serde_json::Value;
use tributary_domain::bill::BillDay;
use tributary_domain::reconciliation::{DiscrepancyClass, SubjectKind};
use tributary_tests::platform::number;
use tributary_tests::{TestPlatform, scenario};
use wechatpay_sim::{BillFault, BillFaultKind, BillName, Fault, FaultKind, RowChange, TradeState};

use crate::reconcile::{alarms, classes, fault, found, morning_after, reconcile};

const DAY_SECONDS: i64 = 24 * 3_600;

async fn count(p: &TestPlatform, what: &str) -> i64 {
    p.database
        .count(&format!("SELECT COUNT(*) FROM {what}"))
        .await
}

/// WeChat does not give the provider its sub-merchants' fund flows.
fn refused() -> Fault {
    Fault {
        status: Some(403),
        code: Some("NO_AUTH".to_owned()),
        ..Fault::of(FaultKind::Refuse).on_path("/v3/bill/sub-merchant-fundflowbill")
    }
}

scenario!(
    refused_fund_flow_of_one_sub_merchant_hides_no_other,
    refused_one
);
async fn refused_one(p: &TestPlatform) {
    let day = BillDay::of(p.now());
    let other = p.another_tenant().await;
    p.paid_order(888).await;
    // They are asked for in the order of their numbers.
    p.simulator.fault(refused().times(1));
    let given = (&p.tenant.sub_mchid).max(&other.sub_mchid);
    let set = RowChange {
        amount_total: Some(7),
        sub_mchid: Some(given.clone()),
        ..RowChange::default()
    };
    let moved = BillFault {
        bill: Some(BillName::SubMerchantFundFlow),
        date: Some(day.to_string()),
        set,
        ..BillFault::of(BillFaultKind::Add)
    };
    fault(p, moved);
    morning_after(p, day).await;
    reconcile(p).await;
    let of_flows = found(p, day).await.into_iter();
    let of_flows: Vec<_> = of_flows
        .filter(|one| one.subject == SubjectKind::FundFlow)
        .collect();
    assert!(!of_flows.is_empty(), "the other's account was compared");
    let kept = "bills WHERE state = 'rejected' AND failure = 'NO_AUTH'";
    assert_eq!(count(p, kept).await, 1);
    assert_eq!(alarms(p, "fund_flow_refused").await, 1);
    let done = "reconciliations WHERE state = 'completed' AND next_try_at IS NULL";
    assert_eq!(count(p, done).await, 1);

    // The next day it is kept again, and a person was told already.
    let next = day.next();
    p.simulator.clear_bill_faults();
    p.simulator.fault(refused().times(1));
    morning_after(p, next).await;
    reconcile(p).await;
    assert_eq!(count(p, kept).await, 2);
    assert_eq!(alarms(p, "fund_flow_refused").await, 1);
}

scenario!(
    provider_that_may_have_no_fund_flow_is_not_told_of_each,
    refused_all
);
async fn refused_all(p: &TestPlatform) {
    let day = BillDay::of(p.now());
    for _ in 0..3 {
        p.another_tenant().await;
    }
    p.paid_order(888).await;
    p.simulator.fault(refused());
    morning_after(p, day).await;
    reconcile(p).await;
    let done = "reconciliations WHERE state = 'completed' AND next_try_at IS NULL";
    assert_eq!(
        count(p, done).await,
        1,
        "each is refused once, and that is all"
    );
    assert_eq!(alarms(p, "fund_flow_refused").await, 0);
    assert_eq!(classes(p, day).await, Vec::<String>::new());
}

scenario!(
    day_from_before_the_provider_came_leads_to_no_others,
    long_ago
);
async fn long_ago(p: &TestPlatform) {
    let first = BillDay::of(p.now());
    let earlier = (0..20).fold(first, |day, _| day.previous());
    let operations = p.platform.operations();
    let asked = operations.reconcile(&p.provider, earlier).await;
    asked.expect("a person may ask");
    morning_after(p, first).await;
    reconcile(p).await;
    assert_eq!(
        count(p, "reconciliations").await,
        2,
        "that day and the first"
    );
}

scenario!(
    days_of_a_long_standstill_are_compared_when_it_is_over,
    standstill
);
async fn standstill(p: &TestPlatform) {
    let first = BillDay::of(p.now());
    morning_after(p, first).await;
    assert_eq!(reconcile(p).await, 1);
    let lost = BillDay::of(p.now());
    p.paid_order(888).await;
    p.advance_seconds(5 * DAY_SECONDS).await;
    // Its bill is not to be had at once; that alone loses no day.
    let not_ready = BillFault {
        date: Some(lost.to_string()),
        ..BillFault::of(BillFaultKind::NotReady)
    };
    fault(p, not_ready);
    let tried = p.platform.operations().reconcile_due().await;
    assert_eq!(tried.expect("days are tried"), 5);
    assert_eq!(count(p, "reconciliations").await, 6);
    let of_lost = format!("reconciliations WHERE day = '{lost}' AND state");
    assert_eq!(count(p, &format!("{of_lost} = 'waiting'")).await, 1);

    // The other days are another matter, and take their time.
    let others = format!("UPDATE reconciliations SET next_try_at = NULL WHERE day <> '{lost}'");
    p.database.execute(&others).await;
    p.simulator.clear_bill_faults();
    p.advance_seconds(601).await;
    assert_eq!(reconcile(p).await, 1);
    let of_lost = format!("{of_lost} = 'completed' AND payment_bill_fen = 888");
    assert_eq!(count(p, &of_lost).await, 1);
}

/// A payment that was told by whoever has WeChat's keys, and that WeChat does not know.
async fn told_and_not_paid(p: &TestPlatform) -> Value {
    let order = p.order(888).await;
    let told = p.hand.paid(&p.tenant, number(&order), 888);
    assert_eq!(p.say("told-and-not-paid", &told).await.status, 204);
    p.settle().await;
    assert_eq!(p.seen(&order).await["state"], "paid");
    assert_eq!(p.at_wechat(&order).trade_state, TradeState::NotPay);
    order
}

scenario!(
    payment_that_neither_the_bill_nor_wechat_knows_waits_for_no_bill,
    unknown_to_both
);
async fn unknown_to_both(p: &TestPlatform) {
    let day = BillDay::of(p.now());
    told_and_not_paid(p).await;
    let delayed = p.paid_order(100).await;
    fault(
        p,
        crate::reconcile::of_order(BillFaultKind::Delay, &delayed),
    );
    morning_after(p, day).await;
    reconcile(p).await;
    let mut missing = found(p, day).await;
    missing.retain(|one| one.class == DiscrepancyClass::MissingPayment);
    let mut owners: Vec<String> = missing.into_iter().map(|one| one.owner).collect();
    owners.sort();
    assert_eq!(owners, ["next_bill", "staff"]);
    assert_eq!(alarms(p, "bill_lacks_it").await, 1);
    let said = "alarms WHERE kind = 'bill_lacks_it' AND detail LIKE '%NOTPAY%'";
    assert_eq!(count(p, said).await, 1);
}
