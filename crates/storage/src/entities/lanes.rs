//! Table `lanes`. How fast an endpoint may be served.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "lanes")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) endpoint_id: String,
    pub(crate) tenant_id: String,
    pub(crate) max_inflight: i64,
    pub(crate) paused: bool,
    pub(crate) open_until: Option<i64>,
    pub(crate) last_served_at: i64,
    pub(crate) ordered: bool,
    pub(crate) successes: i64,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
