//! The figures of the overview, each with the size of its sample.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use tributary_domain::bill::BillDay;
use tributary_domain::clock::Timestamp;
use tributary_domain::ids::TenantId;
use tributary_domain::staff::Permission;
use tributary_domain::tenant::Mode;
pub use tributary_storage::order_hours::Tally;
use tributary_storage::order_hours::{Grouping, HOUR_MS, HourQuery};
use tributary_storage::statistics::CallSample;
use tributary_storage::{leases, order_hours, provider_keys, statistics, tenant_certificates};

use crate::refund_search::REFUND_SLOW_MS;
use crate::viewer::Viewer;
use crate::{OperationError, Operations};

/// The longest span that is grouped by hour or day.
const SPAN_MS_MAX: i64 = 366 * 24 * HOUR_MS;
/// The longest span that is grouped by tenant or sub-merchant.
const GROUPED_SPAN_MS_MAX: i64 = 31 * 24 * HOUR_MS;
/// The longest span that samples are taken of.
const SAMPLED_SPAN_MS_MAX: i64 = 31 * 24 * HOUR_MS;
/// Keys that end within this time are shown: of a platform certificate WeChat issues the next this long before.
const ENDING_MS: i64 = 180 * 24 * HOUR_MS;
/// Keys of each kind that are shown at most.
const ENDING_MAX: u64 = 50;
/// Groups that one answer has at most: the hours of a year.
const GROUPS_MAX: u64 = 9_000;
const RANKED_MAX: u64 = 100;
/// Hours that are computed again in every round, because their orders still change.
const FRESH_HOURS: i64 = 2;
/// Hours that are computed again one after the other.
const SETTLING_HOURS: i64 = 48;
/// A month, which is as far back as the overview shows.
const MISSED_HOURS_MAX: i64 = 31 * 24;
const LEASE: &str = "order_hours";
const LEASE_MS: i64 = 120_000;

/// By what the figures of orders are grouped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatisticsBy {
    /// By hour.
    Hour,
    /// By day in Beijing.
    Day,
    /// By tenant.
    Tenant,
    /// By sub-merchant.
    SubMerchant,
}

/// Which figures of orders are wanted.
#[derive(Clone, Debug)]
pub struct StatisticsWish {
    /// Which world.
    pub mode: Mode,
    /// Orders that were placed at or after this instant, in whole hours.
    pub from: Timestamp,
    /// Orders that were placed before this instant.
    pub to: Timestamp,
    /// Only this tenant's.
    pub tenant_id: Option<TenantId>,
    /// Only for this sub-merchant.
    pub sub_mchid: Option<String>,
    /// By what they are grouped.
    pub by: StatisticsBy,
}

/// A distribution of durations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spread {
    /// How many there were.
    pub sample: usize,
    /// Half are shorter, in milliseconds.
    pub p50_ms: i64,
    /// All but one in twenty are shorter.
    pub p95_ms: i64,
    /// All but one in a hundred are shorter.
    pub p99_ms: i64,
}

/// How a host of WeChat's does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostHealth {
    /// Host and port.
    pub host: String,
    /// How long calls took.
    pub duration: Spread,
    /// How many failed or had no certain end.
    pub failed: usize,
    /// How many of those by WeChat's code.
    pub codes: BTreeMap<String, usize>,
}

/// What became of attempts to deliver to one endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointHealth {
    /// The endpoint.
    pub endpoint_id: String,
    /// Attempts that were taken.
    pub succeeded: i64,
    /// Attempts that failed, by class.
    pub failed: BTreeMap<String, i64>,
}

/// What is stuck among refunds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RefundHealth {
    /// Open refunds by state.
    pub by_state: BTreeMap<String, i64>,
    /// Those that take longer than a day.
    pub slow: i64,
}

/// Open differences of one class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenDifferences {
    /// The class.
    pub class: String,
    /// How many.
    pub count: i64,
    /// Ours minus the bills', in fen.
    pub delta_fen: i64,
}

/// The newest samples.
#[derive(Clone, Debug)]
pub struct Health {
    /// How late notifications were.
    pub notification_lag: Spread,
    /// Endpoints, those with the most failures first.
    pub endpoints: Vec<EndpointHealth>,
    /// Hosts of WeChat's; for staff of the platform only.
    pub hosts: Vec<HostHealth>,
    /// Refunds.
    pub refunds: RefundHealth,
    /// Differences.
    pub differences: Vec<OpenDifferences>,
    /// Keys that end within 180 days, those that end first first; of providers for staff of the platform only.
    pub ending_keys: Vec<EndingKey>,
}

/// A key or a certificate that ends soon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndingKey {
    /// `provider_key` or `tenant_certificate`.
    pub kind: &'static str,
    /// Its id.
    pub id: String,
    /// What is printed on it.
    pub serial: String,
    /// Whose it is: a provider's or a tenant's id.
    pub owner: String,
    /// When it ends.
    pub ends_at: Timestamp,
    /// Whole days until then.
    pub days_left: i64,
}

impl Operations {
    /// Figures of orders, grouped. Needs `statistics:read`.
    pub async fn order_statistics(
        &self,
        viewer: &Viewer,
        wish: &StatisticsWish,
    ) -> Result<Vec<(String, Tally)>, OperationError> {
        viewer.require(Permission::StatisticsRead)?;
        let by = wish.by;
        let (grouping, longest, limit) = match by {
            StatisticsBy::Hour | StatisticsBy::Day => (Grouping::Hour, SPAN_MS_MAX, GROUPS_MAX),
            StatisticsBy::Tenant => (Grouping::Tenant, GROUPED_SPAN_MS_MAX, RANKED_MAX),
            StatisticsBy::SubMerchant => (Grouping::SubMerchant, GROUPED_SPAN_MS_MAX, RANKED_MAX),
        };
        let span_ms = wish.to.millis_since(wish.from);
        if span_ms <= 0 || span_ms > longest {
            let days = longest / (24 * HOUR_MS);
            let reason = format!("must be within {days} days after from");
            return Err(OperationError::invalid("to", &reason));
        }
        let query = HourQuery {
            mode: wish.mode,
            from: hour_of(wish.from),
            to: wish.to,
            grouping,
            limit,
            tenant_id: wish.tenant_id.clone(),
            sub_mchid: wish.sub_mchid.clone(),
        };
        let at = self.storage();
        let found = match viewer.tenant() {
            Some(tenant) => order_hours::sums(at, tenant, &query).await?,
            None => order_hours::sums_all_tenants(at, &query).await?,
        };
        Ok(match by {
            StatisticsBy::Hour => named(found, Timestamp::to_rfc3339),
            StatisticsBy::Day => merged(named(found, |at| BillDay::of(at).to_string())),
            StatisticsBy::Tenant | StatisticsBy::SubMerchant => found,
        })
    }

    /// How things go, by the newest samples since an instant. Needs `statistics:read`.
    pub async fn health_statistics(
        &self,
        viewer: &Viewer,
        mode: Mode,
        only: Option<&TenantId>,
        since: Timestamp,
    ) -> Result<Health, OperationError> {
        viewer.require(Permission::StatisticsRead)?;
        let now = self.now();
        let span_ms = now.millis_since(since);
        if !(0..=SAMPLED_SPAN_MS_MAX).contains(&span_ms) {
            return Err(OperationError::invalid(
                "since",
                "must be within the last 31 days",
            ));
        }
        let (at, tenant) = (self.storage(), viewer.tenant().or(only));
        if only.is_some() && only != tenant {
            return Err(OperationError::NotFound);
        }
        let lags = statistics::notification_lags(at, tenant, mode, since).await?;
        let outcomes = statistics::delivery_outcomes(at, tenant, since).await?;
        let calls = match tenant {
            Some(_) => Vec::new(),
            None => statistics::calls_all_tenants(at, since).await?,
        };
        let refunds = statistics::open_refunds(at, tenant, mode).await?;
        let differences = statistics::open_discrepancies(at, tenant, mode).await?;
        Ok(Health {
            notification_lag: spread(lags),
            endpoints: endpoints(outcomes),
            hosts: hosts(calls),
            refunds: refund_health(refunds, now),
            differences: differences_of(differences),
            ending_keys: self.ending_keys(viewer, (tenant, mode), now).await?,
        })
    }

    /// Those that the viewer may see elsewhere.
    async fn ending_keys(
        &self,
        viewer: &Viewer,
        (tenant, mode): (Option<&TenantId>, Mode),
        now: Timestamp,
    ) -> Result<Vec<EndingKey>, OperationError> {
        let (at, span) = (self.storage(), (now, now.plus_millis(ENDING_MS)));
        let ending = |kind, id, serial, owner, ends_at: Timestamp| EndingKey {
            kind,
            id,
            serial,
            owner,
            ends_at,
            days_left: ends_at.millis_since(now).div_euclid(24 * HOUR_MS),
        };
        let mut of_tenants = Vec::new();
        if viewer.may(Permission::CredentialRead) {
            of_tenants =
                tenant_certificates::ending_first(at, tenant, mode, span, ENDING_MAX).await?;
        }
        let mut of_providers = Vec::new();
        if viewer.may(Permission::ProviderRead) && tenant.is_none() {
            of_providers = provider_keys::ending_first(at, mode, span, ENDING_MAX).await?;
        }
        let of_tenants = of_tenants.into_iter().filter_map(|one| {
            let owner = one.tenant_id.to_string();
            let id = one.id.to_string();
            Some(ending(
                "tenant_certificate",
                id,
                one.serial,
                owner,
                one.expires_at?,
            ))
        });
        let of_providers = of_providers.into_iter().filter_map(|one| {
            let owner = one.provider_id.to_string();
            let id = one.id.to_string();
            Some(ending(
                "provider_key",
                id,
                one.serial,
                owner,
                one.not_after?,
            ))
        });
        let mut all: Vec<EndingKey> = of_providers.chain(of_tenants).collect();
        all.sort_by_key(|key| key.ends_at);
        Ok(all)
    }

    /// Computes the figures of the hours whose orders still change; returns how many hours.
    pub async fn compute_hours(&self) -> Result<usize, OperationError> {
        let now = self.now();
        let tx = self.storage().begin().await?;
        let leads = leases::acquire(&tx, LEASE, &self.inner.node, LEASE_MS).await?;
        tx.commit().await?;
        if !leads {
            return Ok(0);
        }
        let this = hour_of(now);
        // One older hour a minute: all of them within the time that they take to settle.
        let older = now
            .as_millis()
            .div_euclid(60_000)
            .rem_euclid(SETTLING_HOURS);
        let missed = self.hours_missed(now).await?;
        // The oldest first: whoever goes on after a crash sees how far this came.
        let mut hours: Vec<i64> = (0..=FRESH_HOURS.saturating_add(missed)).rev().collect();
        hours.push(older);
        for back in &hours {
            let hour = this.plus_millis(-back.saturating_mul(HOUR_MS));
            for mode in [Mode::Live, Mode::Test] {
                let tx = self.storage().begin().await?;
                order_hours::compute_all_tenants(&tx, mode, hour, now).await?;
                tx.commit().await?;
            }
        }
        let computed_at = &self.inner.hours_computed_at;
        computed_at.store(now.as_millis(), Ordering::Relaxed);
        Ok(hours.len())
    }

    /// Hours that passed since any were computed: nobody may have done it for days.
    async fn hours_missed(&self, now: Timestamp) -> Result<i64, OperationError> {
        let here = self.inner.hours_computed_at.load(Ordering::Relaxed);
        let last = if here == 0 {
            order_hours::newest_all_tenants(self.storage()).await?
        } else {
            Some(Timestamp::from_millis(here))
        };
        let missed = last.map_or(0, |last| now.millis_since(last) / HOUR_MS);
        // Those before them may not have settled when they were last computed.
        let unsettled = if missed > FRESH_HOURS {
            SETTLING_HOURS
        } else {
            0
        };
        let missed = missed.saturating_add(unsettled);
        Ok(missed.clamp(0, MISSED_HOURS_MAX))
    }
}

/// The hour that an instant falls into.
fn hour_of(at: Timestamp) -> Timestamp {
    Timestamp::from_millis(at.as_millis().div_euclid(HOUR_MS).saturating_mul(HOUR_MS))
}

fn named(found: Vec<(String, Tally)>, name: impl Fn(Timestamp) -> String) -> Vec<(String, Tally)> {
    let at = |text: &str| Timestamp::from_millis(text.parse().unwrap_or_default());
    let named = found
        .into_iter()
        .map(|(hour, tally)| (name(at(&hour)), tally));
    named.collect()
}

/// Adds neighbours of one name up.
fn merged(found: Vec<(String, Tally)>) -> Vec<(String, Tally)> {
    let mut days: Vec<(String, Tally)> = Vec::new();
    for (name, tally) in found {
        match days.last_mut() {
            Some((last, sum)) if *last == name => *sum = added(sum, &tally),
            _ => days.push((name, tally)),
        }
    }
    days
}

fn added(one: &Tally, other: &Tally) -> Tally {
    Tally {
        placed: one.placed.saturating_add(other.placed),
        paid: one.paid.saturating_add(other.paid),
        ended_unpaid: one.ended_unpaid.saturating_add(other.ended_unpaid),
        placed_fen: one.placed_fen.saturating_add(other.placed_fen),
        paid_fen: one.paid_fen.saturating_add(other.paid_fen),
        by_query: one.by_query.saturating_add(other.by_query),
        by_notification: one.by_notification.saturating_add(other.by_notification),
        refunds: one.refunds.saturating_add(other.refunds),
        refunded_fen: one.refunded_fen.saturating_add(other.refunded_fen),
    }
}

fn spread(mut durations: Vec<i64>) -> Spread {
    durations.sort_unstable();
    let at = |percent: usize| {
        let index = durations
            .len()
            .saturating_mul(percent)
            .div_ceil(100)
            .saturating_sub(1);
        durations.get(index).copied().unwrap_or_default()
    };
    Spread {
        sample: durations.len(),
        p50_ms: at(50),
        p95_ms: at(95),
        p99_ms: at(99),
    }
}

fn endpoints(outcomes: Vec<(String, Option<String>, i64)>) -> Vec<EndpointHealth> {
    let mut by_endpoint: BTreeMap<String, EndpointHealth> = BTreeMap::new();
    for (endpoint_id, class, count) in outcomes {
        let health = by_endpoint
            .entry(endpoint_id.clone())
            .or_insert_with(|| EndpointHealth {
                endpoint_id,
                succeeded: 0,
                failed: BTreeMap::new(),
            });
        match class {
            None => health.succeeded = health.succeeded.saturating_add(count),
            Some(class) => {
                health.failed.insert(class, count);
            }
        }
    }
    let mut all: Vec<EndpointHealth> = by_endpoint.into_values().collect();
    all.sort_by_key(|one| std::cmp::Reverse(one.failed.values().sum::<i64>()));
    all.truncate(usize::try_from(RANKED_MAX).unwrap_or(usize::MAX));
    all
}

fn hosts(calls: Vec<CallSample>) -> Vec<HostHealth> {
    let mut by_host: BTreeMap<String, Vec<CallSample>> = BTreeMap::new();
    for call in calls {
        by_host.entry(call.host.clone()).or_default().push(call);
    }
    let health = |(host, calls): (String, Vec<CallSample>)| {
        let failed: Vec<&CallSample> = calls
            .iter()
            .filter(|call| call.outcome != "succeeded")
            .collect();
        let mut codes: BTreeMap<String, usize> = BTreeMap::new();
        for code in failed.iter().filter_map(|call| call.code.clone()) {
            let count = codes.entry(code).or_default();
            *count = count.saturating_add(1);
        }
        HostHealth {
            host,
            failed: failed.len(),
            codes,
            duration: spread(calls.iter().map(|call| call.duration_ms).collect()),
        }
    };
    by_host.into_iter().map(health).collect()
}

fn refund_health(open: Vec<(String, i64)>, now: Timestamp) -> RefundHealth {
    let mut health = RefundHealth::default();
    for (state, created_at) in open {
        let count = health.by_state.entry(state).or_default();
        *count = count.saturating_add(1);
        if now.millis_since(Timestamp::from_millis(created_at)) > REFUND_SLOW_MS {
            health.slow = health.slow.saturating_add(1);
        }
    }
    health
}

fn differences_of(open: Vec<(String, i64, i64)>) -> Vec<OpenDifferences> {
    let mut by_class: BTreeMap<String, (i64, i64)> = BTreeMap::new();
    for (class, local, bill) in open {
        let (count, delta) = by_class.entry(class).or_default();
        *count = count.saturating_add(1);
        *delta = delta.saturating_add(local.saturating_sub(bill));
    }
    let shown = by_class
        .into_iter()
        .map(|(class, (count, delta_fen))| OpenDifferences {
            class,
            count,
            delta_fen,
        });
    shown.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_is_of_the_values_themselves() {
        assert_eq!(spread(Vec::new()), Spread::default());
        let hundred = spread((1..=100).rev().collect());
        let expected = Spread {
            sample: 100,
            p50_ms: 50,
            p95_ms: 95,
            p99_ms: 99,
        };
        assert_eq!(hundred, expected);
        assert_eq!(spread(vec![7]).p99_ms, 7);
    }

    #[test]
    fn hours_of_one_day_in_beijing_are_added_up() {
        let hour = |text: &str| {
            Timestamp::parse_rfc3339(text)
                .unwrap()
                .as_millis()
                .to_string()
        };
        let one = Tally {
            placed: 1,
            paid_fen: 10,
            ..Tally::default()
        };
        let hours = vec![
            (hour("2026-11-20T15:00:00Z"), one.clone()),
            (hour("2026-11-20T16:00:00Z"), one.clone()),
            (hour("2026-11-20T17:00:00Z"), one),
        ];
        let days = merged(named(hours, |at| BillDay::of(at).to_string()));
        let shown: Vec<(&str, i64)> = days
            .iter()
            .map(|(day, sum)| (day.as_str(), sum.placed))
            .collect();
        assert_eq!(shown, [("2026-11-20", 1), ("2026-11-21", 2)]);
    }
}
