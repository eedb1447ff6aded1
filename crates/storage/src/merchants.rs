//! Sub-merchants, their apps, and which app an openid belongs to.

use sea_orm::{
    ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, sea_query::OnConflict,
};
use tributary_domain::clock::Timestamp;
use tributary_domain::ids::TenantId;
use tributary_domain::merchant::{AppId, Mchid, SubApp, SubMerchant};
use tributary_domain::tenant::Mode;

use crate::entities::{openids, sub_apps, sub_merchants};
use crate::error::{StorageError, column, database, inserting};
use crate::{Access, Tx};

/// Records a new sub-merchant. `Duplicate` when the provider has the number already.
pub async fn insert(tx: &Tx, merchant: &SubMerchant) -> Result<(), StorageError> {
    let row = sub_merchants::ActiveModel {
        id: Set(merchant.id.to_string()),
        tenant_id: Set(merchant.tenant_id.to_string()),
        provider_id: Set(merchant.provider_id.to_string()),
        mode: Set(merchant.mode.as_str().to_owned()),
        sub_mchid: Set(merchant.sub_mchid.to_string()),
        name: Set(merchant.name.clone()),
        created_at: Set(merchant.created_at.as_millis()),
    };
    sub_merchants::Entity::insert(row)
        .exec_without_returning(tx.connection())
        .await
        .map_err(inserting("sub_merchants"))?;
    Ok(())
}

/// A tenant's sub-merchants in one mode.
pub async fn list(
    at: &impl Access,
    tenant: &TenantId,
    mode: Mode,
) -> Result<Vec<SubMerchant>, StorageError> {
    let rows = sub_merchants::Entity::find()
        .filter(sub_merchants::Column::TenantId.eq(tenant.as_str()))
        .filter(sub_merchants::Column::Mode.eq(mode.as_str()))
        .order_by_asc(sub_merchants::Column::Id)
        .all(at.connection())
        .await
        .map_err(database("listing sub-merchants"))?;
    rows.into_iter().map(to_merchant).collect()
}

/// Finds a tenant's sub-merchant by its number.
pub async fn find_by_mchid(
    at: &impl Access,
    tenant: &TenantId,
    mode: Mode,
    sub_mchid: &Mchid,
) -> Result<Option<SubMerchant>, StorageError> {
    let row = sub_merchants::Entity::find()
        .filter(sub_merchants::Column::TenantId.eq(tenant.as_str()))
        .filter(sub_merchants::Column::Mode.eq(mode.as_str()))
        .filter(sub_merchants::Column::SubMchid.eq(sub_mchid.as_str()))
        .one(at.connection())
        .await
        .map_err(database("reading a sub-merchant"))?;
    row.map(to_merchant).transpose()
}

/// Records a new app with its sealed login secret.
pub async fn insert_app(
    tx: &Tx,
    app: &SubApp,
    sealed_secret: Option<Vec<u8>>,
) -> Result<(), StorageError> {
    let row = sub_apps::ActiveModel {
        id: Set(app.id.to_string()),
        tenant_id: Set(app.tenant_id.to_string()),
        sub_merchant_id: Set(app.sub_merchant_id.to_string()),
        appid: Set(app.appid.to_string()),
        secret: Set(sealed_secret),
        created_at: Set(app.created_at.as_millis()),
    };
    sub_apps::Entity::insert(row)
        .exec_without_returning(tx.connection())
        .await
        .map_err(inserting("sub_apps"))?;
    Ok(())
}

/// A tenant's apps.
pub async fn apps(at: &impl Access, tenant: &TenantId) -> Result<Vec<SubApp>, StorageError> {
    let rows = sub_apps::Entity::find()
        .filter(sub_apps::Column::TenantId.eq(tenant.as_str()))
        .order_by_asc(sub_apps::Column::Id)
        .all(at.connection())
        .await
        .map_err(database("listing apps"))?;
    rows.into_iter().map(|row| to_app(&row)).collect()
}

/// A tenant's app by its app id, with its sealed secret.
pub async fn find_app(
    at: &impl Access,
    tenant: &TenantId,
    appid: &AppId,
) -> Result<Vec<(SubApp, Option<Vec<u8>>)>, StorageError> {
    let rows = sub_apps::Entity::find()
        .filter(sub_apps::Column::TenantId.eq(tenant.as_str()))
        .filter(sub_apps::Column::Appid.eq(appid.as_str()))
        .order_by_asc(sub_apps::Column::Id)
        .all(at.connection())
        .await
        .map_err(database("reading an app"))?;
    rows.into_iter()
        .map(|row| Ok((to_app(&row)?, row.secret)))
        .collect()
}

/// Keeps that an openid, known by its hash, belongs to an app.
pub async fn remember_openid(
    tx: &Tx,
    tenant: &TenantId,
    openid_hash: &str,
    appid: &AppId,
    now: Timestamp,
) -> Result<(), StorageError> {
    use openids::Column;
    let row = openids::ActiveModel {
        tenant_id: Set(tenant.to_string()),
        openid_hash: Set(openid_hash.to_owned()),
        appid: Set(appid.to_string()),
        seen_at: Set(now.as_millis()),
    };
    let seen_again = OnConflict::columns([Column::TenantId, Column::OpenidHash, Column::Appid])
        .update_column(Column::SeenAt)
        .to_owned();
    openids::Entity::insert(row)
        .on_conflict(seen_again)
        .exec_without_returning(tx.connection())
        .await
        .map_err(database("keeping an openid"))?;
    Ok(())
}

/// The apps under which a tenant has seen an openid.
pub async fn apps_of_openid(
    at: &impl Access,
    tenant: &TenantId,
    openid_hash: &str,
) -> Result<Vec<String>, StorageError> {
    let rows = openids::Entity::find()
        .filter(openids::Column::TenantId.eq(tenant.as_str()))
        .filter(openids::Column::OpenidHash.eq(openid_hash))
        .all(at.connection())
        .await
        .map_err(database("reading an openid"))?;
    Ok(rows.into_iter().map(|row| row.appid).collect())
}

fn to_merchant(row: sub_merchants::Model) -> Result<SubMerchant, StorageError> {
    let (table, id) = ("sub_merchants", row.id.as_str());
    Ok(SubMerchant {
        id: column(table, "id", id, id.parse())?,
        tenant_id: column(table, "tenant_id", id, row.tenant_id.parse())?,
        provider_id: column(table, "provider_id", id, row.provider_id.parse())?,
        mode: column(table, "mode", id, Mode::parse(&row.mode).ok_or(()))?,
        sub_mchid: column(table, "sub_mchid", id, row.sub_mchid.try_into())?,
        name: row.name,
        created_at: Timestamp::from_millis(row.created_at),
    })
}

fn to_app(row: &sub_apps::Model) -> Result<SubApp, StorageError> {
    let (table, id) = ("sub_apps", row.id.as_str());
    Ok(SubApp {
        id: column(table, "id", id, id.parse())?,
        tenant_id: column(table, "tenant_id", id, row.tenant_id.parse())?,
        sub_merchant_id: column(table, "sub_merchant_id", id, row.sub_merchant_id.parse())?,
        appid: column(table, "appid", id, AppId::parse(&row.appid))?,
        has_secret: row.secret.is_some(),
        created_at: Timestamp::from_millis(row.created_at),
    })
}
