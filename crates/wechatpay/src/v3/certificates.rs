//! The answer of `GET /v3/certificates`: platform certificates, encrypted under the merchant's APIv3 key.

use serde::{Deserialize, Serialize};

use super::aead::{self, AeadError};
use crate::credentials::{ApiV3Key, Certificate, KeyError};

/// The answer's body; empty for accounts that only have a public key.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateList {
    /// One or two certificates.
    #[serde(default)]
    pub data: Vec<CertificateEntry>,
}

/// One certificate on the wire. WeChat's own examples print two of the names with a trailing space.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateEntry {
    /// 40 hex digits.
    pub serial_no: String,
    /// RFC 3339.
    #[serde(alias = "effective_time ")]
    pub effective_time: String,
    /// RFC 3339.
    #[serde(alias = "expire_time ")]
    pub expire_time: String,
    /// The PEM, encrypted.
    pub encrypt_certificate: EncryptedCertificate,
}

/// An encrypted PEM.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EncryptedCertificate {
    /// `AEAD_AES_256_GCM`.
    pub algorithm: String,
    /// 12 characters.
    pub nonce: String,
    /// `certificate`.
    #[serde(default)]
    pub associated_data: String,
    /// Base64 of ciphertext and tag.
    pub ciphertext: String,
}

/// A platform certificate, decrypted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlatformCertificate {
    /// 40 upper-case hex digits.
    pub serial: String,
    /// The certificate as PEM.
    pub pem: String,
    /// RFC 3339.
    pub effective_time: String,
    /// RFC 3339; WeChat moves it nearer when it rotates.
    pub expire_time: String,
}

/// Why a downloaded certificate was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CertificateError {
    /// The certificate could not be decrypted.
    #[error("decrypting a platform certificate")]
    Decrypt(#[source] AeadError),
    /// What was decrypted is not a certificate.
    #[error("reading a platform certificate")]
    Read(#[source] KeyError),
    /// The certificate has another serial than the answer says.
    #[error("a platform certificate has another serial than announced")]
    OtherSerial,
}

impl CertificateEntry {
    /// Decrypts the certificate and checks that it has the announced serial.
    pub fn decrypt(&self, keys: &[ApiV3Key]) -> Result<PlatformCertificate, CertificateError> {
        let sealed = &self.encrypt_certificate;
        if sealed.algorithm != aead::ALGORITHM {
            return Err(CertificateError::Decrypt(AeadError::Algorithm));
        }
        let EncryptedCertificate {
            nonce,
            associated_data,
            ciphertext,
            ..
        } = sealed;
        let plain = aead::open_with_any(keys, nonce, associated_data, ciphertext)
            .map_err(CertificateError::Decrypt)?;
        let pem = String::from_utf8(plain).map_err(|_| CertificateError::Read(KeyError::Pem))?;
        let certificate = Certificate::from_pem(&pem).map_err(CertificateError::Read)?;
        if !certificate.serial.eq_ignore_ascii_case(&self.serial_no) {
            return Err(CertificateError::OtherSerial);
        }
        Ok(PlatformCertificate {
            serial: certificate.serial,
            pem,
            effective_time: self.effective_time.clone(),
            expire_time: self.expire_time.clone(),
        })
    }
}

impl PlatformCertificate {
    /// Parses the PEM for a key ring.
    pub fn certificate(&self) -> Result<Certificate, KeyError> {
        Certificate::from_pem(&self.pem)
    }
}
