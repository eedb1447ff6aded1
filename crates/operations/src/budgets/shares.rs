//! How the calls of one second are shared between the tenants of a provider.
//!
//! Whoever asks has a fair share for itself. What others leave over may be taken as well, up to a half as long as anybody
//! else asks, and a part is kept for those who have not asked yet.

use std::collections::{HashMap, HashSet};

use tributary_domain::ids::TenantId;

/// Tenants that are told apart in a second; those beyond take what is left.
const TRACKED_MAX: usize = 1_000;
/// This part of a budget is kept for tenants that have not asked yet.
const KEPT_FOR_NEWCOMERS: u32 = 8;
/// Tenants remembered as refused in a second, so that background work looks past them.
const REFUSED_MAX: usize = 100;

/// Who asked in this second and in the one before.
#[derive(Debug, Default)]
pub(super) struct Shares {
    before: HashSet<TenantId>,
    /// What each took.
    now: HashMap<TenantId, u32>,
    /// Those of `now` that are not in `before`.
    newcomers: usize,
    refused: Vec<TenantId>,
}

impl Shares {
    /// A new second begins; whoever asked in the one that ends is expected to ask again.
    pub(super) fn turn(&mut self) {
        self.before = self.now.drain().map(|(tenant, _)| tenant).collect();
        self.newcomers = 0;
        self.refused.clear();
    }

    /// Notes that a tenant asks.
    pub(super) fn seen(&mut self, tenant: &TenantId) {
        if !self.now.contains_key(tenant) && self.now.len() < TRACKED_MAX {
            self.now.insert(tenant.clone(), 0);
            self.newcomers += usize::from(!self.before.contains(tenant));
        }
    }

    /// Whether a tenant that asks may take one more of `most`, of which `spent` are gone.
    pub(super) fn allow(&self, tenant: &TenantId, most: u32, spent: u32) -> bool {
        if spent >= most {
            return false;
        }
        let asking = self.asking();
        let for_all = most - most / KEPT_FOR_NEWCOMERS;
        let fair = (for_all / asking).max(1);
        let took = self.taken_by(tenant);
        if took < fair {
            return true;
        }
        let cap = if asking > 1 { (most / 2).max(1) } else { most };
        let promised = fair
            .saturating_mul(asking.saturating_sub(1))
            .saturating_sub(self.claimed_by_others(tenant, fair));
        took < cap && spent.saturating_add(promised) < for_all
    }

    /// Notes what a tenant takes.
    pub(super) fn take(&mut self, tenant: &TenantId) {
        if let Some(took) = self.now.get_mut(tenant) {
            *took = took.saturating_add(1);
        }
    }

    /// Notes that a tenant gave back what it took.
    pub(super) fn give_back(&mut self, tenant: &TenantId) {
        if let Some(took) = self.now.get_mut(tenant) {
            *took = took.saturating_sub(1);
        }
    }

    /// Notes that a tenant got nothing although there was something.
    pub(super) fn refuse(&mut self, tenant: &TenantId) {
        if self.refused.len() < REFUSED_MAX && !self.refused.contains(tenant) {
            self.refused.push(tenant.clone());
        }
    }

    /// Who was refused in this second.
    pub(super) fn refused(&self) -> &[TenantId] {
        &self.refused
    }

    fn asking(&self) -> u32 {
        let asking = self.before.len().saturating_add(self.newcomers);
        u32::try_from(asking).unwrap_or(u32::MAX).max(1)
    }

    fn taken_by(&self, tenant: &TenantId) -> u32 {
        self.now.get(tenant).copied().unwrap_or(0)
    }

    fn claimed_by_others(&self, tenant: &TenantId, fair: u32) -> u32 {
        let others = self.now.iter().filter(|(other, _)| *other != tenant);
        others.map(|(_, took)| (*took).min(fair)).sum()
    }
}
