//! Mini-program login: a code of `wx.login` becomes an openid.

use poem_openapi::{Object, OpenApi};
use tributary_domain::merchant::AppId;
use tributary_operations::logins::LoginView;

use super::Tag;
use crate::auth::OrdersWriter;
use crate::completion::to_completion;
use crate::json::{Json, JsonBody};
use crate::problem::Problem;

/// The operation on mini-program sessions.
pub(crate) struct MiniprogramSessionsApi;

/// A login to be exchanged.
#[derive(Debug, Object)]
#[oai(deny_unknown_fields)]
struct NewMiniprogramSession {
    /// What `wx.login` gave the mini-program; good for one use within five minutes.
    code: String,
    /// The app that the code was made in.
    sub_appid: String,
}

/// Who logged in.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
struct MiniprogramSession {
    /// The user's openid under `sub_appid`.
    openid: String,
    /// The user's id across the apps of one WeChat open-platform account, when the app belongs to one.
    unionid: Option<String>,
}

#[OpenApi(tag = "Tag::MiniprogramSessions")]
impl MiniprogramSessionsApi {
    /// Exchange a login code
    ///
    /// Exchanges the code at WeChat. The `session_key` that WeChat gives with it never leaves the platform. Needs the
    /// scope `orders:write`.
    #[oai(
        path = "/v1/miniprogram-sessions",
        method = "post",
        operation_id = "createMiniprogramSession"
    )]
    async fn create_miniprogram_session(
        &self,
        auth: OrdersWriter,
        body: JsonBody<NewMiniprogramSession>,
    ) -> Result<Json<MiniprogramSession>, Problem> {
        let session = auth.session();
        let NewMiniprogramSession { code, sub_appid } = body.value;
        let sub_appid = AppId::parse(&sub_appid)
            .map_err(|error| Problem::invalid_field("/sub_appid", error))?;
        // A code is good for one exchange, so what it gave is not dropped half-way.
        let login = to_completion(async move {
            session
                .operations
                .login(&session.caller, &sub_appid, &code)
                .await
        });
        Ok(Json(login.await?.into()))
    }
}

impl From<LoginView> for MiniprogramSession {
    fn from(login: LoginView) -> Self {
        Self {
            openid: login.openid,
            unionid: login.unionid,
        }
    }
}
