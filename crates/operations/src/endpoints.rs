//! Webhook endpoints: made, listed, changed, rotated, tested, removed.

mod secrets;
mod settings;
mod view;

use serde::Serialize;
use serde_json::value::RawValue;
use tributary_domain::clock::Timestamp;
use tributary_domain::endpoint::{Endpoint, EndpointState, MAX_ENDPOINTS};
pub use tributary_domain::endpoint::{PayloadMode, RetrySchedule, SignatureKind};
use tributary_domain::event::{API_VERSION, Draft, EventType, NewEvent, Subject};
use tributary_domain::field::FieldError;
use tributary_domain::ids::{EndpointId, EventId};
use tributary_domain::settlement::Source;
use tributary_domain::tenant::{Mode, Scope, TenantSettings};
use tributary_storage::endpoints;
use tributary_storage::{Tx, deliveries, outbox, tenants};
use tributary_webhooks::CustomHeaders;

use crate::credentials::Caller;
use crate::pages::{Page, check_limit, cut};
use crate::{OperationError, Operations};

pub(crate) use secrets::secret_place;
pub use secrets::{IssuedSecret, Rotation};
pub use settings::{GivenHeaders, Settings};
pub use view::{EndpointView, SecretView};

use settings::{description_fault, filter_faults, version_fault};
use view::endpoint_view;

const SUBJECT: &str = "endpoint";

/// An endpoint as a tenant describes it.
#[derive(Clone, Debug, Default)]
pub struct NewEndpoint {
    /// Where deliveries are posted.
    pub url: String,
    /// What a person calls it.
    pub description: String,
    /// Which event types it wants: words, or stems that end in `*`.
    pub filters: Vec<String>,
    /// How webhooks to it are signed.
    pub signature: SignatureKind,
    /// The version of the payloads; the newest unless another is named.
    pub api_version: Option<String>,
    /// What it chooses besides.
    pub settings: Settings,
}

/// What passed the checks, in the form that is kept.
struct Checked {
    url: Option<String>,
    headers: Option<CustomHeaders>,
}

/// What shall change about an endpoint; what is absent stays.
#[derive(Clone, Debug, Default)]
pub struct EndpointPatch {
    /// Where deliveries are posted.
    pub url: Option<String>,
    /// What a person calls it.
    pub description: Option<String>,
    /// Which event types it wants.
    pub filters: Option<Vec<String>>,
    /// `enabled`, `paused` or `disabled`.
    pub state: Option<String>,
    /// What it chooses besides.
    pub settings: Settings,
}

impl Operations {
    /// Makes an endpoint and sends it a ping; the secret is shown this once.
    pub async fn create_endpoint(
        &self,
        caller: &Caller,
        mut new: NewEndpoint,
    ) -> Result<(EndpointView, IssuedSecret), OperationError> {
        caller.require(Scope::WebhooksWrite)?;
        let checked = self.check_endpoint(&new)?;
        new.url = checked.url.unwrap_or(new.url);
        let now = self.now();
        let signature = new.signature;
        let tenant = tenants::find(self.storage(), &caller.tenant_id).await?;
        let agreed = tenant.map(|tenant| tenant.settings).unwrap_or_default();
        let mut endpoint = new_endpoint(caller, new, &agreed, now);
        let sealed = self
            .sealed_headers(&mut endpoint, checked.headers, now)
            .await?;
        let (stored, secret) = self
            .new_secret(&endpoint.tenant_id, &endpoint.id, signature, now)
            .await?;
        let tx = self.storage().begin().await?;
        let count = endpoints::count_locked(&tx, &caller.tenant_id, caller.mode).await?;
        if count >= MAX_ENDPOINTS {
            return Err(OperationError::LimitReached {
                what: "webhook endpoints",
                max: MAX_ENDPOINTS,
            });
        }
        endpoints::insert(&tx, &endpoint).await?;
        write_headers(&tx, &endpoint, sealed).await?;
        endpoints::insert_secret(&tx, &stored).await?;
        append_ping(&tx, &endpoint, now).await?;
        tx.commit().await?;
        tracing::info!(endpoint.id = %endpoint.id, tenant.id = %endpoint.tenant_id, "a webhook endpoint was made");
        Ok((endpoint_view(&endpoint, &[stored]), secret))
    }

    /// Lists endpoints, newest first.
    pub async fn list_endpoints(
        &self,
        caller: &Caller,
        cursor: Option<String>,
        limit: u64,
    ) -> Result<Page<EndpointView>, OperationError> {
        caller.require(Scope::WebhooksRead)?;
        let limit = check_limit(Some(limit))?;
        let after: Option<EndpointId> = cursor
            .map(|text| text.parse())
            .transpose()
            .map_err(|_| OperationError::invalid("cursor", "must be a next_cursor of this list"))?;
        let mut all = endpoints::list(self.storage(), &caller.tenant_id, caller.mode).await?;
        all.reverse();
        all.retain(|endpoint| after.as_ref().is_none_or(|after| endpoint.id < *after));
        let page = cut(all, limit, |endpoint| endpoint.id.to_string());
        let ids: Vec<EndpointId> = page
            .items
            .iter()
            .map(|endpoint| endpoint.id.clone())
            .collect();
        let secrets = self.secrets_of(&caller.tenant_id, &ids).await?;
        let view = |endpoint: &Endpoint| {
            endpoint_view(
                endpoint,
                secrets.get(&endpoint.id).map_or(&[], Vec::as_slice),
            )
        };
        Ok(Page {
            items: page.items.iter().map(view).collect(),
            next_cursor: page.next_cursor,
        })
    }

    /// Shows one endpoint.
    pub async fn get_endpoint(
        &self,
        caller: &Caller,
        id: &EndpointId,
    ) -> Result<EndpointView, OperationError> {
        caller.require(Scope::WebhooksRead)?;
        let endpoint = endpoints::find(self.storage(), &caller.tenant_id, caller.mode, id)
            .await?
            .ok_or(OperationError::NotFound)?;
        self.view_of(&endpoint).await
    }

    /// Changes an endpoint; one that is served again gets what was held for it.
    pub async fn update_endpoint(
        &self,
        caller: &Caller,
        id: &EndpointId,
        mut patch: EndpointPatch,
    ) -> Result<EndpointView, OperationError> {
        caller.require(Scope::WebhooksWrite)?;
        let checked = self.check_endpoint_patch(&patch)?;
        patch.url = checked.url;
        let state = patch.state.as_deref().map(settable_state).transpose()?;
        let now = self.now();
        // Sealing may write a data key, so it comes before the transaction; a foreign id must not get that far.
        let mut known = endpoints::find(self.storage(), &caller.tenant_id, caller.mode, id)
            .await?
            .ok_or(OperationError::NotFound)?;
        let sealed = self
            .sealed_headers(&mut known, checked.headers, now)
            .await?;
        let tx = self.storage().begin().await?;
        let before = endpoints::lock(&tx, &caller.tenant_id, caller.mode, id)
            .await?
            .ok_or(OperationError::NotFound)?;
        let mut after = patched(&before, patch, state, now);
        endpoints::update(&tx, &after).await?;
        if sealed.is_some() {
            after.header_names = known.header_names;
        }
        write_headers(&tx, &after, sealed).await?;
        let (tenant, id) = (&after.tenant_id, &after.id);
        match (before.state.is_served(), after.state.is_served()) {
            (true, false) => {
                deliveries::hold_waiting(&tx, tenant, id).await?;
            }
            (false, true) => {
                deliveries::release_held(&tx, tenant, id).await?;
            }
            _ => {}
        }
        tx.commit().await?;
        self.view_of(&after).await
    }

    /// Releases deliveries that are held although their endpoint is served, a bounded number of them.
    pub async fn release_forgotten_deliveries(&self) -> Result<usize, OperationError> {
        let tx = self.storage().begin().await?;
        let released = deliveries::release_forgotten_all_tenants(&tx).await?;
        tx.commit().await?;
        Ok(released)
    }

    /// Removes an endpoint; what is open for it is cancelled, what was sent stays in the log.
    pub async fn delete_endpoint(
        &self,
        caller: &Caller,
        id: &EndpointId,
    ) -> Result<(), OperationError> {
        caller.require(Scope::WebhooksWrite)?;
        let (tenant, mode) = (&caller.tenant_id, caller.mode);
        let known = endpoints::find(self.storage(), tenant, mode, id).await?;
        known.ok_or(OperationError::NotFound)?;
        let tx = self.storage().begin().await?;
        // The queue's rows before the endpoint's, as whoever records a result locks them: no deadlock.
        deliveries::cancel_all(&tx, tenant, id).await?;
        match endpoints::delete(&tx, tenant, id).await {
            Err(error) if error.is_stale() => return Err(OperationError::NotFound),
            deleted => deleted?,
        }
        tx.commit().await?;
        tracing::info!(endpoint.id = %id, tenant.id = %tenant, "a webhook endpoint was removed");
        Ok(())
    }

    /// Sends a `ping` to this endpoint alone.
    pub async fn ping_endpoint(
        &self,
        caller: &Caller,
        id: &EndpointId,
    ) -> Result<EventId, OperationError> {
        caller.require(Scope::WebhooksWrite)?;
        let tx = self.storage().begin().await?;
        let endpoint = endpoints::lock(&tx, &caller.tenant_id, caller.mode, id)
            .await?
            .ok_or(OperationError::NotFound)?;
        if !endpoint.state.is_served() {
            let state = endpoint.state.as_str().to_owned();
            return Err(OperationError::StateConflict { state });
        }
        let event_id = append_ping(&tx, &endpoint, self.now()).await?;
        tx.commit().await?;
        Ok(event_id)
    }

    fn check_endpoint(&self, new: &NewEndpoint) -> Result<Checked, OperationError> {
        let mut faults = Vec::new();
        let url = self.check_url(Some(&new.url), &mut faults);
        faults.extend(description_fault(Some(&new.description)));
        faults.extend(filter_faults(&new.filters));
        faults.extend(version_fault(new.api_version.as_deref()));
        let headers = new.settings.check(&mut faults);
        checked(url, headers, faults)
    }

    fn check_endpoint_patch(&self, patch: &EndpointPatch) -> Result<Checked, OperationError> {
        let mut faults = Vec::new();
        let url = self.check_url(patch.url.as_deref(), &mut faults);
        faults.extend(description_fault(patch.description.as_deref()));
        faults.extend(
            patch
                .filters
                .iter()
                .flat_map(|filters| filter_faults(filters)),
        );
        let headers = patch.settings.check(&mut faults);
        checked(url, headers, faults)
    }

    /// Answers the URL in the form that is sent to: what is shown is what was checked.
    fn check_url(&self, url: Option<&str>, faults: &mut Vec<FieldError>) -> Option<String> {
        match self.sender().check_url(url?) {
            Ok(url) => Some(url.as_str().to_owned()),
            Err(refused) => {
                faults.push(FieldError::new("/url", refused.to_string()));
                None
            }
        }
    }

    /// Seals the headers, when there are any to write, and notes their names in the endpoint.
    async fn sealed_headers(
        &self,
        endpoint: &mut Endpoint,
        headers: Option<CustomHeaders>,
        now: Timestamp,
    ) -> Result<Option<Vec<u8>>, OperationError> {
        let Some(headers) = headers else {
            return Ok(None);
        };
        let sealed = self
            .seal_headers(&endpoint.tenant_id, &endpoint.id, &headers, now)
            .await?;
        endpoint.header_names = headers.names();
        Ok(Some(sealed))
    }

    pub(crate) async fn view_of(
        &self,
        endpoint: &Endpoint,
    ) -> Result<EndpointView, OperationError> {
        let ids = std::slice::from_ref(&endpoint.id);
        let secrets = self.secrets_of(&endpoint.tenant_id, ids).await?;
        Ok(endpoint_view(
            endpoint,
            secrets.get(&endpoint.id).map_or(&[], Vec::as_slice),
        ))
    }
}

fn checked(
    url: Option<String>,
    headers: Option<CustomHeaders>,
    faults: Vec<FieldError>,
) -> Result<Checked, OperationError> {
    if faults.is_empty() {
        Ok(Checked { url, headers })
    } else {
        Err(OperationError::Invalid(faults))
    }
}

async fn write_headers(
    tx: &Tx,
    endpoint: &Endpoint,
    sealed: Option<Vec<u8>>,
) -> Result<(), OperationError> {
    if let Some(sealed) = sealed {
        let (tenant, id) = (&endpoint.tenant_id, &endpoint.id);
        endpoints::set_headers(tx, tenant, id, &endpoint.header_names, &sealed).await?;
    }
    Ok(())
}

fn new_endpoint(
    caller: &Caller,
    new: NewEndpoint,
    agreed: &TenantSettings,
    now: Timestamp,
) -> Endpoint {
    let schedule = agreed.webhook_schedule.as_deref();
    let version = new
        .api_version
        .or_else(|| agreed.webhook_api_version.clone());
    let mut endpoint = Endpoint {
        id: EndpointId::new(now),
        tenant_id: caller.tenant_id.clone(),
        mode: caller.mode,
        url: new.url,
        description: new.description,
        filters: new.filters,
        sub_mchids: Vec::new(),
        payload: PayloadMode::default(),
        schedule: schedule.and_then(RetrySchedule::parse).unwrap_or_default(),
        api_version: version.unwrap_or_else(|| API_VERSION.to_owned()),
        ordered: false,
        timeout_ms: None,
        header_names: Vec::new(),
        state: EndpointState::Enabled,
        disabled_reason: None,
        consecutive_failures: 0,
        failing_since: None,
        last_success_at: None,
        created_at: now,
        updated_at: now,
    };
    new.settings.apply(&mut endpoint);
    endpoint
}

fn patched(
    before: &Endpoint,
    patch: EndpointPatch,
    state: Option<EndpointState>,
    now: Timestamp,
) -> Endpoint {
    let mut after = before.clone();
    after.url = patch.url.unwrap_or(after.url);
    after.description = patch.description.unwrap_or(after.description);
    after.filters = patch.filters.unwrap_or(after.filters);
    patch.settings.apply(&mut after);
    if let Some(state) = state.filter(|state| *state != before.state) {
        after.state = state;
        let manual = state == EndpointState::Disabled;
        after.disabled_reason = manual.then(|| "manual".to_owned());
    }
    after.updated_at = now;
    after
}

/// Only these three are set by hand; the others come about.
fn settable_state(text: &str) -> Result<EndpointState, OperationError> {
    match EndpointState::parse(text) {
        Some(
            state @ (EndpointState::Enabled | EndpointState::Paused | EndpointState::Disabled),
        ) => Ok(state),
        _ => Err(OperationError::invalid(
            "/state",
            "must be enabled, paused or disabled",
        )),
    }
}

async fn append_ping(
    tx: &Tx,
    endpoint: &Endpoint,
    now: Timestamp,
) -> Result<EventId, OperationError> {
    #[derive(Serialize)]
    struct Pinged<'a> {
        id: &'a EndpointId,
        object: &'static str,
        mode: Mode,
    }
    let pinged = Pinged {
        id: &endpoint.id,
        object: "webhook_endpoint",
        mode: endpoint.mode,
    };
    let internal = |error: serde_json::Error| OperationError::Internal(error.to_string());
    let object: Box<RawValue> = serde_json::value::to_raw_value(&pinged).map_err(internal)?;
    let id = endpoint.id.as_str();
    let seq = endpoints::next_seq(tx, &endpoint.tenant_id, SUBJECT, id).await?;
    let draft = Draft {
        tenant_id: &endpoint.tenant_id,
        mode: endpoint.mode,
        kind: EventType::Ping,
        subject: Subject {
            kind: SUBJECT,
            id: id.to_owned(),
        },
        seq,
        occurred_at: now,
        source: Source::Api,
        sub_mchid: None,
        object: &object,
        previous_state: None,
    };
    let event = NewEvent::from_draft(draft, format!("{id}:ping:{seq}"), now).map_err(internal)?;
    outbox::append_for(tx, &event, &endpoint.id).await?;
    Ok(event.id)
}
