//! Whether a notification is WeChat's, under which keys, and the callbacks of self-tests.

use std::sync::Arc;

use tributary_domain::ids::{ProviderId, ProviderKeyId};
use tributary_domain::provider_key::KeyUse;
use tributary_storage::notifications::StoredNotification;
use wechatpay::v3::notification::Envelope;
use wechatpay::v3::verification::{self, SignatureHeaders, VerifyError};

use super::{NotifyError, Received, Report, find_header};
use crate::provider_keys::meter::Proof;
use crate::providers::open::OpenedRing;
use crate::{OperationError, Operations};

/// `PUB_KEY_ID_` and its digits stay well below.
const SERIAL_CHARS_MAX: usize = 64;

/// A notification whose signature is good, and how far its key is believed.
pub(super) enum Verified {
    /// A key that is in use.
    Believed(Arc<OpenedRing>),
    /// A key that nobody has activated.
    UnderTest(Arc<OpenedRing>),
}

impl Operations {
    /// Checks the signature; an unknown serial is looked up in the database, then at WeChat once.
    pub(super) async fn verify_notification(
        &self,
        ring: Arc<OpenedRing>,
        headers: &[(String, String)],
        body: &[u8],
    ) -> Result<Verified, NotifyError> {
        let signed = SignatureHeaders::from_fn(|name| find_header(headers, name));
        let id = ring.provider.id.clone();
        let version = ring.version;
        let refused = match self.verify_with(ring, &signed, body) {
            Ok(verified) => return Ok(verified),
            Err(error) => error,
        };
        let serial = match &refused {
            // A probe never verifies, whatever serial it names; nor does WeChat use names of this length.
            VerifyError::UnknownSerial(serial)
                if !signed.is_probe() && serial.len() <= SERIAL_CHARS_MAX =>
            {
                serial.clone()
            }
            error => return Err(refuse(&id, &signed, error)),
        };
        self.learn_new_keys(&id, version).await;
        let fresh = self.ring(&id).await.map_err(NotifyError::Unavailable)?;
        match self.verify_with(fresh, &signed, body) {
            Ok(verified) => Ok(verified),
            Err(VerifyError::UnknownSerial(_)) => {
                self.meter(&id, KeyUse::Notification, "", Proof::UnknownKey);
                // Whoever looked for it last: one that is still unknown needs a person.
                let told = self.alarm_of_unknown_serial(&id, &serial, "notification");
                told.await.map_err(NotifyError::Unavailable)?;
                Err(NotifyError::UnknownSerial)
            }
            Err(error) => Err(refuse(&id, &signed, &error)),
        }
    }

    /// Checks the signature with what the ring has: what is believed first, then what is under test.
    fn verify_with(
        &self,
        ring: Arc<OpenedRing>,
        signed: &SignatureHeaders,
        body: &[u8],
    ) -> Result<Verified, VerifyError> {
        let now = self.now().as_seconds();
        let count = |serial: &str, proof| {
            self.meter(&ring.provider.id, KeyUse::Notification, serial, proof);
        };
        match verification::verify(&ring.trusted, signed, body, now) {
            Ok(verified) => {
                count(&verified.serial, Proof::Passed);
                Ok(Verified::Believed(ring))
            }
            Err(VerifyError::UnknownSerial(_)) => {
                let verified = verification::verify(&ring.with_testing, signed, body, now)?;
                count(&verified.serial, Proof::Passed);
                Ok(Verified::UnderTest(ring))
            }
            Err(error) => {
                if let (VerifyError::BadSignature, Some(serial)) = (&error, signed.serial())
                    && !signed.is_probe()
                {
                    count(serial, Proof::Failed);
                }
                Err(error)
            }
        }
    }

    /// What is signed with a key that nobody has activated: believed when it is the callback of a self-test.
    ///
    /// Anything else comes again, as with an unknown key, until somebody stands for the key.
    pub(super) async fn receive_test(
        &self,
        ring: &OpenedRing,
        headers: &[(String, String)],
        body: &[u8],
    ) -> Result<Received, NotifyError> {
        let envelope = Envelope::parse(body).map_err(|_| NotifyError::UnknownSerial)?;
        let notice = self.keepable(ring, Some(&envelope), headers, body);
        let (plain, api_key) = self
            .decrypt(ring, &envelope)
            .await
            .ok_or(NotifyError::UnknownSerial)?;
        match Report::from_plain(&plain) {
            Ok(Report::Echo(said)) => self.receive_echo(notice, &said, &api_key).await,
            _ => Err(NotifyError::UnknownSerial),
        }
    }

    pub(super) async fn receive_echo(
        &self,
        notice: StoredNotification,
        said: &str,
        api_key: &ProviderKeyId,
    ) -> Result<Received, NotifyError> {
        match self.take_echo(notice, said, api_key).await {
            Ok(()) => Ok(Received::Applied),
            Err(OperationError::Storage(error)) if error.is_duplicate() => Ok(Received::Duplicate),
            Err(error) => Err(NotifyError::Unavailable(error)),
        }
    }

    /// Decrypts under any key of the ring; a ring that another node changed meanwhile is read anew first.
    pub(super) async fn decrypt(
        &self,
        ring: &OpenedRing,
        envelope: &Envelope,
    ) -> Option<(Vec<u8>, ProviderKeyId)> {
        let provider = &ring.provider.id;
        if let Some(found) = ring.decrypt(envelope) {
            self.meter(provider, KeyUse::Decryption, found.serial, Proof::Passed);
            return Some((found.plain, found.key_id.clone()));
        }
        let fresh = if self.forget_if_older(provider, ring.version).await {
            self.ring(provider).await.ok()
        } else {
            None
        };
        let found = fresh.as_ref().and_then(|fresh| fresh.decrypt(envelope));
        let (serial, proof) = match &found {
            Some(found) => (found.serial, Proof::Passed),
            None => ("", Proof::UnknownKey),
        };
        self.meter(provider, KeyUse::Decryption, serial, proof);
        found.map(|found| (found.plain, found.key_id.clone()))
    }
}

fn refuse(provider: &ProviderId, signed: &SignatureHeaders, error: &VerifyError) -> NotifyError {
    tracing::warn!(provider.id = %provider, probe = signed.is_probe(),
        error = error as &dyn std::error::Error, "a notification was refused");
    NotifyError::Unverified {
        probe: signed.is_probe(),
    }
}
