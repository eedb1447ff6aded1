//! `POST /v3/security/echo`: proves keys in both directions, and the way back to `notify_url`.

use serde_json::{Value, json};

use crate::{
    authentication::{Caller, Wire},
    core::Core,
    ledger::Subject,
    refusal::Refusal,
    rules::urls::check_notify_url,
    transactions::text,
};

pub(super) fn echo(
    core: &Core,
    caller: &Caller,
    wire: &Wire<'_>,
    body: &Value,
) -> Result<Value, Refusal> {
    let provider = caller.provider.as_ref();
    let key = provider.decrypting_key(wire.header("Wechatpay-Serial"))?;
    let echo_message = text(body, "echo_message").unwrap_or_default();
    let mut answer = json!({"echo_message": echo_message});
    if let Some(encrypted) = text(body, "encrypted_echo_message") {
        let unreadable = || {
            let issue = "敏感信息解密失败";
            Refusal::body("/encrypted_echo_message", &Value::Null, issue)
        };
        let plain = key
            .private_key
            .decrypt_oaep(encrypted)
            .map_err(|_| unreadable())?;
        let back = provider
            .encrypt_for_merchant(&caller.serial, &plain)
            .ok_or_else(unreadable)?;
        if let Some(members) = answer.as_object_mut() {
            members.insert("encrypted_echo_message".to_owned(), back.into());
        }
    }
    if let Some(notify_url) = text(body, "notify_url") {
        check_notify_url(notify_url)?;
        let now_ms = core.clock.business_ms();
        let subject = Subject::Echo {
            echo_message: echo_message.to_owned(),
        };
        let sp_mchid = &provider.record().sp_mchid;
        let index = core
            .ledger()
            .add_notification(sp_mchid, subject, notify_url, now_ms);
        core.schedule.add(now_ms, index);
    }
    Ok(answer)
}
