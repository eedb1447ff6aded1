//! The timeline of an order tells its whole story, and no secret.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tributary_tests::api::fresh_key;
use tributary_tests::staff::send;
use tributary_tests::{Behaviour, TestPlatform, scenario};
use wechatpay_sim::{Fault, FaultKind};

/// A call is tried twice; so many lost answers make its outcome unknown.
const BOTH_TRIES: u32 = 2;

async fn timeline(p: &TestPlatform, order: &Value) -> Value {
    let id = order["id"].as_str().expect("an id");
    p.tenant.api.timeline(id, "").await.ok()
}

fn entries(timeline: &Value) -> &Vec<Value> {
    timeline["entries"].as_array().expect("entries")
}

fn of_kind<'a>(timeline: &'a Value, kind: &str) -> Vec<&'a Value> {
    let all = entries(timeline).iter();
    all.filter(|entry| entry["kind"] == kind).collect()
}

/// Prints the document and a line for each entry, as a support engineer reads it.
#[expect(
    clippy::print_stdout,
    reason = "with --nocapture a person reads the story"
)]
fn print(timeline: &Value) {
    println!("{timeline:#}");
    for entry in entries(timeline) {
        let text = |name: &str| entry[name].as_str().expect("a text");
        println!("{}  {}", text("at"), text("summary"));
    }
}

scenario!(order_that_meets_three_faults_reads_as_a_story, three_faults);
async fn three_faults(p: &TestPlatform) {
    p.register(&p.tenant, "hook", &["*"]).await;
    let endpoint = p.tenant.api.get("/v1/webhook-endpoints").await.ok()["data"][0]["id"].clone();
    p.receiver
        .behave("hook", Behaviour::Answer(StatusCode::INTERNAL_SERVER_ERROR));
    let order = order_with_lost_answers(p).await;
    p.simulator
        .fault(Fault::of(FaultKind::NotificationWithheld).times(1));
    p.advance_seconds(1).await;
    p.pay(&order);
    p.advance_seconds(60).await;
    assert_eq!(p.seen(&order).await["state"], "paid");
    p.receiver.behave("hook", Behaviour::Answer(StatusCode::OK));
    p.advance_seconds(3600).await;

    let seen = timeline(p, &order).await;
    print(&seen);
    assert_eq!(seen["state"], "paid");
    assert_eq!(seen["truncated"], false);
    let ats: Vec<&str> = entries(&seen)
        .iter()
        .map(|entry| entry["at"].as_str().expect("a time"))
        .collect();
    assert!(ats.is_sorted(), "{ats:?}");
    lost_answers_are_told(&seen);
    withheld_notification_is_told(&seen);
    failing_webhook_is_told(&seen, &endpoint);
}

/// The lost answers, and the repetition that found the order.
fn lost_answers_are_told(seen: &Value) {
    let calls = of_kind(seen, "call");
    let prepays: Vec<&Value> = calls
        .iter()
        .map(|entry| &entry["call"])
        .filter(|call| call["purpose"] == "prepay")
        .collect();
    let outcomes: Vec<&Value> = prepays.iter().map(|call| &call["outcome"]).collect();
    assert_eq!(outcomes, ["tried_again", "unknown", "succeeded"]);
    assert_eq!(prepays[0]["call_id"], prepays[1]["call_id"]);
    assert_eq!(prepays[1]["failure"], "connection_broken");
    assert_eq!(prepays[1]["retryable"], true);
    assert!(
        prepays[1]["cause"]["zh"]
            .as_str()
            .expect("words")
            .contains("结果未知")
    );
    assert!(prepays[2]["request_id"].is_string() && prepays[2]["key_serial"].is_string());
}

/// A question found the payment, and the notification that came later said nothing new.
fn withheld_notification_is_told(seen: &Value) {
    let calls = of_kind(seen, "call");
    let query = calls
        .iter()
        .find(|entry| entry["call"]["said"] == "SUCCESS");
    assert_eq!(query.expect("a query")["call"]["purpose"], "query_order");
    let notices = of_kind(seen, "notification");
    assert_eq!(notices[0]["notification"]["verdict"], "unchanged");
    let changes: Vec<Value> = of_kind(seen, "event")
        .iter()
        .map(|entry| json!([entry["event"]["from_state"], entry["event"]["to_state"]]))
        .collect();
    let expected = [
        json!([null, "created"]),
        json!(["created", "unknown"]),
        json!(["paying", "paid"]),
    ];
    assert_eq!(changes, expected);
    let paid = of_kind(seen, "event")[2];
    assert_eq!(paid["event"]["source"], "query");
    assert!(
        paid["summary"]
            .as_str()
            .expect("a sentence")
            .ends_with("No notification had come by then.")
    );
}

fn failing_webhook_is_told(seen: &Value, endpoint: &Value) {
    let tries: Vec<&Value> = of_kind(seen, "delivery_attempt")
        .iter()
        .map(|entry| &entry["delivery_attempt"])
        .filter(|one| one["event_type"] == "order.paid")
        .collect();
    assert!(tries.iter().all(|one| one["endpoint_id"] == *endpoint));
    assert_eq!(tries.first().expect("a try")["status"], 500);
    assert_eq!(tries.last().expect("a try")["status"], 200);
}

/// Both tries of the prepay take effect and lose their answers; the tenant asks again a minute later.
async fn order_with_lost_answers(p: &TestPlatform) -> Value {
    p.simulator.fault(
        Fault::of(FaultKind::LostAnswer)
            .on_path("/v3/pay")
            .times(BOTH_TRIES),
    );
    let (body, key) = (p.tenant.order(100), fresh_key());
    let answer = p.tenant.api.post("/v1/orders", &body, &key).await;
    answer.problem(504, "outcome_unknown");
    p.clock.advance_millis(2_000);
    p.tenant.api.post("/v1/orders", &body, &key).await.placed()
}

scenario!(refused_call_carries_its_cause_and_who_must_act, refused);
async fn refused(p: &TestPlatform) {
    let mut fault = Fault::of(FaultKind::Refuse).on_path("/v3/pay").times(1);
    fault.status = Some(403);
    fault.code = Some("NOAUTH".to_owned());
    p.simulator.fault(fault);
    let answer = p.tenant.api.place_order(&p.tenant.order(100)).await;
    answer.problem(422, "wechat_refused");
    let order = p.tenant.api.orders("limit=1").await.ok()["data"][0].clone();
    let seen = timeline(p, &order).await;
    let call = &of_kind(&seen, "call")[0]["call"];
    assert_eq!(call["outcome"], "failed");
    assert_eq!(call["code"], "NO_AUTH");
    assert_eq!(
        (&call["who_must_act"], &call["retryable"]),
        (&json!("tenant"), &json!(false))
    );
    assert!(
        call["cause"]["en"]
            .as_str()
            .expect("words")
            .contains("has not authorised the provider")
    );
}

scenario!(
    payment_that_does_not_fit_is_in_the_timeline_as_an_alarm,
    misfit
);
async fn misfit(p: &TestPlatform) {
    let order = p.order(100).await;
    let number = order["out_trade_no"].as_str().expect("a number");
    let mut plain = p.hand.paid(&p.tenant, number, 100);
    plain["amount"]["currency"] = json!("USD");
    assert!(p.say("misfit-1", &plain).await.status.is_success());
    let seen = timeline(p, &order).await;
    let notice = &of_kind(&seen, "notification")[0]["notification"];
    assert_eq!(notice["state"], "quarantined");
    assert_eq!(notice["verdict"], "currency_mismatch");
    assert_eq!(
        of_kind(&seen, "alarm")[0]["alarm"]["alarm"],
        "currency_mismatch"
    );
}

scenario!(timeline_is_a_file_when_asked_for_as_one, file);
async fn file(p: &TestPlatform) {
    let order = p.order(100).await;
    let id = order["id"].as_str().expect("an id");
    let answer = p.tenant.api.timeline(id, "?download=1").await;
    let name = format!("attachment; filename=\"order_{id}_timeline.json\"");
    assert_eq!(answer.headers["content-disposition"], name.as_str());
    assert_eq!(answer.headers["content-type"], "application/json");
    let shown = p.tenant.api.timeline(id, "").await;
    assert!(!shown.headers.contains_key("content-disposition"));
    assert_eq!(answer.ok()["entries"], shown.ok()["entries"]);
    let odd = p.tenant.api.timeline(id, "?download=perhaps").await;
    odd.problem(422, "validation_failed");
}

scenario!(timeline_holds_no_openid_no_signature_and_no_body, clean);
async fn clean(p: &TestPlatform) {
    p.register(&p.tenant, "hook", &["*"]).await;
    let order = p.order(100).await;
    p.pay(&order);
    p.settle().await;
    let id = order["id"].as_str().expect("an id");
    let answer = p.tenant.api.timeline(id, "").await;
    assert!(
        answer.text.contains("TRANSACTION.SUCCESS"),
        "{}",
        answer.text
    );
    for word in [
        p.tenant.openid.as_str(),
        "openid",
        "prepay_id",
        "signature\"",
        "ciphertext",
        "mchid=",
        "Authorization",
    ] {
        assert!(!answer.text.contains(word), "{word}: {}", answer.text);
    }
}

scenario!(
    calls_are_recorded_in_batches_and_not_by_the_request,
    batches
);
async fn batches(p: &TestPlatform) {
    let count = || async {
        p.database
            .count("SELECT COUNT(*) FROM upstream_calls")
            .await
    };
    p.settle().await;
    let before = count().await;
    for _ in 0..3 {
        p.order(100).await;
    }
    assert_eq!(count().await, before, "a request wrote its own calls");
    p.settle().await;
    assert_eq!(count().await, before + 3);
    p.advance_seconds(91 * 24 * 3600).await;
    p.platform
        .operations()
        .purge_old_upstream_calls()
        .await
        .expect("old calls go");
    let old = "SELECT COUNT(*) FROM upstream_calls WHERE started_at < ";
    let kept_from = p.now().plus_millis(-90 * 24 * 3600 * 1000).as_millis();
    assert_eq!(p.database.count(&format!("{old}{kept_from}")).await, 0);
}

/// Twelve hundred calls more than there were.
async fn grow(p: &TestPlatform) {
    p.settle().await;
    let columns = "position, provider_id, mode, tenant_id, order_id, purpose, method, path, host, \
                   duration_ms, outcome";
    let many = format!(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1200) \
         INSERT INTO upstream_calls (id, try_number, started_at, {columns}) \
         SELECT id, try_number + i, started_at + i / 400, {columns} FROM upstream_calls, n \
         WHERE purpose = 'prepay'"
    );
    assert_eq!(p.database.execute(&many).await, 1200);
}

scenario!(timeline_that_is_long_is_read_page_by_page, long);
async fn long(p: &TestPlatform) {
    let order = p.order(100).await;
    grow(p).await;
    p.pay(&order);
    p.advance_seconds(1).await;
    let first = timeline(p, &order).await;
    assert_eq!(first["truncated"], true);
    assert_eq!(entries(&first).len(), 1000);
    assert_eq!(entries(&first)[0]["event"]["to_state"], "created");
    let id = order["id"].as_str().expect("an id");
    let cursor = first["next_cursor"].as_str().expect("there is more");
    let second = format!("?cursor={cursor}&download=1");
    let second = p.tenant.api.timeline(id, &second).await;
    assert!(second.headers.contains_key("content-disposition"));
    let second = second.ok();
    assert_eq!(
        (&second["truncated"], second.get("next_cursor")),
        (&json!(false), None)
    );
    // Each call stands on one page, and the payment is told on the second.
    let numbers = [&first, &second].map(|page| {
        let calls = of_kind(page, "call").into_iter();
        let prepays = calls.filter(|one| one["call"]["purpose"] == "prepay");
        prepays
            .map(|one| one["call"]["try_number"].as_i64().expect("a number"))
            .collect::<Vec<_>>()
    });
    assert_eq!(numbers.concat(), (1..=1201).collect::<Vec<_>>());
    let paid = of_kind(&second, "event");
    assert_eq!(paid.last().expect("an event")["event"]["to_state"], "paid");
    for odd in ["1", "1.x", "x.1", "01.1", "1.-1"] {
        let answer = p.tenant.api.timeline(id, &format!("?cursor={odd}")).await;
        assert!(answer.names_field("cursor"), "{odd}");
    }
}

scenario!(
    staff_read_a_long_timeline_page_by_page_or_as_files,
    long_for_staff
);
async fn long_for_staff(p: &TestPlatform) {
    let owner = p.owner("owner@example.com").await;
    let order = p.order(100).await;
    grow(p).await;
    p.pay(&order);
    p.advance_seconds(1).await;
    let id = order["id"].as_str().expect("an id");
    let path = format!("/admin/v1/orders/{id}/timeline?download=1");
    let (mut read, mut cursor) = (Vec::new(), String::new());
    for page in 0..2 {
        let answer = owner.api.get(&format!("{path}{cursor}")).await;
        let name = format!("attachment; filename=\"order_{id}_timeline.json\"");
        assert_eq!(answer.headers["content-disposition"], name.as_str());
        let answer = answer.ok();
        assert_eq!(answer["truncated"], page == 0);
        if let Some(next) = answer["next_cursor"].as_str() {
            cursor = format!("&cursor={next}");
        }
        read.extend(answer["data"].as_array().expect("entries").clone());
    }
    let mut keys: Vec<&str> = read
        .iter()
        .map(|one| one["key"].as_str().expect("a key"))
        .collect();
    assert!(keys.len() > 1_200, "{}", keys.len());
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len(), read.len(), "an entry came twice");
    // The time since the entry before counts across pages as well.
    assert!(read[1_000]["since_previous_ms"].is_i64(), "{}", read[1_000]);
    let shown = owner
        .api
        .get(&format!("/admin/v1/orders/{id}/timeline"))
        .await;
    assert!(!shown.headers.contains_key("content-disposition"));
}

/// What people did, as a timeline tells it: the action and its target.
fn acts(entries: &Value, facts: &str) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let entries = entries.as_array().expect("entries").iter();
    let acts = entries.filter(|entry| entry["kind"] == "act");
    acts.map(|act| (text(&act[facts]["action"]), text(&act[facts]["target"])))
        .collect()
}

scenario!(
    what_people_did_about_an_order_its_refunds_and_requests_is_in_its_timeline,
    people
);
async fn people(p: &TestPlatform) {
    let owner = p.owner("owner@example.com").await;
    let roles = ["platform_finance"];
    let asks = p.invited(&owner, "li@example.com", &roles, None).await;
    let decides = p.invited(&owner, "wu@example.com", &roles, None).await;
    let order = p.paid_order(2_000_000).await;
    let id = order["id"].as_str().expect("an id");
    let path = format!("/admin/v1/orders/{id}/refunds");
    let wish = |fen: i64| json!({"refund": fen, "reason": "Sold out"});
    let made = asks.api.post(&path, &wish(300), &fresh_key()).await.ok();
    let refund = made["refund"]["id"].as_str().expect("an id").to_owned();
    p.advance_seconds(2).await;
    let query = format!("/admin/v1/refunds/{refund}/query");
    send(&asks.api, Method::POST, &query, &json!({})).await.ok();
    p.advance_seconds(60).await;
    let above = asks.api.post(&path, &wish(1_500_000), &fresh_key()).await;
    above.problem(409, "approval_required");
    let pending = decides
        .api
        .get("/admin/v1/approvals?state=pending")
        .await
        .ok();
    let approval = pending["data"][0]["id"].as_str().expect("an id").to_owned();
    p.clock.advance_millis(1_000);
    let approve = format!("/admin/v1/approvals/{approval}/approve");
    let reason = json!({"reason": "the shop called"});
    let done = send(&decides.api, Method::POST, &approve, &reason)
        .await
        .ok();
    let second = done["outcome"].as_str().expect("a refund").to_owned();
    p.settle().await;

    let expected = [
        ("refund.requested", &refund),
        ("refund.queried", &refund),
        ("approval.asked", &approval),
        ("approval.approved", &approval),
        ("refund.requested", &second),
    ];
    let expected = expected.map(|(action, target)| (action.to_owned(), target.clone()));
    let path = format!("/admin/v1/orders/{id}/timeline");
    let staff = owner.api.get(&path).await.ok();
    assert_eq!(acts(&staff["data"], "facts"), expected);
    let entries = staff["data"].as_array().expect("entries").iter();
    let by_people: Vec<&Value> = entries.filter(|one| one["lane"] == "staff").collect();
    assert!(
        by_people.iter().any(|one| one["actor"] == asks.id.as_str()),
        "{staff}"
    );
    // The refund is a person's doing, and not the tenant's.
    let of_person = |one: &&&Value| one["facts"]["source"] == "person";
    assert_eq!(by_people.iter().filter(of_person).count(), 2, "{staff}");

    let told = p.tenant.api.timeline(id, "").await;
    for name in [
        asks.id.as_str(),
        decides.id.as_str(),
        "li@example.com",
        "the shop called",
    ] {
        assert!(!told.text.contains(name), "{name}: {}", told.text);
    }
    let told = told.ok();
    assert_eq!(acts(&told["entries"], "act"), expected);
    let created = of_kind(&told, "event")
        .into_iter()
        .filter(|one| one["event"]["event_type"] == "refund.created");
    for one in created {
        assert_eq!(one["event"]["source"], "person");
    }
}
