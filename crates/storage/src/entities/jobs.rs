//! Table `jobs`. Long work in the background.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "jobs")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: String,
    pub(crate) tenant_id: Option<String>,
    pub(crate) mode: String,
    pub(crate) kind: String,
    pub(crate) state: String,
    pub(crate) asked_by: String,
    pub(crate) wish: String,
    pub(crate) place: Option<String>,
    pub(crate) done: i64,
    pub(crate) troubles: i64,
    pub(crate) total: Option<i64>,
    pub(crate) failure: Option<String>,
    pub(crate) result_name: Option<String>,
    pub(crate) result_bytes: i64,
    pub(crate) result_chunks: i64,
    pub(crate) fence: i64,
    pub(crate) lease_until: i64,
    pub(crate) next_run_at: Option<i64>,
    pub(crate) created_at: i64,
    pub(crate) updated_at: i64,
    pub(crate) finished_at: Option<i64>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
