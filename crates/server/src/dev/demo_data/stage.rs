//! Where the past is played: a platform and its WeChat Pay under one clock that only moves when it is told to.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, bail};
use tributary_domain::bill::BillDay;
use tributary_domain::clock::{Clock, ManualClock, SharedClock, Timestamp};
use tributary_domain::ids::ProviderId;
use tributary_domain::refund_content::RefundRequest;
use tributary_operations::idempotency::{Idempotency, fingerprint};
use tributary_operations::orders::view::OrderView;
use tributary_operations::reconciliation::Outcome;
use tributary_operations::refunds::view::RefundView;
use tributary_operations::{Limits, OperationError, Operations};
use tributary_vault::{KeyFile, KeySource};
use wechatpay_sim::{Letter, PayOrder, Postman, SimConfig, SimHandle, Simulator};

use super::super::facts::DataDir;
use super::cast::{Branch, Goods, Shop};
use crate::platform::{Background, Platform, PlatformConfig};

/// Where the simulator's draws begin.
const SEED: u64 = 20_260_101;
/// More rounds than any chain of cause and effect needs.
const SETTLE_ROUNDS_MAX: usize = 200;
pub(super) const MINUTE_MS: i64 = 60_000;

/// Where everything will be once the listeners are open, as stored rows must name it.
pub(in crate::dev) struct Places {
    /// The API.
    pub(in crate::dev) api: String,
    /// The demo's receiver.
    pub(in crate::dev) receiver: String,
    /// The simulated WeChat Pay.
    pub(in crate::dev) sim_listen: SocketAddr,
    /// The same as WeChat's backup host.
    pub(in crate::dev) sim_backup_listen: Option<SocketAddr>,
}

/// What was made.
pub(super) struct Made {
    pub(super) orders: u32,
    pub(super) refunds: u32,
}

/// Platform, WeChat Pay and time.
pub(super) struct Stage {
    clock: Arc<ManualClock>,
    pub(super) simulator: SimHandle,
    platform: Platform,
    made: Made,
}

impl Stage {
    /// Starts everything at an instant of the past.
    pub(super) async fn open(
        folder: &DataDir,
        places: &Places,
        from: Timestamp,
    ) -> anyhow::Result<Self> {
        let clock = ManualClock::starting_at(from);
        let platform = build_platform(folder, places, &clock).await?;
        let simulator = start_simulator(folder, places, &clock, platform.api_url()).await?;
        let made = Made {
            orders: 0,
            refunds: 0,
        };
        Ok(Self {
            clock,
            simulator,
            platform,
            made,
        })
    }

    /// Stops everything and answers what was made.
    pub(super) async fn close(self) -> anyhow::Result<Made> {
        // The platform first: it holds connections to the simulator.
        self.platform.shutdown().await?;
        self.simulator.shutdown().await;
        Ok(self.made)
    }

    pub(super) fn operations(&self) -> &Operations {
        self.platform.operations()
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Moves time to an instant; what fell due on the way happens with the next [`Self::after`]. Time never goes back.
    pub(super) fn move_to(&self, instant: Timestamp) {
        let ahead_ms = instant.millis_since(self.now());
        self.clock.advance_millis(ahead_ms.max(0));
    }

    /// Lets so much time pass, and everything happen that is due then.
    pub(super) async fn after(&self, ms: i64) -> anyhow::Result<()> {
        self.clock.advance_millis(ms);
        for _ in 0..SETTLE_ROUNDS_MAX {
            let notified = self.simulator.run_due().await;
            let worked = self.platform.run_until_idle().await?;
            if notified == 0 && worked == 0 {
                return Ok(());
            }
        }
        bail!("the past does not come to rest")
    }

    /// Compares a provider's day with its bill, as an operator does by hand.
    pub(super) async fn compare_bill(
        &self,
        provider: &ProviderId,
        day: BillDay,
    ) -> anyhow::Result<()> {
        match self.operations().reconcile(provider, day).await? {
            Outcome::Completed(_) => Ok(()),
            Outcome::Waiting(_) | Outcome::Busy => bail!("the bill of {day} is not to be had"),
        }
    }

    /// Places an order, whatever becomes of it.
    pub(super) async fn try_order(
        &mut self,
        shop: &Shop,
        branch: &Branch,
        goods: Goods,
    ) -> anyhow::Result<Result<OrderView, OperationError>> {
        self.made.orders += 1;
        let number = format!("{}{:05}", shop.prefix, self.made.orders);
        let request = branch.order(&number, goods, self.made.orders)?;
        let once = once(&number, "POST /v1/orders");
        let operations = self.operations();
        // A large future, which everything that is played would hold.
        let placed = Box::pin(operations.place_order(&shop.caller, request, &once)).await;
        Ok(placed.map(|placed| placed.view.order))
    }

    /// Places an order that goes well.
    pub(super) async fn order(
        &mut self,
        shop: &Shop,
        branch: &Branch,
        goods: Goods,
    ) -> anyhow::Result<OrderView> {
        Ok(self.try_order(shop, branch, goods).await??)
    }

    /// The payer pays; WeChat tells when time passes.
    pub(super) fn pay(&self, order: &OrderView) -> anyhow::Result<()> {
        self.pay_as(order, &PayOrder::default())
    }

    /// The same in another way.
    pub(super) fn pay_as(&self, order: &OrderView, wish: &PayOrder) -> anyhow::Result<()> {
        self.simulator.pay(number(order)?, wish)?;
        Ok(())
    }

    /// An order that is placed and paid; WeChat tells when time passes.
    pub(super) async fn paid(
        &mut self,
        shop: &Shop,
        branch: &Branch,
        goods: Goods,
    ) -> anyhow::Result<OrderView> {
        let order = self.order(shop, branch, goods).await?;
        self.pay(&order)?;
        Ok(order)
    }

    /// Asks for a refund of an order, or of a part of it.
    pub(super) async fn refund(
        &mut self,
        shop: &Shop,
        order: &OrderView,
        (fen, reason): (i64, &str),
    ) -> anyhow::Result<RefundView> {
        self.made.refunds += 1;
        let number = format!("{}R{:05}", shop.prefix, self.made.refunds);
        let request = RefundRequest {
            order_id: Some(order.id.to_string()),
            merchant_refund_no: number.clone(),
            refund: fen,
            reason: Some(reason.to_owned()),
            ..RefundRequest::default()
        };
        let once = once(&number, "POST /v1/refunds");
        let made = self
            .operations()
            .create_refund(&shop.caller, request, &once);
        Ok(made.await?.view)
    }
}

/// The number of an order at WeChat.
pub(super) fn number(order: &OrderView) -> anyhow::Result<&str> {
    order
        .out_trade_no
        .as_deref()
        .context("an order at WeChat has a number")
}

/// An idempotency key that is used once.
pub(super) fn once(key: &str, route: &'static str) -> Idempotency {
    Idempotency {
        key: key.to_owned(),
        fingerprint: fingerprint("POST", route, "", key.as_bytes()),
        route,
    }
}

async fn build_platform(
    folder: &DataDir,
    places: &Places,
    clock: &Arc<ManualClock>,
) -> anyhow::Result<Platform> {
    let kek = KeyFile::new(&folder.key_file()?).kek()?;
    let clock: SharedClock = Arc::clone(clock) as SharedClock;
    Platform::build(PlatformConfig {
        public_url: Some(places.api.clone()),
        background: Background::ByHand,
        limits: Limits::unlimited(),
        ..PlatformConfig::developing(folder.database_url(), kek, clock)
    })
    .await
}

async fn start_simulator(
    folder: &DataDir,
    places: &Places,
    clock: &Arc<ManualClock>,
    platform_url: String,
) -> anyhow::Result<SimHandle> {
    let clock = Arc::clone(clock);
    let client = reqwest::Client::builder().no_proxy().build()?;
    Simulator::start(SimConfig {
        listen: places.sim_listen,
        backup_listen: places.sim_backup_listen,
        clock_ms: Arc::new(move || clock.now().as_millis()),
        seed: SEED,
        auto_deliver: false,
        state_file: Some(folder.simulator_state()),
        postman: Some(postman(client, platform_url)),
    })
    .await
    .context("starting the simulated WeChat Pay")
}

/// Takes notifications to where the platform is now instead of where it will be.
fn postman(client: reqwest::Client, platform_url: String) -> Postman {
    Arc::new(move |letter| {
        let (client, platform_url) = (client.clone(), platform_url.clone());
        Box::pin(async move {
            let carried = carry(&client, &platform_url, letter).await;
            carried.map_err(|error| format!("{error:#}"))
        })
    })
}

async fn carry(client: &reqwest::Client, platform: &str, letter: Letter) -> anyhow::Result<u16> {
    let named = reqwest::Url::parse(&letter.notify_url)?;
    let mut url = reqwest::Url::parse(platform)?;
    url.set_path(named.path());
    let mut request = client
        .post(url)
        .header("Content-Type", "application/json")
        .body(letter.body);
    for (name, value) in letter.headers {
        request = request.header(name, value);
    }
    Ok(request.send().await?.status().as_u16())
}
