//! Credentials as the admin API takes and shows them; a secret only in the answer that made it.

use std::fmt::Display;

use poem_openapi::{Enum, Object};
use tributary_domain::clock::Timestamp;
use tributary_domain::credential::{self, LastUse, NetworkList, Overlap, TenantCertificate};
use tributary_domain::field::FieldError;
use tributary_domain::tenant::{Mode, Scope};
use tributary_operations::credentials::{self, ApiKeyWish, CertificateWish};

use crate::problem::Problem;

/// Which world a credential opens.
#[derive(Debug, Clone, Copy, Enum)]
#[oai(rename_all = "snake_case", remote = "Mode")]
pub(super) enum CredentialMode {
    Live,
    Test,
}

/// How a certificate came to be.
#[derive(Debug, Clone, Copy, Enum)]
#[oai(rename_all = "snake_case", remote = "credential::CertificateKind")]
pub(super) enum CertificateKind {
    Issued,
    PublicKey,
}

/// An API key to be made.
#[derive(Debug, Object)]
#[oai(deny_unknown_fields)]
pub(super) struct NewApiKey {
    /// Which world it opens.
    mode: CredentialMode,
    /// What people call it.
    name: String,
    /// What it may do, such as `orders:read`.
    scopes: Vec<String>,
    /// Addresses and networks (CIDR) that it may be used from; from everywhere when left out.
    networks: Option<Vec<String>>,
    /// When it stops working (RFC 3339).
    expires_at: Option<String>,
}

/// How an API key is rolled.
#[derive(Debug, Object)]
#[oai(deny_unknown_fields)]
pub(super) struct ApiKeyRoll {
    /// For how many hours the old key works on: 0, 1, 24 or 72.
    overlap_hours: u32,
}

/// A certificate to be issued.
#[derive(Debug, Object)]
#[oai(deny_unknown_fields)]
pub(super) struct NewCertificate {
    /// Which world it opens.
    mode: CredentialMode,
    /// What people call it.
    name: String,
    /// What it may do, such as `orders:read`.
    scopes: Vec<String>,
    /// The request (PKCS#10), PEM.
    csr: String,
    /// When it stops working (RFC 3339), at most five years from now; a year from now when left out.
    expires_at: Option<String>,
}

/// A public key to be registered.
#[derive(Debug, Object)]
#[oai(deny_unknown_fields)]
pub(super) struct NewPublicKey {
    /// Which world it opens.
    mode: CredentialMode,
    /// What people call it.
    name: String,
    /// What it may do, such as `orders:read`.
    scopes: Vec<String>,
    /// The RSA public key, PEM.
    public_key: String,
    /// When it stops working (RFC 3339), at most five years from now; when it is withdrawn, when left out.
    expires_at: Option<String>,
}

/// An API key of a tenant; never the key itself.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct ApiKey {
    /// Its id: `key_…`.
    id: String,
    /// Always `api_key`.
    object: String,
    /// Which world it opens.
    mode: CredentialMode,
    /// What people call it.
    name: String,
    /// Its first characters, enough to recognise it.
    prefix: String,
    /// What it may do.
    scopes: Vec<String>,
    /// The networks that it may be used from; empty for everywhere.
    networks: Vec<String>,
    /// Whether it opens anything now.
    works: bool,
    /// Whether nobody has used it for 90 days.
    unused: bool,
    /// When it was last used, in coarse steps (RFC 3339).
    last_used_at: Option<String>,
    /// From where it was last used.
    last_used_from: Option<String>,
    /// The key that takes its place.
    replaced_by: Option<String>,
    /// When it stops working (RFC 3339).
    expires_at: Option<String>,
    /// When it was withdrawn (RFC 3339).
    revoked_at: Option<String>,
    /// When it was made (RFC 3339).
    created_at: String,
}

/// A new API key, with the key.
#[derive(Object)]
pub(super) struct ShownApiKey {
    /// The key as it is listed.
    api_key: ApiKey,
    /// What the tenant sends. It is shown this once: hand it over.
    secret: String,
}

/// API keys, the newest first.
#[derive(Debug, Object)]
pub(super) struct ApiKeyList {
    /// Always `list`.
    object: String,
    /// The keys.
    data: Vec<ApiKey>,
    /// Always false: the list is whole.
    has_more: bool,
}

/// A certificate, or a registered public key, of a tenant.
#[derive(Debug, Object)]
#[oai(rename = "TenantCertificate", skip_serializing_if_is_none)]
pub(super) struct Certificate {
    /// Its id: `crt_…`.
    id: String,
    /// Always `certificate`.
    object: String,
    /// How it came to be.
    kind: CertificateKind,
    /// Which world it opens.
    mode: CredentialMode,
    /// What people call it.
    name: String,
    /// What requests name it by.
    serial: String,
    /// SHA-256 of the public key, in hexadecimal digits.
    fingerprint: String,
    /// The certificate, or the public key, PEM.
    pem: String,
    /// What it may do.
    scopes: Vec<String>,
    /// Whether it opens anything now.
    works: bool,
    /// Whether nobody has used it for 90 days.
    unused: bool,
    /// When it was last used, in coarse steps (RFC 3339).
    last_used_at: Option<String>,
    /// From where it was last used.
    last_used_from: Option<String>,
    /// When it stops working (RFC 3339).
    expires_at: Option<String>,
    /// When it was withdrawn (RFC 3339).
    revoked_at: Option<String>,
    /// When it was made (RFC 3339).
    created_at: String,
}

/// Certificates and public keys, the newest first.
#[derive(Debug, Object)]
pub(super) struct CertificateList {
    /// Always `list`.
    object: String,
    /// The certificates.
    data: Vec<Certificate>,
    /// Always false: the list is whole.
    has_more: bool,
}

impl NewApiKey {
    pub(super) fn into_wish(self) -> Result<ApiKeyWish, Problem> {
        let mut faults = Vec::new();
        let networks = NetworkList::parse(self.networks.unwrap_or_default());
        let networks = taken("/networks", networks, &mut faults);
        let scopes = scopes(&self.scopes, &mut faults);
        let expires_at = instant(self.expires_at.as_deref(), &mut faults);
        finished(faults)?;
        Ok(ApiKeyWish {
            mode: self.mode.into(),
            name: self.name,
            scopes,
            networks: networks.unwrap_or_default(),
            expires_at,
        })
    }
}

impl ApiKeyRoll {
    pub(super) fn overlap(&self) -> Result<Overlap, Problem> {
        Overlap::from_hours(self.overlap_hours)
            .ok_or_else(|| Problem::invalid_field("/overlap_hours", "must be 0, 1, 24 or 72"))
    }
}

impl NewCertificate {
    pub(super) fn into_wish(self) -> Result<(CertificateWish, String), Problem> {
        let wish = certificate_wish(
            self.mode,
            self.name,
            &self.scopes,
            self.expires_at.as_deref(),
        )?;
        Ok((wish, self.csr))
    }
}

impl NewPublicKey {
    pub(super) fn into_wish(self) -> Result<(CertificateWish, String), Problem> {
        let wish = certificate_wish(
            self.mode,
            self.name,
            &self.scopes,
            self.expires_at.as_deref(),
        )?;
        Ok((wish, self.public_key))
    }
}

fn certificate_wish(
    mode: CredentialMode,
    name: String,
    words: &[String],
    expires_at: Option<&str>,
) -> Result<CertificateWish, Problem> {
    let mut faults = Vec::new();
    let scopes = scopes(words, &mut faults);
    let expires_at = instant(expires_at, &mut faults);
    finished(faults)?;
    Ok(CertificateWish {
        mode: mode.into(),
        name,
        scopes,
        expires_at,
    })
}

fn scopes(words: &[String], faults: &mut Vec<FieldError>) -> Vec<Scope> {
    let mut scopes = Vec::new();
    for (place, word) in words.iter().enumerate() {
        match Scope::parse(word) {
            Some(scope) if !scopes.contains(&scope) => scopes.push(scope),
            Some(_) => {}
            None => faults.push(FieldError::new(
                format!("/scopes/{place}"),
                "there is no such scope",
            )),
        }
    }
    scopes
}

fn instant(text: Option<&str>, faults: &mut Vec<FieldError>) -> Option<Timestamp> {
    taken("/expires_at", Timestamp::parse_rfc3339(text?), faults)
}

fn taken<T, E: Display>(
    field: &str,
    parsed: Result<T, E>,
    faults: &mut Vec<FieldError>,
) -> Option<T> {
    parsed
        .map_err(|error| faults.push(FieldError::new(field, error.to_string())))
        .ok()
}

fn finished(faults: Vec<FieldError>) -> Result<(), Problem> {
    if faults.is_empty() {
        Ok(())
    } else {
        Err(Problem::invalid(faults))
    }
}

impl ApiKey {
    pub(super) fn new(key: credential::ApiKey, now: Timestamp) -> Self {
        Self {
            id: key.id.to_string(),
            object: String::from("api_key"),
            mode: key.mode.into(),
            scopes: words(&key.scopes),
            networks: key.networks.texts(),
            works: key.is_usable(now),
            unused: key.is_unused(now),
            last_used_at: used_at(key.last_use),
            last_used_from: used_from(key.last_use),
            replaced_by: key.successor.map(String::from),
            expires_at: key.expires_at.map(Timestamp::to_rfc3339),
            revoked_at: key.revoked_at.map(Timestamp::to_rfc3339),
            created_at: key.created_at.to_rfc3339(),
            name: key.name,
            prefix: key.prefix,
        }
    }
}

impl ShownApiKey {
    pub(super) fn new(made: credentials::NewApiKey, now: Timestamp) -> Self {
        Self {
            secret: made.secret.reveal().to_owned(),
            api_key: ApiKey::new(made.key, now),
        }
    }
}

impl ApiKeyList {
    pub(super) fn new(data: Vec<ApiKey>) -> Self {
        Self {
            object: String::from("list"),
            data,
            has_more: false,
        }
    }
}

impl Certificate {
    pub(super) fn new(one: TenantCertificate, now: Timestamp) -> Self {
        Self {
            id: one.id.to_string(),
            object: String::from("certificate"),
            kind: one.kind.into(),
            mode: one.mode.into(),
            scopes: words(&one.scopes),
            works: one.is_usable(now),
            unused: one.is_unused(now),
            last_used_at: used_at(one.last_use),
            last_used_from: used_from(one.last_use),
            expires_at: one.expires_at.map(Timestamp::to_rfc3339),
            revoked_at: one.revoked_at.map(Timestamp::to_rfc3339),
            created_at: one.created_at.to_rfc3339(),
            name: one.name,
            serial: one.serial,
            fingerprint: one.fingerprint,
            pem: one.pem,
        }
    }
}

impl CertificateList {
    pub(super) fn new(data: Vec<Certificate>) -> Self {
        Self {
            object: String::from("list"),
            data,
            has_more: false,
        }
    }
}

fn words(scopes: &[Scope]) -> Vec<String> {
    scopes.iter().map(ToString::to_string).collect()
}

fn used_at(last: Option<LastUse>) -> Option<String> {
    last.map(|last| last.at.to_rfc3339())
}

fn used_from(last: Option<LastUse>) -> Option<String> {
    Some(last?.address?.to_string())
}
