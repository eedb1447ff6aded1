//! What can be told: every type of event with the schema of its body, and where webhooks come from.

use std::sync::LazyLock;

use poem_openapi::{Object, OpenApi};
use serde_json::Value;

use super::Tag;
use crate::auth::Authenticated;
use crate::json::Json;
use crate::openapi::event_schemas;
use crate::problem::Problem;

/// The operations on what does not depend on who asks.
pub(crate) struct EventTypesApi;

/// A type of event in one version of the payloads.
#[derive(Debug, Clone, Object)]
pub(crate) struct EventTypeDescription {
    /// Always `event_type`.
    pub(crate) object: String,
    /// The type, as `type` of the event says it.
    pub(crate) r#type: String,
    /// When it is sent.
    pub(crate) description: String,
    /// The version of the payloads that the schema belongs to.
    pub(crate) api_version: String,
    /// The JSON Schema (2020-12) of the event: what webhooks carry, full or thin.
    pub(crate) schema: Value,
}

/// Every type of event.
#[derive(Debug, Object)]
struct EventTypeList {
    /// Always `list`.
    object: String,
    /// The types.
    data: Vec<EventTypeDescription>,
    /// Always false: the list is whole.
    has_more: bool,
}

/// Where webhooks come from.
#[derive(Debug, Object)]
struct WebhookIps {
    /// Always `webhook_ips`.
    object: String,
    /// Networks in CIDR form; empty when the operator does not say.
    addresses: Vec<String>,
}

/// The list never changes while the program runs.
static EVENT_TYPES: LazyLock<Vec<EventTypeDescription>> = LazyLock::new(event_schemas::all);

#[OpenApi(tag = "Tag::Events")]
impl EventTypesApi {
    /// List event types
    ///
    /// Every type with one JSON Schema per version of the payloads. Fields may be added to a version; none is taken
    /// away, renamed or given another type. Any valid key may ask.
    #[expect(clippy::unused_async, reason = "the framework awaits every handler")]
    #[oai(
        path = "/v1/event-types",
        method = "get",
        operation_id = "listEventTypes"
    )]
    async fn list_event_types(&self, auth: Authenticated) -> Result<Json<EventTypeList>, Problem> {
        auth.any();
        Ok(Json(EventTypeList {
            object: String::from("list"),
            data: EVENT_TYPES.clone(),
            has_more: false,
        }))
    }

    /// Read where webhooks come from
    ///
    /// The addresses to let through your firewall. They are no proof of origin: verify signatures. Changes are announced
    /// thirty days ahead. Any valid key may ask.
    #[expect(clippy::unused_async, reason = "the framework awaits every handler")]
    #[oai(
        path = "/v1/meta/webhook-ips",
        method = "get",
        operation_id = "getWebhookIps"
    )]
    async fn get_webhook_ips(&self, auth: Authenticated) -> Result<Json<WebhookIps>, Problem> {
        let session = auth.any();
        Ok(Json(WebhookIps {
            object: String::from("webhook_ips"),
            addresses: session.operations.sender().source_addresses(),
        }))
    }
}
