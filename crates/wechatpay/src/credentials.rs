//! Key material: who signs, who verifies, what decrypts. Each key is parsed once and shared by reference.
//!
//! Nothing here prints, serialises or leaves a secret in freed memory.

mod api_key;
mod certificate;
mod certificate_request;
mod key_ring;
mod merchant;
mod pem;
mod pkcs12;
mod private_key;
mod public_key;

pub use api_key::{ApiV2Key, ApiV3Key};
pub use certificate::Certificate;
pub use certificate_request::CertificateRequest;
pub use key_ring::KeyRing;
pub use merchant::Merchant;
pub use pem::{PemKind, pem_kind};
pub use pkcs12::{Pkcs12, Pkcs12Error};
pub use private_key::{PrivateKey, generate_pem};
pub use public_key::PublicKey;

/// Says why key material was refused; never quotes the material.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The text is not PEM, or not the kind of PEM that was asked for.
    #[error("the text is not a PEM document of the expected kind")]
    Pem,
    /// The PEM holds something other than an RSA key of at least 2048 bits.
    #[error("the key is not an RSA key of 2048 to 8192 bits")]
    NotRsa,
    /// The certificate could not be read.
    #[error("the certificate cannot be read")]
    Certificate,
    /// The request for a certificate could not be read.
    #[error("the certificate request cannot be read")]
    Request,
    /// The request for a certificate is not signed by the key in it, or not with SHA-256.
    #[error("the certificate request is not signed by its own key with SHA-256")]
    RequestSignature,
    /// A symmetric key has the wrong length or holds characters outside ASCII.
    #[error("the API key must be exactly 32 printable ASCII characters")]
    ApiKey,
    /// A key could not be generated.
    #[error("the key could not be generated")]
    Generate,
}

/// Says that a signature could not be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the private key could not sign")]
pub struct SigningError;

/// Says that a signature does not belong to the message, or is not a signature at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the signature does not match the message")]
pub struct SignatureError;

/// Says why a sensitive field was not encrypted or decrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OaepError {
    /// The plain text does not fit into one RSA block (214 bytes for 2048 bits).
    #[error("the text is too long for one RSA block")]
    TooLong,
    /// The ciphertext is not base64.
    #[error("the ciphertext is not base64")]
    NotBase64,
    /// The ciphertext was not made for this key, or was altered.
    #[error("the ciphertext cannot be decrypted with this key")]
    Decrypt,
    /// The key refused to encrypt.
    #[error("the key could not encrypt")]
    Encrypt,
}
