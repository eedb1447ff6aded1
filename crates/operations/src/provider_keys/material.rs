//! Key material as a person brings it: whether it is what it should be, and whether the parts belong together.

use tributary_domain::clock::Timestamp;
use tributary_domain::field::FieldError;
use tributary_domain::merchant::Mchid;
use tributary_domain::provider_key::KeyKind;
use tributary_vault::fingerprint;
use wechatpay::credentials::{
    ApiV2Key, ApiV3Key, Certificate, PemKind, Pkcs12, Pkcs12Error, PrivateKey, PublicKey, pem_kind,
};
use zeroize::Zeroizing;

use crate::OperationError;

const PUBLIC_KEY_ID_PREFIX: &str = "PUB_KEY_ID_";
const PUBLIC_KEY_ID_CHARS_MAX: usize = 128;
/// WeChat prints forty; whoever leaves out leading zeros has fewer.
const SERIAL_CHARS_MAX: usize = 40;

/// A merchant's private key with its certificate, or at least the certificate's serial.
#[derive(Clone)]
pub struct MerchantFiles {
    /// `apiclient_key.pem`: PKCS#8 or PKCS#1.
    pub private_key: Zeroizing<String>,
    /// `apiclient_cert.pem`.
    pub certificate: Option<String>,
    /// The serial, as WeChat's console shows it.
    pub serial: Option<String>,
}

impl std::fmt::Debug for MerchantFiles {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MerchantFiles")
            .field("serial", &self.serial)
            .finish_non_exhaustive()
    }
}

/// A key that a person brings, in the clear.
#[derive(Clone)]
pub enum NewKey {
    /// The merchant's private key and certificate.
    MerchantCertificate(MerchantFiles),
    /// The APIv3 key, 32 characters.
    ApiV3Key(Zeroizing<String>),
    /// The V2 key, 32 characters.
    V2Key(Zeroizing<String>),
    /// WeChat's public key with its id, from the console.
    WechatPublicKey {
        /// `PUB_KEY_ID_…`.
        id: String,
        /// PEM.
        pem: String,
    },
}

impl std::fmt::Debug for NewKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("NewKey").field(&self.kind()).finish()
    }
}

/// What is wrong with key material; never quotes it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MaterialFault {
    /// The file holds something else.
    #[error("must be {wanted}; the file holds {found}")]
    WrongKind {
        /// What is wanted.
        wanted: &'static str,
        /// What is there.
        found: &'static str,
    },
    /// The right kind of PEM with something in it that cannot be read.
    #[error("must be {wanted}: the file is damaged, or the key is not RSA of 2048 bits or more")]
    Unreadable {
        /// What is wanted.
        wanted: &'static str,
    },
    /// The certificate belongs to another private key.
    #[error("does not belong to the private key")]
    OfAnotherKey,
    /// The certificate is another merchant's.
    #[error("is the certificate of merchant {found}, not of {expected}")]
    OfAnotherMerchant {
        /// Whom the certificate names.
        found: String,
        /// Whose it must be.
        expected: String,
    },
    /// The serial is another one's.
    #[error("is not the serial of the certificate, which is {found}")]
    OtherSerial {
        /// The certificate's own.
        found: String,
    },
    /// Neither certificate nor serial.
    #[error("must be given when there is no certificate to read it from")]
    NoSerial,
    /// Not a serial.
    #[error("must be a certificate's serial: 1 to 40 digits of 0-9 A-F")]
    NotASerial,
    /// The certificate's time is over.
    #[error("expired at {at}")]
    Expired {
        /// When.
        at: String,
    },
    /// The certificate's time has not begun.
    #[error("is not valid before {at}")]
    NotYetValid {
        /// When it begins.
        at: String,
    },
    /// A symmetric key has another form.
    #[error("must be exactly 32 printable ASCII characters; there are {found}")]
    NotAnApiKey {
        /// How many there are.
        found: usize,
    },
    /// An id of another form.
    #[error("must begin with PUB_KEY_ID_")]
    NotAPublicKeyId,
    /// The PKCS#12 file does not give what is needed.
    #[error("{0}")]
    Pkcs12(Pkcs12Error),
}

/// A key that is what it should be.
pub(crate) struct CheckedKey {
    pub(crate) kind: KeyKind,
    pub(crate) serial: String,
    pub(crate) fingerprint: String,
    pub(crate) pem: Option<String>,
    pub(crate) not_before: Option<Timestamp>,
    pub(crate) not_after: Option<Timestamp>,
    pub(crate) secret: Option<Zeroizing<String>>,
}

impl MerchantFiles {
    /// Opens `apiclient_cert.p12`; WeChat's password for it is the merchant number.
    pub fn from_p12(file: &[u8], password: &str) -> Result<Self, OperationError> {
        let opened = Pkcs12::open(file, password).map_err(|error| {
            let field = match error {
                Pkcs12Error::WrongPassword => "/p12_password",
                _ => "/p12",
            };
            OperationError::invalid(field, &MaterialFault::Pkcs12(error).to_string())
        })?;
        Ok(Self {
            private_key: opened.private_key_pem,
            certificate: Some(opened.certificate_pem),
            serial: None,
        })
    }
}

impl NewKey {
    /// What it is.
    pub const fn kind(&self) -> KeyKind {
        match self {
            Self::MerchantCertificate(_) => KeyKind::MerchantCertificate,
            Self::ApiV3Key(_) => KeyKind::ApiV3Key,
            Self::V2Key(_) => KeyKind::V2Key,
            Self::WechatPublicKey { .. } => KeyKind::WechatPublicKey,
        }
    }

    /// Checks everything about it, and names every field at fault.
    pub(crate) fn check(
        &self,
        owner: &Mchid,
        now: Timestamp,
    ) -> Result<CheckedKey, Vec<FieldError>> {
        match self {
            Self::MerchantCertificate(files) => check_merchant(files, owner, now),
            Self::ApiV3Key(key) => {
                let well_formed = ApiV3Key::parse(key).is_ok();
                check_symmetric(KeyKind::ApiV3Key, "/api_v3_key", key, well_formed)
            }
            Self::V2Key(key) => {
                let well_formed = ApiV2Key::parse(key).is_ok();
                check_symmetric(KeyKind::V2Key, "/v2_key", key, well_formed)
            }
            Self::WechatPublicKey { id, pem } => check_public_key(id, pem),
        }
    }
}

fn at(field: &str, fault: &MaterialFault) -> FieldError {
    FieldError::new(field, fault.to_string())
}

fn check_merchant(
    files: &MerchantFiles,
    owner: &Mchid,
    now: Timestamp,
) -> Result<CheckedKey, Vec<FieldError>> {
    const KEY: &str = "/merchant_private_key";
    let mut faults = Vec::new();
    let key = match parse_private_key(&files.private_key) {
        Ok(key) => Some(key),
        Err(fault) => {
            faults.push(at(KEY, &fault));
            None
        }
    };
    let certificate = match files.certificate.as_deref().map(parse_certificate) {
        None => None,
        Some(Ok(certificate)) => Some(certificate),
        Some(Err(fault)) => {
            faults.push(at(CERTIFICATE, &fault));
            None
        }
    };
    if let Some(certificate) = &certificate {
        let fit = key.as_ref().map(PrivateKey::public_key);
        faults.extend(certificate_faults(certificate, fit.as_ref(), (owner, now)));
    }
    let given = files.serial.as_deref().map(str::trim);
    let serial = serial_of(given, certificate.as_ref(), files.certificate.is_some());
    let serial = serial.unwrap_or_else(|fault| {
        faults.push(at("/merchant_serial", &fault));
        String::new()
    });
    let Some(key) = key.filter(|_| faults.is_empty()) else {
        return Err(faults);
    };
    Ok(CheckedKey {
        kind: KeyKind::MerchantCertificate,
        serial,
        fingerprint: certificate.as_ref().map_or_else(
            || key.public_key().fingerprint(),
            |certificate| certificate.fingerprint.clone(),
        ),
        pem: files.certificate.clone(),
        not_before: certificate
            .as_ref()
            .map(|one| Timestamp::from_seconds(one.not_before_unix)),
        not_after: certificate
            .as_ref()
            .map(|one| Timestamp::from_seconds(one.not_after_unix)),
        secret: Some(files.private_key.clone()),
    })
}

const CERTIFICATE: &str = "/merchant_certificate";

fn certificate_faults(
    certificate: &Certificate,
    key: Option<&PublicKey>,
    (owner, now): (&Mchid, Timestamp),
) -> Vec<FieldError> {
    let mut faults = Vec::new();
    if key.is_some_and(|key| *key != certificate.public_key()) {
        faults.push(at(CERTIFICATE, &MaterialFault::OfAnotherKey));
    }
    if certificate.common_name.as_deref() != Some(owner.as_str()) {
        let found = certificate.common_name.as_deref().unwrap_or("nobody");
        let fault = MaterialFault::OfAnotherMerchant {
            found: found.chars().take(64).collect(),
            expected: owner.to_string(),
        };
        faults.push(at(CERTIFICATE, &fault));
    }
    let (begins, ends) = (certificate.not_before_unix, certificate.not_after_unix);
    if certificate.is_expired(now.as_seconds()) {
        let at_end = Timestamp::from_seconds(ends).to_rfc3339();
        faults.push(at(CERTIFICATE, &MaterialFault::Expired { at: at_end }));
    }
    if begins > now.as_seconds() {
        let at_start = Timestamp::from_seconds(begins).to_rfc3339();
        faults.push(at(
            CERTIFICATE,
            &MaterialFault::NotYetValid { at: at_start },
        ));
    }
    faults
}

/// The serial that requests will carry: the certificate's own, or the one that was typed.
fn serial_of(
    given: Option<&str>,
    certificate: Option<&Certificate>,
    has_file: bool,
) -> Result<String, MaterialFault> {
    let given = given.map(normal_serial).transpose()?;
    match (given, certificate) {
        (Some(given), Some(certificate)) if given != certificate.serial => {
            Err(MaterialFault::OtherSerial {
                found: certificate.serial.clone(),
            })
        }
        (_, Some(certificate)) => Ok(certificate.serial.clone()),
        (Some(given), None) => Ok(given),
        // An unreadable certificate is a fault of its own.
        (None, None) if has_file => Ok(String::new()),
        (None, None) => Err(MaterialFault::NoSerial),
    }
}

/// Forty digits in upper case, however they were typed.
fn normal_serial(text: &str) -> Result<String, MaterialFault> {
    let is_hex = text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if text.is_empty() || text.len() > SERIAL_CHARS_MAX || !is_hex {
        return Err(MaterialFault::NotASerial);
    }
    Ok(format!("{:0>SERIAL_CHARS_MAX$}", text.to_ascii_uppercase()))
}

fn check_symmetric(
    kind: KeyKind,
    field: &str,
    key: &Zeroizing<String>,
    well_formed: bool,
) -> Result<CheckedKey, Vec<FieldError>> {
    if !well_formed {
        let found = key.chars().count();
        return Err(vec![at(field, &MaterialFault::NotAnApiKey { found })]);
    }
    let fingerprint = fingerprint(key.as_bytes());
    Ok(CheckedKey {
        kind,
        serial: fingerprint.clone(),
        fingerprint,
        pem: None,
        not_before: None,
        not_after: None,
        secret: Some(key.clone()),
    })
}

fn check_public_key(id: &str, pem: &str) -> Result<CheckedKey, Vec<FieldError>> {
    const WANTED: &str = "a PEM public key";
    let mut faults = Vec::new();
    let id = id.trim();
    if !id.starts_with(PUBLIC_KEY_ID_PREFIX) || id.len() > PUBLIC_KEY_ID_CHARS_MAX {
        faults.push(at("/public_key_id", &MaterialFault::NotAPublicKeyId));
    }
    let key = match pem_kind(pem) {
        Some(PemKind::PublicKey) => {
            PublicKey::from_pem(pem).map_err(|_| MaterialFault::Unreadable { wanted: WANTED })
        }
        other => Err(wrong_kind(WANTED, other)),
    };
    match key {
        Ok(key) if faults.is_empty() => Ok(CheckedKey {
            kind: KeyKind::WechatPublicKey,
            serial: id.to_owned(),
            fingerprint: key.fingerprint(),
            pem: Some(pem.to_owned()),
            not_before: None,
            not_after: None,
            secret: None,
        }),
        Ok(_) => Err(faults),
        Err(fault) => {
            faults.push(at("/public_key", &fault));
            Err(faults)
        }
    }
}

fn parse_private_key(pem: &str) -> Result<PrivateKey, MaterialFault> {
    const WANTED: &str = "a PEM private key, PKCS#8 or PKCS#1";
    match pem_kind(pem) {
        Some(PemKind::PrivateKey) => {
            PrivateKey::from_pem(pem).map_err(|_| MaterialFault::Unreadable { wanted: WANTED })
        }
        other => Err(wrong_kind(WANTED, other)),
    }
}

fn parse_certificate(pem: &str) -> Result<Certificate, MaterialFault> {
    const WANTED: &str = "a PEM certificate";
    match pem_kind(pem) {
        Some(PemKind::Certificate) => {
            Certificate::from_pem(pem).map_err(|_| MaterialFault::Unreadable { wanted: WANTED })
        }
        other => Err(wrong_kind(WANTED, other)),
    }
}

fn wrong_kind(wanted: &'static str, found: Option<PemKind>) -> MaterialFault {
    let found = match found {
        None => "no PEM at all",
        Some(PemKind::PrivateKey) => "a private key",
        Some(PemKind::EncryptedPrivateKey) => "a private key under a password",
        Some(PemKind::PublicKey) => "a public key",
        Some(PemKind::Certificate) => "a certificate",
        Some(PemKind::CertificateRequest) => "a request for a certificate",
        Some(_) => "something else",
    };
    MaterialFault::WrongKind { wanted, found }
}

#[cfg(test)]
mod tests;
