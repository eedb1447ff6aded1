//! WeChat's main host is down, and the backup host takes over in every phase, without a second order or refund.

use serde_json::Value;
use tributary_tests::TestPlatform;
use tributary_tests::api::fresh_key;
use wechatpay_sim::{Down, Fault, FaultKind, Host, RefundStatus, TradeState};

use crate::{BOTH_TRIES, REFUND_PATH, assert_one_of_each, fault, refund_of, refunds_succeed};

/// A host is down from the moment in which this returns.
async fn down(p: &TestPlatform, host: Host, how: Down) {
    p.simulator
        .fault(Fault::of(FaultKind::HostDown).at_host(host, how));
    if how == Down::Refused {
        let url = match host {
            Host::Main => p.simulator.base_url(),
            Host::Backup => p.simulator.backup_url().expect("a backup host"),
        };
        let address = url.trim_start_matches("http://").to_owned();
        // The listener follows by itself, a moment later.
        while tokio::net::TcpStream::connect(&address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    }
}

fn id(object: &Value) -> &str {
    object["id"].as_str().expect("an id")
}

async fn every_phase_without_the_main_host(p: &TestPlatform, how: Down) {
    down(p, Host::Main, how).await;
    let order = p.order(888).await;
    assert_eq!(order["state"], "paying");

    p.simulator
        .fault(Fault::of(FaultKind::NotificationWithheld));
    p.pay(&order);
    let synced = p.tenant.api.sync_order(id(&order)).await.ok();
    assert_eq!(synced["state"], "paid");

    let asked = refund_of(&order, "R-1", 300);
    let answer = p.tenant.api.create_refund(&asked).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    let refund = answer.ok();
    refunds_succeed(p).await;
    let synced = p.tenant.api.sync_refund(id(&refund)).await.ok();
    assert_eq!(synced["state"], "success");
    assert_one_of_each(p);

    let another = p.order(100).await;
    p.tenant.api.close_order(id(&another)).await.ok();
    assert_eq!(p.at_wechat(&another).trade_state, TradeState::Closed);
    assert_eq!(p.seen(&another).await["state"], "closed");
}

fault!(main_host_that_resets_is_replaced_in_every_phase, resets);
async fn resets(p: &TestPlatform) {
    every_phase_without_the_main_host(p, Down::Reset).await;
}

fault!(main_host_that_refuses_is_replaced_in_every_phase, refuses);
async fn refuses(p: &TestPlatform) {
    every_phase_without_the_main_host(p, Down::Refused).await;
}

fault!(
    answers_lost_by_the_main_host_make_nothing_twice_at_the_backup_host,
    lost_then_backup
);
async fn lost_then_backup(p: &TestPlatform) {
    p.simulator.fault(Fault::of(FaultKind::LostAnswer).times(1));
    let order = p.order(888).await;
    p.pay(&order);
    p.settle().await;
    p.simulator.fault(
        Fault::of(FaultKind::LostAnswer)
            .on_path(REFUND_PATH)
            .times(1),
    );
    let asked = refund_of(&order, "R-1", 888);
    let refund = p.tenant.api.create_refund(&asked).await;
    assert_eq!(refund.status, 201, "{}", refund.text);
    refunds_succeed(p).await;
    assert_one_of_each(p);
    assert_eq!(p.seen(&order).await["state"], "refunded");
    let hosts =
        "SELECT COUNT(*) FROM upstream_calls WHERE try_number = 2 AND outcome = 'succeeded'";
    assert_eq!(p.database.count(hosts).await, 2, "the second tries");
}

async fn without_any_host(p: &TestPlatform, how: Down) {
    let order = p.paid_order(888).await;
    for host in [Host::Main, Host::Backup] {
        down(p, host, how).await;
    }
    let (body, key) = (p.tenant.order(100), fresh_key());
    let answer = p.tenant.api.post("/v1/orders", &body, &key).await;
    assert!(
        answer.headers.contains_key("retry-after"),
        "{}",
        answer.text
    );
    assert!(
        [503, 504].contains(&answer.status.as_u16()),
        "{}",
        answer.text
    );
    let asked = refund_of(&order, "R-1", 888);
    let refund = p.tenant.api.create_refund(&asked).await;
    assert_eq!(refund.status, 202, "{}", refund.text);
    let refund = refund.ok();
    // An outage of an hour: nobody decides that anything failed.
    for _ in 0..60 {
        p.advance_seconds(60).await;
    }
    assert_eq!(p.refund_seen(&refund).await["state"], "unknown");
    assert!(p.simulator.ledger().refunds.is_empty());

    p.simulator.clear_faults();
    let address = p.simulator.addr();
    while tokio::net::TcpStream::connect(address).await.is_err() {
        tokio::task::yield_now().await;
    }
    for _ in 0..60 {
        p.advance_seconds(60).await;
    }
    refunds_succeed(p).await;
    assert_eq!(p.refund_seen(&refund).await["state"], "success");
    let placed = p.tenant.api.post("/v1/orders", &body, &key).await.placed();
    assert_eq!(placed["state"], "paying");
    let ledger = p.simulator.ledger();
    assert_eq!((ledger.orders.len(), ledger.refunds.len()), (2, 1));
    assert_eq!(ledger.refunds[0].status, RefundStatus::Success);
}

fault!(both_hosts_resetting_for_an_hour_lose_nothing, both_reset);
async fn both_reset(p: &TestPlatform) {
    without_any_host(p, Down::Reset).await;
}

fault!(both_hosts_refusing_for_an_hour_lose_nothing, both_refuse);
async fn both_refuse(p: &TestPlatform) {
    without_any_host(p, Down::Refused).await;
}

fault!(
    close_whose_answers_are_lost_at_both_hosts_is_finished_by_the_sweeper,
    lost_close
);
async fn lost_close(p: &TestPlatform) {
    let order = p.order(100).await;
    p.simulator.fault(
        Fault::of(FaultKind::LostAnswer)
            .on_path("/close")
            .times(BOTH_TRIES),
    );
    let answer = p.tenant.api.close_order(id(&order)).await;
    answer.problem(504, "outcome_unknown");
    for _ in 0..4 {
        p.advance_seconds(30).await;
    }
    assert_eq!(p.seen(&order).await["state"], "closed");
    assert_eq!(p.told(&order).await, ["order.created", "order.closed"]);
}
