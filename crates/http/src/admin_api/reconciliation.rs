//! Days, differences and bills: what finance works through in the morning.

mod objects;

use poem::Body;
use poem_openapi::OpenApi;
use poem_openapi::param::{Path, Query};
use tributary_domain::bill::{Bill, BillDay, BillKind};
use tributary_domain::ids::{BillId, DiscrepancyId, ProviderId};
use tributary_domain::reconciliation::DiscrepancyState;
use tributary_domain::staff::Permission;
use tributary_operations::bills::BillFilter;
use tributary_operations::jobs::JobWish;
use tributary_operations::reconciliation::{Closing, DiscrepancyFilter};

use super::Tag;
use super::guards::{May, StaffCall};
use super::jobs::{Accepted, CsvFile, JobObject};
use crate::completion::to_completion;
use crate::json::{Json, JsonBody};
use crate::pagination::{Limit, Parameters};
use crate::problem::Problem;
use crate::tenant_api::path_id;

use objects::{
    Assignment, BillPage, ClosingWords, DayToReconcile, DiscrepancyObject, DiscrepancyPage,
    Explanation, ReconciledDay, ReconciledDayList,
};

/// More pieces than any bill has.
const PIECES_MAX: i64 = 100_000;

type Reader = May<{ Permission::ReconciliationRead as usize }>;
type Closer = May<{ Permission::ReconciliationClose as usize }>;
type BillReader = May<{ Permission::BillRead as usize }>;
type BillPuller = May<{ Permission::BillPull as usize }>;

/// The operations on days, differences and bills.
pub(crate) struct ReconciliationApi;

#[OpenApi(tag = "Tag::Reconciliation")]
impl ReconciliationApi {
    /// List days
    ///
    /// The newest first, every provider's. A day is the provider's: a member of a tenant finds none. Needs the
    /// permission `reconciliation:read`.
    #[oai(
        path = "/admin/v1/reconciliation/days",
        method = "get",
        operation_id = "listReconciliationDays"
    )]
    async fn list_days(
        &self,
        auth: Reader,
        /// `live`, unless `test` is asked for.
        mode: Query<Option<String>>,
        /// Only of this provider.
        provider_id: Query<Option<String>>,
        /// Only days before this one, such as `2026-01-31`.
        before: Query<Option<String>>,
        /// How many days a page holds at most.
        limit: Query<Option<Limit>>,
    ) -> Result<Json<ReconciledDayList>, Problem> {
        let call = auth.0;
        let mut given = Parameters::default();
        let mode = given.mode(mode.0.as_deref());
        let provider = given.parse(
            "provider_id",
            provider_id.0.as_deref(),
            str::parse::<ProviderId>,
        );
        let before = given.parse("before", before.0.as_deref(), str::parse::<BillDay>);
        given.finish()?;
        let limit = Limit::or_default(limit.0);
        let (operations, viewer) = (&call.operations, call.viewer());
        let days = operations
            .desk_days(&viewer, mode, provider.as_ref(), before, Some(limit))
            .await?;
        let is_full = u64::try_from(days.len()).is_ok_and(|count| count == limit);
        let last = days
            .last()
            .filter(|_| is_full)
            .map(|day| day.run.day.to_string());
        Ok(Json(ReconciledDayList {
            object: String::from("list"),
            data: days.into_iter().map(Into::into).collect(),
            has_more: last.is_some(),
            next_cursor: last,
        }))
    }

    /// Read a day
    ///
    /// Needs the permission `reconciliation:read`.
    #[oai(
        path = "/admin/v1/reconciliation/providers/:provider_id/days/:date",
        method = "get",
        operation_id = "getReconciliationDay"
    )]
    async fn get_day(
        &self,
        auth: Reader,
        /// The id of the provider.
        provider_id: Path<String>,
        /// The day in Beijing, such as `2026-01-31`.
        date: Path<String>,
    ) -> Result<Json<ReconciledDay>, Problem> {
        let call = auth.0;
        let (provider, day) = (path_id(&provider_id)?, path_id::<BillDay>(&date)?);
        let found = call
            .operations
            .desk_day(&call.viewer(), &provider, day)
            .await?;
        Ok(Json(found.into()))
    }

    /// Close a day
    ///
    /// Nothing of it may be open. Needs the permission `reconciliation:close`.
    #[oai(
        path = "/admin/v1/reconciliation/providers/:provider_id/days/:date/close",
        method = "post",
        operation_id = "closeReconciliationDay"
    )]
    async fn close_day(
        &self,
        auth: Closer,
        /// The id of the provider.
        provider_id: Path<String>,
        /// The day in Beijing, such as `2026-01-31`.
        date: Path<String>,
    ) -> Result<Json<ReconciledDay>, Problem> {
        let call = auth.0;
        let (provider, day) = (path_id(&provider_id)?, path_id::<BillDay>(&date)?);
        let closed = to_completion(async move {
            let (by, viewer) = (call.caller.actor(), call.viewer());
            call.operations
                .close_day(&by, &viewer, &provider, day)
                .await
        });
        Ok(Json(closed.await?.into()))
    }

    /// Fetch and compare a day
    ///
    /// Starts a job that asks WeChat for the bill and compares it with the books. Needs the permission `bill:pull`.
    #[oai(
        path = "/admin/v1/reconciliation/jobs",
        method = "post",
        operation_id = "reconcileDay"
    )]
    async fn reconcile_day(
        &self,
        auth: BillPuller,
        body: JsonBody<DayToReconcile>,
    ) -> Result<Accepted, Problem> {
        let call = auth.0;
        let mut given = Parameters::default();
        let provider = given.parse(
            "/provider_id",
            Some(&body.value.provider_id),
            str::parse::<ProviderId>,
        );
        let day = given.parse("/date", Some(&body.value.date), str::parse::<BillDay>);
        given.finish()?;
        let (Some(provider), Some(day)) = (provider, day) else {
            return Err(Problem::invalid(Vec::new()));
        };
        let started = to_completion(async move {
            let (by, viewer) = (call.caller.actor(), call.viewer());
            let wish = JobWish::ReconcileDay(provider, day);
            call.operations.start_job(&by, &viewer, wish).await
        });
        Ok(Accepted::Started(Json(JobObject::from(started.await?))))
    }

    /// List differences
    ///
    /// The oldest first; a member of a tenant sees its own. Needs the permission `reconciliation:read`.
    #[expect(
        clippy::too_many_arguments,
        reason = "one argument per documented parameter"
    )]
    #[oai(
        path = "/admin/v1/discrepancies",
        method = "get",
        operation_id = "listDiscrepancies"
    )]
    async fn list_discrepancies(
        &self,
        auth: Reader,
        /// Only of this provider.
        provider_id: Query<Option<String>>,
        /// Only of this day, such as `2026-01-31`.
        date: Query<Option<String>>,
        /// Only in this state.
        #[oai(name = "state")]
        discrepancy_state: Query<Option<String>>,
        /// Only about this number at WeChat.
        number: Query<Option<String>>,
        /// `next_cursor` of the page before.
        cursor: Query<Option<String>>,
        /// How many differences a page holds at most.
        limit: Query<Option<Limit>>,
    ) -> Result<Json<DiscrepancyPage>, Problem> {
        let call = auth.0;
        let mut given = Parameters::default();
        let state = discrepancy_state.0.as_deref();
        let filter = DiscrepancyFilter {
            provider_id: given.parse(
                "provider_id",
                provider_id.0.as_deref(),
                str::parse::<ProviderId>,
            ),
            day: given.parse("date", date.0.as_deref(), str::parse::<BillDay>),
            state: given.word("state", state, DiscrepancyState::parse),
            number: given.short("number", number.0.as_deref()),
            tenant_id: None,
        };
        let after = given.parse("cursor", cursor.0.as_deref(), str::parse::<DiscrepancyId>);
        given.finish()?;
        let limit = Some(Limit::or_default(limit.0));
        let (operations, viewer) = (&call.operations, call.viewer());
        let page = operations
            .desk_discrepancies(&viewer, &filter, after.as_ref(), limit)
            .await?;
        Ok(Json(page.into()))
    }

    /// Read a difference
    ///
    /// Needs the permission `reconciliation:read`.
    #[oai(
        path = "/admin/v1/discrepancies/:discrepancy_id",
        method = "get",
        operation_id = "getDiscrepancy"
    )]
    async fn get_discrepancy(
        &self,
        auth: Reader,
        /// The id of the difference.
        discrepancy_id: Path<String>,
    ) -> Result<Json<DiscrepancyObject>, Problem> {
        let call = auth.0;
        let id: DiscrepancyId = path_id(&discrepancy_id)?;
        let found = call
            .operations
            .desk_discrepancy(&call.viewer(), &id)
            .await?;
        Ok(Json(found.into()))
    }

    /// Assign a difference
    ///
    /// Needs the permission `reconciliation:close`.
    #[oai(
        path = "/admin/v1/discrepancies/:discrepancy_id/assign",
        method = "post",
        operation_id = "assignDiscrepancy"
    )]
    async fn assign_discrepancy(
        &self,
        auth: Closer,
        /// The id of the difference.
        discrepancy_id: Path<String>,
        body: JsonBody<Assignment>,
    ) -> Result<Json<DiscrepancyObject>, Problem> {
        let call = auth.0;
        let id: DiscrepancyId = path_id(&discrepancy_id)?;
        let assignee = body.value.assignee;
        let changed = to_completion(async move {
            let (by, viewer) = (call.caller.actor(), call.viewer());
            call.operations
                .assign_discrepancy(&by, &viewer, &id, &assignee)
                .await
        });
        Ok(Json(changed.await?.into()))
    }

    /// Explain a difference
    ///
    /// With what shows that it is none. Needs the permission `reconciliation:close`.
    #[oai(
        path = "/admin/v1/discrepancies/:discrepancy_id/explain",
        method = "post",
        operation_id = "explainDiscrepancy"
    )]
    async fn explain_discrepancy(
        &self,
        auth: Closer,
        /// The id of the difference.
        discrepancy_id: Path<String>,
        body: JsonBody<Explanation>,
    ) -> Result<Json<DiscrepancyObject>, Problem> {
        let call = auth.0;
        let id: DiscrepancyId = path_id(&discrepancy_id)?;
        let said = body.value;
        let changed = to_completion(async move {
            let (by, viewer) = (call.caller.actor(), call.viewer());
            let words = (said.reason.as_str(), said.evidence.as_str());
            call.operations
                .explain_discrepancy(&by, &viewer, &id, words)
                .await
        });
        Ok(Json(changed.await?.into()))
    }

    /// Close a difference
    ///
    /// It needs nobody any more. Needs the permission `reconciliation:close`.
    #[oai(
        path = "/admin/v1/discrepancies/:discrepancy_id/close",
        method = "post",
        operation_id = "closeDiscrepancy"
    )]
    async fn close_discrepancy(
        &self,
        auth: Closer,
        /// The id of the difference.
        discrepancy_id: Path<String>,
        body: JsonBody<ClosingWords>,
    ) -> Result<Json<DiscrepancyObject>, Problem> {
        let call = auth.0;
        let id: DiscrepancyId = path_id(&discrepancy_id)?;
        let closing = Closing {
            actor: call.caller.staff_id.to_string(),
            reason: body.value.reason,
        };
        let closed = to_completion(async move {
            let (by, operations) = (&call.caller, &call.operations);
            operations.desk_discrepancy(&call.viewer(), &id).await?;
            operations.close_discrepancy(by, &id, &closing).await
        });
        Ok(Json(closed.await?.into()))
    }

    /// List bills
    ///
    /// The newest first. The file is the provider's: a member of a tenant finds none. Needs the permission `bill:read`.
    #[expect(
        clippy::too_many_arguments,
        reason = "one argument per documented parameter"
    )]
    #[oai(path = "/admin/v1/bills", method = "get", operation_id = "listBills")]
    async fn list_bills(
        &self,
        auth: BillReader,
        /// `live`, unless `test` is asked for.
        mode: Query<Option<String>>,
        /// Only of this provider.
        provider_id: Query<Option<String>>,
        /// Only of this day, such as `2026-01-31`.
        date: Query<Option<String>>,
        /// Only of this kind.
        kind: Query<Option<String>>,
        /// `next_cursor` of the page before.
        cursor: Query<Option<String>>,
        /// How many bills a page holds at most.
        limit: Query<Option<Limit>>,
    ) -> Result<Json<BillPage>, Problem> {
        let call = auth.0;
        let mut given = Parameters::default();
        let mode = given.mode(mode.0.as_deref());
        let filter = BillFilter {
            provider_id: given.parse(
                "provider_id",
                provider_id.0.as_deref(),
                str::parse::<ProviderId>,
            ),
            day: given.parse("date", date.0.as_deref(), str::parse::<BillDay>),
            kind: given.word("kind", kind.0.as_deref(), BillKind::parse),
        };
        let before = given.parse("cursor", cursor.0.as_deref(), str::parse::<BillId>);
        given.finish()?;
        let limit = Some(Limit::or_default(limit.0));
        let (operations, viewer) = (&call.operations, call.viewer());
        let page = operations
            .list_bills(&viewer, mode, &filter, before.as_ref(), limit)
            .await?;
        Ok(Json(BillPage {
            object: String::from("list"),
            data: page.items.into_iter().map(Into::into).collect(),
            has_more: page.next_cursor.is_some(),
            next_cursor: page.next_cursor,
        }))
    }

    /// Fetch the file of a bill
    ///
    /// Byte for byte as WeChat gave it; the audit log says who fetched it. Needs the permission `bill:read`.
    #[oai(
        path = "/admin/v1/bills/:bill_id/content",
        method = "get",
        operation_id = "getBillContent"
    )]
    async fn get_bill_content(
        &self,
        auth: BillReader,
        /// The id of the bill.
        bill_id: Path<String>,
    ) -> Result<CsvFile, Problem> {
        let call = auth.0;
        let id: BillId = path_id(&bill_id)?;
        let bill = call.operations.bill(&call.viewer(), &id).await?;
        call.operations.note_bill_read(&call.caller, &id).await?;
        let name = format!("bill_{}_{}.csv", bill.name.day, bill.name.kind.as_str());
        let pieces = futures::stream::unfold((call, bill, 0_i64), next_piece);
        let body = Body::from_bytes_stream(pieces);
        Ok(CsvFile { name, body })
    }
}

type Reading = (StaffCall, Bill, i64);

/// The pieces of a bill, one after the other, each opened when the one before was taken.
async fn next_piece(
    (call, bill, number): Reading,
) -> Option<(Result<Vec<u8>, std::io::Error>, Reading)> {
    if number > PIECES_MAX {
        return None;
    }
    let reading = call.operations.bill_piece(&bill.name, number);
    match call.streamed(reading).await {
        Ok(Some(piece)) => Some((Ok(piece), (call, bill, number + 1))),
        Ok(None) => None,
        Err(error) => {
            let gone = Err(std::io::Error::other(error));
            Some((gone, (call, bill, PIECES_MAX + 1)))
        }
    }
}
