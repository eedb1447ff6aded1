//! Deliveries and endpoints across tenants: lists, one whole, sent again, paused, recovered.

mod objects;

use poem_openapi::OpenApi;
use poem_openapi::param::{Path, Query};
use tributary_domain::endpoint::EndpointState;
use tributary_domain::ids::{DeliveryId, EndpointId, EventId, TenantId};
use tributary_domain::staff::Permission;
use tributary_operations::deliveries::DeliveryState;
use tributary_operations::delivery_search::{DeliveryQuery, EndpointQuery};
use tributary_operations::jobs::JobWish;

use super::Tag;
use super::guards::{May, StaffCall};
use super::jobs::{Accepted, JobObject};
use crate::completion::to_completion;
use crate::json::{Json, JsonBody};
use crate::pagination::{Limit, Parameters};
use crate::problem::Problem;
use crate::tenant_api::path_id;

use objects::{
    Recovery, RecoveryPlan, StaffDeliveryDetail, StaffDeliveryPage, StaffEndpointDetail,
    StaffEndpointPage,
};

type Reader = May<{ Permission::WebhookRead as usize }>;
type Writer = May<{ Permission::WebhookWrite as usize }>;
type Replayer = May<{ Permission::WebhookReplay as usize }>;
type Recoverer = May<{ Permission::WebhookRecover as usize }>;

/// The operations on deliveries and endpoints.
pub(crate) struct DeliveriesApi;

#[OpenApi(tag = "Tag::Deliveries")]
impl DeliveriesApi {
    /// List deliveries
    ///
    /// Every tenant's, or a member's own; the newest first. One world at a time. Needs the permission `webhook:read`.
    #[expect(
        clippy::too_many_arguments,
        reason = "one argument per documented parameter"
    )]
    #[oai(
        path = "/admin/v1/deliveries",
        method = "get",
        operation_id = "listDeliveries"
    )]
    async fn list_deliveries(
        &self,
        auth: Reader,
        /// `live`, unless `test` is asked for.
        mode: Query<Option<String>>,
        /// Only this tenant's.
        tenant_id: Query<Option<String>>,
        /// Only to this endpoint.
        endpoint_id: Query<Option<String>>,
        /// Only of this event.
        event_id: Query<Option<String>>,
        /// Only about this order or refund.
        subject_id: Query<Option<String>>,
        /// Only in this state.
        #[oai(name = "state")]
        delivery_state: Query<Option<String>>,
        /// Only of events of this type.
        event_type: Query<Option<String>>,
        /// Only whose last failure was of this class.
        error_class: Query<Option<String>>,
        /// Only whose last answer was of this class: 2 for 200 to 299, and so on.
        #[oai(validator(minimum(value = "1"), maximum(value = "5")))]
        status_class: Query<Option<i64>>,
        /// Only at this time or later (RFC 3339).
        from: Query<Option<String>>,
        /// Only before this time (RFC 3339).
        to: Query<Option<String>>,
        /// `next_cursor` of the page before.
        cursor: Query<Option<String>>,
        /// How many deliveries a page holds at most.
        limit: Query<Option<Limit>>,
    ) -> Result<Json<StaffDeliveryPage>, Problem> {
        let call = auth.0;
        let mut given = Parameters::default();
        let class = status_class.0.map(|class| (class * 100, class * 100 + 100));
        let query = DeliveryQuery {
            mode: given.mode(mode.0.as_deref()),
            tenant_id: given.parse("tenant_id", tenant_id.0.as_deref(), str::parse::<TenantId>),
            endpoint_id: given.parse(
                "endpoint_id",
                endpoint_id.0.as_deref(),
                str::parse::<EndpointId>,
            ),
            event_id: given.parse("event_id", event_id.0.as_deref(), str::parse::<EventId>),
            subject: given.subject(subject_id.0.as_deref()),
            state: given.word("state", delivery_state.0.as_deref(), DeliveryState::parse),
            event_kind: given.short("event_type", event_type.0.as_deref()),
            error_class: given.short("error_class", error_class.0.as_deref()),
            status: class,
            from: given.time("from", from.0.as_deref()),
            to: given.time("to", to.0.as_deref()),
        };
        let place = given.place::<DeliveryId>(cursor.0.as_deref());
        given.finish()?;
        let limit = Some(Limit::or_default(limit.0));
        let (operations, viewer) = (&call.operations, call.viewer());
        let found = operations
            .search_deliveries(&viewer, &query, place.as_ref(), limit)
            .await?;
        Ok(Json(found.into()))
    }

    /// Read a delivery
    ///
    /// With every attempt and what it carries. Needs the permission `webhook:read`.
    #[oai(
        path = "/admin/v1/deliveries/:delivery_id",
        method = "get",
        operation_id = "getDelivery"
    )]
    async fn get_delivery(
        &self,
        auth: Reader,
        /// The id of the delivery.
        delivery_id: Path<String>,
    ) -> Result<Json<StaffDeliveryDetail>, Problem> {
        let call = auth.0;
        let id: DeliveryId = path_id(&delivery_id)?;
        let seen = call
            .operations
            .inspect_delivery(&call.viewer(), &id)
            .await?;
        call.note_payers_read(id.as_str()).await?;
        Ok(Json(seen.into()))
    }

    /// Send a delivery again
    ///
    /// Now: the same id and bytes with a fresh timestamp. Needs the permission `webhook:replay`.
    #[oai(
        path = "/admin/v1/deliveries/:delivery_id/replay",
        method = "post",
        operation_id = "replayDelivery"
    )]
    async fn replay_delivery(
        &self,
        auth: Replayer,
        /// The id of the delivery.
        delivery_id: Path<String>,
    ) -> Result<Json<StaffDeliveryDetail>, Problem> {
        let call = auth.0;
        let id: DeliveryId = path_id(&delivery_id)?;
        let seen = to_completion(async move {
            let (by, viewer) = (call.caller.actor(), call.viewer());
            call.operations.replay_delivery(&by, &viewer, &id).await
        });
        Ok(Json(seen.await?.into()))
    }

    /// List endpoints
    ///
    /// Every tenant's, or a member's own; the newest first. Needs the permission `webhook:read`.
    #[expect(
        clippy::too_many_arguments,
        reason = "one argument per documented parameter"
    )]
    #[oai(
        path = "/admin/v1/webhook-endpoints",
        method = "get",
        operation_id = "listWebhookEndpoints"
    )]
    async fn list_endpoints(
        &self,
        auth: Reader,
        /// Both worlds, unless one is named.
        mode: Query<Option<String>>,
        /// Only this tenant's.
        tenant_id: Query<Option<String>>,
        /// Only in this state.
        #[oai(name = "state")]
        endpoint_state: Query<Option<String>>,
        /// Only on this host.
        host: Query<Option<String>>,
        /// `next_cursor` of the page before.
        cursor: Query<Option<String>>,
        /// How many endpoints a page holds at most.
        limit: Query<Option<Limit>>,
    ) -> Result<Json<StaffEndpointPage>, Problem> {
        let call = auth.0;
        let mut given = Parameters::default();
        let query = EndpointQuery {
            mode: given.word(
                "mode",
                mode.0.as_deref(),
                tributary_domain::tenant::Mode::parse,
            ),
            tenant_id: given.parse("tenant_id", tenant_id.0.as_deref(), str::parse::<TenantId>),
            state: given.word("state", endpoint_state.0.as_deref(), EndpointState::parse),
            host: given
                .short("host", host.0.as_deref())
                .map(|host| host.to_ascii_lowercase()),
        };
        let before = given.parse("cursor", cursor.0.as_deref(), str::parse::<EndpointId>);
        given.finish()?;
        let limit = Some(Limit::or_default(limit.0));
        let (operations, viewer) = (&call.operations, call.viewer());
        let found = operations
            .search_endpoints(&viewer, &query, before.as_ref(), limit)
            .await?;
        Ok(Json(found.into()))
    }

    /// Read an endpoint
    ///
    /// Needs the permission `webhook:read`.
    #[oai(
        path = "/admin/v1/webhook-endpoints/:endpoint_id",
        method = "get",
        operation_id = "getWebhookEndpoint"
    )]
    async fn get_endpoint(
        &self,
        auth: Reader,
        /// The id of the endpoint.
        endpoint_id: Path<String>,
    ) -> Result<Json<StaffEndpointDetail>, Problem> {
        let call = auth.0;
        let id: EndpointId = path_id(&endpoint_id)?;
        let detail = call.operations.endpoint_detail(&call.viewer(), &id).await?;
        Ok(Json(detail.into()))
    }

    /// Pause an endpoint
    ///
    /// What waits for it is held until it is resumed. Needs the permission `webhook:write`.
    #[oai(
        path = "/admin/v1/webhook-endpoints/:endpoint_id/pause",
        method = "post",
        operation_id = "pauseWebhookEndpoint"
    )]
    async fn pause_endpoint(
        &self,
        auth: Writer,
        /// The id of the endpoint.
        endpoint_id: Path<String>,
    ) -> Result<Json<StaffEndpointDetail>, Problem> {
        set_state(auth.0, &endpoint_id, EndpointState::Paused).await
    }

    /// Resume an endpoint
    ///
    /// What was held for it is sent. Needs the permission `webhook:write`.
    #[oai(
        path = "/admin/v1/webhook-endpoints/:endpoint_id/resume",
        method = "post",
        operation_id = "resumeWebhookEndpoint"
    )]
    async fn resume_endpoint(
        &self,
        auth: Writer,
        /// The id of the endpoint.
        endpoint_id: Path<String>,
    ) -> Result<Json<StaffEndpointDetail>, Problem> {
        set_state(auth.0, &endpoint_id, EndpointState::Enabled).await
    }

    /// Disable an endpoint
    ///
    /// Until a person resumes it. Needs the permission `webhook:write`.
    #[oai(
        path = "/admin/v1/webhook-endpoints/:endpoint_id/disable",
        method = "post",
        operation_id = "disableWebhookEndpoint"
    )]
    async fn disable_endpoint(
        &self,
        auth: Writer,
        /// The id of the endpoint.
        endpoint_id: Path<String>,
    ) -> Result<Json<StaffEndpointDetail>, Problem> {
        set_state(auth.0, &endpoint_id, EndpointState::Disabled).await
    }

    /// Count what recovering would send
    ///
    /// Nothing is sent. Needs the permission `webhook:recover`.
    #[oai(
        path = "/admin/v1/webhook-endpoints/:endpoint_id/recover/plan",
        method = "post",
        operation_id = "planRecovery"
    )]
    async fn plan_recovery(
        &self,
        auth: Recoverer,
        /// The id of the endpoint.
        endpoint_id: Path<String>,
        body: JsonBody<Recovery>,
    ) -> Result<Json<RecoveryPlan>, Problem> {
        let call = auth.0;
        let wish = body.value.into_wish(path_id(&endpoint_id)?)?;
        let plan = call.operations.plan_recover(&call.viewer(), &wish).await?;
        Ok(Json(plan.into()))
    }

    /// Send failed deliveries again
    ///
    /// Starts a job that sends what failed in a window, slowly and below live traffic; one at a time for an endpoint. Needs
    /// the permission `webhook:recover`.
    #[oai(
        path = "/admin/v1/webhook-endpoints/:endpoint_id/recover",
        method = "post",
        operation_id = "recoverDeliveries"
    )]
    async fn recover(
        &self,
        auth: Recoverer,
        /// The id of the endpoint.
        endpoint_id: Path<String>,
        body: JsonBody<Recovery>,
    ) -> Result<Accepted, Problem> {
        let call = auth.0;
        let wish = JobWish::Recover(body.value.into_wish(path_id(&endpoint_id)?)?);
        let started = to_completion(async move {
            let (by, viewer) = (call.caller.actor(), call.viewer());
            call.operations.start_job(&by, &viewer, wish).await
        });
        Ok(Accepted::Started(Json(JobObject::from(started.await?))))
    }
}

async fn set_state(
    call: StaffCall,
    id: &str,
    state: EndpointState,
) -> Result<Json<StaffEndpointDetail>, Problem> {
    let id: EndpointId = path_id(id)?;
    let detail = to_completion(async move {
        let (by, viewer) = (call.caller.actor(), call.viewer());
        call.operations
            .set_endpoint_state(&by, &viewer, &id, state)
            .await
    });
    Ok(Json(detail.await?.into()))
}
