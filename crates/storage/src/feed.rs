//! The feed: a tenant's events in one mode, numbered without holes after they are committed.
//!
//! Reading by id would miss events: one with a smaller id may be committed later. The sequencer numbers only what it
//! can see, and readers go by its numbers.

use std::collections::BTreeMap;

use sea_orm::sea_query::{Expr, ExprTrait, LockType};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, QueryFilter,
    QueryOrder, QuerySelect, Statement, Value,
};
use tributary_domain::ids::{EventId, TenantId};
use tributary_domain::rehearsal::{Sabotage, is_broken};
use tributary_domain::tenant::Mode;

use crate::entities::{events, feed_heads};
use crate::error::{StorageError, column, database, expect_one, inserting};
use crate::statement_sizes::power_of_two_chunks;
use crate::{Access, Tx};

const EVENTS: &str = "events";
/// The characters of an id that tell its millisecond: `evt_` and 48 bits in base 32.
const MILLISECOND_PREFIX: usize = 14;

/// An event as readers of the feed get it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedEvent {
    /// Its id.
    pub id: EventId,
    /// Its type.
    pub kind: String,
    /// Its number in the feed; absent for the moment before the sequencer saw it.
    pub feed_seq: Option<i64>,
    /// The exact bytes that webhooks carry too.
    pub body: String,
}

#[derive(FromQueryResult)]
struct Unnumbered {
    id: String,
    tenant_id: String,
    mode: String,
    seq: i64,
}

/// Whether any committed event waits for its number.
pub async fn has_unnumbered_all_tenants(at: &impl Access) -> Result<bool, StorageError> {
    let waiting: Option<String> = events::Entity::find()
        .select_only()
        .column(events::Column::Id)
        .filter(events::Column::FeedSeq.is_null())
        .limit(1)
        .into_tuple()
        .one(at.connection())
        .await
        .map_err(database("looking for events without a number"))?;
    Ok(waiting.is_some())
}

/// Numbers at most `limit` committed events; returns how many. One leader at a time calls this.
pub async fn sequence_all_tenants(tx: &Tx, limit: u64) -> Result<usize, StorageError> {
    use events::Column;
    let rows: Vec<Unnumbered> = events::Entity::find()
        .select_only()
        .columns([Column::Id, Column::TenantId, Column::Mode, Column::Seq])
        .filter(Column::FeedSeq.is_null())
        .order_by_asc(Column::Id)
        .limit(limit)
        .into_model()
        .all(tx.connection())
        .await
        .map_err(database("reading the events without a number"))?;
    let count = rows.len();
    let mut feeds: BTreeMap<(String, String), Vec<Unnumbered>> = BTreeMap::new();
    for row in rows {
        feeds
            .entry((row.tenant_id.clone(), row.mode.clone()))
            .or_default()
            .push(row);
    }
    let mut numbered: Vec<(String, i64)> = Vec::with_capacity(count);
    for ((tenant, mode), mut rows) in feeds {
        // Ids of one millisecond sort at random; within it the subject's own order decides.
        rows.sort_by(|a, b| sort_key(a).cmp(&sort_key(b)));
        let taken = i64::try_from(rows.len()).unwrap_or(i64::MAX);
        let first = take_numbers(tx, &tenant, &mode, taken).await?;
        numbered.extend(
            rows.into_iter()
                .zip(first..)
                .map(|(row, number)| (row.id, number)),
        );
    }
    for chunk in power_of_two_chunks(&numbered) {
        write_numbers(tx, chunk).await?;
    }
    Ok(count)
}

fn sort_key(row: &Unnumbered) -> (Option<&str>, i64, &str) {
    (row.id.get(..MILLISECOND_PREFIX), row.seq, &row.id)
}

/// Moves a feed's head on by `count` and returns the first number taken; the head's row stays locked.
async fn take_numbers(tx: &Tx, tenant: &str, mode: &str, count: i64) -> Result<i64, StorageError> {
    use feed_heads::Column;
    let of_feed = |column: Column, value: &str| column.eq(value.to_owned());
    let head = feed_heads::Entity::find()
        .filter(of_feed(Column::TenantId, tenant))
        .filter(of_feed(Column::Mode, mode))
        .lock(LockType::Update)
        .one(tx.connection())
        .await
        .map_err(database("reading the head of a feed"))?;
    let Some(head) = head else {
        let row = feed_heads::ActiveModel {
            tenant_id: Set(tenant.to_owned()),
            mode: Set(mode.to_owned()),
            last_seq: Set(count),
        };
        feed_heads::Entity::insert(row)
            .exec_without_returning(tx.connection())
            .await
            .map_err(inserting("feed_heads"))?;
        return Ok(1);
    };
    let count = count.saturating_add(i64::from(is_broken(Sabotage::HoleInFeed)));
    let moved = feed_heads::Entity::update_many()
        .col_expr(Column::LastSeq, Expr::col(Column::LastSeq).add(count))
        .filter(of_feed(Column::TenantId, tenant))
        .filter(of_feed(Column::Mode, mode))
        .filter(Column::LastSeq.eq(head.last_seq))
        .exec(tx.connection())
        .await
        .map_err(database("moving the head of a feed"))?;
    expect_one("feed_heads", moved.rows_affected)?;
    Ok(head.last_seq.saturating_add(1))
}

async fn write_numbers(tx: &Tx, numbered: &[(String, i64)]) -> Result<(), StorageError> {
    let mut values: Vec<Value> = Vec::with_capacity(numbered.len().saturating_mul(2));
    let mut rows = Vec::with_capacity(numbered.len());
    for (id, number) in numbered {
        values.push(id.as_str().into());
        values.push((*number).into());
        let place = values.len();
        rows.push(format!(
            "(CAST(${} AS TEXT), CAST(${place} AS BIGINT))",
            place - 1
        ));
    }
    let sql = format!(
        "UPDATE events SET feed_seq = v.column2 FROM (VALUES {}) AS v
          WHERE events.id = v.column1 AND events.feed_seq IS NULL",
        rows.join(", ")
    );
    let connection = tx.connection();
    let statement = Statement::from_sql_and_values(connection.get_database_backend(), sql, values);
    let written = connection
        .execute_raw(statement)
        .await
        .map_err(database("numbering events"))?
        .rows_affected();
    // Another leader numbered one of them first: both must not stand.
    if usize::try_from(written) == Ok(numbered.len()) {
        Ok(())
    } else {
        Err(StorageError::Stale { table: EVENTS })
    }
}

/// Reads a tenant's feed behind the number `after`, in order.
pub async fn list(
    at: &impl Access,
    tenant: &TenantId,
    mode: Mode,
    after: i64,
    kinds: &[String],
    limit: u64,
) -> Result<Vec<FeedEvent>, StorageError> {
    use events::Column;
    let mut select = of_tenant(tenant, mode).filter(Column::FeedSeq.gt(after));
    if !kinds.is_empty() {
        select = select.filter(Column::Kind.is_in(kinds));
    }
    let order = if is_broken(Sabotage::FeedById) {
        Column::Id
    } else {
        Column::FeedSeq
    };
    let rows = select
        .order_by_asc(order)
        .limit(limit)
        .all(at.connection())
        .await
        .map_err(database("reading a feed"))?;
    rows.into_iter().map(to_event).collect()
}

/// Finds a tenant's event.
pub async fn find(
    at: &impl Access,
    tenant: &TenantId,
    mode: Mode,
    id: &EventId,
) -> Result<Option<FeedEvent>, StorageError> {
    let row = of_tenant(tenant, mode)
        .filter(events::Column::Id.eq(id.as_str()))
        .one(at.connection())
        .await
        .map_err(database("reading an event"))?;
    row.map(to_event).transpose()
}

/// The first `limit` events about one subject of a tenant's, in their own order, numbered or not.
pub async fn of_subjects(
    at: &impl Access,
    tenant: &TenantId,
    kind: &str,
    ids: &[&str],
    limit: u64,
) -> Result<Vec<FeedEvent>, StorageError> {
    use events::Column;
    let rows = events::Entity::find()
        .filter(Column::TenantId.eq(tenant.as_str()))
        .filter(Column::SubjectType.eq(kind))
        .filter(Column::SubjectId.is_in(ids.iter().copied()))
        .order_by_asc(Column::SubjectId)
        .order_by_asc(Column::Seq)
        .limit(limit)
        .all(at.connection())
        .await
        .map_err(database("reading the events about some subjects"))?;
    rows.into_iter().map(to_event).collect()
}

fn of_tenant(tenant: &TenantId, mode: Mode) -> sea_orm::Select<events::Entity> {
    events::Entity::find()
        .filter(events::Column::TenantId.eq(tenant.as_str()))
        .filter(events::Column::Mode.eq(mode.as_str()))
}

fn to_event(row: events::Model) -> Result<FeedEvent, StorageError> {
    let id = column(EVENTS, "id", &row.id, row.id.parse())?;
    Ok(FeedEvent {
        id,
        kind: row.kind,
        feed_seq: row.feed_seq,
        body: row.body,
    })
}
