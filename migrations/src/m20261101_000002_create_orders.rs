//! Orders, their attempts, idempotency keys, and the inbox of WeChat's notifications.

use sea_orm_migration::prelude::*;

use crate::columns::{
    bytes, create_index, create_table, create_unique, drop_tables, id, id_null, number,
    number_null, short, short_null, text, text_null, word,
};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const TABLES: [&str; 4] = ["orders", "attempts", "idempotency_keys", "notifications"];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        create_orders(manager).await?;
        create_attempts(manager).await?;
        create_idempotency_keys(manager).await?;
        create_notifications(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &TABLES).await
    }
}

async fn create_orders(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let columns = vec![
        id("id"),
        id("tenant_id"),
        word("mode"),
        id("provider_id"),
        id("sub_merchant_id"),
        short("sp_mchid"),
        short("sp_appid"),
        short("sub_mchid"),
        short("merchant_order_no"),
        number("total_fen"),
        text("content"),
        word("state"),
        short_null("trade_state"),
        short_null("transaction_id"),
        text_null("payment"),
        number("expires_at"),
        number("created_at"),
        number("updated_at"),
        number("event_seq"),
        number_null("next_poll_at"),
        number("polls"),
    ];
    create_table(manager, "orders", columns, &["id"]).await?;
    create_unique(
        manager,
        "orders",
        &["tenant_id", "mode", "merchant_order_no"],
    )
    .await?;
    create_index(manager, "orders", &["tenant_id", "mode", "id"]).await?;
    create_index(manager, "orders", &["next_poll_at"]).await
}

async fn create_attempts(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let columns = vec![
        id("id"),
        id("tenant_id"),
        id("order_id"),
        id("provider_id"),
        short("out_trade_no"),
        bytes("body"),
        word("state"),
        short_null("prepay_id"),
        number_null("prepared_at"),
        number("created_at"),
    ];
    create_table(manager, "attempts", columns, &["id"]).await?;
    create_unique(manager, "attempts", &["provider_id", "out_trade_no"]).await?;
    create_index(manager, "attempts", &["tenant_id", "order_id", "id"]).await
}

async fn create_idempotency_keys(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let columns = vec![
        id("tenant_id"),
        word("mode"),
        short("route"),
        short("key_hash"),
        short("fingerprint"),
        word("recovery_point"),
        number("lock_token"),
        number("locked_until"),
        id_null("order_id"),
        number_null("status"),
        text_null("answer"),
        number("created_at"),
    ];
    let key = ["tenant_id", "mode", "route", "key_hash"];
    create_table(manager, "idempotency_keys", columns, &key).await?;
    create_index(manager, "idempotency_keys", &["created_at"]).await
}

async fn create_notifications(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let columns = vec![
        id("id"),
        id("provider_id"),
        short("notice_id"),
        short("event_type"),
        text("headers"),
        bytes("body"),
        short("body_sha256"),
        word("state"),
        short_null("verdict"),
        id_null("tenant_id"),
        id_null("order_id"),
        number("received_at"),
        number_null("next_try_at"),
        number("tries"),
    ];
    create_table(manager, "notifications", columns, &["id"]).await?;
    let key = ["provider_id", "notice_id", "body_sha256"];
    create_unique(manager, "notifications", &key).await?;
    create_index(manager, "notifications", &["next_try_at"]).await
}
