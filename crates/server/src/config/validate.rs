//! What a usable configuration must satisfy beyond its types.

use std::net::IpAddr;

use tributary_domain::credential::NetworkList;
use tributary_webhooks::Network;

use super::{Config, KekSource};

/// How to make a key, in one line.
pub const HOW_TO_MAKE_A_KEY: &str = "no key-encryption key: set TRIBUTARY_KEK or kek.file; make one with: \
     (umask 077; head -c 32 /dev/urandom | base64 > tributary.kek)";

/// A claim ends after sixty seconds: a longer attempt would be made again beside the first.
const WEBHOOK_MS_MAX: u64 = 30_000;
/// WeChat gives the bills of three months; what is kept shorter could be fetched twice.
const BILLS_KEPT_DAYS_MIN: u32 = 93;

pub(super) fn faults(config: &Config) -> Vec<String> {
    let mut faults = Vec::new();
    faults.extend(public_url_fault(&config.public_url));
    if tributary_storage::Dialect::of_url(config.database.url.expose()).is_none() {
        faults.push("database.url must begin with sqlite: or postgres:".to_owned());
    }
    if config.database.pool == 0 {
        faults.push("database.pool must be at least 1".to_owned());
    }
    faults.extend(kek_fault(&config.kek));
    faults.extend(second_kek_fault(&config.kek));
    if config
        .log
        .filter
        .parse::<tracing_subscriber::filter::Targets>()
        .is_err()
        && tracing_subscriber::EnvFilter::try_new(&config.log.filter).is_err()
    {
        faults.push("log.filter is not a filter such as `info,tributary_worker=debug`".to_owned());
    }
    if let Some(endpoint) = &config.otlp_endpoint
        && reqwest::Url::parse(endpoint).is_err()
    {
        faults.push("otlp_endpoint is not a URL".to_owned());
    }
    if let Err(error) = NetworkList::parse(&config.trusted_proxies) {
        faults.push(format!("trusted_proxies: {error}"));
    }
    let webhooks = &config.webhooks;
    for (name, networks) in [
        ("allowed_networks", &webhooks.allowed_networks),
        ("denied_networks", &webhooks.denied_networks),
        ("source_addresses", &webhooks.source_addresses),
    ] {
        for text in networks
            .iter()
            .filter(|text| text.parse::<Network>().is_err())
        {
            faults.push(format!(
                "webhooks.{name}: {text:?} is not a network such as 10.1.0.0/16"
            ));
        }
    }
    if config.bills.kept_days < BILLS_KEPT_DAYS_MIN {
        faults.push(format!(
            "bills.kept_days must be at least {BILLS_KEPT_DAYS_MIN}"
        ));
    }
    faults.extend(timeout_faults(config));
    faults.extend(config.limits.faults());
    faults
}

fn timeout_faults(config: &Config) -> Vec<String> {
    let timeouts = &config.timeouts;
    [
        ("webhook_ms", timeouts.webhook_ms, WEBHOOK_MS_MAX),
        ("wechat_connect_ms", timeouts.wechat_connect_ms, 300_000),
        ("wechat_total_ms", timeouts.wechat_total_ms, 300_000),
        ("shutdown_ms", timeouts.shutdown_ms, 300_000),
    ]
    .into_iter()
    .filter(|(_, ms, max)| !(1..=*max).contains(ms))
    .map(|(name, _, max)| format!("timeouts.{name} must lie between 1 and {max}"))
    .collect()
}

fn public_url_fault(text: &str) -> Option<String> {
    if text.is_empty() {
        return Some(
            "public_url is not set: the https address under which WeChat reaches us".into(),
        );
    }
    let Ok(url) = reqwest::Url::parse(text) else {
        return Some("public_url is not a URL".to_owned());
    };
    let wrong = if url.query().is_some() || url.fragment().is_some() || url.cannot_be_a_base() {
        "public_url must have neither query nor fragment: WeChat forbids them in notify_url"
    } else if url.scheme() == "https" || (url.scheme() == "http" && is_loopback(&url)) {
        return None;
    } else {
        "public_url must begin with https:// unless it is a loopback address"
    };
    Some(wrong.to_owned())
}

fn is_loopback(url: &reqwest::Url) -> bool {
    url.host_str().is_some_and(|host| {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        host == "localhost" || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
    })
}

fn kek_fault(kek: &KekSource) -> Option<String> {
    let sources = [
        kek.value.is_some(),
        kek.file.is_some(),
        !kek.command.is_empty(),
    ];
    match sources.into_iter().filter(|set| *set).count() {
        0 => Some(HOW_TO_MAKE_A_KEY.to_owned()),
        1 => None,
        _ => Some("the key-encryption key has more than one source: keep one of TRIBUTARY_KEK, kek.file, kek.command".into()),
    }
}

fn second_kek_fault(kek: &KekSource) -> Option<String> {
    let sources = [
        kek.also_value.is_some(),
        kek.also_file.is_some(),
        !kek.also_command.is_empty(),
    ];
    (sources.into_iter().filter(|set| *set).count() > 1).then(|| {
        "the second key-encryption key has more than one source: keep one of TRIBUTARY_KEK_ALSO, kek.also_file, \
         kek.also_command"
            .to_owned()
    })
}
