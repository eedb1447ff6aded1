//! Table `late_payments`. A payment that came late, twice, or with another amount.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "late_payments")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: String,
    pub(crate) tenant_id: String,
    pub(crate) mode: String,
    pub(crate) order_id: String,
    pub(crate) attempt_id: String,
    pub(crate) provider_id: String,
    pub(crate) kind: String,
    pub(crate) transaction_id: String,
    pub(crate) total_fen: i64,
    pub(crate) success_time: i64,
    pub(crate) state: String,
    pub(crate) decided_by: Option<String>,
    pub(crate) reason: Option<String>,
    pub(crate) refund_id: Option<String>,
    pub(crate) created_at: i64,
    pub(crate) updated_at: i64,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
