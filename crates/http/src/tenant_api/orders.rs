//! Orders: place, read, list, close, sync.

mod objects;
mod requests;

use poem::Request;
use poem_openapi::param::{Path, Query};
use poem_openapi::{ApiResponse, OpenApi};
use tributary_domain::ids::OrderId;
use tributary_domain::merchant::{Mchid, MerchantOrderNo};
use tributary_domain::tenant::Scope;
use tributary_operations::orders::OrderListing;
use tributary_operations::orders::place::Placed;

use super::{Tag, path_id};
use crate::auth::{Authenticated, OrdersWriter};
use crate::completion::to_completion;
use crate::idempotency_key::IdempotencyKey;
use crate::json::{Json, JsonBody};
use crate::pagination::{Limit, Parameters};
use crate::problem::Problem;

use objects::{Order, OrderPage, OrderState, PlacedOrder};
use requests::NewOrder;

const CREATE_ROUTE: &str = "/v1/orders";

/// The operations on orders.
pub(crate) struct OrdersApi;

/// An order with parameters to pay it, new or the same again.
#[derive(ApiResponse)]
enum PlaceAnswer {
    /// The order was placed.
    #[oai(status = 201)]
    Created(
        Json<PlacedOrder>,
        /// `true` when this is the stored answer to an earlier request with the same Idempotency-Key.
        #[oai(header = "idempotent-replayed")]
        Option<bool>,
    ),
    /// An order with this number and content existed; here it is, with usable parameters.
    #[oai(status = 200)]
    Existing(
        Json<PlacedOrder>,
        /// `true` when this is the stored answer to an earlier request with the same Idempotency-Key.
        #[oai(header = "idempotent-replayed")]
        Option<bool>,
    ),
}

#[OpenApi(tag = "Tag::Orders")]
impl OrdersApi {
    /// Place an order
    ///
    /// Places a JSAPI order at WeChat Pay and answers with everything that `wx.requestPayment` needs. The same
    /// `merchant_order_no` with the same content gives the same order again; with other content it is refused.
    /// After `504 outcome_unknown` repeat the request unchanged, with the same key. Needs the scope `orders:write`.
    #[oai(path = "/v1/orders", method = "post", operation_id = "createOrder")]
    async fn create_order(
        &self,
        auth: OrdersWriter,
        /// Chosen by you, one per order you mean to place; the same for every retry. Kept for 7 days.
        #[oai(name = "Idempotency-Key")]
        key: IdempotencyKey,
        body: JsonBody<NewOrder>,
        request: &Request,
    ) -> Result<PlaceAnswer, Problem> {
        let session = auth.session();
        let idempotency = key.of(request, &body.raw, CREATE_ROUTE);
        let order = body.value.into();
        let placed = to_completion(async move {
            let operations = session.operations;
            Box::pin(operations.place_order(&session.caller, order, &idempotency)).await
        });
        Ok(placed.await?.into())
    }

    /// List orders
    ///
    /// The newest first. Needs the scope `orders:read`.
    #[expect(
        clippy::too_many_arguments,
        reason = "one argument per documented parameter"
    )]
    #[oai(path = "/v1/orders", method = "get", operation_id = "listOrders")]
    async fn list_orders(
        &self,
        auth: Authenticated,
        /// Only orders in this state.
        state: Query<Option<OrderState>>,
        /// Only the order with this number of yours.
        merchant_order_no: Query<Option<String>>,
        /// Only orders of this sub-merchant.
        sub_mchid: Query<Option<String>>,
        /// Only orders created at this time or later (RFC 3339).
        created_from: Query<Option<String>>,
        /// Only orders created before this time (RFC 3339).
        created_to: Query<Option<String>>,
        /// `next_cursor` of the page before.
        cursor: Query<Option<String>>,
        /// How many orders a page holds at most.
        limit: Query<Option<Limit>>,
    ) -> Result<Json<OrderPage>, Problem> {
        let session = auth.allow(Scope::OrdersRead)?;
        let mut given = Parameters::default();
        let filter = OrderListing {
            state: state.0.map(Into::into),
            merchant_order_no: given.parse(
                "merchant_order_no",
                merchant_order_no.0.as_deref(),
                MerchantOrderNo::parse,
            ),
            sub_mchid: given.parse("sub_mchid", sub_mchid.0.as_deref(), Mchid::parse),
            created_from: given.time("created_from", created_from.0.as_deref()),
            created_to: given.time("created_to", created_to.0.as_deref()),
            cursor: cursor.0,
            limit: Some(Limit::or_default(limit.0)),
        };
        given.finish()?;
        let page = session
            .operations
            .list_orders(&session.caller, filter)
            .await?;
        Ok(Json(page.into()))
    }

    /// Read an order
    ///
    /// The order as we know it; it asks WeChat nothing. Needs the scope `orders:read`.
    #[oai(
        path = "/v1/orders/:order_id",
        method = "get",
        operation_id = "getOrder"
    )]
    async fn get_order(
        &self,
        auth: Authenticated,
        /// The id of the order.
        order_id: Path<String>,
    ) -> Result<Json<Order>, Problem> {
        let session = auth.allow(Scope::OrdersRead)?;
        let id: OrderId = path_id(&order_id)?;
        let order = session.operations.get_order(&session.caller, &id).await?;
        Ok(Json(order.into()))
    }

    /// Close an order
    ///
    /// Closes the order at WeChat, so that nobody can pay it any more. When WeChat says that it is paid already, the
    /// answer is `409 state_conflict` and the order is paid here too. Closing twice is fine. Needs the scope
    /// `orders:write`.
    #[oai(
        path = "/v1/orders/:order_id/close",
        method = "post",
        operation_id = "closeOrder"
    )]
    async fn close_order(
        &self,
        auth: Authenticated,
        /// The id of the order.
        order_id: Path<String>,
    ) -> Result<Json<Order>, Problem> {
        let session = auth.allow(Scope::OrdersWrite)?;
        let id: OrderId = path_id(&order_id)?;
        let order =
            to_completion(
                async move { session.operations.close_order(&session.caller, &id).await },
            );
        Ok(Json(order.await?.into()))
    }

    /// Ask WeChat about an order
    ///
    /// Asks WeChat now and answers with the order as it stands then. Calls within two seconds share one question.
    /// Needs the scope `orders:write`.
    #[oai(
        path = "/v1/orders/:order_id/sync",
        method = "post",
        operation_id = "syncOrder"
    )]
    async fn sync_order(
        &self,
        auth: Authenticated,
        /// The id of the order.
        order_id: Path<String>,
    ) -> Result<Json<Order>, Problem> {
        let session = auth.allow(Scope::OrdersWrite)?;
        let id: OrderId = path_id(&order_id)?;
        let order =
            to_completion(async move { session.operations.sync_order(&session.caller, &id).await });
        Ok(Json(order.await?.into()))
    }
}

impl From<Placed> for PlaceAnswer {
    /// A replay keeps the status of the first answer.
    fn from(placed: Placed) -> Self {
        let replayed = placed.replayed.then_some(true);
        let order = Json(PlacedOrder::from(placed.view));
        if placed.status == 201 {
            Self::Created(order, replayed)
        } else {
            Self::Existing(order, replayed)
        }
    }
}
