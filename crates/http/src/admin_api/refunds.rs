//! Refunds across tenants: lists, sums, one refund whole, asking WeChat about it, and sending it another way.

use std::fmt;

use poem_openapi::param::{Path, Query};
use poem_openapi::{Object, OpenApi};
use tributary_domain::clock::Timestamp;
use tributary_domain::ids::{OrderId, RefundId, TenantId};
use tributary_domain::merchant::Mchid;
use tributary_domain::refund::{RefundOrigin, RefundState};
use tributary_domain::staff::Permission;
use tributary_operations::jobs::JobWish;
use tributary_operations::pages::Searched;
use tributary_operations::refund_search::{ListedRefund, RefundDetail, RefundQuery};

use super::Tag;
use super::actions::{self, AllowedAction};
use super::guards::May;
use super::jobs::{Accepted, JobObject};
use crate::completion::to_completion;
use crate::json::{Json, JsonBody};
use crate::pagination::{Limit, Parameters};
use crate::problem::Problem;
use crate::tenant_api::{RedirectionType, RefundRedirection, path_id};

type RefundReader = May<{ Permission::RefundRead as usize }>;
type RefundExporter = May<{ Permission::OrderExport as usize }>;
type OrderAsker = May<{ Permission::OrderQuery as usize }>;
type Refunder = May<{ Permission::RefundCreate as usize }>;

/// The operations on refunds.
pub(crate) struct RefundsApi;

/// A refund in a list. Money is fen.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
struct ListedStaffRefund {
    /// Its id: `ref_…`.
    id: String,
    /// Always `refund`.
    object: String,
    /// `live` or `test`.
    mode: String,
    /// Whose it is.
    tenant_id: String,
    /// The tenant's name.
    tenant_name: String,
    /// The order whose money goes back.
    order_id: String,
    /// The tenant's own number.
    merchant_refund_no: String,
    /// The number that WeChat sees.
    out_refund_no: String,
    /// WeChat's number.
    wechat_refund_id: Option<String>,
    /// The sub-merchant that pays.
    sub_mchid: String,
    /// Who asked: `api`, `late_money` or `external`.
    origin: String,
    /// Where it stands.
    state: String,
    /// How much goes back, in fen.
    refund: i64,
    /// How much was paid, in fen.
    total: i64,
    /// What the payer is told.
    reason: Option<String>,
    /// Where the money goes.
    received_account: Option<String>,
    /// When it was asked for (RFC 3339).
    created_at: String,
    /// When WeChat accepted it (RFC 3339).
    accepted_at: Option<String>,
    /// When we look at it next (RFC 3339).
    next_try_at: Option<String>,
    /// When it last changed (RFC 3339).
    updated_at: String,
}

impl From<ListedRefund> for ListedStaffRefund {
    fn from(listed: ListedRefund) -> Self {
        let refund = listed.refund;
        Self {
            id: refund.id.to_string(),
            object: String::from("refund"),
            mode: refund.mode.as_str().to_owned(),
            tenant_id: refund.tenant_id.to_string(),
            tenant_name: listed.tenant_name,
            order_id: refund.order_id.to_string(),
            merchant_refund_no: refund.content.merchant_refund_no.to_string(),
            out_refund_no: refund.out_refund_no.to_string(),
            wechat_refund_id: refund.facts.refund_id.clone(),
            sub_mchid: refund.sub_mchid.to_string(),
            origin: refund.origin.as_str().to_owned(),
            state: refund.state.as_str().to_owned(),
            refund: refund.content.refund.as_i64(),
            total: refund.total.as_i64(),
            reason: refund.content.reason.clone(),
            received_account: refund.facts.user_received_account.clone(),
            created_at: refund.created_at.to_rfc3339(),
            accepted_at: refund.facts.accepted_at.map(Timestamp::to_rfc3339),
            next_try_at: refund.next_try_at.map(Timestamp::to_rfc3339),
            updated_at: refund.updated_at.to_rfc3339(),
        }
    }
}

/// A page of refunds, the newest first.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
struct StaffRefundPage {
    /// Always `list`.
    object: String,
    /// The refunds.
    data: Vec<ListedStaffRefund>,
    /// Whether there are more.
    has_more: bool,
    /// Names the next page.
    next_cursor: Option<String>,
    /// When this was looked up (RFC 3339).
    as_of: String,
}

impl From<Searched<ListedRefund>> for StaffRefundPage {
    fn from(found: Searched<ListedRefund>) -> Self {
        Self {
            object: String::from("list"),
            data: found.items.into_iter().map(Into::into).collect(),
            has_more: found.next_cursor.is_some(),
            next_cursor: found.next_cursor,
            as_of: found.as_of.to_rfc3339(),
        }
    }
}

/// What a list of refunds comes to.
#[derive(Debug, Object)]
struct StaffRefundSums {
    /// How many refunds.
    count: i64,
    /// How much they give back, in fen.
    refund: i64,
    /// Whether all were looked at; otherwise these are the newest.
    complete: bool,
    /// When this was looked up (RFC 3339).
    as_of: String,
}

/// A refund whole.
#[derive(Debug, Object)]
pub(super) struct StaffRefund {
    /// As in a list.
    refund: ListedStaffRefund,
    /// Where the order stands whose money goes back.
    order_state: String,
    /// The order's number of the tenant.
    merchant_order_no: String,
    /// What you may do with it.
    actions: Vec<AllowedAction>,
}

impl From<RefundDetail> for StaffRefund {
    fn from(detail: RefundDetail) -> Self {
        Self {
            refund: detail.listed.into(),
            order_state: detail.order.state.as_str().to_owned(),
            merchant_order_no: detail.order.content.merchant_order_no.to_string(),
            actions: actions::shown(detail.actions),
        }
    }
}

/// Where the money of an abnormal refund goes, and why.
#[derive(Object)]
#[oai(deny_unknown_fields)]
struct StaffRedirection {
    /// `user_bank_card`: to a card of the payer's, with the three fields below. `merchant_bank_card`: to the
    /// sub-merchant's settlement account, without them; the sub-merchant then pays the payer itself.
    r#type: RedirectionType,
    /// The payer's bank, in WeChat's word.
    bank_type: Option<String>,
    /// The number of the payer's card.
    bank_account: Option<String>,
    /// The name of the card's holder.
    real_name: Option<String>,
    /// Why, for the log; nothing about the payee.
    reason: String,
}

impl fmt::Debug for StaffRedirection {
    /// Whose card it is, is nobody's business.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StaffRedirection")
            .field("type", &self.r#type)
            .finish_non_exhaustive()
    }
}

impl StaffRedirection {
    /// What a tenant would send, and the reason.
    fn into_parts(self) -> (RefundRedirection, String) {
        let way = RefundRedirection {
            r#type: self.r#type,
            bank_type: self.bank_type,
            bank_account: self.bank_account,
            real_name: self.real_name,
        };
        (way, self.reason)
    }
}

#[OpenApi(tag = "Tag::Refunds")]
impl RefundsApi {
    /// List refunds
    ///
    /// Every tenant's, or a member's own; the newest first. One world at a time. Needs the permission `refund:read`.
    #[expect(
        clippy::too_many_arguments,
        reason = "one argument per documented parameter"
    )]
    #[oai(
        path = "/admin/v1/refunds",
        method = "get",
        operation_id = "listRefunds"
    )]
    async fn list_refunds(
        &self,
        auth: RefundReader,
        /// `live`, unless `test` is asked for.
        mode: Query<Option<String>>,
        /// Only this tenant's.
        tenant_id: Query<Option<String>>,
        /// Only for this sub-merchant.
        sub_mchid: Query<Option<String>>,
        /// Only of this order.
        order_id: Query<Option<String>>,
        /// Only in this state.
        #[oai(name = "state")]
        refund_state: Query<Option<String>>,
        /// Only asked for by these.
        origin: Query<Option<String>>,
        /// Only at this time or later (RFC 3339).
        from: Query<Option<String>>,
        /// Only before this time (RFC 3339).
        to: Query<Option<String>>,
        /// `next_cursor` of the page before.
        cursor: Query<Option<String>>,
        /// How many refunds a page holds at most.
        limit: Query<Option<Limit>>,
    ) -> Result<Json<StaffRefundPage>, Problem> {
        let call = auth.0;
        let mut given = Parameters::default();
        let query = RefundQuery {
            mode: given.mode(mode.0.as_deref()),
            tenant_id: given.parse("tenant_id", tenant_id.0.as_deref(), str::parse::<TenantId>),
            sub_mchid: given.parse("sub_mchid", sub_mchid.0.as_deref(), Mchid::parse),
            order_id: given.parse("order_id", order_id.0.as_deref(), str::parse::<OrderId>),
            state: given.word("state", refund_state.0.as_deref(), RefundState::parse),
            origin: given.word("origin", origin.0.as_deref(), RefundOrigin::parse),
            from: given.time("from", from.0.as_deref()),
            to: given.time("to", to.0.as_deref()),
            refund_min: None,
            refund_max: None,
        };
        let place = given.place::<RefundId>(cursor.0.as_deref());
        given.finish()?;
        let limit = Some(Limit::or_default(limit.0));
        let (operations, viewer) = (&call.operations, call.viewer());
        let found = operations
            .search_refunds(&viewer, &query, place.as_ref(), limit)
            .await?;
        Ok(Json(found.into()))
    }

    /// Add refunds up
    ///
    /// When there are more than 50,000, it is of the newest of them, and `complete` is false. Needs the permission
    /// `refund:read`.
    #[expect(
        clippy::too_many_arguments,
        reason = "one argument per documented parameter"
    )]
    #[oai(
        path = "/admin/v1/refunds/summary",
        method = "get",
        operation_id = "sumRefunds"
    )]
    async fn sum_refunds(
        &self,
        auth: RefundReader,
        /// `live`, unless `test` is asked for.
        mode: Query<Option<String>>,
        /// Only this tenant's.
        tenant_id: Query<Option<String>>,
        /// Only for this sub-merchant.
        sub_mchid: Query<Option<String>>,
        /// Only in this state.
        #[oai(name = "state")]
        refund_state: Query<Option<String>>,
        /// Only at this time or later (RFC 3339).
        from: Query<Option<String>>,
        /// Only before this time (RFC 3339).
        to: Query<Option<String>>,
    ) -> Result<Json<StaffRefundSums>, Problem> {
        let call = auth.0;
        let mut given = Parameters::default();
        let query = RefundQuery {
            tenant_id: given.parse("tenant_id", tenant_id.0.as_deref(), str::parse::<TenantId>),
            sub_mchid: given.parse("sub_mchid", sub_mchid.0.as_deref(), Mchid::parse),
            state: given.word("state", refund_state.0.as_deref(), RefundState::parse),
            from: given.time("from", from.0.as_deref()),
            to: given.time("to", to.0.as_deref()),
            ..RefundQuery::of_mode(given.mode(mode.0.as_deref()))
        };
        given.finish()?;
        let sums = call.operations.sum_refunds(&call.viewer(), &query).await?;
        Ok(Json(StaffRefundSums {
            count: sums.count,
            refund: sums.refund_fen,
            complete: sums.complete,
            as_of: call.operations.now().to_rfc3339(),
        }))
    }

    /// Export refunds
    ///
    /// Starts a job that writes the refunds into a CSV file. Needs the permissions `order:export` and `refund:read`.
    #[expect(
        clippy::too_many_arguments,
        reason = "one argument per documented parameter"
    )]
    #[oai(
        path = "/admin/v1/refunds/export",
        method = "post",
        operation_id = "exportRefunds"
    )]
    async fn export_refunds(
        &self,
        auth: RefundExporter,
        /// `live`, unless `test` is asked for.
        mode: Query<Option<String>>,
        /// Only this tenant's.
        tenant_id: Query<Option<String>>,
        /// Only for this sub-merchant.
        sub_mchid: Query<Option<String>>,
        /// Only of this order.
        order_id: Query<Option<String>>,
        /// Only in this state.
        #[oai(name = "state")]
        refund_state: Query<Option<String>>,
        /// Only asked for by these.
        origin: Query<Option<String>>,
        /// Only at this time or later (RFC 3339).
        from: Query<Option<String>>,
        /// Only before this time (RFC 3339).
        to: Query<Option<String>>,
    ) -> Result<Accepted, Problem> {
        let call = auth.0;
        call.caller.require(Permission::RefundRead)?;
        let mut given = Parameters::default();
        let query = RefundQuery {
            tenant_id: given.parse("tenant_id", tenant_id.0.as_deref(), str::parse::<TenantId>),
            sub_mchid: given.parse("sub_mchid", sub_mchid.0.as_deref(), Mchid::parse),
            order_id: given.parse("order_id", order_id.0.as_deref(), str::parse::<OrderId>),
            state: given.word("state", refund_state.0.as_deref(), RefundState::parse),
            origin: given.word("origin", origin.0.as_deref(), RefundOrigin::parse),
            from: given.time("from", from.0.as_deref()),
            to: given.time("to", to.0.as_deref()),
            ..RefundQuery::of_mode(given.mode(mode.0.as_deref()))
        };
        given.finish()?;
        let started = to_completion(async move {
            let (by, viewer) = (call.caller.actor(), call.viewer());
            let wish = JobWish::ExportRefunds(Box::new(query));
            call.operations.start_job(&by, &viewer, wish).await
        });
        Ok(Accepted::Started(Json(JobObject::from(started.await?))))
    }

    /// Read a refund
    ///
    /// With what you may do with it. Needs the permission `refund:read`.
    #[oai(
        path = "/admin/v1/refunds/:refund_id",
        method = "get",
        operation_id = "getRefund"
    )]
    async fn get_refund(
        &self,
        auth: RefundReader,
        /// The id of the refund.
        refund_id: Path<String>,
    ) -> Result<Json<StaffRefund>, Problem> {
        let call = auth.0;
        let id: RefundId = path_id(&refund_id)?;
        let found = call.operations.refund_detail(&call.viewer(), &id).await?;
        Ok(Json(found.into()))
    }

    /// Ask WeChat about a refund
    ///
    /// Now, and lets the answer in. Needs the permission `order:query`.
    #[oai(
        path = "/admin/v1/refunds/:refund_id/query",
        method = "post",
        operation_id = "queryRefund"
    )]
    async fn query_refund(
        &self,
        auth: OrderAsker,
        /// The id of the refund.
        refund_id: Path<String>,
    ) -> Result<Json<StaffRefund>, Problem> {
        let call = auth.0;
        let id: RefundId = path_id(&refund_id)?;
        let asked = to_completion(async move {
            let (by, viewer) = (call.caller.actor(), call.viewer());
            call.operations
                .ask_about_refund_for(&by, &viewer, &id)
                .await
        });
        Ok(Json(asked.await?.into()))
    }

    /// Send an abnormal refund another way
    ///
    /// For a refund in the state `abnormal`, whose way back to the payer failed, such as to a closed card: to another
    /// card of the payer's, or to the sub-merchant's account. Card number and name are encrypted for WeChat and kept
    /// nowhere. Above the refund limit it takes `refund:approve` as well. Needs the permission `refund:create` and a
    /// fresh proof.
    #[oai(
        path = "/admin/v1/refunds/:refund_id/redirect",
        method = "post",
        operation_id = "redirectRefund"
    )]
    async fn redirect_refund(
        &self,
        auth: Refunder,
        /// The id of the refund.
        refund_id: Path<String>,
        body: JsonBody<StaffRedirection>,
    ) -> Result<Json<StaffRefund>, Problem> {
        let call = auth.0;
        let id: RefundId = path_id(&refund_id)?;
        let (way, reason) = body.value.into_parts();
        let way = way.into_way().map_err(Problem::invalid)?;
        let sent = to_completion(async move {
            let (operations, viewer) = (&call.operations, call.viewer());
            let sent = operations.redirect_refund_for(&call.caller, &viewer, &id, way, &reason);
            Box::pin(sent).await
        });
        Ok(Json(sent.await?.into()))
    }
}
