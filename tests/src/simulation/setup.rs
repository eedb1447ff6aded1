//! What stands before a run begins: a migrated database, a provider at both sides, two tenants with their endpoints.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use sea_orm::{ConnectionTrait as _, Database};
use tempfile::TempDir;
use tokio::sync::OnceCell;
use tributary_domain::ids::ProviderId;
use tributary_domain::merchant::{AppId, Mchid, SubAppKind};
use tributary_domain::staff::Actor;
use tributary_domain::tenant::{Mode, Scope};
use tributary_operations::Operations;
use tributary_operations::credentials::ApiKeyWish;
use tributary_operations::endpoints::NewEndpoint;
use tributary_server::simulated;
use tributary_storage::Storage;
use wechatpay_sim::{
    KeyMode, NewApp, NewOpenid, NewProvider, NewSubMerchant, OpenidOf, ProviderKeys, SimHandle,
};

use super::tenants::{Player, Shop};

/// Where WeChat finds the platform: nowhere but in this process.
pub(super) const PUBLIC_URL: &str = "https://pay.example.com";
const RECEIVERS: &str = "https://receiver.example.com";

/// Which endpoints each tenant has, and what they want to hear.
const ENDPOINTS: [&[&[&str]]; 2] = [
    &[&["*"], &["order.paid*", "order.closed"]],
    &[&["order.*", "refund.*"]],
];

/// What the world knows of its accounts.
pub(super) struct Scene {
    /// By the last part of their URL.
    pub(super) endpoints: BTreeMap<String, KnownEndpoint>,
    /// What may stand nowhere, with its name.
    pub(super) secrets: Vec<(String, String)>,
}

/// An endpoint as its owner knows it.
#[derive(Clone, Debug)]
pub(super) struct KnownEndpoint {
    pub(super) tenant: String,
    pub(super) player: usize,
    pub(super) id: String,
    pub(super) secret: String,
}

/// A folder in memory where the machine has one: nothing here outlives a power cut anyway.
pub(super) fn folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() {
        tempfile::tempdir_in(memory).expect("a folder in memory")
    } else {
        tempfile::tempdir().expect("a temporary folder")
    }
}

/// Copies a migrated, empty database into the folder and answers its URL.
pub(super) async fn copy_database(folder: &Path) -> String {
    static TEMPLATE: OnceCell<(PathBuf, TempDir)> = OnceCell::const_new();
    let make = || async {
        let home = self::folder();
        let url = format!("sqlite://{}", home.path().join("migrated.db").display());
        let storage = Storage::connect(&url, 1)
            .await
            .expect("the database answers");
        storage.migrate().await.expect("the schema can be made");
        // One file without the log of writes that lies beside a living database.
        let path = home.path().join("template.db");
        let migrated = Database::connect(&url).await.expect("the database answers");
        let copy = format!("VACUUM INTO '{}'", path.display());
        let copied = migrated.execute_unprepared(&copy).await;
        copied.expect("the database can be copied");
        migrated.close().await.expect("the database closes");
        storage.close().await.expect("the database closes");
        (path, home)
    };
    let (template, _) = TEMPLATE.get_or_init(make).await;
    let path = folder.join("tributary.db");
    std::fs::copy(template, &path).expect("the template is readable");
    format!("sqlite://{}", path.display())
}

/// Makes everything known at both sides.
pub(super) async fn provision(
    operations: &Operations,
    simulator: &SimHandle,
) -> (Scene, Vec<Player>) {
    let wish = NewProvider {
        key_mode: Some(KeyMode::PublicKey),
        ..NewProvider::default()
    };
    let keys = simulator.provider(wish).await.expect("a provider");
    let provider = simulated::adopt_provider(operations, &keys, PUBLIC_URL)
        .await
        .expect("the platform takes the provider");
    let mut scene = Scene {
        endpoints: BTreeMap::new(),
        secrets: planted(&keys),
    };
    let mut players = Vec::new();
    for (index, endpoints) in ENDPOINTS.iter().enumerate() {
        let player = player(operations, simulator, (&provider, &keys), index).await;
        for (number, filters) in endpoints.iter().enumerate() {
            let name = format!("{index}-{number}");
            let new = NewEndpoint {
                url: format!("{RECEIVERS}/{name}"),
                description: String::new(),
                filters: filters.iter().map(|filter| (*filter).to_owned()).collect(),
                ..NewEndpoint::default()
            };
            let made = operations.create_endpoint(&player.caller, new).await;
            let (view, secret) = made.expect("an endpoint");
            scene
                .secrets
                .push((format!("the secret of {name}"), secret.text().to_owned()));
            let known = KnownEndpoint {
                tenant: player.tenant(),
                player: index,
                id: view.id,
                secret: secret.text().to_owned(),
            };
            scene.endpoints.insert(name, known);
        }
        players.push(player);
    }
    (scene, players)
}

/// Everything of the provider that may stand nowhere in the clear; of keys, a line from their middle.
fn planted(keys: &ProviderKeys) -> Vec<(String, String)> {
    let pem = keys.merchant_private_key_pem.clone().unwrap_or_default();
    let line = pem.lines().nth(5).expect("a key has many lines").to_owned();
    vec![
        ("the APIv3 key".to_owned(), keys.api_v3_key.clone()),
        ("the private key".to_owned(), line),
    ]
}

async fn player(
    operations: &Operations,
    simulator: &SimHandle,
    (provider, keys): (&ProviderId, &ProviderKeys),
    index: usize,
) -> Player {
    let sub_appid = format!("wx{index:016}");
    let openid = format!("openid-of-user-{index}");
    let made = simulator
        .sub_merchant(NewSubMerchant {
            sp_mchid: keys.sp_mchid.clone(),
            sub_mchid: None,
            name: None,
            sub_appids: vec![NewApp {
                appid: sub_appid.clone(),
                secret: None,
            }],
            openids: vec![OpenidOf::OfApp(NewOpenid {
                appid: sub_appid.clone(),
                openid: Some(openid.clone()),
            })],
        })
        .expect("the simulator takes a sub-merchant");
    let tenant = operations
        .create_tenant(&Actor::system("test"), format!("Tenant {index}").as_str())
        .await
        .expect("a tenant");
    let sub_mchid = Mchid::parse(&made.sub_mchid).expect("a merchant number");
    let merchant = operations
        .create_sub_merchant(
            &Actor::system("test"),
            &tenant.id,
            provider,
            &sub_mchid,
            "Shop",
        )
        .await
        .expect("a sub-merchant");
    let appid = AppId::parse(&sub_appid).expect("an app id");
    operations
        .add_sub_app(
            &Actor::system("test"),
            &merchant,
            &appid,
            SubAppKind::MiniProgram,
            None,
        )
        .await
        .expect("an app");
    let key = operations
        .create_api_key(
            &Actor::system("test"),
            &tenant.id,
            ApiKeyWish::new(Mode::Test, "simulation", Scope::ALL.to_vec()),
        )
        .await
        .expect("an API key");
    let caller = operations
        .authenticate(key.secret.reveal(), None)
        .await
        .expect("a caller");
    Player::new(
        caller,
        Shop {
            sub_mchid: made.sub_mchid,
            sub_appid,
            openid,
        },
    )
}
