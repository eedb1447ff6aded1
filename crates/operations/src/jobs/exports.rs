//! Lists written into files, a piece a step.

use serde::{Deserialize, Serialize};
use tributary_domain::clock::Timestamp;
use tributary_domain::ids::{OrderId, RefundId};
use tributary_domain::job::{Job, JobKind};
use tributary_domain::order::Order;
use tributary_domain::refund::Refund;
use tributary_domain::staff::Permission;
use tributary_storage::order_search::OrderQuery;
use tributary_storage::refund_search::RefundQuery;
use tributary_storage::scan::Place;
use tributary_storage::{Tx, jobs, order_search, refund_search};

use super::{Step, csv};
use crate::pages::read_cursor;
use crate::viewer::Viewer;
use crate::{OperationError, Operations};

/// Rows that one step writes.
const ROWS_AT_ONCE: u64 = 500;
/// Rows of one file: what a spreadsheet opens.
const ROWS_MAX: i64 = 1_000_000;

/// An export of orders as it is kept.
#[derive(Serialize, Deserialize)]
struct OrderWish {
    query: OrderQuery,
    payers: bool,
}

pub(super) fn order_wish(viewer: &Viewer, query: &OrderQuery) -> Result<String, OperationError> {
    let mut query = query.clone();
    if let Some(tenant) = viewer.tenant() {
        query.tenant_id = Some(tenant.clone());
    }
    let payers = viewer.may(Permission::PayerExport);
    written(&OrderWish { query, payers })
}

pub(super) fn refund_wish(query: &RefundQuery) -> Result<String, OperationError> {
    written(query)
}

/// Whether the file of a job says who paid.
pub(super) fn names_payers(job: &Job) -> Result<bool, OperationError> {
    match job.kind {
        JobKind::ExportOrders => Ok(read::<OrderWish>(job)?.payers),
        _ => Ok(false),
    }
}

fn written<T: Serialize>(wish: &T) -> Result<String, OperationError> {
    serde_json::to_string(wish)
        .map_err(|error| OperationError::Internal(format!("writing a wish: {error}")))
}

fn read<'a, T: Deserialize<'a>>(job: &'a Job) -> Result<T, OperationError> {
    serde_json::from_str(&job.wish)
        .map_err(|error| OperationError::Internal(format!("reading a wish: {error}")))
}

impl Operations {
    pub(super) async fn export_orders_step(
        &self,
        tx: &Tx,
        job: &Job,
    ) -> Result<Step, OperationError> {
        let mut wish: OrderWish = read(job)?;
        // A job of a tenant never leaves it, whatever its wish says.
        if let Some(tenant) = &job.tenant_id {
            wish.query.tenant_id = Some(tenant.clone());
        }
        let place = job
            .place
            .as_deref()
            .map(read_cursor::<OrderId>)
            .transpose()?;
        let (at, query) = (self.storage(), &wish.query);
        let found =
            order_search::search_all_tenants(at, query, place.as_ref(), ROWS_AT_ONCE).await?;
        let payers = wish.payers;
        let lines = found
            .items
            .iter()
            .map(|order| csv::line(&order_cells(order, payers)));
        let header = csv::line(&ORDER_COLUMNS.map(str::to_owned));
        let text = lines.collect();
        self.write_piece(tx, job, (header, text), found.items.len(), found.next)
            .await
    }

    pub(super) async fn export_refunds_step(
        &self,
        tx: &Tx,
        job: &Job,
    ) -> Result<Step, OperationError> {
        let mut query: RefundQuery = read(job)?;
        if let Some(tenant) = &job.tenant_id {
            query.tenant_id = Some(tenant.clone());
        }
        let place = job
            .place
            .as_deref()
            .map(read_cursor::<RefundId>)
            .transpose()?;
        let at = self.storage();
        let found =
            refund_search::search_all_tenants(at, &query, place.as_ref(), ROWS_AT_ONCE).await?;
        let lines = found
            .items
            .iter()
            .map(|refund| csv::line(&refund_cells(refund)));
        let header = csv::line(&REFUND_COLUMNS.map(str::to_owned));
        let text = lines.collect();
        self.write_piece(tx, job, (header, text), found.items.len(), found.next)
            .await
    }

    async fn write_piece(
        &self,
        tx: &Tx,
        job: &Job,
        (header, lines): (String, String),
        rows: usize,
        next: Option<Place>,
    ) -> Result<Step, OperationError> {
        let mut after = Box::new(job.clone());
        let text = if job.result_chunks == 0 {
            format!("{}{header}{lines}", csv::MARK)
        } else {
            lines
        };
        if !text.is_empty() {
            let bytes = i64::try_from(text.len()).unwrap_or(i64::MAX);
            jobs::insert_chunk(tx, &job.id, job.result_chunks, text.into_bytes()).await?;
            after.result_chunks = job.result_chunks.saturating_add(1);
            after.result_bytes = job.result_bytes.saturating_add(bytes);
        }
        after.done = job
            .done
            .saturating_add(i64::try_from(rows).unwrap_or(i64::MAX));
        after.place = next.as_ref().map(ToString::to_string);
        if after.place.is_some() && after.done >= ROWS_MAX {
            let why = format!("the list has more than {ROWS_MAX} rows: narrow it");
            return Ok(Step::Stuck(after, why));
        }
        if after.place.is_none() {
            after.total = Some(after.done);
            return Ok(Step::Done(after));
        }
        Ok(Step::More(after, self.now()))
    }
}

const ORDER_COLUMNS: [&str; 17] = [
    "order_id",
    "tenant_id",
    "mode",
    "merchant_order_no",
    "transaction_id",
    "sub_mchid",
    "state",
    "trade_state",
    "total_fen",
    "paid_fen",
    "refunding_fen",
    "refunded_fen",
    "payer_hash",
    "payer_openid",
    "created_at",
    "paid_at",
    "description",
];

fn order_cells(order: &Order, payers: bool) -> Vec<String> {
    let payment = order.payment.as_ref();
    let payer = if payers {
        crate::order_search::openid(order).to_owned()
    } else {
        String::new()
    };
    vec![
        order.id.to_string(),
        order.tenant_id.to_string(),
        order.mode.as_str().to_owned(),
        order.content.merchant_order_no.to_string(),
        payment
            .map(|paid| paid.transaction_id.clone())
            .unwrap_or_default(),
        order.sub_mchid.to_string(),
        order.state.as_str().to_owned(),
        order.trade_state.clone().unwrap_or_default(),
        order.content.total.as_i64().to_string(),
        order.money.paid.as_i64().to_string(),
        order.money.refunding.as_i64().to_string(),
        order.money.refunded.as_i64().to_string(),
        order.payer_hash.clone().unwrap_or_default(),
        payer,
        order.created_at.to_rfc3339(),
        payment
            .map(|paid| paid.success_time.to_rfc3339())
            .unwrap_or_default(),
        order.content.description.clone(),
    ]
}

const REFUND_COLUMNS: [&str; 13] = [
    "refund_id",
    "tenant_id",
    "mode",
    "order_id",
    "merchant_refund_no",
    "out_refund_no",
    "wechat_refund_id",
    "sub_mchid",
    "state",
    "origin",
    "refund_fen",
    "created_at",
    "accepted_at",
];

fn refund_cells(refund: &Refund) -> Vec<String> {
    vec![
        refund.id.to_string(),
        refund.tenant_id.to_string(),
        refund.mode.as_str().to_owned(),
        refund.order_id.to_string(),
        refund.content.merchant_refund_no.to_string(),
        refund.out_refund_no.to_string(),
        refund.facts.refund_id.clone().unwrap_or_default(),
        refund.sub_mchid.to_string(),
        refund.state.as_str().to_owned(),
        refund.origin.as_str().to_owned(),
        refund.content.refund.as_i64().to_string(),
        refund.created_at.to_rfc3339(),
        refund
            .facts
            .accepted_at
            .map(Timestamp::to_rfc3339)
            .unwrap_or_default(),
    ]
}
