//! The shared connection pool: bounded in time and size, deaf to proxies in the environment, following no redirect.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::HeaderMap;

use super::Failure;

/// The largest answer that is read, in bytes.
const MOST_ANSWER_BYTES: usize = 1024 * 1024;

/// How to build a [`Transport`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransportConfig {
    /// The limit for connecting, TLS included, in milliseconds.
    pub connect_timeout_ms: u64,
    /// The limit for one try from start to the last byte of the answer, in milliseconds.
    pub timeout_ms: u64,
    /// The limit for the silence of a connection that a file is downloaded over, in milliseconds.
    pub silence_timeout_ms: u64,
    /// Product and version; WeChat refuses some calls without one.
    pub user_agent: String,
}

impl Default for TransportConfig {
    fn default() -> Self {
        Self {
            connect_timeout_ms: 3_000,
            timeout_ms: 10_000,
            silence_timeout_ms: 30_000,
            user_agent: concat!("wechatpay-rust/", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }
}

/// A connection pool; clones share it.
#[derive(Debug, Clone)]
pub struct Transport {
    http: reqwest::Client,
    /// For files whose size nobody knows: only their silence is timed.
    downloads: reqwest::Client,
    wire: Option<Arc<dyn Wire>>,
}

/// An answer on its way over a [`Wire`].
pub type Carried<'a> =
    Pin<Box<dyn Future<Output = Result<reqwest::Response, TransportError>> + Send + 'a>>;

/// Carries requests in place of the network, for a WeChat Pay that is simulated in the same process.
pub trait Wire: Send + Sync + fmt::Debug {
    /// Carries one signed request; fails with [`TransportError::NotSent`] or [`TransportError::Lost`].
    fn carry(&self, request: reqwest::Request) -> Carried<'_>;
}

/// Why no answer came. None of these texts names a URL, since a login's URL holds a secret.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TransportError {
    /// The pool could not be built, for instance because the machine has no root certificates.
    #[error("building the HTTP client")]
    Build(#[source] reqwest::Error),
    /// The request could not be put together; nothing was sent.
    #[error("putting the request together")]
    Request(#[source] reqwest::Error),
    /// No connection was made; nothing was sent.
    #[error("connecting")]
    Connect(#[source] reqwest::Error),
    /// The time was up; the request may have arrived.
    #[error("waiting for the answer")]
    Timeout(#[source] reqwest::Error),
    /// The connection broke; the request may have arrived.
    #[error("exchanging request and answer")]
    Broken(#[source] reqwest::Error),
    /// The answer is larger than a mebibyte; the request has arrived.
    #[error("the answer is too large")]
    TooLarge,
    /// A [`Wire`] did not take the request; nothing was sent.
    #[error("the wire did not take the request")]
    NotSent,
    /// A [`Wire`] lost the answer; the request may have arrived.
    #[error("the wire lost the answer")]
    Lost,
}

impl TransportError {
    /// Tells whether the request certainly never left.
    pub fn nothing_sent(&self) -> bool {
        matches!(
            self,
            Self::Build(_) | Self::Request(_) | Self::Connect(_) | Self::NotSent
        )
    }

    /// Returns why no answer came, in the terms of a record.
    pub(crate) fn failure(&self) -> Failure {
        match self {
            Self::Build(_) | Self::Request(_) => Failure::NotSent,
            Self::Connect(_) | Self::NotSent => Failure::NotConnected,
            Self::Timeout(_) => Failure::TimedOut,
            Self::Broken(_) | Self::Lost => Failure::ConnectionBroken,
            Self::TooLarge => Failure::TooLarge,
        }
    }

    pub(super) fn from_send(error: reqwest::Error) -> Self {
        let error = error.without_url();
        match () {
            () if error.is_builder() => Self::Request(error),
            () if error.is_connect() => Self::Connect(error),
            () if error.is_timeout() => Self::Timeout(error),
            () => Self::Broken(error),
        }
    }
}

/// An answer as it came.
pub(crate) struct RawAnswer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl RawAnswer {
    /// Reads a header that is there exactly once; of two, none counts.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.get_all(name).iter();
        match (values.next(), values.next()) {
            (Some(value), None) => value.to_str().ok(),
            _ => None,
        }
    }
}

impl Transport {
    /// Builds the pool.
    pub fn new(config: &TransportConfig) -> Result<Self, TransportError> {
        let failed = |error: reqwest::Error| TransportError::Build(error.without_url());
        let timeout = Duration::from_millis(config.timeout_ms);
        let silence = Duration::from_millis(config.silence_timeout_ms);
        Ok(Self {
            http: builder(config).timeout(timeout).build().map_err(failed)?,
            downloads: builder(config)
                .read_timeout(silence)
                .build()
                .map_err(failed)?,
            wire: None,
        })
    }

    /// The same transport with a wire in place of the network: no request leaves the process.
    pub fn over(self, wire: Arc<dyn Wire>) -> Self {
        Self {
            wire: Some(wire),
            ..self
        }
    }

    pub(crate) fn request(
        &self,
        method: reqwest::Method,
        url: reqwest::Url,
    ) -> reqwest::RequestBuilder {
        self.http.request(method, url)
    }

    /// Begins a request whose answer is a file.
    pub(super) fn download(&self, url: reqwest::Url) -> reqwest::RequestBuilder {
        self.downloads.get(url)
    }

    /// Sends a request and reads its answer up to the limit.
    pub(crate) async fn exchange(
        &self,
        request: reqwest::RequestBuilder,
    ) -> Result<RawAnswer, TransportError> {
        let response = match &self.wire {
            None => request.send().await.map_err(TransportError::from_send)?,
            Some(wire) => {
                let request = request.build().map_err(TransportError::Request)?;
                wire.carry(request).await?
            }
        };
        RawAnswer::read(response).await
    }
}

fn builder(config: &TransportConfig) -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .user_agent(&config.user_agent)
        .connect_timeout(Duration::from_millis(config.connect_timeout_ms))
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .no_proxy()
        // A repetition needs a fresh timestamp, nonce and signature, so only `call` repeats.
        .retry(reqwest::retry::never())
}

impl RawAnswer {
    /// Reads an answer up to the limit.
    pub(super) async fn read(mut response: reqwest::Response) -> Result<Self, TransportError> {
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(TransportError::from_send)? {
            if body.len() + chunk.len() > MOST_ANSWER_BYTES {
                return Err(TransportError::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        let status = response.status().as_u16();
        Ok(Self {
            status,
            headers: std::mem::take(response.headers_mut()),
            body,
        })
    }
}
