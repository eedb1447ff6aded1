//! Table `key_tests`. One self-test of a provider's keys.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "key_tests")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: String,
    pub(crate) provider_id: String,
    pub(crate) key_mode: String,
    pub(crate) merchant_key_id: String,
    pub(crate) platform_key_id: String,
    pub(crate) api_key_id: Option<String>,
    pub(crate) state: String,
    pub(crate) failed_step: Option<String>,
    pub(crate) detail: Option<String>,
    pub(crate) started_at: i64,
    pub(crate) answered_at: Option<i64>,
    pub(crate) called_back_at: Option<i64>,
    pub(crate) finished_at: Option<i64>,
    pub(crate) deadline: i64,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
