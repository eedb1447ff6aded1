//! Table `bill_rows`. A row of a trade bill.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "bill_rows")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) bill_id: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) line: i64,
    pub(crate) provider_id: String,
    pub(crate) mode: String,
    pub(crate) day: String,
    pub(crate) kind: String,
    pub(crate) number: String,
    pub(crate) tenant_id: Option<String>,
    pub(crate) order_id: Option<String>,
    pub(crate) refund_id: Option<String>,
    pub(crate) trade_time: i64,
    pub(crate) sub_mchid: String,
    pub(crate) transaction_id: String,
    pub(crate) out_trade_no: String,
    pub(crate) wechat_refund_id: Option<String>,
    pub(crate) out_refund_no: Option<String>,
    pub(crate) refund_status: Option<String>,
    pub(crate) trade_type: String,
    pub(crate) bank_type: Option<String>,
    pub(crate) total_fen: i64,
    pub(crate) refund_fen: i64,
    pub(crate) fee_base_fen: i64,
    pub(crate) fee_millifen: Option<i64>,
    pub(crate) rate: Option<String>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
