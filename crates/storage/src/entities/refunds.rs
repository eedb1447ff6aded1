//! Table `refunds`. A refund.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "refunds")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: String,
    pub(crate) tenant_id: String,
    pub(crate) mode: String,
    pub(crate) provider_id: String,
    pub(crate) order_id: String,
    pub(crate) attempt_id: String,
    pub(crate) late_payment_id: Option<String>,
    pub(crate) sub_mchid: String,
    pub(crate) origin: String,
    pub(crate) merchant_refund_no: String,
    pub(crate) out_refund_no: String,
    pub(crate) out_trade_no: String,
    pub(crate) transaction_id: String,
    pub(crate) refund_fen: i64,
    pub(crate) total_fen: i64,
    pub(crate) content: String,
    pub(crate) body: Option<Vec<u8>>,
    pub(crate) state: String,
    pub(crate) refund_id: Option<String>,
    pub(crate) facts: String,
    pub(crate) failure: Option<String>,
    pub(crate) created_at: i64,
    pub(crate) updated_at: i64,
    pub(crate) event_seq: i64,
    pub(crate) sent_at: Option<i64>,
    pub(crate) last_sent_at: Option<i64>,
    pub(crate) next_try_at: Option<i64>,
    pub(crate) tries: i64,
    pub(crate) accepted_at: Option<i64>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
