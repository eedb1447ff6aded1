//! The scene of a measurement: database, simulator, platform, one provider, one tenant, one receiver.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result};
use base64::Engine as _;
use serde_json::{Value, json};
use tokio::process::Child;
use tributary_domain::clock::SystemClock;
use tributary_domain::merchant::{AppId, Mchid, Provider, SubAppKind};
use tributary_domain::staff::Actor;
use tributary_domain::tenant::{Mode, Scope};
use tributary_operations::credentials::ApiKeyWish;
use tributary_operations::provider_keys::material::MerchantFiles;
use tributary_operations::providers::NewProvider;
use tributary_operations::{Operations, OperationsConfig};
use tributary_storage::Storage;
use tributary_storage::provider_keys;
use tributary_vault::{EnvironmentValue, Vault};
use tributary_webhooks::{Sender, SenderConfig};
use wechatpay::client::{Transport, TransportConfig};
use wechatpay::credentials::{ApiV3Key, PrivateKey, generate_pem};

use crate::process::{self, Usage};
use crate::receiver::Receiver;

const SP_MCHID: &str = "1900000109";
const SP_APPID: &str = "wx1111111111111111";
/// Tenants with one sub-merchant and one endpoint each: an endpoint is a lane with a cap of its own.
const TENANTS: usize = 16;
pub(crate) const SUB_APPID: &str = "wx2222222222222222";
pub(crate) const OPENID: &str = "oBench0000000000000000000001";
/// Sorts before the simulator's own id, so that calls go on naming the simulator's.
pub(crate) const NOTICE_KEY_ID: &str = "PUB_KEY_ID_0000000000000000000000000000000000";
const API_V3_KEY: &str = "0123456789abcdefghijklmnopqrstuv";

/// Each scene has a database of its own.
static NEXT_DATABASE: AtomicU32 = AtomicU32::new(1);

/// How much the platform lets anybody ask.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Limited {
    /// As an installation does by itself, but for a provider that may place few orders.
    ScarceAtWeChat,
    /// Whatever the machine can do.
    ByTheMachine,
}

impl Limited {
    fn settings(self) -> Vec<(&'static str, String)> {
        let names = [
            "TRIBUTARY_LIMITS_READS_PER_SECOND",
            "TRIBUTARY_LIMITS_READS_BURST",
            "TRIBUTARY_LIMITS_WRITES_PER_SECOND",
            "TRIBUTARY_LIMITS_WRITES_BURST",
            "TRIBUTARY_LIMITS_PREPAYS_PER_SECOND",
        ];
        match self {
            Self::ScarceAtWeChat => vec![(
                "TRIBUTARY_LIMITS_PREPAYS_PER_SECOND",
                crate::neighbours::BUDGET.to_string(),
            )],
            Self::ByTheMachine => names.map(|name| (name, "100000".to_owned())).to_vec(),
        }
    }
}

/// Everything that a measurement needs.
pub(crate) struct Scene {
    pub(crate) client: reqwest::Client,
    pub(crate) api_url: String,
    pub(crate) api_keys: Vec<String>,
    pub(crate) provider: Provider,
    pub(crate) operations: Operations,
    /// Plays WeChat's key for notifications; its public half is in the provider's ring.
    pub(crate) notice_key: PrivateKey,
    pub(crate) api_v3_key: ApiV3Key,
    pub(crate) receiver: Receiver,
    pub(crate) sim_url: String,
    pub(crate) database_url: String,
    receiver_url: String,
    environment: Vec<(&'static str, String)>,
    simulator: Child,
    server: Option<Child>,
    on_postgres: bool,
    _folder: tempfile::TempDir,
}

impl Scene {
    /// Prepares a fresh database with one provider, tenant and key, and starts the simulator.
    pub(crate) async fn set(cluster: Option<&str>, limits: Limited) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let database_url = match cluster {
            Some(cluster) => fresh_database(cluster).await?,
            None => format!("sqlite://{}", folder.path().join("bench.db").display()),
        };
        let kek = base64::engine::general_purpose::STANDARD.encode([7u8; 32]);
        let api_url = format!("http://127.0.0.1:{}", process::free_port()?);
        let sim_port = process::free_port()?;
        let sim_url = format!("http://127.0.0.1:{sim_port}");
        let simulator = process::spawn(
            &["sim"],
            &[("TRIBUTARY_SIM_LISTEN", format!("127.0.0.1:{sim_port}"))],
        )?;
        process::until_ready(&format!("{sim_url}/_sim/ledger")).await?;
        let storage = Storage::connect(&database_url, 4).await?;
        storage.migrate().await?;
        let vault = Vault::new(&EnvironmentValue::new(kek.clone()))?;
        let operations = operations(storage.clone(), vault, &api_url)?;
        let (notice_private, notice_public) = generate_pem()?;
        let provider = provider(&operations, &sim_url).await?;
        add_notice_key(&storage, &provider, notice_public).await?;
        let mut api_keys = Vec::new();
        for place in 0..TENANTS {
            api_keys.push(tenant(&operations, &provider, place).await?);
        }
        let (receiver, receiver_url) = Receiver::start().await?;
        let environment = vec![
            (
                "TRIBUTARY_LISTEN",
                api_url.trim_start_matches("http://").to_owned(),
            ),
            ("TRIBUTARY_PUBLIC_URL", api_url.clone()),
            ("TRIBUTARY_DATABASE_URL", database_url.clone()),
            ("TRIBUTARY_KEK", kek),
            ("TRIBUTARY_WEBHOOKS_ALLOW_LOOPBACK", "true".into()),
            ("TRIBUTARY_LOG_FILTER", "error".into()),
        ];
        let environment = environment.into_iter().chain(limits.settings()).collect();
        Ok(Self {
            client: reqwest::Client::builder().no_proxy().build()?,
            api_url,
            api_keys,
            provider,
            operations,
            notice_key: PrivateKey::from_pem(&notice_private)?,
            api_v3_key: ApiV3Key::parse(API_V3_KEY)?,
            receiver,
            sim_url,
            database_url,
            receiver_url,
            environment,
            simulator,
            server: None,
            on_postgres: cluster.is_some(),
            _folder: folder,
        })
    }

    /// Starts the platform, tells how long it took to become ready, and registers the receiver.
    pub(crate) async fn start(&mut self) -> Result<Duration> {
        self.server = Some(process::spawn(&["serve"], &self.environment)?);
        let ready = process::until_ready(&format!("{}/readyz", self.api_url)).await?;
        for key in &self.api_keys {
            self.register_receiver(key).await?;
        }
        Ok(ready)
    }

    /// Lets a tenant be told of its payments.
    pub(crate) async fn register_receiver(&self, api_key: &str) -> Result<()> {
        let answer = self
            .client
            .post(format!("{}/v1/webhook-endpoints", self.api_url))
            .bearer_auth(api_key)
            .json(&json!({ "url": self.receiver_url, "events": ["order.paid"] }))
            .send()
            .await?;
        let status = answer.status();
        anyhow::ensure!(status.is_success(), "endpoint: {}", answer.text().await?);
        Ok(())
    }

    /// Makes a sub-merchant known at the simulator.
    pub(crate) async fn introduce_at_wechat(&self, sub_mchid: &str) -> Result<()> {
        introduce(&self.client, &self.sim_url, sub_mchid).await
    }

    /// CPU time spent so far by platform, simulator and database.
    pub(crate) fn usage(&self) -> Result<Usage> {
        Ok(Usage {
            server: process::cpu_ms(self.server_pid()?)?,
            simulator: process::cpu_ms(self.simulator.id().context("simulator")?)?,
            database: if self.on_postgres {
                Some(process::postgres_cpu_ms()?)
            } else {
                None
            },
        })
    }

    /// Resident memory of the platform.
    pub(crate) fn server_memory_mib(&self) -> Result<u64> {
        process::memory_mib(self.server_pid()?)
    }

    /// Stops both processes.
    pub(crate) async fn stop(mut self) -> Result<()> {
        if let Some(mut server) = self.server.take() {
            server.kill().await?;
        }
        Ok(self.simulator.kill().await?)
    }

    fn server_pid(&self) -> Result<u32> {
        self.server
            .as_ref()
            .and_then(Child::id)
            .context("the platform is not running")
    }
}

async fn fresh_database(cluster: &str) -> Result<String> {
    use sea_orm::ConnectionTrait as _;
    let admin = sea_orm::Database::connect(cluster).await?;
    let place = NEXT_DATABASE.fetch_add(1, Ordering::Relaxed);
    let name = format!("bench_{}_{place}", std::process::id());
    admin
        .execute_unprepared(&format!("CREATE DATABASE {name}"))
        .await?;
    let (server, _) = cluster.rsplit_once('/').context("the cluster's address")?;
    Ok(format!("{server}/{name}"))
}

fn operations(storage: Storage, vault: Vault, api_url: &str) -> Result<Operations> {
    Ok(Operations::new(OperationsConfig {
        clock: Arc::new(SystemClock),
        storage,
        vault,
        transport: Transport::new(&TransportConfig::default())?,
        sender: Sender::new(SenderConfig::default())?,
        public_url: api_url.to_owned(),
        bills_kept_days: tributary_operations::BILLS_KEPT_DAYS,
        password_cost: tributary_operations::staff::PasswordCost::CHEAP_FOR_TESTS,
        environment: tributary_operations::Environment::Development,
        limits: tributary_operations::Limits::unlimited(),
    }))
}

/// Makes the provider at the simulator first, then here.
async fn provider(operations: &Operations, sim_url: &str) -> Result<Provider> {
    let client = reqwest::Client::builder().no_proxy().build()?;
    let wish = json!({
        "sp_mchid": SP_MCHID, "sp_appid": SP_APPID, "api_v3_key": API_V3_KEY,
        "key_mode": "public_key",
    });
    let made = client
        .post(format!("{sim_url}/_sim/providers"))
        .json(&wish)
        .send()
        .await?;
    let keys: Value = made.error_for_status()?.json().await?;
    for place in 0..TENANTS {
        introduce(&client, sim_url, &sub_mchid(place)).await?;
    }
    let text = |name: &str| {
        keys.get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let new = NewProvider {
        name: "Bench".into(),
        sp_mchid: Mchid::parse(SP_MCHID)?,
        sp_appid: AppId::parse(SP_APPID)?,
        mode: Mode::Test,
        api_url: Some(sim_url.to_owned()),
        backup_api_url: None,
        login_url: Some(sim_url.to_owned()),
        merchant: MerchantFiles {
            private_key: text("merchant_private_key_pem").into(),
            certificate: None,
            serial: Some(text("merchant_serial")),
        },
        api_v3_key: API_V3_KEY.to_owned().into(),
        public_key: Some((
            text("wechatpay_public_key_id"),
            text("wechatpay_public_key_pem"),
        )),
    };
    Ok(operations
        .create_provider(&Actor::system("bench"), new)
        .await?)
}

async fn introduce(client: &reqwest::Client, sim_url: &str, sub_mchid: &str) -> Result<()> {
    let wish = json!({
        "sp_mchid": SP_MCHID, "sub_mchid": sub_mchid, "name": "Bench",
        "sub_appids": [{ "appid": SUB_APPID }],
        "openids": [{ "appid": SUB_APPID, "openid": OPENID }],
    });
    let url = format!("{sim_url}/_sim/sub-merchants");
    let made = client.post(url).json(&wish).send().await?;
    made.error_for_status()?;
    Ok(())
}

async fn add_notice_key(storage: &Storage, provider: &Provider, pem: String) -> Result<()> {
    let key = tributary_tests::active_public_key(&provider.id, NOTICE_KEY_ID, &pem);
    let tx = storage.begin().await?;
    provider_keys::insert(&tx, &key).await?;
    Ok(tx.commit().await?)
}

fn sub_mchid(place: usize) -> String {
    format!("19000002{place:02}")
}

async fn tenant(operations: &Operations, provider: &Provider, place: usize) -> Result<String> {
    let tenant = operations
        .create_tenant(&Actor::system("bench"), format!("Bench {place}").as_str())
        .await?;
    let number = Mchid::parse(&sub_mchid(place))?;
    let merchant = operations
        .create_sub_merchant(
            &Actor::system("bench"),
            &tenant.id,
            &provider.id,
            &number,
            "Bench",
        )
        .await?;
    operations
        .add_sub_app(
            &Actor::system("bench"),
            &merchant,
            &AppId::parse(SUB_APPID)?,
            SubAppKind::MiniProgram,
            None,
        )
        .await?;
    let scopes = Scope::ALL.to_vec();
    let key = operations
        .create_api_key(
            &Actor::system("test"),
            &tenant.id,
            ApiKeyWish::new(Mode::Test, "bench", scopes),
        )
        .await?;
    Ok(key.secret.reveal().to_owned())
}
