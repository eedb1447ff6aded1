//! Providers, with the secrets of their first keys, and what is due for each of them.

use sea_orm::sea_query::Expr;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use tributary_domain::clock::Timestamp;
use tributary_domain::ids::ProviderId;
use tributary_domain::merchant::Provider;
use tributary_domain::tenant::Mode;

use crate::entities::providers;
use crate::error::{StorageError, column, database, expect_one, inserting};
use crate::{Access, Tx};

/// A provider with its secrets, still sealed.
#[derive(Clone)]
pub struct StoredProvider {
    /// What is not secret.
    pub provider: Provider,
    /// Serial of its first API certificate.
    pub merchant_serial: String,
    /// The serial of WeChat's key that requests announce.
    pub preferred_serial: Option<String>,
    /// Rises with every change to its key ring.
    pub keys_version: i64,
    /// Its first private key, sealed.
    pub merchant_private_key: Vec<u8>,
    /// Its first APIv3 key, sealed.
    pub api_v3_key: Vec<u8>,
    /// An APIv3 key from before there were key rings, sealed.
    pub api_v3_key_previous: Option<Vec<u8>>,
}

impl std::fmt::Debug for StoredProvider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoredProvider")
            .field("provider", &self.provider)
            .finish_non_exhaustive()
    }
}

/// A kind of work that each provider needs again and again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Upkeep {
    /// Fetching platform certificates.
    Certificates,
    /// Testing the keys.
    KeyTest,
}

impl Upkeep {
    const fn column(self) -> providers::Column {
        match self {
            Self::Certificates => providers::Column::CertificatesDueAt,
            Self::KeyTest => providers::Column::KeysTestDueAt,
        }
    }
}

/// Records a new provider.
pub async fn insert(tx: &Tx, stored: &StoredProvider) -> Result<(), StorageError> {
    let provider = &stored.provider;
    let row = providers::ActiveModel {
        id: Set(provider.id.to_string()),
        name: Set(provider.name.clone()),
        sp_mchid: Set(provider.sp_mchid.to_string()),
        sp_appid: Set(provider.sp_appid.to_string()),
        mode: Set(provider.mode.as_str().to_owned()),
        api_url: Set(provider.api_url.clone()),
        backup_api_url: Set(provider.backup_api_url.clone()),
        login_url: Set(provider.login_url.clone()),
        route_token: Set(provider.route_token.clone()),
        merchant_serial: Set(stored.merchant_serial.clone()),
        merchant_private_key: Set(stored.merchant_private_key.clone()),
        api_v3_key: Set(stored.api_v3_key.clone()),
        api_v3_key_previous: Set(stored.api_v3_key_previous.clone()),
        created_at: Set(provider.created_at.as_millis()),
        updated_at: Set(provider.created_at.as_millis()),
        preferred_serial: Set(stored.preferred_serial.clone()),
        keys_version: Set(stored.keys_version),
        keys_changed_at: Set(provider.created_at.as_millis()),
        certificates_due_at: Set(provider.created_at.as_millis()),
        keys_test_due_at: Set(provider.created_at.as_millis()),
    };
    providers::Entity::insert(row)
        .exec_without_returning(tx.connection())
        .await
        .map_err(inserting("providers"))?;
    Ok(())
}

/// Finds a provider.
pub async fn find(
    at: &impl Access,
    id: &ProviderId,
) -> Result<Option<StoredProvider>, StorageError> {
    let row = providers::Entity::find_by_id(id.as_str())
        .one(at.connection())
        .await
        .map_err(database("reading a provider"))?;
    row.map(to_provider).transpose()
}

/// Finds the provider that a notification path names.
pub async fn find_by_route_token(
    at: &impl Access,
    token: &str,
) -> Result<Option<StoredProvider>, StorageError> {
    let row = providers::Entity::find()
        .filter(providers::Column::RouteToken.eq(token))
        .one(at.connection())
        .await
        .map_err(database("reading a provider by its route"))?;
    row.map(to_provider).transpose()
}

/// Lists every provider.
pub async fn list(at: &impl Access) -> Result<Vec<StoredProvider>, StorageError> {
    let rows = providers::Entity::find()
        .order_by_asc(providers::Column::Id)
        .all(at.connection())
        .await
        .map_err(database("listing providers"))?;
    rows.into_iter().map(to_provider).collect()
}

/// The providers whose upkeep is due, the longest waiting first, with the instants they were due at.
pub async fn due(
    at: &impl Access,
    work: Upkeep,
    now: Timestamp,
    limit: u64,
) -> Result<Vec<(ProviderId, Timestamp)>, StorageError> {
    let rows: Vec<(String, i64)> = providers::Entity::find()
        .select_only()
        .columns([providers::Column::Id, work.column()])
        .filter(work.column().lte(now.as_millis()))
        .order_by_asc(work.column())
        .limit(limit)
        .into_tuple()
        .all(at.connection())
        .await
        .map_err(database("reading which providers need upkeep"))?;
    let parsed = rows.into_iter().map(|(id, due_at)| {
        let provider = column("providers", "id", &id, id.parse())?;
        Ok((provider, Timestamp::from_millis(due_at)))
    });
    parsed.collect()
}

/// Makes a provider's upkeep due at once.
pub async fn make_due(
    tx: &Tx,
    provider: &ProviderId,
    work: Upkeep,
    now: Timestamp,
) -> Result<(), StorageError> {
    let changed = providers::Entity::update_many()
        .col_expr(work.column(), Expr::value(now.as_millis()))
        .filter(providers::Column::Id.eq(provider.as_str()))
        .exec(tx.connection())
        .await
        .map_err(database("making the upkeep of a provider due"))?;
    expect_one("providers", changed.rows_affected)
}

/// Takes the upkeep of a provider by setting when it is due next; false when another node took it first.
pub async fn take_upkeep(
    tx: &Tx,
    provider: &ProviderId,
    work: Upkeep,
    due_at: Timestamp,
    next: Timestamp,
) -> Result<bool, StorageError> {
    let changed = providers::Entity::update_many()
        .col_expr(work.column(), Expr::value(next.as_millis()))
        .filter(providers::Column::Id.eq(provider.as_str()))
        .filter(work.column().eq(due_at.as_millis()))
        .exec(tx.connection())
        .await
        .map_err(database("taking the upkeep of a provider"))?;
    Ok(changed.rows_affected == 1)
}

fn to_provider(row: providers::Model) -> Result<StoredProvider, StorageError> {
    let id = row.id.as_str();
    let provider = Provider {
        id: column("providers", "id", id, id.parse())?,
        name: row.name,
        sp_mchid: column("providers", "sp_mchid", id, row.sp_mchid.try_into())?,
        sp_appid: column("providers", "sp_appid", id, row.sp_appid.try_into())?,
        mode: column("providers", "mode", id, Mode::parse(&row.mode).ok_or(()))?,
        api_url: row.api_url,
        backup_api_url: row.backup_api_url,
        login_url: row.login_url,
        route_token: row.route_token,
        created_at: Timestamp::from_millis(row.created_at),
    };
    Ok(StoredProvider {
        provider,
        merchant_serial: row.merchant_serial,
        preferred_serial: row.preferred_serial,
        keys_version: row.keys_version,
        merchant_private_key: row.merchant_private_key,
        api_v3_key: row.api_v3_key,
        api_v3_key_previous: row.api_v3_key_previous,
    })
}
