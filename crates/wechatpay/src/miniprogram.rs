//! Mini-program login: the one-time code of `wx.login` for the user's openid (WeChat docs: code2Session).
//!
//! The app's secret has to stand in the URL, so no URL of this module reaches an error or a log.

mod error;
mod session_key;

use std::fmt;

use reqwest::{Method, Url};
use serde::Deserialize;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::client::Transport;

pub use error::LoginError;
pub use session_key::SessionKey;

const PATH: &str = "/sns/jscode2session";

/// Where WeChat exchanges codes.
pub const PRODUCTION: &str = "https://api.weixin.qq.com";

/// The secret of a mini-program; it belongs to the tenant.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct AppSecret(String);

impl AppSecret {
    /// Takes the secret as the console shows it.
    pub fn new(secret: impl Into<String>) -> Self {
        Self(secret.into())
    }
}

impl fmt::Debug for AppSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AppSecret(***)")
    }
}

/// Who logged in.
#[derive(Debug, Clone)]
pub struct Session {
    /// The user within this mini-program.
    pub openid: String,
    /// The user across the apps of one Open Platform account, if the app is bound to one.
    pub unionid: Option<String>,
    /// The key of the user's signed data; it never leaves the server.
    pub session_key: SessionKey,
}

/// Exchanges a code, which works once and for five minutes.
pub async fn code_to_session(
    transport: &Transport,
    base: &Url,
    appid: &str,
    secret: &AppSecret,
    js_code: &str,
) -> Result<Session, LoginError> {
    let mut url = base.clone();
    url.set_path(PATH);
    url.query_pairs_mut()
        .clear()
        .append_pair("appid", appid)
        .append_pair("secret", &secret.0)
        .append_pair("js_code", js_code)
        .append_pair("grant_type", "authorization_code");
    let request = transport
        .request(Method::GET, url)
        .header(reqwest::header::ACCEPT, "*/*");
    let outcome = transport
        .exchange(request)
        .await
        .map_err(LoginError::Transport);
    let outcome = outcome.and_then(|answer| read(answer.status, &Zeroizing::new(answer.body)));
    tracing::debug!(
        path = PATH,
        appid,
        error = outcome.as_ref().err().map(tracing::field::display),
        "exchanged a login code"
    );
    outcome
}

/// The answer; on success `errcode` is absent or 0, and the content type says nothing.
#[derive(Deserialize, Zeroize, ZeroizeOnDrop)]
struct Wire {
    #[serde(default)]
    errcode: i64,
    #[serde(default)]
    openid: Option<String>,
    #[serde(default)]
    unionid: Option<String>,
    #[serde(default)]
    session_key: Option<String>,
}

fn read(status: u16, body: &[u8]) -> Result<Session, LoginError> {
    if status != 200 {
        return Err(LoginError::Status(status));
    }
    let mut wire: Wire = serde_json::from_slice(body).map_err(|_| LoginError::Undecodable)?;
    if wire.errcode != 0 {
        return Err(LoginError::from_errcode(wire.errcode));
    }
    let openid = wire.openid.take().filter(|openid| !openid.is_empty());
    let session_key = wire.session_key.take().filter(|key| !key.is_empty());
    match (openid, session_key) {
        (Some(openid), Some(session_key)) => Ok(Session {
            openid,
            unionid: wire.unionid.take().filter(|unionid| !unionid.is_empty()),
            session_key: SessionKey::new(session_key),
        }),
        _ => Err(LoginError::Undecodable),
    }
}
