//! People with accounts, their sessions, what they may not do alone, and the few secrets and settings of the platform.

use sea_orm_migration::prelude::*;

use crate::columns::{
    bytes, bytes_null, create_index, create_table, create_unique, drop_tables, id, id_null, number,
    number_null, short, short_null, text, word,
};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const TABLES: [&str; 8] = [
    "staff",
    "recovery_codes",
    "staff_sessions",
    "sign_in_failures",
    "approvals",
    "staff_requests",
    "platform_secrets",
    "platform_settings",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        create_staff(manager).await?;
        create_sessions(manager).await?;
        create_approvals(manager).await?;
        create_requests(manager).await?;
        let secret = vec![short("name"), bytes("sealed"), number("created_at")];
        create_table(manager, "platform_secrets", secret, &["name"]).await?;
        let setting = vec![
            // `platform`, or the tenant that it holds for.
            id("scope"),
            short("name"),
            text("value"),
            number("version"),
            number("updated_at"),
        ];
        create_table(manager, "platform_settings", setting, &["scope", "name"]).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &TABLES).await
    }
}

async fn create_staff(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let columns = vec![
        id("id"),
        id_null("tenant_id"),
        short("email"),
        short("name"),
        word("state"),
        short("roles"),
        short_null("password"),
        bytes_null("totp_secret"),
        bytes_null("totp_offered"),
        number_null("totp_enrolled_at"),
        // No code of this step or an earlier one is taken again.
        number("totp_step"),
        short_null("invitation_hash"),
        number_null("invitation_expires_at"),
        number_null("last_sign_in_at"),
        number("version"),
        number("created_at"),
        number("updated_at"),
    ];
    create_table(manager, "staff", columns, &["id"]).await?;
    create_unique(manager, "staff", &["email"]).await?;
    create_index(manager, "staff", &["tenant_id", "id"]).await?;
    create_index(manager, "staff", &["invitation_hash"]).await?;
    let codes = vec![id("staff_id"), short("hash"), number_null("used_at")];
    create_table(manager, "recovery_codes", codes, &["staff_id", "hash"]).await
}

async fn create_sessions(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let columns = vec![
        id("id"),
        id("staff_id"),
        short("token_hash"),
        short_null("previous_hash"),
        number("rotated_at"),
        number("created_at"),
        number("used_at"),
        number("expires_at"),
        number_null("ended_at"),
        number("proven_at"),
        short_null("ip"),
        short("user_agent"),
    ];
    create_table(manager, "staff_sessions", columns, &["id"]).await?;
    create_unique(manager, "staff_sessions", &["token_hash"]).await?;
    create_index(manager, "staff_sessions", &["previous_hash"]).await?;
    create_index(manager, "staff_sessions", &["staff_id", "id"]).await?;
    create_index(manager, "staff_sessions", &["expires_at"]).await?;
    let failures = vec![
        short("subject"),
        number("failures"),
        number("blocked_until"),
        number("updated_at"),
    ];
    create_table(manager, "sign_in_failures", failures, &["subject"]).await?;
    create_index(manager, "sign_in_failures", &["updated_at"]).await
}

async fn create_approvals(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let columns = vec![
        id("id"),
        id_null("tenant_id"),
        word("kind"),
        short("target"),
        text("content"),
        word("state"),
        id("requested_by"),
        short("reason"),
        id_null("decided_by"),
        short_null("decision_reason"),
        number_null("decided_at"),
        short_null("outcome"),
        number("created_at"),
        number("expires_at"),
    ];
    create_table(manager, "approvals", columns, &["id"]).await?;
    create_index(manager, "approvals", &["tenant_id", "id"]).await?;
    create_index(manager, "approvals", &["state", "id"]).await
}

/// Idempotency keys of the admin API; the answer is sealed, because it may show a secret once.
async fn create_requests(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let columns = vec![
        id("staff_id"),
        short("key_hash"),
        short("fingerprint"),
        number("locked_until"),
        number_null("status"),
        bytes_null("sealed_answer"),
        number("created_at"),
    ];
    create_table(
        manager,
        "staff_requests",
        columns,
        &["staff_id", "key_hash"],
    )
    .await?;
    create_index(manager, "staff_requests", &["created_at"]).await
}
