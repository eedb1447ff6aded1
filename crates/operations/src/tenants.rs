//! Tenants, their sub-merchants and apps: what the operator sets up.

use serde_json::json;
use tributary_domain::audit::AuditScope;
use tributary_domain::ids::{ProviderId, SubAppId, SubMerchantId, TenantId};
use tributary_domain::late_payment::LatePolicy;
use tributary_domain::merchant::{AppId, Mchid, SubApp, SubMerchant};
use tributary_domain::staff::Actor;
use tributary_domain::tenant::Tenant;
use tributary_storage::{merchants, providers, tenants};
use tributary_vault::{Place, fingerprint};

use crate::audit::{self, Act};
use crate::{OperationError, Operations};

const NAME_CHARS_MAX: usize = 100;

impl Operations {
    /// Adds a tenant.
    pub async fn create_tenant(&self, by: &Actor, name: &str) -> Result<Tenant, OperationError> {
        check_name(name)?;
        let now = self.now();
        let tenant = Tenant {
            id: TenantId::new(now),
            late_policy: LatePolicy::default(),
            name: name.to_owned(),
            created_at: now,
        };
        let tx = self.storage().begin().await?;
        tenants::insert(&tx, &tenant).await?;
        let act = Act {
            after: Some(json!({ "name": name })),
            ..Act::new(scope_of(&tenant.id), "tenant.created", tenant.id.as_str())
        };
        audit::record(&tx, by, act, now).await?;
        tx.commit().await?;
        Ok(tenant)
    }

    /// Every tenant.
    pub async fn list_tenants(&self) -> Result<Vec<Tenant>, OperationError> {
        Ok(tenants::list_all_tenants(self.storage()).await?)
    }

    /// Gives a tenant a sub-merchant under a provider; it lives in its provider's mode.
    pub async fn create_sub_merchant(
        &self,
        by: &Actor,
        tenant_id: &TenantId,
        provider_id: &ProviderId,
        sub_mchid: &Mchid,
        name: &str,
    ) -> Result<SubMerchant, OperationError> {
        check_name(name)?;
        if tenants::find(self.storage(), tenant_id).await?.is_none() {
            return Err(OperationError::NotFound);
        }
        let stored = providers::find(self.storage(), provider_id).await?;
        let provider = stored.ok_or(OperationError::NotFound)?.provider;
        if provider.sp_mchid == *sub_mchid {
            let reason = "must differ from the provider's own number";
            return Err(OperationError::invalid("/sub_mchid", reason));
        }
        let now = self.now();
        let merchant = SubMerchant {
            id: SubMerchantId::new(now),
            tenant_id: tenant_id.clone(),
            provider_id: provider_id.clone(),
            mode: provider.mode,
            sub_mchid: sub_mchid.clone(),
            name: name.to_owned(),
            created_at: now,
        };
        let tx = self.storage().begin().await?;
        match merchants::insert(&tx, &merchant).await {
            Err(error) if error.is_duplicate() => {
                let reason = "is taken under this provider";
                return Err(OperationError::invalid("/sub_mchid", reason));
            }
            other => other?,
        }
        let act = Act {
            after: Some(
                json!({ "provider_id": provider_id, "sub_mchid": sub_mchid, "name": name }),
            ),
            ..Act::new(
                scope_of(tenant_id),
                "sub_merchant.created",
                merchant.id.as_str(),
            )
        };
        audit::record(&tx, by, act, now).await?;
        tx.commit().await?;
        self.inner.merchants.forget_all();
        Ok(merchant)
    }

    /// A tenant's sub-merchants in both modes.
    pub async fn list_sub_merchants(
        &self,
        tenant_id: &TenantId,
    ) -> Result<Vec<SubMerchant>, OperationError> {
        use tributary_domain::tenant::Mode;
        let mut all = merchants::list(self.storage(), tenant_id, Mode::Live).await?;
        all.extend(merchants::list(self.storage(), tenant_id, Mode::Test).await?);
        Ok(all)
    }

    /// Binds an app to a tenant's sub-merchant; `secret` is what mini-program logins need.
    pub async fn add_sub_app(
        &self,
        by: &Actor,
        merchant: &SubMerchant,
        appid: &AppId,
        secret: Option<&str>,
    ) -> Result<SubApp, OperationError> {
        let now = self.now();
        let app = SubApp {
            id: SubAppId::new(now),
            tenant_id: merchant.tenant_id.clone(),
            sub_merchant_id: merchant.id.clone(),
            appid: appid.clone(),
            has_secret: secret.is_some(),
            created_at: now,
        };
        let sealed = match secret {
            Some(secret) => {
                let owner = merchant.tenant_id.as_str();
                let place = app_secret_place(app.id.as_str());
                let blob = self
                    .sealing()
                    .seal(self.storage(), owner, &place, secret.as_bytes(), now)
                    .await?;
                Some(blob)
            }
            None => None,
        };
        let tx = self.storage().begin().await?;
        match merchants::insert_app(&tx, &app, sealed).await {
            Err(error) if error.is_duplicate() => {
                let reason = "is bound to this sub-merchant already";
                return Err(OperationError::invalid("/appid", reason));
            }
            other => other?,
        }
        let act = Act {
            after: Some(json!({
                "sub_mchid": merchant.sub_mchid,
                "appid": appid,
                "secret": secret.map(|secret| fingerprint(secret.as_bytes())),
            })),
            ..Act::new(
                scope_of(&merchant.tenant_id),
                "sub_app.added",
                app.id.as_str(),
            )
        };
        audit::record(&tx, by, act, now).await?;
        tx.commit().await?;
        self.inner.merchants.forget_all();
        Ok(app)
    }
}

/// The chain of a tenant.
pub(crate) fn scope_of(tenant: &TenantId) -> AuditScope {
    AuditScope::Tenant(tenant.clone())
}

/// Where an app's login secret lives.
pub(crate) const fn app_secret_place(row: &str) -> Place<'_> {
    Place {
        table: "sub_apps",
        column: "secret",
        row,
    }
}

pub(crate) fn check_name(name: &str) -> Result<(), OperationError> {
    let chars = name.chars().count();
    if name.trim().is_empty() || chars > NAME_CHARS_MAX || name.chars().any(char::is_control) {
        return Err(OperationError::invalid(
            "/name",
            "must be 1 to 100 characters",
        ));
    }
    Ok(())
}
