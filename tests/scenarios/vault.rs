//! The vault's keys over their life, as the platform uses them: what moves stays shut, what is erased is lost, what is
//! old is replaced, and a rotation that is killed leaves nothing unreadable.

use std::sync::Arc;

use tributary_domain::clock::SharedClock;
use tributary_domain::data_key::SEALS_FOR_DAYS;
use tributary_domain::merchant::AppId;
use tributary_domain::staff::Actor;
use tributary_operations::data_keys::{Reach, VaultReport};
use tributary_operations::{OperationError, Operations, OperationsConfig};
use tributary_storage::{Storage, bills, data_keys};
use tributary_tests::kill::{Plan, keys};
use tributary_tests::{Backend, TestPlatform, platform, scenario};
use tributary_vault::{Kek, Place, Vault, VaultError, WrappedDataKey};
use tributary_webhooks::{Sender, SenderConfig};
use wechatpay::client::{Transport, TransportConfig};

const HOUR_MS: i64 = 60 * 60 * 1_000;
const DAY_MS: i64 = 24 * HOUR_MS;

fn operator() -> Actor {
    Actor::operator("a test")
}

/// A second node, with another vault; it remembers nothing.
async fn node(p: &TestPlatform, vault: Vault) -> Operations {
    Operations::new(OperationsConfig {
        clock: Arc::clone(&p.clock) as SharedClock,
        storage: Storage::connect(&p.database.url, 2)
            .await
            .expect("the database answers"),
        vault,
        transport: Transport::new(&TransportConfig::default()).expect("a client"),
        sender: Sender::new(SenderConfig::default()).expect("a sender"),
        public_url: p.platform.api_url(),
        bills_kept_days: tributary_operations::BILLS_KEPT_DAYS,
        password_cost: tributary_operations::staff::PasswordCost::CHEAP_FOR_TESTS,
        environment: tributary_operations::Environment::Development,
        limits: tributary_operations::Limits::unlimited(),
    })
}

async fn verified(operations: &Operations) -> VaultReport {
    operations
        .verify_vault()
        .await
        .expect("the vault can be looked through")
}

async fn states(p: &TestPlatform, owner: &str) -> Vec<String> {
    let sql = format!("SELECT state FROM data_keys WHERE owner = '{owner}' ORDER BY state");
    let rows = p.database.query(&sql).await;
    let word = |row: &sea_orm::QueryResult| row.try_get_by_index(0).expect("a state");
    rows.iter().map(word).collect()
}

scenario!(
    a_secret_that_is_moved_to_another_tenant_or_row_stays_shut,
    moved
);
async fn moved(p: &TestPlatform) {
    let (ours, theirs) = (&p.tenant, p.another_tenant().await);
    p.register(ours, "first", &["*"]).await;
    p.register(ours, "second", &["*"]).await;
    let whole = verified(&node(p, Vault::open(platform::kek())).await).await;
    assert_eq!(whole.failed.count, 0, "{:?}", whole.failed.named);
    let moving = format!(
        "UPDATE sub_apps SET secret = (SELECT secret FROM sub_apps WHERE tenant_id = '{}') WHERE tenant_id = '{}'",
        ours.id, theirs.id
    );
    assert_eq!(p.database.execute(&moving).await, 1);
    assert_eq!(
        theirs
            .api
            .log_in(&theirs.sub_appid, "any-code")
            .await
            .status,
        500
    );
    // The secret opens, and WeChat does not know the code.
    assert_eq!(
        ours.api.log_in(&ours.sub_appid, "any-code").await.status,
        422
    );
    // Within one tenant it is the row alone that differs.
    let of_first = "SELECT sealed FROM endpoint_secrets ORDER BY id LIMIT 1";
    let moving =
        format!("UPDATE endpoint_secrets SET sealed = ({of_first}) WHERE sealed <> ({of_first})");
    assert_eq!(p.database.execute(&moving).await, 1);
    let broken = verified(&node(p, Vault::open(platform::kek())).await).await;
    assert_eq!(broken.failed.count, 2, "{:?}", broken.failed.named);
    for column in ["sub_apps.secret", "endpoint_secrets.sealed"] {
        let named = broken
            .failed
            .named
            .iter()
            .any(|row| row.starts_with(column));
        assert!(named, "{column}: {:?}", broken.failed.named);
    }
}

scenario!(
    a_tenant_whose_keys_are_destroyed_has_no_secrets_any_more,
    erased
);
async fn erased(p: &TestPlatform) {
    let (ours, theirs) = (&p.tenant, p.another_tenant().await);
    let operations = p.platform.operations();
    let (by, id) = (operator(), ours.id.as_str());
    let unconfirmed = operations.destroy_owner(&by, id, theirs.id.as_str(), "asked for");
    assert!(matches!(unconfirmed.await, Err(OperationError::Invalid(_))));
    let unknown = operations.destroy_owner(&by, "ten_nobody", "ten_nobody", "asked for");
    assert!(matches!(unknown.await, Err(OperationError::NotFound)));
    // The secret opens, and WeChat does not know the code.
    assert_eq!(
        ours.api.log_in(&ours.sub_appid, "any-code").await.status,
        422
    );
    let destroyed = operations.destroy_owner(&by, id, id, "asked for by the tenant");
    assert_eq!(destroyed.await.expect("it can be destroyed"), 1);
    assert_eq!(
        ours.api.log_in(&ours.sub_appid, "any-code").await.status,
        500
    );
    // The secret opens, and WeChat does not know the code.
    assert_eq!(
        theirs
            .api
            .log_in(&theirs.sub_appid, "any-code")
            .await
            .status,
        422
    );
    let left = format!(
        "SELECT COUNT(*) FROM data_keys WHERE owner = '{id}' AND (state <> 'destroyed' OR LENGTH(wrapped) > 0)"
    );
    assert_eq!(p.database.count(&left).await, 0);
    let report = verified(&node(p, Vault::open(platform::kek())).await).await;
    assert_eq!(report.failed.count, 0, "{:?}", report.failed.named);
    assert_eq!(
        report
            .columns
            .iter()
            .map(|column| column.erased)
            .sum::<u64>(),
        1
    );
    let told = p
        .database
        .count("SELECT COUNT(*) FROM audit_entries WHERE action = 'vault.owner.erased'");
    assert_eq!(told.await, 1);
}

scenario!(
    a_worn_key_is_replaced_and_destroyed_once_nothing_needs_it,
    worn
);
async fn worn(p: &TestPlatform) {
    let (operations, id) = (p.platform.operations(), p.tenant.id.as_str());
    p.clock.advance_millis(SEALS_FOR_DAYS * DAY_MS);
    assert_eq!(states(p, id).await, ["active"]);
    p.register(&p.tenant, "hook", &["order.*"]).await;
    assert_eq!(states(p, id).await, ["active", "decrypt_only"]);
    let look = async || operations.look_after_data_keys().await.expect("a look");
    // A node may go on sealing with it for a while.
    assert_eq!(look().await, 0);
    p.clock.advance_millis(HOUR_MS);
    assert_eq!(look().await, 1);
    // Sealed again just now: somebody may still hold what was there before.
    assert_eq!(states(p, id).await, ["active", "decrypt_only"]);
    assert_eq!(look().await, 0);
    p.clock.advance_millis(HOUR_MS);
    assert_eq!(look().await, 1);
    assert_eq!(states(p, id).await, ["active", "destroyed"]);
    let fresh = node(p, Vault::open(platform::kek())).await;
    assert_eq!(verified(&fresh).await.failed.count, 0);
    // The secret opens, and WeChat does not know the code.
    assert_eq!(
        p.tenant
            .api
            .log_in(&p.tenant.sub_appid, "any-code")
            .await
            .status,
        422
    );
}

scenario!(
    a_key_that_has_sealed_its_fill_is_replaced_by_the_next_seal,
    filled
);
async fn filled(p: &TestPlatform) {
    let id = p.tenant.id.as_str();
    let filled = format!("UPDATE data_keys SET uses = 268435456 WHERE owner = '{id}'");
    p.database.execute(&filled).await;
    let fresh = node(p, Vault::open(platform::kek())).await;
    let merchants = fresh
        .list_sub_merchants(&p.tenant.id)
        .await
        .expect("sub-merchants");
    let appid = AppId::parse("wx7777777777777777").expect("an app id");
    let by = operator();
    let added = fresh.add_sub_app(
        &by,
        &merchants[0],
        &appid,
        tributary_domain::merchant::SubAppKind::MiniProgram,
        Some("a-secret"),
    );
    added.await.expect("the app is added");
    assert_eq!(states(p, id).await, ["active", "decrypt_only"]);
}

scenario!(
    every_data_key_is_wrapped_again_and_opens_with_the_new_key_alone,
    kek_rotated
);
async fn kek_rotated(p: &TestPlatform) {
    let next = || Kek::new("kek_of_the_next_year", [8; 32]);
    let both = node(p, Vault::open(next()).also_opening(platform::kek())).await;
    assert_eq!(verified(&both).await.wrapped_otherwise, 2);
    let done = both.rotate_kek(&operator()).await.expect("a rotation");
    assert_eq!((done.rewrapped, done.failed.count), (2, 0));
    let again = both.rotate_kek(&operator()).await.expect("a rotation");
    assert_eq!(again.rewrapped, 0);
    let alone = node(p, Vault::open(next())).await;
    alone
        .check_vault()
        .await
        .expect("the new key opens everything");
    assert_eq!(verified(&alone).await.failed.count, 0);
    let old = node(p, Vault::open(platform::kek())).await;
    let refused = old.check_vault().await;
    assert!(matches!(
        refused,
        Err(OperationError::Vault(VaultError::OtherKek { .. }))
    ));
    assert_eq!(
        verified(&old).await.failed.count,
        5,
        "two keys and three secrets"
    );
    let back = node(p, Vault::open(platform::kek()).also_opening(next())).await;
    back.rotate_kek(&operator()).await.expect("a rotation back");
}

scenario!(
    a_bill_keeps_its_key_until_it_is_deleted_or_sealed_again,
    bill_kept
);
async fn bill_kept(p: &TestPlatform) {
    let (operations, owner) = (p.platform.operations(), p.provider.as_str());
    plant_bill(p).await;
    let by = operator();
    p.clock.advance_millis(HOUR_MS + 1);
    let all = operations
        .rotate_all_data_keys(&by, Reach::Secrets)
        .await
        .expect("a rotation");
    assert_eq!((all.rotated, all.resealed, all.failed.count), (2, 3, 0));
    let again = operations
        .rotate_all_data_keys(&by, Reach::Secrets)
        .await
        .expect("a rotation");
    assert_eq!((again.rotated, again.resealed), (0, 0));
    for _ in 0..3 {
        p.clock.advance_millis(HOUR_MS);
        operations.look_after_data_keys().await.expect("a look");
    }
    assert_eq!(states(p, owner).await, ["active", "decrypt_only"]);
    assert_eq!(
        states(p, p.tenant.id.as_str()).await,
        ["active", "destroyed"]
    );
    let fresh = node(p, Vault::open(platform::kek())).await;
    assert_eq!(verified(&fresh).await.failed.count, 0);
    let one = operations
        .rotate_data_key(&by, owner, Reach::Everything)
        .await
        .expect("a rotation");
    assert_eq!((one.rotated, one.resealed), (1, 3));
    p.clock.advance_millis(HOUR_MS);
    operations.look_after_data_keys().await.expect("a look");
    assert_eq!(states(p, owner).await, ["active", "destroyed", "destroyed"]);
    let fresh = node(p, Vault::open(platform::kek())).await;
    assert_eq!(verified(&fresh).await.failed.count, 0);
}

/// A bill of the provider's with one piece, sealed as the intake seals it.
async fn plant_bill(p: &TestPlatform) {
    let storage = Storage::connect(&p.database.url, 1)
        .await
        .expect("the database answers");
    let bill = tributary_domain::ids::BillId::new(p.now());
    let owner = p.provider.as_str();
    p.database
        .execute(&format!(
            "INSERT INTO bills VALUES ('{bill}', '{owner}', 'test', '2026-01-31', 'trade', '', 'verified', 'h', \
             0, 1, 0, 0, 0, 0, 0, 0, 0, NULL, {}, NULL)",
            p.now().as_millis()
        ))
        .await;
    let stored = data_keys::find_active(&storage, owner)
        .await
        .expect("the data keys");
    let stored = stored.expect("the provider has a data key");
    let key = Vault::open(platform::kek()).unwrap(&WrappedDataKey {
        id: stored.id.clone(),
        kek_id: stored.kek_id,
        owner: stored.owner,
        wrapped: stored.wrapped,
    });
    let row = format!("{bill}/0");
    let place = Place {
        table: "bill_chunks",
        column: "sealed",
        row: &row,
    };
    let key = key.expect("the data key opens");
    let sealed = key
        .seal(&place, b"a piece of a bill")
        .expect("it can be sealed");
    let tx = storage.begin().await.expect("a transaction");
    let kept = bills::insert_chunk(&tx, &bill, 0, (sealed.into(), stored.id)).await;
    kept.expect("the piece is kept");
    tx.commit().await.expect("the piece is kept");
    storage.close().await.expect("the database closes");
}

fn survives_kills(backend: Backend) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let verdict = runtime.block_on(keys::run(Plan { cycles: 2, backend }));
    assert!(verdict.is_clean(), "\n{verdict}");
    assert_eq!(verdict.kills, 2);
}

#[test]
fn a_rotation_that_is_killed_leaves_everything_readable_on_sqlite() {
    survives_kills(Backend::Sqlite);
}

#[test]
fn a_rotation_that_is_killed_leaves_everything_readable_on_postgres() {
    survives_kills(Backend::Postgres);
}
