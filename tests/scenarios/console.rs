//! What staff and members of a tenant see and do: every tenant's affairs, or their own and nobody else's.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tributary_domain::ids::{NotificationId, OrderId, SessionId, StaffId};
use tributary_domain::order_filter::{OrderProblem, Told};
use tributary_domain::refund_content::RefundRequest;
use tributary_domain::staff::{Actor, Role};
use tributary_domain::staff_member::{Email, StaffScope};
use tributary_domain::tenant::Mode;
use tributary_operations::OperationError;
use tributary_operations::idempotency::{Idempotency, fingerprint};
use tributary_operations::inbox::{AlarmFilter, AlarmState};
use tributary_operations::jobs::{JobState, JobWish};
use tributary_operations::notification_search::{NotificationQuery, NotificationState};
use tributary_operations::order_search::OrderQuery;
use tributary_operations::refund_search::RefundQuery;
use tributary_operations::staff::StaffCaller;
use tributary_operations::timeline::staff::{Lane, StaffDetail, TimelineStart, Tone};
use tributary_operations::viewer::{Reach, Viewer};
use tributary_tests::{TestPlatform, TestTenant, scenario};

pub(crate) fn platform(role: Role) -> Viewer {
    Viewer::of_roles(Reach::Platform, &[role])
}

pub(crate) fn member(tenant: &TestTenant, role: Role) -> Viewer {
    Viewer::of_roles(Reach::Tenant(tenant.id.clone()), &[role])
}

pub(crate) fn by() -> Actor {
    Actor::operator("li.wei")
}

/// A person of the platform who proved its presence.
fn person(p: &TestPlatform) -> StaffCaller {
    StaffCaller {
        staff_id: StaffId::new(p.now()),
        name: "Li Wei".to_owned(),
        email: Email::parse("li@example.com").expect("an address"),
        roles: vec![Role::Support],
        scope: StaffScope::Provider,
        invited_by: None,
        session_id: SessionId::new(p.now()),
        is_proven: true,
        must_enrol: false,
        has_second_factor: true,
        ip: None,
        request_id: None,
    }
}

fn order_id(order: &Value) -> OrderId {
    order["id"]
        .as_str()
        .expect("an id")
        .parse()
        .expect("an order's id")
}

pub(crate) fn is_absent<T>(result: &Result<T, OperationError>) -> bool {
    matches!(result, Err(OperationError::NotFound))
}

pub(crate) fn is_denied<T>(result: &Result<T, OperationError>) -> bool {
    matches!(result, Err(OperationError::PermissionDenied(_)))
}

scenario!(staff_see_every_order_and_a_member_its_own, whose_orders);
async fn whose_orders(p: &TestPlatform) {
    let (mine, other) = (&p.tenant, p.another_tenant().await);
    let first = p.paid_order(888).await;
    let theirs = other.api.place_order(&other.order(100)).await.placed();
    let operations = p.platform.operations();
    let query = OrderQuery::of_mode(Mode::Test);
    let find = async |viewer: &Viewer| {
        let page = operations.search_orders(viewer, &query, None, None).await;
        let page = page.expect("a page");
        let ids = page.items.iter().map(|one| one.order.id.to_string());
        // Ids of one millisecond sort at random.
        ids.collect::<BTreeSet<_>>()
    };
    let ids = |orders: &[&Value]| -> BTreeSet<String> {
        let ids = orders.iter().map(|order| order_id(order).to_string());
        ids.collect()
    };
    assert_eq!(
        find(&platform(Role::Support)).await,
        ids(&[&theirs, &first])
    );
    let viewer = member(mine, Role::TenantViewer);
    assert_eq!(find(&viewer).await, ids(&[&first]));
    let stranger = member(&other, Role::TenantOwner);
    assert_eq!(find(&stranger).await, ids(&[&theirs]));
    let sums = operations
        .sum_orders(&stranger, &query)
        .await
        .expect("sums");
    assert_eq!((sums.count, sums.total_fen, sums.complete), (1, 100, true));
    let id = order_id(&first);
    assert!(is_absent(&operations.order_detail(&stranger, &id).await));
    assert!(is_absent(
        &operations
            .staff_timeline(&stranger, &id, TimelineStart::Beginning)
            .await
    ));
    assert!(is_absent(
        &operations.note_order(&by(), &stranger, &id, "mine").await
    ));
    assert!(is_absent(
        &operations.close_order_for(&by(), &stranger, &id).await
    ));
    assert!(is_absent(
        &operations.ask_about_order_for(&by(), &stranger, &id).await
    ));
    let by_number = operations.orders_of_number(&stranger, id.as_str()).await;
    assert!(by_number.expect("a page").items.is_empty());
}

scenario!(an_order_shows_who_may_do_what_and_why_not, one_order);
async fn one_order(p: &TestPlatform) {
    p.register(&p.tenant, "hook", &["*"]).await;
    let order = p.paid_order(888).await;
    p.settle().await;
    let operations = p.platform.operations();
    let (id, support) = (order_id(&order), platform(Role::Support));
    let note = operations
        .note_order(&by(), &support, &id, " asked the payer ")
        .await;
    assert_eq!(note.expect("a note").words, "asked the payer");
    let seen = operations
        .order_detail(&support, &id)
        .await
        .expect("an order");
    assert!(seen.listed.payer.contains("****"), "{}", seen.listed.payer);
    assert_eq!(seen.listed.telling.told(), Told::All);
    assert_eq!(seen.notes.len(), 1);
    assert!(seen.paid_to_learned_ms().is_some());
    let why = |name: &str| {
        let action = seen.actions.iter().find(|action| action.name == name);
        action
            .expect("an action")
            .why_not
            .as_ref()
            .map(|why| why.code)
    };
    assert_eq!(why("query"), None);
    assert_eq!(why("refund"), None);
    assert_eq!(why("close"), Some("permission_denied"));
    assert_eq!(why("replay"), Some("nothing_failed"));
    let finance = platform(Role::PlatformFinance);
    let seen = operations
        .order_detail(&finance, &id)
        .await
        .expect("an order");
    assert_eq!(seen.listed.payer, order["payer"]["sub_openid"]);

    let told = operations
        .staff_timeline(&support, &id, TimelineStart::Beginning)
        .await
        .expect("a timeline");
    let lanes: Vec<Lane> = told.entries.iter().map(|entry| entry.lane).collect();
    for lane in [Lane::Tenant, Lane::Platform, Lane::Wechat, Lane::Staff] {
        assert!(lanes.contains(&lane), "{lane:?}");
    }
    assert!(told.entries.iter().all(|entry| entry.tone != Tone::Bad));
    assert!(
        told.entries
            .iter()
            .any(|entry| matches!(entry.detail, StaffDetail::Note(_)))
    );
    let last = told.entries.last().expect("an entry").at;
    let later = operations
        .staff_timeline(&support, &id, TimelineStart::After(last))
        .await;
    assert!(later.expect("a timeline").entries.is_empty());
}

scenario!(
    an_order_in_test_mode_is_paid_at_the_cashier_by_whoever_may_act,
    cashier
);
async fn cashier(p: &TestPlatform) {
    let order = p.order(888).await;
    let (operations, id) = (p.platform.operations(), order_id(&order));
    let link = async |role: Role| {
        let detail = operations.order_detail(&platform(role), &id).await;
        detail.expect("an order").cashier_url
    };
    assert_eq!(link(Role::Auditor).await, None);
    let url = link(Role::Support).await.expect("a link");
    let page = reqwest::get(&url).await.expect("the cashier answers");
    let page = page.text().await.expect("a page");
    assert!(page.contains("8.88") && page.contains("<form"), "{page}");
    p.pay(&order);
    p.settle().await;
    assert_eq!(link(Role::Support).await, None);
}

scenario!(
    a_payment_that_only_our_question_found_is_a_gap,
    found_by_query
);
async fn found_by_query(p: &TestPlatform) {
    let order = p.order(888).await;
    p.pay(&order);
    let operations = p.platform.operations();
    let (id, support) = (order_id(&order), platform(Role::Support));
    let asked = operations
        .ask_about_order_for(&by(), &support, &id)
        .await
        .expect("an answer");
    assert!(asked.problems.contains(&OrderProblem::FoundByQuery));
    let told = operations
        .staff_timeline(&support, &id, TimelineStart::Beginning)
        .await
        .expect("a timeline");
    let gap = |detail: &StaffDetail| *detail == StaffDetail::Gap("notification_missing");
    assert!(told.entries.iter().any(|entry| gap(&entry.detail)));
    assert!(
        told.entries
            .iter()
            .any(|entry| matches!(entry.detail, StaffDetail::Act(_)))
    );
    let query = OrderQuery {
        problem: Some(OrderProblem::FoundByQuery),
        ..OrderQuery::of_mode(Mode::Test)
    };
    let page = operations
        .search_orders(&support, &query, None, None)
        .await
        .expect("a page");
    assert_eq!(page.items.len(), 1);
}

scenario!(a_refund_by_staff_is_in_the_log_and_happens_once, refunds);
async fn refunds(p: &TestPlatform) {
    let order = p.paid_order(888).await;
    let operations = p.platform.operations();
    let (id, support) = (order_id(&order), platform(Role::Support));
    let request = || RefundRequest {
        merchant_refund_no: "by-staff-1".to_owned(),
        refund: 300,
        reason: Some("Sold out".to_owned()),
        ..RefundRequest::default()
    };
    let idem = Idempotency {
        key: "once".to_owned(),
        fingerprint: fingerprint("POST", "/admin/v1/orders/refund", "", b"{}"),
        route: "POST /admin/v1/orders/{order_id}/refunds",
    };
    for replayed in [false, true] {
        let made = operations
            .refund_order_for(&person(p), &support, &id, request(), &idem)
            .await;
        assert_eq!(made.expect("a refund").replayed, replayed);
    }
    let all = RefundQuery::of_mode(Mode::Test);
    let page = operations
        .search_refunds(&support, &all, None, None)
        .await
        .expect("a page");
    assert_eq!(page.items.len(), 1);
    let refund = &page.items[0].refund;
    let seen = operations
        .refund_detail(&support, &refund.id)
        .await
        .expect("a refund");
    assert_eq!(seen.order.id, id);
    let acts = "SELECT COUNT(*) FROM audit_entries WHERE action = 'refund.requested'";
    assert_eq!(p.database.count(acts).await, 1);
    let stranger = member(&p.another_tenant().await, Role::TenantOwner);
    assert!(is_absent(
        &operations.refund_detail(&stranger, &refund.id).await
    ));
}

scenario!(one_search_finds_every_kind_of_number, search);
async fn search(p: &TestPlatform) {
    let endpoint = p.register(&p.tenant, "hook", &["*"]).await;
    let order = p.paid_order(888).await;
    let refund = crate::refund::asked(&order, "R-1", 300);
    let refund = p.tenant.api.create_refund(&refund).await.ok();
    p.settle().await;
    let paid = p.seen(&order).await;
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let operations = p.platform.operations();
    let support = platform(Role::Support);
    let stranger = member(&p.another_tenant().await, Role::TenantOwner);
    let feed = p.feed(&p.tenant).await;
    let told = feed.iter().find(|event| event["type"] == "order.paid");
    let told = told.expect("an event");
    let merchant = text(&paid["sub_mchid"]);
    for (pasted, kind) in [
        (text(&paid["id"]), "order"),
        (
            format!(" \"{}\", ", text(&paid["merchant_order_no"])),
            "order",
        ),
        (text(&paid["transaction_id"]), "order"),
        (text(&paid["out_trade_no"]), "order"),
        (text(&refund["id"]), "refund"),
        (text(&refund["merchant_refund_no"]), "refund"),
        (text(&refund["out_refund_no"]), "refund"),
        (text(&told["id"]), "order"),
        (text(&endpoint["id"]), "endpoint"),
        (merchant, "sub_merchant"),
        (text(&paid["sub_appid"]), "sub_merchant"),
        ("127.0.0.1".to_owned(), "endpoint"),
    ] {
        let found = operations
            .search(&support, &pasted)
            .await
            .expect("an answer");
        assert!(
            found.hits.iter().any(|hit| hit.kind == kind),
            "{pasted}: {found:?}"
        );
        let foreign = operations
            .search(&stranger, &pasted)
            .await
            .expect("an answer");
        assert!(foreign.hits.is_empty(), "{pasted}: {foreign:?}");
    }
    let none = operations
        .search(&support, "nothing-of-the-kind")
        .await
        .expect("an answer");
    assert!(none.hits.is_empty() && !none.shapes.is_empty());
}

scenario!(
    what_others_have_of_the_same_name_does_not_crowd_ones_own_out,
    crowded
);
async fn crowded(p: &TestPlatform) {
    // One more than a search shows of a kind, all on one host, and all older.
    for number in 0..=10 {
        p.register(&p.tenant, &format!("hook-{number}"), &["*"])
            .await;
    }
    let own = p.another_tenant().await;
    let endpoint = p.register(&own, "own", &["*"]).await;
    let found = p
        .platform
        .operations()
        .search(&member(&own, Role::TenantOwner), "127.0.0.1")
        .await
        .expect("an answer");
    let ids: Vec<&str> = found.hits.iter().map(|hit| hit.id.as_str()).collect();
    assert_eq!(ids, [endpoint["id"].as_str().expect("an id")]);
}

scenario!(
    a_quarantined_notification_shows_what_failed_and_is_let_in_again,
    inbox
);
async fn inbox(p: &TestPlatform) {
    let order = p.order(888).await;
    p.pay(&order);
    p.settle().await;
    let operations = p.platform.operations();
    let ops = platform(Role::PlatformOps);
    let all = NotificationQuery::default();
    let page = operations
        .search_notifications(&ops, &all, None, None)
        .await
        .expect("a page");
    assert_eq!(page.items.len(), 1);
    let id: NotificationId = page.items[0].id.clone();
    let seen = operations
        .notification_detail(&ops, &id)
        .await
        .expect("a notification");
    assert!(seen.headers.contains_key("wechatpay-signature"));
    assert!(
        seen.headers.contains_key("content-type"),
        "{:?}",
        seen.headers
    );
    assert!(
        seen.checks.iter().all(|check| check.holds == Some(true)),
        "{:?}",
        seen.checks
    );
    let again = operations.reprocess_notification(&by(), &ops, &id).await;
    assert!(matches!(again, Err(OperationError::StateConflict { .. })));
    // As if the key had not been known when it came.
    let planted = format!(
        "UPDATE notifications SET state = 'quarantined', verdict = 'undecryptable' WHERE id = '{id}'"
    );
    p.database.execute(&planted).await;
    let mended = operations
        .reprocess_notification(&by(), &ops, &id)
        .await
        .expect("applied");
    assert_eq!(mended.notice.state, NotificationState::Applied);
    let owner = member(&p.tenant, Role::TenantOwner);
    let read = operations.notification_detail(&owner, &id).await;
    assert!(is_denied(&read), "{read:?}");
    let page = operations
        .search_notifications(&owner, &all, None, None)
        .await;
    assert!(is_denied(&page), "{page:?}");
}

scenario!(an_export_is_a_file_of_ones_own_orders, exporting);
async fn exporting(p: &TestPlatform) {
    p.paid_order(888).await;
    let other = p.another_tenant().await;
    other.api.place_order(&other.order(100)).await.placed();
    let operations = p.platform.operations();
    let finance = member(&p.tenant, Role::TenantFinance);
    let wish = JobWish::ExportOrders(Box::new(OrderQuery::of_mode(Mode::Test)));
    let id = operations
        .start_job(&by(), &finance, wish)
        .await
        .expect("a job")
        .job
        .id;
    p.settle().await;
    let seen = operations.job(&finance, &id).await.expect("a job");
    assert_eq!((seen.job.state, seen.job.done), (JobState::Succeeded, 1));
    assert!(seen.result_until.is_some());
    let piece = operations
        .job_result(&finance, &id, 0)
        .await
        .expect("a piece")
        .expect("bytes");
    let text = String::from_utf8(piece).expect("UTF-8");
    assert!(text.starts_with('\u{feff}'));
    assert_eq!(text.lines().count(), 2);
    // Who paid is for who may export payers.
    assert!(text.contains("888") && !text.contains(&p.tenant.openid));
    let stranger = member(&other, Role::TenantOwner);
    assert!(is_absent(&operations.job_result(&stranger, &id, 0).await));
    // The file goes after a day; the job stays to be seen.
    p.advance_seconds(25 * 3_600).await;
    while operations.purge_old_jobs().await.expect("a purge") > 0 {}
    assert!(is_absent(&operations.job_result(&finance, &id, 0).await));
    assert!(
        operations
            .job(&finance, &id)
            .await
            .expect("a job")
            .result_until
            .is_none()
    );
}

scenario!(an_alarm_is_resolved_once_by_somebody_who_sees_it, alarms);
async fn alarms(p: &TestPlatform) {
    let plain = json!({"no": "transaction"});
    assert_eq!(p.say("notice-1", &plain).await.status, 204);
    let operations = p.platform.operations();
    let ops = platform(Role::PlatformOps);
    let open = AlarmFilter {
        state: AlarmState::Open,
        kind: None,
    };
    let page = operations
        .list_alarms(&ops, &open, None, None)
        .await
        .expect("a page");
    assert_eq!(page.items.len(), 1);
    let id = page.items[0].alarm.id.clone();
    assert_eq!(
        operations.inbox_counts(&ops).await.expect("counts").alarms,
        1
    );
    let owner = member(&p.tenant, Role::TenantOwner);
    assert_eq!(
        operations
            .inbox_counts(&owner)
            .await
            .expect("counts")
            .alarms,
        0
    );
    assert!(is_absent(
        &operations.resolve_alarm(&by(), &owner, &id, "mine").await
    ));
    let resolved = operations
        .resolve_alarm(&by(), &ops, &id, "a test of ours")
        .await;
    assert_eq!(
        resolved.expect("an alarm").resolved_by.as_deref(),
        Some("operator:li.wei")
    );
    let again = operations.resolve_alarm(&by(), &ops, &id, "again").await;
    assert!(matches!(again, Err(OperationError::StateConflict { .. })));
    assert!(
        p.platform
            .operations()
            .verify_audit(&[])
            .await
            .expect("a check")
            .faults
            .is_empty()
    );
}
