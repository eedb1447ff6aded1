//! `tributary dev`: the platform, a simulated WeChat Pay and a demo tenant with its webhook receiver, in one process.
//! Nothing here serves production: the keys lie in `dev.json` for everybody who may read the folder.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};

use anyhow::Context;
use tributary_domain::clock::SystemClock;
use tributary_vault::{KeyFile, KeySource};
use tributary_webhooks::Secret;
use wechatpay::credentials::PrivateKey;
use wechatpay_sim::{SimConfig, SimHandle, Simulator};

use crate::cli::DevArgs;
use crate::config::LogFormat;
use crate::listener::{BRIEF_DRAIN, Bound};
use crate::platform::{Platform, PlatformConfig};
use crate::shutdown::Shutdown;
use crate::{console, telemetry};

mod demo;
mod demo_data;
mod facts;
mod owner;
mod page;
mod receiver;
mod welcome;

pub use facts::{DevFacts, OwnerFacts, ProviderFacts};

use demo::Addresses;
use demo_data::Places;
use facts::DataDir;
use receiver::Receiver;

/// Runs until it is asked to stop.
pub async fn run(mut args: DevArgs) -> anyhow::Result<()> {
    let data = DataDir::create(&args.data_dir)?;
    data.take_over_past()?;
    let earlier = data.read_facts()?;
    let api = Bound::to(args.listen).await?;
    choose_ports(&mut args).await?;
    let mut receiver = bind_receiver(earlier.as_ref()).await?;
    if !args.no_demo_data && data.is_fresh() {
        receiver = make_demo_data(&args, &data, &api, receiver).await?;
    }
    // The troubles of the past are no news of this start.
    telemetry::install(LogFormat::Pretty, &args.log_filter, None)?;
    let simulator = Arc::new(start_simulator(&args, &data).await?);
    let at = Addresses {
        api: api.url(),
        simulator: simulator.base_url(),
        backup: simulator.backup_url(),
        receiver: receiver.url(),
    };
    let mut platform = build(api, &data).await?;
    let mut facts = match earlier {
        Some(earlier) => Box::pin(demo::resume(platform.operations(), earlier, &at)).await?,
        None => demo::create(platform.operations(), &simulator, &at).await?,
    };
    if facts.owner.is_none() {
        facts.owner = Some(owner::create(platform.operations()).await?);
    }
    let stop = Shutdown::default();
    let receiving = tokio::spawn(receive(
        receiver,
        facts.clone(),
        Arc::clone(&simulator),
        stop.clone(),
    ));
    data.write_facts(&facts)?;
    console::say(welcome::text(&facts, &shown(&data.facts_file())));
    let ended = platform.until_signalled().await;
    console::say("stopping");
    // The platform first: its deliveries still reach the receiver, its calls still reach WeChat.
    let stopped = platform.shutdown().await;
    stop.trigger();
    receiving.await.context("the demo receiver")??;
    if let Some(simulator) = Arc::into_inner(simulator) {
        simulator.shutdown().await;
    }
    ended.and(stopped)
}

/// Fixes the simulator's ports, which the demo's past names as well.
async fn choose_ports(args: &mut DevArgs) -> anyhow::Result<()> {
    args.sim_listen = free(args.sim_listen).await?;
    if let Some(address) = args.sim_backup_listen {
        args.sim_backup_listen = Some(free(address).await?);
    }
    Ok(())
}

async fn make_demo_data(
    args: &DevArgs,
    data: &DataDir,
    api: &Bound,
    receiver: Bound,
) -> anyhow::Result<Bound> {
    let places = Places {
        api: api.url(),
        receiver: receiver.url(),
        sim_listen: args.sim_listen,
        sim_backup_listen: args.sim_backup_listen,
    };
    let (receiver, made) = Box::pin(demo_data::make(data, &places, receiver)).await?;
    console::say(made);
    Ok(receiver)
}

async fn start_simulator(args: &DevArgs, data: &DataDir) -> anyhow::Result<SimHandle> {
    Simulator::start(SimConfig {
        listen: args.sim_listen,
        backup_listen: args.sim_backup_listen,
        state_file: Some(data.simulator_state()),
        ..SimConfig::default()
    })
    .await
    .context("starting the simulated WeChat Pay")
}

/// Binds and lets go, because a taken port deserves one clear line.
async fn free(address: SocketAddr) -> anyhow::Result<SocketAddr> {
    Ok(Bound::to(address).await?.address)
}

async fn build(api: Bound, data: &DataDir) -> anyhow::Result<Platform> {
    let kek = KeyFile::new(&data.key_file()?).kek()?;
    let config = PlatformConfig::developing(data.database_url(), kek, Arc::new(SystemClock));
    Platform::build_on(api, config).await
}

/// The port of the earlier start, so that its address stays true; another when that one is taken.
async fn bind_receiver(earlier: Option<&DevFacts>) -> anyhow::Result<Bound> {
    let known: Option<SocketAddr> = earlier
        .and_then(|facts| facts.receiver_url.strip_prefix("http://"))
        .and_then(|address| address.parse().ok());
    if let Some(address) = known
        && let Ok(bound) = Bound::to(address).await
    {
        return Ok(bound);
    }
    Bound::to(SocketAddr::from(([127, 0, 0, 1], 0))).await
}

async fn receive(
    bound: Bound,
    facts: DevFacts,
    simulator: Arc<SimHandle>,
    stop: Shutdown,
) -> anyhow::Result<()> {
    let receiver = Receiver {
        secret: Secret::parse(&facts.webhook_secret).context("the webhook secret in dev.json")?,
        merchant_key: PrivateKey::from_pem(&facts.provider.merchant_private_key_pem)
            .context("the provider's key in dev.json")?,
        facts,
        client: reqwest::Client::builder().no_proxy().build()?,
        simulator,
        seen: Mutex::new(VecDeque::new()),
    };
    let routes = receiver::routes(Arc::new(receiver));
    bound
        .serve("demo receiver", routes, &stop, BRIEF_DRAIN)
        .await
}

/// A path as a person here would type it.
fn shown(path: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    path.strip_prefix(&here)
        .unwrap_or(path)
        .display()
        .to_string()
}
