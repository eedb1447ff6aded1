//! A request for a certificate (PKCS#10), as `openssl req` writes it: the key, and the proof that its owner asks.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use x509_cert::der::{Decode as _, Encode as _};
use x509_cert::request::CertReq;

use super::{KeyError, PublicKey, pem};

/// A request whose signature was checked; its names are not read, because whoever issues decides about them.
#[derive(Debug, Clone)]
pub struct CertificateRequest {
    key: PublicKey,
}

impl CertificateRequest {
    /// Reads a PEM request of an RSA key, signed by that key with SHA-256.
    pub fn from_pem(text: &str) -> Result<Self, KeyError> {
        let (label, der) = pem::decode(text)?;
        if label != "CERTIFICATE REQUEST" && label != "NEW CERTIFICATE REQUEST" {
            return Err(KeyError::Pem);
        }
        let request = CertReq::from_der(&der).map_err(|_| KeyError::Request)?;
        let spki = request.info.public_key.to_der();
        let key = PublicKey::from_spki(&spki.map_err(|_| KeyError::Request)?)?;
        let signed = request.info.to_der().map_err(|_| KeyError::Request)?;
        let signature = request.signature.as_bytes().ok_or(KeyError::Request)?;
        key.verify(&signed, &BASE64_STANDARD.encode(signature))
            .map_err(|_| KeyError::RequestSignature)?;
        Ok(Self { key })
    }

    /// Returns the key that asks.
    pub fn public_key(&self) -> PublicKey {
        self.key.clone()
    }
}
