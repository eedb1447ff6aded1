//! Sub-merchants, their apps, and which app an openid belongs to.

use sea_orm::sea_query::{Expr, LockType, OnConflict};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect,
};
use tributary_domain::clock::Timestamp;
use tributary_domain::ids::{SubMerchantId, TenantId};
use tributary_domain::merchant::{
    AppBinding, AppId, Confirmed, Mchid, SubApp, SubAppKind, SubMerchant, SubMerchantState,
};
use tributary_domain::tenant::Mode;

use crate::entities::{openids, sub_apps, sub_merchants};
use crate::error::{StorageError, column, database, expect_one, inserting};
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
        state: Set(merchant.state.as_str().to_owned()),
        rate: Set(merchant.rate.map(i64::from)),
        note: Set(merchant.note.clone()),
        version: Set(merchant.version),
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

/// Finds a tenant's sub-merchant.
pub async fn find(
    at: &impl Access,
    tenant: &TenantId,
    id: &SubMerchantId,
) -> Result<Option<SubMerchant>, StorageError> {
    let row = sub_merchants::Entity::find_by_id(id.as_str())
        .filter(sub_merchants::Column::TenantId.eq(tenant.as_str()))
        .one(at.connection())
        .await
        .map_err(database("reading a sub-merchant"))?;
    row.map(to_merchant).transpose()
}

/// Finds anybody's sub-merchant.
pub async fn find_all_tenants(
    at: &impl Access,
    id: &SubMerchantId,
) -> Result<Option<SubMerchant>, StorageError> {
    let row = sub_merchants::Entity::find_by_id(id.as_str())
        .one(at.connection())
        .await
        .map_err(database("reading a sub-merchant"))?;
    row.map(to_merchant).transpose()
}

/// Which sub-merchants a page shows.
#[derive(Clone, Debug, Default)]
pub struct MerchantFilter {
    /// Only in this mode.
    pub mode: Option<Mode>,
    /// Only in this state.
    pub state: Option<SubMerchantState>,
    /// Only those that are older than this one.
    pub after: Option<SubMerchantId>,
}

impl MerchantFilter {
    fn condition(&self) -> Condition {
        use sub_merchants::Column;
        Condition::all()
            .add_option(self.mode.map(|mode| Column::Mode.eq(mode.as_str())))
            .add_option(self.state.map(|state| Column::State.eq(state.as_str())))
            .add_option(self.after.as_ref().map(|id| Column::Id.lt(id.as_str())))
    }
}

/// A page of a tenant's sub-merchants, the newest first.
pub async fn page(
    at: &impl Access,
    tenant: &TenantId,
    filter: &MerchantFilter,
    limit: u64,
) -> Result<Vec<SubMerchant>, StorageError> {
    let own = sub_merchants::Column::TenantId.eq(tenant.as_str());
    read_page(at, filter.condition().add(own), limit).await
}

/// A page of everybody's sub-merchants, the newest first.
pub async fn page_all_tenants(
    at: &impl Access,
    filter: &MerchantFilter,
    limit: u64,
) -> Result<Vec<SubMerchant>, StorageError> {
    read_page(at, filter.condition(), limit).await
}

async fn read_page(
    at: &impl Access,
    wanted: Condition,
    limit: u64,
) -> Result<Vec<SubMerchant>, StorageError> {
    let rows = sub_merchants::Entity::find()
        .filter(wanted)
        .order_by_desc(sub_merchants::Column::Id)
        .limit(limit)
        .all(at.connection())
        .await
        .map_err(database("listing sub-merchants"))?;
    rows.into_iter().map(to_merchant).collect()
}

/// Writes a sub-merchant anew over the version `before`; `Stale` when somebody else was first.
pub async fn update(tx: &Tx, before: i64, merchant: &SubMerchant) -> Result<(), StorageError> {
    use sub_merchants::Column;
    let changed = sub_merchants::Entity::update_many()
        .col_expr(Column::Name, Expr::value(merchant.name.as_str()))
        .col_expr(Column::State, Expr::value(merchant.state.as_str()))
        .col_expr(Column::Rate, Expr::value(merchant.rate.map(i64::from)))
        .col_expr(Column::Note, Expr::value(merchant.note.clone()))
        .col_expr(Column::Version, Expr::value(merchant.version))
        .filter(Column::TenantId.eq(merchant.tenant_id.as_str()))
        .filter(Column::Id.eq(merchant.id.as_str()))
        .filter(Column::Version.eq(before))
        .exec(tx.connection())
        .await
        .map_err(database("writing a sub-merchant"))?;
    expect_one("sub_merchants", changed.rows_affected)
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
        kind: Set(app.kind.as_str().to_owned()),
        binding: Set(app.binding.as_str().to_owned()),
        confirmed_by: Set(app.confirmed.as_ref().map(|who| who.by.clone())),
        confirmed_at: Set(app.confirmed.as_ref().map(|who| who.at.as_millis())),
        secret_fingerprint: Set(app.secret_fingerprint.clone()),
        version: Set(app.version),
    };
    sub_apps::Entity::insert(row)
        .exec_without_returning(tx.connection())
        .await
        .map_err(inserting("sub_apps"))?;
    Ok(())
}

/// Writes an app anew over the version `before`, and its sealed secret when there is a new one.
pub async fn update_app(
    tx: &Tx,
    before: i64,
    app: &SubApp,
    sealed_secret: Option<Vec<u8>>,
) -> Result<(), StorageError> {
    use sub_apps::Column;
    let confirmed = app.confirmed.as_ref();
    let mut update = sub_apps::Entity::update_many()
        .col_expr(Column::Kind, Expr::value(app.kind.as_str()))
        .col_expr(Column::Binding, Expr::value(app.binding.as_str()))
        .col_expr(
            Column::ConfirmedBy,
            Expr::value(confirmed.map(|who| who.by.clone())),
        )
        .col_expr(
            Column::ConfirmedAt,
            Expr::value(confirmed.map(|who| who.at.as_millis())),
        )
        .col_expr(
            Column::SecretFingerprint,
            Expr::value(app.secret_fingerprint.clone()),
        )
        .col_expr(Column::Version, Expr::value(app.version));
    if let Some(sealed) = sealed_secret {
        update = update.col_expr(Column::Secret, Expr::value(sealed));
    }
    let changed = update
        .filter(Column::TenantId.eq(app.tenant_id.as_str()))
        .filter(Column::Id.eq(app.id.as_str()))
        .filter(Column::Version.eq(before))
        .exec(tx.connection())
        .await
        .map_err(database("writing an app"))?;
    expect_one("sub_apps", changed.rows_affected)
}

/// How many apps a sub-merchant has, with its row held so that nobody adds one meanwhile.
pub async fn count_apps(
    tx: &Tx,
    tenant: &TenantId,
    merchant: &SubMerchantId,
) -> Result<u64, StorageError> {
    sub_merchants::Entity::find_by_id(merchant.as_str())
        .filter(sub_merchants::Column::TenantId.eq(tenant.as_str()))
        .lock(LockType::Update)
        .one(tx.connection())
        .await
        .map_err(database("holding a sub-merchant"))?;
    sub_apps::Entity::find()
        .filter(sub_apps::Column::TenantId.eq(tenant.as_str()))
        .filter(sub_apps::Column::SubMerchantId.eq(merchant.as_str()))
        .count(tx.connection())
        .await
        .map_err(database("counting apps"))
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
    let state = SubMerchantState::parse(&row.state).ok_or(());
    Ok(SubMerchant {
        id: column(table, "id", id, id.parse())?,
        tenant_id: column(table, "tenant_id", id, row.tenant_id.parse())?,
        provider_id: column(table, "provider_id", id, row.provider_id.parse())?,
        mode: column(table, "mode", id, Mode::parse(&row.mode).ok_or(()))?,
        sub_mchid: column(table, "sub_mchid", id, row.sub_mchid.try_into())?,
        state: column(table, "state", id, state)?,
        rate: column(table, "rate", id, row.rate.map(u32::try_from).transpose())?,
        note: row.note,
        version: row.version,
        name: row.name,
        created_at: Timestamp::from_millis(row.created_at),
    })
}

fn to_app(row: &sub_apps::Model) -> Result<SubApp, StorageError> {
    let (table, id) = ("sub_apps", row.id.as_str());
    let kind = SubAppKind::parse(&row.kind).ok_or(());
    let binding = AppBinding::parse(&row.binding).ok_or(());
    let confirmed = row.confirmed_by.as_ref().zip(row.confirmed_at);
    Ok(SubApp {
        id: column(table, "id", id, id.parse())?,
        tenant_id: column(table, "tenant_id", id, row.tenant_id.parse())?,
        sub_merchant_id: column(table, "sub_merchant_id", id, row.sub_merchant_id.parse())?,
        appid: column(table, "appid", id, AppId::parse(&row.appid))?,
        kind: column(table, "kind", id, kind)?,
        binding: column(table, "binding", id, binding)?,
        confirmed: confirmed.map(|(by, at)| Confirmed {
            by: by.clone(),
            at: Timestamp::from_millis(at),
        }),
        has_secret: row.secret.is_some(),
        secret_fingerprint: row.secret_fingerprint.clone(),
        version: row.version,
        created_at: Timestamp::from_millis(row.created_at),
    })
}
