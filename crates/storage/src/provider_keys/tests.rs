//! Rings on both databases: what was there before them, who may move a key, and how counts add up.

use sea_orm::sea_query::Query;
use sea_orm::{ConnectionTrait, EntityTrait};
use sea_orm_migration::MigratorTrait;
use tributary_domain::provider_key::KeyUse;
use tributary_migrations::Migrator;

use super::*;
use crate::Storage;
use crate::entities::key_usage as key_usage_rows;
use crate::key_usage::{self, Usage};
use crate::test_database::on_both;

const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_000);
const PROVIDER: &str = "prv_0000000000000000000000000A";

on_both! {
    what_providers_had_becomes_their_first_ring => adopted;
    a_key_is_moved_by_one_of_two => moved_once;
    counts_of_two_writers_add_up => counted;
}

async fn adopted(storage: &Storage) {
    back_to_before_rings(storage).await;
    plant_old_provider(storage).await;
    storage.migrate().await.unwrap();
    let provider: ProviderId = PROVIDER.parse().unwrap();
    let mut found = of_provider(storage, &provider, KeyState::ALL, 10)
        .await
        .unwrap();
    found.sort_by(|one, other| one.key.id.cmp(&other.key.id));
    let seen: Vec<_> = found
        .iter()
        .map(|one| (one.key.kind, one.key.state, one.key.serial.as_str()))
        .collect();
    assert_eq!(
        seen,
        [
            (KeyKind::MerchantCertificate, KeyState::Active, "5157"),
            (KeyKind::ApiV3Key, KeyState::Active, "present"),
            (KeyKind::ApiV3Key, KeyState::Retiring, "previous"),
            (KeyKind::PlatformCertificate, KeyState::Active, "7A01"),
            (KeyKind::WechatPublicKey, KeyState::Active, "PUB_KEY_ID_1"),
        ]
    );
    let held: Vec<_> = found.iter().map(|one| one.secret.clone()).collect();
    let held_in = |column: &str| SealedSecret::HeldIn(column.to_owned());
    assert!(held[0] == held_in("merchant_private_key"));
    assert!(held[1] == held_in("api_v3_key"));
    assert!(held[2] == held_in("api_v3_key_previous"));
    assert!(held[3] == SealedSecret::None);
    let stored = crate::providers::find(storage, &provider).await.unwrap();
    let stored = stored.unwrap();
    assert_eq!(stored.preferred_serial.as_deref(), Some("PUB_KEY_ID_1"));
    assert_eq!(stored.merchant_private_key, b"sealed");
}

/// Other migrations may stand behind this one.
async fn back_to_before_rings(storage: &Storage) {
    let has_rings = async || {
        let probe = Query::select()
            .column("id")
            .from("provider_keys")
            .limit(1)
            .to_owned();
        storage.writer.query_all(&probe).await.is_ok()
    };
    while has_rings().await {
        Migrator::down(&storage.writer, Some(1)).await.unwrap();
    }
}

async fn plant_old_provider(storage: &Storage) {
    let provider = Query::insert()
        .into_table("providers")
        .columns([
            "id",
            "name",
            "sp_mchid",
            "sp_appid",
            "mode",
            "api_url",
            "login_url",
            "route_token",
            "merchant_serial",
            "merchant_private_key",
            "api_v3_key",
            "api_v3_key_previous",
            "created_at",
            "updated_at",
        ])
        .values_panic([
            PROVIDER.into(),
            "Old".into(),
            "1900000109".into(),
            "wx1".into(),
            "test".into(),
            "http://127.0.0.1:9".into(),
            "http://127.0.0.1:9".into(),
            "token".into(),
            "5157".into(),
            b"sealed".to_vec().into(),
            b"sealed".to_vec().into(),
            b"sealed".to_vec().into(),
            1_i64.into(),
            1_i64.into(),
        ])
        .to_owned();
    storage.writer.execute(&provider).await.unwrap();
    for (serial, kind) in [("7A01", "certificate"), ("PUB_KEY_ID_1", "public_key")] {
        let key = Query::insert()
            .into_table("platform_keys")
            .columns(["provider_id", "serial", "kind", "pem", "added_at"])
            .values_panic([
                PROVIDER.into(),
                serial.into(),
                kind.into(),
                "PEM".into(),
                1_i64.into(),
            ])
            .to_owned();
        storage.writer.execute(&key).await.unwrap();
    }
}

fn key() -> ProviderKey {
    ProviderKey {
        id: ProviderKeyId::new(NOW),
        provider_id: PROVIDER.parse().unwrap(),
        kind: KeyKind::WechatPublicKey,
        state: KeyState::Testing,
        serial: "PUB_KEY_ID_1".to_owned(),
        fingerprint: Some("f".to_owned()),
        pem: Some("PEM".to_owned()),
        not_before: None,
        not_after: None,
        added_at: NOW,
        added_by: "operator:one".to_owned(),
        approved_at: None,
        approved_by: None,
        changed_at: NOW,
        counts: KeyCounts::default(),
        last_seen_at: None,
        warned_days: None,
    }
}

async fn insert_one(storage: &Storage, stored: &StoredKey) -> Result<(), StorageError> {
    let tx = storage.begin().await.unwrap();
    insert(&tx, stored).await?;
    tx.commit().await
}

async fn moved_once(storage: &Storage) {
    let stored = StoredKey {
        key: key(),
        secret: SealedSecret::Own(b"sealed".to_vec()),
    };
    insert_one(storage, &stored).await.unwrap();
    let again = StoredKey {
        key: ProviderKey {
            id: ProviderKeyId::new(NOW.plus_millis(1)),
            ..key()
        },
        secret: SealedSecret::None,
    };
    assert!(
        insert_one(storage, &again)
            .await
            .unwrap_err()
            .is_duplicate()
    );
    let read = find(storage, &stored.key.id).await.unwrap().unwrap();
    assert!(read == stored);

    let revoked = ProviderKey {
        state: KeyState::Revoked,
        changed_at: NOW.plus_millis(5),
        ..stored.key.clone()
    };
    let tx = storage.begin().await.unwrap();
    update(&tx, &stored.key, &revoked).await.unwrap();
    let second = update(&tx, &stored.key, &revoked).await;
    assert!(second.unwrap_err().is_stale());
    note_warning(&tx, &stored.key, 30).await.unwrap();
    let second = note_warning(&tx, &stored.key, 30).await;
    assert!(second.unwrap_err().is_stale());
    tx.commit().await.unwrap();
    let read = find(storage, &stored.key.id).await.unwrap().unwrap();
    assert_eq!(read.key.state, KeyState::Revoked);
    assert!(read.secret == SealedSecret::None, "its secret is destroyed");
}

async fn counted(storage: &Storage) {
    let stored = StoredKey {
        key: key(),
        secret: SealedSecret::None,
    };
    insert_one(storage, &stored).await.unwrap();
    let usage = |serial: &str, passed| Usage {
        provider_id: stored.key.provider_id.clone(),
        hour: NOW,
        purpose: KeyUse::Notification,
        serial: serial.to_owned(),
        passed,
        failed: 1,
    };
    let more = KeyCounts {
        verified: 2,
        ..KeyCounts::default()
    };
    for one in [usage("A", 2), usage("A", 3), usage("B", 1)] {
        let tx = storage.begin().await.unwrap();
        key_usage::add(&tx, &one).await.unwrap();
        let name: (&[KeyKind], &str) = (&[KeyKind::WechatPublicKey], "PUB_KEY_ID_1");
        key_usage::add_to_key(&tx, &one.provider_id, name, more, NOW)
            .await
            .unwrap();
        tx.commit().await.unwrap();
    }
    let mut rows = key_usage::since(storage, &stored.key.provider_id, NOW, 10)
        .await
        .unwrap();
    rows.sort_by(|one, other| one.serial.cmp(&other.serial));
    let seen: Vec<_> = rows
        .iter()
        .map(|row| (row.serial.as_str(), row.passed, row.failed))
        .collect();
    assert_eq!(seen, [("A", 5, 2), ("B", 1, 1)]);
    let read = find(storage, &stored.key.id).await.unwrap().unwrap();
    assert_eq!(read.key.counts.verified, 6);
    assert_eq!(read.key.last_seen_at, Some(NOW));
    let tx = storage.begin().await.unwrap();
    assert_eq!(key_usage::purge(&tx, NOW).await.unwrap(), 0);
    let later = NOW.plus_millis(1);
    assert_eq!(key_usage::purge(&tx, later).await.unwrap(), 2);
    let left = key_usage_rows::Entity::find().all(tx.connection()).await;
    assert!(left.unwrap().is_empty());
}
