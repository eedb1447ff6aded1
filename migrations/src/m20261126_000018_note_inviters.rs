//! Who made a person's last invitation, and so could have come in its place: it decides nothing that the other asked for.

use sea_orm_migration::prelude::*;

use crate::columns::{add_columns, drop_columns, short_null};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        add_columns(manager, "staff", vec![short_null("invited_by")]).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_columns(manager, "staff", &["invited_by"]).await
    }
}
