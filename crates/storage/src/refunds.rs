//! Refunds.

use sea_orm::sea_query::{Expr, LockType};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use tributary_domain::clock::Timestamp;
use tributary_domain::ids::{OrderId, ProviderId, RefundId, TenantId};
use tributary_domain::merchant::{MerchantRefundNo, OutTradeNo};
use tributary_domain::money::Fen;
use tributary_domain::refund::{Refund, RefundOrigin, RefundState};
use tributary_domain::tenant::Mode;

use crate::entities::refunds::{ActiveModel, Column, Entity, Model};
use crate::error::{StorageError, column, database, expect_one, inserting};
use crate::{Access, Tx};

const TABLE: &str = "refunds";

/// Which refunds a list shows.
#[derive(Clone, Debug, Default)]
pub struct RefundFilter {
    /// Only in this state.
    pub state: Option<RefundState>,
    /// Only of this order.
    pub order_id: Option<OrderId>,
    /// Only with this number of the tenant's.
    pub merchant_refund_no: Option<MerchantRefundNo>,
    /// Only recorded at or after this instant.
    pub created_from: Option<Timestamp>,
    /// Only recorded before this instant.
    pub created_to: Option<Timestamp>,
}

/// Records a new refund. `Duplicate` when the tenant used the number before.
pub async fn insert(tx: &Tx, refund: &Refund) -> Result<(), StorageError> {
    let id = refund.id.as_str();
    let row = ActiveModel {
        id: Set(refund.id.to_string()),
        tenant_id: Set(refund.tenant_id.to_string()),
        mode: Set(refund.mode.as_str().to_owned()),
        provider_id: Set(refund.provider_id.to_string()),
        order_id: Set(refund.order_id.to_string()),
        attempt_id: Set(refund.attempt_id.to_string()),
        late_payment_id: Set(refund.late_payment_id.as_ref().map(ToString::to_string)),
        sub_mchid: Set(refund.sub_mchid.to_string()),
        origin: Set(refund.origin.as_str().to_owned()),
        merchant_refund_no: Set(refund.content.merchant_refund_no.to_string()),
        out_refund_no: Set(refund.out_refund_no.to_string()),
        out_trade_no: Set(refund.out_trade_no.to_string()),
        transaction_id: Set(refund.transaction_id.clone()),
        refund_fen: Set(refund.content.refund.as_i64()),
        total_fen: Set(refund.total.as_i64()),
        content: Set(json("content", id, &refund.content)?),
        body: Set(refund.body.clone()),
        state: Set(refund.state.as_str().to_owned()),
        refund_id: Set(refund.facts.refund_id.clone()),
        facts: Set(json("facts", id, &refund.facts)?),
        failure: Set(failure_json(refund)?),
        created_at: Set(refund.created_at.as_millis()),
        updated_at: Set(refund.updated_at.as_millis()),
        event_seq: Set(refund.event_seq),
        sent_at: Set(refund.sent_at.map(Timestamp::as_millis)),
        last_sent_at: Set(refund.last_sent_at.map(Timestamp::as_millis)),
        next_try_at: Set(refund.next_try_at.map(Timestamp::as_millis)),
        tries: Set(refund.tries),
        accepted_at: Set(refund.facts.accepted_at.map(Timestamp::as_millis)),
    };
    Entity::insert(row)
        .exec_without_returning(tx.connection())
        .await
        .map_err(inserting(TABLE))?;
    Ok(())
}

/// Finds a tenant's refund.
pub async fn find(
    at: &impl Access,
    tenant: &TenantId,
    mode: Mode,
    id: &RefundId,
) -> Result<Option<Refund>, StorageError> {
    let row = of_tenant(tenant, mode)
        .filter(Column::Id.eq(id.as_str()))
        .one(at.connection())
        .await
        .map_err(database("reading a refund"))?;
    row.map(to_refund).transpose()
}

/// Finds a tenant's refund by the tenant's own number.
pub async fn find_by_number(
    at: &impl Access,
    tenant: &TenantId,
    mode: Mode,
    number: &MerchantRefundNo,
) -> Result<Option<Refund>, StorageError> {
    let row = of_tenant(tenant, mode)
        .filter(Column::MerchantRefundNo.eq(number.as_str()))
        .one(at.connection())
        .await
        .map_err(database("reading a refund by number"))?;
    row.map(to_refund).transpose()
}

/// Finds a tenant's refund and holds its row until the transaction ends. The order's row is taken first.
pub async fn lock(
    tx: &Tx,
    tenant: &TenantId,
    id: &RefundId,
) -> Result<Option<Refund>, StorageError> {
    let row = Entity::find()
        .filter(Column::TenantId.eq(tenant.as_str()))
        .filter(Column::Id.eq(id.as_str()))
        .lock(LockType::Update)
        .one(tx.connection())
        .await
        .map_err(database("locking a refund"))?;
    row.map(to_refund).transpose()
}

/// Lists a tenant's refunds, newest first, starting after the refund `after`.
pub async fn list(
    at: &impl Access,
    tenant: &TenantId,
    mode: Mode,
    filter: &RefundFilter,
    after: Option<&RefundId>,
    limit: u64,
) -> Result<Vec<Refund>, StorageError> {
    let mut wanted = of_tenant(tenant, mode);
    if let Some(state) = filter.state {
        wanted = wanted.filter(Column::State.eq(state.as_str()));
    }
    if let Some(order) = &filter.order_id {
        wanted = wanted.filter(Column::OrderId.eq(order.as_str()));
    }
    if let Some(number) = &filter.merchant_refund_no {
        wanted = wanted.filter(Column::MerchantRefundNo.eq(number.as_str()));
    }
    if let Some(from) = filter.created_from {
        wanted = wanted.filter(Column::CreatedAt.gte(from.as_millis()));
    }
    if let Some(to) = filter.created_to {
        wanted = wanted.filter(Column::CreatedAt.lt(to.as_millis()));
    }
    if let Some(after) = after {
        wanted = wanted.filter(Column::Id.lt(after.as_str()));
    }
    let rows = wanted
        .order_by_desc(Column::Id)
        .limit(limit)
        .all(at.connection())
        .await
        .map_err(database("listing refunds"))?;
    rows.into_iter().map(to_refund).collect()
}

/// The first `limit` refunds of a tenant's order, oldest first.
pub async fn of_order(
    at: &impl Access,
    tenant: &TenantId,
    order: &OrderId,
    limit: u64,
) -> Result<Vec<Refund>, StorageError> {
    let rows = Entity::find()
        .filter(Column::TenantId.eq(tenant.as_str()))
        .filter(Column::OrderId.eq(order.as_str()))
        .order_by_asc(Column::Id)
        .limit(limit)
        .all(at.connection())
        .await
        .map_err(database("reading the refunds of an order"))?;
    rows.into_iter().map(to_refund).collect()
}

/// Writes what may change about a refund, provided nobody changed it since `before` was read.
pub async fn update(tx: &Tx, before: &Refund, after: &Refund) -> Result<(), StorageError> {
    let id = before.id.as_str();
    let millis = |at: Option<Timestamp>| Expr::value(at.map(Timestamp::as_millis));
    let changed = Entity::update_many()
        .col_expr(Column::Body, Expr::value(after.body.clone()))
        .col_expr(Column::State, Expr::value(after.state.as_str()))
        .col_expr(Column::RefundId, Expr::value(after.facts.refund_id.clone()))
        .col_expr(Column::Facts, Expr::value(json("facts", id, &after.facts)?))
        .col_expr(
            Column::AcceptedAt,
            Expr::value(after.facts.accepted_at.map(Timestamp::as_millis)),
        )
        .col_expr(Column::Failure, Expr::value(failure_json(after)?))
        .col_expr(Column::UpdatedAt, Expr::value(after.updated_at.as_millis()))
        .col_expr(Column::EventSeq, Expr::value(after.event_seq))
        .col_expr(Column::SentAt, millis(after.sent_at))
        .col_expr(Column::LastSentAt, millis(after.last_sent_at))
        .col_expr(Column::NextTryAt, millis(after.next_try_at))
        .col_expr(Column::Tries, Expr::value(after.tries))
        .filter(Column::Id.eq(id))
        .filter(Column::TenantId.eq(before.tenant_id.as_str()))
        .filter(Column::State.eq(before.state.as_str()))
        .filter(Column::EventSeq.eq(before.event_seq))
        .exec(tx.connection())
        .await
        .map_err(database("updating a refund"))?;
    expect_one(TABLE, changed.rows_affected)
}

/// Which refund a number at WeChat belongs to; routing of what WeChat reports, so it spans tenants.
pub async fn find_by_out_refund_no_all_tenants(
    at: &impl Access,
    provider: &ProviderId,
    number: &str,
) -> Result<Option<Refund>, StorageError> {
    let row = Entity::find()
        .filter(Column::ProviderId.eq(provider.as_str()))
        .filter(Column::OutRefundNo.eq(number))
        .one(at.connection())
        .await
        .map_err(database("routing a refund number"))?;
    row.map(to_refund).transpose()
}

/// Open refunds whose next look is due, oldest first.
pub async fn due_all_tenants(
    at: &impl Access,
    now: Timestamp,
    limit: u64,
) -> Result<Vec<Refund>, StorageError> {
    let rows = Entity::find()
        .filter(Column::NextTryAt.lte(now.as_millis()))
        .order_by_asc(Column::NextTryAt)
        .limit(limit)
        .all(at.connection())
        .await
        .map_err(database("reading the refunds that are due"))?;
    rows.into_iter().map(to_refund).collect()
}

/// Takes a refund for oneself until `until`; false when another node was faster.
pub async fn claim(tx: &Tx, refund: &Refund, until: Timestamp) -> Result<bool, StorageError> {
    let seen = refund.next_try_at.map(Timestamp::as_millis);
    let changed = Entity::update_many()
        .col_expr(Column::NextTryAt, Expr::value(until.as_millis()))
        .filter(Column::Id.eq(refund.id.as_str()))
        .filter(Column::TenantId.eq(refund.tenant_id.as_str()))
        .filter(Column::NextTryAt.eq(seen))
        .exec(tx.connection())
        .await
        .map_err(database("claiming a refund"))?;
    Ok(changed.rows_affected == 1)
}

fn of_tenant(tenant: &TenantId, mode: Mode) -> sea_orm::Select<Entity> {
    Entity::find()
        .filter(Column::TenantId.eq(tenant.as_str()))
        .filter(Column::Mode.eq(mode.as_str()))
}

fn json<T: serde::Serialize>(
    name: &'static str,
    id: &str,
    value: &T,
) -> Result<String, StorageError> {
    column(TABLE, name, id, serde_json::to_string(value))
}

fn failure_json(refund: &Refund) -> Result<Option<String>, StorageError> {
    let id = refund.id.as_str();
    let failure = refund.failure.as_ref();
    failure.map(|why| json("failure", id, why)).transpose()
}

pub(crate) fn to_refund(row: Model) -> Result<Refund, StorageError> {
    let id = row.id.as_str();
    let late = row.late_payment_id.as_deref().map(str::parse).transpose();
    let failure = row.failure.as_deref().map(serde_json::from_str).transpose();
    let state = RefundState::parse(&row.state).ok_or(());
    let origin = RefundOrigin::parse(&row.origin).ok_or(());
    let out_trade_no = OutTradeNo::parse(&row.out_trade_no);
    Ok(Refund {
        id: column(TABLE, "id", id, id.parse())?,
        tenant_id: column(TABLE, "tenant_id", id, row.tenant_id.parse())?,
        mode: column(TABLE, "mode", id, Mode::parse(&row.mode).ok_or(()))?,
        provider_id: column(TABLE, "provider_id", id, row.provider_id.parse())?,
        order_id: column(TABLE, "order_id", id, row.order_id.parse())?,
        attempt_id: column(TABLE, "attempt_id", id, row.attempt_id.parse())?,
        late_payment_id: column(TABLE, "late_payment_id", id, late)?,
        sub_mchid: column(TABLE, "sub_mchid", id, row.sub_mchid.try_into())?,
        origin: column(TABLE, "origin", id, origin)?,
        content: column(TABLE, "content", id, serde_json::from_str(&row.content))?,
        out_refund_no: column(TABLE, "out_refund_no", id, row.out_refund_no.try_into())?,
        out_trade_no: column(TABLE, "out_trade_no", id, out_trade_no)?,
        total: column(TABLE, "total_fen", id, Fen::new(row.total_fen))?,
        state: column(TABLE, "state", id, state)?,
        facts: column(TABLE, "facts", id, serde_json::from_str(&row.facts))?,
        failure: column(TABLE, "failure", id, failure)?,
        transaction_id: row.transaction_id,
        body: row.body,
        created_at: Timestamp::from_millis(row.created_at),
        updated_at: Timestamp::from_millis(row.updated_at),
        event_seq: row.event_seq,
        sent_at: row.sent_at.map(Timestamp::from_millis),
        last_sent_at: row.last_sent_at.map(Timestamp::from_millis),
        next_try_at: row.next_try_at.map(Timestamp::from_millis),
        tries: row.tries,
    })
}
