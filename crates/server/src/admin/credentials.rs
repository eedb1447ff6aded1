//! `tributary admin`: API keys and certificates of tenants.

use anyhow::Context;
use serde_json::{Value, json};
use tributary_domain::clock::Timestamp;
use tributary_domain::credential::{ApiKey, LastUse, NetworkList, Overlap, TenantCertificate};
use tributary_domain::ids::{ApiKeyId, CertificateId, TenantId};
use tributary_domain::staff::Actor;
use tributary_domain::tenant::{Mode, Scope};
use tributary_operations::Operations;
use tributary_operations::credentials::{ApiKeyWish, CertificateWish, NewApiKey};

use super::read_secret;
use crate::cli::credentials::{
    CreateApiKey, Grant, IssueCertificate, ListCredentials, RegisterPublicKey, RevokeApiKey,
    RevokeCertificate, RollApiKey,
};

/// A grant whose words were understood.
struct Granted {
    tenant: TenantId,
    mode: Mode,
    name: String,
    scopes: Vec<Scope>,
    expires_at: Option<Timestamp>,
}

pub(super) async fn create_key(
    operations: &Operations,
    by: &Actor,
    args: CreateApiKey,
) -> anyhow::Result<Value> {
    let granted = read_grant(args.grant)?;
    let wish = ApiKeyWish {
        mode: granted.mode,
        name: granted.name,
        scopes: granted.scopes,
        networks: NetworkList::parse(&args.networks).context("networks")?,
        expires_at: granted.expires_at,
    };
    let made = operations.create_api_key(by, &granted.tenant, wish).await?;
    Ok(new_key_json(&made))
}

pub(super) async fn roll_key(
    operations: &Operations,
    by: &Actor,
    args: RollApiKey,
) -> anyhow::Result<Value> {
    let tenant: TenantId = args.tenant.parse().context("tenant")?;
    let key: ApiKeyId = args.key.parse().context("key")?;
    let overlap = Overlap::from_hours(args.overlap_hours);
    let overlap = overlap.context("overlap-hours must be 0, 1, 24 or 72")?;
    let made = operations.roll_api_key(by, &tenant, &key, overlap).await?;
    Ok(new_key_json(&made))
}

pub(super) async fn revoke_key(
    operations: &Operations,
    by: &Actor,
    args: RevokeApiKey,
) -> anyhow::Result<Value> {
    let tenant: TenantId = args.tenant.parse().context("tenant")?;
    let key: ApiKeyId = args.key.parse().context("key")?;
    operations.revoke_api_key(by, &tenant, &key).await?;
    Ok(json!({"key_id": key, "revoked": true}))
}

pub(super) async fn issue(
    operations: &Operations,
    by: &Actor,
    args: IssueCertificate,
) -> anyhow::Result<Value> {
    let request = read_secret(&args.csr_file)?;
    let (tenant, wish) = certificate_wish(args.grant)?;
    let made = operations
        .issue_certificate(by, &tenant, wish, &request)
        .await?;
    Ok(certificate_json(&made, made.created_at))
}

pub(super) async fn register(
    operations: &Operations,
    by: &Actor,
    args: RegisterPublicKey,
) -> anyhow::Result<Value> {
    let key = read_secret(&args.public_key_file)?;
    let (tenant, wish) = certificate_wish(args.grant)?;
    let made = operations
        .register_public_key(by, &tenant, wish, &key)
        .await?;
    Ok(certificate_json(&made, made.created_at))
}

pub(super) async fn revoke(
    operations: &Operations,
    by: &Actor,
    args: RevokeCertificate,
) -> anyhow::Result<Value> {
    let tenant: TenantId = args.tenant.parse().context("tenant")?;
    let id: CertificateId = args.certificate.parse().context("certificate")?;
    operations.revoke_certificate(by, &tenant, &id).await?;
    Ok(json!({"certificate_id": id, "revoked": true}))
}

pub(super) async fn list(
    operations: &Operations,
    by: &Actor,
    args: ListCredentials,
) -> anyhow::Result<Value> {
    let tenant: TenantId = args.tenant.parse().context("tenant")?;
    let now = operations.now();
    let keys = operations.list_api_keys(by, &tenant).await?;
    let certificates = operations.list_certificates(by, &tenant).await?;
    let keys = keys.iter().map(|key| key_json(key, now));
    let certificates = certificates.iter().map(|one| certificate_json(one, now));
    Ok(json!({
        "api_keys": keys.collect::<Vec<_>>(),
        "certificates": certificates.collect::<Vec<_>>(),
    }))
}

fn certificate_wish(grant: Grant) -> anyhow::Result<(TenantId, CertificateWish)> {
    let granted = read_grant(grant)?;
    let wish = CertificateWish {
        mode: granted.mode,
        name: granted.name,
        scopes: granted.scopes,
        expires_at: granted.expires_at,
    };
    Ok((granted.tenant, wish))
}

fn read_grant(grant: Grant) -> anyhow::Result<Granted> {
    let expires_at = grant
        .expires_at
        .as_deref()
        .map(Timestamp::parse_rfc3339)
        .transpose()
        .context("expires-at")?;
    let mut scopes = Vec::new();
    for word in &grant.scopes {
        let known = Scope::ALL.map(Scope::as_str).join(", ");
        let scope = Scope::parse(word);
        scopes.push(scope.with_context(|| format!("there is no scope {word}; there are {known}"))?);
    }
    if scopes.is_empty() {
        scopes = Scope::ALL.to_vec();
    }
    Ok(Granted {
        tenant: grant.tenant.parse().context("tenant")?,
        mode: grant.mode.into(),
        name: grant.name,
        scopes,
        expires_at,
    })
}

fn new_key_json(made: &NewApiKey) -> Value {
    json!({
        "key_id": made.key.id,
        "prefix": made.key.prefix,
        "expires_at": made.key.expires_at.map(Timestamp::to_rfc3339),
        "api_key": made.secret.reveal(),
        "note": "the key is shown now and never again",
    })
}

fn key_json(key: &ApiKey, now: Timestamp) -> Value {
    json!({
        "key_id": key.id,
        "name": key.name,
        "mode": key.mode,
        "prefix": key.prefix,
        "scopes": key.scopes,
        "networks": key.networks.texts(),
        "works": key.is_usable(now),
        "unused_for_90_days": key.is_unused(now),
        "expires_at": key.expires_at.map(Timestamp::to_rfc3339),
        "replaced_by": key.successor,
        "last_used_at": last_used_at(key.last_use),
        "last_used_from": last_used_from(key.last_use),
    })
}

fn certificate_json(certificate: &TenantCertificate, now: Timestamp) -> Value {
    json!({
        "certificate_id": certificate.id,
        "name": certificate.name,
        "mode": certificate.mode,
        "kind": certificate.kind,
        "serial": certificate.serial,
        "fingerprint": certificate.fingerprint,
        "scopes": certificate.scopes,
        "works": certificate.is_usable(now),
        "unused_for_90_days": certificate.is_unused(now),
        "expires_at": certificate.expires_at.map(Timestamp::to_rfc3339),
        "last_used_at": last_used_at(certificate.last_use),
        "last_used_from": last_used_from(certificate.last_use),
        "pem": certificate.pem,
    })
}

fn last_used_at(last: Option<LastUse>) -> Option<String> {
    last.map(|last| last.at.to_rfc3339())
}

fn last_used_from(last: Option<LastUse>) -> Option<String> {
    last.and_then(|last| last.address)
        .map(|address| address.to_string())
}
