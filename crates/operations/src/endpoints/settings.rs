//! What a tenant may choose about an endpoint, and the checks of it: every fault at once, each with its field.

use std::collections::BTreeMap;
use std::fmt;

use tributary_domain::clock::Timestamp;
use tributary_domain::endpoint::{
    Endpoint, MAX_HEADERS, MAX_SUB_MCHIDS, PayloadMode, RetrySchedule, TIMEOUT_SECONDS,
};
use tributary_domain::event::{API_VERSIONS, filter_is_known};
use tributary_domain::field::FieldError;
use tributary_domain::ids::{EndpointId, TenantId};
use tributary_domain::merchant::Mchid;
use tributary_vault::Place;
use tributary_webhooks::CustomHeaders;
use zeroize::Zeroizing;

use crate::{OperationError, Operations};

const FILTERS_MAX: usize = 32;
const DESCRIPTION_CHARS_MAX: usize = 191;

/// Headers as a tenant gives them; they print as their names.
#[derive(Clone, Default)]
pub struct GivenHeaders(pub BTreeMap<String, String>);

impl fmt::Debug for GivenHeaders {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_list().entries(self.0.keys()).finish()
    }
}

/// What a tenant may choose at any time; what is absent stays, or is as usual.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The sub-merchants that it wants to hear of; empty means all.
    pub sub_mchids: Option<Vec<String>>,
    /// The headers that are added to what is sent to it.
    pub headers: Option<GivenHeaders>,
    /// How much of an event it is sent.
    pub payload: Option<PayloadMode>,
    /// When failed deliveries are tried again.
    pub schedule: Option<RetrySchedule>,
    /// Whether it gets the events of one subject one after another.
    pub ordered: Option<bool>,
    /// How long an attempt may last.
    pub timeout_seconds: Option<i64>,
}

impl Settings {
    /// Checks the choices and returns the headers in the form that is sealed.
    pub(super) fn check(&self, faults: &mut Vec<FieldError>) -> Option<CustomHeaders> {
        if let Some(numbers) = &self.sub_mchids {
            faults.extend(sub_mchid_faults(numbers));
        }
        if self
            .timeout_seconds
            .is_some_and(|seconds| !TIMEOUT_SECONDS.contains(&seconds))
        {
            faults.push(FieldError::new("/timeout_seconds", "must be 3 to 30"));
        }
        let given = self.headers.as_ref()?;
        let mut headers = CustomHeaders::default();
        for (name, value) in &given.0 {
            if let Err(refused) = headers.add(name, value) {
                let field = format!("/headers/{}", name.replace('~', "~0").replace('/', "~1"));
                faults.push(FieldError::new(field, refused.to_string()));
            }
        }
        if given.0.len() > MAX_HEADERS {
            faults.push(FieldError::new("/headers", "must be at most 10 headers"));
        }
        Some(headers)
    }

    /// Writes what was chosen into an endpoint; the headers have their own way.
    pub(super) fn apply(&self, endpoint: &mut Endpoint) {
        if let Some(numbers) = &self.sub_mchids {
            endpoint.sub_mchids.clone_from(numbers);
        }
        endpoint.payload = self.payload.unwrap_or(endpoint.payload);
        endpoint.schedule = self.schedule.unwrap_or(endpoint.schedule);
        endpoint.ordered = self.ordered.unwrap_or(endpoint.ordered);
        if let Some(seconds) = self.timeout_seconds {
            endpoint.timeout_ms = Some(seconds.saturating_mul(1_000));
        }
    }
}

impl Operations {
    /// Seals headers for their endpoint.
    pub(super) async fn seal_headers(
        &self,
        tenant: &TenantId,
        endpoint: &EndpointId,
        headers: &CustomHeaders,
        now: Timestamp,
    ) -> Result<Vec<u8>, OperationError> {
        let mut plain = Zeroizing::new(String::new());
        for (name, value) in headers.expose() {
            // Neither a name nor a value holds the end of a line, nor a name a colon.
            plain.extend([name, ": ", value, "\n"]);
        }
        let (storage, place) = (self.storage(), headers_place(endpoint));
        self.sealing()
            .seal(storage, tenant.as_str(), &place, plain.as_bytes(), now)
            .await
    }

    /// Opens the headers of an endpoint.
    pub(crate) async fn open_headers(
        &self,
        tenant: &TenantId,
        endpoint: &EndpointId,
        sealed: &[u8],
    ) -> Result<CustomHeaders, OperationError> {
        let malformed = || OperationError::Internal(format!("headers of {endpoint} are malformed"));
        let (storage, place) = (self.storage(), headers_place(endpoint));
        let plain = self
            .sealing()
            .open(storage, tenant.as_str(), &place, sealed)
            .await?;
        let lines = std::str::from_utf8(&plain).map_err(|_| malformed())?;
        let mut headers = CustomHeaders::default();
        for line in lines.lines() {
            let (name, value) = line.split_once(": ").ok_or_else(malformed)?;
            headers.add(name, value).map_err(|_| malformed())?;
        }
        Ok(headers)
    }
}

fn headers_place(endpoint: &EndpointId) -> Place<'_> {
    Place {
        table: "endpoints",
        column: "sealed_headers",
        row: endpoint.as_str(),
    }
}

fn sub_mchid_faults(numbers: &[String]) -> Vec<FieldError> {
    if numbers.len() > MAX_SUB_MCHIDS {
        return vec![FieldError::new(
            "/sub_mchids",
            "must be at most 100 numbers",
        )];
    }
    let malformed = numbers
        .iter()
        .enumerate()
        .filter_map(|(index, number)| Some((index, Mchid::parse(number).err()?)));
    malformed
        .map(|(index, error)| FieldError::new(format!("/sub_mchids/{index}"), error.to_string()))
        .collect()
}

/// Checks which version of the payloads is chosen.
pub(super) fn version_fault(version: Option<&str>) -> Option<FieldError> {
    let is_known = version.is_none_or(|version| API_VERSIONS.contains(&version));
    let known = || format!("must be one of {}", API_VERSIONS.join(", "));
    (!is_known).then(|| FieldError::new("/api_version", known()))
}

pub(super) fn description_fault(description: Option<&str>) -> Option<FieldError> {
    let is_plain_and_short = |text: &str| {
        text.chars().count() <= DESCRIPTION_CHARS_MAX && !text.chars().any(char::is_control)
    };
    let is_sound = description.is_none_or(is_plain_and_short);
    let reason = "must be at most 191 printable characters";
    (!is_sound).then(|| FieldError::new("/description", reason))
}

pub(super) fn filter_faults(filters: &[String]) -> Vec<FieldError> {
    if filters.is_empty() || filters.len() > FILTERS_MAX {
        return vec![FieldError::new("/events", "must name 1 to 32 event types")];
    }
    let unknown = filters
        .iter()
        .enumerate()
        .filter(|(_, filter)| !filter_is_known(filter));
    unknown
        .map(|(index, _)| {
            let reason = "must be an event type, or a beginning of one and a star, such as order.*";
            FieldError::new(format!("/events/{index}"), reason)
        })
        .collect()
}
