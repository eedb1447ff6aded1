//! Operations and a worker on a fresh database with a clock that stands still, and tenants to use them.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use tempfile::TempDir;
use tributary_domain::clock::{Clock as _, ManualClock, Timestamp};
use tributary_domain::event::{EventType, NewEvent, Subject};
use tributary_domain::ids::{DeliveryId, EndpointId, EventId};
use tributary_domain::staff::Actor;
use tributary_domain::tenant::{Mode, Scope};
use tributary_operations::courier::{Courier, Load, Wish};
use tributary_operations::credentials::{ApiKeyWish, Caller};
use tributary_operations::deliveries::{DeliveryDetail, DeliveryFilter, DeliveryView};
use tributary_operations::endpoints::{EndpointPatch, NewEndpoint};
use tributary_operations::{Operations, OperationsConfig};
use tributary_storage::{Storage, outbox};
use tributary_vault::{Kek, Vault};
use tributary_webhooks::{AddressPolicy, Sender, SenderConfig};
use tributary_worker::Worker;
use wechatpay::client::{Transport, TransportConfig};

static COUNTER: AtomicU32 = AtomicU32::new(0);
pub(crate) const START: Timestamp = Timestamp::from_millis(1_800_000_000_000);

pub(crate) struct World {
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) storage: Storage,
    pub(crate) operations: Operations,
    pub(crate) worker: Worker,
    by_database_clock: Storage,
    _folder: Option<TempDir>,
}

impl World {
    pub(crate) async fn on_sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("test.db").display());
        Self::open(&url, Some(folder)).await
    }

    /// Makes a world on PostgreSQL, or nothing, and says so, when there is no server.
    pub(crate) async fn on_postgres() -> Option<Self> {
        let Some(server) = server_url() else {
            println!("NOT RUN on PostgreSQL: TRIBUTARY_TEST_POSTGRES is not set");
            return None;
        };
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        let name = format!("delivery_{}_{number}", std::process::id());
        let created = tokio::process::Command::new("psql")
            .args([&server, "-qc", &format!("CREATE DATABASE {name}")])
            .status();
        assert!(created.await.unwrap().success());
        let (base, _) = server.rsplit_once('/').unwrap();
        Some(Self::open(&format!("{base}/{name}"), None).await)
    }

    /// A node on the same database whose own clock is wrong by so much; its leases go by the database's clock.
    pub(crate) fn node(&self, wrong_by_ms: i64) -> Operations {
        let clock = ManualClock::starting_at(self.clock.now().plus_millis(wrong_by_ms));
        operations(clock, self.by_database_clock.clone())
    }

    async fn open(url: &str, folder: Option<TempDir>) -> Self {
        let clock = ManualClock::starting_at(START);
        let by_database_clock = Storage::connect(url, 8).await.unwrap();
        let storage = by_database_clock.clone().with_lease_clock(clock.clone());
        storage.migrate().await.unwrap();
        let operations = operations(clock.clone(), storage.clone());
        Self {
            clock,
            storage,
            by_database_clock,
            worker: Worker::new(operations.clone()),
            operations,
            _folder: folder,
        }
    }

    /// Makes a tenant with a key that may do everything.
    pub(crate) async fn tenant(&self, name: &str) -> Caller {
        let tenant = self
            .operations
            .create_tenant(&Actor::system("test"), name)
            .await
            .unwrap();
        let scopes = Scope::ALL.to_vec();
        let key = self
            .operations
            .create_api_key(
                &Actor::system("test"),
                &tenant.id,
                ApiKeyWish::new(Mode::Test, "all", scopes),
            )
            .await
            .unwrap();
        self.operations
            .authenticate(key.secret.reveal(), None)
            .await
            .unwrap()
    }

    /// Makes an endpoint for every type and lets its first ping go out.
    pub(crate) async fn endpoint(&self, caller: &Caller, url: &str) -> (EndpointId, String) {
        let new = NewEndpoint {
            url: url.to_owned(),
            description: "shop".to_owned(),
            filters: vec!["*".to_owned()],
            ..NewEndpoint::default()
        };
        let made = self.operations.create_endpoint(caller, new).await;
        let (view, secret) = made.unwrap();
        self.settle().await;
        (view.id.parse().unwrap(), secret.text().to_owned())
    }

    /// Tells the tenant something, as the settlement of an order would; a millisecond later than all before.
    pub(crate) async fn tell(&self, caller: &Caller, subject: &str, seq: i64) -> EventId {
        self.clock.advance_millis(1);
        let now = self.operations.now();
        let event = NewEvent {
            id: EventId::new(now),
            tenant_id: caller.tenant_id.clone(),
            mode: caller.mode,
            kind: EventType::OrderPaid,
            subject: Subject {
                kind: "order",
                id: subject.to_owned(),
            },
            seq,
            occurred_at: now,
            recorded_at: now,
            dedupe_key: format!("{subject}:{seq}"),
            sub_mchid: Some("1900000109".to_owned()),
            thin_body: format!(r#"{{"subject":"{subject}","thin":true}}"#),
            body: format!(r#"{{"subject":"{subject}","seq":{seq},"text":"咖啡"}}"#),
        };
        let tx = self.storage.begin().await.unwrap();
        outbox::append(&tx, &event).await.unwrap();
        tx.commit().await.unwrap();
        event.id
    }

    /// Does everything that is due now.
    pub(crate) async fn settle(&self) -> usize {
        self.worker.run_until_idle().await.unwrap()
    }

    pub(crate) async fn deliveries(&self, caller: &Caller) -> Vec<DeliveryView> {
        let filter = DeliveryFilter {
            limit: 100,
            ..DeliveryFilter::default()
        };
        let page = self.operations.list_deliveries(caller, filter).await;
        page.unwrap().items
    }

    /// Shows the newest delivery.
    pub(crate) async fn newest(&self, caller: &Caller) -> (DeliveryId, DeliveryDetail) {
        let id: DeliveryId = self.deliveries(caller).await[0].id.parse().unwrap();
        let detail = self.operations.get_delivery(caller, &id).await.unwrap();
        (id, detail)
    }
}

fn operations(clock: Arc<ManualClock>, storage: Storage) -> Operations {
    let policy = AddressPolicy {
        allow_loopback: true,
        ..AddressPolicy::default()
    };
    let sender = SenderConfig {
        policy,
        ..SenderConfig::default()
    };
    Operations::new(OperationsConfig {
        clock,
        storage,
        vault: Vault::open(Kek::new("test", [7; 32])),
        transport: Transport::new(&TransportConfig::default()).unwrap(),
        sender: Sender::new(sender).unwrap(),
        public_url: "http://localhost".to_owned(),
        bills_kept_days: tributary_operations::BILLS_KEPT_DAYS,
        password_cost: tributary_operations::staff::PasswordCost::CHEAP_FOR_TESTS,
        environment: tributary_operations::Environment::Development,
        limits: tributary_operations::Limits::unlimited(),
    })
}

/// Claims a few deliveries of any lanes.
pub(crate) async fn claim(courier: &Courier) -> Load {
    let nobody = HashMap::new();
    let wish = Wish {
        lanes: None,
        limit: 10,
        tenant_cap: 10,
        in_flight: &nobody,
    };
    courier.claim(&wish).await.unwrap()
}

/// A change of nothing but the state.
pub(crate) fn patch_state(state: &str) -> EndpointPatch {
    EndpointPatch {
        state: Some(state.to_owned()),
        ..EndpointPatch::default()
    }
}

/// Serves an endpoint again.
pub(crate) fn enabled() -> EndpointPatch {
    patch_state("enabled")
}

#[expect(
    clippy::disallowed_methods,
    reason = "the test runner names the server in the environment"
)]
fn server_url() -> Option<String> {
    std::env::var("TRIBUTARY_TEST_POSTGRES").ok()
}
