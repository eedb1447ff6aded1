//! Every migration goes up, down and up again, on each database.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{ConnectOptions, Database, DatabaseConnection};
use tributary_migrations::Migrator;

async fn goes_up_down_and_up(database: DatabaseConnection) {
    Migrator::up(&database, None).await.unwrap();
    Migrator::down(&database, None).await.unwrap();
    let manager = SchemaManager::new(&database);
    assert!(!manager.has_table("orders").await.unwrap());
    Migrator::up(&database, None).await.unwrap();
    assert!(manager.has_table("orders").await.unwrap());
    assert!(
        Migrator::get_pending_migrations(&database)
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn the_schema_goes_up_down_and_up_on_sqlite() {
    let mut options = ConnectOptions::new("sqlite::memory:");
    options.max_connections(1);
    goes_up_down_and_up(Database::connect(options).await.unwrap()).await;
}

#[tokio::test]
async fn the_schema_goes_up_down_and_up_on_postgresql() {
    #[expect(
        clippy::disallowed_methods,
        reason = "tests learn of the database from `make test`"
    )]
    let cluster = std::env::var("TRIBUTARY_TEST_POSTGRES")
        .expect("TRIBUTARY_TEST_POSTGRES is not set: run `make test`, which starts PostgreSQL");
    let admin = Database::connect(&cluster).await.unwrap();
    let name = format!("migrations_{}", std::process::id());
    admin
        .execute_unprepared(&format!("CREATE DATABASE {name}"))
        .await
        .unwrap();
    let (server, _) = cluster.rsplit_once('/').unwrap();
    let database = Database::connect(format!("{server}/{name}")).await.unwrap();
    goes_up_down_and_up(database.clone()).await;
    database.close().await.unwrap();
    admin
        .execute_unprepared(&format!("DROP DATABASE {name} WITH (FORCE)"))
        .await
        .unwrap();
}
