//! Certificates of every age and serial, made on the spot, and what the ring does with them.

use rcgen::{CertificateParams, KeyPair, SerialNumber, date_time_ymd};
use wechatpay::credentials::{Certificate, KeyError, KeyRing, generate_pem};
use wechatpay::server::{encrypt_certificate, sign_answer};
use wechatpay::v3::SignatureHeaders;
use wechatpay::v3::certificates::CertificateList;
use wechatpay::v3::verification::verify;

use crate::fake_wechat::{FakeWeChat, Reply, client_with, transport};
use crate::vectors::{NOW, api_v3_key, platform_key, set_k, text};

/// A certificate of the platform key of set K, valid from one year to another.
fn certificate_pem(serial: &[u8], from: i32, until: i32) -> String {
    let pem = text(&set_k(), "/keys/platform_private_key_pkcs8_pem").to_owned();
    sign_certificate(&KeyPair::from_pem(&pem).unwrap(), serial, from, until)
}

fn sign_certificate(key: &KeyPair, serial: &[u8], from: i32, until: i32) -> String {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.serial_number = Some(SerialNumber::from_slice(serial));
    params.not_before = date_time_ymd(from, 1, 1);
    params.not_after = date_time_ymd(until, 1, 1);
    params.self_signed(key).unwrap().pem()
}

fn certificate(serial: &[u8], from: i32, until: i32) -> Certificate {
    Certificate::from_pem(&certificate_pem(serial, from, until)).unwrap()
}

#[test]
fn serials_are_forty_digits_whatever_der_makes_of_them() {
    for first_bytes in [
        [0x00, 0x00],
        [0x00, 0x0A],
        [0x0A, 0x00],
        [0x7F, 0xFF],
        [0x80, 0x00],
        [0xFF, 0xFF],
    ] {
        let serial = [first_bytes.as_slice(), &[0x11; 18]].concat();
        let certificate = certificate(&serial, 2025, 2030);
        assert_eq!(certificate.serial, hex::encode_upper(&serial));
    }
    let short = certificate(
        &[0xD7, 0xCE, 0x59, 0xD1, 0xF5, 0x22, 0xD7, 0x01],
        2025,
        2030,
    );
    assert_eq!(short.serial, format!("{:0>40}", "D7CE59D1F522D701"));
    let ring = KeyRing::new().with_certificate(short);
    assert!(
        ring.get("D7CE59D1F522D701").is_some(),
        "E2's platform names it without zeros"
    );
}

#[test]
fn validity_is_read_in_unix_seconds() {
    let certificate = certificate(&[1], 2026, 2031);
    assert_eq!(certificate.not_before_unix, NOW);
    assert!(!certificate.is_expired(NOW) && !certificate.is_expired(certificate.not_after_unix));
    assert!(certificate.is_expired(certificate.not_after_unix + 1));
}

#[test]
fn the_newest_certificate_is_announced_unless_there_is_a_public_key() {
    let ring = KeyRing::new()
        .with_certificate(certificate(&[2], 2026, 2031))
        .with_certificate(certificate(&[1], 2021, 2026));
    let newest = format!("{:0>40}", 2);
    assert_eq!(ring.preferred().unwrap().0, newest);
    let ring = ring.with_public_key("PUB_KEY_ID_1", platform_key().public_key());
    assert_eq!(ring.preferred().unwrap().0, "PUB_KEY_ID_1");
    let ring = ring.with_preferred(newest.clone());
    assert_eq!(ring.preferred().unwrap().0, newest);
    assert_eq!(
        ring.with_preferred("gone").preferred().unwrap().0,
        "PUB_KEY_ID_1"
    );
}

#[test]
fn expired_certificates_can_be_dropped_and_public_keys_stay() {
    let ring = KeyRing::new()
        .with_certificate(certificate(&[1], 2016, 2021))
        .with_certificate(certificate(&[2], 2021, 2031))
        .with_public_key("PUB_KEY_ID_1", platform_key().public_key())
        .without_expired(NOW);
    let kept: Vec<_> = ring.serials().collect();
    assert_eq!(kept, [format!("{:0>40}", 2).as_str(), "PUB_KEY_ID_1"]);
}

#[test]
fn during_a_rotation_either_certificate_verifies_its_own_answers() {
    let other = generate_pem().unwrap().0;
    let other_key = wechatpay::credentials::PrivateKey::from_pem(&other).unwrap();
    let new = sign_certificate(&KeyPair::from_pem(&other).unwrap(), &[2], 2026, 2031);
    let ring = KeyRing::new()
        .with_certificate(certificate(&[1], 2021, 2026))
        .with_certificate(Certificate::from_pem(&new).unwrap());
    let check = |key: &wechatpay::credentials::PrivateKey, serial: u8| {
        let serial = format!("{serial:0>40}");
        let headers = sign_answer(key, &serial, NOW, "n", b"{}").unwrap();
        let headers = SignatureHeaders::from_fn(|name| {
            headers
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| value.as_str())
        });
        verify(&ring, &headers, b"{}", NOW).is_ok()
    };
    assert!(check(&platform_key(), 1) && check(&other_key, 2));
    assert!(!check(&platform_key(), 2) && !check(&other_key, 1));
}

#[test]
fn certificates_of_other_kinds_of_keys_are_refused() {
    let elliptic = KeyPair::generate().unwrap();
    let pem = sign_certificate(&elliptic, &[1], 2025, 2030);
    assert_eq!(Certificate::from_pem(&pem).unwrap_err(), KeyError::NotRsa);
    let cut = pem
        .lines()
        .take(4)
        .chain(["-----END CERTIFICATE-----"])
        .collect::<Vec<_>>();
    assert!(Certificate::from_pem(&cut.join("\n")).is_err());
}

#[tokio::test]
async fn a_download_leaves_out_what_has_expired() {
    let pems = [
        certificate_pem(&[1], 2016, 2021),
        certificate_pem(&[2], 2021, 2031),
    ];
    let data = pems.iter().map(|pem| {
        let certificate = Certificate::from_pem(pem).unwrap();
        encrypt_certificate(&api_v3_key(), &certificate, pem, "61f9c719728a").unwrap()
    });
    let list = CertificateList {
        data: data.collect(),
    };
    let body = serde_json::to_string(&list).unwrap();
    let reply = Reply::signed_as(&format!("{:0>40}", 2), 200, &body);
    let server = FakeWeChat::always(reply).await;
    let client = client_with(&server.url, None, KeyRing::new(), transport());
    let certificates = client.certificates().await.unwrap().value;
    let serials: Vec<_> = certificates.iter().map(|c| c.serial.as_str()).collect();
    assert_eq!(serials, [format!("{:0>40}", 2)]);
    assert_eq!(certificates[0].expire_time, "2031-01-01T08:00:00+08:00");
}
