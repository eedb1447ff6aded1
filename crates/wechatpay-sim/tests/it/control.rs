//! The control API: what it creates, moves and shows.

use serde_json::{Value, json};
use wechatpay_sim::{LedgerFilter, PayOrder};

use crate::harness::{PLACE, SP, SUB_APP, World};

#[tokio::test]
async fn a_provider_out_of_nothing_has_everything_a_client_needs() {
    let world = World::new().await;
    let keys = world.control("POST", "/providers", &json!({})).await.json();
    for name in [
        "sp_mchid",
        "sp_appid",
        "sp_app_secret",
        "merchant_serial",
        "merchant_private_key_pem",
        "merchant_certificate_pem",
        "api_v3_key",
        "wechatpay_public_key_id",
        "wechatpay_public_key_pem",
        "platform_certificate_pem",
        "platform_serial",
    ] {
        assert!(
            keys[name].as_str().is_some_and(|text| !text.is_empty()),
            "{name}: {keys}"
        );
    }
    assert_eq!(keys["api_v3_key"].as_str().unwrap().len(), 32);
    assert_eq!(keys["platform_serial"].as_str().unwrap().len(), 40);
    let merchant = wechatpay::credentials::Certificate::from_pem(
        keys["merchant_certificate_pem"].as_str().unwrap(),
    )
    .unwrap();
    assert_eq!(keys["merchant_serial"], merchant.serial);
}

#[tokio::test]
async fn a_provider_may_bring_its_certificate_and_keeps_its_private_key() {
    let world = World::new().await;
    let made = world.control("POST", "/providers", &json!({})).await.json();
    let body = json!({"merchant_certificate_pem": made["merchant_certificate_pem"]});
    let keys = world.control("POST", "/providers", &body).await.json();
    assert_eq!(keys["merchant_serial"], made["merchant_serial"]);
    assert!(keys.get("merchant_private_key_pem").is_none());
}

#[tokio::test]
async fn wrong_wishes_are_refused_in_words() {
    let world = World::new().await;
    for (path, body, status) in [
        ("/providers", json!({"sp_mchid": SP}), 409),
        ("/providers", json!({"merchant_public_key_pem": "x"}), 400),
        (
            "/providers",
            json!({"merchant_public_key_pem": "x", "serial": "1"}),
            400,
        ),
        ("/providers", json!({"api_v3_key": "short"}), 400),
        ("/providers", json!({"colour": "red"}), 400),
        ("/providers", json!({"callback_percentage": 101.0}), 400),
        ("/sub-merchants", json!({"sp_mchid": "nobody"}), 404),
        (
            "/sub-merchants",
            json!({"sp_mchid": SP, "openids": ["o1"]}),
            400,
        ),
        ("/codes", json!({"appid": "wx0"}), 404),
        ("/orders/T9/pay", json!({}), 404),
        ("/orders/T9/close", json!({}), 404),
        ("/refunds/R9/result", json!({"result": "SUCCESS"}), 404),
        ("/refunds/R9/result", json!({"result": "PROCESSING"}), 400),
        ("/faults", json!({"seed": 1, "rate_percent": 101}), 400),
        ("/clock", json!({}), 400),
        ("/notifications/none/resend", json!({}), 404),
    ] {
        let reply = world.control("POST", path, &body).await;
        assert_eq!(reply.status, status, "{path} {body}: {}", reply.json());
        assert!(reply.json()["error"].is_string());
    }
    assert_eq!(
        world
            .control("GET", "/ledger?sinc=1", &json!({}))
            .await
            .status,
        400
    );
}

#[tokio::test]
async fn paying_takes_another_payer_amount_and_time() {
    let world = World::new().await;
    world.place("T0000001").await;
    let wish = json!({
        "openid": "oSomebodyElse", "amount_total": 99, "success_time": "2026-01-01T09:00:00+08:00",
    });
    let paid = world.control("POST", "/orders/T0000001/pay", &wish).await;
    assert_eq!(paid.status, 200);
    let order = world.query("T0000001").await.json();
    assert_eq!(order["payer"]["sub_openid"], "oSomebodyElse");
    assert_eq!(order["amount"]["total"], 99);
    assert_eq!(order["success_time"], "2026-01-01T09:00:00+08:00");
    assert_eq!(order["transaction_id"], paid.json()["transaction_id"]);
    assert_eq!(
        world
            .control("POST", "/orders/T0000001/pay", &json!({}))
            .await
            .status,
        409
    );
    world.place("T0000002").await;
    for wrong in [json!({"amount_total": 0}), json!({"success_time": "now"})] {
        assert_eq!(
            world
                .control("POST", "/orders/T0000002/pay", &wrong)
                .await
                .status,
            400
        );
    }
}

#[tokio::test]
async fn an_order_is_closed_and_paid_without_any_body() {
    let world = World::new().await;
    world.place("T0000001").await;
    let reply = world
        .send("POST", "/_sim/orders/T0000001/close", &[], "")
        .await
        .unwrap();
    assert_eq!(reply.json()["trade_state"], "CLOSED");
    world.place("T0000002").await;
    let reply = world
        .send("POST", "/_sim/orders/T0000002/pay", &[], "")
        .await
        .unwrap();
    assert_eq!(reply.status, 200);
}

#[tokio::test]
async fn refund_results_and_time_are_moved_over_http() {
    let world = World::new().await;
    world.place_and_pay("T0000001").await;
    let refund = json!({
        "sub_mchid": crate::harness::SUB, "out_trade_no": "T0000001", "out_refund_no": "R1",
        "amount": {"refund": 1, "total": 100, "currency": "CNY"},
    });
    assert_eq!(
        world
            .post("/v3/refund/domestic/refunds", &refund)
            .await
            .status,
        200
    );
    let settled = world
        .control("POST", "/refunds/R1/result", &json!({"result": "CLOSED"}))
        .await;
    assert_eq!(settled.json()["status"], "CLOSED");
    let moved = world
        .control("POST", "/clock", &json!({"advance_ms": 60_000}))
        .await
        .json();
    assert_eq!(moved["now"], "2026-01-01T08:01:00+08:00");
    assert_eq!(
        world.control("GET", "/clock", &json!({})).await.json(),
        moved
    );
}

#[tokio::test]
async fn the_ledger_tells_everything_and_each_attempts_answer() {
    let world = World::new().await;
    world.receiver.answer_with(500);
    world.place_and_pay("T0000001").await;
    world.place("T0000002").await;
    let reply = world
        .control("POST", "/notifications/run-due", &json!({}))
        .await;
    assert_eq!(reply.json()["delivered"], 1);
    let ledger = world.control("GET", "/ledger", &json!({})).await.json();
    assert_eq!(ledger["orders"].as_array().unwrap().len(), 2);
    assert_eq!(ledger["orders"][0]["trade_state"], "SUCCESS");
    assert_eq!(ledger["orders"][0]["payment"]["amount_total"], 100);
    assert_eq!(ledger["orders"][1]["payment"], Value::Null);
    let notification = &ledger["notifications"][0];
    assert_eq!(notification["subject"]["out_trade_no"], "T0000001");
    assert_eq!(notification["attempts"][0]["http_status"], 500);
    assert_eq!(notification["state"], "pending");
}

#[tokio::test]
async fn the_ledger_is_filtered_by_number_state_provider_and_time() {
    let world = World::new().await;
    world.place_and_pay("T0000001").await;
    world.place("T0000002").await;
    world.sim.advance_clock(1_000);
    world.place("T0000003").await;
    let numbers = |filter: LedgerFilter| {
        let orders = world.sim.ledger_of(&filter).orders;
        orders
            .into_iter()
            .map(|order| order.out_trade_no)
            .collect::<Vec<_>>()
    };
    let all = LedgerFilter::default();
    let of = |number: &str| LedgerFilter {
        out_trade_no: Some(number.to_owned()),
        ..all.clone()
    };
    assert_eq!(numbers(of("T0000002")), ["T0000002"]);
    assert!(numbers(of("T9")).is_empty());
    let paid = LedgerFilter {
        state: Some("SUCCESS".to_owned()),
        ..all.clone()
    };
    assert_eq!(numbers(paid), ["T0000001"]);
    let recent = LedgerFilter {
        since: Some(crate::harness::START_MS + 1),
        ..all.clone()
    };
    assert_eq!(numbers(recent), ["T0000003"]);
    let foreign = LedgerFilter {
        sp_mchid: Some("1".to_owned()),
        ..all.clone()
    };
    assert!(numbers(foreign).is_empty());
    assert_eq!(world.sim.ledger_of(&of("T0000001")).notifications.len(), 1);
    assert!(
        world
            .sim
            .ledger_of(&of("T0000002"))
            .notifications
            .is_empty()
    );
    let over_http = world
        .control(
            "GET",
            "/ledger?out_trade_no=T0000001&state=SUCCESS",
            &json!({}),
        )
        .await;
    assert_eq!(over_http.json()["orders"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_registered_openid_can_pay() {
    let world = World::new().await;
    let registered = world
        .control("POST", "/openids", &json!({"appid": SUB_APP}))
        .await
        .json();
    let mut order = world.order("T0000001");
    order["payer"] = json!({"sub_openid": registered["openid"]});
    assert_eq!(world.post(PLACE, &order).await.status, 200);
}

#[tokio::test]
async fn an_acknowledged_notification_can_be_sent_again() {
    let world = World::new().await;
    world.place_and_pay("T0000001").await;
    world.sim.run_due().await;
    let id = world.sim.ledger().notifications[0].id.clone();
    let path = format!("/notifications/{id}/resend");
    let resent = world.control("POST", &path, &json!({})).await.json();
    assert_eq!(resent["attempts"].as_array().unwrap().len(), 2);
    assert_eq!(world.receiver.received().len(), 2);
}

#[tokio::test]
async fn providers_are_listed_without_their_secrets() {
    let world = World::new().await;
    let reply = world.control("GET", "/providers", &json!({})).await;
    assert_eq!(reply.json()["providers"][0]["sp_mchid"], SP);
    let text = String::from_utf8(reply.body).unwrap();
    assert!(
        !text.contains(crate::harness::API_V3_KEY) && !text.contains("PRIVATE KEY"),
        "{text}"
    );
}

#[tokio::test]
async fn two_providers_may_use_one_number() {
    let world = World::new().await;
    world.place("T0000001").await;
    let nobody = PayOrder {
        sp_mchid: Some("1".to_owned()),
        ..PayOrder::default()
    };
    assert!(world.sim.pay("T0000001", &nobody).is_err());
    let ours = PayOrder {
        sp_mchid: Some(SP.to_owned()),
        ..PayOrder::default()
    };
    assert!(world.sim.pay("T0000001", &ours).is_ok());
}
