//! The RSA private key of a merchant (or, in the server role, of the platform): signs and decrypts.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{
    KeyPair, KeySize, OAEP_SHA1_MGF1SHA1, OaepPrivateDecryptingKey, PrivateDecryptingKey,
};
use aws_lc_rs::signature::RSA_PKCS1_SHA256;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rsa::pkcs1::DecodeRsaPrivateKey as _;
use rsa::pkcs8::{EncodePrivateKey as _, SecretDocument};

use super::{KeyError, OaepError, PublicKey, SigningError, pem};

/// An RSA private key, parsed once; clones share it.
#[derive(Clone)]
pub struct PrivateKey(Arc<Inner>);

struct Inner {
    signing: KeyPair,
    decrypting: OaepPrivateDecryptingKey,
    public: PublicKey,
}

impl PrivateKey {
    /// Reads a PEM private key in PKCS#8 or PKCS#1 form.
    pub fn from_pem(text: &str) -> Result<Self, KeyError> {
        let (label, der) = pem::decode_secret(text)?;
        match label.as_str() {
            "PRIVATE KEY" => Self::from_pkcs8(der.as_bytes()),
            "RSA PRIVATE KEY" => Self::from_pkcs8(pkcs1_to_pkcs8(der.as_bytes())?.as_bytes()),
            _ => Err(KeyError::Pem),
        }
    }

    fn from_pkcs8(der: &[u8]) -> Result<Self, KeyError> {
        let signing = KeyPair::from_pkcs8(der).map_err(|_| KeyError::NotRsa)?;
        let decrypting = PrivateDecryptingKey::from_pkcs8(der).map_err(|_| KeyError::NotRsa)?;
        let spki: PublicKeyX509Der<'_> = decrypting
            .public_key()
            .as_der()
            .map_err(|_| KeyError::NotRsa)?;
        let public = PublicKey::from_spki(spki.as_ref())?;
        let decrypting = OaepPrivateDecryptingKey::new(decrypting).map_err(|_| KeyError::NotRsa)?;
        Ok(Self(Arc::new(Inner {
            signing,
            decrypting,
            public,
        })))
    }

    /// Signs with RSASSA-PKCS1-v1_5 and SHA-256; returns the signature in base64.
    pub fn sign(&self, message: &[u8]) -> Result<String, SigningError> {
        let mut signature = vec![0; self.0.signing.public_modulus_len()];
        self.0
            .signing
            .sign(
                &RSA_PKCS1_SHA256,
                &SystemRandom::new(),
                message,
                &mut signature,
            )
            .map_err(|_| SigningError)?;
        Ok(BASE64_STANDARD.encode(signature))
    }

    /// Decrypts a sensitive field: base64, RSAES-OAEP with SHA-1 for both hash and MGF1.
    pub fn decrypt_oaep(&self, ciphertext: &str) -> Result<Vec<u8>, OaepError> {
        let ciphertext = BASE64_STANDARD
            .decode(ciphertext)
            .map_err(|_| OaepError::NotBase64)?;
        let key = &self.0.decrypting;
        let mut plain = vec![0; key.min_output_size()];
        let length = key
            .decrypt(&OAEP_SHA1_MGF1SHA1, &ciphertext, &mut plain, None)
            .map_err(|_| OaepError::Decrypt)?
            .len();
        plain.truncate(length);
        Ok(plain)
    }

    /// Returns the public half.
    pub fn public_key(&self) -> PublicKey {
        self.0.public.clone()
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrivateKey(***)")
    }
}

/// Makes an RSA-2048 key pair for simulators, development and tests: (PKCS#8 PEM, public key PEM).
pub fn generate_pem() -> Result<(String, String), KeyError> {
    let pair = KeyPair::generate(KeySize::Rsa2048).map_err(|_| KeyError::Generate)?;
    let private: Pkcs8V1Der<'_> = pair.as_der().map_err(|_| KeyError::Generate)?;
    let private_pem = pem::encode_secret("PRIVATE KEY", private.as_ref())?;
    let public_pem = PrivateKey::from_pkcs8(private.as_ref())?
        .public_key()
        .to_pem()?;
    Ok((private_pem, public_pem))
}

fn pkcs1_to_pkcs8(der: &[u8]) -> Result<SecretDocument, KeyError> {
    let key = rsa::RsaPrivateKey::from_pkcs1_der(der).map_err(|_| KeyError::NotRsa)?;
    key.to_pkcs8_der().map_err(|_| KeyError::NotRsa)
}
