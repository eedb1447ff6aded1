//! What people do about days and differences: see them, take them on, explain them, put a day away.

use serde_json::json;
use tributary_domain::audit::AuditScope;
use tributary_domain::bill::BillDay;
use tributary_domain::ids::{DiscrepancyId, ProviderId};
use tributary_domain::reconciliation::{Discrepancy, DiscrepancyState, Reconciliation};
use tributary_domain::staff::{Actor, Permission};
use tributary_domain::tenant::Mode;
use tributary_storage::{discrepancies, reconciliations};

use crate::audit::{self, Act};
use crate::pages::{Page, check_limit, cut};
use crate::reconciliation::DiscrepancyFilter;
use crate::viewer::Viewer;
use crate::{OperationError, Operations};

const WORDS_CHARS_MAX: usize = 191;
const EVIDENCE_CHARS_MAX: usize = 2_000;

/// A day's comparison with how much of it is open.
#[derive(Clone, Debug)]
pub struct DeskDay {
    /// The comparison.
    pub run: Reconciliation,
    /// How many of its differences are open.
    pub open: u64,
}

impl Operations {
    /// The compared days, the newest first; a day is the provider's, so no tenant sees one. Needs
    /// `reconciliation:read`.
    pub async fn desk_days(
        &self,
        viewer: &Viewer,
        mode: Mode,
        provider: Option<&ProviderId>,
        before: Option<BillDay>,
        limit: Option<u64>,
    ) -> Result<Vec<DeskDay>, OperationError> {
        viewer.require(Permission::ReconciliationRead)?;
        let limit = check_limit(limit)?;
        if viewer.tenant().is_some() {
            return Ok(Vec::new());
        }
        let at = self.storage();
        let runs =
            reconciliations::before_day_all_tenants(at, mode, provider, before, limit).await?;
        let mut days = Vec::with_capacity(runs.len());
        for run in runs {
            days.push(self.desk_day_of(run).await?);
        }
        Ok(days)
    }

    /// One provider's day. Needs `reconciliation:read`.
    pub async fn desk_day(
        &self,
        viewer: &Viewer,
        provider: &ProviderId,
        day: BillDay,
    ) -> Result<DeskDay, OperationError> {
        viewer.require(Permission::ReconciliationRead)?;
        let found = reconciliations::find_all_tenants(self.storage(), provider, day).await?;
        let seen = found.filter(|_| viewer.tenant().is_none());
        self.desk_day_of(seen.ok_or(OperationError::NotFound)?)
            .await
    }

    async fn desk_day_of(&self, run: Reconciliation) -> Result<DeskDay, OperationError> {
        let of = (&run.provider_id, run.day);
        let open = discrepancies::open_of_day_all_tenants(self.storage(), of).await?;
        Ok(DeskDay { run, open })
    }

    /// Puts a day away; nothing of it may be open. Needs `reconciliation:close`.
    pub async fn close_day(
        &self,
        by: &Actor,
        viewer: &Viewer,
        provider: &ProviderId,
        day: BillDay,
    ) -> Result<DeskDay, OperationError> {
        viewer.require(Permission::ReconciliationClose)?;
        let known = self.desk_day(viewer, provider, day).await?;
        let now = self.now();
        let tx = self.storage().begin().await?;
        let open = discrepancies::open_of_day_all_tenants(&tx, (provider, day)).await?;
        let is_whole = known.run.completed_at.is_some() && known.run.next_try_at.is_none();
        if open > 0 || !is_whole || known.run.closed_at.is_some() {
            let state = match (open, known.run.closed_at) {
                (_, Some(_)) => "closed".to_owned(),
                (0, None) if known.run.completed_at.is_some() => {
                    "waiting for the fund flows".to_owned()
                }
                (0, None) => known.run.state.as_str().to_owned(),
                (open, None) => format!("open with {open} discrepancies"),
            };
            return Err(OperationError::StateConflict { state });
        }
        let after = Reconciliation {
            closed_at: Some(now),
            closed_by: Some(by.who().to_owned()),
            updated_at: now,
            ..known.run.clone()
        };
        reconciliations::update(&tx, &known.run, &after).await?;
        let target = after.id.to_string();
        let act = Act {
            after: Some(json!({ "date": day, "provider_id": provider })),
            ..Act::new(AuditScope::Platform, "reconciliation.day.closed", &target)
        };
        audit::record(&tx, by, act, now).await?;
        tx.commit().await?;
        Ok(DeskDay { run: after, open })
    }

    /// Differences as far as the viewer sees, oldest first. Needs `reconciliation:read`.
    pub async fn desk_discrepancies(
        &self,
        viewer: &Viewer,
        filter: &DiscrepancyFilter,
        after: Option<&DiscrepancyId>,
        limit: Option<u64>,
    ) -> Result<Page<Discrepancy>, OperationError> {
        viewer.require(Permission::ReconciliationRead)?;
        let limit = check_limit(limit)?;
        let mut filter = filter.clone();
        if let Some(tenant) = viewer.tenant() {
            filter.tenant_id = Some(tenant.clone());
        }
        let (at, longer) = (self.storage(), limit.saturating_add(1));
        let rows = discrepancies::list_all_tenants(at, &filter, after, longer).await?;
        Ok(cut(rows, limit, |one| one.id.to_string()))
    }

    /// One difference that the viewer sees. Needs `reconciliation:read`.
    pub async fn desk_discrepancy(
        &self,
        viewer: &Viewer,
        id: &DiscrepancyId,
    ) -> Result<Discrepancy, OperationError> {
        viewer.require(Permission::ReconciliationRead)?;
        let at = self.storage();
        let found = match viewer.tenant() {
            Some(tenant) => discrepancies::find(at, tenant, id).await?,
            None => discrepancies::find_all_tenants(at, id).await?,
        };
        found.ok_or(OperationError::NotFound)
    }

    /// Says who looks into a difference. Needs `reconciliation:close`.
    pub async fn assign_discrepancy(
        &self,
        by: &Actor,
        viewer: &Viewer,
        id: &DiscrepancyId,
        assignee: &str,
    ) -> Result<Discrepancy, OperationError> {
        viewer.require(Permission::ReconciliationClose)?;
        let assignee = worded("/assignee", assignee, WORDS_CHARS_MAX)?;
        let before = self.open_discrepancy(viewer, id).await?;
        let after = Discrepancy {
            assignee: Some(assignee),
            ..before.clone()
        };
        self.settle_by(by, "discrepancy.assigned", &before, after)
            .await
    }

    /// Says why a difference is none, with what shows it. Needs `reconciliation:close`.
    pub async fn explain_discrepancy(
        &self,
        by: &Actor,
        viewer: &Viewer,
        id: &DiscrepancyId,
        (reason, evidence): (&str, &str),
    ) -> Result<Discrepancy, OperationError> {
        viewer.require(Permission::ReconciliationClose)?;
        let reason = worded("/reason", reason, WORDS_CHARS_MAX)?;
        let evidence = worded("/evidence", evidence, EVIDENCE_CHARS_MAX)?;
        let before = self.open_discrepancy(viewer, id).await?;
        let after = Discrepancy {
            state: DiscrepancyState::Explained,
            actor: Some(by.who().to_owned()),
            reason: Some(reason),
            evidence: with_evidence(&before.evidence, by, &evidence),
            ..before.clone()
        };
        self.settle_by(by, "discrepancy.explained", &before, after)
            .await
    }

    async fn open_discrepancy(
        &self,
        viewer: &Viewer,
        id: &DiscrepancyId,
    ) -> Result<Discrepancy, OperationError> {
        let found = self.desk_discrepancy(viewer, id).await?;
        if found.state == DiscrepancyState::Open {
            return Ok(found);
        }
        let state = found.state.as_str().to_owned();
        Err(OperationError::StateConflict { state })
    }

    /// Changes a difference in a person's name: the change, the tenant's event and the log are one.
    pub(super) async fn settle_by(
        &self,
        by: &Actor,
        action: &'static str,
        before: &Discrepancy,
        mut after: Discrepancy,
    ) -> Result<Discrepancy, OperationError> {
        let now = self.now();
        after.event_seq = before.event_seq.saturating_add(1);
        after.updated_at = now;
        let tx = self.storage().begin().await?;
        discrepancies::update(&tx, before, &after).await?;
        self.tell_discrepancy(&tx, &after, Some(before.state))
            .await?;
        let scope = match &after.tenant_id {
            Some(tenant) => AuditScope::Tenant(tenant.clone()),
            None => AuditScope::Platform,
        };
        let target = after.id.to_string();
        let act = Act {
            before: Some(json!({ "state": before.state.as_str(), "assignee": before.assignee })),
            after: Some(json!({ "state": after.state.as_str(), "assignee": after.assignee })),
            reason: after.reason.as_deref(),
            ..Act::new(scope, action, &target)
        };
        audit::record(&tx, by, act, now).await?;
        tx.commit().await?;
        Ok(after)
    }
}

fn worded(field: &str, words: &str, max: usize) -> Result<String, OperationError> {
    let words = words.trim();
    let length = words.chars().count();
    if length == 0 || length > max || words.contains('\0') {
        let reason = format!("must have 1 to {max} characters");
        return Err(OperationError::invalid(field, &reason));
    }
    Ok(words.to_owned())
}

/// What a person found beside what the comparison found.
fn with_evidence(found: &str, by: &Actor, said: &str) -> String {
    let mut evidence: serde_json::Value = serde_json::from_str(found)
        .ok()
        .filter(serde_json::Value::is_object)
        .unwrap_or_else(|| json!({ "found": found }));
    if let Some(members) = evidence.as_object_mut() {
        members.insert(
            "explained".to_owned(),
            json!({ "by": by.who(), "says": said }),
        );
    }
    evidence.to_string()
}
