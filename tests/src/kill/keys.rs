//! Kills rotations of the vault's keys in the middle, again and again, while tenants order; then everything must open.

use std::fmt;
use std::time::Duration;

use rand::RngExt as _;
use tokio::process::Child;
use tributary_domain::clock::{Clock as _, SystemClock};
use tributary_domain::data_key::DataKeyState;
use tributary_domain::ids::TenantId;
use tributary_storage::Storage;
use tributary_storage::data_keys::{self, StoredDataKey};
use tributary_vault::{EnvironmentValue, KeySource as _, Vault};

use super::server::Server;
use super::{Plan, Verdict, World, under_load};
use crate::TestDatabase;

/// Owners of keys beside the tenant and the provider, so that a rotation lasts long enough to be killed.
const OWNERS: usize = 2_000;
/// How long a rotation lives before it is killed: from before its first commit to about its end.
const LIFE_MS: std::ops::Range<u64> = 20..900;
/// A rotation that ends before it is killed does not count; so many may, for each kill.
const ROUNDS_PER_KILL: usize = 20;
/// Every so manieth rotation makes new data keys in place of wrapping those there are.
const DATA_KEYS_ONE_IN: usize = 3;
const TWO_HOURS_MS: i64 = 2 * 60 * 60 * 1_000;
const KEK_ROTATION: &[&str] = &["keys", "rotate-kek"];
const DATA_KEY_ROTATION: &[&str] = &["keys", "rotate-dek"];

/// What was left.
#[derive(Clone, Debug, Default)]
pub struct KeyVerdict {
    /// Rotations that were killed.
    pub kills: usize,
    /// Of those, after which some keys were wrapped anew and others not yet.
    pub midway: usize,
    /// Rotations that came to their end.
    pub ended: usize,
    /// Whether everything that is sealed opens, with the last key alone.
    pub opens: bool,
    /// Whether the audit log's chains hold.
    pub audited: bool,
    /// Whether the server, which holds keys in its memory, writes no core dumps.
    pub no_core: bool,
    /// What became of the orders.
    pub orders: Verdict,
}

impl KeyVerdict {
    /// Whether nothing was lost.
    pub fn is_clean(&self) -> bool {
        self.opens
            && self.audited
            && self.no_core
            && self.orders.is_clean()
            && self.orders.paid_at_wechat > 0
    }
}

impl fmt::Display for KeyVerdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "  rotations killed          {}", self.kills)?;
        writeln!(f, "  of those midway           {}", self.midway)?;
        writeln!(f, "  rotations that ended      {}", self.ended)?;
        writeln!(f, "  everything opens          {}", self.opens)?;
        writeln!(f, "  audit chains hold         {}", self.audited)?;
        writeln!(f, "  core dumps are off        {}", self.no_core)?;
        write!(f, "{}", self.orders)
    }
}

/// Runs the plan: its cycles are rotations that are killed.
pub async fn run(plan: Plan) -> KeyVerdict {
    let mut found = KeyVerdict::default();
    let database = TestDatabase::create(plan.backend).await;
    let orders = under_load(database, async |server: &mut Server, world: &World| {
        tributary_operations::tenancy::platform(plant_owners(&world.database.url, &server.kek))
            .await;
        found.no_core = server.writes_no_core();
        rotate_and_kill(server, world, plan.cycles, &mut found).await;
    });
    let orders = Box::pin(orders).await;
    KeyVerdict { orders, ..found }
}

async fn rotate_and_kill(server: &mut Server, world: &World, kills: usize, found: &mut KeyVerdict) {
    let mut keks = [server.kek_also.clone(), server.kek.clone()];
    for round in 1..=kills * ROUNDS_PER_KILL {
        if found.kills == kills {
            break;
        }
        let wraps = !round.is_multiple_of(DATA_KEYS_ONE_IN);
        let arguments = if wraps {
            KEK_ROTATION
        } else {
            DATA_KEY_ROTATION
        };
        let mut rotation = start(server, arguments, &keks);
        let life = rand::rng().random_range(LIFE_MS);
        tokio::time::sleep(Duration::from_millis(life)).await;
        if let Some(ended) = rotation.try_wait().expect("the child can be asked") {
            assert!(ended.success(), "a rotation failed: {ended}");
            found.ended += 1;
            if wraps {
                keks.swap(0, 1);
            }
            continue;
        }
        rotation.kill().await.expect("the child can be killed");
        found.kills += 1;
        let wrapping = "SELECT COUNT(DISTINCT kek_id) FROM data_keys WHERE state <> 'destroyed'";
        found.midway += usize::from(world.database.count(wrapping).await > 1);
        // A server that starts now remembers no key and opens what was left.
        if found.kills.is_multiple_of(2) {
            server.kill().await;
            server.start();
            server.ready().await;
        }
    }
    let ended = succeeds(server, KEK_ROTATION, &keks).await;
    // What the other key still wrapped would not open now.
    let alone = [keks[0].clone(), keks[0].clone()];
    found.opens = ended && succeeds(server, &["keys", "verify"], &alone).await;
    found.audited = succeeds(server, &["audit", "verify"], &keks).await;
}

fn start(server: &Server, arguments: &[&str], keks: &[String; 2]) -> Child {
    let started = server.command(arguments, [&keks[0], &keks[1]]).spawn();
    started.expect("the binary runs")
}

async fn succeeds(server: &Server, arguments: &[&str], keks: &[String; 2]) -> bool {
    let ended = start(server, arguments, keks).wait().await;
    ended.expect("the child can be waited for").success()
}

/// Gives many owners a data key each, old enough to be replaced.
async fn plant_owners(url: &str, kek: &str) {
    let kek = EnvironmentValue::new(kek.to_owned()).kek().expect("a key");
    let vault = Vault::open(kek);
    let storage = Storage::connect(url, 2)
        .await
        .expect("the database answers");
    let made_at = SystemClock.now().plus_millis(-TWO_HOURS_MS);
    let tx = storage.begin().await.expect("a transaction");
    for _ in 0..OWNERS {
        let owner = TenantId::new(made_at);
        let (_, wrapped) = vault.new_data_key(owner.as_str()).expect("a data key");
        let key = StoredDataKey {
            id: wrapped.id,
            owner: wrapped.owner,
            kek_id: wrapped.kek_id,
            wrapped: wrapped.wrapped,
            state: DataKeyState::Active,
            uses: 0,
            created_at: made_at,
            ended_by: None,
        };
        data_keys::insert(&tx, &key).await.expect("a new owner");
    }
    tx.commit().await.expect("the keys are kept");
    storage.close().await.expect("the database closes");
}
