//! Table `signing_keys`. A key pair of the platform's own, its private half sealed.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "signing_keys")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: String,
    pub(crate) purpose: String,
    pub(crate) generation: i64,
    pub(crate) serial: String,
    pub(crate) owner: String,
    pub(crate) private_key: Vec<u8>,
    pub(crate) public_part: String,
    pub(crate) signs_from: i64,
    pub(crate) ends_at: i64,
    pub(crate) created_at: i64,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
