//! Tenants: their life and what is agreed with them.

mod managed;

use serde_json::{Value, json};
use tributary_domain::audit::AuditScope;
use tributary_domain::endpoint::RetrySchedule;
use tributary_domain::event::API_VERSIONS;
use tributary_domain::field::FieldError;
use tributary_domain::ids::TenantId;
use tributary_domain::late_payment::LatePolicy;
use tributary_domain::staff::Actor;
use tributary_domain::tenant::{Tenant, TenantSettings, TenantState};
use tributary_storage::{Tx, staff_sessions, tenants};

use crate::audit::{self, Act};
use crate::pages::{Page, check_limit, cut};
use crate::staff::check_reason;
use crate::{OperationError, Operations};

pub use managed::tenant_actions;

const NAME_CHARS_MAX: usize = 100;
const CONTACT_CHARS_MAX: usize = 191;

/// A tenant to be.
#[derive(Clone, Debug, Default)]
pub struct NewTenant {
    /// What people call it.
    pub name: String,
    /// Whom to write to about it.
    pub contact: Option<String>,
    /// Whether it is only invited: it orders nothing in live mode until a person activates it.
    pub invited: bool,
    /// What is agreed with it.
    pub settings: TenantSettings,
}

impl From<&str> for NewTenant {
    fn from(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            ..Self::default()
        }
    }
}

/// What is to change about a tenant; what is absent stays.
#[derive(Clone, Debug, Default)]
pub struct TenantPatch {
    /// Its name.
    pub name: Option<String>,
    /// Whom to write to; an empty text is nobody.
    pub contact: Option<String>,
    /// All its settings.
    pub settings: Option<TenantSettings>,
    /// What becomes of late money.
    pub late_policy: Option<LatePolicy>,
}

/// Which tenants to list.
#[derive(Clone, Debug, Default)]
pub struct TenantQuery {
    /// Only in this state.
    pub state: Option<TenantState>,
    /// Only with this in the name.
    pub name: Option<String>,
    /// Where the page before ended.
    pub cursor: Option<String>,
    /// How many.
    pub limit: Option<u64>,
}

impl Operations {
    /// Adds a tenant.
    pub async fn create_tenant(
        &self,
        by: &Actor,
        new: impl Into<NewTenant>,
    ) -> Result<Tenant, OperationError> {
        let new = new.into();
        let faults = faults_of(Some(&new.name), new.contact.as_deref(), Some(&new.settings));
        refuse(faults)?;
        let now = self.now();
        let tenant = Tenant {
            id: TenantId::new(now),
            name: new.name,
            contact: new.contact.filter(|contact| !contact.is_empty()),
            state: if new.invited {
                TenantState::Invited
            } else {
                TenantState::Active
            },
            settings: new.settings,
            version: 1,
            late_policy: LatePolicy::default(),
            created_at: now,
        };
        let tx = self.storage().begin().await?;
        tenants::insert(&tx, &tenant).await?;
        let act = Act {
            after: Some(shown(&tenant)),
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

    /// A page of tenants, the newest first.
    pub async fn tenants_page(&self, query: &TenantQuery) -> Result<Page<Tenant>, OperationError> {
        let limit = check_limit(query.limit)?;
        let after = cursor(query.cursor.as_deref())?;
        let longer = limit.saturating_add(1);
        let name = query.name.as_deref();
        if name.is_some_and(|part| part.chars().count() > NAME_CHARS_MAX) {
            let reason = "must be at most 100 characters";
            return Err(OperationError::invalid("name", reason));
        }
        let rows =
            tenants::page_all_tenants(self.storage(), query.state, name, after.as_ref(), longer);
        Ok(cut(rows.await?, limit, |tenant| tenant.id.to_string()))
    }

    /// A tenant.
    pub async fn tenant(&self, id: &TenantId) -> Result<Tenant, OperationError> {
        let found = tenants::find(self.storage(), id).await?;
        found.ok_or(OperationError::NotFound)
    }

    /// Changes a tenant; `version` is the one that the editor saw.
    pub async fn change_tenant(
        &self,
        by: &Actor,
        id: &TenantId,
        version: Option<i64>,
        patch: TenantPatch,
    ) -> Result<Tenant, OperationError> {
        let (name, contact) = (patch.name.as_deref(), patch.contact.as_deref());
        refuse(faults_of(name, contact, patch.settings.as_ref()))?;
        let change = |mut tenant: Tenant| {
            tenant.name = patch.name.unwrap_or(tenant.name);
            tenant.contact = match patch.contact {
                Some(contact) => Some(contact).filter(|contact| !contact.is_empty()),
                None => tenant.contact,
            };
            tenant.settings = patch.settings.unwrap_or(tenant.settings);
            tenant.late_policy = patch.late_policy.unwrap_or(tenant.late_policy);
            Ok(tenant)
        };
        let act = Act::new(scope_of(id), "tenant.changed", id.as_str());
        self.rewrite_tenant(by, version, act, change).await
    }

    /// Brings a tenant into another state. A person says why.
    pub async fn set_tenant_state(
        &self,
        by: &Actor,
        id: &TenantId,
        next: TenantState,
        reason: &str,
    ) -> Result<Tenant, OperationError> {
        check_reason(reason)?;
        let change = |mut tenant: Tenant| {
            if !tenant.state.may_become(next) {
                let state = tenant.state.as_str().to_owned();
                return Err(OperationError::StateConflict { state });
            }
            tenant.state = next;
            Ok(tenant)
        };
        let act = Act {
            reason: Some(reason),
            ..Act::new(scope_of(id), "tenant.state.changed", id.as_str())
        };
        let tenant = self.rewrite_tenant(by, None, act, change).await?;
        self.forget_callers();
        Ok(tenant)
    }

    async fn rewrite_tenant(
        &self,
        by: &Actor,
        version: Option<i64>,
        mut act: Act<'_>,
        change: impl FnOnce(Tenant) -> Result<Tenant, OperationError>,
    ) -> Result<Tenant, OperationError> {
        let tx = self.storage().begin().await?;
        let AuditScope::Tenant(id) = &act.scope else {
            return Err(OperationError::Internal(
                "a tenant's act without one".into(),
            ));
        };
        let before = tenants::find(&tx, id)
            .await?
            .ok_or(OperationError::NotFound)?;
        if version.is_some_and(|version| version != before.version) {
            return Err(OperationError::VersionConflict);
        }
        let mut after = change(before.clone())?;
        after.version = before.version.saturating_add(1);
        match tenants::update(&tx, before.version, &after).await {
            Err(error) if error.is_stale() => return Err(OperationError::VersionConflict),
            other => other?,
        }
        if after.state == TenantState::Closed {
            staff_sessions::end_all_of_tenant(&tx, id, self.now()).await?;
        }
        act.before = Some(shown(&before));
        act.after = Some(shown(&after));
        audit::record(&tx, by, act, self.now()).await?;
        tx.commit().await?;
        self.inner.merchants.forget_all();
        Ok(after)
    }
}

/// Keeps a tenant from being closed until the transaction ends; one that is closed already gets nothing new.
pub(crate) async fn hold_open(tx: &Tx, id: &TenantId) -> Result<(), OperationError> {
    let held = tenants::hold(tx, id).await?;
    let state = held.ok_or(OperationError::NotFound)?.state;
    if state == TenantState::Closed {
        let state = state.as_str().to_owned();
        return Err(OperationError::StateConflict { state });
    }
    Ok(())
}

/// A tenant as the audit log shows it.
fn shown(tenant: &Tenant) -> Value {
    json!({
        "name": tenant.name,
        "contact": tenant.contact,
        "state": tenant.state,
        "settings": tenant.settings,
        "late_policy": tenant.late_policy,
    })
}

fn faults_of(
    name: Option<&str>,
    contact: Option<&str>,
    settings: Option<&TenantSettings>,
) -> Vec<FieldError> {
    let mut faults = Vec::new();
    if let Some(Err(OperationError::Invalid(found))) = name.map(check_name) {
        faults.extend(found);
    }
    let too_long = |text: &str| text.chars().count() > CONTACT_CHARS_MAX;
    if contact.is_some_and(|text| too_long(text) || text.chars().any(char::is_control)) {
        faults.push(FieldError::new(
            "/contact",
            "must be at most 191 characters",
        ));
    }
    if let Some(settings) = settings {
        faults.extend(setting_faults(settings));
    }
    faults
}

fn setting_faults(settings: &TenantSettings) -> Vec<FieldError> {
    let mut faults = Vec::new();
    let mut fault = |field: &str, reason: String| {
        faults.push(FieldError::new(format!("/settings/{field}"), reason));
    };
    let minutes = settings.order_expires_after_minutes;
    if minutes.is_some_and(|m| m == 0 || m > TenantSettings::ORDER_MINUTES_MAX) {
        fault("order_expires_after_minutes", "must be 1 to 10080".into());
    }
    let schedule = settings.webhook_schedule.as_deref();
    if schedule.is_some_and(|word| RetrySchedule::parse(word).is_none()) {
        fault("webhook_schedule", "must be standard or wechat".into());
    }
    let days = TenantSettings::EVENTS_DAYS_MIN..=TenantSettings::EVENTS_DAYS_MAX;
    let kept = settings.events_kept_days;
    if kept.is_some_and(|kept| !days.contains(&kept)) {
        fault("events_kept_days", "must be 7 to 90".into());
    }
    let version = settings.webhook_api_version.as_deref();
    if version.is_some_and(|word| !API_VERSIONS.contains(&word)) {
        let known = API_VERSIONS.join(", ");
        fault("webhook_api_version", format!("must be one of {known}"));
    }
    faults
}

fn refuse(faults: Vec<FieldError>) -> Result<(), OperationError> {
    if faults.is_empty() {
        Ok(())
    } else {
        Err(OperationError::Invalid(faults))
    }
}

/// The chain of a tenant.
pub(crate) fn scope_of(tenant: &TenantId) -> AuditScope {
    AuditScope::Tenant(tenant.clone())
}

/// The id behind which a page begins.
pub(crate) fn cursor<T: std::str::FromStr>(
    text: Option<&str>,
) -> Result<Option<T>, OperationError> {
    let parsed = text.map(str::parse).transpose();
    parsed.map_err(|_| OperationError::invalid("cursor", "is not one that a page gave"))
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
