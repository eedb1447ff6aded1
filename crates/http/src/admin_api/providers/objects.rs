//! Providers, keys, self-tests and meters as the admin API takes and shows them. No secret has a field here that goes out.

use std::borrow::Cow;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use poem_openapi::registry::{MetaSchema, MetaSchemaRef};
use poem_openapi::types::{ParseError, ParseFromParameter, ParseResult, Type};
use poem_openapi::{Enum, Object};
use tributary_domain::clock::Timestamp;
use tributary_domain::field::FieldError;
use tributary_domain::merchant::Mchid;
use tributary_domain::provider_key::{self, KeyTest};
use tributary_operations::provider_keys::material::{MerchantFiles, NewKey};
use tributary_operations::provider_keys::{KeyProof, KeyShare, key_actions};
use tributary_operations::staff::StaffCaller;
use zeroize::Zeroizing;

use crate::admin_api::actions::{self, AllowedAction};
use crate::problem::Problem;

const HOURS_DEFAULT: u16 = 24;
const HOURS_MAX: u16 = 720;

/// Over how many hours a meter is read.
#[derive(Clone, Copy, Debug)]
pub(super) struct ShareHours(u16);

impl ShareHours {
    /// The number asked for, or a day.
    pub(super) fn or_default(hours: Option<Self>) -> u16 {
        hours.map_or(HOURS_DEFAULT, |hours| hours.0)
    }
}

impl Type for ShareHours {
    const IS_REQUIRED: bool = true;

    type RawValueType = Self;
    type RawElementValueType = Self;

    fn name() -> Cow<'static, str> {
        Cow::Borrowed("hours")
    }

    fn schema_ref() -> MetaSchemaRef {
        MetaSchemaRef::Inline(Box::new(MetaSchema {
            minimum: Some(1.0),
            maximum: Some(f64::from(HOURS_MAX)),
            default: Some(HOURS_DEFAULT.into()),
            ..MetaSchema::new("integer")
        }))
    }

    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }

    fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a Self> + 'a> {
        Box::new(std::iter::once(self))
    }
}

impl ParseFromParameter for ShareHours {
    fn parse_from_parameter(text: &str) -> ParseResult<Self> {
        match text.parse() {
            Ok(hours @ 1..=HOURS_MAX) => Ok(Self(hours)),
            _ => Err(ParseError::custom(format!(
                "must be an integer from 1 to {HOURS_MAX}"
            ))),
        }
    }
}

/// What a key is.
#[derive(Debug, Clone, Copy, Enum)]
#[oai(rename_all = "snake_case", remote = "provider_key::KeyKind")]
pub(super) enum ProviderKeyKind {
    MerchantCertificate,
    ApiV3Key,
    V2Key,
    PlatformCertificate,
    WechatPublicKey,
}

/// Where a key is in its life.
#[derive(Debug, Clone, Copy, Enum)]
#[oai(rename_all = "snake_case", remote = "provider_key::KeyState")]
pub(super) enum ProviderKeyState {
    Staged,
    Testing,
    Active,
    Retiring,
    Retired,
    Revoked,
}

/// What a key was used for.
#[derive(Debug, Clone, Copy, Enum)]
#[oai(rename_all = "snake_case", remote = "provider_key::KeyUse")]
pub(super) enum KeyPurpose {
    Call,
    Answer,
    Notification,
    Decryption,
}

/// Which kind of WeChat's keys a self-test named.
#[derive(Debug, Clone, Copy, Enum)]
#[oai(rename_all = "snake_case", remote = "provider_key::KeyMode")]
pub(super) enum KeyMode {
    Certificate,
    PublicKey,
}

/// How a self-test stands.
#[derive(Debug, Clone, Copy, Enum)]
#[oai(rename_all = "snake_case", remote = "provider_key::KeyTestState")]
pub(super) enum KeyTestState {
    Waiting,
    Green,
    Red,
}

/// A step of the self-test.
#[derive(Debug, Clone, Copy, Enum)]
#[oai(rename_all = "snake_case", remote = "provider_key::KeyTestStep")]
pub(super) enum KeyTestStep {
    Reach,
    Sign,
    Verify,
    Decrypt,
    Callback,
}

/// A key to put into a provider's ring. Which members are needed depends on `kind`.
#[derive(Object)]
#[oai(deny_unknown_fields)]
pub(super) struct NewProviderKey {
    /// What it is; `platform_certificate` is fetched from WeChat and not taken here.
    kind: ProviderKeyKind,
    /// `apiclient_key.pem`, for `merchant_certificate`.
    private_key: Option<String>,
    /// `apiclient_cert.pem`, for `merchant_certificate`.
    certificate: Option<String>,
    /// The certificate's serial; may be left out where the certificate is given.
    serial: Option<String>,
    /// `apiclient_cert.p12` in base64, in place of `private_key` and `certificate`.
    p12: Option<String>,
    /// Its password; the merchant number when left out, as WeChat sets it.
    p12_password: Option<String>,
    /// The 32 characters of an `api_v3_key` or `v2_key`.
    symmetric_key: Option<String>,
    /// `pub_key.pem`, for `wechat_public_key`.
    public_key: Option<String>,
    /// Its id, `PUB_KEY_ID_…`.
    public_key_id: Option<String>,
}

impl std::fmt::Debug for NewProviderKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewProviderKey")
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

impl NewProviderKey {
    /// The key as the use case takes it.
    pub(super) fn into_new(self, owner: &Mchid) -> Result<NewKey, Problem> {
        match self.kind {
            ProviderKeyKind::MerchantCertificate => self.into_merchant(owner),
            ProviderKeyKind::ApiV3Key => Ok(NewKey::ApiV3Key(Zeroizing::new(given(
                self.symmetric_key,
                "/symmetric_key",
            )?))),
            ProviderKeyKind::V2Key => Ok(NewKey::V2Key(Zeroizing::new(given(
                self.symmetric_key,
                "/symmetric_key",
            )?))),
            ProviderKeyKind::WechatPublicKey => Ok(NewKey::WechatPublicKey {
                id: given(self.public_key_id, "/public_key_id")?,
                pem: given(self.public_key, "/public_key")?,
            }),
            ProviderKeyKind::PlatformCertificate => {
                Err(invalid("/kind", "is fetched from WeChat by itself"))
            }
        }
    }

    fn into_merchant(self, owner: &Mchid) -> Result<NewKey, Problem> {
        let given = GivenFiles {
            private_key: self.private_key,
            certificate: self.certificate,
            serial: self.serial,
            p12: self.p12,
            p12_password: self.p12_password,
        };
        given.into_files(owner).map(NewKey::MerchantCertificate)
    }
}

/// A merchant's files as a request carries them: `.pem` or `.p12`.
pub(super) struct GivenFiles {
    pub(super) private_key: Option<String>,
    pub(super) certificate: Option<String>,
    pub(super) serial: Option<String>,
    pub(super) p12: Option<String>,
    pub(super) p12_password: Option<String>,
}

impl GivenFiles {
    pub(super) fn into_files(self, owner: &Mchid) -> Result<MerchantFiles, Problem> {
        let files = match self.p12 {
            Some(p12) => {
                let file = BASE64_STANDARD.decode(p12).map(Zeroizing::new);
                let file = file.map_err(|_| invalid("/p12", "must be base64"))?;
                let password = self.p12_password.map(Zeroizing::new);
                let password = password.unwrap_or_else(|| Zeroizing::new(owner.to_string()));
                MerchantFiles::from_p12(&file, &password)?
            }
            None => MerchantFiles {
                private_key: Zeroizing::new(given(self.private_key, "/private_key")?),
                certificate: self.certificate,
                serial: None,
            },
        };
        Ok(MerchantFiles {
            serial: self.serial,
            ..files
        })
    }
}

pub(super) fn given(value: Option<String>, field: &str) -> Result<String, Problem> {
    value.ok_or_else(|| invalid(field, "is needed for this kind"))
}

fn invalid(field: &str, reason: &str) -> Problem {
    Problem::invalid(vec![FieldError::new(field, reason)])
}

/// A key of a provider's ring, without its secret.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct ProviderKey {
    /// Its id: `pky_…`.
    id: String,
    /// Always `provider_key`.
    object: String,
    /// Whose it is.
    provider_id: String,
    /// What it is.
    kind: ProviderKeyKind,
    /// Where it is in its life.
    state: ProviderKeyState,
    /// The certificate's serial, the public key's id, or the beginning of a fingerprint.
    serial: String,
    /// SHA-256 over certificate or key, or its beginning.
    fingerprint: Option<String>,
    /// Start of its validity (RFC 3339).
    valid_from: Option<String>,
    /// End of its validity (RFC 3339).
    valid_until: Option<String>,
    /// When it was added (RFC 3339).
    added_at: String,
    /// Who added it.
    added_by: String,
    /// When a second person approved it (RFC 3339).
    approved_at: Option<String>,
    /// Who that was.
    approved_by: Option<String>,
    /// When its state last changed (RFC 3339).
    changed_at: String,
    /// Requests signed with it.
    signed: i64,
    /// Signatures verified, or notifications decrypted.
    verified: i64,
    /// Signatures that were wrong, or requests refused for theirs.
    failed: i64,
    /// When it was last of use (RFC 3339), to within a minute.
    last_seen_at: Option<String>,
    /// What you may do with it.
    actions: Vec<AllowedAction>,
}

impl ProviderKey {
    pub(super) fn new(
        key: provider_key::ProviderKey,
        caller: &StaffCaller,
        now: Timestamp,
    ) -> Self {
        let actions = actions::shown(key_actions(&key, caller, now));
        Self {
            id: key.id.to_string(),
            object: "provider_key".to_owned(),
            provider_id: key.provider_id.to_string(),
            kind: key.kind.into(),
            state: key.state.into(),
            serial: key.serial,
            fingerprint: key.fingerprint,
            valid_from: key.not_before.map(Timestamp::to_rfc3339),
            valid_until: key.not_after.map(Timestamp::to_rfc3339),
            added_at: key.added_at.to_rfc3339(),
            added_by: key.added_by,
            approved_at: key.approved_at.map(Timestamp::to_rfc3339),
            approved_by: key.approved_by,
            changed_at: key.changed_at.to_rfc3339(),
            signed: key.counts.signed,
            verified: key.counts.verified,
            failed: key.counts.failed,
            last_seen_at: key.last_seen_at.map(Timestamp::to_rfc3339),
            actions,
        }
    }
}

/// A provider's ring.
#[derive(Debug, Object)]
pub(super) struct ProviderKeyList {
    /// Always `list`.
    object: String,
    /// The keys, oldest first.
    data: Vec<ProviderKey>,
}

impl ProviderKeyList {
    pub(super) fn new(
        keys: Vec<provider_key::ProviderKey>,
        caller: &StaffCaller,
        now: Timestamp,
    ) -> Self {
        let data = keys.into_iter();
        Self {
            object: "list".to_owned(),
            data: data.map(|key| ProviderKey::new(key, caller, now)).collect(),
        }
    }
}

/// What stands for a key that is to come into use.
#[derive(Debug, Object)]
#[oai(deny_unknown_fields)]
pub(super) struct KeyActivation {
    /// Activates it without a green self-test, for this reason.
    untested_because: Option<String>,
}

impl KeyActivation {
    pub(super) fn into_proof(self) -> KeyProof {
        match self.untested_because {
            Some(reason) => KeyProof::Waived { reason },
            None => KeyProof::SelfTest,
        }
    }
}

/// Why, for the audit log.
#[derive(Debug, Object)]
#[oai(deny_unknown_fields)]
pub(super) struct KeyReason {
    /// In your words.
    pub(super) reason: String,
}

/// The key that requests name from now on.
#[derive(Debug, Object)]
pub(super) struct PreferredKey {
    /// Always `preferred_key`.
    object: String,
    /// Its id: `pky_…`.
    key_id: String,
    /// What requests name.
    serial: String,
}

impl PreferredKey {
    pub(super) fn new(key: &provider_key::ProviderKey) -> Self {
        Self {
            object: "preferred_key".to_owned(),
            key_id: key.id.to_string(),
            serial: key.serial.clone(),
        }
    }
}

/// A self-test of one merchant key with one of WeChat's.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct KeyTestResult {
    /// Its id: `kts_…`.
    id: String,
    /// Always `key_test`.
    object: String,
    /// Which kind of WeChat's keys.
    key_mode: KeyMode,
    /// How it stands.
    state: KeyTestState,
    /// The step that failed.
    failed_step: Option<KeyTestStep>,
    /// What was seen.
    detail: Option<String>,
    /// The key that signed.
    merchant_key_id: String,
    /// The key of WeChat's that was named.
    platform_key_id: String,
    /// The APIv3 key that decrypted the callback.
    api_key_id: Option<String>,
    /// When it began (RFC 3339).
    started_at: String,
    /// When it ended (RFC 3339).
    finished_at: Option<String>,
}

/// Self-tests.
#[derive(Debug, Object)]
pub(super) struct KeyTestList {
    /// Always `list`.
    object: String,
    /// The tests.
    data: Vec<KeyTestResult>,
}

impl KeyTestList {
    pub(super) fn new(tests: Vec<KeyTest>) -> Self {
        let data = tests.into_iter().map(|test| KeyTestResult {
            id: test.id.to_string(),
            object: "key_test".to_owned(),
            key_mode: test.key_mode.into(),
            state: test.state.into(),
            failed_step: test.failed_step.map(Into::into),
            detail: test.detail,
            merchant_key_id: test.merchant_key.to_string(),
            platform_key_id: test.platform_key.to_string(),
            api_key_id: test.api_key.map(|id| id.to_string()),
            started_at: test.started_at.to_rfc3339(),
            finished_at: test.finished_at.map(Timestamp::to_rfc3339),
        });
        Self {
            object: "list".to_owned(),
            data: data.collect(),
        }
    }
}

/// One key's part in what a provider used keys for.
#[derive(Debug, Object)]
pub(super) struct KeyShareView {
    /// For what.
    purpose: KeyPurpose,
    /// Which key; `unknown` for those that are in no ring.
    serial: String,
    /// How often it went well.
    passed: i64,
    /// How often it did not.
    failed: i64,
    /// Of a thousand that went well for this purpose, so many were this key's.
    permille: i64,
}

/// A meter.
#[derive(Debug, Object)]
pub(super) struct KeyShareList {
    /// Always `list`.
    object: String,
    /// Over how many hours.
    hours: u16,
    /// The shares, by purpose and serial.
    data: Vec<KeyShareView>,
}

impl KeyShareList {
    pub(super) fn new(shares: Vec<KeyShare>, hours: u16) -> Self {
        let data = shares.into_iter().map(|share| KeyShareView {
            purpose: share.purpose.into(),
            serial: share.serial,
            passed: share.passed,
            failed: share.failed,
            permille: share.permille,
        });
        Self {
            object: "list".to_owned(),
            hours,
            data: data.collect(),
        }
    }
}
