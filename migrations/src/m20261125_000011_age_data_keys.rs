//! Data keys grow old: how often one sealed, when it stopped, when it is looked at next, why it is gone. And which key
//! sealed a piece of a bill, because those are too many to be read for it.

use sea_orm_migration::prelude::*;

use crate::columns::{
    add_columns, create_index, create_unique, drop_columns, drop_index, id_null, number_null,
    number_zero, short_null,
};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// Nodes that met at an owner's first secret have made two keys: the newest seals, the others open.
const NEWEST_SEALS: &str = "UPDATE data_keys SET active_owner = owner WHERE state = 'active' AND NOT EXISTS \
     (SELECT 1 FROM data_keys newer WHERE newer.owner = data_keys.owner AND newer.state = 'active' \
     AND (newer.created_at > data_keys.created_at \
     OR (newer.created_at = data_keys.created_at AND newer.id > data_keys.id)))";
const OTHERS_OPEN: &str = "UPDATE data_keys SET state = 'decrypt_only', retired_at = created_at, \
     next_look_at = created_at WHERE state = 'active' AND active_owner IS NULL";
const ALL_SEAL_AGAIN: &str = "UPDATE data_keys SET state = 'active' WHERE state = 'decrypt_only'";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let columns = vec![
            number_zero("uses"),
            // The owner while the key is active, so that a unique index without conditions lets each have one.
            short_null("active_owner"),
            number_null("retired_at"),
            number_null("next_look_at"),
            number_null("destroyed_at"),
            short_null("ended_by"),
        ];
        add_columns(manager, "data_keys", columns).await?;
        let database = manager.get_connection();
        database.execute_unprepared(NEWEST_SEALS).await?;
        database.execute_unprepared(OTHERS_OPEN).await?;
        create_unique(manager, "data_keys", &["active_owner"]).await?;
        create_index(manager, "data_keys", &["next_look_at"]).await?;
        // Pieces from before carry no name; they count for every key of their owner.
        add_columns(manager, "bill_chunks", vec![id_null("data_key_id")]).await?;
        create_index(manager, "bill_chunks", &["data_key_id"]).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_index(manager, "bill_chunks", &["data_key_id"]).await?;
        drop_columns(manager, "bill_chunks", &["data_key_id"]).await?;
        drop_index(manager, "data_keys", &["next_look_at"]).await?;
        drop_index(manager, "data_keys", &["active_owner"]).await?;
        let names = [
            "uses",
            "active_owner",
            "retired_at",
            "next_look_at",
            "destroyed_at",
            "ended_by",
        ];
        drop_columns(manager, "data_keys", &names).await?;
        let database = manager.get_connection();
        database.execute_unprepared(ALL_SEAL_AGAIN).await.map(drop)
    }
}
