//! What callers prove themselves with: more about API keys, tenants' certificates, spent nonces, the platform's keys.

use sea_orm_migration::prelude::*;

use crate::columns::{
    add_columns, bytes, create_index, create_table, create_unique, drop_columns, drop_tables, id,
    id_null, number, number_null, short, short_null, text, text_null, word,
};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const API_KEYS: &str = "api_keys";
const CERTIFICATES: &str = "tenant_certificates";
const NONCES: &str = "request_nonces";
const SIGNING_KEYS: &str = "signing_keys";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let columns = vec![
            // Networks, separated by spaces; absent, the key works from everywhere.
            text_null("networks"),
            id_null("successor_id"),
            number_null("last_used_at"),
            short_null("last_used_from"),
        ];
        add_columns(manager, API_KEYS, columns).await?;
        create_certificates(manager).await?;
        create_nonces(manager).await?;
        create_signing_keys(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &[CERTIFICATES, NONCES, SIGNING_KEYS]).await?;
        let names = ["networks", "successor_id", "last_used_at", "last_used_from"];
        drop_columns(manager, API_KEYS, &names).await
    }
}

async fn create_certificates(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let columns = vec![
        id("id"),
        id("tenant_id"),
        word("mode"),
        short("name"),
        word("kind"),
        short("serial"),
        text("pem"),
        short("fingerprint"),
        text("scopes"),
        number_null("expires_at"),
        number_null("revoked_at"),
        number_null("last_used_at"),
        short_null("last_used_from"),
        number("created_at"),
    ];
    create_table(manager, CERTIFICATES, columns, &["id"]).await?;
    create_unique(manager, CERTIFICATES, &["tenant_id", "serial"]).await?;
    // A pair of keys has one owner, one mode and one set of scopes: a signature names none of them.
    create_unique(manager, CERTIFICATES, &["fingerprint"]).await?;
    create_index(manager, CERTIFICATES, &["tenant_id", "id"]).await
}

async fn create_nonces(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let columns = vec![id("tenant_id"), short("nonce"), number("expires_at")];
    create_table(manager, NONCES, columns, &["tenant_id", "nonce"]).await?;
    create_index(manager, NONCES, &["expires_at"]).await
}

async fn create_signing_keys(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let columns = vec![
        id("id"),
        word("purpose"),
        // Counts the keys of a purpose, so that two nodes cannot both make the next one.
        number("generation"),
        short("serial"),
        // Whose data key seals the private half.
        short("owner"),
        bytes("private_key"),
        // A certificate, or a public key.
        text("public_part"),
        number("signs_from"),
        number("ends_at"),
        number("created_at"),
    ];
    create_table(manager, SIGNING_KEYS, columns, &["id"]).await?;
    create_unique(manager, SIGNING_KEYS, &["purpose", "generation"]).await
}
