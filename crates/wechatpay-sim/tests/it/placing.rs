//! Placing: shape, identity, re-entry, expiry.

use serde_json::{Value, json};
use wechatpay_sim::{NewProvider, PayOrder};

use crate::harness::{PLACE, SP, SP_APP, SP_USER, SUB, SUB_APP, SUB_USER, World};

/// A change to a good order and the refusal that it must meet.
async fn refusal_of(world: &World, change: impl FnOnce(&mut Value)) -> String {
    let mut order = world.order("T0000001");
    change(&mut order);
    let reply = world.post(PLACE, &order).await;
    format!(
        "{} {}",
        reply.refusal(),
        reply.json()["detail"]["field"].as_str().unwrap_or("")
    )
    .trim_end()
    .to_owned()
}

fn set(pointer: &'static str, value: Value) -> impl FnOnce(&mut Value) {
    move |order| {
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        order.pointer_mut(parent).unwrap()[name] = value;
    }
}

#[tokio::test]
async fn unknown_missing_null_and_mistyped_members_are_named() {
    let world = World::new().await;
    let parameter = |field: &str| format!("400 PARAM_ERROR {field}");
    for (pointer, value, field) in [
        ("/colour", json!("red"), "/colour"),
        ("/amount/fee", json!(1), "/amount/fee"),
        ("/attach", Value::Null, "/attach"),
        ("/description", json!(5), "/description"),
        ("/amount/total", json!("100"), "/amount/total"),
        ("/amount/total", json!(1.5), "/amount/total"),
        ("/support_fapiao", json!("true"), "/support_fapiao"),
        ("/amount", json!([]), "/amount"),
        (
            "/limit_pay",
            json!(["no_credit", "no_luck"]),
            "/limit_pay/1",
        ),
        ("/amount/currency", json!("USD"), "/amount/currency"),
        (
            "/settle_info",
            json!({"subsidy_amount": 1}),
            "/settle_info/subsidy_amount",
        ),
    ] {
        assert_eq!(
            refusal_of(&world, set(pointer, value)).await,
            parameter(field),
            "{pointer}"
        );
    }
    for field in [
        "sp_appid",
        "sp_mchid",
        "sub_mchid",
        "description",
        "out_trade_no",
        "notify_url",
        "amount",
        "payer",
    ] {
        let refusal = refusal_of(&world, |order| {
            order.as_object_mut().unwrap().remove(field);
        });
        assert_eq!(refusal.await, parameter(&format!("/{field}")));
    }
    assert!(world.sim.ledger().orders.is_empty());
}

#[tokio::test]
async fn a_body_that_is_not_json_is_refused() {
    let world = World::new().await;
    for body in ["", "{", "[]", "null", "\"x\""] {
        let authorization = world.authorization("POST", PLACE, body);
        let headers = [
            ("Authorization", authorization.as_str()),
            ("Content-Type", "application/json"),
        ];
        let reply = world.send("POST", PLACE, &headers, body).await.unwrap();
        assert_eq!(reply.refusal(), "400 PARAM_ERROR", "{body}");
    }
}

#[tokio::test]
async fn lengths_are_bytes_and_both_sides_of_each_bound_are_kept() {
    let world = World::new().await;
    let text = |count: usize| json!("店".repeat(count));
    // 42 characters of three bytes are 126 bytes; one more is beyond 127.
    let long = refusal_of(&world, set("/description", text(43))).await;
    assert_eq!(long, "400 PARAM_ERROR /description");
    for (pointer, good, bad) in [
        (
            "/description",
            json!("x".repeat(127)),
            json!("x".repeat(128)),
        ),
        ("/attach", json!("x".repeat(128)), json!("x".repeat(129))),
        ("/goods_tag", json!("x".repeat(32)), json!("x".repeat(33))),
        (
            "/out_trade_no",
            json!("x".repeat(32)),
            json!("x".repeat(33)),
        ),
        ("/out_trade_no", json!("x".repeat(6)), json!("x".repeat(5))),
        ("/amount/total", json!(1), json!(0)),
        (
            "/amount/total",
            json!(2_147_483_647),
            json!(2_147_483_648_u64),
        ),
    ] {
        assert_eq!(
            refusal_of(&world, set(pointer, bad)).await,
            format!("400 PARAM_ERROR {pointer}")
        );
        let mut order = world.order(&format!("T{}", world.nonce().split_off(20)));
        set(pointer, good)(&mut order);
        assert_eq!(world.post(PLACE, &order).await.status, 200, "{pointer}");
    }
}

#[tokio::test]
async fn characters_of_four_bytes_are_refused() {
    let world = World::new().await;
    for pointer in ["/description", "/attach"] {
        let refusal = refusal_of(&world, set(pointer, json!("礼物🎁"))).await;
        assert_eq!(refusal, format!("400 PARAM_ERROR {pointer}"));
    }
}

#[tokio::test]
async fn an_order_number_takes_only_its_characters() {
    let world = World::new().await;
    for bad in ["T00 0001", "T000000中", "T000/0001", "T000@0001"] {
        let refusal = refusal_of(&world, set("/out_trade_no", json!(bad))).await;
        assert_eq!(refusal, "400 PARAM_ERROR /out_trade_no", "{bad}");
    }
    world.place("aZ09_-|*").await;
    let reply = world.query("aZ09_-%7C%2A").await;
    assert_eq!(reply.json()["out_trade_no"], "aZ09_-|*");
}

#[tokio::test]
async fn details_and_scenes_have_rules_of_their_own() {
    let world = World::new().await;
    let goods = |id: &str| json!({"merchant_goods_id": id, "quantity": 1, "unit_price": 1});
    let many: Vec<Value> = (0..120).map(|n| goods(&format!("goods-{n:020}"))).collect();
    for (pointer, value, field) in [
        (
            "/detail",
            json!({"goods_detail": [goods("a b")]}),
            "/detail/goods_detail/0/merchant_goods_id",
        ),
        (
            "/detail",
            json!({"goods_detail": []}),
            "/detail/goods_detail",
        ),
        ("/detail", json!({"goods_detail": many}), "/detail"),
        ("/scene_info", json!({}), "/scene_info/payer_client_ip"),
        (
            "/scene_info",
            json!({"payer_client_ip": "300.1.1.1"}),
            "/scene_info/payer_client_ip",
        ),
        (
            "/scene_info",
            json!({"payer_client_ip": "::1", "store_info": {}}),
            "/scene_info/store_info/id",
        ),
    ] {
        assert_eq!(
            refusal_of(&world, set(pointer, value)).await,
            format!("400 PARAM_ERROR {field}")
        );
    }
    let mut order = world.order("T0000002");
    order["detail"] = json!({"cost_price": 1, "goods_detail": [goods("a-1")]});
    order["scene_info"] = json!({"payer_client_ip": "14.23.150.211", "device_id": "d1"});
    assert_eq!(world.post(PLACE, &order).await.status, 200);
    assert_eq!(
        world.query("T0000002").await.json()["scene_info"]["device_id"],
        "d1"
    );
}

#[tokio::test]
async fn a_notify_url_is_https_or_loopback_without_query_or_fragment() {
    let world = World::new().await;
    for bad in [
        "http://shop.example/n",
        "https://shop.example/n?a=1",
        "https://shop.example/n#a",
        "n",
    ] {
        let refusal = refusal_of(&world, set("/notify_url", json!(bad))).await;
        assert_eq!(refusal, "400 PARAM_ERROR /notify_url", "{bad}");
    }
    let mut order = world.order("T0000002");
    order["notify_url"] = json!("https://shop.example/n");
    assert_eq!(world.post(PLACE, &order).await.status, 200);
}

#[tokio::test]
async fn exactly_one_openid_pays_and_it_belongs_to_its_app() {
    let world = World::new().await;
    for (payer, expected) in [
        (json!({}), "400 PARAM_ERROR /payer"),
        (
            json!({"sp_openid": SP_USER, "sub_openid": SUB_USER}),
            "400 PARAM_ERROR /payer",
        ),
        (json!({"sub_openid": SP_USER}), "400 OPENID_MISMATCH"),
        (json!({"sp_openid": SUB_USER}), "400 OPENID_MISMATCH"),
        (json!({"sub_openid": "oNobody"}), "400 OPENID_MISMATCH"),
    ] {
        assert_eq!(refusal_of(&world, set("/payer", payer)).await, expected);
    }
    let without_app = refusal_of(&world, |order| {
        order.as_object_mut().unwrap().remove("sub_appid");
    });
    assert_eq!(without_app.await, "400 PARAM_ERROR /sub_appid");
    let mut order = world.order("T0000002");
    order["payer"] = json!({"sp_openid": SP_USER});
    assert_eq!(world.post(PLACE, &order).await.status, 200);
}

#[tokio::test]
async fn numbers_and_apps_must_belong_to_each_other() {
    let world = World::new().await;
    let other = NewProvider {
        sp_mchid: Some("1900000200".to_owned()),
        ..NewProvider::default()
    };
    world.sim.provider(other).await.unwrap();
    let theirs = json!({"sp_mchid": "1900000200", "sub_mchid": "1900000210"});
    assert_eq!(
        world
            .control("POST", "/sub-merchants", &theirs)
            .await
            .status,
        200
    );
    for (pointer, value, expected) in [
        ("/sp_mchid", "1900000200", "400 PARAM_ERROR"),
        ("/sub_mchid", SP, "400 INVALID_REQUEST"),
        ("/sub_mchid", "1900009999", "400 MCH_NOT_EXISTS"),
        ("/sub_mchid", "1900000210", "400 INVALID_REQUEST"),
        ("/sp_appid", SUB_APP, "400 APPID_MCHID_NOT_MATCH"),
        ("/sub_appid", SP_APP, "400 APPID_MCHID_NOT_MATCH"),
    ] {
        assert_eq!(
            refusal_of(&world, set(pointer, json!(value))).await,
            expected,
            "{pointer} {value}"
        );
    }
}

#[tokio::test]
async fn the_same_request_gives_a_fresh_prepay_id_for_the_same_order() {
    let world = World::new().await;
    let first = world.place("T0000001").await;
    let second = world.place("T0000001").await;
    assert_ne!(first, second);
    // The order of members is not a parameter.
    let order = world.order("T0000001");
    let turned: serde_json::Map<_, _> = order
        .as_object()
        .unwrap()
        .clone()
        .into_iter()
        .rev()
        .collect();
    assert_eq!(world.post(PLACE, &Value::Object(turned)).await.status, 200);
    assert_eq!(world.sim.ledger().orders.len(), 1);
    assert_eq!(world.sim.ledger().orders[0].prepay_ids.len(), 3);
}

#[tokio::test]
async fn other_parameters_under_a_used_number_are_refused() {
    let world = World::new().await;
    world.place("T0000001").await;
    for (pointer, value) in [
        ("/amount/total", json!(101)),
        ("/description", json!("other")),
        ("/attach", json!("new")),
        ("/payer", json!({"sp_openid": SP_USER})),
        ("/time_expire", json!("2026-01-02T08:00:00+08:00")),
    ] {
        assert_eq!(
            refusal_of(&world, set(pointer, value)).await,
            "400 INVALID_REQUEST",
            "{pointer}"
        );
    }
    let second = json!({"sp_mchid": SP, "sub_mchid": "1900000111",
        "sub_appids": [{"appid": SUB_APP}]});
    world.control("POST", "/sub-merchants", &second).await;
    let refusal = refusal_of(&world, set("/sub_mchid", json!("1900000111"))).await;
    assert_eq!(refusal, "403 OUT_TRADE_NO_USED");
}

#[tokio::test]
async fn a_paid_order_and_a_closed_one_cannot_be_placed_again() {
    let world = World::new().await;
    world.place_and_pay("T0000001").await;
    assert_eq!(
        world.post(PLACE, &world.order("T0000001")).await.refusal(),
        "400 ORDERPAID"
    );
    world.place("T0000002").await;
    world.sim.close("T0000002").unwrap();
    assert_eq!(
        world.post(PLACE, &world.order("T0000002")).await.refusal(),
        "400 ORDER_CLOSED"
    );
}

#[tokio::test]
async fn time_expire_is_rfc3339_in_the_future_within_seven_days() {
    let world = World::new().await;
    for bad in [
        "2026-01-01T08:00:00",
        "tomorrow",
        "2026-01-01T08:00:00+08:00",
        "2025-12-31T23:59:59Z",
        "2026-01-08T08:00:01+08:00",
    ] {
        let refusal = refusal_of(&world, set("/time_expire", json!(bad))).await;
        assert_eq!(refusal, "400 PARAM_ERROR /time_expire", "{bad}");
    }
    let mut order = world.order("T0000002");
    order["time_expire"] = json!("2026-01-08T08:00:00+08:00");
    assert_eq!(world.post(PLACE, &order).await.status, 200);
}

#[tokio::test]
async fn an_expiry_nearer_than_a_minute_is_moved_out_to_a_minute() {
    let world = World::new().await;
    let mut order = world.order("T0000001");
    order["time_expire"] = json!("2026-01-01T08:00:05+08:00");
    assert_eq!(world.post(PLACE, &order).await.status, 200);
    world.sim.advance_clock(60_000);
    assert!(world.sim.pay("T0000001", &PayOrder::default()).is_ok());
}

#[tokio::test]
async fn an_expired_order_stays_notpay_cannot_be_paid_and_needs_a_new_number() {
    let world = World::new().await;
    let mut order = world.order("T0000001");
    order["time_expire"] = json!("2026-01-01T08:10:00+08:00");
    assert_eq!(world.post(PLACE, &order).await.status, 200);
    world.sim.advance_clock(600_001);
    assert!(world.sim.pay("T0000001", &PayOrder::default()).is_err());
    assert_eq!(
        world.query("T0000001").await.json()["trade_state"],
        "NOTPAY"
    );
    assert_eq!(
        world.post(PLACE, &order).await.refusal(),
        "400 ORDER_CLOSED"
    );
    let target = "/v3/pay/partner/transactions/out-trade-no/T0000001/close";
    assert_eq!(
        world
            .post(target, &json!({"sp_mchid": SP, "sub_mchid": SUB}))
            .await
            .status,
        204
    );
    assert_eq!(
        world.query("T0000001").await.json()["trade_state"],
        "CLOSED"
    );
}
