//! People, managed by those who may: seen, given other roles, suspended, signed out.

use serde_json::json;
use tributary_domain::clock::Timestamp;
use tributary_domain::ids::{StaffId, TenantId};
use tributary_domain::staff::{Permission, Role};
use tributary_domain::staff_member::{StaffMember, StaffScope, StaffSession, StaffState};
use tributary_storage::{Tx, staff, staff_sessions};

use super::caller::StaffCaller;
use super::enrolment::logged;
use super::invitations::{check_roles, may_be_reinvited};
use super::scope_of;
use crate::actions::Action;
use crate::approvals::may_become_owner;
use crate::audit::{self, Act};
use crate::pages::{Page, cut};
use crate::tenants::check_name;
use crate::{OperationError, Operations};

/// The longest reason that is kept.
const REASON_CHARS_MAX: usize = 191;

/// Which people to list.
#[derive(Clone, Debug, Default)]
pub struct StaffListing {
    /// The members of this tenant, in place of the provider's staff.
    pub tenant_id: Option<TenantId>,
    /// Only those in this state.
    pub state: Option<StaffState>,
    /// Where the page before ended.
    pub cursor: Option<StaffId>,
    /// How many.
    pub limit: u64,
}

/// What is to change of a person; what is absent stays.
#[derive(Clone, Debug, Default)]
pub struct StaffChange {
    /// What others call the person.
    pub name: Option<String>,
    /// What the person is responsible for.
    pub roles: Option<Vec<Role>>,
}

impl Operations {
    /// Lists people, the newest first. Needs [`Permission::StaffRead`].
    pub async fn list_staff(
        &self,
        caller: &StaffCaller,
        listing: StaffListing,
    ) -> Result<Page<StaffMember>, OperationError> {
        caller.require(Permission::StaffRead)?;
        let tenant = caller.tenant(listing.tenant_id.as_ref())?;
        let of = StaffScope::of_row(tenant.cloned());
        let (state, before) = (listing.state, listing.cursor.as_ref());
        let limit = listing.limit.saturating_add(1);
        let rows = staff::list(self.storage(), &of, state, before, limit).await?;
        Ok(cut(rows, listing.limit, |member| member.id.to_string()))
    }

    /// One person. Needs [`Permission::StaffRead`].
    pub async fn get_staff(
        &self,
        caller: &StaffCaller,
        id: &StaffId,
    ) -> Result<StaffMember, OperationError> {
        caller.require(Permission::StaffRead)?;
        self.visible_staff(caller, id).await
    }

    /// The open sessions of a person. Needs [`Permission::StaffRead`].
    pub async fn sessions_of_staff(
        &self,
        caller: &StaffCaller,
        id: &StaffId,
    ) -> Result<Vec<StaffSession>, OperationError> {
        let member = self.get_staff(caller, id).await?;
        self.open_sessions(&member.id).await
    }

    pub(super) async fn visible_staff(
        &self,
        caller: &StaffCaller,
        id: &StaffId,
    ) -> Result<StaffMember, OperationError> {
        let found = staff::find(self.storage(), &caller.scope, id).await?;
        found.ok_or(OperationError::NotFound)
    }

    /// Changes a person's name or roles, provided that it is still at `version`. Needs [`Permission::StaffWrite`], for
    /// roles a fresh proof besides; other roles end the person's sessions.
    pub async fn change_staff(
        &self,
        caller: &StaffCaller,
        id: &StaffId,
        version: i64,
        change: StaffChange,
    ) -> Result<StaffMember, OperationError> {
        caller.require(Permission::StaffWrite)?;
        let before = self.visible_staff(caller, id).await?;
        if before.version != version {
            return Err(OperationError::VersionConflict);
        }
        let mut after = StaffMember {
            updated_at: self.now(),
            ..before.clone()
        };
        if let Some(name) = change.name {
            check_name(&name)?;
            after.name = name;
        }
        if let Some(roles) = change.roles.filter(|roles| *roles != before.roles) {
            caller.require_proof()?;
            not_oneself(caller, id)?;
            check_roles(&before.scope, &roles)?;
            if roles.contains(&Role::PlatformOwner) && !before.roles.contains(&Role::PlatformOwner)
            {
                let how = format!("ask with POST /admin/v1/staff/{id}/ownership");
                return Err(OperationError::ApprovalRequired { how });
            }
            after.roles = roles;
        }
        let tx = self.storage().begin().await?;
        self.rewrite(&tx, caller, "staff.changed", (&before, &after), None)
            .await?;
        tx.commit().await?;
        after.version = before.version + 1;
        Ok(after)
    }

    /// Keeps a person from signing in, and signs it out. Needs [`Permission::StaffWrite`] and a fresh proof.
    pub async fn suspend_staff(
        &self,
        caller: &StaffCaller,
        id: &StaffId,
        reason: &str,
    ) -> Result<StaffMember, OperationError> {
        not_oneself(caller, id)?;
        let from = [StaffState::Active, StaffState::Invited];
        let to = |_has_password| StaffState::Suspended;
        self.set_state(caller, id, (&from, to), ("staff.suspended", reason))
            .await
    }

    /// Lets a suspended person sign in again, or come at all. Needs [`Permission::StaffWrite`] and a fresh proof.
    pub async fn reactivate_staff(
        &self,
        caller: &StaffCaller,
        id: &StaffId,
        reason: &str,
    ) -> Result<StaffMember, OperationError> {
        let from = [StaffState::Suspended];
        let to = |has_password| {
            if has_password {
                StaffState::Active
            } else {
                StaffState::Invited
            }
        };
        self.set_state(caller, id, (&from, to), ("staff.reactivated", reason))
            .await
    }

    async fn set_state(
        &self,
        caller: &StaffCaller,
        id: &StaffId,
        (from, to): (&[StaffState], impl FnOnce(bool) -> StaffState + Send),
        (action, reason): (&'static str, &str),
    ) -> Result<StaffMember, OperationError> {
        caller.require(Permission::StaffWrite)?;
        let before = self.visible_staff(caller, id).await?;
        caller.require_proof()?;
        let reason = check_reason(reason)?;
        if !from.contains(&before.state) {
            let state = before.state.as_str().to_owned();
            return Err(OperationError::StateConflict { state });
        }
        let account = staff::find_account_all_tenants(self.storage(), id).await?;
        let has_password = account.is_some_and(|account| account.password.is_some());
        let mut after = StaffMember {
            state: to(has_password),
            updated_at: self.now(),
            ..before.clone()
        };
        let tx = self.storage().begin().await?;
        self.rewrite(&tx, caller, action, (&before, &after), Some(reason))
            .await?;
        tx.commit().await?;
        after.version = before.version + 1;
        Ok(after)
    }

    /// Writes a person anew with the entry in the log. The last owner stays one.
    async fn rewrite(
        &self,
        tx: &Tx,
        caller: &StaffCaller,
        action: &'static str,
        (before, after): (&StaffMember, &StaffMember),
        reason: Option<&str>,
    ) -> Result<(), OperationError> {
        let now = after.updated_at;
        if is_owner(before) && !is_owner(after) {
            let owners = staff::lock_active_owners_all_tenants(tx).await?;
            if owners.iter().all(|owner| *owner == before.id) {
                let state = "the last owner of the platform".to_owned();
                return Err(OperationError::StateConflict { state });
            }
        }
        match staff::update(tx, before, after).await {
            Err(error) if error.is_stale() => return Err(OperationError::VersionConflict),
            other => other?,
        }
        if before.roles != after.roles || before.state != after.state {
            staff_sessions::end_all(tx, &before.id, None, now).await?;
        }
        let act = Act {
            before: Some(logged(before)),
            after: Some(logged(after)),
            reason,
            ..Act::new(scope_of(&before.scope), action, before.id.as_str())
        };
        audit::record(tx, &caller.actor(), act, now).await
    }

    /// Signs a person out everywhere. Needs [`Permission::StaffWrite`].
    pub async fn end_sessions_of_staff(
        &self,
        caller: &StaffCaller,
        id: &StaffId,
        reason: &str,
    ) -> Result<u64, OperationError> {
        caller.require(Permission::StaffWrite)?;
        let member = self.visible_staff(caller, id).await?;
        let (reason, now) = (check_reason(reason)?, self.now());
        let tx = self.storage().begin().await?;
        let ended = staff_sessions::end_all(&tx, id, None, now).await?;
        let act = Act {
            after: Some(json!({ "sessions_ended": ended })),
            reason: Some(reason),
            ..Act::new(scope_of(&member.scope), "staff.sessions.ended", id.as_str())
        };
        audit::record(&tx, &caller.actor(), act, now).await?;
        tx.commit().await?;
        Ok(ended)
    }

    /// Takes the second factor of a person away who lost it. Needs [`Permission::StaffWrite`] and a fresh proof.
    pub async fn reset_second_factor(
        &self,
        caller: &StaffCaller,
        id: &StaffId,
        reason: &str,
    ) -> Result<(), OperationError> {
        caller.require(Permission::StaffWrite)?;
        let member = self.visible_staff(caller, id).await?;
        caller.require_proof()?;
        not_oneself(caller, id)?;
        let (reason, now) = (check_reason(reason)?, self.now());
        let tx = self.storage().begin().await?;
        staff::remove_totp(&tx, id).await?;
        staff_sessions::end_all(&tx, id, None, now).await?;
        let act = Act {
            reason: Some(reason),
            ..Act::new(
                scope_of(&member.scope),
                "staff.second_factor.removed",
                id.as_str(),
            )
        };
        audit::record(&tx, &caller.actor(), act, now).await?;
        Ok(tx.commit().await?)
    }
}

fn is_owner(member: &StaffMember) -> bool {
    member.state == StaffState::Active && member.roles.contains(&Role::PlatformOwner)
}

fn not_oneself(caller: &StaffCaller, id: &StaffId) -> Result<(), OperationError> {
    if caller.staff_id == *id {
        return Err(OperationError::OwnRequest);
    }
    Ok(())
}

/// What `caller` may do with a person.
pub fn staff_actions(caller: &StaffCaller, member: &StaffMember) -> Vec<Action> {
    let may_write = || caller.require(Permission::StaffWrite);
    let not_own = || may_write().and_then(|()| not_oneself(caller, &member.id));
    let in_state = |states: &[StaffState]| {
        if states.contains(&member.state) {
            return Ok(());
        }
        let state = member.state.as_str().to_owned();
        Err(OperationError::StateConflict { state })
    };
    let own_and_in = |states: &[StaffState]| not_own().and_then(|()| in_state(states));
    let has_factor = || match member.second_factor_at {
        Some(_) => Ok(()),
        None => Err(OperationError::StateConflict {
            state: "no second factor".to_owned(),
        }),
    };
    vec![
        Action::when("update", may_write()),
        Action::when("change_roles", not_own()),
        Action::when(
            "ask_ownership",
            may_write().and_then(|()| may_become_owner(member)),
        ),
        Action::when(
            "suspend",
            own_and_in(&[StaffState::Active, StaffState::Invited]),
        ),
        Action::when("reactivate", own_and_in(&[StaffState::Suspended])),
        Action::when(
            "renew_invitation",
            may_write().and_then(|()| in_state(&[StaffState::Invited])),
        ),
        Action::when(
            "reinvite",
            may_write().and_then(|()| may_be_reinvited(caller, member)),
        ),
        Action::when("reset_second_factor", not_own().and_then(|()| has_factor())),
        Action::when("end_sessions", may_write()),
    ]
}

/// A reason that somebody can read later.
pub(crate) fn check_reason(reason: &str) -> Result<&str, OperationError> {
    let reason = reason.trim();
    let chars = reason.chars().count();
    if reason.is_empty() || chars > REASON_CHARS_MAX || reason.chars().any(char::is_control) {
        let rule = "must be 1 to 191 characters on one line";
        return Err(OperationError::invalid("/reason", rule));
    }
    Ok(reason)
}

/// How long the idle sessions and old failures of people are kept before they are forgotten.
const KEPT_MS: i64 = 30 * 24 * 3_600_000;
/// Rows forgotten in one transaction.
const FORGOTTEN_AT_ONCE: u64 = 500;

impl Operations {
    /// Forgets sessions, failed sign-ins and idempotency keys of people that are long over, a bounded number of each.
    pub async fn forget_old_sessions(&self) -> Result<u64, OperationError> {
        let now: Timestamp = self.now();
        let before = now.plus_millis(-KEPT_MS);
        let day_ago = now.plus_millis(-24 * 3_600_000);
        let tx = self.storage().begin().await?;
        let sessions = staff_sessions::forget_all_tenants(&tx, before, FORGOTTEN_AT_ONCE).await?;
        let failures = tributary_storage::sign_in_failures::forget_all_tenants(
            &tx,
            day_ago,
            FORGOTTEN_AT_ONCE,
        )
        .await?;
        let requests =
            tributary_storage::staff_requests::forget_all_tenants(&tx, day_ago, FORGOTTEN_AT_ONCE)
                .await?;
        tx.commit().await?;
        Ok(sessions + failures + requests)
    }
}
