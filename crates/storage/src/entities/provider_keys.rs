//! Table `provider_keys`. One key of a provider's ring.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "provider_keys")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: String,
    pub(crate) provider_id: String,
    pub(crate) kind: String,
    pub(crate) state: String,
    pub(crate) serial: String,
    pub(crate) fingerprint: Option<String>,
    pub(crate) pem: Option<String>,
    pub(crate) secret: Option<Vec<u8>>,
    pub(crate) held_in: Option<String>,
    pub(crate) not_before: Option<i64>,
    pub(crate) not_after: Option<i64>,
    pub(crate) added_at: i64,
    pub(crate) added_by: String,
    pub(crate) approved_at: Option<i64>,
    pub(crate) approved_by: Option<String>,
    pub(crate) changed_at: i64,
    pub(crate) signed: i64,
    pub(crate) verified: i64,
    pub(crate) failed: i64,
    pub(crate) last_seen_at: Option<i64>,
    pub(crate) warned_days: Option<i64>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
