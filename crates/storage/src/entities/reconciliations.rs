//! Table `reconciliations`. The comparison of one provider's day with its bill.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "reconciliations")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: String,
    pub(crate) provider_id: String,
    pub(crate) mode: String,
    pub(crate) day: String,
    pub(crate) state: String,
    pub(crate) tries: i64,
    pub(crate) next_try_at: Option<i64>,
    pub(crate) bill_id: Option<String>,
    pub(crate) payment_local_count: i64,
    pub(crate) payment_local_fen: i64,
    pub(crate) payment_bill_count: i64,
    pub(crate) payment_bill_fen: i64,
    pub(crate) payment_discrepancy_fen: i64,
    pub(crate) refund_local_count: i64,
    pub(crate) refund_local_fen: i64,
    pub(crate) refund_bill_count: i64,
    pub(crate) refund_bill_fen: i64,
    pub(crate) refund_discrepancy_fen: i64,
    pub(crate) failure: Option<String>,
    pub(crate) created_at: i64,
    pub(crate) updated_at: i64,
    pub(crate) completed_at: Option<i64>,
    pub(crate) closed_at: Option<i64>,
    pub(crate) closed_by: Option<String>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
