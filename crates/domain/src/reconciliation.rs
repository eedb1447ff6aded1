//! What a bill means for our books: each row and each payment or refund of ours falls into one class, or fits.
//!
//! Every class says by how many fen our books exceed the bill, so that over a day and a provider the sum of what
//! differs is the difference of the sums, to the fen. This code is pure and changes nothing.

use serde::{Deserialize, Serialize};

use crate::bill::{BillDay, BillRow, RowKind};
use crate::clock::Timestamp;
use crate::ids::{DiscrepancyId, OrderId, ProviderId, RefundId, TenantId};
use crate::refund::RefundState;
use crate::state_words::state_words;
use crate::tenant::Mode;

/// How near midnight a payment may stand in the bill of the other day.
const BOUNDARY_MS: i64 = 10 * 60 * 1_000;
/// A fee is rate times amount, rounded to the fen, or cut after five decimals of a yuan.
const FEE_TOLERANCE_MILLIFEN: u64 = 500;
const RATE_DECIMALS: usize = 4;
/// Rates are in millionths; fees in thousandths of a fen.
const RATE_PER_MILLIFEN: i128 = 1_000;

state_words! {
    /// In which way our books and a bill differ.
    DiscrepancyClass {
        /// The bill has a payment that is not ours.
        UnknownPayment = "R01",
        /// We have a payment that the bill lacks; the next bill may have it.
        MissingPayment = "R02",
        /// The amounts of a payment differ.
        PaymentAmount = "R03",
        /// The bill has a payment of an order of ours that is not paid here.
        UnbookedPayment = "R04",
        /// The bill has a refund that is not ours.
        UnknownRefund = "R05",
        /// We have a refund that the bill lacks; the next bill may have it.
        MissingRefund = "R06",
        /// The amounts of a refund differ.
        RefundAmount = "R07",
        /// The bill knows more about the state of a refund, or tells of a reversal.
        State = "R08",
        /// A fee is not its rate times the amount.
        Fee = "R09",
        /// The bill names another sub-merchant than the order's.
        SubMerchant = "R10",
        /// A number stands in the bill twice, or with another number of WeChat's than ours.
        Duplicate = "R11",
        /// The file is broken: its hash, its counts, its sums or a row.
        Integrity = "R12",
        /// The bill is not to be had.
        Unavailable = "R13",
        /// A sub-merchant's account moved otherwise than the books say: a payment, a refund, or profit shared.
        FundFlow = "R14",
        /// Another day's bill has it.
        DayBoundary = "R15",
        /// The sums of an order are not those of its refunds.
        TrialBalance = "R16",
    }
}

impl DiscrepancyClass {
    /// Whether a later bill may settle it without anybody.
    pub const fn waits(self) -> bool {
        matches!(
            self,
            Self::MissingPayment | Self::MissingRefund | Self::DayBoundary | Self::Unavailable
        )
    }
}

state_words! {
    /// Where a discrepancy stands.
    DiscrepancyState {
        /// Somebody must look, or the next bill will tell.
        Open = "open",
        /// It is understood, and nothing is wrong.
        Explained = "explained",
        /// It was wrong and is right now.
        Fixed = "fixed",
        /// A person put it away.
        Closed = "closed",
    }
}

state_words! {
    /// What a discrepancy is about.
    SubjectKind {
        /// A payment, by its order number at WeChat.
        Payment = "payment",
        /// A refund, by its number at WeChat.
        Refund = "refund",
        /// A whole bill.
        Bill = "bill",
        /// An order's sums.
        Order = "order",
        /// A movement on a sub-merchant's account.
        FundFlow = "fund_flow",
    }
}

/// One of the two comparisons of a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compared {
    /// The books with the trade bill.
    Trades,
    /// The books with the sub-merchants' fund flows.
    FundFlows,
}

impl Compared {
    /// Whether a difference about this is of that comparison.
    pub fn covers(self, subject: SubjectKind) -> bool {
        (self == Self::FundFlows) == (subject == SubjectKind::FundFlow)
    }
}

state_words! {
    /// Where the comparison of a day stands.
    ReconciliationState {
        /// To be done, or to be tried again.
        Waiting = "waiting",
        /// Compared; figures and discrepancies are written.
        Completed = "completed",
        /// Given up after three days.
        Failed = "failed",
    }
}

/// A payment as our books have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalPayment {
    /// Whose.
    pub tenant_id: TenantId,
    /// Of which order.
    pub order_id: OrderId,
    /// Its number at WeChat.
    pub out_trade_no: String,
    /// WeChat's number.
    pub transaction_id: String,
    /// The sub-merchant.
    pub sub_mchid: String,
    /// How much, in fen.
    pub fen: i64,
    /// When.
    pub paid_at: Timestamp,
}

/// A refund as our books have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalRefund {
    /// Whose.
    pub tenant_id: TenantId,
    /// Of which order.
    pub order_id: OrderId,
    /// Our id.
    pub refund_id: RefundId,
    /// Its number at WeChat.
    pub out_refund_no: String,
    /// WeChat's number, once known.
    pub wechat_refund_id: Option<String>,
    /// The sub-merchant.
    pub sub_mchid: String,
    /// How much, in fen.
    pub fen: i64,
    /// When WeChat accepted it; absent as long as we do not know that it did.
    pub accepted_at: Option<Timestamp>,
    /// Where it stands.
    pub state: RefundState,
}

/// What we know about a payment row's number.
#[derive(Clone, Copy, Debug)]
pub enum KnownPayment<'a> {
    /// The number is not ours.
    Nobody,
    /// An order of ours, not paid by this number as far as we know.
    Unpaid {
        /// Its sub-merchant.
        sub_mchid: &'a str,
    },
    /// Booked.
    Booked(&'a LocalPayment),
}

/// Whether a number stands in the bill for the first time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Occurrence {
    /// It does.
    First,
    /// A row before had it.
    Again,
}

/// What differs, and by how much our books exceed the bill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finding {
    /// In which way.
    pub class: DiscrepancyClass,
    /// What our books count on this day, in fen.
    pub local_fen: i64,
    /// What the bill counts, in fen.
    pub bill_fen: i64,
}

impl Finding {
    /// Our books minus the bill, in fen.
    pub const fn delta_fen(&self) -> i64 {
        self.local_fen.saturating_sub(self.bill_fen)
    }
}

/// Judges a row that tells of a payment or a reversal.
pub fn judge_payment(
    row: &BillRow,
    known: KnownPayment<'_>,
    occurrence: Occurrence,
) -> Option<Finding> {
    use DiscrepancyClass as Class;
    let only_bill = |class| Finding {
        class,
        local_fen: 0,
        bill_fen: row.total_fen,
    };
    let payment = match known {
        KnownPayment::Nobody => return Some(only_bill(Class::UnknownPayment)),
        _ if row.kind == RowKind::Reversal => return Some(only_bill(Class::State)),
        _ if occurrence == Occurrence::Again => return Some(only_bill(Class::Duplicate)),
        KnownPayment::Unpaid { sub_mchid } if sub_mchid != row.sub_mchid => {
            return Some(only_bill(Class::SubMerchant));
        }
        KnownPayment::Unpaid { .. } => return Some(only_bill(Class::UnbookedPayment)),
        KnownPayment::Booked(payment) => payment,
    };
    let same_day = row.day.contains(payment.paid_at);
    let class = if payment.sub_mchid != row.sub_mchid {
        Class::SubMerchant
    } else if payment.transaction_id != row.transaction_id {
        Class::Duplicate
    } else if payment.fen != row.total_fen {
        Class::PaymentAmount
    } else if !same_day {
        Class::DayBoundary
    } else if !fee_fits(row) {
        Class::Fee
    } else {
        return None;
    };
    Some(Finding {
        class,
        local_fen: if same_day { payment.fen } else { 0 },
        bill_fen: row.total_fen,
    })
}

/// Judges a row that tells of a refund; `None` for a number that is not ours.
pub fn judge_refund(
    row: &BillRow,
    known: Option<&LocalRefund>,
    occurrence: Occurrence,
) -> Option<Finding> {
    use DiscrepancyClass as Class;
    let only_bill = |class| Finding {
        class,
        local_fen: 0,
        bill_fen: row.refund_fen,
    };
    let Some(refund) = known else {
        return Some(only_bill(Class::UnknownRefund));
    };
    if occurrence == Occurrence::Again {
        return Some(only_bill(Class::Duplicate));
    }
    let same_day = refund.accepted_at.is_some_and(|at| row.day.contains(at));
    let other_number = match (&refund.wechat_refund_id, &row.wechat_refund_id) {
        (Some(ours), Some(theirs)) => ours != theirs,
        _ => false,
    };
    let class = if refund.sub_mchid != row.sub_mchid {
        Class::SubMerchant
    } else if other_number {
        Class::Duplicate
    } else if refund.fen != row.refund_fen {
        Class::RefundAmount
    } else if bill_knows_more(refund, row.refund_status.as_deref()) {
        Class::State
    } else if !same_day {
        Class::DayBoundary
    } else if !fee_fits(row) {
        Class::Fee
    } else {
        return None;
    };
    Some(Finding {
        class,
        local_fen: if same_day { refund.fen } else { 0 },
        bill_fen: row.refund_fen,
    })
}

/// What a row counts on the side of the books that it does not tell of; zero in every ordinary row.
pub fn other_side(row: &BillRow) -> Option<(SubjectKind, Finding)> {
    let (subject, bill_fen) = match row.kind {
        RowKind::Refund => (SubjectKind::Payment, row.total_fen),
        RowKind::Payment | RowKind::Reversal => (SubjectKind::Refund, row.refund_fen),
    };
    let finding = Finding {
        class: DiscrepancyClass::State,
        local_fen: 0,
        bill_fen,
    };
    (bill_fen != 0).then_some((subject, finding))
}

/// Judges a payment or refund of ours that this day's bill lacks.
pub fn judge_missing(
    kind: SubjectKind,
    (fen, at): (i64, Timestamp),
    day: BillDay,
    elsewhere: Elsewhere,
) -> Finding {
    let class = if elsewhere == Elsewhere::InNeighbour || is_near_midnight(at, day) {
        DiscrepancyClass::DayBoundary
    } else {
        match kind {
            SubjectKind::Refund => DiscrepancyClass::MissingRefund,
            SubjectKind::FundFlow => DiscrepancyClass::FundFlow,
            SubjectKind::Payment | SubjectKind::Bill | SubjectKind::Order => {
                DiscrepancyClass::MissingPayment
            }
        }
    };
    Finding {
        class,
        local_fen: fen,
        bill_fen: 0,
    }
}

/// Whether an instant is so near the ends of a day that the other day's bill may have it.
pub fn is_near_midnight(at: Timestamp, day: BillDay) -> bool {
    at.millis_since(day.start()) < BOUNDARY_MS || day.end().millis_since(at) <= BOUNDARY_MS
}

/// Whether the bill of the day before or after has what this one lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Elsewhere {
    /// It has.
    InNeighbour,
    /// Neither has, as far as they are stored.
    Nowhere,
}

/// A bill shows the state at acceptance, so it is news only when it is further than ours.
fn bill_knows_more(refund: &LocalRefund, status: Option<&str>) -> bool {
    match status {
        Some("SUCCESS") => refund.state != RefundState::Success,
        Some("FAIL") => !matches!(refund.state, RefundState::Closed | RefundState::Abnormal),
        Some("CHANGE") => refund.state.is_unaccepted() || refund.state == RefundState::Processing,
        // Accepted at least: WeChat has it.
        _ => refund.state.is_unaccepted(),
    }
}

/// Whether a fee is its rate times the amount; one that the bill does not state is not wrong.
fn fee_fits(row: &BillRow) -> bool {
    let (Some(fee), Some(rate)) = (row.fee_millifen, row.rate.as_deref()) else {
        return true;
    };
    let Some(millionths) = rate_millionths(rate) else {
        return false;
    };
    let exact = i128::from(row.fee_base_fen) * i128::from(millionths) / RATE_PER_MILLIFEN;
    let Ok(exact) = i64::try_from(exact) else {
        return false;
    };
    // A refund's fee is written with a minus sign, or, in some bills, without one.
    fee.unsigned_abs().abs_diff(exact.unsigned_abs()) <= FEE_TOLERANCE_MILLIFEN
}

/// Reads `0.60%` as 6,000 millionths.
fn rate_millionths(text: &str) -> Option<i64> {
    let number = text.strip_suffix('%')?;
    let (whole, decimals) = number.split_once('.').unwrap_or((number, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if decimals.len() > RATE_DECIMALS || !digits(whole) || !digits(decimals) || whole.is_empty() {
        return None;
    }
    format!("{whole}{decimals:0<RATE_DECIMALS$}").parse().ok()
}

/// Sums of one day and provider, of payments or of refunds, in fen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// How many our books have.
    pub local_count: i64,
    /// How much.
    pub local_fen: i64,
    /// How many the bill has.
    pub bill_count: i64,
    /// How much.
    pub bill_fen: i64,
    /// The sum of what differs: ours minus the bill's.
    pub discrepancy_fen: i64,
}

impl Figures {
    /// Whether what differs explains the difference to the fen.
    pub const fn hold(&self) -> bool {
        match self.local_fen.checked_sub(self.bill_fen) {
            Some(difference) => difference == self.discrepancy_fen,
            None => false,
        }
    }
}

/// The comparison of one provider's day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reconciliation {
    /// Our id.
    pub id: crate::ids::ReconciliationId,
    /// Whose.
    pub provider_id: ProviderId,
    /// Which world.
    pub mode: Mode,
    /// Which day.
    pub day: BillDay,
    /// Where it stands.
    pub state: ReconciliationState,
    /// How often it was tried.
    pub tries: i64,
    /// When it is tried next; absent when nothing is left to do.
    pub next_try_at: Option<Timestamp>,
    /// The bill it was compared with; absent before, and on a day without one.
    pub bill_id: Option<crate::ids::BillId>,
    /// Payments.
    pub payments: Figures,
    /// Refunds.
    pub refunds: Figures,
    /// Why it waits or failed, in a stable word.
    pub failure: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// When it was compared last.
    pub completed_at: Option<Timestamp>,
    /// When a person put the day away, with nothing open.
    pub closed_at: Option<Timestamp>,
    /// Who did.
    pub closed_by: Option<String>,
}

/// One difference between our books and a bill.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Discrepancy {
    /// Our id.
    pub id: DiscrepancyId,
    /// Whose provider's.
    pub provider_id: ProviderId,
    /// Which world.
    pub mode: Mode,
    /// Of which day's comparison.
    pub day: BillDay,
    /// In which way.
    pub class: DiscrepancyClass,
    /// About what.
    pub subject: SubjectKind,
    /// Its number at WeChat.
    pub number: String,
    /// The line in the bill; 0 when it is not about one.
    pub line: i64,
    /// Whose, when known.
    pub tenant_id: Option<TenantId>,
    /// Which order, when known.
    pub order_id: Option<OrderId>,
    /// What our books count, in fen.
    pub local_fen: i64,
    /// What the bill counts, in fen.
    pub bill_fen: i64,
    /// Where it stands.
    pub state: DiscrepancyState,
    /// Who is to act: `platform`, `staff`, `next_bill`.
    pub owner: String,
    /// Who looks into it.
    pub assignee: Option<String>,
    /// Who closed it.
    pub actor: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// What is known about it, without secrets.
    pub evidence: String,
    /// Number of the last event about it.
    pub event_seq: i64,
    /// In which comparison of the day it was seen last.
    pub seen_in: i64,
    /// When it was first seen.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

#[cfg(test)]
mod tests;
