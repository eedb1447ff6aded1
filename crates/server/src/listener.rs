//! Opening ports. A taken port is one clear line, and found before anything else is started.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context;
use poem::listener::TcpAcceptor;
use poem::{IntoEndpoint, Server};
use tokio::net::TcpListener;

use crate::connections::{LimitedAcceptor, Limits};
use crate::shutdown::Shutdown;

/// For servers whose answers nobody misses.
pub(crate) const BRIEF_DRAIN: Duration = Duration::from_secs(2);

/// Longer than proxies keep a connection that they do not use, so that they are the ones to close it.
const IDLE_TIMEOUT: Duration = Duration::from_secs(75);

/// A bound port.
#[derive(Debug)]
pub struct Bound {
    listener: TcpListener,
    /// The address, with the port that the system chose when 0 was asked for.
    pub address: SocketAddr,
}

impl Bound {
    /// Takes the port.
    pub async fn to(address: SocketAddr) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(address).await.map_err(|error| {
            if error.kind() == std::io::ErrorKind::AddrInUse {
                anyhow::anyhow!("{address} is in use by another program; choose another address")
            } else {
                anyhow::Error::new(error).context(format!("cannot listen on {address}"))
            }
        })?;
        let address = listener.local_addr().context("reading the bound address")?;
        Ok(Self { listener, address })
    }

    /// What a browser on this machine enters.
    pub fn url(&self) -> String {
        let mut address = self.address;
        if address.ip().is_unspecified() {
            let loopback = match address {
                SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
                SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
            };
            address.set_ip(loopback);
        }
        format!("http://{address}")
    }

    /// Serves with the limits that every server of ours has, until `stop` and the requests under way within `drain`.
    pub(crate) async fn serve(
        self,
        name: &str,
        routes: impl IntoEndpoint<Endpoint: 'static>,
        stop: &Shutdown,
        drain: Duration,
    ) -> anyhow::Result<()> {
        self.into_server()?
            .name(name)
            .run_with_graceful_shutdown(routes, stop.requested(), Some(drain))
            .await
            .with_context(|| format!("serving the {name}"))
    }

    fn into_server(self) -> anyhow::Result<Server<Infallible, LimitedAcceptor>> {
        let acceptor = TcpAcceptor::from_tokio(self.listener).context("preparing the listener")?;
        let limited = LimitedAcceptor::new(acceptor, Limits::of_process());
        Ok(Server::new_with_acceptor(limited).idle_timeout(IDLE_TIMEOUT))
    }
}

#[cfg(test)]
mod tests {
    use poem::endpoint::make_sync;
    use poem::{Route, get};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;

    use super::*;

    #[tokio::test]
    async fn taken_port_is_one_clear_line() {
        let first = Bound::to("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let second = Bound::to(first.address).await.unwrap_err();
        let line = format!("{second:#}");
        assert_eq!(
            line,
            format!(
                "{} is in use by another program; choose another address",
                first.address
            )
        );
    }

    #[tokio::test]
    async fn half_a_request_does_not_hold_up_a_stop() {
        let bound = Bound::to("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let mut peer = TcpStream::connect(bound.address).await.unwrap();
        let stop = Shutdown::default();
        let routes = Route::new().at("/", get(make_sync(|_| "fine")));
        let drain = Duration::from_millis(1);
        let serving = tokio::spawn({
            let stop = stop.clone();
            async move { bound.serve("test", routes, &stop, drain).await }
        });
        // Once it has answered, it holds the connection.
        peer.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /")
            .await
            .unwrap();
        let mut answer = [0; 15];
        peer.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"HTTP/1.1 200 OK");
        stop.trigger();
        let ended = tokio::time::timeout(BRIEF_DRAIN, serving).await;
        ended.expect("the stop is bounded").unwrap().unwrap();
    }

    #[tokio::test]
    async fn every_interface_is_shown_as_loopback() {
        let bound = Bound::to("0.0.0.0:0".parse().unwrap()).await.unwrap();
        assert_eq!(
            bound.url(),
            format!("http://127.0.0.1:{}", bound.address.port())
        );
    }
}
