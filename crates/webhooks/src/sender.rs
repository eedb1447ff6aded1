//! One attempt: sign, connect, post, read a bounded answer before the deadline, and say what it means.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use reqwest::Response;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use rustls::pki_types::CertificateDer;
use thiserror::Error;
use tokio::time::{Instant, timeout_at};

use crate::address_guard::{AddressPolicy, EndpointUrl, Lookup, Network, UrlRefused};
use crate::custom_headers::{CustomHeaders, MASK};
use crate::outcome::{self, ErrorClass, Outcome};
use crate::signature::{self, Secret};

mod clients;
pub(crate) mod connection;
mod failure;
mod response;
#[cfg(test)]
mod tests;

use clients::Clients;
use connection::Watch;

/// Limits and identity of a sender.
#[derive(Clone, Debug)]
pub struct SenderConfig {
    /// The time for a name look-up.
    pub dns_timeout_ms: u64,
    /// The time for TCP, after the look-up.
    pub connect_timeout_ms: u64,
    /// The time for the TLS handshake.
    pub tls_timeout_ms: u64,
    /// The time for the whole attempt, the answer's body included.
    pub total_timeout_ms: u64,
    /// How much of an answer's body is read before the connection is closed.
    pub max_response_body_bytes: usize,
    /// The largest acceptable response head.
    pub max_response_header_bytes: usize,
    /// The value of `user-agent`.
    pub user_agent: String,
    /// Which addresses may be sent to.
    pub policy: AddressPolicy,
    /// Where we send from, as receivers may want to know; never sent to.
    pub source_addresses: Vec<Network>,
}

impl Default for SenderConfig {
    fn default() -> Self {
        Self {
            dns_timeout_ms: 5_000,
            connect_timeout_ms: 3_000,
            tls_timeout_ms: 3_000,
            total_timeout_ms: 15_000,
            max_response_body_bytes: 16 * 1024,
            max_response_header_bytes: 32 * 1024,
            user_agent: concat!("Tributary-Webhooks/", env!("CARGO_PKG_VERSION")).to_owned(),
            policy: AddressPolicy::default(),
            source_addresses: Vec::new(),
        }
    }
}

/// One event for one endpoint, ready to be posted.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// The endpoint's URL as stored; it is checked again.
    pub url: String,
    /// `webhook-id`: the same for every attempt and every replay.
    pub event_id: String,
    /// The event's type.
    pub event_type: String,
    /// The number of this attempt, from 1.
    pub attempt: u32,
    /// The delivery's id.
    pub delivery_id: String,
    /// The endpoint's id.
    pub endpoint_id: String,
    /// Whether a person or a recovery asked for this attempt.
    pub replay: bool,
    /// Whether this is live data.
    pub livemode: bool,
    /// The stored bytes, posted and signed as they are.
    pub body: Bytes,
    /// The endpoint's live secrets, newest first.
    pub secrets: Vec<Secret>,
    /// Unix seconds of this attempt.
    pub timestamp: i64,
    /// What the tenant adds.
    pub headers: CustomHeaders,
    /// The time for the whole attempt, when the endpoint has one of its own.
    pub timeout_ms: Option<u64>,
}

/// What one attempt brought, for the verdict and for the delivery log.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// The verdict.
    pub outcome: Outcome,
    /// The response's status, when there was a response.
    pub status: Option<u16>,
    /// The response's headers as lines, at most 4 KiB.
    pub response_headers: String,
    /// The first 4 KiB of the response's body, as they came.
    pub response_body: Bytes,
    /// The address that answered.
    pub remote_ip: Option<IpAddr>,
    /// The kind of failure; a success has none.
    pub error_class: Option<ErrorClass>,
    /// The length of the whole attempt.
    pub duration_ms: u64,
    /// The length of the name look-up, when one was made.
    pub dns_ms: Option<u64>,
    /// The length of the TCP connect, when a connection was opened.
    pub connect_ms: Option<u64>,
    /// The length of the TLS handshake, when one was made.
    pub tls_ms: Option<u64>,
    /// The version of TLS that the handshake agreed on.
    pub tls_version: Option<&'static str>,
    /// The time until the response head was complete.
    pub first_byte_ms: Option<u64>,
    /// The request's headers as lines; the values of the tenant's own are masked.
    pub request_headers: String,
}

/// Carries requests in place of the network, for receivers that are simulated in the same process.
pub trait Wire: Send + Sync + fmt::Debug {
    /// Carries one signed request, or says how it failed.
    fn carry(&self, request: reqwest::Request) -> BoxFuture<'_, Result<Response, ErrorClass>>;
}

/// Why a sender could not be made.
#[derive(Debug, Error)]
pub enum SenderError {
    /// The HTTP client or its TLS roots could not be set up.
    #[error("setting up the HTTP client for webhooks")]
    Client(#[source] reqwest::Error),
    /// The platform's TLS roots could not be read.
    #[error("setting up TLS for webhooks")]
    Tls(#[source] rustls::Error),
}

/// Sends deliveries, one attempt each; it is shared by all tasks.
#[derive(Debug)]
pub struct Sender {
    config: SenderConfig,
    way: Way,
}

/// How requests leave.
#[derive(Debug)]
enum Way {
    Network(Box<Clients>),
    Wire(Arc<dyn Wire>),
}

impl Sender {
    /// Makes a sender that asks the system's resolver.
    pub fn new(config: SenderConfig) -> Result<Self, SenderError> {
        Self::with_lookup(config, crate::address_guard::system_lookup())
    }

    /// Makes a sender with its own name look-up; the address guard stands behind it all the same.
    pub fn with_lookup(config: SenderConfig, lookup: Lookup) -> Result<Self, SenderError> {
        Self::trusting(config, lookup, &[])
    }

    /// Makes a sender whose requests never leave the process; URLs are checked by the policy all the same.
    pub fn over(wire: Arc<dyn Wire>, config: SenderConfig) -> Self {
        let way = Way::Wire(wire);
        Self { config, way }
    }

    fn trusting(
        mut config: SenderConfig,
        lookup: Lookup,
        roots: &[CertificateDer<'static>],
    ) -> Result<Self, SenderError> {
        // A loop through our own front door would feed itself.
        let own = config.source_addresses.iter().copied();
        config.policy.denied.extend(own);
        let tls = connection::tls(roots).map_err(SenderError::Tls)?;
        let clients = Clients::new(&config, lookup, tls).map_err(SenderError::Client)?;
        let way = Way::Network(Box::new(clients));
        Ok(Self { config, way })
    }

    /// Where we send from, in CIDR form.
    pub fn source_addresses(&self) -> Vec<String> {
        let addresses = self.config.source_addresses.iter();
        addresses.map(Network::to_string).collect()
    }

    /// Checks the URL of an endpoint by the same policy that guards every send.
    pub fn check_url(&self, text: &str) -> Result<EndpointUrl, UrlRefused> {
        self.config.policy.check_url(text)
    }

    /// Makes one attempt; failures are values of the result.
    pub async fn send(&self, delivery: &Delivery) -> Attempt {
        let started = Instant::now();
        let watch = Arc::new(Watch::default());
        let sending = self.attempt(delivery, started, &watch);
        let mut attempt = watch.over(sending).await;
        let opened = watch.opened();
        attempt.dns_ms = opened.dns_ms;
        attempt.connect_ms = opened.connect_ms;
        attempt.tls_ms = opened.tls_ms;
        attempt.tls_version = opened.tls_version;
        attempt.duration_ms = elapsed_ms(started);
        attempt
    }

    async fn attempt(&self, delivery: &Delivery, started: Instant, watch: &Watch) -> Attempt {
        let timeout_ms = delivery.timeout_ms.unwrap_or(self.config.total_timeout_ms);
        let deadline = started + Duration::from_millis(timeout_ms);
        let Ok(url) = self.config.policy.check_url(&delivery.url) else {
            return Attempt::failed(ErrorClass::BlockedAddress);
        };
        let Some(headers) = request_headers(delivery, &self.config.user_agent) else {
            return Attempt::failed(ErrorClass::Internal);
        };
        let request = || {
            let mut request = reqwest::Request::new(reqwest::Method::POST, url.url().clone());
            *request.headers_mut() = headers.clone();
            *request.body_mut() = Some(delivery.body.clone().into());
            request
        };
        let exchange = self.exchange(request, watch, &delivery.delivery_id);
        let mut attempt = match timeout_at(deadline, exchange).await {
            Err(_) => Attempt::failed(ErrorClass::TimeoutHeaders),
            Ok(Err(class)) => Attempt::failed(class),
            Ok(Ok(response)) => {
                let first_byte_ms = elapsed_ms(started);
                let mut attempt = self.read(response, delivery.timestamp, deadline).await;
                attempt.first_byte_ms = Some(first_byte_ms);
                attempt
            }
        };
        attempt.request_headers = masked_lines(&headers);
        attempt
    }

    async fn exchange(
        &self,
        request: impl Fn() -> reqwest::Request,
        watch: &Watch,
        delivery_id: &str,
    ) -> Result<Response, ErrorClass> {
        let clients = match &self.way {
            Way::Network(clients) => clients,
            Way::Wire(wire) => return wire.carry(request()).await,
        };
        let client = clients.current().map_err(|_| ErrorClass::Internal)?;
        let mut answer = client.execute(request()).await;
        if broke_a_kept_connection(&answer, watch) {
            // The receiver had closed it, most likely before it saw anything.
            answer = client.execute(request()).await;
        }
        answer.map_err(|error| {
            // The text may name internal addresses: it is for our log, never for the tenant.
            tracing::debug!(delivery.id = delivery_id, error = %failure::chain(&error), "webhook attempt failed");
            failure::classify(&error)
        })
    }

    async fn read(&self, response: Response, now_seconds: i64, deadline: Instant) -> Attempt {
        let status = response.status().as_u16();
        let headers = response.headers();
        let mut attempt = Attempt::failed(ErrorClass::Internal);
        attempt.status = Some(status);
        attempt.remote_ip = response.remote_addr().map(|address| address.ip());
        attempt.response_headers = response::header_lines(headers);
        attempt.error_class = outcome::class_of_status(status);
        attempt.outcome = Outcome::of_response(
            status,
            response::control(headers),
            response::retry_after_ms(headers, now_seconds),
        );
        let head_bytes = response::head_bytes(headers);
        if head_bytes > self.config.max_response_header_bytes && attempt.error_class.is_some() {
            attempt.fail(ErrorClass::TooLarge);
        }
        let body = response::read_body(response, self.config.max_response_body_bytes, deadline);
        let (body, ending) = body.await;
        attempt.response_body = body;
        if ending == response::BodyEnding::TimedOut && attempt.is_plain_failure() {
            attempt.fail(ErrorClass::TimeoutBody);
        }
        attempt
    }
}

impl Attempt {
    fn failed(class: ErrorClass) -> Self {
        Self {
            outcome: Outcome::Failed { class },
            status: None,
            response_headers: String::new(),
            response_body: Bytes::new(),
            remote_ip: None,
            error_class: Some(class),
            duration_ms: 0,
            dns_ms: None,
            connect_ms: None,
            tls_ms: None,
            tls_version: None,
            first_byte_ms: None,
            request_headers: String::new(),
        }
    }

    fn fail(&mut self, class: ErrorClass) {
        self.outcome = Outcome::Failed { class };
        self.error_class = Some(class);
    }

    fn is_plain_failure(&self) -> bool {
        matches!(self.outcome, Outcome::Failed { .. })
    }
}

fn request_headers(delivery: &Delivery, user_agent: &str) -> Option<HeaderMap> {
    // A dot in the id would let two different messages have the same signed bytes; unsigned is never sent.
    if delivery.event_id.contains('.') || delivery.secrets.is_empty() {
        return None;
    }
    let signature = signature::sign(
        &delivery.secrets,
        &delivery.event_id,
        delivery.timestamp,
        &delivery.body,
    );
    let flag = |set| if set { "1" } else { "0" }.to_owned();
    let values = [
        ("content-type", "application/json".to_owned()),
        ("user-agent", user_agent.to_owned()),
        ("webhook-id", delivery.event_id.clone()),
        ("webhook-timestamp", delivery.timestamp.to_string()),
        ("webhook-signature", signature),
        ("webhook-event-type", delivery.event_type.clone()),
        ("webhook-attempt", delivery.attempt.to_string()),
        ("webhook-delivery-id", delivery.delivery_id.clone()),
        ("webhook-endpoint-id", delivery.endpoint_id.clone()),
        ("webhook-replay", flag(delivery.replay)),
        ("webhook-livemode", flag(delivery.livemode)),
    ];
    let mut headers: HeaderMap = values
        .into_iter()
        .map(|(name, value)| {
            Some((
                HeaderName::from_static(name),
                HeaderValue::try_from(value).ok()?,
            ))
        })
        .collect::<Option<_>>()?;
    delivery.headers.write(&mut headers)?;
    Some(headers)
}

/// The headers of a request for the delivery log.
fn masked_lines(headers: &HeaderMap) -> String {
    let mut shown = headers.clone();
    for value in shown.values_mut().filter(|value| value.is_sensitive()) {
        *value = HeaderValue::from_static(MASK);
    }
    response::header_lines(&shown)
}

/// Whether a request failed on a connection that an earlier attempt had opened, without any answer.
fn broke_a_kept_connection(answer: &reqwest::Result<Response>, watch: &Watch) -> bool {
    let Err(error) = answer else { return false };
    !watch.has_begun() && failure::classify(error) == ErrorClass::Reset
}

fn elapsed_ms(started: Instant) -> u64 {
    u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX)
}
