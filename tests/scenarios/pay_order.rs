//! The main job: order, pay, be notified, be told.

use serde_json::json;
use tributary_tests::{TestPlatform, scenario};
use wechatpay::credentials::PublicKey;
use wechatpay::v3::PayParameters;

scenario!(
    order_is_paid_and_the_tenant_is_told_by_a_signed_webhook,
    main_job
);
async fn main_job(p: &TestPlatform) {
    let endpoint = p.register(&p.tenant, "hook", &["order.*"]).await;
    let order = p.order(888).await;
    assert_eq!(order["state"], "paying");
    assert_eq!(order["amount"]["total"], 888);
    p.pay(&order);
    assert_eq!(
        p.seen(&order).await["state"],
        "paying",
        "nobody has been notified yet"
    );

    p.settle().await;

    let paid = p.seen(&order).await;
    assert_eq!(paid["state"], "paid");
    assert_eq!(paid["trade_state"], "SUCCESS");
    let payment = p.at_wechat(&order).payment.expect("a payment at WeChat");
    assert_eq!(paid["transaction_id"], json!(payment.transaction_id));
    assert_eq!(p.told(&order).await, ["order.created", "order.paid"]);
    let told = p.receiver.of_kind("hook", "order.paid");
    assert_eq!(told.len(), 1);
    let secret = endpoint["secret"]
        .as_str()
        .expect("the secret is shown once");
    assert!(told[0].is_signed_by(secret, p.now()));
    let event = told[0].event();
    assert_eq!(event["data"]["object"]["state"], "paid");
    assert_eq!(event["subject"]["id"], order["id"]);
    assert_eq!(event["livemode"], false);
}

scenario!(webhook_and_feed_carry_the_same_bytes, same_bytes);
async fn same_bytes(p: &TestPlatform) {
    p.register(&p.tenant, "hook", &["*"]).await;
    let order = p.order(1).await;
    p.pay(&order);
    p.settle().await;
    for webhook in p.receiver.received("hook") {
        let event = webhook.event();
        let id = event["id"].as_str().expect("an event has an id");
        let mut shown = p.tenant.api.event(id).await.ok();
        // The feed adds where the event stands in it.
        shown
            .as_object_mut()
            .expect("an object")
            .shift_remove("feed_seq");
        assert_eq!(shown, event);
    }
}

scenario!(
    pay_parameters_verify_against_the_merchant_key,
    parameters_verify
);
async fn parameters_verify(p: &TestPlatform) {
    let order = p.order(100).await;
    let shown = &order["pay_params"];
    let parameters: PayParameters = serde_json::from_value(shown.clone()).expect("six values");
    assert_eq!(parameters.app_id, p.tenant.sub_appid);
    let prepay_id = &p.at_wechat(&order).prepay_ids[0].prepay_id;
    assert_eq!(parameters.package, format!("prepay_id={prepay_id}"));
    assert_eq!(parameters.sign_type, "RSA");
    let certificate = p
        .keys
        .merchant_certificate_pem
        .as_deref()
        .expect("a certificate");
    let merchant = PublicKey::from_certificate_pem(certificate).expect("a public key");
    merchant
        .verify(&parameters.signed_message(), &parameters.pay_sign)
        .expect("the merchant's signature");
}

scenario!(
    same_number_and_content_gives_the_same_order_and_usable_parameters,
    same_order
);
async fn same_order(p: &TestPlatform) {
    let body = p.tenant.order(100);
    let first = p.tenant.api.place_order(&body).await;
    assert_eq!(first.status, 201);
    let second = p.tenant.api.place_order(&body).await;
    assert_eq!(second.status, 200);
    let (first, second) = (first.placed(), second.placed());
    assert_eq!(first["id"], second["id"]);
    assert_eq!(first["out_trade_no"], second["out_trade_no"]);
    assert!(second["pay_params"]["paySign"].is_string());
    assert_eq!(p.at_wechat(&first).prepay_ids.len(), 1);
    assert_eq!(p.told(&first).await.len(), 1);
}

scenario!(
    parameters_of_an_order_asked_for_again_after_two_hours_are_fresh,
    fresh_parameters
);
async fn fresh_parameters(p: &TestPlatform) {
    let mut body = p.tenant.order(100);
    let end = p.now().plus_millis(5 * 3_600_000);
    body["time_expire"] = json!(end.to_rfc3339_beijing());
    let first = p.tenant.api.place_order(&body).await.placed();
    p.advance_seconds(2 * 3600 + 60).await;
    let second = p.tenant.api.place_order(&body).await.placed();
    assert_eq!(first["id"], second["id"]);
    assert_ne!(
        first["pay_params"]["package"],
        second["pay_params"]["package"]
    );
}

scenario!(same_number_with_other_content_is_a_conflict, other_content);
async fn other_content(p: &TestPlatform) {
    let body = p.tenant.order(100);
    let order = p.tenant.api.place_order(&body).await.placed();
    for (field, value) in [
        ("amount", json!({"total": 101, "currency": "CNY"})),
        ("description", json!("Two cups of tea")),
        ("attach", json!("table 7")),
    ] {
        let mut other = body.clone();
        other[field] = value;
        p.tenant
            .api
            .place_order(&other)
            .await
            .problem(409, "order_conflict");
    }
    assert_eq!(p.at_wechat(&order).amount_total, 100);
}

scenario!(sub_merchant_may_be_left_out_when_there_is_one, left_out);
async fn left_out(p: &TestPlatform) {
    let mut body = p.tenant.order(100);
    body.as_object_mut()
        .expect("an object")
        .shift_remove("sub_mchid");
    let order = p.tenant.api.place_order(&body).await.placed();
    assert_eq!(order["sub_mchid"], json!(p.tenant.sub_mchid));
}

scenario!(orders_are_listed_newest_first_in_pages, pages);
async fn pages(p: &TestPlatform) {
    let mut placed = Vec::new();
    for total in 1..=5 {
        placed.push(p.order(total).await["id"].clone());
        p.clock.advance_millis(1);
    }
    placed.reverse();
    let mut listed = Vec::new();
    let mut query = String::from("limit=2");
    loop {
        let page = p.tenant.api.orders(&query).await.ok();
        let items = page["data"].as_array().expect("a page has data");
        listed.extend(items.iter().map(|order| order["id"].clone()));
        match page["next_cursor"].as_str() {
            Some(cursor) => query = format!("limit=2&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(listed, placed);
}
