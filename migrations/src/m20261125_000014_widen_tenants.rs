//! The life of tenants, sub-merchants and apps, and what people vouch for about them.

use sea_orm_migration::prelude::*;

use crate::columns::{
    add_columns, create_table, drop_columns, drop_tables, id, number, number_null, number_one,
    short, short_null, text_null, word, word_default,
};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const FACTS: &str = "readiness_facts";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let tenant = vec![
            word_default("state", "active"),
            short_null("contact"),
            text_null("settings"),
            number_one("version"),
        ];
        add_columns(manager, "tenants", tenant).await?;
        let merchant = vec![
            word_default("state", "active"),
            number_null("rate"),
            text_null("note"),
            number_one("version"),
        ];
        add_columns(manager, "sub_merchants", merchant).await?;
        let app = vec![
            word_default("kind", "mini_program"),
            word_default("binding", "unconfirmed"),
            short_null("confirmed_by"),
            number_null("confirmed_at"),
            short_null("secret_fingerprint"),
            number_one("version"),
        ];
        add_columns(manager, "sub_apps", app).await?;
        let facts = vec![
            id("tenant_id"),
            id("sub_merchant_id"),
            word("fact"),
            short("confirmed_by"),
            number("confirmed_at"),
        ];
        create_table(
            manager,
            FACTS,
            facts,
            &["tenant_id", "sub_merchant_id", "fact"],
        )
        .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &[FACTS]).await?;
        let app = [
            "kind",
            "binding",
            "confirmed_by",
            "confirmed_at",
            "secret_fingerprint",
            "version",
        ];
        drop_columns(manager, "sub_apps", &app).await?;
        drop_columns(
            manager,
            "sub_merchants",
            &["state", "rate", "note", "version"],
        )
        .await?;
        drop_columns(
            manager,
            "tenants",
            &["state", "contact", "settings", "version"],
        )
        .await
    }
}
