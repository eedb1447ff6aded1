//! Table `delivery_queue`. An open delivery; the narrow, hot table.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "delivery_queue")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) delivery_id: String,
    pub(crate) tenant_id: String,
    pub(crate) endpoint_id: String,
    pub(crate) class: String,
    pub(crate) attempt: i64,
    pub(crate) visible_at: i64,
    pub(crate) fence: i64,
    pub(crate) lease_owner: Option<String>,
    pub(crate) lease_until: i64,
    pub(crate) claims: i64,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
