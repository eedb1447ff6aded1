//! What our books say about a provider's day: payments and refunds as a bill counts them. Bills span tenants, and so
//! does everything here.
//!
//! A payment is an order's own, or one that came late, twice or with another amount; one that is both counts once.

use std::collections::HashMap;

use sea_orm::sea_query::{Alias, Expr, ExprTrait, Query};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait, Select};
use tributary_domain::clock::Timestamp;
use tributary_domain::ids::{AttemptId, ProviderId, TenantId};
use tributary_domain::late_payment::LatePayment;
use tributary_domain::order::Order;
use tributary_domain::reconciliation::{LocalPayment, LocalRefund};
use tributary_domain::refund::Refund;
use tributary_domain::tenant::Mode;

use crate::Access;
use crate::entities::{attempts, late_payments, orders, refunds, sub_merchants};
use crate::error::{StorageError, column, database};
use crate::late_payments::to_late_payment;
use crate::orders::to_order;
use crate::refunds::to_refund;
use crate::statement_sizes::padded;

/// A span of time, the end excluded.
pub type Span = (Timestamp, Timestamp);

/// Whose a number of an order is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderRoute {
    /// The order with its sub-merchant.
    pub order: Order,
    /// The number.
    pub out_trade_no: String,
}

/// Whose some order numbers are; those that are nobody's are left out.
pub async fn orders_of_numbers_all_tenants(
    at: &impl Access,
    provider: &ProviderId,
    numbers: Vec<&str>,
) -> Result<Vec<OrderRoute>, StorageError> {
    let found: Vec<(String, String)> = attempts::Entity::find()
        .select_only()
        .columns([attempts::Column::OutTradeNo, attempts::Column::OrderId])
        .filter(attempts::Column::ProviderId.eq(provider.as_str()))
        .filter(attempts::Column::OutTradeNo.is_in(padded(numbers)))
        .into_tuple()
        .all(at.connection())
        .await
        .map_err(database("routing order numbers"))?;
    let ids = found.iter().map(|(_, order)| order.clone()).collect();
    let orders: HashMap<String, Order> = orders_by_id(at, ids)
        .await?
        .into_iter()
        .map(|order| (order.id.to_string(), order))
        .collect();
    let route = |(out_trade_no, order): (String, String)| {
        let order = orders.get(&order)?.clone();
        Some(OrderRoute {
            order,
            out_trade_no,
        })
    };
    Ok(found.into_iter().filter_map(route).collect())
}

async fn orders_by_id(at: &impl Access, ids: Vec<String>) -> Result<Vec<Order>, StorageError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let rows = orders::Entity::find()
        .filter(orders::Column::Id.is_in(padded(ids)))
        .all(at.connection())
        .await
        .map_err(database("reading orders of a bill"))?;
    rows.into_iter().map(to_order).collect()
}

/// The tenants that have these sub-merchants of a provider.
pub async fn tenants_of_sub_merchants_all_tenants(
    at: &impl Access,
    provider: &ProviderId,
    sub_mchids: Vec<&str>,
) -> Result<Vec<(String, TenantId)>, StorageError> {
    let found: Vec<(String, String)> = sub_merchants::Entity::find()
        .select_only()
        .columns([
            sub_merchants::Column::SubMchid,
            sub_merchants::Column::TenantId,
        ])
        .filter(sub_merchants::Column::ProviderId.eq(provider.as_str()))
        .filter(sub_merchants::Column::SubMchid.is_in(padded(sub_mchids)))
        .into_tuple()
        .all(at.connection())
        .await
        .map_err(database("routing sub-merchants"))?;
    let parse = |(sub_mchid, tenant): (String, String)| {
        let tenant = column("sub_merchants", "tenant_id", &sub_mchid, tenant.parse())?;
        Ok((sub_mchid, tenant))
    };
    found.into_iter().map(parse).collect()
}

/// The numbers of a provider's sub-merchants, in order, starting after `after`.
pub async fn sub_mchids_all_tenants(
    at: &impl Access,
    provider: &ProviderId,
    after: &str,
    limit: u64,
) -> Result<Vec<String>, StorageError> {
    sub_merchants::Entity::find()
        .select_only()
        .column(sub_merchants::Column::SubMchid)
        .filter(sub_merchants::Column::ProviderId.eq(provider.as_str()))
        .filter(sub_merchants::Column::SubMchid.gt(after))
        .order_by_asc(sub_merchants::Column::SubMchid)
        .limit(limit)
        .into_tuple()
        .all(at.connection())
        .await
        .map_err(database("listing the sub-merchants of a provider"))
}

/// Every payment of some orders, by the order number at WeChat.
pub async fn payments_of_orders_all_tenants(
    at: &impl Access,
    orders: Vec<Order>,
) -> Result<Vec<LocalPayment>, StorageError> {
    let ids: Vec<String> = orders.iter().map(|order| order.id.to_string()).collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let rows = late_payments::Entity::find()
        .filter(late_payments::Column::OrderId.is_in(padded(ids)))
        .all(at.connection())
        .await
        .map_err(database("reading late payments of a bill"))?;
    let late = rows
        .into_iter()
        .map(to_late_payment)
        .collect::<Result<_, _>>()?;
    numbered(at, orders, late).await
}

/// Payments on a span of time, of a page of orders after the order `after`; with the last order of the page.
pub(crate) async fn order_payments_all_tenants(
    at: &impl Access,
    provider: &ProviderId,
    (from, to): Span,
    after: &str,
    limit: u64,
) -> Result<(Vec<LocalPayment>, Option<String>), StorageError> {
    let rows = orders::Entity::find()
        .filter(orders::Column::ProviderId.eq(provider.as_str()))
        .filter(orders::Column::PaidAt.gte(from.as_millis()))
        .filter(orders::Column::PaidAt.lt(to.as_millis()))
        .filter(orders::Column::Id.gt(after))
        .order_by_asc(orders::Column::Id)
        .limit(limit)
        .all(at.connection())
        .await
        .map_err(database("reading the payments of a day"))?;
    let last = rows.last().map(|row| row.id.clone());
    let orders = rows.into_iter().map(to_order).collect::<Result<_, _>>()?;
    Ok((numbered(at, orders, Vec::new()).await?, last))
}

/// The same of payments that came late, twice or with another amount, and are not their order's own.
pub(crate) async fn late_payments_all_tenants(
    at: &impl Access,
    provider: &ProviderId,
    (from, to): Span,
    after: &str,
    limit: u64,
) -> Result<(Vec<LocalPayment>, Option<String>), StorageError> {
    let rows = late_payments::Entity::find()
        .filter(late_payments::Column::ProviderId.eq(provider.as_str()))
        .filter(late_payments::Column::SuccessTime.gte(from.as_millis()))
        .filter(late_payments::Column::SuccessTime.lt(to.as_millis()))
        .filter(late_payments::Column::Id.gt(after))
        .order_by_asc(late_payments::Column::Id)
        .limit(limit)
        .all(at.connection())
        .await
        .map_err(database("reading the late payments of a day"))?;
    let last = rows.last().map(|row| row.id.clone());
    let late: Vec<LatePayment> = rows
        .into_iter()
        .map(to_late_payment)
        .collect::<Result<_, _>>()?;
    let ids = late.iter().map(|late| late.order_id.to_string()).collect();
    let orders = orders_by_id(at, ids).await?;
    let own: Vec<String> = orders
        .iter()
        .filter_map(|order| order.payment.as_ref())
        .map(|payment| payment.transaction_id.clone())
        .collect();
    let payments = numbered(at, orders, late.clone()).await?;
    let is_late = |payment: &LocalPayment| {
        let id = &payment.transaction_id;
        !own.contains(id) && late.iter().any(|late| late.transaction_id == *id)
    };
    Ok((payments.into_iter().filter(is_late).collect(), last))
}

/// Joins payments with the numbers that WeChat knows their attempts by.
async fn numbered(
    at: &impl Access,
    orders: Vec<Order>,
    late: Vec<LatePayment>,
) -> Result<Vec<LocalPayment>, StorageError> {
    let own = orders.iter().filter_map(|order| order.payment.as_ref());
    let ids: Vec<String> = own
        .map(|payment| payment.attempt_id.to_string())
        .chain(late.iter().map(|late| late.attempt_id.to_string()))
        .collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let found: Vec<(String, String)> = attempts::Entity::find()
        .select_only()
        .columns([attempts::Column::Id, attempts::Column::OutTradeNo])
        .filter(attempts::Column::Id.is_in(padded(ids)))
        .into_tuple()
        .all(at.connection())
        .await
        .map_err(database("reading the numbers of payments"))?;
    let numbers: HashMap<String, String> = found.into_iter().collect();
    let number = |attempt: &AttemptId| numbers.get(attempt.as_str()).cloned().unwrap_or_default();
    let mut payments = Vec::with_capacity(numbers.len());
    for order in &orders {
        let mut own = None;
        if let Some(payment) = &order.payment {
            own = Some(payment.transaction_id.as_str());
            payments.push(LocalPayment {
                out_trade_no: number(&payment.attempt_id),
                transaction_id: payment.transaction_id.clone(),
                fen: order.money.paid.as_i64(),
                paid_at: payment.success_time,
                ..of_order(order)
            });
        }
        let others = late
            .iter()
            .filter(|late| late.order_id == order.id && Some(late.transaction_id.as_str()) != own);
        payments.extend(others.map(|late| LocalPayment {
            out_trade_no: number(&late.attempt_id),
            transaction_id: late.transaction_id.clone(),
            fen: late.total.as_i64(),
            paid_at: late.success_time,
            ..of_order(order)
        }));
    }
    Ok(payments)
}

fn of_order(order: &Order) -> LocalPayment {
    LocalPayment {
        tenant_id: order.tenant_id.clone(),
        order_id: order.id.clone(),
        out_trade_no: String::new(),
        transaction_id: String::new(),
        sub_mchid: order.sub_mchid.to_string(),
        fen: 0,
        paid_at: order.created_at,
    }
}

/// The tenants with a payment of an order on a span of time, in order of their ids.
pub async fn tenants_paid_all_tenants(
    at: &impl Access,
    provider: &ProviderId,
    (from, to): Span,
    after: Option<&TenantId>,
    limit: u64,
) -> Result<Vec<TenantId>, StorageError> {
    let mut query = orders::Entity::find()
        .select_only()
        .column(orders::Column::TenantId)
        .distinct()
        .filter(orders::Column::ProviderId.eq(provider.as_str()))
        .filter(orders::Column::PaidAt.gte(from.as_millis()))
        .filter(orders::Column::PaidAt.lt(to.as_millis()));
    if let Some(after) = after {
        query = query.filter(orders::Column::TenantId.gt(after.as_str()));
    }
    let found: Vec<String> = query
        .order_by_asc(orders::Column::TenantId)
        .limit(limit)
        .into_tuple()
        .all(at.connection())
        .await
        .map_err(database("reading the tenants of a day"))?;
    let parse = |tenant: String| column("orders", "tenant_id", provider.as_str(), tenant.parse());
    found.into_iter().map(parse).collect()
}

/// The refunds of some numbers; those that are nobody's are left out.
pub async fn refunds_of_numbers_all_tenants(
    at: &impl Access,
    provider: &ProviderId,
    numbers: Vec<&str>,
) -> Result<Vec<Refund>, StorageError> {
    let rows = refunds::Entity::find()
        .filter(refunds::Column::ProviderId.eq(provider.as_str()))
        .filter(refunds::Column::OutRefundNo.is_in(padded(numbers)))
        .all(at.connection())
        .await
        .map_err(database("routing refund numbers"))?;
    rows.into_iter().map(to_refund).collect()
}

/// Refunds that WeChat accepted on a span of time, after the refund `after`.
pub(crate) async fn refunds_of_span_all_tenants(
    at: &impl Access,
    provider: &ProviderId,
    (from, to): Span,
    after: &str,
    limit: u64,
) -> Result<Vec<LocalRefund>, StorageError> {
    let rows = refunds::Entity::find()
        .filter(refunds::Column::ProviderId.eq(provider.as_str()))
        .filter(refunds::Column::AcceptedAt.gte(from.as_millis()))
        .filter(refunds::Column::AcceptedAt.lt(to.as_millis()))
        .filter(refunds::Column::Id.gt(after))
        .order_by_asc(refunds::Column::Id)
        .limit(limit)
        .all(at.connection())
        .await
        .map_err(database("reading the refunds of a day"))?;
    let local = |row| to_refund(row).map(|refund| local_refund(&refund));
    rows.into_iter().map(local).collect()
}

/// A refund as a bill counts it.
pub fn local_refund(refund: &Refund) -> LocalRefund {
    LocalRefund {
        tenant_id: refund.tenant_id.clone(),
        order_id: refund.order_id.clone(),
        refund_id: refund.id.clone(),
        out_refund_no: refund.out_refund_no.to_string(),
        wechat_refund_id: refund.facts.refund_id.clone(),
        sub_mchid: refund.sub_mchid.to_string(),
        fen: refund.content.refund.as_i64(),
        accepted_at: refund.facts.accepted_at,
        state: refund.state,
    }
}

/// Whose sums are asked for.
#[derive(Clone, Copy, Debug)]
pub enum Whose<'a> {
    /// Everything through a provider.
    Provider(&'a ProviderId),
    /// One tenant's in one mode.
    Tenant(&'a TenantId, Mode),
}

/// Count and sum of payments on a span of time, in fen, added up by the database.
pub async fn payment_sums_all_tenants(
    at: &impl Access,
    whose: Whose<'_>,
    span: Span,
) -> Result<(i64, i64), StorageError> {
    let (own, late) = (own_payments(span), other_payments(span));
    let (own, late) = match whose {
        Whose::Provider(id) => (
            own.filter(orders::Column::ProviderId.eq(id.as_str())),
            late.filter(late_payments::Column::ProviderId.eq(id.as_str())),
        ),
        Whose::Tenant(id, mode) => (
            own.filter(orders::Column::TenantId.eq(id.as_str()))
                .filter(orders::Column::Mode.eq(mode.as_str())),
            late.filter(late_payments::Column::TenantId.eq(id.as_str()))
                .filter(late_payments::Column::Mode.eq(mode.as_str())),
        ),
    };
    let (own, late) = (counted(at, own).await?, counted(at, late).await?);
    Ok((own.0.saturating_add(late.0), own.1.saturating_add(late.1)))
}

/// Count and sum of the payments that are their orders' own.
pub(crate) fn own_payments((from, to): Span) -> Select<orders::Entity> {
    orders::Entity::find()
        .select_only()
        .column_as(Expr::col(orders::Column::Id).count(), "count")
        .column_as(sum(Expr::col(orders::Column::PaidFen)), "fen")
        .filter(orders::Column::PaidAt.gte(from.as_millis()))
        .filter(orders::Column::PaidAt.lt(to.as_millis()))
}

/// The same of payments that came late, twice or with another amount, and are not their order's own.
pub(crate) fn other_payments((from, to): Span) -> Select<late_payments::Entity> {
    let is_own = Query::select()
        .expr(Expr::val(1))
        .from(orders::Entity)
        .and_where(
            Expr::col((orders::Entity, orders::Column::Id))
                .equals((late_payments::Entity, late_payments::Column::OrderId)),
        )
        .and_where(
            Expr::col((orders::Entity, orders::Column::TransactionId))
                .equals((late_payments::Entity, late_payments::Column::TransactionId)),
        )
        .to_owned();
    late_payments::Entity::find()
        .select_only()
        .column_as(Expr::col(late_payments::Column::Id).count(), "count")
        .column_as(sum(Expr::col(late_payments::Column::TotalFen)), "fen")
        .filter(late_payments::Column::SuccessTime.gte(from.as_millis()))
        .filter(late_payments::Column::SuccessTime.lt(to.as_millis()))
        .filter(Expr::exists(is_own).not())
}

/// Count and sum of refunds that WeChat accepted on a span of time, in fen, added up by the database.
pub async fn refund_sums_all_tenants(
    at: &impl Access,
    whose: Whose<'_>,
    (from, to): Span,
) -> Result<(i64, i64), StorageError> {
    let all = refunds::Entity::find()
        .select_only()
        .column_as(Expr::col(refunds::Column::Id).count(), "count")
        .column_as(sum(Expr::col(refunds::Column::RefundFen)), "fen")
        .filter(refunds::Column::AcceptedAt.gte(from.as_millis()))
        .filter(refunds::Column::AcceptedAt.lt(to.as_millis()));
    let all = match whose {
        Whose::Provider(id) => all.filter(refunds::Column::ProviderId.eq(id.as_str())),
        Whose::Tenant(id, mode) => all
            .filter(refunds::Column::TenantId.eq(id.as_str()))
            .filter(refunds::Column::Mode.eq(mode.as_str())),
    };
    counted(at, all).await
}

/// The databases give sums another type than what is summed.
pub(crate) fn sum(column: impl ExprTrait) -> Expr {
    column.sum().cast_as(Alias::new("BIGINT"))
}

async fn counted<E: EntityTrait>(
    at: &impl Access,
    query: Select<E>,
) -> Result<(i64, i64), StorageError>
where
    Select<E>: QueryTrait,
{
    let found: Option<(i64, Option<i64>)> = query
        .into_tuple()
        .one(at.connection())
        .await
        .map_err(database("adding up the books"))?;
    Ok(found.map_or((0, 0), |(count, fen)| (count, fen.unwrap_or_default())))
}
