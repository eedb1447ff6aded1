//! Requests that wait for a second person.

use sea_orm::sea_query::{Expr, ExprTrait as _};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
};
use tributary_domain::approval::{Approval, ApprovalKind, ApprovalState};
use tributary_domain::clock::Timestamp;
use tributary_domain::ids::{ApprovalId, StaffId, TenantId};
use tributary_domain::staff_member::StaffScope;

use crate::entities::approvals::{ActiveModel, Column, Entity, Model};
use crate::error::{StorageError, column, database, expect_one, inserting};
use crate::{Access, Tx};

const TABLE: &str = "approvals";

/// Records a new request.
pub async fn insert(tx: &Tx, approval: &Approval) -> Result<(), StorageError> {
    let row = ActiveModel {
        id: Set(approval.id.to_string()),
        tenant_id: Set(approval.scope.tenant().map(ToString::to_string)),
        kind: Set(approval.kind.as_str().to_owned()),
        target: Set(approval.target.clone()),
        content: Set(approval.content.to_string()),
        state: Set(approval.state.as_str().to_owned()),
        requested_by: Set(approval.requested_by.to_string()),
        reason: Set(approval.reason.clone()),
        decided_by: Set(None),
        decision_reason: Set(None),
        decided_at: Set(None),
        outcome: Set(None),
        created_at: Set(approval.created_at.as_millis()),
        expires_at: Set(approval.expires_at.as_millis()),
    };
    Entity::insert(row)
        .exec_without_returning(tx.connection())
        .await
        .map_err(inserting(TABLE))?;
    Ok(())
}

/// Finds a request that `viewer` may see.
pub async fn find(
    at: &impl Access,
    viewer: &StaffScope,
    id: &ApprovalId,
) -> Result<Option<Approval>, StorageError> {
    let mut wanted = Entity::find_by_id(id.as_str());
    if let Some(tenant) = viewer.tenant() {
        wanted = wanted.filter(Column::TenantId.eq(tenant.as_str()));
    }
    let row = wanted
        .one(at.connection())
        .await
        .map_err(database("reading a request for approval"))?;
    row.as_ref().map(to_approval).transpose()
}

/// The requests that were approved and wait to be carried out, the oldest first.
pub async fn approved_all_tenants(
    at: &impl Access,
    limit: u64,
) -> Result<Vec<Approval>, StorageError> {
    let rows = Entity::find()
        .filter(Column::State.eq(ApprovalState::Approved.as_str()))
        .order_by_asc(Column::Id)
        .limit(limit)
        .all(at.connection())
        .await
        .map_err(database("reading what was approved"))?;
    rows.iter().map(to_approval).collect()
}

/// Who looks at requests: what the person sees of the world, which kinds it decides, and its own.
#[derive(Clone, Debug)]
pub struct Viewer {
    /// Every tenant, or one.
    pub scope: StaffScope,
    /// The kinds that it sees whoever asked.
    pub kinds: Vec<ApprovalKind>,
    /// Whose own requests it sees besides.
    pub requester: StaffId,
}

/// Lists the requests that `viewer` may see, the newest first.
pub async fn list(
    at: &impl Access,
    viewer: &Viewer,
    state: Option<ApprovalState>,
    before: Option<&ApprovalId>,
    limit: u64,
) -> Result<Vec<Approval>, StorageError> {
    let kinds = viewer.kinds.iter().map(|kind| kind.as_str());
    let seen = Condition::any()
        .add(Column::Kind.is_in(kinds))
        .add(Column::RequestedBy.eq(viewer.requester.as_str()));
    let mut wanted = Entity::find().filter(seen);
    if let Some(tenant) = viewer.scope.tenant() {
        wanted = wanted.filter(Column::TenantId.eq(tenant.as_str()));
    }
    if let Some(state) = state {
        wanted = wanted.filter(Column::State.eq(state.as_str()));
    }
    if let Some(before) = before {
        wanted = wanted.filter(Column::Id.lt(before.as_str()));
    }
    let rows = wanted
        .order_by_desc(Column::Id)
        .limit(limit)
        .all(at.connection())
        .await
        .map_err(database("listing requests for approval"))?;
    rows.iter().map(to_approval).collect()
}

/// The request about the same that is not at an end: it waits for a decision, or was approved and is not carried out yet.
pub async fn find_open(
    tx: &Tx,
    kind: ApprovalKind,
    target: &str,
    now: Timestamp,
) -> Result<Option<Approval>, StorageError> {
    let waits = Column::State
        .eq(ApprovalState::Pending.as_str())
        .and(Column::ExpiresAt.gt(now.as_millis()));
    let row = Entity::find()
        .filter(Column::Kind.eq(kind.as_str()))
        .filter(Column::Target.eq(target))
        .filter(waits.or(Column::State.eq(ApprovalState::Approved.as_str())))
        .one(tx.connection())
        .await
        .map_err(database("looking for an open request"))?;
    row.as_ref().map(to_approval).transpose()
}

/// The first `limit` requests about one object of a tenant's, oldest first.
pub async fn of_target(
    at: &impl Access,
    tenant: &TenantId,
    target: &str,
    limit: u64,
) -> Result<Vec<Approval>, StorageError> {
    let rows = Entity::find()
        .filter(Column::TenantId.eq(tenant.as_str()))
        .filter(Column::Target.eq(target))
        .order_by_asc(Column::Id)
        .limit(limit)
        .all(at.connection())
        .await
        .map_err(database("reading the requests about an object"))?;
    rows.iter().map(to_approval).collect()
}

/// Ends the requests that nobody decided in time.
pub async fn expire_all_tenants(tx: &Tx, now: Timestamp) -> Result<u64, StorageError> {
    let changed = Entity::update_many()
        .col_expr(Column::State, Expr::value(ApprovalState::Expired.as_str()))
        .filter(Column::State.eq(ApprovalState::Pending.as_str()))
        .filter(Column::ExpiresAt.lte(now.as_millis()))
        .exec(tx.connection())
        .await
        .map_err(database("ending requests that nobody decided"))?;
    Ok(changed.rows_affected)
}

/// Writes how far a request came, provided that it is still in the state of `before`.
pub async fn update(tx: &Tx, before: &Approval, after: &Approval) -> Result<(), StorageError> {
    let decided_by = after.decided_by.as_ref().map(ToString::to_string);
    let decided_at = after.decided_at.map(Timestamp::as_millis);
    let changed = Entity::update_many()
        .col_expr(Column::State, Expr::value(after.state.as_str()))
        .col_expr(Column::DecidedBy, Expr::value(decided_by))
        .col_expr(Column::DecidedAt, Expr::value(decided_at))
        .col_expr(
            Column::DecisionReason,
            Expr::value(after.decision_reason.clone()),
        )
        .col_expr(Column::Outcome, Expr::value(after.outcome.clone()))
        .filter(Column::Id.eq(before.id.as_str()))
        .filter(Column::State.eq(before.state.as_str()))
        .exec(tx.connection())
        .await
        .map_err(database("updating a request for approval"))?;
    expect_one(TABLE, changed.rows_affected)
}

fn to_approval(row: &Model) -> Result<Approval, StorageError> {
    let id = row.id.as_str();
    let tenant: Option<Result<TenantId, _>> = row.tenant_id.as_deref().map(str::parse);
    let decided_by: Option<Result<StaffId, _>> = row.decided_by.as_deref().map(str::parse);
    let kind = ApprovalKind::parse(&row.kind).ok_or(());
    let state = ApprovalState::parse(&row.state).ok_or(());
    let content = serde_json::from_str(&row.content);
    Ok(Approval {
        id: column(TABLE, "id", id, id.parse())?,
        kind: column(TABLE, "kind", id, kind)?,
        scope: StaffScope::of_row(column(TABLE, "tenant_id", id, tenant.transpose())?),
        target: row.target.clone(),
        content: column(TABLE, "content", id, content)?,
        state: column(TABLE, "state", id, state)?,
        requested_by: column(TABLE, "requested_by", id, row.requested_by.parse())?,
        reason: row.reason.clone(),
        decided_by: column(TABLE, "decided_by", id, decided_by.transpose())?,
        decision_reason: row.decision_reason.clone(),
        decided_at: row.decided_at.map(Timestamp::from_millis),
        outcome: row.outcome.clone(),
        created_at: Timestamp::from_millis(row.created_at),
        expires_at: Timestamp::from_millis(row.expires_at),
    })
}
