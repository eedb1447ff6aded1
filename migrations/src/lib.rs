//! The one set of schema changes, for SQLite and PostgreSQL alike.
//!
//! Expand, deploy, contract: an applied migration is never edited, and yesterday's code runs on today's schema.
//! Instants that are compared or sorted are BIGINT milliseconds, amounts BIGINT fen, states short texts, ids made by
//! the application; keys lead with `tenant_id`. No column type, index or clause that only one database has,
//! except PostgreSQL's tuning and its [`wall`].

use sea_orm_migration::prelude::*;

mod columns;
mod m20261101_000001_create_tenants;
mod m20261101_000002_create_orders;
mod m20261101_000003_create_events;
mod m20261101_000004_tune_queue;
mod m20261125_000005_create_refunds;
mod m20261125_000006_widen_endpoints;
mod m20261125_000007_create_upstream_calls;
mod m20261125_000008_create_bills;
mod m20261125_000009_create_audit;
mod m20261125_000010_create_staff;
mod m20261125_000011_age_data_keys;
mod m20261125_000012_create_provider_keys;
mod m20261125_000013_create_credentials;
mod m20261125_000014_widen_tenants;
mod m20261125_000015_create_console;
mod m20261125_000016_raise_wall;
mod m20261126_000017_index_keys;
mod m20261126_000018_note_inviters;
pub mod wall;

/// Applies and reverts the schema.
#[derive(Debug)]
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20261101_000001_create_tenants::Migration),
            Box::new(m20261101_000002_create_orders::Migration),
            Box::new(m20261101_000003_create_events::Migration),
            Box::new(m20261101_000004_tune_queue::Migration),
            Box::new(m20261125_000005_create_refunds::Migration),
            Box::new(m20261125_000006_widen_endpoints::Migration),
            Box::new(m20261125_000007_create_upstream_calls::Migration),
            Box::new(m20261125_000008_create_bills::Migration),
            Box::new(m20261125_000009_create_audit::Migration),
            Box::new(m20261125_000010_create_staff::Migration),
            Box::new(m20261125_000011_age_data_keys::Migration),
            Box::new(m20261125_000012_create_provider_keys::Migration),
            Box::new(m20261125_000013_create_credentials::Migration),
            Box::new(m20261125_000014_widen_tenants::Migration),
            Box::new(m20261125_000015_create_console::Migration),
            Box::new(m20261125_000016_raise_wall::Migration),
            Box::new(m20261126_000017_index_keys::Migration),
            Box::new(m20261126_000018_note_inviters::Migration),
        ]
    }
}
