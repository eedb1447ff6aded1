//! Who does something, as the operation itself asks: a person with its roles, or whoever has the machine.

use tributary_domain::ids::TenantId;
use tributary_domain::staff::{Actor, Permission};
use tributary_domain::tenant::{Mode, Scope};

use crate::OperationError;
use crate::staff::StaffCaller;

/// Somebody who does something that not everybody may.
///
/// A person comes as a [`StaffCaller`], who brings its roles along. An [`Actor`] is a name for the log and brings none:
/// the command line and the platform's own work may everything, and an actor that names a person or a program nothing.
pub trait Authority: Sync {
    /// The name in the audit log.
    fn name(&self) -> Actor;

    /// Refuses unless this is permitted.
    fn require(&self, permission: Permission) -> Result<(), OperationError>;

    /// Refuses unless this is permitted on what belongs to a tenant; another's tenant is not found.
    fn require_in(&self, tenant: &TenantId, permission: Permission) -> Result<(), OperationError>;

    /// Refuses a person who did not prove its presence within the last five minutes.
    fn require_presence(&self) -> Result<(), OperationError>;

    /// The first of these scopes that takes a permission which is lacking, for a program of a tenant's.
    fn first_beyond(&self, mode: Mode, scopes: &[Scope]) -> Option<(Scope, Permission)>;
}

impl dyn Authority + '_ {
    /// Asks for a permission and a fresh proof; gives the name for the audit log.
    pub(crate) fn acting(&self, permission: Permission) -> Result<Actor, OperationError> {
        self.require(permission)?;
        self.require_presence()?;
        Ok(self.name())
    }

    /// The same for what belongs to a tenant.
    pub(crate) fn acting_in(
        &self,
        tenant: &TenantId,
        permission: Permission,
    ) -> Result<Actor, OperationError> {
        self.require_in(tenant, permission)?;
        self.require_presence()?;
        Ok(self.name())
    }
}

impl Authority for StaffCaller {
    fn name(&self) -> Actor {
        self.actor()
    }

    fn require(&self, permission: Permission) -> Result<(), OperationError> {
        Self::require(self, permission)
    }

    fn require_in(&self, tenant: &TenantId, permission: Permission) -> Result<(), OperationError> {
        Self::require(self, permission)?;
        self.tenant(Some(tenant)).map(drop)
    }

    fn require_presence(&self) -> Result<(), OperationError> {
        self.require_proof()
    }

    fn first_beyond(&self, mode: Mode, scopes: &[Scope]) -> Option<(Scope, Permission)> {
        Self::first_beyond(self, mode, scopes)
    }
}

impl Authority for Actor {
    fn name(&self) -> Actor {
        self.clone()
    }

    fn require(&self, permission: Permission) -> Result<(), OperationError> {
        if self.is_of_machine() {
            Ok(())
        } else {
            Err(OperationError::PermissionDenied(permission))
        }
    }

    fn require_in(&self, _tenant: &TenantId, permission: Permission) -> Result<(), OperationError> {
        Authority::require(self, permission)
    }

    fn require_presence(&self) -> Result<(), OperationError> {
        Ok(())
    }

    fn first_beyond(&self, _mode: Mode, _scopes: &[Scope]) -> Option<(Scope, Permission)> {
        None
    }
}

#[cfg(test)]
mod tests {
    use tributary_domain::clock::Timestamp;
    use tributary_domain::ids::{ApiKeyId, SessionId, StaffId};

    use super::*;

    #[test]
    fn a_name_alone_permits_nothing_unless_it_is_the_machines() {
        let now = Timestamp::from_millis(0);
        for machine in [Actor::operator("li"), Actor::system("key_tests")] {
            assert!(Authority::require(&machine, Permission::KeyImport).is_ok());
        }
        let person = Actor::staff(&StaffId::new(now), &SessionId::new(now));
        let program = Actor::api_key(&ApiKeyId::new(now));
        for named in [person, program] {
            let refused = named.require_in(&TenantId::new(now), Permission::CredentialWrite);
            assert!(matches!(
                refused,
                Err(OperationError::PermissionDenied(
                    Permission::CredentialWrite
                ))
            ));
        }
    }
}
