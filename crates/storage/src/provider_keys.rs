//! The key rings of providers, which no tenant owns: keys with their sealed secrets, and the version that tells nodes
//! when a ring has changed.

use sea_orm::sea_query::{Expr, ExprTrait, Query};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use tributary_domain::clock::Timestamp;
use tributary_domain::ids::{ProviderId, ProviderKeyId};
use tributary_domain::provider_key::{KeyCounts, KeyKind, KeyState, ProviderKey};
use tributary_domain::tenant::Mode;

use crate::entities::provider_keys::{ActiveModel, Column, Entity, Model};
use crate::entities::providers;
use crate::error::{StorageError, column, database, expect_one, inserting};
use crate::printed_name::PrintedName;
use crate::{Access, Tx};

const TABLE: &str = "provider_keys";

/// A key with its secret, still sealed.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredKey {
    /// What is not secret.
    pub key: ProviderKey,
    /// Where the secret is.
    pub secret: SealedSecret,
}

/// Where the secret of a key is.
#[derive(Clone, PartialEq, Eq)]
pub enum SealedSecret {
    /// It has none: it is WeChat's, or its secret was destroyed with its end.
    None,
    /// In its own row.
    Own(Vec<u8>),
    /// In this column of the provider's row, as the first keys of a provider are.
    HeldIn(String),
}

impl std::fmt::Debug for StoredKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoredKey")
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

/// Adds a key; `Duplicate` when the ring has one of this kind and serial.
pub async fn insert(tx: &Tx, stored: &StoredKey) -> Result<(), StorageError> {
    let key = &stored.key;
    let (secret, held_in) = match &stored.secret {
        SealedSecret::None => (None, None),
        SealedSecret::Own(sealed) => (Some(sealed.clone()), None),
        SealedSecret::HeldIn(column) => (None, Some(column.clone())),
    };
    let row = ActiveModel {
        id: Set(key.id.to_string()),
        provider_id: Set(key.provider_id.to_string()),
        kind: Set(key.kind.as_str().to_owned()),
        state: Set(key.state.as_str().to_owned()),
        serial: Set(key.serial.clone()),
        fingerprint: Set(key.fingerprint.clone()),
        pem: Set(key.pem.clone()),
        secret: Set(secret),
        held_in: Set(held_in),
        not_before: Set(key.not_before.map(Timestamp::as_millis)),
        not_after: Set(key.not_after.map(Timestamp::as_millis)),
        added_at: Set(key.added_at.as_millis()),
        added_by: Set(key.added_by.clone()),
        approved_at: Set(key.approved_at.map(Timestamp::as_millis)),
        approved_by: Set(key.approved_by.clone()),
        changed_at: Set(key.changed_at.as_millis()),
        signed: Set(key.counts.signed),
        verified: Set(key.counts.verified),
        failed: Set(key.counts.failed),
        last_seen_at: Set(key.last_seen_at.map(Timestamp::as_millis)),
        warned_days: Set(key.warned_days),
    };
    Entity::insert(row)
        .exec_without_returning(tx.connection())
        .await
        .map_err(inserting(TABLE))?;
    Ok(())
}

/// Finds a key of any provider.
pub async fn find(at: &impl Access, id: &ProviderKeyId) -> Result<Option<StoredKey>, StorageError> {
    let row = Entity::find_by_id(id.as_str())
        .one(at.connection())
        .await
        .map_err(database("reading a key"))?;
    row.map(to_stored).transpose()
}

/// Finds a key by what it is called on the wire.
pub async fn find_by_serial(
    at: &impl Access,
    provider: &ProviderId,
    kind: KeyKind,
    serial: &str,
) -> Result<Option<StoredKey>, StorageError> {
    let row = Entity::find()
        .filter(Column::ProviderId.eq(provider.as_str()))
        .filter(Column::Kind.eq(kind.as_str()))
        .filter(Column::Serial.eq(serial))
        .one(at.connection())
        .await
        .map_err(database("reading a key by its serial"))?;
    row.map(to_stored).transpose()
}

/// The newest `limit` keys of a provider in these states, oldest first.
pub async fn of_provider(
    at: &impl Access,
    provider: &ProviderId,
    states: &[KeyState],
    limit: u64,
) -> Result<Vec<StoredKey>, StorageError> {
    let states = states.iter().map(|state| state.as_str());
    let mut rows = Entity::find()
        .filter(Column::ProviderId.eq(provider.as_str()))
        .filter(Column::State.is_in(states))
        .order_by_desc(Column::Id)
        .limit(limit)
        .all(at.connection())
        .await
        .map_err(database("reading a key ring"))?;
    rows.reverse();
    rows.into_iter().map(to_stored).collect()
}

/// A page of the keys of all providers that end before an instant, behind an id.
pub async fn ending(
    at: &impl Access,
    before: Timestamp,
    after: Option<&ProviderKeyId>,
    limit: u64,
) -> Result<Vec<ProviderKey>, StorageError> {
    let trusted = KeyState::ALL.iter().filter(|state| state.is_trusted());
    let mut ending = Entity::find()
        .filter(Column::NotAfter.lte(before.as_millis()))
        .filter(Column::State.is_in(trusted.map(|state| state.as_str())));
    if let Some(after) = after {
        ending = ending.filter(Column::Id.gt(after.as_str()));
    }
    let rows = ending
        .order_by_asc(Column::Id)
        .limit(limit)
        .all(at.connection())
        .await
        .map_err(database("reading keys that end"))?;
    let keys = rows.into_iter().map(to_stored);
    keys.map(|stored| Ok(stored?.key)).collect()
}

/// The keys of a world's providers that are trusted and end within a span, those that end first first.
pub async fn ending_first(
    at: &impl Access,
    mode: Mode,
    (from, until): (Timestamp, Timestamp),
    limit: u64,
) -> Result<Vec<ProviderKey>, StorageError> {
    let trusted = KeyState::ALL.iter().filter(|state| state.is_trusted());
    let of_mode = Query::select()
        .column(providers::Column::Id)
        .from(providers::Entity)
        .and_where(providers::Column::Mode.eq(mode.as_str()))
        .to_owned();
    let rows = Entity::find()
        .filter(Column::ProviderId.in_subquery(of_mode))
        .filter(Column::NotAfter.gte(from.as_millis()))
        .filter(Column::NotAfter.lte(until.as_millis()))
        .filter(Column::State.is_in(trusted.map(|state| state.as_str())))
        .order_by_asc(Column::NotAfter)
        .order_by_asc(Column::Id)
        .limit(limit)
        .all(at.connection())
        .await
        .map_err(database("reading the keys that end first"))?;
    let keys = rows.into_iter().map(to_stored);
    keys.map(|stored| Ok(stored?.key)).collect()
}

/// The keys of all providers with what is printed on them: a serial, or the beginning of a fingerprint.
pub async fn printed(
    at: &impl Access,
    name: &PrintedName,
    limit: u64,
) -> Result<Vec<ProviderKey>, StorageError> {
    let rows = Entity::find()
        .filter(name.is_on(Column::Serial, Column::Fingerprint))
        .order_by_desc(Column::Id)
        .limit(limit)
        .all(at.connection())
        .await
        .map_err(database("looking for a key"))?;
    let keys = rows.into_iter().map(to_stored);
    keys.map(|stored| Ok(stored?.key)).collect()
}

/// Moves a key on from the state it was read in; a key that has ended loses the secret in its row.
pub async fn update(
    tx: &Tx,
    before: &ProviderKey,
    after: &ProviderKey,
) -> Result<(), StorageError> {
    let mut moving = Entity::update_many()
        .col_expr(Column::State, Expr::value(after.state.as_str()))
        .col_expr(Column::ChangedAt, Expr::value(after.changed_at.as_millis()))
        .col_expr(
            Column::ApprovedAt,
            Expr::value(after.approved_at.map(Timestamp::as_millis)),
        )
        .col_expr(Column::ApprovedBy, Expr::value(after.approved_by.clone()));
    if matches!(after.state, KeyState::Retired | KeyState::Revoked) {
        moving = moving.col_expr(Column::Secret, Expr::value(None::<Vec<u8>>));
    }
    let changed = moving
        .filter(Column::Id.eq(before.id.as_str()))
        .filter(Column::State.eq(before.state.as_str()))
        .filter(Column::ChangedAt.eq(before.changed_at.as_millis()))
        .exec(tx.connection())
        .await
        .map_err(database("moving a key on"))?;
    expect_one(TABLE, changed.rows_affected)
}

/// Notes that a person was warned of a key's end; `Stale` when another node did so first.
pub async fn note_warning(tx: &Tx, key: &ProviderKey, days: i64) -> Result<(), StorageError> {
    let before = match key.warned_days {
        Some(warned) => Column::WarnedDays.eq(warned),
        None => Column::WarnedDays.is_null(),
    };
    let changed = Entity::update_many()
        .col_expr(Column::WarnedDays, Expr::value(days))
        .filter(Column::Id.eq(key.id.as_str()))
        .filter(before)
        .exec(tx.connection())
        .await
        .map_err(database("noting a warning"))?;
    expect_one(TABLE, changed.rows_affected)
}

/// Raises the version of a provider's ring, in the transaction of every change to it.
pub async fn note_change(
    tx: &Tx,
    provider: &ProviderId,
    now: Timestamp,
) -> Result<(), StorageError> {
    use providers::Column as Provider;
    let changed = providers::Entity::update_many()
        .col_expr(
            Provider::KeysVersion,
            Expr::col(Provider::KeysVersion).add(1),
        )
        .col_expr(Provider::KeysChangedAt, Expr::value(now.as_millis()))
        .filter(Provider::Id.eq(provider.as_str()))
        .exec(tx.connection())
        .await
        .map_err(database("raising the version of a ring"))?;
    expect_one("providers", changed.rows_affected)
}

/// The versions of the rings that changed since an instant.
pub async fn changed_since(
    at: &impl Access,
    since: Timestamp,
    limit: u64,
) -> Result<Vec<(ProviderId, i64)>, StorageError> {
    use providers::Column as Provider;
    let rows: Vec<(String, i64)> = providers::Entity::find()
        .select_only()
        .columns([Provider::Id, Provider::KeysVersion])
        .filter(Provider::KeysChangedAt.gte(since.as_millis()))
        .order_by_desc(Provider::KeysChangedAt)
        .limit(limit)
        .into_tuple()
        .all(at.connection())
        .await
        .map_err(database("reading which rings changed"))?;
    let parsed = rows.into_iter().map(|(id, version)| {
        let provider = column("providers", "id", &id, id.parse())?;
        Ok((provider, version))
    });
    parsed.collect()
}

/// The version of one provider's ring.
pub async fn version(at: &impl Access, provider: &ProviderId) -> Result<Option<i64>, StorageError> {
    providers::Entity::find_by_id(provider.as_str())
        .select_only()
        .column(providers::Column::KeysVersion)
        .into_tuple()
        .one(at.connection())
        .await
        .map_err(database("reading the version of a ring"))
}

/// Names the key of WeChat's that requests announce.
pub async fn prefer(tx: &Tx, provider: &ProviderId, serial: &str) -> Result<(), StorageError> {
    use providers::Column as Provider;
    let changed = providers::Entity::update_many()
        .col_expr(Provider::PreferredSerial, Expr::value(serial))
        .filter(Provider::Id.eq(provider.as_str()))
        .exec(tx.connection())
        .await
        .map_err(database("preferring a key"))?;
    expect_one("providers", changed.rows_affected)
}

fn to_stored(row: Model) -> Result<StoredKey, StorageError> {
    let id = row.id.as_str();
    let kind = KeyKind::parse(&row.kind).ok_or(());
    let state = KeyState::parse(&row.state).ok_or(());
    let key = ProviderKey {
        id: column(TABLE, "id", id, id.parse())?,
        provider_id: column(TABLE, "provider_id", id, row.provider_id.parse())?,
        kind: column(TABLE, "kind", id, kind)?,
        state: column(TABLE, "state", id, state)?,
        serial: row.serial,
        fingerprint: row.fingerprint,
        pem: row.pem,
        not_before: row.not_before.map(Timestamp::from_millis),
        not_after: row.not_after.map(Timestamp::from_millis),
        added_at: Timestamp::from_millis(row.added_at),
        added_by: row.added_by,
        approved_at: row.approved_at.map(Timestamp::from_millis),
        approved_by: row.approved_by,
        changed_at: Timestamp::from_millis(row.changed_at),
        counts: KeyCounts {
            signed: row.signed,
            verified: row.verified,
            failed: row.failed,
        },
        last_seen_at: row.last_seen_at.map(Timestamp::from_millis),
        warned_days: row.warned_days,
    };
    let secret = match (row.secret, row.held_in) {
        (Some(sealed), _) => SealedSecret::Own(sealed),
        (None, Some(column)) => SealedSecret::HeldIn(column),
        (None, None) => SealedSecret::None,
    };
    Ok(StoredKey { key, secret })
}

#[cfg(test)]
mod tests;
