//! Endpoints as tenants see them: no secret among what is shown.

use serde::Serialize;
use tributary_domain::clock::Timestamp;
use tributary_domain::endpoint::Endpoint;
use tributary_storage::endpoints::StoredSecret;

/// A secret as it may be shown: never itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SecretView {
    /// Its id.
    pub id: String,
    /// What a person recognises it by.
    pub fingerprint: String,
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
    EndpointView {
        id: endpoint.id.to_string(),
        object: "webhook_endpoint".to_owned(),
        url: endpoint.url.clone(),
        description: endpoint.description.clone(),
        events: endpoint.filters.clone(),
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
        fingerprint: secret.fingerprint.clone(),
        created_at: secret.created_at.to_rfc3339(),
        expires_at: secret.expires_at.map(Timestamp::to_rfc3339),
    }
}
