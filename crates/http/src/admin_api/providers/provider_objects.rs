//! Providers as the admin API takes and shows them.

use poem_openapi::{Enum, Object};
use tributary_domain::merchant::{self, AppId, Mchid};
use tributary_domain::tenant::Mode;
use tributary_operations::providers;
use zeroize::Zeroizing;

use super::objects::{GivenFiles, given};
use crate::problem::Problem;

/// Which world.
#[derive(Debug, Clone, Copy, Enum)]
#[oai(rename_all = "snake_case", remote = "Mode")]
pub(super) enum ProviderMode {
    Live,
    Test,
}

/// A provider to be, with its first keys. They are sealed, and never shown again.
#[derive(Object)]
#[oai(deny_unknown_fields)]
pub(super) struct NewProvider {
    /// What people call it.
    name: String,
    /// `live` calls WeChat, `test` a simulator.
    mode: ProviderMode,
    /// Its merchant number.
    sp_mchid: String,
    /// Its app id.
    sp_appid: String,
    /// `apiclient_key.pem`.
    #[oai(write_only)]
    private_key: Option<String>,
    /// `apiclient_cert.pem`.
    certificate: Option<String>,
    /// The certificate's serial; may be left out where the certificate is given.
    serial: Option<String>,
    /// `apiclient_cert.p12` in base64, in place of `private_key` and `certificate`.
    #[oai(write_only)]
    p12: Option<String>,
    /// Its password; the merchant number when left out, as WeChat sets it.
    #[oai(write_only)]
    p12_password: Option<String>,
    /// The 32 characters of the APIv3 key.
    #[oai(write_only)]
    api_v3_key: String,
    /// WeChat's `pub_key.pem`; left out where platform certificates are used.
    public_key: Option<String>,
    /// Its id, `PUB_KEY_ID_…`.
    public_key_id: Option<String>,
    /// Where calls go, in test mode.
    api_url: Option<String>,
    /// Where a failed call goes a second time, in test mode.
    backup_api_url: Option<String>,
    /// Where mini-program logins go, in test mode; `api_url` when left out.
    login_url: Option<String>,
}

impl std::fmt::Debug for NewProvider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewProvider")
            .field("sp_mchid", &self.sp_mchid)
            .finish_non_exhaustive()
    }
}

impl NewProvider {
    /// The provider as the use case takes it.
    pub(super) fn into_new(self) -> Result<providers::NewProvider, Problem> {
        let sp_mchid = Mchid::parse(&self.sp_mchid);
        let sp_mchid = sp_mchid.map_err(|error| Problem::invalid_field("/sp_mchid", error))?;
        let sp_appid = AppId::parse(&self.sp_appid);
        let sp_appid = sp_appid.map_err(|error| Problem::invalid_field("/sp_appid", error))?;
        let files = GivenFiles {
            private_key: self.private_key,
            certificate: self.certificate,
            serial: self.serial,
            p12: self.p12,
            p12_password: self.p12_password,
        };
        let public_key = match (self.public_key_id, self.public_key) {
            (None, None) => None,
            (id, pem) => Some((given(id, "/public_key_id")?, given(pem, "/public_key")?)),
        };
        Ok(providers::NewProvider {
            name: self.name,
            mode: self.mode.into(),
            merchant: files.into_files(&sp_mchid)?,
            sp_mchid,
            sp_appid,
            login_url: self.login_url.or_else(|| self.api_url.clone()),
            api_url: self.api_url,
            backup_api_url: self.backup_api_url,
            api_v3_key: Zeroizing::new(self.api_v3_key),
            public_key,
        })
    }
}

/// A WeChat Pay merchant account that calls WeChat.
#[derive(Debug, Object)]
pub(super) struct Provider {
    /// Its id: `prv_…`.
    id: String,
    /// Always `provider`.
    object: String,
    /// What people call it.
    name: String,
    /// `live` or `test`.
    mode: ProviderMode,
    /// Its merchant number.
    sp_mchid: String,
    /// Its app id.
    sp_appid: String,
    /// When it was added (RFC 3339).
    created_at: String,
}

impl From<merchant::Provider> for Provider {
    fn from(provider: merchant::Provider) -> Self {
        Self {
            id: provider.id.to_string(),
            object: "provider".to_owned(),
            name: provider.name,
            mode: provider.mode.into(),
            sp_mchid: provider.sp_mchid.to_string(),
            sp_appid: provider.sp_appid.to_string(),
            created_at: provider.created_at.to_rfc3339(),
        }
    }
}

/// Every provider.
#[derive(Debug, Object)]
pub(super) struct ProviderList {
    /// Always `list`.
    object: String,
    /// The providers, oldest first.
    data: Vec<Provider>,
}

impl ProviderList {
    pub(super) fn new(providers: Vec<merchant::Provider>) -> Self {
        Self {
            object: "list".to_owned(),
            data: providers.into_iter().map(Into::into).collect(),
        }
    }
}
