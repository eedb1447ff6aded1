//! Queries and closing.

use serde_json::json;
use wechatpay_sim::PayOrder;

use crate::harness::{PLACE, SP, SP_USER, SUB, SUB_USER, World};

const NUMBER: &str = "/v3/pay/partner/transactions/out-trade-no";
const ID: &str = "/v3/pay/partner/transactions/id";

async fn close(world: &World, number: &str, sub_mchid: &str) -> crate::harness::Reply {
    let body = json!({"sp_mchid": SP, "sub_mchid": sub_mchid});
    world.post(&format!("{NUMBER}/{number}/close"), &body).await
}

#[tokio::test]
async fn an_unpaid_order_lacks_everything_about_a_payment() {
    let world = World::new().await;
    let mut order = world.order("T0000001");
    order["attach"] = json!("a1");
    world.post(PLACE, &order).await;
    let found = world.query("T0000001").await.json();
    assert_eq!(found["trade_state"], "NOTPAY");
    assert_eq!(found["trade_state_desc"], "订单未支付");
    assert_eq!(found["attach"], "a1");
    for absent in [
        "transaction_id",
        "payer",
        "success_time",
        "bank_type",
        "description",
    ] {
        assert!(found.get(absent).is_none(), "{absent}");
    }
}

#[tokio::test]
async fn a_paid_order_is_found_by_both_numbers() {
    let world = World::new().await;
    let transaction_id = world.place_and_pay("T0000001").await;
    assert_eq!(transaction_id.len(), 28);
    let by_number = world.query("T0000001").await.json();
    let by_id = world
        .get(&format!(
            "{ID}/{transaction_id}?sp_mchid={SP}&sub_mchid={SUB}"
        ))
        .await
        .json();
    assert_eq!(by_number, by_id);
    assert_eq!(by_id["trade_state"], "SUCCESS");
    assert_eq!(by_id["trade_type"], "JSAPI");
    assert_eq!(by_id["amount"]["payer_currency"], "CNY");
    assert_eq!(by_id["payer"]["sub_openid"], SUB_USER);
}

#[tokio::test]
async fn a_payer_under_the_providers_app_is_told_as_sp_openid_alone() {
    let world = World::new().await;
    let mut order = world.order("T0000001");
    order["payer"] = json!({"sp_openid": SP_USER});
    order.as_object_mut().unwrap().remove("sub_appid");
    assert_eq!(world.post(PLACE, &order).await.status, 200);
    world.sim.pay("T0000001", &PayOrder::default()).unwrap();
    let payer = world.query("T0000001").await.json()["payer"].clone();
    assert_eq!(payer, json!({"sp_openid": SP_USER}));
}

#[tokio::test]
async fn orders_that_do_not_exist_or_are_anothers_are_404() {
    let world = World::new().await;
    let transaction_id = world.place_and_pay("T0000001").await;
    let other = json!({"sp_mchid": SP, "sub_mchid": "1900000111"});
    world.control("POST", "/sub-merchants", &other).await;
    for target in [
        format!("{NUMBER}/T9999999?sp_mchid={SP}&sub_mchid={SUB}"),
        format!("{ID}/4200000000202601010000000000?sp_mchid={SP}&sub_mchid={SUB}"),
        format!("{NUMBER}/T0000001?sp_mchid={SP}&sub_mchid=1900000111"),
        format!("{ID}/{transaction_id}?sp_mchid={SP}&sub_mchid=1900000111"),
    ] {
        assert_eq!(
            world.get(&target).await.refusal(),
            "404 ORDER_NOT_EXIST",
            "{target}"
        );
    }
}

#[tokio::test]
async fn query_parameters_are_required_known_single_and_the_callers() {
    let world = World::new().await;
    world.place("T0000001").await;
    for query in [
        String::new(),
        format!("?sp_mchid={SP}"),
        format!("?sub_mchid={SUB}"),
        format!("?sp_mchid={SP}&sub_mchid={SUB}&mchid={SP}"),
        format!("?sp_mchid={SP}&sub_mchid={SUB}&sub_mchid={SUB}"),
        format!("?sp_mchid=1900000200&sub_mchid={SUB}"),
        format!("?sp_mchid={SP}&sub_mchid="),
    ] {
        let reply = world.get(&format!("{NUMBER}/T0000001{query}")).await;
        assert_eq!(reply.refusal(), "400 PARAM_ERROR", "{query}");
    }
    let unknown = world
        .get(&format!("{NUMBER}/T0000001?sp_mchid={SP}&sub_mchid=1"))
        .await;
    assert_eq!(unknown.refusal(), "400 MCH_NOT_EXISTS");
}

#[tokio::test]
async fn closing_is_idempotent_and_an_unknown_number_closes_too() {
    let world = World::new().await;
    world.place("T0000001").await;
    assert_eq!(close(&world, "T0000001", SUB).await.status, 204);
    assert_eq!(close(&world, "T0000001", SUB).await.status, 204);
    assert_eq!(
        world.query("T0000001").await.json()["trade_state"],
        "CLOSED"
    );
    // A 204 proves nothing about the number: it may be used afterwards.
    assert_eq!(close(&world, "T0000002", SUB).await.status, 204);
    assert_eq!(world.query("T0000002").await.status, 404);
    world.place("T0000002").await;
}

#[tokio::test]
async fn a_paid_order_is_not_closed() {
    let world = World::new().await;
    world.place_and_pay("T0000001").await;
    assert_eq!(
        close(&world, "T0000001", SUB).await.refusal(),
        "400 ORDERPAID"
    );
    assert!(world.sim.close("T0000001").is_err());
    assert_eq!(
        world.query("T0000001").await.json()["trade_state"],
        "SUCCESS"
    );
}

#[tokio::test]
async fn a_closed_order_cannot_be_paid_unless_it_is_forced() {
    let world = World::new().await;
    world.place("T0000001").await;
    world.sim.close("T0000001").unwrap();
    assert!(world.sim.pay("T0000001", &PayOrder::default()).is_err());
    let forced = PayOrder {
        force: true,
        ..PayOrder::default()
    };
    assert!(world.sim.pay("T0000001", &forced).is_ok());
}

#[tokio::test]
async fn closing_names_its_merchants_and_nothing_else() {
    let world = World::new().await;
    world.place("T0000001").await;
    for (body, expected) in [
        (json!({"sp_mchid": SP}), "400 PARAM_ERROR"),
        (
            json!({"sp_mchid": SP, "sub_mchid": SUB, "reason": "x"}),
            "400 PARAM_ERROR",
        ),
        (
            json!({"sp_mchid": "1900000200", "sub_mchid": SUB}),
            "400 PARAM_ERROR",
        ),
        (
            json!({"sp_mchid": SP, "sub_mchid": "1"}),
            "400 MCH_NOT_EXISTS",
        ),
    ] {
        let reply = world.post(&format!("{NUMBER}/T0000001/close"), &body).await;
        assert_eq!(reply.refusal(), expected, "{body}");
    }
}

#[tokio::test]
async fn a_number_in_the_path_has_the_form_of_a_number() {
    let world = World::new().await;
    let owner = format!("sp_mchid={SP}&sub_mchid={SUB}");
    for target in [
        format!("{NUMBER}/T1?{owner}"),
        format!("{NUMBER}/{}?{owner}", "T".repeat(33)),
        format!("{NUMBER}/T%2000000001?{owner}"),
        format!("{ID}/4200-1?{owner}"),
        format!(
            "/v3/refund/domestic/refunds/{}?sub_mchid={SUB}",
            "R".repeat(65)
        ),
    ] {
        assert_eq!(
            world.get(&target).await.refusal(),
            "400 PARAM_ERROR",
            "{target}"
        );
    }
    assert_eq!(close(&world, "T1", SUB).await.refusal(), "400 PARAM_ERROR");
}
