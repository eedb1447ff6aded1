//! Webhook endpoints as a tenant sends and sees them.

use std::collections::BTreeMap;

use poem_openapi::{Enum, Object};
use tributary_domain::ids::EventId;
use tributary_operations::endpoints::{
    self, EndpointPatch, EndpointView, GivenHeaders, IssuedSecret, NewEndpoint, Settings,
};
use tributary_operations::pages::Page;

/// How webhooks are signed.
#[derive(Debug, Clone, Copy, Enum)]
#[oai(rename_all = "lowercase", remote = "endpoints::SignatureKind")]
pub(super) enum SignatureKind {
    V1,
    V1a,
}

/// How much of an event is sent.
#[derive(Debug, Clone, Copy, Enum)]
#[oai(rename_all = "lowercase", remote = "endpoints::PayloadMode")]
pub(super) enum PayloadMode {
    Full,
    Thin,
}

/// When failed webhooks are repeated.
#[derive(Debug, Clone, Copy, Enum)]
#[oai(rename_all = "lowercase", remote = "endpoints::RetrySchedule")]
pub(super) enum RetrySchedule {
    Standard,
    Wechat,
}

/// An endpoint to be registered.
#[derive(Object)]
#[oai(deny_unknown_fields)]
pub(super) struct NewWebhookEndpoint {
    /// Where events are sent to: `https`, a public host name, port 443 or 1024 and above.
    url: String,
    /// For you, to tell endpoints apart.
    description: Option<String>,
    /// Which types are sent, such as `order.paid` or `order.*`; left out, all are.
    events: Option<Vec<String>>,
    /// `v1`: HMAC-SHA256 under a secret that you get. `v1a`: Ed25519; you get the public key only.
    signature: Option<SignatureKind>,
    /// The version of the payloads, chosen once; left out, the newest.
    api_version: Option<String>,
    /// Only events about these sub-merchants; left out, about all.
    sub_mchids: Option<Vec<String>>,
    /// Headers that are added to every webhook, at most 10, such as `Authorization`. They are kept sealed and never
    /// shown again. Names of the protocol and of the platform (`Host`, `Webhook-…`) are refused.
    headers: Option<BTreeMap<String, String>>,
    /// `full`: the object as it was. `thin`: its id only; read the object through the API.
    payload: Option<PayloadMode>,
    /// When a failed webhook is repeated: `standard`, 14 attempts over three days, or `wechat`, as WeChat Pay repeats its
    /// own notifications, 16 attempts over a day.
    schedule: Option<RetrySchedule>,
    /// Whether the events of one subject come strictly one after another: the next one waits until the one before has
    /// arrived or is given up.
    ordered: Option<bool>,
    /// How long one attempt may take, the answer's body included.
    timeout_seconds: Option<i64>,
}

/// What is to change.
#[derive(Object)]
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
    /// Only events about these sub-merchants; empty, about all.
    sub_mchids: Option<Vec<String>>,
    /// Headers that are added to every webhook, at most 10, such as `Authorization`. They replace all that were there. They are kept sealed and never
    /// shown again. Names of the protocol and of the platform (`Host`, `Webhook-…`) are refused.
    headers: Option<BTreeMap<String, String>>,
    /// `full`: the object as it was. `thin`: its id only; read the object through the API.
    payload: Option<PayloadMode>,
    /// When a failed webhook is repeated: `standard`, 14 attempts over three days, or `wechat`, as WeChat Pay repeats its
    /// own notifications, 16 attempts over a day.
    schedule: Option<RetrySchedule>,
    /// Whether the events of one subject come strictly one after another: the next one waits until the one before has
    /// arrived or is given up.
    ordered: Option<bool>,
    /// How long one attempt may take, the answer's body included.
    timeout_seconds: Option<i64>,
}

/// How to rotate.
#[derive(Debug, Object)]
#[oai(deny_unknown_fields)]
pub(super) struct RotateSecret {
    /// How long the old secret keeps signing beside the new one; 0 when it has leaked. A day when left out.
    pub(super) grace_seconds: Option<i64>,
    /// How webhooks are signed from now on; as before when left out. While both sign, both signatures are listed.
    pub(super) signature: Option<SignatureKind>,
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
    /// Only events about these sub-merchants; empty, about all.
    sub_mchids: Vec<String>,
    /// How webhooks are signed, besides what signs on while a rotation lasts: `v1` or `v1a`.
    signature: String,
    /// How much of an event is sent: `full` or `thin`.
    payload: String,
    /// When failed webhooks are repeated: `standard` or `wechat`.
    schedule: String,
    /// The version of the payloads.
    api_version: String,
    /// Whether the events of one subject come strictly one after another.
    ordered: bool,
    /// How long one attempt may take; absent, 15 seconds unless the operator decided otherwise.
    timeout_seconds: Option<i64>,
    /// The names of your own headers, each with `***` in place of its value.
    headers: BTreeMap<String, String>,
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
    /// `v1` or `v1a`.
    signature: String,
    /// The beginning of its SHA-256.
    fingerprint: String,
    /// What `v1a` is verified with: `whpk_…`.
    public_key: Option<String>,
    /// When it was made (RFC 3339).
    created_at: String,
    /// When it stops signing (RFC 3339).
    expires_at: Option<String>,
}

/// A new endpoint with its secret.
#[derive(Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct CreatedWebhookEndpoint {
    #[oai(flatten)]
    endpoint: WebhookEndpoint,
    /// Verifies what is sent to the endpoint (`v1`). It is shown this once: keep it.
    secret: Option<String>,
    /// Verifies what is sent to the endpoint (`v1a`): `whpk_…`.
    public_key: Option<String>,
}

/// A new secret.
#[derive(Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct RotatedSecret {
    /// Verifies what is sent from now on (`v1`). It is shown this once: keep it.
    secret: Option<String>,
    /// Verifies what is sent from now on (`v1a`): `whpk_…`.
    public_key: Option<String>,
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
    /// Joins an endpoint and what verifies its webhooks.
    pub(super) fn new(endpoint: EndpointView, issued: &IssuedSecret) -> Self {
        let RotatedSecret { secret, public_key } = RotatedSecret::new(issued);
        Self {
            endpoint: endpoint.into(),
            secret,
            public_key,
        }
    }
}

impl RotatedSecret {
    /// Shows what verifies webhooks.
    pub(super) fn new(issued: &IssuedSecret) -> Self {
        let text = issued.text().to_owned();
        let (secret, public_key) = match issued {
            IssuedSecret::Shared(_) => (Some(text), None),
            IssuedSecret::Public(_) => (None, Some(text)),
        };
        Self { secret, public_key }
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
            signature: endpoint.signature.map(Into::into).unwrap_or_default(),
            api_version: endpoint.api_version,
            settings: Settings {
                sub_mchids: endpoint.sub_mchids,
                headers: endpoint.headers.map(GivenHeaders),
                payload: endpoint.payload.map(Into::into),
                schedule: endpoint.schedule.map(Into::into),
                ordered: endpoint.ordered,
                timeout_seconds: endpoint.timeout_seconds,
            },
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
            settings: Settings {
                sub_mchids: patch.sub_mchids,
                headers: patch.headers.map(GivenHeaders),
                payload: patch.payload.map(Into::into),
                schedule: patch.schedule.map(Into::into),
                ordered: patch.ordered,
                timeout_seconds: patch.timeout_seconds,
            },
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
            signature: secret.signature,
            fingerprint: secret.fingerprint,
            public_key: secret.public_key,
            created_at: secret.created_at,
            expires_at: secret.expires_at,
        });
        Self {
            id: view.id,
            object: view.object,
            url: view.url,
            description: view.description,
            events: view.events,
            sub_mchids: view.sub_mchids,
            signature: view.signature,
            payload: view.payload,
            schedule: view.schedule,
            api_version: view.api_version,
            ordered: view.ordered,
            timeout_seconds: view.timeout_seconds,
            headers: view.headers,
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
