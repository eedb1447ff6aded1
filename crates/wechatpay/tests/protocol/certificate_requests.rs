//! Requests for certificates, as another implementation writes them.

use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_RSA_SHA256, PKCS_RSA_SHA512};
use wechatpay::credentials::{CertificateRequest, KeyError, PrivateKey, generate_pem};

fn request(private_pem: &str, algorithm: &'static rcgen::SignatureAlgorithm) -> String {
    let pair = KeyPair::from_pem_and_sign_algo(private_pem, algorithm).unwrap();
    let parameters = CertificateParams::new(vec!["shop.example.com".to_owned()]).unwrap();
    parameters.serialize_request(&pair).unwrap().pem().unwrap()
}

fn refused(text: &str) -> KeyError {
    CertificateRequest::from_pem(text).unwrap_err()
}

#[test]
fn a_request_gives_the_key_that_signed_it() {
    let (private_pem, _) = generate_pem().unwrap();
    let key = PrivateKey::from_pem(&private_pem).unwrap().public_key();
    let read = CertificateRequest::from_pem(&request(&private_pem, &PKCS_RSA_SHA256)).unwrap();
    assert_eq!(read.public_key(), key);
    assert!(key.spki_der().ends_with(&key.pkcs1_der().unwrap()));
}

#[test]
fn a_request_of_another_kind_is_refused_by_name() {
    let (private_pem, public_pem) = generate_pem().unwrap();
    let other_hash = request(&private_pem, &PKCS_RSA_SHA512);
    assert_eq!(refused(&other_hash), KeyError::RequestSignature);
    let curve = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
    let curve = request(&curve.serialize_pem(), &PKCS_ECDSA_P256_SHA256);
    assert_eq!(refused(&curve), KeyError::NotRsa);
    assert_eq!(refused(&public_pem), KeyError::Pem);
    assert_eq!(refused("no PEM at all"), KeyError::Pem);
}

/// Whoever holds only the public key of another can write a request, but not sign it.
#[test]
fn a_request_with_another_key_in_it_is_refused() {
    let (mine, theirs) = (generate_pem().unwrap(), generate_pem().unwrap());
    let key = |pem: &str| PrivateKey::from_pem(pem).unwrap().public_key();
    let request = pem_bytes(&request(&mine.0, &PKCS_RSA_SHA256));
    let (own, foreign) = (key(&mine.0), key(&theirs.0));
    let place = request
        .windows(own.spki_der().len())
        .position(|part| part == own.spki_der())
        .unwrap();
    let mut forged = request;
    forged[place..place + own.spki_der().len()].copy_from_slice(foreign.spki_der());
    let pem = rsa::pkcs8::Document::try_from(forged).unwrap();
    let pem = pem
        .to_pem("CERTIFICATE REQUEST", rsa::pkcs8::LineEnding::LF)
        .unwrap();
    assert_eq!(refused(&pem), KeyError::RequestSignature);
}

fn pem_bytes(text: &str) -> Vec<u8> {
    rsa::pkcs8::Document::from_pem(text).unwrap().1.into_vec()
}
