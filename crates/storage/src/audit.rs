//! The audit log's rows. They are added and read; there is no function that changes or deletes one.

use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
};
use tributary_domain::audit::{AuditEntry, AuditScope, GENESIS, HASH_LEN};
use tributary_domain::clock::Timestamp;
pub use tributary_domain::cursor::AuditPosition;
use tributary_domain::ids::TenantId;

use crate::entities::{audit_entries, audit_heads};
use crate::error::{StorageError, column, database, expect_one, inserting};
use crate::{Access, Tx};

const ENTRIES: &str = "audit_entries";
const HEADS: &str = "audit_heads";

/// The end of a chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Whose chain.
    pub scope: AuditScope,
    /// The last entry's number; 0 when there is none.
    pub number: u64,
    /// Its hash.
    pub hash: [u8; HASH_LEN],
}

/// An entry with its place in the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chained {
    /// Whose chain.
    pub scope: AuditScope,
    /// Its number, from 1.
    pub number: u64,
    /// When, as the rows are searched by.
    pub at: Timestamp,
    /// What it says.
    pub entry: AuditEntry,
    /// The bytes that were hashed.
    pub bytes: String,
    /// The hash.
    pub hash: [u8; HASH_LEN],
}

/// Which entries to list; all that are given must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Who did it.
    pub actor: Option<String>,
    /// What was done.
    pub action: Option<String>,
    /// To which object.
    pub target: Option<String>,
    /// Not before.
    pub since: Option<Timestamp>,
    /// Before.
    pub until: Option<Timestamp>,
}

/// Takes the end of a chain and holds it until the transaction ends, so that nobody else appends.
pub async fn lock_head(tx: &Tx, scope: &AuditScope) -> Result<Head, StorageError> {
    let fresh = audit_heads::ActiveModel {
        scope: Set(scope.as_str().to_owned()),
        tenant_id: Set(tenant_of(scope)),
        number: Set(0),
        hash: Set(GENESIS.to_vec()),
    };
    // The conflicting row is written as it is: that creates it or locks it in one statement.
    let held = OnConflict::column(audit_heads::Column::Scope)
        .update_column(audit_heads::Column::Scope)
        .to_owned();
    audit_heads::Entity::insert(fresh)
        .on_conflict(held)
        .exec_without_returning(tx.connection())
        .await
        .map_err(database("holding the head of the audit log"))?;
    let row = audit_heads::Entity::find_by_id(scope.as_str())
        .one(tx.connection())
        .await
        .map_err(database("reading the head of the audit log"))?
        .ok_or(StorageError::Stale { table: HEADS })?;
    to_head(row)
}

/// Adds an entry behind the head that [`lock_head`] holds.
pub async fn append(tx: &Tx, chained: &Chained) -> Result<(), StorageError> {
    let number = stored_number(chained.number);
    let row = audit_entries::ActiveModel {
        scope: Set(chained.scope.as_str().to_owned()),
        number: Set(number),
        tenant_id: Set(tenant_of(&chained.scope)),
        at: Set(chained.at.as_millis()),
        actor: Set(chained.entry.actor.clone()),
        action: Set(chained.entry.action.clone()),
        target: Set(chained.entry.target.clone()),
        entry: Set(chained.bytes.clone()),
        hash: Set(chained.hash.to_vec()),
    };
    audit_entries::Entity::insert(row)
        .exec_without_returning(tx.connection())
        .await
        .map_err(inserting(ENTRIES))?;
    let moved = audit_heads::Entity::update_many()
        .col_expr(audit_heads::Column::Number, Expr::value(number))
        .col_expr(
            audit_heads::Column::Hash,
            Expr::value(chained.hash.to_vec()),
        )
        .filter(audit_heads::Column::Scope.eq(chained.scope.as_str()))
        .filter(audit_heads::Column::Number.eq(number.saturating_sub(1)))
        .exec(tx.connection())
        .await
        .map_err(database("moving the head of the audit log"))?;
    expect_one(HEADS, moved.rows_affected)
}

/// The ends of all chains, in the order of their scopes, after `after`.
pub async fn heads_all_tenants(
    at: &impl Access,
    after: Option<&AuditScope>,
    limit: u64,
) -> Result<Vec<Head>, StorageError> {
    let mut select = audit_heads::Entity::find();
    if let Some(after) = after {
        select = select.filter(audit_heads::Column::Scope.gt(after.as_str()));
    }
    let rows = select
        .order_by_asc(audit_heads::Column::Scope)
        .limit(limit)
        .all(at.connection())
        .await
        .map_err(database("reading the heads of the audit log"))?;
    rows.into_iter().map(to_head).collect()
}

/// The end of one chain; nothing while it has no entry.
pub async fn head(at: &impl Access, scope: &AuditScope) -> Result<Option<Head>, StorageError> {
    let row = audit_heads::Entity::find_by_id(scope.as_str())
        .one(at.connection())
        .await
        .map_err(database("reading the head of the audit log"))?;
    row.map(to_head).transpose()
}

/// A chain's entries behind the number `after`, in order.
pub async fn chain(
    at: &impl Access,
    scope: &AuditScope,
    after: u64,
    limit: u64,
) -> Result<Vec<Chained>, StorageError> {
    use audit_entries::Column;
    let rows = audit_entries::Entity::find()
        .filter(Column::Scope.eq(scope.as_str()))
        .filter(Column::Number.gt(stored_number(after)))
        .order_by_asc(Column::Number)
        .limit(limit)
        .all(at.connection())
        .await
        .map_err(database("reading a chain of the audit log"))?;
    rows.into_iter().map(to_chained).collect()
}

/// Lists one tenant's entries, the newest first, behind `after`.
pub async fn list(
    at: &impl Access,
    tenant: &TenantId,
    filter: &AuditFilter,
    after: Option<&AuditPosition>,
    limit: u64,
) -> Result<Vec<Chained>, StorageError> {
    let own = audit_entries::Column::TenantId.eq(tenant.as_str());
    list_where(at, wanted(filter, after).add(own), limit).await
}

/// The first `limit` of one tenant's entries about any of these objects from `since` on, oldest first.
pub async fn of_targets(
    at: &impl Access,
    tenant: &TenantId,
    targets: &[&str],
    (since, limit): (Timestamp, u64),
) -> Result<Vec<Chained>, StorageError> {
    use audit_entries::Column;
    let rows = audit_entries::Entity::find()
        .filter(Column::TenantId.eq(tenant.as_str()))
        .filter(Column::Target.is_in(targets.iter().copied()))
        .filter(Column::At.gte(since.as_millis()))
        .order_by_asc(Column::At)
        .order_by_asc(Column::Number)
        .limit(limit)
        .all(at.connection())
        .await
        .map_err(database("reading the acts about an object"))?;
    rows.into_iter().map(to_chained).collect()
}

/// Lists the entries of every chain, the newest first, behind `after`.
pub async fn list_all_tenants(
    at: &impl Access,
    filter: &AuditFilter,
    after: Option<&AuditPosition>,
    limit: u64,
) -> Result<Vec<Chained>, StorageError> {
    list_where(at, wanted(filter, after), limit).await
}

async fn list_where(
    at: &impl Access,
    wanted: Condition,
    limit: u64,
) -> Result<Vec<Chained>, StorageError> {
    use audit_entries::Column;
    let rows = audit_entries::Entity::find()
        .filter(wanted)
        .order_by_desc(Column::At)
        .order_by_desc(Column::Scope)
        .order_by_desc(Column::Number)
        .limit(limit)
        .all(at.connection())
        .await
        .map_err(database("listing the audit log"))?;
    rows.into_iter().map(to_chained).collect()
}

fn wanted(filter: &AuditFilter, after: Option<&AuditPosition>) -> Condition {
    use audit_entries::Column;
    let text = |column: Column, value: &Option<String>| value.as_ref().map(|v| column.eq(v));
    let behind = after.map(|last| {
        let (at, scope) = (last.at.as_millis(), last.scope.as_str());
        let same_scope = Condition::all()
            .add(Column::At.eq(at))
            .add(Column::Scope.eq(scope))
            .add(Column::Number.lt(stored_number(last.number)));
        let same_instant = Condition::all()
            .add(Column::At.eq(at))
            .add(Column::Scope.lt(scope));
        Condition::any()
            .add(Column::At.lt(at))
            .add(same_instant)
            .add(same_scope)
    });
    Condition::all()
        .add_option(text(Column::Actor, &filter.actor))
        .add_option(text(Column::Action, &filter.action))
        .add_option(text(Column::Target, &filter.target))
        .add_option(filter.since.map(|at| Column::At.gte(at.as_millis())))
        .add_option(filter.until.map(|at| Column::At.lt(at.as_millis())))
        .add_option(behind)
}

fn tenant_of(scope: &AuditScope) -> Option<String> {
    match scope {
        AuditScope::Platform => None,
        AuditScope::Tenant(id) => Some(id.to_string()),
    }
}

fn stored_number(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn to_head(row: audit_heads::Model) -> Result<Head, StorageError> {
    let scope = row.scope.as_str();
    Ok(Head {
        scope: column(HEADS, "scope", scope, AuditScope::parse(scope).ok_or(()))?,
        number: column(HEADS, "number", scope, u64::try_from(row.number))?,
        hash: column(HEADS, "hash", scope, row.hash.try_into())?,
    })
}

fn to_chained(row: audit_entries::Model) -> Result<Chained, StorageError> {
    let id = format!("{} {}", row.scope, row.number);
    let entry = serde_json::from_str(&row.entry);
    let scope = AuditScope::parse(&row.scope).ok_or(());
    Ok(Chained {
        scope: column(ENTRIES, "scope", &id, scope)?,
        number: column(ENTRIES, "number", &id, u64::try_from(row.number))?,
        at: Timestamp::from_millis(row.at),
        entry: column(ENTRIES, "entry", &id, entry)?,
        bytes: row.entry,
        hash: column(ENTRIES, "hash", &id, row.hash.try_into())?,
    })
}
