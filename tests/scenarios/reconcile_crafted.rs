//! Two hundred bills out of a seed: each difference is classed right, each bad file refused, and nothing panics.

use serde_json::Value;
use tributary_domain::bill::BillDay;
use tributary_operations::reconciliation::Outcome;
use tributary_tests::{TestPlatform, scenario};
use wechatpay_sim::{BillFault, BillFaultKind, RowChange, RowKind};

use crate::reconcile::{classes, fault, morning_after, of_order, of_refund, reconcile, refund};

/// How many bills are crafted.
const CRAFTED: u64 = 200;
/// What the books have of payments, in fen.
const OURS: i64 = 32_100;
/// And of refunds.
const OURS_BACK: i64 = 3_210;
/// Invented refunds come from another seed than invented payments.
const REFUNDS_SEED: u64 = 1_000_000;

/// Numbers out of a seed, the same each time.
struct Draws(u64);

impl Draws {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % most
    }
}

/// Spoils a payment's row in one of several ways, or not; which class that has, and by how much the bill differs.
fn spoil(p: &TestPlatform, order: &Value, draws: &mut Draws) -> Option<(&'static str, i64)> {
    use BillFaultKind as Kind;
    let total = order["amount"]["total"].as_i64().expect("an amount");
    let change = |set| BillFault {
        set,
        ..of_order(Kind::Change, order)
    };
    let (spoiled, told) = match draws.below(7) {
        0 => (of_order(Kind::Drop, order), ("R02 open", -total)),
        1 => {
            let set = RowChange {
                amount_total: Some(total + 7),
                ..RowChange::default()
            };
            (change(set), ("R03 open", 7))
        }
        2 => {
            let set = RowChange {
                fee: Some(99_999_999),
                ..RowChange::default()
            };
            (change(set), ("R09 open", 0))
        }
        3 => {
            let set = RowChange {
                sub_mchid: Some("1999999999".into()),
                ..RowChange::default()
            };
            (change(set), ("R10 open", 0))
        }
        4 => (of_order(Kind::Duplicate, order), ("R11 open", total)),
        _ => return None,
    };
    fault(p, spoiled);
    Some(told)
}

/// The same for a refund's row.
fn spoil_refund(
    p: &TestPlatform,
    refund: &Value,
    draws: &mut Draws,
) -> Option<(&'static str, i64)> {
    use BillFaultKind as Kind;
    let amount = refund["amount"]["refund"].as_i64().expect("an amount");
    let change = |set| BillFault {
        set,
        ..of_refund(Kind::Change, refund)
    };
    let (spoiled, told) = match draws.below(6) {
        0 => (of_refund(Kind::Drop, refund), ("R06 open", -amount)),
        1 => {
            let set = RowChange {
                amount_refund: Some(amount + 3),
                ..RowChange::default()
            };
            (change(set), ("R07 open", 3))
        }
        2 => {
            let set = RowChange {
                refund_state: Some("SUCCESS".into()),
                ..RowChange::default()
            };
            (change(set), ("R08 open", 0))
        }
        3 => (of_refund(Kind::Duplicate, refund), ("R11 open", amount)),
        _ => return None,
    };
    fault(p, spoiled);
    Some(told)
}

/// Rows that nothing stands behind; how much they come to.
fn invent(
    p: &TestPlatform,
    day: BillDay,
    (rows, count, seed): (RowKind, u64, u64),
) -> (Vec<&'static str>, i64) {
    if count == 0 {
        return (Vec::new(), 0);
    }
    let fen = Some(50);
    let (class, amount_total, amount_refund) = match rows {
        RowKind::Payment => ("R01 open", fen, None),
        RowKind::Refund => ("R05 open", None, fen),
    };
    let set = RowChange {
        amount_total,
        amount_refund,
        ..RowChange::default()
    };
    fault(
        p,
        BillFault {
            count: Some(count),
            seed,
            set,
            rows: Some(rows),
            date: Some(day.to_string()),
            ..BillFault::of(BillFaultKind::Add)
        },
    );
    let found: Vec<&str> = (0..count).map(|_| class).collect();
    let fen = 50 * i64::try_from(count).expect("a few");
    (found, fen)
}

/// What is in the books: payments, and a refund of each.
struct Books {
    orders: Vec<Value>,
    refunds: Vec<Value>,
}

/// What a crafted bill must come to.
struct Crafted {
    expected: Vec<&'static str>,
    theirs: i64,
    theirs_back: i64,
    is_bad: bool,
}

fn craft(p: &TestPlatform, day: BillDay, books: &Books, seed: u64) -> Crafted {
    let mut draws = Draws(seed);
    let mut crafted = Crafted {
        expected: Vec::new(),
        theirs: OURS,
        theirs_back: OURS_BACK,
        is_bad: false,
    };
    for order in &books.orders {
        if let Some((class, fen)) = spoil(p, order, &mut draws) {
            crafted.expected.push(class);
            crafted.theirs += fen;
        }
    }
    for refund in &books.refunds {
        if let Some((class, fen)) = spoil_refund(p, refund, &mut draws) {
            crafted.expected.push(class);
            crafted.theirs_back += fen;
        }
    }
    let (found, fen) = invent(p, day, (RowKind::Payment, draws.below(3), seed));
    crafted.expected.extend(found);
    crafted.theirs += fen;
    let (found, fen) = invent(
        p,
        day,
        (RowKind::Refund, draws.below(3), seed + REFUNDS_SEED),
    );
    crafted.expected.extend(found);
    crafted.theirs_back += fen;
    let bad = match draws.below(12) {
        0 => Some(BillFaultKind::WrongHash),
        1 => Some(BillFaultKind::WrongTotals),
        2 => Some(BillFaultKind::Truncated),
        _ => None,
    };
    if let Some(kind) = bad {
        fault(p, BillFault::of(kind));
        crafted.expected = vec!["R12 open"];
        crafted.is_bad = true;
    }
    crafted.expected.sort_unstable();
    crafted
}

async fn forget_the_day(p: &TestPlatform) {
    p.simulator.clear_bill_faults();
    for sql in [
        "DELETE FROM bill_rows",
        "DELETE FROM bills WHERE kind = 'trade'",
        "DELETE FROM discrepancies",
        "DELETE FROM reconciliations",
    ] {
        p.database.execute(sql).await;
    }
    // The budget of calls is by the second.
    p.clock.advance_millis(1_000);
}

scenario!(two_hundred_crafted_bills_are_classed_or_refused, crafted);
async fn crafted(p: &TestPlatform) {
    let day = BillDay::of(p.now());
    let (mut orders, mut refunds) = (Vec::new(), Vec::new());
    for total in [100, 2_000, 30_000] {
        let order = p.paid_order(total).await;
        refunds.push(refund(p, &order, &format!("R-{total}"), total / 10).await);
        orders.push(order);
    }
    let books = Books { orders, refunds };
    morning_after(p, day).await;
    reconcile(p).await;
    for seed in 0..CRAFTED {
        forget_the_day(p).await;
        let crafted = craft(p, day, &books, seed);
        let outcome = p.platform.operations().reconcile(&p.provider, day).await;
        let outcome = outcome.unwrap_or_else(|error| panic!("seed {seed}: {error:?}"));
        assert_eq!(classes(p, day).await, crafted.expected, "seed {seed}");
        let Outcome::Completed(run) = outcome else {
            assert!(crafted.is_bad, "seed {seed}: {outcome:?}");
            continue;
        };
        let sums = (run.payments.local_fen, run.payments.bill_fen);
        assert_eq!(sums, (OURS, crafted.theirs), "seed {seed}");
        let sums = (run.refunds.local_fen, run.refunds.bill_fen);
        assert_eq!(sums, (OURS_BACK, crafted.theirs_back), "seed {seed}");
        let hold = run.payments.hold() && run.refunds.hold();
        assert!(!crafted.is_bad && hold, "seed {seed}: {run:?}");
    }
}
