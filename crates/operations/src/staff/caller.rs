//! Who is calling the admin API, and what that person may do.

use std::net::IpAddr;

use tributary_domain::clock::Timestamp;
use tributary_domain::ids::{SessionId, StaffId, TenantId};
use tributary_domain::staff::{Actor, Permission, Role};
use tributary_domain::staff_member::{Email, StaffScope, StaffState};
use tributary_domain::tenant::{Mode, Scope};
use tributary_storage::{staff, staff_sessions};

use crate::{OperationError, Operations};

/// A person who is signed in.
#[derive(Clone, Debug)]
pub struct StaffCaller {
    /// Who.
    pub staff_id: StaffId,
    /// What others call the person.
    pub name: String,
    /// What the person signs in with.
    pub email: Email,
    /// What the person is responsible for.
    pub roles: Vec<Role>,
    /// What the person may see.
    pub scope: StaffScope,
    /// Who made the person's last invitation, as the audit log names people.
    pub invited_by: Option<String>,
    /// The session of this call.
    pub session_id: SessionId,
    /// Whether the person proved its presence within the last five minutes.
    pub is_proven: bool,
    /// Whether a second factor must be enrolled before anything else.
    pub must_enrol: bool,
    /// Whether there is a second factor.
    pub has_second_factor: bool,
    /// Where the call comes from.
    pub ip: Option<IpAddr>,
    /// Names the call in our logs.
    pub request_id: Option<String>,
}

/// Where a call comes from, and what names it.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    /// The address.
    pub ip: Option<IpAddr>,
    /// The request.
    pub request_id: Option<String>,
    /// The browser, as it calls itself.
    pub user_agent: Option<String>,
}

impl StaffCaller {
    /// Whether one of the person's roles grants the permission, within what the person may see.
    pub fn may(&self, permission: Permission) -> bool {
        !self.must_enrol && self.roles.iter().any(|role| role.grants(permission))
    }

    /// Everything that the person may do.
    pub fn permissions(&self) -> Vec<Permission> {
        let all = Permission::ALL.iter().copied();
        all.filter(|permission| self.may(*permission)).collect()
    }

    /// Refuses unless the person has the permission; a person without a second factor that it needs has none.
    pub fn require(&self, permission: Permission) -> Result<(), OperationError> {
        self.require_enrolled()?;
        if self.may(permission) {
            Ok(())
        } else {
            Err(OperationError::PermissionDenied(permission))
        }
    }

    /// Refuses a person who must enrol a second factor first.
    pub fn require_enrolled(&self) -> Result<(), OperationError> {
        if self.must_enrol {
            return Err(OperationError::EnrolmentRequired);
        }
        Ok(())
    }

    /// Refuses unless the person proved its presence within the last five minutes.
    pub fn require_proof(&self) -> Result<(), OperationError> {
        if self.is_proven {
            Ok(())
        } else {
            Err(OperationError::StepUpRequired)
        }
    }

    /// The tenant that a call is about: the one asked for, or the person's own. Another's is not found.
    pub fn tenant<'a>(
        &'a self,
        asked: Option<&'a TenantId>,
    ) -> Result<Option<&'a TenantId>, OperationError> {
        match (self.scope.tenant(), asked) {
            (Some(own), Some(asked)) if own != asked => Err(OperationError::NotFound),
            (Some(own), _) => Ok(Some(own)),
            (None, asked) => Ok(asked),
        }
    }

    /// The first scope by which a program of a tenant's could do what the person may not do itself: it would do it in
    /// the person's place.
    ///
    /// In test mode nothing is at stake, and whoever writes the program needs all of it. Placing orders is a program's
    /// work alone, so no permission stands for it.
    pub(crate) fn first_beyond(&self, mode: Mode, scopes: &[Scope]) -> Option<(Scope, Permission)> {
        if mode == Mode::Test {
            return None;
        }
        let needed = scopes.iter().filter_map(|scope| {
            let permission = match scope {
                Scope::OrdersWrite => return None,
                Scope::OrdersRead | Scope::EventsRead => Permission::OrderRead,
                Scope::RefundsRead => Permission::RefundRead,
                Scope::RefundsWrite => Permission::RefundCreate,
                Scope::BillsRead => Permission::BillRead,
                Scope::WebhooksRead => Permission::WebhookRead,
                Scope::WebhooksWrite => Permission::WebhookWrite,
            };
            Some((*scope, permission))
        });
        let mut beyond = needed.filter(|(_, permission)| !self.may(*permission));
        beyond.next()
    }

    /// The name in the audit log.
    pub fn actor(&self) -> Actor {
        Actor::staff(&self.staff_id, &self.session_id)
            .from_request(self.ip, self.request_id.as_deref())
    }
}

impl Operations {
    /// Recognises a person by an access token; nothing when it is not good, or the session or the account is not.
    ///
    /// The token is short, and still the session is read: who was suspended or signed out is out at once.
    pub async fn authenticate_staff(
        &self,
        token: &str,
        origin: Origin,
    ) -> Result<Option<StaffCaller>, OperationError> {
        let now = self.now();
        let read = self.token_keys().await?.read_access_token(token, now);
        let Some((staff_id, session_id)) = read else {
            return Ok(None);
        };
        self.caller_of(&staff_id, &session_id, origin, now).await
    }

    /// The same person a while later: with what it may do by now, or nobody when the session or the account is over.
    pub async fn staff_still_there(
        &self,
        caller: &StaffCaller,
    ) -> Result<Option<StaffCaller>, OperationError> {
        let origin = Origin {
            ip: caller.ip,
            request_id: caller.request_id.clone(),
            user_agent: None,
        };
        let (id, session) = (&caller.staff_id, &caller.session_id);
        self.caller_of(id, session, origin, self.now()).await
    }

    /// The person behind an open session.
    pub(crate) async fn caller_of(
        &self,
        staff_id: &StaffId,
        session_id: &SessionId,
        origin: Origin,
        now: Timestamp,
    ) -> Result<Option<StaffCaller>, OperationError> {
        let session = staff_sessions::find(self.storage(), staff_id, session_id).await?;
        let Some(session) = session.filter(|session| !session.is_over(now)) else {
            return Ok(None);
        };
        let member = staff::find(self.storage(), &StaffScope::Provider, staff_id).await?;
        let active = |state| state == StaffState::Active;
        let Some(member) = member.filter(|member| active(member.state)) else {
            return Ok(None);
        };
        Ok(Some(StaffCaller {
            must_enrol: member.must_enrol(),
            has_second_factor: member.second_factor_at.is_some(),
            staff_id: member.id,
            name: member.name,
            email: member.email,
            roles: member.roles,
            scope: member.scope,
            invited_by: member.invited_by,
            session_id: session.id.clone(),
            is_proven: session.is_proven(now),
            ip: origin.ip,
            request_id: origin.request_id,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(scope: StaffScope, roles: &[Role], must_enrol: bool) -> StaffCaller {
        let now = Timestamp::from_millis(0);
        StaffCaller {
            staff_id: StaffId::new(now),
            name: "Li Wei".into(),
            email: Email::parse("li@example.com").unwrap(),
            roles: roles.to_vec(),
            scope,
            invited_by: None,
            session_id: SessionId::new(now),
            is_proven: false,
            must_enrol,
            has_second_factor: !must_enrol,
            ip: None,
            request_id: None,
        }
    }

    #[test]
    fn a_person_without_the_second_factor_it_needs_may_do_nothing() {
        let enrolled = caller(StaffScope::Provider, &[Role::PlatformOwner], false);
        assert!(enrolled.require(Permission::StaffWrite).is_ok());
        let not_yet = caller(StaffScope::Provider, &[Role::PlatformOwner], true);
        let refused = not_yet.require(Permission::StaffWrite);
        assert!(matches!(refused, Err(OperationError::EnrolmentRequired)));
        assert!(not_yet.permissions().is_empty());
    }

    #[test]
    fn a_refusal_names_the_permission() {
        let finance = caller(StaffScope::Provider, &[Role::PlatformFinance], false);
        let refused = finance.require(Permission::KeyImport);
        assert!(matches!(
            refused,
            Err(OperationError::PermissionDenied(Permission::KeyImport))
        ));
    }

    #[test]
    fn a_member_of_a_tenant_finds_no_other() {
        let at = Timestamp::from_millis;
        let (own, other) = (TenantId::new(at(1)), TenantId::new(at(2)));
        let member = caller(StaffScope::Tenant(own.clone()), &[Role::TenantOwner], false);
        assert_eq!(member.tenant(None).unwrap(), Some(&own));
        assert_eq!(member.tenant(Some(&own)).unwrap(), Some(&own));
        let foreign = member.tenant(Some(&other));
        assert!(matches!(foreign, Err(OperationError::NotFound)));
        let staff = caller(StaffScope::Provider, &[Role::Support], false);
        assert_eq!(staff.tenant(Some(&other)).unwrap(), Some(&other));
        assert_eq!(staff.tenant(None).unwrap(), None);
    }
}
