//! Table `sub_apps`. An app of a sub-merchant.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "sub_apps")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: String,
    pub(crate) tenant_id: String,
    pub(crate) sub_merchant_id: String,
    pub(crate) appid: String,
    pub(crate) secret: Option<Vec<u8>>,
    pub(crate) created_at: i64,
    pub(crate) kind: String,
    pub(crate) binding: String,
    pub(crate) confirmed_by: Option<String>,
    pub(crate) confirmed_at: Option<i64>,
    pub(crate) secret_fingerprint: Option<String>,
    pub(crate) version: i64,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
