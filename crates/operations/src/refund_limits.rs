//! Up to which amount a person may ask for a refund alone.

use tributary_domain::audit::AuditScope;
use tributary_domain::money::Fen;
use tributary_storage::platform_settings;

use crate::{OperationError, Operations};

const NAME: &str = "refund_limit_fen";
/// 10,000 yuan, unless somebody chose otherwise.
const DEFAULT_FEN: i64 = 1_000_000;

impl Operations {
    /// The limit for a tenant: its own, else the installation's, else 10,000 yuan.
    pub(crate) async fn refund_limit(&self, scope: &AuditScope) -> Result<Fen, OperationError> {
        for scope in [scope, &AuditScope::Platform] {
            let chosen = platform_settings::find(self.storage(), scope, NAME).await?;
            if let Some(chosen) = chosen {
                let fen = chosen.value.parse().ok().and_then(|fen| Fen::new(fen).ok());
                let damaged = || OperationError::Internal(format!("{NAME} does not parse"));
                return fen.ok_or_else(damaged);
            }
        }
        Fen::new(DEFAULT_FEN).map_err(|error| OperationError::Internal(error.to_string()))
    }
}
