//! The rules for an endpoint's URL, checked when it is saved and again at every send.

use std::fmt;
use std::net::IpAddr;

use thiserror::Error;
use url::{Host, Url};

use super::AddressPolicy;

const MAX_URL_BYTES: usize = 2_048;
const LOWEST_OPEN_PORT: u16 = 1_024;
/// Ports of services that speak no HTTP but may obey what an HTTP request carries.
const DENIED_PORTS: [u16; 8] = [22, 25, 3306, 5432, 6379, 9200, 11211, 27017];
const DENIED_SUFFIXES: [&str; 4] = [".local", ".internal", ".localdomain", ".home.arpa"];

/// A URL that passed the rules; it prints without its path and query, which often carry tokens.
#[derive(Clone, Eq, PartialEq)]
pub struct EndpointUrl(Url);

/// Why a URL cannot be an endpoint.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum UrlRefused {
    /// Longer than 2048 bytes.
    #[error("the URL is longer than 2048 bytes")]
    TooLong,
    /// Not a URL, or one with blanks or control characters.
    #[error("this is not a URL")]
    Malformed,
    /// Another scheme than `https`.
    #[error("the URL must begin with https://")]
    Scheme,
    /// A user name or password.
    #[error("the URL must not contain a user name or password")]
    Userinfo,
    /// A `#fragment`.
    #[error("the URL must not contain a fragment")]
    Fragment,
    /// A port that is neither 443 nor an open one.
    #[error("the port is not allowed: use 443 or one from 1024 upwards")]
    Port,
    /// An IP address in place of a name.
    #[error("the host must be a name, not an IP address")]
    IpLiteral,
    /// A name that cannot be public, or that is ours.
    #[error("the host name is not a public one")]
    Host,
}

impl EndpointUrl {
    /// Returns the URL's text in normal form.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Returns the host in normal form.
    pub fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }

    pub(crate) fn url(&self) -> &Url {
        &self.0
    }

    /// Returns the address when the host is one, since the resolver never sees it then.
    pub(crate) fn ip_literal(&self) -> Option<IpAddr> {
        match self.0.host()? {
            Host::Ipv4(address) => Some(IpAddr::V4(address)),
            Host::Ipv6(address) => Some(IpAddr::V6(address)),
            Host::Domain(_) => None,
        }
    }
}

impl fmt::Debug for EndpointUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "EndpointUrl({}://{}/…)",
            self.0.scheme(),
            self.host()
        )
    }
}

impl AddressPolicy {
    /// Checks the URL of an endpoint; names are looked up only when something is sent.
    pub fn check_url(&self, text: &str) -> Result<EndpointUrl, UrlRefused> {
        if text.len() > MAX_URL_BYTES {
            return Err(UrlRefused::TooLong);
        }
        // The parser would strip these silently, so that what was approved is not what was typed.
        if text.chars().any(|character| {
            character.is_whitespace() || character.is_control() || character == '\\'
        }) {
            return Err(UrlRefused::Malformed);
        }
        // An empty user name is gone once the text is parsed.
        if authority(text).contains('@') {
            return Err(UrlRefused::Userinfo);
        }
        let url = EndpointUrl(Url::parse(text).map_err(|_| UrlRefused::Malformed)?);
        if !matches!(url.0.scheme(), "https" | "http") {
            return Err(UrlRefused::Scheme);
        }
        if url.0.fragment().is_some() {
            return Err(UrlRefused::Fragment);
        }
        let is_local = self.check_host(&url)?;
        if url.0.scheme() == "http" && !is_local {
            return Err(UrlRefused::Scheme);
        }
        check_port(&url.0)?;
        Ok(url)
    }

    /// Refuses hosts that are not public names; tells whether this one is local and explicitly allowed.
    fn check_host(&self, url: &EndpointUrl) -> Result<bool, UrlRefused> {
        if let Some(address) = url.ip_literal() {
            let explicit = self.permits(address) && self.permits_explicitly(address);
            return if explicit {
                Ok(true)
            } else {
                Err(UrlRefused::IpLiteral)
            };
        }
        let host = url.host();
        if host == "localhost" && self.allow_loopback {
            return Ok(true);
        }
        let is_ours = self
            .own_hosts
            .iter()
            .any(|own| own.eq_ignore_ascii_case(host));
        if is_ours || !is_public_name(host) {
            return Err(UrlRefused::Host);
        }
        Ok(false)
    }
}

/// What stands between the slashes and the path, as it was typed.
fn authority(text: &str) -> &str {
    let (_, rest) = text.split_once(':').unwrap_or_default();
    let rest = rest.trim_start_matches('/');
    rest.split(['/', '?', '#']).next().unwrap_or_default()
}

fn is_public_name(host: &str) -> bool {
    let is_reserved = DENIED_SUFFIXES.iter().any(|suffix| host.ends_with(suffix))
        || host.ends_with(".localhost")
        || host == "home.arpa";
    host.contains('.') && !host.split('.').any(str::is_empty) && !is_reserved
}

fn check_port(url: &Url) -> Result<(), UrlRefused> {
    let port = url.port_or_known_default().ok_or(UrlRefused::Port)?;
    let is_open = port == 443 || port >= LOWEST_OPEN_PORT;
    if !is_open || DENIED_PORTS.contains(&port) {
        return Err(UrlRefused::Port);
    }
    Ok(())
}
