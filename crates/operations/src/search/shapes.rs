//! What a pasted text can be: pure, so that every shape is one line of a table.

use std::str::FromStr;

use tributary_domain::ids::{
    AlarmId, AttemptId, DeliveryId, DiscrepancyId, EndpointId, EventId, JobId, LatePaymentId,
    NotificationId, OrderId, ProviderId, RefundId, SubMerchantId, TenantId,
};

/// The longest text that anybody looks up.
const CHARS_MAX: usize = 200;
/// Within it, the shortest that is looked for in names.
const NAME_CHARS_MIN: usize = 2;

/// What kind of thing a text can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Shape {
    /// `ord_…`
    OrderId,
    /// `att_…`
    AttemptId,
    /// `ref_…`
    RefundId,
    /// `lpm_…`
    LatePaymentId,
    /// `evt_…`
    EventId,
    /// `dlv_…`
    DeliveryId,
    /// `ten_…`
    TenantId,
    /// `sub_…`
    SubMerchantId,
    /// `ep_…`
    EndpointId,
    /// `ntf_…`
    NotificationId,
    /// `prv_…`
    ProviderId,
    /// `alm_…`
    AlarmId,
    /// `dsc_…`
    DiscrepancyId,
    /// `job_…`
    JobId,
    /// WeChat's number of a payment: 28 digits.
    TransactionId,
    /// WeChat's number of a refund: 28 to 32 digits that begin with 5.
    WechatRefundId,
    /// `PUB_KEY_ID_…`
    PublicKeyId,
    /// The serial of a certificate: 40 hexadecimal digits.
    CertificateSerial,
    /// A fingerprint, or the beginning of one: 8 to 64 hexadecimal digits.
    Fingerprint,
    /// An app id: `wx` and 16 characters.
    AppId,
    /// A merchant number: 8 to 10 digits.
    Mchid,
    /// The number of a call: ours or WeChat's `Request-ID`.
    RequestId,
    /// The number of an order or a refund, the tenant's or ours at WeChat.
    Number,
    /// A host of an endpoint.
    Host,
    /// The name of a tenant.
    Name,
}

impl Shape {
    /// The word shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OrderId => "order_id",
            Self::AttemptId => "attempt_id",
            Self::RefundId => "refund_id",
            Self::LatePaymentId => "late_payment_id",
            Self::EventId => "event_id",
            Self::DeliveryId => "delivery_id",
            Self::TenantId => "tenant_id",
            Self::SubMerchantId => "sub_merchant_id",
            Self::EndpointId => "endpoint_id",
            Self::NotificationId => "notification_id",
            Self::ProviderId => "provider_id",
            Self::AlarmId => "alarm_id",
            Self::DiscrepancyId => "discrepancy_id",
            Self::JobId => "job_id",
            Self::TransactionId => "transaction_id",
            Self::WechatRefundId => "wechat_refund_id",
            Self::PublicKeyId => "public_key_id",
            Self::CertificateSerial => "certificate_serial",
            Self::Fingerprint => "fingerprint",
            Self::AppId => "sub_appid",
            Self::Mchid => "sub_mchid",
            Self::RequestId => "request_id",
            Self::Number => "number",
            Self::Host => "host",
            Self::Name => "tenant_name",
        }
    }
}

/// Folds what people paste: full-width characters, quotes around, a comma behind, spaces inside a number.
pub fn fold(text: &str) -> String {
    let half = text.chars().filter_map(half_width).take(CHARS_MAX);
    let folded: String = half.collect();
    let is_wrapping =
        |c: char| c.is_whitespace() || "\"'`“”‘’「」『』«»,;，；、。()（）<>[]【】".contains(c);
    let trimmed = folded.trim_matches(is_wrapping);
    let digits: String = trimmed.chars().filter(|c| !c.is_whitespace()).collect();
    let is_number = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    if is_number {
        digits
    } else {
        trimmed.to_owned()
    }
}

/// A character as it is meant; what has no width means nothing.
fn half_width(c: char) -> Option<char> {
    match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0),
        '\u{3000}' | '\u{a0}' => Some(' '),
        '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' => None,
        c if c.is_control() => Some(' '),
        other => Some(other),
    }
}

/// Everything that a folded text can be, the most certain first.
pub fn shapes(text: &str) -> Vec<Shape> {
    if let Some(shape) = own_id(text) {
        return vec![shape];
    }
    let all: [(Shape, bool); 11] = [
        (Shape::PublicKeyId, is_public_key_id(text)),
        (Shape::CertificateSerial, is_serial(text)),
        (Shape::TransactionId, digits(text, 28, 28)),
        (
            Shape::WechatRefundId,
            digits(text, 28, 32) && text.starts_with('5'),
        ),
        (Shape::AppId, is_app_id(text)),
        (Shape::Mchid, digits(text, 8, 10)),
        (Shape::Number, is_number(text)),
        (Shape::Fingerprint, is_fingerprint(text)),
        (Shape::RequestId, is_request_id(text)),
        (Shape::Host, is_host(text)),
        (Shape::Name, text.chars().count() >= NAME_CHARS_MIN),
    ];
    all.into_iter()
        .filter(|(_, is)| *is)
        .map(|(shape, _)| shape)
        .collect()
}

/// Whether a text is of a shape.
type Test = fn(&str) -> bool;

fn own_id(text: &str) -> Option<Shape> {
    fn is<T: FromStr>(text: &str) -> bool {
        text.parse::<T>().is_ok()
    }
    let all: [(Shape, Test); 14] = [
        (Shape::OrderId, is::<OrderId>),
        (Shape::AttemptId, is::<AttemptId>),
        (Shape::RefundId, is::<RefundId>),
        (Shape::LatePaymentId, is::<LatePaymentId>),
        (Shape::EventId, is::<EventId>),
        (Shape::DeliveryId, is::<DeliveryId>),
        (Shape::TenantId, is::<TenantId>),
        (Shape::SubMerchantId, is::<SubMerchantId>),
        (Shape::EndpointId, is::<EndpointId>),
        (Shape::NotificationId, is::<NotificationId>),
        (Shape::ProviderId, is::<ProviderId>),
        (Shape::AlarmId, is::<AlarmId>),
        (Shape::DiscrepancyId, is::<DiscrepancyId>),
        (Shape::JobId, is::<JobId>),
    ];
    all.into_iter()
        .find(|(_, is)| is(text))
        .map(|(shape, _)| shape)
}

fn digits(text: &str, min: usize, max: usize) -> bool {
    (min..=max).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
}

fn is_public_key_id(text: &str) -> bool {
    let number = text.strip_prefix("PUB_KEY_ID_");
    let is_number = |number: &str| number.bytes().all(|b| b.is_ascii_alphanumeric());
    number.is_some_and(|number| (1..=64).contains(&number.len()) && is_number(number))
}

fn is_serial(text: &str) -> bool {
    text.len() == 40 && text.bytes().all(|b| b.is_ascii_hexdigit())
}

/// People paste fingerprints with colons between the digits.
fn is_fingerprint(text: &str) -> bool {
    let digits = text.replace(':', "");
    (8..=64).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_hexdigit())
}

fn is_app_id(text: &str) -> bool {
    let rest = text.strip_prefix("wx");
    rest.is_some_and(|rest| rest.len() == 16 && rest.bytes().all(|b| b.is_ascii_alphanumeric()))
}

/// What any order or refund number may be made of, the tenant's own as well.
fn is_number(text: &str) -> bool {
    !text.is_empty() && text.chars().count() <= 64 && !text.chars().any(char::is_whitespace)
}

fn is_request_id(text: &str) -> bool {
    (16..=128).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

fn is_host(text: &str) -> bool {
    let name = text.split_once("://").map_or(text, |(_, rest)| rest);
    let name = name.split(['/', ':', '?']).next().unwrap_or_default();
    name.contains('.')
        && name.len() <= 191
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_paste_is_folded_to_what_they_mean() {
        for (pasted, meant) in [
            ("  4200001234  ", "4200001234"),
            ("４２００００１２３４", "4200001234"),
            ("\"T2026-01\",", "T2026-01"),
            ("“T2026-01”，", "T2026-01"),
            ("4200 0012\u{a0}34", "4200001234"),
            ("\u{feff}T2026\u{200b}-01;", "T2026-01"),
            ("ｗｘ１２３４５６７８９０ａｂｃｄｅｆ", "wx1234567890abcdef"),
            ("北岸 出行", "北岸 出行"),
            ("  ", ""),
        ] {
            assert_eq!(fold(pasted), meant, "{pasted:?}");
        }
        assert_eq!(fold(&"x".repeat(1_000)).len(), CHARS_MAX);
    }

    #[test]
    fn every_shape_is_told_from_the_others() {
        for (text, first) in [
            ("ord_01JAE2M4Q8W3N7R5T9V1X6Z0BC", Shape::OrderId),
            ("ref_01JAE2M4Q8W3N7R5T9V1X6Z0BC", Shape::RefundId),
            ("ep_01JAE2M4Q8W3N7R5T9V1X6Z0BC", Shape::EndpointId),
            ("job_01JAE2M4Q8W3N7R5T9V1X6Z0BC", Shape::JobId),
            ("4200001234202611201234567890", Shape::TransactionId),
            ("50000000382019052709732678859", Shape::WechatRefundId),
            (
                "PUB_KEY_ID_0114232134912410000000000000",
                Shape::PublicKeyId,
            ),
            (
                "5157F09EFDC096DE15EBE81A47057A7232F1B8E1",
                Shape::CertificateSerial,
            ),
            ("wx1234567890abcdef", Shape::AppId),
            ("1900000109", Shape::Mchid),
            ("T2026-01", Shape::Number),
            ("北岸 出行", Shape::Name),
        ] {
            assert_eq!(shapes(text).first(), Some(&first), "{text}");
        }
        assert_eq!(shapes("ord_01JAE2M4Q8W3N7R5T9V1X6Z0BC").len(), 1);
        assert!(shapes("shop.example.com").contains(&Shape::Host));
        assert!(shapes("https://shop.example.com/hook").contains(&Shape::Host));
        assert!(shapes("08F78BB5AF0610D302189CBF9256AA-0").contains(&Shape::RequestId));
        assert!(shapes("9f86d081884c7d65").contains(&Shape::Fingerprint));
        assert!(shapes("9F:86:D0:81").contains(&Shape::Fingerprint));
        assert!(!shapes("9f86d08").contains(&Shape::Fingerprint));
        assert!(shapes("").is_empty());
    }
}
