//! Providers, their sealed secrets, and WeChat's public keys for each of them.

use sea_orm::{
    ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, sea_query::OnConflict,
};
use tributary_domain::clock::Timestamp;
use tributary_domain::ids::ProviderId;
use tributary_domain::merchant::Provider;
use tributary_domain::tenant::Mode;

use crate::entities::{platform_keys, providers};
use crate::error::{StorageError, column, database, inserting};
use crate::{Access, Tx};

/// A provider with its secrets, still sealed.
#[derive(Clone)]
pub struct StoredProvider {
    /// What is not secret.
    pub provider: Provider,
    /// Serial of its API certificate.
    pub merchant_serial: String,
    /// Its private key, sealed.
    pub merchant_private_key: Vec<u8>,
    /// Its APIv3 key, sealed.
    pub api_v3_key: Vec<u8>,
    /// The APIv3 key before the present one, sealed.
    pub api_v3_key_previous: Option<Vec<u8>>,
}

impl std::fmt::Debug for StoredProvider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoredProvider")
            .field("provider", &self.provider)
            .finish_non_exhaustive()
    }
}

/// What kind of key WeChat signs with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlatformKeyKind {
    /// A certificate that WeChat publishes and renews.
    Certificate,
    /// A `PUB_KEY_ID_…` public key from the console.
    PublicKey,
}

impl PlatformKeyKind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Certificate => "certificate",
            Self::PublicKey => "public_key",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        match text {
            "certificate" => Some(Self::Certificate),
            "public_key" => Some(Self::PublicKey),
            _ => None,
        }
    }
}

/// One of WeChat's public keys for a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlatformKey {
    /// Certificate serial or public-key id; opaque.
    pub serial: String,
    /// Which of the two kinds.
    pub kind: PlatformKeyKind,
    /// The certificate or key.
    pub pem: String,
    /// Start of a certificate's validity.
    pub not_before: Option<Timestamp>,
    /// End of a certificate's validity.
    pub not_after: Option<Timestamp>,
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

/// Adds one of WeChat's keys, or renews what is known of it.
pub async fn put_platform_key(
    tx: &Tx,
    provider: &ProviderId,
    key: &PlatformKey,
    now: Timestamp,
) -> Result<(), StorageError> {
    use platform_keys::Column;
    let row = platform_keys::ActiveModel {
        provider_id: Set(provider.to_string()),
        serial: Set(key.serial.clone()),
        kind: Set(key.kind.as_str().to_owned()),
        pem: Set(key.pem.clone()),
        not_before: Set(key.not_before.map(Timestamp::as_millis)),
        not_after: Set(key.not_after.map(Timestamp::as_millis)),
        added_at: Set(now.as_millis()),
    };
    let renew = OnConflict::columns([Column::ProviderId, Column::Serial])
        .update_columns([Column::Pem, Column::NotBefore, Column::NotAfter])
        .to_owned();
    platform_keys::Entity::insert(row)
        .on_conflict(renew)
        .exec_without_returning(tx.connection())
        .await
        .map_err(database("keeping a platform key"))?;
    Ok(())
}

/// Every key that WeChat may sign with for a provider.
pub async fn platform_keys(
    at: &impl Access,
    provider: &ProviderId,
) -> Result<Vec<PlatformKey>, StorageError> {
    let rows = platform_keys::Entity::find()
        .filter(platform_keys::Column::ProviderId.eq(provider.as_str()))
        .order_by_asc(platform_keys::Column::Serial)
        .all(at.connection())
        .await
        .map_err(database("reading platform keys"))?;
    rows.into_iter().map(to_platform_key).collect()
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
        merchant_private_key: row.merchant_private_key,
        api_v3_key: row.api_v3_key,
        api_v3_key_previous: row.api_v3_key_previous,
    })
}

fn to_platform_key(row: platform_keys::Model) -> Result<PlatformKey, StorageError> {
    let kind = PlatformKeyKind::parse(&row.kind).ok_or(());
    Ok(PlatformKey {
        kind: column("platform_keys", "kind", &row.serial, kind)?,
        serial: row.serial,
        pem: row.pem,
        not_before: row.not_before.map(Timestamp::from_millis),
        not_after: row.not_after.map(Timestamp::from_millis),
    })
}
