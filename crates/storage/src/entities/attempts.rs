//! Table `attempts`. A prepay for an order.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "attempts")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: String,
    pub(crate) tenant_id: String,
    pub(crate) order_id: String,
    pub(crate) provider_id: String,
    pub(crate) out_trade_no: String,
    pub(crate) body: Vec<u8>,
    pub(crate) state: String,
    pub(crate) prepay_id: Option<String>,
    pub(crate) prepared_at: Option<i64>,
    pub(crate) created_at: i64,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
