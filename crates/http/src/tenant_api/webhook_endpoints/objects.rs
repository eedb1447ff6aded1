//! Webhook endpoints as a tenant sends and sees them.

use poem_openapi::Object;
use tributary_domain::ids::EventId;
use tributary_operations::endpoints::{EndpointPatch, EndpointView, NewEndpoint};
use tributary_operations::pages::Page;

/// An endpoint to be registered.
#[derive(Debug, Object)]
#[oai(deny_unknown_fields)]
pub(super) struct NewWebhookEndpoint {
    /// Where events are sent to: `https`, a public host name, port 443 or 1024 and above.
    url: String,
    /// For you, to tell endpoints apart.
    description: Option<String>,
    /// Which types are sent, such as `order.paid` or `order.*`; left out, all are.
    events: Option<Vec<String>>,
}

/// What is to change.
#[derive(Debug, Object)]
#[oai(deny_unknown_fields)]
pub(super) struct WebhookEndpointPatch {
    /// The new URL.
    url: Option<String>,
    /// The new description.
    description: Option<String>,
    /// The new types.
    events: Option<Vec<String>>,
    /// `enabled`, `paused` or `disabled`. One that is enabled again gets what was held for it.
    state: Option<String>,
}

/// How to rotate.
#[derive(Debug, Object)]
#[oai(deny_unknown_fields)]
pub(super) struct RotateSecret {
    /// How long the old secret keeps signing beside the new one; 0 when it has leaked. A day when left out.
    pub(super) grace_seconds: Option<i64>,
}

/// A webhook endpoint.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct WebhookEndpoint {
    /// Its id: `ep_…`.
    id: String,
    /// Always `webhook_endpoint`.
    object: String,
    /// Where events are sent to.
    url: String,
    /// For you, to tell endpoints apart.
    description: String,
    /// Which types are sent.
    events: Vec<String>,
    /// Whether events are sent now.
    state: String,
    /// `live` or `test`.
    mode: String,
    /// Its secrets, without the secret part.
    secrets: Vec<WebhookSecret>,
    /// How many attempts in a row have failed.
    consecutive_failures: i64,
    /// When it last took an event (RFC 3339).
    last_success_at: Option<String>,
    /// Why nothing is sent to it.
    disabled_reason: Option<String>,
    /// When it was registered (RFC 3339).
    created_at: String,
    /// When it last changed (RFC 3339).
    updated_at: String,
}

/// A secret, recognisable but not usable.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
struct WebhookSecret {
    /// Its id: `eps_…`.
    id: String,
    /// The beginning of its SHA-256.
    fingerprint: String,
    /// When it was made (RFC 3339).
    created_at: String,
    /// When it stops signing (RFC 3339).
    expires_at: Option<String>,
}

/// A new endpoint with its secret.
#[derive(Debug, Object)]
pub(super) struct CreatedWebhookEndpoint {
    #[oai(flatten)]
    endpoint: WebhookEndpoint,
    /// Verifies what is sent to the endpoint. It is shown this once: keep it.
    secret: String,
}

/// A new secret.
#[derive(Debug, Object)]
pub(super) struct RotatedSecret {
    /// Verifies what is sent from now on. It is shown this once: keep it.
    secret: String,
}

/// A ping on its way.
#[derive(Debug, Object)]
pub(super) struct SentPing {
    /// The id of the `ping` event.
    event_id: String,
}

/// A page of webhook endpoints, the newest first.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct WebhookEndpointPage {
    /// Always `list`.
    object: String,
    /// The endpoints.
    data: Vec<WebhookEndpoint>,
    /// Whether there is a next page.
    has_more: bool,
    /// Send it as `cursor` to get the next page; absent on the last.
    next_cursor: Option<String>,
}

impl CreatedWebhookEndpoint {
    /// Joins an endpoint and its secret.
    pub(super) fn new(endpoint: EndpointView, secret: &str) -> Self {
        Self {
            endpoint: endpoint.into(),
            secret: secret.to_owned(),
        }
    }
}

impl RotatedSecret {
    /// Shows a secret.
    pub(super) fn new(secret: &str) -> Self {
        Self {
            secret: secret.to_owned(),
        }
    }
}

impl SentPing {
    /// Names the event.
    pub(super) fn new(event_id: &EventId) -> Self {
        Self {
            event_id: event_id.to_string(),
        }
    }
}

impl From<NewWebhookEndpoint> for NewEndpoint {
    fn from(endpoint: NewWebhookEndpoint) -> Self {
        Self {
            url: endpoint.url,
            description: endpoint.description.unwrap_or_default(),
            filters: endpoint.events.unwrap_or_else(|| vec![String::from("*")]),
        }
    }
}

impl From<WebhookEndpointPatch> for EndpointPatch {
    fn from(patch: WebhookEndpointPatch) -> Self {
        Self {
            url: patch.url,
            description: patch.description,
            filters: patch.events,
            state: patch.state,
        }
    }
}

impl From<Page<EndpointView>> for WebhookEndpointPage {
    fn from(page: Page<EndpointView>) -> Self {
        Self {
            object: String::from("list"),
            data: page.items.into_iter().map(Into::into).collect(),
            has_more: page.next_cursor.is_some(),
            next_cursor: page.next_cursor,
        }
    }
}

impl From<EndpointView> for WebhookEndpoint {
    fn from(view: EndpointView) -> Self {
        let secrets = view.secrets.into_iter().map(|secret| WebhookSecret {
            id: secret.id,
            fingerprint: secret.fingerprint,
            created_at: secret.created_at,
            expires_at: secret.expires_at,
        });
        Self {
            id: view.id,
            object: view.object,
            url: view.url,
            description: view.description,
            events: view.events,
            state: view.state,
            mode: view.mode,
            secrets: secrets.collect(),
            consecutive_failures: view.consecutive_failures,
            last_success_at: view.last_success_at,
            disabled_reason: view.disabled_reason,
            created_at: view.created_at,
            updated_at: view.updated_at,
        }
    }
}
