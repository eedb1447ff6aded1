//! What this process has claimed and not yet reported, and which lanes wait for room.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use tributary_domain::ids::{EndpointId, TenantId};
use tributary_operations::courier::{DueLane, Outgoing};

/// Names one claimed delivery within this process.
pub(crate) type Ticket = u64;

/// Claimed deliveries by ticket, counted by tenant.
#[derive(Debug, Default)]
pub(crate) struct InFlight {
    last_ticket: Ticket,
    outgoing: HashMap<Ticket, Arc<Outgoing>>,
    by_tenant: HashMap<TenantId, usize>,
    by_lane: HashMap<EndpointId, usize>,
    waiting_lanes: HashMap<EndpointId, TenantId>,
}

impl InFlight {
    pub(crate) fn len(&self) -> usize {
        self.outgoing.len()
    }

    pub(crate) fn by_tenant(&self) -> &HashMap<TenantId, usize> {
        &self.by_tenant
    }

    pub(crate) fn add(&mut self, outgoing: &Arc<Outgoing>) -> Ticket {
        self.last_ticket = self.last_ticket.wrapping_add(1);
        self.outgoing.insert(self.last_ticket, Arc::clone(outgoing));
        increase(&mut self.by_tenant, outgoing.tenant_id());
        increase(&mut self.by_lane, outgoing.endpoint_id());
        self.last_ticket
    }

    /// Notes which of these lanes may be given more only when something of them or of their tenant is finished.
    pub(crate) fn note_full(&mut self, lanes: Vec<DueLane>, tenant_cap: usize) {
        for lane in lanes {
            let max = usize::try_from(lane.max_in_flight).unwrap_or(usize::MAX);
            let of_lane = self.by_lane.get(&lane.endpoint_id).copied();
            let of_tenant = self.by_tenant.get(&lane.tenant_id).copied();
            let is_full = of_lane.unwrap_or(0) >= max || of_tenant.unwrap_or(0) >= tenant_cap;
            if is_full || lane.is_ordered {
                self.waiting_lanes.insert(lane.endpoint_id, lane.tenant_id);
            }
        }
    }

    /// Takes finished deliveries out and returns the lanes that have room again.
    pub(crate) fn remove(&mut self, tickets: &[Ticket]) -> Vec<EndpointId> {
        let finished: Vec<Arc<Outgoing>> = tickets
            .iter()
            .filter_map(|ticket| self.outgoing.remove(ticket))
            .collect();
        for outgoing in &finished {
            decrease(&mut self.by_tenant, outgoing.tenant_id());
            decrease(&mut self.by_lane, outgoing.endpoint_id());
        }
        let has_room = |lane: &EndpointId, tenant: &TenantId| {
            finished
                .iter()
                .any(|outgoing| outgoing.endpoint_id() == lane || outgoing.tenant_id() == tenant)
        };
        let ready = self
            .waiting_lanes
            .extract_if(|lane, tenant| has_room(lane, tenant));
        ready.map(|(lane, _)| lane).collect()
    }

    /// Takes everything out that is still there.
    pub(crate) fn drain(&mut self) -> Vec<Outgoing> {
        let all = self.outgoing.drain();
        all.map(|(_, outgoing)| outgoing.as_ref().clone()).collect()
    }
}

fn increase<K: Clone + Eq + Hash>(counts: &mut HashMap<K, usize>, key: &K) {
    let count = counts.entry(key.clone()).or_default();
    *count = count.saturating_add(1);
}

fn decrease<K: Eq + Hash>(counts: &mut HashMap<K, usize>, key: &K) {
    if let Some(count) = counts.get_mut(key) {
        *count = count.saturating_sub(1);
        if *count == 0 {
            counts.remove(key);
        }
    }
}
