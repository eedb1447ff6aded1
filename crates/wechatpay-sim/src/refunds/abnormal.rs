//! Abnormal refunds: the original way has failed, and the money is sent another way.

use serde_json::Value;

use super::{check_permission, schedule_result};
use crate::{
    core::Core,
    documents,
    ledger::{OtherWay, RefundStatus},
    providers::{Provider, keys::SigningKey},
    refusal::Refusal,
    transactions::{check_relation, text},
};

const CARD_DIGITS: std::ops::RangeInclusive<usize> = 8..=32;
const NAME_BYTES: std::ops::RangeInclusive<usize> = 1..=128;
/// Of a card's number, so many digits are shown.
const SHOWN_DIGITS: usize = 4;

/// Sends an abnormal refund another way; it is PROCESSING again.
pub(crate) fn apply_abnormal(
    core: &Core,
    provider: &Provider,
    named_serial: Option<&str>,
    (refund_id, body): (&str, &Value),
) -> Result<Value, Refusal> {
    let other_way = other_way(provider.decrypting_key(named_serial)?, body)?;
    let now_ms = core.clock.business_ms();
    let mut ledger = core.ledger();
    let sub_mchid = text(body, "sub_mchid").unwrap_or_default();
    check_relation(&ledger, provider, sub_mchid)?;
    check_permission(&ledger, provider, sub_mchid)?;
    let found = ledger
        .find_refund_by_id(refund_id)
        .and_then(|index| ledger.refund(index))
        .filter(|refund| refund.sp_mchid == provider.record().sp_mchid)
        .filter(|refund| refund.sub_mchid == sub_mchid);
    let mut refund = found
        .cloned()
        .ok_or_else(|| Refusal::resource_not_exists("退款单不存在"))?;
    if text(body, "out_refund_no") != Some(refund.out_refund_no.as_str()) {
        return Err(Refusal::invalid_request(
            "refund_id与out_refund_no不是同一退款单",
        ));
    }
    if refund.status != RefundStatus::Abnormal {
        return Err(Refusal::invalid_request(
            "退款单状态不是退款异常，不能发起异常退款",
        ));
    }
    refund.status = RefundStatus::Processing;
    refund.other_way = Some(other_way);
    refund.updated_ms = now_ms;
    refund.planned = ledger
        .refund_policy(&refund.sp_mchid, sub_mchid)
        .map(|policy| policy.after_application().planned(now_ms));
    ledger.keep_refund(refund.clone());
    schedule_result(core, &ledger, &refund);
    Ok(documents::refund(&refund))
}

/// Where the money goes, after the encrypted members were decrypted and looked at.
fn other_way(key: &SigningKey, body: &Value) -> Result<OtherWay, Refusal> {
    let account = decrypted(key, body, "bank_account")?;
    let name = decrypted(key, body, "real_name")?;
    if let Some(account) = &account
        && !(CARD_DIGITS.contains(&account.len()) && account.bytes().all(|b| b.is_ascii_digit()))
    {
        return Err(refuse("bank_account", "银行卡号格式错误"));
    }
    if let Some(name) = &name
        && !(NAME_BYTES.contains(&name.trim().len()))
    {
        return Err(refuse("real_name", "收款用户姓名格式错误"));
    }
    let received_account = if text(body, "type") == Some("USER_BANK_CARD") {
        let missing = |name| refuse(name, "type为USER_BANK_CARD时必填");
        let bank = text(body, "bank_type").ok_or_else(|| missing("bank_type"))?;
        let account = account.ok_or_else(|| missing("bank_account"))?;
        name.ok_or_else(|| missing("real_name"))?;
        let shown = account.len().saturating_sub(SHOWN_DIGITS);
        format!("{bank}{}", account.get(shown..).unwrap_or_default())
    } else {
        "商户结算银行账户".to_owned()
    };
    Ok(OtherWay {
        channel: "OTHER_BANKCARD".to_owned(),
        received_account,
    })
}

fn decrypted(key: &SigningKey, body: &Value, name: &str) -> Result<Option<String>, Refusal> {
    let Some(sealed) = text(body, name) else {
        return Ok(None);
    };
    let plain = key.private_key.decrypt_oaep(sealed).ok();
    let plain = plain.and_then(|plain| String::from_utf8(plain).ok());
    plain
        .map(Some)
        .ok_or_else(|| refuse(name, "敏感信息解密失败"))
}

fn refuse(name: &str, issue: &str) -> Refusal {
    Refusal::body(&format!("/{name}"), &Value::Null, issue)
}
