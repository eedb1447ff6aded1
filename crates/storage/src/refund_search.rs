//! Refunds as staff look for them, newest first, at any size of the table.

use std::collections::HashMap;

use sea_orm::sea_query::Condition;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde::{Deserialize, Serialize};
use tributary_domain::clock::Timestamp;
use tributary_domain::ids::{OrderId, RefundId, TenantId};
use tributary_domain::merchant::Mchid;
use tributary_domain::refund::{Refund, RefundOrigin, RefundState};
use tributary_domain::tenant::Mode;

use crate::Access;
use crate::entities::refunds::{Column, Entity, Model};
use crate::error::{StorageError, database};
use crate::refunds::to_refund;
use crate::scan::{Path, Place, SCAN_ROWS_MAX, Scanned, id_floor};
use crate::statement_sizes::padded;

/// Which refunds are looked for. Live and test never show in one list.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RefundQuery {
    /// Which world.
    pub mode: Mode,
    /// Only this tenant's.
    pub tenant_id: Option<TenantId>,
    /// Only for this sub-merchant.
    pub sub_mchid: Option<Mchid>,
    /// Only of this order.
    pub order_id: Option<OrderId>,
    /// Only in this state.
    pub state: Option<RefundState>,
    /// Only asked for by these.
    pub origin: Option<RefundOrigin>,
    /// Only at or after this instant.
    pub from: Option<Timestamp>,
    /// Only before this instant.
    pub to: Option<Timestamp>,
    /// Only of at least this amount, in fen.
    pub refund_min: Option<i64>,
    /// Only of at most this amount, in fen.
    pub refund_max: Option<i64>,
}

impl RefundQuery {
    /// Every refund of a world.
    pub const fn of_mode(mode: Mode) -> Self {
        Self {
            mode,
            tenant_id: None,
            sub_mchid: None,
            order_id: None,
            state: None,
            origin: None,
            from: None,
            to: None,
            refund_min: None,
            refund_max: None,
        }
    }

    fn within(&self, tenant: &TenantId) -> Self {
        Self {
            tenant_id: Some(tenant.clone()),
            ..self.clone()
        }
    }
}

/// What a list of refunds comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefundSums {
    /// How many refunds.
    pub count: i64,
    /// How much they give back, in fen.
    pub refund_fen: i64,
    /// Whether all were looked at; otherwise these are the newest.
    pub complete: bool,
}

/// Looks for a tenant's refunds.
pub async fn search(
    at: &impl Access,
    tenant: &TenantId,
    query: &RefundQuery,
    after: Option<&Place>,
    limit: u64,
) -> Result<Scanned<Refund>, StorageError> {
    search_all_tenants(at, &query.within(tenant), after, limit).await
}

/// Looks for refunds whoever's they are.
pub async fn search_all_tenants(
    at: &impl Access,
    query: &RefundQuery,
    after: Option<&Place>,
    limit: u64,
) -> Result<Scanned<Refund>, StorageError> {
    let found = path(query).scan(at, after, limit).await;
    let found = found.map_err(database("looking for refunds"))?;
    if found.items.is_empty() {
        let next = found.next;
        return Ok(Scanned {
            items: Vec::new(),
            next,
        });
    }
    let rows = Entity::find()
        .filter(Column::Id.is_in(padded(found.items.clone())))
        .all(at.connection())
        .await
        .map_err(database("reading the refunds that were found"))?;
    let mut by_id: HashMap<String, Model> =
        rows.into_iter().map(|row| (row.id.clone(), row)).collect();
    let in_order = found.items.iter().filter_map(|id| by_id.remove(id));
    Ok(Scanned {
        items: in_order.map(to_refund).collect::<Result<_, _>>()?,
        next: found.next,
    })
}

/// Counts and adds up a tenant's refunds.
pub async fn sums(
    at: &impl Access,
    tenant: &TenantId,
    query: &RefundQuery,
) -> Result<RefundSums, StorageError> {
    sums_all_tenants(at, &query.within(tenant)).await
}

/// Counts and adds up refunds whoever's they are.
pub async fn sums_all_tenants(
    at: &impl Access,
    query: &RefundQuery,
) -> Result<RefundSums, StorageError> {
    let summed = path(query).sums(at, &[Column::RefundFen]).await;
    let summed = summed.map_err(database("adding up refunds"))?;
    Ok(RefundSums {
        count: summed.count,
        refund_fen: summed.sums.first().copied().unwrap_or_default(),
        complete: summed.complete,
    })
}

/// A tenant's refund by its id, in either world.
pub async fn find(
    at: &impl Access,
    tenant: &TenantId,
    id: &RefundId,
) -> Result<Option<Refund>, StorageError> {
    let row = Entity::find_by_id(id.as_str())
        .filter(Column::TenantId.eq(tenant.as_str()))
        .one(at.connection())
        .await
        .map_err(database("reading a refund"))?;
    row.map(to_refund).transpose()
}

/// A refund by its id, whoever's it is.
pub async fn find_all_tenants(
    at: &impl Access,
    id: &RefundId,
) -> Result<Option<Refund>, StorageError> {
    let row = Entity::find_by_id(id.as_str())
        .one(at.connection())
        .await
        .map_err(database("reading a refund"))?;
    row.map(to_refund).transpose()
}

/// Which filter leads, and which narrow.
fn path(query: &RefundQuery) -> Path<Entity> {
    let lead = Condition::all();
    let narrow = Condition::all();
    let in_mode = Column::Mode.eq(query.mode.as_str());
    let tenant = query
        .tenant_id
        .as_ref()
        .map(|tenant| Column::TenantId.eq(tenant.as_str()));
    let state = query.state.map(|state| Column::State.eq(state.as_str()));
    let merchant = query
        .sub_mchid
        .as_ref()
        .map(|number| Column::SubMchid.eq(number.as_str()));
    // Few refunds are open at any time: there the state leads, and the tenant narrows.
    let state_leads = query.tenant_id.is_none() || query.state.is_some_and(RefundState::is_open);
    let (lead, narrow) = match (&query.order_id, merchant, state) {
        (Some(order), merchant, state) => (
            lead.add_option(tenant)
                .add(Column::OrderId.eq(order.as_str())),
            narrow.add(in_mode).add_option(merchant).add_option(state),
        ),
        (None, Some(merchant), state) => (
            lead.add(merchant).add(in_mode),
            narrow.add_option(tenant).add_option(state),
        ),
        (None, None, Some(state)) if state_leads => {
            (lead.add(state).add(in_mode), narrow.add_option(tenant))
        }
        (None, None, state) => (
            lead.add_option(tenant).add(in_mode),
            narrow.add_option(state),
        ),
    };
    let floor = |at: Timestamp| id_floor(RefundId::PREFIX, at);
    Path {
        id: Column::Id,
        by: None,
        lead: lead
            .add_option(query.from.map(|from| Column::Id.gte(floor(from))))
            .add_option(query.to.map(|to| Column::Id.lt(floor(to)))),
        narrow: narrow
            .add_option(
                query
                    .origin
                    .map(|origin| Column::Origin.eq(origin.as_str())),
            )
            .add_option(query.refund_min.map(|min| Column::RefundFen.gte(min)))
            .add_option(query.refund_max.map(|max| Column::RefundFen.lte(max))),
        rows_max: SCAN_ROWS_MAX,
    }
}
