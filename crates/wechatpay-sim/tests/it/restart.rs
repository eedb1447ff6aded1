//! The state file: what a stopped, or killed, simulator still knows when it starts again.

use std::io::Write;
use std::path::Path;

use serde_json::json;
use wechatpay_sim::{
    BillName, BillQuery, ChangeSubMerchant, KeyMode, NotificationState, PayOrder, RefundPolicy,
    RefundResult, RefundStatus, SimConfig, SimHandle, Simulator, TradeState,
};

use crate::harness::{PLACE, SP, SUB, World};

fn config(path: &Path) -> SimConfig {
    SimConfig {
        state_file: Some(path.to_owned()),
        ..crate::harness::config()
    }
}

async fn restarted(world: World, path: &Path) -> World {
    let clock = std::sync::Arc::clone(&world.clock_ms);
    let config = SimConfig {
        clock_ms: std::sync::Arc::new(move || clock.load(std::sync::atomic::Ordering::SeqCst)),
        ..config(path)
    };
    let sim: SimHandle = Simulator::start(config).await.unwrap();
    World { sim, ..world }
}

#[tokio::test]
async fn everything_survives_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state").join("sim.jsonl");
    let world = World::configured(KeyMode::PublicKey, config(&path)).await;
    world.receiver.answer_with(500);
    world.place_and_pay("T0000001").await;
    world.sim.run_due().await;
    world.place("T0000002").await;
    world.sim.advance_clock(5_000);
    let before = world.sim.ledger();
    let world = restarted(world, &path).await;
    assert!(world.sim.has_provider(SP));
    let after = world.sim.ledger();
    assert_eq!(
        serde_json::to_value(&before).unwrap(),
        serde_json::to_value(&after).unwrap()
    );
    // Keys, users and prepay ids are the same, so clients go on as before.
    let reply = world.query("T0000001").await;
    assert_eq!(
        world.verified_serial(&reply),
        Some(world.keys.wechatpay_public_key_id.clone())
    );
    world.place("T0000002").await;
    assert_eq!(
        world.post(PLACE, &world.order("T0000001")).await.refusal(),
        "400 ORDERPAID"
    );
    // The retry that was due after fifteen seconds comes.
    world.receiver.answer_with(200);
    world.sim.advance_clock(10_000);
    assert_eq!(world.sim.run_due().await, 1);
    assert_eq!(
        world.sim.ledger().notifications[0].state,
        NotificationState::Acknowledged
    );
}

#[tokio::test]
async fn numbers_of_the_earlier_run_are_not_drawn_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sim.jsonl");
    let world = World::configured(KeyMode::Certificate, config(&path)).await;
    let first = world.place_and_pay("T0000001").await;
    world.pass(1_000);
    let world = restarted(world, &path).await;
    let second = world.place_and_pay("T0000002").await;
    assert_ne!(first, second);
    let ledger = world.sim.ledger();
    assert_ne!(ledger.notifications[0].id, ledger.notifications[1].id);
}

#[tokio::test]
async fn a_torn_last_line_is_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sim.jsonl");
    let world = World::configured(KeyMode::Certificate, config(&path)).await;
    world.place("T0000001").await;
    let mut file = std::fs::OpenOptions::new()
        .append(true)
        .open(&path)
        .unwrap();
    file.write_all(b"{\"order\":{\"sp_mchid\":\"19").unwrap();
    let world = restarted(world, &path).await;
    assert_eq!(world.sim.ledger().orders.len(), 1);
    world.sim.pay("T0000001", &PayOrder::default()).unwrap();
    let world = restarted(world, &path).await;
    assert_eq!(
        world.sim.ledger().orders[0].trade_state,
        TradeState::Success
    );
}

#[cfg(unix)]
#[tokio::test]
async fn the_state_file_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sim.jsonl");
    let _world = World::configured(KeyMode::Certificate, config(&path)).await;
    assert_eq!(
        std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
}

#[tokio::test]
async fn a_planned_result_and_a_balance_survive_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sim.jsonl");
    let world = World::configured(KeyMode::Certificate, config(&path)).await;
    world.place_and_pay("T0000001").await;
    let change = ChangeSubMerchant {
        refund_balance: Some(Some(50)),
        refund_policy: Some(Some(RefundPolicy {
            result: RefundResult::Success,
            after_ms: 1_000,
        })),
        ..ChangeSubMerchant::default()
    };
    world.sim.change_sub_merchant(SUB, &change).unwrap();
    let refund = |number: &str| {
        json!({
            "sub_mchid": SUB,
            "out_trade_no": "T0000001",
            "out_refund_no": number,
            "amount": {"refund": 40, "total": 100, "currency": "CNY"},
        })
    };
    let refunds = "/v3/refund/domestic/refunds";
    assert_eq!(world.post(refunds, &refund("R1")).await.status, 200);
    let world = restarted(world, &path).await;
    world.sim.advance_clock(60_000);
    world.sim.run_due().await;
    assert_eq!(world.sim.ledger().refunds[0].status, RefundStatus::Success);
    let short = world.post(refunds, &refund("R2")).await;
    assert_eq!(short.refusal(), "403 NOT_ENOUGH");
}

#[tokio::test]
async fn a_bill_is_the_same_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sim.jsonl");
    let world = World::configured(KeyMode::Certificate, config(&path)).await;
    world.place_and_pay("T0000001").await;
    let flow = json!({"sp_mchid": SP, "amount": 100});
    world.control("POST", "/fund-flows", &flow).await;
    let bills = |world: &World| {
        [BillName::Trade, BillName::FundFlow].map(|bill| {
            let query = BillQuery {
                date: "2026-01-01".to_owned(),
                bill,
                ..BillQuery::default()
            };
            world.sim.bill(&query).unwrap()
        })
    };
    let before = bills(&world);
    assert!(before[1].contains("充值"));
    let world = restarted(world, &path).await;
    assert_eq!(bills(&world), before);
}
