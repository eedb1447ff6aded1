//! What changed lately, for pages that are open: hints, so that nobody need ask again and again.

use std::collections::BTreeSet;

use tributary_domain::clock::Timestamp;
use tributary_domain::ids::TenantId;
use tributary_domain::staff::Permission;
use tributary_storage::jobs;
use tributary_storage::order_search::{self, ChangedSubject};

use crate::inbox::InboxCounts;
use crate::viewer::Viewer;
use crate::{OperationError, Operations};

/// Events are looked at again for this long, because one with a smaller id may be committed later.
const OVERLAP_MS: i64 = 5_000;
/// Changes that one look finds at most.
const CHANGES_MAX: u64 = 200;
/// Jobs that are looked at: the newest.
const JOBS_MAX: u64 = 50;
/// Events remembered, so that none is told twice.
const SEEN_MAX: usize = 1_000;

/// One thing that changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// An order or a refund.
    Subject {
        /// `order` or `refund`.
        kind: String,
        /// Its id.
        id: String,
        /// Whose it is.
        tenant_id: TenantId,
        /// What happened.
        event: String,
    },
    /// A job.
    Job {
        /// Its id.
        id: String,
        /// Where it stands.
        state: &'static str,
        /// Rows that are done.
        done: i64,
        /// How many there are, when that is known.
        total: Option<i64>,
    },
    /// How much waits for a person.
    Inbox(InboxCounts),
}

/// What somebody who watches has seen.
#[derive(Clone, Debug)]
pub struct Watch {
    since: Timestamp,
    seen: BTreeSet<String>,
    jobs: Timestamp,
    inbox: Option<InboxCounts>,
}

impl Watch {
    /// Watches from now on.
    pub const fn from(now: Timestamp) -> Self {
        Self {
            since: now,
            seen: BTreeSet::new(),
            jobs: now,
            inbox: None,
        }
    }
}

impl Operations {
    /// What changed since the last look, as far as the viewer sees. Needs `order:read`; jobs need `job:read` besides.
    pub async fn changes(
        &self,
        viewer: &Viewer,
        watch: &mut Watch,
    ) -> Result<Vec<Change>, OperationError> {
        viewer.require(Permission::OrderRead)?;
        let (at, now) = (self.storage(), self.now());
        let since = watch.since.plus_millis(-OVERLAP_MS);
        let found = match viewer.tenant() {
            Some(tenant) => order_search::changed(at, tenant, since, CHANGES_MAX).await?,
            None => order_search::changed_all_tenants(at, since, CHANGES_MAX).await?,
        };
        let mut changes: Vec<Change> = Vec::new();
        for one in found {
            if watch.seen.insert(one.event_id.clone()) {
                changes.push(of_subject(one));
            }
        }
        while watch.seen.len() > SEEN_MAX {
            watch.seen.pop_first();
        }
        let newest = match viewer.tenant() {
            _ if !viewer.may(Permission::JobRead) => Vec::new(),
            Some(tenant) => jobs::list(at, tenant, None, JOBS_MAX).await?,
            None => jobs::list_all_tenants(at, None, JOBS_MAX).await?,
        };
        for job in newest.iter().filter(|job| job.updated_at >= watch.jobs) {
            changes.push(Change::Job {
                id: job.id.to_string(),
                state: job.state.as_str(),
                done: job.done,
                total: job.total,
            });
        }
        let counts = self.inbox_counts(viewer).await?;
        if watch.inbox != Some(counts) {
            watch.inbox = Some(counts);
            changes.push(Change::Inbox(counts));
        }
        watch.since = now;
        // A job that changes within this millisecond is told once more, rather than not at all.
        watch.jobs = now;
        Ok(changes)
    }
}

fn of_subject(one: ChangedSubject) -> Change {
    Change::Subject {
        kind: one.kind,
        id: one.id,
        tenant_id: one.tenant_id,
        event: one.event,
    }
}
