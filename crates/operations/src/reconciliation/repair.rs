//! What the platform puts right by itself: it asks WeChat, and lets the answer in through the one door.

use tributary_domain::bill::{BillRow, RowKind};
use tributary_domain::order::{Attempt, Order};
use tributary_domain::reconciliation::{
    Discrepancy, DiscrepancyClass, DiscrepancyState, Occurrence, Reconciliation, SubjectKind,
    judge_refund,
};
use tributary_domain::refund::Refund;
use tributary_domain::rehearsal::{CrashPoint, crash_point};
use tributary_domain::settlement::{Source, TransactionObservation};
use tributary_storage::bill_rows::{self, RowPlace};
use tributary_storage::discrepancies::{self, DiscrepancyFilter};
use tributary_storage::{books, orders, refunds};
use wechatpay::client::Client;

use crate::observation::from_refund;
use crate::orders::upstream;
use crate::providers::ProviderHandle;
use crate::refunds::QueriedRefund;
use crate::settlement::{Inbox, ObservedRefund};
use crate::upstream_calls::{CallContext, CallPurpose};
use crate::{OperationError, Operations};

const PAGE: u64 = 100;
/// Differences that are asked about in one run; the next run goes on.
const REPAIRS_MAX: usize = 2_000;
/// Numbers that are not ours and are asked about in one run: the answer helps a person, and repairs nothing.
const STRANGERS_ASKED_MAX: usize = 20;
const PAYMENT_REPAIRED: &str = "booked from the bill";
const NOT_THERE: &str = "no such number";
const REFUND_REPAIRED: &str = "booked from WeChat's answer";

impl Operations {
    /// Goes through what is open of a day and mends what can be mended.
    pub(super) async fn repair(&self, run: &Reconciliation) -> Result<(), OperationError> {
        let handle = self.provider(&run.provider_id).await?;
        let filter = DiscrepancyFilter {
            provider_id: Some(run.provider_id.clone()),
            day: Some(run.day),
            state: Some(DiscrepancyState::Open),
            number: None,
            tenant_id: None,
        };
        let (mut after, mut asked, mut strangers) = (None, 0_usize, 0_usize);
        while asked < REPAIRS_MAX {
            let storage = self.storage();
            let page =
                discrepancies::list_all_tenants(storage, &filter, after.as_ref(), PAGE).await?;
            let Some(last) = page.last() else {
                return Ok(());
            };
            after = Some(last.id.clone());
            for found in page.iter().filter(|found| found.seen_in == run.tries) {
                let is_stranger = found.order_id.is_none();
                if is_stranger && strangers >= STRANGERS_ASKED_MAX {
                    continue;
                }
                strangers = strangers.saturating_add(usize::from(is_stranger));
                asked = asked.saturating_add(1);
                if let Err(error) = self.mend(run, &handle, found).await {
                    tracing::warn!(discrepancy.id = %found.id,
                        error = &error as &dyn std::error::Error, "a discrepancy could not be mended");
                }
            }
        }
        Ok(())
    }

    async fn mend(
        &self,
        run: &Reconciliation,
        handle: &ProviderHandle,
        found: &Discrepancy,
    ) -> Result<(), OperationError> {
        match (found.class, found.subject) {
            (DiscrepancyClass::UnknownPayment, _) => {
                self.ask_about_stranger(run, handle, found).await
            }
            (DiscrepancyClass::UnbookedPayment, _) => self.book_payment(run, found).await,
            (DiscrepancyClass::UnknownRefund, _) if found.order_id.is_some() => {
                self.book_refund(run, handle, found).await
            }
            (DiscrepancyClass::State, SubjectKind::Refund) => {
                self.book_refund(run, handle, found).await
            }
            (DiscrepancyClass::MissingPayment, _) => self.ask_about_payment(found).await,
            (DiscrepancyClass::MissingRefund, _) => self.ask_about_refund(found).await,
            _ => Ok(()),
        }
    }

    /// A number that is not ours: what WeChat says about it is evidence for a person.
    async fn ask_about_stranger(
        &self,
        run: &Reconciliation,
        handle: &ProviderHandle,
        found: &Discrepancy,
    ) -> Result<(), OperationError> {
        let Some(row) = self.row_of(run, found, RowKind::Payment).await? else {
            return Ok(());
        };
        let (sub_mchid, number) = (row.sub_mchid.as_str(), row.out_trade_no.as_str());
        let asked =
            |client: Client| async move { client.query_by_out_trade_no(sub_mchid, number).await };
        let context = CallContext::provider(CallPurpose::QueryOrder);
        let says = match self.call(handle, &context, asked).await {
            Ok(answer) => answer.value.trade_state.as_str().to_owned(),
            Err(error) => error.code().unwrap_or("no answer").to_owned(),
        };
        let mut evidence: serde_json::Map<String, serde_json::Value> =
            serde_json::from_str(&found.evidence).unwrap_or_default();
        evidence.insert("wechat_says".to_owned(), says.into());
        let after = Discrepancy {
            evidence: serde_json::Value::Object(evidence).to_string(),
            ..found.clone()
        };
        let tx = self.storage().begin().await?;
        discrepancies::update(&tx, found, &after).await?;
        Ok(tx.commit().await?)
    }

    /// An order that WeChat was paid for and we do not know it: asked about, else booked as the bill has it.
    async fn book_payment(
        &self,
        run: &Reconciliation,
        found: &Discrepancy,
    ) -> Result<(), OperationError> {
        let Some((order, attempt)) = self.order_of(found).await? else {
            return Ok(());
        };
        let asked = self.query(&order, &attempt, Source::Reconciliation).await;
        if self.is_booked(&order, found).await? {
            crash_point(CrashPoint::RepairBooked);
            self.fix(found, PAYMENT_REPAIRED.to_owned()).await?;
            return Ok(());
        }
        asked?;
        // WeChat's query does not know it, or not yet; its bill is as good a witness.
        let Some(row) = self.row_of(run, found, RowKind::Payment).await? else {
            return Ok(());
        };
        let seen = from_row(&order, &row);
        let source = Source::Reconciliation;
        self.observe(&run.provider_id, &seen, source, &Inbox::None)
            .await?;
        if self.is_booked(&order, found).await? {
            self.fix(found, PAYMENT_REPAIRED.to_owned()).await?;
        }
        Ok(())
    }

    async fn is_booked(&self, order: &Order, found: &Discrepancy) -> Result<bool, OperationError> {
        let storage = self.storage();
        let numbers = vec![found.number.as_str()];
        let routes =
            books::orders_of_numbers_all_tenants(storage, &order.provider_id, numbers).await?;
        let orders = routes.into_iter().map(|route| route.order).collect();
        let payments = books::payments_of_orders_all_tenants(storage, orders).await?;
        Ok(payments.iter().any(|one| one.out_trade_no == found.number))
    }

    /// A refund that was made elsewhere, or is further than we know: WeChat's answer is adopted.
    async fn book_refund(
        &self,
        run: &Reconciliation,
        handle: &ProviderHandle,
        found: &Discrepancy,
    ) -> Result<(), OperationError> {
        let Some(row) = self.row_of(run, found, RowKind::Refund).await? else {
            return Ok(());
        };
        let (sub_mchid, number) = (row.sub_mchid.as_str(), found.number.as_str());
        let asked = |client: Client| async move { client.query_refund(sub_mchid, number).await };
        let context = CallContext {
            tenant_id: found.tenant_id.clone(),
            order_id: found.order_id.clone(),
            ..CallContext::provider(CallPurpose::QueryRefund)
        };
        let answer = self.call(handle, &context, asked).await;
        let seen = from_refund(&answer.map_err(|error| upstream(&error))?.value);
        let source = Source::Reconciliation;
        let observed = self
            .observe_refund(&run.provider_id, &seen, source, &Inbox::None)
            .await?;
        let ObservedRefund::Applied(refund) = observed else {
            return Ok(());
        };
        let now = judge_refund(&row, Some(&books::local_refund(&refund)), Occurrence::First);
        if now.is_none_or(|left| left.class != found.class) {
            self.fix(found, REFUND_REPAIRED.to_owned()).await?;
        }
        Ok(())
    }

    /// A payment of ours that the bill lacks: when WeChat still says it is paid, the next bill will have it.
    pub(super) async fn ask_about_payment(
        &self,
        found: &Discrepancy,
    ) -> Result<(), OperationError> {
        let Some((order, attempt)) = self.order_of(found).await? else {
            return Ok(());
        };
        let says = match self.ask(&order, &attempt).await? {
            Some(seen) => {
                let source = Source::Reconciliation;
                self.let_transaction_in(&order, &seen, source).await?;
                seen.trade_state
            }
            None => NOT_THERE.to_owned(),
        };
        if matches!(says.as_str(), "SUCCESS" | "REFUND") {
            return Ok(());
        }
        self.escalate(found, Some(&says)).await
    }

    /// A refund of ours that the bill lacks: as long as WeChat knows it, the next bill may have it.
    pub(super) async fn ask_about_refund(&self, found: &Discrepancy) -> Result<(), OperationError> {
        let Some(refund) = self.refund_of_number(found).await? else {
            return Ok(());
        };
        match self.query_refund(&refund).await? {
            QueriedRefund::Seen(_) => Ok(()),
            QueriedRefund::NotThere => self.escalate(found, Some(NOT_THERE)).await,
            QueriedRefund::Disputed => self.escalate(found, Some("another refund")).await,
        }
    }

    async fn refund_of_number(
        &self,
        found: &Discrepancy,
    ) -> Result<Option<Refund>, OperationError> {
        let (storage, provider) = (self.storage(), &found.provider_id);
        let number = found.number.as_str();
        Ok(refunds::find_by_out_refund_no_all_tenants(storage, provider, number).await?)
    }

    async fn order_of(
        &self,
        found: &Discrepancy,
    ) -> Result<Option<(Order, Attempt)>, OperationError> {
        let (storage, provider) = (self.storage(), &found.provider_id);
        let attempt = orders::find_attempt_all_tenants(storage, provider, &found.number).await?;
        let Some(attempt) = attempt else {
            return Ok(None);
        };
        let (tenant, id) = (&attempt.tenant_id, &attempt.order_id);
        let order = orders::find(storage, tenant, found.mode, id).await?;
        Ok(order.map(|order| (order, attempt)))
    }

    /// The row of the bill that a discrepancy is about.
    async fn row_of(
        &self,
        run: &Reconciliation,
        found: &Discrepancy,
        kind: RowKind,
    ) -> Result<Option<BillRow>, OperationError> {
        let Some(bill) = &run.bill_id else {
            return Ok(None);
        };
        let before = RowPlace {
            kind,
            number: found.number.clone(),
            line: found.line.saturating_sub(1),
        };
        let storage = self.storage();
        let rows = bill_rows::by_number_all_tenants(storage, bill, Some(&before), 1).await?;
        let is_it = |row: &BillRow| row.kind == kind && row.line == found.line;
        Ok(rows.into_iter().find(is_it))
    }
}

/// A row of a bill as evidence of a payment.
fn from_row(order: &Order, row: &BillRow) -> TransactionObservation {
    TransactionObservation {
        sp_mchid: order.sp_mchid.to_string(),
        sub_mchid: row.sub_mchid.clone(),
        sp_appid: None,
        sub_appid: None,
        out_trade_no: row.out_trade_no.clone(),
        trade_state: "SUCCESS".to_owned(),
        transaction_id: Some(row.transaction_id.clone()),
        trade_type: Some(row.trade_type.clone()),
        bank_type: row.bank_type.clone(),
        success_time: Some(row.trade_time),
        total: Some(row.total_fen),
        payer_total: None,
        currency: None,
    }
}
