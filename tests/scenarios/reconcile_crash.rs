//! What a comparison that died leaves behind, two nodes at one provider's bills, and a bill that lacks everything.

use tributary_domain::bill::BillDay;
use tributary_domain::rehearsal::{CommitFate, decide_commits, leave_commits_alone};
use tributary_operations::reconciliation::Outcome;
use tributary_tests::{Backend, TestPlatform, run_on_one_thread, scenario};
use wechatpay_sim::{BillFault, BillFaultKind, Fault, FaultKind};

use crate::reconcile::{alarms, classes, fault, morning_after, reconcile};

/// More commits than it takes until the first difference is noted.
const COMMITS_MAX: usize = 60;
/// A lease that nobody gave back ends within this.
const LEASE_SECONDS: i64 = 301;

async fn count(p: &TestPlatform, what: &str) -> i64 {
    p.database
        .count(&format!("SELECT COUNT(*) FROM {what}"))
        .await
}

scenario!(download_that_died_is_thrown_away_and_made_again, died);
async fn died(p: &TestPlatform) {
    let day = BillDay::of(p.now());
    p.paid_order(888).await;
    morning_after(p, day).await;
    reconcile(p).await;
    // As if the node had died before the bill was proven: its rows and pieces are there, and nothing vouches for them.
    p.database
        .execute("UPDATE bills SET state = 'loading', content_hash = id WHERE kind = 'trade'")
        .await;
    p.database.execute("DELETE FROM reconciliations").await;
    let path = format!("/v1/bills?date={day}");
    let unproven = p.tenant.api.get(&path).await.ok();
    assert_eq!(unproven["data"].as_array().map(Vec::len), Some(0));

    assert_eq!(reconcile(p).await, 1);
    assert_eq!(classes(p, day).await, Vec::<String>::new());
    let bills = "bills WHERE kind = 'trade' AND state =";
    assert_eq!(count(p, &format!("{bills} 'rejected'")).await, 1);
    assert_eq!(count(p, &format!("{bills} 'verified'")).await, 1);
    assert_eq!(count(p, "bill_rows").await, 1);
    let again = p.tenant.api.get(&path).await.ok();
    assert_eq!(again["data"].as_array().map(Vec::len), Some(1));
}

scenario!(run_that_died_after_its_figures_is_made_again, unfinished);
async fn unfinished(p: &TestPlatform) {
    let day = BillDay::of(p.now());
    p.paid_order(888).await;
    morning_after(p, day).await;
    reconcile(p).await;
    let due = p.now().as_millis();
    p.database
        .execute(&format!(
            "UPDATE reconciliations SET state = 'waiting', next_try_at = {due}, completed_at = NULL"
        ))
        .await;
    assert_eq!(reconcile(p).await, 1);
    assert_eq!(
        count(p, "reconciliations WHERE state = 'completed'").await,
        1
    );
    assert_eq!(count(p, "bills WHERE kind = 'trade'").await, 1);
    let told = "events WHERE kind = 'reconciliation.completed'";
    assert_eq!(count(p, told).await, 1);
}

scenario!(one_node_at_a_time_has_a_providers_bills, two_nodes);
async fn two_nodes(p: &TestPlatform) {
    let day = BillDay::of(p.now());
    p.paid_order(888).await;
    morning_after(p, day).await;
    let until = p.now().plus_millis(300_000).as_millis();
    p.database
        .execute(&format!(
            "INSERT INTO leases (name, owner, fence, held_until) \
             VALUES ('bills:{}', 'another-node', 1, {until})",
            p.provider
        ))
        .await;
    let operations = p.platform.operations();
    let outcome = operations.reconcile(&p.provider, day).await;
    assert!(matches!(outcome, Ok(Outcome::Busy)), "{outcome:?}");
    assert_eq!(count(p, "bills").await, 0);
    // The other node does not live any more.
    p.advance_seconds(301).await;
    assert_eq!(reconcile(p).await, 1);
    assert_eq!(classes(p, day).await, Vec::<String>::new());
}

scenario!(
    tenant_whose_payments_the_bill_lacks_is_told_as_well,
    lacking
);
async fn lacking(p: &TestPlatform) {
    let day = BillDay::of(p.now());
    p.paid_order(888).await;
    fault(p, BillFault::of(BillFaultKind::Drop));
    morning_after(p, day).await;
    reconcile(p).await;
    assert_eq!(classes(p, day).await, ["R02 open"]);
    let feed = p.feed(&p.tenant).await;
    let told = |kind: &str| feed.iter().filter(|event| event["type"] == kind).count();
    assert_eq!(told("reconciliation.completed"), 1);
    assert_eq!(told("reconciliation.discrepancy"), 1);
}

/// A node that fetches and compares the day, and whose commits all fail after the first `made`.
async fn dies_after(p: &TestPlatform, made: usize, day: BillDay) {
    // Each begins with nothing, so that each comes one commit further than the one before.
    for table in ["bill_rows", "bill_chunks", "bills"] {
        p.database.execute(&format!("DELETE FROM {table}")).await;
    }
    let mut left = made;
    decide_commits(move || {
        let fate = if left > 0 {
            CommitFate::Made
        } else {
            CommitFate::Refused
        };
        left = left.saturating_sub(1);
        fate
    });
    let outcome = p.platform.operations().reconcile(&p.provider, day).await;
    leave_commits_alone();
    assert!(outcome.is_err(), "{outcome:?}");
    p.advance_seconds(LEASE_SECONDS).await;
}

/// What died between a difference and its figures, while the money came in by another way.
async fn booked_meanwhile(p: &TestPlatform) {
    let day = BillDay::of(p.now());
    p.simulator
        .fault(Fault::of(FaultKind::NotificationWithheld));
    let order = p.order(888).await;
    // Nobody asks about it either.
    let never = p.now().plus_millis(5 * 24 * 3_600_000).as_millis();
    p.database
        .execute(&format!("UPDATE orders SET next_poll_at = {never}"))
        .await;
    p.pay(&order);
    morning_after(p, day).await;
    for made in 1.. {
        assert!(made < COMMITS_MAX, "no difference is ever noted");
        dies_after(p, made, day).await;
        if count(p, "discrepancies").await > 0 {
            break;
        }
    }
    assert_eq!(classes(p, day).await, ["R04 open"]);
    let id = order["id"].as_str().expect("an id");
    assert_eq!(p.tenant.api.sync_order(id).await.ok()["state"], "paid");

    p.advance_seconds(700).await;
    assert_eq!(reconcile(p).await, 1);
    assert_eq!(classes(p, day).await, ["R04 fixed"]);
    assert_eq!(alarms(p, "reconciliation_equation").await, 0);
    let differs = "reconciliations WHERE state = 'completed' AND payment_local_fen = 888 \
                   AND payment_bill_fen = 888 AND payment_discrepancy_fen = 0";
    assert_eq!(count(p, differs).await, 1);
}

#[test]
fn what_a_comparison_noted_before_it_died_is_not_counted_by_the_next_on_sqlite() {
    run_on_one_thread(Backend::Sqlite, booked_meanwhile);
}

#[test]
fn what_a_comparison_noted_before_it_died_is_not_counted_by_the_next_on_postgres() {
    run_on_one_thread(Backend::Postgres, booked_meanwhile);
}
