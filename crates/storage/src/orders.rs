//! Orders and their attempts.

use sea_orm::sea_query::{Expr, LockType};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
};
use tributary_domain::clock::Timestamp;
use tributary_domain::ids::{AttemptId, OrderId, ProviderId, TenantId};
use tributary_domain::merchant::{Mchid, MerchantOrderNo, OutTradeNo};
use tributary_domain::money::{Fen, MoneyError};
use tributary_domain::order::{Attempt, AttemptState, Order, OrderState};
use tributary_domain::order_money::OrderMoney;
use tributary_domain::rehearsal::{Sabotage, is_broken};
use tributary_domain::tenant::Mode;

use crate::entities::{attempts, orders};
use crate::error::{StorageError, column, database, expect_one, inserting};
use crate::{Access, Tx};

const ORDERS: &str = "orders";
const ATTEMPTS: &str = "attempts";
/// More than ever are: one is open at a time, and what races leave behind is a few.
const OPEN_ATTEMPTS_MAX: u64 = 100;

/// Which orders a list shows.
#[derive(Clone, Debug, Default)]
pub struct OrderFilter {
    /// Only in this state.
    pub state: Option<OrderState>,
    /// Only with this number of the tenant's.
    pub merchant_order_no: Option<MerchantOrderNo>,
    /// Only for this sub-merchant.
    pub sub_mchid: Option<Mchid>,
    /// Only recorded at or after this instant.
    pub created_from: Option<Timestamp>,
    /// Only recorded before this instant.
    pub created_to: Option<Timestamp>,
}

/// Records a new order. `Duplicate` when the tenant used the number before.
pub async fn insert(tx: &Tx, order: &Order) -> Result<(), StorageError> {
    let row = orders::ActiveModel {
        id: Set(order.id.to_string()),
        tenant_id: Set(order.tenant_id.to_string()),
        mode: Set(order.mode.as_str().to_owned()),
        provider_id: Set(order.provider_id.to_string()),
        sub_merchant_id: Set(order.sub_merchant_id.to_string()),
        sp_mchid: Set(order.sp_mchid.to_string()),
        sp_appid: Set(order.sp_appid.to_string()),
        sub_mchid: Set(order.sub_mchid.to_string()),
        merchant_order_no: Set(order.content.merchant_order_no.to_string()),
        total_fen: Set(order.content.total.as_i64()),
        content: Set(to_json(&order.content, ORDERS, order.id.as_str())?),
        state: Set(order.state.as_str().to_owned()),
        trade_state: Set(order.trade_state.clone()),
        transaction_id: Set(order
            .payment
            .as_ref()
            .map(|paid| paid.transaction_id.clone())),
        payment: Set(payment_json(order)?),
        expires_at: Set(order.expires_at.as_millis()),
        created_at: Set(order.created_at.as_millis()),
        updated_at: Set(order.updated_at.as_millis()),
        event_seq: Set(order.event_seq),
        next_poll_at: Set(order.next_poll_at.map(Timestamp::as_millis)),
        polls: Set(order.polls),
        paid_fen: Set(order.money.paid.as_i64()),
        refunding_fen: Set(order.money.refunding.as_i64()),
        refunded_fen: Set(order.money.refunded.as_i64()),
        refund_count: Set(order.money.refunds),
        last_refund_at: Set(order.money.last_refund_at.map(Timestamp::as_millis)),
        paid_at: Set(paid_at(order)),
        payer_hash: Set(order.payer_hash.clone()),
        paid_source: Set(paid_source(order)),
        learned_at: Set(learned_at(order)),
    };
    orders::Entity::insert(row)
        .exec_without_returning(tx.connection())
        .await
        .map_err(inserting(ORDERS))?;
    Ok(())
}

/// Records a new attempt.
pub async fn insert_attempt(tx: &Tx, attempt: &Attempt) -> Result<(), StorageError> {
    let row = attempts::ActiveModel {
        id: Set(attempt.id.to_string()),
        tenant_id: Set(attempt.tenant_id.to_string()),
        order_id: Set(attempt.order_id.to_string()),
        provider_id: Set(attempt.provider_id.to_string()),
        out_trade_no: Set(attempt.out_trade_no.to_string()),
        body: Set(attempt.body.clone()),
        state: Set(attempt.state.as_str().to_owned()),
        prepay_id: Set(attempt.prepay_id.clone()),
        prepared_at: Set(attempt.prepared_at.map(Timestamp::as_millis)),
        created_at: Set(attempt.created_at.as_millis()),
    };
    attempts::Entity::insert(row)
        .exec_without_returning(tx.connection())
        .await
        .map_err(inserting(ATTEMPTS))?;
    Ok(())
}

/// Finds a tenant's order.
pub async fn find(
    at: &impl Access,
    tenant: &TenantId,
    mode: Mode,
    id: &OrderId,
) -> Result<Option<Order>, StorageError> {
    let row = of_tenant(tenant, mode)
        .filter(orders::Column::Id.eq(id.as_str()))
        .one(at.connection())
        .await
        .map_err(database("reading an order"))?;
    row.map(to_order).transpose()
}

/// Finds a tenant's order by the tenant's own number.
pub async fn find_by_number(
    at: &impl Access,
    tenant: &TenantId,
    mode: Mode,
    number: &MerchantOrderNo,
) -> Result<Option<Order>, StorageError> {
    let row = of_tenant(tenant, mode)
        .filter(orders::Column::MerchantOrderNo.eq(number.as_str()))
        .one(at.connection())
        .await
        .map_err(database("reading an order by number"))?;
    row.map(to_order).transpose()
}

/// Finds a tenant's order and holds its row until the transaction ends.
pub async fn lock(tx: &Tx, tenant: &TenantId, id: &OrderId) -> Result<Option<Order>, StorageError> {
    let row = orders::Entity::find()
        .filter(orders::Column::TenantId.eq(tenant.as_str()))
        .filter(orders::Column::Id.eq(id.as_str()))
        // SQLite knows no row locks; its writing transaction excludes every other already.
        .lock(LockType::Update)
        .one(tx.connection())
        .await
        .map_err(database("locking an order"))?;
    row.map(to_order).transpose()
}

/// Lists a tenant's orders, newest first, starting after the order `after`.
pub async fn list(
    at: &impl Access,
    tenant: &TenantId,
    mode: Mode,
    filter: &OrderFilter,
    after: Option<&OrderId>,
    limit: u64,
) -> Result<Vec<Order>, StorageError> {
    let mut wanted = Condition::all();
    if let Some(state) = filter.state {
        wanted = wanted.add(orders::Column::State.eq(state.as_str()));
    }
    if let Some(number) = &filter.merchant_order_no {
        wanted = wanted.add(orders::Column::MerchantOrderNo.eq(number.as_str()));
    }
    if let Some(sub_mchid) = &filter.sub_mchid {
        wanted = wanted.add(orders::Column::SubMchid.eq(sub_mchid.as_str()));
    }
    if let Some(from) = filter.created_from {
        wanted = wanted.add(orders::Column::CreatedAt.gte(from.as_millis()));
    }
    if let Some(to) = filter.created_to {
        wanted = wanted.add(orders::Column::CreatedAt.lt(to.as_millis()));
    }
    if let Some(after) = after {
        wanted = wanted.add(orders::Column::Id.lt(after.as_str()));
    }
    let rows = of_tenant(tenant, mode)
        .filter(wanted)
        .order_by_desc(orders::Column::Id)
        .limit(limit)
        .all(at.connection())
        .await
        .map_err(database("listing orders"))?;
    rows.into_iter().map(to_order).collect()
}

/// Writes what may change about an order, provided nobody changed it since `before` was read.
///
/// The sums of its refunds are left alone: [`update_money`] has them to itself.
pub async fn update(tx: &Tx, before: &Order, after: &Order) -> Result<(), StorageError> {
    let guard = Condition::all()
        .add(orders::Column::State.eq(before.state.as_str()))
        .add(orders::Column::EventSeq.eq(before.event_seq));
    let guard = if is_broken(Sabotage::UnguardedUpdate) {
        Condition::all()
    } else {
        guard
    };
    let changed = orders::Entity::update_many()
        .col_expr(orders::Column::State, Expr::value(after.state.as_str()))
        .col_expr(
            orders::Column::TradeState,
            Expr::value(after.trade_state.clone()),
        )
        .col_expr(
            orders::Column::TransactionId,
            Expr::value(
                after
                    .payment
                    .as_ref()
                    .map(|paid| paid.transaction_id.clone()),
            ),
        )
        .col_expr(orders::Column::Payment, Expr::value(payment_json(after)?))
        .col_expr(orders::Column::PaidAt, Expr::value(paid_at(after)))
        .col_expr(orders::Column::PaidSource, Expr::value(paid_source(after)))
        .col_expr(orders::Column::LearnedAt, Expr::value(learned_at(after)))
        .col_expr(
            orders::Column::PaidFen,
            Expr::value(after.money.paid.as_i64()),
        )
        .col_expr(
            orders::Column::UpdatedAt,
            Expr::value(after.updated_at.as_millis()),
        )
        .col_expr(orders::Column::EventSeq, Expr::value(after.event_seq))
        .col_expr(
            orders::Column::NextPollAt,
            Expr::value(after.next_poll_at.map(Timestamp::as_millis)),
        )
        .col_expr(orders::Column::Polls, Expr::value(after.polls))
        .filter(orders::Column::Id.eq(before.id.as_str()))
        .filter(orders::Column::TenantId.eq(before.tenant_id.as_str()))
        .filter(guard)
        .exec(tx.connection())
        .await
        .map_err(database("updating an order"))?;
    expect_one(ORDERS, changed.rows_affected)
}

/// Writes the sums of an order's refunds and the state that follows from them, provided nobody changed either.
///
/// The database itself refuses sums that exceed what was paid.
pub async fn update_money(tx: &Tx, before: &Order, after: &Order) -> Result<(), StorageError> {
    use orders::Column;
    let (was, is) = (&before.money, &after.money);
    let gone = is.refunding.as_i64().saturating_add(is.refunded.as_i64());
    let within_paid = if is_broken(Sabotage::RefundSumsUnguarded) {
        Condition::all()
    } else {
        Condition::all().add(Column::PaidFen.gte(gone))
    };
    let changed = orders::Entity::update_many()
        .col_expr(Column::State, Expr::value(after.state.as_str()))
        .col_expr(Column::RefundingFen, Expr::value(is.refunding.as_i64()))
        .col_expr(Column::RefundedFen, Expr::value(is.refunded.as_i64()))
        .col_expr(Column::RefundCount, Expr::value(is.refunds))
        .col_expr(
            Column::LastRefundAt,
            Expr::value(is.last_refund_at.map(Timestamp::as_millis)),
        )
        .col_expr(Column::UpdatedAt, Expr::value(after.updated_at.as_millis()))
        .filter(Column::Id.eq(before.id.as_str()))
        .filter(Column::TenantId.eq(before.tenant_id.as_str()))
        .filter(Column::State.eq(before.state.as_str()))
        .filter(Column::RefundingFen.eq(was.refunding.as_i64()))
        .filter(Column::RefundedFen.eq(was.refunded.as_i64()))
        .filter(Column::RefundCount.eq(was.refunds))
        .filter(within_paid)
        .exec(tx.connection())
        .await
        .map_err(database("updating the sums of an order"))?;
    expect_one(ORDERS, changed.rows_affected)
}

/// Writes the state of an attempt, provided it is still in the state `before`.
pub async fn update_attempt(
    tx: &Tx,
    before: AttemptState,
    after: &Attempt,
) -> Result<(), StorageError> {
    let changed = attempts::Entity::update_many()
        .col_expr(attempts::Column::State, Expr::value(after.state.as_str()))
        .col_expr(
            attempts::Column::PrepayId,
            Expr::value(after.prepay_id.clone()),
        )
        .col_expr(
            attempts::Column::PreparedAt,
            Expr::value(after.prepared_at.map(Timestamp::as_millis)),
        )
        .filter(attempts::Column::Id.eq(after.id.as_str()))
        .filter(attempts::Column::TenantId.eq(after.tenant_id.as_str()))
        .filter(attempts::Column::State.eq(before.as_str()))
        .exec(tx.connection())
        .await
        .map_err(database("updating an attempt"))?;
    expect_one(ATTEMPTS, changed.rows_affected)
}

/// Finds a tenant's attempt.
pub async fn find_attempt(
    at: &impl Access,
    tenant: &TenantId,
    id: &AttemptId,
) -> Result<Option<Attempt>, StorageError> {
    let row = attempts::Entity::find()
        .filter(attempts::Column::TenantId.eq(tenant.as_str()))
        .filter(attempts::Column::Id.eq(id.as_str()))
        .one(at.connection())
        .await
        .map_err(database("reading an attempt"))?;
    row.map(to_attempt).transpose()
}

/// The newest attempt of a tenant's order.
pub async fn latest_attempt(
    at: &impl Access,
    tenant: &TenantId,
    order: &OrderId,
) -> Result<Option<Attempt>, StorageError> {
    let row = attempts::Entity::find()
        .filter(attempts::Column::TenantId.eq(tenant.as_str()))
        .filter(attempts::Column::OrderId.eq(order.as_str()))
        .order_by_desc(attempts::Column::Id)
        .limit(1)
        .one(at.connection())
        .await
        .map_err(database("reading the newest attempt"))?;
    row.map(to_attempt).transpose()
}

/// The first `limit` attempts of a tenant's order, oldest first.
pub async fn attempts(
    at: &impl Access,
    tenant: &TenantId,
    order: &OrderId,
    limit: u64,
) -> Result<Vec<Attempt>, StorageError> {
    let rows = attempts::Entity::find()
        .filter(attempts::Column::TenantId.eq(tenant.as_str()))
        .filter(attempts::Column::OrderId.eq(order.as_str()))
        .order_by_asc(attempts::Column::Id)
        .limit(limit)
        .all(at.connection())
        .await
        .map_err(database("reading the attempts of an order"))?;
    rows.into_iter().map(to_attempt).collect()
}

/// The newest attempt of each of some orders, for a list.
pub async fn latest_attempts(
    at: &impl Access,
    tenant: &TenantId,
    orders: &[OrderId],
) -> Result<Vec<Attempt>, StorageError> {
    let ids: Vec<&str> = orders.iter().map(OrderId::as_str).collect();
    let rows = attempts::Entity::find()
        .filter(attempts::Column::TenantId.eq(tenant.as_str()))
        .filter(attempts::Column::OrderId.is_in(ids))
        .order_by_asc(attempts::Column::Id)
        .all(at.connection())
        .await
        .map_err(database("reading the newest attempts"))?;
    rows.into_iter().map(to_attempt).collect()
}

/// The attempts of a tenant's order that WeChat may still take money for, oldest first.
pub async fn open_attempts(
    at: &impl Access,
    tenant: &TenantId,
    order: &OrderId,
) -> Result<Vec<Attempt>, StorageError> {
    let open = AttemptState::ALL.iter().filter(|state| state.is_open());
    let rows = attempts::Entity::find()
        .filter(attempts::Column::TenantId.eq(tenant.as_str()))
        .filter(attempts::Column::OrderId.eq(order.as_str()))
        .filter(attempts::Column::State.is_in(open.map(|state| state.as_str())))
        .order_by_asc(attempts::Column::Id)
        .limit(OPEN_ATTEMPTS_MAX)
        .all(at.connection())
        .await
        .map_err(database("reading the open attempts of an order"))?;
    rows.into_iter().map(to_attempt).collect()
}

/// Which attempt a number at WeChat belongs to; routing of what WeChat reports, so it spans tenants.
pub async fn find_attempt_all_tenants(
    at: &impl Access,
    provider: &ProviderId,
    number: &str,
) -> Result<Option<Attempt>, StorageError> {
    let row = attempts::Entity::find()
        .filter(attempts::Column::ProviderId.eq(provider.as_str()))
        .filter(attempts::Column::OutTradeNo.eq(number))
        .one(at.connection())
        .await
        .map_err(database("routing an order number"))?;
    row.map(to_attempt).transpose()
}

/// Of whom nothing may be asked now.
#[derive(Clone, Copy, Debug, Default)]
pub struct NotNow<'a> {
    /// Everything of these providers.
    pub providers: &'a [ProviderId],
    /// Everything of these tenants.
    pub tenants: &'a [TenantId],
}

/// Open orders whose next look at WeChat is due, oldest first.
pub async fn due_all_tenants(
    at: &impl Access,
    now: Timestamp,
    without: &NotNow<'_>,
    limit: u64,
) -> Result<Vec<Order>, StorageError> {
    let mut due = orders::Entity::find().filter(orders::Column::NextPollAt.lte(now.as_millis()));
    if !without.providers.is_empty() {
        let ids = without.providers.iter().map(ProviderId::as_str);
        due = due.filter(orders::Column::ProviderId.is_not_in(ids));
    }
    if !without.tenants.is_empty() {
        let ids = without.tenants.iter().map(TenantId::as_str);
        due = due.filter(orders::Column::TenantId.is_not_in(ids));
    }
    let rows = due
        .order_by_asc(orders::Column::NextPollAt)
        .limit(limit)
        .all(at.connection())
        .await
        .map_err(database("reading the orders to poll"))?;
    rows.into_iter().map(to_order).collect()
}

/// Takes a due order for oneself until `until` and counts the look; false when another node was faster.
pub async fn claim_poll(tx: &Tx, order: &Order, until: Timestamp) -> Result<bool, StorageError> {
    let changed = orders::Entity::update_many()
        .col_expr(orders::Column::NextPollAt, Expr::value(until.as_millis()))
        .col_expr(
            orders::Column::Polls,
            Expr::value(order.polls.saturating_add(1)),
        )
        .filter(orders::Column::Id.eq(order.id.as_str()))
        .filter(orders::Column::TenantId.eq(order.tenant_id.as_str()))
        .filter(orders::Column::NextPollAt.eq(order.next_poll_at.map(Timestamp::as_millis)))
        .exec(tx.connection())
        .await
        .map_err(database("claiming an order to poll"))?;
    Ok(changed.rows_affected == 1)
}

fn of_tenant(tenant: &TenantId, mode: Mode) -> sea_orm::Select<orders::Entity> {
    orders::Entity::find()
        .filter(orders::Column::TenantId.eq(tenant.as_str()))
        .filter(orders::Column::Mode.eq(mode.as_str()))
}

fn to_json<T: serde::Serialize>(
    value: &T,
    table: &'static str,
    id: &str,
) -> Result<String, StorageError> {
    column(table, "content", id, serde_json::to_string(value))
}

fn payment_json(order: &Order) -> Result<Option<String>, StorageError> {
    order
        .payment
        .as_ref()
        .map(|paid| to_json(paid, ORDERS, order.id.as_str()))
        .transpose()
}

/// The day of the bill that shows it.
fn paid_at(order: &Order) -> Option<i64> {
    let payment = order.payment.as_ref();
    payment.map(|paid| paid.success_time.as_millis())
}

/// How we learned of the payment.
fn paid_source(order: &Order) -> Option<String> {
    let learned = order.payment.as_ref()?.learned?;
    Some(learned.source.as_str().to_owned())
}

/// When we learned of the payment.
fn learned_at(order: &Order) -> Option<i64> {
    let learned = order.payment.as_ref()?.learned?;
    Some(learned.at.as_millis())
}

pub(crate) fn to_order(row: orders::Model) -> Result<Order, StorageError> {
    let id = row.id.as_str();
    let payment = row.payment.as_deref().map(serde_json::from_str).transpose();
    Ok(Order {
        id: column(ORDERS, "id", id, id.parse())?,
        tenant_id: column(ORDERS, "tenant_id", id, row.tenant_id.parse())?,
        mode: column(ORDERS, "mode", id, Mode::parse(&row.mode).ok_or(()))?,
        provider_id: column(ORDERS, "provider_id", id, row.provider_id.parse())?,
        sub_merchant_id: column(ORDERS, "sub_merchant_id", id, row.sub_merchant_id.parse())?,
        sp_mchid: column(ORDERS, "sp_mchid", id, row.sp_mchid.try_into())?,
        sp_appid: column(ORDERS, "sp_appid", id, row.sp_appid.try_into())?,
        sub_mchid: column(ORDERS, "sub_mchid", id, row.sub_mchid.try_into())?,
        content: column(ORDERS, "content", id, serde_json::from_str(&row.content))?,
        state: column(ORDERS, "state", id, OrderState::parse(&row.state).ok_or(()))?,
        payment: column(ORDERS, "payment", id, payment)?,
        money: OrderMoney {
            paid: fen("paid_fen", id, row.paid_fen)?,
            refunding: fen("refunding_fen", id, row.refunding_fen)?,
            refunded: fen("refunded_fen", id, row.refunded_fen)?,
            refunds: row.refund_count,
            last_refund_at: row.last_refund_at.map(Timestamp::from_millis),
        },
        trade_state: row.trade_state,
        expires_at: Timestamp::from_millis(row.expires_at),
        created_at: Timestamp::from_millis(row.created_at),
        updated_at: Timestamp::from_millis(row.updated_at),
        event_seq: row.event_seq,
        next_poll_at: row.next_poll_at.map(Timestamp::from_millis),
        polls: row.polls,
        payer_hash: row.payer_hash,
    })
}

fn fen(name: &'static str, id: &str, amount: i64) -> Result<Fen, StorageError> {
    let parsed: Result<Fen, MoneyError> = Fen::new(amount);
    column(ORDERS, name, id, parsed)
}

fn to_attempt(row: attempts::Model) -> Result<Attempt, StorageError> {
    let id = row.id.as_str();
    Ok(Attempt {
        id: column(ATTEMPTS, "id", id, id.parse::<AttemptId>())?,
        tenant_id: column(ATTEMPTS, "tenant_id", id, row.tenant_id.parse())?,
        order_id: column(ATTEMPTS, "order_id", id, row.order_id.parse())?,
        provider_id: column(ATTEMPTS, "provider_id", id, row.provider_id.parse())?,
        out_trade_no: column(
            ATTEMPTS,
            "out_trade_no",
            id,
            OutTradeNo::parse(&row.out_trade_no),
        )?,
        state: column(
            ATTEMPTS,
            "state",
            id,
            AttemptState::parse(&row.state).ok_or(()),
        )?,
        body: row.body,
        prepay_id: row.prepay_id,
        prepared_at: row.prepared_at.map(Timestamp::from_millis),
        created_at: Timestamp::from_millis(row.created_at),
    })
}
