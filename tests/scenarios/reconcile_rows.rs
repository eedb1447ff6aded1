//! What a tenant sees of a compared day: its rows of the bill, and its day in columns.

use serde_json::{Value, json};
use tributary_domain::bill::BillDay;
use tributary_tests::{Behaviour, TestPlatform, TestTenant, scenario};
use wechatpay_sim::BillFaultKind;

use crate::reconcile::{fault, morning_after, of_order, reconcile, refund};

scenario!(tenant_sees_its_rows_and_its_day_alone, own_rows);
async fn own_rows(p: &TestPlatform) {
    let day = BillDay::of(p.now());
    let other = p.another_tenant().await;
    p.register(&p.tenant, "hook", &["order.paid"]).await;
    let order = p.paid_order(888).await;
    let lost = p.paid_order(112).await;
    refund(p, &order, "R-1", 300).await;
    fault(p, of_order(BillFaultKind::Drop, &lost));
    morning_after(p, day).await;
    reconcile(p).await;

    let first = p
        .tenant
        .api
        .get(&format!("/v1/bills?date={day}&limit=1"))
        .await
        .ok();
    assert_eq!(first["data"].as_array().map(Vec::len), Some(1));
    let cursor = first["next_cursor"].as_str().expect("a second page");
    let path = format!("/v1/bills?date={day}&limit=1&cursor={cursor}");
    let second = p.tenant.api.get(&path).await.ok();
    assert_eq!(second["has_more"], false);
    let rows = [&first["data"][0], &second["data"][0]];
    let payment = rows
        .iter()
        .find(|row| row["kind"] == "payment")
        .expect("a payment");
    assert_eq!(payment["order_id"], order["id"]);
    assert_eq!(
        payment["transaction_id"],
        p.seen(&order).await["transaction_id"]
    );
    assert_eq!(
        (&payment["total"], &payment["refund"]),
        (&json!(888), &json!(0))
    );

    for (path, accept) in [("&format=csv", "*/*"), ("", "text/csv")] {
        let path = format!("/v1/bills?date={day}{path}");
        let headers = [("accept", accept)];
        let file = p
            .tenant
            .api
            .send(reqwest::Method::GET, &path, &headers, None)
            .await;
        assert_eq!(file.status, 200, "{}", file.text);
        let kind = file.headers.get("content-type").expect("a type");
        assert!(kind.as_bytes().starts_with(b"text/csv"), "{kind:?}");
        assert_eq!(file.text.lines().count(), 3, "{}", file.text);
        assert!(file.text.contains("\"8.88\""), "{}", file.text);
    }
    let foreign = other.api.get(&format!("/v1/bills?date={day}")).await.ok();
    assert_eq!(foreign["data"], json!([]));
    p.tenant
        .api
        .get("/v1/bills?date=yesterday")
        .await
        .problem(422, "validation_failed");

    own_day(p, day, (&other, &lost)).await;
}

async fn own_day(p: &TestPlatform, day: BillDay, (other, lost): (&TestTenant, &Value)) {
    let path = format!("/v1/reconciliation/days/{day}");
    let seen = p.tenant.api.get(&path).await.ok();
    let column = |count: i64, fen: i64| json!({"count": count, "fen": fen});
    assert_eq!(seen["state"], "completed");
    assert_eq!(seen["paid_at_wechat"], column(1, 888));
    for name in ["known", "told", "delivered"] {
        assert_eq!(seen[name], column(2, 1_000), "{name}");
    }
    assert_eq!(seen["discrepancies"][0]["class"], "R02");
    assert_eq!(seen["discrepancies"][0]["order_id"], lost["id"]);
    assert_eq!(seen["untold"], json!([]));
    let foreign = other.api.get(&path).await.ok();
    assert_eq!(
        (&foreign["known"], &foreign["discrepancies"]),
        (&column(0, 0), &json!([]))
    );
}

/// As if the event had never been written, with whatever hangs on it.
async fn forget_that_it_was_told(p: &TestPlatform, order: &Value) {
    let id = order["id"].as_str().expect("an id");
    let told = format!("SELECT id FROM events WHERE subject_id = '{id}' AND kind = 'order.paid'");
    let sent = format!("SELECT id FROM deliveries WHERE event_id IN ({told})");
    for sql in [
        format!("DELETE FROM delivery_attempts WHERE delivery_id IN ({sent})"),
        format!("DELETE FROM delivery_queue WHERE delivery_id IN ({sent})"),
        format!("DELETE FROM deliveries WHERE event_id IN ({told})"),
    ] {
        p.database.execute(&sql).await;
    }
    let event = format!("DELETE FROM events WHERE subject_id = '{id}' AND kind = 'order.paid'");
    assert_eq!(p.database.execute(&event).await, 1);
}

scenario!(
    three_columns_of_a_day_and_each_gap_between_them_are_shown,
    gaps
);
async fn gaps(p: &TestPlatform) {
    let day = BillDay::of(p.now());
    p.register(&p.tenant, "hook", &["order.paid"]).await;
    // One that everybody knows of, one that the bill lacks, one that was not told, and one that was told in vain.
    p.paid_order(1_000).await;
    let lacking = p.paid_order(200).await;
    let silent = p.paid_order(30).await;
    forget_that_it_was_told(p, &silent).await;
    let broken = reqwest::StatusCode::INTERNAL_SERVER_ERROR;
    p.receiver.behave("hook", Behaviour::Answer(broken));
    let vain = p.paid_order(4).await;
    fault(p, of_order(BillFaultKind::Drop, &lacking));
    morning_after(p, day).await;
    reconcile(p).await;

    let path = format!("/v1/reconciliation/days/{day}");
    let seen = p.tenant.api.get(&path).await.ok();
    let column = |count: i64, fen: i64| json!({"count": count, "fen": fen});
    let columns = ["paid_at_wechat", "known", "told", "delivered"].map(|name| &seen[name]);
    let expected = [
        column(3, 1_034),
        column(4, 1_234),
        column(3, 1_204),
        column(2, 1_200),
    ];
    assert_eq!(columns, expected.each_ref());
    let gap = |gap: &str, order: &Value, fen: i64| {
        json!({
            "gap": gap, "order_id": order["id"], "fen": fen,
            "merchant_order_no": order["merchant_order_no"],
        })
    };
    let untold = json!([gap("not_told", &silent, 30), gap("not_delivered", &vain, 4)]);
    assert_eq!(seen["untold"], untold);
    assert_eq!(seen["discrepancies"][0]["order_id"], lacking["id"]);

    // Once the receiver takes it, that gap is closed.
    p.receiver
        .behave("hook", Behaviour::Answer(reqwest::StatusCode::OK));
    p.advance_seconds(48 * 3_600).await;
    let seen = p.tenant.api.get(&path).await.ok();
    assert_eq!(seen["delivered"], column(3, 1_204));
    assert_eq!(seen["untold"], json!([gap("not_told", &silent, 30)]));
}
