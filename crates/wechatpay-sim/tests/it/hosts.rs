//! The main host and the backup host, and what their being down looks like.

use serde_json::json;
use wechatpay_sim::{Down, Fault, FaultKind, Host, KeyMode, SimConfig};

use crate::harness::{PLACE, World, config};

/// A simulator with a backup host, and the two base URLs.
async fn with_backup() -> (World, String, String) {
    let config = SimConfig {
        backup_listen: Some(([127, 0, 0, 1], 0).into()),
        ..config()
    };
    let world = World::configured(KeyMode::Certificate, config).await;
    let (main, backup) = (world.sim.base_url(), world.sim.backup_url().unwrap());
    (world, main, backup)
}

/// The status that placing an order at this host is answered with, if it is answered.
async fn placed_at(world: &World, base: &str, number: &str) -> Option<u16> {
    let body = world.order(number).to_string();
    let request = world
        .http
        .post(format!("{base}{PLACE}"))
        .header("Authorization", world.authorization("POST", PLACE, &body))
        .header("Content-Type", "application/json")
        .body(body);
    let answer = request.send().await.ok()?;
    Some(answer.status().as_u16())
}

#[tokio::test]
async fn a_host_that_is_reset_does_nothing_and_the_other_serves() {
    let (world, main, backup) = with_backup().await;
    for (host, down, up) in [(Host::Main, &main, &backup), (Host::Backup, &backup, &main)] {
        world
            .sim
            .fault(Fault::of(FaultKind::HostDown).at_host(host, Down::Reset));
        assert_eq!(placed_at(&world, down, "T0000001").await, None);
        assert_eq!(placed_at(&world, up, "T0000002").await, Some(200));
        assert_eq!(
            world.control("GET", "/faults", &json!({})).await.json()["faults"][0]["happened"],
            1,
            "the control API stays within reach"
        );
        world.sim.clear_faults();
    }
    assert_eq!(world.sim.ledger().orders.len(), 1);
}

#[tokio::test]
async fn a_host_that_refuses_connections_opens_again() {
    let (world, main, backup) = with_backup().await;
    assert_eq!(placed_at(&world, &main, "T0000001").await, Some(200));
    world
        .sim
        .fault(Fault::of(FaultKind::HostDown).at_host(Host::Main, Down::Refused));
    let address = world.sim.addr();
    // The listener follows by itself, a moment later.
    while tokio::net::TcpStream::connect(address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    assert_eq!(
        placed_at(&world, &main, "T0000002").await,
        None,
        "nor does the connection that was open"
    );
    assert_eq!(placed_at(&world, &backup, "T0000002").await, Some(200));
    world.sim.clear_faults();
    while tokio::net::TcpStream::connect(address).await.is_err() {
        tokio::task::yield_now().await;
    }
    assert_eq!(placed_at(&world, &main, "T0000003").await, Some(200));
}

#[tokio::test]
async fn nobody_closes_the_last_listener_over_http() {
    let refused = json!({"kind": "host_down", "down": "refused"});
    let alone = World::new().await;
    assert_eq!(alone.control("POST", "/faults", &refused).await.status, 409);
    let (world, ..) = with_backup().await;
    let both =
        json!({"faults": [refused, {"kind": "host_down", "down": "refused", "host": "backup"}]});
    assert_eq!(world.control("POST", "/faults", &both).await.status, 409);
}
