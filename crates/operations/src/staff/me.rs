//! What a person is told about itself.

use tributary_domain::clock::Timestamp;
use tributary_domain::money::Fen;
use tributary_domain::staff_member::{ABSOLUTE_MS, IDLE_MS, PROOF_MS};
use tributary_domain::tenant::Tenant;
use tributary_storage::{staff, tenants};

use super::caller::StaffCaller;
use super::scope_of;
use crate::{Environment, OperationError, Operations, refund_limits};

/// A person with what it must know.
#[derive(Clone, Debug)]
pub struct MeView {
    /// Who asks.
    pub caller: StaffCaller,
    /// Its tenant, for a member of one.
    pub tenant: Option<Tenant>,
    /// How many recovery codes are left.
    pub recovery_codes_left: u64,
    /// What the installation is for.
    pub environment: Environment,
    /// A refund above this needs a second person.
    pub refund_without_approval: Fen,
    /// A session ends when it is not renewed for so long.
    pub idle_seconds: i64,
    /// A session ends after so long whatever happens.
    pub absolute_seconds: i64,
    /// A proof of presence is good for so long.
    pub proof_seconds: i64,
    /// The server's time.
    pub now: Timestamp,
}

impl Operations {
    /// Who asks, and what it may see and do. Needs no permission.
    pub async fn staff_me(&self, caller: &StaffCaller) -> Result<MeView, OperationError> {
        let tenant = match caller.scope.tenant() {
            Some(id) => tenants::find(self.storage(), id).await?,
            None => None,
        };
        let left = staff::count_recovery_codes(self.storage(), &caller.staff_id).await?;
        Ok(MeView {
            tenant,
            recovery_codes_left: left,
            environment: self.inner.environment,
            refund_without_approval: refund_limits::limit_of(
                self.storage(),
                &scope_of(&caller.scope),
            )
            .await?,
            idle_seconds: IDLE_MS / 1000,
            absolute_seconds: ABSOLUTE_MS / 1000,
            proof_seconds: PROOF_MS / 1000,
            now: self.now(),
            caller: caller.clone(),
        })
    }
}
