//! Who may call: headers, clock window, signature, nonce; and what every answer carries.

use wechatpay::credentials::{PrivateKey, generate_pem};

use crate::harness::{PLACE, SERIAL, SP, SUB, World};

const CERTIFICATES: &str = "/v3/certificates";

#[tokio::test]
async fn a_signed_request_is_answered_with_a_signed_answer_and_a_request_id() {
    let world = World::new().await;
    let reply = world.post(PLACE, &world.order("T0000001")).await;
    assert_eq!(reply.status, 200);
    assert_eq!(
        world.verified_serial(&reply),
        Some(world.keys.platform_serial.clone())
    );
    let request_id = reply.header("Request-ID").unwrap();
    assert!(request_id.ends_with("-0"), "{request_id}");
}

#[tokio::test]
async fn a_close_is_answered_with_a_signed_empty_204() {
    let world = World::new().await;
    world.place("T0000001").await;
    let target = "/v3/pay/partner/transactions/out-trade-no/T0000001/close";
    let body = serde_json::json!({"sp_mchid": SP, "sub_mchid": SUB});
    let reply = world.post(target, &body).await;
    assert_eq!((reply.status, reply.body.len()), (204, 0));
    assert!(world.verified_serial(&reply).is_some());
}

#[tokio::test]
async fn a_refusal_is_not_signed_and_still_has_a_request_id() {
    let world = World::new().await;
    let reply = world.query("T9999999").await;
    assert_eq!(reply.status, 404);
    for name in [
        "Wechatpay-Signature",
        "Wechatpay-Serial",
        "Wechatpay-Timestamp",
    ] {
        assert!(reply.header(name).is_none(), "{name}");
    }
    assert!(reply.header("Request-ID").unwrap().ends_with("-268512771"));
    assert!(
        !reply.json()["message"].as_str().unwrap().is_ascii(),
        "WeChat answers in Chinese"
    );
}

async fn refusal_with(world: &World, authorization: &str) -> String {
    let headers = [
        ("Authorization", authorization),
        ("Accept", "application/json"),
        ("User-Agent", "t"),
    ];
    world
        .send("GET", CERTIFICATES, &headers, "")
        .await
        .unwrap()
        .refusal()
}

#[tokio::test]
async fn authorization_that_is_missing_or_malformed_is_401() {
    let world = World::new().await;
    let headers = [("Accept", "application/json"), ("User-Agent", "t")];
    let reply = world.send("GET", CERTIFICATES, &headers, "").await.unwrap();
    assert_eq!(reply.refusal(), "401 SIGN_ERROR");
    let good = world.authorization("GET", CERTIFICATES, "");
    for malformed in [
        "Bearer x".to_owned(),
        good.replace("WECHATPAY2-SHA256-RSA2048", "WECHATPAY2-SM2-WITH-SM3"),
        good.replace('"', ""),
        good.replace("nonce_str", "nonce"),
        good.replace("mchid=\"1900000109\",", ""),
    ] {
        assert_eq!(
            refusal_with(&world, &malformed).await,
            "401 SIGN_ERROR",
            "{malformed}"
        );
    }
}

#[tokio::test]
async fn the_clock_may_differ_by_five_minutes_and_no_more() {
    let world = World::new().await;
    for (difference_s, expected) in [(-301, 401), (-300, 200), (300, 200), (301, 401)] {
        let nonce = world.nonce();
        let at = world.now_s() + difference_s;
        let authorization = world.authorization_with("GET", CERTIFICATES, "", (nonce.as_str(), at));
        let refusal = refusal_with(&world, &authorization).await;
        assert_eq!(
            refusal.starts_with("401"),
            expected == 401,
            "{difference_s}: {refusal}"
        );
    }
}

#[tokio::test]
async fn a_moved_business_clock_does_not_break_signatures() {
    let world = World::new().await;
    world.sim.advance_clock(3_600_000);
    let reply = world.get(CERTIFICATES).await;
    assert_eq!(reply.status, 200);
    assert!(world.verified_serial(&reply).is_some());
}

#[tokio::test]
async fn a_nonce_serves_once_even_at_the_edge_of_the_window() {
    let world = World::new().await;
    let at = world.now_s() + 300;
    let once = world.authorization_with("GET", CERTIFICATES, "", ("NONCE", at));
    assert!(refusal_with(&world, &once).await.starts_with("200"));
    assert_eq!(refusal_with(&world, &once).await, "401 SIGN_ERROR");
    world.pass(600_000);
    assert_eq!(refusal_with(&world, &once).await, "401 SIGN_ERROR");
}

#[tokio::test]
async fn another_key_serial_merchant_or_altered_request_is_401() {
    let mut world = World::new().await;
    let (pem, _) = generate_pem().unwrap();
    world.merchant = PrivateKey::from_pem(&pem).unwrap();
    assert_eq!(world.get(CERTIFICATES).await.refusal(), "401 SIGN_ERROR");
    world.merchant = crate::harness::merchant_key();
    let good = world.authorization("GET", CERTIFICATES, "");
    let platform_serial = world.keys.platform_serial.clone();
    for wrong in [
        good.replace(SERIAL, &platform_serial),
        good.replace(SP, "1999999999"),
        world.authorization("POST", CERTIFICATES, ""),
        world.authorization("GET", "/v3/certificates?a=1", ""),
        world.authorization("GET", CERTIFICATES, "{}"),
    ] {
        assert_eq!(
            refusal_with(&world, &wrong).await,
            "401 SIGN_ERROR",
            "{wrong}"
        );
    }
    assert!(refusal_with(&world, &good).await.starts_with("200"));
}

#[tokio::test]
async fn a_wrong_signature_is_explained_by_what_was_rebuilt() {
    let world = World::new().await;
    let signed_elsewhere = world.authorization("GET", "/v3/elsewhere", "");
    let headers = [
        ("Authorization", signed_elsewhere.as_str()),
        ("Accept", "application/json"),
        ("User-Agent", "t"),
    ];
    let reply = world.send("GET", CERTIFICATES, &headers, "").await.unwrap();
    let information = &reply.json()["detail"]["sign_information"];
    assert_eq!(information["method"], "GET");
    assert_eq!(information["url"], CERTIFICATES);
    assert!(information["sign_message_length"].is_u64());
}

#[tokio::test]
async fn the_body_is_verified_byte_for_byte() {
    let world = World::new().await;
    let body = world.order("T0000001").to_string();
    let authorization = world.authorization("POST", PLACE, &body);
    let headers = [
        ("Authorization", authorization.as_str()),
        ("Content-Type", "application/json"),
    ];
    let altered = format!("{body} ");
    let reply = world.send("POST", PLACE, &headers, &altered).await.unwrap();
    assert_eq!(reply.refusal(), "401 SIGN_ERROR");
    assert!(world.sim.ledger().orders.is_empty());
}

#[tokio::test]
async fn accept_and_user_agent_are_demanded_outside_the_payment_endpoints() {
    let world = World::new().await;
    for missing in ["Accept", "User-Agent"] {
        // reqwest adds an Accept of its own, so an empty one stands for none.
        let present = if missing == "Accept" {
            "User-Agent"
        } else {
            "Accept"
        };
        let headers = [("Accept", ""), ("User-Agent", ""), (present, "x")];
        let headers: Vec<_> = headers
            .into_iter()
            .filter(|(name, v)| !v.is_empty() || *name == missing)
            .collect();
        let reply = world.send("GET", CERTIFICATES, &headers, "").await.unwrap();
        assert_eq!(reply.refusal(), "400 INVALID_REQUEST", "{missing}");
    }
    let body = world.order("T0000001").to_string();
    let authorization = world.authorization("POST", PLACE, &body);
    let headers = [
        ("Authorization", authorization.as_str()),
        ("Content-Type", "application/json"),
        ("Accept", ""),
    ];
    assert_eq!(
        world
            .send("POST", PLACE, &headers, &body)
            .await
            .unwrap()
            .status,
        200
    );
}

#[tokio::test]
async fn a_post_must_be_json_by_its_type() {
    let world = World::new().await;
    let body = world.order("T0000001").to_string();
    let authorization = world.authorization("POST", PLACE, &body);
    let headers = [
        ("Authorization", authorization.as_str()),
        ("Content-Type", "text/plain"),
    ];
    assert_eq!(
        world
            .send("POST", PLACE, &headers, &body)
            .await
            .unwrap()
            .refusal(),
        "415 PARAM_ERROR"
    );
}

#[tokio::test]
async fn a_wrong_method_is_an_empty_405_and_an_unknown_path_404() {
    let world = World::new().await;
    let reply = world.get(PLACE).await;
    assert_eq!((reply.status, reply.body.len()), (405, 0));
    assert_eq!(
        world.get("/v3/pay/transactions/jsapi/x").await.refusal(),
        "404 RESOURCE_NOT_EXISTS"
    );
}

#[tokio::test]
async fn an_unknown_wechatpay_serial_is_refused() {
    let world = World::new().await;
    let reply = world
        .call_with(
            "GET",
            CERTIFICATES,
            &[("Wechatpay-Serial", "PUB_KEY_ID_0")],
            "",
        )
        .await;
    assert_eq!(reply.refusal(), "400 PARAM_ERROR");
}

#[tokio::test]
async fn a_body_beyond_a_megabyte_is_refused() {
    let world = World::new().await;
    let body = "x".repeat(1024 * 1024 + 1);
    let reply = world.call("POST", PLACE, &body).await;
    assert_eq!(reply.refusal(), "413 PARAM_ERROR");
}
