//! Table `api_keys`. An API key, hashed.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "api_keys")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: String,
    pub(crate) tenant_id: String,
    pub(crate) mode: String,
    pub(crate) name: String,
    pub(crate) prefix: String,
    pub(crate) hash: String,
    pub(crate) scopes: String,
    pub(crate) expires_at: Option<i64>,
    pub(crate) revoked_at: Option<i64>,
    pub(crate) networks: Option<String>,
    pub(crate) successor_id: Option<String>,
    pub(crate) last_used_at: Option<i64>,
    pub(crate) last_used_from: Option<String>,
    pub(crate) created_at: i64,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
