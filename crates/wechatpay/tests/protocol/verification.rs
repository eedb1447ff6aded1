//! V1 to V4 and C1 of set K, D7 of set D, and what must fail beside each.

use wechatpay::credentials::{Certificate, KeyRing, PublicKey};
use wechatpay::v3::certificates::CertificateList;
use wechatpay::v3::verification::{header, verify};
use wechatpay::v3::{SignatureHeaders, VerifyError};

use crate::vectors::{NOW, api_v3_key, entry, headers, ring, set_d, set_k, text};

/// V1 with one header replaced (`None` removes it).
fn v1_with(name: &str, replacement: Option<&str>) -> SignatureHeaders {
    let mut vector = entry(&set_k(), "response_verification", "V1");
    match replacement {
        Some(value) => vector["headers"][name] = value.into(),
        None => drop(vector["headers"].as_object_mut().unwrap().remove(name)),
    }
    headers(&vector)
}

fn v1_body() -> Vec<u8> {
    text(&entry(&set_k(), "response_verification", "V1"), "/body")
        .as_bytes()
        .to_vec()
}

#[test]
fn answers_of_set_k_verify_exactly_when_the_set_says_so() {
    let set = set_k();
    let vectors = set["response_verification"].as_array().unwrap();
    assert_eq!(vectors.len(), 4);
    for vector in vectors {
        let body = text(vector, "/body").as_bytes();
        let verified = verify(&ring(), &headers(vector), body, NOW);
        if text(vector, "/expect").starts_with("INVALID") {
            assert_eq!(
                verified,
                Err(VerifyError::BadSignature),
                "{}",
                text(vector, "/id")
            );
        } else {
            assert_eq!(
                verified.unwrap().serial,
                vector["headers"]["Wechatpay-Serial"]
            );
        }
    }
}

#[test]
fn the_probe_is_told_apart_only_for_counting() {
    let set = set_k();
    assert!(headers(&entry(&set, "response_verification", "V3")).is_probe());
    assert!(!headers(&entry(&set, "response_verification", "V1")).is_probe());
    assert!(!SignatureHeaders::default().is_probe());
}

#[test]
fn the_clock_may_differ_by_300_seconds_and_not_by_301() {
    let (headers, body) = (v1_with("X", None), v1_body());
    for now in [NOW - 300, NOW + 300] {
        assert!(verify(&ring(), &headers, &body, now).is_ok(), "{now}");
    }
    for now in [NOW - 301, NOW + 301, i64::MIN, i64::MAX] {
        let verified = verify(&ring(), &headers, &body, now);
        assert_eq!(verified, Err(VerifyError::ClockSkew), "{now}");
    }
}

#[test]
fn a_timestamp_that_is_no_integer_is_malformed() {
    let timestamps = [
        "1767225600.0",
        "0x69",
        " 1767225600",
        "99999999999999999999",
        "-",
        "１７６７２２５６００",
    ];
    for timestamp in timestamps {
        let headers = v1_with(header::TIMESTAMP, Some(timestamp));
        let verified = verify(&ring(), &headers, &v1_body(), NOW);
        assert_eq!(
            verified,
            Err(VerifyError::Malformed(header::TIMESTAMP)),
            "{timestamp}"
        );
    }
    let extreme = v1_with(header::TIMESTAMP, Some("-9223372036854775808"));
    let verified = verify(&ring(), &extreme, &v1_body(), i64::MAX);
    assert_eq!(verified, Err(VerifyError::ClockSkew));
}

#[test]
fn each_missing_or_empty_header_is_named() {
    for name in [
        header::TIMESTAMP,
        header::NONCE,
        header::SIGNATURE,
        header::SERIAL,
    ] {
        for replacement in [None, Some("")] {
            let headers = v1_with(name, replacement);
            let verified = verify(&ring(), &headers, &v1_body(), NOW);
            assert_eq!(verified, Err(VerifyError::Missing(name)));
        }
    }
}

#[test]
fn another_signature_type_is_refused_and_an_absent_one_is_rsa() {
    let other = v1_with(header::SIGNATURE_TYPE, Some("WECHATPAY2-SM2-WITH-SM3"));
    let verified = verify(&ring(), &other, &v1_body(), NOW);
    assert_eq!(
        verified,
        Err(VerifyError::Malformed(header::SIGNATURE_TYPE))
    );
    let absent = v1_with(header::SIGNATURE_TYPE, None);
    assert!(verify(&ring(), &absent, &v1_body(), NOW).is_ok());
}

#[test]
fn an_unknown_serial_is_returned_for_one_refresh() {
    for serial in [
        "PUB_KEY_ID_0",
        "7132D72A03E93CDDF8C03BBD1F37EEDF85D4D4D6",
        "0",
        "-1",
    ] {
        let headers = v1_with(header::SERIAL, Some(serial));
        let verified = verify(&ring(), &headers, &v1_body(), NOW);
        assert_eq!(verified, Err(VerifyError::UnknownSerial(serial.to_owned())));
    }
    let nobody = verify(&KeyRing::new(), &v1_with("X", None), &v1_body(), NOW);
    assert!(matches!(nobody, Err(VerifyError::UnknownSerial(_))));
}

#[test]
fn every_flipped_bit_of_the_body_and_a_trailing_newline_are_bad_signatures() {
    let (headers, body) = (v1_with("X", None), v1_body());
    for index in 0..body.len() {
        let mut altered = body.clone();
        altered[index] ^= 1;
        let verified = verify(&ring(), &headers, &altered, NOW);
        assert_eq!(verified, Err(VerifyError::BadSignature), "byte {index}");
    }
    let mut longer = body.clone();
    longer.push(b'\n');
    assert_eq!(
        verify(&ring(), &headers, &longer, NOW),
        Err(VerifyError::BadSignature)
    );
    assert_eq!(
        verify(&ring(), &headers, b"", NOW),
        Err(VerifyError::BadSignature)
    );
}

#[test]
fn another_nonce_timestamp_or_signature_is_a_bad_signature() {
    let changed = [
        (header::NONCE, "c5ac7061fccab6bf3e254dcf98995b8d"),
        (header::TIMESTAMP, "1767225601"),
        (header::SIGNATURE, "AAAA"),
        (header::SIGNATURE, "not base64 at all"),
        (header::SIGNATURE, "WECHATPAY/SIGNTEST/"),
    ];
    for (name, value) in changed {
        let verified = verify(&ring(), &v1_with(name, Some(value)), &v1_body(), NOW);
        assert_eq!(verified, Err(VerifyError::BadSignature), "{name}: {value}");
    }
}

#[test]
fn certificate_serials_are_compared_as_hex_and_keep_their_leading_zero() {
    let certificate = Certificate::from_pem(text(&set_k(), "/keys/platform_cert_pem")).unwrap();
    assert_eq!(
        certificate.serial,
        text(&set_k(), "/keys/platform_cert_serial")
    );
    let ring = KeyRing::new().with_certificate(certificate);
    for serial in [
        "0A1B2C3D4E5F60718293A4B5C6D7E8F901234567",
        "0a1b2c3d4e5f60718293a4b5c6d7e8f901234567",
        "A1B2C3D4E5F60718293A4B5C6D7E8F901234567",
    ] {
        assert!(ring.get(serial).is_some(), "{serial}");
    }
    assert!(ring.get("1B2C3D4E5F60718293A4B5C6D7E8F901234567").is_none());
    assert!(ring.get("").is_none());
}

#[test]
fn the_certificate_list_decrypts_to_the_certificate_that_signed_it() {
    let vector = &set_k()["certificates"];
    let list: CertificateList = serde_json::from_str(text(vector, "/body")).unwrap();
    let [entry] = list.data.as_slice() else {
        panic!("one certificate")
    };
    let certificate = entry.decrypt(&[api_v3_key()]).unwrap();
    assert_eq!(certificate.pem, text(&set_k(), "/keys/platform_cert_pem"));
    assert_eq!(certificate.effective_time, "2026-01-01T08:00:00+08:00");
    let ring = KeyRing::new().with_certificate(certificate.certificate().unwrap());
    let body = text(vector, "/body").as_bytes();
    assert_eq!(
        verify(&ring, &headers(vector), body, NOW).unwrap().serial,
        certificate.serial
    );

    let mut renamed = entry.clone();
    renamed.serial_no = "00".repeat(20);
    assert!(renamed.decrypt(&[api_v3_key()]).is_err());
}

#[test]
fn the_sample_answer_of_the_documentation_verifies() {
    let set = set_d();
    let sample = &set["response"];
    let key = PublicKey::from_pem(text(sample, "/public_key_pem")).unwrap();
    let ring = KeyRing::new().with_public_key("PUB_KEY_ID_SAMPLE", key);
    let headers = SignatureHeaders::from_fn(|name| match name {
        header::TIMESTAMP => Some(text(sample, "/timestamp")),
        header::NONCE => Some(text(sample, "/nonce")),
        header::SIGNATURE => Some(text(sample, "/signature")),
        header::SERIAL => Some("PUB_KEY_ID_SAMPLE"),
        _ => None,
    });
    let now = text(sample, "/timestamp").parse().unwrap();
    assert!(verify(&ring, &headers, text(sample, "/body").as_bytes(), now).is_ok());
}
