//! Refunds, late payments, and the sums of an order.

use sea_orm_migration::prelude::*;

use crate::columns::{
    add_columns, bytes_null, create_index, create_table, create_unique, drop_columns, drop_index,
    drop_tables, id, id_null, number, number_null, number_zero, short, short_null, text, text_null,
    word,
};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const TABLES: [&str; 2] = ["refunds", "late_payments"];
const ORDER_COLUMNS: [&str; 5] = [
    "paid_fen",
    "refunding_fen",
    "refunded_fen",
    "refund_count",
    "last_refund_at",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        create_refunds(manager).await?;
        create_late_payments(manager).await?;
        let sums = vec![
            number_zero("paid_fen"),
            number_zero("refunding_fen"),
            number_zero("refunded_fen"),
            number_zero("refund_count"),
            number_null("last_refund_at"),
        ];
        add_columns(manager, "orders", sums).await?;
        add_columns(manager, "tenants", vec![text_null("late_policy")]).await?;
        add_columns(manager, "idempotency_keys", vec![id_null("refund_id")]).await?;
        book_what_was_paid(manager).await?;
        // Also finds what is open and has no time to be looked at, of which there must be nothing.
        create_index(manager, "orders", &["next_poll_at", "state"]).await?;
        drop_index(manager, "orders", &["next_poll_at"]).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        create_index(manager, "orders", &["next_poll_at"]).await?;
        drop_index(manager, "orders", &["next_poll_at", "state"]).await?;
        drop_columns(manager, "idempotency_keys", &["refund_id"]).await?;
        drop_columns(manager, "tenants", &["late_policy"]).await?;
        drop_columns(manager, "orders", &ORDER_COLUMNS).await?;
        drop_tables(manager, &TABLES).await
    }
}

async fn create_refunds(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let columns = vec![
        id("id"),
        id("tenant_id"),
        word("mode"),
        id("provider_id"),
        id("order_id"),
        id("attempt_id"),
        id_null("late_payment_id"),
        short("sub_mchid"),
        word("origin"),
        short("merchant_refund_no"),
        short("out_refund_no"),
        short("out_trade_no"),
        short("transaction_id"),
        number("refund_fen"),
        number("total_fen"),
        text("content"),
        bytes_null("body"),
        word("state"),
        short_null("refund_id"),
        text("facts"),
        text_null("failure"),
        number("created_at"),
        number("updated_at"),
        number("event_seq"),
        number_null("sent_at"),
        number_null("next_try_at"),
        number("tries"),
    ];
    create_table(manager, "refunds", columns, &["id"]).await?;
    let number = ["tenant_id", "mode", "merchant_refund_no"];
    create_unique(manager, "refunds", &number).await?;
    create_unique(manager, "refunds", &["provider_id", "out_refund_no"]).await?;
    create_index(manager, "refunds", &["tenant_id", "mode", "id"]).await?;
    create_index(manager, "refunds", &["tenant_id", "order_id", "id"]).await?;
    create_index(manager, "refunds", &["next_try_at", "state"]).await
}

async fn create_late_payments(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let columns = vec![
        id("id"),
        id("tenant_id"),
        word("mode"),
        id("order_id"),
        id("attempt_id"),
        id("provider_id"),
        word("kind"),
        short("transaction_id"),
        number("total_fen"),
        number("success_time"),
        word("state"),
        short_null("decided_by"),
        text_null("reason"),
        id_null("refund_id"),
        number("created_at"),
        number("updated_at"),
    ];
    create_table(manager, "late_payments", columns, &["id"]).await?;
    create_unique(manager, "late_payments", &["provider_id", "transaction_id"]).await?;
    create_index(manager, "late_payments", &["tenant_id", "order_id", "id"]).await?;
    create_index(manager, "late_payments", &["state", "id"]).await
}

/// Until now only payments of the order's own amount were applied.
async fn book_what_was_paid(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let book = Query::update()
        .table("orders")
        .value("paid_fen", Expr::col("total_fen"))
        .and_where(Expr::col("payment").is_not_null())
        .to_owned();
    manager.execute(book).await?;
    // What a payment after the close was called before it had a policy.
    let accept = Query::update()
        .table("orders")
        .value("state", "paid")
        .and_where(Expr::col("state").eq("paid_late"))
        .to_owned();
    manager.execute(accept).await
}
