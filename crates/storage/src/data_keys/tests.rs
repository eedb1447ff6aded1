//! One active key per owner, and every change guarded by the state that it leaves.

use super::*;
use crate::Storage;
use crate::test_database::on_both;

on_both! {
    an_owner_has_one_active_key => one_active;
    uses_are_counted_up_to_the_last_and_only_while_active => counting;
    a_destroyed_key_keeps_its_name_and_nothing_else => destroying;
    a_key_is_wrapped_again_only_as_it_was_read => rewrapping;
    the_longest_retired_are_due_first => looking;
}

const AT: Timestamp = Timestamp::from_millis(1_000);

fn key(id: &str, owner: &str) -> StoredDataKey {
    StoredDataKey {
        id: id.to_owned(),
        owner: owner.to_owned(),
        kek_id: "kek_1".to_owned(),
        wrapped: vec![1, 2, 3],
        state: DataKeyState::Active,
        uses: 0,
        created_at: AT,
        ended_by: None,
    }
}

async fn put(storage: &Storage, key: &StoredDataKey) -> Result<(), StorageError> {
    let tx = storage.begin().await.unwrap();
    insert(&tx, key).await?;
    tx.commit().await
}

async fn retired(storage: &Storage, owner: &str, id: &str, look_at: i64) -> bool {
    let tx = storage.begin().await.unwrap();
    let at = (AT, Timestamp::from_millis(look_at));
    let done = retire(&tx, owner, id, at).await.unwrap();
    tx.commit().await.unwrap();
    done
}

async fn one_active(storage: &Storage) {
    put(storage, &key("dk_1", "ten_1")).await.unwrap();
    let second = put(storage, &key("dk_2", "ten_1")).await;
    assert!(second.unwrap_err().is_duplicate());
    assert!(!retired(storage, "ten_2", "dk_1", 2_000).await);
    assert!(retired(storage, "ten_1", "dk_1", 2_000).await);
    assert!(!retired(storage, "ten_1", "dk_1", 2_000).await);
    assert_eq!(find_active(storage, "ten_1").await.unwrap(), None);
    put(storage, &key("dk_2", "ten_1")).await.unwrap();
    put(storage, &key("dk_3", "ten_2")).await.unwrap();
    let active = find_active(storage, "ten_1").await.unwrap().unwrap();
    assert_eq!(active.id, "dk_2");
    let first = find(storage, "ten_1", "dk_1").await.unwrap().unwrap();
    assert_eq!(first.state, DataKeyState::DecryptOnly);
    assert_eq!(find(storage, "ten_2", "dk_1").await.unwrap(), None);
}

async fn reserved(storage: &Storage, uses: i64) -> bool {
    let tx = storage.begin().await.unwrap();
    let done = reserve_uses(&tx, "ten_1", "dk_1", uses).await.unwrap();
    tx.commit().await.unwrap();
    done
}

async fn counting(storage: &Storage) {
    put(storage, &key("dk_1", "ten_1")).await.unwrap();
    assert!(reserved(storage, 1_024).await);
    assert!(reserved(storage, USES_MAX - 1_024).await);
    assert!(!reserved(storage, 1_024).await);
    let active = find_active(storage, "ten_1").await.unwrap().unwrap();
    assert_eq!(active.uses, USES_MAX);
    put(storage, &key("dk_2", "ten_2")).await.unwrap();
    retired(storage, "ten_2", "dk_2", 2_000).await;
    let tx = storage.begin().await.unwrap();
    assert!(!reserve_uses(&tx, "ten_2", "dk_2", 1).await.unwrap());
}

async fn destroying(storage: &Storage) {
    let active = key("dk_1", "ten_1");
    put(storage, &active).await.unwrap();
    for done in [true, false] {
        let tx = storage.begin().await.unwrap();
        let destroyed = destroy(&tx, &active, DataKeyEnd::Erased, AT).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(destroyed, done);
    }
    let gone = find(storage, "ten_1", "dk_1").await.unwrap().unwrap();
    assert_eq!(gone.state, DataKeyState::Destroyed);
    assert_eq!(gone.ended_by, Some(DataKeyEnd::Erased));
    assert!(gone.wrapped.is_empty());
    assert_eq!(find_active(storage, "ten_1").await.unwrap(), None);
    assert!(of_owner(storage, "ten_1").await.unwrap().is_empty());
    assert!(
        one_of_each_kek_all_tenants(storage)
            .await
            .unwrap()
            .is_empty()
    );
}

async fn rewrapping(storage: &Storage) {
    let before = key("dk_1", "ten_1");
    put(storage, &before).await.unwrap();
    for done in [true, false] {
        let tx = storage.begin().await.unwrap();
        let again = ("kek_2".to_owned(), vec![9]);
        assert_eq!(rewrap(&tx, &before, again).await.unwrap(), done);
        tx.commit().await.unwrap();
    }
    let after = find(storage, "ten_1", "dk_1").await.unwrap().unwrap();
    assert_eq!((after.kek_id.as_str(), after.wrapped), ("kek_2", vec![9]));
    let others = page_wrapped_otherwise_all_tenants(storage, "kek_2", "", 10).await;
    assert!(others.unwrap().is_empty());
}

async fn looking(storage: &Storage) {
    for (id, owner, look_at) in [("dk_1", "ten_1", 3_000), ("dk_2", "ten_2", 2_000)] {
        put(storage, &key(id, owner)).await.unwrap();
        retired(storage, owner, id, look_at).await;
    }
    let due = async |at| {
        let due = due_all_tenants(storage, Timestamp::from_millis(at), 10)
            .await
            .unwrap();
        due.into_iter().map(|key| key.id).collect::<Vec<_>>()
    };
    assert!(due(1_999).await.is_empty());
    assert_eq!(due(3_000).await, ["dk_2", "dk_1"]);
    let tx = storage.begin().await.unwrap();
    look_later(&tx, "ten_2", "dk_2", Timestamp::from_millis(9_000))
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert_eq!(due(3_000).await, ["dk_1"]);
}
