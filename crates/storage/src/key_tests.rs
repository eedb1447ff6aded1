//! Self-tests of providers' keys, which no tenant owns.

use sea_orm::sea_query::Expr;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use tributary_domain::clock::Timestamp;
use tributary_domain::ids::{KeyTestId, ProviderId, ProviderKeyId};
use tributary_domain::provider_key::{KeyMode, KeyTest, KeyTestState, KeyTestStep};

use crate::entities::key_tests::{ActiveModel, Column, Entity, Model};
use crate::error::{StorageError, column, database, expect_one, inserting};
use crate::{Access, Tx};

const TABLE: &str = "key_tests";

/// Records a test.
pub async fn insert(tx: &Tx, test: &KeyTest) -> Result<(), StorageError> {
    let row = ActiveModel {
        id: Set(test.id.to_string()),
        provider_id: Set(test.provider_id.to_string()),
        key_mode: Set(test.key_mode.as_str().to_owned()),
        merchant_key_id: Set(test.merchant_key.to_string()),
        platform_key_id: Set(test.platform_key.to_string()),
        api_key_id: Set(test.api_key.as_ref().map(ToString::to_string)),
        state: Set(test.state.as_str().to_owned()),
        failed_step: Set(test.failed_step.map(|step| step.as_str().to_owned())),
        detail: Set(test.detail.clone()),
        started_at: Set(test.started_at.as_millis()),
        answered_at: Set(test.answered_at.map(Timestamp::as_millis)),
        called_back_at: Set(test.called_back_at.map(Timestamp::as_millis)),
        finished_at: Set(test.finished_at.map(Timestamp::as_millis)),
        deadline: Set(test.deadline.as_millis()),
    };
    Entity::insert(row)
        .exec_without_returning(tx.connection())
        .await
        .map_err(inserting(TABLE))?;
    Ok(())
}

/// Notes that WeChat's answer was good; the test is green when the callback was there before.
pub async fn note_answer(tx: &Tx, test: &KeyTest, now: Timestamp) -> Result<(), StorageError> {
    let noted = Entity::update_many()
        .col_expr(Column::AnsweredAt, Expr::value(now.as_millis()))
        .filter(Column::Id.eq(test.id.as_str()))
        .filter(Column::State.eq(KeyTestState::Waiting.as_str()))
        .exec(tx.connection())
        .await
        .map_err(database("noting the answer to a self-test"))?;
    expect_one(TABLE, noted.rows_affected)?;
    complete(tx, test, now).await
}

/// Notes that WeChat's callback came; the test is green when the answer was there before.
///
/// A test that has ended stays as it is: the callback may be a repetition, or late.
pub async fn note_callback(
    tx: &Tx,
    test: &KeyTest,
    api_key: Option<&ProviderKeyId>,
    now: Timestamp,
) -> Result<(), StorageError> {
    let api_key = api_key.map(ToString::to_string);
    Entity::update_many()
        .col_expr(Column::CalledBackAt, Expr::value(now.as_millis()))
        .col_expr(Column::ApiKeyId, Expr::value(api_key))
        .filter(Column::Id.eq(test.id.as_str()))
        .filter(Column::State.eq(KeyTestState::Waiting.as_str()))
        .exec(tx.connection())
        .await
        .map_err(database("noting the callback of a self-test"))?;
    complete(tx, test, now).await
}

async fn complete(tx: &Tx, test: &KeyTest, now: Timestamp) -> Result<(), StorageError> {
    Entity::update_many()
        .col_expr(Column::State, Expr::value(KeyTestState::Green.as_str()))
        .col_expr(Column::FinishedAt, Expr::value(now.as_millis()))
        .filter(Column::Id.eq(test.id.as_str()))
        .filter(Column::State.eq(KeyTestState::Waiting.as_str()))
        .filter(Column::AnsweredAt.is_not_null())
        .filter(Column::CalledBackAt.is_not_null())
        .exec(tx.connection())
        .await
        .map_err(database("completing a self-test"))?;
    Ok(())
}

/// Ends a test that failed, which must be waiting still.
pub async fn fail(tx: &Tx, test: &KeyTest) -> Result<(), StorageError> {
    let finished_at = test.finished_at.map(Timestamp::as_millis);
    let failed_step = test.failed_step.map(KeyTestStep::as_str);
    let changed = Entity::update_many()
        .col_expr(Column::State, Expr::value(test.state.as_str()))
        .col_expr(Column::FailedStep, Expr::value(failed_step))
        .col_expr(Column::Detail, Expr::value(test.detail.clone()))
        .col_expr(Column::FinishedAt, Expr::value(finished_at))
        .filter(Column::Id.eq(test.id.as_str()))
        .filter(Column::State.eq(KeyTestState::Waiting.as_str()))
        .exec(tx.connection())
        .await
        .map_err(database("ending a self-test"))?;
    expect_one(TABLE, changed.rows_affected)
}

/// Finds a test of a provider.
pub async fn find(
    at: &impl Access,
    provider: &ProviderId,
    id: &KeyTestId,
) -> Result<Option<KeyTest>, StorageError> {
    let row = Entity::find_by_id(id.as_str())
        .filter(Column::ProviderId.eq(provider.as_str()))
        .one(at.connection())
        .await
        .map_err(database("reading a self-test"))?;
    row.map(to_test).transpose()
}

/// The newest tests of a provider.
pub async fn newest(
    at: &impl Access,
    provider: &ProviderId,
    limit: u64,
) -> Result<Vec<KeyTest>, StorageError> {
    let rows = Entity::find()
        .filter(Column::ProviderId.eq(provider.as_str()))
        .order_by_desc(Column::Id)
        .limit(limit)
        .all(at.connection())
        .await
        .map_err(database("reading self-tests"))?;
    rows.into_iter().map(to_test).collect()
}

/// Tests whose callback should have come by now.
pub async fn overdue(
    at: &impl Access,
    now: Timestamp,
    limit: u64,
) -> Result<Vec<KeyTest>, StorageError> {
    let rows = Entity::find()
        .filter(Column::State.eq(KeyTestState::Waiting.as_str()))
        .filter(Column::Deadline.lte(now.as_millis()))
        .order_by_asc(Column::Deadline)
        .limit(limit)
        .all(at.connection())
        .await
        .map_err(database("reading overdue self-tests"))?;
    rows.into_iter().map(to_test).collect()
}

/// Deletes a bounded piece of the tests that began before an instant; returns how many went.
pub async fn purge(tx: &Tx, before: Timestamp, limit: u64) -> Result<u64, StorageError> {
    let old = Entity::find()
        .filter(Column::StartedAt.lt(before.as_millis()))
        .order_by_asc(Column::StartedAt)
        .limit(limit)
        .all(tx.connection())
        .await
        .map_err(database("reading old self-tests"))?;
    let ids: Vec<String> = old.into_iter().map(|row| row.id).collect();
    if ids.is_empty() {
        return Ok(0);
    }
    let gone = Entity::delete_many()
        .filter(Column::Id.is_in(ids))
        .exec(tx.connection())
        .await
        .map_err(database("deleting old self-tests"))?;
    Ok(gone.rows_affected)
}

fn to_test(row: Model) -> Result<KeyTest, StorageError> {
    let id = row.id.as_str();
    let step = match row.failed_step.as_deref() {
        None => Ok(None),
        Some(word) => KeyTestStep::parse(word).map(Some).ok_or(()),
    };
    let mode = KeyMode::parse(&row.key_mode).ok_or(());
    let state = KeyTestState::parse(&row.state).ok_or(());
    let api_key = row.api_key_id.as_deref().map(str::parse).transpose();
    Ok(KeyTest {
        id: column(TABLE, "id", id, id.parse())?,
        provider_id: column(TABLE, "provider_id", id, row.provider_id.parse())?,
        key_mode: column(TABLE, "key_mode", id, mode)?,
        merchant_key: column(TABLE, "merchant_key_id", id, row.merchant_key_id.parse())?,
        platform_key: column(TABLE, "platform_key_id", id, row.platform_key_id.parse())?,
        api_key: column(TABLE, "api_key_id", id, api_key)?,
        state: column(TABLE, "state", id, state)?,
        failed_step: column(TABLE, "failed_step", id, step)?,
        detail: row.detail,
        started_at: Timestamp::from_millis(row.started_at),
        answered_at: row.answered_at.map(Timestamp::from_millis),
        called_back_at: row.called_back_at.map(Timestamp::from_millis),
        finished_at: row.finished_at.map(Timestamp::from_millis),
        deadline: Timestamp::from_millis(row.deadline),
    })
}
