//! An RSA public key: verifies signatures and encrypts sensitive fields.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::rsa::{OAEP_SHA1_MGF1SHA1, OaepPublicEncryptingKey, PublicEncryptingKey};
use aws_lc_rs::signature::{ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rsa::pkcs1::{DecodeRsaPublicKey as _, EncodeRsaPublicKey as _};
use rsa::pkcs8::{DecodePublicKey as _, EncodePublicKey as _};
use sha2::{Digest as _, Sha256};

use super::{Certificate, KeyError, OaepError, SignatureError, pem};

/// An RSA public key, parsed once; clones share it.
#[derive(Clone)]
pub struct PublicKey(Arc<Inner>);

struct Inner {
    verifying: ParsedPublicKey,
    encrypting: OaepPublicEncryptingKey,
    spki: Vec<u8>,
}

impl PublicKey {
    /// Reads a PEM public key: SubjectPublicKeyInfo (`PUBLIC KEY`) or PKCS#1 (`RSA PUBLIC KEY`).
    pub fn from_pem(text: &str) -> Result<Self, KeyError> {
        let (label, der) = pem::decode(text)?;
        match label.as_str() {
            "PUBLIC KEY" => Self::from_spki(&der),
            "RSA PUBLIC KEY" => {
                let key = rsa::RsaPublicKey::from_pkcs1_der(&der).map_err(|_| KeyError::NotRsa)?;
                let spki = key.to_public_key_der().map_err(|_| KeyError::NotRsa)?;
                Self::from_spki(spki.as_bytes())
            }
            _ => Err(KeyError::Pem),
        }
    }

    /// Reads the key inside a PEM certificate.
    pub fn from_certificate_pem(text: &str) -> Result<Self, KeyError> {
        Certificate::from_pem(text).map(|certificate| certificate.public_key())
    }

    pub(super) fn from_spki(der: &[u8]) -> Result<Self, KeyError> {
        let verifying =
            ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, der).map_err(|_| KeyError::NotRsa)?;
        let encrypting = PublicEncryptingKey::from_der(der).map_err(|_| KeyError::NotRsa)?;
        let encrypting = OaepPublicEncryptingKey::new(encrypting).map_err(|_| KeyError::NotRsa)?;
        if encrypting.key_size_bits() < 2048 {
            return Err(KeyError::NotRsa);
        }
        Ok(Self(Arc::new(Inner {
            verifying,
            encrypting,
            spki: der.to_vec(),
        })))
    }

    /// Checks an RSASSA-PKCS1-v1_5 SHA-256 signature given in base64.
    ///
    /// A text that is not base64 (WeChat's probes are such texts) is a wrong signature, not another kind of error.
    pub fn verify(&self, message: &[u8], signature: &str) -> Result<(), SignatureError> {
        let signature = BASE64_STANDARD
            .decode(signature)
            .map_err(|_| SignatureError)?;
        self.0
            .verifying
            .verify_sig(message, &signature)
            .map_err(|_| SignatureError)
    }

    /// Encrypts a sensitive field: RSAES-OAEP with SHA-1 for both hash and MGF1, in base64.
    pub fn encrypt_oaep(&self, plain: &[u8]) -> Result<String, OaepError> {
        let key = &self.0.encrypting;
        if plain.len() > key.max_plaintext_size(&OAEP_SHA1_MGF1SHA1) {
            return Err(OaepError::TooLong);
        }
        let mut ciphertext = vec![0; key.ciphertext_size()];
        let ciphertext = key
            .encrypt(&OAEP_SHA1_MGF1SHA1, plain, &mut ciphertext, None)
            .map_err(|_| OaepError::Encrypt)?;
        Ok(BASE64_STANDARD.encode(ciphertext))
    }

    /// Returns the key as DER (SubjectPublicKeyInfo), for fingerprints.
    pub fn spki_der(&self) -> &[u8] {
        &self.0.spki
    }

    /// Returns the key as DER in PKCS#1 form, as it stands within a certificate.
    pub fn pkcs1_der(&self) -> Result<Vec<u8>, KeyError> {
        let key = rsa::RsaPublicKey::from_public_key_der(&self.0.spki);
        let key = key.map_err(|_| KeyError::NotRsa)?;
        let der = key.to_pkcs1_der().map_err(|_| KeyError::NotRsa)?;
        Ok(der.into_vec())
    }

    /// Returns SHA-256 of the key's SubjectPublicKeyInfo, in lower-case hex.
    pub fn fingerprint(&self) -> String {
        hex::encode(Sha256::digest(&self.0.spki))
    }

    /// Returns the key as PEM (`PUBLIC KEY`).
    pub fn to_pem(&self) -> Result<String, KeyError> {
        pem::encode("PUBLIC KEY", &self.0.spki)
    }
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.0.spki == other.0.spki
    }
}

impl Eq for PublicKey {}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({} bits)", self.0.encrypting.key_size_bits())
    }
}
