//! `tributary doctor`: whether this installation can do its work, one line per check.

use std::time::Duration;

use anyhow::{Context, bail};
use tributary_domain::clock::{Clock, SystemClock, Timestamp};
use tributary_domain::merchant::Provider;
use tributary_operations::Operations;
use tributary_storage::Storage;

use crate::config::Config;
use crate::console;
use crate::platform;

const UPSTREAM_TIMEOUT: Duration = Duration::from_secs(10);
/// WeChat refuses what is five minutes off; half a minute is a clock that nobody sets.
const SKEW_MS_MAX: i64 = 30_000;

/// Prints what was found, and answers whether all of it was good.
pub async fn run(config: &Config) -> bool {
    let mut report = Report { healthy: true };
    let Some(operations) = local_checks(config, &mut report).await else {
        return false;
    };
    match operations.list_providers().await {
        Ok(providers) => {
            for provider in providers {
                let keys = operations.check_provider(&provider.id).await;
                let name = format!("keys of provider {}", provider.sp_mchid);
                report.note(
                    &name,
                    keys.map(|()| "open and parse".to_owned())
                        .map_err(Into::into),
                );
                let name = format!("the way to {}", provider.api_url);
                report.note(&name, reach(&provider).await);
            }
        }
        Err(error) => report.note("providers", Err(error.into())),
    }
    report.healthy
}

async fn local_checks(config: &Config, report: &mut Report) -> Option<Operations> {
    report.note(
        "configuration",
        config
            .validate()
            .map(|()| "usable".into())
            .map_err(Into::into),
    );
    let url = config.database.url.expose();
    let storage = match Storage::connect(url, config.database.pool).await {
        Ok(storage) => storage,
        Err(error) => {
            report.note("database", Err(error.into()));
            return None;
        }
    };
    report.note(
        "database",
        Ok(format!("reachable, {:?}", storage.dialect())),
    );
    let migrated = match storage.is_migrated().await {
        Ok(true) => Ok("up to date".to_owned()),
        Ok(false) => Err(anyhow::anyhow!("not up to date: run `tributary migrate`")),
        Err(error) => Err(error.into()),
    };
    let is_migrated = migrated.is_ok();
    report.note("schema", migrated);
    if is_migrated {
        let hole = storage.hole_in_wall().await;
        let wall = hole
            .map_err(anyhow::Error::from)
            .and_then(|hole| match hole {
                None => Ok("stands where the database has one".to_owned()),
                Some(hole) => Err(anyhow::anyhow!(hole)),
            });
        report.note("wall between tenants", wall);
    }
    let operations = match platform::operations_over(config, storage) {
        Ok(operations) => operations,
        Err(error) => {
            report.note("key-encryption key", Err(error));
            return None;
        }
    };
    if !is_migrated {
        return None;
    }
    let opened = operations.check_vault().await;
    report.note(
        "key-encryption key",
        opened
            .map(|()| "opens what is sealed".to_owned())
            .map_err(Into::into),
    );
    Some(operations)
}

/// Asks the provider's host for anything; its answer carries its clock.
async fn reach(provider: &Provider) -> anyhow::Result<String> {
    let client = reqwest::Client::builder()
        .timeout(UPSTREAM_TIMEOUT)
        .no_proxy()
        .build()?;
    let answer = client
        .get(&provider.api_url)
        .send()
        .await
        .context("no answer")?;
    let now = SystemClock.now();
    let Some(date) = answer
        .headers()
        .get("date")
        .and_then(|date| date.to_str().ok())
    else {
        return Ok("open; the host tells no time".to_owned());
    };
    let theirs = jiff::fmt::rfc2822::parse(date).context("the host's Date header")?;
    let theirs = Timestamp::from_millis(theirs.timestamp().as_millisecond());
    let skew_ms = now.millis_since(theirs);
    // The header has whole seconds, so up to one second is rounding.
    if skew_ms.abs() > SKEW_MS_MAX {
        bail!("this machine's clock is {} s off: set it", skew_ms / 1000);
    }
    Ok("open, and the clocks agree".to_owned())
}

struct Report {
    healthy: bool,
}

impl Report {
    fn note(&mut self, what: &str, result: anyhow::Result<String>) {
        match result {
            Ok(found) => console::say(format!("ok      {what}: {found}")),
            Err(error) => {
                self.healthy = false;
                let text = console::chain(&error).replace('\n', " ");
                console::say(format!("not ok  {what}: {text}"));
            }
        }
    }
}
