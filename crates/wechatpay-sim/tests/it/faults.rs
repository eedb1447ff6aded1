//! What goes wrong when asked for, with answers and with notifications.

use serde_json::json;
use wechatpay_sim::{
    Attempt, AttemptKind, CloseAnswer, Fault, FaultKind, NotificationState, PayOnClose, PayOrder,
    SeededFaults,
};

use crate::harness::{PLACE, SP, SUB, World};

async fn placed_with(fault: Fault) -> (World, crate::harness::Reply) {
    let world = World::new().await;
    world.sim.fault(fault);
    let reply = world.post(PLACE, &world.order("T0000001")).await;
    (world, reply)
}

#[tokio::test]
async fn a_lost_answer_leaves_its_effect_and_the_repetition_is_answered() {
    let world = World::new().await;
    world.sim.fault(Fault::of(FaultKind::LostAnswer).times(1));
    let body = world.order("T0000001").to_string();
    let authorization = world.authorization("POST", PLACE, &body);
    let headers = [
        ("Authorization", authorization.as_str()),
        ("Content-Type", "application/json"),
    ];
    assert!(world.send("POST", PLACE, &headers, &body).await.is_err());
    assert_eq!(world.sim.ledger().orders.len(), 1);
    world.place("T0000001").await;
    assert_eq!(world.sim.ledger().orders.len(), 1);
}

#[tokio::test]
async fn refusals_come_before_any_effect_unless_asked_otherwise() {
    let fault = |kind| Fault::of(kind).times(1);
    for (fault, expected, orders) in [
        (fault(FaultKind::ServerError), "500 SYSTEM_ERROR", 0),
        (
            Fault {
                status: Some(503),
                ..fault(FaultKind::ServerError)
            },
            "503 SERVICE_UNAVAILABLE",
            0,
        ),
        (
            Fault {
                after_applying: true,
                ..fault(FaultKind::ServerError)
            },
            "500 SYSTEM_ERROR",
            1,
        ),
        (
            fault(FaultKind::FrequencyLimited),
            "429 FREQUENCY_LIMITED",
            0,
        ),
        (fault(FaultKind::NotEnough), "403 NOT_ENOUGH", 0),
        (
            Fault {
                status: Some(403),
                code: Some("NO_AUTH".to_owned()),
                ..fault(FaultKind::Refuse)
            },
            "403 NO_AUTH",
            0,
        ),
    ] {
        let (world, reply) = placed_with(fault).await;
        assert_eq!(reply.refusal(), expected);
        assert_eq!(world.sim.ledger().orders.len(), orders, "{expected}");
        world.place("T0000001").await;
    }
}

#[tokio::test]
async fn accepted_is_a_signed_202_without_effect() {
    let (world, reply) = placed_with(Fault::of(FaultKind::Accepted).times(1)).await;
    assert_eq!(reply.status, 202);
    assert!(world.verified_serial(&reply).is_some());
    assert!(world.sim.ledger().orders.is_empty());
}

#[tokio::test]
async fn answers_can_be_unsigned_wrongly_signed_unknown_or_probes() {
    for kind in [
        FaultKind::UnsignedAnswer,
        FaultKind::WrongSignature,
        FaultKind::UnknownSerial,
        FaultKind::ProbeAnswer,
    ] {
        let (world, reply) = placed_with(Fault::of(kind).times(1)).await;
        assert_eq!(reply.status, 200);
        assert_eq!(world.verified_serial(&reply), None, "{kind:?}");
        let again = world.post(PLACE, &world.order("T0000001")).await;
        assert!(world.verified_serial(&again).is_some());
    }
}

#[tokio::test]
async fn a_probe_answer_carries_wechats_prefix() {
    let (_world, reply) = placed_with(Fault::of(FaultKind::ProbeAnswer)).await;
    assert!(
        reply
            .header("Wechatpay-Signature")
            .unwrap()
            .starts_with("WECHATPAY/SIGNTEST/")
    );
}

#[tokio::test]
async fn a_delayed_answer_takes_effect_at_once() {
    let (world, reply) = placed_with(Fault::of(FaultKind::Delay).times(1).delayed_by(1)).await;
    assert_eq!(reply.status, 200);
    assert_eq!(world.sim.faults()["faults"][0]["happened"], 1);
}

#[tokio::test]
async fn a_fault_meets_only_its_path_and_its_order() {
    let world = World::new().await;
    world
        .sim
        .fault(Fault::of(FaultKind::ServerError).on_order("T0000002"));
    world
        .sim
        .fault(Fault::of(FaultKind::FrequencyLimited).on_path("/out-trade-no/"));
    world.place("T0000001").await;
    assert_eq!(
        world.post(PLACE, &world.order("T0000002")).await.status,
        500
    );
    assert_eq!(world.query("T0000001").await.status, 429);
    world.sim.clear_faults();
    world.place("T0000002").await;
}

#[tokio::test]
async fn a_fault_does_not_spare_a_caller_from_signing() {
    let world = World::new().await;
    world.sim.fault(Fault::of(FaultKind::ServerError));
    assert_eq!(
        world.send("POST", PLACE, &[], "{}").await.unwrap().status,
        401
    );
}

/// Pays one order under a fault and answers the attempts of its first delivery.
async fn delivered_with(fault: Fault) -> (World, Vec<Attempt>) {
    let world = World::new().await;
    world.sim.fault(fault);
    world.place_and_pay("T0000001").await;
    world.sim.run_due().await;
    let attempts = world.sim.ledger().notifications.remove(0).attempts;
    (world, attempts)
}

#[tokio::test]
async fn a_withheld_notification_is_lost_and_the_schedule_goes_on() {
    let (world, attempts) =
        delivered_with(Fault::of(FaultKind::NotificationWithheld).times(1)).await;
    assert_eq!(attempts[0].kind, AttemptKind::Withheld);
    assert!(world.receiver.received().is_empty());
    world.sim.advance_clock(15_000);
    world.sim.run_due().await;
    assert_eq!(world.receiver.received().len(), 1);
}

#[tokio::test]
async fn a_duplicated_notification_comes_several_times_with_one_id() {
    let fault = Fault {
        copies: Some(5),
        ..Fault::of(FaultKind::NotificationDuplicated).times(1)
    };
    let (world, attempts) = delivered_with(fault).await;
    assert_eq!(attempts.len(), 5);
    let received = world.receiver.received();
    assert_eq!(received.len(), 5);
    for notice in &received {
        assert!(notice.verify(&world.ring(), world.now_s()).is_ok());
        assert_eq!(notice.envelope()["id"], received[0].envelope()["id"]);
    }
}

#[tokio::test]
async fn a_reordered_notification_is_overtaken() {
    let world = World::new().await;
    world
        .sim
        .fault(Fault::of(FaultKind::NotificationReordered).times(1));
    world.place_and_pay("T0000001").await;
    world.place_and_pay("T0000002").await;
    world.sim.run_due().await;
    let order: Vec<_> = world
        .receiver
        .received()
        .iter()
        .map(|notice| {
            notice.decrypt().unwrap()["out_trade_no"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    assert_eq!(order, ["T0000002", "T0000001"]);
}

#[tokio::test]
async fn a_reordered_notification_that_nothing_overtakes_comes_all_the_same() {
    let world = World::new().await;
    world
        .sim
        .fault(Fault::of(FaultKind::NotificationReordered).delayed_by(2_000));
    world.place_and_pay("T0000001").await;
    world.sim.run_due().await;
    assert!(world.receiver.received().is_empty());
    world.sim.advance_clock(2_000);
    world.sim.run_due().await;
    assert_eq!(world.receiver.received().len(), 1);
    world.sim.advance_clock(86_400_000);
    assert_eq!(world.sim.run_due().await, 0, "and it comes once");
}

#[tokio::test]
async fn a_late_notification_comes_after_its_delay() {
    let world = World::new().await;
    world
        .sim
        .fault(Fault::of(FaultKind::NotificationLate).delayed_by(90_000));
    world.place_and_pay("T0000001").await;
    world.sim.run_due().await;
    world.sim.advance_clock(89_999);
    world.sim.run_due().await;
    assert!(world.receiver.received().is_empty());
    world.sim.advance_clock(1);
    world.sim.run_due().await;
    assert_eq!(world.receiver.received().len(), 1);
}

#[tokio::test]
async fn a_forgery_precedes_the_genuine_notification_and_does_not_verify() {
    let (world, attempts) = delivered_with(Fault::of(FaultKind::NotificationForged).times(1)).await;
    assert_eq!(attempts[0].kind, AttemptKind::Forged);
    assert_eq!(attempts[1].kind, AttemptKind::Genuine);
    let received = world.receiver.received();
    assert!(received[0].verify(&world.ring(), world.now_s()).is_err());
    assert!(received[0].decrypt().is_err());
    assert!(received[1].verify(&world.ring(), world.now_s()).is_ok());
}

#[tokio::test]
async fn an_acknowledged_forgery_acknowledges_nothing() {
    let world = World::new().await;
    world.sim.fault(Fault::of(FaultKind::NotificationProbe));
    // A receiver that accepts the probe and fails afterwards has acknowledged nothing.
    world.place_and_pay("T0000001").await;
    world.receiver.answer_with(500);
    world.sim.run_due().await;
    assert_eq!(
        world.sim.ledger().notifications[0].state,
        NotificationState::Pending
    );
}

#[tokio::test]
async fn a_probe_precedes_the_genuine_notification() {
    let (world, attempts) = delivered_with(Fault::of(FaultKind::NotificationProbe).times(1)).await;
    assert_eq!(attempts[0].kind, AttemptKind::Probe);
    let received = world.receiver.received();
    assert!(
        received[0]
            .header("Wechatpay-Signature")
            .unwrap()
            .starts_with("WECHATPAY/SIGNTEST/")
    );
    assert!(received[0].verify(&world.ring(), world.now_s()).is_err());
    assert!(received[1].verify(&world.ring(), world.now_s()).is_ok());
}

#[tokio::test]
async fn notifications_can_be_wrongly_signed_or_name_an_unknown_serial() {
    for kind in [
        FaultKind::NotificationWrongSignature,
        FaultKind::NotificationUnknownSerial,
    ] {
        let world = World::new().await;
        world.receiver.answer_with(401);
        world.sim.fault(Fault::of(kind).times(1));
        world.place_and_pay("T0000001").await;
        world.sim.run_due().await;
        world.receiver.answer_with(200);
        world.sim.advance_clock(15_000);
        world.sim.run_due().await;
        let received = world.receiver.received();
        assert!(
            received[0].verify(&world.ring(), world.now_s()).is_err(),
            "{kind:?}"
        );
        assert!(received[1].verify(&world.ring(), world.now_s()).is_ok());
    }
}

#[tokio::test]
async fn seeded_faults_repeat_themselves() {
    let mut runs = Vec::new();
    for _ in 0..2 {
        let world = World::new().await;
        let kinds = vec![FaultKind::ServerError, FaultKind::FrequencyLimited];
        let seeded = SeededFaults {
            seed: 42,
            rate_percent: 50,
            kinds,
            delay_ms: None,
        };
        world.sim.seed_faults(seeded).unwrap();
        let mut statuses = Vec::new();
        for number in 0..20 {
            let order = world.order(&format!("T{number:07}"));
            statuses.push(world.post(PLACE, &order).await.status);
        }
        runs.push(statuses);
    }
    assert_eq!(runs[0], runs[1]);
    assert!(runs[0].contains(&200) && runs[0].iter().any(|status| *status != 200));
}

#[tokio::test]
async fn faults_are_set_and_ended_over_http() {
    let world = World::new().await;
    let fault = json!({"kind": "server_error", "count": 1, "path": "/jsapi", "status": 502});
    assert_eq!(world.control("POST", "/faults", &fault).await.status, 200);
    let both = json!({"faults": [{"kind": "notification_withheld"}, {"kind": "delay"}]});
    assert_eq!(world.control("POST", "/faults", &both).await.status, 200);
    assert_eq!(
        world.post(PLACE, &world.order("T0000001")).await.status,
        502
    );
    let seeded = json!({"seed": 1, "rate_percent": 10});
    let all = world.control("POST", "/faults", &seeded).await.json();
    assert_eq!(all["faults"].as_array().unwrap().len(), 3);
    assert_eq!(all["seeded"]["seed"], 1);
    assert_eq!(
        world.control("DELETE", "/faults", &json!({})).await.status,
        200
    );
    let none = world.control("GET", "/faults", &json!({})).await.json();
    assert_eq!(none, json!({"faults": [], "seeded": null}));
    let wrong = json!({"kind": "bad_luck"});
    assert_eq!(world.control("POST", "/faults", &wrong).await.status, 400);
}

#[tokio::test]
async fn half_an_answer_arrives_and_the_request_took_effect() {
    let world = World::new().await;
    world
        .sim
        .fault(Fault::of(FaultKind::HalfAnswer).times(1).on_path("/jsapi"));
    let body = world.order("T0000001").to_string();
    let authorization = world.authorization("POST", PLACE, &body);
    let headers = [
        ("Authorization", authorization.as_str()),
        ("Content-Type", "application/json"),
    ];
    assert!(world.send("POST", PLACE, &headers, &body).await.is_err());
    assert_eq!(world.sim.ledger().orders.len(), 1);
    world.place("T0000001").await;
}

#[tokio::test]
async fn half_of_an_empty_answer_is_none() {
    let world = World::new().await;
    world.place("T0000001").await;
    world.sim.fault(Fault::of(FaultKind::HalfAnswer).times(1));
    let target = "/v3/pay/partner/transactions/out-trade-no/T0000001/close";
    let body = json!({"sp_mchid": SP, "sub_mchid": SUB}).to_string();
    let authorization = world.authorization("POST", target, &body);
    let headers = [
        ("Authorization", authorization.as_str()),
        ("Content-Type", "application/json"),
    ];
    assert!(world.send("POST", target, &headers, &body).await.is_err());
    assert_eq!(
        world.query("T0000001").await.json()["trade_state"],
        "CLOSED"
    );
}

#[tokio::test]
async fn a_garbled_answer_is_signed_and_of_another_shape() {
    let (world, reply) = placed_with(Fault::of(FaultKind::Garbled).times(1)).await;
    assert_eq!(reply.status, 200);
    assert!(world.verified_serial(&reply).is_some());
    assert!(reply.json().is_object());
    assert!(reply.json().get("prepay_id").is_none());
    assert_eq!(world.sim.ledger().orders.len(), 1);
}

#[tokio::test]
async fn what_is_young_is_not_found_and_later_it_is() {
    let world = World::new().await;
    world
        .sim
        .fault(Fault::of(FaultKind::NotFound).within(2_000));
    world.place("T0000001").await;
    assert_eq!(
        world.query("T0000001").await.refusal(),
        "404 ORDER_NOT_EXIST"
    );
    world.sim.advance_clock(2_000);
    assert_eq!(world.query("T0000001").await.status, 200);
    // A payment makes it young again, and so does a refund the refund.
    world.sim.pay("T0000001", &PayOrder::default()).unwrap();
    assert_eq!(world.query("T0000001").await.status, 404);
    let refund = json!({
        "sub_mchid": SUB,
        "out_trade_no": "T0000001",
        "out_refund_no": "R1",
        "amount": {"refund": 1, "total": 100, "currency": "CNY"},
    });
    let refunds = "/v3/refund/domestic/refunds";
    assert_eq!(
        world.post(refunds, &refund).await.refusal(),
        "404 RESOURCE_NOT_EXISTS"
    );
    world.sim.advance_clock(2_000);
    assert_eq!(world.post(refunds, &refund).await.status, 200);
    let query = format!("{refunds}/R1?sub_mchid={SUB}");
    assert_eq!(world.get(&query).await.refusal(), "404 RESOURCE_NOT_EXISTS");
    world.sim.advance_clock(2_000);
    assert_eq!(world.get(&query).await.status, 200);
}

#[tokio::test]
async fn a_seed_with_every_kind_lets_orders_and_refunds_end() {
    let world = World::new().await;
    let seeded = SeededFaults {
        seed: 11,
        rate_percent: 60,
        kinds: vec![],
        delay_ms: Some(1),
    };
    world.sim.seed_faults(seeded).unwrap();
    let again = async |method: &str, target: &str, body: String| {
        // At six failures of ten, forty in a row do not happen.
        for _ in 0..40 {
            let authorization = world.authorization(method, target, &body);
            let headers = [
                ("Authorization", authorization.as_str()),
                ("Accept", "application/json"),
                ("User-Agent", "test/1"),
                ("Content-Type", "application/json"),
            ];
            let reply = world.send(method, target, &headers, &body).await;
            let Ok(reply) = reply else { continue };
            let good = world.verified_serial(&reply).is_some() && reply.json().get("ret").is_none();
            match reply.status {
                200 if good => return reply.json(),
                200 | 202 | 404 | 429 | 500.. => {}
                403 if reply.code() == "NOT_ENOUGH" => {}
                _ => panic!("{method} {target}: {}", reply.refusal()),
            }
        }
        panic!("{method} {target}: never")
    };
    for number in 0..20 {
        let number = format!("T{number:07}");
        again("POST", PLACE, world.order(&number).to_string()).await;
        world.sim.pay(&number, &PayOrder::default()).unwrap();
        let target = format!(
            "/v3/pay/partner/transactions/out-trade-no/{number}?sp_mchid={SP}&sub_mchid={SUB}"
        );
        let order = again("GET", &target, String::new()).await;
        assert_eq!(order["trade_state"], "SUCCESS");
        let refund = json!({
            "sub_mchid": SUB,
            "transaction_id": order["transaction_id"],
            "out_refund_no": format!("R{number}"),
            "amount": {"refund": 1, "total": 100, "currency": "CNY"},
        });
        let refunds = "/v3/refund/domestic/refunds";
        again("POST", refunds, refund.to_string()).await;
        let target = format!("{refunds}/R{number}?sub_mchid={SUB}");
        let refund = again("GET", &target, String::new()).await;
        assert_eq!(refund["status"], "PROCESSING");
    }
    assert_eq!(world.sim.ledger().refunds.len(), 20);
}

#[tokio::test]
async fn a_close_that_loses_the_race_is_told_or_not() {
    for (answer, told) in [
        (CloseAnswer::OrderPaid, "400 ORDERPAID"),
        (CloseAnswer::Closed, "204 "),
    ] {
        let world = World::new().await;
        world.place("T0000001").await;
        let pay = PayOrder {
            amount_total: Some(99),
            ..PayOrder::default()
        };
        world
            .sim
            .pay_on_close("T0000001", PayOnClose { answer, pay })
            .unwrap();
        let owner = json!({"sp_mchid": SP, "sub_mchid": SUB});
        let target = "/v3/pay/partner/transactions/out-trade-no/T0000001/close";
        assert_eq!(world.post(target, &owner).await.refusal(), told);
        let order = world.query("T0000001").await.json();
        assert_eq!(order["trade_state"], "SUCCESS");
        assert_eq!(order["amount"]["total"], 99);
        assert_eq!(world.post(target, &owner).await.refusal(), "400 ORDERPAID");
        assert_eq!(world.sim.run_due().await, 1, "and the payment is notified");
    }
}

#[tokio::test]
async fn a_race_is_arranged_over_http() {
    let world = World::new().await;
    world.place("T0000001").await;
    let path = "/orders/T0000001/pay-on-close";
    let wish = json!({"answer": "CLOSED", "pay": {"sp_mchid": SP}});
    assert_eq!(world.control("POST", path, &wish).await.status, 200);
    let wrong = json!({"answer": "PERHAPS"});
    assert_eq!(world.control("POST", path, &wrong).await.status, 400);
    let unknown = "/orders/T0000002/pay-on-close";
    assert_eq!(world.control("POST", unknown, &json!({})).await.status, 404);
}
