//! Tenants, their API keys, providers and their keys, sub-merchants, apps, data keys, alarms.

use sea_orm_migration::prelude::*;

use crate::columns::{
    bytes, bytes_null, create_index, create_table, create_unique, drop_tables, id, id_null, number,
    number_null, short, text, text_null, word,
};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const TABLES: [&str; 9] = [
    "tenants",
    "api_keys",
    "data_keys",
    "providers",
    "platform_keys",
    "sub_merchants",
    "sub_apps",
    "openids",
    "alarms",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        create_tenants(manager).await?;
        create_providers(manager).await?;
        create_merchants(manager).await?;
        let columns = vec![
            id("id"),
            number("raised_at"),
            short("kind"),
            id_null("tenant_id"),
            id_null("provider_id"),
            id_null("order_id"),
            text("detail"),
        ];
        create_table(manager, "alarms", columns, &["id"]).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &TABLES).await
    }
}

async fn create_tenants(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let columns = vec![id("id"), short("name"), number("created_at")];
    create_table(manager, "tenants", columns, &["id"]).await?;

    let columns = vec![
        id("id"),
        id("tenant_id"),
        word("mode"),
        short("name"),
        short("prefix"),
        short("hash"),
        text("scopes"),
        number_null("expires_at"),
        number_null("revoked_at"),
        number("created_at"),
    ];
    create_table(manager, "api_keys", columns, &["id"]).await?;
    create_unique(manager, "api_keys", &["hash"]).await?;
    create_index(manager, "api_keys", &["tenant_id", "id"]).await?;

    let columns = vec![
        id("id"),
        short("owner"),
        short("kek_id"),
        bytes("wrapped"),
        word("state"),
        number("created_at"),
    ];
    create_table(manager, "data_keys", columns, &["id"]).await?;
    create_index(manager, "data_keys", &["owner", "state"]).await
}

async fn create_providers(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let columns = vec![
        id("id"),
        short("name"),
        short("sp_mchid"),
        short("sp_appid"),
        word("mode"),
        text("api_url"),
        text_null("backup_api_url"),
        text("login_url"),
        short("route_token"),
        short("merchant_serial"),
        bytes("merchant_private_key"),
        bytes("api_v3_key"),
        bytes_null("api_v3_key_previous"),
        number("created_at"),
        number("updated_at"),
    ];
    create_table(manager, "providers", columns, &["id"]).await?;
    create_unique(manager, "providers", &["mode", "sp_mchid"]).await?;
    create_unique(manager, "providers", &["route_token"]).await?;

    let columns = vec![
        id("provider_id"),
        short("serial"),
        word("kind"),
        text("pem"),
        number_null("not_before"),
        number_null("not_after"),
        number("added_at"),
    ];
    create_table(
        manager,
        "platform_keys",
        columns,
        &["provider_id", "serial"],
    )
    .await
}

async fn create_merchants(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let columns = vec![
        id("id"),
        id("tenant_id"),
        id("provider_id"),
        word("mode"),
        short("sub_mchid"),
        short("name"),
        number("created_at"),
    ];
    create_table(manager, "sub_merchants", columns, &["id"]).await?;
    create_unique(manager, "sub_merchants", &["provider_id", "sub_mchid"]).await?;
    create_index(
        manager,
        "sub_merchants",
        &["tenant_id", "mode", "sub_mchid"],
    )
    .await?;

    let columns = vec![
        id("id"),
        id("tenant_id"),
        id("sub_merchant_id"),
        short("appid"),
        bytes_null("secret"),
        number("created_at"),
    ];
    create_table(manager, "sub_apps", columns, &["id"]).await?;
    create_unique(manager, "sub_apps", &["sub_merchant_id", "appid"]).await?;
    create_index(manager, "sub_apps", &["tenant_id", "appid"]).await?;

    // Which app an openid belongs to, as learned at login; the openid itself is not kept here.
    let columns = vec![
        id("tenant_id"),
        short("openid_hash"),
        short("appid"),
        number("seen_at"),
    ];
    create_table(
        manager,
        "openids",
        columns,
        &["tenant_id", "openid_hash", "appid"],
    )
    .await
}
