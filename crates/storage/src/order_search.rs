//! Orders as staff look for them: many filters, newest first, at any size of the table.
//!
//! `path` says which filter leads by its index and which narrow; the index of each is in the migration that made it.

use std::collections::HashMap;

use sea_orm::sea_query::{Expr, ExprTrait, Query};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use serde::{Deserialize, Serialize};
use tributary_domain::clock::Timestamp;
use tributary_domain::delivery::DeliveryState;
use tributary_domain::ids::{EventId, OrderId, TenantId};
use tributary_domain::merchant::Mchid;
use tributary_domain::order::{Order, OrderState};
use tributary_domain::order_filter::{OrderProblem, RefundShare, Told};
use tributary_domain::tenant::Mode;

use crate::Access;
use crate::entities::{deliveries, events, orders};
use crate::error::{StorageError, column, database};
use crate::orders::to_order;
use crate::scan::{Place, Scanned, id_floor};
use crate::statement_sizes::padded;

mod numbers;
mod path;
#[cfg(test)]
mod tests;

use path::{event_of_delivery, path};

/// Which instant of an order a span of time is about; the list is sorted by it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderTime {
    /// When it was placed.
    #[default]
    Created,
    /// When it was paid.
    Paid,
}

/// Which orders are looked for. Live and test never show in one list.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct OrderQuery {
    /// Which world.
    pub mode: Mode,
    /// Only this tenant's.
    pub tenant_id: Option<TenantId>,
    /// Only for this sub-merchant.
    pub sub_mchid: Option<Mchid>,
    /// Only in this state.
    pub state: Option<OrderState>,
    /// Which instant the span is about.
    pub time: OrderTime,
    /// Only at or after this instant.
    pub from: Option<Timestamp>,
    /// Only before this instant.
    pub to: Option<Timestamp>,
    /// Only of at least this amount, in fen.
    pub total_min: Option<i64>,
    /// Only of at most this amount, in fen.
    pub total_max: Option<i64>,
    /// Only of this payer, by the hash that the order shows.
    pub payer_hash: Option<String>,
    /// Only with this problem.
    pub problem: Option<OrderProblem>,
    /// Only when so much went back.
    pub refunds: Option<RefundShare>,
    /// Only when the tenant was told so far.
    pub told: Option<Told>,
}

impl OrderQuery {
    /// Every order of a world.
    pub const fn of_mode(mode: Mode) -> Self {
        Self {
            mode,
            tenant_id: None,
            sub_mchid: None,
            state: None,
            time: OrderTime::Created,
            from: None,
            to: None,
            total_min: None,
            total_max: None,
            payer_hash: None,
            problem: None,
            refunds: None,
            told: None,
        }
    }

    fn within(&self, tenant: &TenantId) -> Self {
        Self {
            tenant_id: Some(tenant.clone()),
            ..self.clone()
        }
    }
}

/// What a list comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderSums {
    /// How many orders.
    pub count: i64,
    /// What was asked for them, in fen.
    pub total_fen: i64,
    /// What came in, in fen.
    pub paid_fen: i64,
    /// What went back, in fen.
    pub refunded_fen: i64,
    /// Whether all were looked at; otherwise these are the newest.
    pub complete: bool,
}

/// Looks for a tenant's orders.
pub async fn search(
    at: &impl Access,
    tenant: &TenantId,
    query: &OrderQuery,
    after: Option<&Place>,
    limit: u64,
) -> Result<Scanned<Order>, StorageError> {
    search_all_tenants(at, &query.within(tenant), after, limit).await
}

/// Looks for orders whoever's they are.
pub async fn search_all_tenants(
    at: &impl Access,
    query: &OrderQuery,
    after: Option<&Place>,
    limit: u64,
) -> Result<Scanned<Order>, StorageError> {
    let path = path(query, after);
    let found = path.scan(at, after, limit).await;
    let found = found.map_err(database("looking for orders"))?;
    Ok(Scanned {
        items: read_all_tenants(at, found.items).await?,
        next: found.next,
    })
}

/// Counts and adds up a tenant's orders.
pub async fn sums(
    at: &impl Access,
    tenant: &TenantId,
    query: &OrderQuery,
) -> Result<OrderSums, StorageError> {
    sums_all_tenants(at, &query.within(tenant)).await
}

/// Counts and adds up orders whoever's they are.
pub async fn sums_all_tenants(
    at: &impl Access,
    query: &OrderQuery,
) -> Result<OrderSums, StorageError> {
    use orders::Column;
    let columns = [Column::TotalFen, Column::PaidFen, Column::RefundedFen];
    let summed = path(query, None).sums(at, &columns).await;
    let summed = summed.map_err(database("adding up orders"))?;
    let sum = |index: usize| summed.sums.get(index).copied().unwrap_or_default();
    Ok(OrderSums {
        count: summed.count,
        total_fen: sum(0),
        paid_fen: sum(1),
        refunded_fen: sum(2),
        complete: summed.complete,
    })
}

/// The orders that a number belongs to, whoever's they are: our id, a number of the tenant's, of ours at WeChat, or of
/// WeChat's, of the order or of a refund of it. Newest first.
pub async fn of_number_all_tenants(
    at: &impl Access,
    number: &str,
    limit: u64,
) -> Result<Vec<Order>, StorageError> {
    find_number(at, None, number, limit).await
}

/// A tenant's orders that a number belongs to.
pub async fn of_number(
    at: &impl Access,
    tenant: &TenantId,
    number: &str,
    limit: u64,
) -> Result<Vec<Order>, StorageError> {
    find_number(at, Some(tenant), number, limit).await
}

async fn find_number(
    at: &impl Access,
    tenant: Option<&TenantId>,
    number: &str,
    limit: u64,
) -> Result<Vec<Order>, StorageError> {
    let mut ids: Vec<String> = Vec::new();
    for mut leg in numbers::of_number(tenant, number) {
        leg.limit(limit);
        let rows = at.connection().query_all(&leg).await;
        for row in rows.map_err(database("looking a number up"))? {
            let id: Result<String, _> = row.try_get_by_index(0);
            ids.push(id.map_err(database("looking a number up"))?);
        }
    }
    ids.sort_unstable();
    ids.dedup();
    ids.reverse();
    ids.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    read_all_tenants(at, ids).await
}

/// A tenant's order by its id, in either world.
pub async fn find(
    at: &impl Access,
    tenant: &TenantId,
    id: &OrderId,
) -> Result<Option<Order>, StorageError> {
    let row = orders::Entity::find()
        .filter(orders::Column::TenantId.eq(tenant.as_str()))
        .filter(orders::Column::Id.eq(id.as_str()))
        .one(at.connection())
        .await
        .map_err(database("reading an order"))?;
    row.map(to_order).transpose()
}

/// An order by its id, whoever's it is.
pub async fn find_all_tenants(
    at: &impl Access,
    id: &OrderId,
) -> Result<Option<Order>, StorageError> {
    let row = orders::Entity::find_by_id(id.as_str())
        .one(at.connection())
        .await
        .map_err(database("reading an order"))?;
    row.map(to_order).transpose()
}

/// How many deliveries about each of some orders are in which state, of the tenants that own the orders.
pub async fn told(
    at: &impl Access,
    tenants: &[&TenantId],
    ids: &[&OrderId],
) -> Result<HashMap<String, Vec<(DeliveryState, i64)>>, StorageError> {
    let mut told: HashMap<String, Vec<(DeliveryState, i64)>> = HashMap::new();
    if ids.is_empty() {
        return Ok(told);
    }
    let owners = padded(tenants.iter().map(|tenant| tenant.as_str()).collect());
    let subjects = padded(ids.iter().map(|id| id.as_str()).collect());
    let count = Query::select()
        .column((events::Entity, events::Column::SubjectId))
        .column((deliveries::Entity, deliveries::Column::State))
        .expr(Expr::val(1).count())
        .from(events::Entity)
        .inner_join(deliveries::Entity, event_of_delivery())
        .and_where(events::Column::TenantId.is_in(owners))
        .and_where(events::Column::SubjectType.eq("order"))
        .and_where(events::Column::SubjectId.is_in(subjects))
        .group_by_columns([(events::Entity, events::Column::SubjectId)])
        .group_by_columns([(deliveries::Entity, deliveries::Column::State)])
        .to_owned();
    let doing = "counting the deliveries about orders";
    let rows = at.connection().query_all(&count).await;
    for row in rows.map_err(database(doing))? {
        let (order, state, count): (String, String, i64) =
            row.try_get_many_by_index().map_err(database(doing))?;
        if let Some(state) = DeliveryState::parse(&state) {
            told.entry(order).or_default().push((state, count));
        }
    }
    Ok(told)
}

/// Orders by id, newest first.
async fn read_all_tenants(at: &impl Access, ids: Vec<String>) -> Result<Vec<Order>, StorageError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let rows = orders::Entity::find()
        .filter(orders::Column::Id.is_in(padded(ids.clone())))
        .all(at.connection())
        .await
        .map_err(database("reading the orders that were found"))?;
    let mut by_id: HashMap<String, orders::Model> =
        rows.into_iter().map(|row| (row.id.clone(), row)).collect();
    let in_order = ids.iter().filter_map(|id| by_id.remove(id));
    in_order.map(to_order).collect()
}

/// An order or a refund that something happened to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangedSubject {
    /// The event.
    pub event_id: String,
    /// Its type.
    pub event: String,
    /// `order` or `refund`.
    pub kind: String,
    /// The id of the order or the refund.
    pub id: String,
    /// Whose it is.
    pub tenant_id: TenantId,
}

/// What happened to a tenant's orders and refunds since an instant, oldest first.
pub async fn changed(
    at: &impl Access,
    tenant: &TenantId,
    since: Timestamp,
    limit: u64,
) -> Result<Vec<ChangedSubject>, StorageError> {
    changes_where(at, Some(tenant), since, limit).await
}

/// What happened to orders and refunds since an instant, whoever's they are, oldest first.
pub async fn changed_all_tenants(
    at: &impl Access,
    since: Timestamp,
    limit: u64,
) -> Result<Vec<ChangedSubject>, StorageError> {
    changes_where(at, None, since, limit).await
}

async fn changes_where(
    at: &impl Access,
    tenant: Option<&TenantId>,
    since: Timestamp,
    limit: u64,
) -> Result<Vec<ChangedSubject>, StorageError> {
    use events::Column;
    let mut wanted = events::Entity::find()
        .select_only()
        .columns([
            Column::Id,
            Column::Kind,
            Column::SubjectType,
            Column::SubjectId,
            Column::TenantId,
        ])
        .filter(Column::Id.gte(id_floor(EventId::PREFIX, since)))
        .filter(Column::SubjectType.is_in(["order", "refund"]));
    if let Some(tenant) = tenant {
        wanted = wanted.filter(Column::TenantId.eq(tenant.as_str()));
    }
    let rows: Vec<(String, String, String, String, String)> = wanted
        .order_by_asc(Column::Id)
        .limit(limit)
        .into_tuple()
        .all(at.connection())
        .await
        .map_err(database("reading what changed"))?;
    rows.into_iter()
        .map(|(event_id, event, kind, id, tenant)| {
            let tenant_id = column("events", "tenant_id", &event_id, tenant.parse())?;
            Ok(ChangedSubject {
                event_id,
                event,
                kind,
                id,
                tenant_id,
            })
        })
        .collect()
}
