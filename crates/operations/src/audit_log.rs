//! The audit log for people: searched, checked, exported.

use serde_json::json;
use tributary_domain::audit::AuditScope;
use tributary_domain::clock::Timestamp;
use tributary_domain::ids::TenantId;
use tributary_domain::staff::Permission;
use tributary_storage::audit::{self as rows, AuditPosition};

pub use tributary_storage::audit::{AuditFilter, Chained};

use crate::audit::{self, Act, AuditReport, ENTRIES_CHECKED_MAX};
use crate::pages::{Page, cut};
use crate::staff::{StaffCaller, scope_of};
use crate::{OperationError, Operations};

/// Entries in one file at most.
pub const EXPORTED_MAX: u64 = 10_000;

/// Which entries to list.
#[derive(Clone, Debug, Default)]
pub struct AuditListing {
    /// Those of this tenant alone.
    pub tenant_id: Option<TenantId>,
    /// What must hold of each.
    pub filter: AuditFilter,
    /// Where the page before ended.
    pub cursor: Option<String>,
    /// How many.
    pub limit: u64,
}

/// What a check of one chain found.
#[derive(Clone, Debug)]
pub struct CheckedChain {
    /// What was checked.
    pub report: AuditReport,
    /// Whether the check came to the end of the chain; `tributary audit verify` always does.
    pub is_whole: bool,
}

impl Operations {
    /// Lists entries, the newest first. Needs [`Permission::AuditRead`].
    pub async fn list_audit(
        &self,
        caller: &StaffCaller,
        listing: AuditListing,
    ) -> Result<Page<Chained>, OperationError> {
        caller.require(Permission::AuditRead)?;
        let tenant = caller.tenant(listing.tenant_id.as_ref())?;
        let after = listing.cursor.as_deref().map(read_cursor).transpose()?;
        let limit = listing.limit.saturating_add(1);
        let entries = self
            .audit_rows(tenant, &listing.filter, after.as_ref(), limit)
            .await?;
        Ok(cut(entries, listing.limit, cursor_of))
    }

    async fn audit_rows(
        &self,
        tenant: Option<&TenantId>,
        filter: &AuditFilter,
        after: Option<&AuditPosition>,
        limit: u64,
    ) -> Result<Vec<Chained>, OperationError> {
        let storage = self.storage();
        Ok(match tenant {
            Some(tenant) => rows::list(storage, tenant, filter, after, limit).await?,
            None => rows::list_all_tenants(storage, filter, after, limit).await?,
        })
    }

    /// Entries for a file, the newest first, at most [`EXPORTED_MAX`]; the export is an entry itself. Needs
    /// [`Permission::AuditExport`].
    pub async fn export_audit(
        &self,
        caller: &StaffCaller,
        listing: AuditListing,
    ) -> Result<Vec<Chained>, OperationError> {
        caller.require(Permission::AuditExport)?;
        let tenant = caller.tenant(listing.tenant_id.as_ref())?;
        let entries = self
            .audit_rows(tenant, &listing.filter, None, EXPORTED_MAX)
            .await?;
        let scope = scope_of(&caller.scope);
        let about = tenant.map_or("platform", TenantId::as_str);
        let act = Act {
            after: Some(json!({
                "entries": entries.len(),
                "actor": listing.filter.actor,
                "action": listing.filter.action,
                "target": listing.filter.target,
                "since": listing.filter.since.map(Timestamp::to_rfc3339),
                "until": listing.filter.until.map(Timestamp::to_rfc3339),
            })),
            ..Act::new(scope, "audit.exported", about)
        };
        let tx = self.storage().begin().await?;
        audit::record(&tx, &caller.actor(), act, self.now()).await?;
        tx.commit().await?;
        Ok(entries)
    }

    /// Checks one chain: the platform's, or a tenant's. Needs [`Permission::AuditRead`].
    pub async fn check_audit(
        &self,
        caller: &StaffCaller,
        tenant_id: Option<&TenantId>,
    ) -> Result<CheckedChain, OperationError> {
        caller.require(Permission::AuditRead)?;
        let tenant = caller.tenant(tenant_id)?;
        let scope = tenant.map_or(AuditScope::Platform, |id| AuditScope::Tenant(id.clone()));
        let report = self.verify_audit_chain(&scope).await?;
        let length: u64 = report.heads.iter().map(|head| head.number).sum();
        Ok(CheckedChain {
            is_whole: length <= ENTRIES_CHECKED_MAX,
            report,
        })
    }
}

fn cursor_of(entry: &Chained) -> String {
    let place = AuditPosition {
        at: entry.at,
        scope: entry.scope.clone(),
        number: entry.number,
    };
    place.to_string()
}

fn read_cursor(text: &str) -> Result<AuditPosition, OperationError> {
    let refused = || OperationError::invalid("cursor", "is not a cursor of this list");
    AuditPosition::read(text).ok_or_else(refused)
}
