//! What a caller may know about itself.

use serde::{Deserialize, Serialize};
use tributary_domain::clock::Timestamp;
use tributary_domain::tenant::Mode;
use tributary_storage::merchants;

use crate::credentials::Caller;
use crate::{OperationError, Operations};

/// A caller as it sees itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MeView {
    /// The tenant.
    pub tenant_id: String,
    /// Its name.
    pub tenant_name: String,
    /// Which world the key opens.
    pub mode: Mode,
    /// The key.
    pub api_key: ApiKeyView,
    /// What can be paid.
    pub sub_merchants: Vec<SubMerchantView>,
}

/// An API key without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKeyView {
    /// Its id.
    pub id: String,
    /// Its first characters.
    pub prefix: String,
    /// Its name.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<String>,
    /// When it ends, RFC 3339.
    pub expires_at: Option<String>,
}

/// A sub-merchant with its apps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubMerchantView {
    /// Its number at WeChat.
    pub sub_mchid: String,
    /// Its name.
    pub name: String,
    /// The apps bound to it.
    pub sub_apps: Vec<String>,
}

impl Operations {
    /// Tells a caller who it is and what it can use.
    pub async fn me(&self, caller: &Caller) -> Result<MeView, OperationError> {
        let merchants_found =
            merchants::list(self.storage(), &caller.tenant_id, caller.mode).await?;
        let apps = merchants::apps(self.storage(), &caller.tenant_id).await?;
        let sub_merchants = merchants_found
            .into_iter()
            .map(|merchant| SubMerchantView {
                sub_apps: apps
                    .iter()
                    .filter(|app| app.sub_merchant_id == merchant.id)
                    .map(|app| app.appid.to_string())
                    .collect(),
                sub_mchid: merchant.sub_mchid.to_string(),
                name: merchant.name,
            })
            .collect();
        Ok(MeView {
            tenant_id: caller.tenant_id.to_string(),
            tenant_name: caller.tenant_name.clone(),
            mode: caller.mode,
            api_key: ApiKeyView {
                id: caller.key.id.to_string(),
                prefix: caller.key.prefix.clone(),
                name: caller.key.name.clone(),
                scopes: caller.key.scopes.iter().map(ToString::to_string).collect(),
                expires_at: caller.key.expires_at.map(Timestamp::to_rfc3339),
            },
            sub_merchants,
        })
    }
}
