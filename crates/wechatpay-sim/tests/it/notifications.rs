//! Notifications: their form, their signature, WeChat's fifteen retry steps.

use std::collections::HashSet;

use wechatpay_sim::{KeyMode, NotificationState, PayOrder, RETRY_STEPS_MS, SimConfig};

use crate::harness::{SP, SUB, SUB_APP, SUB_USER, World};

#[tokio::test]
async fn a_payment_is_notified_encrypted_and_signed() {
    let world = World::new().await;
    let transaction_id = world.place_and_pay("T0000001").await;
    assert_eq!(world.sim.run_due().await, 1);
    let received = world.receiver.received();
    assert_eq!(received.len(), 1);
    let notice = &received[0];
    assert_eq!(notice.path, "/pay");
    assert_eq!(
        notice.verify(&world.ring(), world.now_s()),
        Ok(world.keys.platform_serial.clone())
    );
    let envelope = notice.envelope();
    assert_eq!(envelope["event_type"], "TRANSACTION.SUCCESS");
    assert_eq!(envelope["resource_type"], "encrypt-resource");
    assert_eq!(envelope["resource"]["original_type"], "transaction");
    assert_eq!(envelope["resource"]["algorithm"], "AEAD_AES_256_GCM");
    let plain = notice.decrypt().unwrap();
    assert_eq!(plain["transaction_id"], transaction_id);
    assert_eq!(plain["trade_state"], "SUCCESS");
    assert_eq!(plain["sp_mchid"], SP);
    assert_eq!(plain["sub_mchid"], SUB);
    assert_eq!(plain["sub_appid"], SUB_APP);
    assert_eq!(plain["payer"]["sub_openid"], SUB_USER);
    assert!(plain["payer"]["sp_openid"].is_string());
    assert_eq!(plain["amount"]["total"], 100);
    assert_eq!(plain["amount"]["payer_total"], 100);
    assert_eq!(plain["success_time"], "2026-01-01T08:00:00+08:00");
}

#[tokio::test]
async fn two_hundred_and_two_hundred_and_four_acknowledge() {
    for status in [200, 204] {
        let world = World::new().await;
        world.receiver.answer_with(status);
        world.place_and_pay("T0000001").await;
        world.sim.run_due().await;
        let ledger = world.sim.ledger();
        assert_eq!(
            ledger.notifications[0].state,
            NotificationState::Acknowledged
        );
        assert_eq!(
            ledger.notifications[0].attempts[0].http_status,
            Some(status)
        );
    }
}

#[tokio::test]
async fn a_refused_notification_is_retried_on_fifteen_steps_and_then_no_more() {
    let world = World::new().await;
    world.receiver.answer_with(500);
    world.place_and_pay("T0000001").await;
    assert_eq!(world.sim.run_due().await, 1);
    for step_ms in RETRY_STEPS_MS {
        world.sim.advance_clock(step_ms - 1);
        assert_eq!(world.sim.run_due().await, 0, "before {step_ms} ms");
        world.sim.advance_clock(1);
        assert_eq!(world.sim.run_due().await, 1, "at {step_ms} ms");
    }
    world.sim.advance_clock(86_400_000);
    assert_eq!(world.sim.run_due().await, 0);
    let notification = world.sim.ledger().notifications.remove(0);
    assert_eq!(notification.state, NotificationState::Exhausted);
    assert_eq!(notification.attempts.len(), 16);
    let minutes: i64 = RETRY_STEPS_MS.iter().sum::<i64>() / 60_000;
    assert_eq!(minutes, 24 * 60 + 4);
}

#[tokio::test]
async fn retries_keep_the_id_and_renew_timestamp_nonce_and_signature() {
    let world = World::new().await;
    world.receiver.answer_with(503);
    world.place_and_pay("T0000001").await;
    world.sim.run_due().await;
    world.pass(15_000);
    world.sim.run_due().await;
    let received = world.receiver.received();
    let distinct = |of: &dyn Fn(&crate::harness::Received) -> String| {
        received.iter().map(of).collect::<HashSet<_>>().len()
    };
    assert_eq!(distinct(&|n| n.envelope()["id"].to_string()), 1);
    for name in [
        "Wechatpay-Timestamp",
        "Wechatpay-Nonce",
        "Wechatpay-Signature",
    ] {
        assert_eq!(
            distinct(&|n| n.header(name).unwrap().to_owned()),
            2,
            "{name}"
        );
    }
    assert!(received[1].verify(&world.ring(), world.now_s()).is_ok());
}

#[tokio::test]
async fn a_retry_uses_the_api_v3_key_that_is_in_force_then() {
    let world = World::new().await;
    world.receiver.answer_with(500);
    world.place_and_pay("T0000001").await;
    world.sim.run_due().await;
    let change = serde_json::json!({"api_v3_key": "ZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZ"});
    let reply = world
        .control("PATCH", &format!("/providers/{SP}"), &change)
        .await;
    assert_eq!(reply.status, 200);
    world.sim.advance_clock(15_000);
    world.sim.run_due().await;
    let received = world.receiver.received();
    assert!(received[0].decrypt().is_ok());
    assert!(received[1].decrypt().is_err());
}

#[tokio::test]
async fn an_unreachable_receiver_is_an_attempt_without_answer() {
    let world = World::new().await;
    let mut order = world.order("T0000001");
    // Port 1 on loopback: nobody listens there.
    order["notify_url"] = "http://127.0.0.1:1/pay".into();
    assert_eq!(world.post(crate::harness::PLACE, &order).await.status, 200);
    world.sim.pay("T0000001", &PayOrder::default()).unwrap();
    world.sim.run_due().await;
    let notification = world.sim.ledger().notifications.remove(0);
    assert_eq!(notification.attempts[0].http_status, None);
    assert!(notification.attempts[0].error.is_some());
    assert_eq!(notification.state, NotificationState::Pending);
}

#[tokio::test]
async fn closing_and_expiry_are_not_notified() {
    let world = World::new().await;
    world.place("T0000001").await;
    world.sim.close("T0000001").unwrap();
    world.place("T0000002").await;
    world.sim.advance_clock(8 * 86_400_000);
    assert_eq!(world.sim.run_due().await, 0);
    assert!(world.sim.ledger().notifications.is_empty());
}

async fn delivering() -> World {
    let config = SimConfig {
        auto_deliver: true,
        ..crate::harness::config()
    };
    World::configured(KeyMode::Certificate, config).await
}

#[tokio::test]
async fn the_background_notifier_delivers_by_itself_and_follows_the_moved_clock() {
    let world = delivering().await;
    world.receiver.answer_with(500);
    world.place_and_pay("T0000001").await;
    world.receiver.wait_for(1).await;
    while world.sim.ledger().notifications[0].attempts.is_empty() {
        tokio::task::yield_now().await;
    }
    world.sim.advance_clock(15_000);
    assert_eq!(world.receiver.wait_for(2).await.len(), 2);
}

#[tokio::test]
async fn a_receiver_that_hangs_does_not_delay_the_others() {
    let world = delivering().await;
    for number in 0..100 {
        let mut order = world.order(&format!("T{number:07}"));
        order["notify_url"] = world.receiver.url(crate::harness::HANGS).into();
        assert_eq!(world.post(crate::harness::PLACE, &order).await.status, 200);
        world
            .sim
            .pay(&format!("T{number:07}"), &PayOrder::default())
            .unwrap();
    }
    world.receiver.wait_for(100).await;
    world.place_and_pay("T0000100").await;
    let received = world.receiver.wait_for(101).await;
    assert_eq!(received[100].path, "/pay");
}
