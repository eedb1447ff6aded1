//! Table `endpoints`. A tenant's URL.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "endpoints")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: String,
    pub(crate) tenant_id: String,
    pub(crate) mode: String,
    pub(crate) url: String,
    pub(crate) description: String,
    pub(crate) filters: String,
    pub(crate) state: String,
    pub(crate) disabled_reason: Option<String>,
    pub(crate) consecutive_failures: i64,
    pub(crate) failing_since: Option<i64>,
    pub(crate) last_success_at: Option<i64>,
    pub(crate) created_at: i64,
    pub(crate) updated_at: i64,
    pub(crate) payload: String,
    pub(crate) schedule: String,
    pub(crate) api_version: String,
    pub(crate) sub_mchids: Option<String>,
    pub(crate) ordered: bool,
    pub(crate) timeout_ms: Option<i64>,
    pub(crate) header_names: Option<String>,
    pub(crate) sealed_headers: Option<Vec<u8>>,
    pub(crate) host: Option<String>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
