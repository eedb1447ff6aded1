//! How people come: somebody invites them, and they set a password of their own.

use serde_json::json;
use tributary_domain::clock::Timestamp;
use tributary_domain::ids::StaffId;
use tributary_domain::staff::{Actor, Permission, Role};
use tributary_domain::staff_member::{Email, StaffMember, StaffScope, StaffState};
use tributary_storage::{Tx, staff, staff_sessions};
use zeroize::Zeroizing;

use super::caller::{Origin, StaffCaller};
use super::enrolment::logged;
use super::manage::check_reason;
use super::passwords;
use super::scope_of;
use super::sign_in::hold_place;
use super::tokens::{hash_of, random_token};
use crate::audit::{self, Act};
use crate::credentials::ShownOnce;
use crate::tenants::{check_name, hold_open};
use crate::{OperationError, Operations};

/// How long an invitation may be taken up.
const INVITATION_MS: i64 = 72 * 3_600_000;

/// A person who is asked to come.
#[derive(Clone, Debug)]
pub struct NewStaff {
    /// What the person will sign in with.
    pub email: String,
    /// What others call the person.
    pub name: String,
    /// What the person will be responsible for.
    pub roles: Vec<Role>,
    /// What the person will see.
    pub scope: StaffScope,
}

/// An invitation; the only moment at which its token is seen.
#[derive(Debug)]
pub struct Invitation {
    /// Who is invited.
    pub member: StaffMember,
    /// What the person needs to come.
    pub token: ShownOnce,
    /// Until when it may be taken up.
    pub expires_at: Timestamp,
}

/// Somebody takes an invitation up.
pub struct Acceptance {
    /// The token.
    pub token: Zeroizing<String>,
    /// The password that the person chose.
    pub password: Zeroizing<String>,
}

impl Operations {
    /// Invites a person. Needs [`Permission::StaffWrite`] and a fresh proof.
    ///
    /// Owners of the platform are not invited: a second owner approves what makes somebody one.
    pub async fn invite_staff(
        &self,
        caller: &StaffCaller,
        new: NewStaff,
    ) -> Result<Invitation, OperationError> {
        caller.require(Permission::StaffWrite)?;
        let asked = new.scope.tenant();
        caller.tenant(asked)?;
        if caller.scope.tenant().is_some() && asked.is_none() {
            return Err(OperationError::NotFound);
        }
        caller.require_proof()?;
        check_roles(&new.scope, &new.roles)?;
        if new.roles.contains(&Role::PlatformOwner) {
            let how = "invite the person with another role, then ask for ownership".to_owned();
            return Err(OperationError::ApprovalRequired { how });
        }
        self.invite(&caller.actor(), new).await
    }

    /// Makes the first owner, or another one, by whoever has the command line of the machine.
    pub async fn create_owner(
        &self,
        by: &Actor,
        email: &str,
        name: &str,
    ) -> Result<Invitation, OperationError> {
        let new = NewStaff {
            email: email.to_owned(),
            name: name.to_owned(),
            roles: vec![Role::PlatformOwner],
            scope: StaffScope::Provider,
        };
        self.invite(by, new).await
    }

    async fn invite(&self, by: &Actor, new: NewStaff) -> Result<Invitation, OperationError> {
        check_name(&new.name)?;
        let email = Email::parse(&new.email)
            .map_err(|error| OperationError::invalid("/email", &error.to_string()))?;
        let now = self.now();
        let expires_at = now.plus_millis(INVITATION_MS);
        let member = StaffMember {
            id: StaffId::new(now),
            scope: new.scope,
            email,
            name: new.name,
            state: StaffState::Invited,
            roles: new.roles,
            second_factor_at: None,
            last_sign_in_at: None,
            invitation_expires_at: Some(expires_at),
            invited_by: Some(by.who().to_owned()),
            version: 1,
            created_at: now,
            updated_at: now,
        };
        let token = random_token();
        let tx = self.storage().begin().await?;
        if let Some(tenant) = member.scope.tenant() {
            hold_open(&tx, tenant).await?;
        }
        match staff::insert(&tx, &member, &hash_of("invitation", token.reveal())).await {
            Err(error) if error.is_duplicate() => {
                return Err(OperationError::invalid("/email", "has an account already"));
            }
            other => other?,
        }
        let act = Act {
            after: Some(logged(&member)),
            ..Act::new(scope_of(&member.scope), "staff.invited", member.id.as_str())
        };
        audit::record(&tx, by, act, now).await?;
        tx.commit().await?;
        Ok(Invitation {
            member,
            token,
            expires_at,
        })
    }

    /// Replaces the invitation of a person who has not come. Needs [`Permission::StaffWrite`] and a fresh proof.
    pub async fn renew_invitation(
        &self,
        caller: &StaffCaller,
        id: &StaffId,
    ) -> Result<Invitation, OperationError> {
        caller.require(Permission::StaffWrite)?;
        let member = self.visible_staff(caller, id).await?;
        caller.require_proof()?;
        if member.state != StaffState::Invited {
            let state = member.state.as_str().to_owned();
            return Err(OperationError::StateConflict { state });
        }
        let now = self.now();
        let (token, expires_at) = (random_token(), now.plus_millis(INVITATION_MS));
        let hash = hash_of("invitation", token.reveal());
        let tx = self.storage().begin().await?;
        if let Some(tenant) = member.scope.tenant() {
            hold_open(&tx, tenant).await?;
        }
        let by = caller.actor();
        staff::set_invitation(&tx, id, (&hash, by.who()), expires_at).await?;
        let act = Act::new(
            scope_of(&member.scope),
            "staff.invitation.renewed",
            id.as_str(),
        );
        audit::record(&tx, &by, act, now).await?;
        tx.commit().await?;
        Ok(Invitation {
            member: StaffMember {
                invitation_expires_at: Some(expires_at),
                invited_by: Some(by.who().to_owned()),
                ..member
            },
            token,
            expires_at,
        })
    }

    /// Invites a person anew who forgot its password or lost its second factor: both are gone, and it is signed out.
    ///
    /// Needs [`Permission::StaffWrite`] and a fresh proof. Not an owner of the platform, in whose place nobody may come
    /// alone: the command line makes another.
    pub async fn reinvite_staff(
        &self,
        caller: &StaffCaller,
        id: &StaffId,
        reason: &str,
    ) -> Result<Invitation, OperationError> {
        caller.require(Permission::StaffWrite)?;
        let before = self.visible_staff(caller, id).await?;
        caller.require_proof()?;
        may_be_reinvited(caller, &before)?;
        let (reason, now) = (check_reason(reason)?, self.now());
        let (token, expires_at) = (random_token(), now.plus_millis(INVITATION_MS));
        let by = caller.actor();
        let mut after = StaffMember {
            state: StaffState::Invited,
            second_factor_at: None,
            invitation_expires_at: Some(expires_at),
            invited_by: Some(by.who().to_owned()),
            updated_at: now,
            ..before.clone()
        };
        let tx = self.storage().begin().await?;
        hold_place(&tx, &before.scope).await?;
        let hash = hash_of("invitation", token.reveal());
        match staff::reinvite(&tx, &before, &after, &hash).await {
            Err(error) if error.is_stale() => return Err(OperationError::VersionConflict),
            other => other?,
        }
        let ended = staff_sessions::end_all(&tx, id, None, now).await?;
        let act = Act {
            before: Some(logged(&before)),
            after: Some(json!({ "state": after.state.as_str(), "sessions_ended": ended })),
            reason: Some(reason),
            ..Act::new(scope_of(&before.scope), "staff.invited.again", id.as_str())
        };
        audit::record(&tx, &by, act, now).await?;
        tx.commit().await?;
        after.version = before.version + 1;
        Ok(Invitation {
            member: after,
            token,
            expires_at,
        })
    }

    /// Takes an invitation up, once: the person has the password that it chose and may sign in.
    pub async fn accept_invitation(
        &self,
        given: &Acceptance,
        origin: &Origin,
    ) -> Result<StaffMember, OperationError> {
        self.count_address(origin.ip)?;
        let now = self.now();
        let hash = hash_of("invitation", &given.token);
        let found = staff::find_by_invitation_all_tenants(self.storage(), &hash).await?;
        let member = found
            .map(|account| account.member)
            .filter(|member| is_open(member, now))
            .ok_or(OperationError::InvalidCredentials)?;
        passwords::check("/password", &given.password, &member.email)?;
        let kept = self.inner.passwords.keep(&given.password).await?;
        let tx = self.storage().begin().await?;
        hold_place(&tx, &member.scope).await?;
        accept(&tx, &member, (&hash, &kept), origin, now).await?;
        tx.commit().await?;
        Ok(StaffMember {
            state: StaffState::Active,
            invitation_expires_at: None,
            ..member
        })
    }
}

/// Whether a person may be invited anew: an active one, not oneself, and no owner of the platform.
pub(super) fn may_be_reinvited(
    caller: &StaffCaller,
    member: &StaffMember,
) -> Result<(), OperationError> {
    if caller.staff_id == member.id {
        return Err(OperationError::OwnRequest);
    }
    let state = if member.roles.contains(&Role::PlatformOwner) {
        "an owner of the platform"
    } else if member.state != StaffState::Active {
        member.state.as_str()
    } else {
        return Ok(());
    };
    Err(OperationError::StateConflict {
        state: state.to_owned(),
    })
}

fn is_open(member: &StaffMember, now: Timestamp) -> bool {
    let in_time = member
        .invitation_expires_at
        .is_some_and(|expires_at| now < expires_at);
    in_time && member.state == StaffState::Invited
}

async fn accept(
    tx: &Tx,
    member: &StaffMember,
    (hash, password): (&str, &str),
    origin: &Origin,
    now: Timestamp,
) -> Result<(), OperationError> {
    match staff::accept_invitation(tx, &member.id, hash, password, now).await {
        Err(error) if error.is_stale() => return Err(OperationError::InvalidCredentials),
        other => other?,
    }
    let act = Act {
        after: Some(json!({ "state": StaffState::Active.as_str() })),
        ..Act::new(scope_of(&member.scope), "staff.came", member.id.as_str())
    };
    let by = Actor::system("invitation").from_request(origin.ip, origin.request_id.as_deref());
    audit::record(tx, &by, act, now).await
}

/// Refuses roles that people of the scope cannot hold.
pub(super) fn check_roles(scope: &StaffScope, roles: &[Role]) -> Result<(), OperationError> {
    let refuse = |reason: &str| Err(OperationError::invalid("/roles", reason));
    if roles.is_empty() {
        return refuse("must name one role at least");
    }
    if let Some(role) = roles.iter().find(|role| !scope.allows(**role)) {
        return refuse(&format!("{role} is not a role here"));
    }
    let mut sorted = roles.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    if sorted.len() != roles.len() {
        return refuse("must not name a role twice");
    }
    Ok(())
}
