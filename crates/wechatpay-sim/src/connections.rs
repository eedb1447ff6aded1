//! Connections that can be cut: an answer is lost by closing its socket instead of writing to it.

use std::{
    collections::HashMap,
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use poem::{
    http::uri::Scheme,
    listener::{Acceptor, TcpAcceptor},
    web::{LocalAddr, RemoteAddr},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

/// The open connections by the address of their peer.
#[derive(Clone, Default)]
pub(crate) struct Connections {
    open: Arc<Mutex<HashMap<SocketAddr, Arc<AtomicBool>>>>,
}

impl Connections {
    /// Lets the next write to this peer fail, which closes its connection.
    pub(crate) fn cut(&self, peer: &RemoteAddr) {
        let Some(address) = peer.0.as_socket_addr() else {
            return;
        };
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(cut) = open.get(address) {
            cut.store(true, Ordering::SeqCst);
        }
    }

    fn enter(&self, address: SocketAddr) -> Arc<AtomicBool> {
        let cut = Arc::new(AtomicBool::new(false));
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.insert(address, Arc::clone(&cut));
        cut
    }

    fn leave(&self, address: SocketAddr) {
        self.open
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&address);
    }
}

/// Accepts connections and enters each in the list.
pub(crate) struct CuttableAcceptor {
    inner: TcpAcceptor,
    connections: Connections,
}

impl CuttableAcceptor {
    pub(crate) fn new(inner: TcpAcceptor, connections: Connections) -> Self {
        Self { inner, connections }
    }
}

impl Acceptor for CuttableAcceptor {
    type Io = CuttableStream;

    fn local_addr(&self) -> Vec<LocalAddr> {
        self.inner.local_addr()
    }

    async fn accept(&mut self) -> io::Result<(Self::Io, LocalAddr, RemoteAddr, Scheme)> {
        let (stream, local, remote, scheme) = self.inner.accept().await?;
        // Small answers go out at once; waiting for more to send costs 40 ms a call.
        stream.set_nodelay(true)?;
        let address = stream.peer_addr()?;
        let cut = self.connections.enter(address);
        let connections = self.connections.clone();
        Ok((
            CuttableStream {
                stream,
                cut,
                address,
                connections,
            },
            local,
            remote,
            scheme,
        ))
    }
}

/// A TCP stream whose writes fail once it has been cut.
pub(crate) struct CuttableStream {
    stream: TcpStream,
    cut: Arc<AtomicBool>,
    address: SocketAddr,
    connections: Connections,
}

impl CuttableStream {
    fn is_cut(&self) -> bool {
        self.cut.load(Ordering::SeqCst)
    }
}

impl Drop for CuttableStream {
    fn drop(&mut self) {
        self.connections.leave(self.address);
    }
}

fn lost() -> Poll<io::Result<usize>> {
    Poll::Ready(Err(io::Error::new(
        io::ErrorKind::ConnectionReset,
        "the answer is lost",
    )))
}

impl AsyncRead for CuttableStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for CuttableStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.is_cut() {
            return lost();
        }
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.is_cut() {
            return lost();
        }
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
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
