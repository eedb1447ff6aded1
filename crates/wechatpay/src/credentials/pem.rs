//! PEM in and out, tolerant of what consoles and copy-and-paste do to line ends and indentation.

use rsa::pkcs8::{Document, LineEnding, SecretDocument};
use zeroize::Zeroizing;

use super::KeyError;

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
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        tidy.push_str(line);
        tidy.push('\n');
    }
    tidy
}
