//! Table `delivery_attempts`. One HTTP try of a delivery.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "delivery_attempts")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) delivery_id: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) number: i64,
    pub(crate) tenant_id: String,
    pub(crate) trigger_kind: String,
    pub(crate) started_at: i64,
    pub(crate) duration_ms: i64,
    pub(crate) status: Option<i64>,
    pub(crate) error_class: Option<String>,
    pub(crate) response_headers: Option<String>,
    pub(crate) response_body: Option<Vec<u8>>,
    pub(crate) remote_ip: Option<String>,
    pub(crate) request_headers: Option<String>,
    pub(crate) dns_ms: Option<i64>,
    pub(crate) connect_ms: Option<i64>,
    pub(crate) tls_ms: Option<i64>,
    pub(crate) first_byte_ms: Option<i64>,
    pub(crate) tls_version: Option<String>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
