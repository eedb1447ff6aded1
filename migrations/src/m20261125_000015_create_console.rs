//! What staff look at and let run: indexes of lists across tenants, notes, jobs with their results, hourly figures.

use sea_orm_migration::prelude::*;

use crate::columns::{
    add_columns, bytes, create_index, create_table, drop_columns, drop_index, drop_tables, id,
    id_null, number, number_null, number_zero, short, short_null, text, text_null, word,
};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const TABLES: [&str; 5] = [
    "order_notes",
    "jobs",
    "job_chunks",
    "job_troubles",
    "order_hours",
];

/// The leading path of each filter of a list across tenants, and of each kind of number that is searched.
///
/// Most end in the id, so that a page is a range of the index. What has no path of its own is looked at row by row,
/// and the rows that one page may look at are bounded.
const INDEXES: [(&str, &[&str]); 26] = [
    ("orders", &["mode", "id"]),
    ("orders", &["state", "mode", "id"]),
    ("orders", &["sub_mchid", "mode", "id"]),
    ("orders", &["mode", "paid_at"]),
    ("orders", &["transaction_id"]),
    ("orders", &["merchant_order_no"]),
    ("orders", &["payer_hash", "id"]),
    ("refunds", &["mode", "id"]),
    ("refunds", &["state", "mode", "id"]),
    ("refunds", &["sub_mchid", "mode", "id"]),
    ("refunds", &["merchant_refund_no"]),
    ("refunds", &["out_refund_no"]),
    ("refunds", &["refund_id"]),
    ("late_payments", &["transaction_id"]),
    ("late_payments", &["kind", "mode", "order_id"]),
    ("discrepancies", &["state", "mode", "order_id"]),
    ("deliveries", &["mode", "id"]),
    ("deliveries", &["state", "mode", "id"]),
    ("deliveries", &["endpoint_id", "id"]),
    ("notifications", &["state", "id"]),
    ("notifications", &["notice_id"]),
    ("upstream_calls", &["request_id"]),
    ("endpoints", &["host"]),
    ("alarms", &["state", "id"]),
    ("sub_merchants", &["sub_mchid"]),
    ("sub_apps", &["appid"]),
];

/// Rows whose host is filled in by one statement's answer.
const PAGE: u64 = 1_000;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        widen(manager).await?;
        name_hosts(manager).await?;
        create_notes(manager).await?;
        create_jobs(manager).await?;
        create_hours(manager).await?;
        for (table, columns) in INDEXES {
            create_index(manager, table, columns).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (table, columns) in INDEXES {
            drop_index(manager, table, columns).await?;
        }
        drop_tables(manager, &TABLES).await?;
        let reconciled = ["closed_at", "closed_by"];
        drop_columns(manager, "reconciliations", &reconciled).await?;
        drop_columns(manager, "discrepancies", &["assignee"]).await?;
        let resolved = ["state", "resolved_at", "resolved_by", "resolution"];
        drop_columns(manager, "alarms", &resolved).await?;
        drop_columns(manager, "endpoints", &["host"]).await?;
        let learned = ["payer_hash", "paid_source", "learned_at"];
        drop_columns(manager, "orders", &learned).await
    }
}

async fn widen(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let learned = vec![
        // Absent for orders of before: a hash is made where the openid comes in.
        short_null("payer_hash"),
        // How we learned of the payment, and when.
        word_null("paid_source"),
        number_null("learned_at"),
    ];
    add_columns(manager, "orders", learned).await?;
    add_columns(manager, "endpoints", vec![short_null("host")]).await?;
    let resolved = vec![
        word_open("state"),
        number_null("resolved_at"),
        short_null("resolved_by"),
        text_null("resolution"),
    ];
    add_columns(manager, "alarms", resolved).await?;
    add_columns(manager, "discrepancies", vec![short_null("assignee")]).await?;
    let closed = vec![number_null("closed_at"), short_null("closed_by")];
    add_columns(manager, "reconciliations", closed).await
}

async fn create_notes(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let columns = vec![
        id("id"),
        id("tenant_id"),
        id("order_id"),
        short("author"),
        text("words"),
        number("created_at"),
    ];
    create_table(manager, "order_notes", columns, &["id"]).await?;
    create_index(manager, "order_notes", &["tenant_id", "order_id", "id"]).await
}

async fn create_jobs(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let columns = vec![
        id("id"),
        // Absent for a job about everybody's affairs.
        id_null("tenant_id"),
        word("mode"),
        word("kind"),
        word("state"),
        short("asked_by"),
        text("wish"),
        // Where it stands within its rows; what is before is done.
        text_null("place"),
        number("done"),
        number("troubles"),
        number_null("total"),
        short_null("failure"),
        short_null("result_name"),
        number_zero("result_bytes"),
        number_zero("result_chunks"),
        number("fence"),
        number("lease_until"),
        number_null("next_run_at"),
        number("created_at"),
        number("updated_at"),
        number_null("finished_at"),
    ];
    create_table(manager, "jobs", columns, &["id"]).await?;
    create_index(manager, "jobs", &["next_run_at"]).await?;
    create_index(manager, "jobs", &["tenant_id", "id"]).await?;
    create_index(manager, "jobs", &["finished_at"]).await?;
    let columns = vec![id("job_id"), number("number"), bytes("content")];
    create_table(manager, "job_chunks", columns, &["job_id", "number"]).await?;
    let columns = vec![
        id("job_id"),
        number("number"),
        short("subject"),
        short("reason"),
    ];
    create_table(manager, "job_troubles", columns, &["job_id", "number"]).await
}

/// What was placed in each hour and what became of it; computed again while it may still change.
async fn create_hours(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut columns = vec![
        word("mode"),
        number("hour"),
        id("tenant_id"),
        short("sub_mchid"),
    ];
    for name in [
        "placed",
        "paid",
        "ended_unpaid",
        "placed_fen",
        "paid_fen",
        "by_query",
        "by_notification",
        "refunds",
        "refunded_fen",
        "computed_at",
    ] {
        columns.push(number(name));
    }
    let key = ["mode", "hour", "tenant_id", "sub_mchid"];
    create_table(manager, "order_hours", columns, &key).await?;
    create_index(manager, "order_hours", &["tenant_id", "mode", "hour"]).await
}

/// A closed word that rows of before lack.
fn word_null(name: &'static str) -> ColumnDef {
    let mut column = ColumnDef::new(name);
    column.string_len(32).null();
    column
}

/// A state that begins as open, for rows of before as well.
fn word_open(name: &'static str) -> ColumnDef {
    let mut column = word(name);
    column.default("open");
    column
}

/// The host of each endpoint's URL, so that one is found by it.
async fn name_hosts(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut after = String::new();
    loop {
        let page = Query::select()
            .columns(["id", "url"])
            .from("endpoints")
            .and_where(Expr::col("id").gt(after.as_str()))
            .order_by("id", Order::Asc)
            .limit(PAGE)
            .to_owned();
        let rows = manager.get_connection().query_all(&page).await?;
        if rows.is_empty() {
            return Ok(());
        }
        for row in rows {
            after = row.try_get_by_index(0)?;
            let url: String = row.try_get_by_index(1)?;
            let update = Query::update()
                .table("endpoints")
                .value("host", host_of(&url))
                .and_where(Expr::col("id").eq(after.as_str()))
                .to_owned();
            manager.execute(update).await?;
        }
    }
}

/// The name of the receiver in a URL as it was stored: without user, port and path, at most 191 characters.
fn host_of(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    let host = match host.strip_prefix('[') {
        Some(address) => address.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    host.to_ascii_lowercase().chars().take(191).collect()
}
