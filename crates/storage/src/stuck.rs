//! Rows that are not at an end and that nobody will look at again. There must be none; counting them is how one knows.

use sea_orm::sea_query::{Expr, ExprTrait, Query};
use sea_orm::{ColumnTrait, Condition, EntityTrait, PaginatorTrait, QueryFilter};
use tributary_domain::clock::Timestamp;
use tributary_domain::delivery::DeliveryState;
use tributary_domain::job::JobState;
use tributary_domain::late_payment::LatePaymentState;
use tributary_domain::order::{AttemptState, OrderState};
use tributary_domain::reconciliation::ReconciliationState;
use tributary_domain::refund::RefundState;
use tributary_domain::tenant::Mode;

use crate::Access;
use crate::entities::{
    attempts, deliveries, delivery_queue, endpoints, jobs, late_payments, notifications, orders,
    reconciliations, refunds,
};
use crate::error::{StorageError, database};
use crate::notifications::NotificationState;

/// Orders paid before that are not looked through for open attempts: every minute all of them would be too many. What is
/// left open by a payment is due at once, so a mistake shows within this time.
const PAID_LATELY_MS: i64 = 15 * 60_000;

/// What was counted, and how many there are.
pub type Stuck = (&'static str, u64);

/// Counts the rows of every tenant that have no next action, by what they are.
pub async fn count_all_tenants(
    at: &impl Access,
    now: Timestamp,
) -> Result<Vec<Stuck>, StorageError> {
    Ok(vec![
        ("orders", stuck_orders(at).await?),
        ("attempts", stuck_attempts(at, now).await?),
        ("reconciliations", stuck_reconciliations(at).await?),
        ("jobs", stuck_jobs(at).await?),
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

/// Orders that were paid lately, with an attempt that may be paid as well and that nobody will close.
async fn stuck_attempts(at: &impl Access, now: Timestamp) -> Result<u64, StorageError> {
    let open = AttemptState::ALL.iter().filter(|state| state.is_open());
    let left = Query::select()
        .expr(Expr::val(1))
        .from(attempts::Entity)
        .and_where(
            Expr::col((attempts::Entity, attempts::Column::TenantId))
                .equals((orders::Entity, orders::Column::TenantId)),
        )
        .and_where(
            Expr::col((attempts::Entity, attempts::Column::OrderId))
                .equals((orders::Entity, orders::Column::Id)),
        )
        .and_where(
            Expr::col((attempts::Entity, attempts::Column::State))
                .is_in(open.map(|state| state.as_str())),
        )
        .to_owned();
    let since = now.plus_millis(-PAID_LATELY_MS);
    orders::Entity::find()
        .filter(orders::Column::Mode.is_in([Mode::Live, Mode::Test].map(Mode::as_str)))
        .filter(orders::Column::PaidAt.gte(since.as_millis()))
        .filter(orders::Column::NextPollAt.is_null())
        .filter(Expr::exists(left))
        .count(at.connection())
        .await
        .map_err(database("counting stuck attempts"))
}

async fn stuck_reconciliations(at: &impl Access) -> Result<u64, StorageError> {
    use reconciliations::Column;
    reconciliations::Entity::find()
        .filter(Column::NextTryAt.is_null())
        .filter(Column::State.eq(ReconciliationState::Waiting.as_str()))
        .count(at.connection())
        .await
        .map_err(database("counting stuck reconciliations"))
}

/// A job that a person paused has its next action: the person's.
async fn stuck_jobs(at: &impl Access) -> Result<u64, StorageError> {
    jobs::Entity::find()
        .filter(jobs::Column::NextRunAt.is_null())
        .filter(jobs::Column::State.eq(JobState::Running.as_str()))
        .count(at.connection())
        .await
        .map_err(database("counting stuck jobs"))
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
