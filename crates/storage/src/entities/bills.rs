//! Table `bills`. A bill of WeChat's.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "bills")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: String,
    pub(crate) provider_id: String,
    pub(crate) mode: String,
    pub(crate) day: String,
    pub(crate) kind: String,
    pub(crate) account: String,
    pub(crate) state: String,
    pub(crate) content_hash: String,
    pub(crate) content_bytes: i64,
    pub(crate) chunks: i64,
    pub(crate) rows: i64,
    pub(crate) refund_rows: i64,
    pub(crate) payment_fen: i64,
    pub(crate) refund_fen: i64,
    pub(crate) unlisted_rows: i64,
    pub(crate) unlisted_payment_fen: i64,
    pub(crate) unlisted_refund_fen: i64,
    pub(crate) failure: Option<String>,
    pub(crate) created_at: i64,
    pub(crate) finished_at: Option<i64>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
