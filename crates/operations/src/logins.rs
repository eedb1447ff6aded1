//! Mini-program logins: a code becomes an openid; the session key stays here and is dropped.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tributary_domain::ids::TenantId;
use tributary_domain::merchant::{AppId, SubApp, SubMerchant};
use tributary_domain::tenant::Scope;
use tributary_storage::merchants;
use wechatpay::client::Actor;
use wechatpay::miniprogram::{self, AppSecret, LoginError};

use crate::credentials::Caller;
use crate::merchants::app_secret_place;
use crate::{LoginProblem, OperationError, Operations};

const CODE_BYTES_MAX: usize = 128;

/// A user of an app.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoginView {
    /// The app.
    pub sub_appid: String,
    /// The user's id under it.
    pub openid: String,
    /// The user's id across the apps of one WeChat Open Platform account, when there is one.
    pub unionid: Option<String>,
}

impl Operations {
    /// Exchanges the code of `wx.login` for the user's openid.
    pub async fn login(
        &self,
        caller: &Caller,
        sub_appid: &AppId,
        code: &str,
    ) -> Result<LoginView, OperationError> {
        caller.require(Scope::OrdersWrite)?;
        let printable = code.bytes().all(|b| b.is_ascii_graphic());
        if code.is_empty() || code.len() > CODE_BYTES_MAX || !printable {
            let reason = "must be 1 to 128 visible ASCII characters";
            return Err(OperationError::invalid("/code", reason));
        }
        let (app, merchant, sealed) = self.find_login_app(caller, sub_appid).await?;
        let handle = self.provider(&merchant.provider_id).await?;
        let owner = caller.tenant_id.as_str();
        let place = app_secret_place(app.id.as_str());
        let secret = self
            .sealing()
            .open(self.storage(), owner, &place, &sealed)
            .await?;
        let secret = std::str::from_utf8(&secret)
            .map(AppSecret::new)
            .map_err(|_| OperationError::Internal("an app secret does not parse".into()))?;
        let base = handle
            .provider
            .login_url
            .parse()
            .map_err(|_| OperationError::Internal("a login URL does not parse".into()))?;
        let session = miniprogram::code_to_session(
            &self.inner.transport,
            &base,
            sub_appid.as_str(),
            &secret,
            code,
        )
        .await
        .map_err(|error| OperationError::LoginFailed(problem_of(&error)))?;
        self.remember_openid(caller, sub_appid, &session.openid)
            .await?;
        Ok(LoginView {
            sub_appid: sub_appid.to_string(),
            openid: session.openid,
            unionid: session.unionid,
        })
    }

    async fn find_login_app(
        &self,
        caller: &Caller,
        sub_appid: &AppId,
    ) -> Result<(SubApp, SubMerchant, Vec<u8>), OperationError> {
        let apps = merchants::find_app(self.storage(), &caller.tenant_id, sub_appid).await?;
        let merchants_found =
            merchants::list(self.storage(), &caller.tenant_id, caller.mode).await?;
        let mut bound = apps.into_iter().filter_map(|(app, sealed)| {
            let merchant = merchants_found
                .iter()
                .find(|merchant| merchant.id == app.sub_merchant_id)?;
            Some((app, merchant.clone(), sealed))
        });
        let (app, merchant, sealed) = bound.next().ok_or_else(|| {
            OperationError::invalid("/sub_appid", "is not bound to one of your sub-merchants")
        })?;
        let sealed = sealed.ok_or_else(|| {
            OperationError::invalid("/sub_appid", "has no AppSecret configured for logins")
        })?;
        Ok((app, merchant, sealed))
    }

    async fn remember_openid(
        &self,
        caller: &Caller,
        appid: &AppId,
        openid: &str,
    ) -> Result<(), OperationError> {
        let hash = openid_hash(&caller.tenant_id, openid);
        let tx = self.storage().begin().await?;
        merchants::remember_openid(&tx, &caller.tenant_id, &hash, appid, self.now()).await?;
        tx.commit().await?;
        self.inner
            .merchants
            .forget_openid(&caller.tenant_id, &hash)
            .await;
        Ok(())
    }
}

/// An openid is personal data: the registry of logins keeps its hash only, and those of two tenants cannot be joined.
pub(crate) fn openid_hash(tenant: &TenantId, openid: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(tenant.as_str().as_bytes());
    hash.update([0]);
    hash.update(openid.as_bytes());
    hex::encode(hash.finalize())
}

fn problem_of(error: &LoginError) -> LoginProblem {
    LoginProblem {
        errcode: error.errcode(),
        message: error.to_string(),
        cause: Box::new(error.explanation().into()),
        retryable: error.retryable(),
        who_must_act: error.who_must_act().as_str(),
        // Nobody: the user logs in again, which the tenant's own page starts.
        tenant_can_act: matches!(error.who_must_act(), Actor::Tenant | Actor::Nobody),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spent_code_needs_a_new_login_and_a_wrong_secret_its_tenant() {
        for (error, errcode, who) in [
            (LoginError::InvalidCode, 40029, "nobody"),
            (LoginError::UsedCode, 40163, "nobody"),
            (LoginError::InvalidSecret, 40125, "tenant"),
        ] {
            let problem = problem_of(&error);
            assert_eq!(problem.errcode, Some(errcode));
            assert_eq!(problem.who_must_act, who, "{errcode}");
            assert!(problem.tenant_can_act, "{errcode}");
        }
    }
}
