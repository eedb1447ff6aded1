//! What is wrong with key material is said by the field that it is wrong in.

use super::*;

const KEY: &str = include_str!("../../../../wechatpay/testdata/apiclient_key.pem");
const KEY_PKCS1: &str = include_str!("../../../../wechatpay/testdata/apiclient_key_pkcs1.pem");
const CERTIFICATE_PEM: &str = include_str!("../../../../wechatpay/testdata/apiclient_cert.pem");
const P12: &[u8] = include_bytes!("../../../../wechatpay/testdata/apiclient_cert_rc2_40.p12");
const SERIAL: &str = "5157F09EFDC096DE15EBE81A47057A7232F1B8E1";
const MCHID: &str = "1900000109";

fn owner() -> Mchid {
    Mchid::parse(MCHID).unwrap()
}

/// Within the validity of the certificate.
fn now() -> Timestamp {
    Timestamp::parse_rfc3339("2027-01-01T00:00:00Z").unwrap()
}

fn files() -> MerchantFiles {
    MerchantFiles {
        private_key: Zeroizing::new(KEY.to_owned()),
        certificate: Some(CERTIFICATE_PEM.to_owned()),
        serial: None,
    }
}

fn faults(files: MerchantFiles, owner: &Mchid, now: Timestamp) -> Vec<(String, String)> {
    let refused = NewKey::MerchantCertificate(files).check(owner, now);
    let faults = refused.err().expect("faults");
    faults
        .into_iter()
        .map(|fault| (fault.field, fault.reason))
        .collect()
}

fn one_fault(files: MerchantFiles) -> (String, String) {
    let mut found = faults(files, &owner(), now());
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

#[test]
fn files_of_one_merchant_belong_together_in_every_form() {
    let pkcs1 = MerchantFiles {
        private_key: Zeroizing::new(KEY_PKCS1.to_owned()),
        serial: Some(SERIAL.to_lowercase()),
        ..files()
    };
    let opened = MerchantFiles::from_p12(P12, MCHID).unwrap();
    for files in [files(), pkcs1, opened] {
        let checked = NewKey::MerchantCertificate(files)
            .check(&owner(), now())
            .map_err(|faults| format!("{faults:?}"))
            .ok()
            .unwrap();
        assert_eq!(checked.serial, SERIAL);
        assert_eq!(checked.fingerprint.len(), 64);
        assert!(checked.not_after > checked.not_before);
    }
}

#[test]
fn a_serial_alone_is_enough_and_gets_its_leading_zeros_back() {
    let checked = NewKey::MerchantCertificate(MerchantFiles {
        certificate: None,
        serial: Some("ab".to_owned()),
        ..files()
    });
    let checked = checked.check(&owner(), now()).ok().unwrap();
    assert_eq!(checked.serial, format!("{:0>40}", "AB"));
    assert_eq!(checked.not_after, None);
    let (field, reason) = one_fault(MerchantFiles {
        certificate: None,
        ..files()
    });
    assert_eq!(field, "/merchant_serial");
    assert!(reason.contains("no certificate"), "{reason}");
}

#[test]
fn a_certificate_of_another_key_is_named() {
    let (other, _) = wechatpay::credentials::generate_pem().unwrap();
    let (field, reason) = one_fault(MerchantFiles {
        private_key: Zeroizing::new(other),
        ..files()
    });
    assert_eq!(field, "/merchant_certificate");
    assert_eq!(reason, "does not belong to the private key");
}

#[test]
fn a_certificate_of_another_merchant_is_named_with_both_numbers() {
    let other = Mchid::parse("1900000108").unwrap();
    let found = faults(files(), &other, now());
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].0, "/merchant_certificate");
    assert!(found[0].1.contains(MCHID) && found[0].1.contains("1900000108"));
}

#[test]
fn a_certificate_out_of_its_time_is_named_with_the_time() {
    let at = |text| Timestamp::parse_rfc3339(text).unwrap();
    let late = faults(files(), &owner(), at("2050-06-01T00:00:00Z"));
    assert!(late[0].1.starts_with("expired at 2049-"), "{late:?}");
    let early = faults(files(), &owner(), at("2019-06-01T00:00:00Z"));
    assert!(
        early[0].1.starts_with("is not valid before 2020-"),
        "{early:?}"
    );
}

#[test]
fn a_serial_that_differs_is_named_with_the_right_one() {
    let (field, reason) = one_fault(MerchantFiles {
        serial: Some("5157".to_owned()),
        ..files()
    });
    assert_eq!(field, "/merchant_serial");
    assert!(reason.contains(SERIAL), "{reason}");
    let (_, reason) = one_fault(MerchantFiles {
        serial: Some("no hex".to_owned()),
        ..files()
    });
    assert!(reason.contains("0-9 A-F"), "{reason}");
}

#[test]
fn a_mistaken_file_is_named_by_what_it_holds() {
    let public = PrivateKey::from_pem(KEY).unwrap().public_key().to_pem();
    let public = public.unwrap();
    for (text, held) in [
        (public.as_str(), "a public key"),
        (CERTIFICATE_PEM, "a certificate"),
        ("nonsense", "no PEM at all"),
        (
            "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAA==\n",
            "a private key under a password",
        ),
    ] {
        let (field, reason) = one_fault(MerchantFiles {
            private_key: Zeroizing::new(text.to_owned()),
            ..files()
        });
        assert_eq!(field, "/merchant_private_key");
        assert!(reason.ends_with(&format!("holds {held}")), "{reason}");
    }
    let (field, reason) = one_fault(MerchantFiles {
        certificate: Some(KEY.to_owned()),
        ..files()
    });
    assert_eq!(field, "/merchant_certificate");
    assert!(reason.ends_with("holds a private key"), "{reason}");
    let damaged = KEY.replace("MII", "MIX");
    let (_, reason) = one_fault(MerchantFiles {
        private_key: Zeroizing::new(damaged),
        ..files()
    });
    assert!(reason.contains("damaged"), "{reason}");
}

#[test]
fn a_p12_says_whether_the_password_or_the_file_is_wrong() {
    let field = |file: &[u8], password: &str| match MerchantFiles::from_p12(file, password) {
        Err(OperationError::Invalid(faults)) => faults[0].field.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(field(P12, "1900000108"), "/p12_password");
    assert_eq!(field(b"nonsense", MCHID), "/p12");
}

#[test]
fn keys_without_a_certificate_are_held_to_their_form() {
    let secret = |text: &str| Zeroizing::new(text.to_owned());
    let good = "0123456789abcdef0123456789ABCDEF";
    for key in [NewKey::ApiV3Key(secret(good)), NewKey::V2Key(secret(good))] {
        let checked = key.check(&owner(), now()).ok().unwrap();
        assert_eq!(checked.serial, checked.fingerprint);
        assert!(!checked.fingerprint.contains(good));
    }
    for (key, field) in [
        (NewKey::ApiV3Key(secret("short")), "/api_v3_key"),
        (NewKey::V2Key(secret("short")), "/v2_key"),
    ] {
        let found = key.check(&owner(), now()).err().unwrap();
        assert_eq!(found[0].field, field);
        assert!(found[0].reason.ends_with("there are 5"), "{found:?}");
    }
    let wrong = NewKey::WechatPublicKey {
        id: "5157".to_owned(),
        pem: CERTIFICATE_PEM.to_owned(),
    };
    let found = wrong.check(&owner(), now()).err().unwrap();
    let fields: Vec<&str> = found.iter().map(|fault| fault.field.as_str()).collect();
    assert_eq!(fields, ["/public_key_id", "/public_key"]);
}
