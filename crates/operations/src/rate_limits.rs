//! What a tenant may ask of us: so many reads and writes a second, and so many files at once. The budgets towards WeChat
//! are another matter (`budgets`).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use moka::sync::Cache;
use tributary_domain::ids::TenantId;
use tributary_domain::rate_limit::{Cell, Quota, Verdict};
use tributary_domain::tenant::Mode;

use crate::Operations;
use crate::credentials::Caller;

/// Callers remembered at the same time; whoever is forgotten has a whole burst again.
const CELLS_MAX: u64 = 100_000;
/// A caller that is forgotten after so long had filled its bucket again: see [`Limits::WINDOW_SECONDS_MAX`].
const CELL_KEPT: Duration = Duration::from_mins(1);

/// What tenants may ask of us, and we of WeChat.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Calls that only read, per tenant and mode.
    pub reads: Quota,
    /// Calls that change something, per tenant and mode.
    pub writes: Quota,
    /// Files that a tenant takes at the same time, per mode.
    pub exports_at_once: u32,
    /// Tenants whose limits are this many times as large.
    pub factors: HashMap<TenantId, u32>,
    /// Orders that this process places at WeChat for one provider in a second.
    pub prepays_per_second: u32,
    /// How long a call of a tenant's waits for room in its provider's budget.
    pub room_wait: Duration,
}

impl Limits {
    /// The longest time that a bucket may take to fill, in seconds.
    pub const WINDOW_SECONDS_MAX: u32 = 60;

    /// For a developer's machine: the shape of production, and room for programs that try everything.
    pub fn developing() -> Self {
        let quota = Quota::new(2_000, 4_000);
        Self {
            reads: quota,
            writes: quota,
            exports_at_once: 10,
            prepays_per_second: 2_000,
            room_wait: Duration::from_millis(1_500),
            ..Self::unlimited()
        }
    }

    /// For tests, whose clock stands still: nothing is ever too much, and nobody waits.
    pub fn unlimited() -> Self {
        let quota = Quota::new(1_000_000, 1_000_000);
        Self {
            reads: quota,
            writes: quota,
            exports_at_once: u32::MAX,
            factors: HashMap::new(),
            prepays_per_second: 1_000_000,
            room_wait: Duration::ZERO,
        }
    }
}

/// Which limit a call counts against.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RouteClass {
    /// It only reads.
    Reads,
    /// It changes something.
    Writes,
}

impl RouteClass {
    /// The name of its policy in answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reads => "reads",
            Self::Writes => "writes",
        }
    }
}

/// What a limit says about one call.
#[derive(Clone, Copy, Debug)]
pub struct Admission {
    /// Which limit.
    pub class: RouteClass,
    /// How much it allows.
    pub quota: Quota,
    /// What it decided.
    pub verdict: Verdict,
}

/// A file on its way to a tenant; it counts until it is dropped.
#[derive(Debug)]
pub struct Export {
    owner: Owner,
    running: Exports,
}

/// The two worlds of a tenant are limited apart: a test under load holds up no payer.
type Owner = (TenantId, Mode);
type Exports = Arc<Mutex<HashMap<Owner, u32>>>;

/// What callers asked for lately.
#[derive(Debug)]
pub(crate) struct RateLimits {
    cells: Cache<(Owner, RouteClass), Arc<Mutex<Cell>>>,
    exports: Exports,
}

impl Default for RateLimits {
    fn default() -> Self {
        let cells = Cache::builder()
            .max_capacity(CELLS_MAX)
            .time_to_idle(CELL_KEPT)
            .build();
        Self {
            cells,
            exports: Exports::default(),
        }
    }
}

impl Operations {
    /// Counts a call of a tenant's against its limit.
    pub fn admit(&self, caller: &Caller, class: RouteClass) -> Admission {
        let limits = &self.inner.limits;
        let quota = match class {
            RouteClass::Reads => limits.reads,
            RouteClass::Writes => limits.writes,
        };
        let quota = quota.times(self.factor_of(&caller.tenant_id));
        let key = (owner(caller), class);
        let cell = self.inner.rate_limits.cells.get_with(key, Arc::default);
        let verdict = held(&cell).ask(quota, self.now());
        if verdict.refused_for_ms.is_some() {
            metrics::counter!("tributary_rate_limited_total", "class" => class.as_str())
                .increment(1);
        }
        Admission {
            class,
            quota,
            verdict,
        }
    }

    /// Begins a file for a tenant, unless it takes as many as it may already.
    pub fn begin_export(&self, caller: &Caller) -> Option<Export> {
        let most = self.exports_at_once(caller);
        let running = &self.inner.rate_limits.exports;
        let owner = owner(caller);
        let mut counts = held(running);
        let count = counts.entry(owner.clone()).or_default();
        if *count >= most {
            metrics::counter!("tributary_rate_limited_total", "class" => "exports").increment(1);
            return None;
        }
        *count = count.saturating_add(1);
        drop(counts);
        Some(Export {
            owner,
            running: Arc::clone(running),
        })
    }

    /// How many files a tenant may take at the same time.
    pub fn exports_at_once(&self, caller: &Caller) -> u32 {
        let factor = self.factor_of(&caller.tenant_id);
        self.inner.limits.exports_at_once.saturating_mul(factor)
    }

    fn factor_of(&self, tenant: &TenantId) -> u32 {
        self.inner
            .limits
            .factors
            .get(tenant)
            .map_or(1, |times| *times)
    }
}

impl Drop for Export {
    /// Nothing stays of a tenant that takes no file, so the table is as small as what runs.
    fn drop(&mut self) {
        let mut counts = held(&self.running);
        if let Some(count) = counts.get_mut(&self.owner) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                counts.remove(&self.owner);
            }
        }
    }
}

fn owner(caller: &Caller) -> Owner {
    (caller.tenant_id.clone(), caller.mode)
}

/// No state is left half changed, so one panic does not stop the others.
fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
