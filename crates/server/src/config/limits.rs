//! The settings of how much may be asked: by tenants of us, and by us of WeChat.

use std::collections::HashMap;
use std::time::Duration;

use serde::Deserialize;
use tributary_domain::ids::TenantId;
use tributary_domain::rate_limit::Quota;
use tributary_operations::Limits;

/// A larger number is a slip: no process of ours answers so much.
const PER_SECOND_MAX: u32 = 1_000_000;
const REQUESTS_AT_ONCE_MAX: usize = 100_000;
/// The whole of a request may take a minute, and its caller gives up before.
const ROOM_WAIT_MS_MAX: u64 = 10_000;
const FACTOR_MAX: u32 = 1_000;

/// How much may be asked.
#[derive(Clone, Debug, Deserialize)]
pub struct LimitSettings {
    /// Reads of a tenant's, steadily.
    pub reads_per_second: u32,
    /// Reads of a tenant's, at once.
    pub reads_burst: u32,
    /// Writes of a tenant's, steadily.
    pub writes_per_second: u32,
    /// Writes of a tenant's, at once.
    pub writes_burst: u32,
    /// Files that a tenant takes at the same time.
    pub exports_at_once: u32,
    /// Tenants with other limits, such as `ten_…=4`.
    pub tenant_factors: Vec<String>,
    /// Requests that are served at the same time.
    pub requests_at_once: usize,
    /// Orders that this process places for one provider in a second.
    pub prepays_per_second: u32,
    /// How long a tenant's call waits for room in a provider's budget.
    pub room_wait_ms: u64,
}

impl LimitSettings {
    /// As the operations take them.
    pub fn to_limits(&self) -> Limits {
        Limits {
            reads: Quota::new(self.reads_per_second, self.reads_burst),
            writes: Quota::new(self.writes_per_second, self.writes_burst),
            exports_at_once: self.exports_at_once,
            factors: self.factors().flatten().collect::<HashMap<_, _>>(),
            prepays_per_second: self.prepays_per_second,
            room_wait: Duration::from_millis(self.room_wait_ms),
        }
    }

    /// Each tenant with its factor; absent where the text is none.
    fn factors(&self) -> impl Iterator<Item = Option<(TenantId, u32)>> {
        self.tenant_factors.iter().map(|text| {
            let (tenant, factor) = text.split_once('=')?;
            let factor = factor.trim().parse().ok()?;
            let tenant = tenant.trim().parse().ok()?;
            (1..=FACTOR_MAX)
                .contains(&factor)
                .then_some((tenant, factor))
        })
    }

    /// What cannot be.
    pub(super) fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        for (name, value) in [
            ("reads_per_second", self.reads_per_second),
            ("reads_burst", self.reads_burst),
            ("writes_per_second", self.writes_per_second),
            ("writes_burst", self.writes_burst),
            ("exports_at_once", self.exports_at_once),
            ("prepays_per_second", self.prepays_per_second),
        ] {
            if !(1..=PER_SECOND_MAX).contains(&value) {
                faults.push(format!(
                    "limits.{name} must lie between 1 and {PER_SECOND_MAX}"
                ));
            }
        }
        let longest = Limits::WINDOW_SECONDS_MAX;
        for (name, rate, burst) in [
            ("reads", self.reads_per_second, self.reads_burst),
            ("writes", self.writes_per_second, self.writes_burst),
        ] {
            if burst / rate.max(1) > longest {
                faults.push(format!(
                    "limits.{name}_burst must fill again within {longest} seconds"
                ));
            }
        }
        if !(1..=REQUESTS_AT_ONCE_MAX).contains(&self.requests_at_once) {
            faults.push(format!(
                "limits.requests_at_once must lie between 1 and {REQUESTS_AT_ONCE_MAX}"
            ));
        }
        if self.room_wait_ms > ROOM_WAIT_MS_MAX {
            faults.push(format!(
                "limits.room_wait_ms must be at most {ROOM_WAIT_MS_MAX}"
            ));
        }
        let texts = self.tenant_factors.iter().zip(self.factors());
        for (text, _) in texts.filter(|(_, factor)| factor.is_none()) {
            faults.push(format!(
                "limits.tenant_factors: {text:?} is not a tenant and a number up to {FACTOR_MAX}, such as ten_…=4"
            ));
        }
        faults
    }

    /// As a file states them.
    pub(super) fn render(&self) -> String {
        let factors = toml::Value::from(self.tenant_factors.clone());
        format!(
            "\n[limits]\nreads_per_second = {}\nreads_burst = {}\nwrites_per_second = {}\nwrites_burst = {}\n\
             exports_at_once = {}\ntenant_factors = {factors}\nrequests_at_once = {}\nprepays_per_second = {}\n\
             room_wait_ms = {}",
            self.reads_per_second,
            self.reads_burst,
            self.writes_per_second,
            self.writes_burst,
            self.exports_at_once,
            self.requests_at_once,
            self.prepays_per_second,
            self.room_wait_ms,
        )
    }
}
