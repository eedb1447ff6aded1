//! The record of calls to WeChat, one row per try, and the indexes that an order's timeline reads by.

use sea_orm_migration::prelude::*;

use crate::columns::{
    create_index, create_table, drop_tables, id, id_null, number, number_null, short, short_null,
    word,
};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const CALLS: &str = "upstream_calls";
const BY_ORDER: [&str; 2] = ["tenant_id", "order_id"];
const INDEXED: [&str; 2] = ["notifications", "alarms"];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let columns = vec![
            id("id"),
            // The try within the call, from 1; 0 when nothing was sent.
            number("try_number"),
            // Orders the calls of one process that began in one millisecond.
            number("position"),
            id("provider_id"),
            word("mode"),
            id_null("tenant_id"),
            id_null("order_id"),
            id_null("attempt_id"),
            id_null("refund_id"),
            word("purpose"),
            word("method"),
            short("path"),
            short("host"),
            number("started_at"),
            number("duration_ms"),
            word("outcome"),
            short_null("failure"),
            number_null("status"),
            short_null("code"),
            short_null("request_id"),
            short_null("key_serial"),
            short_null("said"),
        ];
        create_table(manager, CALLS, columns, &["id", "try_number"]).await?;
        create_index(manager, CALLS, &["tenant_id", "order_id", "started_at"]).await?;
        create_index(manager, CALLS, &["started_at"]).await?;
        for table in INDEXED {
            create_index(manager, table, &BY_ORDER).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in INDEXED {
            let mut index = Index::drop();
            index
                .name(format!("ix_{table}_{}", BY_ORDER.join("_")))
                .table(table);
            manager.drop_index(index).await?;
        }
        drop_tables(manager, &[CALLS]).await
    }
}
