//! What must be refused is refused with a problem that names the field, and leaves nothing behind.

use reqwest::Method;
use serde_json::{Value, json};
use tributary_domain::staff::Actor;
use tributary_domain::tenant::{Mode, Scope};
use tributary_operations::credentials::ApiKeyWish;
use tributary_tests::api::fresh_key;
use tributary_tests::{Answer, Api, TestPlatform, scenario};

const JSON: (&str, &str) = ("content-type", "application/json");

/// Sends an order as raw bytes.
async fn post_raw(p: &TestPlatform, body: impl Into<Vec<u8>>) -> Answer {
    let key = fresh_key();
    let headers = [JSON, ("idempotency-key", key.as_str())];
    let body = Some(body.into());
    p.tenant
        .api
        .send(Method::POST, "/v1/orders", &headers, body)
        .await
}

async fn assert_nothing_written(p: &TestPlatform) {
    for table in ["orders", "attempts", "events", "idempotency_keys"] {
        let left = p
            .database
            .count(&format!("SELECT COUNT(*) FROM {table}"))
            .await;
        assert_eq!(left, 0, "rows in {table}");
    }
    assert!(p.simulator.ledger().orders.is_empty());
}

/// Values that a field of an order must not have; the problem names the field itself.
fn bad_values() -> Vec<(&'static str, Vec<Value>)> {
    let long = |part: &str, times: usize| json!(part.repeat(times));
    vec![
        (
            "/merchant_order_no",
            vec![
                json!(""),
                json!("a b"),
                json!("订单"),
                long("n", 65),
                json!(17),
                Value::Null,
            ],
        ),
        ("/sub_mchid", vec![json!("1900000109"), json!("not digits")]),
        (
            "/sub_appid",
            vec![json!("wx0000000000000000"), json!("w x")],
        ),
        (
            "/description",
            vec![json!(""), long("茶", 43), long("x", 7000), json!(["tea"])],
        ),
        ("/amount", vec![json!(100)]),
        (
            "/amount/total",
            vec![
                json!(0),
                json!(-1),
                json!(2_147_483_648_i64),
                json!(i64::MAX),
                json!(u64::MAX),
            ],
        ),
        (
            "/amount/total",
            vec![json!(1.5), json!("100"), json!(true), Value::Null],
        ),
        (
            "/amount/currency",
            vec![json!("USD"), json!("cny"), json!(156)],
        ),
        (
            "/payer",
            vec![json!({}), json!({"sp_openid": "a", "sub_openid": "b"})],
        ),
        (
            "/payer/sub_openid",
            vec![json!(""), long("o", 129), json!({})],
        ),
        ("/attach", vec![long("a", 129), json!(1)]),
        (
            "/time_expire",
            vec![json!("tomorrow"), json!("2026-09-21T08:00:00")],
        ),
        (
            "/time_expire",
            vec![
                json!("2020-01-01T00:00:00+08:00"),
                json!("2030-01-01T00:00:00+08:00"),
            ],
        ),
        ("/detail", vec![json!([])]),
        ("/goods_tag", vec![long("g", 33)]),
        // Unknown fields: a misspelt one must not be dropped where money is concerned.
        ("/total", vec![json!(100)]),
        ("/amount/payer_total", vec![json!(1)]),
        ("/notify_url", vec![json!("https://evil.example")]),
    ]
}

/// A value with a fault inside: the problem names the inner field.
fn bad_parts() -> Vec<(&'static str, Value, &'static str)> {
    vec![
        (
            "/detail",
            json!({"goods_detail": []}),
            "/detail/goods_detail",
        ),
        ("/scene_info", json!({}), "/scene_info/payer_client_ip"),
        (
            "/scene_info",
            json!({"payer_client_ip": "nowhere"}),
            "/scene_info/payer_client_ip",
        ),
        (
            "/settle_info",
            json!({"profit_sharing": "yes"}),
            "/settle_info/profit_sharing",
        ),
    ]
}

scenario!(
    every_bad_field_of_an_order_is_named_and_nothing_is_written,
    fields
);
async fn fields(p: &TestPlatform) {
    for (pointer, values) in bad_values() {
        for value in values {
            refused(p, pointer, &value, pointer).await;
        }
    }
    for (pointer, value, field) in bad_parts() {
        refused(p, pointer, &value, field).await;
    }
    assert_nothing_written(p).await;
}

async fn refused(p: &TestPlatform, pointer: &str, value: &Value, field: &str) {
    let mut order = p.tenant.order(100);
    let (parent, name) = pointer.rsplit_once('/').expect("a pointer");
    let holder = order.pointer_mut(parent).expect("the parent is there");
    holder[name] = value.clone();
    let answer = p.tenant.api.place_order(&order).await;
    assert!(
        answer.names_field(field),
        "{pointer} = {value}: {}",
        answer.text
    );
    answer.problem(422, "validation_failed");
}

scenario!(every_fault_of_an_order_is_told_at_once, at_once);
async fn at_once(p: &TestPlatform) {
    let mut order = p.tenant.order(100);
    order["amount"]["total"] = json!(-1);
    order["description"] = json!("");
    order["attach"] = json!("a".repeat(129));
    let answer = p.tenant.api.place_order(&order).await;
    for field in ["/amount/total", "/description", "/attach"] {
        assert!(answer.names_field(field), "{field}: {}", answer.text);
    }
}

scenario!(missing_fields_are_named, missing);
async fn missing(p: &TestPlatform) {
    for field in ["merchant_order_no", "description", "amount", "payer"] {
        let mut order = p.tenant.order(100);
        order
            .as_object_mut()
            .expect("an object")
            .shift_remove(field);
        let answer = p.tenant.api.place_order(&order).await;
        assert!(
            answer.names_field(&format!("/{field}")),
            "{field}: {}",
            answer.text
        );
        answer.problem(422, "validation_failed");
    }
    assert_nothing_written(p).await;
}

scenario!(body_that_is_not_strict_json_is_refused, not_json);
async fn not_json(p: &TestPlatform) {
    let order = p.tenant.order(100).to_string();
    let twice = order.replacen('{', "{\"description\":\"a\",\"description\":\"b\",", 1);
    let mut invalid_utf8 = order.clone().into_bytes();
    let at = invalid_utf8
        .windows(5)
        .position(|part| part == b"A cup")
        .expect("the text");
    invalid_utf8[at] = 0xff;
    let cases: [(&str, Vec<u8>); 9] = [
        ("empty", Vec::new()),
        ("cut off", order.as_bytes()[..order.len() - 1].to_vec()),
        ("not JSON", b"merchant_order_no=1".to_vec()),
        ("two documents", format!("{order}{order}").into_bytes()),
        ("a key twice", twice.into_bytes()),
        ("not UTF-8", invalid_utf8),
        ("NaN", order.replace("100", "NaN").into_bytes()),
        ("endless number", order.replace("100", "1e400").into_bytes()),
        (
            "deep nesting",
            [vec![b'['; 100_000], vec![b']'; 100_000]].concat(),
        ),
    ];
    for (name, body) in cases {
        let answer = post_raw(p, body).await;
        assert_eq!(answer.status, 400, "{name}: {}", answer.text);
        answer.problem(400, "malformed_json");
    }
    for body in ["null", "[]", "\"order\"", "17"] {
        let answer = post_raw(p, body).await;
        assert!(
            answer.status == 422 || answer.status == 400,
            "{body}: {}",
            answer.text
        );
    }
    assert_nothing_written(p).await;
}

scenario!(oversize_body_is_refused, oversize);
async fn oversize(p: &TestPlatform) {
    let mut order = p.tenant.order(100);
    order["attach"] = json!("a".repeat(1024 * 1024));
    post_raw(p, order.to_string())
        .await
        .problem(413, "body_too_large");
    assert_nothing_written(p).await;
}

scenario!(other_media_types_and_methods_are_refused, media_types);
async fn media_types(p: &TestPlatform) {
    let key = fresh_key();
    let order = p.tenant.order(100).to_string().into_bytes();
    for content_type in [None, Some("text/plain"), Some("application/xml")] {
        let mut headers = vec![("idempotency-key", key.as_str())];
        headers.extend(content_type.map(|value| ("content-type", value)));
        let body = Some(order.clone());
        let answer = p
            .tenant
            .api
            .send(Method::POST, "/v1/orders", &headers, body)
            .await;
        answer.problem(415, "unsupported_media_type");
    }
    let answer = p
        .tenant
        .api
        .send(Method::DELETE, "/v1/orders", &[], None)
        .await;
    assert!(answer.headers.contains_key("allow"));
    answer.problem(405, "method_not_allowed");
    p.tenant
        .api
        .get("/v1/nothing")
        .await
        .problem(404, "not_found");
    assert_nothing_written(p).await;
}

scenario!(bad_idempotency_keys_are_refused, bad_keys);
async fn bad_keys(p: &TestPlatform) {
    let order = p.tenant.order(100);
    let long = "k".repeat(256);
    for key in ["", "two words", long.as_str()] {
        let answer = p.tenant.api.post("/v1/orders", &order, key).await;
        assert!(answer.status.is_client_error(), "{key:?}: {}", answer.text);
        assert!(
            answer.names_field("Idempotency-Key"),
            "{key:?}: {}",
            answer.text
        );
    }
    assert_nothing_written(p).await;
}

scenario!(bad_parameters_of_lists_are_named, bad_parameters);
async fn bad_parameters(p: &TestPlatform) {
    for (path, parameter) in [
        ("/v1/orders?cursor=nonsense", "cursor"),
        ("/v1/orders?limit=0", "limit"),
        ("/v1/orders?limit=101", "limit"),
        ("/v1/orders?limit=many", "limit"),
        ("/v1/orders?state=lost", "state"),
        ("/v1/orders?created_from=yesterday", "created_from"),
        ("/v1/deliveries?cursor=nonsense", "cursor"),
        ("/v1/deliveries?state=lost", "state"),
        ("/v1/deliveries?from=yesterday", "from"),
        ("/v1/webhook-endpoints?cursor=nonsense", "cursor"),
        ("/v1/events?after=nonsense", "after"),
        ("/v1/events?after=-1", "after"),
        ("/v1/events?limit=-1", "limit"),
    ] {
        let answer = p.tenant.api.get(path).await;
        assert!(
            answer.names_field(parameter),
            "{path}: {} {}",
            answer.status,
            answer.text
        );
        answer.problem(422, "validation_failed");
    }
}

scenario!(ids_that_are_none_are_not_found, bad_ids);
async fn bad_ids(p: &TestPlatform) {
    let nobody = "0".repeat(26);
    for path in [
        "/v1/orders/ord_1".to_owned(),
        format!("/v1/orders/ord_{nobody}"),
        format!("/v1/orders/evt_{nobody}"),
        "/v1/orders/%00".to_owned(),
        "/v1/orders/%ff".to_owned(),
        format!("/v1/orders/{}", "a".repeat(4000)),
        format!("/v1/events/evt_{nobody}"),
        format!("/v1/webhook-endpoints/ep_{nobody}"),
        format!("/v1/deliveries/dlv_{nobody}"),
        "/v1/deliveries/'; DROP TABLE orders; --".replace(' ', "%20"),
    ] {
        p.tenant.api.get(&path).await.problem(404, "not_found");
    }
}

scenario!(endpoints_that_may_not_be_are_refused, bad_endpoints);
async fn bad_endpoints(p: &TestPlatform) {
    for url in [
        "",
        "not a URL",
        "ftp://127.0.0.1/hook",
        "http://example.com/hook",
        "https://10.0.0.1/hook",
        "https://169.254.169.254/latest/meta-data",
        "https://user:password@example.com/hook",
        "https://example.com:22/hook",
        "file:///etc/passwd",
    ] {
        let answer = p.tenant.api.create_endpoint(&json!({"url": url})).await;
        assert!(
            answer.names_field("/url"),
            "{url}: {} {}",
            answer.status,
            answer.text
        );
        answer.problem(422, "validation_failed");
    }
    let url = p.receiver.url("hook");
    for events in [
        json!(["order.vanished"]),
        json!([]),
        json!("order.paid"),
        json!([17]),
    ] {
        let answer = p
            .tenant
            .api
            .create_endpoint(&json!({"url": url, "events": events}))
            .await;
        assert_eq!(answer.status, 422, "{events}: {}", answer.text);
    }
    assert_eq!(p.database.count("SELECT COUNT(*) FROM endpoints").await, 0);
}

scenario!(keys_that_open_nothing_are_refused, dead_keys);
async fn dead_keys(p: &TestPlatform) {
    let operations = p.platform.operations();
    let soon = p.now().plus_millis(60_000);
    let tenant = &p.tenant.id;
    let expiring = operations
        .create_api_key(
            &Actor::system("test"),
            tenant,
            ApiKeyWish::new(Mode::Test, "expiring", Scope::ALL.to_vec()).until(soon),
        )
        .await
        .expect("a key");
    let revoked = operations
        .create_api_key(
            &Actor::system("test"),
            tenant,
            ApiKeyWish::new(Mode::Test, "revoked", Scope::ALL.to_vec()),
        )
        .await
        .expect("a key");
    let url = p.platform.api_url();
    let expiring = Api::new(&url, Some(expiring.secret.reveal()));
    let gone = Api::new(&url, Some(revoked.secret.reveal()));
    expiring.me().await.ok();
    gone.me().await.ok();
    operations
        .revoke_api_key(&Actor::system("test"), tenant, &revoked.key.id)
        .await
        .expect("revoked");
    p.clock.advance_millis(60_000);
    expiring.me().await.problem(401, "unauthorized");
    gone.me().await.problem(401, "unauthorized");
    let nobody = Api::new(&url, None);
    for value in [
        "",
        "Bearer",
        "Bearer ",
        "Basic dTpw",
        "Bearer a b",
        &p.tenant.api_key,
    ] {
        let answer = nobody
            .send(Method::GET, "/v1/me", &[("authorization", value)], None)
            .await;
        answer.problem(401, "unauthorized");
    }
}

scenario!(key_without_the_scope_is_refused, scopes);
async fn scopes(p: &TestPlatform) {
    let reader = p
        .platform
        .operations()
        .create_api_key(
            &Actor::system("test"),
            &p.tenant.id,
            ApiKeyWish::new(Mode::Test, "reader", vec![Scope::OrdersRead]),
        )
        .await
        .expect("a key");
    let reader = Api::new(&p.platform.api_url(), Some(reader.secret.reveal()));
    reader.orders("").await.ok();
    reader
        .place_order(&p.tenant.order(1))
        .await
        .problem(403, "insufficient_scope");
    reader.events("").await.problem(403, "insufficient_scope");
    // Nothing of the body, and no header but the key, is judged before the scope is.
    for path in [
        "/v1/orders",
        "/v1/miniprogram-sessions",
        "/v1/webhook-endpoints",
    ] {
        let body = Some(b"{".to_vec());
        let answer = reader.send(Method::POST, path, &[], body).await;
        answer.problem(403, "insufficient_scope");
    }
    reader
        .deliveries("")
        .await
        .problem(403, "insufficient_scope");
    assert_nothing_written(p).await;
}

scenario!(
    a_mangled_signature_or_client_is_refused_and_nothing_breaks,
    mangled
);
async fn mangled(p: &TestPlatform) {
    let nobody = Api::new(&p.platform.api_url(), None);
    let scheme = "WECHATPAY2-SHA256-RSA2048";
    let pairs = |serial: &str, nonce: &str, timestamp: &str, signature: &str| {
        let mchid = p.tenant.id.as_str();
        format!(
            "{scheme} mchid=\"{mchid}\",nonce_str=\"{nonce}\",timestamp=\"{timestamp}\",\
             serial_no=\"{serial}\",signature=\"{signature}\""
        )
    };
    let (long, now) = ("A".repeat(4_000), p.now().as_seconds().to_string());
    for value in [
        scheme.to_owned(),
        format!("{scheme} "),
        format!("{scheme} ,,,"),
        format!("{scheme} mchid=ten_x"),
        format!("{scheme} {}", "a=\"b\",".repeat(500)),
        pairs("0", "nonce-nonce", &now, "AAAA"),
        pairs(&long, "nonce-nonce", &now, "AAAA"),
        pairs("0", &long, &now, "AAAA"),
        pairs("0", "", &now, "AAAA"),
        pairs("0", "nonce-nonce", "-9223372036854775808", "AAAA"),
        pairs("0", "nonce-nonce", "9223372036854775807", "AAAA"),
        pairs("0", "nonce-nonce", "1e9", "AAAA"),
        pairs("0", "nonce-nonce", &now, &long),
        pairs(
            "%00'; DROP TABLE tenant_certificates; --",
            "nonce-nonce",
            &now,
            "AAAA",
        ),
    ] {
        for (method, path, body) in [
            (Method::GET, "/v1/me", None),
            (Method::POST, "/v1/orders", Some(b"{}".to_vec())),
            (Method::GET, "/v1/nothing", None),
        ] {
            let headers = [("authorization", value.as_str())];
            let answer = nobody.send(method, path, &headers, body).await;
            answer.problem(401, "signature_refused");
        }
    }
    let two = pairs("0", "nonce-nonce", &now, "AAAA");
    let headers = [
        ("authorization", two.as_str()),
        ("authorization", two.as_str()),
    ];
    let answer = nobody.send(Method::GET, "/v1/me", &headers, None).await;
    answer.problem(401, "signature_refused");
    let form = ("content-type", "application/x-www-form-urlencoded");
    for (body, basic) in [
        (b"grant_type=%ff%fe&scope=%00".to_vec(), "Basic AAAA"),
        (vec![0xff; 64], "Basic //8="),
        (b"&&&===".to_vec(), ""),
        (b"grant_type=client_credentials".to_vec(), long.as_str()),
    ] {
        let headers = [form, ("authorization", basic)];
        let answer = nobody
            .send(Method::POST, "/oauth/token", &headers, Some(body))
            .await;
        assert!(answer.status.is_client_error(), "{}", answer.text);
        assert!(answer.body["error"].is_string(), "{}", answer.text);
    }
}
