//! Random ledgers against random bills: the equation holds to the fen, and each planted difference has its class.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::ids::{BillId, OrderId, ProviderId, TenantId};

fn day() -> BillDay {
    "2026-01-01".parse().unwrap()
}

fn row(number: u32, fen: i64) -> BillRow {
    let at = day().at_millis(43_200_000);
    BillRow {
        bill_id: BillId::new(at),
        line: i64::from(number),
        provider_id: ProviderId::new(at),
        mode: Mode::Test,
        day: day(),
        kind: RowKind::Payment,
        tenant_id: None,
        order_id: None,
        refund_id: None,
        trade_time: at,
        sub_mchid: "1900000110".into(),
        transaction_id: format!("4200{number}"),
        out_trade_no: format!("T{number}"),
        wechat_refund_id: None,
        out_refund_no: None,
        refund_status: None,
        trade_type: "JSAPI".into(),
        bank_type: None,
        total_fen: fen,
        refund_fen: 0,
        fee_base_fen: fen,
        fee_millifen: None,
        rate: None,
    }
}

fn local(number: u32, fen: i64, at: Timestamp) -> LocalPayment {
    LocalPayment {
        tenant_id: TenantId::new(at),
        order_id: OrderId::new(at),
        out_trade_no: format!("T{number}"),
        transaction_id: format!("4200{number}"),
        sub_mchid: "1900000110".into(),
        fen,
        paid_at: at,
    }
}

fn refund_row(status: &str) -> BillRow {
    BillRow {
        kind: RowKind::Refund,
        wechat_refund_id: Some("5030".into()),
        out_refund_no: Some("R1".into()),
        refund_status: Some(status.into()),
        total_fen: 0,
        refund_fen: 300,
        fee_base_fen: 300,
        ..row(1, 0)
    }
}

fn refund(state: RefundState) -> LocalRefund {
    let at = day().at_millis(43_200_000);
    LocalRefund {
        tenant_id: TenantId::new(at),
        order_id: OrderId::new(at),
        refund_id: crate::ids::RefundId::new(at),
        out_refund_no: "R1".into(),
        wechat_refund_id: Some("5030".into()),
        sub_mchid: "1900000110".into(),
        fen: 300,
        accepted_at: Some(at),
        state,
    }
}

#[test]
fn each_difference_of_a_payment_has_its_class() {
    let noon = day().at_millis(43_200_000);
    let ours = local(1, 888, noon);
    let judge = |row: &BillRow| {
        judge_payment(row, KnownPayment::Booked(&ours), Occurrence::First).map(|f| f.class.as_str())
    };
    let fits = row(1, 888);
    assert_eq!(judge(&fits), None);
    assert_eq!(judge(&row(1, 887)), Some("R03"));
    let mut other = fits.clone();
    other.sub_mchid = "1900000111".into();
    assert_eq!(judge(&other), Some("R10"));
    let mut other = fits.clone();
    other.transaction_id = "9".into();
    assert_eq!(judge(&other), Some("R11"));
    let mut other = fits.clone();
    other.day = day().next();
    assert_eq!(judge(&other), Some("R15"));
    let mut other = fits.clone();
    (other.rate, other.fee_millifen) = (Some("0.60%".into()), Some(9_000));
    assert_eq!(judge(&other), Some("R09"));
    let unpaid = KnownPayment::Unpaid {
        sub_mchid: "1900000110",
    };
    let class =
        |known, occurrence| judge_payment(&fits, known, occurrence).map(|f| f.class.as_str());
    assert_eq!(class(unpaid, Occurrence::First), Some("R04"));
    assert_eq!(class(KnownPayment::Nobody, Occurrence::First), Some("R01"));
    assert_eq!(
        class(KnownPayment::Booked(&ours), Occurrence::Again),
        Some("R11")
    );
}

#[test]
fn each_difference_of_a_refund_has_its_class() {
    let class = |row: &BillRow, known: Option<&LocalRefund>| {
        judge_refund(row, known, Occurrence::First).map(|f| f.class.as_str())
    };
    let done = refund(RefundState::Success);
    assert_eq!(class(&refund_row("PROCESSING"), Some(&done)), None);
    assert_eq!(class(&refund_row("SUCCESS"), Some(&done)), None);
    assert_eq!(class(&refund_row("SUCCESS"), None), Some("R05"));
    let waiting = refund(RefundState::Processing);
    assert_eq!(class(&refund_row("SUCCESS"), Some(&waiting)), Some("R08"));
    assert_eq!(class(&refund_row("PROCESSING"), Some(&waiting)), None);
    let lost = refund(RefundState::Unknown);
    assert_eq!(class(&refund_row("PROCESSING"), Some(&lost)), Some("R08"));
    let mut row = refund_row("SUCCESS");
    row.refund_fen = 301;
    assert_eq!(class(&row, Some(&done)), Some("R07"));
}

#[test]
fn a_fee_is_its_rate_times_the_amount_rounded_or_cut() {
    let mut paid = row(1, 888);
    paid.rate = Some("0.54%".into());
    for (fee, fits) in [
        (4_795, true),
        (5_000, true),
        (4_000, false),
        (-4_795, true),
        (0, false),
    ] {
        paid.fee_millifen = Some(fee);
        assert_eq!(fee_fits(&paid), fits, "{fee}");
    }
    assert_eq!(rate_millionths("0.60%"), Some(6_000));
    assert_eq!(rate_millionths("1%"), Some(10_000));
    for bad in ["", "%", "0.6", "-1%", "0.00001%", "x%"] {
        assert_eq!(rate_millionths(bad), None, "{bad}");
    }
}

#[test]
fn what_is_near_midnight_waits_for_the_other_day() {
    let judge = |ms| {
        let at = day().at_millis(ms);
        judge_missing(SubjectKind::Payment, (1, at), day(), Elsewhere::Nowhere)
            .class
            .as_str()
    };
    assert_eq!(judge(0), "R15");
    assert_eq!(judge(BOUNDARY_MS), "R02");
    assert_eq!(judge(86_400_000 - BOUNDARY_MS), "R15");
}

/// What one random number of the ledger looks like on both sides.
#[derive(Clone, Debug)]
struct Case {
    local: Option<(i64, i64)>,
    rows: Vec<i64>,
    known: bool,
}

fn case() -> impl Strategy<Value = Case> {
    let local = proptest::option::of((1i64..10_000, -90_000_000i64..180_000_000));
    let rows = proptest::collection::vec(1i64..10_000, 0..3);
    (local, rows, any::<bool>()).prop_map(|(local, rows, known)| Case { local, rows, known })
}

proptest! {
    #[test]
    fn what_differs_explains_the_difference_of_the_sums(cases in proptest::collection::vec(case(), 0..40)) {
        let mut figures = Figures::default();
        let mut classes: BTreeMap<&str, usize> = BTreeMap::new();
        let mut add = |finding: Option<Finding>, figures: &mut Figures| {
            if let Some(finding) = finding {
                figures.discrepancy_fen += finding.delta_fen();
                *classes.entry(finding.class.as_str()).or_default() += 1;
            }
        };
        let mut matched = BTreeSet::new();
        for (number, case) in (0u32..).zip(&cases) {
            let booked = case.local.map(|(fen, ms)| local(number, fen, day().at_millis(ms)));
            for (place, fen) in case.rows.iter().enumerate() {
                let row = row(number, *fen);
                figures.bill_fen += fen;
                let known = match &booked {
                    Some(payment) => KnownPayment::Booked(payment),
                    None if case.known => KnownPayment::Unpaid { sub_mchid: &row.sub_mchid },
                    None => KnownPayment::Nobody,
                };
                let occurrence = if place == 0 { Occurrence::First } else { Occurrence::Again };
                add(judge_payment(&row, known, occurrence), &mut figures);
                matched.insert(number);
            }
            let Some(payment) = booked.filter(|payment| day().contains(payment.paid_at)) else {
                continue;
            };
            figures.local_fen += payment.fen;
            if !matched.contains(&number) {
                let seen = (payment.fen, payment.paid_at);
                let finding = judge_missing(SubjectKind::Payment, seen, day(), Elsewhere::Nowhere);
                add(Some(finding), &mut figures);
            }
        }
        prop_assert!(figures.hold(), "{figures:?} {classes:?}");
    }
}
