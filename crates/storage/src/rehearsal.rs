//! What a rehearsal does to a transaction: its commit fails as was decided, a broken rule writes events late, and a
//! statement forgets the tenant.

use std::sync::{Mutex, PoisonError};

use sea_orm::{DbErr, Statement};
use tributary_domain::event::NewEvent;
use tributary_domain::rehearsal::{CommitFate, are_tenants_forgotten, fate_of_commit};

use crate::connection::Transaction;
use crate::error::StorageError;
use crate::{Storage, Tx, outbox};

/// Events that are written after the commit; `None` once this is the transaction that writes them.
#[derive(Debug)]
pub(crate) struct Late {
    storage: Storage,
    events: Mutex<Option<Vec<NewEvent>>>,
}

/// Commits, or does not, as was decided; a process that crashed is never heard of again.
pub(crate) async fn commit(inner: Transaction) -> Result<(), DbErr> {
    let told = || DbErr::Custom("a rehearsed failure".into());
    match fate_of_commit() {
        CommitFate::Made => inner.commit().await,
        CommitFate::Refused => inner.rollback().await.and(Err(told())),
        CommitFate::MadeInSilence => inner.commit().await.and(Err(told())),
        CommitFate::CrashBefore => std::future::pending().await,
        CommitFate::CrashAfter => {
            inner.commit().await?;
            std::future::pending().await
        }
    }
}

impl Late {
    pub(crate) fn new(storage: Storage) -> Self {
        Self {
            storage,
            events: Mutex::new(Some(Vec::new())),
        }
    }

    pub(crate) async fn write(self: Box<Self>) -> Result<(), StorageError> {
        let events = self.events.into_inner();
        let events = events.unwrap_or_else(PoisonError::into_inner);
        for event in events.unwrap_or_default() {
            let tx = self.storage.begin().await?;
            tx.late.stop();
            outbox::append(&tx, &event).await?;
            Box::pin(tx.commit()).await?;
        }
        Ok(())
    }

    fn stop(&self) {
        *self.events.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl Tx {
    /// Leaves an event for later; false when this is later.
    pub(crate) fn put_off(&self, event: &NewEvent) -> bool {
        let mut events = self.late.events.lock();
        let events = events.as_deref_mut().ok().and_then(Option::as_mut);
        events.map(|events| events.push(event.clone())).is_some()
    }
}

/// The statement as if its finder had forgotten the tenant, when finders are made to.
///
/// The value is still bound, and compared with nothing that matters.
pub(crate) fn without_tenant(mut statement: Statement) -> Statement {
    if are_tenants_forgotten()
        && let Some((head, conditions)) = statement.sql.split_once(" WHERE ")
    {
        let forgotten =
            conditions.replace(r#""tenant_id" = "#, r#""tenant_id" IS NOT NULL AND '' <> "#);
        statement.sql = format!("{head} WHERE {forgotten}");
    }
    statement
}
