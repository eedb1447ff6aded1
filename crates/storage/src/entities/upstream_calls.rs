//! Table `upstream_calls`. One try of a call to WeChat.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "upstream_calls")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) try_number: i64,
    pub(crate) position: i64,
    pub(crate) provider_id: String,
    pub(crate) mode: String,
    pub(crate) tenant_id: Option<String>,
    pub(crate) order_id: Option<String>,
    pub(crate) attempt_id: Option<String>,
    pub(crate) refund_id: Option<String>,
    pub(crate) purpose: String,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) host: String,
    pub(crate) started_at: i64,
    pub(crate) duration_ms: i64,
    pub(crate) outcome: String,
    pub(crate) failure: Option<String>,
    pub(crate) status: Option<i64>,
    pub(crate) code: Option<String>,
    pub(crate) request_id: Option<String>,
    pub(crate) key_serial: Option<String>,
    pub(crate) said: Option<String>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
