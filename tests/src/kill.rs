//! Kills the real server, or makes other trouble, again and again while tenants order, close and refund and users pay;
//! then compares what is left with what WeChat believes. The simulated WeChat Pay and the tenant's receiver live in this
//! process and survive.

#[cfg(debug_assertions)]
pub mod crash;
pub mod keys;
mod load;
#[cfg(debug_assertions)]
mod long_work;
mod server;
mod verdict;

use std::sync::Arc;
use std::time::{Duration, Instant};

use rand::RngExt as _;
use serde_json::json;
use tributary_domain::clock::SystemClock;
use tributary_domain::ids::ProviderId;
use tributary_operations::{Operations, OperationsConfig};
use tributary_server::{commands, simulated};
use tributary_storage::{Storage, tenancy};
use tributary_vault::{EnvironmentValue, KeySource, Vault};
use tributary_webhooks::{Sender, SenderConfig};
use wechatpay::client::{Transport, TransportConfig};
use wechatpay_sim::{
    KeyMode, NewProvider, RefundPolicy, RefundResult, SimConfig, SimHandle, Simulator,
};

use crate::tenant::Under;
use crate::{Backend, TestDatabase, TestTenant, WebhookReceiver};

pub use server::{Server, binary};
pub use verdict::Verdict;

use load::Load;

/// How long the server lives before it is killed: from before its first answer to well into the load.
const LIFE_MS: std::ops::Range<u64> = 20..600;
/// Everything must have come to its end by then: a lock of a dead request lasts a minute, and so does a first poll.
const SETTLE_LIMIT: Duration = Duration::from_mins(5);
/// How long WeChat takes to bring an accepted refund to its end.
const REFUND_TAKES_MS: u32 = 200;
const HOOK: &str = "hook";

/// What a run shall do.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// How often the server is killed.
    pub cycles: usize,
    /// On which database.
    pub backend: Backend,
}

impl Plan {
    /// Reads `--cycles 50 --database sqlite|postgres` from the command line; nothing when it says something else.
    pub fn of_arguments(usual_cycles: usize) -> Option<Self> {
        let mut plan = Self {
            cycles: usual_cycles,
            backend: Backend::Sqlite,
        };
        let mut arguments = std::env::args().skip(1);
        while let Some(name) = arguments.next() {
            let value = arguments.next()?;
            match (name.as_str(), value.as_str()) {
                ("--cycles", count) => plan.cycles = count.parse().ok()?,
                ("--database", "sqlite") => plan.backend = Backend::Sqlite,
                ("--database", "postgres") => plan.backend = Backend::Postgres,
                _ => return None,
            }
        }
        Some(plan)
    }
}

/// Everything that survives a kill.
pub struct World {
    /// The simulated WeChat Pay, with a backup host.
    pub simulator: SimHandle,
    /// The tenant's server.
    pub receiver: WebhookReceiver,
    /// The database.
    pub database: TestDatabase,
    /// The tenant.
    pub tenant: TestTenant,
    provider: ProviderId,
    secret: String,
}

impl World {
    async fn end(self) {
        self.simulator.shutdown().await;
        self.database.remove().await;
    }
}

/// Runs the plan and answers what was found.
pub async fn run(plan: Plan) -> Verdict {
    let database = TestDatabase::create(plan.backend).await;
    let verdict = under_load(database, async |server: &mut Server, _: &World| {
        for kill in 1..=plan.cycles {
            let life = rand::rng().random_range(LIFE_MS);
            tokio::time::sleep(Duration::from_millis(life)).await;
            server.kill().await;
            server.start();
            // Every second server is let live until it serves; the others die while they start.
            if kill % 2 == 0 {
                server.ready().await;
            }
        }
    });
    Verdict {
        kills: plan.cycles,
        ..verdict.await
    }
}

/// Makes trouble while there is load, lets everything come to its end, and answers what was found.
pub async fn under_load(
    database: TestDatabase,
    trouble: impl AsyncFnOnce(&mut Server, &World),
) -> Verdict {
    commands::install_tls();
    let mut server = Server::new();
    let prepared = tenancy::platform(Box::pin(prepare(database, &mut server))).await;
    let world = Arc::new(prepared);
    let load = Load::start(&world);
    trouble(&mut server, &world).await;
    let over = Instant::now();
    server.ready().await;
    let asked = load.finish(&world, SETTLE_LIMIT).await;
    let verdict = verdict::settle_and_judge(&world, &asked, SETTLE_LIMIT).await;
    let verdict = Verdict {
        recovered_in: over.elapsed(),
        peak_kib: server.peak_kib(),
        ..verdict
    };
    server.kill().await;
    let world = Arc::into_inner(world).expect("nobody else holds the world any more");
    world.end().await;
    verdict
}

async fn prepare(database: TestDatabase, server: &mut Server) -> World {
    let simulator = Simulator::start(SimConfig {
        backup_listen: Some(([127, 0, 0, 1], 0).into()),
        ..SimConfig::default()
    })
    .await
    .expect("the simulator starts");
    let receiver = WebhookReceiver::start().await;
    let operations = operations_over(&database.url, &server.kek, &server.url()).await;
    let wish = NewProvider {
        key_mode: Some(KeyMode::PublicKey),
        refund_policy: Some(RefundPolicy {
            result: RefundResult::Success,
            after_ms: REFUND_TAKES_MS,
        }),
        ..NewProvider::default()
    };
    let keys = simulator.provider(wish).await.expect("a provider");
    let (main, backup) = (simulator.base_url(), simulator.backup_url());
    let provider = simulated::adopt_provider_with_backup(&operations, &keys, &main, backup)
        .await
        .expect("the platform takes the provider");
    let under = Under {
        provider: &provider,
        sp_mchid: &keys.sp_mchid,
    };
    let tenant = TestTenant::create(&operations, &simulator, under, &server.url()).await;
    server.serve(&database.url);
    server.start();
    server.ready().await;
    let body = json!({"url": receiver.url(HOOK), "events": ["order.*", "refund.*"]});
    let endpoint = tenant.api.create_endpoint(&body).await.ok();
    let secret = endpoint["secret"]
        .as_str()
        .expect("the secret is shown once")
        .to_owned();
    World {
        simulator,
        receiver,
        database,
        tenant,
        provider,
        secret,
    }
}

/// What provisions the database before the first server starts.
async fn operations_over(url: &str, kek: &str, public_url: &str) -> Operations {
    let kek = EnvironmentValue::new(kek.to_owned()).kek().expect("a key");
    Operations::new(OperationsConfig {
        clock: Arc::new(SystemClock),
        storage: Storage::connect(url, 2)
            .await
            .expect("the database answers"),
        vault: Vault::open(kek),
        transport: Transport::new(&TransportConfig::default()).expect("a client"),
        sender: Sender::new(SenderConfig::default()).expect("a sender"),
        public_url: public_url.to_owned(),
        bills_kept_days: tributary_operations::BILLS_KEPT_DAYS,
        password_cost: tributary_operations::staff::PasswordCost::CHEAP_FOR_TESTS,
        environment: tributary_operations::Environment::Development,
        limits: tributary_operations::Limits::unlimited(),
    })
}
