//! Who looks: how far a person sees, and what of it in clear.

use std::collections::BTreeSet;

use tributary_domain::ids::TenantId;
use tributary_domain::staff::{Permission, Role};

use crate::OperationError;

/// How far somebody sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Every tenant.
    Platform,
    /// One tenant.
    Tenant(TenantId),
}

/// A person who looks at what the platform does.
#[derive(Clone, Debug)]
pub struct Viewer {
    reach: Reach,
    permissions: BTreeSet<Permission>,
}

impl Viewer {
    /// Somebody who sees so far and may do this.
    pub fn new(reach: Reach, permissions: impl IntoIterator<Item = Permission>) -> Self {
        Self {
            reach,
            permissions: permissions.into_iter().collect(),
        }
    }

    /// Somebody with these roles.
    pub fn of_roles(reach: Reach, roles: &[Role]) -> Self {
        Self::new(reach, roles.iter().flat_map(|role| role.permissions()))
    }

    /// Whether one of the roles grants it.
    pub fn may(&self, permission: Permission) -> bool {
        self.permissions.contains(&permission)
    }

    /// Refuses unless one of the roles grants it.
    pub fn require(&self, permission: Permission) -> Result<(), OperationError> {
        if self.may(permission) {
            Ok(())
        } else {
            Err(OperationError::PermissionDenied(permission))
        }
    }

    /// The one tenant that is seen, when it is one.
    pub const fn tenant(&self) -> Option<&TenantId> {
        match &self.reach {
            Reach::Platform => None,
            Reach::Tenant(tenant) => Some(tenant),
        }
    }

    /// Whether what belongs to a tenant is seen.
    pub fn sees(&self, tenant: &TenantId) -> bool {
        self.tenant().is_none_or(|own| own == tenant)
    }

    /// Who paid, as this person may see it.
    pub(crate) fn payer(&self, openid: &str) -> String {
        if self.may(Permission::PayerRead) {
            openid.to_owned()
        } else {
            masked(openid)
        }
    }
}

/// The first and the last characters, enough to tell two apart.
fn masked(openid: &str) -> String {
    const SHOWN: usize = 4;
    let characters = openid.chars().count();
    if characters <= SHOWN * 3 {
        return "****".to_owned();
    }
    let head: String = openid.chars().take(SHOWN).collect();
    let tail: String = openid.chars().skip(characters - SHOWN).collect();
    format!("{head}****{tail}")
}

#[cfg(test)]
mod tests {
    use tributary_domain::clock::Timestamp;

    use super::*;

    #[test]
    fn a_payer_is_masked_unless_a_role_shows_it() {
        let openid = "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o";
        let support = Viewer::of_roles(Reach::Platform, &[Role::Support]);
        assert_eq!(support.payer(openid), "oUpF****eS6o");
        assert_eq!(support.payer("short"), "****");
        let finance = Viewer::of_roles(Reach::Platform, &[Role::PlatformFinance]);
        assert_eq!(finance.payer(openid), openid);
    }

    #[test]
    fn a_member_sees_its_tenant_and_the_platform_sees_all() {
        let at = Timestamp::from_millis;
        let (own, other) = (TenantId::new(at(1)), TenantId::new(at(2)));
        let member = Viewer::of_roles(Reach::Tenant(own.clone()), &[Role::TenantViewer]);
        assert!(member.sees(&own) && !member.sees(&other));
        assert!(Viewer::of_roles(Reach::Platform, &[]).sees(&other));
    }
}
