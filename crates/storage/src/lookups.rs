//! Looking names and numbers up, each by an index, for people who paste one; and the names that lists show beside ids.

use std::collections::HashMap;

use sea_orm::sea_query::{Condition, Expr, ExprTrait, Func, IntoColumnRef, LikeExpr, SimpleExpr};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use tributary_domain::ids::{EndpointId, OrderId, TenantId};

use crate::Access;
use crate::entities::{endpoints, sub_apps, sub_merchants, tenants, upstream_calls};
use crate::error::{StorageError, column, database};
use crate::statement_sizes::padded;

/// Names that are sorted by how well they fit, at most; tenants are few, and their names are read without an index.
const NAMES_FOUND_MAX: u64 = 200;

/// A sub-merchant that a number or an app belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundMerchant {
    /// Its id.
    pub id: String,
    /// Whose it is.
    pub tenant_id: TenantId,
    /// Which world it lives in.
    pub mode: String,
    /// Its number at WeChat.
    pub sub_mchid: String,
    /// Its name.
    pub name: String,
}

/// The names of some tenants, by id.
pub async fn tenant_names_all_tenants(
    at: &impl Access,
    ids: &[&TenantId],
) -> Result<HashMap<String, String>, StorageError> {
    use tenants::Column;
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let ids = padded(ids.iter().map(|id| id.as_str()).collect());
    let rows: Vec<(String, String)> = tenants::Entity::find()
        .select_only()
        .columns([Column::Id, Column::Name])
        .filter(Column::Id.is_in(ids))
        .into_tuple()
        .all(at.connection())
        .await
        .map_err(database("reading the names of tenants"))?;
    Ok(rows.into_iter().collect())
}

/// The names of some sub-merchants, by id.
pub async fn merchant_names_all_tenants(
    at: &impl Access,
    ids: Vec<&str>,
) -> Result<HashMap<String, String>, StorageError> {
    use sub_merchants::Column;
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let rows: Vec<(String, String)> = sub_merchants::Entity::find()
        .select_only()
        .columns([Column::Id, Column::Name])
        .filter(Column::Id.is_in(padded(ids)))
        .into_tuple()
        .all(at.connection())
        .await
        .map_err(database("reading the names of sub-merchants"))?;
    Ok(rows.into_iter().collect())
}

/// Whether a column holds the words somewhere, whatever their letters' case; no character of them is a wildcard.
pub(crate) fn holds(name: impl IntoColumnRef, words: &str) -> SimpleExpr {
    let escaped = words
        .to_lowercase()
        .replace('!', "!!")
        .replace('%', "!%")
        .replace('_', "!_");
    let pattern = LikeExpr::new(format!("%{escaped}%")).escape('!');
    Expr::expr(Func::lower(Expr::col(name))).like(pattern)
}

/// Tenants whose name contains the words, whatever their letters' case; those that begin with them first. All, or one.
pub async fn tenants_of_name(
    at: &impl Access,
    tenant: Option<&TenantId>,
    words: &str,
    limit: u64,
) -> Result<Vec<(TenantId, String)>, StorageError> {
    use tenants::Column;
    let words = words.to_lowercase();
    let rows: Vec<(String, String)> = tenants::Entity::find()
        .select_only()
        .columns([Column::Id, Column::Name])
        .filter(
            Condition::all()
                .add(holds(Column::Name, &words))
                .add_option(tenant.map(|id| Column::Id.eq(id.as_str()))),
        )
        .order_by_asc(Column::Id)
        .limit(NAMES_FOUND_MAX)
        .into_tuple()
        .all(at.connection())
        .await
        .map_err(database("looking for the name of a tenant"))?;
    let mut rows = rows;
    rows.sort_by_key(|(_, name)| !name.to_lowercase().starts_with(&words));
    rows.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    rows.into_iter()
        .map(|(id, name)| Ok((column("tenants", "id", &id, id.parse())?, name)))
        .collect()
}

/// The sub-merchants of a number at WeChat, every tenant's or one's.
pub async fn merchants_of_number(
    at: &impl Access,
    tenant: Option<&TenantId>,
    sub_mchid: &str,
    limit: u64,
) -> Result<Vec<FoundMerchant>, StorageError> {
    let wanted = Condition::all().add(sub_merchants::Column::SubMchid.eq(sub_mchid));
    merchants(at, tenant, wanted, limit).await
}

/// The sub-merchants that an app is bound to, every tenant's or one's.
pub async fn merchants_of_app(
    at: &impl Access,
    tenant: Option<&TenantId>,
    appid: &str,
    limit: u64,
) -> Result<Vec<FoundMerchant>, StorageError> {
    let bound = sea_orm::sea_query::Query::select()
        .column(sub_apps::Column::SubMerchantId)
        .from(sub_apps::Entity)
        .and_where(sub_apps::Column::Appid.eq(appid))
        .to_owned();
    let wanted = Condition::all().add(sub_merchants::Column::Id.in_subquery(bound));
    merchants(at, tenant, wanted, limit).await
}

/// A sub-merchant by its id, whoever's it is.
pub async fn merchant_all_tenants(
    at: &impl Access,
    id: &str,
) -> Result<Option<FoundMerchant>, StorageError> {
    let wanted = Condition::all().add(sub_merchants::Column::Id.eq(id));
    Ok(merchants(at, None, wanted, 1).await?.pop())
}

async fn merchants(
    at: &impl Access,
    tenant: Option<&TenantId>,
    wanted: Condition,
    limit: u64,
) -> Result<Vec<FoundMerchant>, StorageError> {
    let rows = sub_merchants::Entity::find()
        .filter(wanted.add_option(tenant.map(|id| sub_merchants::Column::TenantId.eq(id.as_str()))))
        .order_by_asc(sub_merchants::Column::Id)
        .limit(limit)
        .all(at.connection())
        .await
        .map_err(database("looking for a sub-merchant"))?;
    rows.into_iter()
        .map(|row| {
            Ok(FoundMerchant {
                tenant_id: column("sub_merchants", "tenant_id", &row.id, row.tenant_id.parse())?,
                id: row.id,
                mode: row.mode,
                sub_mchid: row.sub_mchid,
                name: row.name,
            })
        })
        .collect()
}

/// The endpoints on a host, every tenant's or one's.
pub async fn endpoints_of_host(
    at: &impl Access,
    tenant: Option<&TenantId>,
    host: &str,
    limit: u64,
) -> Result<Vec<(EndpointId, TenantId, String)>, StorageError> {
    use endpoints::Column;
    let rows: Vec<(String, String, String)> = endpoints::Entity::find()
        .select_only()
        .columns([Column::Id, Column::TenantId, Column::Url])
        .filter(
            Condition::all()
                .add(Column::Host.eq(host))
                .add_option(tenant.map(|id| Column::TenantId.eq(id.as_str()))),
        )
        .order_by_asc(Column::Id)
        .limit(limit)
        .into_tuple()
        .all(at.connection())
        .await
        .map_err(database("looking for endpoints by host"))?;
    rows.into_iter()
        .map(|(id, tenant, url)| {
            let tenant = column("endpoints", "tenant_id", &id, tenant.parse())?;
            Ok((column("endpoints", "id", &id, id.parse())?, tenant, url))
        })
        .collect()
}

/// The orders that a call with WeChat's `Request-ID` was about.
pub async fn orders_of_request_all_tenants(
    at: &impl Access,
    request_id: &str,
    limit: u64,
) -> Result<Vec<(OrderId, TenantId)>, StorageError> {
    use upstream_calls::Column;
    let rows: Vec<(Option<String>, Option<String>)> = upstream_calls::Entity::find()
        .select_only()
        .columns([Column::OrderId, Column::TenantId])
        .filter(Column::RequestId.eq(request_id))
        .limit(limit)
        .into_tuple()
        .all(at.connection())
        .await
        .map_err(database("looking for a call by its number"))?;
    let mut found: Vec<(OrderId, TenantId)> = Vec::new();
    for (order, tenant) in rows {
        let (Some(order), Some(tenant)) = (order, tenant) else {
            continue;
        };
        let parsed: (OrderId, TenantId) = (
            column("upstream_calls", "order_id", &order, order.parse())?,
            column("upstream_calls", "tenant_id", &order, tenant.parse())?,
        );
        if !found.contains(&parsed) {
            found.push(parsed);
        }
    }
    Ok(found)
}
