//! Idempotency keys: a request that must take effect once, and how far it came.

use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QuerySelect, QueryTrait};
use tributary_domain::clock::Timestamp;
use tributary_domain::ids::{OrderId, RefundId, TenantId};
use tributary_domain::tenant::Mode;

use crate::entities::idempotency_keys::{ActiveModel, Column, Entity, Model};
use crate::error::{StorageError, column, database, expect_one, inserting};
use crate::{Access, Tx};

const TABLE: &str = "idempotency_keys";

/// Whose key, for which route. The API key is not part of it: a retry may come with a rotated one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// Whose request.
    pub tenant_id: TenantId,
    /// In which world.
    pub mode: Mode,
    /// Method and route template.
    pub route: String,
    /// SHA-256 of the key, in hex.
    pub key_hash: String,
}

/// How far the request came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecoveryPoint {
    /// Our row, with the number that WeChat will see, is committed.
    Intent,
    /// The answer is committed.
    Completed,
}

impl RecoveryPoint {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Intent => "intent",
            Self::Completed => "completed",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        match text {
            "intent" => Some(Self::Intent),
            "completed" => Some(Self::Completed),
            _ => None,
        }
    }
}

/// What a request makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum About {
    /// An order.
    Order(OrderId),
    /// A refund.
    Refund(RefundId),
}

/// A request as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Whose key, for which route.
    pub scope: Scope,
    /// SHA-256 over method, path, query and body, in hex.
    pub fingerprint: String,
    /// How far it came.
    pub recovery_point: RecoveryPoint,
    /// Counts those who took it up; a write names the one that it belongs to.
    pub lock_token: i64,
    /// Until when the present one has it for itself.
    pub locked_until: Timestamp,
    /// What it is about.
    pub about: About,
    /// The status that was answered.
    pub status: Option<u16>,
    /// The answer, as JSON.
    pub answer: Option<String>,
    /// When it first came.
    pub created_at: Timestamp,
}

/// Records a request. `Duplicate` when the key was used before.
pub async fn insert(tx: &Tx, request: &Request) -> Result<(), StorageError> {
    let row = ActiveModel {
        tenant_id: Set(request.scope.tenant_id.to_string()),
        mode: Set(request.scope.mode.as_str().to_owned()),
        route: Set(request.scope.route.clone()),
        key_hash: Set(request.scope.key_hash.clone()),
        fingerprint: Set(request.fingerprint.clone()),
        recovery_point: Set(request.recovery_point.as_str().to_owned()),
        lock_token: Set(request.lock_token),
        locked_until: Set(request.locked_until.as_millis()),
        order_id: Set(match &request.about {
            About::Order(id) => Some(id.to_string()),
            About::Refund(_) => None,
        }),
        refund_id: Set(match &request.about {
            About::Refund(id) => Some(id.to_string()),
            About::Order(_) => None,
        }),
        status: Set(request.status.map(i64::from)),
        answer: Set(request.answer.clone()),
        created_at: Set(request.created_at.as_millis()),
    };
    Entity::insert(row)
        .exec_without_returning(tx.connection())
        .await
        .map_err(inserting(TABLE))?;
    Ok(())
}

/// Finds a request by its key.
pub async fn find(at: &impl Access, scope: &Scope) -> Result<Option<Request>, StorageError> {
    let row = of_scope(Entity::find(), scope)
        .one(at.connection())
        .await
        .map_err(database("reading an idempotency key"))?;
    row.map(|row| to_request(row, scope)).transpose()
}

/// Takes up a request whose owner vanished; false when another was faster.
pub async fn take_over(tx: &Tx, request: &Request, until: Timestamp) -> Result<bool, StorageError> {
    let update = Entity::update_many()
        .col_expr(
            Column::LockToken,
            Expr::value(request.lock_token.saturating_add(1)),
        )
        .col_expr(Column::LockedUntil, Expr::value(until.as_millis()))
        .filter(Column::LockToken.eq(request.lock_token))
        .filter(Column::RecoveryPoint.ne(RecoveryPoint::Completed.as_str()));
    let changed = of_scope(update, &request.scope)
        .exec(tx.connection())
        .await
        .map_err(database("taking up an idempotency key"))?;
    Ok(changed.rows_affected == 1)
}

/// Commits the answer; `Stale` when another took the request up in the meantime.
pub async fn complete(
    tx: &Tx,
    scope: &Scope,
    lock_token: i64,
    status: u16,
    answer: &str,
) -> Result<(), StorageError> {
    let update = Entity::update_many()
        .col_expr(
            Column::RecoveryPoint,
            Expr::value(RecoveryPoint::Completed.as_str()),
        )
        .col_expr(Column::Status, Expr::value(i64::from(status)))
        .col_expr(Column::Answer, Expr::value(answer))
        .filter(Column::LockToken.eq(lock_token));
    let changed = of_scope(update, scope)
        .exec(tx.connection())
        .await
        .map_err(database("completing an idempotency key"))?;
    expect_one(TABLE, changed.rows_affected)
}

/// Lets the next retry go on at once instead of waiting for the lock to end.
pub async fn release(
    tx: &Tx,
    scope: &Scope,
    lock_token: i64,
    now: Timestamp,
) -> Result<(), StorageError> {
    let update = Entity::update_many()
        .col_expr(Column::LockedUntil, Expr::value(now.as_millis()))
        .filter(Column::LockToken.eq(lock_token));
    of_scope(update, scope)
        .exec(tx.connection())
        .await
        .map_err(database("releasing an idempotency key"))?;
    Ok(())
}

/// Forgets requests that first came before `before`; returns how many, at most `limit`.
pub async fn forget_all_tenants(
    tx: &Tx,
    before: Timestamp,
    limit: u64,
) -> Result<u64, StorageError> {
    let key = [
        Column::TenantId,
        Column::Mode,
        Column::Route,
        Column::KeyHash,
    ];
    let old = Entity::find()
        .select_only()
        .columns(key)
        .filter(Column::CreatedAt.lt(before.as_millis()))
        .limit(limit)
        .into_query();
    let gone = Entity::delete_many()
        .filter(Expr::tuple(key.map(Expr::col)).in_subquery(old))
        .exec(tx.connection())
        .await
        .map_err(database("forgetting idempotency keys"))?;
    Ok(gone.rows_affected)
}

fn of_scope<Q: QueryFilter>(query: Q, scope: &Scope) -> Q {
    query
        .filter(Column::TenantId.eq(scope.tenant_id.as_str()))
        .filter(Column::Mode.eq(scope.mode.as_str()))
        .filter(Column::Route.eq(scope.route.as_str()))
        .filter(Column::KeyHash.eq(scope.key_hash.as_str()))
}

fn to_request(row: Model, scope: &Scope) -> Result<Request, StorageError> {
    let id = row.key_hash.as_str();
    let point = RecoveryPoint::parse(&row.recovery_point).ok_or(());
    let about = match (&row.order_id, &row.refund_id) {
        (Some(order), _) => order.parse().ok().map(About::Order),
        (None, Some(refund)) => refund.parse().ok().map(About::Refund),
        (None, None) => None,
    };
    let status = row.status.map(u16::try_from).transpose();
    Ok(Request {
        scope: scope.clone(),
        recovery_point: column(TABLE, "recovery_point", id, point)?,
        about: column(TABLE, "order_id", id, about.ok_or(()))?,
        status: column(TABLE, "status", id, status)?,
        fingerprint: row.fingerprint,
        lock_token: row.lock_token,
        locked_until: Timestamp::from_millis(row.locked_until),
        answer: row.answer,
        created_at: Timestamp::from_millis(row.created_at),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Storage;
    use crate::test_database::on_both;

    on_both! {
        old_keys_are_forgotten_a_few_at_a_time => forgotten;
    }

    async fn forgotten(storage: &Storage) {
        let at = Timestamp::from_millis;
        let tenant_id = TenantId::new(at(1));
        let scope = |index: i64| Scope {
            tenant_id: tenant_id.clone(),
            mode: Mode::Test,
            route: "POST /v1/payments".to_owned(),
            key_hash: format!("{index:064}"),
        };
        let tx = storage.begin().await.unwrap();
        for index in 1..=5 {
            let request = Request {
                scope: scope(index),
                fingerprint: "0".repeat(64),
                recovery_point: RecoveryPoint::Intent,
                lock_token: 1,
                locked_until: at(index),
                about: About::Order(OrderId::new(at(index))),
                status: None,
                answer: None,
                created_at: at(index),
            };
            insert(&tx, &request).await.unwrap();
        }
        for expected in [3, 1, 0] {
            let gone = forget_all_tenants(&tx, at(5), 3).await;
            assert_eq!(gone.unwrap(), expected);
        }
        tx.commit().await.unwrap();
        assert!(find(storage, &scope(4)).await.unwrap().is_none());
        assert!(find(storage, &scope(5)).await.unwrap().is_some());
    }
}
