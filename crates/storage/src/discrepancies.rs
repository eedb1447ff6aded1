//! Differences between our books and a bill, kept until somebody or a later bill settles them.

use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect,
};
use tributary_domain::bill::BillDay;
use tributary_domain::clock::Timestamp;
use tributary_domain::ids::{DiscrepancyId, OrderId, ProviderId, TenantId};
use tributary_domain::reconciliation::{
    Compared, Discrepancy, DiscrepancyClass, DiscrepancyState, SubjectKind,
};
use tributary_domain::tenant::Mode;

use crate::books::sum;
use crate::entities::discrepancies::{ActiveModel, Column, Entity, Model};
use crate::error::{StorageError, column, database, expect_one, inserting};
use crate::{Access, Tx};

const TABLE: &str = "discrepancies";

/// Records a new discrepancy. `Duplicate` when it was seen before.
pub async fn insert(tx: &Tx, found: &Discrepancy) -> Result<(), StorageError> {
    let row = ActiveModel {
        id: Set(found.id.to_string()),
        provider_id: Set(found.provider_id.to_string()),
        mode: Set(found.mode.as_str().to_owned()),
        day: Set(found.day.to_string()),
        class: Set(found.class.as_str().to_owned()),
        subject: Set(found.subject.as_str().to_owned()),
        number: Set(found.number.clone()),
        line: Set(found.line),
        tenant_id: Set(found.tenant_id.as_ref().map(ToString::to_string)),
        order_id: Set(found.order_id.as_ref().map(ToString::to_string)),
        local_fen: Set(found.local_fen),
        bill_fen: Set(found.bill_fen),
        state: Set(found.state.as_str().to_owned()),
        owner: Set(found.owner.clone()),
        assignee: Set(found.assignee.clone()),
        actor: Set(found.actor.clone()),
        reason: Set(found.reason.clone()),
        evidence: Set(found.evidence.clone()),
        event_seq: Set(found.event_seq),
        seen_in: Set(found.seen_in),
        created_at: Set(found.created_at.as_millis()),
        updated_at: Set(found.updated_at.as_millis()),
    };
    Entity::insert(row)
        .exec_without_returning(tx.connection())
        .await
        .map_err(inserting(TABLE))?;
    Ok(())
}

/// Writes what may change about a discrepancy, provided it is still in the state `before`.
pub async fn update(
    tx: &Tx,
    before: &Discrepancy,
    after: &Discrepancy,
) -> Result<(), StorageError> {
    let changed = Entity::update_many()
        .col_expr(Column::State, Expr::value(after.state.as_str()))
        .col_expr(Column::Owner, Expr::value(after.owner.as_str()))
        .col_expr(Column::Assignee, Expr::value(after.assignee.clone()))
        .col_expr(Column::Actor, Expr::value(after.actor.clone()))
        .col_expr(Column::Reason, Expr::value(after.reason.clone()))
        .col_expr(Column::Evidence, Expr::value(after.evidence.as_str()))
        .col_expr(Column::LocalFen, Expr::value(after.local_fen))
        .col_expr(Column::BillFen, Expr::value(after.bill_fen))
        .col_expr(Column::EventSeq, Expr::value(after.event_seq))
        .col_expr(Column::SeenIn, Expr::value(after.seen_in))
        .col_expr(Column::UpdatedAt, Expr::value(after.updated_at.as_millis()))
        .filter(Column::Id.eq(before.id.as_str()))
        .filter(Column::State.eq(before.state.as_str()))
        .filter(Column::EventSeq.eq(before.event_seq))
        .exec(tx.connection())
        .await
        .map_err(database("updating a discrepancy"))?;
    expect_one(TABLE, changed.rows_affected)
}

/// The same difference as it was recorded before.
pub async fn find_same(tx: &Tx, like: &Discrepancy) -> Result<Option<Discrepancy>, StorageError> {
    let row = Entity::find()
        .filter(Column::ProviderId.eq(like.provider_id.as_str()))
        .filter(Column::Day.eq(like.day.to_string()))
        .filter(Column::Class.eq(like.class.as_str()))
        .filter(Column::Subject.eq(like.subject.as_str()))
        .filter(Column::Number.eq(like.number.as_str()))
        .filter(Column::Line.eq(like.line))
        .one(tx.connection())
        .await
        .map_err(database("looking for a discrepancy"))?;
    row.map(to_discrepancy).transpose()
}

/// A discrepancy by its id, whoever's it is: staff close them.
pub async fn find_all_tenants(
    at: &impl Access,
    id: &DiscrepancyId,
) -> Result<Option<Discrepancy>, StorageError> {
    let row = Entity::find_by_id(id.as_str())
        .one(at.connection())
        .await
        .map_err(database("reading a discrepancy"))?;
    row.map(to_discrepancy).transpose()
}

/// Which discrepancies a list shows.
#[derive(Clone, Debug, Default)]
pub struct DiscrepancyFilter {
    /// Only of this provider.
    pub provider_id: Option<ProviderId>,
    /// Only of this day.
    pub day: Option<BillDay>,
    /// Only in this state.
    pub state: Option<DiscrepancyState>,
    /// Only about this number at WeChat.
    pub number: Option<String>,
    /// Only this tenant's.
    pub tenant_id: Option<TenantId>,
}

/// Discrepancies whoever's they are, oldest first, after `after`.
pub async fn list_all_tenants(
    at: &impl Access,
    filter: &DiscrepancyFilter,
    after: Option<&DiscrepancyId>,
    limit: u64,
) -> Result<Vec<Discrepancy>, StorageError> {
    let mut wanted = Condition::all();
    if let Some(provider) = &filter.provider_id {
        wanted = wanted.add(Column::ProviderId.eq(provider.as_str()));
    }
    if let Some(day) = filter.day {
        wanted = wanted.add(Column::Day.eq(day.to_string()));
    }
    if let Some(state) = filter.state {
        wanted = wanted.add(Column::State.eq(state.as_str()));
    }
    if let Some(number) = &filter.number {
        wanted = wanted.add(Column::Number.eq(number.as_str()));
    }
    if let Some(tenant) = &filter.tenant_id {
        wanted = wanted.add(Column::TenantId.eq(tenant.as_str()));
    }
    if let Some(after) = after {
        wanted = wanted.add(Column::Id.gt(after.as_str()));
    }
    let rows = Entity::find()
        .filter(wanted)
        .order_by_asc(Column::Id)
        .limit(limit)
        .all(at.connection())
        .await
        .map_err(database("listing discrepancies"))?;
    rows.into_iter().map(to_discrepancy).collect()
}

/// How many discrepancies of a day's comparison are open.
pub async fn open_of_day_all_tenants(
    at: &impl Access,
    (provider, day): (&ProviderId, BillDay),
) -> Result<u64, StorageError> {
    Entity::find()
        .filter(Column::ProviderId.eq(provider.as_str()))
        .filter(Column::Day.eq(day.to_string()))
        .filter(Column::State.eq(DiscrepancyState::Open.as_str()))
        .count(at.connection())
        .await
        .map_err(database("counting open discrepancies"))
}

/// Whether money of an order may not be moved by itself: its amount is in doubt, or the sums of one of its tenant's
/// orders are, and nobody has settled that yet.
pub async fn stop_automatics(
    at: &impl Access,
    tenant: &TenantId,
    mode: Mode,
    order: &OrderId,
) -> Result<bool, StorageError> {
    let of_order = Condition::all()
        .add(Column::OrderId.eq(order.as_str()))
        .add(Column::Class.eq(DiscrepancyClass::PaymentAmount.as_str()));
    let of_tenant = Column::Class.eq(DiscrepancyClass::TrialBalance.as_str());
    let open = Entity::find()
        .filter(Column::State.eq(DiscrepancyState::Open.as_str()))
        .filter(Column::Mode.eq(mode.as_str()))
        .filter(Column::TenantId.eq(tenant.as_str()))
        .filter(Condition::any().add(of_order).add(of_tenant))
        .count(at.connection())
        .await
        .map_err(database("looking for what stops automatics"))?;
    Ok(open > 0)
}

/// A tenant's discrepancies of a day, oldest first, after `after`.
pub async fn list(
    at: &impl Access,
    tenant: &TenantId,
    (mode, day): (Mode, BillDay),
    after: Option<&DiscrepancyId>,
    limit: u64,
) -> Result<Vec<Discrepancy>, StorageError> {
    let mut wanted = Condition::all()
        .add(Column::TenantId.eq(tenant.as_str()))
        .add(Column::Mode.eq(mode.as_str()))
        .add(Column::Day.eq(day.to_string()));
    if let Some(after) = after {
        wanted = wanted.add(Column::Id.gt(after.as_str()));
    }
    let rows = Entity::find()
        .filter(wanted)
        .order_by_asc(Column::Id)
        .limit(limit)
        .all(at.connection())
        .await
        .map_err(database("listing a tenant's discrepancies"))?;
    rows.into_iter().map(to_discrepancy).collect()
}

/// Open discrepancies of one of a day's comparisons that its last run did not see any more.
pub async fn gone_all_tenants(
    at: &impl Access,
    (provider, day): (&ProviderId, BillDay),
    (compared, seen_in): (Compared, i64),
    limit: u64,
) -> Result<Vec<Discrepancy>, StorageError> {
    let of_flows = SubjectKind::FundFlow.as_str();
    let subject = match compared {
        Compared::Trades => Column::Subject.ne(of_flows),
        Compared::FundFlows => Column::Subject.eq(of_flows),
    };
    let rows = Entity::find()
        .filter(Column::ProviderId.eq(provider.as_str()))
        .filter(Column::Day.eq(day.to_string()))
        .filter(subject)
        .filter(Column::State.eq(DiscrepancyState::Open.as_str()))
        .filter(Column::SeenIn.lt(seen_in))
        .order_by_asc(Column::Id)
        .limit(limit)
        .all(at.connection())
        .await
        .map_err(database("reading discrepancies that are gone"))?;
    rows.into_iter().map(to_discrepancy).collect()
}

/// By how much our books exceed the bill in what one run of a day's comparison saw, in fen.
pub async fn delta_all_tenants(
    at: &impl Access,
    (provider, day): (&ProviderId, BillDay),
    subject: SubjectKind,
    seen_in: i64,
) -> Result<i64, StorageError> {
    let delta = sum(Expr::col(Column::LocalFen).sub(Expr::col(Column::BillFen)));
    let found: Option<Option<i64>> = Entity::find()
        .select_only()
        .column_as(delta, "fen")
        .filter(Column::ProviderId.eq(provider.as_str()))
        .filter(Column::Day.eq(day.to_string()))
        .filter(Column::Subject.eq(subject.as_str()))
        .filter(Column::SeenIn.eq(seen_in))
        .into_tuple()
        .one(at.connection())
        .await
        .map_err(database("adding up discrepancies"))?;
    Ok(found.flatten().unwrap_or_default())
}

fn to_discrepancy(row: Model) -> Result<Discrepancy, StorageError> {
    let id = row.id.as_str();
    let tenant_id = row.tenant_id.as_deref().map(str::parse).transpose();
    let order_id = row.order_id.as_deref().map(str::parse).transpose();
    let class = DiscrepancyClass::parse(&row.class).ok_or(());
    let subject = SubjectKind::parse(&row.subject).ok_or(());
    let state = DiscrepancyState::parse(&row.state).ok_or(());
    Ok(Discrepancy {
        id: column(TABLE, "id", id, id.parse())?,
        provider_id: column(TABLE, "provider_id", id, row.provider_id.parse())?,
        mode: column(TABLE, "mode", id, Mode::parse(&row.mode).ok_or(()))?,
        day: column(TABLE, "day", id, row.day.parse())?,
        class: column(TABLE, "class", id, class)?,
        subject: column(TABLE, "subject", id, subject)?,
        tenant_id: column(TABLE, "tenant_id", id, tenant_id)?,
        order_id: column(TABLE, "order_id", id, order_id)?,
        state: column(TABLE, "state", id, state)?,
        number: row.number,
        line: row.line,
        local_fen: row.local_fen,
        bill_fen: row.bill_fen,
        owner: row.owner,
        assignee: row.assignee,
        actor: row.actor,
        reason: row.reason,
        evidence: row.evidence,
        event_seq: row.event_seq,
        seen_in: row.seen_in,
        created_at: Timestamp::from_millis(row.created_at),
        updated_at: Timestamp::from_millis(row.updated_at),
    })
}
