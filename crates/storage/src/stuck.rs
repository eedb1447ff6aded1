//! Rows that are not at an end and that nobody will look at again. There must be none; counting them is how one knows.

use sea_orm::sea_query::{Expr, ExprTrait, Query};
use sea_orm::{ColumnTrait, Condition, EntityTrait, PaginatorTrait, QueryFilter};
use tributary_domain::delivery::DeliveryState;
use tributary_domain::late_payment::LatePaymentState;
use tributary_domain::order::OrderState;
use tributary_domain::refund::RefundState;

use crate::Access;
use crate::entities::{
    deliveries, delivery_queue, endpoints, late_payments, notifications, orders, refunds,
};
use crate::error::{StorageError, database};
use crate::notifications::NotificationState;

/// What was counted, and how many there are.
pub type Stuck = (&'static str, u64);

/// Counts the rows of every tenant that have no next action, by what they are.
pub async fn count_all_tenants(at: &impl Access) -> Result<Vec<Stuck>, StorageError> {
    Ok(vec![
        ("orders", stuck_orders(at).await?),
        ("refunds", stuck_refunds(at).await?),
        ("notifications", stuck_notifications(at).await?),
        ("deliveries", stuck_deliveries(at).await?),
        ("late_payments", stuck_late_payments(at).await?),
    ])
}

async fn stuck_orders(at: &impl Access) -> Result<u64, StorageError> {
    let open = OrderState::ALL.iter().filter(|state| state.is_open());
    orders::Entity::find()
        .filter(orders::Column::NextPollAt.is_null())
        .filter(orders::Column::State.is_in(open.map(|state| state.as_str())))
        .count(at.connection())
        .await
        .map_err(database("counting stuck orders"))
}

async fn stuck_refunds(at: &impl Access) -> Result<u64, StorageError> {
    let open = RefundState::ALL.iter().filter(|state| state.is_open());
    refunds::Entity::find()
        .filter(refunds::Column::NextTryAt.is_null())
        .filter(refunds::Column::State.is_in(open.map(|state| state.as_str())))
        .count(at.connection())
        .await
        .map_err(database("counting stuck refunds"))
}

async fn stuck_notifications(at: &impl Access) -> Result<u64, StorageError> {
    notifications::Entity::find()
        .filter(notifications::Column::NextTryAt.is_null())
        .filter(notifications::Column::State.eq(NotificationState::Received.as_str()))
        .count(at.connection())
        .await
        .map_err(database("counting stuck notifications"))
}

async fn stuck_deliveries(at: &impl Access) -> Result<u64, StorageError> {
    let queued = Query::select()
        .expr(Expr::val(1))
        .from(delivery_queue::Entity)
        .and_where(
            Expr::col((delivery_queue::Entity, delivery_queue::Column::DeliveryId))
                .equals((deliveries::Entity, deliveries::Column::Id)),
        )
        .to_owned();
    // Endpoint by endpoint, because that is how deliveries are indexed.
    let all_endpoints = Query::select()
        .column(endpoints::Column::Id)
        .from(endpoints::Entity)
        .to_owned();
    deliveries::Entity::find()
        .filter(deliveries::Column::EndpointId.in_subquery(all_endpoints))
        .filter(deliveries::Column::State.eq(DeliveryState::Open.as_str()))
        .filter(Condition::all().not().add(Expr::exists(queued)))
        .count(at.connection())
        .await
        .map_err(database("counting stuck deliveries"))
}

/// Money on its way back by a refund that is over, or by none.
async fn stuck_late_payments(at: &impl Access) -> Result<u64, StorageError> {
    let open = RefundState::ALL.iter().filter(|state| state.is_open());
    let under_way = Query::select()
        .expr(Expr::val(1))
        .from(refunds::Entity)
        .and_where(
            Expr::col((refunds::Entity, refunds::Column::Id))
                .equals((late_payments::Entity, late_payments::Column::RefundId)),
        )
        .and_where(
            Expr::col((refunds::Entity, refunds::Column::State))
                .is_in(open.map(|state| state.as_str())),
        )
        .to_owned();
    late_payments::Entity::find()
        .filter(late_payments::Column::State.eq(LatePaymentState::Refunding.as_str()))
        .filter(Condition::all().not().add(Expr::exists(under_way)))
        .count(at.connection())
        .await
        .map_err(database("counting stuck late payments"))
}
