//! Up to which amount a person may ask for a refund alone, and how a second person lets one above it go.
//!
//! The limit is a choice of the installation, and of it for single tenants. It holds for all that goes back of one order,
//! so that a large refund does not pass in small ones. What came late or
//! twice and goes back by a decision is not counted: it was never the order's.

use serde::{Deserialize, Serialize};
use serde_json::json;
use tributary_domain::approval::{Approval, ApprovalKind};
use tributary_domain::audit::AuditScope;
use tributary_domain::ids::TenantId;
use tributary_domain::money::Fen;
use tributary_domain::order::Order;
use tributary_domain::refund::Refund;
use tributary_domain::refund_content::{RefundContent, RefundRequest};
use tributary_domain::staff::{Actor, Permission};
use tributary_domain::staff_member::StaffScope;
use tributary_domain::tenant::Mode;
use tributary_storage::platform_settings::{self, Setting};
use tributary_storage::{Access, Tx, tenants};

use crate::approvals::Asked;
use crate::audit::{self, Act};
use crate::idempotency::{Idempotency, fingerprint};
use crate::refunds::{AskedBy, Asker};
use crate::staff::{StaffCaller, check_reason};
use crate::{OperationError, Operations};

const NAME: &str = "refund_limit_fen";
/// 10,000 yuan, unless somebody chose otherwise.
const DEFAULT_FEN: i64 = 1_000_000;

/// The route under whose keys approved refunds are made.
const APPROVED_ROUTE: &str = "POST /admin/v1/approvals/{approval_id}/approve";

/// A refund as it was asked for.
#[derive(Serialize, Deserialize)]
struct FrozenRefund {
    tenant_id: TenantId,
    mode: Mode,
    request: RefundRequest,
}

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
            amount: limit_of(self.storage(), &scope).await?,
            is_own: own.is_some(),
            version: version_of(own.as_ref()),
            tenant_id: tenant_of(scope),
        })
    }

    /// Chooses the limit, provided that nobody did since `version`. Needs [`Permission::RefundApprove`] and a fresh proof,
    /// to raise it [`Permission::StaffWrite`] besides.
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
        // Who may refund could otherwise raise the limit for one refund and lower it again.
        if amount > limit_of(self.storage(), &scope).await? {
            caller.require(Permission::StaffWrite)?;
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

    /// Records that a person asks for a refund above the limit.
    pub(crate) async fn ask_refund(
        &self,
        caller: &StaffCaller,
        order: &Order,
        request: RefundRequest,
    ) -> Result<Approval, OperationError> {
        // What could never be carried out is refused to the person who asks.
        RefundContent::parse(request.clone()).map_err(OperationError::Invalid)?;
        let reason = request.reason.clone().unwrap_or_default();
        let frozen = FrozenRefund {
            tenant_id: order.tenant_id.clone(),
            mode: order.mode,
            request,
        };
        let content = serde_json::to_value(&frozen);
        let asked = Asked {
            kind: ApprovalKind::RefundAboveLimit,
            scope: StaffScope::Tenant(order.tenant_id.clone()),
            target: order.id.to_string(),
            content: content.map_err(|error| OperationError::Internal(error.to_string()))?,
        };
        self.ask_approval(caller, asked, &reason).await
    }

    /// Makes the refund that was approved, once however often it is carried out; tells which.
    pub(crate) async fn refund_approved(
        &self,
        approved: &Approval,
        by: &Actor,
    ) -> Result<String, OperationError> {
        let frozen: FrozenRefund = serde_json::from_value(approved.content.clone())
            .map_err(|error| OperationError::Internal(error.to_string()))?;
        let asker = Asker {
            tenant_id: frozen.tenant_id,
            mode: frozen.mode,
            by: AskedBy::TwoPeople(by),
        };
        let idem = Idempotency {
            key: approved.id.to_string(),
            fingerprint: fingerprint("", "", "", approved.content.to_string().as_bytes()),
            route: APPROVED_ROUTE,
        };
        let made = self.refund_for(&asker, frozen.request, &idem).await?;
        Ok(made.view.id)
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
}

/// Refuses a refund by which more of an order goes back than a person may let go alone. The order is as it was locked,
/// before the refund, so that of several at once each counts those before it.
pub(crate) async fn refuse_above(
    tx: &Tx,
    order: &Order,
    refund: &Refund,
) -> Result<(), OperationError> {
    let scope = AuditScope::Tenant(order.tenant_id.clone());
    let limit = limit_of(tx, &scope).await?;
    let under_way = order.money.refunding.as_i64();
    let whole = under_way
        .saturating_add(order.money.refunded.as_i64())
        .saturating_add(refund.content.refund.as_i64());
    if whole > limit.as_i64() {
        let how = "a second person approves what goes back above the limit".to_owned();
        return Err(OperationError::ApprovalRequired { how });
    }
    Ok(())
}

/// The limit for a tenant: its own, else the installation's, else 10,000 yuan.
pub(crate) async fn limit_of(at: &impl Access, scope: &AuditScope) -> Result<Fen, OperationError> {
    for scope in [scope, &AuditScope::Platform] {
        let chosen = platform_settings::find(at, scope, NAME).await?;
        if let Some(chosen) = chosen {
            let fen = chosen.value.parse().ok().and_then(|fen| Fen::new(fen).ok());
            let damaged = || OperationError::Internal(format!("{NAME} does not parse"));
            return fen.ok_or_else(damaged);
        }
    }
    Fen::new(DEFAULT_FEN).map_err(|error| OperationError::Internal(error.to_string()))
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
