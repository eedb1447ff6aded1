//! Sub-merchants and apps as people who are signed in manage them: who sees which, and who may change what.

use tributary_domain::ids::{ProviderId, SubAppId, SubMerchantId, TenantId};
use tributary_domain::merchant::{AppId, Mchid, SubApp, SubAppKind, SubMerchant, SubMerchantState};
use tributary_domain::staff::Permission;
use zeroize::Zeroizing;

use super::{Claim, ReadinessSheet, SubAppPatch, SubMerchantPatch, SubMerchantQuery};
use crate::actions::Action;
use crate::pages::Page;
use crate::staff::StaffCaller;
use crate::{OperationError, Operations};

/// A sub-merchant to be.
#[derive(Clone, Debug)]
pub struct NewSubMerchant {
    /// Whose it will be.
    pub tenant_id: TenantId,
    /// Under which provider.
    pub provider_id: ProviderId,
    /// Its number at WeChat Pay.
    pub sub_mchid: Mchid,
    /// What people call it.
    pub name: String,
}

/// An app to be bound.
pub struct NewSubApp {
    /// Its id at WeChat.
    pub appid: AppId,
    /// What kind of app.
    pub kind: SubAppKind,
    /// What logins need.
    pub secret: Option<Zeroizing<String>>,
}

impl Operations {
    /// The sub-merchants that a person sees, the newest first: staff everybody's, a member its tenant's. Needs
    /// [`Permission::TenantRead`].
    pub async fn sub_merchants_seen_by(
        &self,
        caller: &StaffCaller,
        mut query: SubMerchantQuery,
    ) -> Result<Page<SubMerchant>, OperationError> {
        caller.require(Permission::TenantRead)?;
        query.tenant = caller.tenant(query.tenant.as_ref())?.cloned();
        let mut page = self.sub_merchants_page(&query).await?;
        let items = page.items.into_iter();
        page.items = items.map(|merchant| as_seen_by(caller, merchant)).collect();
        Ok(page)
    }

    /// A sub-merchant; a member finds its tenant's only. Needs [`Permission::TenantRead`].
    pub async fn sub_merchant_seen_by(
        &self,
        caller: &StaffCaller,
        id: &SubMerchantId,
    ) -> Result<SubMerchant, OperationError> {
        caller.require(Permission::TenantRead)?;
        let merchant = self.sub_merchant(caller.scope.tenant(), id).await?;
        Ok(as_seen_by(caller, merchant))
    }

    /// The sub-merchant that a person is about to change.
    async fn writable(
        &self,
        caller: &StaffCaller,
        id: &SubMerchantId,
    ) -> Result<SubMerchant, OperationError> {
        caller.require(Permission::TenantWrite)?;
        self.sub_merchant(caller.scope.tenant(), id).await
    }

    /// Gives a tenant a sub-merchant. Needs [`Permission::TenantWrite`].
    pub async fn create_sub_merchant_as(
        &self,
        caller: &StaffCaller,
        new: NewSubMerchant,
    ) -> Result<SubMerchant, OperationError> {
        caller.require(Permission::TenantWrite)?;
        caller.tenant(Some(&new.tenant_id))?;
        let (tenant, provider, number) = (&new.tenant_id, &new.provider_id, &new.sub_mchid);
        self.create_sub_merchant(&caller.actor(), tenant, provider, number, &new.name)
            .await
    }

    /// Changes a sub-merchant that is still at `version`. Needs [`Permission::TenantWrite`].
    pub async fn change_sub_merchant_as(
        &self,
        caller: &StaffCaller,
        id: &SubMerchantId,
        version: i64,
        patch: SubMerchantPatch,
    ) -> Result<SubMerchant, OperationError> {
        let merchant = self.writable(caller, id).await?;
        self.change_sub_merchant(&caller.actor(), &merchant, Some(version), patch)
            .await
    }

    /// Stops a sub-merchant from taking orders, or lets it take them again. Needs [`Permission::TenantWrite`].
    pub async fn set_sub_merchant_state_as(
        &self,
        caller: &StaffCaller,
        id: &SubMerchantId,
        next: SubMerchantState,
        reason: &str,
    ) -> Result<SubMerchant, OperationError> {
        let merchant = self.writable(caller, id).await?;
        self.set_sub_merchant_state(&caller.actor(), &merchant, next, reason)
            .await
    }

    /// What is known about whether a sub-merchant can take money. Needs [`Permission::TenantRead`].
    pub async fn readiness_seen_by(
        &self,
        caller: &StaffCaller,
        id: &SubMerchantId,
    ) -> Result<ReadinessSheet, OperationError> {
        let merchant = self.sub_merchant_seen_by(caller, id).await?;
        Ok(ReadinessSheet {
            lines: self.readiness(&merchant).await?,
            version: merchant.version,
        })
    }

    /// Keeps what a person says about a fact of a sub-merchant that is still at `version`, and answers what is known then.
    /// Needs [`Permission::TenantWrite`].
    pub async fn confirm_readiness_as(
        &self,
        caller: &StaffCaller,
        id: &SubMerchantId,
        version: i64,
        claim: Claim,
    ) -> Result<ReadinessSheet, OperationError> {
        let merchant = self.writable(caller, id).await?;
        self.confirm_readiness(&caller.actor(), &merchant, Some(version), claim)
            .await?;
        self.readiness_seen_by(caller, id).await
    }

    /// The apps of a sub-merchant. Needs [`Permission::TenantRead`].
    pub async fn sub_apps_seen_by(
        &self,
        caller: &StaffCaller,
        id: &SubMerchantId,
    ) -> Result<Vec<SubApp>, OperationError> {
        let merchant = self.sub_merchant_seen_by(caller, id).await?;
        self.sub_apps(&merchant).await
    }

    /// An app of a sub-merchant. Needs [`Permission::TenantRead`].
    pub async fn sub_app_seen_by(
        &self,
        caller: &StaffCaller,
        id: &SubMerchantId,
        app: &SubAppId,
    ) -> Result<SubApp, OperationError> {
        let apps = self.sub_apps_seen_by(caller, id).await?;
        let found = apps.into_iter().find(|one| one.id == *app);
        found.ok_or(OperationError::NotFound)
    }

    /// Binds an app to a sub-merchant. Needs [`Permission::TenantWrite`], for a secret a fresh proof besides.
    pub async fn add_sub_app_as(
        &self,
        caller: &StaffCaller,
        id: &SubMerchantId,
        new: NewSubApp,
    ) -> Result<SubApp, OperationError> {
        let merchant = self.writable(caller, id).await?;
        let secret = new.secret.as_ref().map(|secret| secret.as_str());
        if secret.is_some() {
            caller.require_proof()?;
        }
        self.add_sub_app(&caller.actor(), &merchant, &new.appid, new.kind, secret)
            .await
    }

    /// Changes an app that is still at `version`. Needs [`Permission::TenantWrite`], for a secret a fresh proof besides.
    pub async fn change_sub_app_as(
        &self,
        caller: &StaffCaller,
        (id, app): (&SubMerchantId, &SubAppId),
        version: i64,
        patch: SubAppPatch,
    ) -> Result<SubApp, OperationError> {
        caller.require(Permission::TenantWrite)?;
        let app = self.sub_app_seen_by(caller, id, app).await?;
        if patch.secret.is_some() {
            caller.require_proof()?;
        }
        self.change_sub_app(&caller.actor(), &app, Some(version), patch)
            .await
    }
}

/// The note is the staff's own: what they write about a sub-merchant is not for its tenant.
fn as_seen_by(caller: &StaffCaller, mut merchant: SubMerchant) -> SubMerchant {
    if caller.scope.tenant().is_some() {
        merchant.note = None;
    }
    merchant
}

/// What `caller` may do with a sub-merchant.
pub fn sub_merchant_actions(caller: &StaffCaller, merchant: &SubMerchant) -> Vec<Action> {
    let may_write = || caller.require(Permission::TenantWrite);
    let leave_for = |name, next| {
        let checked = may_write().and_then(|()| {
            if merchant.state != next {
                return Ok(());
            }
            let state = merchant.state.as_str().to_owned();
            Err(OperationError::StateConflict { state })
        });
        Action::when(name, checked)
    };
    vec![
        Action::when("update", may_write()),
        leave_for("suspend", SubMerchantState::Suspended),
        leave_for("activate", SubMerchantState::Active),
        Action::when("confirm_readiness", may_write()),
        Action::when("add_sub_app", may_write()),
    ]
}

/// What `caller` may do with an app.
pub fn sub_app_actions(caller: &StaffCaller) -> Vec<Action> {
    vec![Action::when(
        "update",
        caller.require(Permission::TenantWrite),
    )]
}
