//! Whom a credential belongs to, and what it may do.

use poem_openapi::{Object, OpenApi};
use tributary_operations::account::{CredentialKind, CredentialView, MeView};

use super::Tag;
use crate::auth::Authenticated;
use crate::json::Json;
use crate::problem::Problem;

/// The operation on the caller itself.
pub(crate) struct MeApi;

/// The caller.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
struct Me {
    /// Your id: `ten_…`.
    tenant_id: String,
    /// Your name.
    tenant_name: String,
    /// The world that this credential opens: `live` or `test`.
    mode: String,
    /// The API key of the call, or the one that fetched its access token.
    api_key: Option<MeApiKey>,
    /// The certificate, or the registered public key, that signed the call.
    certificate: Option<MeCertificate>,
    /// Your sub-merchants in this mode.
    sub_merchants: Vec<MeSubMerchant>,
}

/// The API key of a call.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
struct MeApiKey {
    /// Its id: `key_…`.
    id: String,
    /// Its first characters, enough to recognise it.
    prefix: String,
    /// What a person calls it.
    name: String,
    /// What this call may do.
    scopes: Vec<String>,
    /// When it stops working (RFC 3339).
    expires_at: Option<String>,
}

/// The certificate of a call.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
struct MeCertificate {
    /// Its id: `crt_…`.
    id: String,
    /// Its serial, as requests name it.
    serial: String,
    /// What a person calls it.
    name: String,
    /// What it may do.
    scopes: Vec<String>,
    /// When it stops working (RFC 3339).
    expires_at: Option<String>,
}

/// A sub-merchant of the caller.
#[derive(Debug, Object)]
struct MeSubMerchant {
    /// Its number at WeChat Pay.
    sub_mchid: String,
    /// Its name.
    name: String,
    /// The apps bound to it.
    sub_apps: Vec<String>,
}

#[OpenApi(tag = "Tag::Account")]
impl MeApi {
    /// Who am I
    ///
    /// The tenant, the mode, the scopes and the sub-merchants that this credential stands for. Any valid one may ask.
    #[oai(path = "/v1/me", method = "get", operation_id = "getMe")]
    async fn get_me(&self, auth: Authenticated) -> Result<Json<Me>, Problem> {
        let session = auth.any();
        let me = session.operations.me(&session.caller).await?;
        Ok(Json(me.into()))
    }
}

impl From<MeView> for Me {
    fn from(me: MeView) -> Self {
        let sub_merchants = me.sub_merchants.into_iter().map(|sub| MeSubMerchant {
            sub_mchid: sub.sub_mchid,
            name: sub.name,
            sub_apps: sub.sub_apps,
        });
        let (api_key, certificate) = credential_of(me.credential);
        Self {
            tenant_id: me.tenant_id,
            tenant_name: me.tenant_name,
            mode: me.mode.as_str().to_owned(),
            api_key,
            certificate,
            sub_merchants: sub_merchants.collect(),
        }
    }
}

fn credential_of(view: CredentialView) -> (Option<MeApiKey>, Option<MeCertificate>) {
    let CredentialView {
        kind,
        id,
        mark,
        name,
        scopes,
        expires_at,
    } = view;
    match kind {
        CredentialKind::ApiKey | CredentialKind::AccessToken => {
            let key = MeApiKey {
                id,
                prefix: mark,
                name,
                scopes,
                expires_at,
            };
            (Some(key), None)
        }
        CredentialKind::Certificate => {
            let certificate = MeCertificate {
                id,
                serial: mark,
                name,
                scopes,
                expires_at,
            };
            (None, Some(certificate))
        }
    }
}
