//! Deliveries: list, read one with its attempts, send one again.

mod objects;

use poem_openapi::param::{Path, Query};
use poem_openapi::{ApiResponse, OpenApi};
use tributary_domain::ids::{DeliveryId, EndpointId, EventId};
use tributary_domain::tenant::Scope;
use tributary_operations::deliveries::DeliveryFilter;

use super::{Tag, path_id};
use crate::auth::Authenticated;
use crate::completion::to_completion;
use crate::json::Json;
use crate::pagination::{Limit, Parameters};
use crate::problem::Problem;

use objects::{Delivery, DeliveryPage, DeliveryState, DeliveryWithAttempts, EventType};

/// The operations on deliveries.
pub(crate) struct DeliveriesApi;

#[derive(ApiResponse)]
enum RetryAnswer {
    /// The delivery is due now.
    #[oai(status = 202)]
    Accepted(Json<Delivery>),
}

#[OpenApi(tag = "Tag::Deliveries")]
impl DeliveriesApi {
    /// List deliveries
    ///
    /// The newest first. Needs the scope `webhooks:read`.
    #[expect(
        clippy::too_many_arguments,
        reason = "one argument per documented parameter"
    )]
    #[oai(
        path = "/v1/deliveries",
        method = "get",
        operation_id = "listDeliveries"
    )]
    async fn list_deliveries(
        &self,
        auth: Authenticated,
        /// Only deliveries to this endpoint.
        endpoint_id: Query<Option<String>>,
        /// Only deliveries in this state.
        state: Query<Option<DeliveryState>>,
        /// Only deliveries of events of this type.
        event_type: Query<Option<EventType>>,
        /// Only deliveries of this event.
        event_id: Query<Option<String>>,
        /// Only deliveries created at this time or later (RFC 3339).
        from: Query<Option<String>>,
        /// Only deliveries created before this time (RFC 3339).
        to: Query<Option<String>>,
        /// `next_cursor` of the page before.
        cursor: Query<Option<String>>,
        /// How many deliveries a page holds at most.
        limit: Query<Option<Limit>>,
    ) -> Result<Json<DeliveryPage>, Problem> {
        let session = auth.allow(Scope::WebhooksRead)?;
        let mut given = Parameters::default();
        let filter = DeliveryFilter {
            endpoint_id: given.parse(
                "endpoint_id",
                endpoint_id.0.as_deref(),
                str::parse::<EndpointId>,
            ),
            state: state.0.map(Into::into),
            event_type: event_type.0.map(Into::into),
            event_id: given.parse("event_id", event_id.0.as_deref(), str::parse::<EventId>),
            from: given.time("from", from.0.as_deref()),
            to: given.time("to", to.0.as_deref()),
            cursor: cursor.0,
            limit: Limit::or_default(limit.0),
        };
        given.finish()?;
        let page = session
            .operations
            .list_deliveries(&session.caller, filter)
            .await?;
        Ok(Json(page.into()))
    }

    /// Read a delivery
    ///
    /// With every attempt: when, how long, and what the receiver answered. Needs the scope `webhooks:read`.
    #[oai(
        path = "/v1/deliveries/:delivery_id",
        method = "get",
        operation_id = "getDelivery"
    )]
    async fn get_delivery(
        &self,
        auth: Authenticated,
        /// The id of the delivery.
        delivery_id: Path<String>,
    ) -> Result<Json<DeliveryWithAttempts>, Problem> {
        let session = auth.allow(Scope::WebhooksRead)?;
        let id: DeliveryId = path_id(&delivery_id)?;
        let delivery = session
            .operations
            .get_delivery(&session.caller, &id)
            .await?;
        Ok(Json(delivery.into()))
    }

    /// Send a delivery again
    ///
    /// Makes the delivery due now, whatever became of it before: the same event with a fresh timestamp. Needs the
    /// scope `webhooks:write`.
    #[oai(
        path = "/v1/deliveries/:delivery_id/retry",
        method = "post",
        operation_id = "retryDelivery"
    )]
    async fn retry_delivery(
        &self,
        auth: Authenticated,
        /// The id of the delivery.
        delivery_id: Path<String>,
    ) -> Result<RetryAnswer, Problem> {
        let session = auth.allow(Scope::WebhooksWrite)?;
        let id: DeliveryId = path_id(&delivery_id)?;
        let delivery = to_completion(async move {
            session
                .operations
                .retry_delivery(&session.caller, &id)
                .await
        });
        Ok(RetryAnswer::Accepted(Json(delivery.await?.into())))
    }
}
