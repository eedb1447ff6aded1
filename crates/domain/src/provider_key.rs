//! A provider's key ring: what kinds of key there are, how each comes and goes, when it must be renewed, and the
//! self-test that proves it. No key material is here: a key is its serial, its fingerprint and its history.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::ids::{KeyTestId, ProviderId, ProviderKeyId};
use crate::state_words::state_words;
use crate::tenant::Mode;

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;
/// Days before the end at which a person is told, once each.
const WARNING_DAYS: [i64; 6] = [60, 30, 14, 7, 3, 1];
/// WeChat publishes the next platform certificate half a year before the old one ends.
const PLATFORM_WARNING_DAYS: i64 = 180;
/// How long a key must have been of no use before it may go.
const QUIET_MS: i64 = DAY_MS;
/// WeChat repeats a notification for 24 hours, under the APIv3 key of its first sending for all that is known; twice that,
/// so that a day on which we could not be reached is no loss.
const OLD_API_KEY_KEPT_MS: i64 = 48 * 60 * 60 * 1_000;

state_words! {
    /// What a key of the ring is.
    KeyKind {
        /// The merchant's API certificate with its private key: signs our requests.
        MerchantCertificate = "merchant_certificate",
        /// Decrypts notifications and platform certificates.
        ApiV3Key = "api_v3_key",
        /// Signs and checks what is left of the old protocol.
        V2Key = "v2_key",
        /// A certificate that WeChat signs with, fetched from WeChat.
        PlatformCertificate = "platform_certificate",
        /// A `PUB_KEY_ID_…` public key that WeChat signs with, from its console.
        WechatPublicKey = "wechat_public_key",
    }
}

impl KeyKind {
    /// Whether WeChat signs with it, and we verify.
    pub const fn is_wechats(self) -> bool {
        matches!(self, Self::PlatformCertificate | Self::WechatPublicKey)
    }

    /// Whether one of the kind is active at a time; platform certificates overlap.
    pub const fn replaces_its_like(self) -> bool {
        !matches!(self, Self::PlatformCertificate)
    }

    /// Whether a person brings it: what is fetched from WeChat is vouched for by its encryption.
    pub const fn is_imported(self) -> bool {
        !matches!(self, Self::PlatformCertificate)
    }
}

state_words! {
    /// Where a key is in its life.
    KeyState {
        /// Kept and checked, not used.
        Staged = "staged",
        /// Used by the self-test; it verifies and decrypts, and nothing is signed with it but tests.
        Testing = "testing",
        /// In use.
        Active = "active",
        /// Replaced; it still verifies and decrypts what comes late.
        Retiring = "retiring",
        /// Out of use.
        Retired = "retired",
        /// Withdrawn at once.
        Revoked = "revoked",
    }
}

impl KeyState {
    /// Whether the key verifies and decrypts.
    pub const fn is_trusted(self) -> bool {
        matches!(self, Self::Testing | Self::Active | Self::Retiring)
    }
}

/// Something that is done with a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyMove {
    /// A self-test uses it.
    Test,
    /// It comes into use.
    Activate,
    /// Another one takes its place.
    Replace,
    /// It goes for good.
    Retire,
    /// It is withdrawn at once.
    Revoke,
}

/// Why a key cannot go where it was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyRefusal {
    /// The move does not lead from this state.
    #[error("a key that is {} cannot do this", .0.as_str())]
    State(KeyState),
    /// A retiring key was of use within the last day.
    #[error("it was of use within the last 24 hours")]
    StillInUse,
    /// Notifications that were encrypted with it may still come.
    #[error("notifications under it may come for 48 hours after it was replaced")]
    LateNotifications,
    /// The self-test of the key is not green.
    #[error("its last self-test is not green")]
    Untested,
    /// Nobody but the one who added it stands for it.
    #[error("in live mode a second person must approve it")]
    Unapproved,
    /// Its certificate has expired.
    #[error("it has expired")]
    Expired,
    /// It is the last key of its kind that is in use.
    #[error("nothing would be left in its place")]
    LastOne,
}

/// A key of a provider's ring, without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderKey {
    /// Its id.
    pub id: ProviderKeyId,
    /// Whose it is.
    pub provider_id: ProviderId,
    /// What it is.
    pub kind: KeyKind,
    /// Where it is in its life.
    pub state: KeyState,
    /// The certificate's serial, the public key's id, or, of a symmetric key, the beginning of its fingerprint.
    pub serial: String,
    /// SHA-256 over the certificate or key; absent for what was kept before fingerprints were.
    pub fingerprint: Option<String>,
    /// The certificate or public key; absent for symmetric keys.
    pub pem: Option<String>,
    /// Start of a certificate's validity.
    pub not_before: Option<Timestamp>,
    /// End of a certificate's validity.
    pub not_after: Option<Timestamp>,
    /// When it was added.
    pub added_at: Timestamp,
    /// Who added it.
    pub added_by: String,
    /// When a second person approved it.
    pub approved_at: Option<Timestamp>,
    /// Who that was.
    pub approved_by: Option<String>,
    /// When its state last changed.
    pub changed_at: Timestamp,
    /// What it did.
    pub counts: KeyCounts,
    /// The last use, to within the minute in which counts are written.
    pub last_seen_at: Option<Timestamp>,
    /// The last warning about its end, in days.
    pub warned_days: Option<i64>,
}

/// What a key did since it was added.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyCounts {
    /// Requests signed with it.
    pub signed: i64,
    /// Signatures verified, or notifications decrypted.
    pub verified: i64,
    /// Signatures that were wrong, or requests refused for theirs.
    pub failed: i64,
}

impl ProviderKey {
    /// The key after a move, or why it stays.
    pub fn moved(&self, to: KeyMove, now: Timestamp) -> Result<Self, KeyRefusal> {
        use KeyState::{Active, Retired, Retiring, Revoked, Staged, Testing};
        let state = match (to, self.state) {
            (KeyMove::Test, Staged) => Testing,
            // What is in use may be tested without leaving it.
            (KeyMove::Test, Testing | Active | Retiring) => self.state,
            (KeyMove::Activate, Staged | Testing | Retiring) => Active,
            (KeyMove::Replace, Active) => Retiring,
            (KeyMove::Retire, Staged | Testing) => Retired,
            (KeyMove::Retire, Retiring) => {
                self.may_retire(now)?;
                Retired
            }
            (KeyMove::Revoke, Staged | Testing | Active | Retiring) => Revoked,
            _ => return Err(KeyRefusal::State(self.state)),
        };
        if to == KeyMove::Activate && self.is_expired(now) {
            return Err(KeyRefusal::Expired);
        }
        let changed_at = if state == self.state {
            self.changed_at
        } else {
            now
        };
        Ok(Self {
            state,
            changed_at,
            ..self.clone()
        })
    }

    /// Whether a retiring key has been of no use for long enough.
    pub fn may_retire(&self, now: Timestamp) -> Result<(), KeyRefusal> {
        let retiring_ms = now.millis_since(self.changed_at);
        if self.kind == KeyKind::ApiV3Key && retiring_ms < OLD_API_KEY_KEPT_MS {
            return Err(KeyRefusal::LateNotifications);
        }
        // An expired certificate verifies nothing, whatever names it.
        let quiet_since = self.last_seen_at.map_or(self.changed_at, |seen| {
            if seen > self.changed_at {
                seen
            } else {
                self.changed_at
            }
        });
        if now.millis_since(quiet_since) < QUIET_MS && !self.is_expired(now) {
            return Err(KeyRefusal::StillInUse);
        }
        Ok(())
    }

    /// Whether its validity has ended.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.not_after.is_some_and(|end| now > end)
    }

    /// The warning that is due and was not given: so many days, or fewer, are left.
    pub fn due_warning(&self, now: Timestamp) -> Option<i64> {
        if !self.state.is_trusted() {
            return None;
        }
        let left_ms = self.not_after?.millis_since(now);
        let reached = |days: i64| left_ms <= days.saturating_mul(DAY_MS);
        let step = WARNING_DAYS.into_iter().rev().find(|days| reached(*days));
        let early = (self.kind == KeyKind::PlatformCertificate && reached(PLATFORM_WARNING_DAYS))
            .then_some(PLATFORM_WARNING_DAYS);
        let due = step.or(early)?;
        self.warned_days
            .is_none_or(|warned| warned > due)
            .then_some(due)
    }

    /// Whether a person besides the one who added it must approve before it comes into use.
    ///
    /// Whoever plants a key of WeChat's can forge payments, so that it concerns those keys as well.
    pub fn needs_approval(&self, mode: Mode) -> bool {
        mode == Mode::Live && self.kind.is_imported() && self.state != KeyState::Retiring
    }
}

/// The longest warning time there is.
pub fn first_warning(now: Timestamp) -> Timestamp {
    now.plus_millis(PLATFORM_WARNING_DAYS.saturating_mul(DAY_MS))
}

state_words! {
    /// What a key was used for, as the meter counts it.
    KeyUse {
        /// A request of ours, signed with the merchant's key.
        Call = "call",
        /// An answer of WeChat's, verified.
        Answer = "answer",
        /// A notification of WeChat's, verified.
        Notification = "notification",
        /// A notification of WeChat's, decrypted.
        Decryption = "decryption",
    }
}

state_words! {
    /// Which kind of WeChat's keys a self-test names.
    KeyMode {
        /// A platform certificate.
        Certificate = "certificate",
        /// The WeChat Pay public key.
        PublicKey = "public_key",
    }
}

state_words! {
    /// How a self-test stands.
    KeyTestState {
        /// WeChat answered well; its callback has not come yet.
        Waiting = "waiting",
        /// Every step went well.
        Green = "green",
        /// A step failed.
        Red = "red",
    }
}

state_words! {
    /// A step of the self-test, in their order.
    KeyTestStep {
        /// A usable answer came.
        Reach = "reach",
        /// WeChat took our signature.
        Sign = "sign",
        /// We could verify WeChat's.
        Verify = "verify",
        /// What each side encrypted, the other could read.
        Decrypt = "decrypt",
        /// WeChat's notification came back to us, verified and decrypted.
        Callback = "callback",
    }
}

/// One self-test of a merchant's key with one of WeChat's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyTest {
    /// Its id; the text that WeChat echoes.
    pub id: KeyTestId,
    /// Whose keys.
    pub provider_id: ProviderId,
    /// Which kind of WeChat's keys.
    pub key_mode: KeyMode,
    /// The key that signed.
    pub merchant_key: ProviderKeyId,
    /// The key of WeChat's that the request named.
    pub platform_key: ProviderKeyId,
    /// The APIv3 key that decrypted the callback.
    pub api_key: Option<ProviderKeyId>,
    /// How it stands.
    pub state: KeyTestState,
    /// The step that failed.
    pub failed_step: Option<KeyTestStep>,
    /// What was seen, for people; no secret.
    pub detail: Option<String>,
    /// When it began.
    pub started_at: Timestamp,
    /// When WeChat's answer was verified and read.
    pub answered_at: Option<Timestamp>,
    /// When WeChat's callback was verified and read; it may be faster than the answer.
    pub called_back_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// When the callback must have come.
    pub deadline: Timestamp,
}

impl KeyTest {
    /// The test as it ends when a step fails.
    #[must_use]
    pub fn failed(&self, step: KeyTestStep, detail: String, now: Timestamp) -> Self {
        Self {
            state: KeyTestState::Red,
            failed_step: Some(step),
            detail: Some(detail),
            finished_at: Some(now),
            ..self.clone()
        }
    }

    /// The step that a test failed at whose time is up.
    pub fn missing_step(&self) -> KeyTestStep {
        match self.answered_at {
            Some(_) => KeyTestStep::Callback,
            None => KeyTestStep::Reach,
        }
    }

    /// Whether this test used a key.
    pub fn concerns(&self, key: &ProviderKeyId) -> bool {
        self.merchant_key == *key || self.platform_key == *key || self.api_key.as_ref() == Some(key)
    }
}

#[cfg(test)]
mod tests;
