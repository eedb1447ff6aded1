//! The comparison of each provider's day with its bill: when it is due, and what it came to.

use std::collections::HashSet;

use sea_orm::sea_query::Expr;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use tributary_domain::bill::BillDay;
use tributary_domain::clock::Timestamp;
use tributary_domain::ids::ProviderId;
use tributary_domain::reconciliation::{Figures, Reconciliation, ReconciliationState};
use tributary_domain::tenant::Mode;

use crate::entities::reconciliations::{ActiveModel, Column, Entity, Model};
use crate::error::{StorageError, column, database, expect_one, inserting};
use crate::{Access, Tx};

const TABLE: &str = "reconciliations";

/// Records that a day is to be compared. `Duplicate` when it is recorded already.
pub async fn insert(tx: &Tx, run: &Reconciliation) -> Result<(), StorageError> {
    let (payments, refunds) = (&run.payments, &run.refunds);
    let row = ActiveModel {
        id: Set(run.id.to_string()),
        provider_id: Set(run.provider_id.to_string()),
        mode: Set(run.mode.as_str().to_owned()),
        day: Set(run.day.to_string()),
        state: Set(run.state.as_str().to_owned()),
        tries: Set(run.tries),
        next_try_at: Set(run.next_try_at.map(Timestamp::as_millis)),
        bill_id: Set(run.bill_id.as_ref().map(ToString::to_string)),
        payment_local_count: Set(payments.local_count),
        payment_local_fen: Set(payments.local_fen),
        payment_bill_count: Set(payments.bill_count),
        payment_bill_fen: Set(payments.bill_fen),
        payment_discrepancy_fen: Set(payments.discrepancy_fen),
        refund_local_count: Set(refunds.local_count),
        refund_local_fen: Set(refunds.local_fen),
        refund_bill_count: Set(refunds.bill_count),
        refund_bill_fen: Set(refunds.bill_fen),
        refund_discrepancy_fen: Set(refunds.discrepancy_fen),
        failure: Set(run.failure.clone()),
        created_at: Set(run.created_at.as_millis()),
        updated_at: Set(run.updated_at.as_millis()),
        completed_at: Set(run.completed_at.map(Timestamp::as_millis)),
        closed_at: Set(run.closed_at.map(Timestamp::as_millis)),
        closed_by: Set(run.closed_by.clone()),
    };
    Entity::insert(row)
        .exec_without_returning(tx.connection())
        .await
        .map_err(inserting(TABLE))?;
    Ok(())
}

/// Writes what became of a try, provided nobody tried since `before` was read.
pub async fn update(
    tx: &Tx,
    before: &Reconciliation,
    after: &Reconciliation,
) -> Result<(), StorageError> {
    let (payments, refunds) = (&after.payments, &after.refunds);
    let mut change = Entity::update_many();
    for (column, value) in [
        (Column::Tries, after.tries),
        (Column::PaymentLocalCount, payments.local_count),
        (Column::PaymentLocalFen, payments.local_fen),
        (Column::PaymentBillCount, payments.bill_count),
        (Column::PaymentBillFen, payments.bill_fen),
        (Column::PaymentDiscrepancyFen, payments.discrepancy_fen),
        (Column::RefundLocalCount, refunds.local_count),
        (Column::RefundLocalFen, refunds.local_fen),
        (Column::RefundBillCount, refunds.bill_count),
        (Column::RefundBillFen, refunds.bill_fen),
        (Column::RefundDiscrepancyFen, refunds.discrepancy_fen),
        (Column::UpdatedAt, after.updated_at.as_millis()),
    ] {
        change = change.col_expr(column, Expr::value(value));
    }
    let changed = change
        .col_expr(Column::State, Expr::value(after.state.as_str()))
        .col_expr(
            Column::NextTryAt,
            Expr::value(after.next_try_at.map(Timestamp::as_millis)),
        )
        .col_expr(
            Column::BillId,
            Expr::value(after.bill_id.as_ref().map(ToString::to_string)),
        )
        .col_expr(Column::Failure, Expr::value(after.failure.clone()))
        .col_expr(
            Column::CompletedAt,
            Expr::value(after.completed_at.map(Timestamp::as_millis)),
        )
        .col_expr(
            Column::ClosedAt,
            Expr::value(after.closed_at.map(Timestamp::as_millis)),
        )
        .col_expr(Column::ClosedBy, Expr::value(after.closed_by.clone()))
        .filter(Column::Id.eq(before.id.as_str()))
        .filter(Column::State.eq(before.state.as_str()))
        .filter(Column::Tries.eq(before.tries))
        .filter(match before.closed_at {
            Some(at) => Column::ClosedAt.eq(at.as_millis()),
            None => Column::ClosedAt.is_null(),
        })
        .exec(tx.connection())
        .await
        .map_err(database("updating a reconciliation"))?;
    expect_one(TABLE, changed.rows_affected)
}

/// The comparison of a provider's day, when it is recorded.
pub async fn find_all_tenants(
    at: &impl Access,
    provider: &ProviderId,
    day: BillDay,
) -> Result<Option<Reconciliation>, StorageError> {
    let row = Entity::find()
        .filter(Column::ProviderId.eq(provider.as_str()))
        .filter(Column::Day.eq(day.to_string()))
        .one(at.connection())
        .await
        .map_err(database("reading a reconciliation"))?;
    row.map(to_run).transpose()
}

/// The newest days of a provider that are recorded.
pub async fn days_all_tenants(
    at: &impl Access,
    provider: &ProviderId,
    limit: u64,
) -> Result<HashSet<BillDay>, StorageError> {
    let days: Vec<(String, String)> = Entity::find()
        .select_only()
        .columns([Column::Id, Column::Day])
        .filter(Column::ProviderId.eq(provider.as_str()))
        .order_by_desc(Column::Day)
        .limit(limit)
        .into_tuple()
        .all(at.connection())
        .await
        .map_err(database("reading the recorded days"))?;
    days.into_iter()
        .map(|(id, day)| column(TABLE, "day", &id, day.parse()))
        .collect()
}

/// The comparisons of a day in one mode.
pub async fn of_day_all_tenants(
    at: &impl Access,
    mode: Mode,
    day: BillDay,
    limit: u64,
) -> Result<Vec<Reconciliation>, StorageError> {
    let rows = Entity::find()
        .filter(Column::Mode.eq(mode.as_str()))
        .filter(Column::Day.eq(day.to_string()))
        .order_by_asc(Column::Id)
        .limit(limit)
        .all(at.connection())
        .await
        .map_err(database("reading the reconciliations of a day"))?;
    rows.into_iter().map(to_run).collect()
}

/// The comparisons of one mode before a day, the newest days first; every provider's, or one's.
pub async fn before_day_all_tenants(
    at: &impl Access,
    mode: Mode,
    provider: Option<&ProviderId>,
    before: Option<BillDay>,
    limit: u64,
) -> Result<Vec<Reconciliation>, StorageError> {
    let mut wanted = Entity::find().filter(Column::Mode.eq(mode.as_str()));
    if let Some(provider) = provider {
        wanted = wanted.filter(Column::ProviderId.eq(provider.as_str()));
    }
    if let Some(before) = before {
        wanted = wanted.filter(Column::Day.lt(before.to_string()));
    }
    let rows = wanted
        .order_by_desc(Column::Day)
        .order_by_asc(Column::ProviderId)
        .limit(limit)
        .all(at.connection())
        .await
        .map_err(database("listing reconciliations"))?;
    rows.into_iter().map(to_run).collect()
}

/// Comparisons whose time has come, oldest first.
pub async fn due_all_tenants(
    at: &impl Access,
    now: Timestamp,
    limit: u64,
) -> Result<Vec<Reconciliation>, StorageError> {
    let rows = Entity::find()
        .filter(Column::NextTryAt.lte(now.as_millis()))
        .order_by_asc(Column::NextTryAt)
        .order_by_asc(Column::Day)
        .limit(limit)
        .all(at.connection())
        .await
        .map_err(database("reading the reconciliations that are due"))?;
    rows.into_iter().map(to_run).collect()
}

fn to_run(row: Model) -> Result<Reconciliation, StorageError> {
    let id = row.id.as_str();
    let bill_id = row.bill_id.as_deref().map(str::parse).transpose();
    let state = ReconciliationState::parse(&row.state).ok_or(());
    Ok(Reconciliation {
        id: column(TABLE, "id", id, id.parse())?,
        provider_id: column(TABLE, "provider_id", id, row.provider_id.parse())?,
        mode: column(TABLE, "mode", id, Mode::parse(&row.mode).ok_or(()))?,
        day: column(TABLE, "day", id, row.day.parse())?,
        state: column(TABLE, "state", id, state)?,
        tries: row.tries,
        next_try_at: row.next_try_at.map(Timestamp::from_millis),
        bill_id: column(TABLE, "bill_id", id, bill_id)?,
        payments: Figures {
            local_count: row.payment_local_count,
            local_fen: row.payment_local_fen,
            bill_count: row.payment_bill_count,
            bill_fen: row.payment_bill_fen,
            discrepancy_fen: row.payment_discrepancy_fen,
        },
        refunds: Figures {
            local_count: row.refund_local_count,
            local_fen: row.refund_local_fen,
            bill_count: row.refund_bill_count,
            bill_fen: row.refund_bill_fen,
            discrepancy_fen: row.refund_discrepancy_fen,
        },
        failure: row.failure,
        created_at: Timestamp::from_millis(row.created_at),
        updated_at: Timestamp::from_millis(row.updated_at),
        completed_at: row.completed_at.map(Timestamp::from_millis),
        closed_at: row.closed_at.map(Timestamp::from_millis),
        closed_by: row.closed_by,
    })
}
