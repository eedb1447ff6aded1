//! Days, differences and bills as staff are shown them.

use poem_openapi::Object;
use serde_json::Value;
use tributary_domain::bill::Bill;
use tributary_domain::clock::Timestamp;
use tributary_domain::reconciliation::{Discrepancy, Figures};
use tributary_operations::pages::Page;
use tributary_operations::reconciliation::DeskDay;

/// One side of a day. Money is fen.
#[derive(Debug, Object)]
pub(super) struct DayFigures {
    /// How many our books had.
    local_count: i64,
    /// How much our books had.
    local: i64,
    /// How many the bill has.
    bill_count: i64,
    /// How much the bill has.
    bill: i64,
    /// What the differences add up to.
    discrepancies: i64,
    /// Whether they explain the difference to the fen.
    holds: bool,
}

impl From<&Figures> for DayFigures {
    fn from(figures: &Figures) -> Self {
        Self {
            local_count: figures.local_count,
            local: figures.local_fen,
            bill_count: figures.bill_count,
            bill: figures.bill_fen,
            discrepancies: figures.discrepancy_fen,
            holds: figures.hold(),
        }
    }
}

/// The comparison of a provider's day with its bill.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct ReconciledDay {
    /// Its id: `rec_…`.
    id: String,
    /// Always `reconciliation_day`.
    object: String,
    /// Whose.
    provider_id: String,
    /// `live` or `test`.
    mode: String,
    /// Which day in Beijing.
    date: String,
    /// `waiting`, `completed` or `failed`; beside it `closed_at`.
    state: String,
    /// How often it was tried.
    tries: i64,
    /// Payments.
    payments: DayFigures,
    /// Refunds.
    refunds: DayFigures,
    /// How many differences are open.
    open: u64,
    /// Why it waits.
    failure: Option<String>,
    /// When it is tried next (RFC 3339).
    next_try_at: Option<String>,
    /// When it was compared last (RFC 3339).
    completed_at: Option<String>,
    /// When a person put it away (RFC 3339).
    closed_at: Option<String>,
    /// Who did.
    closed_by: Option<String>,
}

impl From<DeskDay> for ReconciledDay {
    fn from(day: DeskDay) -> Self {
        let run = day.run;
        Self {
            id: run.id.to_string(),
            object: String::from("reconciliation_day"),
            provider_id: run.provider_id.to_string(),
            mode: run.mode.as_str().to_owned(),
            date: run.day.to_string(),
            state: run.state.as_str().to_owned(),
            tries: run.tries,
            payments: (&run.payments).into(),
            refunds: (&run.refunds).into(),
            open: day.open,
            failure: run.failure,
            next_try_at: run.next_try_at.map(Timestamp::to_rfc3339),
            completed_at: run.completed_at.map(Timestamp::to_rfc3339),
            closed_at: run.closed_at.map(Timestamp::to_rfc3339),
            closed_by: run.closed_by,
        }
    }
}

/// Days, the newest first.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct ReconciledDayList {
    /// Always `list`.
    pub(super) object: String,
    /// The days.
    pub(super) data: Vec<ReconciledDay>,
    /// Whether there may be more.
    pub(super) has_more: bool,
    /// Send it as `before` to get earlier days.
    pub(super) next_cursor: Option<String>,
}

/// A difference between our books and a bill. Money is fen.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct DiscrepancyObject {
    /// Its id: `dsc_…`.
    id: String,
    /// Always `discrepancy`.
    object: String,
    /// Whose provider's.
    provider_id: String,
    /// `live` or `test`.
    mode: String,
    /// The day whose comparison found it.
    date: String,
    /// `R01` to `R16`.
    class: String,
    /// `payment`, `refund`, `bill`, `order` or `fund_flow`.
    subject: String,
    /// Its number at WeChat.
    number: String,
    /// Whose, when known.
    tenant_id: Option<String>,
    /// Which order, when known.
    order_id: Option<String>,
    /// What our books count.
    local: i64,
    /// What the bill counts.
    bill: i64,
    /// Ours minus the bill's.
    delta: i64,
    /// `open`, `explained`, `fixed` or `closed`.
    state: String,
    /// Who is to act: `platform`, `staff` or `next_bill`.
    owner: String,
    /// Who looks into it.
    assignee: Option<String>,
    /// Who explained or closed it.
    actor: Option<String>,
    /// Why.
    reason: Option<String>,
    /// What is known about it.
    evidence: Value,
    /// When it was first seen (RFC 3339).
    created_at: String,
    /// When it last changed (RFC 3339).
    updated_at: String,
}

impl From<Discrepancy> for DiscrepancyObject {
    fn from(found: Discrepancy) -> Self {
        Self {
            id: found.id.to_string(),
            object: String::from("discrepancy"),
            provider_id: found.provider_id.to_string(),
            mode: found.mode.as_str().to_owned(),
            date: found.day.to_string(),
            class: found.class.as_str().to_owned(),
            subject: found.subject.as_str().to_owned(),
            number: found.number,
            tenant_id: found.tenant_id.map(|id| id.to_string()),
            order_id: found.order_id.map(|id| id.to_string()),
            local: found.local_fen,
            bill: found.bill_fen,
            delta: found.local_fen.saturating_sub(found.bill_fen),
            state: found.state.as_str().to_owned(),
            owner: found.owner,
            assignee: found.assignee,
            actor: found.actor,
            reason: found.reason,
            evidence: serde_json::from_str(&found.evidence)
                .unwrap_or(Value::String(found.evidence)),
            created_at: found.created_at.to_rfc3339(),
            updated_at: found.updated_at.to_rfc3339(),
        }
    }
}

/// A page of differences, the oldest first.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct DiscrepancyPage {
    /// Always `list`.
    object: String,
    /// The differences.
    data: Vec<DiscrepancyObject>,
    /// Whether there are more.
    has_more: bool,
    /// Names the next page.
    next_cursor: Option<String>,
}

impl From<Page<Discrepancy>> for DiscrepancyPage {
    fn from(page: Page<Discrepancy>) -> Self {
        Self {
            object: String::from("list"),
            data: page.items.into_iter().map(Into::into).collect(),
            has_more: page.next_cursor.is_some(),
            next_cursor: page.next_cursor,
        }
    }
}

/// Who looks into a difference.
#[derive(Debug, Object)]
#[oai(deny_unknown_fields)]
pub(super) struct Assignment {
    /// The id or the name of the person.
    pub(super) assignee: String,
}

/// Why a difference is none.
#[derive(Debug, Object)]
#[oai(deny_unknown_fields)]
pub(super) struct Explanation {
    /// In your words.
    pub(super) reason: String,
    /// What shows it: a ticket, a number, what WeChat's console says.
    pub(super) evidence: String,
}

/// Why a difference needs nobody any more.
#[derive(Debug, Object)]
#[oai(deny_unknown_fields)]
pub(super) struct ClosingWords {
    /// In your words.
    pub(super) reason: String,
}

/// Which day to fetch and compare.
#[derive(Debug, Object)]
#[oai(deny_unknown_fields)]
pub(super) struct DayToReconcile {
    /// Whose.
    pub(super) provider_id: String,
    /// Which day in Beijing.
    pub(super) date: String,
}

/// A bill of WeChat's. Money is fen; in the file it is yuan.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct BillObject {
    /// Its id: `bil_…`.
    id: String,
    /// Always `bill`.
    object: String,
    /// Whose.
    provider_id: String,
    /// `live` or `test`.
    mode: String,
    /// Which day in Beijing.
    date: String,
    /// `trade` or a kind of fund flow.
    kind: String,
    /// Whose account, for a fund flow.
    account: String,
    /// How far it has come.
    state: String,
    /// The hash that WeChat gave and that was checked.
    content_hash: String,
    /// The bytes of the file.
    content_bytes: i64,
    /// How many rows it has.
    rows: i64,
    /// What its payments come to.
    payments: i64,
    /// What its refunds come to.
    refunds: i64,
    /// Why it was thrown away.
    failure: Option<String>,
    /// When its download began (RFC 3339).
    created_at: String,
    /// When it was done (RFC 3339).
    finished_at: Option<String>,
}

impl From<Bill> for BillObject {
    fn from(bill: Bill) -> Self {
        Self {
            id: bill.id.to_string(),
            object: String::from("bill"),
            provider_id: bill.name.provider_id.to_string(),
            mode: bill.mode.as_str().to_owned(),
            date: bill.name.day.to_string(),
            kind: bill.name.kind.as_str().to_owned(),
            account: bill.name.account,
            state: bill.state.as_str().to_owned(),
            content_hash: bill.content_hash,
            content_bytes: bill.content_bytes,
            rows: bill.sums.rows,
            payments: bill.sums.payment_fen,
            refunds: bill.sums.refund_fen,
            failure: bill.failure,
            created_at: bill.created_at.to_rfc3339(),
            finished_at: bill.finished_at.map(Timestamp::to_rfc3339),
        }
    }
}

/// A page of bills, the newest first.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct BillPage {
    /// Always `list`.
    pub(super) object: String,
    /// The bills.
    pub(super) data: Vec<BillObject>,
    /// Whether there are more.
    pub(super) has_more: bool,
    /// Names the next page.
    pub(super) next_cursor: Option<String>,
}
