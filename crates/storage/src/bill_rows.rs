//! Rows of trade bills: ours, and the first of those that are nobody's.

use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
};
use tributary_domain::bill::{BillDay, BillRow, RowKind};
use tributary_domain::clock::Timestamp;
use tributary_domain::ids::{BillId, TenantId};
use tributary_domain::tenant::Mode;

use crate::entities::bill_rows::{ActiveModel, Column, Entity, Model};
use crate::entities::bills;
use crate::error::{StorageError, column, database, inserting};
use crate::statement_sizes::power_of_two_chunks;
use crate::{Access, Tx};

const TABLE: &str = "bill_rows";

/// Keeps rows; they count once their bill is verified.
pub async fn insert_all(tx: &Tx, rows: &[BillRow]) -> Result<(), StorageError> {
    let rows: Vec<ActiveModel> = rows.iter().map(to_model).collect();
    for chunk in power_of_two_chunks(&rows) {
        Entity::insert_many(chunk.iter().cloned())
            .exec_without_returning(tx.connection())
            .await
            .map_err(inserting(TABLE))?;
    }
    Ok(())
}

/// Where a page of rows ended, in the order of kind, number and line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowPlace {
    /// The kind.
    pub kind: RowKind,
    /// The number that it is matched by.
    pub number: String,
    /// The line.
    pub line: i64,
}

/// The rows of a bill, those of one number side by side, starting after `after`.
pub async fn by_number_all_tenants(
    at: &impl Access,
    bill: &BillId,
    after: Option<&RowPlace>,
    limit: u64,
) -> Result<Vec<BillRow>, StorageError> {
    let mut wanted = Condition::all().add(Column::BillId.eq(bill.as_str()));
    if let Some(place) = after {
        let kind = place.kind.as_str();
        let number = place.number.as_str();
        let same_number = Condition::all()
            .add(Column::Number.eq(number))
            .add(Column::Line.gt(place.line));
        let same_kind = Condition::all().add(Column::Kind.eq(kind)).add(
            Condition::any()
                .add(Column::Number.gt(number))
                .add(same_number),
        );
        wanted = wanted.add(Condition::any().add(Column::Kind.gt(kind)).add(same_kind));
    }
    let rows = Entity::find()
        .filter(wanted)
        .order_by_asc(Column::Kind)
        .order_by_asc(Column::Number)
        .order_by_asc(Column::Line)
        .limit(limit)
        .all(at.connection())
        .await
        .map_err(database("reading the rows of a bill"))?;
    rows.into_iter().map(to_row).collect()
}

/// Which of some numbers stand in one of these bills.
pub async fn having_all_tenants(
    at: &impl Access,
    bills: &[BillId],
    kind: RowKind,
    numbers: &[&str],
) -> Result<Vec<String>, StorageError> {
    Entity::find()
        .select_only()
        .column(Column::Number)
        .filter(Column::BillId.is_in(bills.iter().map(BillId::as_str)))
        .filter(Column::Kind.eq(kind.as_str()))
        .filter(Column::Number.is_in(numbers.iter().copied()))
        .into_tuple()
        .all(at.connection())
        .await
        .map_err(database("looking for numbers in bills"))
}

/// A tenant's rows of a day in the order of the bill, after the row at `(bill, line)`.
pub async fn list(
    at: &impl Access,
    tenant: &TenantId,
    (mode, day): (Mode, BillDay),
    after: Option<(&BillId, i64)>,
    limit: u64,
) -> Result<Vec<BillRow>, StorageError> {
    let mut wanted = Condition::all()
        .add(Column::TenantId.eq(tenant.as_str()))
        .add(Column::Mode.eq(mode.as_str()))
        .add(Column::Day.eq(day.to_string()))
        .add(Column::BillId.in_subquery(verified()));
    if let Some((bill, line)) = after {
        let same_bill = Condition::all()
            .add(Column::BillId.eq(bill.as_str()))
            .add(Column::Line.gt(line));
        wanted = wanted.add(
            Condition::any()
                .add(Column::BillId.gt(bill.as_str()))
                .add(same_bill),
        );
    }
    let rows = Entity::find()
        .filter(wanted)
        .order_by_asc(Column::BillId)
        .order_by_asc(Column::Line)
        .limit(limit)
        .all(at.connection())
        .await
        .map_err(database("listing rows of a bill"))?;
    rows.into_iter().map(to_row).collect()
}

/// The tenants that have rows in a bill, in order of their ids.
pub async fn tenants_of_bill_all_tenants(
    at: &impl Access,
    bill: &BillId,
    after: Option<&TenantId>,
    limit: u64,
) -> Result<Vec<(TenantId, Mode)>, StorageError> {
    let mut query = Entity::find()
        .select_only()
        .columns([Column::TenantId, Column::Mode])
        .distinct()
        .filter(Column::BillId.eq(bill.as_str()))
        .filter(Column::TenantId.is_not_null());
    if let Some(after) = after {
        query = query.filter(Column::TenantId.gt(after.as_str()));
    }
    let found: Vec<(String, String)> = query
        .order_by_asc(Column::TenantId)
        .limit(limit)
        .into_tuple()
        .all(at.connection())
        .await
        .map_err(database("reading the tenants of a bill"))?;
    let parse = |(tenant, mode): (String, String)| {
        let id = column(TABLE, "tenant_id", bill.as_str(), tenant.parse())?;
        let mode = column(TABLE, "mode", bill.as_str(), Mode::parse(&mode).ok_or(()))?;
        Ok((id, mode))
    };
    found.into_iter().map(parse).collect()
}

/// The bills whose rows count.
fn verified() -> sea_orm::sea_query::SelectStatement {
    use sea_orm::QueryTrait as _;
    let state = tributary_domain::bill::BillState::Verified.as_str();
    bills::Entity::find()
        .select_only()
        .column(bills::Column::Id)
        .filter(bills::Column::State.eq(state))
        .into_query()
}

fn to_model(row: &BillRow) -> ActiveModel {
    ActiveModel {
        bill_id: Set(row.bill_id.to_string()),
        line: Set(row.line),
        provider_id: Set(row.provider_id.to_string()),
        mode: Set(row.mode.as_str().to_owned()),
        day: Set(row.day.to_string()),
        kind: Set(row.kind.as_str().to_owned()),
        number: Set(row.number().to_owned()),
        tenant_id: Set(row.tenant_id.as_ref().map(ToString::to_string)),
        order_id: Set(row.order_id.as_ref().map(ToString::to_string)),
        refund_id: Set(row.refund_id.as_ref().map(ToString::to_string)),
        trade_time: Set(row.trade_time.as_millis()),
        sub_mchid: Set(row.sub_mchid.clone()),
        transaction_id: Set(row.transaction_id.clone()),
        out_trade_no: Set(row.out_trade_no.clone()),
        wechat_refund_id: Set(row.wechat_refund_id.clone()),
        out_refund_no: Set(row.out_refund_no.clone()),
        refund_status: Set(row.refund_status.clone()),
        trade_type: Set(row.trade_type.clone()),
        bank_type: Set(row.bank_type.clone()),
        total_fen: Set(row.total_fen),
        refund_fen: Set(row.refund_fen),
        fee_base_fen: Set(row.fee_base_fen),
        fee_millifen: Set(row.fee_millifen),
        rate: Set(row.rate.clone()),
    }
}

fn to_row(row: Model) -> Result<BillRow, StorageError> {
    let id = row.bill_id.as_str();
    let tenant_id = row.tenant_id.as_deref().map(str::parse).transpose();
    let order_id = row.order_id.as_deref().map(str::parse).transpose();
    let refund_id = row.refund_id.as_deref().map(str::parse).transpose();
    Ok(BillRow {
        bill_id: column(TABLE, "bill_id", id, id.parse())?,
        line: row.line,
        provider_id: column(TABLE, "provider_id", id, row.provider_id.parse())?,
        mode: column(TABLE, "mode", id, Mode::parse(&row.mode).ok_or(()))?,
        day: column(TABLE, "day", id, row.day.parse())?,
        kind: column(TABLE, "kind", id, RowKind::parse(&row.kind).ok_or(()))?,
        tenant_id: column(TABLE, "tenant_id", id, tenant_id)?,
        order_id: column(TABLE, "order_id", id, order_id)?,
        refund_id: column(TABLE, "refund_id", id, refund_id)?,
        trade_time: Timestamp::from_millis(row.trade_time),
        sub_mchid: row.sub_mchid,
        transaction_id: row.transaction_id,
        out_trade_no: row.out_trade_no,
        wechat_refund_id: row.wechat_refund_id,
        out_refund_no: row.out_refund_no,
        refund_status: row.refund_status,
        trade_type: row.trade_type,
        bank_type: row.bank_type,
        total_fen: row.total_fen,
        refund_fen: row.refund_fen,
        fee_base_fen: row.fee_base_fen,
        fee_millifen: row.fee_millifen,
        rate: row.rate,
    })
}
