//! Refunds that WeChat refuses, many at once; and those that are on no way, day after day.

use futures::future::join_all;
use serde_json::Value;
use tributary_tests::{TestPlatform, scenario};
use wechatpay_sim::{ChangeSubMerchant, RefundResult};

use crate::reconcile::alarms;
use crate::refund::{asked, end};

/// What one process allows itself of WeChat's six.
const REFUSALS_A_SECOND: i64 = 2;
const DAY_SECONDS: i64 = 24 * 3_600;
const OPEN_REMINDERS: &str = "alarms WHERE kind = 'refund_abnormal' AND state = 'open'";

async fn count(p: &TestPlatform, what: &str) -> i64 {
    p.database
        .count(&format!("SELECT COUNT(*) FROM {what}"))
        .await
}

fn give(p: &TestPlatform, balance: Option<i64>) {
    let change = ChangeSubMerchant {
        refund_balance: Some(balance),
        ..ChangeSubMerchant::default()
    };
    p.simulator
        .change_sub_merchant(&p.tenant.sub_mchid, &change)
        .expect("a known sub-merchant");
}

/// What WeChat answered to refunds with a code, as the record of calls has it.
async fn answered(p: &TestPlatform, code: &str) -> i64 {
    p.platform
        .operations()
        .write_upstream_calls()
        .await
        .expect("the calls are written");
    count(p, &format!("upstream_calls WHERE code = '{code}'")).await
}

async fn thirty_orders(p: &TestPlatform) -> Vec<Value> {
    let mut orders = Vec::new();
    for _ in 0..30 {
        orders.push(p.paid_order(100).await);
    }
    orders
}

scenario!(
    thirty_refunds_of_a_sub_merchant_without_money_are_refused_a_few_a_second,
    burst
);
async fn burst(p: &TestPlatform) {
    let orders = thirty_orders(p).await;
    give(p, Some(0));
    let bodies: Vec<Value> = orders
        .iter()
        .map(|order| asked(order, &refund_no(order), 100))
        .collect();
    let answers = join_all(bodies.iter().map(|body| p.tenant.api.create_refund(body))).await;
    assert!(answers.iter().all(|answer| answer.status == 201));
    assert_eq!(answered(p, "NOT_ENOUGH").await, REFUSALS_A_SECOND);
    for seconds in 1..=20 {
        p.advance_seconds(1).await;
        let refused = answered(p, "NOT_ENOUGH").await;
        assert!(
            refused <= REFUSALS_A_SECOND * (seconds + 1),
            "{refused} after {seconds} s"
        );
    }
    assert_eq!(answered(p, "FREQUENCY_LIMITED").await, 0);
    assert_eq!(count(p, "refunds WHERE state = 'held'").await, 30);

    // With money all of them go, each under its own number.
    give(p, None);
    for _ in 0..60 {
        p.advance_seconds(30).await;
    }
    assert_eq!(count(p, "refunds WHERE state = 'processing'").await, 30);
    assert_eq!(p.simulator.ledger().refunds.len(), 30);
}

scenario!(refunds_that_are_taken_do_not_wait_for_each_other, taken);
async fn taken(p: &TestPlatform) {
    let orders = thirty_orders(p).await;
    p.tenant
        .api
        .create_refund(&asked(&orders[0], "first", 100))
        .await
        .ok();
    let bodies: Vec<Value> = orders[1..]
        .iter()
        .map(|order| asked(order, &refund_no(order), 100))
        .collect();
    for answer in join_all(bodies.iter().map(|body| p.tenant.api.create_refund(body))).await {
        assert_eq!(answer.ok()["state"], "processing");
    }
}

fn refund_no(order: &Value) -> String {
    let number = order["merchant_order_no"].as_str().expect("a number");
    format!("R-{number}")
}

scenario!(refund_on_no_way_is_recalled_to_a_person_every_day, abnormal);
async fn abnormal(p: &TestPlatform) {
    let order = p.paid_order(888).await;
    let body = asked(&order, "R-1", 888);
    let refund = p.tenant.api.create_refund(&body).await.ok();
    end(p, &refund, RefundResult::Abnormal);
    p.settle().await;
    assert_eq!(alarms(p, "refund_abnormal").await, 1);
    for days in 1..=3 {
        p.advance_seconds(DAY_SECONDS + 1).await;
        assert_eq!(alarms(p, "refund_abnormal").await, days + 1);
    }
    assert_eq!(count(p, OPEN_REMINDERS).await, 4);
    end(p, &refund, RefundResult::Success);
    p.settle().await;
    p.advance_seconds(DAY_SECONDS + 1).await;
    assert_eq!(alarms(p, "refund_abnormal").await, 4);
    assert_eq!(count(p, OPEN_REMINDERS).await, 0);
}
