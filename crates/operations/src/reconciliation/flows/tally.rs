//! What was seen on an account, and what our books have under the numbers that moved it.

use std::collections::HashSet;
use std::hash::{BuildHasher as _, RandomState};

use tributary_domain::bill::RowKind;
use tributary_domain::clock::Timestamp;
use tributary_domain::fund_flow::{Booked, Movement, MovementKind};
use tributary_domain::ids::{OrderId, TenantId};
use tributary_domain::reconciliation::{Finding, LocalPayment, LocalRefund, Occurrence};
use wechatpay::v3::bills::{FlowDirection, FundFlowRow};

/// Differences of one account that have a row each; the others share one.
const LISTED_MAX: usize = 1_000;

/// What our books have under a number.
#[derive(Clone)]
pub(super) struct Ours {
    pub(super) tenant_id: TenantId,
    pub(super) order_id: OrderId,
    pub(super) number: String,
    pub(super) kind: RowKind,
    pub(super) booked: Booked,
}

/// What was seen on an account so far.
#[derive(Default)]
pub(super) struct Tally {
    hasher: RandomState,
    /// Numbers that moved, as hashes.
    met: HashSet<u64>,
    /// Payments and refunds of ours of this day that moved.
    pub(super) met_of_day: i64,
    /// What the bill counts, in fen.
    pub(super) counted_fen: i64,
    /// Our books minus the bill in what differs, in fen.
    pub(super) delta_fen: i64,
    listed: usize,
    /// Of differences without a row of their own: how many, and both sides in fen.
    pub(super) unlisted: (i64, i64, i64),
}

impl Tally {
    /// How many numbers moved.
    pub(super) fn numbers(&self) -> usize {
        self.met.len()
    }

    /// Whether a number moved before; it has now.
    pub(super) fn meet(&mut self, kind: RowKind, number: &str) -> Occurrence {
        if self
            .met
            .insert(self.hasher.hash_one((kind.as_str(), number)))
        {
            Occurrence::First
        } else {
            Occurrence::Again
        }
    }

    /// Whether a number moved.
    pub(super) fn has_met(&self, kind: RowKind, number: &str) -> bool {
        let hash = self.hasher.hash_one((kind.as_str(), number));
        self.met.contains(&hash)
    }

    /// Counts a difference; whether it has a row of its own.
    pub(super) const fn differs(&mut self, finding: Finding) -> bool {
        self.delta_fen = self.delta_fen.saturating_add(finding.delta_fen());
        if self.listed < LISTED_MAX {
            self.listed += 1;
            return true;
        }
        let (count, local_fen, bill_fen) = &mut self.unlisted;
        *count += 1;
        *local_fen = local_fen.saturating_add(finding.local_fen);
        *bill_fen = bill_fen.saturating_add(finding.bill_fen);
        false
    }
}

/// A movement that the books may have; fees and withdrawals are none.
pub(super) fn to_movement(row: FundFlowRow) -> Option<Movement> {
    let business_type = row.business_type.unwrap_or_default();
    let kind = MovementKind::of(&business_type);
    let fen = match row.direction {
        FlowDirection::Income => row.amount_fen,
        FlowDirection::Expense => row.amount_fen.saturating_neg(),
        FlowDirection::Unknown(_) => return None,
    };
    (kind != MovementKind::Other).then(|| Movement {
        line: i64::try_from(row.line).unwrap_or(i64::MAX),
        kind,
        number: row.voucher.unwrap_or_else(|| row.flow_id.clone()),
        flow_id: row.flow_id,
        business_type,
        booked_at: Timestamp::from_millis(row.booked_at_ms),
        fen,
    })
}

pub(super) const fn row_kind(kind: MovementKind) -> Option<RowKind> {
    match kind {
        MovementKind::Payment => Some(RowKind::Payment),
        MovementKind::Refund => Some(RowKind::Refund),
        MovementKind::ProfitSharing | MovementKind::Other => None,
    }
}

pub(super) fn of_payment(payment: LocalPayment) -> Ours {
    Ours {
        booked: Booked::payment(&payment),
        tenant_id: payment.tenant_id,
        order_id: payment.order_id,
        number: payment.out_trade_no,
        kind: RowKind::Payment,
    }
}

pub(super) fn of_refund(refund: &LocalRefund) -> Option<Ours> {
    Some(Ours {
        booked: Booked::refund(refund)?,
        tenant_id: refund.tenant_id.clone(),
        order_id: refund.order_id.clone(),
        number: refund.out_refund_no.clone(),
        kind: RowKind::Refund,
    })
}
