//! Seals values again under their owner's active key, a page at a time.

use std::collections::HashSet;

use tributary_domain::data_key::DataKeyState;
use tributary_storage::data_keys::{self, StoredDataKey};
use tributary_storage::sealed_columns::{self, SEALED_COLUMNS, SealedColumn, SealedValue};
use tributary_vault::{Place, sealing_key_id};

use super::DataKeyRotation;
use crate::sealing::RETIRED_GRACE_MS;
use crate::{OperationError, Operations};

/// Values in memory, and in one transaction.
const SMALL_PAGE: u64 = 100;
/// The same of values of a mebibyte.
const BULK_PAGE: u64 = 4;

/// How far sealing again goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Every secret. The pieces of bills keep the key that sealed them until they are deleted.
    Secrets,
    /// The pieces of bills as well.
    Everything,
}

pub(super) const fn page_of(column: &SealedColumn) -> u64 {
    if column.is_bulk() {
        BULK_PAGE
    } else {
        SMALL_PAGE
    }
}

impl Operations {
    /// Seals again what an owner has under another key than its active one. What is changed meanwhile is left alone:
    /// whoever changes it seals with the active key.
    pub(super) async fn reseal_owner(
        &self,
        owner: &str,
        reach: Reach,
        done: &mut DataKeyRotation,
    ) -> Result<(), OperationError> {
        let keys = data_keys::of_owner(self.storage(), owner).await?;
        let (active, retired): (Vec<_>, Vec<_>) = keys
            .iter()
            .partition(|key| key.state == DataKeyState::Active);
        let [active] = active[..] else {
            return Ok(());
        };
        let resealed_before = done.resealed;
        let wanted = |column: &&SealedColumn| !column.is_bulk() || reach == Reach::Everything;
        for column in SEALED_COLUMNS.iter().filter(wanted) {
            let mut after = None;
            loop {
                let (storage, limit) = (self.storage(), page_of(column));
                let page = sealed_columns::page_all_tenants(
                    storage,
                    column,
                    Some(owner),
                    after.as_ref(),
                    limit,
                );
                let page = page.await?;
                let Some(last) = page.last() else { break };
                after = Some(last.row.clone());
                self.reseal(column, page, &active.id, done).await?;
            }
        }
        if done.resealed > resealed_before {
            self.look_later(&retired, RETIRED_GRACE_MS).await?;
        }
        Ok(())
    }

    async fn reseal(
        &self,
        column: &SealedColumn,
        page: Vec<SealedValue>,
        active: &str,
        done: &mut DataKeyRotation,
    ) -> Result<(), OperationError> {
        let mut again = Vec::new();
        for value in page {
            if sealing_key_id(&value.sealed).is_ok_and(|id| id == active) {
                continue;
            }
            match self.seal_again(column, &value).await {
                Ok(sealed) => again.push((value, sealed)),
                Err(OperationError::Vault(error)) => {
                    done.failed.note(&named(column, &value), &error);
                }
                Err(error) => return Err(error),
            }
        }
        if again.is_empty() {
            return Ok(());
        }
        let tx = self.storage().begin().await?;
        let mut changed = 0_u64;
        for (before, sealed) in again {
            let key_id = sealing_key_id(&sealed)?;
            let replaced = sealed_columns::replace(&tx, column, &before, (sealed, key_id));
            changed += u64::from(replaced.await?);
        }
        tx.commit().await?;
        done.resealed = done.resealed.saturating_add(changed);
        Ok(())
    }

    async fn seal_again(
        &self,
        column: &SealedColumn,
        value: &SealedValue,
    ) -> Result<Vec<u8>, OperationError> {
        let row = value.row.to_string();
        let place = place(column, &row);
        let (sealing, storage) = (self.sealing(), self.storage());
        let plain = sealing
            .open(storage, &value.owner, &place, &value.sealed)
            .await?;
        sealing
            .seal(storage, &value.owner, &place, &plain, self.now())
            .await
    }

    /// The keys that sealed an owner's secrets, the pieces of bills left out.
    pub(super) async fn keys_in_use(&self, owner: &str) -> Result<HashSet<String>, OperationError> {
        let mut found = HashSet::new();
        for column in SEALED_COLUMNS.iter().filter(|column| !column.is_bulk()) {
            let mut after = None;
            loop {
                let page = sealed_columns::page_all_tenants(
                    self.storage(),
                    column,
                    Some(owner),
                    after.as_ref(),
                    SMALL_PAGE,
                );
                let page = page.await?;
                let Some(last) = page.last() else { break };
                after = Some(last.row.clone());
                for value in &page {
                    found.extend(sealing_key_id(&value.sealed));
                }
            }
        }
        Ok(found)
    }

    /// Whether a piece of a bill may need this key.
    pub(super) async fn is_needed_in_bulk(
        &self,
        key: &StoredDataKey,
    ) -> Result<bool, OperationError> {
        for column in SEALED_COLUMNS.iter().filter(|column| column.is_bulk()) {
            let storage = self.storage();
            if sealed_columns::may_refer(storage, column, &key.owner, &key.id).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

pub(super) fn place<'a>(column: &SealedColumn, row: &'a str) -> Place<'a> {
    Place {
        table: column.table,
        column: column.column,
        row,
    }
}

/// A row's name, for people.
pub(super) fn named(column: &SealedColumn, value: &SealedValue) -> String {
    format!("{}.{} of {}", column.table, column.column, value.row)
}
