//! Sessions of people: their tokens are kept as hashes.

use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
};
use tributary_domain::clock::Timestamp;
use tributary_domain::ids::{SessionId, StaffId, TenantId};
use tributary_domain::staff_member::StaffSession;

use crate::entities::staff;
use crate::entities::staff_sessions::{ActiveModel, Column, Entity, Model};
use crate::error::{StorageError, column, database, expect_one, inserting};
use crate::{Access, Tx};

const TABLE: &str = "staff_sessions";

/// A session with the hashes of its tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptSession {
    /// The session.
    pub session: StaffSession,
    /// The hash of the token that renews it.
    pub token_hash: String,
    /// The hash of the token before.
    pub previous_hash: Option<String>,
    /// When the token last changed.
    pub rotated_at: Timestamp,
}

/// Records a new session.
pub async fn insert(tx: &Tx, session: &StaffSession, token_hash: &str) -> Result<(), StorageError> {
    let row = ActiveModel {
        id: Set(session.id.to_string()),
        staff_id: Set(session.staff_id.to_string()),
        token_hash: Set(token_hash.to_owned()),
        previous_hash: Set(None),
        rotated_at: Set(session.created_at.as_millis()),
        created_at: Set(session.created_at.as_millis()),
        used_at: Set(session.used_at.as_millis()),
        expires_at: Set(session.expires_at.as_millis()),
        ended_at: Set(None),
        proven_at: Set(session.proven_at.as_millis()),
        ip: Set(session.ip.clone()),
        user_agent: Set(session.user_agent.clone()),
    };
    Entity::insert(row)
        .exec_without_returning(tx.connection())
        .await
        .map_err(inserting(TABLE))?;
    Ok(())
}

/// Finds a session of a person.
pub async fn find(
    at: &impl Access,
    staff: &StaffId,
    id: &SessionId,
) -> Result<Option<StaffSession>, StorageError> {
    let row = Entity::find_by_id(id.as_str())
        .filter(Column::StaffId.eq(staff.as_str()))
        .one(at.connection())
        .await
        .map_err(database("reading a session"))?;
    row.map(|row| Ok(to_session(row)?.session)).transpose()
}

/// Finds the session that this token renews, or renewed before the last rotation.
pub async fn find_by_token(
    at: &impl Access,
    hash: &str,
) -> Result<Option<KeptSession>, StorageError> {
    let either = Condition::any()
        .add(Column::TokenHash.eq(hash))
        .add(Column::PreviousHash.eq(hash));
    let row = Entity::find()
        .filter(either)
        .one(at.connection())
        .await
        .map_err(database("reading a session"))?;
    row.map(to_session).transpose()
}

/// The sessions of a person that are not over, the newest first.
pub async fn open_of(
    at: &impl Access,
    staff: &StaffId,
    now: Timestamp,
    limit: u64,
) -> Result<Vec<StaffSession>, StorageError> {
    let rows = Entity::find()
        .filter(Column::StaffId.eq(staff.as_str()))
        .filter(Column::EndedAt.is_null())
        .filter(Column::ExpiresAt.gt(now.as_millis()))
        .order_by_desc(Column::Id)
        .limit(limit)
        .all(at.connection())
        .await
        .map_err(database("listing sessions"))?;
    let sessions = rows.into_iter().map(to_session);
    sessions.map(|kept| Ok(kept?.session)).collect()
}

/// Gives the session its next token, provided that the last one is still the one that was read.
pub async fn rotate(
    tx: &Tx,
    kept: &KeptSession,
    next_hash: &str,
    now: Timestamp,
) -> Result<(), StorageError> {
    let changed = Entity::update_many()
        .col_expr(Column::TokenHash, Expr::value(next_hash))
        .col_expr(Column::PreviousHash, Expr::value(kept.token_hash.clone()))
        .col_expr(Column::RotatedAt, Expr::value(now.as_millis()))
        .col_expr(Column::UsedAt, Expr::value(now.as_millis()))
        .filter(Column::Id.eq(kept.session.id.as_str()))
        .filter(Column::TokenHash.eq(kept.token_hash.as_str()))
        .filter(Column::EndedAt.is_null())
        .exec(tx.connection())
        .await
        .map_err(database("rotating a session"))?;
    expect_one(TABLE, changed.rows_affected)
}

/// Notes that the person proved its presence again.
pub async fn prove(tx: &Tx, id: &SessionId, now: Timestamp) -> Result<(), StorageError> {
    let changed = Entity::update_many()
        .col_expr(Column::ProvenAt, Expr::value(now.as_millis()))
        .filter(Column::Id.eq(id.as_str()))
        .filter(Column::EndedAt.is_null())
        .exec(tx.connection())
        .await
        .map_err(database("noting a proof"))?;
    expect_one(TABLE, changed.rows_affected)
}

/// Ends one session of a person; false when there is none that is open.
pub async fn end(
    tx: &Tx,
    staff: &StaffId,
    id: &SessionId,
    now: Timestamp,
) -> Result<bool, StorageError> {
    let changed = Entity::update_many()
        .col_expr(Column::EndedAt, Expr::value(now.as_millis()))
        .filter(Column::StaffId.eq(staff.as_str()))
        .filter(Column::Id.eq(id.as_str()))
        .filter(Column::EndedAt.is_null())
        .exec(tx.connection())
        .await
        .map_err(database("ending a session"))?;
    Ok(changed.rows_affected == 1)
}

/// Ends every session of a person but one, and answers how many.
pub async fn end_all(
    tx: &Tx,
    staff: &StaffId,
    except: Option<&SessionId>,
    now: Timestamp,
) -> Result<u64, StorageError> {
    let kept = except.map_or("", SessionId::as_str);
    let changed = Entity::update_many()
        .col_expr(Column::EndedAt, Expr::value(now.as_millis()))
        .filter(Column::StaffId.eq(staff.as_str()))
        .filter(Column::Id.ne(kept))
        .filter(Column::EndedAt.is_null())
        .exec(tx.connection())
        .await
        .map_err(database("ending sessions"))?;
    Ok(changed.rows_affected)
}

/// Ends every session of a tenant's members, and answers how many.
pub async fn end_all_of_tenant(
    tx: &Tx,
    tenant: &TenantId,
    now: Timestamp,
) -> Result<u64, StorageError> {
    let mut members = sea_orm::sea_query::Query::select();
    members
        .column(staff::Column::Id)
        .from(staff::Entity)
        .and_where(Expr::col(staff::Column::TenantId).eq(tenant.as_str()));
    let changed = Entity::update_many()
        .col_expr(Column::EndedAt, Expr::value(now.as_millis()))
        .filter(Column::StaffId.in_subquery(members))
        .filter(Column::EndedAt.is_null())
        .exec(tx.connection())
        .await
        .map_err(database("ending the sessions of a tenant"))?;
    Ok(changed.rows_affected)
}

/// Forgets sessions that were over before `before`, a bounded number of them.
pub async fn forget_all_tenants(
    tx: &Tx,
    before: Timestamp,
    limit: u64,
) -> Result<u64, StorageError> {
    let mut old = sea_orm::sea_query::Query::select();
    old.column(Column::Id)
        .from(Entity)
        .and_where(Expr::col(Column::ExpiresAt).lt(before.as_millis()))
        .limit(limit);
    let gone = Entity::delete_many()
        .filter(Column::Id.in_subquery(old))
        .exec(tx.connection())
        .await
        .map_err(database("forgetting sessions"))?;
    Ok(gone.rows_affected)
}

fn to_session(row: Model) -> Result<KeptSession, StorageError> {
    let id = row.id.as_str();
    let session = StaffSession {
        id: column(TABLE, "id", id, id.parse())?,
        staff_id: column(TABLE, "staff_id", id, row.staff_id.parse())?,
        created_at: Timestamp::from_millis(row.created_at),
        used_at: Timestamp::from_millis(row.used_at),
        expires_at: Timestamp::from_millis(row.expires_at),
        ended_at: row.ended_at.map(Timestamp::from_millis),
        proven_at: Timestamp::from_millis(row.proven_at),
        ip: row.ip,
        user_agent: row.user_agent,
    };
    Ok(KeptSession {
        session,
        token_hash: row.token_hash,
        previous_hash: row.previous_hash,
        rotated_at: Timestamp::from_millis(row.rotated_at),
    })
}
