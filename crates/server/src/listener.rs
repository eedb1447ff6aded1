//! Opening ports. A taken port is one clear line, and found before anything else is started.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context;
use poem::Server;
use poem::listener::TcpAcceptor;
use tokio::net::TcpListener;

use crate::connections::{LimitedAcceptor, Limits};

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

    /// A server with the limits that every one of ours has.
    pub(crate) fn into_server(self) -> anyhow::Result<Server<Infallible, LimitedAcceptor>> {
        let acceptor = TcpAcceptor::from_tokio(self.listener).context("preparing the listener")?;
        let limited = LimitedAcceptor::new(acceptor, Limits::of_process());
        Ok(Server::new_with_acceptor(limited).idle_timeout(IDLE_TIMEOUT))
    }
}

#[cfg(test)]
mod tests {
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
    async fn every_interface_is_shown_as_loopback() {
        let bound = Bound::to("0.0.0.0:0".parse().unwrap()).await.unwrap();
        assert_eq!(
            bound.url(),
            format!("http://127.0.0.1:{}", bound.address.port())
        );
    }
}
