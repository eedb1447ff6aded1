//! Up to which amount a person may ask for a refund alone: a choice of the installation, and of it for single tenants.

use serde_json::json;
use tributary_domain::audit::AuditScope;
use tributary_domain::ids::TenantId;
use tributary_domain::money::Fen;
use tributary_domain::staff::Permission;
use tributary_storage::platform_settings::{self, Setting};
use tributary_storage::tenants;

use crate::audit::{self, Act};
use crate::staff::{StaffCaller, check_reason};
use crate::{OperationError, Operations};

const NAME: &str = "refund_limit_fen";
/// 10,000 yuan, unless somebody chose otherwise.
const DEFAULT_FEN: i64 = 1_000_000;

/// The limit of a tenant, or of all that have none of their own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefundLimit {
    /// The tenant that it was chosen for; absent for the installation.
    pub tenant_id: Option<TenantId>,
    /// A refund above this needs a second person.
    pub amount: Fen,
    /// Whether it was chosen here, and does not come from the installation or from the program.
    pub is_own: bool,
    /// Counts the choices, from 1.
    pub version: i64,
}

impl Operations {
    /// The limit that holds for a tenant, or of the installation. Needs [`Permission::RefundRead`].
    pub async fn get_refund_limit(
        &self,
        caller: &StaffCaller,
        tenant: Option<&TenantId>,
    ) -> Result<RefundLimit, OperationError> {
        caller.require(Permission::RefundRead)?;
        let scope = self.scope_of_limit(caller, tenant).await?;
        let own = platform_settings::find(self.storage(), &scope, NAME).await?;
        Ok(RefundLimit {
            amount: self.refund_limit(&scope).await?,
            is_own: own.is_some(),
            version: version_of(own.as_ref()),
            tenant_id: tenant_of(scope),
        })
    }

    /// Chooses the limit, provided that nobody did since `version`. Needs [`Permission::RefundApprove`] and a fresh proof.
    ///
    /// Members of a tenant do not choose what is watched over them.
    pub async fn update_refund_limit(
        &self,
        caller: &StaffCaller,
        tenant: Option<&TenantId>,
        (amount, version): (i64, i64),
        reason: &str,
    ) -> Result<RefundLimit, OperationError> {
        caller.require(Permission::RefundApprove)?;
        let scope = self.scope_of_limit(caller, tenant).await?;
        if caller.scope.tenant().is_some() {
            return Err(OperationError::PermissionDenied(Permission::RefundApprove));
        }
        caller.require_proof()?;
        let (reason, now) = (check_reason(reason)?, self.now());
        let amount = Fen::new(amount)
            .map_err(|error| OperationError::invalid("/amount", &error.to_string()))?;
        let before = platform_settings::find(self.storage(), &scope, NAME).await?;
        if version_of(before.as_ref()) != version {
            return Err(OperationError::VersionConflict);
        }
        let value = amount.as_i64().to_string();
        let tx = self.storage().begin().await?;
        match platform_settings::write(&tx, &scope, NAME, (before.as_ref(), &value), now).await {
            Err(error) if error.is_stale() || error.is_duplicate() => {
                return Err(OperationError::VersionConflict);
            }
            other => other?,
        }
        let act = Act {
            before: before.map(|before| json!({ "fen": before.value })),
            after: Some(json!({ "fen": value })),
            reason: Some(reason),
            ..Act::new(scope.clone(), "refund_limit.changed", scope.as_str())
        };
        audit::record(&tx, &caller.actor(), act, now).await?;
        tx.commit().await?;
        Ok(RefundLimit {
            amount,
            is_own: true,
            version: version + 1,
            tenant_id: tenant_of(scope),
        })
    }

    async fn scope_of_limit(
        &self,
        caller: &StaffCaller,
        tenant: Option<&TenantId>,
    ) -> Result<AuditScope, OperationError> {
        let Some(tenant) = caller.tenant(tenant)? else {
            return Ok(AuditScope::Platform);
        };
        let known = tenants::find(self.storage(), tenant).await?;
        known.ok_or(OperationError::NotFound)?;
        Ok(AuditScope::Tenant(tenant.clone()))
    }

    /// The limit for a tenant: its own, else the installation's, else 10,000 yuan.
    pub(crate) async fn refund_limit(&self, scope: &AuditScope) -> Result<Fen, OperationError> {
        for scope in [scope, &AuditScope::Platform] {
            let chosen = platform_settings::find(self.storage(), scope, NAME).await?;
            if let Some(chosen) = chosen {
                let fen = chosen.value.parse().ok().and_then(|fen| Fen::new(fen).ok());
                let damaged = || OperationError::Internal(format!("{NAME} does not parse"));
                return fen.ok_or_else(damaged);
            }
        }
        Fen::new(DEFAULT_FEN).map_err(|error| OperationError::Internal(error.to_string()))
    }
}

/// What nobody chose yet is version 1.
fn version_of(setting: Option<&Setting>) -> i64 {
    setting.map_or(1, |setting| setting.version + 1)
}

fn tenant_of(scope: AuditScope) -> Option<TenantId> {
    match scope {
        AuditScope::Platform => None,
        AuditScope::Tenant(id) => Some(id),
    }
}
