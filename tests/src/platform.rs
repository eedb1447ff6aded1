//! One platform with everything around it, for one test.

use std::net::SocketAddr;
use std::sync::Arc;

use serde_json::{Value, json};
use tributary_domain::clock::{Clock, ManualClock, SharedClock, Timestamp};
use tributary_domain::ids::ProviderId;
use tributary_operations::Limits;
use tributary_server::config::Timeouts;
use tributary_server::platform::{Platform, PlatformConfig};
use tributary_server::{commands, simulated};
use tributary_storage::tenancy;
use tributary_vault::Kek;
use wechatpay_sim::{
    KeyMode, LedgerFilter, NewProvider, Order, PayOrder, ProviderKeys, SimConfig, SimHandle,
    Simulator,
};

use crate::tenant::Under;
use crate::wechat_hand::Signed;
use crate::{Answer, Backend, TestDatabase, TestTenant, WeChatHand, WebhookReceiver, logs};

/// Where every test's clock starts: an instant like any other.
const START: Timestamp = Timestamp::from_seconds(1_790_000_000);
/// More rounds than any chain of cause and effect needs; beyond it, something wakes itself for ever.
const SETTLE_ROUNDS_MAX: usize = 200;

/// A platform, its WeChat Pay, its database, a tenant and the tenant's server.
pub struct TestPlatform {
    /// The clock of both sides; it moves only by hand.
    pub clock: Arc<ManualClock>,
    /// The simulated WeChat Pay.
    pub simulator: SimHandle,
    /// The platform.
    pub platform: Platform,
    /// The tenants' server.
    pub receiver: WebhookReceiver,
    /// A tenant.
    pub tenant: TestTenant,
    /// The provider's keys as the simulator made them.
    pub keys: ProviderKeys,
    /// The provider here.
    pub provider: ProviderId,
    /// Lets WeChat say anything.
    pub hand: WeChatHand,
    /// The database.
    pub database: TestDatabase,
}

/// What is unlike in a platform for tests of faults.
#[derive(Clone, Debug, Default)]
pub struct Setup {
    /// Where the simulator is WeChat's backup host, too.
    pub backup_listen: Option<SocketAddr>,
    /// How long things may take, where a test waits for their end.
    pub timeouts: Option<Timeouts>,
    /// How much may be asked, where a test asks too much.
    pub limits: Option<Limits>,
}

/// Runs a scenario on a fresh platform, then checks that nothing was forgotten.
pub fn run_on(backend: Backend, scenario: impl AsyncFnOnce(&TestPlatform)) {
    run_with(
        async || TestDatabase::create(backend).await,
        &Setup::default(),
        scenario,
    );
}

/// The same on any database and with a setup.
pub fn run_with(
    database: impl AsyncFnOnce() -> TestDatabase,
    setup: &Setup,
    scenario: impl AsyncFnOnce(&TestPlatform),
) {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    run_within(runtime.worker_threads(2), database, setup, scenario);
}

/// Runs a scenario on the test's own thread alone, so that what a rehearsal breaks on it is broken for the platform.
pub fn run_on_one_thread(backend: Backend, scenario: impl AsyncFnOnce(&TestPlatform)) {
    run_within(
        &mut tokio::runtime::Builder::new_current_thread(),
        async || TestDatabase::create(backend).await,
        &Setup::default(),
        scenario,
    );
}

fn run_within(
    runtime: &mut tokio::runtime::Builder,
    database: impl AsyncFnOnce() -> TestDatabase,
    setup: &Setup,
    scenario: impl AsyncFnOnce(&TestPlatform),
) {
    let runtime = runtime.enable_all().build().expect("a runtime");
    // The test is the operator of its platform; what it asks over HTTP is done for whom it asks as.
    runtime.block_on(tenancy::platform(async {
        let platform = TestPlatform::spawn_with(database().await, setup).await;
        scenario(&platform).await;
        platform.finish().await;
    }));
}

impl TestPlatform {
    /// Starts everything.
    pub async fn spawn(backend: Backend) -> Self {
        Self::spawn_with(TestDatabase::create(backend).await, &Setup::default()).await
    }

    /// The same on a migrated database and with a setup.
    pub async fn spawn_with(database: TestDatabase, setup: &Setup) -> Self {
        commands::install_tls();
        logs::capture();
        let clock = ManualClock::starting_at(START);
        let simulator = start_simulator(&clock, setup).await;
        let platform = build(&database.url, &clock, setup).await;
        let wish = NewProvider {
            key_mode: Some(KeyMode::PublicKey),
            ..NewProvider::default()
        };
        let keys = simulator.provider(wish).await.expect("a provider");
        let (main, backup) = (simulator.base_url(), simulator.backup_url());
        let operations = platform.operations();
        let provider = simulated::adopt_provider_with_backup(operations, &keys, &main, backup)
            .await
            .expect("the platform takes the provider");
        let hand = WeChatHand::plant(&database.url, &provider, &keys).await;
        let under = Under {
            provider: &provider,
            sp_mchid: &keys.sp_mchid,
        };
        let tenant = TestTenant::create(
            platform.operations(),
            &simulator,
            under,
            &platform.api_url(),
        )
        .await;
        Self {
            clock,
            simulator,
            platform,
            receiver: WebhookReceiver::start().await,
            tenant,
            keys,
            provider,
            hand,
            database,
        }
    }

    /// A further tenant under the same provider.
    pub async fn another_tenant(&self) -> TestTenant {
        let under = Under {
            provider: &self.provider,
            sp_mchid: &self.keys.sp_mchid,
        };
        let operations = self.platform.operations();
        TestTenant::create(operations, &self.simulator, under, &self.platform.api_url()).await
    }

    /// The present instant.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Moves both sides' time forward, then lets everything happen that is due.
    pub async fn advance_seconds(&self, seconds: i64) {
        self.clock.advance_millis(seconds * 1000);
        self.settle().await;
    }

    /// Lets everything happen that is due: notifications, polls, deliveries, until nothing is.
    pub async fn settle(&self) {
        for _ in 0..SETTLE_ROUNDS_MAX {
            let notified = self.simulator.run_due().await;
            let worked = self
                .platform
                .run_until_idle()
                .await
                .expect("background work succeeds");
            if notified == 0 && worked == 0 {
                return;
            }
        }
        panic!("background work never came to rest");
    }

    /// Registers the tenant's hook for events, and answers the endpoint with its secret.
    pub async fn register(&self, tenant: &TestTenant, hook: &str, events: &[&str]) -> Value {
        let body = json!({"url": self.receiver.url(hook), "events": events});
        let endpoint = tenant.api.create_endpoint(&body).await.ok();
        self.settle().await;
        endpoint
    }

    /// Places an order of the tenant and answers it with its pay parameters.
    pub async fn order(&self, total: i64) -> Value {
        self.tenant
            .api
            .place_order(&self.tenant.order(total))
            .await
            .placed()
    }

    /// Lets the user pay at WeChat; nobody has been notified yet.
    pub fn pay(&self, order: &Value) {
        self.pay_as(order, &PayOrder::default());
    }

    /// The same with wishes of one's own.
    pub fn pay_as(&self, order: &Value, wish: &PayOrder) {
        self.simulator
            .pay(number(order), wish)
            .expect("the simulator takes the payment");
    }

    /// The order as the tenant sees it now.
    pub async fn seen(&self, order: &Value) -> Value {
        let id = order["id"].as_str().expect("an order has an id");
        self.tenant.api.order(id).await.ok()
    }

    /// What WeChat believes about an order.
    pub fn at_wechat(&self, order: &Value) -> Order {
        let filter = LedgerFilter {
            out_trade_no: Some(number(order).to_owned()),
            ..LedgerFilter::default()
        };
        let mut orders = self.simulator.ledger_of(&filter).orders;
        assert_eq!(orders.len(), 1, "one order of this number at WeChat");
        orders.remove(0)
    }

    /// The refund as the tenant sees it now.
    pub async fn refund_seen(&self, refund: &Value) -> Value {
        let id = refund["id"].as_str().expect("a refund has an id");
        self.tenant.api.refund(id).await.ok()
    }

    /// A paid order, notified and told.
    pub async fn paid_order(&self, total: i64) -> Value {
        let order = self.order(total).await;
        self.pay(&order);
        self.settle().await;
        let paid = self.seen(&order).await;
        assert_eq!(paid["state"], "paid");
        paid
    }

    /// The types of the tenant's events about an order or a refund, in the order of the feed.
    pub async fn told(&self, order: &Value) -> Vec<String> {
        // Events are numbered in the background.
        self.settle().await;
        let feed = self.feed(&self.tenant).await;
        feed.iter()
            .filter(|event| event["subject"]["id"] == order["id"])
            .map(|event| event["type"].as_str().expect("a type").to_owned())
            .collect()
    }

    /// The tenant's whole feed.
    pub async fn feed(&self, tenant: &TestTenant) -> Vec<Value> {
        let mut events = Vec::new();
        let mut after = String::new();
        loop {
            let page = tenant.api.events(&format!("limit=100{after}")).await.ok();
            let items = page["data"].as_array().expect("a page has data").clone();
            if items.is_empty() {
                return events;
            }
            events.extend(items);
            let cursor = page["next_cursor"]
                .as_str()
                .expect("a page of the feed has a cursor");
            after = format!("&after={cursor}");
        }
    }

    /// Sends a notification to the platform as WeChat does, with any headers and body.
    pub async fn notify(&self, (headers, body): Signed) -> Answer {
        let path = self.notify_path().await;
        let api = crate::Api::new(&self.platform.api_url(), None);
        let mut all = vec![("content-type", "application/json")];
        all.extend(
            headers
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str())),
        );
        api.send(reqwest::Method::POST, &path, &all, Some(body))
            .await
    }

    /// Sends what WeChat would send to say `plain`, under the notification's id.
    pub async fn say(&self, id: &str, plain: &Value) -> Answer {
        self.notify(self.hand.notification(id, plain, self.now()))
            .await
    }

    async fn notify_path(&self) -> String {
        let providers = self
            .platform
            .operations()
            .list_providers()
            .await
            .expect("providers");
        let provider = providers
            .iter()
            .find(|one| one.id == self.provider)
            .expect("our provider");
        format!("/wechat/notify/{}/transaction", provider.route_token)
    }

    /// Stops everything, and fails when something was forgotten on the way.
    pub async fn finish(self) {
        self.settle().await;
        self.assert_nothing_forgotten().await;
        self.platform.shutdown().await.expect("an orderly stop");
        self.simulator.shutdown().await;
        self.database.remove().await;
    }

    /// Every event is numbered, every open delivery stands in a queue, every open order will be looked at again.
    async fn assert_nothing_forgotten(&self) {
        for (what, sql) in FORGOTTEN {
            assert_eq!(self.database.count(sql).await, 0, "{what}");
        }
    }
}

/// What must not exist once everything due has happened, and how to count it.
pub(crate) const FORGOTTEN: &[(&str, &str)] = &[
    (
        "events without a number",
        "SELECT COUNT(*) FROM events WHERE feed_seq IS NULL",
    ),
    (
        "open deliveries that stand in no queue",
        "SELECT COUNT(*) FROM deliveries d WHERE d.state = 'open' AND NOT EXISTS \
         (SELECT 1 FROM delivery_queue q WHERE q.delivery_id = d.id)",
    ),
    (
        "queue rows of deliveries that are finished",
        "SELECT COUNT(*) FROM delivery_queue q WHERE NOT EXISTS \
         (SELECT 1 FROM deliveries d WHERE d.id = q.delivery_id AND d.state IN ('open', 'held'))",
    ),
    (
        "queue rows that somebody still holds",
        "SELECT COUNT(*) FROM delivery_queue WHERE lease_owner IS NOT NULL",
    ),
    (
        "open orders that nobody will look at again",
        "SELECT COUNT(*) FROM orders WHERE next_poll_at IS NULL \
         AND state IN ('created', 'paying', 'unknown', 'closing')",
    ),
    (
        // A closed one is looked at once more, ten minutes later.
        "settled orders that are still looked at",
        "SELECT COUNT(*) FROM orders WHERE next_poll_at IS NOT NULL \
         AND state NOT IN ('created', 'paying', 'unknown', 'closing', 'closed')",
    ),
    (
        "open refunds that nobody will look at again",
        "SELECT COUNT(*) FROM refunds WHERE next_try_at IS NULL AND state NOT IN ('success', 'closed')",
    ),
    (
        "ended refunds that are still looked at",
        "SELECT COUNT(*) FROM refunds WHERE next_try_at IS NOT NULL AND state IN ('success', 'closed')",
    ),
    (
        "orders whose sums are not those of their refunds",
        "SELECT COUNT(*) FROM orders o WHERE o.refunded_fen <> COALESCE((SELECT SUM(r.refund_fen) FROM refunds r \
         WHERE r.order_id = o.id AND r.late_payment_id IS NULL AND r.state = 'success'), 0) \
         OR o.refunding_fen <> COALESCE((SELECT SUM(r.refund_fen) FROM refunds r \
         WHERE r.order_id = o.id AND r.late_payment_id IS NULL AND r.state NOT IN ('success', 'closed')), 0)",
    ),
    (
        "orders that gave back more than they got",
        "SELECT COUNT(*) FROM orders WHERE refunding_fen + refunded_fen > paid_fen",
    ),
    (
        "late payments on their way back by no refund",
        "SELECT COUNT(*) FROM late_payments l WHERE l.state = 'refunding' AND NOT EXISTS \
         (SELECT 1 FROM refunds r WHERE r.id = l.refund_id AND r.state NOT IN ('success', 'closed'))",
    ),
    (
        "notifications that wait without a time",
        "SELECT COUNT(*) FROM notifications WHERE next_try_at IS NULL \
         AND state NOT IN ('applied', 'quarantined')",
    ),
];

/// The key-encryption key of every test.
pub fn kek() -> Kek {
    Kek::new("kek_of_the_tests", [7; 32])
}

/// The number of an order at WeChat.
pub fn number(order: &Value) -> &str {
    order["out_trade_no"]
        .as_str()
        .expect("an order has an out_trade_no")
}

async fn start_simulator(clock: &Arc<ManualClock>, setup: &Setup) -> SimHandle {
    let clock = Arc::clone(clock);
    Simulator::start(SimConfig {
        clock_ms: Arc::new(move || clock.now().as_millis()),
        auto_deliver: false,
        backup_listen: setup.backup_listen,
        ..SimConfig::default()
    })
    .await
    .expect("the simulator starts")
}

async fn build(url: &str, clock: &Arc<ManualClock>, setup: &Setup) -> Platform {
    let clock: SharedClock = Arc::clone(clock) as SharedClock;
    let mut config = PlatformConfig::testing(url.to_owned(), kek(), clock);
    if let Some(timeouts) = &setup.timeouts {
        config.timeouts = timeouts.clone();
    }
    if let Some(limits) = &setup.limits {
        config.limits = limits.clone();
    }
    Platform::build(config).await.expect("the platform starts")
}
