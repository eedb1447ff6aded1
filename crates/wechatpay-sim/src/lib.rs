//! A WeChat Pay that runs on your machine: as strict as the real one, and obedient where the real one is not.
//!
//! It plays WeChat's part of partner mode: V3 payments, refunds, bills, certificates, the security echo, mini-program login, a
//! cashier page, notifications with WeChat's retry steps. Orders are paid, time moves and things go wrong by the control
//! API under `/_sim/`, or by the methods of [`SimHandle`] that do the same.
//!
//! It imports `wechatpay` and nothing else of this workspace: the platform never knows whether it talks to the real
//! WeChat. Keys and state are test material; nothing here protects real money.
//!
//! Reading order: [`Simulator::start`], `v3_routes` (what is answered), `transactions` and `refunds` (the rules),
//! `ledger` (what is believed), `notifier` (who is told), `bills` (what is summed up), `faults` (what goes wrong).

mod answers;
mod authentication;
mod bills;
mod canonical;
mod cashier;
mod clock;
mod connections;
mod control;
mod core;
mod documents;
mod faults;
mod handle;
mod ids;
mod ledger;
mod miniprogram;
mod notifier;
mod providers;
mod refunds;
mod refusal;
mod rules;
mod transactions;
mod v3_routes;

use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use anyhow::Context;
use poem::{EndpointExt, Route, Server, get, post};
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};

pub use bills::{BillFault, BillFaultKind, BillName, BillQuery, RowChange, RowKind};
pub use clock::{BaseClock, system_clock};
pub use control::{
    ChangeProvider, ChangeSubMerchant, ControlError, NewApp, NewCode, NewFundFlow, NewOpenid,
    NewProvider, NewSubMerchant, OpenidOf, ProviderKeys, SettleRefund, SubMerchantRefunds,
    SubMerchantView,
};
pub use faults::{Down, Fault, FaultKind, Host, SeededFaults};
pub use handle::{LocalAnswer, LocalRequest, SimHandle};
pub use ledger::{
    Account, Attempt, AttemptKind, FundFlow, LedgerFilter, LedgerView, Notification,
    NotificationState, Order, OtherWay, Payment, PlannedResult, Prepay, Refund, RefundPolicy,
    RefundResult, RefundStatus, Subject, TradeState,
};
pub use notifier::{Letter, Postman, RETRY_STEPS_MS};
pub use providers::KeyMode;
pub use transactions::{CloseAnswer, PayOnClose, PayOrder};

use crate::{
    clock::Clock,
    connections::{CuttableAcceptor, Door},
    core::Core,
    handle::Serving,
    ledger::{Journal, Ledger},
};

/// How a simulator is started.
#[derive(Clone)]
pub struct SimConfig {
    /// Where it listens; port 0 picks a free one.
    pub listen: SocketAddr,
    /// Where it listens as WeChat's backup host, if it shall.
    pub backup_listen: Option<SocketAddr>,
    /// The base clock in milliseconds; the business clock is this plus what the control API adds.
    pub clock_ms: BaseClock,
    /// Where numbers and draws begin; random by default, so that no two simulators give out the same transaction ids.
    pub seed: u64,
    /// Whether notifications go out by themselves; without, only [`SimHandle::run_due`] sends them.
    pub auto_deliver: bool,
    /// Keeps everything across restarts.
    pub state_file: Option<PathBuf>,
    /// Takes notifications to a receiver in the same process instead of posting them.
    pub postman: Option<Postman>,
}

impl Default for SimConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            backup_listen: None,
            clock_ms: system_clock(),
            seed: rand::random(),
            auto_deliver: true,
            state_file: None,
            postman: None,
        }
    }
}

/// The simulator; see [`Simulator::start`].
pub struct Simulator;

/// Requests under way when the simulator stops get this long.
const DRAIN: Duration = Duration::from_secs(2);

impl Simulator {
    /// Binds, takes over the state of an earlier run, and serves until the handle is shut down or dropped.
    pub async fn start(config: SimConfig) -> anyhow::Result<SimHandle> {
        let clock = Clock::new(Arc::clone(&config.clock_ms));
        let ledger = match &config.state_file {
            Some(path) => {
                let (mut ledger, offset_ms) = ledger::restore(path, config.seed)?;
                clock.set_offset_ms(offset_ms);
                // Codes and numbers of the earlier run must not be drawn again.
                let now_ms = clock.business_ms();
                ledger.ids.stir(u64::try_from(now_ms).unwrap_or_default());
                ledger
            }
            None => Ledger::with_journal(Journal::default(), config.seed),
        };
        let core = Arc::new(Core::new(clock, ledger, config.postman.clone())?);
        for (due_ms, index) in core.ledger().pending_notifications() {
            core.schedule.add(due_ms, index);
        }
        for (due_ms, index) in core.ledger().planned_refunds() {
            core.schedule.add(due_ms, index);
        }
        let serving = serve(&core, &config).await?;
        let notifier = config
            .auto_deliver
            .then(|| tokio::spawn(notifier::run(Arc::clone(&core))));
        Ok(SimHandle::new(core, serving, notifier))
    }
}

/// Opens the main listener, and the backup's when there shall be one.
async fn serve(core: &Arc<Core>, config: &SimConfig) -> anyhow::Result<Serving> {
    let (stop, stopped) = watch::channel(());
    let mut serving = Serving {
        address: config.listen,
        backup_address: None,
        stop,
        servers: Vec::new(),
    };
    let server;
    (serving.address, server) =
        serve_at(core, config.listen, &core.main_door, stopped.clone()).await?;
    serving.servers.push(server);
    if let Some(listen) = config.backup_listen {
        let (address, server) = serve_at(core, listen, &core.backup_door, stopped).await?;
        core.set_backup(address);
        serving.backup_address = Some(address);
        serving.servers.push(server);
    }
    Ok(serving)
}

async fn serve_at(
    core: &Arc<Core>,
    listen: SocketAddr,
    door: &Door,
    mut stopped: watch::Receiver<()>,
) -> anyhow::Result<(SocketAddr, JoinHandle<()>)> {
    let listener = TcpListener::bind(listen)
        .await
        .with_context(|| format!("listening on {listen}"))?;
    let address = listener.local_addr().context("reading the bound address")?;
    let acceptor = CuttableAcceptor::new(listener, door, core.connections.clone())
        .context("preparing the listener")?;
    let routes = routes().data(Arc::clone(core));
    let server = tokio::spawn(async move {
        let until_stopped = async move {
            // Nothing is ever sent: the sender is dropped, by a shutdown or with the handle.
            let _ = stopped.changed().await;
        };
        let served = Server::new_with_acceptor(acceptor)
            .name("wechatpay-sim")
            .run_with_graceful_shutdown(routes, until_stopped, Some(DRAIN))
            .await;
        if let Err(error) = served {
            tracing::error!(%error, "the simulator stopped serving");
        }
    });
    Ok((address, server))
}

fn routes() -> Route {
    Route::new()
        .at("/v3/*", v3_routes::receive)
        .at("/sns/jscode2session", get(miniprogram::jscode2session))
        .at("/cashier/:prepay_id", get(cashier::show))
        .at("/cashier/:prepay_id/pay", post(cashier::pay))
        .at("/cashier/:prepay_id/cancel", post(cashier::cancel))
        .nest("/_sim", control::routes())
}
