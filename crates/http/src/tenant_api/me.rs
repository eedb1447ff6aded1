//! Whom an API key belongs to, and what it may do.

use poem_openapi::{Object, OpenApi};
use tributary_operations::account::MeView;

use super::Tag;
use crate::auth::Authenticated;
use crate::json::Json;
use crate::problem::Problem;

/// The operation on the caller itself.
pub(crate) struct MeApi;

/// The caller.
#[derive(Debug, Object)]
struct Me {
    /// Your id: `ten_…`.
    tenant_id: String,
    /// Your name.
    tenant_name: String,
    /// The world that this key opens: `live` or `test`.
    mode: String,
    /// The key itself.
    api_key: MeApiKey,
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
    /// The tenant, the mode, the scopes and the sub-merchants that this API key stands for. Any valid key may ask.
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
        Self {
            tenant_id: me.tenant_id,
            tenant_name: me.tenant_name,
            mode: me.mode.as_str().to_owned(),
            api_key: MeApiKey {
                id: me.api_key.id,
                prefix: me.api_key.prefix,
                name: me.api_key.name,
                scopes: me.api_key.scopes,
                expires_at: me.api_key.expires_at,
            },
            sub_merchants: sub_merchants.collect(),
        }
    }
}
