//! Table `discrepancies`. One difference between our books and a bill.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "discrepancies")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: String,
    pub(crate) provider_id: String,
    pub(crate) mode: String,
    pub(crate) day: String,
    pub(crate) class: String,
    pub(crate) subject: String,
    pub(crate) number: String,
    pub(crate) line: i64,
    pub(crate) tenant_id: Option<String>,
    pub(crate) order_id: Option<String>,
    pub(crate) local_fen: i64,
    pub(crate) bill_fen: i64,
    pub(crate) state: String,
    pub(crate) owner: String,
    pub(crate) actor: Option<String>,
    pub(crate) reason: Option<String>,
    pub(crate) evidence: String,
    pub(crate) event_seq: i64,
    pub(crate) assignee: Option<String>,
    pub(crate) seen_in: i64,
    pub(crate) created_at: i64,
    pub(crate) updated_at: i64,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
