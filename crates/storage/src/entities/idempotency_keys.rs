//! Table `idempotency_keys`. A request that must take effect once.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "idempotency_keys")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) tenant_id: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) mode: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) route: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) key_hash: String,
    pub(crate) fingerprint: String,
    pub(crate) recovery_point: String,
    pub(crate) lock_token: i64,
    pub(crate) locked_until: i64,
    pub(crate) order_id: Option<String>,
    pub(crate) refund_id: Option<String>,
    pub(crate) status: Option<i64>,
    pub(crate) answer: Option<String>,
    pub(crate) created_at: i64,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
