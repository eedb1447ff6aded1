//! Bills and their sealed content. What spans tenants is the provider's file; a tenant's rows are in `bill_rows`.

use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect,
};
use tributary_domain::bill::{Bill, BillDay, BillKind, BillName, BillState, BillSums};
use tributary_domain::clock::Timestamp;
use tributary_domain::ids::{BillId, ProviderId};
use tributary_domain::tenant::Mode;

use crate::entities::bills::{ActiveModel, Column, Entity, Model};
use crate::entities::{bill_chunks, bill_rows};
use crate::error::{StorageError, column, database, expect_one, inserting};
use crate::{Access, Tx};

const TABLE: &str = "bills";

/// Which bills a list shows.
#[derive(Clone, Debug, Default)]
pub struct BillFilter {
    /// Only of this provider.
    pub provider_id: Option<ProviderId>,
    /// Only of this day.
    pub day: Option<BillDay>,
    /// Only of this kind.
    pub kind: Option<BillKind>,
}

/// Records a bill whose download begins.
pub async fn insert(tx: &Tx, bill: &Bill) -> Result<(), StorageError> {
    let row = ActiveModel {
        id: Set(bill.id.to_string()),
        provider_id: Set(bill.name.provider_id.to_string()),
        mode: Set(bill.mode.as_str().to_owned()),
        day: Set(bill.name.day.to_string()),
        kind: Set(bill.name.kind.as_str().to_owned()),
        account: Set(bill.name.account.clone()),
        state: Set(bill.state.as_str().to_owned()),
        content_hash: Set(bill.content_hash.clone()),
        content_bytes: Set(bill.content_bytes),
        chunks: Set(bill.chunks),
        rows: Set(bill.sums.rows),
        refund_rows: Set(bill.sums.refund_rows),
        payment_fen: Set(bill.sums.payment_fen),
        refund_fen: Set(bill.sums.refund_fen),
        unlisted_rows: Set(bill.sums.unlisted_rows),
        unlisted_payment_fen: Set(bill.sums.unlisted_payment_fen),
        unlisted_refund_fen: Set(bill.sums.unlisted_refund_fen),
        failure: Set(bill.failure.clone()),
        created_at: Set(bill.created_at.as_millis()),
        finished_at: Set(bill.finished_at.map(Timestamp::as_millis)),
    };
    Entity::insert(row)
        .exec_without_returning(tx.connection())
        .await
        .map_err(inserting(TABLE))?;
    Ok(())
}

/// Ends a download: the bill must still be loading. `Duplicate` when the same content is stored already.
pub async fn finish(tx: &Tx, bill: &Bill) -> Result<(), StorageError> {
    let sums = &bill.sums;
    let changed = Entity::update_many()
        .col_expr(Column::State, Expr::value(bill.state.as_str()))
        .col_expr(Column::ContentHash, Expr::value(bill.content_hash.as_str()))
        .col_expr(Column::ContentBytes, Expr::value(bill.content_bytes))
        .col_expr(Column::Chunks, Expr::value(bill.chunks))
        .col_expr(Column::Rows, Expr::value(sums.rows))
        .col_expr(Column::RefundRows, Expr::value(sums.refund_rows))
        .col_expr(Column::PaymentFen, Expr::value(sums.payment_fen))
        .col_expr(Column::RefundFen, Expr::value(sums.refund_fen))
        .col_expr(Column::UnlistedRows, Expr::value(sums.unlisted_rows))
        .col_expr(
            Column::UnlistedPaymentFen,
            Expr::value(sums.unlisted_payment_fen),
        )
        .col_expr(
            Column::UnlistedRefundFen,
            Expr::value(sums.unlisted_refund_fen),
        )
        .col_expr(Column::Failure, Expr::value(bill.failure.clone()))
        .col_expr(
            Column::FinishedAt,
            Expr::value(bill.finished_at.map(Timestamp::as_millis)),
        )
        .filter(Column::Id.eq(bill.id.as_str()))
        .filter(Column::State.eq(BillState::Loading.as_str()))
        .exec(tx.connection())
        .await
        .map_err(inserting(TABLE))?;
    expect_one(TABLE, changed.rows_affected)
}

/// The stored bill of this name, the newest when WeChat gave several; an empty day is a bill as well.
pub async fn find_all_tenants(
    at: &impl Access,
    name: &BillName,
) -> Result<Option<Bill>, StorageError> {
    let usable = [BillState::Verified, BillState::Empty].map(BillState::as_str);
    let row = of_name(name)
        .filter(Column::State.is_in(usable))
        .order_by_desc(Column::Id)
        .limit(1)
        .one(at.connection())
        .await
        .map_err(database("reading a bill"))?;
    row.map(to_bill).transpose()
}

/// Whether WeChat refused a bill with this code since an instant.
pub async fn is_refused_all_tenants(
    at: &impl Access,
    name: &BillName,
    code: &str,
    since: Timestamp,
) -> Result<bool, StorageError> {
    let refused = of_name(name)
        .filter(Column::State.eq(BillState::Rejected.as_str()))
        .filter(Column::Failure.eq(code))
        .filter(Column::CreatedAt.gte(since.as_millis()))
        .count(at.connection())
        .await
        .map_err(database("looking for a refused bill"))?;
    Ok(refused > 0)
}

/// Bills of one mode, the newest first, before `before`.
pub async fn list_all_tenants(
    at: &impl Access,
    mode: Mode,
    filter: &BillFilter,
    before: Option<&BillId>,
    limit: u64,
) -> Result<Vec<Bill>, StorageError> {
    let mut wanted = Entity::find().filter(Column::Mode.eq(mode.as_str()));
    if let Some(provider) = &filter.provider_id {
        wanted = wanted.filter(Column::ProviderId.eq(provider.as_str()));
    }
    if let Some(day) = filter.day {
        wanted = wanted.filter(Column::Day.eq(day.to_string()));
    }
    if let Some(kind) = filter.kind {
        wanted = wanted.filter(Column::Kind.eq(kind.as_str()));
    }
    if let Some(before) = before {
        wanted = wanted.filter(Column::Id.lt(before.as_str()));
    }
    let rows = wanted
        .order_by_desc(Column::Id)
        .limit(limit)
        .all(at.connection())
        .await
        .map_err(database("listing bills"))?;
    rows.into_iter().map(to_bill).collect()
}

/// A bill by its id.
pub async fn by_id_all_tenants(
    at: &impl Access,
    id: &BillId,
) -> Result<Option<Bill>, StorageError> {
    let row = Entity::find_by_id(id.as_str())
        .one(at.connection())
        .await
        .map_err(database("reading a bill by its id"))?;
    row.map(to_bill).transpose()
}

/// Bills of this name whose download began and did not end: whoever has the provider's lease may throw them away.
pub async fn loading_all_tenants(
    at: &impl Access,
    name: &BillName,
) -> Result<Vec<Bill>, StorageError> {
    let rows = of_name(name)
        .filter(Column::State.eq(BillState::Loading.as_str()))
        .all(at.connection())
        .await
        .map_err(database("reading unfinished bills"))?;
    rows.into_iter().map(to_bill).collect()
}

/// Bills in one state that were begun before an instant, oldest first.
pub async fn older_all_tenants(
    at: &impl Access,
    state: BillState,
    before: Timestamp,
    limit: u64,
) -> Result<Vec<Bill>, StorageError> {
    let rows = Entity::find()
        .filter(Column::State.eq(state.as_str()))
        .filter(Column::CreatedAt.lt(before.as_millis()))
        .order_by_asc(Column::CreatedAt)
        .limit(limit)
        .all(at.connection())
        .await
        .map_err(database("reading old bills"))?;
    rows.into_iter().map(to_bill).collect()
}

/// Keeps one piece of a bill's content, sealed by the data key of this id.
pub async fn insert_chunk(
    tx: &Tx,
    bill: &BillId,
    number: i64,
    (sealed, data_key): (Vec<u8>, String),
) -> Result<(), StorageError> {
    let row = bill_chunks::ActiveModel {
        bill_id: Set(bill.to_string()),
        number: Set(number),
        sealed: Set(sealed),
        data_key_id: Set(Some(data_key)),
    };
    bill_chunks::Entity::insert(row)
        .exec_without_returning(tx.connection())
        .await
        .map_err(inserting("bill_chunks"))?;
    Ok(())
}

/// One sealed piece of a bill's content.
pub async fn chunk_all_tenants(
    at: &impl Access,
    bill: &BillId,
    number: i64,
) -> Result<Option<Vec<u8>>, StorageError> {
    let row = bill_chunks::Entity::find_by_id((bill.to_string(), number))
        .one(at.connection())
        .await
        .map_err(database("reading a piece of a bill"))?;
    Ok(row.map(|row| row.sealed))
}

/// Deletes a bounded part of what a bill holds, `chunks` pieces and `rows` rows; returns how many went.
pub async fn empty_all_tenants(
    tx: &Tx,
    bill: &BillId,
    (chunks, rows): (u64, u64),
) -> Result<u64, StorageError> {
    let numbers: Vec<i64> = bill_chunks::Entity::find()
        .select_only()
        .column(bill_chunks::Column::Number)
        .filter(bill_chunks::Column::BillId.eq(bill.as_str()))
        .limit(chunks)
        .into_tuple()
        .all(tx.connection())
        .await
        .map_err(database("reading the pieces of a bill"))?;
    let pieces = bill_chunks::Entity::delete_many()
        .filter(bill_chunks::Column::BillId.eq(bill.as_str()))
        .filter(bill_chunks::Column::Number.is_in(numbers))
        .exec(tx.connection())
        .await
        .map_err(database("deleting the pieces of a bill"))?;
    let lines: Vec<i64> = bill_rows::Entity::find()
        .select_only()
        .column(bill_rows::Column::Line)
        .filter(bill_rows::Column::BillId.eq(bill.as_str()))
        .limit(rows)
        .into_tuple()
        .all(tx.connection())
        .await
        .map_err(database("reading the rows of a bill"))?;
    let gone = bill_rows::Entity::delete_many()
        .filter(bill_rows::Column::BillId.eq(bill.as_str()))
        .filter(bill_rows::Column::Line.is_in(lines))
        .exec(tx.connection())
        .await
        .map_err(database("deleting the rows of a bill"))?;
    Ok(pieces.rows_affected.saturating_add(gone.rows_affected))
}

/// Forgets a bill that holds nothing any more.
pub async fn delete_all_tenants(tx: &Tx, bill: &BillId) -> Result<(), StorageError> {
    Entity::delete_many()
        .filter(Column::Id.eq(bill.as_str()))
        .exec(tx.connection())
        .await
        .map_err(database("deleting a bill"))?;
    Ok(())
}

fn of_name(name: &BillName) -> sea_orm::Select<Entity> {
    Entity::find()
        .filter(Column::ProviderId.eq(name.provider_id.as_str()))
        .filter(Column::Day.eq(name.day.to_string()))
        .filter(Column::Kind.eq(name.kind.as_str()))
        .filter(Column::Account.eq(name.account.as_str()))
}

fn to_bill(row: Model) -> Result<Bill, StorageError> {
    let id = row.id.as_str();
    Ok(Bill {
        id: column(TABLE, "id", id, id.parse())?,
        name: BillName {
            provider_id: column(TABLE, "provider_id", id, row.provider_id.parse())?,
            day: column(TABLE, "day", id, row.day.parse())?,
            kind: column(TABLE, "kind", id, BillKind::parse(&row.kind).ok_or(()))?,
            account: row.account,
        },
        mode: column(TABLE, "mode", id, Mode::parse(&row.mode).ok_or(()))?,
        state: column(TABLE, "state", id, BillState::parse(&row.state).ok_or(()))?,
        content_hash: row.content_hash,
        content_bytes: row.content_bytes,
        chunks: row.chunks,
        sums: BillSums {
            rows: row.rows,
            refund_rows: row.refund_rows,
            payment_fen: row.payment_fen,
            refund_fen: row.refund_fen,
            unlisted_rows: row.unlisted_rows,
            unlisted_payment_fen: row.unlisted_payment_fen,
            unlisted_refund_fen: row.unlisted_refund_fen,
        },
        failure: row.failure,
        created_at: Timestamp::from_millis(row.created_at),
        finished_at: row.finished_at.map(Timestamp::from_millis),
    })
}
