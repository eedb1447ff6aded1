//! Deliveries and endpoints as staff look for them, newest first, at any size of the tables.

use std::collections::HashMap;

use sea_orm::sea_query::{Condition, Expr, ExprTrait, Query};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use tributary_domain::clock::Timestamp;
use tributary_domain::delivery::{Delivery, DeliveryState};
use tributary_domain::endpoint::{Endpoint, EndpointState};
use tributary_domain::ids::{DeliveryId, EndpointId, EventId, TenantId};
use tributary_domain::tenant::Mode;

use crate::Access;
use crate::deliveries::to_delivery;
use crate::endpoints::to_endpoint;
use crate::entities::{deliveries, delivery_queue, endpoints, events};
use crate::error::{StorageError, database};
use crate::scan::{Path, Place, SCAN_ROWS_MAX, SUM_ROWS_MAX, Scanned, id_floor};
use crate::statement_sizes::padded;

/// Which deliveries are looked for. Live and test never show in one list.
#[derive(Clone, Debug)]
pub struct DeliveryQuery {
    /// Which world.
    pub mode: Mode,
    /// Only this tenant's.
    pub tenant_id: Option<TenantId>,
    /// Only to this endpoint.
    pub endpoint_id: Option<EndpointId>,
    /// Only of this event.
    pub event_id: Option<EventId>,
    /// Only about this order or refund, of the tenant that is named.
    pub subject: Option<String>,
    /// Only in this state.
    pub state: Option<DeliveryState>,
    /// Only of this type.
    pub event_kind: Option<String>,
    /// Only whose last failure was of this class.
    pub error_class: Option<String>,
    /// Only whose last answer had a status from this one on, and before the next.
    pub status: Option<(i64, i64)>,
    /// Only at or after this instant.
    pub from: Option<Timestamp>,
    /// Only before this instant.
    pub to: Option<Timestamp>,
}

impl DeliveryQuery {
    /// Every delivery of a world.
    pub const fn of_mode(mode: Mode) -> Self {
        Self {
            mode,
            tenant_id: None,
            endpoint_id: None,
            event_id: None,
            subject: None,
            state: None,
            event_kind: None,
            error_class: None,
            status: None,
            from: None,
            to: None,
        }
    }

    fn within(&self, tenant: &TenantId) -> Self {
        Self {
            tenant_id: Some(tenant.clone()),
            ..self.clone()
        }
    }
}

/// Which endpoints are looked for.
#[derive(Clone, Debug, Default)]
pub struct EndpointQuery {
    /// Only in this world.
    pub mode: Option<Mode>,
    /// Only this tenant's.
    pub tenant_id: Option<TenantId>,
    /// Only in this state.
    pub state: Option<EndpointState>,
    /// Only on this host.
    pub host: Option<String>,
}

/// What an event tells about: `order` or `refund`, its id.
pub type Subject = (String, String);

/// Looks for a tenant's deliveries.
pub async fn search(
    at: &impl Access,
    tenant: &TenantId,
    query: &DeliveryQuery,
    after: Option<&Place>,
    limit: u64,
) -> Result<Scanned<Delivery>, StorageError> {
    search_all_tenants(at, &query.within(tenant), after, limit).await
}

/// Looks for deliveries whoever's they are.
pub async fn search_all_tenants(
    at: &impl Access,
    query: &DeliveryQuery,
    after: Option<&Place>,
    limit: u64,
) -> Result<Scanned<Delivery>, StorageError> {
    let found = path(query).scan(at, after, limit).await;
    let found = found.map_err(database("looking for deliveries"))?;
    Ok(Scanned {
        items: read_all_tenants(at, &found.items).await?,
        next: found.next,
    })
}

/// How many of a tenant's deliveries there are, and whether all were looked at.
pub async fn count(
    at: &impl Access,
    tenant: &TenantId,
    query: &DeliveryQuery,
) -> Result<(i64, bool), StorageError> {
    count_all_tenants(at, &query.within(tenant)).await
}

/// How many deliveries there are, whoever's they are, and whether all were looked at.
pub async fn count_all_tenants(
    at: &impl Access,
    query: &DeliveryQuery,
) -> Result<(i64, bool), StorageError> {
    let summed = path(query).sums(at, &[]).await;
    let summed = summed.map_err(database("counting deliveries"))?;
    Ok((summed.count, summed.complete))
}

/// How many of a tenant's deliveries there are of each type, and when the oldest of them was made.
pub async fn kinds(
    at: &impl Access,
    tenant: &TenantId,
    query: &DeliveryQuery,
) -> Result<Vec<(String, i64, Timestamp)>, StorageError> {
    use deliveries::Column;
    let doing = "counting deliveries by type";
    let path = path(&query.within(tenant));
    let mut near = Query::select();
    near.columns([Column::EventKind, Column::CreatedAt])
        .from(deliveries::Entity)
        .cond_where(path.lead)
        .cond_where(path.narrow)
        .limit(SUM_ROWS_MAX);
    let count = Query::select()
        .column(Column::EventKind)
        .expr(Expr::val(1).count())
        .expr(Expr::col(Column::CreatedAt).min())
        .from_subquery(near, "near")
        .group_by_col(Column::EventKind)
        .order_by(Column::EventKind, sea_orm::sea_query::Order::Asc)
        .to_owned();
    let rows = at
        .connection()
        .query_all(&count)
        .await
        .map_err(database(doing))?;
    rows.iter()
        .map(|row| {
            let (kind, count, oldest): (String, i64, i64) =
                row.try_get_many_by_index().map_err(database(doing))?;
            Ok((kind, count, Timestamp::from_millis(oldest)))
        })
        .collect()
}

/// A tenant's delivery by its id, in either world.
pub async fn find(
    at: &impl Access,
    tenant: &TenantId,
    id: &DeliveryId,
) -> Result<Option<Delivery>, StorageError> {
    let own = deliveries::Entity::find_by_id(id.as_str())
        .filter(deliveries::Column::TenantId.eq(tenant.as_str()))
        .one(at.connection())
        .await
        .map_err(database("reading a delivery"))?;
    match own {
        Some(_) => find_all_tenants(at, id).await,
        None => Ok(None),
    }
}

/// A delivery by its id, whoever's it is.
pub async fn find_all_tenants(
    at: &impl Access,
    id: &DeliveryId,
) -> Result<Option<Delivery>, StorageError> {
    let ids = [id.to_string()];
    Ok(read_all_tenants(at, &ids).await?.pop())
}

/// What each of some events tells about.
pub async fn subjects_all_tenants(
    at: &impl Access,
    ids: &[&EventId],
) -> Result<HashMap<String, Subject>, StorageError> {
    use events::Column;
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let ids = padded(ids.iter().map(|id| id.as_str()).collect());
    let rows: Vec<(String, String, String)> = events::Entity::find()
        .select_only()
        .columns([Column::Id, Column::SubjectType, Column::SubjectId])
        .filter(Column::Id.is_in(ids))
        .into_tuple()
        .all(at.connection())
        .await
        .map_err(database("reading what events tell about"))?;
    Ok(rows
        .into_iter()
        .map(|(id, kind, subject)| (id, (kind, subject)))
        .collect())
}

/// The exact bytes that an event carries, of the tenant that owns it.
pub async fn body(
    at: &impl Access,
    tenant: &TenantId,
    event: &EventId,
) -> Result<Option<(String, Option<String>)>, StorageError> {
    use events::Column;
    events::Entity::find()
        .select_only()
        .columns([Column::Body, Column::ThinBody])
        .filter(Column::TenantId.eq(tenant.as_str()))
        .filter(Column::Id.eq(event.as_str()))
        .into_tuple()
        .one(at.connection())
        .await
        .map_err(database("reading the body of an event"))
}

/// Endpoints whoever's they are, newest first, before `before`.
pub async fn endpoints_all_tenants(
    at: &impl Access,
    query: &EndpointQuery,
    before: Option<&EndpointId>,
    limit: u64,
) -> Result<Vec<Endpoint>, StorageError> {
    use endpoints::Column;
    let wanted = Condition::all()
        .add_option(
            query
                .tenant_id
                .as_ref()
                .map(|tenant| Column::TenantId.eq(tenant.as_str())),
        )
        .add_option(query.mode.map(|mode| Column::Mode.eq(mode.as_str())))
        .add_option(query.state.map(|state| Column::State.eq(state.as_str())))
        .add_option(
            query
                .host
                .as_ref()
                .map(|host| Column::Host.eq(host.as_str())),
        )
        .add_option(before.map(|id| Column::Id.lt(id.as_str())));
    let rows = endpoints::Entity::find()
        .filter(wanted)
        .order_by_desc(Column::Id)
        .limit(limit)
        .all(at.connection())
        .await
        .map_err(database("looking for endpoints"))?;
    rows.into_iter().map(to_endpoint).collect()
}

/// A tenant's endpoints, newest first, before `before`.
pub async fn endpoints(
    at: &impl Access,
    tenant: &TenantId,
    query: &EndpointQuery,
    before: Option<&EndpointId>,
    limit: u64,
) -> Result<Vec<Endpoint>, StorageError> {
    let own = EndpointQuery {
        tenant_id: Some(tenant.clone()),
        ..query.clone()
    };
    endpoints_all_tenants(at, &own, before, limit).await
}

/// A tenant's endpoint by its id, in either world.
pub async fn find_endpoint(
    at: &impl Access,
    tenant: &TenantId,
    id: &EndpointId,
) -> Result<Option<Endpoint>, StorageError> {
    let row = endpoints::Entity::find_by_id(id.as_str())
        .filter(endpoints::Column::TenantId.eq(tenant.as_str()))
        .one(at.connection())
        .await
        .map_err(database("reading an endpoint"))?;
    row.map(to_endpoint).transpose()
}

/// An endpoint by its id, whoever's it is.
pub async fn find_endpoint_all_tenants(
    at: &impl Access,
    id: &EndpointId,
) -> Result<Option<Endpoint>, StorageError> {
    let row = endpoints::Entity::find_by_id(id.as_str())
        .one(at.connection())
        .await
        .map_err(database("reading an endpoint"))?;
    row.map(to_endpoint).transpose()
}

/// How many deliveries wait for each of some endpoints, and since when the oldest is due.
pub async fn waiting_all_tenants(
    at: &impl Access,
    ids: &[&EndpointId],
) -> Result<HashMap<String, (i64, i64)>, StorageError> {
    use delivery_queue::Column;
    let doing = "counting what waits for endpoints";
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let ids = padded(ids.iter().map(|id| id.as_str()).collect());
    let count = Query::select()
        .column(Column::EndpointId)
        .expr(Expr::val(1).count())
        .expr(Expr::col(Column::VisibleAt).min())
        .from(delivery_queue::Entity)
        .and_where(Column::EndpointId.is_in(ids))
        .group_by_col(Column::EndpointId)
        .to_owned();
    let rows = at
        .connection()
        .query_all(&count)
        .await
        .map_err(database(doing))?;
    let mut waiting = HashMap::new();
    for row in rows {
        let (id, count, oldest): (String, i64, i64) =
            row.try_get_many_by_index().map_err(database(doing))?;
        waiting.insert(id, (count, oldest));
    }
    Ok(waiting)
}

async fn read_all_tenants(at: &impl Access, ids: &[String]) -> Result<Vec<Delivery>, StorageError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let rows = deliveries::Entity::find()
        .filter(deliveries::Column::Id.is_in(padded(ids.to_vec())))
        .all(at.connection())
        .await
        .map_err(database("reading the deliveries that were found"))?;
    let due: Vec<(String, i64)> = delivery_queue::Entity::find()
        .select_only()
        .columns([
            delivery_queue::Column::DeliveryId,
            delivery_queue::Column::VisibleAt,
        ])
        .filter(delivery_queue::Column::DeliveryId.is_in(padded(ids.to_vec())))
        .into_tuple()
        .all(at.connection())
        .await
        .map_err(database("reading when deliveries are due"))?;
    let due: HashMap<String, i64> = due.into_iter().collect();
    let mut by_id: HashMap<String, deliveries::Model> =
        rows.into_iter().map(|row| (row.id.clone(), row)).collect();
    let in_order = ids.iter().filter_map(|id| by_id.remove(id));
    in_order
        .map(|row| {
            let next = due.get(&row.id).copied();
            to_delivery(row, next)
        })
        .collect()
}

/// Which filter leads, and which narrow.
fn path(query: &DeliveryQuery) -> Path<deliveries::Entity> {
    use deliveries::Column;
    let in_mode = Column::Mode.eq(query.mode.as_str());
    let tenant = query
        .tenant_id
        .as_ref()
        .map(|tenant| Column::TenantId.eq(tenant.as_str()));
    let state = query.state.map(|state| Column::State.eq(state.as_str()));
    let (lead, narrow) = (Condition::all(), Condition::all());
    // Few deliveries are at anything but their good end: there the state leads.
    let state_leads = query.tenant_id.is_none()
        || query
            .state
            .is_some_and(|state| state != DeliveryState::Succeeded);
    let (lead, narrow) = match (&query.event_id, &query.subject, &query.endpoint_id, state) {
        (Some(event), _, endpoint, state) => (
            lead.add(Column::EventId.eq(event.as_str())),
            narrow
                .add(in_mode)
                .add_option(tenant)
                .add_option(
                    endpoint
                        .as_ref()
                        .map(|id| Column::EndpointId.eq(id.as_str())),
                )
                .add_option(state),
        ),
        (None, Some(subject), endpoint, state) => (
            lead.add(Column::EventId.in_subquery(events_about(query.tenant_id.as_ref(), subject))),
            narrow
                .add(in_mode)
                .add_option(tenant)
                .add_option(
                    endpoint
                        .as_ref()
                        .map(|id| Column::EndpointId.eq(id.as_str())),
                )
                .add_option(state),
        ),
        (None, None, Some(endpoint), Some(state)) => (
            lead.add(Column::EndpointId.eq(endpoint.as_str()))
                .add(state),
            narrow.add(in_mode).add_option(tenant),
        ),
        (None, None, Some(endpoint), None) => (
            lead.add(Column::EndpointId.eq(endpoint.as_str())),
            narrow.add(in_mode).add_option(tenant),
        ),
        (None, None, None, Some(state)) if state_leads => {
            (lead.add(state).add(in_mode), narrow.add_option(tenant))
        }
        (None, None, None, state) => (
            lead.add_option(tenant).add(in_mode),
            narrow.add_option(state),
        ),
    };
    let floor = |at: Timestamp| id_floor(DeliveryId::PREFIX, at);
    Path {
        id: Column::Id,
        by: None,
        lead: lead
            .add_option(query.from.map(|from| Column::Id.gte(floor(from))))
            .add_option(query.to.map(|to| Column::Id.lt(floor(to)))),
        narrow: with_details(narrow, query),
        rows_max: SCAN_ROWS_MAX,
    }
}

fn with_details(narrow: Condition, query: &DeliveryQuery) -> Condition {
    use deliveries::Column;
    narrow
        .add_option(
            query
                .event_kind
                .as_ref()
                .map(|kind| Column::EventKind.eq(kind.as_str())),
        )
        .add_option(
            query
                .error_class
                .as_ref()
                .map(|class| Column::LastError.eq(class.as_str())),
        )
        .add_option(query.status.map(|(from, _)| Column::LastStatus.gte(from)))
        .add_option(query.status.map(|(_, to)| Column::LastStatus.lt(to)))
}

/// Events about an order or a refund, found by the tenant first, as they are indexed.
fn events_about(tenant: Option<&TenantId>, subject: &str) -> sea_orm::sea_query::SelectStatement {
    use events::Column;
    let kind = if subject.starts_with("ref_") {
        "refund"
    } else {
        "order"
    };
    let mut about = Query::select();
    about
        .column(Column::Id)
        .from(events::Entity)
        .and_where(Column::SubjectType.eq(kind))
        .and_where(Column::SubjectId.eq(subject));
    if let Some(tenant) = tenant {
        about.and_where(Column::TenantId.eq(tenant.as_str()));
    }
    about
}
