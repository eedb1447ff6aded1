//! The platform's own certificate authority, without storage: what its certificates say, and how they are signed.

use std::time::Duration;

use rand::Rng as _;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_RSA_SHA256, PublicKeyData, SerialNumber, SignatureAlgorithm,
};
use tributary_domain::clock::Timestamp;
use wechatpay::credentials::PublicKey;

use crate::OperationError;

const ORGANISATION: &str = "Tributary";
const SERIAL_BYTES: usize = 20;

/// A certificate that was just issued.
pub(super) struct Issued {
    /// 40 hexadecimal digits, as WeChat prints serials.
    pub(super) serial: String,
    /// The certificate.
    pub(super) pem: String,
}

/// What a certificate is for.
pub(super) struct Subject<'a> {
    /// Its common name.
    pub(super) name: &'a str,
    /// Whose key it certifies.
    pub(super) key: &'a PublicKey,
    /// The first and the last instant of its validity.
    pub(super) validity: (Timestamp, Timestamp),
}

/// The authority's key with its name.
pub(super) struct Authority {
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    /// Takes up the authority's key; `generation` is a part of its name.
    pub(super) fn open(private_key_pem: &str, generation: i64) -> Result<Self, OperationError> {
        let pair = KeyPair::from_pem_and_sign_algo(private_key_pem, &PKCS_RSA_SHA256);
        let parameters = authority_parameters(generation);
        Ok(Self {
            issuer: Issuer::new(parameters, pair.map_err(|error| fault(&error))?),
        })
    }

    /// The authority's own certificate, signed by itself.
    pub(super) fn own_certificate(
        private_key_pem: &str,
        generation: i64,
        validity: (Timestamp, Timestamp),
    ) -> Result<Issued, OperationError> {
        let pair = KeyPair::from_pem_and_sign_algo(private_key_pem, &PKCS_RSA_SHA256)
            .map_err(|error| fault(&error))?;
        let (mut parameters, serial) = (authority_parameters(generation), new_serial());
        set_validity(&mut parameters, validity);
        parameters.serial_number = Some(SerialNumber::from_slice(&serial));
        let certificate = parameters.self_signed(&pair);
        Ok(Issued {
            serial: hex::encode_upper(serial),
            pem: certificate.map_err(|error| fault(&error))?.pem(),
        })
    }

    /// Issues a certificate that signs messages and nothing else.
    pub(super) fn issue(&self, subject: &Subject<'_>) -> Result<Issued, OperationError> {
        let (mut parameters, serial) = (CertificateParams::default(), new_serial());
        parameters.serial_number = Some(SerialNumber::from_slice(&serial));
        parameters.distinguished_name = name(subject.name);
        parameters.is_ca = IsCa::ExplicitNoCa;
        parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        parameters.use_authority_key_identifier_extension = true;
        set_validity(&mut parameters, subject.validity);
        let key = SubjectKey(subject.key.pkcs1_der().map_err(|error| fault(&error))?);
        let certificate = parameters.signed_by(&key, &self.issuer);
        Ok(Issued {
            serial: hex::encode_upper(serial),
            pem: certificate.map_err(|error| fault(&error))?.pem(),
        })
    }
}

/// An RSA key as the issuer wants it.
struct SubjectKey(Vec<u8>);

impl PublicKeyData for SubjectKey {
    fn der_bytes(&self) -> &[u8] {
        &self.0
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &PKCS_RSA_SHA256
    }
}

fn authority_parameters(generation: i64) -> CertificateParams {
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name = name(&format!("Tributary authority {generation}"));
    parameters.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    parameters
}

fn name(common_name: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::OrganizationName, ORGANISATION);
    name.push(DnType::CommonName, common_name);
    name
}

/// The issuer's own time type is not ours to name, so it is reached from the epoch.
fn set_validity(parameters: &mut CertificateParams, (from, until): (Timestamp, Timestamp)) {
    let epoch = rcgen::date_time_ymd(1970, 1, 1);
    let since = |at: Timestamp| {
        Duration::from_secs(u64::try_from(at.as_millis() / 1_000).unwrap_or_default())
    };
    parameters.not_before = epoch + since(from);
    parameters.not_after = epoch + since(until);
}

/// Twenty bytes whose first is neither zero nor negative, so that every program prints the same forty digits.
fn new_serial() -> [u8; SERIAL_BYTES] {
    let mut serial = [0_u8; SERIAL_BYTES];
    rand::rng().fill_bytes(&mut serial);
    if let Some(first) = serial.first_mut() {
        *first = (*first & 0x7f) | 0x10;
    }
    serial
}

fn fault(error: &dyn std::error::Error) -> OperationError {
    OperationError::Internal(format!("issuing a certificate: {error}"))
}

#[cfg(test)]
mod tests {
    use wechatpay::credentials::{Certificate, PrivateKey, generate_pem};

    use super::*;

    #[test]
    fn an_issued_certificate_says_what_it_was_asked_to() {
        let (authority_pem, _) = generate_pem().unwrap();
        let (_, tenant_pem) = generate_pem().unwrap();
        let key = PublicKey::from_pem(&tenant_pem).unwrap();
        let validity = (
            Timestamp::from_seconds(1_000),
            Timestamp::from_seconds(2_000),
        );
        let authority = Authority::open(&authority_pem, 1).unwrap();
        let subject = Subject {
            name: "ten_1",
            key: &key,
            validity,
        };
        let issued = authority.issue(&subject).unwrap();
        let read = Certificate::from_pem(&issued.pem).unwrap();
        assert_eq!(read.serial, issued.serial);
        assert_eq!((read.not_before_unix, read.not_after_unix), (1_000, 2_000));
        assert_eq!(read.public_key(), key);
        let own = Authority::own_certificate(&authority_pem, 1, validity).unwrap();
        let own = Certificate::from_pem(&own.pem).unwrap().public_key();
        let authority_key = PrivateKey::from_pem(&authority_pem).unwrap().public_key();
        assert_eq!(own, authority_key);
    }
}
