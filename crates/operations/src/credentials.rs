//! Who is calling: by an API key, by an access token that an API key fetched, or by a certificate that signed.
//!
//! API keys are made once, shown once and kept as a hash. Read `api_keys`, `certificates` (what a tenant has), then
//! `signed_requests` and `tokens` (how it is used); `signing_keys` are the platform's own.

mod api_keys;
mod authority;
mod certificates;
mod signed_requests;
mod signing_keys;
mod tokens;
mod uses;

use std::net::IpAddr;
use std::sync::Arc;

use tributary_domain::credential::{ApiKey, TenantCertificate};
use tributary_domain::ids::TenantId;
use tributary_domain::tenant::{Mode, Scope, TenantState};
use tributary_storage::{StorageError, tenants};
use zeroize::Zeroizing;

use crate::authority::Authority;
use crate::{OperationError, Operations};

pub(crate) use api_keys::KeyCache;
pub use api_keys::{ApiKeyWish, NewApiKey};
pub(crate) use certificates::CertificateCache;
pub use certificates::{CertificateWish, PlatformCertificate};
pub use signed_requests::{Claim, RequestLine};
pub(crate) use signing_keys::SigningKeys;
pub use tokens::{AccessToken, PublishedKey, TokenError};
pub(crate) use uses::Uses;

/// Who is calling, and what the credential allows.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Whose credential it is.
    pub tenant_id: TenantId,
    /// The tenant's name.
    pub tenant_name: String,
    /// Which world the credential opens.
    pub mode: Mode,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// What it is.
    pub credential: Credential,
}

/// What a caller proved itself with.
#[derive(Clone, Debug)]
pub enum Credential {
    /// An API key.
    ApiKey(Arc<ApiKey>),
    /// A token that this API key fetched.
    Token(Arc<ApiKey>),
    /// A signature.
    Certificate(Arc<TenantCertificate>),
}

impl Caller {
    /// Refuses unless the credential has the scope.
    pub fn require(&self, scope: Scope) -> Result<(), OperationError> {
        if self.scopes.contains(&scope) {
            Ok(())
        } else {
            Err(OperationError::Forbidden(scope))
        }
    }
}

/// Why a caller was not recognised.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    /// No such credential.
    #[error("the credential is not known")]
    Unknown,
    /// The credential has ended.
    #[error("the credential has expired or was revoked")]
    Ended,
    /// The credential may not be used from there.
    #[error("the API key may not be used from this address")]
    Address,
    /// The signature, or what belongs to it, is not accepted.
    #[error("{0}")]
    Signature(&'static str),
    /// The database failed us.
    #[error("the credential could not be checked")]
    Unavailable(#[source] Box<OperationError>),
}

impl From<OperationError> for AuthError {
    fn from(error: OperationError) -> Self {
        Self::Unavailable(Box::new(error))
    }
}

impl From<StorageError> for AuthError {
    fn from(error: StorageError) -> Self {
        Self::Unavailable(Box::new(error.into()))
    }
}

/// A secret on its way to the person who asked for it.
pub struct ShownOnce(Zeroizing<String>);

impl ShownOnce {
    /// Wraps a secret.
    pub fn new(secret: String) -> Self {
        Self(Zeroizing::new(secret))
    }

    /// Shows it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for ShownOnce {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

impl Operations {
    /// Recognises a caller by what its `Authorization: Bearer` header holds: an API key, or an access token.
    ///
    /// `from` is where the call comes from, when that is known.
    pub async fn authenticate(
        &self,
        bearer: &str,
        from: Option<IpAddr>,
    ) -> Result<Caller, AuthError> {
        if api_keys::is_key(bearer) {
            self.authenticate_key(bearer, from).await
        } else {
            self.authenticate_token(bearer, from).await
        }
    }

    /// Recognises everybody anew: a change of a tenant takes effect at once here, and elsewhere within seconds.
    pub(crate) fn forget_callers(&self) {
        self.inner.keys.forget_all();
        self.inner.certificates.forget_all();
    }

    /// The name of the tenant that a credential is of; those of a closed one have ended.
    async fn tenant_name(&self, id: &TenantId) -> Result<Arc<str>, AuthError> {
        let tenant = tenants::find(self.storage(), id).await?;
        let tenant = tenant.ok_or(AuthError::Unknown)?;
        if tenant.state == TenantState::Closed {
            return Err(AuthError::Ended);
        }
        Ok(Arc::from(tenant.name))
    }

    /// Fails unless there is such a tenant.
    async fn check_tenant(&self, id: &TenantId) -> Result<(), OperationError> {
        match tenants::find(self.storage(), id).await? {
            Some(_) => Ok(()),
            None => Err(OperationError::NotFound),
        }
    }
}

/// A credential that may do nothing is a mistake.
fn check_scopes(scopes: &[Scope]) -> Result<(), OperationError> {
    if scopes.is_empty() {
        return Err(OperationError::invalid("/scopes", "must name at least one"));
    }
    Ok(())
}

/// Whoever makes a credential gives no more than it may itself.
fn check_granted(by: &dyn Authority, mode: Mode, scopes: &[Scope]) -> Result<(), OperationError> {
    match by.first_beyond(mode, scopes) {
        Some((scope, permission)) => Err(OperationError::invalid(
            "/scopes",
            &format!("{scope} in live mode takes the permission {permission}, which you lack"),
        )),
        None => Ok(()),
    }
}
