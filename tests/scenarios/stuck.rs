//! What nobody will look at again is counted, shown and warned of.

use tributary_tests::{TestPlatform, scenario};

/// How each kind is planted, and how it is mended.
const PLANTED: &[(&str, &str, &str)] = &[
    (
        "orders",
        "UPDATE orders SET next_poll_at = NULL WHERE state = 'paying'",
        "UPDATE orders SET next_poll_at = {later} WHERE state = 'paying'",
    ),
    (
        "attempts",
        "UPDATE attempts SET state = 'prepared' WHERE state = 'success'",
        "UPDATE attempts SET state = 'success' WHERE order_id IN (SELECT id FROM orders WHERE state = 'paid')",
    ),
    (
        "reconciliations",
        "INSERT INTO reconciliations (id, provider_id, mode, day, state, tries, payment_local_count, \
         payment_local_fen, payment_bill_count, payment_bill_fen, payment_discrepancy_fen, refund_local_count, \
         refund_local_fen, refund_bill_count, refund_bill_fen, refund_discrepancy_fen, created_at, updated_at) \
         VALUES ('rec_planted', 'prv_planted', 'test', '2026-01-01', 'waiting', 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)",
        "DELETE FROM reconciliations WHERE id = 'rec_planted'",
    ),
    (
        "jobs",
        "INSERT INTO jobs (id, mode, kind, state, asked_by, wish, done, troubles, result_bytes, result_chunks, fence, \
         lease_until, created_at, updated_at) \
         VALUES ('job_planted', 'test', 'export_orders', 'running', 'li', '{}', 0, 0, 0, 0, 0, 0, 0, 0)",
        "DELETE FROM jobs WHERE id = 'job_planted'",
    ),
    (
        "refunds",
        "UPDATE refunds SET next_try_at = NULL",
        "UPDATE refunds SET next_try_at = {later}",
    ),
    (
        "notifications",
        "UPDATE notifications SET state = 'received'",
        "UPDATE notifications SET state = 'applied'",
    ),
    (
        "deliveries",
        "UPDATE deliveries SET state = 'open' WHERE state = 'succeeded'",
        "UPDATE deliveries SET state = 'succeeded' WHERE state = 'open'",
    ),
];

/// What `/readyz` and `/metrics` say.
async fn page(p: &TestPlatform, path: &str) -> String {
    let url = format!("{}{path}", p.platform.api_url());
    let answer = reqwest::get(url).await.expect("an answer");
    assert_eq!(answer.status(), 200);
    answer.text().await.expect("a text")
}

scenario!(every_kind_of_row_that_nobody_looks_at_again_is_told, told);
async fn told(p: &TestPlatform) {
    p.register(&p.tenant, "hook", &["order.paid"]).await;
    p.order(100).await;
    let paid = p.paid_order(888).await;
    let body = crate::refund::asked(&paid, "R-1", 100);
    p.tenant.api.create_refund(&body).await.ok();
    // The refunded order is paid still, and a further one is.
    p.paid_order(777).await;
    let operations = p.platform.operations();
    let later = p.now().plus_millis(3_600_000).as_millis().to_string();
    assert_eq!(operations.count_stuck_rows().await.expect("a count"), 0);
    assert_eq!(page(p, "/readyz").await, "ready\n");
    for (what, plant, mend) in PLANTED {
        let planted = p.database.execute(plant).await;
        assert!(planted > 0, "{what}");
        let counted = operations.count_stuck_rows().await.expect("a count");
        assert_eq!(counted, planted, "{what}");
        let warning = format!("ready\nwarning: {planted} rows without a next action\n");
        assert_eq!(page(p, "/readyz").await, warning, "{what}");
        let gauge = format!("tributary_stuck_rows{{what=\"{what}\"}}");
        assert!(page(p, "/metrics").await.contains(&gauge), "{what}");
        p.database.execute(&mend.replace("{later}", &later)).await;
        assert_eq!(
            operations.count_stuck_rows().await.expect("a count"),
            0,
            "{what}"
        );
    }
}
