//! Sub-merchants, apps and facts about them as the admin API takes and shows them.

use poem_openapi::{Enum, Object};
use tributary_domain::clock::Timestamp;
use tributary_domain::merchant::{self, AppId, Mchid};
use tributary_domain::tenant::Mode;
use tributary_operations::merchants::{
    self, Evidence, RateChange, Readiness, sub_app_actions, sub_merchant_actions,
};
use tributary_operations::pages::Page;
use tributary_operations::staff::StaffCaller;
use zeroize::Zeroizing;

use crate::admin_api::actions::{self, AllowedAction};
use crate::json::Clearable;
use crate::problem::Problem;

/// Which of the two worlds a sub-merchant lives in.
#[derive(Debug, Clone, Copy, Enum)]
#[oai(rename_all = "snake_case", remote = "Mode")]
pub(super) enum SubMerchantMode {
    Live,
    Test,
}

/// Whether a sub-merchant takes orders.
#[derive(Debug, Clone, Copy, Enum)]
#[oai(rename_all = "snake_case", remote = "merchant::SubMerchantState")]
pub(super) enum SubMerchantState {
    Active,
    Suspended,
}

/// What kind of app it is.
#[derive(Debug, Clone, Copy, Enum)]
#[oai(rename_all = "snake_case", remote = "merchant::SubAppKind")]
pub(super) enum SubAppKind {
    MiniProgram,
    OfficialAccount,
    App,
}

/// Whether somebody saw in WeChat's console that the app is bound.
#[derive(Debug, Clone, Copy, Enum)]
#[oai(rename_all = "snake_case", remote = "merchant::AppBinding")]
pub(super) enum SubAppBinding {
    Unconfirmed,
    Bound,
    Unbound,
}

/// What must be true before a sub-merchant can take money.
#[derive(Debug, Clone, Copy, Enum)]
#[oai(rename_all = "snake_case", remote = "merchant::ReadinessFact")]
pub(super) enum ReadinessFact {
    ContractSigned,
    AppBound,
    PaymentDirectory,
    ProductAuthorised,
    RefundAuthorised,
    EndpointHealthy,
    PaymentSeen,
    RefundSeen,
}

/// How it is known that a fact holds.
#[derive(Debug, Clone, Copy, Enum)]
#[oai(rename_all = "snake_case")]
pub(super) enum ReadinessSource {
    Traffic,
    Person,
    Nothing,
}

/// A sub-merchant to be.
#[derive(Debug, Object)]
#[oai(deny_unknown_fields)]
pub(super) struct NewSubMerchant {
    /// Whose it will be.
    tenant_id: String,
    /// Under which provider; it takes its mode.
    provider_id: String,
    /// Its number at WeChat Pay.
    sub_mchid: String,
    /// What people call it.
    name: String,
}

/// What is to change about a sub-merchant.
#[derive(Debug, Object)]
#[oai(deny_unknown_fields)]
pub(super) struct SubMerchantPatch {
    /// What people call it.
    name: Option<String>,
    /// WeChat's fee in ten-thousandths: 60 is 0.60 %. `null` is that nobody knows it.
    rate: Clearable<u32>,
    /// What staff should know about it; an empty text is nothing.
    note: Option<String>,
}

/// Another state, and why.
#[derive(Debug, Object)]
#[oai(deny_unknown_fields)]
pub(super) struct SubMerchantStateChange {
    /// The next state.
    pub(super) state: SubMerchantState,
    /// In your words, for the audit log.
    pub(super) reason: String,
}

/// Whom WeChat Pay pays.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct SubMerchant {
    /// Its id: `sub_…`.
    id: String,
    /// Always `sub_merchant`.
    object: String,
    /// Whose it is.
    tenant_id: String,
    /// Under which provider.
    provider_id: String,
    /// `live` or `test`: its provider's.
    mode: SubMerchantMode,
    /// Its number at WeChat Pay.
    sub_mchid: String,
    /// What people call it.
    name: String,
    /// `active` or `suspended`.
    state: SubMerchantState,
    /// WeChat's fee in ten-thousandths, as somebody wrote it down.
    rate: Option<u32>,
    /// What staff should know about it; a tenant's members do not see it.
    note: Option<String>,
    /// When it was made (RFC 3339).
    created_at: String,
    /// What you may do with it.
    actions: Vec<AllowedAction>,
}

/// A page of sub-merchants, the newest first.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct SubMerchantPage {
    /// Always `list`.
    object: String,
    /// The sub-merchants.
    data: Vec<SubMerchant>,
    /// Whether there are more.
    has_more: bool,
    /// Names the next page.
    next_cursor: Option<String>,
}

/// An app to be bound.
#[derive(Object)]
#[oai(deny_unknown_fields)]
pub(super) struct NewSubApp {
    /// Its id at WeChat.
    appid: String,
    /// What kind of app.
    kind: SubAppKind,
    /// The `AppSecret` that mini-program logins need. It is sealed, and never shown again.
    #[oai(write_only)]
    secret: Option<String>,
}

/// What is to change about an app.
#[derive(Object)]
#[oai(deny_unknown_fields)]
pub(super) struct SubAppPatch {
    /// What kind of app.
    kind: Option<SubAppKind>,
    /// What you saw in WeChat's console.
    binding: Option<SubAppBinding>,
    /// Another `AppSecret`. It is sealed, and never shown again.
    #[oai(write_only)]
    secret: Option<String>,
}

/// An app of a sub-merchant.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct SubApp {
    /// Its id: `app_…`.
    id: String,
    /// Always `sub_app`.
    object: String,
    /// Whose it is.
    tenant_id: String,
    /// Of which sub-merchant.
    sub_merchant_id: String,
    /// Its id at WeChat.
    appid: String,
    /// What kind of app.
    kind: SubAppKind,
    /// `unconfirmed` until somebody looked.
    binding: SubAppBinding,
    /// Who looked: a person's id, or an operator.
    confirmed_by: Option<String>,
    /// When (RFC 3339).
    confirmed_at: Option<String>,
    /// Whether a secret is kept for it.
    has_secret: bool,
    /// The start of the secret's hash, to tell two apart.
    secret_fingerprint: Option<String>,
    /// When it was made (RFC 3339).
    created_at: String,
    /// What you may do with it.
    actions: Vec<AllowedAction>,
}

/// All apps of a sub-merchant.
#[derive(Debug, Object)]
pub(super) struct SubAppList {
    /// Always `list`.
    object: String,
    /// The apps, the oldest first.
    data: Vec<SubApp>,
    /// Always `false`.
    has_more: bool,
}

/// What you say about a fact.
#[derive(Debug, Object)]
#[oai(deny_unknown_fields)]
pub(super) struct ReadinessClaim {
    /// Whether you vouch for it; `false` takes back what somebody vouched for.
    pub(super) holds: bool,
}

/// One thing that must be true before a sub-merchant can take money.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct ReadinessLine {
    /// Which.
    fact: ReadinessFact,
    /// Whether it is known to be so.
    holds: bool,
    /// How it is known.
    source: ReadinessSource,
    /// Whether a person can vouch for it.
    can_be_confirmed: bool,
    /// Who vouches for it.
    confirmed_by: Option<String>,
    /// Since when it is vouched for, or when the traffic last showed it (RFC 3339).
    at: Option<String>,
}

/// All that must be true, each with how it is known.
#[derive(Debug, Object)]
pub(super) struct ReadinessList {
    /// Always `list`.
    object: String,
    /// The facts.
    data: Vec<ReadinessLine>,
    /// Always `false`.
    has_more: bool,
}

impl NewSubMerchant {
    pub(super) fn into_new(self) -> Result<merchants::NewSubMerchant, Problem> {
        Ok(merchants::NewSubMerchant {
            tenant_id: field("/tenant_id", self.tenant_id.parse())?,
            provider_id: field("/provider_id", self.provider_id.parse())?,
            sub_mchid: field("/sub_mchid", Mchid::parse(&self.sub_mchid))?,
            name: self.name,
        })
    }
}

fn field<T, E: std::fmt::Display>(name: &str, parsed: Result<T, E>) -> Result<T, Problem> {
    parsed.map_err(|error| Problem::invalid_field(name, error))
}

impl From<SubMerchantPatch> for merchants::SubMerchantPatch {
    fn from(patch: SubMerchantPatch) -> Self {
        Self {
            name: patch.name,
            rate: match patch.rate {
                Clearable::Stays => RateChange::Stays,
                Clearable::Cleared => RateChange::Cleared,
                Clearable::Set(rate) => RateChange::Set(rate),
            },
            note: patch.note,
        }
    }
}

impl NewSubApp {
    pub(super) fn into_new(self) -> Result<merchants::NewSubApp, Problem> {
        Ok(merchants::NewSubApp {
            secret: self.secret.map(Zeroizing::new),
            appid: field("/appid", AppId::parse(&self.appid))?,
            kind: self.kind.into(),
        })
    }
}

impl From<SubAppPatch> for merchants::SubAppPatch {
    fn from(patch: SubAppPatch) -> Self {
        Self {
            kind: patch.kind.map(Into::into),
            binding: patch.binding.map(Into::into),
            secret: patch.secret.map(Zeroizing::new),
        }
    }
}

impl SubMerchant {
    /// A sub-merchant as `caller` sees it.
    pub(super) fn new(merchant: merchant::SubMerchant, caller: &StaffCaller) -> Self {
        Self {
            actions: actions::shown(sub_merchant_actions(caller, &merchant)),
            id: merchant.id.to_string(),
            object: String::from("sub_merchant"),
            tenant_id: merchant.tenant_id.to_string(),
            provider_id: merchant.provider_id.to_string(),
            mode: merchant.mode.into(),
            sub_mchid: merchant.sub_mchid.to_string(),
            name: merchant.name,
            state: merchant.state.into(),
            rate: merchant.rate,
            note: merchant.note,
            created_at: merchant.created_at.to_rfc3339(),
        }
    }
}

impl SubMerchantPage {
    pub(super) fn new(page: Page<merchant::SubMerchant>, caller: &StaffCaller) -> Self {
        let shown = page.items.into_iter();
        Self {
            object: String::from("list"),
            data: shown
                .map(|merchant| SubMerchant::new(merchant, caller))
                .collect(),
            has_more: page.next_cursor.is_some(),
            next_cursor: page.next_cursor,
        }
    }
}

impl SubApp {
    /// An app as `caller` sees it.
    pub(super) fn new(app: merchant::SubApp, caller: &StaffCaller) -> Self {
        let (confirmed_by, confirmed_at) = match app.confirmed {
            Some(who) => (Some(who.by), Some(who.at.to_rfc3339())),
            None => (None, None),
        };
        Self {
            actions: actions::shown(sub_app_actions(caller)),
            id: app.id.to_string(),
            object: String::from("sub_app"),
            tenant_id: app.tenant_id.to_string(),
            sub_merchant_id: app.sub_merchant_id.to_string(),
            appid: app.appid.to_string(),
            kind: app.kind.into(),
            binding: app.binding.into(),
            confirmed_by,
            confirmed_at,
            has_secret: app.has_secret,
            secret_fingerprint: app.secret_fingerprint,
            created_at: app.created_at.to_rfc3339(),
        }
    }
}

impl SubAppList {
    pub(super) fn new(apps: Vec<merchant::SubApp>, caller: &StaffCaller) -> Self {
        let shown = apps.into_iter().map(|app| SubApp::new(app, caller));
        Self {
            object: String::from("list"),
            data: shown.collect(),
            has_more: false,
        }
    }
}

impl From<Readiness> for ReadinessLine {
    fn from(line: Readiness) -> Self {
        let holds = line.holds();
        let (source, confirmed_by, at) = match line.evidence {
            Evidence::Traffic(at) => (ReadinessSource::Traffic, None, Some(at)),
            Evidence::Person(who) => (ReadinessSource::Person, Some(who.by), Some(who.at)),
            Evidence::Nothing => (ReadinessSource::Nothing, None, None),
        };
        Self {
            fact: line.fact.into(),
            holds,
            source,
            can_be_confirmed: line.fact.can_be_confirmed(),
            confirmed_by,
            at: at.map(Timestamp::to_rfc3339),
        }
    }
}

impl From<Vec<Readiness>> for ReadinessList {
    fn from(lines: Vec<Readiness>) -> Self {
        Self {
            object: String::from("list"),
            data: lines.into_iter().map(Into::into).collect(),
            has_more: false,
        }
    }
}
