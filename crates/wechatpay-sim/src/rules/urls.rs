//! What WeChat asks of a `notify_url`.

use serde_json::Value;
use url::{Host, Url};

use crate::refusal::Refusal;

/// Refuses addresses that are not absolute https without query and fragment.
///
/// Plain http is for loopback hosts only, which no real WeChat could reach; without it nothing could be tested on one machine.
pub(crate) fn check_notify_url(address: &str) -> Result<(), Refusal> {
    let refuse = |issue: &str| Err(Refusal::body("/notify_url", &Value::from(address), issue));
    let Ok(url) = Url::parse(address) else {
        return refuse("不是合法的URL");
    };
    if url.query().is_some() || url.fragment().is_some() || address.contains(['?', '#']) {
        return refuse("不允许携带查询串或锚点");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return refuse("不允许携带用户信息");
    }
    match url.scheme() {
        "https" if url.host().is_some() => Ok(()),
        "http" if is_loopback(&url) => Ok(()),
        _ => refuse("必须为https地址"),
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::check_notify_url;

    #[test]
    fn https_anywhere_and_http_on_loopback_are_accepted() {
        for address in [
            "https://a.example/x",
            "http://127.0.0.1:8080/n",
            "http://[::1]/n",
            "http://localhost/n",
        ] {
            assert!(check_notify_url(address).is_ok(), "{address}");
        }
    }

    #[test]
    fn query_fragment_userinfo_and_plain_http_are_refused() {
        for address in [
            "http://a.example/x",
            "https://a.example/x?y=1",
            "https://a.example/x?",
            "https://a.example/x#y",
            "https://me@a.example/",
            "ftp://127.0.0.1/",
            "/relative",
        ] {
            assert!(check_notify_url(address).is_err(), "{address}");
        }
    }
}
