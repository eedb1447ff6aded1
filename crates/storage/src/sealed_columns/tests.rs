//! No sealed column is missing from the list, and every column in it can be walked and written.

use sea_orm::Statement;

use super::*;
use crate::Storage;
use crate::test_database::{TestDatabase, on_both};

/// Columns of bytes that hold nothing sealed, and what they hold.
const PLAIN: &[(&str, &str)] = &[
    // A request to WeChat, signed but not secret.
    ("attempts", "body"),
    ("refunds", "body"),
    // What came from WeChat, encrypted by WeChat.
    ("notifications", "body"),
    // The beginning of a receiver's answer.
    ("delivery_attempts", "response_body"),
    // Hashes of the audit log.
    ("audit_entries", "hash"),
    ("audit_heads", "hash"),
    // What a job exported: rows that whoever asked for it may see.
    ("job_chunks", "content"),
    // A data key, wrapped: what all this is about.
    ("data_keys", "wrapped"),
];

#[tokio::test]
async fn every_column_of_bytes_is_sealed_and_listed_or_known_to_be_plain() {
    let database = TestDatabase::sqlite().await;
    let sql = "SELECT m.name, p.name FROM sqlite_master m JOIN pragma_table_info(m.name) p \
         WHERE m.type = 'table' AND lower(p.type) LIKE '%blob%' ORDER BY m.name, p.name";
    let connection = database.storage.connection();
    let statement = Statement::from_string(connection.get_database_backend(), sql);
    let rows = connection.query_all_raw(statement).await.unwrap();
    let found: Vec<(String, String)> = rows
        .iter()
        .map(|row| {
            let table = row.try_get_by_index(0).unwrap();
            (table, row.try_get_by_index(1).unwrap())
        })
        .collect();
    let is_listed = |table: &str, column: &str| {
        SEALED_COLUMNS
            .iter()
            .any(|one| one.table == table && one.column == column)
    };
    for (table, column) in &found {
        let plain = PLAIN.contains(&(table.as_str(), column.as_str()));
        assert_ne!(
            plain,
            is_listed(table, column),
            "{table}.{column} must be in SEALED_COLUMNS, or in the list of this test with what it holds"
        );
    }
    for column in SEALED_COLUMNS {
        let known = (column.table.to_owned(), column.column.to_owned());
        assert!(found.contains(&known), "{known:?} is not in the schema");
    }
}

on_both! {
    every_listed_column_is_walked_by_owner_and_by_all => walk;
    a_value_is_replaced_only_where_it_still_stands => replacing;
}

fn chunks() -> &'static SealedColumn {
    SEALED_COLUMNS.iter().find(|one| one.is_bulk()).unwrap()
}

async fn execute(storage: &Storage, sql: &str) {
    storage.writer.execute_unprepared(sql).await.unwrap();
}

/// Two bills of one provider with three pieces, and one of another's.
async fn plant(storage: &Storage) {
    for (bill, provider) in [("bil_1", "prv_1"), ("bil_2", "prv_1"), ("bil_3", "prv_2")] {
        execute(
            storage,
            &format!(
                "INSERT INTO bills VALUES ('{bill}', '{provider}', 'live', 'd', 'trade', '{bill}', 'verified', \
                 'h', 0, 0, 0, 0, 0, 0, 0, 0, 0, NULL, 0, NULL)"
            ),
        )
        .await;
    }
    for (bill, number) in [("bil_1", 0), ("bil_1", 1), ("bil_2", 0), ("bil_3", 0)] {
        let tx = storage.begin().await.unwrap();
        let id: tributary_domain::ids::BillId =
            tributary_domain::ids::BillId::new(tributary_domain::clock::Timestamp::from_millis(1));
        let sealed = (
            format!("{bill}/{number}").into_bytes(),
            format!("dk_{bill}"),
        );
        crate::bills::insert_chunk(&tx, &id, number, sealed)
            .await
            .unwrap();
        tx.commit().await.unwrap();
        execute(
            storage,
            &format!("UPDATE bill_chunks SET bill_id = '{bill}' WHERE bill_id = '{id}'"),
        )
        .await;
    }
}

async fn names(storage: &Storage, owner: Option<&str>) -> Vec<String> {
    let (mut names, mut after) = (Vec::new(), None);
    loop {
        let page = page_all_tenants(storage, chunks(), owner, after.as_ref(), 1)
            .await
            .unwrap();
        let Some(value) = page.first() else {
            return names;
        };
        assert_eq!(value.sealed, value.row.to_string().into_bytes());
        names.push(format!("{} of {}", value.row, value.owner));
        after = Some(value.row.clone());
    }
}

async fn walk(storage: &Storage) {
    for column in SEALED_COLUMNS {
        let all = page_all_tenants(storage, column, None, None, 10)
            .await
            .unwrap();
        let of_one = page_all_tenants(storage, column, Some("ten_1"), None, 10)
            .await
            .unwrap();
        assert!(all.is_empty() && of_one.is_empty());
    }
    plant(storage).await;
    let of_first = ["bil_1/0 of prv_1", "bil_1/1 of prv_1", "bil_2/0 of prv_1"];
    assert_eq!(names(storage, Some("prv_1")).await, of_first);
    assert_eq!(
        names(storage, None).await,
        [&of_first[..], &["bil_3/0 of prv_2"]].concat()
    );
}

async fn replacing(storage: &Storage) {
    plant(storage).await;
    let page = page_all_tenants(storage, chunks(), Some("prv_2"), None, 10)
        .await
        .unwrap();
    let [before] = &page[..] else {
        panic!("one piece");
    };
    let new = || (b"new".to_vec(), "dk_new".to_owned());
    for replaced in [true, false] {
        let tx = storage.begin().await.unwrap();
        let done = replace(&tx, chunks(), before, new()).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(done, replaced, "the second finds another value");
    }
    for (key, needed) in [("dk_new", true), ("dk_bil_3", false)] {
        let found = may_refer(storage, chunks(), "prv_2", key).await.unwrap();
        assert_eq!(found, needed, "{key}");
    }
    execute(
        storage,
        "UPDATE bill_chunks SET data_key_id = NULL WHERE bill_id = 'bil_3'",
    )
    .await;
    assert!(
        may_refer(storage, chunks(), "prv_2", "dk_bil_3")
            .await
            .unwrap()
    );
    assert!(
        !may_refer(storage, chunks(), "prv_1", "dk_bil_3")
            .await
            .unwrap()
    );
}
