//! Sub-merchants and their apps: what people set up, and what they vouch for because WeChat tells it to nobody.

mod managed;

use serde_json::{Value, json};
use tributary_domain::ids::{ProviderId, SubAppId, SubMerchantId, TenantId};
use tributary_domain::merchant::{
    AppBinding, AppId, Confirmed, Mchid, RATE_UNIT, ReadinessFact, SUB_APPS_MAX, SubApp,
    SubAppKind, SubMerchant, SubMerchantState,
};
use tributary_domain::staff::Actor;
use tributary_domain::tenant::Mode;
use tributary_storage::{Tx, merchant_readiness, merchants, providers, tenants};
use tributary_vault::{Place, fingerprint};
use zeroize::Zeroizing;

use crate::audit::{self, Act};
use crate::pages::{Page, check_limit, cut};
use crate::staff::check_reason;
use crate::tenants::{check_name, cursor, hold_open, scope_of};
use crate::{OperationError, Operations};

pub use managed::{NewSubApp, NewSubMerchant, sub_app_actions, sub_merchant_actions};

const NOTE_CHARS_MAX: usize = 1_000;
const APP_SECRET_BYTES_MAX: usize = 128;

/// What is to change about a sub-merchant; what is absent stays.
#[derive(Clone, Debug, Default)]
pub struct SubMerchantPatch {
    /// Its name.
    pub name: Option<String>,
    /// WeChat's fee.
    pub rate: RateChange,
    /// What people should know; an empty text is nothing.
    pub note: Option<String>,
}

/// What becomes of what is written down of WeChat's fee.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RateChange {
    /// It stays.
    #[default]
    Stays,
    /// Nobody knows it.
    Cleared,
    /// It is this, in ten-thousandths.
    Set(u32),
}

impl RateChange {
    const fn over(self, before: Option<u32>) -> Option<u32> {
        match self {
            Self::Stays => before,
            Self::Cleared => None,
            Self::Set(rate) => Some(rate),
        }
    }
}

/// What is to change about an app; what is absent stays.
#[derive(Clone, Default)]
pub struct SubAppPatch {
    /// What kind it is.
    pub kind: Option<SubAppKind>,
    /// What somebody saw in WeChat's console.
    pub binding: Option<AppBinding>,
    /// A new login secret.
    pub secret: Option<Zeroizing<String>>,
}

impl std::fmt::Debug for SubAppPatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SubAppPatch")
            .field("kind", &self.kind)
            .field("binding", &self.binding)
            .finish_non_exhaustive()
    }
}

/// Which sub-merchants to list.
#[derive(Clone, Debug, Default)]
pub struct SubMerchantQuery {
    /// Only of this tenant.
    pub tenant: Option<TenantId>,
    /// Only in this mode.
    pub mode: Option<Mode>,
    /// Only in this state.
    pub state: Option<SubMerchantState>,
    /// Where the page before ended.
    pub cursor: Option<String>,
    /// How many.
    pub limit: Option<u64>,
}

/// What a person says about a fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// About which.
    pub fact: ReadinessFact,
    /// Whether the person vouches for it, or takes that back.
    pub holds: bool,
}

/// How it is known whether something is ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// A person vouches for it.
    Person(Confirmed),
    /// The traffic shows it, last at this instant.
    Traffic(tributary_domain::clock::Timestamp),
    /// Nobody knows.
    Nothing,
}

/// One line of what must be true before a sub-merchant can take money.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Readiness {
    /// What.
    pub fact: ReadinessFact,
    /// How it is known.
    pub evidence: Evidence,
}

/// All that must be true, and the version of the sub-merchant that a claim about it names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadinessSheet {
    /// The lines.
    pub lines: Vec<Readiness>,
    /// The version.
    pub version: i64,
}

impl Readiness {
    /// Whether it is known to be so.
    pub const fn holds(&self) -> bool {
        !matches!(self.evidence, Evidence::Nothing)
    }
}

impl Operations {
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
        let unknown = |field| OperationError::invalid(field, "names nothing that there is");
        let tenant = tenants::find(self.storage(), tenant_id).await?;
        tenant.ok_or_else(|| unknown("/tenant_id"))?;
        let stored = providers::find(self.storage(), provider_id).await?;
        let provider = stored.ok_or_else(|| unknown("/provider_id"))?.provider;
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
            state: SubMerchantState::Active,
            rate: None,
            note: None,
            version: 1,
            created_at: now,
        };
        let tx = self.storage().begin().await?;
        hold_open(&tx, tenant_id).await?;
        match merchants::insert(&tx, &merchant).await {
            Err(error) if error.is_duplicate() => {
                let reason = "is taken under this provider";
                return Err(OperationError::invalid("/sub_mchid", reason));
            }
            other => other?,
        }
        let act = Act {
            after: Some(shown(&merchant)),
            ..act_on(&merchant, "sub_merchant.created")
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
        let mut all = merchants::list(self.storage(), tenant_id, Mode::Live).await?;
        all.extend(merchants::list(self.storage(), tenant_id, Mode::Test).await?);
        Ok(all)
    }

    /// A page of sub-merchants, the newest first.
    pub async fn sub_merchants_page(
        &self,
        query: &SubMerchantQuery,
    ) -> Result<Page<SubMerchant>, OperationError> {
        let limit = check_limit(query.limit)?;
        let (storage, longer) = (self.storage(), limit.saturating_add(1));
        let filter = merchants::MerchantFilter {
            mode: query.mode,
            state: query.state,
            after: cursor(query.cursor.as_deref())?,
        };
        let rows = match &query.tenant {
            Some(tenant) => merchants::page(storage, tenant, &filter, longer).await?,
            None => merchants::page_all_tenants(storage, &filter, longer).await?,
        };
        Ok(cut(rows, limit, |merchant| merchant.id.to_string()))
    }

    /// A sub-merchant; with a tenant, only that tenant's.
    pub async fn sub_merchant(
        &self,
        tenant: Option<&TenantId>,
        id: &SubMerchantId,
    ) -> Result<SubMerchant, OperationError> {
        let found = match tenant {
            Some(tenant) => merchants::find(self.storage(), tenant, id).await?,
            None => merchants::find_all_tenants(self.storage(), id).await?,
        };
        found.ok_or(OperationError::NotFound)
    }

    /// A sub-merchant's apps.
    pub async fn sub_apps(&self, merchant: &SubMerchant) -> Result<Vec<SubApp>, OperationError> {
        let mut apps = merchants::apps(self.storage(), &merchant.tenant_id).await?;
        apps.retain(|app| app.sub_merchant_id == merchant.id);
        Ok(apps)
    }

    /// Changes a sub-merchant; `version` is the one that the editor saw.
    pub async fn change_sub_merchant(
        &self,
        by: &Actor,
        merchant: &SubMerchant,
        version: Option<i64>,
        patch: SubMerchantPatch,
    ) -> Result<SubMerchant, OperationError> {
        check_patch(&patch)?;
        let change = |mut after: SubMerchant| {
            after.name = patch.name.unwrap_or(after.name);
            after.rate = patch.rate.over(after.rate);
            after.note = match patch.note {
                Some(note) => Some(note).filter(|note| !note.is_empty()),
                None => after.note,
            };
            Ok(after)
        };
        let act = act_on(merchant, "sub_merchant.changed");
        self.rewrite_merchant(by, merchant, version, act, change)
            .await
    }

    /// Stops a sub-merchant from taking orders, or lets it take them again. A person says why.
    pub async fn set_sub_merchant_state(
        &self,
        by: &Actor,
        merchant: &SubMerchant,
        next: SubMerchantState,
        reason: &str,
    ) -> Result<SubMerchant, OperationError> {
        check_reason(reason)?;
        let change = |mut after: SubMerchant| {
            if after.state == next {
                let state = next.as_str().to_owned();
                return Err(OperationError::StateConflict { state });
            }
            after.state = next;
            Ok(after)
        };
        let act = Act {
            reason: Some(reason),
            ..act_on(merchant, "sub_merchant.state.changed")
        };
        self.rewrite_merchant(by, merchant, None, act, change).await
    }

    async fn rewrite_merchant(
        &self,
        by: &Actor,
        merchant: &SubMerchant,
        version: Option<i64>,
        mut act: Act<'_>,
        change: impl FnOnce(SubMerchant) -> Result<SubMerchant, OperationError>,
    ) -> Result<SubMerchant, OperationError> {
        let tx = self.storage().begin().await?;
        let before = merchants::find(&tx, &merchant.tenant_id, &merchant.id).await?;
        let before = before.ok_or(OperationError::NotFound)?;
        if version.is_some_and(|version| version != before.version) {
            return Err(OperationError::VersionConflict);
        }
        let mut after = change(before.clone())?;
        after.version = before.version.saturating_add(1);
        match merchants::update(&tx, before.version, &after).await {
            Err(error) if error.is_stale() => return Err(OperationError::VersionConflict),
            other => other?,
        }
        act.before = Some(shown(&before));
        act.after = Some(shown(&after));
        audit::record(&tx, by, act, self.now()).await?;
        tx.commit().await?;
        self.inner.merchants.forget_all();
        Ok(after)
    }

    /// Binds an app to a tenant's sub-merchant; `secret` is what mini-program logins need.
    pub async fn add_sub_app(
        &self,
        by: &Actor,
        merchant: &SubMerchant,
        appid: &AppId,
        kind: SubAppKind,
        secret: Option<&str>,
    ) -> Result<SubApp, OperationError> {
        let now = self.now();
        let app = SubApp {
            id: SubAppId::new(now),
            tenant_id: merchant.tenant_id.clone(),
            sub_merchant_id: merchant.id.clone(),
            appid: appid.clone(),
            kind,
            binding: AppBinding::Unconfirmed,
            confirmed: None,
            has_secret: secret.is_some(),
            secret_fingerprint: secret.map(|secret| fingerprint(secret.as_bytes())),
            version: 1,
            created_at: now,
        };
        let sealed = self.seal_app_secret(&app, secret).await?;
        let tx = self.storage().begin().await?;
        hold_open(&tx, &merchant.tenant_id).await?;
        let count = merchants::count_apps(&tx, &merchant.tenant_id, &merchant.id).await?;
        if count >= SUB_APPS_MAX {
            let (what, max) = ("apps of a sub-merchant", SUB_APPS_MAX);
            return Err(OperationError::LimitReached { what, max });
        }
        match merchants::insert_app(&tx, &app, sealed).await {
            Err(error) if error.is_duplicate() => {
                let reason = "is bound to this sub-merchant already";
                return Err(OperationError::invalid("/appid", reason));
            }
            other => other?,
        }
        let act = Act {
            after: Some(shown_app(&app)),
            ..Act::new(scope_of(&app.tenant_id), "sub_app.added", app.id.as_str())
        };
        audit::record(&tx, by, act, now).await?;
        tx.commit().await?;
        self.inner.merchants.forget_all();
        Ok(app)
    }

    /// Changes an app: its kind, its secret, or what somebody saw about its binding.
    pub async fn change_sub_app(
        &self,
        by: &Actor,
        app: &SubApp,
        version: Option<i64>,
        patch: SubAppPatch,
    ) -> Result<SubApp, OperationError> {
        let now = self.now();
        let secret = patch.secret.as_ref().map(|secret| secret.as_str());
        let sealed = self.seal_app_secret(app, secret).await?;
        let tx = self.storage().begin().await?;
        let all = merchants::apps(&tx, &app.tenant_id).await?;
        let before = all.into_iter().find(|one| one.id == app.id);
        let before = before.ok_or(OperationError::NotFound)?;
        if version.is_some_and(|version| version != before.version) {
            return Err(OperationError::VersionConflict);
        }
        let mut after = SubApp {
            kind: patch.kind.unwrap_or(before.kind),
            version: before.version.saturating_add(1),
            ..before.clone()
        };
        if let Some(secret) = secret {
            after.has_secret = true;
            after.secret_fingerprint = Some(fingerprint(secret.as_bytes()));
        }
        if let Some(binding) = patch.binding {
            after.binding = binding;
            after.confirmed = Some(Confirmed {
                by: by.who().to_owned(),
                at: now,
            });
        }
        match merchants::update_app(&tx, before.version, &after, sealed).await {
            Err(error) if error.is_stale() => return Err(OperationError::VersionConflict),
            other => other?,
        }
        let act = Act {
            before: Some(shown_app(&before)),
            after: Some(shown_app(&after)),
            ..Act::new(scope_of(&app.tenant_id), "sub_app.changed", app.id.as_str())
        };
        audit::record(&tx, by, act, now).await?;
        tx.commit().await?;
        self.inner.merchants.forget_all();
        Ok(after)
    }

    async fn seal_app_secret(
        &self,
        app: &SubApp,
        secret: Option<&str>,
    ) -> Result<Option<Vec<u8>>, OperationError> {
        let Some(secret) = secret else {
            return Ok(None);
        };
        let printable = secret.bytes().all(|b| b.is_ascii_graphic());
        if secret.is_empty() || secret.len() > APP_SECRET_BYTES_MAX || !printable {
            let reason = "must be 1 to 128 visible ASCII characters";
            return Err(OperationError::invalid("/secret", reason));
        }
        let (owner, place) = (app.tenant_id.as_str(), app_secret_place(app.id.as_str()));
        let bytes = secret.as_bytes();
        let sealed = self
            .sealing()
            .seal(self.storage(), owner, &place, bytes, self.now());
        Ok(Some(sealed.await?))
    }

    /// What is known about whether a sub-merchant can take money.
    pub async fn readiness(
        &self,
        merchant: &SubMerchant,
    ) -> Result<Vec<Readiness>, OperationError> {
        let (tenant, id) = (&merchant.tenant_id, &merchant.id);
        let confirmed = merchant_readiness::confirmed(self.storage(), tenant, id).await?;
        let paid = merchant_readiness::last_paid(self.storage(), merchant).await?;
        let refunded = merchant_readiness::last_refunded(self.storage(), merchant).await?;
        let told = merchant_readiness::last_told(self.storage(), merchant).await?;
        let seen = |fact| match fact {
            // A payment went through, so everything that WeChat asks for it is there.
            ReadinessFact::ContractSigned
            | ReadinessFact::AppBound
            | ReadinessFact::PaymentDirectory
            | ReadinessFact::ProductAuthorised
            | ReadinessFact::PaymentSeen => paid,
            ReadinessFact::RefundAuthorised | ReadinessFact::RefundSeen => refunded,
            ReadinessFact::EndpointHealthy => told,
        };
        let vouched = |fact| confirmed.iter().find(|(one, _)| *one == fact);
        let lines = ReadinessFact::ALL.iter().map(|fact| Readiness {
            fact: *fact,
            evidence: match (seen(*fact), vouched(*fact)) {
                (Some(at), _) => Evidence::Traffic(at),
                (None, Some((_, who))) => Evidence::Person(who.clone()),
                (None, None) => Evidence::Nothing,
            },
        });
        Ok(lines.collect())
    }

    /// Keeps that a person vouches for a fact, or takes it back; what was said before is not said again.
    ///
    /// `version` is that of the sub-merchant that the person saw; it rises with what is known about it.
    pub async fn confirm_readiness(
        &self,
        by: &Actor,
        merchant: &SubMerchant,
        version: Option<i64>,
        Claim { fact, holds }: Claim,
    ) -> Result<(), OperationError> {
        if !fact.can_be_confirmed() {
            let reason = "is seen in the traffic; nobody can vouch for it";
            return Err(OperationError::invalid("/fact", reason));
        }
        let now = self.now();
        let tx = self.storage().begin().await?;
        let seen = merchants::find(&tx, &merchant.tenant_id, &merchant.id).await?;
        let seen = seen.ok_or(OperationError::NotFound)?;
        if version.is_some_and(|version| version != seen.version) {
            return Err(OperationError::VersionConflict);
        }
        if !write_fact(&tx, by, merchant, fact, holds.then_some(now)).await? {
            return Ok(());
        }
        let known = SubMerchant {
            version: seen.version.saturating_add(1),
            ..seen.clone()
        };
        match merchants::update(&tx, seen.version, &known).await {
            Err(error) if error.is_stale() => return Err(OperationError::VersionConflict),
            other => other?,
        }
        let act = Act {
            after: Some(json!({ "fact": fact, "holds": holds })),
            ..act_on(merchant, "sub_merchant.readiness.confirmed")
        };
        audit::record(&tx, by, act, now).await?;
        Ok(tx.commit().await?)
    }
}

/// Whether there was something to write.
async fn write_fact(
    tx: &Tx,
    by: &Actor,
    merchant: &SubMerchant,
    fact: ReadinessFact,
    since: Option<tributary_domain::clock::Timestamp>,
) -> Result<bool, OperationError> {
    let Some(at) = since else {
        return Ok(merchant_readiness::withdraw(tx, merchant, fact).await?);
    };
    let by = by.who().to_owned();
    merchant_readiness::confirm(tx, merchant, fact, &Confirmed { by, at }).await?;
    Ok(true)
}

const fn rate_fits(rate: u32) -> bool {
    rate <= RATE_UNIT
}

fn check_patch(patch: &SubMerchantPatch) -> Result<(), OperationError> {
    if let Some(name) = &patch.name {
        check_name(name)?;
    }
    if patch.rate.over(None).is_some_and(|rate| !rate_fits(rate)) {
        return Err(OperationError::invalid(
            "/rate",
            "must be 0 to 10000 ten-thousandths",
        ));
    }
    let note = patch.note.as_deref().unwrap_or_default();
    if note.chars().count() > NOTE_CHARS_MAX {
        return Err(OperationError::invalid(
            "/note",
            "must be at most 1000 characters",
        ));
    }
    Ok(())
}

fn act_on<'a>(merchant: &'a SubMerchant, action: &'static str) -> Act<'a> {
    Act::new(scope_of(&merchant.tenant_id), action, merchant.id.as_str())
}

fn shown(merchant: &SubMerchant) -> Value {
    json!({
        "provider_id": merchant.provider_id,
        "sub_mchid": merchant.sub_mchid,
        "name": merchant.name,
        "state": merchant.state,
        "rate": merchant.rate,
        "note": merchant.note,
    })
}

fn shown_app(app: &SubApp) -> Value {
    json!({
        "sub_merchant_id": app.sub_merchant_id,
        "appid": app.appid,
        "kind": app.kind,
        "binding": app.binding,
        "secret": app.secret_fingerprint,
    })
}

/// Where an app's login secret lives.
pub(crate) const fn app_secret_place(row: &str) -> Place<'_> {
    Place {
        table: "sub_apps",
        column: "secret",
        row,
    }
}
