//! What became of the orders of each hour, kept so that an overview need not read the orders.

use sea_orm::sea_query::{Expr, ExprTrait, Order as Sort, Query};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect,
};
use tributary_domain::clock::Timestamp;
use tributary_domain::ids::{OrderId, TenantId};
use tributary_domain::order::OrderState;
use tributary_domain::settlement::Source;
use tributary_domain::tenant::Mode;

use crate::books::sum;
use crate::entities::order_hours::{ActiveModel, Column, Entity};
use crate::entities::orders;
use crate::error::{StorageError, database};
use crate::scan::id_floor;
use crate::statement_sizes::power_of_two_chunks;
use crate::{Access, Tx};

/// An hour in milliseconds.
pub const HOUR_MS: i64 = 3_600_000;

/// Sums of orders, whatever they are grouped by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many were placed.
    pub placed: i64,
    /// How many of them were paid.
    pub paid: i64,
    /// How many of them ended unpaid.
    pub ended_unpaid: i64,
    /// What was asked for them, in fen.
    pub placed_fen: i64,
    /// What came in for them, in fen.
    pub paid_fen: i64,
    /// How many payments our own question found.
    pub by_query: i64,
    /// How many payments WeChat told us.
    pub by_notification: i64,
    /// How many refunds they have.
    pub refunds: i64,
    /// What went back, in fen.
    pub refunded_fen: i64,
}

/// What sums are of.
#[derive(Clone, Debug)]
pub struct HourQuery {
    /// Which world.
    pub mode: Mode,
    /// Hours from this one on.
    pub from: Timestamp,
    /// Hours before this instant.
    pub to: Timestamp,
    /// By what they are grouped.
    pub grouping: Grouping,
    /// Groups at most.
    pub limit: u64,
    /// Only this tenant's.
    pub tenant_id: Option<TenantId>,
    /// Only of this sub-merchant.
    pub sub_mchid: Option<String>,
}

/// By what sums are grouped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grouping {
    /// By hour, oldest first.
    Hour,
    /// By tenant, those with the most orders first.
    Tenant,
    /// By sub-merchant, those with the most orders first.
    SubMerchant,
}

/// Computes one hour of one world anew from its orders; returns how many rows it has.
pub async fn compute_all_tenants(
    tx: &Tx,
    mode: Mode,
    hour: Timestamp,
    now: Timestamp,
) -> Result<usize, StorageError> {
    let doing = "adding up the orders of an hour";
    let rows = tx.connection().query_all(&orders_of_hour(mode, hour)).await;
    let rows = rows.map_err(database(doing))?;
    Entity::delete_many()
        .filter(Column::Mode.eq(mode.as_str()))
        .filter(Column::Hour.eq(hour.as_millis()))
        .exec(tx.connection())
        .await
        .map_err(database("forgetting the figures of an hour"))?;
    let mut made = Vec::with_capacity(rows.len());
    for row in &rows {
        let text = |index: usize| row.try_get_by_index::<String>(index);
        let tally = tally(row, 2).map_err(database(doing))?;
        made.push(ActiveModel {
            mode: Set(mode.as_str().to_owned()),
            hour: Set(hour.as_millis()),
            tenant_id: Set(text(0).map_err(database(doing))?),
            sub_mchid: Set(text(1).map_err(database(doing))?),
            placed: Set(tally.placed),
            paid: Set(tally.paid),
            ended_unpaid: Set(tally.ended_unpaid),
            placed_fen: Set(tally.placed_fen),
            paid_fen: Set(tally.paid_fen),
            by_query: Set(tally.by_query),
            by_notification: Set(tally.by_notification),
            refunds: Set(tally.refunds),
            refunded_fen: Set(tally.refunded_fen),
            computed_at: Set(now.as_millis()),
        });
    }
    for chunk in power_of_two_chunks(&made) {
        Entity::insert_many(chunk.iter().cloned())
            .exec_without_returning(tx.connection())
            .await
            .map_err(database("keeping the figures of an hour"))?;
    }
    Ok(made.len())
}

/// The newest hour that was computed; nothing when none ever had orders.
pub async fn newest_all_tenants(at: &impl Access) -> Result<Option<Timestamp>, StorageError> {
    let newest: Option<Option<i64>> = Entity::find()
        .select_only()
        .column_as(Column::Hour.max(), "newest")
        .into_tuple()
        .one(at.connection())
        .await
        .map_err(database("reading which hours were computed"))?;
    Ok(newest.flatten().map(Timestamp::from_millis))
}

fn orders_of_hour(mode: Mode, hour: Timestamp) -> sea_orm::sea_query::SelectStatement {
    use orders::Column;
    let one_if = |is: Expr| sum(Expr::case(is, 1).finally(0));
    let end = hour.plus_millis(HOUR_MS);
    let source = |source: Source| one_if(Expr::col(Column::PaidSource).eq(source.as_str()));
    Query::select()
        .columns([Column::TenantId, Column::SubMchid])
        .expr(Expr::val(1).count())
        .expr(one_if(Expr::col(Column::PaidFen).gt(0)))
        .expr(one_if(
            Expr::col(Column::State).eq(OrderState::Closed.as_str()),
        ))
        .expr(sum(Expr::col(Column::TotalFen)))
        .expr(sum(Expr::col(Column::PaidFen)))
        .expr(source(Source::Query))
        .expr(source(Source::Notification))
        .expr(sum(Expr::col(Column::RefundCount)))
        .expr(sum(Expr::col(Column::RefundedFen)))
        .from(orders::Entity)
        .and_where(Column::Mode.eq(mode.as_str()))
        .and_where(Column::Id.gte(id_floor(OrderId::PREFIX, hour)))
        .and_where(Column::Id.lt(id_floor(OrderId::PREFIX, end)))
        .group_by_columns([Column::TenantId, Column::SubMchid])
        .to_owned()
}

/// Sums of a tenant's orders in whole hours.
pub async fn sums(
    at: &impl Access,
    tenant: &TenantId,
    query: &HourQuery,
) -> Result<Vec<(String, Tally)>, StorageError> {
    let own = HourQuery {
        tenant_id: Some(tenant.clone()),
        ..query.clone()
    };
    sums_all_tenants(at, &own).await
}

/// Sums of orders in whole hours, whoever's they are: what they are grouped by, and the sums.
pub async fn sums_all_tenants(
    at: &impl Access,
    query: &HourQuery,
) -> Result<Vec<(String, Tally)>, StorageError> {
    let doing = "adding up hours";
    let key = match query.grouping {
        Grouping::Hour => Column::Hour,
        Grouping::Tenant => Column::TenantId,
        Grouping::SubMerchant => Column::SubMchid,
    };
    let mut added = Query::select();
    added.column(key).from(Entity);
    for column in [
        Column::Placed,
        Column::Paid,
        Column::EndedUnpaid,
        Column::PlacedFen,
        Column::PaidFen,
        Column::ByQuery,
        Column::ByNotification,
        Column::Refunds,
        Column::RefundedFen,
    ] {
        added.expr(sum(Expr::col(column)));
    }
    added
        .and_where(Column::Mode.eq(query.mode.as_str()))
        .and_where(Column::Hour.gte(query.from.as_millis()))
        .and_where(Column::Hour.lt(query.to.as_millis()))
        .group_by_col(key)
        .limit(query.limit);
    if let Some(tenant) = &query.tenant_id {
        added.and_where(Column::TenantId.eq(tenant.as_str()));
    }
    if let Some(merchant) = &query.sub_mchid {
        added.and_where(Column::SubMchid.eq(merchant.as_str()));
    }
    match query.grouping {
        Grouping::Hour => added.order_by(key, Sort::Asc),
        _ => added.order_by_expr(sum(Expr::col(Column::Placed)), Sort::Desc),
    };
    let rows = at
        .connection()
        .query_all(&added)
        .await
        .map_err(database(doing))?;
    let read = |row: &sea_orm::QueryResult| {
        let name = match query.grouping {
            Grouping::Hour => row.try_get_by_index::<i64>(0)?.to_string(),
            _ => row.try_get_by_index(0)?,
        };
        Ok((name, tally(row, 1)?))
    };
    rows.iter()
        .map(read)
        .collect::<Result<Vec<_>, sea_orm::DbErr>>()
        .map_err(database(doing))
}

fn tally(row: &sea_orm::QueryResult, first: usize) -> Result<Tally, sea_orm::DbErr> {
    let number = |place: usize| {
        let found: Option<i64> = row.try_get_by_index(first.saturating_add(place))?;
        Ok::<i64, sea_orm::DbErr>(found.unwrap_or_default())
    };
    Ok(Tally {
        placed: number(0)?,
        paid: number(1)?,
        ended_unpaid: number(2)?,
        placed_fen: number(3)?,
        paid_fen: number(4)?,
        by_query: number(5)?,
        by_notification: number(6)?,
        refunds: number(7)?,
        refunded_fen: number(8)?,
    })
}
