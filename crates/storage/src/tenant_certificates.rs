//! Tenants' certificates and registered public keys.

use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect,
};
use tributary_domain::clock::Timestamp;
use tributary_domain::credential::{CertificateKind, LastUse, TenantCertificate};
use tributary_domain::ids::{CertificateId, TenantId};
use tributary_domain::tenant::Mode;

use crate::api_keys::{address_text, last_use, read_scopes, scopes_text};
use crate::entities::tenant_certificates;
use crate::error::{StorageError, column, database, inserting};
use crate::printed_name::PrintedName;
use crate::{Access, Tx};

const TABLE: &str = "tenant_certificates";

/// Records a certificate; a duplicate is a public key that somebody has already.
pub async fn insert(tx: &Tx, certificate: &TenantCertificate) -> Result<(), StorageError> {
    let row = tenant_certificates::ActiveModel {
        id: Set(certificate.id.to_string()),
        tenant_id: Set(certificate.tenant_id.to_string()),
        mode: Set(certificate.mode.as_str().to_owned()),
        name: Set(certificate.name.clone()),
        kind: Set(certificate.kind.as_str().to_owned()),
        serial: Set(certificate.serial.clone()),
        pem: Set(certificate.pem.clone()),
        fingerprint: Set(certificate.fingerprint.clone()),
        scopes: Set(scopes_text(&certificate.scopes)),
        expires_at: Set(certificate.expires_at.map(Timestamp::as_millis)),
        revoked_at: Set(certificate.revoked_at.map(Timestamp::as_millis)),
        last_used_at: Set(certificate.last_use.map(|last| last.at.as_millis())),
        last_used_from: Set(certificate.last_use.and_then(address_text)),
        created_at: Set(certificate.created_at.as_millis()),
    };
    tenant_certificates::Entity::insert(row)
        .exec_without_returning(tx.connection())
        .await
        .map_err(inserting(TABLE))?;
    Ok(())
}

/// Finds a tenant's certificate by what requests name it by.
pub async fn find_by_serial(
    at: &impl Access,
    tenant: &TenantId,
    serial: &str,
) -> Result<Option<TenantCertificate>, StorageError> {
    use tenant_certificates::Column;
    let row = tenant_certificates::Entity::find()
        .filter(Column::TenantId.eq(tenant.as_str()))
        .filter(Column::Serial.eq(serial))
        .one(at.connection())
        .await
        .map_err(database("reading a certificate"))?;
    row.map(to_certificate).transpose()
}

/// Finds a tenant's certificate.
pub async fn find(
    at: &impl Access,
    tenant: &TenantId,
    id: &CertificateId,
) -> Result<Option<TenantCertificate>, StorageError> {
    let row = tenant_certificates::Entity::find_by_id(id.as_str())
        .filter(tenant_certificates::Column::TenantId.eq(tenant.as_str()))
        .one(at.connection())
        .await
        .map_err(database("reading a certificate"))?;
    row.map(to_certificate).transpose()
}

/// Lists a tenant's certificates, the newest first, those that have ended among them.
pub async fn list(
    at: &impl Access,
    tenant: &TenantId,
) -> Result<Vec<TenantCertificate>, StorageError> {
    use tenant_certificates::Column;
    let rows = tenant_certificates::Entity::find()
        .filter(Column::TenantId.eq(tenant.as_str()))
        .order_by_desc(Column::Id)
        .all(at.connection())
        .await
        .map_err(database("listing certificates"))?;
    rows.into_iter().map(to_certificate).collect()
}

/// The certificates with what is printed on them, every tenant's or one's: a serial, or the beginning of a fingerprint.
pub async fn printed(
    at: &impl Access,
    tenant: Option<&TenantId>,
    name: &PrintedName,
    limit: u64,
) -> Result<Vec<TenantCertificate>, StorageError> {
    use tenant_certificates::Column;
    let rows = tenant_certificates::Entity::find()
        .filter(
            Condition::all()
                .add(name.is_on(Column::Serial, Column::Fingerprint))
                .add_option(tenant.map(|id| Column::TenantId.eq(id.as_str()))),
        )
        .order_by_desc(Column::Id)
        .limit(limit)
        .all(at.connection())
        .await
        .map_err(database("looking for a certificate"))?;
    rows.into_iter().map(to_certificate).collect()
}

/// The certificates that end within a span and were not withdrawn, those that end first first. Every tenant's, or one's.
pub async fn ending_first(
    at: &impl Access,
    tenant: Option<&TenantId>,
    mode: Mode,
    (from, until): (Timestamp, Timestamp),
    limit: u64,
) -> Result<Vec<TenantCertificate>, StorageError> {
    use tenant_certificates::Column;
    let mut wanted = tenant_certificates::Entity::find()
        .filter(Column::ExpiresAt.gte(from.as_millis()))
        .filter(Column::ExpiresAt.lte(until.as_millis()))
        .filter(Column::Mode.eq(mode.as_str()))
        .filter(Column::RevokedAt.is_null());
    if let Some(tenant) = tenant {
        wanted = wanted.filter(Column::TenantId.eq(tenant.as_str()));
    }
    let rows = wanted
        .order_by_asc(Column::ExpiresAt)
        .order_by_asc(Column::Id)
        .limit(limit)
        .all(at.connection())
        .await
        .map_err(database("reading the certificates that end first"))?;
    rows.into_iter().map(to_certificate).collect()
}

/// Counts a tenant's certificates that open something at `now`.
pub async fn count_usable(
    at: &impl Access,
    tenant: &TenantId,
    now: Timestamp,
) -> Result<u64, StorageError> {
    use tenant_certificates::Column;
    let unexpired = Condition::any()
        .add(Column::ExpiresAt.is_null())
        .add(Column::ExpiresAt.gt(now.as_millis()));
    tenant_certificates::Entity::find()
        .filter(Column::TenantId.eq(tenant.as_str()))
        .filter(Column::RevokedAt.is_null())
        .filter(unexpired)
        .count(at.connection())
        .await
        .map_err(database("counting certificates"))
}

/// Withdraws a tenant's certificate; false when there is no such one or it was withdrawn before.
pub async fn revoke(
    tx: &Tx,
    tenant: &TenantId,
    id: &CertificateId,
    now: Timestamp,
) -> Result<bool, StorageError> {
    use tenant_certificates::Column;
    let changed = tenant_certificates::Entity::update_many()
        .col_expr(Column::RevokedAt, Expr::value(now.as_millis()))
        .filter(Column::TenantId.eq(tenant.as_str()))
        .filter(Column::Id.eq(id.as_str()))
        .filter(Column::RevokedAt.is_null())
        .exec(tx.connection())
        .await
        .map_err(database("revoking a certificate"))?;
    Ok(changed.rows_affected == 1)
}

/// Notes when a tenant's certificate was last used, unless a later use is known.
pub async fn note_use(
    tx: &Tx,
    tenant: &TenantId,
    id: &CertificateId,
    last: LastUse,
) -> Result<(), StorageError> {
    use tenant_certificates::Column;
    let earlier = Condition::any()
        .add(Column::LastUsedAt.is_null())
        .add(Column::LastUsedAt.lt(last.at.as_millis()));
    tenant_certificates::Entity::update_many()
        .col_expr(Column::LastUsedAt, Expr::value(last.at.as_millis()))
        .col_expr(Column::LastUsedFrom, Expr::value(address_text(last)))
        .filter(Column::TenantId.eq(tenant.as_str()))
        .filter(Column::Id.eq(id.as_str()))
        .filter(earlier)
        .exec(tx.connection())
        .await
        .map_err(database("noting the use of a certificate"))?;
    Ok(())
}

fn to_certificate(row: tenant_certificates::Model) -> Result<TenantCertificate, StorageError> {
    let id = row.id.as_str();
    let kind = CertificateKind::parse(&row.kind).ok_or(());
    Ok(TenantCertificate {
        id: column(TABLE, "id", id, id.parse())?,
        tenant_id: column(TABLE, "tenant_id", id, row.tenant_id.parse())?,
        mode: column(TABLE, "mode", id, Mode::parse(&row.mode).ok_or(()))?,
        kind: column(TABLE, "kind", id, kind)?,
        last_use: last_use(row.last_used_at, row.last_used_from.as_deref()),
        scopes: read_scopes(&row.scopes),
        name: row.name,
        serial: row.serial,
        pem: row.pem,
        fingerprint: row.fingerprint,
        expires_at: row.expires_at.map(Timestamp::from_millis),
        revoked_at: row.revoked_at.map(Timestamp::from_millis),
        created_at: Timestamp::from_millis(row.created_at),
    })
}
