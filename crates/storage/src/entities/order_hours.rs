//! Table `order_hours`. What became of the orders that were placed in one hour.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "order_hours")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) mode: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) hour: i64,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) tenant_id: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) sub_mchid: String,
    pub(crate) placed: i64,
    pub(crate) paid: i64,
    pub(crate) ended_unpaid: i64,
    pub(crate) placed_fen: i64,
    pub(crate) paid_fen: i64,
    pub(crate) by_query: i64,
    pub(crate) by_notification: i64,
    pub(crate) refunds: i64,
    pub(crate) refunded_fen: i64,
    pub(crate) computed_at: i64,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
