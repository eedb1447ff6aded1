//! `apiclient_cert.p12` as WeChat's console hands it out: a private key and its certificate under a password.
//!
//! WeChat writes these files with RC2-40 and 3DES, and the password is the merchant number.

use p12_keystore::Pkcs12Archive;
use p12_keystore::error::Error as ArchiveError;
use zeroize::Zeroizing;

use super::{Certificate, PrivateKey, pem};

/// A private key and the certificate that belongs to it, both PEM.
pub struct Pkcs12 {
    /// The private key, PKCS#8.
    pub private_key_pem: Zeroizing<String>,
    /// The certificate.
    pub certificate_pem: String,
}

impl std::fmt::Debug for Pkcs12 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pkcs12(***)")
    }
}

/// Says why a PKCS#12 file was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Pkcs12Error {
    /// The bytes are not a PKCS#12 file, or one in a form that is not read.
    #[error("the file is not a PKCS#12 file that can be read")]
    Unreadable,
    /// The password does not open the file.
    #[error("the password does not open the file")]
    WrongPassword,
    /// There is no private key in the file.
    #[error("the file holds no private key")]
    NoPrivateKey,
    /// There is no certificate of the private key in the file.
    #[error("the file holds no certificate of its private key")]
    NoCertificate,
}

impl Pkcs12 {
    /// Opens a file; of several certificates the one of the private key counts.
    pub fn open(file: &[u8], password: &str) -> Result<Self, Pkcs12Error> {
        let archive = Pkcs12Archive::from_pkcs12(file, password).map_err(|error| why(&error))?;
        let key = archive.keys.first().ok_or(Pkcs12Error::NoPrivateKey)?;
        let private_key_pem = pem::encode_secret("PRIVATE KEY", key.key.as_der())
            .map(Zeroizing::new)
            .map_err(|_| Pkcs12Error::Unreadable)?;
        let private_key =
            PrivateKey::from_pem(&private_key_pem).map_err(|_| Pkcs12Error::NoPrivateKey)?;
        let certificate_pem = archive
            .certs
            .iter()
            .filter_map(|bag| pem::encode("CERTIFICATE", bag.cert.as_der()).ok())
            .find(|pem| {
                Certificate::from_pem(pem)
                    .is_ok_and(|found| found.public_key() == private_key.public_key())
            })
            .ok_or(Pkcs12Error::NoCertificate)?;
        Ok(Self {
            private_key_pem,
            certificate_pem,
        })
    }
}

/// A wrong password shows as a wrong checksum; in a file without one, as padding that is none.
fn why(error: &ArchiveError) -> Pkcs12Error {
    match error {
        ArchiveError::MacError(_) | ArchiveError::UnpadError | ArchiveError::Pkcs5Error(_) => {
            Pkcs12Error::WrongPassword
        }
        _ => Pkcs12Error::Unreadable,
    }
}
