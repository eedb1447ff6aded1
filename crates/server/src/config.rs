//! The configuration of `serve`: the embedded defaults, then a file, then the environment, then flags. Every fault is
//! reported at once, with the source that it came from.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Deserializer};
use tributary_domain::credential::NetworkList;
use tributary_webhooks::{AddressPolicy, Network};

mod layers;
mod limits;
mod redacted;
#[cfg(test)]
mod tests;
mod validate;

pub use validate::HOW_TO_MAKE_A_KEY;

pub use layers::Sources;
pub use limits::LimitSettings;
pub use redacted::Secret;

/// The commented defaults; every setting stands in them.
pub const DEFAULTS: &str = include_str!("config/default.toml");

/// Everything that an installation may decide.
#[derive(Clone, Debug, Deserialize)]
pub struct Config {
    /// Where the API listens.
    pub listen: SocketAddr,
    /// Where `/metrics` listens alone.
    #[serde(deserialize_with = "unless_empty")]
    pub metrics_listen: Option<SocketAddr>,
    /// The address under which WeChat reaches us.
    pub public_url: String,
    /// Where spans go.
    #[serde(deserialize_with = "unless_empty")]
    pub otlp_endpoint: Option<String>,
    /// The proxies in front of the API.
    pub trusted_proxies: Vec<String>,
    /// The database.
    pub database: Database,
    /// The key-encryption key's source.
    pub kek: KekSource,
    /// What is logged, and how.
    pub log: Log,
    /// What tenants' endpoints may be.
    pub webhooks: Webhooks,
    /// How long things may take.
    pub timeouts: Timeouts,
    /// What is kept of bills.
    pub bills: Bills,
    /// How much may be asked.
    pub limits: LimitSettings,
}

/// What is kept of bills.
#[derive(Clone, Debug, Deserialize)]
pub struct Bills {
    /// For how many days.
    pub kept_days: u32,
}

/// Which database, and how many connections.
#[derive(Clone, Debug, Deserialize)]
pub struct Database {
    /// Its URL; may hold a password.
    pub url: Secret,
    /// The largest number of connections.
    pub pool: u32,
}

/// Where the key-encryption key comes from; the environment's value is not part of any file.
#[derive(Clone, Debug, Deserialize)]
pub struct KekSource {
    /// A file that only its owner may read.
    #[serde(deserialize_with = "unless_empty")]
    pub file: Option<PathBuf>,
    /// A program and its arguments.
    pub command: Vec<String>,
    /// `TRIBUTARY_KEK`.
    #[serde(skip)]
    pub value: Option<Secret>,
    /// A file with a second key, which only opens.
    #[serde(deserialize_with = "unless_empty")]
    pub also_file: Option<PathBuf>,
    /// A program that prints the second key.
    pub also_command: Vec<String>,
    /// `TRIBUTARY_KEK_ALSO`.
    #[serde(skip)]
    pub also_value: Option<Secret>,
}

/// What is logged, and how.
#[derive(Clone, Debug, Deserialize)]
pub struct Log {
    /// For machines or for people.
    pub format: LogFormat,
    /// Which events are written.
    pub filter: String,
}

/// How a log line looks.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// Coloured text.
    Pretty,
}

/// What tenants' endpoints may be.
#[derive(Clone, Debug, Deserialize)]
pub struct Webhooks {
    /// Permits loopback addresses.
    pub allow_loopback: bool,
    /// Networks that are permitted although they are not public.
    pub allowed_networks: Vec<String>,
    /// Networks that are refused although they are public.
    pub denied_networks: Vec<String>,
    /// Our own host names.
    pub own_hosts: Vec<String>,
    /// The addresses that webhooks come from.
    pub source_addresses: Vec<String>,
}

/// How long things may take, in milliseconds.
#[derive(Clone, Debug, Deserialize)]
pub struct Timeouts {
    /// One attempt of a webhook.
    pub webhook_ms: u64,
    /// Connecting to WeChat.
    pub wechat_connect_ms: u64,
    /// One call to WeChat.
    pub wechat_total_ms: u64,
    /// A graceful stop.
    pub shutdown_ms: u64,
}

/// Every fault of a configuration, one line each.
#[derive(Debug, thiserror::Error)]
#[error("the configuration is not usable:\n  {}", .0.join("\n  "))]
pub struct ConfigFaults(pub Vec<String>);

impl Config {
    /// Reads the layers in their order and collects what does not fit.
    pub fn load(sources: &Sources) -> Result<Self, ConfigFaults> {
        let table = layers::merge(sources)?;
        let mut config: Self = toml::Value::Table(table)
            .try_into()
            .map_err(|error: toml::de::Error| ConfigFaults(vec![error.message().to_owned()]))?;
        config.kek.value = sources.kek();
        config.kek.also_value = sources.kek_also();
        Ok(config)
    }

    /// Checks what types alone cannot, and reports every fault at once.
    pub fn validate(&self) -> Result<(), ConfigFaults> {
        let faults = validate::faults(self);
        if faults.is_empty() {
            Ok(())
        } else {
            Err(ConfigFaults(faults))
        }
    }

    /// The whole configuration as a file would state it, without what is secret.
    pub fn to_redacted_toml(&self) -> String {
        redacted::render(self)
    }

    /// What the address guard of the webhook sender may let through.
    pub fn address_policy(&self) -> AddressPolicy {
        AddressPolicy {
            allow_loopback: self.webhooks.allow_loopback,
            allowed: networks(&self.webhooks.allowed_networks),
            denied: networks(&self.webhooks.denied_networks),
            own_hosts: self.own_hosts(),
        }
    }

    /// The proxies whose word on where a call comes from is taken; what is none was reported before.
    pub fn trusted_proxies(&self) -> NetworkList {
        NetworkList::parse(&self.trusted_proxies).unwrap_or_default()
    }

    /// Where webhooks come from, as tenants are told.
    pub fn source_addresses(&self) -> Vec<Network> {
        networks(&self.webhooks.source_addresses)
    }

    /// The host that WeChat reaches us under is ours, whether or not somebody listed it.
    fn own_hosts(&self) -> Vec<String> {
        let public = reqwest::Url::parse(&self.public_url).ok();
        let public = public.and_then(|url| url.host_str().map(str::to_owned));
        let listed = self.webhooks.own_hosts.iter().cloned();
        listed.chain(public).collect()
    }
}

impl Sources {
    /// The sources of a process: its file, its environment, its flags.
    pub fn of_process(file: Option<&Path>, flags: BTreeMap<String, String>) -> Self {
        Self {
            file: file.map(Path::to_owned),
            environment: std::env::vars().collect(),
            flags,
        }
    }
}

/// What is not a network was reported when the configuration was checked.
fn networks(texts: &[String]) -> Vec<Network> {
    texts.iter().filter_map(|text| text.parse().ok()).collect()
}

/// Reads an empty text as "not set".
fn unless_empty<'de, D, T>(from: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: std::str::FromStr,
    T::Err: std::fmt::Display,
{
    let text = String::deserialize(from)?;
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(serde::de::Error::custom)
}
