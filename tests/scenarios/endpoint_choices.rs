//! What a tenant may choose about an endpoint, from the request to what its server receives.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, VerifyingKey};
use poem::http::StatusCode;
use serde_json::{Value, json};
use tributary_domain::clock::Timestamp;
use tributary_tests::{Behaviour, TestPlatform, Webhook, scenario};

fn id(value: &Value) -> &str {
    value["id"].as_str().expect("an id")
}

/// Makes an endpoint at the hook for created orders with these choices.
async fn choose(p: &TestPlatform, hook: &str, choices: &Value) -> Value {
    let mut body = json!({"url": p.receiver.url(hook), "events": ["order.created"]});
    for (name, value) in choices.as_object().expect("choices") {
        body[name] = value.clone();
    }
    let made = p.tenant.api.create_endpoint(&body).await.ok();
    p.settle().await;
    made
}

fn created(p: &TestPlatform, hook: &str) -> Vec<Webhook> {
    p.receiver.of_kind(hook, "order.created")
}

/// Verifies `v1a` with a library that knows nothing of ours.
fn is_signed_by(webhook: &Webhook, public_key: &str) -> bool {
    let key = public_key.strip_prefix("whpk_").expect("a public key");
    let key: [u8; 32] = STANDARD
        .decode(key)
        .expect("base64")
        .try_into()
        .expect("32 bytes");
    let key = VerifyingKey::from_bytes(&key).expect("a key");
    let (id, at) = (
        &webhook.headers["webhook-id"],
        &webhook.headers["webhook-timestamp"],
    );
    let message = [id.as_bytes(), b".", at.as_bytes(), b".", &webhook.body].concat();
    let listed = webhook.headers["webhook-signature"].split(' ');
    listed
        .filter_map(|one| one.strip_prefix("v1a,"))
        .any(|one| {
            let bytes = STANDARD.decode(one).expect("base64");
            let signature = Signature::from_slice(&bytes).expect("a signature");
            key.verify_strict(&message, &signature).is_ok()
        })
}

scenario!(own_headers_are_sent_and_never_shown_again, headers);
async fn headers(p: &TestPlatform) {
    let choices =
        json!({"headers": {"Authorization": "Bearer canary-of-the-header", "X-Shop": "7"}});
    let endpoint = choose(p, "hook", &choices).await;
    let shown = json!({"authorization": "***", "x-shop": "***"});
    assert_eq!(endpoint["headers"], shown);
    p.order(100).await;
    p.settle().await;
    let sent = &created(p, "hook")[0].headers;
    assert_eq!(sent["authorization"], "Bearer canary-of-the-header");
    assert_eq!(sent["x-shop"], "7");
    let deliveries = p
        .tenant
        .api
        .deliveries("event_type=order.created")
        .await
        .ok();
    let log = p.tenant.api.delivery(id(&deliveries["data"][0])).await.ok();
    let attempt = &log["attempt_log"][0];
    assert_eq!(attempt["request_headers"]["authorization"], "***");
    assert_eq!(
        attempt["request_headers"]["webhook-signature"],
        sent["webhook-signature"]
    );
    assert!(attempt["first_byte_ms"].is_i64(), "{attempt}");
    let read = p.tenant.api.endpoint(id(&endpoint)).await.ok();
    assert_eq!(read["headers"], shown);
    assert!(!format!("{endpoint}{read}{log}").contains("canary-of-the-header"));
    let kept = p.database.dump().await;
    let canary = b"canary-of-the-header";
    assert!(
        !kept.windows(canary.len()).any(|bytes| bytes == canary),
        "in the clear"
    );

    let others = json!({"headers": {"x-new": "1"}});
    let changed = p
        .tenant
        .api
        .update_endpoint(id(&endpoint), &others)
        .await
        .ok();
    assert_eq!(changed["headers"], json!({"x-new": "***"}));
    p.tenant
        .api
        .update_endpoint(id(&endpoint), &json!({"description": "kept"}))
        .await
        .ok();
    p.order(200).await;
    p.settle().await;
    let sent = &created(p, "hook")[1].headers;
    assert_eq!(sent["x-new"], "1");
    assert!(!sent.contains_key("x-shop"));
}

scenario!(choices_that_cannot_be_are_refused_by_field, refused);
async fn refused(p: &TestPlatform) {
    let eleven: serde_json::Map<String, Value> =
        (0..11).map(|n| (format!("x-{n}"), json!("v"))).collect();
    let endpoint = choose(p, "hook", &json!({})).await;
    for (choice, field) in [
        (
            json!({"headers": {"Webhook-Id": "mine"}}),
            "/headers/Webhook-Id",
        ),
        (json!({"headers": {"host": "inside"}}), "/headers/host"),
        (
            json!({"headers": {"x-a": "line\r\nbreak: 1"}}),
            "/headers/x-a",
        ),
        (json!({"headers": {"x/a": "1"}}), "/headers/x~1a"),
        (json!({"headers": {"x-a": "***"}}), "/headers/x-a"),
        (json!({"headers": eleven}), "/headers"),
        (json!({"payload": "slim"}), "/payload"),
        (json!({"schedule": "never"}), "/schedule"),
        (json!({"sub_mchids": ["19000O0109"]}), "/sub_mchids/0"),
        (json!({"sub_mchids": vec!["1"; 101]}), "/sub_mchids"),
        (json!({"timeout_seconds": 2}), "/timeout_seconds"),
        (json!({"timeout_seconds": 31}), "/timeout_seconds"),
        (json!({"ordered": "yes"}), "/ordered"),
    ] {
        let answer = p.tenant.api.update_endpoint(id(&endpoint), &choice).await;
        assert!(answer.names_field(field), "{choice}: {}", answer.text);
        answer.problem(422, "validation_failed");
        let mut body = choice.clone();
        body["url"] = json!(p.receiver.url("other"));
        let answer = p.tenant.api.create_endpoint(&body).await;
        assert!(answer.names_field(field), "{choice}: {}", answer.text);
    }
    for (choice, field) in [
        (json!({"signature": "v2"}), "/signature"),
        (json!({"api_version": "2020-01-01"}), "/api_version"),
    ] {
        let mut body = choice.clone();
        body["url"] = json!(p.receiver.url("other"));
        let answer = p.tenant.api.create_endpoint(&body).await;
        assert!(answer.names_field(field), "{choice}: {}", answer.text);
        // Neither is changed by hand afterwards.
        let answer = p.tenant.api.update_endpoint(id(&endpoint), &choice).await;
        assert!(answer.names_field(field), "{choice}: {}", answer.text);
    }
    let unchanged = p.tenant.api.endpoint(id(&endpoint)).await.ok();
    let usual = ["v1", "full", "standard", "2026-11-01"].map(Value::from);
    let found = ["signature", "payload", "schedule", "api_version"];
    assert_eq!(found.map(|name| unchanged[name].clone()), usual);
}

scenario!(v1a_is_verified_by_the_public_key_alone, public_key);
async fn public_key(p: &TestPlatform) {
    let endpoint = choose(p, "hook", &json!({"signature": "v1a"})).await;
    assert_eq!(endpoint["signature"], "v1a");
    assert!(endpoint.get("secret").is_none(), "{endpoint}");
    let public = endpoint["public_key"].as_str().expect("a public key");
    p.order(100).await;
    p.settle().await;
    let told = created(p, "hook");
    assert!(is_signed_by(&told[0], public));
    assert!(!told[0].headers["webhook-signature"].contains("v1,"));
    let mut other = told[0].clone();
    other.body.push(b' ');
    assert!(!is_signed_by(&other, public));
    let read = p.tenant.api.endpoint(id(&endpoint)).await.ok();
    assert_eq!(read["secrets"][0]["public_key"], public);
    assert_eq!(read["secrets"][0]["signature"], "v1a");
}

scenario!(
    kinds_of_signatures_overlap_while_one_takes_the_others_place,
    switch
);
async fn switch(p: &TestPlatform) {
    let endpoint = choose(p, "hook", &json!({})).await;
    let secret = endpoint["secret"].as_str().expect("a secret");
    let path = format!("/v1/webhook-endpoints/{}/rotate-secret", id(&endpoint));
    let body = json!({"grace_seconds": 3600, "signature": "v1a"});
    let rotated = p.tenant.api.post(&path, &body, "switch-1").await.ok();
    let public = rotated["public_key"].as_str().expect("a public key");
    assert!(rotated.get("secret").is_none());
    p.order(1).await;
    p.settle().await;
    let both = &created(p, "hook")[0];
    let listed = &both.headers["webhook-signature"];
    assert!(
        listed.starts_with("v1a,") && listed.contains(" v1,"),
        "{listed}"
    );
    assert!(is_signed_by(both, public) && both.has_signature_of(secret, p.now()));
    let read = p.tenant.api.endpoint(id(&endpoint)).await.ok();
    let kinds = [
        &read["secrets"][0]["signature"],
        &read["secrets"][1]["signature"],
    ];
    assert_eq!(kinds, ["v1a", "v1"]);

    p.advance_seconds(3601).await;
    p.order(2).await;
    p.settle().await;
    let one = &created(p, "hook")[1];
    assert!(is_signed_by(one, public) && !one.has_signature_of(secret, p.now()));
    // Without a word about the kind it stays as it is; and back again, at once.
    let again = p.tenant.api.rotate_secret(id(&endpoint), 0).await.ok();
    assert!(again["public_key"].is_string());
    let body = json!({"grace_seconds": 0, "signature": "v1"});
    let back = p.tenant.api.post(&path, &body, "switch-2").await.ok();
    p.order(3).await;
    p.settle().await;
    let last = &created(p, "hook")[2];
    assert!(last.has_signature_of(back["secret"].as_str().expect("a secret"), p.now()));
    assert!(!last.headers["webhook-signature"].contains("v1a,"));
}

scenario!(thin_endpoint_gets_ids_and_reads_the_rest, thin);
async fn thin(p: &TestPlatform) {
    choose(p, "thin", &json!({"payload": "thin"})).await;
    choose(p, "full", &json!({})).await;
    let order = p.order(100).await;
    p.settle().await;
    let (thin, full) = (&created(p, "thin")[0], &created(p, "full")[0]);
    assert_eq!(
        thin.event()["data"],
        json!({"object": {"id": order["id"]}, "truncated": true})
    );
    assert_eq!(full.event()["data"]["object"]["amount"]["total"], 100);
    assert_eq!(thin.headers["webhook-id"], full.headers["webhook-id"]);
    let mut without_data = [thin.event(), full.event()];
    for event in &mut without_data {
        event["data"] = json!(null);
    }
    assert_eq!(without_data[0], without_data[1]);
}

scenario!(
    webhook_that_was_too_large_is_sent_thin_the_next_time,
    refused_size
);
async fn refused_size(p: &TestPlatform) {
    choose(p, "hook", &json!({})).await;
    p.receiver
        .behave("hook", Behaviour::Answer(StatusCode::PAYLOAD_TOO_LARGE));
    p.order(100).await;
    p.settle().await;
    p.receiver
        .behave("hook", Behaviour::Answer(StatusCode::NO_CONTENT));
    p.advance_seconds(7).await;
    let told = created(p, "hook");
    assert_eq!(told.len(), 2);
    assert_eq!(told[0].event()["data"].get("truncated"), None);
    assert_eq!(told[1].event()["data"]["truncated"], true);
    assert_eq!(told[0].headers["webhook-id"], told[1].headers["webhook-id"]);
}

scenario!(
    wechats_own_schedule_is_followed_when_chosen,
    wechat_schedule
);
async fn wechat_schedule(p: &TestPlatform) {
    let endpoint = choose(p, "hook", &json!({"schedule": "wechat"})).await;
    p.receiver
        .behave("hook", Behaviour::Answer(StatusCode::INTERNAL_SERVER_ERROR));
    p.order(100).await;
    p.settle().await;
    let query = format!("endpoint_id={}&event_type=order.created", id(&endpoint));
    for seconds in [
        15, 15, 30, 180, 600, 1200, 1800, 1800, 1800, 3600, 10800, 10800, 10800, 21600, 21600,
    ] {
        let page = p.tenant.api.deliveries(&query).await.ok();
        let next = page["data"][0]["next_attempt_at"]
            .as_str()
            .expect("a next attempt");
        let wait_ms = Timestamp::parse_rfc3339(next)
            .expect("a time")
            .millis_since(p.now());
        assert!(
            (seconds * 800..=seconds * 1200).contains(&wait_ms),
            "{seconds}: {wait_ms}"
        );
        p.clock.advance_millis(wait_ms);
        p.settle().await;
    }
    let page = p.tenant.api.deliveries(&query).await.ok();
    assert_eq!(
        (&page["data"][0]["state"], &page["data"][0]["attempts"]),
        (&json!("failed"), &json!(16))
    );
}

scenario!(
    endpoint_hears_of_the_sub_merchants_that_it_names,
    sub_merchants
);
async fn sub_merchants(p: &TestPlatform) {
    choose(p, "mine", &json!({"sub_mchids": [p.tenant.sub_mchid]})).await;
    let other = choose(p, "other", &json!({"sub_mchids": ["1999999999"]})).await;
    p.order(100).await;
    p.settle().await;
    assert_eq!(
        (created(p, "mine").len(), created(p, "other").len()),
        (1, 0)
    );
    p.tenant
        .api
        .update_endpoint(id(&other), &json!({"sub_mchids": []}))
        .await
        .ok();
    p.order(200).await;
    p.settle().await;
    assert_eq!(
        (created(p, "mine").len(), created(p, "other").len()),
        (2, 1)
    );
}

scenario!(
    ordered_endpoint_gets_a_subjects_events_one_after_another,
    ordered
);
async fn ordered(p: &TestPlatform) {
    let body = json!({"url": p.receiver.url("hook"), "events": ["order.*"], "ordered": true});
    p.tenant.api.create_endpoint(&body).await.ok();
    p.settle().await;
    p.receiver
        .behave("hook", Behaviour::Answer(StatusCode::INTERNAL_SERVER_ERROR));
    let order = p.order(100).await;
    p.pay(&order);
    p.settle().await;
    let other = p.order(200).await;
    p.settle().await;
    let kinds = || -> Vec<(String, String)> {
        let told = p.receiver.received("hook").into_iter().skip(1);
        told.map(|one| {
            (
                one.event()["subject"]["id"]
                    .as_str()
                    .expect("a subject")
                    .to_owned(),
                one.kind(),
            )
        })
        .collect()
    };
    let pair = |order: &Value, kind: &str| (id(order).to_owned(), kind.to_owned());
    // The payment waits behind the creation that fails; another order does not.
    assert_eq!(
        kinds(),
        [pair(&order, "order.created"), pair(&other, "order.created")]
    );
    p.receiver
        .behave("hook", Behaviour::Answer(StatusCode::NO_CONTENT));
    p.advance_seconds(7).await;
    let of_order: Vec<String> = kinds()
        .into_iter()
        .filter(|(subject, _)| subject == id(&order))
        .map(|(_, kind)| kind)
        .collect();
    assert_eq!(of_order, ["order.created", "order.created", "order.paid"]);
}

scenario!(every_event_fits_the_published_schema_of_its_type, schemas);
async fn schemas(p: &TestPlatform) {
    choose(p, "thin", &json!({"payload": "thin", "events": ["*"]})).await;
    choose(p, "full", &json!({"events": ["*"]})).await;
    let paid = p.order(100).await;
    p.pay(&paid);
    p.settle().await;
    let closed = p.order(200).await;
    p.tenant.api.close_order(id(&closed)).await.ok();
    p.settle().await;
    let types = p.tenant.api.get("/v1/event-types").await.ok();
    let validator_of = |kind: &str| {
        let all = types["data"].as_array().expect("types");
        let found = all
            .iter()
            .find(|one| one["type"] == kind)
            .expect("every type is listed");
        assert_eq!(found["api_version"], "2026-11-01");
        jsonschema::draft202012::new(&found["schema"]).expect("a schema")
    };
    let mut seen = std::collections::BTreeSet::new();
    for webhook in ["thin", "full"]
        .iter()
        .flat_map(|hook| p.receiver.received(hook))
    {
        let (event, kind) = (webhook.event(), webhook.kind());
        let validator = validator_of(&kind);
        let faults: Vec<String> = validator
            .iter_errors(&event)
            .map(|fault| fault.to_string())
            .collect();
        assert!(faults.is_empty(), "{kind}: {faults:?} {event}");
        let mut wrong = event.clone();
        wrong["seq"] = json!("one");
        assert!(!validator.is_valid(&wrong), "{kind}");
        let mut wrong = event.clone();
        wrong["type"] = json!("order.other");
        assert!(!validator.is_valid(&wrong), "{kind}");
        if kind != "ping" && event["data"].get("truncated").is_none() {
            let mut wrong = event.clone();
            wrong["data"]["object"]["amount"]["total"] = json!("100");
            assert!(!validator.is_valid(&wrong), "{kind}");
        }
        seen.insert(kind);
    }
    let expected = ["order.closed", "order.created", "order.paid", "ping"];
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), expected);
    let ips = p.tenant.api.get("/v1/meta/webhook-ips").await.ok();
    assert_eq!(ips, json!({"object": "webhook_ips", "addresses": []}));
}
