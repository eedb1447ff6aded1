//! Endpoints as tenants see them: no secret among what is shown.

use std::collections::BTreeMap;

use serde::Serialize;
use tributary_domain::clock::Timestamp;
use tributary_domain::endpoint::Endpoint;
use tributary_storage::endpoints::StoredSecret;
use tributary_webhooks::custom_headers::MASK;

use super::secrets::kind_of;

/// A secret as it may be shown: never itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SecretView {
    /// Its id.
    pub id: String,
    /// `v1` or `v1a`.
    pub signature: String,
    /// What a person recognises it by.
    pub fingerprint: String,
    /// What `v1a` is verified with.
    pub public_key: Option<String>,
    /// When it was made.
    pub created_at: String,
    /// When it stops signing.
    pub expires_at: Option<String>,
}

/// An endpoint as a tenant sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EndpointView {
    /// Its id.
    pub id: String,
    /// Always `webhook_endpoint`.
    pub object: String,
    /// Where deliveries are posted.
    pub url: String,
    /// What a person calls it.
    pub description: String,
    /// Which event types it wants.
    pub events: Vec<String>,
    /// The sub-merchants that it hears of; empty means all.
    pub sub_mchids: Vec<String>,
    /// How webhooks are signed, besides what signs on while a rotation lasts.
    pub signature: String,
    /// How much of an event it is sent.
    pub payload: String,
    /// When failed deliveries are tried again.
    pub schedule: String,
    /// The version of the payloads.
    pub api_version: String,
    /// Whether it gets the events of one subject one after another.
    pub ordered: bool,
    /// How long an attempt may last, when not as long as usual.
    pub timeout_seconds: Option<i64>,
    /// The names of the headers that are added, each with a mask in place of its value.
    pub headers: BTreeMap<String, String>,
    /// Whether it is served.
    pub state: String,
    /// Which world it hears of.
    pub mode: String,
    /// When it was made.
    pub created_at: String,
    /// When it was last changed by hand.
    pub updated_at: String,
    /// The secrets that sign at present, newest first.
    pub secrets: Vec<SecretView>,
    /// Failed attempts since the last success.
    pub consecutive_failures: i64,
    /// When it last answered 2xx.
    pub last_success_at: Option<String>,
    /// Why it is not served.
    pub disabled_reason: Option<String>,
}

pub(super) fn endpoint_view(endpoint: &Endpoint, secrets: &[StoredSecret]) -> EndpointView {
    let signature = secrets.first().map(kind_of).unwrap_or_default();
    let names = endpoint.header_names.iter();
    EndpointView {
        id: endpoint.id.to_string(),
        object: "webhook_endpoint".to_owned(),
        url: endpoint.url.clone(),
        description: endpoint.description.clone(),
        events: endpoint.filters.clone(),
        sub_mchids: endpoint.sub_mchids.clone(),
        signature: signature.as_str().to_owned(),
        payload: endpoint.payload.as_str().to_owned(),
        schedule: endpoint.schedule.as_str().to_owned(),
        api_version: endpoint.api_version.clone(),
        ordered: endpoint.ordered,
        timeout_seconds: endpoint.timeout_ms.map(|ms| ms / 1_000),
        headers: names.map(|name| (name.clone(), MASK.to_owned())).collect(),
        state: endpoint.state.as_str().to_owned(),
        mode: endpoint.mode.as_str().to_owned(),
        created_at: endpoint.created_at.to_rfc3339(),
        updated_at: endpoint.updated_at.to_rfc3339(),
        secrets: secrets.iter().map(secret_view).collect(),
        consecutive_failures: endpoint.consecutive_failures,
        last_success_at: endpoint.last_success_at.map(Timestamp::to_rfc3339),
        disabled_reason: endpoint.disabled_reason.clone(),
    }
}

fn secret_view(secret: &StoredSecret) -> SecretView {
    SecretView {
        id: secret.id.to_string(),
        signature: kind_of(secret).as_str().to_owned(),
        fingerprint: secret.fingerprint.clone(),
        public_key: secret.public_key.clone(),
        created_at: secret.created_at.to_rfc3339(),
        expires_at: secret.expires_at.map(Timestamp::to_rfc3339),
    }
}
