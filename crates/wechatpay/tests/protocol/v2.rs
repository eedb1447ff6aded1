//! T1 to T9 of the V2 page (T4 stands beside the code that it tests).

use md5::{Digest as _, Md5};
use serde_json::Value;
use wechatpay::credentials::ApiV2Key;
use wechatpay::v2::{NoticeError, SignType, open_refund_notice, pay_parameters, sign, verify};

use crate::vectors::text;

fn vectors() -> Value {
    serde_json::from_str(include_str!("../../testdata/v2.json")).unwrap()
}

fn fields(vector: &Value) -> Vec<(&str, &str)> {
    let fields = vector["fields"].as_object().unwrap();
    fields
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str().unwrap()))
        .collect()
}

fn key(vector: &Value) -> ApiV2Key {
    ApiV2Key::parse(text(vector, "/key")).unwrap()
}

fn sign_type(vector: &Value) -> SignType {
    let types = [SignType::Md5, SignType::HmacSha256];
    types
        .into_iter()
        .find(|t| t.as_str() == text(vector, "/sign_type"))
        .unwrap()
}

#[test]
fn signatures_of_the_page_are_reproduced_in_any_order_of_fields() {
    let set = vectors();
    let signatures = set["signatures"].as_array().unwrap();
    assert_eq!(signatures.len(), 10);
    for vector in signatures {
        let (key, sign_type, id) = (key(vector), sign_type(vector), text(vector, "/id"));
        let mut fields = fields(vector);
        assert_eq!(
            sign(fields.clone(), &key, sign_type),
            text(vector, "/sign"),
            "{id}"
        );
        fields.reverse();
        fields.push(("sign", "does not count"));
        assert_eq!(
            sign(fields.clone(), &key, sign_type),
            text(vector, "/sign"),
            "{id}"
        );
        assert!(verify(fields.clone(), text(vector, "/sign"), &key), "{id}");
        assert!(
            !verify(fields, &text(vector, "/sign").to_lowercase(), &key),
            "{id}"
        );
    }
}

#[test]
fn one_changed_field_or_key_breaks_the_signature() {
    let set = vectors();
    for vector in set["signatures"].as_array().unwrap() {
        let (key, sign) = (key(vector), text(vector, "/sign"));
        let mut changed = fields(vector);
        changed[0].1 = "changed";
        assert!(!verify(changed, sign, &key));
        let other = ApiV2Key::parse(&"k".repeat(32)).unwrap();
        assert!(!verify(fields(vector), sign, &other));
        assert!(!verify(fields(vector), "", &key));
    }
}

#[test]
fn the_known_answer_of_the_cashier_parameters_holds() {
    let key = ApiV2Key::parse("qazwsxedcrfvtgbyhnujmikolp111111").unwrap();
    let parameters = pay_parameters(
        &key,
        "wxd678efh567hg6787",
        "wx2017033010242291fcfe0db70013231072",
        1_490_840_662,
        "5K8264ILTKCH16CQ2502SI8ZNMTM67VS",
        SignType::Md5,
    );
    assert_eq!(parameters.pay_sign, "22D9B4E54AB1950F51E0649E8810ACD6");
    assert_eq!(parameters.sign_type, "MD5");
    assert_eq!(
        parameters.package,
        "prepay_id=wx2017033010242291fcfe0db70013231072"
    );
    assert_eq!(parameters.time_stamp, "1490840662");
}

#[test]
fn the_refund_notice_opens_and_altered_ones_are_errors() {
    let set = vectors();
    let notice = &set["refund_notice"];
    let (key, info) = (key(notice), text(notice, "/req_info"));
    let aes_key = hex::encode(Md5::digest(text(notice, "/key")));
    assert_eq!(aes_key, text(notice, "/aes_key"));
    assert_eq!(
        open_refund_notice(&key, info).unwrap(),
        text(notice, "/plain").as_bytes()
    );
    let other = ApiV2Key::parse(&"k".repeat(32)).unwrap();
    assert_ne!(
        open_refund_notice(&other, info).ok(),
        Some(text(notice, "/plain").into())
    );
    assert_eq!(
        open_refund_notice(&key, &info[4..]),
        Err(NoticeError::Length)
    );
    assert_eq!(open_refund_notice(&key, "=="), Err(NoticeError::NotBase64));
    assert_eq!(open_refund_notice(&key, ""), Err(NoticeError::Length));
}
