//! A tenant's day in columns: what WeChat's bill has, what we know, what the tenant was told; and sums that do not fit.

use sea_orm::sea_query::{Condition, Expr, ExprTrait, Query, SelectStatement};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use tributary_domain::bill::{BillDay, BillState, RowKind};
use tributary_domain::clock::Timestamp;
use tributary_domain::delivery::DeliveryState;
use tributary_domain::event::EventType;
use tributary_domain::ids::{ProviderId, TenantId};
use tributary_domain::order::Order;
use tributary_domain::tenant::Mode;

use crate::Access;
use crate::books::{Span, sum};
use crate::entities::{bill_rows, bills, deliveries, events, orders, refunds};
use crate::error::{StorageError, database};
use crate::orders::to_order;

/// What tells a tenant that an order has money.
const TELLS_OF_MONEY: [EventType; 4] = [
    EventType::OrderPaid,
    EventType::OrderPaidLate,
    EventType::OrderDuplicatePaid,
    EventType::OrderAmountMismatch,
];

/// Count and sum, in fen.
pub type CountAndFen = (i64, i64);

/// Which paid orders are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// An event tells of it.
    Yes,
    /// No event tells of it.
    No,
    /// An event tells of it and has reached an endpoint.
    Delivered,
    /// An event tells of it, endpoints wanted it, and none has taken it.
    Undelivered,
}

/// Payments of a tenant in WeChat's verified bills of a day.
pub async fn in_bill(
    at: &impl Access,
    tenant: &TenantId,
    (mode, day): (Mode, BillDay),
) -> Result<CountAndFen, StorageError> {
    use bill_rows::Column;
    let verified = Query::select()
        .column(bills::Column::Id)
        .from(bills::Entity)
        .and_where(Expr::col(bills::Column::State).eq(BillState::Verified.as_str()))
        .to_owned();
    let found: Option<(i64, Option<i64>)> = bill_rows::Entity::find()
        .select_only()
        .column_as(Expr::col(Column::Line).count(), "count")
        .column_as(sum(Expr::col(Column::TotalFen)), "fen")
        .filter(Column::TenantId.eq(tenant.as_str()))
        .filter(Column::Mode.eq(mode.as_str()))
        .filter(Column::Day.eq(day.to_string()))
        .filter(Column::Kind.eq(RowKind::Payment.as_str()))
        .filter(Column::BillId.in_subquery(verified))
        .into_tuple()
        .one(at.connection())
        .await
        .map_err(database("adding up a tenant's bill"))?;
    Ok(found.map_or((0, 0), |(count, fen)| (count, fen.unwrap_or_default())))
}

/// Orders of a tenant paid on a span of time, by what the tenant was told.
pub async fn paid_orders(
    at: &impl Access,
    tenant: &TenantId,
    (mode, span): (Mode, Span),
    told: Told,
) -> Result<CountAndFen, StorageError> {
    let found: Option<(i64, Option<i64>)> = paid(tenant, mode, span)
        .select_only()
        .column_as(Expr::col(orders::Column::Id).count(), "count")
        .column_as(sum(Expr::col(orders::Column::PaidFen)), "fen")
        .filter(is_told(told))
        .into_tuple()
        .one(at.connection())
        .await
        .map_err(database("adding up what a tenant was told"))?;
    Ok(found.map_or((0, 0), |(count, fen)| (count, fen.unwrap_or_default())))
}

/// The first `limit` of such orders.
pub async fn list_paid_orders(
    at: &impl Access,
    tenant: &TenantId,
    (mode, span): (Mode, Span),
    told: Told,
    limit: u64,
) -> Result<Vec<Order>, StorageError> {
    let rows = paid(tenant, mode, span)
        .filter(is_told(told))
        .order_by_asc(orders::Column::Id)
        .limit(limit)
        .all(at.connection())
        .await
        .map_err(database("listing what a tenant was not told"))?;
    rows.into_iter().map(to_order).collect()
}

/// The first `limit` orders through a provider, paid or refunded on a span of time, whose sums are not those of their
/// refunds.
pub async fn unbalanced_all_tenants(
    at: &impl Access,
    provider: &ProviderId,
    (from, to): Span,
    limit: u64,
) -> Result<Vec<Order>, StorageError> {
    let of_day = Query::select()
        .column(refunds::Column::OrderId)
        .from(refunds::Entity)
        .and_where(Expr::col(refunds::Column::ProviderId).eq(provider.as_str()))
        .and_where(Expr::col(refunds::Column::AcceptedAt).gte(from.as_millis()))
        .and_where(Expr::col(refunds::Column::AcceptedAt).lt(to.as_millis()))
        .to_owned();
    let of_its_day = Condition::all()
        .add(orders::Column::PaidAt.gte(from.as_millis()))
        .add(orders::Column::PaidAt.lt(to.as_millis()));
    let differ = Condition::any()
        .add(booked(orders::Column::RefundedFen).ne(rows_of(&["success"], Among::These)))
        .add(booked(orders::Column::RefundingFen).ne(rows_of(&ENDED, Among::Others)));
    let rows = orders::Entity::find()
        .filter(orders::Column::ProviderId.eq(provider.as_str()))
        .filter(
            Condition::any()
                .add(of_its_day)
                .add(orders::Column::Id.in_subquery(of_day)),
        )
        .filter(differ)
        .order_by_asc(orders::Column::Id)
        .limit(limit)
        .all(at.connection())
        .await
        .map_err(database("looking for orders whose sums do not fit"))?;
    rows.into_iter().map(to_order).collect()
}

/// Whether refunds in some states are meant, or all others.
#[derive(Clone, Copy)]
enum Among {
    These,
    Others,
}

const ENDED: [&str; 2] = ["success", "closed"];

fn booked(column: orders::Column) -> Expr {
    Expr::col((orders::Entity, column))
}

/// What the refunds of an order, other than of late payments, add up to.
fn rows_of(states: &[&str], among: Among) -> Expr {
    let state = Expr::col((refunds::Entity, refunds::Column::State));
    let states = states.iter().copied();
    let wanted = match among {
        Among::These => state.is_in(states),
        Among::Others => state.is_not_in(states),
    };
    let fen = Expr::col((refunds::Entity, refunds::Column::RefundFen));
    let total = Query::select()
        .expr(sum(fen))
        .from(refunds::Entity)
        .and_where(
            Expr::col((refunds::Entity, refunds::Column::TenantId))
                .equals((orders::Entity, orders::Column::TenantId)),
        )
        .and_where(
            Expr::col((refunds::Entity, refunds::Column::OrderId))
                .equals((orders::Entity, orders::Column::Id)),
        )
        .and_where(Expr::col((refunds::Entity, refunds::Column::LatePaymentId)).is_null())
        .and_where(wanted)
        .to_owned();
    let total = Expr::SubQuery(None, Box::new(total.into()));
    sea_orm::sea_query::Func::coalesce([total, Expr::val(0)]).into()
}

fn paid(tenant: &TenantId, mode: Mode, (from, to): Span) -> sea_orm::Select<orders::Entity> {
    orders::Entity::find()
        .filter(orders::Column::TenantId.eq(tenant.as_str()))
        .filter(orders::Column::Mode.eq(mode.as_str()))
        .filter(orders::Column::PaidAt.gte(Timestamp::as_millis(from)))
        .filter(orders::Column::PaidAt.lt(Timestamp::as_millis(to)))
}

fn is_told(told: Told) -> Condition {
    let all = Condition::all();
    match told {
        Told::Yes => all.add(Expr::exists(telling())),
        Told::No => all.add(Expr::exists(telling()).not()),
        Told::Delivered => all.add(Expr::exists(reaching(Some(DeliveryState::Succeeded)))),
        Told::Undelivered => all
            .add(Expr::exists(reaching(None)))
            .add(Expr::exists(reaching(Some(DeliveryState::Succeeded))).not()),
    }
}

/// The events that tell of an order's money.
fn telling() -> SelectStatement {
    use events::{Column, Entity};
    Query::select()
        .expr(Expr::val(1))
        .from(Entity)
        .and_where(
            Expr::col((Entity, Column::TenantId))
                .equals((orders::Entity, orders::Column::TenantId)),
        )
        .and_where(Expr::col((Entity, Column::SubjectType)).eq("order"))
        .and_where(
            Expr::col((Entity, Column::SubjectId)).equals((orders::Entity, orders::Column::Id)),
        )
        .and_where(Expr::col((Entity, Column::Kind)).is_in(TELLS_OF_MONEY.map(EventType::as_str)))
        .to_owned()
}

/// The same with a delivery, in one state or in any.
fn reaching(state: Option<DeliveryState>) -> SelectStatement {
    let mut told = telling();
    told.inner_join(
        deliveries::Entity,
        Expr::col((deliveries::Entity, deliveries::Column::EventId))
            .equals((events::Entity, events::Column::Id)),
    );
    if let Some(state) = state {
        told.and_where(
            Expr::col((deliveries::Entity, deliveries::Column::State)).eq(state.as_str()),
        );
    }
    told
}
