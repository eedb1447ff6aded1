//! `GET /sns/jscode2session`: a login code for an openid, with WeChat's error codes. The status is always 200.

#![expect(
    clippy::needless_pass_by_value,
    reason = "handlers own what was extracted"
)]

use std::{collections::HashMap, sync::Arc};

use base64::{Engine, engine::general_purpose::STANDARD};
use poem::{
    Response, handler,
    http::StatusCode,
    web::{Data, Query},
};
use serde_json::{Value, json};

use crate::{core::Core, ledger::LoginCode};

/// A code lives five minutes.
const CODE_LIFE_MS: i64 = 300_000;

#[handler]
pub(crate) fn jscode2session(
    Query(parameters): Query<HashMap<String, String>>,
    core: Data<&Arc<Core>>,
) -> Response {
    let answer = exchange(&core, &parameters)
        .unwrap_or_else(|(errcode, errmsg)| json!({"errcode": errcode, "errmsg": errmsg}));
    // WeChat sends JSON under this type, and clients must parse by content.
    Response::builder()
        .status(StatusCode::OK)
        .content_type("text/plain")
        .body(answer.to_string())
}

type LoginProblem = (i64, &'static str);

fn exchange(core: &Core, parameters: &HashMap<String, String>) -> Result<Value, LoginProblem> {
    let given = |name: &str| parameters.get(name).filter(|value| !value.is_empty());
    let appid = given("appid").ok_or((41002, "appid missing"))?;
    let secret = given("secret").ok_or((41004, "appsecret missing"))?;
    let code = given("js_code").ok_or((41008, "missing code"))?;
    if given("grant_type").map(String::as_str) != Some("authorization_code") {
        return Err((40002, "invalid grant_type"));
    }
    let now_ms = core.clock.business_ms();
    let mut ledger = core.ledger();
    let app = ledger.app(appid).ok_or((40013, "invalid appid"))?;
    if &app.secret != secret {
        return Err((40125, "invalid appsecret"));
    }
    let login = ledger.code_mut(code).ok_or((40029, "invalid code"))?;
    let login = use_up(login, appid, now_ms)?;
    ledger.add_openid(appid, &login.openid);
    let key: Vec<u8> = [ledger.ids.next(), ledger.ids.next()]
        .iter()
        .flat_map(|word| word.to_be_bytes())
        .collect();
    let mut session = json!({"session_key": STANDARD.encode(key), "openid": login.openid});
    if let (Some(unionid), Some(members)) = (login.unionid, session.as_object_mut()) {
        members.insert("unionid".to_owned(), unionid.into());
    }
    Ok(session)
}

/// A code belongs to one app, lives five minutes and is good for one exchange.
fn use_up(login: &mut LoginCode, appid: &str, now_ms: i64) -> Result<LoginCode, LoginProblem> {
    if login.appid != appid || now_ms - login.issued_ms > CODE_LIFE_MS {
        return Err((40029, "invalid code"));
    }
    if login.used {
        return Err((40163, "code been used"));
    }
    login.used = true;
    match login.errcode {
        None => Ok(login.clone()),
        Some(-1) => Err((-1, "system error")),
        Some(40226) => Err((40226, "code blocked")),
        Some(45011) => Err((
            45011,
            "api minute-quota reach limit, mustslower, retry next minute",
        )),
        Some(errcode) => Err((errcode, "error")),
    }
}
