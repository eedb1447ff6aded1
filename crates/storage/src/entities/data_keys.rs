//! Table `data_keys`. A wrapped data key.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "data_keys")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: String,
    pub(crate) owner: String,
    pub(crate) kek_id: String,
    pub(crate) wrapped: Vec<u8>,
    pub(crate) state: String,
    pub(crate) created_at: i64,
    pub(crate) uses: i64,
    pub(crate) active_owner: Option<String>,
    pub(crate) retired_at: Option<i64>,
    pub(crate) next_look_at: Option<i64>,
    pub(crate) destroyed_at: Option<i64>,
    pub(crate) ended_by: Option<String>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
