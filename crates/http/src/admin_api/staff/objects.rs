//! People as the admin API takes and shows them.

use poem_openapi::{Enum, Object};
use tributary_domain::clock::Timestamp;
use tributary_domain::ids::TenantId;
use tributary_domain::staff::Role;
use tributary_domain::staff_member::{self, StaffScope};
use tributary_operations::pages::Page;
use tributary_operations::staff::{Invitation, NewStaff, StaffCaller, StaffChange, staff_actions};

use crate::admin_api::actions::{self, AllowedAction};
use crate::admin_api::guards::StaffCall;
use crate::problem::Problem;

/// What a person is responsible for.
#[derive(Debug, Clone, Copy, Enum)]
#[oai(rename_all = "snake_case", remote = "Role")]
pub(crate) enum RoleName {
    PlatformOwner,
    PlatformOps,
    PlatformFinance,
    Auditor,
    Support,
    TenantOwner,
    TenantDev,
    TenantFinance,
    TenantViewer,
}

/// Whether a person may sign in.
#[derive(Debug, Clone, Copy, Enum)]
#[oai(rename_all = "snake_case", remote = "staff_member::StaffState")]
pub(super) enum StaffState {
    Invited,
    Active,
    Suspended,
}

/// A person to be invited.
#[derive(Debug, Object)]
#[oai(deny_unknown_fields)]
pub(super) struct NewStaffMember {
    /// What the person will sign in with.
    email: String,
    /// What others call the person.
    name: String,
    /// What the person will be responsible for: roles of the platform, or with `tenant_id` roles of a tenant.
    roles: Vec<RoleName>,
    /// Makes the person a member of this tenant. Members of a tenant leave it out or name their own.
    tenant_id: Option<String>,
}

/// What is to change of a person.
#[derive(Debug, Object)]
#[oai(deny_unknown_fields)]
pub(super) struct StaffPatch {
    /// What others call the person.
    name: Option<String>,
    /// What the person is responsible for from now on.
    roles: Option<Vec<RoleName>>,
}

/// Why, for the audit log.
#[derive(Debug, Object)]
#[oai(deny_unknown_fields)]
pub(crate) struct Reason {
    /// In your words, on one line.
    pub(crate) reason: String,
}

/// A person with an account.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub(crate) struct StaffMember {
    /// Its id: `stf_…`.
    id: String,
    /// Always `staff`.
    object: String,
    /// What it signs in with.
    email: String,
    /// What others call it.
    name: String,
    /// `invited`, `active` or `suspended`.
    state: StaffState,
    /// What it is responsible for.
    roles: Vec<RoleName>,
    /// The tenant that it is a member of; absent for staff of the platform.
    tenant_id: Option<String>,
    /// Whether it has a second factor.
    second_factor: bool,
    /// When it last signed in (RFC 3339).
    last_sign_in_at: Option<String>,
    /// Until when its invitation may be taken up (RFC 3339).
    invitation_expires_at: Option<String>,
    /// When it was made (RFC 3339).
    created_at: String,
    /// When it last changed (RFC 3339).
    updated_at: String,
    /// What you may do with it.
    actions: Vec<AllowedAction>,
}

/// A page of people, the newest first.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct StaffPage {
    /// Always `list`.
    object: String,
    /// The people.
    data: Vec<StaffMember>,
    /// Whether there are more.
    has_more: bool,
    /// Names the next page.
    next_cursor: Option<String>,
}

/// A person with its invitation.
#[derive(Object)]
pub(super) struct Invited {
    /// Who is invited.
    staff: StaffMember,
    /// What the person needs to come. It is shown this once: hand it over.
    invitation_token: String,
    /// The same as an address of the admin UI.
    invitation_url: String,
    /// Until when it may be taken up (RFC 3339).
    expires_at: String,
}

/// How many sessions were ended.
#[derive(Debug, Object)]
pub(super) struct EndedSessions {
    /// The number of sessions.
    ended: u64,
}

impl EndedSessions {
    pub(super) const fn new(ended: u64) -> Self {
        Self { ended }
    }
}

impl NewStaffMember {
    pub(super) fn into_new(self) -> Result<NewStaff, Problem> {
        let tenant = self.tenant_id.as_deref().map(str::parse::<TenantId>);
        let tenant = tenant
            .transpose()
            .map_err(|error| Problem::invalid_field("/tenant_id", error))?;
        Ok(NewStaff {
            email: self.email,
            name: self.name,
            roles: self.roles.into_iter().map(Into::into).collect(),
            scope: StaffScope::of_row(tenant),
        })
    }
}

impl From<StaffPatch> for StaffChange {
    fn from(patch: StaffPatch) -> Self {
        let roles = patch.roles;
        Self {
            name: patch.name,
            roles: roles.map(|roles| roles.into_iter().map(Into::into).collect()),
        }
    }
}

impl StaffMember {
    /// A person as `caller` sees it.
    pub(super) fn new(member: staff_member::StaffMember, caller: &StaffCaller) -> Self {
        let actions = actions::shown(staff_actions(caller, &member));
        Self {
            actions,
            ..Self::seen_by_itself(member)
        }
    }

    /// A person that is not signed in yet.
    pub(crate) fn seen_by_itself(member: staff_member::StaffMember) -> Self {
        Self {
            id: member.id.to_string(),
            object: String::from("staff"),
            email: member.email.to_string(),
            name: member.name,
            state: member.state.into(),
            roles: member.roles.into_iter().map(Into::into).collect(),
            tenant_id: member.scope.tenant().map(ToString::to_string),
            second_factor: member.second_factor_at.is_some(),
            last_sign_in_at: member.last_sign_in_at.map(Timestamp::to_rfc3339),
            invitation_expires_at: member.invitation_expires_at.map(Timestamp::to_rfc3339),
            created_at: member.created_at.to_rfc3339(),
            updated_at: member.updated_at.to_rfc3339(),
            actions: Vec::new(),
        }
    }
}

impl StaffPage {
    pub(super) fn new(page: Page<staff_member::StaffMember>, caller: &StaffCaller) -> Self {
        let shown = page.items.into_iter();
        Self {
            object: String::from("list"),
            data: shown
                .map(|member| StaffMember::new(member, caller))
                .collect(),
            has_more: page.next_cursor.is_some(),
            next_cursor: page.next_cursor,
        }
    }
}

impl Invited {
    pub(super) fn new(invitation: Invitation, call: &StaffCall) -> Self {
        let token = invitation.token.reveal();
        let base = call.operations.public_url();
        Self {
            // Behind the mark, so that no server on the way logs it.
            invitation_url: format!("{base}/admin/invitation#{token}"),
            invitation_token: token.to_owned(),
            expires_at: invitation.expires_at.to_rfc3339(),
            staff: StaffMember::new(invitation.member, &call.caller),
        }
    }
}
