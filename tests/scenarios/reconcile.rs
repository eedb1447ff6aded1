//! Bills and the comparison with them: each planted difference has its class, to the fen, and what can be mended is.

use serde_json::{Value, json};
use tributary_domain::bill::{BillDay, BillKind};
use tributary_domain::reconciliation::Discrepancy;
use tributary_domain::staff::Actor;
use tributary_operations::reconciliation::Outcome;
use tributary_storage::discrepancies::DiscrepancyFilter;
use tributary_tests::platform::number;
use tributary_tests::{TestPlatform, scenario};
use wechatpay_sim::{
    BillFault, BillFaultKind, BillName, BillQuery, RefundResult, RowChange, RowKind,
};

use crate::refund::{asked, ending};

/// Five past ten in the morning, after a bill's day began.
const MORNING_MS: i64 = (24 * 60 + 10 * 60 + 5) * 60 * 1_000;

/// More rounds than one day's fund flows need.
const LEFT_OVER_MAX: usize = 5;

/// Lets time pass until the bill of a day is asked for.
pub(crate) async fn morning_after(p: &TestPlatform, day: BillDay) {
    let ms = day.at_millis(MORNING_MS).millis_since(p.now());
    p.advance_seconds(ms / 1_000 + 1).await;
}

/// Runs what is due, then what WeChat's limit on calls left over; returns how many days were tried at first.
pub(crate) async fn reconcile(p: &TestPlatform) -> usize {
    let operations = p.platform.operations();
    let tried = operations.reconcile_due().await;
    let tried = tried.expect("the comparison runs");
    for _ in 0..LEFT_OVER_MAX {
        p.advance_seconds(2).await;
        if operations.reconcile_due().await.expect("fund flows") == 0 {
            break;
        }
    }
    p.settle().await;
    tried
}

pub(crate) async fn found(p: &TestPlatform, day: BillDay) -> Vec<Discrepancy> {
    let filter = DiscrepancyFilter {
        day: Some(day),
        ..DiscrepancyFilter::default()
    };
    let page = p
        .platform
        .operations()
        .list_discrepancies(&filter, None)
        .await;
    page.expect("a list").items
}

/// The classes of a day's discrepancies with their states, in order.
pub(crate) async fn classes(p: &TestPlatform, day: BillDay) -> Vec<String> {
    let mut classes: Vec<String> = found(p, day)
        .await
        .iter()
        .map(|one| format!("{} {}", one.class.as_str(), one.state.as_str()))
        .collect();
    classes.sort();
    classes
}

/// Figures of the day as stored: ours, the bill's, and what differs, of payments and of refunds.
async fn figures(p: &TestPlatform) -> [i64; 6] {
    let rows = p
        .database
        .query(
            "SELECT payment_local_fen, payment_bill_fen, payment_discrepancy_fen, \
             refund_local_fen, refund_bill_fen, refund_discrepancy_fen \
             FROM reconciliations ORDER BY day DESC LIMIT 1",
        )
        .await;
    [0, 1, 2, 3, 4, 5].map(|place| rows[0].try_get_by_index(place).expect("a number"))
}

pub(crate) async fn alarms(p: &TestPlatform, kind: &str) -> i64 {
    let sql = format!("SELECT COUNT(*) FROM alarms WHERE kind = '{kind}'");
    p.database.count(&sql).await
}

pub(crate) fn fault(p: &TestPlatform, fault: BillFault) {
    p.simulator.bill_fault(fault).expect("a fault of bills");
}

pub(crate) fn of_order(kind: BillFaultKind, order: &Value) -> BillFault {
    BillFault {
        out_trade_no: Some(number(order).to_owned()),
        rows: Some(RowKind::Payment),
        ..BillFault::of(kind)
    }
}

pub(crate) fn of_refund(kind: BillFaultKind, refund: &Value) -> BillFault {
    let number = refund["out_refund_no"].as_str().expect("a number");
    BillFault {
        out_refund_no: Some(number.to_owned()),
        ..BillFault::of(kind)
    }
}

pub(crate) async fn refund(p: &TestPlatform, order: &Value, number: &str, fen: i64) -> Value {
    p.tenant
        .api
        .create_refund(&asked(order, number, fen))
        .await
        .ok()
}

fn succeed(p: &TestPlatform, refund: &Value) {
    let number = refund["out_refund_no"].as_str().expect("a number");
    p.simulator
        .settle_refund(number, &ending(RefundResult::Success))
        .expect("a result");
}

scenario!(day_without_a_difference_has_none, quiet);
async fn quiet(p: &TestPlatform) {
    let day = BillDay::of(p.now());
    p.register(&p.tenant, "hook", &["reconciliation.*", "order.paid"])
        .await;
    let order = p.paid_order(888).await;
    p.paid_order(112).await;
    let refund = refund(p, &order, "R-1", 300).await;
    succeed(p, &refund);
    p.settle().await;
    assert_eq!(reconcile(p).await, 0, "the day is not over");
    morning_after(p, day).await;

    assert_eq!(reconcile(p).await, 1);
    assert_eq!(classes(p, day).await, Vec::<String>::new());
    assert_eq!(figures(p).await, [1_000, 1_000, 0, 300, 300, 0]);
    assert_eq!(
        p.receiver.of_kind("hook", "reconciliation.completed").len(),
        1
    );

    let stored = p.simulator.bill(&trade(p, day)).expect("a bill");
    assert_eq!(content(p, day).await, stored.as_bytes());
    let dump = p.database.dump().await;
    let clear = stored.lines().nth(1).expect("a row").as_bytes();
    assert!(!dump.windows(clear.len()).any(|piece| piece == clear));

    // Once more, by hand: nothing changes, and nobody is told twice.
    let again = p.platform.operations().reconcile(&p.provider, day).await;
    assert!(matches!(again, Ok(Outcome::Completed(_))));
    p.settle().await;
    assert_eq!(
        p.receiver.of_kind("hook", "reconciliation.completed").len(),
        1
    );
    assert_eq!(
        p.database
            .count("SELECT COUNT(*) FROM bills WHERE kind = 'trade'")
            .await,
        1
    );
}

fn trade(p: &TestPlatform, day: BillDay) -> BillQuery {
    let query = json!({"date": day.to_string(), "sp_mchid": p.keys.sp_mchid});
    serde_json::from_value(query).expect("a query")
}

/// The stored content of the day's trade bill, opened.
async fn content(p: &TestPlatform, day: BillDay) -> Vec<u8> {
    let name = tributary_domain::bill::BillName {
        provider_id: p.provider.clone(),
        day,
        kind: BillKind::Trade,
        account: String::new(),
    };
    let (operations, mut all) = (p.platform.operations(), Vec::new());
    for piece in 0.. {
        match operations.bill_piece(&name, piece).await.expect("it opens") {
            Some(bytes) => all.extend(bytes),
            None => break,
        }
    }
    all
}

/// What the day of planted differences has in our books.
struct Planted {
    dropped: Value,
    changed: Value,
    open: Value,
    fee: Value,
    foreign: Value,
    twice: Value,
    late: Value,
    missing: Value,
    other: Value,
    further: Value,
    unbalanced: Value,
}

async fn books_to_plant_in(p: &TestPlatform) -> Planted {
    let dropped = p.paid_order(100).await;
    let changed = p.paid_order(200).await;
    let open = p.order(300).await;
    let fee = p.paid_order(400).await;
    let foreign = p.paid_order(500).await;
    let twice = p.paid_order(600).await;
    let late = p.paid_order(700).await;
    let refunded = p.paid_order(10_000).await;
    let missing = refund(p, &refunded, "R-missing", 10).await;
    p.advance_seconds(61).await;
    let other = refund(p, &refunded, "R-amount", 20).await;
    p.advance_seconds(61).await;
    let further = refund(p, &refunded, "R-further", 30).await;
    for done in [&missing, &other] {
        succeed(p, done);
    }
    let unbalanced = p.paid_order(800).await;
    p.settle().await;
    Planted {
        dropped,
        changed,
        open,
        fee,
        foreign,
        twice,
        late,
        missing,
        other,
        further,
        unbalanced,
    }
}

#[expect(clippy::too_many_lines, reason = "a table of planted differences")]
fn plant(p: &TestPlatform, day: BillDay, books: &Planted) {
    use BillFaultKind as Kind;
    fault(p, of_order(Kind::Drop, &books.dropped));
    fault(p, of_order(Kind::Duplicate, &books.twice));
    fault(p, of_order(Kind::Delay, &books.late));
    fault(p, of_refund(Kind::Drop, &books.missing));
    let none = RowChange::default;
    let order = |order, set| BillFault {
        set,
        ..of_order(Kind::Change, order)
    };
    let refund = |refund, set| BillFault {
        set,
        ..of_refund(Kind::Change, refund)
    };
    let amount_total = Some(201);
    fault(
        p,
        order(
            &books.changed,
            RowChange {
                amount_total,
                ..none()
            },
        ),
    );
    let fee = Some(90_000);
    fault(p, order(&books.fee, RowChange { fee, ..none() }));
    let sub_mchid = Some("1999999999".to_owned());
    fault(
        p,
        order(
            &books.foreign,
            RowChange {
                sub_mchid,
                ..none()
            },
        ),
    );
    let amount_refund = Some(19);
    fault(
        p,
        refund(
            &books.other,
            RowChange {
                amount_refund,
                ..none()
            },
        ),
    );
    let refund_state = Some("SUCCESS".to_owned());
    fault(
        p,
        refund(
            &books.further,
            RowChange {
                refund_state,
                ..none()
            },
        ),
    );
    let invented = |rows, seed, set| BillFault {
        rows: Some(rows),
        count: Some(1),
        seed,
        set,
        date: Some(day.to_string()),
        ..BillFault::of(Kind::Add)
    };
    let amount_total = Some(1_000);
    fault(
        p,
        invented(
            RowKind::Payment,
            1,
            RowChange {
                amount_total,
                ..none()
            },
        ),
    );
    let amount_refund = Some(2_000);
    fault(
        p,
        invented(
            RowKind::Refund,
            2,
            RowChange {
                amount_refund,
                ..none()
            },
        ),
    );
    let unbooked = RowChange {
        out_trade_no: Some(number(&books.open).to_owned()),
        sub_mchid: Some(p.tenant.sub_mchid.clone()),
        amount_total: Some(300),
        ..none()
    };
    fault(p, invented(RowKind::Payment, 3, unbooked.clone()));
    // It moved the sub-merchant's account, and so did a share that nobody here asked for.
    let moved = |rows, set| BillFault {
        rows,
        set,
        bill: Some(BillName::SubMerchantFundFlow),
        date: Some(day.to_string()),
        ..BillFault::of(Kind::Add)
    };
    fault(p, moved(Some(RowKind::Payment), unbooked));
    let amount_total = Some(7);
    let share = RowChange {
        amount_total,
        ..none()
    };
    fault(p, moved(None, share));
}

scenario!(each_planted_difference_has_its_class_to_the_fen, planted);
async fn planted(p: &TestPlatform) {
    let day = BillDay::of(p.now());
    let books = books_to_plant_in(p).await;
    plant(p, day, &books);
    let id = books.unbalanced["id"].as_str().expect("an id");
    let unbalance = format!("UPDATE orders SET refunding_fen = 5 WHERE id = '{id}'");
    assert_eq!(p.database.execute(&unbalance).await, 1);
    morning_after(p, day).await;
    assert_eq!(reconcile(p).await, 1);
    let expected = [
        "R01 open",
        "R02 open",
        "R02 open",
        "R03 open",
        "R04 fixed",
        "R05 open",
        "R06 open",
        "R07 open",
        "R08 open",
        "R09 open",
        "R10 open",
        "R11 open",
        "R14 open",
        "R16 open",
    ];
    assert_eq!(classes(p, day).await, expected);
    let ours = 100 + 200 + 400 + 500 + 600 + 700 + 10_000 + 800;
    let theirs = 201 + 400 + 500 + 600 + 600 + 10_000 + 800 + 1_000 + 300;
    let refunds = (10 + 20 + 30, 19 + 30 + 2_000);
    assert_eq!(
        figures(p).await,
        [
            ours,
            theirs,
            ours - theirs,
            refunds.0,
            refunds.1,
            refunds.0 - refunds.1
        ]
    );
    // The one door booked what the bill proves, and told its source.
    let paid = p.seen(&books.open).await;
    assert_eq!(paid["state"], "paid");
    assert_eq!(p.told(&books.open).await, ["order.created", "order.paid"]);
    assert_eq!(alarms(p, "bill_unknown_payment").await, 1);
    assert_eq!(alarms(p, "bill_sub_merchant").await, 1);
    assert_eq!(alarms(p, "reconciliation_equation").await, 0);

    // The next bill has what was delayed; what it lacks as well waits for a person.
    let next = day.next();
    morning_after(p, next).await;
    assert_eq!(reconcile(p).await, 1);
    assert_eq!(classes(p, next).await, ["R15 explained"]);
    assert_eq!(figures(p).await[..3], [0, 700, -700]);
    let states = classes(p, day).await;
    assert_eq!(states.iter().filter(|one| *one == "R02 fixed").count(), 1);
    assert_eq!(states.iter().filter(|one| *one == "R02 open").count(), 1);
    assert_eq!(alarms(p, "bill_lacks_it").await, 2);

    let balance = format!("UPDATE orders SET refunding_fen = 0 WHERE id = '{id}'");
    assert_eq!(p.database.execute(&balance).await, 1);
    let again = p.platform.operations().reconcile(&p.provider, day).await;
    assert!(matches!(again, Ok(Outcome::Completed(_))), "{again:?}");
    assert!(classes(p, day).await.contains(&"R16 fixed".to_owned()));
}

scenario!(day_without_business_is_a_success, empty);
async fn empty(p: &TestPlatform) {
    let day = BillDay::of(p.now());
    morning_after(p, day).await;
    assert_eq!(reconcile(p).await, 1);
    let outcome = p.platform.operations().reconcile(&p.provider, day).await;
    assert!(matches!(outcome, Ok(Outcome::Completed(_))), "{outcome:?}");
    assert_eq!(classes(p, day).await, Vec::<String>::new());
}

scenario!(broken_file_is_refused_whole_and_fetched_again, broken);
async fn broken(p: &TestPlatform) {
    let day = BillDay::of(p.now());
    p.paid_order(888).await;
    morning_after(p, day).await;
    for kind in [
        BillFaultKind::WrongHash,
        BillFaultKind::WrongTotals,
        BillFaultKind::Truncated,
    ] {
        p.simulator.clear_bill_faults();
        fault(p, BillFault::of(kind));
        assert_eq!(reconcile(p).await, 1);
        assert_eq!(classes(p, day).await, ["R12 open"], "{kind:?}");
        for table in ["bill_rows", "bill_chunks"] {
            let sql = format!("SELECT COUNT(*) FROM {table}");
            assert_eq!(p.database.count(&sql).await, 0, "{kind:?} {table}");
        }
        assert_eq!(reconcile(p).await, 0, "not before ten minutes");
        p.advance_seconds(600).await;
    }
    p.simulator.clear_bill_faults();
    assert_eq!(reconcile(p).await, 1);
    assert_eq!(classes(p, day).await, ["R12 fixed"]);
    assert_eq!(alarms(p, "bill_integrity").await, 1);
}

scenario!(bill_that_does_not_come_is_tried_for_three_days, unavailable);
async fn unavailable(p: &TestPlatform) {
    let day = BillDay::of(p.now());
    p.paid_order(888).await;
    fault(
        p,
        BillFault {
            date: Some(day.to_string()),
            ..BillFault::of(BillFaultKind::NotReady)
        },
    );
    morning_after(p, day).await;
    assert_eq!(reconcile(p).await, 1);
    assert_eq!(classes(p, day).await, Vec::<String>::new(), "it is early");
    p.advance_seconds(4 * 3_600).await;
    assert_eq!(reconcile(p).await, 1);
    assert_eq!(classes(p, day).await, ["R13 open"]);
    assert_eq!(alarms(p, "bill_unavailable").await, 1);
    p.advance_seconds(3_600).await;
    p.simulator.clear_bill_faults();
    assert_eq!(reconcile(p).await, 1);
    assert_eq!(classes(p, day).await, ["R13 fixed"]);
    assert_eq!(figures(p).await[..3], [888, 888, 0]);
}

scenario!(person_closes_a_discrepancy_with_name_and_reason, closing);
async fn closing(p: &TestPlatform) {
    use tributary_operations::reconciliation::Closing;
    let day = BillDay::of(p.now());
    let order = p.paid_order(888).await;
    p.register(&p.tenant, "hook", &["reconciliation.discrepancy"])
        .await;
    fault(p, of_order(BillFaultKind::Drop, &order));
    morning_after(p, day).await;
    reconcile(p).await;
    let one = found(p, day).await.remove(0);
    let operations = p.platform.operations();
    let word = |actor: &str, reason: &str| Closing {
        actor: actor.to_owned(),
        reason: reason.to_owned(),
    };
    assert!(
        operations
            .close_discrepancy(&Actor::operator("li"), &one.id, &word("", "seen"))
            .await
            .is_err()
    );
    let closed = operations
        .close_discrepancy(&Actor::operator("li"), &one.id, &word("li", "asked WeChat"))
        .await;
    assert_eq!(closed.expect("closed").actor.as_deref(), Some("li"));
    assert!(
        operations
            .close_discrepancy(&Actor::operator("li"), &one.id, &word("li", "again"))
            .await
            .is_err()
    );
    // A later run finds it again and leaves it closed.
    operations.reconcile(&p.provider, day).await.expect("a run");
    assert_eq!(classes(p, day).await, ["R02 closed"]);
    p.settle().await;
    let told = p.receiver.of_kind("hook", "reconciliation.discrepancy");
    assert_eq!(told.len(), 2);
}

scenario!(refund_made_elsewhere_is_adopted_from_the_bill, adopted);
async fn adopted(p: &TestPlatform) {
    let day = BillDay::of(p.now());
    let order = p.paid_order(888).await;
    let elsewhere = refund(p, &order, "R-1", 300).await;
    // As if somebody had made it in WeChat's console.
    p.database.execute("DELETE FROM refunds").await;
    p.database
        .execute("UPDATE orders SET refunding_fen = 0, refund_count = 0, state = 'paid'")
        .await;
    morning_after(p, day).await;
    reconcile(p).await;
    assert_eq!(classes(p, day).await, ["R05 fixed"]);
    let id = order["id"].as_str().expect("an id");
    let listed = p
        .tenant
        .api
        .get(&format!("/v1/orders/{id}/refunds"))
        .await
        .ok();
    let adopted = &listed["data"][0];
    assert_eq!(adopted["origin"], "external");
    assert_eq!(adopted["out_refund_no"], elsewhere["out_refund_no"]);
    succeed(p, &elsewhere);
    p.settle().await;
    assert_eq!(p.seen(&order).await["amount"]["refunded"], 300);
}
