//! Placing an order: identity, re-entry, expiry.

use std::net::IpAddr;

use serde_json::Value;

use super::{check_caller, check_relation, is_expired, owned, paid, text};
use crate::{
    canonical::parameters_digest,
    clock::parse_rfc3339,
    core::Core,
    ledger::{Ledger, Order, OrderIndex, Prepay, TradeState},
    providers::Provider,
    refusal::Refusal,
    rules::urls::check_notify_url,
};

/// An order without `time_expire` can be paid for seven days; none may be open longer.
const LONGEST_LIFE_MS: i64 = 7 * 86_400_000;
/// A nearer `time_expire` is moved out to this.
const SHORTEST_LIFE_MS: i64 = 60_000;
const DETAIL_BYTES: usize = 6144;

/// Places an order, or answers a repetition of the same request with a fresh prepay id.
pub(crate) fn place(core: &Core, provider: &Provider, body: &Value) -> Result<String, Refusal> {
    check_caller(provider, text(body, "sp_mchid").unwrap_or_default())?;
    check_values(body)?;
    let now_ms = core.clock.business_ms();
    let mut ledger = core.ledger();
    check_identity(&ledger, provider, body)?;
    let out_trade_no = text(body, "out_trade_no").unwrap_or_default();
    let digest = parameters_digest(body);
    let index = match ledger.find_order(&provider.record().sp_mchid, out_trade_no) {
        Some(index) => {
            check_reentry(&ledger, index, &digest, body, now_ms)?;
            index
        }
        None => create(&mut ledger, body, digest, now_ms)?,
    };
    let prepay_id = ledger.ids.prepay_id(now_ms);
    ledger.add_prepay(
        index,
        Prepay {
            prepay_id: prepay_id.clone(),
            issued_ms: now_ms,
        },
    );
    Ok(prepay_id)
}

/// What can be said of the values without knowing anybody.
fn check_values(body: &Value) -> Result<(), Refusal> {
    check_notify_url(text(body, "notify_url").unwrap_or_default())?;
    if let Some(detail) = body.get("detail")
        && detail.to_string().len() > DETAIL_BYTES
    {
        let issue = format!("长度大于最大值{DETAIL_BYTES}字节");
        return Err(Refusal::body("/detail", &Value::Null, issue));
    }
    if let Some(address) = body.pointer("/scene_info/payer_client_ip")
        && address
            .as_str()
            .is_none_or(|ip| ip.parse::<IpAddr>().is_err())
    {
        return Err(Refusal::body(
            "/scene_info/payer_client_ip",
            address,
            "不是合法的IP地址",
        ));
    }
    let payer = |name| body.pointer(&format!("/payer/{name}")).is_some();
    match (payer("sp_openid"), payer("sub_openid")) {
        (true, true) | (false, false) => Err(Refusal::body(
            "/payer",
            &Value::Null,
            "sp_openid和sub_openid必须二选一",
        )),
        (false, true) if text(body, "sub_appid").is_none() => Err(Refusal::body(
            "/sub_appid",
            &Value::Null,
            "传sub_openid时sub_appid必填",
        )),
        _ => Ok(()),
    }
}

/// Who belongs to whom: merchant numbers, apps, the payer.
fn check_identity(ledger: &Ledger, provider: &Provider, body: &Value) -> Result<(), Refusal> {
    let sub_mchid = text(body, "sub_mchid").unwrap_or_default();
    check_relation(ledger, provider, sub_mchid)?;
    let sp_appid = text(body, "sp_appid").unwrap_or_default();
    if !provider.has_app(sp_appid) {
        return Err(not_bound("sp_appid与sp_mchid不匹配"));
    }
    let sub_appid = text(body, "sub_appid");
    let bound = |appid: &str| {
        ledger
            .sub_merchant(&provider.record().sp_mchid, sub_mchid)
            .is_some_and(|sub_merchant| sub_merchant.sub_appids.contains(appid))
    };
    if sub_appid.is_some_and(|appid| !bound(appid)) {
        return Err(not_bound("sub_mch_id与sub_appid不匹配"));
    }
    let payer = |name: &str| {
        body.pointer(&format!("/payer/{name}"))
            .and_then(Value::as_str)
    };
    let belongs = match (payer("sp_openid"), payer("sub_openid"), sub_appid) {
        (Some(openid), _, _) => ledger.is_user_of(sp_appid, openid),
        (_, Some(openid), Some(appid)) => ledger.is_user_of(appid, openid),
        _ => false,
    };
    if belongs {
        return Ok(());
    }
    Err(Refusal::new(400, "OPENID_MISMATCH", "appid和openid不匹配"))
}

fn not_bound(message: &'static str) -> Refusal {
    Refusal::new(400, "APPID_MCHID_NOT_MATCH", message)
}

/// A number that is in use: the same request again, or a refusal that says why not.
fn check_reentry(
    ledger: &Ledger,
    index: OrderIndex,
    digest: &str,
    body: &Value,
    now_ms: i64,
) -> Result<(), Refusal> {
    let Some(order) = ledger.order(index) else {
        return Ok(());
    };
    if text(body, "sub_mchid") != Some(order.sub_mchid.as_str()) {
        return Err(Refusal::new(403, "OUT_TRADE_NO_USED", "商户订单号重复"));
    }
    match order.trade_state {
        TradeState::Success | TradeState::Refund => return Err(paid()),
        TradeState::Closed => return Err(closed()),
        TradeState::NotPay => {}
    }
    if order.parameters_digest != digest {
        return Err(Refusal::invalid_request(
            "请求重入时，参数与首次请求时不一致",
        ));
    }
    if is_expired(order, now_ms) {
        return Err(closed());
    }
    Ok(())
}

fn closed() -> Refusal {
    Refusal::new(400, "ORDER_CLOSED", "该订单已关闭")
}

fn create(
    ledger: &mut Ledger,
    body: &Value,
    parameters_digest: String,
    now_ms: i64,
) -> Result<OrderIndex, Refusal> {
    let expires_ms = expiry(text(body, "time_expire"), now_ms)?;
    let inner = |pointer: &str| {
        body.pointer(pointer)
            .and_then(Value::as_str)
            .map(str::to_owned)
    };
    let order = Order {
        sp_mchid: owned(body, "sp_mchid").unwrap_or_default(),
        sp_appid: owned(body, "sp_appid").unwrap_or_default(),
        sub_mchid: owned(body, "sub_mchid").unwrap_or_default(),
        sub_appid: owned(body, "sub_appid"),
        out_trade_no: owned(body, "out_trade_no").unwrap_or_default(),
        description: owned(body, "description").unwrap_or_default(),
        attach: owned(body, "attach"),
        notify_url: owned(body, "notify_url").unwrap_or_default(),
        amount_total: body
            .pointer("/amount/total")
            .and_then(Value::as_i64)
            .unwrap_or_default(),
        sp_openid: inner("/payer/sp_openid"),
        sub_openid: inner("/payer/sub_openid"),
        device_id: inner("/scene_info/device_id"),
        expires_ms,
        parameters_digest,
        created_ms: now_ms,
        updated_ms: now_ms,
        trade_state: TradeState::NotPay,
        prepay_ids: Vec::new(),
        payment: None,
        refund_total: 0,
        refund_count: 0,
        last_refund_ms: None,
        pay_on_close: None,
    };
    let (sp_mchid, number) = (order.sp_mchid.clone(), order.out_trade_no.clone());
    ledger.keep_order(order);
    ledger
        .find_order(&sp_mchid, &number)
        .ok_or_else(|| Refusal::system_error(500))
}

/// When the order can no longer be paid.
fn expiry(time_expire: Option<&str>, now_ms: i64) -> Result<i64, Refusal> {
    let Some(text) = time_expire else {
        return Ok(now_ms.saturating_add(LONGEST_LIFE_MS));
    };
    let refuse = |issue: &str| Refusal::body("/time_expire", &Value::from(text), issue);
    let wanted_ms = parse_rfc3339(text).ok_or_else(|| refuse("不符合RFC3339格式"))?;
    if wanted_ms <= now_ms {
        return Err(refuse("订单失效时间早于当前时间"));
    }
    if wanted_ms > now_ms.saturating_add(LONGEST_LIFE_MS) {
        return Err(refuse("订单失效时间超过7天"));
    }
    Ok(wanted_ms.max(now_ms.saturating_add(SHORTEST_LIFE_MS)))
}
