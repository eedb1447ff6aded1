//! Tenants as the admin API takes and shows them.

use poem_openapi::{Enum, Object};
use tributary_domain::late_payment::{self, LatePolicy};
use tributary_domain::tenant;
use tributary_operations::pages::Page;
use tributary_operations::staff::StaffCaller;
use tributary_operations::tenants::{self, tenant_actions};

use crate::admin_api::actions::{self, AllowedAction};

/// Where a tenant stands.
#[derive(Debug, Clone, Copy, Enum)]
#[oai(rename_all = "snake_case", remote = "tenant::TenantState")]
pub(super) enum TenantState {
    Invited,
    Active,
    Suspended,
    Closed,
}

/// What becomes of money that did not come in the ordinary way.
#[derive(Debug, Clone, Copy, Enum)]
#[oai(rename_all = "snake_case", remote = "late_payment::LateDecision")]
pub(super) enum LatePolicyDecision {
    Accept,
    Refund,
    Hold,
}

/// What is agreed with a tenant. What is left out is as the installation has it.
#[derive(Debug, Object)]
#[oai(deny_unknown_fields, skip_serializing_if_is_none)]
pub(super) struct TenantSettings {
    /// After how many minutes an order ends that does not say when.
    order_expires_after_minutes: Option<u32>,
    /// How new webhook endpoints are tried again: `standard` or `wechat`.
    webhook_schedule: Option<String>,
    /// Which version of the events new webhook endpoints get.
    webhook_api_version: Option<String>,
    /// After how many days its events go, and its deliveries with their attempts; the installation keeps events for 90
    /// days and attempts for 30.
    events_kept_days: Option<u32>,
}

/// What becomes of money that comes late, twice, or with another amount.
#[derive(Debug, Object)]
#[oai(deny_unknown_fields)]
pub(super) struct TenantLatePolicy {
    /// Of a payment after the close.
    paid_late: LatePolicyDecision,
    /// Of a second payment of one order.
    duplicate_paid: LatePolicyDecision,
    /// Of a payment of another amount.
    amount_mismatch: LatePolicyDecision,
}

/// A tenant to be.
#[derive(Debug, Object)]
#[oai(deny_unknown_fields)]
pub(super) struct NewTenant {
    /// What people call it.
    name: String,
    /// Whom to write to about it.
    contact: Option<String>,
    /// Whether it is only invited: it orders nothing in live mode until a person activates it. Left out, it is active
    /// at once.
    invited: Option<bool>,
    /// What is agreed with it.
    settings: Option<TenantSettings>,
}

/// What is to change about a tenant.
#[derive(Debug, Object)]
#[oai(deny_unknown_fields)]
pub(super) struct TenantPatch {
    /// What people call it.
    name: Option<String>,
    /// Whom to write to about it; an empty text is nobody.
    contact: Option<String>,
    /// All that is agreed with it.
    settings: Option<TenantSettings>,
    /// What becomes of late money from now on.
    late_policy: Option<TenantLatePolicy>,
}

/// Another state, and why.
#[derive(Debug, Object)]
#[oai(deny_unknown_fields)]
pub(super) struct TenantStateChange {
    /// The next state; nothing becomes `invited` again.
    pub(super) state: TenantState,
    /// In your words, for the audit log.
    pub(super) reason: String,
}

/// A customer of the platform.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct Tenant {
    /// Its id: `ten_…`.
    id: String,
    /// Always `tenant`.
    object: String,
    /// What people call it.
    name: String,
    /// Whom to write to about it.
    contact: Option<String>,
    /// `invited`, `active`, `suspended` or `closed`.
    state: TenantState,
    /// What is agreed with it.
    settings: TenantSettings,
    /// What becomes of late money.
    late_policy: TenantLatePolicy,
    /// When it was made (RFC 3339).
    created_at: String,
    /// What you may do with it.
    actions: Vec<AllowedAction>,
}

/// A page of tenants, the newest first.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct TenantPage {
    /// Always `list`.
    object: String,
    /// The tenants.
    data: Vec<Tenant>,
    /// Whether there are more.
    has_more: bool,
    /// Names the next page.
    next_cursor: Option<String>,
}

impl From<TenantSettings> for tenant::TenantSettings {
    fn from(settings: TenantSettings) -> Self {
        Self {
            order_expires_after_minutes: settings.order_expires_after_minutes,
            webhook_schedule: settings.webhook_schedule,
            webhook_api_version: settings.webhook_api_version,
            events_kept_days: settings.events_kept_days,
        }
    }
}

impl From<tenant::TenantSettings> for TenantSettings {
    fn from(settings: tenant::TenantSettings) -> Self {
        Self {
            order_expires_after_minutes: settings.order_expires_after_minutes,
            webhook_schedule: settings.webhook_schedule,
            webhook_api_version: settings.webhook_api_version,
            events_kept_days: settings.events_kept_days,
        }
    }
}

impl From<TenantLatePolicy> for LatePolicy {
    fn from(policy: TenantLatePolicy) -> Self {
        Self {
            paid_late: policy.paid_late.into(),
            duplicate_paid: policy.duplicate_paid.into(),
            amount_mismatch: policy.amount_mismatch.into(),
        }
    }
}

impl From<LatePolicy> for TenantLatePolicy {
    fn from(policy: LatePolicy) -> Self {
        Self {
            paid_late: policy.paid_late.into(),
            duplicate_paid: policy.duplicate_paid.into(),
            amount_mismatch: policy.amount_mismatch.into(),
        }
    }
}

impl From<NewTenant> for tenants::NewTenant {
    fn from(new: NewTenant) -> Self {
        Self {
            name: new.name,
            contact: new.contact,
            invited: new.invited.unwrap_or_default(),
            settings: new.settings.map(Into::into).unwrap_or_default(),
        }
    }
}

impl From<TenantPatch> for tenants::TenantPatch {
    fn from(patch: TenantPatch) -> Self {
        Self {
            name: patch.name,
            contact: patch.contact,
            settings: patch.settings.map(Into::into),
            late_policy: patch.late_policy.map(Into::into),
        }
    }
}

impl Tenant {
    /// A tenant as `caller` sees it.
    pub(super) fn new(tenant: tenant::Tenant, caller: &StaffCaller) -> Self {
        Self {
            actions: actions::shown(tenant_actions(caller, &tenant)),
            id: tenant.id.to_string(),
            object: String::from("tenant"),
            name: tenant.name,
            contact: tenant.contact,
            state: tenant.state.into(),
            settings: tenant.settings.into(),
            late_policy: tenant.late_policy.into(),
            created_at: tenant.created_at.to_rfc3339(),
        }
    }
}

impl TenantPage {
    pub(super) fn new(page: Page<tenant::Tenant>, caller: &StaffCaller) -> Self {
        let shown = page.items.into_iter();
        Self {
            object: String::from("list"),
            data: shown.map(|tenant| Tenant::new(tenant, caller)).collect(),
            has_more: page.next_cursor.is_some(),
            next_cursor: page.next_cursor,
        }
    }
}
