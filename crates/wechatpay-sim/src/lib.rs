//! A WeChat Pay that runs on your machine: as strict as the real one, and obedient where the real one is not.
//!
//! It plays WeChat's part of partner mode: V3 payments, refunds, certificates, the security echo, mini-program login, a
//! cashier page, notifications with WeChat's retry steps. Orders are paid, time moves and things go wrong by the control
//! API under `/_sim/`, or by the methods of [`SimHandle`] that do the same.
//!
//! It imports `wechatpay` and nothing else of this workspace: the platform never knows whether it talks to the real
//! WeChat. Keys and state are test material; nothing here protects real money.
//!
//! Reading order: [`Simulator::start`], `v3_routes` (what is answered), `transactions` and `refunds` (the rules),
//! `ledger` (what is believed), `notifier` (who is told), `faults` (what goes wrong).

mod answers;
mod authentication;
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
use poem::{EndpointExt, Route, Server, get, listener::TcpAcceptor, post};
use tokio::{net::TcpListener, sync::oneshot};

pub use clock::{BaseClock, system_clock};
pub use control::{
    ChangeProvider, ControlError, NewApp, NewCode, NewOpenid, NewProvider, NewSubMerchant,
    OpenidOf, ProviderKeys, RefundResult, SettleRefund, SubMerchantView,
};
pub use faults::{Fault, FaultKind, SeededFaults};
pub use handle::{LocalAnswer, LocalRequest, SimHandle};
pub use ledger::{
    Attempt, AttemptKind, LedgerFilter, LedgerView, Notification, NotificationState, Order,
    Payment, Prepay, Refund, RefundStatus, Subject, TradeState,
};
pub use notifier::{Letter, Postman, RETRY_STEPS_MS};
pub use providers::KeyMode;
pub use transactions::PayOrder;

use crate::{
    clock::Clock, connections::CuttableAcceptor, core::Core, ledger::Journal, ledger::Ledger,
};

/// How a simulator is started.
#[derive(Clone)]
pub struct SimConfig {
    /// Where it listens; port 0 picks a free one.
    pub listen: SocketAddr,
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
        let core = Arc::new(Core::new(clock, ledger, config.postman)?);
        for (due_ms, index) in core.ledger().pending_notifications() {
            core.schedule.add(due_ms, index);
        }
        let listener = TcpListener::bind(config.listen)
            .await
            .with_context(|| format!("listening on {}", config.listen))?;
        let address = listener.local_addr().context("reading the bound address")?;
        let acceptor = CuttableAcceptor::new(
            TcpAcceptor::from_tokio(listener).context("preparing the listener")?,
            core.connections.clone(),
        );
        let (stop, stopped) = oneshot::channel::<()>();
        let routes = routes().data(Arc::clone(&core));
        let server = tokio::spawn(async move {
            let until_stopped = async {
                // A dropped handle stops the simulator as well as a shutdown does.
                let _ = stopped.await;
            };
            let served = Server::new_with_acceptor(acceptor)
                .name("wechatpay-sim")
                .run_with_graceful_shutdown(routes, until_stopped, Some(DRAIN))
                .await;
            if let Err(error) = served {
                tracing::error!(%error, "the simulator stopped serving");
            }
        });
        let notifier = config
            .auto_deliver
            .then(|| tokio::spawn(notifier::run(Arc::clone(&core))));
        Ok(SimHandle::new(core, address, stop, server, notifier))
    }
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
