//! What WeChat says is believed when it is WeChat's, fits the order, and is kept; and it takes effect once.

use futures::future::join_all;
use serde_json::{Value, json};
use tributary_tests::platform::number;
use tributary_tests::{TestPlatform, scenario};
use wechatpay_sim::{Fault, FaultKind};

/// A busy machine may need more than one round; one that needs this many is broken.
const ROUNDS: usize = 20;

async fn alarms(p: &TestPlatform, kind: &str) -> i64 {
    p.database
        .count(&format!(
            "SELECT COUNT(*) FROM alarms WHERE kind = '{kind}'"
        ))
        .await
}

async fn kept(p: &TestPlatform, state: &str) -> i64 {
    p.database
        .count(&format!(
            "SELECT COUNT(*) FROM notifications WHERE state = '{state}'"
        ))
        .await
}

scenario!(
    fifty_duplicated_shuffled_notifications_tell_the_tenant_once,
    fifty
);
async fn fifty(p: &TestPlatform) {
    p.register(&p.tenant, "hook", &["*"]).await;
    let orders = [
        p.order(1).await,
        p.order(2).await,
        p.order(3).await,
        p.order(4).await,
        p.order(5).await,
    ];
    let mut said: Vec<(String, Value)> = Vec::new();
    for copy in 0..10 {
        for (at, order) in orders.iter().enumerate() {
            let total = order["amount"]["total"].as_i64().expect("a total");
            let mut plain = p.hand.paid(&p.tenant, number(order), total);
            plain["transaction_id"] = json!(format!("420000000020261121000000000{at}"));
            // WeChat repeats a notification under its id, and may make a second one for the same payment.
            said.push((format!("notice-{at}-{}", copy % 2), plain));
        }
    }
    // A fixed shuffle: 17 and 50 have no common factor, so every one is sent, and neighbours lie far apart.
    let mut waiting: Vec<&(String, Value)> = (0..50).map(|at| &said[at * 17 % 50]).collect();
    for _ in 0..ROUNDS {
        let answers = join_all(waiting.iter().map(|(id, plain)| p.say(id, plain))).await;
        let told = waiting.iter().copied().zip(answers);
        // As WeChat does: what was not acknowledged comes again.
        waiting = told
            .filter(|(_, answer)| answer.status != 204)
            .map(|(one, _)| one)
            .collect();
        if waiting.is_empty() {
            break;
        }
    }
    assert!(
        waiting.is_empty(),
        "{} are never acknowledged",
        waiting.len()
    );
    p.settle().await;
    for order in &orders {
        assert_eq!(p.seen(order).await["state"], "paid");
        assert_eq!(p.told(order).await, ["order.created", "order.paid"]);
    }
    assert_eq!(p.receiver.of_kind("hook", "order.paid").len(), 5);
}

scenario!(
    notification_that_wechat_sends_fifty_times_at_once_is_told_once,
    copies
);
async fn copies(p: &TestPlatform) {
    p.register(&p.tenant, "hook", &["*"]).await;
    let mut fault = Fault::of(FaultKind::NotificationDuplicated).times(1);
    fault.copies = Some(50);
    p.simulator.fault(fault);
    let order = p.order(100).await;
    p.pay(&order);
    p.settle().await;
    assert_eq!(p.told(&order).await, ["order.created", "order.paid"]);
    assert_eq!(p.receiver.of_kind("hook", "order.paid").len(), 1);
}

scenario!(notification_for_nobody_is_kept_and_alarmed, nobody);
async fn nobody(p: &TestPlatform) {
    let plain = p
        .hand
        .paid(&p.tenant, "T00000000000000000000000000001", 100);
    assert_eq!(p.say("for-nobody", &plain).await.status, 204);
    assert_eq!(kept(p, "quarantined").await, 1);
    assert_eq!(alarms(p, "unrouted").await, 1);
}

scenario!(
    notification_that_does_not_fit_its_order_is_kept_alarmed_and_not_applied,
    does_not_fit
);
async fn does_not_fit(p: &TestPlatform) {
    let other = p.another_tenant().await;
    let cases: [(&str, &str, Value); 5] = [
        ("/amount/currency", "currency_mismatch", json!("USD")),
        ("/sub_appid", "appid_mismatch", json!(other.sub_appid)),
        ("/sp_appid", "appid_mismatch", json!("wx0000000000000009")),
        ("/sub_mchid", "sub_mchid_mismatch", json!(other.sub_mchid)),
        ("/sp_mchid", "sp_mchid_mismatch", json!("1900000001")),
    ];
    for (pointer, kind, value) in cases {
        let before = alarms(p, kind).await;
        let order = p.order(100).await;
        let mut plain = p.hand.paid(&p.tenant, number(&order), 100);
        *plain.pointer_mut(pointer).expect("a field") = value;
        assert_eq!(
            p.say(&format!("wrong{pointer}"), &plain).await.status,
            204,
            "{pointer}"
        );
        p.settle().await;
        assert_eq!(p.seen(&order).await["state"], "paying", "{pointer}");
        assert_eq!(alarms(p, kind).await, before + 1, "{pointer}");
        assert_eq!(p.told(&order).await, ["order.created"], "{pointer}");
    }
    assert_eq!(kept(p, "quarantined").await, 5);
}

scenario!(
    payment_of_another_amount_never_pays_the_order_and_is_alarmed,
    other_amount
);
async fn other_amount(p: &TestPlatform) {
    let order = p.order(100).await;
    let wish = wechatpay_sim::PayOrder {
        amount_total: Some(1),
        ..wechatpay_sim::PayOrder::default()
    };
    p.pay_as(&order, &wish);
    p.settle().await;
    assert_eq!(p.seen(&order).await["state"], "held");
    assert_eq!(alarms(p, "amount_mismatch").await, 1);
}

scenario!(
    forged_notification_is_refused_and_the_true_one_believed,
    forged
);
async fn forged(p: &TestPlatform) {
    p.simulator
        .fault(Fault::of(FaultKind::NotificationForged).times(1));
    let order = p.order(100).await;
    p.pay(&order);
    p.settle().await;
    let attempts = attempts(p);
    assert_eq!(attempts[0], Some(401));
    assert_eq!(attempts[1], Some(204));
    assert_eq!(p.seen(&order).await["state"], "paid");
    assert_eq!(
        p.database.count("SELECT COUNT(*) FROM notifications").await,
        1
    );
}

scenario!(probe_is_refused, probe);
async fn probe(p: &TestPlatform) {
    p.simulator
        .fault(Fault::of(FaultKind::NotificationProbe).times(1));
    let order = p.order(100).await;
    p.pay(&order);
    p.settle().await;
    assert_eq!(attempts(p), [Some(401), Some(204)]);
}

/// The status of each delivery of the only notification.
fn attempts(p: &TestPlatform) -> Vec<Option<u16>> {
    let notifications = p.simulator.ledger().notifications;
    assert_eq!(notifications.len(), 1);
    notifications[0]
        .attempts
        .iter()
        .map(|attempt| attempt.http_status)
        .collect()
}

scenario!(unsigned_or_old_or_damaged_notification_is_refused, unsigned);
async fn unsigned(p: &TestPlatform) {
    let order = p.order(100).await;
    let plain = p.hand.paid(&p.tenant, number(&order), 100);
    let now = p.now();
    let (headers, body) = p.hand.notification("n", &plain, now);
    assert_eq!(p.notify((Vec::new(), body.clone())).await.status, 401);
    for missing in ["timestamp", "nonce", "signature", "serial"] {
        let name = format!("wechatpay-{missing}");
        let some = headers
            .iter()
            .filter(|(known, _)| !known.eq_ignore_ascii_case(&name));
        let answer = p.notify((some.cloned().collect(), body.clone())).await;
        assert_eq!(answer.status, 401, "without {name}");
    }
    let mut changed = body.clone();
    changed.push(b' ');
    assert_eq!(p.notify((headers.clone(), changed)).await.status, 401);
    for skew_seconds in [-301, 301] {
        let at = now.plus_millis(skew_seconds * 1000);
        assert_eq!(
            p.notify(p.hand.notification("n", &plain, at)).await.status,
            401
        );
    }
    p.settle().await;
    assert_eq!(p.seen(&order).await["state"], "paying");
    assert_eq!(
        p.database.count("SELECT COUNT(*) FROM notifications").await,
        0
    );
}

scenario!(
    unknown_serial_is_looked_up_once_and_then_wechat_must_come_again,
    unknown_serial
);
async fn unknown_serial(p: &TestPlatform) {
    // A fault that changes nothing counts the calls.
    p.simulator.fault(
        Fault::of(FaultKind::Delay)
            .on_path("/v3/certificates")
            .delayed_by(0),
    );
    let order = p.order(100).await;
    let plain = p.hand.paid(&p.tenant, number(&order), 100);
    let sent = (0..10).map(|at| {
        let (mut headers, body) = p.hand.notification(&format!("n{at}"), &plain, p.now());
        for (_, value) in headers
            .iter_mut()
            .filter(|(name, _)| name.eq_ignore_ascii_case("wechatpay-serial"))
        {
            "7777777777777777777777777777777777777777".clone_into(value);
        }
        p.notify((headers, body))
    });
    for answer in join_all(sent).await {
        assert!(
            answer.status.is_server_error(),
            "{} {}",
            answer.status,
            answer.text
        );
    }
    assert_eq!(certificate_calls(p), 1);
    assert_eq!(p.seen(&order).await["state"], "paying");
}

fn certificate_calls(p: &TestPlatform) -> u64 {
    let faults = p.simulator.faults();
    let all = faults["faults"].as_array().expect("a list of faults");
    all.iter()
        .filter_map(|fault| fault["happened"].as_u64())
        .sum()
}

scenario!(
    notification_with_an_unknown_serial_is_taken_when_it_comes_again,
    comes_again
);
async fn comes_again(p: &TestPlatform) {
    p.simulator
        .fault(Fault::of(FaultKind::NotificationUnknownSerial).times(1));
    let order = p.order(100).await;
    p.pay(&order);
    p.settle().await;
    assert_eq!(p.seen(&order).await["state"], "paying");
    p.advance_seconds(15).await;
    assert_eq!(p.seen(&order).await["state"], "paid");
}

scenario!(
    notification_that_cannot_be_kept_is_not_acknowledged,
    not_kept
);
async fn not_kept(p: &TestPlatform) {
    let order = p.order(100).await;
    let plain = p.hand.paid(&p.tenant, number(&order), 100);
    p.database
        .execute("ALTER TABLE notifications RENAME TO notifications_away")
        .await;
    let refused = p.say("n", &plain).await;
    p.database
        .execute("ALTER TABLE notifications_away RENAME TO notifications")
        .await;
    assert!(refused.status.is_server_error(), "{}", refused.status);
    assert_eq!(refused.body["code"], "FAIL");
    assert_eq!(p.seen(&order).await["state"], "paying");
    assert_eq!(p.say("n", &plain).await.status, 204);
    assert_eq!(p.seen(&order).await["state"], "paid");
}

scenario!(
    second_payment_of_a_paid_order_is_told_and_changes_nothing_about_the_first,
    second_payment
);
async fn second_payment(p: &TestPlatform) {
    let order = p.order(100).await;
    let mut plain = p.hand.paid(&p.tenant, number(&order), 100);
    assert_eq!(p.say("first", &plain).await.status, 204);
    let first = p.seen(&order).await;
    plain["transaction_id"] = json!("4200000000202611210000000099");
    assert_eq!(p.say("second", &plain).await.status, 204);
    assert_eq!(
        p.seen(&order).await["transaction_id"],
        first["transaction_id"]
    );
    assert_eq!(p.say("second again", &plain).await.status, 204);
    assert_eq!(alarms(p, "duplicate_paid").await, 1);
    p.settle().await;
    let told = ["order.created", "order.paid", "order.duplicate_paid"];
    assert_eq!(p.told(&order).await, told);
}

scenario!(
    notification_at_a_route_that_nobody_has_is_not_found,
    no_route
);
async fn no_route(p: &TestPlatform) {
    let api = tributary_tests::Api::new(&p.platform.api_url(), None);
    let path = "/wechat/notify/00000000000000000000000000000000/transaction";
    let answer = api
        .send(reqwest::Method::POST, path, &[], Some(b"{}".to_vec()))
        .await;
    assert_eq!(answer.status, 404);
}

scenario!(
    an_unknown_serial_is_told_wherever_it_is_met_and_whoever_looked_for_it_last,
    unknown_serials
);
async fn unknown_serials(p: &TestPlatform) {
    let on_orders = || Fault::of(FaultKind::UnknownSerial).on_path("/v3/pay/");
    // An answer has the one look of this minute; its repetition is as it should be.
    p.simulator.fault(on_orders().times(1));
    let order = p.order(888).await;
    assert_eq!(alarms(p, "unknown_serial").await, 0);
    p.simulator
        .fault(Fault::of(FaultKind::NotificationUnknownSerial).times(1));
    p.pay(&order);
    p.settle().await;
    assert_eq!(alarms(p, "unknown_serial").await, 1);

    // An hour later answers alone show one, whose repetitions do not help.
    p.advance_seconds(3_601).await;
    assert_eq!(p.seen(&order).await["state"], "paid");
    p.simulator.fault(on_orders());
    for total in [1, 2] {
        let order = p.tenant.order(total);
        let unknown = p.tenant.api.place_order(&order).await;
        assert!(unknown.status.is_server_error(), "{}", unknown.text);
    }
    assert_eq!(alarms(p, "unknown_serial").await, 2);
    let seen_in =
        "SELECT COUNT(*) FROM alarms WHERE kind = 'unknown_serial' AND detail LIKE '%answer%'";
    assert_eq!(p.database.count(seen_in).await, 1);
    p.simulator.clear_faults();
    p.advance_seconds(60).await;
}
