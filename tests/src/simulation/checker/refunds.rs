//! I10, I15 of refunds: each is one refund at WeChat, and the sums of orders and late payments are what they add
//! up to.

use std::collections::BTreeMap;

use wechatpay_sim::{Refund, RefundStatus};

use crate::simulation::evidence::{Evidence, LatePaymentRow, OrderRow, RefundRow, Rows};

const ENDED: [&str; 2] = ["success", "closed"];

fn is_open(refund: &RefundRow) -> bool {
    !ENDED.contains(&refund.state.as_str())
}

fn there(evidence: &Evidence) -> BTreeMap<&str, &Refund> {
    let refunds = evidence.ledger.refunds.iter();
    refunds
        .map(|refund| (refund.out_refund_no.as_str(), refund))
        .collect()
}

/// I10: every refund at WeChat is one here, by number, payment, amount and end; and what is accepted here is there.
pub(super) fn a_refund_is_one_refund(evidence: &Evidence) -> Vec<String> {
    let here: BTreeMap<&str, &RefundRow> = evidence
        .rows
        .refunds
        .iter()
        .map(|refund| (refund.out_refund_no.as_str(), refund))
        .collect();
    let mut faults = Vec::new();
    for at_wechat in &evidence.ledger.refunds {
        let number = &at_wechat.out_refund_no;
        let Some(refund) = here.get(number.as_str()) else {
            faults.push(format!("{number} is refunded at WeChat and unknown here"));
            continue;
        };
        let state = match at_wechat.status {
            RefundStatus::Processing => "processing",
            RefundStatus::Success => "success",
            RefundStatus::Closed => "closed",
            RefundStatus::Abnormal => "abnormal",
        };
        let fits = refund.state == state
            && refund.refund_fen == at_wechat.amount_refund
            && refund.transaction_id == at_wechat.transaction_id
            && refund.refund_id.as_deref() == Some(at_wechat.refund_id.as_str());
        if !fits {
            faults.push(format!("{refund:?} is {at_wechat:?} at WeChat"));
        }
    }
    let there = there(evidence);
    let accepted = evidence
        .rows
        .refunds
        .iter()
        .filter(|refund| refund.refund_id.is_some() || refund.state == "success");
    let invented = accepted.filter(|refund| !there.contains_key(refund.out_refund_no.as_str()));
    faults.extend(invented.map(|refund| format!("{} is not at WeChat", refund.id)));
    faults
}

/// I10, at any moment: what went back and what is on its way back is within what was paid.
pub(in crate::simulation) fn sums_are_within_paid(rows: &Rows) -> Vec<String> {
    let over = rows
        .orders
        .iter()
        .filter(|order| order.refunded_fen + order.refunding_fen > order.paid_fen);
    over.map(|order| format!("I10: {} gives back more than was paid", order.id))
        .collect()
}

/// I10: the sums of an order are those of its refunds, within what was paid, and its state follows from them.
pub(super) fn sums_are_those_of_the_refunds(evidence: &Evidence) -> Vec<String> {
    let rows = &evidence.rows;
    let mut faults = sums_are_within_paid(rows);
    for order in &rows.orders {
        let own: Vec<&RefundRow> = rows
            .refunds
            .iter()
            .filter(|refund| refund.order_id == order.id && refund.late_payment_id.is_none())
            .collect();
        let sum = |wanted: fn(&RefundRow) -> bool| -> i64 {
            let fitting = own.iter().filter(|refund| wanted(refund));
            fitting.map(|refund| refund.refund_fen).sum()
        };
        let (refunding, refunded) = (sum(is_open), sum(|refund| refund.state == "success"));
        // One that WeChat never took is none of the fifty.
        let taken = own
            .iter()
            .filter(|refund| is_open(refund) || refund.refund_id.is_some());
        let count = i64::try_from(taken.count()).expect("a small number");
        let told = (order.refunding_fen, order.refunded_fen, order.refund_count);
        if told != (refunding, refunded, count) {
            faults.push(format!(
                "{} counts {told:?}, and its refunds are {refunding}, {refunded}, {count}",
                order.id
            ));
        }
        if !state_fits(order) {
            faults.push(format!("{order:?} is not what its sums say"));
        }
    }
    faults
}

fn state_fits(order: &OrderRow) -> bool {
    match order.state.as_str() {
        "paid" => order.refunded_fen == 0,
        "partially_refunded" => (1..order.paid_fen).contains(&order.refunded_fen),
        "refunded" => order.refunded_fen == order.paid_fen,
        "refunding" => order.refunding_fen == order.paid_fen,
        "held" => order.refunded_fen < order.paid_fen,
        _ => order.refunding_fen + order.refunded_fen == 0,
    }
}

/// I10: late money stands where its refund does, and is given back at most once.
pub(super) fn late_money_goes_its_way(evidence: &Evidence) -> Vec<String> {
    let rows = &evidence.rows;
    let stands = |late: &LatePaymentRow| {
        let refund = rows
            .refunds
            .iter()
            .find(|refund| Some(&refund.id) == late.refund_id.as_ref());
        match (late.state.as_str(), refund) {
            ("held", refund) => refund.is_none_or(|refund| refund.state == "closed"),
            ("accepted", refund) => refund.is_none_or(|refund| refund.state == "closed"),
            ("refunding", Some(refund)) => is_open(refund),
            ("refunded", Some(refund)) => {
                refund.state == "success" && refund.refund_fen == late.total_fen
            }
            _ => false,
        }
    };
    let astray = rows.late_payments.iter().filter(|late| !stands(late));
    let astray = astray.map(|late| format!("{late:?} is not where its refund stands"));
    let mut given_back: BTreeMap<&str, i64> = BTreeMap::new();
    for refund in rows
        .refunds
        .iter()
        .filter(|refund| refund.state == "success")
    {
        *given_back
            .entry(refund.transaction_id.as_str())
            .or_default() += refund.refund_fen;
    }
    let paid = |transaction: &str| {
        let orders = evidence.ledger.orders.iter();
        let mut payments = orders.filter_map(|order| order.payment.as_ref());
        let payment = payments.find(|payment| payment.transaction_id == transaction);
        payment.map_or(0, |payment| payment.amount_total)
    };
    let over = given_back.iter().filter(|(id, fen)| **fen > paid(id));
    astray
        .chain(over.map(|(id, fen)| format!("{fen} fen of {id} went back")))
        .collect()
}

/// I15: a refund is closed only where WeChat closed it, or refused it and has none.
pub(super) fn none_closed_without_evidence(evidence: &Evidence) -> Vec<String> {
    let there = there(evidence);
    let closed = evidence
        .rows
        .refunds
        .iter()
        .filter(|refund| refund.state == "closed");
    let groundless = closed.filter(|refund| {
        let number = &refund.out_refund_no;
        let refused = evidence.refused.as_ref();
        match there.get(number.as_str()) {
            Some(at_wechat) => at_wechat.status != RefundStatus::Closed,
            None => refused.is_some_and(|refused| !refused.contains(number)),
        }
    });
    groundless
        .map(|refund| format!("{} is closed, and nobody refused it", refund.id))
        .collect()
}

/// I3: what the tenant heard last about a refund is where the refund stands.
pub(super) fn last_event_tells_the_state(evidence: &Evidence) -> Vec<String> {
    let mut last: BTreeMap<&str, (i64, &str)> = BTreeMap::new();
    for event in &evidence.rows.events {
        let newest = last.entry(event.subject_id.as_str()).or_default();
        *newest = (*newest).max((event.seq, event.kind.as_str()));
    }
    let silent = evidence.rows.refunds.iter().filter(|refund| {
        let told = last.get(refund.id.as_str()).map_or("", |(_, kind)| kind);
        match refund.state.as_str() {
            "success" => told != "refund.succeeded",
            state @ ("closed" | "abnormal" | "processing") => told != format!("refund.{state}"),
            _ => told.is_empty(),
        }
    });
    silent
        .map(|refund| format!("{} is {}, and nobody was told", refund.id, refund.state))
        .collect()
}

/// I12: every refund that is not over has a time at which somebody looks at it, and no other has.
pub(super) fn everything_has_a_next_step(evidence: &Evidence) -> Vec<String> {
    let refunds = evidence.rows.refunds.iter();
    let stuck = refunds.filter(|refund| is_open(refund) != refund.next_try_at.is_some());
    stuck
        .map(|refund| format!("{} is {}", refund.id, refund.state))
        .collect()
}
