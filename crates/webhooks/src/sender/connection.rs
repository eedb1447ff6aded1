//! Watches a connection being opened: how long each step lasts, that none lasts too long, and which TLS is spoken.
//!
//! The steps belong to an attempt as long as its task makes them; a connection that is finished after its attempt has
//! found another one is nobody's.

use std::io;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use futures::future::BoxFuture;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use rustls_platform_verifier::Verifier;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};
use tower_layer::Layer;
use tower_service::Service;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

tokio::task_local! {
    /// What the attempt of this task learns about its connection.
    static WATCH: Arc<Watch>;
}

/// When the steps of opening a connection ended.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    steps: Mutex<Steps>,
    stepped: Notify,
}

#[derive(Clone, Copy, Debug, Default)]
struct Steps {
    began: Option<Instant>,
    lookup_began: Option<Instant>,
    looked_up: Option<Instant>,
    handshake_began: Option<Instant>,
    ready: Option<Instant>,
    tls_version: Option<&'static str>,
}

/// How long the steps lasted; a step that was not made has no length.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Opened {
    pub(super) dns_ms: Option<u64>,
    pub(super) connect_ms: Option<u64>,
    pub(super) tls_ms: Option<u64>,
    pub(super) tls_version: Option<&'static str>,
}

/// How long each step may last.
#[derive(Clone, Copy, Debug)]
pub(super) struct StepLimits {
    pub(super) dns: Duration,
    pub(super) connect: Duration,
    pub(super) tls: Duration,
}

impl Watch {
    /// Runs an attempt under a watch of its own.
    pub(super) async fn over<F: Future>(self: &Arc<Self>, attempt: F) -> F::Output {
        WATCH.scope(Arc::clone(self), attempt).await
    }

    /// Whether this attempt began to open a connection, rather than to use a kept one.
    pub(super) fn has_begun(&self) -> bool {
        self.steps().began.is_some()
    }

    pub(super) fn opened(&self) -> Opened {
        let steps = self.steps();
        let connected = steps.handshake_began.or(steps.ready);
        Opened {
            dns_ms: between(steps.lookup_began, steps.looked_up),
            connect_ms: between(steps.looked_up.or(steps.began), connected),
            tls_ms: between(steps.handshake_began, steps.ready),
            tls_version: steps.tls_version,
        }
    }

    fn steps(&self) -> Steps {
        *self.steps.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, change: impl FnOnce(&mut Steps, Instant)) {
        let mut steps = self.steps.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut steps, Instant::now());
        self.stepped.notify_one();
    }

    /// When the step that is being made must have ended.
    fn deadline(&self, limits: StepLimits) -> Instant {
        let steps = self.steps();
        let began = steps.began.unwrap_or_else(Instant::now);
        match (steps.lookup_began, steps.looked_up, steps.handshake_began) {
            (_, _, Some(begun)) => begun + limits.tls,
            (_, Some(done), None) => done + limits.connect,
            (Some(begun), None, None) => begun + limits.dns,
            (None, None, None) => began + limits.connect,
        }
    }
}

/// Notes that the look-up of a name begins.
pub(crate) fn lookup_begins() {
    note(|steps, now| steps.lookup_began = Some(now));
}

/// Notes that the look-up of a name is over.
pub(crate) fn lookup_is_over() {
    note(|steps, now| steps.looked_up = Some(now));
}

fn note(change: impl FnOnce(&mut Steps, Instant)) {
    // Outside of an attempt nobody asks.
    let _ = WATCH.try_with(|watch| watch.note(change));
}

fn between(from: Option<Instant>, to: Option<Instant>) -> Option<u64> {
    let length = to?.checked_duration_since(from?)?;
    Some(u64::try_from(length.as_millis()).unwrap_or(u64::MAX))
}

/// Puts the watch around the connector.
#[derive(Clone, Copy, Debug)]
pub(super) struct WatchLayer(pub(super) StepLimits);

#[derive(Clone, Debug)]
pub(super) struct WatchedConnector<S> {
    connector: S,
    limits: StepLimits,
}

impl<S> Layer<S> for WatchLayer {
    type Service = WatchedConnector<S>;

    fn layer(&self, connector: S) -> Self::Service {
        WatchedConnector {
            connector,
            limits: self.0,
        }
    }
}

impl<S, R> Service<R> for WatchedConnector<S>
where
    S: Service<R, Error = BoxError>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<S::Response, BoxError>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.connector.poll_ready(context)
    }

    fn call(&mut self, target: R) -> Self::Future {
        let watch = WATCH.try_with(Arc::clone).unwrap_or_default();
        watch.note(|steps, now| steps.began = Some(now));
        let opening = self.connector.call(target);
        let limits = self.limits;
        Box::pin(async move {
            let opened = within_limits(opening, &watch, limits).await?;
            watch.note(|steps, now| steps.ready = Some(now));
            opened
        })
    }
}

/// Each step has its own limit, and which one is being made shows only on the way.
async fn within_limits<F: Future>(
    opening: F,
    watch: &Watch,
    limits: StepLimits,
) -> Result<F::Output, BoxError> {
    let mut opening = pin!(opening);
    loop {
        tokio::select! {
            opened = &mut opening => return Ok(opened),
            () = watch.stepped.notified() => {}
            () = sleep_until(watch.deadline(limits)) => {
                if watch.deadline(limits) <= Instant::now() {
                    return Err(io::Error::from(io::ErrorKind::TimedOut).into());
                }
            }
        }
    }
}

/// TLS by the platform's roots, and by `roots` besides; nothing is trusted that its verifier does not trust.
pub(super) fn tls(roots: &[CertificateDer<'static>]) -> Result<ClientConfig, rustls::Error> {
    let provider: Arc<CryptoProvider> = Arc::new(aws_lc_rs::default_provider());
    let roots = roots.iter().cloned();
    let verifier = Verifier::new_with_extra_roots(roots, Arc::clone(&provider))?;
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(WatchedVerifier(verifier)))
        .with_no_client_auth();
    // Every connection shows its certificate: nothing is taken over from one that was opened before.
    config.resumption = rustls::client::Resumption::disabled();
    Ok(config)
}

/// The platform's verifier; whoever asks it tells how far the handshake is.
#[derive(Debug)]
struct WatchedVerifier(Verifier);

impl ServerCertVerifier for WatchedVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        self.0
            .verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        note(|steps, _| steps.tls_version = Some("1.2"));
        self.0.verify_tls12_signature(message, cert, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        note(|steps, _| steps.tls_version = Some("1.3"));
        self.0.verify_tls13_signature(message, cert, signed)
    }

    /// The first message of a handshake lists these, and it is written as soon as TCP is connected.
    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        note(|steps, now| steps.handshake_began = steps.handshake_began.or(Some(now)));
        self.0.supported_verify_schemes()
    }
}
