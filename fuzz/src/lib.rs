//! What each fuzz target does with an input, apart from the fuzzer: an ordinary test gives them the inputs under
//! `regressions`, which were found once or show the way into a parser.

use std::str::FromStr;

use tributary_domain::cursor::{
    AuditPosition, BillRowPlace, Place, TimelinePlace, read_feed_place,
};
use tributary_domain::idempotency_key::{self, KEY_CHARS_MAX};
use tributary_domain::ids::{
    AlarmId, BillId, DeliveryId, DiscrepancyId, EndpointId, EventId, JobId, LatePaymentId,
    NotificationId, OrderId, RefundId,
};
use wechatpay::credentials::ApiV3Key;
use wechatpay::server::parse_authorization;
use wechatpay::v3::bills::parser::{BillParser, Format};
use wechatpay::v3::bills::{FundFlowBillParser, TradeBillParser, TradeBillType};
use wechatpay::v3::notification::{Envelope, Notice};

/// What is done with an input; it panics at what must not be.
pub type Target = fn(&[u8]);

/// Every target by the name of its program and of its folders.
pub const TARGETS: &[(&str, Target)] = &[
    ("authorization", authorization),
    ("bill", bill),
    ("cursor", cursor),
    ("envelope", envelope),
    ("idempotency_key", idempotency_key),
];

/// The header `Authorization` of a signed request: what is read is what was written, in whatever order.
pub fn authorization(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let Ok(caller) = parse_authorization(text) else {
        return;
    };
    let written = format!(
        "WECHATPAY2-SHA256-RSA2048 mchid=\"{}\",nonce_str=\"{}\",timestamp=\"{}\",serial_no=\"{}\",signature=\"{}\"",
        caller.mchid, caller.nonce_str, caller.timestamp, caller.serial_no, caller.signature
    );
    assert_eq!(parse_authorization(&written), Ok(caller));
}

/// The parsers of trade bills and of fund flows: no bytes stop them, and how they are cut never changes their rows.
///
/// The first byte says which parser, the second where the rest is cut.
pub fn bill(data: &[u8]) {
    let [which, cut, data @ ..] = data else {
        return;
    };
    let cut = usize::from(*cut).min(data.len());
    if which.is_multiple_of(2) {
        read_in_pieces(|| TradeBillParser::new(TradeBillType::All), data, cut);
    } else {
        read_in_pieces(FundFlowBillParser::new, data, cut);
    }
}

fn read_in_pieces<F: Format>(parser: impl Fn() -> BillParser<F>, data: &[u8], cut: usize)
where
    F::Row: std::fmt::Debug,
{
    let at_once = parser().push(data);
    let (head, tail) = data.split_at(cut);
    let mut cut = parser();
    let in_pieces = cut.push(head).and_then(|mut rows| {
        rows.extend(cut.push(tail)?);
        Ok(rows)
    });
    assert_eq!(format!("{at_once:?}"), format!("{in_pieces:?}"));
}

/// Cursors of every list, of the feed and of timelines: what is read as a place is written as the same text.
pub fn cursor(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let read = [
        id::<AlarmId>(text),
        id::<BillId>(text),
        id::<DeliveryId>(text),
        id::<DiscrepancyId>(text),
        id::<EndpointId>(text),
        id::<EventId>(text),
        id::<JobId>(text),
        id::<LatePaymentId>(text),
        id::<NotificationId>(text),
        id::<OrderId>(text),
        id::<RefundId>(text),
        Place::read::<DeliveryId>(text).map(|place| place.to_string()),
        Place::read::<NotificationId>(text).map(|place| place.to_string()),
        Place::read::<OrderId>(text).map(|place| place.to_string()),
        Place::read::<RefundId>(text).map(|place| place.to_string()),
        AuditPosition::read(text).map(|place| place.to_string()),
        BillRowPlace::read(text).map(|place| place.to_string()),
        TimelinePlace::read(text).map(|place| place.to_string()),
        read_feed_place(text).map(|place| place.to_string()),
    ];
    for written in read.into_iter().flatten() {
        assert_eq!(written, text);
    }
}

fn id<T: FromStr + ToString>(text: &str) -> Option<String> {
    text.parse::<T>().ok().map(|id| id.to_string())
}

/// A notification's body before and after its decryption: no bytes stop us, and none are believed without the key.
pub fn envelope(data: &[u8]) {
    let key = ApiV3Key::parse("0123456789abcdef0123456789abcdef").expect("32 characters");
    if let Ok(envelope) = Envelope::parse(data) {
        assert!(
            envelope.decrypt(&[key]).is_err(),
            "decrypted without the key"
        );
    }
    drop(Notice::from_plain(data));
}

/// The header `Idempotency-Key`: a key is 1 to 255 visible characters, and the same quoted or bare.
pub fn idempotency_key(data: &[u8]) {
    let Some(key) = idempotency_key::parse(data) else {
        return;
    };
    assert!((1..=KEY_CHARS_MAX).contains(&key.len()));
    assert!(key.bytes().all(|byte| byte.is_ascii_graphic()));
    let quoted = format!("\"{key}\"");
    assert_eq!(idempotency_key::parse(quoted.as_bytes()), Some(key));
}
