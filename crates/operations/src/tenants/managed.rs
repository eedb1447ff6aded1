//! Tenants as people who are signed in manage them: who sees which, and who may change what.

use tributary_domain::ids::TenantId;
use tributary_domain::staff::Permission;
use tributary_domain::tenant::{Tenant, TenantState};

use super::{NewTenant, TenantPatch, TenantQuery};
use crate::actions::Action;
use crate::pages::Page;
use crate::staff::StaffCaller;
use crate::{OperationError, Operations};

impl Operations {
    /// The tenants that a person sees, the newest first: staff all of them, a member its own. Needs
    /// [`Permission::TenantRead`].
    pub async fn tenants_seen_by(
        &self,
        caller: &StaffCaller,
        query: &TenantQuery,
    ) -> Result<Page<Tenant>, OperationError> {
        caller.require(Permission::TenantRead)?;
        let Some(own) = caller.scope.tenant() else {
            return self.tenants_page(query).await;
        };
        let tenant = self.tenant(own).await?;
        let is_asked_for = is_asked_for(query, &tenant);
        Ok(Page {
            items: is_asked_for.then_some(tenant).into_iter().collect(),
            next_cursor: None,
        })
    }

    /// A tenant; a member finds its own only. Needs [`Permission::TenantRead`].
    pub async fn tenant_seen_by(
        &self,
        caller: &StaffCaller,
        id: &TenantId,
    ) -> Result<Tenant, OperationError> {
        caller.require(Permission::TenantRead)?;
        caller.tenant(Some(id))?;
        self.tenant(id).await
    }

    /// Adds a tenant. Needs [`Permission::TenantWrite`].
    pub async fn create_tenant_as(
        &self,
        caller: &StaffCaller,
        new: NewTenant,
    ) -> Result<Tenant, OperationError> {
        caller.require(Permission::TenantWrite)?;
        self.create_tenant(&caller.actor(), new).await
    }

    /// Changes a tenant that is still at `version`. Needs [`Permission::TenantWrite`].
    pub async fn change_tenant_as(
        &self,
        caller: &StaffCaller,
        id: &TenantId,
        version: i64,
        patch: TenantPatch,
    ) -> Result<Tenant, OperationError> {
        caller.require(Permission::TenantWrite)?;
        caller.tenant(Some(id))?;
        self.change_tenant(&caller.actor(), id, Some(version), patch)
            .await
    }

    /// Brings a tenant into another state. Needs [`Permission::TenantWrite`] and a fresh proof.
    pub async fn set_tenant_state_as(
        &self,
        caller: &StaffCaller,
        id: &TenantId,
        next: TenantState,
        reason: &str,
    ) -> Result<Tenant, OperationError> {
        caller.require(Permission::TenantWrite)?;
        caller.tenant(Some(id))?;
        caller.require_proof()?;
        self.set_tenant_state(&caller.actor(), id, next, reason)
            .await
    }
}

/// Whether a list of what `query` asks for has the tenant on it.
fn is_asked_for(query: &TenantQuery, tenant: &Tenant) -> bool {
    let name = tenant.name.to_lowercase();
    let is_named = |part: &String| name.contains(&part.to_lowercase());
    query.state.is_none_or(|state| state == tenant.state)
        && query.name.as_ref().is_none_or(is_named)
        && query.cursor.is_none()
}

/// What `caller` may do with a tenant.
pub fn tenant_actions(caller: &StaffCaller, tenant: &Tenant) -> Vec<Action> {
    let may_write = || caller.require(Permission::TenantWrite);
    let become_ = |name, next| {
        let checked = may_write().and_then(|()| {
            if tenant.state.may_become(next) {
                return Ok(());
            }
            let state = tenant.state.as_str().to_owned();
            Err(OperationError::StateConflict { state })
        });
        Action::when(name, checked)
    };
    vec![
        Action::when("update", may_write()),
        become_("activate", TenantState::Active),
        become_("suspend", TenantState::Suspended),
        become_("close", TenantState::Closed),
    ]
}
