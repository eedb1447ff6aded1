//! Settings that hold secrets, and the configuration as it may be shown.

use std::fmt;
use std::path::PathBuf;

use serde::Deserialize;
use zeroize::Zeroizing;

use super::{Config, LogFormat};

/// A setting that may hold a password or a key; it prints as `***` and is wiped when dropped.
#[derive(Clone, Deserialize)]
#[serde(from = "String")]
pub struct Secret(Zeroizing<String>);

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(Zeroizing::new(text))
    }
}

impl Secret {
    /// Takes a text.
    pub fn new(text: &str) -> Self {
        Self::from(text.to_owned())
    }

    /// The text, for the one who needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// A URL without its password and its query, which may hold one too.
    fn as_url_without_password(&self) -> String {
        let shown = self.0.split_once('?').map_or(self.expose(), |(url, _)| url);
        let Some((scheme, rest)) = shown.split_once("://") else {
            return "***".to_owned();
        };
        match rest.rsplit_once('@') {
            None => shown.to_owned(),
            Some((account, host)) => {
                let user = account.split_once(':').map_or(account, |(user, _)| user);
                format!("{scheme}://{user}:***@{host}")
            }
        }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

pub(super) fn render(config: &Config) -> String {
    let text = |value: &str| toml::Value::from(value).to_string();
    let list = |values: &[String]| toml::Value::from(values.to_vec()).to_string();
    let metrics = config.metrics_listen.map(|at| at.to_string());
    let path = |path: &Option<PathBuf>| {
        let shown = path.as_ref().map(|path| path.display().to_string());
        text(&shown.unwrap_or_default())
    };
    // Arguments of a key command may be tokens.
    let program = |command: &[String]| list(command.get(..1).unwrap_or_default());
    let format = match config.log.format {
        LogFormat::Json => "json",
        LogFormat::Pretty => "pretty",
    };
    let mut lines = vec![
        format!("listen = {}", text(&config.listen.to_string())),
        format!("metrics_listen = {}", text(&metrics.unwrap_or_default())),
        format!("public_url = {}", text(&config.public_url)),
        format!(
            "otlp_endpoint = {}",
            text(config.otlp_endpoint.as_deref().unwrap_or_default())
        ),
        format!("trusted_proxies = {}", list(&config.trusted_proxies)),
        "\n[database]".to_owned(),
        format!(
            "url = {}",
            text(&config.database.url.as_url_without_password())
        ),
        format!("pool = {}", config.database.pool),
        "\n[kek]".to_owned(),
    ];
    if config.kek.value.is_some() {
        lines.push("# TRIBUTARY_KEK is set".to_owned());
    }
    if config.kek.also_value.is_some() {
        lines.push("# TRIBUTARY_KEK_ALSO is set".to_owned());
    }
    lines.extend([
        format!("file = {}", path(&config.kek.file)),
        format!("command = {}", program(&config.kek.command)),
        format!("also_file = {}", path(&config.kek.also_file)),
        format!("also_command = {}", program(&config.kek.also_command)),
        "\n[log]".to_owned(),
        format!("format = {}", text(format)),
        format!("filter = {}", text(&config.log.filter)),
        "\n[webhooks]".to_owned(),
        format!("allow_loopback = {}", config.webhooks.allow_loopback),
        format!(
            "allowed_networks = {}",
            list(&config.webhooks.allowed_networks)
        ),
        format!(
            "denied_networks = {}",
            list(&config.webhooks.denied_networks)
        ),
        format!("own_hosts = {}", list(&config.webhooks.own_hosts)),
        format!(
            "source_addresses = {}",
            list(&config.webhooks.source_addresses)
        ),
        "\n[timeouts]".to_owned(),
        format!("webhook_ms = {}", config.timeouts.webhook_ms),
        format!("wechat_connect_ms = {}", config.timeouts.wechat_connect_ms),
        format!("wechat_total_ms = {}", config.timeouts.wechat_total_ms),
        format!("shutdown_ms = {}", config.timeouts.shutdown_ms),
        format!("\n[bills]\nkept_days = {}", config.bills.kept_days),
        config.limits.render(),
    ]);
    lines.join("\n") + "\n"
}
