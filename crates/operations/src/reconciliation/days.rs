//! A tenant's day: paid at WeChat, known to us, told to the tenant; and the gaps between them, one by one.

use serde::{Deserialize, Serialize};
use tributary_domain::bill::{Bill, BillDay};
use tributary_domain::clock::Timestamp;
use tributary_domain::event::{Draft, EventType, NewEvent, Subject};
use tributary_domain::ids::TenantId;
use tributary_domain::order::Order;
use tributary_domain::reconciliation::{
    DiscrepancyClass, Finding, Reconciliation, ReconciliationState, SubjectKind,
};
use tributary_domain::settlement::Source;
use tributary_domain::tenant::{Mode, Scope};
use tributary_storage::day_columns::{self, CountAndFen, Told};
use tributary_storage::{bill_rows, books, discrepancies, outbox, reconciliations};

use crate::credentials::Caller;
use crate::reconciliation::note::{Noted, Seen};
use crate::reconciliation::view::{DiscrepancyView, discrepancy_view};
use crate::{OperationError, Operations};

/// Gaps of one kind that a day shows.
const GAPS_MAX: u64 = 100;
/// More providers than one day of a mode has.
const PROVIDERS_MAX: u64 = 1_000;
const TENANTS_PAGE: u64 = 200;

/// A tenant's day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DayView {
    /// Always `reconciliation_day`.
    pub object: String,
    /// The day, in Beijing.
    pub date: BillDay,
    /// `completed` once every provider's bill of the day was compared; else `waiting`.
    pub state: String,
    /// When the last of them was compared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<String>,
    /// Payments in WeChat's bill.
    pub paid_at_wechat: Column,
    /// Payments in our books.
    pub known: Column,
    /// Of these, those that an event tells of.
    pub told: Column,
    /// Of these, those whose event has reached an endpoint.
    pub delivered: Column,
    /// What the books and the bill disagree about, the oldest first.
    pub discrepancies: Vec<DiscrepancyView>,
    /// Paid orders that were not told, or not delivered.
    pub untold: Vec<UntoldView>,
    /// Whether there are more of either than are shown.
    pub has_more: bool,
}

/// How many, and how much.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// How many payments.
    pub count: i64,
    /// How much, in fen.
    pub fen: i64,
}

/// A paid order that its tenant does not know of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UntoldView {
    /// `not_told` or `not_delivered`.
    pub gap: String,
    /// Our order.
    pub order_id: String,
    /// The tenant's number of it.
    pub merchant_order_no: String,
    /// What was paid, in fen.
    pub fen: i64,
}

impl Operations {
    /// Shows a tenant one of its days.
    pub async fn reconciliation_day(
        &self,
        caller: &Caller,
        day: BillDay,
    ) -> Result<DayView, OperationError> {
        caller.require(Scope::BillsRead)?;
        self.tenant_day(&caller.tenant_id, caller.mode, day).await
    }

    /// Shows staff a tenant's day.
    pub async fn tenant_day(
        &self,
        tenant: &TenantId,
        mode: Mode,
        day: BillDay,
    ) -> Result<DayView, OperationError> {
        let storage = self.storage();
        let span = (day.start(), day.end());
        let known =
            books::payment_sums_all_tenants(storage, books::Whose::Tenant(tenant, mode), span);
        let known = column(known.await?);
        let of = (mode, span);
        let told = day_columns::paid_orders(storage, tenant, of, Told::Yes).await?;
        let delivered = day_columns::paid_orders(storage, tenant, of, Told::Delivered).await?;
        let longer = GAPS_MAX.saturating_add(1);
        let mut differ = discrepancies::list(storage, tenant, (mode, day), None, longer).await?;
        let untold = day_columns::list_paid_orders(storage, tenant, of, Told::No, longer).await?;
        let lost =
            day_columns::list_paid_orders(storage, tenant, of, Told::Undelivered, longer).await?;
        let most = usize::try_from(GAPS_MAX).unwrap_or(usize::MAX);
        let has_more = [differ.len(), untold.len(), lost.len()]
            .iter()
            .any(|count| *count > most);
        differ.truncate(most);
        let gap = |word: &'static str| move |order: &Order| untold_view(word, order);
        let untold = untold.iter().take(most).map(gap("not_told"));
        let lost = lost.iter().take(most).map(gap("not_delivered"));
        let runs = reconciliations::of_day_all_tenants(storage, mode, day, PROVIDERS_MAX).await?;
        let completed = |run: &Reconciliation| run.state == ReconciliationState::Completed;
        let is_completed = !runs.is_empty() && runs.iter().all(completed);
        let completed_at = runs.iter().filter_map(|run| run.completed_at).max();
        Ok(DayView {
            object: "reconciliation_day".to_owned(),
            date: day,
            state: if is_completed { "completed" } else { "waiting" }.to_owned(),
            completed_at: completed_at.map(Timestamp::to_rfc3339),
            paid_at_wechat: column(day_columns::in_bill(storage, tenant, (mode, day)).await?),
            known,
            told: column(told),
            delivered: column(delivered),
            discrepancies: differ.iter().map(discrepancy_view).collect(),
            untold: untold.chain(lost).collect(),
            has_more,
        })
    }

    /// Notes orders whose sums are not those of their refunds.
    pub(super) async fn note_unbalanced(&self, seen: &Seen<'_>) -> Result<(), OperationError> {
        let run = seen.run;
        let span = (run.day.start(), run.day.end());
        let (storage, provider) = (self.storage(), &run.provider_id);
        let orders = day_columns::unbalanced_all_tenants(storage, provider, span, GAPS_MAX).await?;
        let noted = |order: Order| Noted {
            subject: SubjectKind::Order,
            number: order.id.to_string(),
            line: 0,
            tenant_id: Some(order.tenant_id),
            order_id: Some(order.id),
            finding: Finding {
                class: DiscrepancyClass::TrialBalance,
                local_fen: 0,
                bill_fen: 0,
            },
            evidence: serde_json::json!({
                "paid": order.money.paid,
                "refunding": order.money.refunding,
                "refunded": order.money.refunded,
            })
            .to_string(),
            is_explained: false,
        };
        let found: Vec<Noted> = orders.into_iter().map(noted).collect();
        self.note_all(seen, &found).await
    }

    /// Tells every tenant that has rows in the bill or payments of its day, once per day and provider.
    pub(super) async fn tell_completed(
        &self,
        run: &Reconciliation,
        bill: &Bill,
    ) -> Result<(), OperationError> {
        let mut after: Option<TenantId> = None;
        loop {
            let storage = self.storage();
            let page = bill_rows::tenants_of_bill_all_tenants(
                storage,
                &bill.id,
                after.as_ref(),
                TENANTS_PAGE,
            );
            let page = page.await?;
            if page.is_empty() {
                break;
            }
            for (tenant, mode) in page {
                self.tell_day(run, &tenant, mode).await?;
                after = Some(tenant);
            }
        }
        // A tenant whose every payment the bill lacks has no row in it.
        after = None;
        loop {
            let (storage, span) = (self.storage(), (run.day.start(), run.day.end()));
            let (provider, last) = (&run.provider_id, after.as_ref());
            let page = books::tenants_paid_all_tenants(storage, provider, span, last, TENANTS_PAGE)
                .await?;
            if page.is_empty() {
                return Ok(());
            }
            for tenant in page {
                self.tell_day(run, &tenant, run.mode).await?;
                after = Some(tenant);
            }
        }
    }

    async fn tell_day(
        &self,
        run: &Reconciliation,
        tenant: &TenantId,
        mode: Mode,
    ) -> Result<(), OperationError> {
        let view = self.tenant_day(tenant, mode, run.day).await?;
        // The day tells the sums; what differs has events of its own.
        let object = serde_json::json!({
            "id": run.id,
            "object": "reconciliation",
            "date": view.date,
            "state": run.state,
            "paid_at_wechat": view.paid_at_wechat,
            "known": view.known,
            "told": view.told,
            "delivered": view.delivered,
        });
        let broken = |error: serde_json::Error| {
            OperationError::Internal(format!("rendering a day: {error}"))
        };
        let object = serde_json::value::to_raw_value(&object).map_err(broken)?;
        let now = self.now();
        let draft = Draft {
            tenant_id: tenant,
            mode,
            kind: EventType::ReconciliationCompleted,
            subject: Subject {
                kind: "reconciliation",
                id: run.id.to_string(),
            },
            seq: 1,
            occurred_at: now,
            source: Source::Reconciliation,
            object: &object,
            previous_state: None,
            sub_mchid: None,
        };
        let once = format!("{}:reconciliation.completed", run.id);
        let event = NewEvent::from_draft(draft, once, now).map_err(broken)?;
        let tx = self.storage().begin().await?;
        match outbox::append(&tx, &event).await {
            Ok(_) => Ok(tx.commit().await?),
            // An earlier run of the same day told it.
            Err(error) if error.is_duplicate() => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

const fn column((count, fen): CountAndFen) -> Column {
    Column { count, fen }
}

fn untold_view(gap: &str, order: &Order) -> UntoldView {
    UntoldView {
        gap: gap.to_owned(),
        order_id: order.id.to_string(),
        merchant_order_no: order.content.merchant_order_no.to_string(),
        fen: order.money.paid.as_i64(),
    }
}
