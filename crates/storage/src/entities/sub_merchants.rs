//! Table `sub_merchants`. A sub-merchant.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "sub_merchants")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: String,
    pub(crate) tenant_id: String,
    pub(crate) provider_id: String,
    pub(crate) mode: String,
    pub(crate) sub_mchid: String,
    pub(crate) name: String,
    pub(crate) created_at: i64,
    pub(crate) state: String,
    pub(crate) rate: Option<i64>,
    pub(crate) note: Option<String>,
    pub(crate) version: i64,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
