//! Table `events`. An event for a tenant.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "events")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: String,
    pub(crate) tenant_id: String,
    pub(crate) mode: String,
    pub(crate) kind: String,
    pub(crate) subject_type: String,
    pub(crate) subject_id: String,
    pub(crate) seq: i64,
    pub(crate) occurred_at: i64,
    pub(crate) dedupe_key: String,
    pub(crate) body: String,
    pub(crate) feed_seq: Option<i64>,
    pub(crate) thin_body: Option<String>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
