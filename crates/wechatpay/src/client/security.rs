//! Keys at work: platform certificates, sensitive fields and the echo that checks all of it.

use crate::credentials::OaepError;
use crate::v3::certificates::CertificateList;
use crate::v3::{EchoReply, EchoRequest, FrozenBody, PlatformCertificate};

use super::call::{Call, Trust, unusable};
use super::{Answer, CallError, Client};

const CERTIFICATES: &str = "/v3/certificates";
const ECHO: &str = "/v3/security/echo";

/// Why a sensitive field was not encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SensitiveFieldError {
    /// The key ring is empty.
    #[error("no key of WeChat Pay is known")]
    NoKey,
    /// The key refused.
    #[error("encrypting a sensitive field")]
    Encrypt(#[source] OaepError),
}

impl Client {
    /// Downloads and decrypts the platform certificates that have not expired.
    ///
    /// The first download is signed with a certificate inside it, so it is decrypted first and then verified with the
    /// known and the enclosed keys. Accounts that only have a public key get an empty list or a refusal.
    pub async fn certificates(&self) -> Result<Answer<Vec<PlatformCertificate>>, CallError> {
        let mut call = Call::get(CERTIFICATES, None);
        call.trust = Trust::KeyRingAndEnclosed;
        let answer: Answer<CertificateList> = self.fetch(&call).await?;
        let keys = &self.0.merchant.api_v3_keys;
        let opened: Result<Vec<_>, _> = answer
            .value
            .data
            .iter()
            .map(|entry| entry.decrypt(keys))
            .collect();
        let Ok(mut certificates) = opened else {
            return Err(unusable(
                answer,
                "a certificate cannot be decrypted or read",
            ));
        };
        let now = (self.0.clock)();
        certificates.retain(|certificate| {
            certificate
                .certificate()
                .is_ok_and(|certificate| !certificate.is_expired(now))
        });
        Ok(answer.map(|_| certificates))
    }

    /// Encrypts a text for WeChat with the key that every request of this client announces.
    pub fn encrypt_sensitive(&self, plain: &str) -> Result<String, SensitiveFieldError> {
        let (_, key) = self
            .0
            .key_ring
            .preferred()
            .ok_or(SensitiveFieldError::NoKey)?;
        key.encrypt_oaep(plain.as_bytes())
            .map_err(SensitiveFieldError::Encrypt)
    }

    /// Decrypts a text that WeChat encrypted for this merchant.
    pub fn decrypt_sensitive(&self, ciphertext: &str) -> Result<Vec<u8>, OaepError> {
        self.0.merchant.private_key.decrypt_oaep(ciphertext)
    }

    /// Builds an echo call around `message`.
    pub fn prepare_echo(
        &self,
        message: &str,
        notify_url: Option<&str>,
    ) -> Result<EchoRequest, SensitiveFieldError> {
        Ok(EchoRequest {
            echo_message: message.to_owned(),
            encrypted_echo_message: self.encrypt_sensitive(message)?,
            notify_url: notify_url.map(ToOwned::to_owned),
        })
    }

    /// Checks the keys end to end; success means that both texts came back as they went.
    pub async fn echo(&self, request: &EchoRequest) -> Result<Answer<EchoReply>, CallError> {
        let body =
            FrozenBody::freeze(request).map_err(|invalid| Call::post(ECHO, b"").refuse(invalid))?;
        let answer: Answer<EchoReply> = self.fetch(&Call::post(ECHO, body.as_bytes())).await?;
        let decrypted = self.decrypt_sensitive(&answer.value.encrypted_echo_message);
        let message = request.echo_message.as_bytes();
        if answer.value.echo_message.as_bytes() != message || decrypted.as_deref() != Ok(message) {
            return Err(unusable(answer, "the echo differs from what was sent"));
        }
        Ok(answer)
    }
}
