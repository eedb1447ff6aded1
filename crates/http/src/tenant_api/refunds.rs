//! Refunds: ask for, read, list, ask WeChat about.

mod objects;
mod requests;

use poem::Request;
use poem_openapi::param::{Path, Query};
use poem_openapi::{ApiResponse, OpenApi};
use tributary_domain::ids::{OrderId, RefundId};
use tributary_domain::merchant::MerchantRefundNo;
use tributary_domain::tenant::Scope;
use tributary_operations::refunds::{RefundListing, Refunded};

use super::{Tag, path_id};
use crate::auth::{Authenticated, RefundsWriter};
use crate::completion::to_completion;
use crate::idempotency_key::IdempotencyKey;
use crate::json::{Json, JsonBody};
use crate::pagination::{Limit, Parameters};
use crate::problem::Problem;

use objects::{Refund, RefundPage, RefundState};
use requests::NewRefund;
pub(crate) use requests::{RedirectionType, RefundRedirection};

const CREATE_ROUTE: &str = "/v1/refunds";

/// The operations on refunds.
pub(crate) struct RefundsApi;

/// A refund, new, the same again, or not known to be accepted yet.
#[derive(ApiResponse)]
enum RefundAnswer {
    /// The refund was recorded; its `state` says how far it came.
    #[oai(status = 201)]
    Created(
        Json<Refund>,
        /// `true` when this is the stored answer to an earlier request with the same Idempotency-Key.
        #[oai(header = "idempotent-replayed")]
        Option<bool>,
    ),
    /// A refund with this number and content existed; here it is.
    #[oai(status = 200)]
    Existing(
        Json<Refund>,
        /// `true` when this is the stored answer to an earlier request with the same Idempotency-Key.
        #[oai(header = "idempotent-replayed")]
        Option<bool>,
    ),
    /// The refund is recorded, and nobody knows yet whether WeChat accepted it. It is being asked; an event follows.
    #[oai(status = 202)]
    Unknown(
        Json<Refund>,
        /// Absent: an answer without a certain end is not stored.
        #[oai(header = "idempotent-replayed")]
        Option<bool>,
    ),
}

#[OpenApi(tag = "Tag::Refunds")]
impl RefundsApi {
    /// Refund an order
    ///
    /// Gives a payment back, whole or in up to 50 parts within a year. The amount is set aside and the number that
    /// WeChat sees is fixed before WeChat is asked; it never changes. The same `merchant_refund_no` with the same
    /// content gives the same refund again. `202` means that the outcome is not known yet: repeat the request
    /// unchanged, or wait for the event; never refund anew under another number. Needs the scope `refunds:write`.
    #[oai(path = "/v1/refunds", method = "post", operation_id = "createRefund")]
    async fn create_refund(
        &self,
        auth: RefundsWriter,
        /// Chosen by you, one per refund you mean to make; the same for every retry. Kept for 7 days.
        #[oai(name = "Idempotency-Key")]
        key: IdempotencyKey,
        body: JsonBody<NewRefund>,
        request: &Request,
    ) -> Result<RefundAnswer, Problem> {
        let session = auth.session();
        let idempotency = key.of(request, &body.raw, CREATE_ROUTE);
        let refund = body.value.into();
        let refunded = to_completion(async move {
            let operations = session.operations;
            Box::pin(operations.create_refund(&session.caller, refund, &idempotency)).await
        });
        Ok(refunded.await?.into())
    }

    /// List refunds
    ///
    /// The newest first. Needs the scope `refunds:read`.
    #[expect(
        clippy::too_many_arguments,
        reason = "one argument per documented parameter"
    )]
    #[oai(path = "/v1/refunds", method = "get", operation_id = "listRefunds")]
    async fn list_refunds(
        &self,
        auth: Authenticated,
        /// Only refunds in this state.
        state: Query<Option<RefundState>>,
        /// Only the refund with this number of yours.
        merchant_refund_no: Query<Option<String>>,
        /// Only refunds created at this time or later (RFC 3339).
        created_from: Query<Option<String>>,
        /// Only refunds created before this time (RFC 3339).
        created_to: Query<Option<String>>,
        /// `next_cursor` of the page before.
        cursor: Query<Option<String>>,
        /// How many refunds a page holds at most.
        limit: Query<Option<Limit>>,
    ) -> Result<Json<RefundPage>, Problem> {
        let session = auth.allow(Scope::RefundsRead)?;
        let mut given = Parameters::default();
        let listing = RefundListing {
            state: state.0.map(Into::into),
            order_id: None,
            merchant_refund_no: given.parse(
                "merchant_refund_no",
                merchant_refund_no.0.as_deref(),
                MerchantRefundNo::parse,
            ),
            created_from: given.time("created_from", created_from.0.as_deref()),
            created_to: given.time("created_to", created_to.0.as_deref()),
            cursor: cursor.0,
            limit: Some(Limit::or_default(limit.0)),
        };
        given.finish()?;
        let page = session
            .operations
            .list_refunds(&session.caller, listing)
            .await?;
        Ok(Json(page.into()))
    }

    /// List the refunds of an order
    ///
    /// The newest first. Needs the scope `refunds:read`.
    #[oai(
        path = "/v1/orders/:order_id/refunds",
        method = "get",
        operation_id = "listOrderRefunds"
    )]
    async fn list_order_refunds(
        &self,
        auth: Authenticated,
        /// The id of the order.
        order_id: Path<String>,
        /// `next_cursor` of the page before.
        cursor: Query<Option<String>>,
        /// How many refunds a page holds at most.
        limit: Query<Option<Limit>>,
    ) -> Result<Json<RefundPage>, Problem> {
        let session = auth.allow(Scope::RefundsRead)?;
        let order_id: OrderId = path_id(&order_id)?;
        let listing = RefundListing {
            order_id: Some(order_id),
            cursor: cursor.0,
            limit: Some(Limit::or_default(limit.0)),
            ..RefundListing::default()
        };
        let page = session
            .operations
            .list_refunds(&session.caller, listing)
            .await?;
        Ok(Json(page.into()))
    }

    /// Read a refund
    ///
    /// The refund as we know it; it asks WeChat nothing. Needs the scope `refunds:read`.
    #[oai(
        path = "/v1/refunds/:refund_id",
        method = "get",
        operation_id = "getRefund"
    )]
    async fn get_refund(
        &self,
        auth: Authenticated,
        /// The id of the refund.
        refund_id: Path<String>,
    ) -> Result<Json<Refund>, Problem> {
        let session = auth.allow(Scope::RefundsRead)?;
        let id: RefundId = path_id(&refund_id)?;
        let refund = session.operations.get_refund(&session.caller, &id).await?;
        Ok(Json(refund.into()))
    }

    /// Send an abnormal refund another way
    ///
    /// For a refund in the state `abnormal`, whose way back to the payer failed, such as to a closed card: to another
    /// card of the payer's, or to the sub-merchant's account. Card number and name are encrypted for WeChat and kept
    /// nowhere. Needs the scope `refunds:write`.
    #[oai(
        path = "/v1/refunds/:refund_id/redirect",
        method = "post",
        operation_id = "redirectRefund"
    )]
    async fn redirect_refund(
        &self,
        auth: RefundsWriter,
        /// The id of the refund.
        refund_id: Path<String>,
        body: JsonBody<RefundRedirection>,
    ) -> Result<Json<Refund>, Problem> {
        let session = auth.session();
        let id: RefundId = path_id(&refund_id)?;
        let way = body.value.into_way().map_err(Problem::invalid)?;
        let refund = to_completion(async move {
            let operations = session.operations;
            operations.redirect_refund(&session.caller, &id, way).await
        });
        Ok(Json(refund.await?.into()))
    }

    /// Ask WeChat about a refund
    ///
    /// Asks WeChat now and answers with the refund as it stands then. Needs the scope `refunds:write`.
    #[oai(
        path = "/v1/refunds/:refund_id/sync",
        method = "post",
        operation_id = "syncRefund"
    )]
    async fn sync_refund(
        &self,
        auth: Authenticated,
        /// The id of the refund.
        refund_id: Path<String>,
    ) -> Result<Json<Refund>, Problem> {
        let session = auth.allow(Scope::RefundsWrite)?;
        let id: RefundId = path_id(&refund_id)?;
        let refund =
            to_completion(
                async move { session.operations.sync_refund(&session.caller, &id).await },
            );
        Ok(Json(refund.await?.into()))
    }
}

impl From<Refunded> for RefundAnswer {
    /// A replay keeps the status of the first answer.
    fn from(refunded: Refunded) -> Self {
        let replayed = refunded.replayed.then_some(true);
        let refund = Json(Refund::from(refunded.view));
        match refunded.status {
            201 => Self::Created(refund, replayed),
            202 => Self::Unknown(refund, replayed),
            _ => Self::Existing(refund, replayed),
        }
    }
}
