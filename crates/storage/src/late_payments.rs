//! Payments that came late, twice, or with another amount, each with what was decided about it.

use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
};
use tributary_domain::clock::Timestamp;
use tributary_domain::ids::{LatePaymentId, OrderId, TenantId};
use tributary_domain::late_payment::{LateKind, LatePayment, LatePaymentState};
use tributary_domain::money::Fen;
use tributary_domain::tenant::Mode;

use crate::entities::late_payments::{ActiveModel, Column, Entity, Model};
use crate::error::{StorageError, column, database, expect_one, inserting};
use crate::{Access, Tx};

const TABLE: &str = "late_payments";

/// Records a late payment. `Duplicate` when it was seen before.
pub async fn insert(tx: &Tx, late: &LatePayment) -> Result<(), StorageError> {
    let row = ActiveModel {
        id: Set(late.id.to_string()),
        tenant_id: Set(late.tenant_id.to_string()),
        mode: Set(late.mode.as_str().to_owned()),
        order_id: Set(late.order_id.to_string()),
        attempt_id: Set(late.attempt_id.to_string()),
        provider_id: Set(late.provider_id.to_string()),
        kind: Set(late.kind.as_str().to_owned()),
        transaction_id: Set(late.transaction_id.clone()),
        total_fen: Set(late.total.as_i64()),
        success_time: Set(late.success_time.as_millis()),
        state: Set(late.state.as_str().to_owned()),
        decided_by: Set(late.decided_by.clone()),
        reason: Set(late.reason.clone()),
        refund_id: Set(late.refund_id.as_ref().map(ToString::to_string)),
        created_at: Set(late.created_at.as_millis()),
        updated_at: Set(late.updated_at.as_millis()),
    };
    Entity::insert(row)
        .exec_without_returning(tx.connection())
        .await
        .map_err(inserting(TABLE))?;
    Ok(())
}

/// Finds a tenant's late payment.
pub async fn find(
    at: &impl Access,
    tenant: &TenantId,
    id: &LatePaymentId,
) -> Result<Option<LatePayment>, StorageError> {
    let row = Entity::find()
        .filter(Column::TenantId.eq(tenant.as_str()))
        .filter(Column::Id.eq(id.as_str()))
        .one(at.connection())
        .await
        .map_err(database("reading a late payment"))?;
    row.map(to_late_payment).transpose()
}

/// The late payments of a tenant's order, oldest first.
pub async fn of_order(
    at: &impl Access,
    tenant: &TenantId,
    order: &OrderId,
) -> Result<Vec<LatePayment>, StorageError> {
    let rows = Entity::find()
        .filter(Column::TenantId.eq(tenant.as_str()))
        .filter(Column::OrderId.eq(order.as_str()))
        .order_by_asc(Column::Id)
        .all(at.connection())
        .await
        .map_err(database("reading the late payments of an order"))?;
    rows.into_iter().map(to_late_payment).collect()
}

/// Late payments in a state, oldest first, for the people who decide about them.
pub async fn in_state_all_tenants(
    at: &impl Access,
    state: LatePaymentState,
    after: Option<&LatePaymentId>,
    limit: u64,
) -> Result<Vec<LatePayment>, StorageError> {
    list(at, Condition::all(), state, after, limit).await
}

/// A tenant's late payments in a state, oldest first.
pub async fn in_state(
    at: &impl Access,
    tenant: &TenantId,
    state: LatePaymentState,
    after: Option<&LatePaymentId>,
    limit: u64,
) -> Result<Vec<LatePayment>, StorageError> {
    let own = Condition::all().add(Column::TenantId.eq(tenant.as_str()));
    list(at, own, state, after, limit).await
}

/// A late payment by its id, whoever's it is.
pub async fn find_all_tenants(
    at: &impl Access,
    id: &LatePaymentId,
) -> Result<Option<LatePayment>, StorageError> {
    let row = Entity::find_by_id(id.as_str())
        .one(at.connection())
        .await
        .map_err(database("reading a late payment"))?;
    row.map(to_late_payment).transpose()
}

async fn list(
    at: &impl Access,
    whose: Condition,
    state: LatePaymentState,
    after: Option<&LatePaymentId>,
    limit: u64,
) -> Result<Vec<LatePayment>, StorageError> {
    let mut wanted = Entity::find()
        .filter(Column::State.eq(state.as_str()))
        .filter(whose);
    if let Some(after) = after {
        wanted = wanted.filter(Column::Id.gt(after.as_str()));
    }
    let rows = wanted
        .order_by_asc(Column::Id)
        .limit(limit)
        .all(at.connection())
        .await
        .map_err(database("listing late payments"))?;
    rows.into_iter().map(to_late_payment).collect()
}

/// Writes what was decided, provided the payment is still in the state of `before`.
pub async fn update(
    tx: &Tx,
    before: &LatePayment,
    after: &LatePayment,
) -> Result<(), StorageError> {
    let refund = after.refund_id.as_ref().map(ToString::to_string);
    let changed = Entity::update_many()
        .col_expr(Column::State, Expr::value(after.state.as_str()))
        .col_expr(Column::DecidedBy, Expr::value(after.decided_by.clone()))
        .col_expr(Column::Reason, Expr::value(after.reason.clone()))
        .col_expr(Column::RefundId, Expr::value(refund))
        .col_expr(Column::UpdatedAt, Expr::value(after.updated_at.as_millis()))
        .filter(Column::Id.eq(before.id.as_str()))
        .filter(Column::TenantId.eq(before.tenant_id.as_str()))
        .filter(Column::State.eq(before.state.as_str()))
        .exec(tx.connection())
        .await
        .map_err(database("updating a late payment"))?;
    expect_one(TABLE, changed.rows_affected)
}

pub(crate) fn to_late_payment(row: Model) -> Result<LatePayment, StorageError> {
    let id = row.id.as_str();
    let refund = row.refund_id.as_deref().map(str::parse).transpose();
    let kind = LateKind::parse(&row.kind).ok_or(());
    let state = LatePaymentState::parse(&row.state).ok_or(());
    Ok(LatePayment {
        id: column(TABLE, "id", id, id.parse())?,
        tenant_id: column(TABLE, "tenant_id", id, row.tenant_id.parse())?,
        mode: column(TABLE, "mode", id, Mode::parse(&row.mode).ok_or(()))?,
        order_id: column(TABLE, "order_id", id, row.order_id.parse())?,
        attempt_id: column(TABLE, "attempt_id", id, row.attempt_id.parse())?,
        provider_id: column(TABLE, "provider_id", id, row.provider_id.parse())?,
        kind: column(TABLE, "kind", id, kind)?,
        total: column(TABLE, "total_fen", id, Fen::new(row.total_fen))?,
        state: column(TABLE, "state", id, state)?,
        refund_id: column(TABLE, "refund_id", id, refund)?,
        transaction_id: row.transaction_id,
        success_time: Timestamp::from_millis(row.success_time),
        decided_by: row.decided_by,
        reason: row.reason,
        created_at: Timestamp::from_millis(row.created_at),
        updated_at: Timestamp::from_millis(row.updated_at),
    })
}
