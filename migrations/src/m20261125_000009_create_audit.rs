//! The audit log: its entries, and the head of each chain, whose row is held while an entry is appended.

use sea_orm_migration::prelude::*;

use crate::columns::{
    bytes, create_index, create_table, drop_tables, id_null, number, short, short_null, text,
};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const ENTRIES: &str = "audit_entries";
const HEADS: &str = "audit_heads";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let entries = vec![
            // A tenant's id, or `platform`.
            short("scope"),
            number("number"),
            id_null("tenant_id"),
            number("at"),
            short("actor"),
            short("action"),
            short_null("target"),
            // The very bytes that were hashed.
            text("entry"),
            bytes("hash"),
        ];
        create_table(manager, ENTRIES, entries, &["scope", "number"]).await?;
        create_index(manager, ENTRIES, &["tenant_id", "at"]).await?;
        create_index(manager, ENTRIES, &["at"]).await?;
        create_index(manager, ENTRIES, &["actor", "at"]).await?;
        create_index(manager, ENTRIES, &["target", "at"]).await?;
        create_index(manager, ENTRIES, &["action", "at"]).await?;
        let heads = vec![
            short("scope"),
            id_null("tenant_id"),
            number("number"),
            bytes("hash"),
        ];
        create_table(manager, HEADS, heads, &["scope"]).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &[ENTRIES, HEADS]).await
    }
}
