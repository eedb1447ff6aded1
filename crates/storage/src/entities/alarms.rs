//! Table `alarms`. Something a person must look at.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "alarms")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: String,
    pub(crate) raised_at: i64,
    pub(crate) kind: String,
    pub(crate) tenant_id: Option<String>,
    pub(crate) provider_id: Option<String>,
    pub(crate) order_id: Option<String>,
    pub(crate) detail: String,
    pub(crate) state: String,
    pub(crate) resolved_at: Option<i64>,
    pub(crate) resolved_by: Option<String>,
    pub(crate) resolution: Option<String>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
