//! Webhook endpoints: register, read, change, remove, rotate the secret, send a ping.

mod objects;

use poem_openapi::param::{Path, Query};
use poem_openapi::{ApiResponse, OpenApi};
use tributary_domain::ids::EndpointId;
use tributary_domain::tenant::Scope;
use tributary_operations::endpoints::Rotation;

use super::{Tag, path_id};
use crate::auth::{Authenticated, WebhooksWriter};
use crate::completion::to_completion;
use crate::json::{Json, JsonBody};
use crate::pagination::Limit;
use crate::problem::Problem;

use objects::{
    CreatedWebhookEndpoint, NewWebhookEndpoint, RotateSecret, RotatedSecret, SentPing,
    WebhookEndpoint, WebhookEndpointPage, WebhookEndpointPatch,
};

const GRACE_SECONDS_DEFAULT: i64 = 86_400;

/// The operations on webhook endpoints.
pub(crate) struct WebhookEndpointsApi;

#[derive(ApiResponse)]
enum CreateAnswer {
    /// The endpoint was registered; its secret is shown this once. A ping is on its way to it.
    #[oai(status = 201)]
    Created(Json<CreatedWebhookEndpoint>),
}

#[derive(ApiResponse)]
enum DeleteAnswer {
    /// The endpoint is gone.
    #[oai(status = 204)]
    Gone,
}

#[derive(ApiResponse)]
enum PingAnswer {
    /// The ping is on its way.
    #[oai(status = 202)]
    Accepted(Json<SentPing>),
}

#[OpenApi(tag = "Tag::WebhookEndpoints")]
impl WebhookEndpointsApi {
    /// Register a webhook endpoint
    ///
    /// From now on matching events are sent to the URL, signed as Standard Webhooks 1.0.0 says. Needs the scope
    /// `webhooks:write`.
    #[oai(
        path = "/v1/webhook-endpoints",
        method = "post",
        operation_id = "createWebhookEndpoint"
    )]
    async fn create_webhook_endpoint(
        &self,
        auth: WebhooksWriter,
        body: JsonBody<NewWebhookEndpoint>,
    ) -> Result<CreateAnswer, Problem> {
        let session = auth.session();
        let endpoint = body.value.into();
        let created = to_completion(async move {
            session
                .operations
                .create_endpoint(&session.caller, endpoint)
                .await
        });
        let (endpoint, secret) = created.await?;
        Ok(CreateAnswer::Created(Json(CreatedWebhookEndpoint::new(
            endpoint, &secret,
        ))))
    }

    /// List webhook endpoints
    ///
    /// The newest first. Needs the scope `webhooks:read`.
    #[oai(
        path = "/v1/webhook-endpoints",
        method = "get",
        operation_id = "listWebhookEndpoints"
    )]
    async fn list_webhook_endpoints(
        &self,
        auth: Authenticated,
        /// `next_cursor` of the page before.
        cursor: Query<Option<String>>,
        /// How many endpoints a page holds at most.
        limit: Query<Option<Limit>>,
    ) -> Result<Json<WebhookEndpointPage>, Problem> {
        let session = auth.allow(Scope::WebhooksRead)?;
        let limit = Limit::or_default(limit.0);
        let page = session
            .operations
            .list_endpoints(&session.caller, cursor.0, limit)
            .await?;
        Ok(Json(page.into()))
    }

    /// Read a webhook endpoint
    ///
    /// Its secrets are shown by their fingerprints only. Needs the scope `webhooks:read`.
    #[oai(
        path = "/v1/webhook-endpoints/:endpoint_id",
        method = "get",
        operation_id = "getWebhookEndpoint"
    )]
    async fn get_webhook_endpoint(
        &self,
        auth: Authenticated,
        /// The id of the endpoint.
        endpoint_id: Path<String>,
    ) -> Result<Json<WebhookEndpoint>, Problem> {
        let session = auth.allow(Scope::WebhooksRead)?;
        let id: EndpointId = path_id(&endpoint_id)?;
        let endpoint = session
            .operations
            .get_endpoint(&session.caller, &id)
            .await?;
        Ok(Json(endpoint.into()))
    }

    /// Change a webhook endpoint
    ///
    /// What is left out stays as it is. Needs the scope `webhooks:write`.
    #[oai(
        path = "/v1/webhook-endpoints/:endpoint_id",
        method = "patch",
        operation_id = "updateWebhookEndpoint"
    )]
    async fn update_webhook_endpoint(
        &self,
        auth: WebhooksWriter,
        /// The id of the endpoint.
        endpoint_id: Path<String>,
        body: JsonBody<WebhookEndpointPatch>,
    ) -> Result<Json<WebhookEndpoint>, Problem> {
        let session = auth.session();
        let id: EndpointId = path_id(&endpoint_id)?;
        let patch = body.value.into();
        let endpoint = to_completion(async move {
            session
                .operations
                .update_endpoint(&session.caller, &id, patch)
                .await
        });
        Ok(Json(endpoint.await?.into()))
    }

    /// Remove a webhook endpoint
    ///
    /// Nothing is sent to it any more; its open deliveries are cancelled. Needs the scope `webhooks:write`.
    #[oai(
        path = "/v1/webhook-endpoints/:endpoint_id",
        method = "delete",
        operation_id = "deleteWebhookEndpoint"
    )]
    async fn delete_webhook_endpoint(
        &self,
        auth: Authenticated,
        /// The id of the endpoint.
        endpoint_id: Path<String>,
    ) -> Result<DeleteAnswer, Problem> {
        let session = auth.allow(Scope::WebhooksWrite)?;
        let id: EndpointId = path_id(&endpoint_id)?;
        let gone = to_completion(async move {
            session
                .operations
                .delete_endpoint(&session.caller, &id)
                .await
        });
        gone.await?;
        Ok(DeleteAnswer::Gone)
    }

    /// Rotate an endpoint's secret
    ///
    /// Makes a new secret, shown this once, of the same kind or of the other one. During the grace time every webhook
    /// carries a signature of both. Needs the scope `webhooks:write`.
    #[oai(
        path = "/v1/webhook-endpoints/:endpoint_id/rotate-secret",
        method = "post",
        operation_id = "rotateWebhookEndpointSecret"
    )]
    async fn rotate_secret(
        &self,
        auth: WebhooksWriter,
        /// The id of the endpoint.
        endpoint_id: Path<String>,
        body: JsonBody<RotateSecret>,
    ) -> Result<Json<RotatedSecret>, Problem> {
        let session = auth.session();
        let id: EndpointId = path_id(&endpoint_id)?;
        let rotation = Rotation {
            grace_seconds: body.value.grace_seconds.unwrap_or(GRACE_SECONDS_DEFAULT),
            signature: body.value.signature.map(Into::into),
        };
        let secret = to_completion(async move {
            session
                .operations
                .rotate_endpoint_secret(&session.caller, &id, rotation)
                .await
        });
        Ok(Json(RotatedSecret::new(&secret.await?)))
    }

    /// Send a ping
    ///
    /// Sends a `ping` event to this endpoint alone. Needs the scope `webhooks:write`.
    #[oai(
        path = "/v1/webhook-endpoints/:endpoint_id/test",
        method = "post",
        operation_id = "testWebhookEndpoint"
    )]
    async fn test_webhook_endpoint(
        &self,
        auth: Authenticated,
        /// The id of the endpoint.
        endpoint_id: Path<String>,
    ) -> Result<PingAnswer, Problem> {
        let session = auth.allow(Scope::WebhooksWrite)?;
        let id: EndpointId = path_id(&endpoint_id)?;
        let event_id =
            to_completion(
                async move { session.operations.ping_endpoint(&session.caller, &id).await },
            );
        Ok(PingAnswer::Accepted(Json(SentPing::new(&event_id.await?))))
    }
}
