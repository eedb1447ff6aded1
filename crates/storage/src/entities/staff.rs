//! Table `staff`. A person with an account.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "staff")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: String,
    pub(crate) tenant_id: Option<String>,
    pub(crate) email: String,
    pub(crate) name: String,
    pub(crate) state: String,
    pub(crate) roles: String,
    pub(crate) password: Option<String>,
    pub(crate) totp_secret: Option<Vec<u8>>,
    pub(crate) totp_offered: Option<Vec<u8>>,
    pub(crate) totp_enrolled_at: Option<i64>,
    pub(crate) totp_step: i64,
    pub(crate) invitation_hash: Option<String>,
    pub(crate) invitation_expires_at: Option<i64>,
    pub(crate) invited_by: Option<String>,
    pub(crate) last_sign_in_at: Option<i64>,
    pub(crate) version: i64,
    pub(crate) created_at: i64,
    pub(crate) updated_at: i64,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
