//! Orders across tenants: lists, sums, one order whole, its time line, notes, and what people do with it.

mod objects;
mod timeline;

use poem::Request;
use poem_openapi::OpenApi;
use poem_openapi::param::{Path, Query};
use tributary_domain::clock::Timestamp;
use tributary_domain::ids::{OrderId, TenantId};
use tributary_domain::merchant::Mchid;
use tributary_domain::order::OrderState;
use tributary_domain::order_filter::{OrderProblem, RefundShare, Told};
use tributary_domain::staff::Permission;
use tributary_operations::OperationError;
use tributary_operations::jobs::JobWish;
use tributary_operations::order_search::{OrderQuery, OrderTime};
use tributary_operations::search::shapes::fold;
use tributary_operations::timeline::staff::TimelineStart;

use super::Tag;
use super::guards::May;
use super::jobs::{Accepted, JobObject};
use super::refunds::StaffRefund;
use crate::completion::to_completion;
use crate::idempotency_key::IdempotencyKey;
use crate::json::{Json, JsonBody};
use crate::pagination::{Limit, Parameters};
use crate::problem::Problem;
use crate::tenant_api::{Download, path_id, timeline_place};

pub(super) use objects::Note;
use objects::{NewNote, NewStaffRefund, NoteList, StaffOrder, StaffOrderPage, StaffOrderSums};
use timeline::StaffTimelineAnswer;

type OrderReader = May<{ Permission::OrderRead as usize }>;
type OrderAsker = May<{ Permission::OrderQuery as usize }>;
type OrderCloser = May<{ Permission::OrderClose as usize }>;
type OrderExporter = May<{ Permission::OrderExport as usize }>;
type Refunder = May<{ Permission::RefundCreate as usize }>;

const REFUND_ROUTE: &str = "POST /admin/v1/orders/{order_id}/refunds";

/// The operations on orders.
pub(crate) struct OrdersApi;

/// The filters of a list of orders, as texts.
struct Given<'a> {
    mode: Option<&'a str>,
    tenant_id: Option<&'a str>,
    sub_mchid: Option<&'a str>,
    state: Option<&'a str>,
    time: Option<&'a str>,
    from: Option<&'a str>,
    to: Option<&'a str>,
    amount_min: Option<i64>,
    amount_max: Option<i64>,
    payer_hash: Option<&'a str>,
    problem: Option<&'a str>,
    refunds: Option<&'a str>,
    webhook: Option<&'a str>,
}

impl Given<'_> {
    fn read(&self, given: &mut Parameters) -> OrderQuery {
        let time = |text: &str| match text {
            "created" => Some(OrderTime::Created),
            "paid" => Some(OrderTime::Paid),
            _ => None,
        };
        OrderQuery {
            mode: given.mode(self.mode),
            tenant_id: given.parse("tenant_id", self.tenant_id, str::parse::<TenantId>),
            sub_mchid: given.parse("sub_mchid", self.sub_mchid, Mchid::parse),
            state: given.word("state", self.state, OrderState::parse),
            time: given.word("time", self.time, time).unwrap_or_default(),
            from: given.time("from", self.from),
            to: given.time("to", self.to),
            total_min: self.amount_min,
            total_max: self.amount_max,
            payer_hash: given.payer_hash(self.payer_hash),
            problem: given.word("problem", self.problem, OrderProblem::parse),
            refunds: given.word("refunds", self.refunds, RefundShare::parse),
            told: given.word("webhook", self.webhook, Told::parse),
        }
    }
}

#[OpenApi(tag = "Tag::Orders")]
impl OrdersApi {
    /// List orders
    ///
    /// Every tenant's, or a member's own; the newest first, by the time that `time` names. One world at a time. A page
    /// may be short although there is more: go on while there is a `next_cursor`. An exact `number`, of whatever kind,
    /// is looked up in both worlds and at any time, and the other filters do not count. Needs the permission
    /// `order:read`.
    #[expect(
        clippy::too_many_arguments,
        reason = "one argument per documented parameter"
    )]
    #[oai(path = "/admin/v1/orders", method = "get", operation_id = "listOrders")]
    async fn list_orders(
        &self,
        auth: OrderReader,
        /// `live`, unless `test` is asked for.
        mode: Query<Option<String>>,
        /// Only this tenant's.
        tenant_id: Query<Option<String>>,
        /// Only for this sub-merchant.
        sub_mchid: Query<Option<String>>,
        /// Only in this state.
        state: Query<Option<String>>,
        /// Which time `from` and `to` are about, and the list is sorted by.
        time: Query<Option<String>>,
        /// Only at this time or later (RFC 3339).
        from: Query<Option<String>>,
        /// Only before this time (RFC 3339).
        to: Query<Option<String>>,
        /// Only of at least this amount, in fen.
        #[oai(validator(minimum(value = "0"), maximum(value = "100000000000")))]
        amount_min: Query<Option<i64>>,
        /// Only of at most this amount, in fen.
        #[oai(validator(minimum(value = "0"), maximum(value = "100000000000")))]
        amount_max: Query<Option<i64>>,
        /// Only of this payer: the `payer_hash` of another order.
        payer_hash: Query<Option<String>>,
        /// Only with this problem; `any` leaves out payments that our own question found.
        problem: Query<Option<String>>,
        /// Only when so much went back.
        refunds: Query<Option<String>>,
        /// Only when the tenant was told so far.
        webhook: Query<Option<String>>,
        /// An exact number of any kind.
        number: Query<Option<String>>,
        /// `next_cursor` of the page before.
        cursor: Query<Option<String>>,
        /// How many orders a page holds at most.
        limit: Query<Option<Limit>>,
    ) -> Result<Json<StaffOrderPage>, Problem> {
        let call = auth.0;
        let viewer = call.viewer();
        let mut given = Parameters::default();
        if let Some(number) = given.short("number", number.0.as_deref()) {
            let number = fold(&number);
            call.note_payers_read("orders").await?;
            let found = call.operations.orders_of_number(&viewer, &number).await?;
            return Ok(Json(found.into()));
        }
        let texts = Given {
            mode: mode.0.as_deref(),
            tenant_id: tenant_id.0.as_deref(),
            sub_mchid: sub_mchid.0.as_deref(),
            state: state.0.as_deref(),
            time: time.0.as_deref(),
            from: from.0.as_deref(),
            to: to.0.as_deref(),
            amount_min: amount_min.0,
            amount_max: amount_max.0,
            payer_hash: payer_hash.0.as_deref(),
            problem: problem.0.as_deref(),
            refunds: refunds.0.as_deref(),
            webhook: webhook.0.as_deref(),
        };
        let query = texts.read(&mut given);
        let place = given.place::<OrderId>(cursor.0.as_deref());
        given.finish()?;
        let limit = Some(Limit::or_default(limit.0));
        call.note_payers_read("orders").await?;
        let found = call
            .operations
            .search_orders(&viewer, &query, place.as_ref(), limit)
            .await?;
        Ok(Json(found.into()))
    }

    /// Add orders up
    ///
    /// How many orders a filter finds and what they come to. When there are more than 50,000, it is of the newest of
    /// them, and `complete` is false. Needs the permission `order:read`.
    #[expect(
        clippy::too_many_arguments,
        reason = "one argument per documented parameter"
    )]
    #[oai(
        path = "/admin/v1/orders/summary",
        method = "get",
        operation_id = "sumOrders"
    )]
    async fn sum_orders(
        &self,
        auth: OrderReader,
        /// `live`, unless `test` is asked for.
        mode: Query<Option<String>>,
        /// Only this tenant's.
        tenant_id: Query<Option<String>>,
        /// Only for this sub-merchant.
        sub_mchid: Query<Option<String>>,
        /// Only in this state.
        state: Query<Option<String>>,
        /// Which time `from` and `to` are about.
        time: Query<Option<String>>,
        /// Only at this time or later (RFC 3339).
        from: Query<Option<String>>,
        /// Only before this time (RFC 3339).
        to: Query<Option<String>>,
        /// Only of at least this amount, in fen.
        #[oai(validator(minimum(value = "0"), maximum(value = "100000000000")))]
        amount_min: Query<Option<i64>>,
        /// Only of at most this amount, in fen.
        #[oai(validator(minimum(value = "0"), maximum(value = "100000000000")))]
        amount_max: Query<Option<i64>>,
        /// Only of this payer: the `payer_hash` of another order.
        payer_hash: Query<Option<String>>,
        /// Only with this problem.
        problem: Query<Option<String>>,
        /// Only when so much went back.
        refunds: Query<Option<String>>,
        /// Only when the tenant was told so far.
        webhook: Query<Option<String>>,
    ) -> Result<Json<StaffOrderSums>, Problem> {
        let call = auth.0;
        let mut given = Parameters::default();
        let texts = Given {
            mode: mode.0.as_deref(),
            tenant_id: tenant_id.0.as_deref(),
            sub_mchid: sub_mchid.0.as_deref(),
            state: state.0.as_deref(),
            time: time.0.as_deref(),
            from: from.0.as_deref(),
            to: to.0.as_deref(),
            amount_min: amount_min.0,
            amount_max: amount_max.0,
            payer_hash: payer_hash.0.as_deref(),
            problem: problem.0.as_deref(),
            refunds: refunds.0.as_deref(),
            webhook: webhook.0.as_deref(),
        };
        let query = texts.read(&mut given);
        given.finish()?;
        let sums = call.operations.sum_orders(&call.viewer(), &query).await?;
        Ok(Json(StaffOrderSums::new(sums, call.operations.now())))
    }

    /// Export orders
    ///
    /// Starts a job that writes the orders into a CSV file. Who paid is in it only for who may export payers. Needs the
    /// permission `order:export`.
    #[expect(
        clippy::too_many_arguments,
        reason = "one argument per documented parameter"
    )]
    #[oai(
        path = "/admin/v1/orders/export",
        method = "post",
        operation_id = "exportOrders"
    )]
    async fn export_orders(
        &self,
        auth: OrderExporter,
        /// `live`, unless `test` is asked for.
        mode: Query<Option<String>>,
        /// Only this tenant's.
        tenant_id: Query<Option<String>>,
        /// Only for this sub-merchant.
        sub_mchid: Query<Option<String>>,
        /// Only in this state.
        state: Query<Option<String>>,
        /// Which time `from` and `to` are about.
        time: Query<Option<String>>,
        /// Only at this time or later (RFC 3339).
        from: Query<Option<String>>,
        /// Only before this time (RFC 3339).
        to: Query<Option<String>>,
        /// Only with this problem.
        problem: Query<Option<String>>,
    ) -> Result<Accepted, Problem> {
        let call = auth.0;
        let mut given = Parameters::default();
        let texts = Given {
            mode: mode.0.as_deref(),
            tenant_id: tenant_id.0.as_deref(),
            sub_mchid: sub_mchid.0.as_deref(),
            state: state.0.as_deref(),
            time: time.0.as_deref(),
            from: from.0.as_deref(),
            to: to.0.as_deref(),
            amount_min: None,
            amount_max: None,
            payer_hash: None,
            problem: problem.0.as_deref(),
            refunds: None,
            webhook: None,
        };
        let wish = JobWish::ExportOrders(Box::new(texts.read(&mut given)));
        given.finish()?;
        let started = to_completion(async move {
            let (by, viewer) = (call.caller.actor(), call.viewer());
            call.operations.start_job(&by, &viewer, wish).await
        });
        Ok(Accepted::Started(Json(JobObject::from(started.await?))))
    }

    /// Read an order
    ///
    /// With its attempts, refunds, late payments and notes, what is wrong with it, and what you may do with it. Who paid
    /// is masked unless one of your roles shows it; then the audit log says that you read it. Needs the permission
    /// `order:read`.
    #[oai(
        path = "/admin/v1/orders/:order_id",
        method = "get",
        operation_id = "getOrder"
    )]
    async fn get_order(
        &self,
        auth: OrderReader,
        /// The id of the order.
        order_id: Path<String>,
    ) -> Result<Json<StaffOrder>, Problem> {
        let call = auth.0;
        let id: OrderId = path_id(&order_id)?;
        let found = call.operations.order_detail(&call.viewer(), &id).await?;
        call.note_payers_read(id.as_str()).await?;
        Ok(Json(found.into()))
    }

    /// Read an order's time line
    ///
    /// Everything that was asked, said, told and done, oldest first, in the lanes of the tenant, the platform, WeChat and
    /// people, on a page or as one file (`download=1`). No openid and no secret is in it; notes and names of people are. A
    /// page holds at most 1000 entries; `next_cursor` leads on. Needs the permission `order:read`.
    #[oai(
        path = "/admin/v1/orders/:order_id/timeline",
        method = "get",
        operation_id = "getOrderTimeline"
    )]
    async fn get_order_timeline(
        &self,
        auth: OrderReader,
        /// The id of the order.
        order_id: Path<String>,
        /// Only entries that began after this time (RFC 3339): what is new since. Ignored beside a `cursor`.
        after: Query<Option<String>>,
        /// `next_cursor` of the page before.
        cursor: Query<Option<String>>,
        /// `1` gives the answer a file name, so that a browser saves it.
        download: Query<Option<Download>>,
    ) -> Result<StaffTimelineAnswer, Problem> {
        let call = auth.0;
        let id: OrderId = path_id(&order_id)?;
        let mut given = Parameters::default();
        let after: Option<Timestamp> = given.time("after", after.0.as_deref());
        let place = timeline_place(&mut given, cursor.0.as_deref());
        given.finish()?;
        let start = match (place, after) {
            (Some(place), _) => TimelineStart::Place(place),
            (None, Some(after)) => TimelineStart::After(after),
            (None, None) => TimelineStart::Beginning,
        };
        let told = call
            .operations
            .staff_timeline(&call.viewer(), &id, start)
            .await?;
        let file = Download::file(download.0, &id);
        Ok(StaffTimelineAnswer::Shown(Json(told.into()), file))
    }

    /// Ask WeChat about an order
    ///
    /// Now, and lets the answer in. Needs the permission `order:query`.
    #[oai(
        path = "/admin/v1/orders/:order_id/query",
        method = "post",
        operation_id = "queryOrder"
    )]
    async fn query_order(
        &self,
        auth: OrderAsker,
        /// The id of the order.
        order_id: Path<String>,
    ) -> Result<Json<StaffOrder>, Problem> {
        let call = auth.0;
        let id: OrderId = path_id(&order_id)?;
        let asked = to_completion(async move {
            let (by, viewer) = (call.caller.actor(), call.viewer());
            let seen = call
                .operations
                .ask_about_order_for(&by, &viewer, &id)
                .await?;
            call.note_payers_read(id.as_str()).await?;
            Ok::<_, OperationError>(seen)
        });
        Ok(Json(asked.await?.into()))
    }

    /// Close an order
    ///
    /// WeChat is asked first: what was paid meanwhile is not closed. Needs the permission `order:close`.
    #[oai(
        path = "/admin/v1/orders/:order_id/close",
        method = "post",
        operation_id = "closeOrder"
    )]
    async fn close_order(
        &self,
        auth: OrderCloser,
        /// The id of the order.
        order_id: Path<String>,
    ) -> Result<Json<StaffOrder>, Problem> {
        let call = auth.0;
        let id: OrderId = path_id(&order_id)?;
        let closed = to_completion(async move {
            let (by, viewer) = (call.caller.actor(), call.viewer());
            let seen = call.operations.close_order_for(&by, &viewer, &id).await?;
            call.note_payers_read(id.as_str()).await?;
            Ok::<_, OperationError>(seen)
        });
        Ok(Json(closed.await?.into()))
    }

    /// Refund an order
    ///
    /// The whole rest or a part of it. The answer says that the refund is on its way, not that the money is back. Needs
    /// the permission `refund:create` and a fresh proof. When more would go back of the order than the limit, the refund is
    /// asked of a second person instead: the answer is `approval_required` and names the request.
    #[oai(
        path = "/admin/v1/orders/:order_id/refunds",
        method = "post",
        operation_id = "createOrderRefund"
    )]
    async fn create_order_refund(
        &self,
        auth: Refunder,
        /// The id of the order.
        order_id: Path<String>,
        /// Chosen by you, one per refund; the same for every retry.
        #[oai(name = "Idempotency-Key")]
        key: IdempotencyKey,
        body: JsonBody<NewStaffRefund>,
        request: &Request,
    ) -> Result<Json<StaffRefund>, Problem> {
        let call = auth.0;
        let id: OrderId = path_id(&order_id)?;
        let key = key.of(request, &body.raw, REFUND_ROUTE);
        let request = body.value.into_request(&key);
        let refund = to_completion(async move {
            let viewer = call.viewer();
            let operations = &call.operations;
            let made = operations
                .refund_order_for(&call.caller, &viewer, &id, request, &key)
                .await?;
            let id = made.view.id.parse();
            let id = id.map_err(|_| OperationError::Internal("a refund's id".into()))?;
            operations.refund_detail(&viewer, &id).await
        });
        Ok(Json(refund.await?.into()))
    }

    /// List the notes beside an order
    ///
    /// Oldest first, at most 200. Needs the permission `order:read`.
    #[oai(
        path = "/admin/v1/orders/:order_id/notes",
        method = "get",
        operation_id = "listOrderNotes"
    )]
    async fn list_order_notes(
        &self,
        auth: OrderReader,
        /// The id of the order.
        order_id: Path<String>,
    ) -> Result<Json<NoteList>, Problem> {
        let call = auth.0;
        let id: OrderId = path_id(&order_id)?;
        let notes = call.operations.order_notes(&call.viewer(), &id).await?;
        Ok(Json(notes.into()))
    }

    /// Write a note beside an order
    ///
    /// It stays: notes are neither changed nor deleted. Needs the permission `order:read`.
    #[oai(
        path = "/admin/v1/orders/:order_id/notes",
        method = "post",
        operation_id = "addOrderNote"
    )]
    async fn add_order_note(
        &self,
        auth: OrderReader,
        /// The id of the order.
        order_id: Path<String>,
        body: JsonBody<NewNote>,
    ) -> Result<Json<Note>, Problem> {
        let call = auth.0;
        let id: OrderId = path_id(&order_id)?;
        let words = body.value.words;
        let note = to_completion(async move {
            let (by, viewer) = (call.caller.actor(), call.viewer());
            call.operations.note_order(&by, &viewer, &id, &words).await
        });
        Ok(Json(note.await?.into()))
    }
}
