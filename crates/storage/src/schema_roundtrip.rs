//! The schema can be taken back and applied again, on both databases.

use sea_orm_migration::MigratorTrait;
use tributary_migrations::Migrator;

use crate::Storage;
use crate::test_database::on_both;

on_both! {
    the_schema_goes_up_and_down_and_up_again => up_down_up;
}

async fn up_down_up(storage: &Storage) {
    assert!(storage.is_migrated().await.unwrap());
    Migrator::down(&storage.writer, None).await.unwrap();
    assert!(!storage.is_migrated().await.unwrap());
    storage.migrate().await.unwrap();
    assert!(storage.is_migrated().await.unwrap());
}
