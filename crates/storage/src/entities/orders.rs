//! Table `orders`. An order.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "orders")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: String,
    pub(crate) tenant_id: String,
    pub(crate) mode: String,
    pub(crate) provider_id: String,
    pub(crate) sub_merchant_id: String,
    pub(crate) sp_mchid: String,
    pub(crate) sp_appid: String,
    pub(crate) sub_mchid: String,
    pub(crate) merchant_order_no: String,
    pub(crate) total_fen: i64,
    pub(crate) content: String,
    pub(crate) state: String,
    pub(crate) trade_state: Option<String>,
    pub(crate) transaction_id: Option<String>,
    pub(crate) payment: Option<String>,
    pub(crate) expires_at: i64,
    pub(crate) created_at: i64,
    pub(crate) updated_at: i64,
    pub(crate) event_seq: i64,
    pub(crate) next_poll_at: Option<i64>,
    pub(crate) polls: i64,
    pub(crate) paid_fen: i64,
    pub(crate) refunding_fen: i64,
    pub(crate) refunded_fen: i64,
    pub(crate) refund_count: i64,
    pub(crate) last_refund_at: Option<i64>,
    pub(crate) paid_at: Option<i64>,
    pub(crate) payer_hash: Option<String>,
    pub(crate) paid_source: Option<String>,
    pub(crate) learned_at: Option<i64>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
