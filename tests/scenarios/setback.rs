//! Setbacks on the way of money: a refused renewal, an unreachable WeChat, a notice that came too early, a wrong amount.

use serde_json::{Value, json};
use sha2::Digest as _;
use tributary_tests::api::fresh_key;
use tributary_tests::platform::number;
use tributary_tests::{TestPlatform, scenario};
use wechatpay_sim::{Fault, FaultKind, PayOrder};

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;

scenario!(
    refused_renewal_leaves_the_open_prepay_payable_and_its_payment_counts,
    refused_renewal
);
async fn refused_renewal(p: &TestPlatform) {
    p.simulator
        .fault(Fault::of(FaultKind::NotificationWithheld));
    let mut body = p.tenant.order(100);
    body["time_expire"] = json!(p.now().plus_millis(5 * HOUR * 1000).to_rfc3339_beijing());
    let order = p.tenant.api.place_order(&body).await.placed();
    for _ in 0..24 {
        p.advance_seconds(5 * MINUTE).await;
    }
    let mut refusal = Fault::of(FaultKind::Refuse).on_path("/jsapi").times(1);
    refusal.status = Some(403);
    refusal.code = Some("RULE_LIMIT".to_owned());
    p.simulator.fault(refusal);
    assert_ne!(p.tenant.api.place_order(&body).await.status, 200);
    p.pay(&order);
    for _ in 0..12 {
        p.advance_seconds(10 * MINUTE).await;
    }
    assert_eq!(p.seen(&order).await["state"], "paid");
}

scenario!(unreachable_wechat_is_never_kept_as_a_refusal, unreachable);
async fn unreachable(p: &TestPlatform) {
    p.database
        .execute("UPDATE providers SET api_url = 'http://127.0.0.1:1', backup_api_url = NULL")
        .await;
    let (body, key) = (p.tenant.order(100), fresh_key());
    for _ in 0..2 {
        let answer = p.tenant.api.post("/v1/orders", &body, &key).await;
        assert!(answer.headers.contains_key("retry-after"));
        answer.problem(503, "wechat_busy");
        p.advance_seconds(HOUR).await;
    }
    let kept = "SELECT count(*) FROM idempotency_keys WHERE recovery_point = 'completed'";
    assert_eq!(p.database.count(kept).await, 0);
    let rejected = "SELECT count(*) FROM attempts WHERE state = 'rejected'";
    assert_eq!(p.database.count(rejected).await, 0);
}

scenario!(
    notice_that_could_not_be_decrypted_is_applied_when_it_comes_again,
    came_too_early
);
async fn came_too_early(p: &TestPlatform) {
    let order = p.order(100).await;
    let signed = undecrypted(p, &order).await;
    assert_eq!(p.notify(signed).await.status, 204);
    assert_eq!(p.seen(&order).await["state"], "paid");
}

scenario!(
    notice_that_could_not_be_decrypted_is_not_acknowledged_before_it_is_applied,
    comes_too_early_again
);
async fn comes_too_early_again(p: &TestPlatform) {
    let order = p.order(100).await;
    let signed = undecrypted(p, &order).await;
    let become_state = async |state| {
        let sql = format!("UPDATE orders SET state = '{state}'");
        p.database.execute(&sql).await;
    };
    let state = p.seen(&order).await["state"].as_str().map(str::to_owned);
    become_state("unreadable").await;
    assert_eq!(p.notify(signed.clone()).await.status, 500);
    become_state(&state.expect("a state")).await;
    assert_eq!(p.notify(signed).await.status, 204);
    assert_eq!(p.seen(&order).await["state"], "paid");
}

/// A notification as WeChat sends it, which came before and could not be decrypted then.
async fn undecrypted(p: &TestPlatform, order: &Value) -> (Vec<(String, String)>, Vec<u8>) {
    let plain = p.hand.paid(&p.tenant, number(order), 100);
    let signed = p.hand.notification("notice-1", &plain, p.now());
    let sha = hex::encode(sha2::Sha256::digest(&signed.1));
    p.database
        .execute(&format!(
            "INSERT INTO notifications (id, provider_id, notice_id, event_type, headers, body, body_sha256, state,
             verdict, received_at, tries) VALUES ('ntf_00000000000000000000000001', '{}', 'notice-1',
             'TRANSACTION.SUCCESS', '{{}}', '', '{sha}', 'quarantined', 'undecryptable', 1, 0)",
            p.provider
        ))
        .await;
    signed
}

scenario!(
    payment_of_another_amount_raises_one_alarm_however_often_it_is_seen,
    one_alarm
);
async fn one_alarm(p: &TestPlatform) {
    p.simulator
        .fault(Fault::of(FaultKind::NotificationWithheld));
    let order = p.order(100).await;
    p.pay_as(
        &order,
        &PayOrder {
            amount_total: Some(1),
            ..PayOrder::default()
        },
    );
    for _ in 0..36 {
        p.advance_seconds(10 * MINUTE).await;
    }
    assert_eq!(p.database.count("SELECT count(*) FROM alarms").await, 1);
    assert_eq!(p.seen(&order).await["state"], "held");
}

scenario!(
    notices_are_kept_for_half_a_year_and_what_waits_for_ever,
    old_notices
);
async fn old_notices(p: &TestPlatform) {
    let order = p.order(100).await;
    p.pay(&order);
    p.settle().await;
    let waiting = format!(
        "INSERT INTO notifications (id, provider_id, notice_id, event_type, headers, body, body_sha256, state,
         received_at, tries, next_try_at) VALUES ('ntf_00000000000000000000000001', '{}', 'notice-1',
         'TRANSACTION.SUCCESS', '{{}}', '', 'ab', 'received', 1, 0, {})",
        p.provider,
        p.now().plus_millis(400 * 24 * HOUR * 1000).as_millis()
    );
    p.database.execute(&waiting).await;
    let count = async || p.database.count("SELECT COUNT(*) FROM notifications").await;
    let operations = p.platform.operations();
    p.advance_seconds(179 * 24 * HOUR).await;
    assert_eq!(
        operations
            .purge_old_notifications()
            .await
            .expect("no fault"),
        0
    );
    assert_eq!(count().await, 2);
    p.advance_seconds(2 * 24 * HOUR).await;
    assert!(
        operations
            .purge_old_notifications()
            .await
            .expect("no fault")
            > 0
    );
    assert_eq!(count().await, 1, "only what is still to be applied");
}
