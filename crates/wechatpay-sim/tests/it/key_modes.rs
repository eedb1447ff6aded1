//! Which of WeChat's keys signs: before, during and after the switch, and at a rotation.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::json;
use wechatpay::{
    credentials::{Certificate, KeyRing, PrivateKey, PublicKey},
    v3::aead,
};
use wechatpay_sim::{ChangeProvider, KeyMode};

use crate::harness::{SP, World, api_v3_key};

const CERTIFICATES: &str = "/v3/certificates";

/// Who signed the answer to a query that names this key.
async fn signer(world: &World, named: Option<&str>) -> Option<String> {
    world.place("T0000001").await;
    let headers: Vec<_> = named
        .map(|serial| ("Wechatpay-Serial", serial))
        .into_iter()
        .collect();
    let target = format!(
        "/v3/pay/partner/transactions/out-trade-no/T0000001?sp_mchid={SP}&sub_mchid={}",
        crate::harness::SUB
    );
    let reply = world.call_with("GET", &target, &headers, "").await;
    world.verified_serial(&reply)
}

#[tokio::test]
async fn before_the_switch_the_certificate_signs_whatever_is_named() {
    let world = World::in_mode(KeyMode::Certificate).await;
    let keys = world.keys.clone();
    for named in [
        None,
        Some(keys.platform_serial.as_str()),
        Some(&keys.wechatpay_public_key_id),
    ] {
        assert_eq!(
            signer(&world, named).await,
            Some(keys.platform_serial.clone())
        );
    }
}

#[tokio::test]
async fn during_the_switch_the_request_names_the_key_of_its_answer() {
    let world = World::in_mode(KeyMode::Switching).await;
    let keys = world.keys.clone();
    assert_eq!(
        signer(&world, None).await,
        Some(keys.platform_serial.clone())
    );
    for named in [&keys.platform_serial, &keys.wechatpay_public_key_id] {
        assert_eq!(signer(&world, Some(named)).await, Some(named.clone()));
    }
    let lower = keys.platform_serial.to_lowercase();
    assert_eq!(
        signer(&world, Some(&lower)).await,
        Some(keys.platform_serial)
    );
}

#[tokio::test]
async fn after_the_switch_the_public_key_signs_and_certificates_are_void() {
    let world = World::in_mode(KeyMode::PublicKey).await;
    let keys = world.keys.clone();
    assert_eq!(
        signer(&world, None).await,
        Some(keys.wechatpay_public_key_id.clone())
    );
    let named = [("Wechatpay-Serial", keys.platform_serial.as_str())];
    let refused = world.call_with("GET", CERTIFICATES, &named, "").await;
    assert_eq!(refused.refusal(), "400 PARAM_ERROR");
    assert_eq!(
        world.get(CERTIFICATES).await.refusal(),
        "404 RESOURCE_NOT_EXISTS"
    );
}

#[tokio::test]
async fn callbacks_move_to_the_public_key_by_percentage() {
    let world = World::in_mode(KeyMode::Switching).await;
    for (percentage, least, most) in [(0.0, 0, 0), (50.0, 5, 35), (100.0, 40, 40)] {
        let change = json!({"callback_percentage": percentage});
        world
            .control("PATCH", &format!("/providers/{SP}"), &change)
            .await;
        let before = world.receiver.received().len();
        for number in 0..40 {
            world
                .place_and_pay(&format!("T{percentage:05}{number:03}"))
                .await;
        }
        world.sim.run_due().await;
        let received = world.receiver.received();
        let by_public_key = received[before..]
            .iter()
            .filter(|notice| {
                let serial = notice.verify(&world.ring(), world.now_s()).unwrap();
                serial == world.keys.wechatpay_public_key_id
            })
            .count();
        assert!(
            (least..=most).contains(&by_public_key),
            "{percentage}: {by_public_key} of 40"
        );
    }
}

/// Decrypts `/v3/certificates`, as a client does before it can verify.
async fn certificates(world: &World) -> (Vec<Certificate>, Option<String>) {
    let reply = world.get(CERTIFICATES).await;
    assert_eq!(reply.status, 200);
    let mut ring = KeyRing::new();
    let mut found = Vec::new();
    for entry in reply.json()["data"].as_array().unwrap() {
        let sealed = &entry["encrypt_certificate"];
        let part = |name: &str| sealed[name].as_str().unwrap().to_owned();
        assert_eq!(part("associated_data"), "certificate");
        let pem = aead::open(
            &api_v3_key(),
            &part("nonce"),
            &part("associated_data"),
            &part("ciphertext"),
        )
        .unwrap();
        let certificate = Certificate::from_pem(std::str::from_utf8(&pem).unwrap()).unwrap();
        assert_eq!(entry["serial_no"], certificate.serial);
        assert_eq!(certificate.serial.len(), 40);
        ring = ring.with_certificate(certificate.clone());
        found.push(certificate);
    }
    let headers = wechatpay::v3::verification::SignatureHeaders::from_fn(|n| reply.header(n));
    let verified = wechatpay::v3::verification::verify(&ring, &headers, &reply.body, world.now_s());
    (found, verified.ok().map(|verified| verified.serial))
}

#[tokio::test]
async fn certificates_are_encrypted_and_verify_their_own_answer() {
    let world = World::new().await;
    let (found, signer) = certificates(&world).await;
    assert_eq!(found.len(), 1);
    assert_eq!(signer, Some(world.keys.platform_serial.clone()));
    assert_eq!(
        world
            .get("/v3/certificates?algorithm_type=SM2")
            .await
            .refusal(),
        "400 PARAM_ERROR"
    );
}

#[tokio::test]
async fn a_new_certificate_is_published_before_it_signs() {
    let world = World::new().await;
    let rotation = ChangeProvider {
        rotate_platform_certificate_after_ms: Some(86_400_000),
        ..ChangeProvider::default()
    };
    let keys = world.sim.change_provider(SP, rotation).await.unwrap();
    let (found, signer) = certificates(&world).await;
    assert_eq!(found.len(), 2);
    assert_eq!(signer, Some(world.keys.platform_serial.clone()));
    world.sim.advance_clock(86_400_000);
    assert_eq!(certificates(&world).await.1, Some(keys.platform_serial));
}

#[tokio::test]
async fn a_further_merchant_certificate_works_beside_the_first_and_a_voided_one_does_not() {
    let mut world = World::new().await;
    let (pem, public) = wechatpay::credentials::generate_pem().unwrap();
    let change = json!({"merchant_public_key_pem": public, "serial": "AB"});
    world
        .control("PATCH", &format!("/providers/{SP}"), &change)
        .await;
    assert_eq!(world.get(CERTIFICATES).await.status, 200);
    let void = json!({"void_serial": crate::harness::SERIAL});
    world
        .control("PATCH", &format!("/providers/{SP}"), &void)
        .await;
    assert_eq!(world.get(CERTIFICATES).await.refusal(), "401 SIGN_ERROR");
    world.merchant = PrivateKey::from_pem(&pem).unwrap();
    let authorization = world
        .authorization("GET", CERTIFICATES, "")
        .replace(crate::harness::SERIAL, "AB");
    let headers = [
        ("Authorization", authorization.as_str()),
        ("Accept", "*/*"),
        ("User-Agent", "t"),
    ];
    assert_eq!(
        world
            .send("GET", CERTIFICATES, &headers, "")
            .await
            .unwrap()
            .status,
        200
    );
}

#[tokio::test]
async fn the_echo_proves_both_directions_and_the_way_back() {
    let world = World::in_mode(KeyMode::PublicKey).await;
    let public_key = PublicKey::from_pem(&world.keys.wechatpay_public_key_pem).unwrap();
    let body = json!({
        "echo_message": "hello",
        "encrypted_echo_message": public_key.encrypt_oaep("张三".as_bytes()).unwrap(),
        "notify_url": world.receiver.url("/echo"),
    })
    .to_string();
    let target = "/v3/security/echo";
    let unnamed = world.call("POST", target, &body).await;
    assert_eq!(unnamed.refusal(), "400 INVALID_REQUEST");
    let id = world.keys.wechatpay_public_key_id.clone();
    let named = [("Wechatpay-Serial", id.as_str())];
    let reply = world.call_with("POST", target, &named, &body).await;
    assert_eq!(reply.status, 200);
    assert_eq!(world.verified_serial(&reply), Some(id.clone()));
    let answer = reply.json();
    assert_eq!(answer["echo_message"], "hello");
    let back = world
        .merchant
        .decrypt_oaep(answer["encrypted_echo_message"].as_str().unwrap());
    assert_eq!(back.unwrap(), "张三".as_bytes());
    world.sim.run_due().await;
    let notice = world.receiver.received().pop().unwrap();
    assert_eq!(notice.verify(&world.ring(), world.now_s()), Ok(id.clone()));
    assert_eq!(notice.envelope()["event_type"], "SECURITY_ECHO.SUCCESS");
    assert_eq!(notice.envelope()["resource"]["original_type"], "security");
    assert_eq!(notice.decrypt().unwrap()["echo_message"], "hello");
    let garbled = json!({"echo_message": "x", "encrypted_echo_message": STANDARD.encode([7; 256])});
    let refused = world
        .call_with("POST", target, &named, &garbled.to_string())
        .await;
    assert_eq!(refused.refusal(), "400 PARAM_ERROR");
}
