//! Samples and counts behind the overview, each of a bounded number of the newest rows of an index.

use sea_orm::sea_query::{Expr, ExprTrait, Order as Sort, Query};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use tributary_domain::clock::Timestamp;
use tributary_domain::ids::TenantId;
use tributary_domain::reconciliation::DiscrepancyState;
use tributary_domain::refund::RefundState;
use tributary_domain::settlement::Source;
use tributary_domain::tenant::Mode;

use crate::Access;
use crate::entities::{
    deliveries, delivery_attempts, delivery_queue, discrepancies, leases, notifications, orders,
    refunds, upstream_calls,
};
use crate::error::{StorageError, database};

/// Rows that one sample is made of at most.
pub const SAMPLE_MAX: u64 = 20_000;

/// One try of a call to WeChat, as a sample needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallSample {
    /// Host and port.
    pub host: String,
    /// What it came to.
    pub outcome: String,
    /// WeChat's code.
    pub code: Option<String>,
    /// How long it lasted.
    pub duration_ms: i64,
}

/// How late notifications were: for each of the newest payments that one told us, the milliseconds. Every tenant's, or
/// one's.
pub async fn notification_lags(
    at: &impl Access,
    tenant: Option<&TenantId>,
    mode: Mode,
    since: Timestamp,
) -> Result<Vec<i64>, StorageError> {
    use orders::Column;
    let mut wanted = orders::Entity::find()
        .select_only()
        .columns([Column::PaidAt, Column::LearnedAt])
        .filter(Column::Mode.eq(mode.as_str()))
        .filter(Column::PaidAt.gte(since.as_millis()));
    if let Some(tenant) = tenant {
        wanted = wanted.filter(Column::TenantId.eq(tenant.as_str()));
    }
    let rows: Vec<(Option<i64>, Option<i64>)> = wanted
        .filter(Column::PaidSource.eq(Source::Notification.as_str()))
        .order_by_desc(Column::PaidAt)
        .limit(SAMPLE_MAX)
        .into_tuple()
        .all(at.connection())
        .await
        .map_err(database("reading how late notifications were"))?;
    let lag = |(paid, learned): (Option<i64>, Option<i64>)| Some(learned?.saturating_sub(paid?));
    Ok(rows.into_iter().filter_map(lag).collect())
}

/// What became of the newest attempts to deliver: endpoint, class of the failure, how many. Every tenant's, or one's.
pub async fn delivery_outcomes(
    at: &impl Access,
    tenant: Option<&TenantId>,
    since: Timestamp,
) -> Result<Vec<(String, Option<String>, i64)>, StorageError> {
    use delivery_attempts::Column;
    let doing = "counting what became of deliveries";
    let mut newest = Query::select();
    newest
        .columns([Column::DeliveryId, Column::ErrorClass])
        .from(delivery_attempts::Entity)
        .and_where(Column::StartedAt.gte(since.as_millis()))
        .order_by(Column::StartedAt, Sort::Desc)
        .limit(SAMPLE_MAX);
    if let Some(tenant) = tenant {
        newest.and_where(Column::TenantId.eq(tenant.as_str()));
    }
    let delivery = (deliveries::Entity, deliveries::Column::Id);
    let counted = Query::select()
        .column((deliveries::Entity, deliveries::Column::EndpointId))
        .column(("newest", Column::ErrorClass))
        .expr(Expr::val(1).count())
        .from_subquery(newest, "newest")
        .inner_join(
            deliveries::Entity,
            Expr::col(("newest", Column::DeliveryId)).equals(delivery),
        )
        .group_by_columns([(deliveries::Entity, deliveries::Column::EndpointId)])
        .group_by_columns([("newest", Column::ErrorClass)])
        .to_owned();
    let rows = at
        .connection()
        .query_all(&counted)
        .await
        .map_err(database(doing))?;
    rows.iter()
        .map(|row| row.try_get_many_by_index().map_err(database(doing)))
        .collect()
}

/// The newest tries of calls to WeChat.
pub async fn calls_all_tenants(
    at: &impl Access,
    since: Timestamp,
) -> Result<Vec<CallSample>, StorageError> {
    use upstream_calls::Column;
    let rows: Vec<(String, String, Option<String>, i64)> = upstream_calls::Entity::find()
        .select_only()
        .columns([
            Column::Host,
            Column::Outcome,
            Column::Code,
            Column::DurationMs,
        ])
        .filter(Column::StartedAt.gte(since.as_millis()))
        .order_by_desc(Column::StartedAt)
        .limit(SAMPLE_MAX)
        .into_tuple()
        .all(at.connection())
        .await
        .map_err(database("reading the newest calls"))?;
    let sample = |(host, outcome, code, duration_ms)| CallSample {
        host,
        outcome,
        code,
        duration_ms,
    };
    Ok(rows.into_iter().map(sample).collect())
}

/// When each open refund was asked for, by state. Every tenant's, or one's.
pub async fn open_refunds(
    at: &impl Access,
    tenant: Option<&TenantId>,
    mode: Mode,
) -> Result<Vec<(String, i64)>, StorageError> {
    use refunds::Column;
    let open = RefundState::ALL.iter().filter(|state| state.is_open());
    let mut wanted = refunds::Entity::find()
        .select_only()
        .columns([Column::State, Column::CreatedAt])
        .filter(Column::State.is_in(open.map(|state| state.as_str())))
        .filter(Column::Mode.eq(mode.as_str()));
    if let Some(tenant) = tenant {
        wanted = wanted.filter(Column::TenantId.eq(tenant.as_str()));
    }
    wanted
        .limit(SAMPLE_MAX)
        .into_tuple()
        .all(at.connection())
        .await
        .map_err(database("reading the open refunds"))
}

/// How many differences are open, by class, with what they come to. Every tenant's, or one's.
pub async fn open_discrepancies(
    at: &impl Access,
    tenant: Option<&TenantId>,
    mode: Mode,
) -> Result<Vec<(String, i64, i64)>, StorageError> {
    use discrepancies::Column;
    let mut wanted = discrepancies::Entity::find()
        .select_only()
        .columns([Column::Class, Column::LocalFen, Column::BillFen])
        .filter(Column::State.eq(DiscrepancyState::Open.as_str()))
        .filter(Column::Mode.eq(mode.as_str()));
    if let Some(tenant) = tenant {
        wanted = wanted.filter(Column::TenantId.eq(tenant.as_str()));
    }
    wanted
        .limit(SAMPLE_MAX)
        .into_tuple()
        .all(at.connection())
        .await
        .map_err(database("reading the open discrepancies"))
}

/// How much is due in each queue, up to a bound, and since when the oldest is: name, count, instant.
pub async fn due_all_tenants(
    at: &impl Access,
    now: Timestamp,
) -> Result<Vec<(&'static str, u64, Option<i64>)>, StorageError> {
    let doing = "counting what is due";
    let until = now.as_millis();
    let bounded: [(&'static str, Vec<i64>); 4] = [
        (
            "deliveries",
            delivery_queue::Entity::find()
                .select_only()
                .column(delivery_queue::Column::VisibleAt)
                .filter(delivery_queue::Column::VisibleAt.lte(until))
                .limit(SAMPLE_MAX)
                .into_tuple()
                .all(at.connection())
                .await
                .map_err(database(doing))?,
        ),
        (
            "orders",
            orders::Entity::find()
                .select_only()
                .column(orders::Column::NextPollAt)
                .filter(orders::Column::NextPollAt.lte(until))
                .order_by_asc(orders::Column::NextPollAt)
                .limit(SAMPLE_MAX)
                .into_tuple()
                .all(at.connection())
                .await
                .map_err(database(doing))?,
        ),
        (
            "refunds",
            refunds::Entity::find()
                .select_only()
                .column(refunds::Column::NextTryAt)
                .filter(refunds::Column::NextTryAt.lte(until))
                .order_by_asc(refunds::Column::NextTryAt)
                .limit(SAMPLE_MAX)
                .into_tuple()
                .all(at.connection())
                .await
                .map_err(database(doing))?,
        ),
        (
            "notifications",
            notifications::Entity::find()
                .select_only()
                .column(notifications::Column::NextTryAt)
                .filter(notifications::Column::NextTryAt.lte(until))
                .order_by_asc(notifications::Column::NextTryAt)
                .limit(SAMPLE_MAX)
                .into_tuple()
                .all(at.connection())
                .await
                .map_err(database(doing))?,
        ),
    ];
    let shown = bounded.map(|(name, due)| {
        let count = u64::try_from(due.len()).unwrap_or(SAMPLE_MAX);
        (name, count, due.into_iter().min())
    });
    Ok(shown.to_vec())
}

/// Who leads what: name, owner, until when.
pub async fn leases_all_tenants(
    at: &impl Access,
    limit: u64,
) -> Result<Vec<(String, String, i64)>, StorageError> {
    use leases::Column;
    leases::Entity::find()
        .select_only()
        .columns([Column::Name, Column::Owner, Column::HeldUntil])
        .order_by_asc(Column::Name)
        .limit(limit)
        .into_tuple()
        .all(at.connection())
        .await
        .map_err(database("reading the leases"))
}
