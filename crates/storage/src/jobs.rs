//! Jobs, what they made, and the rows that they could not work on.

use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
};
use tributary_domain::clock::Timestamp;
use tributary_domain::ids::{EndpointId, JobId, TenantId};
use tributary_domain::job::{Job, JobKind, JobState};
use tributary_domain::tenant::Mode;

use crate::entities::jobs::{ActiveModel, Column, Entity, Model};
use crate::entities::{job_chunks, job_troubles};
use crate::error::{StorageError, column, database, expect_one, inserting};
use crate::{Access, Tx};

const TABLE: &str = "jobs";

/// A row that a job could not work on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// Which row.
    pub subject: String,
    /// Why.
    pub reason: String,
}

/// Records a new job.
pub async fn insert(tx: &Tx, job: &Job) -> Result<(), StorageError> {
    let row = ActiveModel {
        id: Set(job.id.to_string()),
        tenant_id: Set(job.tenant_id.as_ref().map(ToString::to_string)),
        mode: Set(job.mode.as_str().to_owned()),
        kind: Set(job.kind.as_str().to_owned()),
        state: Set(job.state.as_str().to_owned()),
        asked_by: Set(job.asked_by.clone()),
        wish: Set(job.wish.clone()),
        place: Set(job.place.clone()),
        done: Set(job.done),
        troubles: Set(job.troubles),
        total: Set(job.total),
        failure: Set(job.failure.clone()),
        result_name: Set(job.result_name.clone()),
        result_bytes: Set(job.result_bytes),
        result_chunks: Set(job.result_chunks),
        fence: Set(job.fence),
        lease_until: Set(0),
        next_run_at: Set(job.next_run_at.map(Timestamp::as_millis)),
        created_at: Set(job.created_at.as_millis()),
        updated_at: Set(job.updated_at.as_millis()),
        finished_at: Set(job.finished_at.map(Timestamp::as_millis)),
    };
    Entity::insert(row)
        .exec_without_returning(tx.connection())
        .await
        .map_err(inserting(TABLE))?;
    Ok(())
}

/// Writes how far a job has come, provided nobody took or steered it since `before` was read.
pub async fn update(tx: &Tx, before: &Job, after: &Job) -> Result<(), StorageError> {
    let millis = |at: Option<Timestamp>| Expr::value(at.map(Timestamp::as_millis));
    let changed = Entity::update_many()
        .col_expr(Column::State, Expr::value(after.state.as_str()))
        .col_expr(Column::Place, Expr::value(after.place.clone()))
        .col_expr(Column::Done, Expr::value(after.done))
        .col_expr(Column::Troubles, Expr::value(after.troubles))
        .col_expr(Column::Total, Expr::value(after.total))
        .col_expr(Column::Failure, Expr::value(after.failure.clone()))
        .col_expr(Column::ResultBytes, Expr::value(after.result_bytes))
        .col_expr(Column::ResultChunks, Expr::value(after.result_chunks))
        .col_expr(Column::Fence, Expr::value(after.fence))
        .col_expr(Column::NextRunAt, millis(after.next_run_at))
        .col_expr(Column::UpdatedAt, Expr::value(after.updated_at.as_millis()))
        .col_expr(Column::FinishedAt, millis(after.finished_at))
        .filter(Column::Id.eq(before.id.as_str()))
        .filter(Column::State.eq(before.state.as_str()))
        .filter(Column::Fence.eq(before.fence))
        .exec(tx.connection())
        .await
        .map_err(database("updating a job"))?;
    expect_one(TABLE, changed.rows_affected)
}

/// A tenant's job.
pub async fn find(
    at: &impl Access,
    tenant: &TenantId,
    id: &JobId,
) -> Result<Option<Job>, StorageError> {
    let row = Entity::find_by_id(id.as_str())
        .filter(Column::TenantId.eq(tenant.as_str()))
        .one(at.connection())
        .await
        .map_err(database("reading a job"))?;
    row.map(to_job).transpose()
}

/// A job, whoever's it is.
pub async fn find_all_tenants(at: &impl Access, id: &JobId) -> Result<Option<Job>, StorageError> {
    let row = Entity::find_by_id(id.as_str())
        .one(at.connection())
        .await
        .map_err(database("reading a job"))?;
    row.map(to_job).transpose()
}

/// A tenant's jobs, newest first, before `before`.
pub async fn list(
    at: &impl Access,
    tenant: &TenantId,
    before: Option<&JobId>,
    limit: u64,
) -> Result<Vec<Job>, StorageError> {
    let own = Condition::all().add(Column::TenantId.eq(tenant.as_str()));
    list_where(at, own, before, limit).await
}

/// Jobs whoever's they are, newest first, before `before`.
pub async fn list_all_tenants(
    at: &impl Access,
    before: Option<&JobId>,
    limit: u64,
) -> Result<Vec<Job>, StorageError> {
    list_where(at, Condition::all(), before, limit).await
}

async fn list_where(
    at: &impl Access,
    whose: Condition,
    before: Option<&JobId>,
    limit: u64,
) -> Result<Vec<Job>, StorageError> {
    let rows = Entity::find()
        .filter(whose.add_option(before.map(|id| Column::Id.lt(id.as_str()))))
        .order_by_desc(Column::Id)
        .limit(limit)
        .all(at.connection())
        .await
        .map_err(database("listing jobs"))?;
    rows.into_iter().map(to_job).collect()
}

/// A job that sends an endpoint's failed deliveries again and is not over.
pub async fn find_open_recovery(
    tx: &Tx,
    tenant: &TenantId,
    endpoint: &EndpointId,
) -> Result<Option<Job>, StorageError> {
    let open = JobState::ALL.iter().filter(|state| !state.is_over());
    let row = Entity::find()
        .filter(Column::TenantId.eq(tenant.as_str()))
        .filter(Column::Kind.eq(JobKind::RecoverDeliveries.as_str()))
        .filter(Column::State.is_in(open.map(|state| state.as_str())))
        .filter(Column::Wish.contains(endpoint.as_str()))
        .order_by_asc(Column::Id)
        .limit(1)
        .one(tx.connection())
        .await
        .map_err(database("looking for a recovery"))?;
    row.map(to_job).transpose()
}

/// Jobs whose next step is due, the longest due first.
pub async fn due_all_tenants(
    at: &impl Access,
    now: Timestamp,
    limit: u64,
) -> Result<Vec<Job>, StorageError> {
    let rows = Entity::find()
        .filter(Column::NextRunAt.lte(now.as_millis()))
        .order_by_asc(Column::NextRunAt)
        .limit(limit)
        .all(at.connection())
        .await
        .map_err(database("reading the jobs that are due"))?;
    rows.into_iter().map(to_job).collect()
}

/// Adds a piece to the file that a job makes.
pub async fn insert_chunk(
    tx: &Tx,
    job: &JobId,
    number: i64,
    content: Vec<u8>,
) -> Result<(), StorageError> {
    let row = job_chunks::ActiveModel {
        job_id: Set(job.to_string()),
        number: Set(number),
        content: Set(content),
    };
    job_chunks::Entity::insert(row)
        .exec_without_returning(tx.connection())
        .await
        .map_err(inserting("job_chunks"))?;
    Ok(())
}

/// A piece of the file that a job made, of a job that the caller may see.
pub async fn chunk_all_tenants(
    at: &impl Access,
    job: &JobId,
    number: i64,
) -> Result<Option<Vec<u8>>, StorageError> {
    let row = job_chunks::Entity::find_by_id((job.to_string(), number))
        .one(at.connection())
        .await
        .map_err(database("reading a piece of a result"))?;
    Ok(row.map(|row| row.content))
}

/// Notes a row that a job could not work on.
pub async fn insert_trouble(
    tx: &Tx,
    job: &JobId,
    number: i64,
    trouble: &Trouble,
) -> Result<(), StorageError> {
    const REASON_CHARS_MAX: usize = 191;
    let row = job_troubles::ActiveModel {
        job_id: Set(job.to_string()),
        number: Set(number),
        subject: Set(trouble.subject.clone()),
        reason: Set(trouble.reason.chars().take(REASON_CHARS_MAX).collect()),
    };
    job_troubles::Entity::insert(row)
        .exec_without_returning(tx.connection())
        .await
        .map_err(inserting("job_troubles"))?;
    Ok(())
}

/// The first `limit` rows that a job could not work on, of a job that the caller may see.
pub async fn troubles_all_tenants(
    at: &impl Access,
    job: &JobId,
    limit: u64,
) -> Result<Vec<Trouble>, StorageError> {
    let rows = job_troubles::Entity::find()
        .filter(job_troubles::Column::JobId.eq(job.as_str()))
        .order_by_asc(job_troubles::Column::Number)
        .limit(limit)
        .all(at.connection())
        .await
        .map_err(database("reading the troubles of a job"))?;
    let shown = rows.into_iter().map(|row| Trouble {
        subject: row.subject,
        reason: row.reason,
    });
    Ok(shown.collect())
}

/// Deletes files of jobs that were over before `results_before`, and jobs that were over before `jobs_before`; a
/// bounded number of rows. Returns how many went.
pub async fn purge_all_tenants(
    tx: &Tx,
    results_before: Timestamp,
    jobs_before: Timestamp,
    limit: u64,
) -> Result<u64, StorageError> {
    let with_file = Condition::all().add(Column::ResultChunks.gt(0));
    let over = over_before(tx, with_file, results_before, limit).await?;
    let chunks = job_chunks::Entity::delete_many()
        .filter(job_chunks::Column::JobId.is_in(over.clone()))
        .exec(tx.connection())
        .await
        .map_err(database("deleting old results"))?;
    Entity::update_many()
        .col_expr(Column::ResultChunks, Expr::value(0_i64))
        .filter(Column::Id.is_in(over))
        .exec(tx.connection())
        .await
        .map_err(database("forgetting old results"))?;
    let gone = over_before(tx, Condition::all(), jobs_before, limit).await?;
    job_troubles::Entity::delete_many()
        .filter(job_troubles::Column::JobId.is_in(gone.clone()))
        .exec(tx.connection())
        .await
        .map_err(database("deleting old troubles"))?;
    let jobs = Entity::delete_many()
        .filter(Column::Id.is_in(gone))
        .exec(tx.connection())
        .await
        .map_err(database("deleting old jobs"))?;
    Ok(chunks.rows_affected.saturating_add(jobs.rows_affected))
}

async fn over_before(
    tx: &Tx,
    which: Condition,
    before: Timestamp,
    limit: u64,
) -> Result<Vec<String>, StorageError> {
    Entity::find()
        .filter(which)
        .select_only()
        .column(Column::Id)
        .filter(Column::FinishedAt.lt(before.as_millis()))
        .order_by_asc(Column::FinishedAt)
        .limit(limit)
        .into_tuple()
        .all(tx.connection())
        .await
        .map_err(database("reading old jobs"))
}

fn to_job(row: Model) -> Result<Job, StorageError> {
    let id = row.id.as_str();
    let tenant_id = row.tenant_id.as_deref().map(str::parse).transpose();
    Ok(Job {
        id: column(TABLE, "id", id, id.parse())?,
        tenant_id: column(TABLE, "tenant_id", id, tenant_id)?,
        mode: column(TABLE, "mode", id, Mode::parse(&row.mode).ok_or(()))?,
        kind: column(TABLE, "kind", id, JobKind::parse(&row.kind).ok_or(()))?,
        state: column(TABLE, "state", id, JobState::parse(&row.state).ok_or(()))?,
        asked_by: row.asked_by,
        wish: row.wish,
        place: row.place,
        done: row.done,
        troubles: row.troubles,
        total: row.total,
        failure: row.failure,
        result_name: row.result_name,
        result_bytes: row.result_bytes,
        result_chunks: row.result_chunks,
        fence: row.fence,
        next_run_at: row.next_run_at.map(Timestamp::from_millis),
        created_at: Timestamp::from_millis(row.created_at),
        updated_at: Timestamp::from_millis(row.updated_at),
        finished_at: row.finished_at.map(Timestamp::from_millis),
    })
}
