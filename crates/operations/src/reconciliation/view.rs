//! Discrepancies and days as people and tenants see them.

use serde::{Deserialize, Serialize};
use tributary_domain::bill::BillDay;
use tributary_domain::clock::Timestamp;
use tributary_domain::reconciliation::{Discrepancy, Figures, Reconciliation};

/// A difference between our books and WeChat's bill.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiscrepancyView {
    /// Its id: `dsc_…`.
    pub id: String,
    /// Always `discrepancy`.
    pub object: String,
    /// The day whose comparison found it.
    pub date: BillDay,
    /// `R01` to `R16`.
    pub class: String,
    /// `payment`, `refund`, `bill`, `order` or `fund_flow`.
    pub subject: String,
    /// Its number at WeChat.
    pub number: String,
    /// Our order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order_id: Option<String>,
    /// What our books count, in fen.
    pub local_fen: i64,
    /// What the bill counts, in fen.
    pub bill_fen: i64,
    /// Ours minus the bill's, in fen.
    pub delta_fen: i64,
    /// `open`, `explained`, `fixed` or `closed`.
    pub state: String,
    /// Why it is in this state.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When it was first seen.
    pub created_at: String,
    /// When it last changed.
    pub updated_at: String,
}

/// Shows a discrepancy; who closed it and the evidence are for staff.
pub fn discrepancy_view(found: &Discrepancy) -> DiscrepancyView {
    DiscrepancyView {
        id: found.id.to_string(),
        object: "discrepancy".to_owned(),
        date: found.day,
        class: found.class.as_str().to_owned(),
        subject: found.subject.as_str().to_owned(),
        number: found.number.clone(),
        order_id: found.order_id.as_ref().map(ToString::to_string),
        local_fen: found.local_fen,
        bill_fen: found.bill_fen,
        delta_fen: found.local_fen.saturating_sub(found.bill_fen),
        state: found.state.as_str().to_owned(),
        reason: found.reason.clone(),
        created_at: found.created_at.to_rfc3339(),
        updated_at: found.updated_at.to_rfc3339(),
    }
}

/// The comparison of a provider's day, for staff.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReconciliationView {
    /// Its id: `rec_…`.
    pub id: String,
    /// Whose.
    pub provider_id: String,
    /// Which day.
    pub date: BillDay,
    /// `waiting`, `completed` or `failed`.
    pub state: String,
    /// How often it was tried.
    pub tries: i64,
    /// Payments.
    pub payments: FiguresView,
    /// Refunds.
    pub refunds: FiguresView,
    /// Why it waits.
    pub failure: Option<String>,
    /// When it is tried next.
    pub next_try_at: Option<String>,
    /// When it was compared last.
    pub completed_at: Option<String>,
}

/// Sums of one side of a day, as they were compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FiguresView {
    /// How many our books had.
    pub local_count: i64,
    /// How much, in fen.
    pub local_fen: i64,
    /// How many the bill has.
    pub bill_count: i64,
    /// How much, in fen.
    pub bill_fen: i64,
    /// What the discrepancies add up to, in fen.
    pub discrepancy_fen: i64,
    /// Whether they explain the difference to the fen.
    pub holds: bool,
}

/// Shows a comparison.
pub fn reconciliation_view(run: &Reconciliation) -> ReconciliationView {
    ReconciliationView {
        id: run.id.to_string(),
        provider_id: run.provider_id.to_string(),
        date: run.day,
        state: run.state.as_str().to_owned(),
        tries: run.tries,
        payments: figures_view(&run.payments),
        refunds: figures_view(&run.refunds),
        failure: run.failure.clone(),
        next_try_at: run.next_try_at.map(Timestamp::to_rfc3339),
        completed_at: run.completed_at.map(Timestamp::to_rfc3339),
    }
}

fn figures_view(figures: &Figures) -> FiguresView {
    FiguresView {
        local_count: figures.local_count,
        local_fen: figures.local_fen,
        bill_count: figures.bill_count,
        bill_fen: figures.bill_fen,
        discrepancy_fen: figures.discrepancy_fen,
        holds: figures.hold(),
    }
}
