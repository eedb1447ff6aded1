//! A tenant's day: what WeChat's bill has, what the books have, what the tenant was told.

use poem_openapi::param::Path;
use poem_openapi::{Object, OpenApi};
use tributary_domain::bill::BillDay;
use tributary_domain::tenant::Scope;
use tributary_operations::reconciliation::days::{Column, DayView, UntoldView};
use tributary_operations::reconciliation::view::DiscrepancyView;

use super::{Tag, path_id};
use crate::auth::Authenticated;
use crate::json::Json;
use crate::problem::Problem;

/// The operation on days.
pub(crate) struct ReconciliationApi;

/// A day in columns.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
struct ReconciliationDay {
    /// Always `reconciliation_day`.
    object: String,
    /// The day, in Beijing.
    date: String,
    /// `completed` once the day was compared with WeChat's bill, else `waiting`.
    state: String,
    /// When it was compared (RFC 3339).
    completed_at: Option<String>,
    /// Payments in WeChat's bill.
    paid_at_wechat: DayColumn,
    /// Payments in the books of the platform.
    known: DayColumn,
    /// Of these, those that an event tells of.
    told: DayColumn,
    /// Of these, those whose event one of your endpoints has taken.
    delivered: DayColumn,
    /// What the books and the bill disagree about, the oldest first.
    discrepancies: Vec<Discrepancy>,
    /// Paid orders that were not told, or that no endpoint has taken.
    untold: Vec<UntoldOrder>,
    /// Whether there are more of either than are shown.
    has_more: bool,
}

/// How many, and how much.
#[derive(Debug, Object)]
struct DayColumn {
    /// How many payments.
    count: i64,
    /// How much, in fen.
    fen: i64,
}

/// A difference between the books and WeChat's bill.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
struct Discrepancy {
    /// Its id: `dsc_…`.
    id: String,
    /// Always `discrepancy`.
    object: String,
    /// The day whose comparison found it.
    date: String,
    /// In which way: `R01` to `R16`.
    class: String,
    /// `payment`, `refund`, `bill`, `order` or `fund_flow`.
    subject: String,
    /// Its number at WeChat.
    number: String,
    /// Our order.
    order_id: Option<String>,
    /// What the books count, in fen.
    local_fen: i64,
    /// What the bill counts, in fen.
    bill_fen: i64,
    /// The books minus the bill, in fen.
    delta_fen: i64,
    /// `open`, `explained`, `fixed` or `closed`.
    state: String,
    /// Why it is in this state.
    reason: Option<String>,
    /// When it was first seen (RFC 3339).
    created_at: String,
    /// When it last changed (RFC 3339).
    updated_at: String,
}

/// A paid order that you may not know of.
#[derive(Debug, Object)]
struct UntoldOrder {
    /// `not_told` or `not_delivered`.
    gap: String,
    /// Our order.
    order_id: String,
    /// Your own number of it.
    merchant_order_no: String,
    /// What was paid, in fen.
    fen: i64,
}

#[OpenApi(tag = "Tag::Reconciliation")]
impl ReconciliationApi {
    /// Read a day
    ///
    /// Paid at WeChat, known here, told to you, delivered to you: four columns that agree on a good day, and the gaps
    /// between them one by one, at most 100 of each kind. Needs the scope `bills:read`.
    #[oai(
        path = "/v1/reconciliation/days/:date",
        method = "get",
        operation_id = "getReconciliationDay"
    )]
    async fn get_reconciliation_day(
        &self,
        auth: Authenticated,
        /// The day in Beijing, such as `2026-01-31`.
        date: Path<String>,
    ) -> Result<Json<ReconciliationDay>, Problem> {
        let session = auth.allow(Scope::BillsRead)?;
        let day: BillDay = path_id(&date)?;
        let operations = &session.operations;
        let view = operations.reconciliation_day(&session.caller, day).await?;
        Ok(Json(view.into()))
    }
}

impl From<DayView> for ReconciliationDay {
    fn from(view: DayView) -> Self {
        Self {
            object: view.object,
            date: view.date.to_string(),
            state: view.state,
            completed_at: view.completed_at,
            paid_at_wechat: view.paid_at_wechat.into(),
            known: view.known.into(),
            told: view.told.into(),
            delivered: view.delivered.into(),
            discrepancies: view.discrepancies.into_iter().map(Into::into).collect(),
            untold: view.untold.into_iter().map(Into::into).collect(),
            has_more: view.has_more,
        }
    }
}

impl From<Column> for DayColumn {
    fn from(column: Column) -> Self {
        Self {
            count: column.count,
            fen: column.fen,
        }
    }
}

impl From<DiscrepancyView> for Discrepancy {
    fn from(view: DiscrepancyView) -> Self {
        Self {
            id: view.id,
            object: view.object,
            date: view.date.to_string(),
            class: view.class,
            subject: view.subject,
            number: view.number,
            order_id: view.order_id,
            local_fen: view.local_fen,
            bill_fen: view.bill_fen,
            delta_fen: view.delta_fen,
            state: view.state,
            reason: view.reason,
            created_at: view.created_at,
            updated_at: view.updated_at,
        }
    }
}

impl From<UntoldView> for UntoldOrder {
    fn from(view: UntoldView) -> Self {
        Self {
            gap: view.gap,
            order_id: view.order_id,
            merchant_order_no: view.merchant_order_no,
            fen: view.fen,
        }
    }
}
