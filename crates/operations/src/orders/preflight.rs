//! What is checked about an order before WeChat is called: the sub-merchant, its app, and whose openid it is.

use std::sync::Arc;
use std::time::Duration;

use moka::future::Cache;
use tributary_domain::ids::TenantId;
use tributary_domain::merchant::{AppId, SubMerchant, SubMerchantState};
use tributary_domain::order_content::{OrderContent, Payer};
use tributary_domain::tenant::{Mode, TenantState};
use tributary_storage::{merchants, tenants};

use crate::credentials::Caller;
use crate::logins::openid_hash;
use crate::providers::ProviderHandle;
use crate::{OperationError, Operations};

const CACHED_TENANTS_MAX: u64 = 10_000;
const CACHED_OPENIDS_MAX: u64 = 100_000;
/// A sub-merchant that another node added is seen here after this long.
const CACHED_AGE: Duration = Duration::from_secs(10);

/// A tenant's sub-merchants with their apps, and what of the tenant itself decides about orders.
#[derive(Debug)]
pub(crate) struct TenantMerchants {
    state: TenantState,
    expires_after_minutes: Option<u32>,
    merchants: Vec<(SubMerchant, Vec<AppId>)>,
}

/// Tenants that placed orders lately. Only what can be read again; keyed by tenant first.
#[derive(Clone, Debug)]
pub(crate) struct MerchantCache {
    tenants: Cache<(TenantId, Mode), Arc<TenantMerchants>>,
    openids: Cache<(TenantId, String), Arc<Vec<String>>>,
}

impl Default for MerchantCache {
    fn default() -> Self {
        Self {
            tenants: Cache::builder()
                .max_capacity(CACHED_TENANTS_MAX)
                .time_to_live(CACHED_AGE)
                .build(),
            openids: Cache::builder()
                .max_capacity(CACHED_OPENIDS_MAX)
                .time_to_live(CACHED_AGE)
                .build(),
        }
    }
}

impl MerchantCache {
    /// Reads everything anew at the next use.
    pub(crate) fn forget_all(&self) {
        self.tenants.invalidate_all();
        self.openids.invalidate_all();
    }

    /// Reads an openid anew at its next use.
    pub(crate) async fn forget_openid(&self, tenant: &TenantId, hash: &str) {
        self.openids
            .invalidate(&(tenant.clone(), hash.to_owned()))
            .await;
    }
}

/// Where an order goes.
pub(crate) struct Destination {
    /// After how many minutes an order ends that does not say when.
    pub(crate) expires_after_minutes: Option<u32>,
    pub(crate) merchant: SubMerchant,
    pub(crate) provider: Arc<ProviderHandle>,
}

impl Operations {
    /// Finds where an order goes and refuses a pair of app and payer that cannot be right.
    pub(crate) async fn preflight(
        &self,
        caller: &Caller,
        content: &OrderContent,
    ) -> Result<Destination, OperationError> {
        let tenant = self
            .tenant_merchants(&caller.tenant_id, caller.mode)
            .await?;
        if !tenant.state.takes_orders(caller.mode) {
            return Err(OperationError::TenantInactive(tenant.state));
        }
        let (merchant, apps) = choose(&tenant, content)?;
        if merchant.state == SubMerchantState::Suspended {
            return Err(OperationError::invalid("/sub_mchid", "is suspended"));
        }
        if let Some(appid) = &content.sub_appid
            && !apps.contains(appid)
        {
            return Err(OperationError::invalid(
                "/sub_appid",
                "is not bound to this sub-merchant",
            ));
        }
        let provider = self.provider(&merchant.provider_id).await?;
        self.check_payer(caller, content, provider.provider.sp_appid.as_str())
            .await?;
        Ok(Destination {
            expires_after_minutes: tenant.expires_after_minutes,
            merchant: merchant.clone(),
            provider,
        })
    }

    async fn tenant_merchants(
        &self,
        tenant: &TenantId,
        mode: Mode,
    ) -> Result<Arc<TenantMerchants>, OperationError> {
        let key = (tenant.clone(), mode);
        if let Some(known) = self.inner.merchants.tenants.get(&key).await {
            return Ok(known);
        }
        let itself = tenants::find(self.storage(), tenant).await?;
        let itself = itself.ok_or(OperationError::NotFound)?;
        let apps = merchants::apps(self.storage(), tenant).await?;
        let found = merchants::list(self.storage(), tenant, mode).await?;
        let merchants = found
            .into_iter()
            .map(|merchant| {
                let bound = apps.iter().filter(|app| app.sub_merchant_id == merchant.id);
                let bound = bound.map(|app| app.appid.clone()).collect();
                (merchant, bound)
            })
            .collect();
        let known = Arc::new(TenantMerchants {
            state: itself.state,
            expires_after_minutes: itself.settings.order_expires_after_minutes,
            merchants,
        });
        self.inner
            .merchants
            .tenants
            .insert(key, Arc::clone(&known))
            .await;
        Ok(known)
    }

    /// An openid that logged in under one app is no payer in another. One never seen passes: WeChat decides.
    async fn check_payer(
        &self,
        caller: &Caller,
        content: &OrderContent,
        sp_appid: &str,
    ) -> Result<(), OperationError> {
        let (field, openid, appid) = match (&content.payer, &content.sub_appid) {
            (Payer::SubOpenid(openid), Some(appid)) => {
                ("/payer/sub_openid", openid, appid.as_str())
            }
            (Payer::SubOpenid(openid), None) => ("/payer/sub_openid", openid, sp_appid),
            (Payer::SpOpenid(openid), _) => ("/payer/sp_openid", openid, sp_appid),
        };
        let hash = openid_hash(&caller.tenant_id, openid.as_str());
        let key = (caller.tenant_id.clone(), hash);
        let apps = if let Some(known) = self.inner.merchants.openids.get(&key).await {
            known
        } else {
            let found = merchants::apps_of_openid(self.storage(), &key.0, &key.1).await?;
            let found = Arc::new(found);
            self.inner
                .merchants
                .openids
                .insert(key, Arc::clone(&found))
                .await;
            found
        };
        if apps.is_empty() || apps.iter().any(|known| known == appid) {
            Ok(())
        } else {
            Err(OperationError::invalid(
                field,
                "belongs to another app than the order names",
            ))
        }
    }
}

fn choose<'a>(
    tenant: &'a TenantMerchants,
    content: &OrderContent,
) -> Result<&'a (SubMerchant, Vec<AppId>), OperationError> {
    match (&content.sub_mchid, tenant.merchants.as_slice()) {
        (Some(number), all) => all
            .iter()
            .find(|(merchant, _)| merchant.sub_mchid == *number)
            .ok_or_else(|| {
                OperationError::invalid("/sub_mchid", "is not one of your sub-merchants")
            }),
        (None, [only]) => Ok(only),
        (None, []) => Err(OperationError::invalid(
            "/sub_mchid",
            "you have no sub-merchant yet",
        )),
        (None, _) => Err(OperationError::invalid(
            "/sub_mchid",
            "is needed: you have more than one sub-merchant",
        )),
    }
}
