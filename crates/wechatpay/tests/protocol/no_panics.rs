//! Whatever comes over the wire, the parsers answer with a value or an error.

use proptest::prelude::*;
use wechatpay::client::codes;
use wechatpay::credentials::{ApiV2Key, ApiV3Key, Certificate, KeyRing, PrivateKey, PublicKey};
use wechatpay::server::{parse_authorization, verify_request};
use wechatpay::v3::certificates::CertificateList;
use wechatpay::v3::verification::{header, verify};
use wechatpay::v3::{
    Envelope, ErrorBody, JsapiPrepay, Notice, Refund, SignatureHeaders, Transaction, aead, time,
};
use wechatpay::{server, v2};

use crate::vectors::{
    NOW, api_v3_key, entry, platform_key, platform_public_key, ring, set_k, text,
};

/// Texts near the shapes that the parsers look for, and texts that are nothing at all.
fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[A-Za-z0-9+/=]{0,400}",
        "-{0,5}BEGIN [A-Z ]{0,20}-{0,5}\n?[A-Za-z0-9+/=\n]{0,200}-{0,5}END [A-Z ]{0,20}-{0,5}",
    ]
}

proptest! {
    #[test]
    fn signature_headers(
        values in prop::array::uniform5(prop::option::of(any_text())),
        timestamp in any::<i64>(),
        body in prop::collection::vec(any::<u8>(), 0..64),
        now in any::<i64>(),
    ) {
        let values = values.map(|value| value.filter(|v| !v.is_empty()));
        let timestamp = timestamp.to_string();
        let serial = text(&set_k(), "/keys/platform_public_key_id").to_owned();
        let headers = SignatureHeaders::from_fn(|name| match name {
            header::TIMESTAMP => values[0].as_deref().or(Some(&timestamp)),
            header::NONCE => values[1].as_deref(),
            header::SIGNATURE => values[2].as_deref(),
            header::SERIAL => values[3].as_deref().or(Some(&serial)),
            _ => None,
        });
        prop_assert!(verify(&ring(), &headers, &body, now).is_err());
    }

    #[test]
    fn authorization_headers(
        value in any_text(),
        pairs in prop::collection::vec(("[a-z_]{1,12}", any_text()), 0..7),
        now in any::<i64>(),
    ) {
        let key = platform_public_key();
        let pairs: Vec<_> = pairs.iter().map(|(name, value)| format!("{name}=\"{value}\"")).collect();
        let scheme = "WECHATPAY2-SHA256-RSA2048 ";
        for header in [value.clone(), format!("{scheme}{value}"), format!("{scheme}{}", pairs.join(","))] {
            if let Ok(caller) = parse_authorization(&header) {
                prop_assert!(verify_request(&caller, &key, "GET", "/", b"", now).is_err());
            }
        }
        let header = format!(
            "{scheme}mchid=\"1\",serial_no=\"2\",nonce_str=\"3\",timestamp=\"{now}\",signature=\"{}\"",
            value.replace('"', ""),
        );
        if let Ok(caller) = parse_authorization(&header) {
            prop_assert!(verify_request(&caller, &key, "GET", "/", b"", i64::MIN).is_err());
        }
    }

    #[test]
    fn bodies(bytes in prop::collection::vec(any::<u8>(), 0..200), json in any_json()) {
        for body in [bytes, json.to_string().into_bytes()] {
            if let Ok(envelope) = Envelope::parse(&body) {
                prop_assert!(envelope.decrypt(&[api_v3_key()]).is_err());
            }
            let _ = Notice::from_plain(&body);
            let _ = serde_json::from_slice::<Transaction>(&body);
            let _ = serde_json::from_slice::<Refund>(&body);
            let _ = serde_json::from_slice::<ErrorBody>(&body).map(|e| e.detail_field().is_some());
            if let Ok(order) = serde_json::from_slice::<JsapiPrepay>(&body) {
                let _ = order.validate();
            }
            if let Ok(list) = serde_json::from_slice::<CertificateList>(&body) {
                for entry in list.data {
                    prop_assert!(entry.decrypt(&[api_v3_key()]).is_err());
                }
            }
        }
    }

    #[test]
    fn sealed_texts(nonce in any_text(), aad in any_text(), ciphertext in any_text()) {
        prop_assert!(aead::open(&api_v3_key(), &nonce, &aad, &ciphertext).is_err());
        let v2_key = ApiV2Key::parse(&"k".repeat(32)).unwrap();
        let _ = v2::open_refund_notice(&v2_key, &ciphertext);
        let _ = server::encrypt_notification(&api_v3_key(), &server::OutgoingNotification {
            id: &nonce, event_type: &aad, original_type: &aad, summary: &aad,
            create_time: &aad, nonce: &nonce, plain: aad.as_bytes(),
        });
    }

    #[test]
    fn key_material(material in any_text()) {
        prop_assert!(PrivateKey::from_pem(&material).is_err());
        prop_assert!(PublicKey::from_pem(&material).is_err());
        prop_assert!(Certificate::from_pem(&material).is_err());
        let is_key = material.len() == 32 && material.bytes().all(|b| b.is_ascii_graphic());
        prop_assert_eq!(ApiV3Key::parse(&material).is_ok(), is_key);
        prop_assert_eq!(ApiV2Key::parse(&material).is_ok(), is_key);
    }

    #[test]
    fn small_parsers(text in any_text(), unix in any::<i64>()) {
        let _ = time::parse_unix_ms(&text);
        if let Some(beijing) = time::format_beijing(unix) {
            prop_assert_eq!(time::parse_unix_ms(&beijing), unix.checked_mul(1000));
        }
        let once = codes::normalise(&text).to_owned();
        prop_assert_eq!(codes::normalise(&once), once.as_str());
        prop_assert!(KeyRing::new().get(&text).is_none());
    }

    #[test]
    fn sensitive_texts(ciphertext in any_text(), plain in any::<String>()) {
        let key = platform_key();
        prop_assert!(key.decrypt_oaep(&ciphertext).is_err());
        let sealed = key.public_key().encrypt_oaep(plain.as_bytes());
        prop_assert_eq!(sealed.is_ok(), plain.len() <= 214);
        if let Ok(sealed) = sealed {
            prop_assert_eq!(key.decrypt_oaep(&sealed).unwrap(), plain.as_bytes());
        }
    }
}

/// JSON whose names are those of the protocol, so that it gets past the first field.
fn any_json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        "[A-Z_0-9]{0,16}".prop_map(Into::into),
    ];
    leaf.prop_recursive(3, 24, 8, |inner| {
        let name = prop::sample::select(
            "id event_type resource ciphertext nonce algorithm associated_data data serial_no \
             effective_time expire_time encrypt_certificate sp_mchid sub_mchid out_trade_no \
             trade_state amount total refund_id out_refund_no transaction_id refund_status status \
             code message detail field payer"
                .split(' ')
                .collect::<Vec<_>>(),
        );
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
            prop::collection::vec((name, inner), 0..8).prop_map(|pairs| {
                let pairs = pairs
                    .into_iter()
                    .map(|(name, value)| (name.to_owned(), value));
                serde_json::Value::Object(pairs.collect())
            }),
        ]
    })
}

/// The most hostile clock that a header can name is refused, not computed with.
#[test]
fn extreme_timestamps_do_not_overflow() {
    let vector = entry(&set_k(), "response_verification", "V1");
    for timestamp in [i64::MIN, -1, 0, i64::MAX] {
        let timestamp_text = timestamp.to_string();
        let headers = SignatureHeaders::from_fn(|name| match name {
            header::TIMESTAMP => Some(timestamp_text.as_str()),
            name => vector["headers"][name].as_str(),
        });
        for now in [i64::MIN, NOW, i64::MAX] {
            let verified = verify(&ring(), &headers, text(&vector, "/body").as_bytes(), now);
            assert!(verified.is_err());
        }
    }
}
