//! Lets an endpoint choose: its headers, its signature, its payload, its schedule, its order; and widens the log.

use sea_orm_migration::prelude::*;

use crate::columns::{bytes_null, flag, number, number_null, short, short_null, text_null, word};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// The new columns with their tables. What must not be null has a default: yesterday's code does not name it.
fn columns() -> Vec<(&'static str, ColumnDef)> {
    vec![
        ("endpoints", with_default(word("payload"), "full")),
        ("endpoints", with_default(word("schedule"), "standard")),
        (
            "endpoints",
            with_default(short("api_version"), "2026-11-01"),
        ),
        // A list as JSON; absent, an endpoint hears of every sub-merchant.
        ("endpoints", text_null("sub_mchids")),
        ("endpoints", with_default(flag("ordered"), false)),
        // Absent, an attempt may last as long as usual.
        ("endpoints", number_null("timeout_ms")),
        // The names as JSON, and the names with their values sealed.
        ("endpoints", text_null("header_names")),
        ("endpoints", bytes_null("sealed_headers")),
        // What a receiver verifies `v1a` with; absent for `v1`.
        ("endpoint_secrets", short_null("public_key")),
        ("events", text_null("thin_body")),
        ("deliveries", with_default(flag("thin"), false)),
        ("lanes", with_default(flag("ordered"), false)),
        ("lanes", with_default(number("successes"), 0_i64)),
        ("delivery_attempts", text_null("request_headers")),
        ("delivery_attempts", number_null("dns_ms")),
        ("delivery_attempts", number_null("connect_ms")),
        ("delivery_attempts", number_null("tls_ms")),
        ("delivery_attempts", number_null("first_byte_ms")),
        ("delivery_attempts", short_null("tls_version")),
    ]
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (table, mut column) in columns() {
            let change = Table::alter()
                .table(table)
                .add_column(&mut column)
                .to_owned();
            manager.alter_table(change).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (table, column) in columns().into_iter().rev() {
            let change = Table::alter()
                .table(table)
                .drop_column(column.get_column_name())
                .to_owned();
            manager.alter_table(change).await?;
        }
        Ok(())
    }
}

fn with_default(mut column: ColumnDef, value: impl Into<Expr>) -> ColumnDef {
    column.default(value);
    column
}
