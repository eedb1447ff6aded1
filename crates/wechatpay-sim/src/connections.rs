//! The two hosts: listeners that can be closed, and connections that can be cut instead of being answered.

use std::{
    collections::HashMap,
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU8, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use poem::{
    http::uri::Scheme,
    listener::{Acceptor, TcpAcceptor},
    web::{LocalAddr, RemoteAddr},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpSocket, TcpStream},
    sync::watch,
};

/// How a connection ends instead of being answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cut {
    Not,
    /// As if the other side had gone.
    Closed,
    /// By a reset.
    Reset,
}

/// The open connections by the address of their peer.
#[derive(Clone, Default)]
pub(crate) struct Connections {
    open: Arc<Mutex<HashMap<SocketAddr, Arc<AtomicU8>>>>,
}

impl Connections {
    /// Lets the next write to this peer fail, which ends its connection in this way.
    pub(crate) fn cut(&self, peer: &RemoteAddr, how: Cut) {
        let Some(address) = peer.0.as_socket_addr() else {
            return;
        };
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(cut) = open.get(address) {
            cut.store(how as u8, Ordering::SeqCst);
        }
    }

    fn enter(&self, address: SocketAddr) -> Arc<AtomicU8> {
        let cut = Arc::new(AtomicU8::new(Cut::Not as u8));
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

/// A listener that could not be opened again is tried after this.
const REOPENING_WAIT: Duration = Duration::from_millis(50);
const BACKLOG: u32 = 1024;

/// Whether a listener is open; it follows by itself.
pub(crate) struct Door {
    closed: watch::Sender<bool>,
}

impl Default for Door {
    fn default() -> Self {
        Self {
            closed: watch::Sender::new(false),
        }
    }
}

impl Door {
    pub(crate) fn set_closed(&self, closed: bool) {
        self.closed.send_replace(closed);
    }
}

/// Accepts connections, while its door is open, and enters each in the list.
pub(crate) struct CuttableAcceptor {
    listening: Listening,
    address: SocketAddr,
    closed: watch::Receiver<bool>,
    connections: Connections,
}

enum Listening {
    Open(TcpAcceptor),
    /// Bound, so that nobody else takes the port, and refusing.
    Closed(TcpSocket),
    /// Between the two, or after a failure.
    Nowhere,
}

impl CuttableAcceptor {
    pub(crate) fn new(
        listener: TcpListener,
        door: &Door,
        connections: Connections,
    ) -> io::Result<Self> {
        Ok(Self {
            address: listener.local_addr()?,
            listening: Listening::Open(TcpAcceptor::from_tokio(listener)?),
            closed: door.closed.subscribe(),
            connections,
        })
    }

    /// Opens or closes the listener, where it is not as the door is.
    fn follow(&mut self, closed: bool) -> io::Result<()> {
        match (&self.listening, closed) {
            (Listening::Open(_), false) | (Listening::Closed(_), true) => return Ok(()),
            _ => {}
        }
        let socket = match std::mem::replace(&mut self.listening, Listening::Nowhere) {
            Listening::Closed(socket) => socket,
            open => {
                drop(open);
                bind(self.address)?
            }
        };
        self.listening = if closed {
            Listening::Closed(socket)
        } else {
            Listening::Open(TcpAcceptor::from_tokio(socket.listen(BACKLOG)?)?)
        };
        Ok(())
    }

    fn enter(&self, stream: TcpStream) -> io::Result<CuttableStream> {
        // Small answers go out at once; waiting for more to send costs 40 ms a call.
        stream.set_nodelay(true)?;
        let address = stream.peer_addr()?;
        Ok(CuttableStream {
            stream,
            cut: self.connections.enter(address),
            address,
            connections: self.connections.clone(),
        })
    }
}

fn bind(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

impl Acceptor for CuttableAcceptor {
    type Io = CuttableStream;

    fn local_addr(&self) -> Vec<LocalAddr> {
        vec![LocalAddr(self.address.into())]
    }

    async fn accept(&mut self) -> io::Result<(Self::Io, LocalAddr, RemoteAddr, Scheme)> {
        loop {
            let closed = *self.closed.borrow_and_update();
            if let Err(error) = self.follow(closed) {
                tracing::warn!(%error, "a listener could not be opened or closed");
                tokio::time::sleep(REOPENING_WAIT).await;
                continue;
            }
            let Listening::Open(acceptor) = &mut self.listening else {
                // The door lives as long as what is served behind it.
                self.closed.changed().await.map_err(io::Error::other)?;
                continue;
            };
            tokio::select! {
                accepted = acceptor.accept() => {
                    let (stream, local, remote, scheme) = accepted?;
                    return Ok((self.enter(stream)?, local, remote, scheme));
                }
                changed = self.closed.changed() => changed.map_err(io::Error::other)?,
            }
        }
    }
}

/// A TCP stream whose writes fail once it has been cut.
pub(crate) struct CuttableStream {
    stream: TcpStream,
    cut: Arc<AtomicU8>,
    address: SocketAddr,
    connections: Connections,
}

impl CuttableStream {
    fn is_cut(&self) -> bool {
        let cut = self.cut.load(Ordering::SeqCst);
        if cut == Cut::Reset as u8 {
            // A socket that cannot be reset is closed.
            let _ = self.stream.set_zero_linger();
        }
        cut != Cut::Not as u8
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
