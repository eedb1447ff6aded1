//! An X.509 certificate as WeChat uses it: a serial, a validity and a public key. No chain is checked here.

use x509_cert::der::{Decode as _, Encode as _};

use sha2::{Digest as _, Sha256};
use x509_cert::der::asn1::{PrintableStringRef, Utf8StringRef};
use x509_cert::der::oid::db::rfc4519::COMMON_NAME;
use x509_cert::name::Name;

use super::{KeyError, PublicKey, pem};

/// WeChat prints serials as twenty bytes.
const SERIAL_HEX_LENGTH: usize = 40;

/// A merchant's or platform certificate.
#[derive(Debug, Clone)]
pub struct Certificate {
    /// The serial as 40 upper-case hex digits, leading zeros kept.
    pub serial: String,
    /// Start of validity in Unix seconds.
    pub not_before_unix: i64,
    /// End of validity in Unix seconds.
    pub not_after_unix: i64,
    /// The common name of its subject; of a merchant's API certificate, the merchant number.
    pub common_name: Option<String>,
    /// SHA-256 of its DER, in lower-case hex.
    pub fingerprint: String,
    key: PublicKey,
}

impl Certificate {
    /// Reads a PEM certificate with an RSA key.
    pub fn from_pem(text: &str) -> Result<Self, KeyError> {
        let (label, der) = pem::decode(text)?;
        if label != "CERTIFICATE" {
            return Err(KeyError::Pem);
        }
        let certificate =
            x509_cert::Certificate::from_der(&der).map_err(|_| KeyError::Certificate)?;
        let body = certificate.tbs_certificate();
        let spki = body
            .subject_public_key_info()
            .to_der()
            .map_err(|_| KeyError::Certificate)?;
        Ok(Self {
            serial: serial_text(body.serial_number().as_bytes()),
            not_before_unix: unix_seconds(body.validity().not_before)?,
            not_after_unix: unix_seconds(body.validity().not_after)?,
            common_name: common_name(body.subject()),
            fingerprint: hex::encode(Sha256::digest(&der)),
            key: PublicKey::from_spki(&spki)?,
        })
    }

    /// Returns the certificate's key.
    pub fn public_key(&self) -> PublicKey {
        self.key.clone()
    }

    /// Tells whether `now` (Unix seconds) lies after the end of validity.
    pub fn is_expired(&self, now: i64) -> bool {
        now > self.not_after_unix
    }
}

fn common_name(subject: &Name) -> Option<String> {
    let mut attributes = subject.iter();
    let found = attributes.find(|attribute| attribute.oid == COMMON_NAME)?;
    let printable = || found.value.decode_as::<PrintableStringRef<'_>>().ok();
    let utf8 = || found.value.decode_as::<Utf8StringRef<'_>>().ok();
    let text = printable().map(|text| text.to_string());
    text.or_else(|| utf8().map(|text| text.to_string()))
}

/// DER drops leading zero bytes and may add a sign byte; WeChat's print does neither.
fn serial_text(der_integer: &[u8]) -> String {
    let hex = hex::encode_upper(der_integer);
    let digits = hex.trim_start_matches('0');
    format!("{digits:0>SERIAL_HEX_LENGTH$}")
}

fn unix_seconds(time: x509_cert::time::Time) -> Result<i64, KeyError> {
    i64::try_from(time.to_unix_duration().as_secs()).map_err(|_| KeyError::Certificate)
}

#[cfg(test)]
mod tests {
    use super::serial_text;

    #[test]
    fn serial_keeps_leading_zeros_and_drops_the_sign_byte() {
        let mut twenty_bytes = [0x11; 20];
        twenty_bytes[0] = 0x0A;
        assert_eq!(serial_text(&twenty_bytes), format!("0A{}", "11".repeat(19)));
        assert_eq!(serial_text(&[0x0A; 19]), format!("00{}", "0A".repeat(19)));
        let mut signed = [0xFF; 21];
        signed[0] = 0;
        assert_eq!(serial_text(&signed), "FF".repeat(20));
    }
}
