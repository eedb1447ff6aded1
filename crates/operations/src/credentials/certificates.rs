//! Tenants' certificates: issued for a request, or registered as a public key; and what the platform shows of its own.

use std::sync::Arc;
use std::time::Duration;

use moka::future::Cache;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use tributary_domain::audit::AuditScope;
use tributary_domain::clock::Timestamp;
use tributary_domain::credential::{CertificateKind, TenantCertificate};
use tributary_domain::ids::{CertificateId, TenantId};
use tributary_domain::staff::{Actor, Permission};
use tributary_domain::tenant::{Mode, Scope};
use tributary_storage::tenant_certificates;
use wechatpay::credentials::{Certificate, CertificateRequest, KeyError, PrivateKey, PublicKey};

use super::authority::Subject;
use super::{AuthError, check_granted, check_scopes};
use crate::audit::{self, Act};
use crate::authority::Authority;
use crate::tenants::{check_name, hold_open};
use crate::{OperationError, Operations, tenancy};

const DAY_MS: i64 = 24 * 3_600_000;
/// How long a certificate lasts unless it is asked to last longer or shorter.
const USUAL_LIFE_MS: i64 = 365 * DAY_MS;
const LIFE_MAX_MS: i64 = 5 * 365 * DAY_MS;
/// Certificates of one tenant that work at once.
const CERTIFICATES_MAX: u64 = 20;
/// A file with a key is smaller.
const PEM_BYTES_MAX: usize = 16 * 1024;
/// Parsed keys in memory, however many tenants there are.
const CACHED_CERTIFICATES_MAX: u64 = 2_000;
/// A certificate that another node revoked opens nothing here after this long.
const CACHED_CERTIFICATE_AGE: Duration = Duration::from_secs(5);

/// What a certificate or a registered public key shall be.
#[derive(Clone, Debug)]
pub struct CertificateWish {
    /// Which world it opens.
    pub mode: Mode,
    /// What people call it.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// When it stops working; absent, a certificate lasts a year and a public key until it is withdrawn.
    pub expires_at: Option<Timestamp>,
}

/// A key of the platform's that signs answers, as anybody may download it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlatformCertificate {
    /// What answers name it by.
    pub serial: String,
    /// The certificate.
    pub certificate_pem: String,
    /// The key within it.
    pub public_key_pem: String,
    /// When it begins to sign.
    pub signs_from: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// A certificate with its key, parsed, and its tenant's name.
#[derive(Debug)]
pub(super) struct KnownCertificate {
    pub(super) certificate: Arc<TenantCertificate>,
    pub(super) key: PublicKey,
    pub(super) tenant_name: Arc<str>,
}

/// Certificates that were used lately.
#[derive(Clone, Debug)]
pub(crate) struct CertificateCache(Cache<(TenantId, String), Arc<KnownCertificate>>);

impl Default for CertificateCache {
    fn default() -> Self {
        let cache = Cache::builder()
            .max_capacity(CACHED_CERTIFICATES_MAX)
            .time_to_live(CACHED_CERTIFICATE_AGE)
            .build();
        Self(cache)
    }
}

impl CertificateCache {
    pub(super) fn forget_all(&self) {
        self.0.invalidate_all();
    }
}

impl Operations {
    /// Issues a certificate for a tenant's request (PKCS#10, PEM).
    ///
    /// The names in the request are not taken over: the certificate names the tenant. Needs `credential:write`, as
    /// registering and withdrawing do, and a fresh proof.
    pub async fn issue_certificate(
        &self,
        by: &dyn Authority,
        tenant_id: &TenantId,
        wish: CertificateWish,
        request_pem: &str,
    ) -> Result<TenantCertificate, OperationError> {
        let name = &by.acting_in(tenant_id, Permission::CredentialWrite)?;
        check_granted(by, wish.mode, &wish.scopes)?;
        let now = self.now();
        let request = read("/csr", request_pem, CertificateRequest::from_pem)?;
        let expires_at = wish
            .expires_at
            .unwrap_or_else(|| now.plus_millis(USUAL_LIFE_MS));
        self.check_wish(tenant_id, &wish, now).await?;
        let (authority, _) = tenancy::platform(self.authority(now)).await?;
        let key = request.public_key();
        let issued = authority.issue(&Subject {
            name: tenant_id.as_str(),
            key: &key,
            validity: (now, expires_at),
        })?;
        let certificate = TenantCertificate {
            kind: CertificateKind::Issued,
            serial: issued.serial,
            pem: issued.pem,
            expires_at: Some(expires_at),
            ..blank(tenant_id, wish, &key, now)
        };
        self.keep_tenants_certificate(name, certificate, "/csr")
            .await
    }

    /// Registers a public key of a tenant's (PEM) under an id of its own.
    pub async fn register_public_key(
        &self,
        by: &dyn Authority,
        tenant_id: &TenantId,
        wish: CertificateWish,
        public_key_pem: &str,
    ) -> Result<TenantCertificate, OperationError> {
        let name = &by.acting_in(tenant_id, Permission::CredentialWrite)?;
        check_granted(by, wish.mode, &wish.scopes)?;
        let now = self.now();
        let key = read("/public_key", public_key_pem, PublicKey::from_pem)?;
        self.check_wish(tenant_id, &wish, now).await?;
        let pem = key.to_pem();
        let certificate = TenantCertificate {
            pem: pem.map_err(|error| OperationError::Internal(error.to_string()))?,
            ..blank(tenant_id, wish, &key, now)
        };
        self.keep_tenants_certificate(name, certificate, "/public_key")
            .await
    }

    async fn check_wish(
        &self,
        tenant_id: &TenantId,
        wish: &CertificateWish,
        now: Timestamp,
    ) -> Result<(), OperationError> {
        check_name(&wish.name)?;
        check_scopes(&wish.scopes)?;
        let latest = now.plus_millis(LIFE_MAX_MS);
        if wish.expires_at.is_some_and(|at| at <= now || at > latest) {
            let reason = "must lie in the future, at most five years from now";
            return Err(OperationError::invalid("/expires_at", reason));
        }
        self.check_tenant(tenant_id).await
    }

    async fn keep_tenants_certificate(
        &self,
        by: &Actor,
        certificate: TenantCertificate,
        field: &str,
    ) -> Result<TenantCertificate, OperationError> {
        let (tenant, now) = (&certificate.tenant_id, certificate.created_at);
        let tx = self.storage().begin().await?;
        hold_open(&tx, tenant).await?;
        if tenant_certificates::count_usable(&tx, tenant, now).await? >= CERTIFICATES_MAX {
            return Err(OperationError::LimitReached {
                what: "certificates that work at once",
                max: CERTIFICATES_MAX,
            });
        }
        match tenant_certificates::insert(&tx, &certificate).await {
            Err(error) if error.is_duplicate() => {
                let reason =
                    "holds a key that is or was in use: every certificate needs a pair of its own";
                return Err(OperationError::invalid(field, reason));
            }
            other => other?,
        }
        audit::record(&tx, by, act(&certificate), now).await?;
        tx.commit().await?;
        Ok(certificate)
    }

    /// Withdraws a tenant's certificate or public key.
    pub async fn revoke_certificate(
        &self,
        by: &dyn Authority,
        tenant_id: &TenantId,
        id: &CertificateId,
    ) -> Result<(), OperationError> {
        let by = &by.acting_in(tenant_id, Permission::CredentialWrite)?;
        let now = self.now();
        let tx = self.storage().begin().await?;
        if !tenant_certificates::revoke(&tx, tenant_id, id, now).await? {
            return Err(OperationError::NotFound);
        }
        let scope = AuditScope::Tenant(tenant_id.clone());
        let act = Act::new(scope, "certificate.revoked", id.as_str());
        audit::record(&tx, by, act, now).await?;
        tx.commit().await?;
        self.inner.certificates.forget_all();
        Ok(())
    }

    /// A tenant's certificates and public keys, the newest first, those that have ended among them. Needs
    /// `credential:read`.
    pub async fn list_certificates(
        &self,
        by: &dyn Authority,
        tenant_id: &TenantId,
    ) -> Result<Vec<TenantCertificate>, OperationError> {
        by.require_in(tenant_id, Permission::CredentialRead)?;
        self.check_tenant(tenant_id).await?;
        Ok(tenant_certificates::list(self.storage(), tenant_id).await?)
    }

    /// A tenant's certificate or public key. Needs `credential:read`.
    pub async fn certificate(
        &self,
        by: &dyn Authority,
        tenant_id: &TenantId,
        id: &CertificateId,
    ) -> Result<TenantCertificate, OperationError> {
        by.require_in(tenant_id, Permission::CredentialRead)?;
        let found = tenant_certificates::find(self.storage(), tenant_id, id).await?;
        found.ok_or(OperationError::NotFound)
    }

    /// The keys that sign answers now and next, the oldest first. Anybody may see them.
    pub async fn platform_certificates(&self) -> Result<Vec<PlatformCertificate>, OperationError> {
        let keys = self.signing_keys::<PrivateKey>().await?;
        let shown = keys.all.iter().map(|key| {
            let public_key_pem = key.secret.public_key().to_pem();
            Ok(PlatformCertificate {
                serial: key.serial.clone(),
                certificate_pem: key.public_part.clone(),
                public_key_pem: public_key_pem
                    .map_err(|error| OperationError::Internal(error.to_string()))?,
                signs_from: key.signs_from,
                expires_at: key.ends_at,
            })
        });
        shown.collect()
    }

    /// A tenant's certificate by what requests name it by, at most five seconds old.
    pub(super) async fn known_certificate(
        &self,
        tenant: &TenantId,
        serial: String,
    ) -> Result<Arc<KnownCertificate>, AuthError> {
        let name = (tenant.clone(), serial);
        if let Some(known) = self.inner.certificates.0.get(&name).await {
            return Ok(known);
        }
        // Whose certificate it is, is what this asks.
        let found = tenancy::platform(async {
            let at = self.storage();
            let found = tenant_certificates::find_by_serial(at, tenant, &name.1).await?;
            let certificate = found.ok_or(AuthError::Unknown)?;
            Ok::<_, AuthError>((certificate, self.tenant_name(tenant).await?))
        });
        let (certificate, tenant_name) = found.await?;
        let key = match certificate.kind {
            CertificateKind::Issued => {
                Certificate::from_pem(&certificate.pem).map(|read| read.public_key())
            }
            CertificateKind::PublicKey => PublicKey::from_pem(&certificate.pem),
        };
        let known = Arc::new(KnownCertificate {
            key: key.map_err(|error| OperationError::Internal(error.to_string()))?,
            certificate: Arc::new(certificate),
            tenant_name,
        });
        self.inner
            .certificates
            .0
            .insert(name, Arc::clone(&known))
            .await;
        Ok(known)
    }
}

/// What the log says about a new certificate.
fn act(certificate: &TenantCertificate) -> Act<'_> {
    let action = match certificate.kind {
        CertificateKind::Issued => "certificate.issued",
        CertificateKind::PublicKey => "certificate.registered",
    };
    let after = json!({
        "mode": certificate.mode,
        "name": certificate.name,
        "serial": certificate.serial,
        "fingerprint": certificate.fingerprint,
        "scopes": certificate.scopes,
        "expires_at": certificate.expires_at.map(Timestamp::to_rfc3339),
    });
    let scope = AuditScope::Tenant(certificate.tenant_id.clone());
    Act {
        after: Some(after),
        ..Act::new(scope, action, certificate.id.as_str())
    }
}

/// Reads a tenant's PEM, or says which field cannot be read and why.
fn read<T>(
    field: &str,
    pem: &str,
    parse: impl FnOnce(&str) -> Result<T, KeyError>,
) -> Result<T, OperationError> {
    if pem.len() > PEM_BYTES_MAX {
        let reason = format!("must be at most {PEM_BYTES_MAX} bytes");
        return Err(OperationError::invalid(field, &reason));
    }
    parse(pem).map_err(|error| OperationError::invalid(field, &error.to_string()))
}

/// A registered public key, whose PEM is yet to be filled in.
fn blank(
    tenant_id: &TenantId,
    wish: CertificateWish,
    key: &PublicKey,
    now: Timestamp,
) -> TenantCertificate {
    let id = CertificateId::new(now);
    TenantCertificate {
        serial: format!("PUB_KEY_ID_{}", id.body()),
        id,
        tenant_id: tenant_id.clone(),
        mode: wish.mode,
        name: wish.name,
        kind: CertificateKind::PublicKey,
        pem: String::new(),
        fingerprint: hex::encode(Sha256::digest(key.spki_der())),
        scopes: wish.scopes,
        expires_at: wish.expires_at,
        revoked_at: None,
        last_use: None,
        created_at: now,
    }
}
