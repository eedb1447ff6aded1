//! The wall between tenants, tried by hand on PostgreSQL: what no setting, the wrong one or an old one opens.

use sea_orm::{ConnectionTrait, DatabaseBackend, DbErr, Statement};
use tributary_domain::clock::Timestamp;
use tributary_domain::ids::TenantId;

use crate::tenancy::{platform, within};
use crate::test_database::TestDatabase;
use crate::{Access, Storage, tenants};

async fn walled() -> Option<(TestDatabase, TenantId, TenantId)> {
    let database = TestDatabase::postgres().await?;
    let (mine, other) = (tenant(1), tenant(2));
    let storage = &database.storage;
    platform(async {
        let tx = storage.begin().await.unwrap();
        for tenant in [&mine, &other] {
            let sql = format!(
                "INSERT INTO tenants (id, name, created_at) VALUES ('{tenant}', 'shop', 0);
                 INSERT INTO feed_heads VALUES ('{tenant}', 'test', 7)"
            );
            tx.connection().execute_unprepared(&sql).await.unwrap();
        }
        tx.commit().await.unwrap();
    })
    .await;
    Some((database, mine, other))
}

fn tenant(number: i64) -> TenantId {
    TenantId::new(Timestamp::from_millis(number))
}

async fn count(at: &impl ConnectionTrait, sql: &str) -> i64 {
    let statement = Statement::from_string(DatabaseBackend::Postgres, sql);
    let row = at.query_one_raw(statement).await.unwrap().unwrap();
    row.try_get_by_index(0).unwrap()
}

const HEADS: &str = "SELECT count(*) FROM feed_heads";

#[tokio::test]
async fn a_tenant_sees_its_own_rows_without_naming_itself() {
    let Some((database, mine, other)) = walled().await else {
        return;
    };
    let storage = &database.storage;
    for table in ["feed_heads", "tenants"] {
        let sql = format!("SELECT count(*) FROM {table}");
        for tenant in [&mine, &other] {
            let seen = within(tenant.clone(), count(storage.connection(), &sql)).await;
            assert_eq!(seen, 1, "{table}");
        }
        assert_eq!(platform(count(storage.connection(), &sql)).await, 2);
    }
    let foreign = within(mine.clone(), tenants::find(storage, &other)).await;
    assert_eq!(foreign.unwrap(), None);
}

#[tokio::test]
async fn what_says_nothing_reaches_nothing() {
    let Some((database, mine, _)) = walled().await else {
        return;
    };
    let storage = &database.storage;
    assert!(storage.begin().await.is_err());
    assert!(tenants::find(storage, &mine).await.is_err());
    // Whoever goes around the storage stands before the wall as well, also after the setting was used and is empty.
    let pool = &storage.writer;
    assert_eq!(count(pool, HEADS).await, 0);
    for _ in 0..20 {
        platform(count(storage.connection(), HEADS)).await;
    }
    assert_eq!(count(pool, HEADS).await, 0);
    let insert = "INSERT INTO feed_heads VALUES ('ten_x', 'test', 1)";
    assert!(is_refused(pool.execute_unprepared(insert).await));
}

#[tokio::test]
async fn a_tenant_writes_no_foreign_row() {
    let Some((database, mine, other)) = walled().await else {
        return;
    };
    let storage = &database.storage;
    within(mine.clone(), async {
        let tx = storage.begin().await.unwrap();
        let at = tx.connection();
        for (sql, rows) in [
            ("UPDATE feed_heads SET last_seq = 8", 1),
            ("DELETE FROM feed_heads", 1),
        ] {
            let done = at.execute_unprepared(sql).await.unwrap();
            assert_eq!(done.rows_affected(), rows, "{sql}");
        }
        let insert = format!("INSERT INTO feed_heads VALUES ('{other}', 'live', 1)");
        assert!(is_refused(at.execute_unprepared(&insert).await));
        tx.rollback().await.unwrap();
        let tx = storage.begin().await.unwrap();
        let give = format!("UPDATE feed_heads SET tenant_id = '{other}', mode = 'live'");
        assert!(is_refused(tx.connection().execute_unprepared(&give).await));
    })
    .await;
}

#[tokio::test]
async fn no_row_belongs_to_nobody_or_to_everybody() {
    let Some((database, ..)) = walled().await else {
        return;
    };
    for name in ["", "*"] {
        platform(async {
            let tx = database.storage.begin().await.unwrap();
            let insert = format!("INSERT INTO feed_heads VALUES ('{name}', 'test', 1)");
            let refused = tx
                .connection()
                .execute_unprepared(&insert)
                .await
                .unwrap_err();
            assert!(refused.to_string().contains("tenant_named"), "{refused}");
        })
        .await;
    }
}

#[tokio::test]
async fn every_table_with_a_tenant_is_behind_the_wall_and_so_is_the_next_one() {
    let Some((database, ..)) = walled().await else {
        return;
    };
    let storage = &database.storage;
    let pool = &storage.writer;
    assert_eq!(storage.hole_in_wall().await.unwrap(), None);
    let open = "SELECT count(*) FROM information_schema.columns c
        WHERE c.table_schema = 'public' AND c.column_name = 'tenant_id' AND NOT EXISTS
        (SELECT 1 FROM pg_policies p WHERE p.tablename = c.table_name AND p.qual IS NOT NULL
         AND p.with_check IS NOT NULL AND p.cmd = 'ALL')";
    assert_eq!(count(pool, open).await, 0);

    let create = "CREATE TABLE novelties (tenant_id text, id text)";
    pool.execute_unprepared(create).await.unwrap();
    hole(storage, "novelties").await;
    storage.migrate().await.unwrap();
    assert_eq!(count(pool, open).await, 0);
    let unforce = "ALTER TABLE orders NO FORCE ROW LEVEL SECURITY";
    pool.execute_unprepared(unforce).await.unwrap();
    hole(storage, "orders").await;
    storage.migrate().await.unwrap();
    assert_eq!(storage.hole_in_wall().await.unwrap(), None);
}

async fn hole(storage: &Storage, name: &str) {
    let hole = storage.hole_in_wall().await.unwrap().unwrap();
    assert!(hole.contains(name), "{hole}");
}

fn is_refused<T>(done: Result<T, DbErr>) -> bool {
    let text = done.err().map(|error| error.to_string());
    text.is_some_and(|text| text.contains("row-level security"))
}
