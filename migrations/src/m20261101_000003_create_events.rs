//! Events with their feed, webhook endpoints, deliveries with their queue and lanes, leases.

use sea_orm_migration::prelude::*;

use crate::columns::{
    bytes, bytes_null, create_index, create_table, create_unique, drop_tables, flag, id, number,
    number_null, short, short_null, text, text_null, word,
};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const TABLES: [&str; 9] = [
    "events",
    "feed_heads",
    "endpoints",
    "endpoint_secrets",
    "deliveries",
    "delivery_queue",
    "lanes",
    "delivery_attempts",
    "leases",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        create_events(manager).await?;
        create_endpoints(manager).await?;
        create_deliveries(manager).await?;
        create_queue(manager).await?;
        let columns = vec![
            short("name"),
            short("owner"),
            number("fence"),
            number("held_until"),
        ];
        create_table(manager, "leases", columns, &["name"]).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &TABLES).await
    }
}

async fn create_events(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let columns = vec![
        id("id"),
        id("tenant_id"),
        word("mode"),
        short("kind"),
        word("subject_type"),
        id("subject_id"),
        number("seq"),
        number("occurred_at"),
        short("dedupe_key"),
        text("body"),
        // Absent until the sequencer numbers the committed row.
        number_null("feed_seq"),
    ];
    create_table(manager, "events", columns, &["id"]).await?;
    create_unique(
        manager,
        "events",
        &["tenant_id", "subject_type", "subject_id", "seq"],
    )
    .await?;
    create_unique(manager, "events", &["tenant_id", "dedupe_key"]).await?;
    create_unique(manager, "events", &["tenant_id", "mode", "feed_seq"]).await?;
    create_index(manager, "events", &["feed_seq", "id"]).await?;

    let columns = vec![id("tenant_id"), word("mode"), number("last_seq")];
    create_table(manager, "feed_heads", columns, &["tenant_id", "mode"]).await
}

async fn create_endpoints(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let columns = vec![
        id("id"),
        id("tenant_id"),
        word("mode"),
        text("url"),
        short("description"),
        text("filters"),
        word("state"),
        short_null("disabled_reason"),
        number("consecutive_failures"),
        number_null("failing_since"),
        number_null("last_success_at"),
        number("created_at"),
        number("updated_at"),
    ];
    create_table(manager, "endpoints", columns, &["id"]).await?;
    create_index(manager, "endpoints", &["tenant_id", "mode", "id"]).await?;

    let columns = vec![
        id("id"),
        id("tenant_id"),
        id("endpoint_id"),
        bytes("sealed"),
        short("fingerprint"),
        number("created_at"),
        number_null("expires_at"),
    ];
    create_table(manager, "endpoint_secrets", columns, &["id"]).await?;
    create_index(
        manager,
        "endpoint_secrets",
        &["tenant_id", "endpoint_id", "id"],
    )
    .await
}

async fn create_deliveries(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let columns = vec![
        id("id"),
        id("tenant_id"),
        word("mode"),
        id("event_id"),
        short("event_kind"),
        id("endpoint_id"),
        number("generation"),
        word("state"),
        number("attempts"),
        number_null("last_status"),
        short_null("last_error"),
        number("created_at"),
        number_null("finished_at"),
    ];
    create_table(manager, "deliveries", columns, &["id"]).await?;
    create_unique(
        manager,
        "deliveries",
        &["event_id", "endpoint_id", "generation"],
    )
    .await?;
    create_index(manager, "deliveries", &["tenant_id", "mode", "id"]).await?;
    create_index(manager, "deliveries", &["endpoint_id", "state", "id"]).await?;

    let columns = vec![
        id("delivery_id"),
        number("number"),
        id("tenant_id"),
        word("trigger_kind"),
        number("started_at"),
        number("duration_ms"),
        number_null("status"),
        short_null("error_class"),
        text_null("response_headers"),
        bytes_null("response_body"),
        short_null("remote_ip"),
    ];
    create_table(
        manager,
        "delivery_attempts",
        columns,
        &["delivery_id", "number"],
    )
    .await?;
    create_index(manager, "delivery_attempts", &["started_at"]).await
}

/// The narrow, hot table: a row exists only while its delivery is open.
async fn create_queue(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let columns = vec![
        id("delivery_id"),
        id("tenant_id"),
        id("endpoint_id"),
        word("class"),
        number("attempt"),
        number("visible_at"),
        number("fence"),
        short_null("lease_owner"),
        number("lease_until"),
        number("claims"),
    ];
    create_table(manager, "delivery_queue", columns, &["delivery_id"]).await?;
    create_index(
        manager,
        "delivery_queue",
        &["endpoint_id", "visible_at", "delivery_id"],
    )
    .await?;
    create_index(manager, "delivery_queue", &["endpoint_id", "lease_until"]).await?;

    let columns = vec![
        id("endpoint_id"),
        id("tenant_id"),
        number("max_inflight"),
        flag("paused"),
        number_null("open_until"),
        number("last_served_at"),
    ];
    create_table(manager, "lanes", columns, &["endpoint_id"]).await?;
    create_index(manager, "lanes", &["last_served_at"]).await
}
