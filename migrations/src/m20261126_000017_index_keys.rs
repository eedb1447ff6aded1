//! Keys and certificates are found by what is printed on them, and certificates by their end.

use sea_orm_migration::prelude::*;

use crate::columns::{create_index, drop_index};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const INDEXES: [(&str, &[&str]); 4] = [
    ("provider_keys", &["serial"]),
    ("provider_keys", &["fingerprint"]),
    ("tenant_certificates", &["serial"]),
    ("tenant_certificates", &["expires_at", "id"]),
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (table, columns) in INDEXES {
            create_index(manager, table, columns).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (table, columns) in INDEXES {
            drop_index(manager, table, columns).await?;
        }
        Ok(())
    }
}
