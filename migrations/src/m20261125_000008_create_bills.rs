//! Bills, their rows, the comparison of each day, and what differs; and the instants that decide whose day it is.

use sea_orm_migration::prelude::*;

use crate::columns::{
    add_columns, bytes, create_index, create_table, create_unique, drop_columns, drop_tables, id,
    id_null, number, number_null, short, short_null, text, text_null, word,
};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const TABLES: [&str; 5] = [
    "bills",
    "bill_chunks",
    "bill_rows",
    "reconciliations",
    "discrepancies",
];
/// Orders whose payment is read in one statement.
const PAGE: u64 = 1_000;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        create_bills(manager).await?;
        create_rows(manager).await?;
        create_reconciliations(manager).await?;
        create_discrepancies(manager).await?;
        add_columns(manager, "orders", vec![number_null("paid_at")]).await?;
        add_columns(manager, "refunds", vec![number_null("accepted_at")]).await?;
        date_payments(manager).await?;
        date_refunds(manager).await?;
        create_index(manager, "orders", &["provider_id", "paid_at"]).await?;
        create_index(manager, "orders", &["tenant_id", "mode", "paid_at"]).await?;
        create_index(manager, "refunds", &["provider_id", "accepted_at"]).await?;
        create_index(manager, "late_payments", &["provider_id", "success_time"]).await?;
        create_index(manager, "late_payments", &["order_id"]).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (table, columns) in [
            ("orders", "provider_id_paid_at"),
            ("orders", "tenant_id_mode_paid_at"),
            ("refunds", "provider_id_accepted_at"),
            ("late_payments", "provider_id_success_time"),
            ("late_payments", "order_id"),
        ] {
            let mut index = Index::drop();
            index.name(format!("ix_{table}_{columns}")).table(table);
            manager.drop_index(index).await?;
        }
        drop_columns(manager, "refunds", &["accepted_at"]).await?;
        drop_columns(manager, "orders", &["paid_at"]).await?;
        drop_tables(manager, &TABLES).await
    }
}

async fn create_bills(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let columns = vec![
        id("id"),
        id("provider_id"),
        word("mode"),
        word("day"),
        word("kind"),
        short("account"),
        word("state"),
        short("content_hash"),
        number("content_bytes"),
        number("chunks"),
        number("rows"),
        number("refund_rows"),
        number("payment_fen"),
        number("refund_fen"),
        number("unlisted_rows"),
        number("unlisted_payment_fen"),
        number("unlisted_refund_fen"),
        short_null("failure"),
        number("created_at"),
        number_null("finished_at"),
    ];
    create_table(manager, "bills", columns, &["id"]).await?;
    let name = ["provider_id", "day", "kind", "account", "content_hash"];
    create_unique(manager, "bills", &name).await?;
    create_index(manager, "bills", &["state", "created_at"]).await?;
    let columns = vec![id("bill_id"), number("number"), bytes("sealed")];
    create_table(manager, "bill_chunks", columns, &["bill_id", "number"]).await
}

async fn create_rows(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let columns = vec![
        id("bill_id"),
        number("line"),
        id("provider_id"),
        word("mode"),
        word("day"),
        word("kind"),
        // What a row is matched by; orders the rows of a bill so that the same number stands side by side.
        short("number"),
        id_null("tenant_id"),
        id_null("order_id"),
        id_null("refund_id"),
        number("trade_time"),
        short("sub_mchid"),
        short("transaction_id"),
        short("out_trade_no"),
        short_null("wechat_refund_id"),
        short_null("out_refund_no"),
        short_null("refund_status"),
        short("trade_type"),
        short_null("bank_type"),
        number("total_fen"),
        number("refund_fen"),
        number("fee_base_fen"),
        number_null("fee_millifen"),
        short_null("rate"),
    ];
    create_table(manager, "bill_rows", columns, &["bill_id", "line"]).await?;
    create_index(manager, "bill_rows", &["bill_id", "kind", "number", "line"]).await?;
    create_index(
        manager,
        "bill_rows",
        &["tenant_id", "mode", "day", "bill_id", "line"],
    )
    .await
}

async fn create_reconciliations(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut columns = vec![
        id("id"),
        id("provider_id"),
        word("mode"),
        word("day"),
        word("state"),
        number("tries"),
        number_null("next_try_at"),
        id_null("bill_id"),
        short_null("failure"),
        number("created_at"),
        number("updated_at"),
        number_null("completed_at"),
    ];
    for name in [
        "payment_local_count",
        "payment_local_fen",
        "payment_bill_count",
        "payment_bill_fen",
        "payment_discrepancy_fen",
        "refund_local_count",
        "refund_local_fen",
        "refund_bill_count",
        "refund_bill_fen",
        "refund_discrepancy_fen",
    ] {
        columns.push(number(name));
    }
    create_table(manager, "reconciliations", columns, &["id"]).await?;
    create_unique(manager, "reconciliations", &["provider_id", "day"]).await?;
    create_index(manager, "reconciliations", &["next_try_at"]).await
}

async fn create_discrepancies(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let columns = vec![
        id("id"),
        id("provider_id"),
        word("mode"),
        word("day"),
        word("class"),
        word("subject"),
        short("number"),
        number("line"),
        id_null("tenant_id"),
        id_null("order_id"),
        number("local_fen"),
        number("bill_fen"),
        word("state"),
        word("owner"),
        short_null("actor"),
        text_null("reason"),
        text("evidence"),
        number("event_seq"),
        number("seen_in"),
        number("created_at"),
        number("updated_at"),
    ];
    create_table(manager, "discrepancies", columns, &["id"]).await?;
    let key = ["provider_id", "day", "class", "subject", "number", "line"];
    create_unique(manager, "discrepancies", &key).await?;
    create_index(manager, "discrepancies", &["state", "id"]).await?;
    create_index(
        manager,
        "discrepancies",
        &["tenant_id", "mode", "day", "id"],
    )
    .await
}

/// An order's payment says when it was paid; both databases keep it as text.
async fn date_payments(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let dated = |text: &str| {
        let payment: serde_json::Value = serde_json::from_str(text).ok()?;
        payment.get("success_time")?.as_i64()
    };
    date(manager, ("orders", "payment", "paid_at"), dated).await
}

/// What WeChat accepted before the column was there: when it was first sent is the nearest that is known.
async fn date_refunds(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let accepted = Query::update()
        .table("refunds")
        .value("accepted_at", Expr::col("sent_at"))
        .and_where(Expr::col("refund_id").is_not_null())
        .to_owned();
    manager.execute(accepted).await
}

/// Fills one column from a text, page by page.
async fn date(
    manager: &SchemaManager<'_>,
    (table, from, to): (&'static str, &'static str, &'static str),
    read: impl Fn(&str) -> Option<i64>,
) -> Result<(), DbErr> {
    let mut after = String::new();
    loop {
        let page = Query::select()
            .column("id")
            .column(from)
            .from(table)
            .and_where(Expr::col("id").gt(after.as_str()))
            .and_where(Expr::col(from).is_not_null())
            .order_by("id", Order::Asc)
            .limit(PAGE)
            .to_owned();
        let rows = manager.get_connection().query_all(&page).await?;
        if rows.is_empty() {
            return Ok(());
        }
        for row in rows {
            after = row.try_get_by_index(0)?;
            let text: String = row.try_get_by_index(1)?;
            let Some(at) = read(&text) else { continue };
            let update = Query::update()
                .table(table)
                .value(to, at)
                .and_where(Expr::col("id").eq(after.as_str()))
                .to_owned();
            manager.execute(update).await?;
        }
    }
}
