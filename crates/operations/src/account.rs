//! What a caller may know about itself.

use serde::{Deserialize, Serialize};
use tributary_domain::clock::Timestamp;
use tributary_domain::credential::ApiKey;
use tributary_domain::tenant::Mode;
use tributary_storage::merchants;

use crate::credentials::{Caller, Credential};
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
    /// What the call was made with.
    pub credential: CredentialView,
    /// What can be paid.
    pub sub_merchants: Vec<SubMerchantView>,
}

/// A credential without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CredentialView {
    /// What it is.
    pub kind: CredentialKind,
    /// The id of the API key or of the certificate.
    pub id: String,
    /// What it is recognised by: an API key's first characters, a certificate's serial.
    pub mark: String,
    /// Its name.
    pub name: String,
    /// What this call may do.
    pub scopes: Vec<String>,
    /// When it ends, RFC 3339.
    pub expires_at: Option<String>,
}

/// What a call was made with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CredentialKind {
    /// An API key.
    ApiKey,
    /// A token that an API key fetched.
    AccessToken,
    /// A certificate, or a registered public key.
    Certificate,
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
            credential: view_of(caller),
            sub_merchants,
        })
    }
}

fn view_of(caller: &Caller) -> CredentialView {
    let scopes = caller.scopes.iter().map(ToString::to_string).collect();
    let of_key = |kind, key: &ApiKey| CredentialView {
        kind,
        id: key.id.to_string(),
        mark: key.prefix.clone(),
        name: key.name.clone(),
        scopes: Vec::new(),
        expires_at: key.expires_at.map(Timestamp::to_rfc3339),
    };
    let view = match &caller.credential {
        Credential::ApiKey(key) => of_key(CredentialKind::ApiKey, key),
        Credential::Token(key) => of_key(CredentialKind::AccessToken, key),
        Credential::Certificate(certificate) => CredentialView {
            kind: CredentialKind::Certificate,
            id: certificate.id.to_string(),
            mark: certificate.serial.clone(),
            name: certificate.name.clone(),
            scopes: Vec::new(),
            expires_at: certificate.expires_at.map(Timestamp::to_rfc3339),
        },
    };
    CredentialView { scopes, ..view }
}
