//! Table `notifications`. A notification from WeChat.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "notifications")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: String,
    pub(crate) provider_id: String,
    pub(crate) notice_id: String,
    pub(crate) event_type: String,
    pub(crate) headers: String,
    pub(crate) body: Vec<u8>,
    pub(crate) body_sha256: String,
    pub(crate) state: String,
    pub(crate) verdict: Option<String>,
    pub(crate) tenant_id: Option<String>,
    pub(crate) order_id: Option<String>,
    pub(crate) received_at: i64,
    pub(crate) next_try_at: Option<i64>,
    pub(crate) tries: i64,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
