//! What each command of the binary does, from its arguments to its exit code.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, bail};
use serde_json::Value;
use tributary_domain::clock::SystemClock;
use tributary_operations::Operations;
use tributary_storage::{Storage, tenancy};
use wechatpay_sim::{SimConfig, Simulator};

use crate::cli::{AdminArgs, AuditArgs, Command, ConfigArgs, Document, KeysArgs, SimArgs};
use crate::config::{Config, LogFormat, Sources};
use crate::platform::{self, Platform, PlatformConfig};
use crate::{admin, audit, console, core_dumps, dev, doctor, keys, shutdown, telemetry};

/// Runs a command to its end.
pub fn run(command: Command) -> anyhow::Result<ExitCode> {
    install_tls();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("starting the runtime")?;
    runtime.block_on(tenancy::platform(dispatch(command)))
}

/// Two TLS providers in one binary leave rustls without a choice, so the choice is made here.
pub fn install_tls() {
    // Fails only when a provider was installed before, which is then the one in force.
    drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
}

async fn dispatch(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Serve(args) => serve(&args).await.map(|()| ExitCode::SUCCESS),
        Command::Migrate(args) => migrate(&args).await.map(|()| ExitCode::SUCCESS),
        Command::CheckConfig(args) => check_config(&args).map(|()| ExitCode::SUCCESS),
        Command::Doctor(args) => {
            let healthy = doctor::run(&load(&args)?).await;
            Ok(if healthy {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            })
        }
        Command::Sim(args) => simulate(args).await.map(|()| ExitCode::SUCCESS),
        Command::Dev(args) => Box::pin(dev::run(args)).await.map(|()| ExitCode::SUCCESS),
        Command::Openapi { document } => {
            let text = match document {
                Document::Tenant => tributary_http::tenant_document(),
                Document::Admin => tributary_http::admin_document(),
            };
            console::say(text.trim_end());
            Ok(ExitCode::SUCCESS)
        }
        Command::Admin(args) => Box::pin(administer(args)).await.map(|()| ExitCode::SUCCESS),
        Command::Keys(args) => handle_keys(args).await,
        Command::Audit(args) => check_audit(args).await,
    }
}

fn load(args: &ConfigArgs) -> anyhow::Result<Config> {
    let sources = Sources::of_process(args.config.as_deref(), args.settings());
    Ok(Config::load(&sources)?)
}

fn check_config(args: &ConfigArgs) -> anyhow::Result<()> {
    let config = load(args)?;
    config.validate()?;
    console::say(config.to_redacted_toml().trim_end());
    Ok(())
}

async fn migrate(args: &ConfigArgs) -> anyhow::Result<()> {
    let config = load(args)?;
    let storage = connect(&config).await?;
    storage.migrate().await?;
    storage.close().await?;
    console::say("the schema is up to date");
    Ok(())
}

async fn connect(config: &Config) -> anyhow::Result<Storage> {
    let url = config.database.url.expose();
    platform::make_sqlite_folder(url)?;
    Ok(Storage::connect(url, config.database.pool).await?)
}

async fn serve(args: &ConfigArgs) -> anyhow::Result<()> {
    #[cfg(debug_assertions)]
    crate::rehearsal::arm()?;
    core_dumps::turn_off()?;
    let config = load(args)?;
    config.validate()?;
    let telemetry = telemetry::install(
        config.log.format,
        &config.log.filter,
        config.otlp_endpoint.as_deref(),
    )?;
    let mut platform =
        Platform::build(PlatformConfig::serving(&config, Arc::new(SystemClock))?).await?;
    tracing::info!(url = platform.api_url(), "serving");
    let ended = platform.until_signalled().await;
    let stopped = platform.shutdown().await;
    tracing::info!("stopped");
    telemetry.finish();
    ended.and(stopped)
}

async fn simulate(args: SimArgs) -> anyhow::Result<()> {
    telemetry::install(LogFormat::Pretty, "warn", None)?;
    let simulator = Simulator::start(SimConfig {
        listen: args.listen,
        backup_listen: args.backup_listen,
        seed: args.seed,
        state_file: args.state_file,
        ..SimConfig::default()
    })
    .await?;
    let url = simulator.base_url();
    console::say(format!(
        "simulated WeChat Pay at {url}, controlled under {url}/_sim/"
    ));
    if let Some(url) = simulator.backup_url() {
        console::say(format!("its backup host at {url}"));
    }
    shutdown::signalled().await.context("waiting for signals")?;
    simulator.shutdown().await;
    Ok(())
}

async fn administer(args: AdminArgs) -> anyhow::Result<()> {
    let operations = operations_at_hand(&args.config).await?;
    let result = admin::run(&operations, args.command).await?;
    show(&result, args.json)
}

/// The vault is not checked before: what is wrong with it is what these commands tell.
async fn handle_keys(args: KeysArgs) -> anyhow::Result<ExitCode> {
    let operations = unchecked_operations(&args.config).await?;
    let (result, code) = keys::run(&operations, args.command).await?;
    show(&result, args.json)?;
    Ok(code)
}

async fn check_audit(args: AuditArgs) -> anyhow::Result<ExitCode> {
    let operations = operations_at_hand(&args.config).await?;
    let (result, holds) = audit::run(&operations, args.command).await?;
    show(&result, args.json)?;
    Ok(if holds {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// The operations over the configured database, for one command.
async fn operations_at_hand(args: &ConfigArgs) -> anyhow::Result<Operations> {
    let operations = unchecked_operations(args).await?;
    operations.check_vault().await?;
    Ok(operations)
}

async fn unchecked_operations(args: &ConfigArgs) -> anyhow::Result<Operations> {
    let config = load(args)?;
    let storage = connect(&config).await?;
    if !storage.is_migrated().await? {
        bail!("the database's schema is not up to date: run `tributary migrate`");
    }
    platform::operations_over(&config, storage)
}

fn show(result: &Value, as_json: bool) -> anyhow::Result<()> {
    if as_json {
        console::say(serde_json::to_string_pretty(result)?);
    } else {
        console::say(admin::render(result));
    }
    Ok(())
}
