//! I2: every payment at WeChat is one payment here, the ordinary one of its order or late money with a decision.

use std::collections::{BTreeMap, BTreeSet};

use super::routes::Routes;
use crate::simulation::evidence::{Evidence, LatePaymentRow, OrderRow};

/// The events that tell of money that came in.
pub(super) const TELLING: [&str; 4] = [
    "order.paid",
    "order.paid_late",
    "order.amount_mismatch",
    "order.duplicate_paid",
];

/// A payment as WeChat has it.
struct PaidThere<'a> {
    number: &'a str,
    transaction_id: &'a str,
    fen: i64,
}

fn paid_there(evidence: &Evidence) -> impl Iterator<Item = PaidThere<'_>> {
    evidence.ledger.orders.iter().filter_map(|order| {
        let payment = order.payment.as_ref()?;
        Some(PaidThere {
            number: &order.out_trade_no,
            transaction_id: &payment.transaction_id,
            fen: payment.amount_total,
        })
    })
}

fn late_by_transaction(evidence: &Evidence) -> BTreeMap<&str, &LatePaymentRow> {
    let late = evidence.rows.late_payments.iter();
    late.map(|late| (late.transaction_id.as_str(), late))
        .collect()
}

/// I2: a payment is its order's payment or a second one of it, and is told of once for what it is.
pub(super) fn a_payment_is_one_transition(evidence: &Evidence) -> Vec<String> {
    let (routes, late) = (Routes::of(evidence), late_by_transaction(evidence));
    let mut faults = Vec::new();
    for paid in paid_there(evidence) {
        let (number, transaction) = (paid.number, paid.transaction_id);
        let Some((order, _)) = routes.find(number) else {
            faults.push(format!("{number} is paid at WeChat and unknown here"));
            continue;
        };
        let late = late.get(transaction).copied();
        let is_second = late.is_some_and(|late| late.kind == "duplicate_paid");
        let is_payment = order.transaction_id.as_deref() == Some(transaction);
        if is_payment == is_second || late.is_some_and(|late| late.order_id != order.id) {
            let state = &order.state;
            faults.push(format!(
                "{} is {state}, and WeChat has {transaction} paid",
                order.id
            ));
        } else if is_payment {
            faults.extend(told_otherwise(evidence, order, late));
        }
    }
    faults
}

/// The payment of an order is told once as what it is; once more as paid when a person accepts what was held.
fn told_otherwise(
    evidence: &Evidence,
    order: &OrderRow,
    late: Option<&LatePaymentRow>,
) -> Option<String> {
    let by_person = late.is_some_and(|late| {
        late.state == "accepted" && late.decided_by.as_deref() != Some("policy")
    });
    let seconds = evidence.rows.late_payments.iter();
    let seconds = seconds.filter(|late| late.order_id == order.id && late.kind == "duplicate_paid");
    let is = |kind: &str| usize::from(late.is_some_and(|late| late.kind == kind));
    let expected = [
        usize::from(late.is_none() || by_person),
        is("paid_late"),
        is("amount_mismatch"),
        seconds.count(),
    ];
    let told = TELLING.map(|kind| Routes::times_told(evidence, order, &[kind]));
    (told != expected).then(|| {
        format!(
            "{} was told {told:?} times of {TELLING:?}, not {expected:?}",
            order.id
        )
    })
}

/// I2, the other side: whatever is paid here is paid at WeChat by the same payment and the same amount.
pub(super) fn nothing_paid_for_free(evidence: &Evidence) -> Vec<String> {
    let there: BTreeMap<&str, i64> = paid_there(evidence)
        .map(|paid| (paid.transaction_id, paid.fen))
        .collect();
    let mut faults = Vec::new();
    for order in &evidence.rows.orders {
        let is_over = ["created", "paying", "unknown", "closing", "closed"];
        let has_money = !is_over.contains(&order.state.as_str());
        match order.transaction_id.as_deref() {
            None if has_money || order.paid_fen != 0 => {
                faults.push(format!("{} is paid by nothing", order.id));
            }
            Some(_) if !has_money => {
                faults.push(format!("{} is {} and was paid", order.id, order.state));
            }
            Some(id) if there.get(id) != Some(&order.paid_fen) => {
                faults.push(format!("{} is paid by {id}, of another amount", order.id));
            }
            Some(id) => faults.extend(of_another_amount(evidence, order, id)),
            None => {}
        }
    }
    let late = evidence.rows.late_payments.iter();
    let invented = late.filter(|late| there.get(&*late.transaction_id) != Some(&late.total_fen));
    faults.extend(invented.map(|late| format!("{} is not what WeChat has", late.transaction_id)));
    faults
}

/// An order that was paid another amount says so, and is not simply paid.
fn of_another_amount(evidence: &Evidence, order: &OrderRow, transaction: &str) -> Option<String> {
    let late = late_by_transaction(evidence).get(transaction).copied();
    let is_known = late.is_some_and(|late| late.kind == "amount_mismatch");
    let differs = order.paid_fen != order.total_fen;
    (differs && !is_known).then(|| format!("{} is paid another amount in silence", order.id))
}

/// I2 in fen: what came in here, ordinary, late and second, is what was paid at WeChat.
pub(super) fn money_agrees(evidence: &Evidence) -> Vec<String> {
    let there: i64 = paid_there(evidence).map(|paid| paid.fen).sum();
    let orders = evidence.rows.orders.iter();
    let first: i64 = orders.map(|order| order.paid_fen).sum();
    let of_orders: BTreeSet<&str> = evidence
        .rows
        .orders
        .iter()
        .filter_map(|order| order.transaction_id.as_deref())
        .collect();
    let late = evidence.rows.late_payments.iter();
    let second = late.filter(|late| !of_orders.contains(late.transaction_id.as_str()));
    let here = first + second.map(|late| late.total_fen).sum::<i64>();
    let differ = (there != here).then(|| format!("{here} fen here, {there} fen at WeChat"));
    differ.into_iter().collect()
}
