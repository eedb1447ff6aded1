//! N1 to N3 of set K, and what must fail beside them.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use wechatpay::credentials::ApiV3Key;
use wechatpay::v3::aead::AeadError;
use wechatpay::v3::verification::verify;
use wechatpay::v3::{Envelope, Notice, RefundNotice, RefundStatus, TradeState};

use crate::vectors::{NOW, api_v3_key, entry, headers, ring, set_k, text};

fn envelope(id: &str) -> Envelope {
    let vector = entry(&set_k(), "notifications", id);
    Envelope::parse(text(&vector, "/body").as_bytes()).unwrap()
}

#[test]
fn notifications_of_set_k_verify_and_decrypt() {
    let set = set_k();
    let vectors = set["notifications"].as_array().unwrap();
    assert_eq!(vectors.len(), 3);
    for vector in vectors {
        let body = text(vector, "/body").as_bytes();
        verify(&ring(), &headers(vector), body, NOW).unwrap();
        let plain = Envelope::parse(body)
            .unwrap()
            .decrypt(&[api_v3_key()])
            .unwrap();
        assert_eq!(
            plain,
            text(vector, "/decrypted").as_bytes(),
            "{}",
            text(vector, "/id")
        );
    }
}

#[test]
fn the_shape_of_the_plain_text_tells_the_kind_although_the_event_type_is_shared() {
    let read = |id| Notice::from_plain(&envelope(id).decrypt(&[api_v3_key()]).unwrap()).unwrap();
    let Notice::Payment(payment) = read("N1") else {
        panic!("N1 is a payment")
    };
    assert_eq!(payment.trade_state, TradeState::Success);
    assert!(payment.trade_state.is_paid());
    assert_eq!(payment.attach, None, "an empty attach is absent");
    assert_eq!(payment.amount.as_ref().unwrap().total, Some(100));
    assert_eq!(payment.success_unix_ms(), Some(NOW * 1000));
    let Notice::Refund(refund) = read("N2") else {
        panic!("N2 is a refund")
    };
    assert_eq!(refund.refund_status, RefundStatus::Success);
    assert_eq!(refund.amount.refund, 40);
    assert_eq!(envelope("N1").event_type, envelope("N3").event_type);
    assert_eq!(read("N3"), Notice::CombinedPayment);
    assert_eq!(
        Notice::from_plain(b"{\"mchid\":\"1\"}").unwrap(),
        Notice::Unknown
    );
}

#[test]
fn a_refund_notice_may_call_the_provider_mchid() {
    let vector = entry(&set_k(), "notifications", "N2");
    let plain = text(&vector, "/decrypted");
    let renamed = plain.replace("\"sp_mchid\"", "\"mchid\"");
    let notice = RefundNotice::from_plain(renamed.as_bytes()).unwrap();
    assert_eq!(notice, RefundNotice::from_plain(plain.as_bytes()).unwrap());
    assert_eq!(notice.sp_mchid.as_deref(), Some("1900000109"));
}

#[test]
fn an_older_key_still_opens_and_a_wrong_one_does_not() {
    let other = ApiV3Key::parse(&"x".repeat(32)).unwrap();
    for id in ["N1", "N2", "N3"] {
        let envelope = envelope(id);
        assert!(envelope.decrypt(&[other.clone(), api_v3_key()]).is_ok());
        assert_eq!(
            envelope.decrypt(std::slice::from_ref(&other)),
            Err(AeadError::Tag)
        );
        assert_eq!(envelope.decrypt(&[]), Err(AeadError::Tag));
    }
}

#[test]
fn every_flipped_byte_of_ciphertext_and_tag_is_refused() {
    let mut envelope = envelope("N2");
    let bytes = BASE64_STANDARD
        .decode(&envelope.resource.ciphertext)
        .unwrap();
    for index in 0..bytes.len() {
        let mut altered = bytes.clone();
        altered[index] ^= 0x80;
        envelope.resource.ciphertext = BASE64_STANDARD.encode(altered);
        assert_eq!(
            envelope.decrypt(&[api_v3_key()]),
            Err(AeadError::Tag),
            "byte {index}"
        );
    }
}

#[test]
fn altered_envelopes_are_errors_of_their_own_kind() {
    let altered = |change: fn(&mut Envelope)| {
        let mut envelope = envelope("N1");
        change(&mut envelope);
        envelope.decrypt(&[api_v3_key()])
    };
    assert_eq!(
        altered(|e| e.resource.nonce.clear()),
        Err(AeadError::NonceLength)
    );
    assert_eq!(altered(|e| e.resource.nonce.push('x')), Err(AeadError::Tag));
    assert_eq!(
        altered(|e| e.resource.nonce = "é".repeat(9)),
        Err(AeadError::NonceLength)
    );
    assert_eq!(
        altered(|e| e.resource.associated_data.clear()),
        Err(AeadError::Tag)
    );
    assert_eq!(
        altered(|e| e.resource.ciphertext.clear()),
        Err(AeadError::Truncated)
    );
    assert_eq!(
        altered(|e| e.resource.ciphertext = "*".to_owned()),
        Err(AeadError::NotBase64)
    );
    let other_algorithm = altered(|e| e.resource.algorithm = "AEAD_SM4_GCM".to_owned());
    assert_eq!(other_algorithm, Err(AeadError::Algorithm));
}

#[test]
fn absent_and_null_associated_data_are_empty() {
    let vector = entry(&set_k(), "notifications", "N2");
    let body = text(&vector, "/body");
    for replacement in ["", "\"associated_data\":null,"] {
        let changed = body.replace("\"associated_data\":\"\",", replacement);
        assert_ne!(changed, body);
        let envelope = Envelope::parse(changed.as_bytes()).unwrap();
        assert!(envelope.decrypt(&[api_v3_key()]).is_ok());
    }
}
