//! Whose rows the running code may touch. It is said once, where a caller is recognised, and not by each finder.
//!
//! It belongs to the task: whatever a request does, however deep, is done for the tenant whose key it showed. What is
//! spawned starts with nothing and must be handed it by [`carried`]. PostgreSQL holds every statement to it by row-level
//! security and refuses those for which nothing was said; SQLite has no such wall.

use std::sync::{Arc, OnceLock};

use tributary_domain::ids::TenantId;

/// Whose rows may be touched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tenancy {
    /// One tenant's; besides, the tables that hold nothing of tenants.
    Tenant(TenantId),
    /// Everybody's: the clock's work, WeChat's notifications, staff, the operator.
    Platform,
}

/// Somebody is recognised where nobody is expected, or as somebody else than before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the caller cannot become another one")]
pub struct TenancyError;

tokio::task_local! {
    static CURRENT: Arc<OnceLock<Tenancy>>;
}

/// Runs work for one tenant.
pub async fn within<T>(tenant: TenantId, work: impl Future<Output = T>) -> T {
    CURRENT.scope(said(Tenancy::Tenant(tenant)), work).await
}

/// Runs work that is the platform's own, also from within a tenant's request.
pub async fn platform<T>(work: impl Future<Output = T>) -> T {
    CURRENT.scope(said(Tenancy::Platform), work).await
}

/// Runs work for somebody who is not yet recognised, and can reach nothing until then.
pub async fn unrecognised<T>(work: impl Future<Output = T>) -> T {
    CURRENT.scope(Arc::default(), work).await
}

/// Says whom the work around it is done for, from here on.
pub fn recognise(tenancy: &Tenancy) -> Result<(), TenancyError> {
    let known = CURRENT.try_with(|current| *current.get_or_init(|| tenancy.clone()) == *tenancy);
    if known == Ok(true) {
        Ok(())
    } else {
        Err(TenancyError)
    }
}

/// Hands whose work this is to a task of its own.
pub fn carried<T>(work: impl Future<Output = T>) -> impl Future<Output = T> {
    let current = CURRENT.try_with(Arc::clone).unwrap_or_default();
    CURRENT.scope(current, work)
}

/// Whose rows may be touched, if that was said.
pub(crate) fn current() -> Option<Tenancy> {
    CURRENT
        .try_with(|current| current.get().cloned())
        .unwrap_or_default()
}

fn said(tenancy: Tenancy) -> Arc<OnceLock<Tenancy>> {
    Arc::new(OnceLock::from(tenancy))
}

#[cfg(test)]
mod tests {
    use tributary_domain::clock::Timestamp;

    use super::*;

    fn tenant(number: i64) -> TenantId {
        TenantId::new(Timestamp::from_millis(number))
    }

    #[tokio::test]
    async fn who_is_recognised_stays_the_same() {
        assert_eq!(current(), None);
        let (one, other) = (tenant(1), tenant(2));
        unrecognised(async {
            assert_eq!(current(), None);
            assert_eq!(recognise(&Tenancy::Tenant(one.clone())), Ok(()));
            assert_eq!(recognise(&Tenancy::Tenant(one.clone())), Ok(()));
            for further in [Tenancy::Tenant(other.clone()), Tenancy::Platform] {
                assert_eq!(recognise(&further), Err(TenancyError));
            }
            assert_eq!(current(), Some(Tenancy::Tenant(one.clone())));
            assert_eq!(platform(async { current() }).await, Some(Tenancy::Platform));
        })
        .await;
        assert_eq!(recognise(&Tenancy::Tenant(one)), Err(TenancyError));
    }

    #[tokio::test]
    async fn a_spawned_task_knows_its_tenant_only_when_it_is_handed_on() {
        let one = tenant(1);
        within(one.clone(), async {
            assert_eq!(tokio::spawn(async { current() }).await.unwrap(), None);
            let handed = tokio::spawn(carried(async { current() })).await.unwrap();
            assert_eq!(handed, Some(Tenancy::Tenant(one.clone())));
        })
        .await;
    }
}
