//! Table `providers`. A provider with its sealed secrets.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "providers")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) sp_mchid: String,
    pub(crate) sp_appid: String,
    pub(crate) mode: String,
    pub(crate) api_url: String,
    pub(crate) backup_api_url: Option<String>,
    pub(crate) login_url: String,
    pub(crate) route_token: String,
    pub(crate) merchant_serial: String,
    pub(crate) merchant_private_key: Vec<u8>,
    pub(crate) api_v3_key: Vec<u8>,
    pub(crate) api_v3_key_previous: Option<Vec<u8>>,
    pub(crate) created_at: i64,
    pub(crate) updated_at: i64,
    pub(crate) preferred_serial: Option<String>,
    pub(crate) keys_version: i64,
    pub(crate) keys_changed_at: i64,
    pub(crate) certificates_due_at: i64,
    pub(crate) keys_test_due_at: i64,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
