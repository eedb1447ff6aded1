//! Tells PostgreSQL that the queue and its lanes are small and rewritten all the time; no other database needs it.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DatabaseBackend;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const TABLES: [&str; 2] = ["delivery_queue", "lanes"];

/// With the usual thresholds dead rows would outnumber the living long before the first vacuum.
const TUNED: &str = "SET (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.01, \
                     autovacuum_vacuum_threshold = 500, autovacuum_vacuum_cost_delay = 0)";
const USUAL: &str = "RESET (fillfactor, autovacuum_vacuum_scale_factor, \
                     autovacuum_vacuum_threshold, autovacuum_vacuum_cost_delay)";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        alter(manager, TUNED).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        alter(manager, USUAL).await
    }
}

async fn alter(manager: &SchemaManager<'_>, change: &str) -> Result<(), DbErr> {
    if manager.get_database_backend() != DatabaseBackend::Postgres {
        return Ok(());
    }
    for table in TABLES {
        let sql = format!("ALTER TABLE {table} {change}");
        manager.get_connection().execute_unprepared(&sql).await?;
    }
    Ok(())
}
