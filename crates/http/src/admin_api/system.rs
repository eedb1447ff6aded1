//! The overview's figures, the state of the installation, and what changes while a page is open.

mod figures;
mod stream;

use std::collections::BTreeMap;

use poem::Request;
use poem_openapi::param::Query;
use poem_openapi::{Object, OpenApi};
use tributary_domain::clock::Timestamp;
use tributary_domain::ids::TenantId;
use tributary_domain::merchant::Mchid;
use tributary_domain::staff::Permission;
use tributary_operations::statistics::{Health, Spread, StatisticsBy, StatisticsWish, Tally};
use tributary_operations::system::SystemState;

use figures::{AppliedMigration, EndingKey, ProcessFigures};
use stream::ChangeStream;

use super::Tag;
use super::guards::May;
use crate::figures::Figures;
use crate::json::Json;
use crate::pagination::Parameters;
use crate::problem::Problem;

type Statistician = May<{ Permission::StatisticsRead as usize }>;
type SystemReader = May<{ Permission::SystemRead as usize }>;
type OrderReader = May<{ Permission::OrderRead as usize }>;

/// The operations on figures and state.
pub(crate) struct SystemApi;

/// Sums of the orders of one group. Money is fen.
#[derive(Debug, Object)]
struct OrderFigures {
    /// The hour (RFC 3339), the day in Beijing, the tenant's id or the sub-merchant's number.
    key: String,
    /// How many were placed.
    placed: i64,
    /// How many of them were paid.
    paid: i64,
    /// How many of them ended unpaid.
    ended_unpaid: i64,
    /// Paid of all that ended, in hundredths of a percent; -1 while nothing ended.
    success_rate: i64,
    /// What was asked for them.
    placed_amount: i64,
    /// What came in for them.
    paid_amount: i64,
    /// How many payments our own question found.
    found_by_query: i64,
    /// How many payments WeChat told us.
    notified: i64,
    /// How many refunds they have.
    refunds: i64,
    /// What went back.
    refunded_amount: i64,
}

impl OrderFigures {
    fn new(key: String, tally: &Tally) -> Self {
        const WHOLE: i64 = 10_000;
        let ended = tally.paid.saturating_add(tally.ended_unpaid);
        let rate = tally.paid.saturating_mul(WHOLE).checked_div(ended);
        Self {
            key,
            placed: tally.placed,
            paid: tally.paid,
            ended_unpaid: tally.ended_unpaid,
            success_rate: rate.unwrap_or(-1),
            placed_amount: tally.placed_fen,
            paid_amount: tally.paid_fen,
            found_by_query: tally.by_query,
            notified: tally.by_notification,
            refunds: tally.refunds,
            refunded_amount: tally.refunded_fen,
        }
    }
}

/// Figures of orders, grouped.
#[derive(Debug, Object)]
struct OrderStatistics {
    /// Always `list`.
    object: String,
    /// The groups.
    data: Vec<OrderFigures>,
    /// Always false: the list is whole, or its first 100 where it is ranked.
    has_more: bool,
    /// When this was looked up (RFC 3339).
    as_of: String,
}

/// A distribution of durations, in milliseconds.
#[derive(Debug, Object)]
struct Durations {
    /// How many there were.
    sample: u64,
    /// Half are shorter.
    p50_ms: i64,
    /// All but one in twenty are shorter.
    p95_ms: i64,
    /// All but one in a hundred are shorter.
    p99_ms: i64,
}

impl From<Spread> for Durations {
    fn from(spread: Spread) -> Self {
        Self {
            sample: u64::try_from(spread.sample).unwrap_or(u64::MAX),
            p50_ms: spread.p50_ms,
            p95_ms: spread.p95_ms,
            p99_ms: spread.p99_ms,
        }
    }
}

/// A word with its count.
#[derive(Debug, Object)]
pub(super) struct Counted {
    /// The word.
    name: String,
    /// How many.
    count: i64,
}

fn counted(words: BTreeMap<String, i64>) -> Vec<Counted> {
    words
        .into_iter()
        .map(|(name, count)| Counted { name, count })
        .collect()
}

/// What became of attempts to deliver to one endpoint.
#[derive(Debug, Object)]
struct EndpointFigures {
    /// The endpoint.
    endpoint_id: String,
    /// Attempts that were taken.
    succeeded: i64,
    /// Attempts that failed, by class.
    failed: Vec<Counted>,
}

/// How a host of WeChat's does.
#[derive(Debug, Object)]
struct HostFigures {
    /// Host and port.
    host: String,
    /// How long calls took.
    duration: Durations,
    /// How many failed or had no certain end.
    failed: u64,
    /// How many of those by WeChat's code.
    codes: Vec<Counted>,
}

/// Open differences of one class.
#[derive(Debug, Object)]
struct DifferenceFigures {
    /// The class.
    class: String,
    /// How many.
    count: i64,
    /// Ours minus the bills', in fen.
    delta: i64,
}

/// How things go, by the newest samples: at most 20,000 of each.
#[derive(Debug, Object)]
struct HealthStatistics {
    /// From a payment until WeChat's notification of it.
    notification_lag: Durations,
    /// Endpoints, those with the most failures first.
    endpoints: Vec<EndpointFigures>,
    /// Hosts of WeChat's; empty for a member of a tenant.
    hosts: Vec<HostFigures>,
    /// Open refunds by state.
    open_refunds: Vec<Counted>,
    /// Refunds that take longer than a day.
    slow_refunds: i64,
    /// Open differences by class.
    differences: Vec<DifferenceFigures>,
    /// Keys that end within 180 days, those that end first first; of providers only for staff of the platform.
    ending_keys: Vec<EndingKey>,
    /// When this was looked up (RFC 3339).
    as_of: String,
}

impl HealthStatistics {
    fn new(health: Health, now: Timestamp) -> Self {
        let endpoints = health.endpoints.into_iter().map(|one| EndpointFigures {
            endpoint_id: one.endpoint_id,
            succeeded: one.succeeded,
            failed: counted(one.failed),
        });
        let codes = |codes: BTreeMap<String, usize>| {
            let count = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
            counted(
                codes
                    .into_iter()
                    .map(|(name, found)| (name, count(found)))
                    .collect(),
            )
        };
        let hosts = health.hosts.into_iter().map(|one| HostFigures {
            host: one.host,
            duration: one.duration.into(),
            failed: u64::try_from(one.failed).unwrap_or(u64::MAX),
            codes: codes(one.codes),
        });
        let differences = health.differences.into_iter().map(|one| DifferenceFigures {
            class: one.class,
            count: one.count,
            delta: one.delta_fen,
        });
        Self {
            notification_lag: health.notification_lag.into(),
            endpoints: endpoints.collect(),
            hosts: hosts.collect(),
            open_refunds: counted(health.refunds.by_state),
            slow_refunds: health.refunds.slow,
            differences: differences.collect(),
            ending_keys: health.ending_keys.into_iter().map(Into::into).collect(),
            as_of: now.to_rfc3339(),
        }
    }
}

/// What is due in one queue.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
struct QueueFigures {
    /// `deliveries`, `orders`, `refunds` or `notifications`.
    name: String,
    /// How much is due, counted up to 20,000.
    due: u64,
    /// Since when the oldest is due (RFC 3339).
    oldest_due_at: Option<String>,
}

/// Who leads a task.
#[derive(Debug, Object)]
struct LeaseFigures {
    /// Which task.
    name: String,
    /// Which node.
    owner: String,
    /// Until when, unless it is renewed (RFC 3339).
    held_until: String,
}

/// How the installation is.
#[derive(Debug, Object)]
struct SystemObject {
    /// The version of the program.
    version: String,
    /// `sqlite` or `postgres`.
    database: String,
    /// Whether every change of the schema was applied.
    migrated: bool,
    /// The changes that were applied, the first first.
    migrations: Vec<AppliedMigration>,
    /// What is due.
    queues: Vec<QueueFigures>,
    /// Rows without a next action; there must be none.
    stuck: Vec<Counted>,
    /// Who leads what.
    leases: Vec<LeaseFigures>,
    /// Connections to the database that are in use.
    connections_in_use: u32,
    /// Connections to the database that are open.
    connections_open: u32,
    /// What this process did lately; absent where nothing counts.
    #[oai(skip_serializing_if_is_none)]
    process: Option<ProcessFigures>,
    /// What the server's clock shows (RFC 3339).
    server_time: String,
}

impl From<SystemState> for SystemObject {
    fn from(state: SystemState) -> Self {
        let queues = state.queues.into_iter().map(|queue| QueueFigures {
            name: queue.name.to_owned(),
            due: queue.due,
            oldest_due_at: queue.oldest_due_at.map(Timestamp::to_rfc3339),
        });
        let stuck = state.stuck.into_iter().map(|(name, count)| Counted {
            name: name.to_owned(),
            count: i64::try_from(count).unwrap_or(i64::MAX),
        });
        let leases = state.leases.into_iter().map(|lease| LeaseFigures {
            name: lease.name,
            owner: lease.owner,
            held_until: lease.held_until.to_rfc3339(),
        });
        Self {
            version: state.version.to_owned(),
            database: state.database.to_owned(),
            migrated: state.is_migrated,
            migrations: state.migrations.into_iter().map(Into::into).collect(),
            queues: queues.collect(),
            stuck: stuck.collect(),
            leases: leases.collect(),
            connections_in_use: state.connections.0,
            connections_open: state.connections.1,
            process: None,
            server_time: state.now.to_rfc3339(),
        }
    }
}

#[OpenApi(tag = "Tag::System")]
impl SystemApi {
    /// Read figures of orders
    ///
    /// By hour, by day in Beijing, by tenant or by sub-merchant, of the orders that were placed in the span. They are
    /// computed every minute; refunds count for two days after an order was placed. Needs the permission
    /// `statistics:read`.
    #[expect(
        clippy::too_many_arguments,
        reason = "one argument per documented parameter"
    )]
    #[oai(
        path = "/admin/v1/statistics/orders",
        method = "get",
        operation_id = "getOrderStatistics"
    )]
    async fn order_statistics(
        &self,
        auth: Statistician,
        /// `live`, unless `test` is asked for.
        mode: Query<Option<String>>,
        /// Orders placed at this time or later (RFC 3339), in whole hours.
        from: Query<String>,
        /// Orders placed before this time (RFC 3339).
        to: Query<String>,
        /// By what they are grouped.
        by: Query<String>,
        /// Only this tenant's.
        tenant_id: Query<Option<String>>,
        /// Only for this sub-merchant.
        sub_mchid: Query<Option<String>>,
    ) -> Result<Json<OrderStatistics>, Problem> {
        let call = auth.0;
        let mut given = Parameters::default();
        let read = |text: &str| match text {
            "hour" => Some(StatisticsBy::Hour),
            "day" => Some(StatisticsBy::Day),
            "tenant" => Some(StatisticsBy::Tenant),
            "sub_merchant" => Some(StatisticsBy::SubMerchant),
            _ => None,
        };
        let zero = Timestamp::from_millis(0);
        let merchant = given.parse("sub_mchid", sub_mchid.0.as_deref(), Mchid::parse);
        let wish = StatisticsWish {
            mode: given.mode(mode.0.as_deref()),
            from: given.time("from", Some(&from.0)).unwrap_or(zero),
            to: given.time("to", Some(&to.0)).unwrap_or(zero),
            tenant_id: given.parse("tenant_id", tenant_id.0.as_deref(), str::parse::<TenantId>),
            sub_mchid: merchant.map(|number| number.to_string()),
            by: given
                .word("by", Some(&by.0), read)
                .unwrap_or(StatisticsBy::Hour),
        };
        given.finish()?;
        let found = call
            .operations
            .order_statistics(&call.viewer(), &wish)
            .await?;
        let data = found
            .into_iter()
            .map(|(key, tally)| OrderFigures::new(key, &tally));
        Ok(Json(OrderStatistics {
            object: String::from("list"),
            data: data.collect(),
            has_more: false,
            as_of: call.operations.now().to_rfc3339(),
        }))
    }

    /// Read how things go
    ///
    /// How late notifications are, what endpoints answer, how WeChat's hosts do, what is stuck among refunds, what
    /// differs from the bills and which keys end soon; each with its sample. Needs the permission `statistics:read`.
    #[oai(
        path = "/admin/v1/statistics/health",
        method = "get",
        operation_id = "getHealthStatistics"
    )]
    async fn health_statistics(
        &self,
        auth: Statistician,
        /// `live`, unless `test` is asked for.
        mode: Query<Option<String>>,
        /// Only this tenant's: then nothing is told of WeChat's hosts and of providers' keys.
        tenant_id: Query<Option<String>>,
        /// Since when samples are taken (RFC 3339), within the last 31 days.
        since: Query<String>,
    ) -> Result<Json<HealthStatistics>, Problem> {
        let call = auth.0;
        let mut given = Parameters::default();
        let mode = given.mode(mode.0.as_deref());
        let tenant = given.parse("tenant_id", tenant_id.0.as_deref(), str::parse::<TenantId>);
        let since = given.time("since", Some(&since.0));
        given.finish()?;
        let since = since.unwrap_or(Timestamp::from_millis(0));
        let health = call
            .operations
            .health_statistics(&call.viewer(), mode, tenant.as_ref(), since)
            .await?;
        Ok(Json(HealthStatistics::new(health, call.operations.now())))
    }

    /// Read the state of the installation
    ///
    /// Version, schema, queues, what is stuck, who leads what, and what the process that answers did lately. Not for members of tenants. Needs the permission
    /// `system:read`.
    #[oai(path = "/admin/v1/system", method = "get", operation_id = "getSystem")]
    async fn system(
        &self,
        auth: SystemReader,
        request: &Request,
    ) -> Result<Json<SystemObject>, Problem> {
        let call = auth.0;
        let state = call.operations.system_state(&call.viewer()).await?;
        let counted = request.data::<Option<Figures>>().and_then(Option::as_ref);
        let process = counted.map(|figures| figures.summary(state.now).into());
        Ok(Json(SystemObject {
            process,
            ..state.into()
        }))
    }

    /// Watch changes
    ///
    /// A stream of server-sent events: `changed` (an order or a refund), `job` (its progress) and `inbox` (how much
    /// waits). They are hints: read again what they name. It ends after four minutes; connect anew. It ends at once with
    /// the session or the permission. Jobs are told to who has `job:read`. Needs the permission `order:read`.
    #[oai(
        path = "/admin/v1/events",
        method = "get",
        operation_id = "watchChanges"
    )]
    #[expect(clippy::unused_async, reason = "the library's operations are async")]
    async fn watch(&self, auth: OrderReader) -> Result<ChangeStream, Problem> {
        ChangeStream::begin(auth.0)
    }
}
