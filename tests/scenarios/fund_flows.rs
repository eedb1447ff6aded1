//! What moved on the accounts is compared with the books: each planted movement is class R14, to the fen.

use serde_json::Value;
use tributary_domain::bill::BillDay;
use tributary_domain::reconciliation::{Discrepancy, SubjectKind};
use tributary_tests::platform::number;
use tributary_tests::{TestPlatform, scenario};
use wechatpay_sim::{
    Account, BillFault, BillFaultKind, BillName, NewFundFlow, RefundResult, RowChange, RowKind,
};

use crate::reconcile::{alarms, classes, fault, found, morning_after, of_order, reconcile};
use crate::refund::{asked, ending};

const MINUTE_MS: i64 = 60_000;

fn in_flow(fault: BillFault) -> BillFault {
    BillFault {
        bill: Some(BillName::SubMerchantFundFlow),
        ..fault
    }
}

fn added(day: BillDay, rows: Option<RowKind>, set: RowChange) -> BillFault {
    in_flow(BillFault {
        rows,
        set,
        date: Some(day.to_string()),
        ..BillFault::of(BillFaultKind::Add)
    })
}

fn fen(amount: i64) -> RowChange {
    RowChange {
        amount_total: Some(amount),
        ..RowChange::default()
    }
}

async fn of_flows(p: &TestPlatform, day: BillDay) -> Vec<Discrepancy> {
    let mut all = found(p, day).await;
    all.retain(|one| one.subject == SubjectKind::FundFlow);
    all
}

async fn refunded(p: &TestPlatform, order: &Value, fen: i64) -> Value {
    let asked = asked(order, "R-1", fen);
    let refund = p.tenant.api.create_refund(&asked).await.ok();
    let number = refund["out_refund_no"].as_str().expect("a number");
    p.simulator
        .settle_refund(number, &ending(RefundResult::Success))
        .expect("a result");
    p.settle().await;
    refund
}

scenario!(
    each_movement_that_is_not_in_the_books_is_told_to_the_fen,
    planted
);
async fn planted(p: &TestPlatform) {
    use BillFaultKind as Kind;
    let day = BillDay::of(p.now());
    p.paid_order(100).await;
    let short = p.paid_order(200).await;
    let unmoved = p.paid_order(300).await;
    let twice = p.paid_order(400).await;
    let order = p.paid_order(10_000).await;
    let refund = refunded(p, &order, 10).await;
    fault(
        p,
        in_flow(BillFault {
            set: fen(199),
            ..of_order(Kind::Change, &short)
        }),
    );
    fault(p, in_flow(of_order(Kind::Drop, &unmoved)));
    fault(p, in_flow(of_order(Kind::Duplicate, &twice)));
    fault(
        p,
        in_flow(BillFault {
            out_refund_no: refund["out_refund_no"].as_str().map(str::to_owned),
            set: RowChange {
                amount_refund: Some(11),
                ..RowChange::default()
            },
            ..BillFault::of(Kind::Change)
        }),
    );
    fault(p, added(day, None, fen(7)));
    fault(p, added(day, Some(RowKind::Payment), fen(5)));
    morning_after(p, day).await;
    assert_eq!(reconcile(p).await, 1);

    assert_eq!(classes(p, day).await, ["R14 open"; 6]);
    let noted = of_flows(p, day).await;
    let mut sides: Vec<(i64, i64)> = noted
        .iter()
        .map(|one| (one.local_fen, one.bill_fen))
        .collect();
    sides.sort_unstable();
    let expected = [(-10, -11), (0, -7), (0, 5), (0, 400), (200, 199), (300, 0)];
    assert_eq!(sides, expected);
    assert!(
        noted
            .iter()
            .all(|one| one.tenant_id.as_ref() == Some(&p.tenant.id))
    );
    assert!(alarms(p, "bill_fund_flow").await > 0);
    assert_eq!(alarms(p, "reconciliation_equation").await, 0);

    // Once more, by hand: the same differences, and none is told twice.
    let told = "SELECT COUNT(*) FROM events WHERE kind = 'reconciliation.discrepancy'";
    assert_eq!(p.database.count(told).await, 6);
    let again = p.platform.operations().reconcile(&p.provider, day).await;
    again.expect("a run");
    assert_eq!(classes(p, day).await, ["R14 open"; 6]);
    assert_eq!(p.database.count(told).await, 6);
}

scenario!(
    movement_beyond_midnight_is_explained_by_the_next_fund_flow,
    midnight
);
async fn midnight(p: &TestPlatform) {
    let day = BillDay::of(p.now());
    let before_ms = day.end().millis_since(p.now()) - 5 * MINUTE_MS;
    p.advance_seconds(before_ms / 1_000).await;
    let order = p.paid_order(888).await;
    let next = day.next();
    fault(p, in_flow(of_order(BillFaultKind::Drop, &order)));
    let moved = RowChange {
        out_trade_no: Some(number(&order).to_owned()),
        ..fen(888)
    };
    fault(p, added(next, Some(RowKind::Payment), moved));
    morning_after(p, day).await;
    reconcile(p).await;
    assert_eq!(classes(p, day).await, ["R15 open"]);
    morning_after(p, next).await;
    reconcile(p).await;
    assert_eq!(classes(p, next).await, ["R15 explained"]);
    assert_eq!(classes(p, day).await, ["R15 fixed"]);
    assert_eq!(alarms(p, "bill_lacks_it").await, 0);
    assert_eq!(alarms(p, "reconciliation_equation").await, 0);
}

scenario!(movement_that_no_fund_flow_has_waits_for_a_person, never);
async fn never(p: &TestPlatform) {
    let day = BillDay::of(p.now());
    let before_ms = day.end().millis_since(p.now()) - 5 * MINUTE_MS;
    p.advance_seconds(before_ms / 1_000).await;
    let order = p.paid_order(888).await;
    fault(p, in_flow(of_order(BillFaultKind::Drop, &order)));
    morning_after(p, day).await;
    reconcile(p).await;
    assert_eq!(classes(p, day).await, ["R15 open"]);
    morning_after(p, day.next()).await;
    reconcile(p).await;
    assert_eq!(classes(p, day).await, ["R15 open"]);
    assert_eq!(alarms(p, "bill_lacks_it").await, 1);
}

scenario!(
    payment_that_went_to_the_providers_own_account_is_told,
    astray
);
async fn astray(p: &TestPlatform) {
    let day = BillDay::of(p.now());
    let order = p.paid_order(888).await;
    for voucher in [number(&order), "somebody-elses"] {
        let moved = NewFundFlow {
            sp_mchid: p.keys.sp_mchid.clone(),
            account: Account::Basic,
            amount: 888,
            business_name: Some("交易".to_owned()),
            voucher: Some(voucher.to_owned()),
            time: None,
        };
        p.simulator.fund_flow(moved).expect("a movement");
    }
    morning_after(p, day).await;
    reconcile(p).await;
    assert_eq!(classes(p, day).await, ["R14 open"]);
    let noted = of_flows(p, day).await.remove(0);
    assert_eq!((noted.local_fen, noted.bill_fen), (0, 888));
    assert_eq!(noted.tenant_id, None);
    assert_eq!(
        noted.order_id.map(|id| id.to_string()).as_deref(),
        order["id"].as_str()
    );
}
