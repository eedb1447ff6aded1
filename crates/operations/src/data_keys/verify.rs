//! Opens every data key and every sealed value, and says what does not open. Changes nothing.

use tributary_domain::data_key::{DataKeyEnd, DataKeyState};
use tributary_storage::data_keys;
use tributary_storage::sealed_columns::{self, SEALED_COLUMNS, SealedColumn, SealedValue};
use tributary_vault::{VaultError, sealing_key_id};

use super::reseal::{named, page_of, place};
use super::{PAGE, Unreadable};
use crate::{OperationError, Operations};

/// What was found in the vault.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VaultReport {
    /// Keys that seal.
    pub active: u64,
    /// Keys that only open.
    pub decrypt_only: u64,
    /// Keys that are gone.
    pub destroyed: u64,
    /// Keys by the key-encryption key that wraps them, as many as the current one does not wrap.
    pub wrapped_otherwise: u64,
    /// What each column holds.
    pub columns: Vec<ColumnCount>,
    /// Keys and values that do not open although they should.
    pub failed: Unreadable,
}

/// What one column holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnCount {
    /// Table and column.
    pub name: String,
    /// Values that open.
    pub opened: u64,
    /// Values whose owner was erased.
    pub erased: u64,
}

/// What became of one value.
enum Found {
    Opened,
    Erased,
}

impl Operations {
    /// Opens everything that is sealed.
    pub async fn verify_vault(&self) -> Result<VaultReport, OperationError> {
        let mut report = VaultReport::default();
        self.verify_keys(&mut report).await?;
        for column in SEALED_COLUMNS {
            let mut count = ColumnCount {
                name: format!("{}.{}", column.table, column.column),
                opened: 0,
                erased: 0,
            };
            let mut after = None;
            loop {
                let (storage, limit) = (self.storage(), page_of(column));
                let page =
                    sealed_columns::page_all_tenants(storage, column, None, after.as_ref(), limit);
                let page = page.await?;
                let Some(last) = page.last() else { break };
                after = Some(last.row.clone());
                for value in page {
                    match self.verify_value(column, &value).await {
                        Ok(Found::Opened) => count.opened = count.opened.saturating_add(1),
                        Ok(Found::Erased) => count.erased = count.erased.saturating_add(1),
                        Err(OperationError::Storage(error)) => return Err(error.into()),
                        Err(error) => report.failed.note(&named(column, &value), &error),
                    }
                }
            }
            report.columns.push(count);
        }
        Ok(report)
    }

    async fn verify_keys(&self, report: &mut VaultReport) -> Result<(), OperationError> {
        let current = self.sealing().vault().kek_id();
        let mut after = String::new();
        loop {
            let page = data_keys::page_all_tenants(self.storage(), &after, PAGE).await?;
            let Some(last) = page.last() else {
                return Ok(());
            };
            after.clone_from(&last.id);
            for key in page {
                let counted = match key.state {
                    DataKeyState::Active => &mut report.active,
                    DataKeyState::DecryptOnly => &mut report.decrypt_only,
                    DataKeyState::Destroyed => &mut report.destroyed,
                };
                *counted = counted.saturating_add(1);
                if key.state == DataKeyState::Destroyed {
                    continue;
                }
                if key.kek_id != current {
                    report.wrapped_otherwise = report.wrapped_otherwise.saturating_add(1);
                }
                let name = format!("data key {} of {}", key.id, key.owner);
                if let Err(error) = self.sealing().unwrap(key) {
                    report.failed.note(&name, &error);
                }
            }
        }
    }

    async fn verify_value(
        &self,
        column: &SealedColumn,
        value: &SealedValue,
    ) -> Result<Found, OperationError> {
        let row = value.row.to_string();
        let place = place(column, &row);
        let opened = self
            .sealing()
            .open(self.storage(), &value.owner, &place, &value.sealed)
            .await;
        match opened {
            Ok(_) => Ok(Found::Opened),
            Err(OperationError::Vault(error @ VaultError::Destroyed { .. })) => {
                let id = sealing_key_id(&value.sealed)?;
                let key = data_keys::find(self.storage(), &value.owner, &id).await?;
                // A key that nothing needed was destroyed wrongly when something needs it.
                match key.and_then(|key| key.ended_by) {
                    Some(DataKeyEnd::Erased) => Ok(Found::Erased),
                    _ => Err(error.into()),
                }
            }
            Err(error) => Err(error),
        }
    }
}
