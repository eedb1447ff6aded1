//! What one connection may cost: how many there are, how long a request's head may take, how long silence may last.
//!
//! The HTTP library times nothing before a request is complete, so whoever only connects would stay for ever.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use poem::http::uri::Scheme;
use poem::listener::{Acceptor, TcpAcceptor};
use poem::web::{LocalAddr, RemoteAddr};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Sleep};

/// Connections of one listener at most, where the system grants that many open files.
const CONNECTIONS_MAX: usize = 4096;
/// How long the head of a request may take, and a new connection until its first request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(15);
/// Longer than the library's own idle time-out and than any request may take: it ends what those cannot.
const SILENCE_TIMEOUT: Duration = Duration::from_secs(90);
/// How often a full house is told to the log.
const WARN_EVERY: Duration = Duration::from_mins(1);
/// Accepting fails again at once while the system has no open file left.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_millis(100);

/// What connections may cost.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    connections: usize,
    head: Duration,
    silence: Duration,
}

impl Limits {
    /// Half of what this process may open: the rest is for the database, for WeChat and for webhooks.
    pub(crate) fn of_process() -> Self {
        let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
        let open_files = open_files(&limits).unwrap_or(usize::MAX);
        Self {
            connections: (open_files / 2).clamp(1, CONNECTIONS_MAX),
            head: HEAD_TIMEOUT,
            silence: SILENCE_TIMEOUT,
        }
    }
}

/// The soft limit of open files in the kernel's table of limits.
fn open_files(limits: &str) -> Option<usize> {
    let row = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"))?;
    row.split_whitespace().next()?.parse().ok()
}

/// Accepts while there is room; whoever comes later waits in the system's queue.
pub(crate) struct LimitedAcceptor {
    inner: TcpAcceptor,
    limits: Limits,
    places: Arc<Semaphore>,
    warned: Option<Instant>,
}

impl LimitedAcceptor {
    pub(crate) fn new(inner: TcpAcceptor, limits: Limits) -> Self {
        Self {
            inner,
            limits,
            places: Arc::new(Semaphore::new(limits.connections)),
            warned: None,
        }
    }

    async fn place(&mut self) -> io::Result<OwnedSemaphorePermit> {
        if let Ok(place) = Arc::clone(&self.places).try_acquire_owned() {
            return Ok(place);
        }
        if self.warned.is_none_or(|at| at.elapsed() >= WARN_EVERY) {
            self.warned = Some(Instant::now());
            let connections = self.limits.connections;
            tracing::warn!(connections, "every connection is taken; new ones wait");
        }
        let places = Arc::clone(&self.places);
        places.acquire_owned().await.map_err(io::Error::other)
    }
}

impl Acceptor for LimitedAcceptor {
    type Io = LimitedStream<TcpStream>;

    fn local_addr(&self) -> Vec<LocalAddr> {
        self.inner.local_addr()
    }

    async fn accept(&mut self) -> io::Result<(Self::Io, LocalAddr, RemoteAddr, Scheme)> {
        let place = self.place().await?;
        match self.inner.accept().await {
            Ok((stream, local, remote, scheme)) => {
                let stream = LimitedStream::new(stream, self.limits, place);
                Ok((stream, local, remote, scheme))
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(PAUSE_AFTER_FAILURE).await;
                Err(error)
            }
        }
    }
}

/// A connection that fails once its time is over.
pub(crate) struct LimitedStream<S> {
    stream: S,
    limits: Limits,
    phase: Phase,
    deadline: Pin<Box<Sleep>>,
    _place: OwnedSemaphorePermit,
}

/// Where a connection stands.
enum Phase {
    /// A head is expected or under way: bytes do not prolong it.
    Head(Head),
    /// A request is read or worked on.
    Request,
    /// Its answer is on the way, or was given: the next byte begins another head.
    Answer,
    /// HTTP/2 has no heads to tell apart.
    Frames,
}

impl<S> LimitedStream<S> {
    fn new(stream: S, limits: Limits, place: OwnedSemaphorePermit) -> Self {
        Self {
            stream,
            limits,
            phase: Phase::Head(Head::default()),
            deadline: Box::pin(tokio::time::sleep(limits.head)),
            _place: place,
        }
    }

    fn allow(&mut self, time: Duration) {
        self.deadline.as_mut().reset(Instant::now() + time);
    }

    fn has_read(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        if matches!(self.phase, Phase::Answer) {
            self.phase = Phase::Head(Head::default());
            self.allow(self.limits.head);
        }
        let Phase::Head(head) = &mut self.phase else {
            return self.allow(self.limits.silence);
        };
        if head.ends_within(bytes) {
            self.phase = if head.is_http2() {
                Phase::Frames
            } else {
                Phase::Request
            };
            self.allow(self.limits.silence);
        }
    }

    fn has_written(&mut self, bytes: &[u8]) {
        // "100 Continue" asks for the body of the same request.
        if matches!(self.phase, Phase::Request) && !bytes.starts_with(b"HTTP/1.1 100") {
            self.phase = Phase::Answer;
        }
        if !matches!(self.phase, Phase::Head(_)) {
            self.allow(self.limits.silence);
        }
    }

    /// Ready once the time is over.
    fn overdue<T>(&mut self, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        ready!(self.deadline.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

/// The lines of a head so far.
#[derive(Default)]
struct Head {
    begins_with: Vec<u8>,
    has_line: bool,
    in_line: bool,
}

impl Head {
    const HTTP2: &[u8] = b"PRI";

    /// Whether the empty line after the head is among these bytes. Empty lines before it do not count.
    fn ends_within(&mut self, bytes: &[u8]) -> bool {
        for byte in bytes {
            match byte {
                b'\n' if self.in_line => {
                    self.in_line = false;
                    self.has_line = true;
                }
                b'\n' if self.has_line => return true,
                b'\r' | b'\n' => {}
                _ => {
                    self.in_line = true;
                    if self.begins_with.len() < Self::HTTP2.len() {
                        self.begins_with.push(*byte);
                    }
                }
            }
        }
        false
    }

    fn is_http2(&self) -> bool {
        self.begins_with == Self::HTTP2
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for LimitedStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        match Pin::new(&mut self.stream).poll_read(context, buffer) {
            Poll::Pending => self.overdue(context),
            ready @ Poll::Ready(_) => {
                self.has_read(buffer.filled().get(before..).unwrap_or_default());
                ready
            }
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for LimitedStream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match Pin::new(&mut self.stream).poll_write(context, bytes) {
            Poll::Pending => self.overdue(context),
            ready @ Poll::Ready(_) => {
                self.has_written(bytes);
                ready
            }
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match Pin::new(&mut self.stream).poll_write_vectored(context, slices) {
            Poll::Pending => self.overdue(context),
            ready @ Poll::Ready(_) => {
                self.has_written(slices.first().map_or(&[], |first| first));
                ready
            }
        }
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests;
