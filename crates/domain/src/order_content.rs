//! What a tenant wants paid: parsed once, checked against WeChat's limits, then never checked again.
//!
//! Limits are those of "WeChat partner docs: JSAPI prepay".

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::field::{Faults, FieldError};
use crate::merchant::{AppId, Mchid, MerchantOrderNo, OpenId};
use crate::money::{Currency, Fen};

const DESCRIPTION_BYTES_MAX: usize = 127;
const ATTACH_BYTES_MAX: usize = 128;
const GOODS_TAG_BYTES_MAX: usize = 32;
const DETAIL_BYTES_MAX: usize = 6144;
const GOODS_MAX: usize = 6000;
/// WeChat moves a nearer expiry to one minute ahead; a tenant should know that it asked for the impossible.
const EXPIRE_AHEAD_MIN_MS: i64 = 60_000;
/// WeChat's pages disagree (7, 15, 90 days); the strictest is safe everywhere.
const EXPIRE_AHEAD_MAX_MS: i64 = 7 * 24 * 3_600_000;

/// An order as it arrives, nothing checked.
#[derive(Clone, Debug, Default)]
pub struct OrderRequest {
    /// The tenant's own number.
    pub merchant_order_no: String,
    /// Which sub-merchant is paid; may be absent when the tenant has one.
    pub sub_mchid: Option<String>,
    /// The app the payer is in, when it is the sub-merchant's.
    pub sub_appid: Option<String>,
    /// What the payer reads.
    pub description: String,
    /// Amount in fen.
    pub total: i64,
    /// Currency code; absent means CNY.
    pub currency: Option<String>,
    /// Openid under whichever app the order names.
    pub openid: Option<String>,
    /// Openid under the provider's app.
    pub sp_openid: Option<String>,
    /// Openid under the sub-merchant's app.
    pub sub_openid: Option<String>,
    /// Given back in queries, notifications and bills.
    pub attach: Option<String>,
    /// Last moment to pay, RFC 3339.
    pub time_expire: Option<String>,
    /// Goods.
    pub detail: Option<Detail>,
    /// Where the payment happens.
    pub scene_info: Option<SceneInfo>,
    /// Coupon marker.
    pub goods_tag: Option<String>,
    /// Profit sharing.
    pub settle_info: Option<SettleInfo>,
}

/// Goods of an order, for single-item coupons.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Detail {
    /// Original price of the order in fen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost_price: Option<i64>,
    /// Receipt number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invoice_id: Option<String>,
    /// The goods.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub goods_detail: Vec<GoodsDetail>,
}

/// One kind of goods.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GoodsDetail {
    /// The merchant's id of it.
    pub merchant_goods_id: String,
    /// WeChat's id of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wechatpay_goods_id: Option<String>,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub goods_name: Option<String>,
    /// How many.
    pub quantity: i64,
    /// Price of one in fen.
    pub unit_price: i64,
}

/// Where the payment happens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SceneInfo {
    /// The payer's IP address.
    pub payer_client_ip: String,
    /// Terminal number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_id: Option<String>,
    /// The store.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub store_info: Option<StoreInfo>,
}

/// A store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreInfo {
    /// Its number.
    pub id: String,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its region code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub area_code: Option<String>,
    /// Its address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
}

/// Settlement choices.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettleInfo {
    /// Whether the money is frozen until it is shared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profit_sharing: Option<bool>,
}

/// Who pays, in the scope of exactly one app.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Payer {
    /// A user of the provider's app.
    SpOpenid(OpenId),
    /// A user of the sub-merchant's app.
    SubOpenid(OpenId),
}

/// The content of an order, within WeChat's limits. Two orders are the same when this is equal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderContent {
    /// The tenant's own number.
    pub merchant_order_no: MerchantOrderNo,
    /// Which sub-merchant is paid, when the tenant said so.
    pub sub_mchid: Option<Mchid>,
    /// The sub-merchant's app, when the payer is in it.
    pub sub_appid: Option<AppId>,
    /// What the payer reads.
    pub description: String,
    /// How much.
    pub total: Fen,
    /// Of which currency.
    pub currency: Currency,
    /// Who pays.
    pub payer: Payer,
    /// Given back in queries, notifications and bills.
    pub attach: Option<String>,
    /// Last moment to pay.
    pub time_expire: Option<Timestamp>,
    /// Goods.
    pub detail: Option<Detail>,
    /// Where the payment happens.
    pub scene_info: Option<SceneInfo>,
    /// Coupon marker.
    pub goods_tag: Option<String>,
    /// Settlement choices.
    pub settle_info: Option<SettleInfo>,
}

impl OrderContent {
    /// Checks a request and reports every fault at once.
    pub fn parse(request: OrderRequest) -> Result<Self, Vec<FieldError>> {
        let mut faults = Faults::default();
        let merchant_order_no = faults.take(
            "/merchant_order_no",
            MerchantOrderNo::parse(&request.merchant_order_no),
        );
        let sub_mchid = request
            .sub_mchid
            .as_deref()
            .and_then(|text| faults.take("/sub_mchid", Mchid::parse(text)));
        let sub_appid = request
            .sub_appid
            .as_deref()
            .and_then(|text| faults.take("/sub_appid", AppId::parse(text)));
        check_text(
            &mut faults,
            "/description",
            &request.description,
            1,
            DESCRIPTION_BYTES_MAX,
        );
        let total = parse_total(&mut faults, request.total);
        let currency = parse_currency(&mut faults, request.currency.as_deref());
        let payer = parse_payer(&mut faults, &request);
        check_optional(
            &mut faults,
            "/attach",
            request.attach.as_deref(),
            ATTACH_BYTES_MAX,
        );
        check_optional(
            &mut faults,
            "/goods_tag",
            request.goods_tag.as_deref(),
            GOODS_TAG_BYTES_MAX,
        );
        let time_expire = request
            .time_expire
            .as_deref()
            .and_then(|text| faults.take("/time_expire", Timestamp::parse_rfc3339(text)));
        if let Some(detail) = &request.detail {
            check_detail(&mut faults, detail);
        }
        if let Some(scene) = &request.scene_info {
            check_scene(&mut faults, scene);
        }
        let faults = faults.into_vec();
        match (merchant_order_no, total, currency, payer) {
            (Some(merchant_order_no), Some(total), Some(currency), Some(payer))
                if faults.is_empty() =>
            {
                Ok(Self {
                    merchant_order_no,
                    sub_mchid,
                    sub_appid,
                    description: request.description,
                    total,
                    currency,
                    payer,
                    attach: request.attach,
                    // WeChat takes seconds; keeping more would make an equal order look different.
                    time_expire: time_expire.map(|at| Timestamp::from_seconds(at.as_seconds())),
                    detail: request.detail,
                    scene_info: request.scene_info,
                    goods_tag: request.goods_tag,
                    settle_info: request.settle_info,
                })
            }
            _ => Err(faults),
        }
    }

    /// Checks the one limit that depends on the time; only a new order is held to it, a repeated request is not.
    pub fn check_expiry(&self, now: Timestamp) -> Result<(), FieldError> {
        let Some(expire) = self.time_expire else {
            return Ok(());
        };
        let ahead_ms = expire.millis_since(now);
        if ahead_ms < EXPIRE_AHEAD_MIN_MS {
            Err(FieldError::new(
                "/time_expire",
                "must be at least one minute ahead",
            ))
        } else if ahead_ms > EXPIRE_AHEAD_MAX_MS {
            Err(FieldError::new(
                "/time_expire",
                "must be at most 7 days ahead",
            ))
        } else {
            Ok(())
        }
    }

    /// When the order ends unpaid: what the request said, else what is agreed with the tenant, else WeChat's own seven
    /// days.
    pub fn expires_at(&self, created_at: Timestamp, agreed_minutes: Option<u32>) -> Timestamp {
        let agreed = || {
            let end = created_at.plus_millis(i64::from(agreed_minutes?).saturating_mul(60_000));
            Some(Timestamp::from_seconds(end.as_seconds()))
        };
        self.time_expire
            .or_else(agreed)
            .unwrap_or_else(|| wechats_own_end(created_at))
    }
}

/// When WeChat ends an order that does not say when.
pub(crate) fn wechats_own_end(created_at: Timestamp) -> Timestamp {
    created_at.plus_millis(EXPIRE_AHEAD_MAX_MS)
}

fn parse_total(faults: &mut Faults, total: i64) -> Option<Fen> {
    if total < 1 {
        faults.add("/amount/total", "must be at least 1 fen");
        return None;
    }
    faults.take("/amount/total", Fen::new(total))
}

pub(crate) fn parse_currency(faults: &mut Faults, code: Option<&str>) -> Option<Currency> {
    let currency = Currency::parse(code.unwrap_or("CNY"));
    if currency.is_none() {
        faults.add("/amount/currency", "must be CNY");
    }
    currency
}

/// Exactly one openid, under the app that the order names ("WeChat partner docs: appid and openid").
fn parse_payer(faults: &mut Faults, request: &OrderRequest) -> Option<Payer> {
    let has_sub_appid = request.sub_appid.is_some();
    match (&request.openid, &request.sp_openid, &request.sub_openid) {
        (Some(openid), None, None) => {
            let openid = faults.take("/payer/openid", OpenId::parse(openid))?;
            Some(if has_sub_appid {
                Payer::SubOpenid(openid)
            } else {
                Payer::SpOpenid(openid)
            })
        }
        (None, Some(openid), None) => faults
            .take("/payer/sp_openid", OpenId::parse(openid))
            .map(Payer::SpOpenid),
        (None, None, Some(openid)) => {
            if !has_sub_appid {
                faults.add(
                    "/payer/sub_openid",
                    "needs sub_appid: it is an openid under that app",
                );
            }
            faults
                .take("/payer/sub_openid", OpenId::parse(openid))
                .map(Payer::SubOpenid)
        }
        _ => {
            faults.add(
                "/payer",
                "must hold exactly one of openid, sp_openid, sub_openid",
            );
            None
        }
    }
}

fn check_detail(faults: &mut Faults, detail: &Detail) {
    if detail.goods_detail.is_empty() || detail.goods_detail.len() > GOODS_MAX {
        faults.add("/detail/goods_detail", "must hold 1 to 6000 goods");
    }
    if detail.cost_price.is_some_and(|fen| Fen::new(fen).is_err()) {
        faults.add("/detail/cost_price", "must be 0 to 2147483647 fen");
    }
    check_optional(
        faults,
        "/detail/invoice_id",
        detail.invoice_id.as_deref(),
        32,
    );
    for (place, goods) in detail.goods_detail.iter().enumerate().take(GOODS_MAX) {
        check_goods(faults, &format!("/detail/goods_detail/{place}"), goods);
    }
    let bytes = serde_json::to_vec(detail).map_or(usize::MAX, |json| json.len());
    if bytes > DETAIL_BYTES_MAX {
        faults.add("/detail", "must be at most 6144 bytes of JSON");
    }
}

fn check_goods(faults: &mut Faults, at: &str, goods: &GoodsDetail) {
    let id = goods.merchant_goods_id.as_bytes();
    let id_ok = |b: &u8| b.is_ascii_alphanumeric() || *b == b'_' || *b == b'-';
    if id.is_empty() || id.len() > 32 || !id.iter().all(id_ok) {
        faults.add(
            &format!("{at}/merchant_goods_id"),
            "must be 1 to 32 characters of 0-9 A-Z a-z _ -",
        );
    }
    check_optional(
        faults,
        &format!("{at}/wechatpay_goods_id"),
        goods.wechatpay_goods_id.as_deref(),
        32,
    );
    check_optional(
        faults,
        &format!("{at}/goods_name"),
        goods.goods_name.as_deref(),
        256,
    );
    if !(1..=i64::from(i32::MAX)).contains(&goods.quantity) {
        faults.add(&format!("{at}/quantity"), "must be 1 to 2147483647");
    }
    if Fen::new(goods.unit_price).is_err() {
        faults.add(&format!("{at}/unit_price"), "must be 0 to 2147483647 fen");
    }
}

fn check_scene(faults: &mut Faults, scene: &SceneInfo) {
    if scene.payer_client_ip.parse::<std::net::IpAddr>().is_err() {
        faults.add(
            "/scene_info/payer_client_ip",
            "must be an IPv4 or IPv6 address",
        );
    }
    check_optional(
        faults,
        "/scene_info/device_id",
        scene.device_id.as_deref(),
        32,
    );
    if let Some(store) = &scene.store_info {
        check_text(faults, "/scene_info/store_info/id", &store.id, 1, 32);
        check_optional(
            faults,
            "/scene_info/store_info/name",
            store.name.as_deref(),
            256,
        );
        check_optional(
            faults,
            "/scene_info/store_info/area_code",
            store.area_code.as_deref(),
            32,
        );
        check_optional(
            faults,
            "/scene_info/store_info/address",
            store.address.as_deref(),
            512,
        );
    }
}

pub(crate) fn check_optional(faults: &mut Faults, field: &str, text: Option<&str>, max: usize) {
    if let Some(text) = text {
        check_text(faults, field, text, 0, max);
    }
}

/// Lengths count bytes: WeChat's pages leave open whether characters or bytes are meant, and bytes pass both.
fn check_text(faults: &mut Faults, field: &str, text: &str, min: usize, max: usize) {
    if text.len() < min || text.len() > max {
        faults.add(field, format!("must be {min} to {max} bytes of UTF-8"));
    }
    if text.chars().any(|c| c.len_utf8() > 3) {
        faults.add(field, "must not hold emoji or other characters of 4 bytes");
    }
    if text.chars().any(char::is_control) {
        faults.add(field, "must not hold control characters");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> OrderRequest {
        OrderRequest {
            merchant_order_no: "T1".into(),
            sub_appid: Some("wx2222222222222222".into()),
            description: "咖啡".into(),
            total: 888,
            currency: Some("CNY".into()),
            sub_openid: Some("oSubOpenid0000000000000000001".into()),
            ..OrderRequest::default()
        }
    }

    fn faults_of(change: impl FnOnce(&mut OrderRequest)) -> Vec<String> {
        let mut request = good();
        change(&mut request);
        OrderContent::parse(request).map_or_else(
            |faults| faults.into_iter().map(|fault| fault.field).collect(),
            |_| Vec::new(),
        )
    }

    #[test]
    fn a_good_request_becomes_content() {
        let content = OrderContent::parse(good()).unwrap();
        assert_eq!(content.total.as_i64(), 888);
        assert!(matches!(content.payer, Payer::SubOpenid(_)));
    }

    #[test]
    fn each_fault_names_its_field() {
        assert_eq!(faults_of(|r| r.total = 0), ["/amount/total"]);
        assert_eq!(faults_of(|r| r.total = -5), ["/amount/total"]);
        assert_eq!(faults_of(|r| r.total = i64::MAX), ["/amount/total"]);
        assert_eq!(
            faults_of(|r| r.currency = Some("USD".into())),
            ["/amount/currency"]
        );
        assert_eq!(
            faults_of(|r| r.description = String::new()),
            ["/description"]
        );
        assert_eq!(
            faults_of(|r| r.description = "咖".repeat(43)),
            ["/description"]
        );
        assert_eq!(
            faults_of(|r| r.description = "☕😀".into()),
            ["/description"]
        );
        assert_eq!(faults_of(|r| r.attach = Some("a".repeat(129))), ["/attach"]);
        assert_eq!(
            faults_of(|r| r.time_expire = Some("soon".into())),
            ["/time_expire"]
        );
        assert_eq!(
            faults_of(|r| r.sub_mchid = Some("abc".into())),
            ["/sub_mchid"]
        );
        assert_eq!(
            faults_of(|r| r.merchant_order_no = "a b".into()),
            ["/merchant_order_no"]
        );
    }

    #[test]
    fn an_openid_must_match_the_app_that_the_order_names() {
        assert_eq!(faults_of(|r| r.sub_appid = None), ["/payer/sub_openid"]);
        assert_eq!(faults_of(|r| r.sp_openid = Some("o1".into())), ["/payer"]);
        assert_eq!(faults_of(|r| r.sub_openid = None), ["/payer"]);
    }

    #[test]
    fn all_faults_are_reported_at_once() {
        let faults = faults_of(|r| {
            r.total = 0;
            r.description = String::new();
        });
        assert_eq!(faults, ["/description", "/amount/total"]);
    }

    #[test]
    fn expiry_is_held_to_one_minute_and_seven_days() {
        let now = Timestamp::from_seconds(1_767_225_600);
        let at = |ms: i64| {
            let mut request = good();
            request.time_expire = Some(now.plus_millis(ms).to_rfc3339());
            OrderContent::parse(request)
                .unwrap()
                .check_expiry(now)
                .is_ok()
        };
        assert!(!at(59_000));
        assert!(at(60_000));
        assert!(at(7 * 24 * 3_600_000));
        assert!(!at(7 * 24 * 3_600_000 + 1000));
    }
}
