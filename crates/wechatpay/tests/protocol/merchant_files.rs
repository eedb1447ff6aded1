//! The files of a merchant as WeChat's console hands them out, made once with `openssl ca -selfsign` and
//! `openssl pkcs12 -export -legacy` for the merchant number 1900000109.

use wechatpay::credentials::{
    Certificate, PemKind, Pkcs12, Pkcs12Error, PrivateKey, PublicKey, pem_kind,
};

const RC2_40: &[u8] = include_bytes!("../../testdata/apiclient_cert_rc2_40.p12");
const AES: &[u8] = include_bytes!("../../testdata/apiclient_cert_aes.p12");
const KEY: &str = include_str!("../../testdata/apiclient_key.pem");
const KEY_PKCS1: &str = include_str!("../../testdata/apiclient_key_pkcs1.pem");
const CERTIFICATE: &str = include_str!("../../testdata/apiclient_cert.pem");
const PASSWORD: &str = "1900000109";

#[test]
fn a_p12_of_the_console_and_one_of_today_hold_what_the_pem_files_hold() {
    let key = PrivateKey::from_pem(KEY).unwrap().public_key();
    for file in [RC2_40, AES] {
        let opened = Pkcs12::open(file, PASSWORD).unwrap();
        let found = PrivateKey::from_pem(&opened.private_key_pem).unwrap();
        assert_eq!(found.public_key(), key);
        let certificate = Certificate::from_pem(&opened.certificate_pem).unwrap();
        assert_eq!(certificate.public_key(), key);
        assert_eq!(
            certificate.fingerprint,
            Certificate::from_pem(CERTIFICATE).unwrap().fingerprint
        );
        assert_eq!(format!("{opened:?}"), "Pkcs12(***)");
    }
}

#[test]
fn a_wrong_password_is_told_from_a_wrong_file() {
    for file in [RC2_40, AES] {
        for password in ["", "1900000108"] {
            let refused = Pkcs12::open(file, password).unwrap_err();
            assert_eq!(refused, Pkcs12Error::WrongPassword);
        }
        let half = &file[..file.len() / 2];
        let refused = Pkcs12::open(half, PASSWORD).unwrap_err();
        assert_eq!(refused, Pkcs12Error::Unreadable);
    }
    let refused = Pkcs12::open(KEY.as_bytes(), PASSWORD).unwrap_err();
    assert_eq!(refused, Pkcs12Error::Unreadable);
}

#[test]
fn a_merchants_certificate_names_its_number_and_its_serial() {
    let certificate = Certificate::from_pem(CERTIFICATE).unwrap();
    assert_eq!(certificate.common_name.as_deref(), Some("1900000109"));
    assert_eq!(
        certificate.serial,
        "5157F09EFDC096DE15EBE81A47057A7232F1B8E1"
    );
    assert_eq!(certificate.fingerprint.len(), 64);
}

#[test]
fn both_forms_of_a_private_key_are_the_same_key_also_behind_attributes() {
    let key = PrivateKey::from_pem(KEY).unwrap().public_key();
    let old = PrivateKey::from_pem(KEY_PKCS1).unwrap().public_key();
    assert_eq!(key, old);
    let exported = format!("Bag Attributes\n    localKeyID: 01 02\nKey Attributes: <No>\n{KEY}");
    assert_eq!(PrivateKey::from_pem(&exported).unwrap().public_key(), key);
    assert_eq!(key.fingerprint().len(), 64);
    let again = PublicKey::from_pem(&key.to_pem().unwrap()).unwrap();
    assert_eq!(again.fingerprint(), key.fingerprint());
}

#[test]
fn a_mistaken_file_is_named() {
    let public = PrivateKey::from_pem(KEY).unwrap().public_key();
    for (text, kind) in [
        (KEY, Some(PemKind::PrivateKey)),
        (KEY_PKCS1, Some(PemKind::PrivateKey)),
        (&public.to_pem().unwrap(), Some(PemKind::PublicKey)),
        (CERTIFICATE, Some(PemKind::Certificate)),
        (
            "-----BEGIN ENCRYPTED PRIVATE KEY-----\n",
            Some(PemKind::EncryptedPrivateKey),
        ),
        (
            "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n",
            Some(PemKind::EncryptedPrivateKey),
        ),
        (
            "-----BEGIN CERTIFICATE REQUEST-----",
            Some(PemKind::CertificateRequest),
        ),
        ("-----BEGIN EC PRIVATE KEY-----", Some(PemKind::Other)),
        ("not PEM", None),
        ("-----BEGIN ", None),
    ] {
        assert_eq!(pem_kind(text), kind, "{text}");
    }
}
