//! PEM in and out, tolerant of what consoles and copy-and-paste do to line ends and indentation.

use rsa::pkcs8::{Document, LineEnding, SecretDocument};
use zeroize::Zeroizing;

use super::KeyError;

const BEGIN: &str = "-----BEGIN ";

/// What a PEM document says that it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PemKind {
    /// A private key in the clear, PKCS#1 or PKCS#8.
    PrivateKey,
    /// A private key under a password.
    EncryptedPrivateKey,
    /// A public key.
    PublicKey,
    /// A certificate.
    Certificate,
    /// A request for a certificate.
    CertificateRequest,
    /// Anything else.
    Other,
}

/// Reads the label of a text's first PEM document, so that a mistaken file can be named; absent when there is none.
pub fn pem_kind(text: &str) -> Option<PemKind> {
    let (_, behind) = text.split_once(BEGIN)?;
    let (label, _) = behind.split_once("-----")?;
    // PKCS#1 keys tell in a header, not in the label, that they are encrypted.
    let encrypted = text.contains("Proc-Type: 4,ENCRYPTED");
    Some(match label {
        "PRIVATE KEY" | "RSA PRIVATE KEY" if !encrypted => PemKind::PrivateKey,
        "ENCRYPTED PRIVATE KEY" | "RSA PRIVATE KEY" => PemKind::EncryptedPrivateKey,
        "PUBLIC KEY" | "RSA PUBLIC KEY" => PemKind::PublicKey,
        "CERTIFICATE" => PemKind::Certificate,
        "CERTIFICATE REQUEST" | "NEW CERTIFICATE REQUEST" => PemKind::CertificateRequest,
        _ => PemKind::Other,
    })
}

/// Reads a PEM document and returns its label and its DER.
pub(super) fn decode_secret(text: &str) -> Result<(String, SecretDocument), KeyError> {
    let tidy = tidy(text);
    let (label, der) = SecretDocument::from_pem(&tidy).map_err(|_| KeyError::Pem)?;
    Ok((label.to_owned(), der))
}

/// Reads a PEM document without secrets and returns its label and its DER.
pub(super) fn decode(text: &str) -> Result<(String, Vec<u8>), KeyError> {
    let tidy = tidy(text);
    let (label, der) = Document::from_pem(&tidy).map_err(|_| KeyError::Pem)?;
    Ok((label.to_owned(), der.into_vec()))
}

/// Writes a private key as PEM.
pub(super) fn encode_secret(label: &'static str, der: &[u8]) -> Result<String, KeyError> {
    let document = SecretDocument::try_from(der).map_err(|_| KeyError::Generate)?;
    let pem = document.to_pem(label, LineEnding::LF);
    pem.map(|pem| pem.to_string())
        .map_err(|_| KeyError::Generate)
}

/// Writes a public key as PEM.
pub(super) fn encode(label: &'static str, der: &[u8]) -> Result<String, KeyError> {
    let document = Document::try_from(der).map_err(|_| KeyError::Generate)?;
    document
        .to_pem(label, LineEnding::LF)
        .map_err(|_| KeyError::Generate)
}

fn tidy(text: &str) -> Zeroizing<String> {
    let mut tidy = Zeroizing::new(String::with_capacity(text.len()));
    // `openssl pkcs12` writes attributes in front of what it exports.
    let text = text.find(BEGIN).map_or(text, |at| &text[at..]);
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        tidy.push_str(line);
        tidy.push('\n');
    }
    tidy
}
