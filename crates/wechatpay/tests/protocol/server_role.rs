//! The server's side: what a client signs is accepted, what was altered is refused, and what we send a client can read.

use wechatpay::credentials::KeyRing;
use wechatpay::server::{
    OutgoingNotification, RequestError, encrypt_certificate, encrypt_notification,
    parse_authorization, sign_answer, verify_request,
};
use wechatpay::v3::signature::authorization_header;
use wechatpay::v3::verification::verify;
use wechatpay::v3::{Envelope, SignatureHeaders};

use crate::vectors::{
    NOW, api_v3_key, merchant, platform_certificate, platform_key, ring, set_k, text,
};

const URL: &str = "/v3/pay/partner/transactions/out-trade-no/T20260101000001\
                   ?sp_mchid=1900000109&sub_mchid=1900000110";

fn published_header() -> String {
    text(&set_k(), "/authorization_header_R2").to_owned()
}

#[test]
fn the_published_header_is_accepted_for_its_own_request_only() {
    let caller = parse_authorization(&published_header()).unwrap();
    assert_eq!(caller.mchid, "1900000109");
    assert_eq!(caller.timestamp, NOW);
    let key = merchant().private_key.public_key();
    let check =
        |method, url: &str, body: &[u8], now| verify_request(&caller, &key, method, url, body, now);
    assert_eq!(check("GET", URL, b"", NOW), Ok(()));
    assert_eq!(check("GET", URL, b"", NOW + 300), Ok(()));
    assert_eq!(
        check("GET", URL, b"", NOW + 301),
        Err(RequestError::ClockSkew)
    );
    assert_eq!(
        check("GET", URL, b"", i64::MIN),
        Err(RequestError::ClockSkew)
    );
    assert_eq!(
        check("POST", URL, b"", NOW),
        Err(RequestError::BadSignature)
    );
    assert_eq!(
        check("GET", URL, b"\n", NOW),
        Err(RequestError::BadSignature)
    );
    let path_only = URL.split('?').next().unwrap();
    assert_eq!(
        check("GET", path_only, b"", NOW),
        Err(RequestError::BadSignature)
    );
    let platform = platform_key().public_key();
    let other_key = verify_request(&caller, &platform, "GET", URL, b"", NOW);
    assert_eq!(other_key, Err(RequestError::BadSignature));
}

#[test]
fn pairs_may_stand_in_any_order() {
    let header = published_header();
    let (scheme, pairs) = header.split_once(' ').unwrap();
    let mut pairs: Vec<_> = pairs.split(',').collect();
    pairs.reverse();
    let reordered = format!("{scheme} {}", pairs.join(","));
    assert_eq!(
        parse_authorization(&reordered),
        parse_authorization(&header)
    );
}

#[test]
fn malformed_headers_are_refused_by_kind() {
    let header = published_header();
    let malformed = [
        header.replace('"', ""),
        header.replace("mchid=", "mch_id="),
        header.replace(",timestamp", ";timestamp"),
        format!("{header},mchid=\"1900000109\""),
        format!("{header},"),
        header.replace("1767225600", "01767225600"),
        header.replace("1767225600", "now"),
    ];
    for header in malformed {
        assert_eq!(
            parse_authorization(&header),
            Err(RequestError::Malformed),
            "{header}"
        );
    }
    for scheme in [
        "Bearer x",
        "",
        "WECHATPAY2-SHA256-RSA2048",
        "WECHATPAY2-SM2-WITH-SM3 a=\"b\"",
    ] {
        assert_eq!(
            parse_authorization(scheme),
            Err(RequestError::Scheme),
            "{scheme}"
        );
    }
    let without_serial = header.rsplit_once(',').unwrap().0;
    assert_eq!(
        parse_authorization(without_serial),
        Err(RequestError::Missing("serial_no"))
    );
    let empty = header.replace("\"1900000109\"", "\"\"");
    assert_eq!(
        parse_authorization(&empty),
        Err(RequestError::Missing("mchid"))
    );
}

#[test]
fn what_a_client_signs_the_server_accepts() {
    let merchant = merchant();
    let body = "{\"reason\":\"退款\"}".as_bytes();
    let url = "/v3/refund/domestic/refunds";
    let header = authorization_header(&merchant, "POST", url, NOW, "n0nce", body).unwrap();
    let caller = parse_authorization(&header).unwrap();
    let key = merchant.private_key.public_key();
    assert_eq!(
        verify_request(&caller, &key, "POST", url, body, NOW),
        Ok(())
    );
}

#[test]
fn signed_answers_verify_with_the_certificate_and_with_the_public_key() {
    let serials: Vec<_> = ring().serials().map(ToOwned::to_owned).collect();
    assert_eq!(serials.len(), 2);
    for serial in serials {
        let headers = sign_answer(&platform_key(), &serial, NOW, "nonce", b"").unwrap();
        let headers = SignatureHeaders::from_fn(|name| {
            headers
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| value.as_str())
        });
        assert_eq!(verify(&ring(), &headers, b"", NOW).unwrap().serial, serial);
    }
}

#[test]
fn an_encrypted_notification_opens_at_the_receiver() {
    let body = encrypt_notification(
        &api_v3_key(),
        &OutgoingNotification {
            id: "018b2000-0000-5000-8000-000000000009",
            event_type: "TRANSACTION.SUCCESS",
            original_type: "transaction",
            summary: "支付成功",
            create_time: "2026-01-01T08:00:01+08:00",
            nonce: "fdasflkja484",
            plain: b"{\"a\":1}",
        },
    );
    let envelope = Envelope::parse(&body.unwrap()).unwrap();
    assert_eq!(envelope.resource.associated_data, "transaction");
    assert_eq!(envelope.decrypt(&[api_v3_key()]).unwrap(), b"{\"a\":1}");
}

#[test]
fn an_encrypted_certificate_opens_to_the_same_certificate() {
    let pem = text(&set_k(), "/keys/platform_cert_pem").to_owned();
    let entry =
        encrypt_certificate(&api_v3_key(), &platform_certificate(), &pem, "61f9c719728a").unwrap();
    let opened = entry.decrypt(&[api_v3_key()]).unwrap();
    assert_eq!(opened.pem, pem);
    assert_eq!(opened.effective_time, "2026-01-01T08:00:00+08:00");
    let ring = KeyRing::new().with_certificate(opened.certificate().unwrap());
    assert_eq!(
        ring.preferred().unwrap().0,
        "0A1B2C3D4E5F60718293A4B5C6D7E8F901234567"
    );
}
