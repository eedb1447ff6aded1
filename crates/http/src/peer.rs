//! Where a call comes from: the other end of the connection, or what a proxy of ours says about it.

use std::net::{IpAddr, SocketAddr};

use poem::{Addr, Request};
use tributary_domain::credential::NetworkList;

const FORWARDED_FOR: &str = "x-forwarded-for";

/// The proxies whose `X-Forwarded-For` is believed; whoever else sends one is not asked.
#[derive(Clone, Debug, Default)]
pub(crate) struct TrustedProxies(pub(crate) NetworkList);

/// The address that a request comes from, when it can be told.
pub(crate) fn address_of(request: &Request) -> Option<IpAddr> {
    let Addr::SocketAddr(peer) = request.remote_addr().0 else {
        return None;
    };
    let lines = request.headers().get_all(FORWARDED_FOR).iter();
    // What is no text names no address, and must not let the one before it count.
    let forwarded = lines.flat_map(|line| line.to_str().unwrap_or("?").split(','));
    let proxies = request.data::<TrustedProxies>();
    let proxies = proxies.map(|proxies| &proxies.0);
    nearest_stranger(peer.ip(), forwarded.collect(), proxies)
}

/// Each proxy appends the address that it sees, so the last one that is not a proxy of ours is the caller.
fn nearest_stranger(
    peer: IpAddr,
    forwarded: Vec<&str>,
    proxies: Option<&NetworkList>,
) -> Option<IpAddr> {
    let is_ours = |address| proxies.is_some_and(|proxies| proxies.contains(address));
    let mut nearest = peer.to_canonical();
    for said in forwarded.into_iter().rev() {
        if !is_ours(nearest) {
            break;
        }
        nearest = read(said)?;
    }
    Some(nearest)
}

/// Some proxies write the port as well.
fn read(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bare = text.parse::<IpAddr>().ok();
    let with_port = || Some(text.parse::<SocketAddr>().ok()?.ip());
    bare.or_else(with_port)
        .map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Who calls, when 10.0.0.0/8 is ours.
    fn told(peer: &str, forwarded: &[&str]) -> Option<String> {
        let proxies = NetworkList::parse(["10.0.0.0/8"]).unwrap();
        let peer = peer.parse().unwrap();
        let found = nearest_stranger(peer, forwarded.to_vec(), Some(&proxies));
        found.map(|address| address.to_string())
    }

    #[test]
    fn a_stranger_is_not_asked_whom_it_speaks_for() {
        let own = Some("192.0.2.1".to_owned());
        assert_eq!(told("192.0.2.1", &["198.51.100.9"]), own);
        assert_eq!(told("::ffff:192.0.2.1", &[]), own);
        let nobody = nearest_stranger("10.0.0.1".parse().unwrap(), vec!["192.0.2.1"], None);
        assert_eq!(nobody, "10.0.0.1".parse().ok());
    }

    #[test]
    fn a_proxy_of_ours_is_believed_as_far_as_the_next_stranger() {
        let caller = Some("198.51.100.9".to_owned());
        assert_eq!(told("10.0.0.1", &["198.51.100.9"]), caller);
        assert_eq!(told("10.0.0.1", &["198.51.100.9:4711 "]), caller);
        // What stands before the last stranger, the stranger has written.
        let forged = ["127.0.0.1", " 198.51.100.9", " 10.0.0.2"];
        assert_eq!(told("10.0.0.1", &forged), caller);
        assert_eq!(told("10.0.0.1", &[]), Some("10.0.0.1".to_owned()));
        assert_eq!(
            told("10.0.0.1", &["[2001:db8::1]:80"]),
            Some("2001:db8::1".to_owned())
        );
    }

    #[test]
    fn what_is_no_address_is_nowhere() {
        for said in ["unknown", "?", "", "10.0.0.1.2"] {
            assert_eq!(told("10.0.0.1", &["198.51.100.9", said]), None, "{said}");
        }
    }
}
