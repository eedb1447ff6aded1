//! Puts the parts together: the same way for `serve`, for `dev` and for every test.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use poem::{EndpointExt, Response, Route, get, handler};
use tokio::task::JoinHandle;
use tributary_domain::clock::{SharedClock, SystemClock, Timestamp};
use tributary_domain::credential::NetworkList;
use tributary_http::{Figures, HttpOptions, REQUESTS_AT_ONCE};
use tributary_operations::staff::PasswordCost;
use tributary_operations::{Environment, Limits, Operations, OperationsConfig};
use tributary_storage::Storage;
use tributary_vault::{EnvironmentValue, Kek, KeyCommand, KeyFile, KeySource, Vault};
use tributary_webhooks::{AddressPolicy, Network, Sender, SenderConfig};
use tributary_worker::Worker;
use wechatpay::client::{Transport, TransportConfig};

use crate::admin_ui;
use crate::config::{Config, HOW_TO_MAKE_A_KEY, KekSource, Secret, Timeouts};
use crate::listener::{BRIEF_DRAIN, Bound};
use crate::shutdown::{self, Shutdown};
use crate::telemetry;

/// Connections that a demo or a test needs at most.
const SMALL_POOL: u32 = 8;
const HOW_TO_MAKE_A_ROLE: &str = "run `tributary migrate`, and connect as a role of its own, made by \
    CREATE ROLE tributary LOGIN PASSWORD '…'; ALTER DATABASE … OWNER TO tributary;";
const DEFAULT_TIMEOUTS: Timeouts = Timeouts {
    webhook_ms: 15_000,
    wechat_connect_ms: 3_000,
    wechat_total_ms: 10_000,
    shutdown_ms: 25_000,
};

/// What to do about the schema at start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Schema {
    /// Bring it up to date.
    Migrate,
    /// Refuse to start on an old one: several nodes must not migrate at once, nor by surprise.
    Require,
}

/// Who does the clock's work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Background {
    /// The platform, all the time.
    Running,
    /// Whoever calls [`Platform::run_until_idle`].
    ByHand,
}

/// What a platform is built from.
pub struct PlatformConfig {
    /// Where the API listens; port 0 picks a free one.
    pub listen: SocketAddr,
    /// Where `/metrics` listens alone.
    pub metrics_listen: Option<SocketAddr>,
    /// The database.
    pub database_url: String,
    /// The largest number of connections to it.
    pub database_pool: u32,
    /// Where WeChat reaches us; absent means the address that the API listens on.
    pub public_url: Option<String>,
    /// Wraps the data keys.
    pub kek: Kek,
    /// Opens data keys as well, and wraps none.
    pub kek_also: Option<Kek>,
    /// Hands out the time.
    pub clock: SharedClock,
    /// What leases go by when it is not the database's own clock; only where one process has the database to itself.
    pub lease_clock: Option<SharedClock>,
    /// The proxies in front of the API.
    pub trusted_proxies: NetworkList,
    /// Where webhooks may go.
    pub addresses: AddressPolicy,
    /// Where webhooks come from, as tenants are told.
    pub source_addresses: Vec<Network>,
    /// How long things may take.
    pub timeouts: Timeouts,
    /// What to do about the schema.
    pub schema: Schema,
    /// Who does the clock's work.
    pub background: Background,
    /// How long bills are kept, in days.
    pub bills_kept_days: u32,
    /// What a password of staff costs to try.
    pub password_cost: PasswordCost,
    /// What staff are told this installation is for.
    pub environment: Environment,
    /// What tenants may ask of us, and we of WeChat.
    pub limits: Limits,
    /// Requests that are served at the same time.
    pub requests_at_once: usize,
}

impl PlatformConfig {
    /// For production: everything as configured, nothing by itself.
    pub fn serving(config: &Config, clock: SharedClock) -> anyhow::Result<Self> {
        Ok(Self {
            listen: config.listen,
            metrics_listen: config.metrics_listen,
            database_url: config.database.url.expose().to_owned(),
            database_pool: config.database.pool,
            public_url: Some(config.public_url.clone()),
            kek: key_encryption_key(&config.kek)?,
            kek_also: second_key_encryption_key(&config.kek)?,
            clock,
            lease_clock: None,
            trusted_proxies: config.trusted_proxies(),
            addresses: config.address_policy(),
            source_addresses: config.source_addresses(),
            timeouts: config.timeouts.clone(),
            schema: Schema::Require,
            background: Background::Running,
            bills_kept_days: config.bills.kept_days,
            password_cost: PasswordCost::STRONG,
            environment: Environment::Production,
            limits: config.limits.to_limits(),
            requests_at_once: config.limits.requests_at_once,
        })
    }

    /// For one machine: loopback only, webhooks to loopback allowed, the schema made on the way.
    pub fn developing(database_url: String, kek: Kek, clock: SharedClock) -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            metrics_listen: None,
            database_url,
            database_pool: SMALL_POOL,
            public_url: None,
            kek,
            kek_also: None,
            lease_clock: Some(Arc::clone(&clock)),
            clock,
            trusted_proxies: NetworkList::default(),
            addresses: AddressPolicy {
                allow_loopback: true,
                ..AddressPolicy::default()
            },
            source_addresses: Vec::new(),
            timeouts: DEFAULT_TIMEOUTS,
            schema: Schema::Migrate,
            background: Background::Running,
            bills_kept_days: tributary_operations::BILLS_KEPT_DAYS,
            password_cost: PasswordCost::STRONG,
            environment: Environment::Development,
            limits: Limits::developing(),
            requests_at_once: REQUESTS_AT_ONCE,
        }
    }

    /// For a test: like [`Self::developing`], but nothing happens in the background unless asked.
    pub fn testing(database_url: String, kek: Kek, clock: SharedClock) -> Self {
        Self {
            background: Background::ByHand,
            password_cost: PasswordCost::CHEAP_FOR_TESTS,
            limits: Limits::unlimited(),
            ..Self::developing(database_url, kek, clock)
        }
    }
}

/// A running platform.
#[derive(Debug)]
pub struct Platform {
    operations: Operations,
    storage: Storage,
    worker: Worker,
    api_url: String,
    stop: Shutdown,
    tasks: Vec<JoinHandle<anyhow::Result<()>>>,
    drain: Duration,
}

impl Platform {
    /// Binds, connects, checks, and serves.
    pub async fn build(config: PlatformConfig) -> anyhow::Result<Self> {
        let bound = Bound::to(config.listen).await?;
        Self::build_on(bound, config).await
    }

    /// The same on a port that was bound before.
    pub async fn build_on(api: Bound, config: PlatformConfig) -> anyhow::Result<Self> {
        let figures = match config.metrics_listen {
            Some(address) => Some(Bound::to(address).await?),
            None => None,
        };
        let storage = open_storage(&config).await?;
        let drain = Duration::from_millis(config.timeouts.shutdown_ms);
        let background = config.background;
        let api_url = api.url();
        let options = HttpOptions {
            trusted_proxies: config.trusted_proxies.clone(),
            requests_at_once: config.requests_at_once,
            figures: Some(counted(config.clock.now())?),
            ..HttpOptions::default()
        };
        let operations = assemble(config, storage.clone(), &api_url)?;
        operations
            .check_vault()
            .await
            .context("the key-encryption key does not open this database's data keys")?;
        let stop = Shutdown::default();
        let worker = Worker::new(operations.clone());
        let mut tasks = vec![tokio::spawn(serve_api(
            api,
            (operations.clone(), options),
            figures.is_none(),
            (stop.clone(), drain),
        ))];
        if let Some(bound) = figures {
            tasks.push(tokio::spawn(serve_figures(bound, stop.clone())));
        }
        if background == Background::Running {
            tasks.push(tokio::spawn(work(worker.clone(), stop.clone())));
        }
        Ok(Self {
            operations,
            storage,
            worker,
            api_url,
            stop,
            tasks,
            drain,
        })
    }

    /// What the platform can do, for provisioning.
    pub fn operations(&self) -> &Operations {
        &self.operations
    }

    /// The address of the API, as seen from this machine.
    pub fn api_url(&self) -> String {
        self.api_url.clone()
    }

    /// Does everything that is due now, and answers how much that was.
    pub async fn run_until_idle(&self) -> anyhow::Result<usize> {
        Ok(self.worker.run_until_idle().await?)
    }

    /// Waits for a signal to stop; fails when a part of the platform ends before.
    pub async fn until_signalled(&mut self) -> anyhow::Result<()> {
        tokio::select! {
            signalled = shutdown::signalled() => signalled.context("waiting for signals"),
            error = first_to_end(&mut self.tasks) => {
                let cause = format!("{error:#}");
                tracing::error!(cause, "a part of the platform ended by itself; stopping");
                Err(error)
            }
        }
    }

    /// Stops accepting, finishes requests and deliveries under way within the bound, closes the database.
    pub async fn shutdown(self) -> anyhow::Result<()> {
        self.stop.trigger();
        let drained = async {
            for task in self.tasks {
                task.await.context("a part of the platform panicked")??;
            }
            anyhow::Ok(())
        };
        if let Ok(result) = tokio::time::timeout(self.drain, drained).await {
            result?;
        } else {
            tracing::warn!("not everything was finished in time; it will be taken up again");
        }
        if let Err(error) = self.operations.write_upstream_calls().await {
            let error = &error as &dyn std::error::Error;
            tracing::error!(error, "the last calls to WeChat were not recorded");
        }
        if let Err(error) = self.operations.write_credential_uses().await {
            let error = &error as &dyn std::error::Error;
            tracing::error!(error, "the last uses of credentials were not recorded");
        }
        self.storage.close().await?;
        Ok(())
    }
}

/// Waits until a task ends although nobody asked it to, and takes it out.
async fn first_to_end(tasks: &mut Vec<JoinHandle<anyhow::Result<()>>>) -> anyhow::Error {
    let (index, ended) = poll_fn(|context| {
        let mut handles = tasks.iter_mut().enumerate();
        let ended = handles.find_map(|(index, task)| match Pin::new(task).poll(context) {
            Poll::Ready(ended) => Some((index, ended)),
            Poll::Pending => None,
        });
        ended.map_or(Poll::Pending, Poll::Ready)
    })
    .await;
    drop(tasks.swap_remove(index));
    match ended {
        Ok(Ok(())) => anyhow!("a part of the platform ended although nobody asked it to"),
        Ok(Err(error)) => error.context("a part of the platform ended by itself"),
        Err(error) => anyhow::Error::new(error).context("a part of the platform panicked"),
    }
}

/// Operations alone, for commands that serve nothing.
pub fn operations_over(config: &Config, storage: Storage) -> anyhow::Result<Operations> {
    let config = PlatformConfig::serving(config, Arc::new(SystemClock))?;
    assemble(config, storage, "")
}

fn assemble(config: PlatformConfig, storage: Storage, api_url: &str) -> anyhow::Result<Operations> {
    let transport = Transport::new(&TransportConfig {
        connect_timeout_ms: config.timeouts.wechat_connect_ms,
        timeout_ms: config.timeouts.wechat_total_ms,
        ..TransportConfig::default()
    })
    .context("setting up the client for WeChat")?;
    let sender = Sender::new(SenderConfig {
        total_timeout_ms: config.timeouts.webhook_ms,
        policy: config.addresses,
        source_addresses: config.source_addresses,
        ..SenderConfig::default()
    })?;
    let vault = Vault::open(config.kek);
    Ok(Operations::new(OperationsConfig {
        clock: config.clock,
        storage,
        vault: match config.kek_also {
            Some(kek) => vault.also_opening(kek),
            None => vault,
        },
        transport,
        sender,
        public_url: config.public_url.unwrap_or_else(|| api_url.to_owned()),
        bills_kept_days: config.bills_kept_days,
        password_cost: config.password_cost,
        environment: config.environment,
        limits: config.limits,
    }))
}

async fn open_storage(config: &PlatformConfig) -> anyhow::Result<Storage> {
    make_sqlite_folder(&config.database_url)?;
    let mut storage = Storage::connect(&config.database_url, config.database_pool).await?;
    if let Some(clock) = &config.lease_clock {
        storage = storage.with_lease_clock(Arc::clone(clock));
    }
    match config.schema {
        Schema::Migrate => storage.migrate().await?,
        Schema::Require if !storage.is_migrated().await? => {
            bail!("the database's schema is not up to date: run `tributary migrate`");
        }
        Schema::Require => {}
    }
    if let Some(hole) = storage.hole_in_wall().await? {
        bail!("PostgreSQL does not keep tenants apart, because {hole}: {HOW_TO_MAKE_A_ROLE}");
    }
    Ok(storage)
}

/// SQLite makes its file, but not the folder around it.
pub(crate) fn make_sqlite_folder(url: &str) -> anyhow::Result<()> {
    let Some(rest) = url.strip_prefix("sqlite:") else {
        return Ok(());
    };
    let path = rest.trim_start_matches("//");
    let path = path.split_once('?').map_or(path, |(path, _)| path);
    match Path::new(path).parent() {
        Some(folder) if !folder.as_os_str().is_empty() => std::fs::create_dir_all(folder)
            .with_context(|| format!("creating the folder {}", folder.display())),
        _ => Ok(()),
    }
}

fn key_encryption_key(source: &KekSource) -> anyhow::Result<Kek> {
    let kek = read_kek(
        source.value.as_ref(),
        source.file.as_deref(),
        &source.command,
    )?;
    kek.context(HOW_TO_MAKE_A_KEY)
}

fn second_key_encryption_key(source: &KekSource) -> anyhow::Result<Option<Kek>> {
    let file = source.also_file.as_deref();
    read_kek(source.also_value.as_ref(), file, &source.also_command)
}

fn read_kek(
    value: Option<&Secret>,
    file: Option<&Path>,
    command: &[String],
) -> anyhow::Result<Option<Kek>> {
    let kek = if let Some(value) = value {
        EnvironmentValue::new(value.expose().to_owned()).kek()
    } else if let Some(path) = file {
        KeyFile::new(path).kek()
    } else if let [program, arguments @ ..] = command {
        KeyCommand::new(program, arguments).kek()
    } else {
        return Ok(None);
    };
    Ok(Some(kek?))
}

async fn serve_api(
    bound: Bound,
    (operations, options): (Operations, HttpOptions),
    with_figures: bool,
    (stop, drain): (Shutdown, Duration),
) -> anyhow::Result<()> {
    let mut beside = admin_ui::pages();
    if with_figures {
        let figures = get(show_figures).data(telemetry::figures()?);
        beside.push(("/metrics", figures.boxed()));
    }
    let routes = tributary_http::routes(operations, &options, beside);
    bound.serve("API", routes, &stop, drain).await
}

/// What the process counts, for the people who look at its state.
fn counted(started_at: Timestamp) -> anyhow::Result<Figures> {
    let figures = telemetry::figures()?;
    let read = move || {
        figures.run_upkeep();
        figures.render()
    };
    Ok(Figures::new(read, started_at))
}

async fn serve_figures(bound: Bound, stop: Shutdown) -> anyhow::Result<()> {
    let routes = Route::new().at("/metrics", get(show_figures).data(telemetry::figures()?));
    bound.serve("figures", routes, &stop, BRIEF_DRAIN).await
}

async fn work(worker: Worker, stop: Shutdown) -> anyhow::Result<()> {
    Ok(worker.run(stop.requested()).await?)
}

#[handler]
fn show_figures(
    poem::web::Data(figures): poem::web::Data<&metrics_exporter_prometheus::PrometheusHandle>,
) -> Response {
    figures.run_upkeep();
    Response::builder()
        .content_type("text/plain; version=0.0.4")
        .body(figures.render())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_part_that_ends_by_itself_is_noticed_whatever_its_end() {
        let running = || tokio::spawn(std::future::pending());
        let panicking = async || -> anyhow::Result<()> { panic!("on purpose") };
        let ends = [
            (tokio::spawn(async { Ok(()) }), "nobody asked"),
            (tokio::spawn(async { Err(anyhow!("broken")) }), "broken"),
            (tokio::spawn(panicking()), "panicked"),
        ];
        for (ending, said) in ends {
            let mut tasks = vec![running(), ending, running()];
            let error = first_to_end(&mut tasks).await;
            assert!(format!("{error:#}").contains(said), "{error:#}");
            assert_eq!(tasks.len(), 2);
        }
    }
}
