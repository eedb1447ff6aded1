//! What statements run on. On PostgreSQL each transaction begins by saying whose rows it may touch, in the message that
//! begins it, and each read outside of one gets a transaction of its own for that reason.
//!
//! Which of the two ways is taken, `dialect` has decided.

use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, ExecResult,
    QueryResult, RuntimeErr, Statement, Values,
};
use sea_query_sqlx::SqlxValues;
use sqlx::{AssertSqlSafe, PgPool, Postgres};
use tokio::sync::Mutex;
use tributary_migrations::wall;

use crate::tenancy::{self, Tenancy};

/// Runs reads outside of transactions.
#[derive(Clone, Debug)]
pub struct Reader(ReaderKind);

#[derive(Clone, Debug)]
enum ReaderKind {
    Open(DatabaseConnection),
    Walled(PgPool),
}

/// One transaction; dropped, it never happened.
#[derive(Debug)]
pub struct Transaction(TransactionKind);

#[derive(Debug)]
enum TransactionKind {
    Open(DatabaseTransaction),
    Walled(Mutex<sqlx::Transaction<'static, Postgres>>),
}

impl Reader {
    /// Reads without a wall.
    pub(crate) const fn open(connection: DatabaseConnection) -> Self {
        Self(ReaderKind::Open(connection))
    }

    /// Reads behind the wall.
    pub(crate) const fn walled(pool: PgPool) -> Self {
        Self(ReaderKind::Walled(pool))
    }
}

impl Transaction {
    /// Takes a transaction without a wall.
    pub(crate) const fn open(transaction: DatabaseTransaction) -> Self {
        Self(TransactionKind::Open(transaction))
    }

    /// Begins a writing transaction behind the wall.
    pub(crate) async fn begin_walled(pool: &PgPool) -> Result<Self, DbErr> {
        let inner = begin(pool, "BEGIN").await?;
        Ok(Self(TransactionKind::Walled(Mutex::new(inner))))
    }

    /// Makes everything written true.
    pub(crate) async fn commit(self) -> Result<(), DbErr> {
        match self.0 {
            TransactionKind::Open(open) => open.commit().await,
            TransactionKind::Walled(walled) => walled.into_inner().commit().await.map_err(query),
        }
    }

    /// Undoes everything written.
    pub(crate) async fn rollback(self) -> Result<(), DbErr> {
        match self.0 {
            TransactionKind::Open(open) => open.rollback().await,
            TransactionKind::Walled(walled) => walled.into_inner().rollback().await.map_err(query),
        }
    }
}

/// Begins a transaction in which the wall knows whose rows may be touched. Nothing was said: nothing begins.
///
/// An id of a tenant consists of letters, digits and underscores.
async fn begin(pool: &PgPool, how: &str) -> Result<sqlx::Transaction<'static, Postgres>, DbErr> {
    let tenancy = tenancy::current();
    let whose = match &tenancy {
        Some(Tenancy::Tenant(tenant)) => tenant.as_str(),
        Some(Tenancy::Platform) => wall::EVERYBODY,
        None => return Err(DbErr::Custom("nobody said whose rows to touch".into())),
    };
    let sql = format!("{how}; SET LOCAL {} = '{whose}'", wall::SETTING);
    // Every operation's future would hold this one.
    Box::pin(pool.begin_with(AssertSqlSafe(sql)))
        .await
        .map_err(|error| DbErr::Conn(RuntimeErr::SqlxError(error.into())))
}

/// One read in a transaction that is dropped, not ended: the rollback goes out with the message that gives the
/// connection back, and nobody waits for it.
async fn begin_read(pool: &PgPool) -> Result<sqlx::Transaction<'static, Postgres>, DbErr> {
    begin(pool, "BEGIN READ ONLY").await
}

#[async_trait::async_trait]
impl ConnectionTrait for Reader {
    fn get_database_backend(&self) -> DbBackend {
        match &self.0 {
            ReaderKind::Open(open) => open.get_database_backend(),
            ReaderKind::Walled(_) => DbBackend::Postgres,
        }
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        let statement = as_rehearsed(statement);
        match &self.0 {
            ReaderKind::Open(open) => open.execute_raw(statement).await,
            ReaderKind::Walled(pool) => execute_on(&mut begin_read(pool).await?, statement).await,
        }
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        match &self.0 {
            ReaderKind::Open(open) => open.execute_unprepared(sql).await,
            ReaderKind::Walled(pool) => unprepared_on(&mut begin_read(pool).await?, sql).await,
        }
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        let statement = as_rehearsed(statement);
        match &self.0 {
            ReaderKind::Open(open) => open.query_one_raw(statement).await,
            ReaderKind::Walled(pool) => one_on(&mut begin_read(pool).await?, statement).await,
        }
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        let statement = as_rehearsed(statement);
        match &self.0 {
            ReaderKind::Open(open) => open.query_all_raw(statement).await,
            ReaderKind::Walled(pool) => all_on(&mut begin_read(pool).await?, statement).await,
        }
    }
}

#[async_trait::async_trait]
impl ConnectionTrait for Transaction {
    fn get_database_backend(&self) -> DbBackend {
        match &self.0 {
            TransactionKind::Open(open) => open.get_database_backend(),
            TransactionKind::Walled(_) => DbBackend::Postgres,
        }
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        let statement = as_rehearsed(statement);
        match &self.0 {
            TransactionKind::Open(open) => open.execute_raw(statement).await,
            TransactionKind::Walled(walled) => {
                execute_on(&mut *walled.lock().await, statement).await
            }
        }
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        match &self.0 {
            TransactionKind::Open(open) => open.execute_unprepared(sql).await,
            TransactionKind::Walled(walled) => unprepared_on(&mut *walled.lock().await, sql).await,
        }
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        let statement = as_rehearsed(statement);
        match &self.0 {
            TransactionKind::Open(open) => open.query_one_raw(statement).await,
            TransactionKind::Walled(walled) => one_on(&mut *walled.lock().await, statement).await,
        }
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        let statement = as_rehearsed(statement);
        match &self.0 {
            TransactionKind::Open(open) => open.query_all_raw(statement).await,
            TransactionKind::Walled(walled) => all_on(&mut *walled.lock().await, statement).await,
        }
    }
}

type Walled = sqlx::Transaction<'static, Postgres>;

async fn execute_on(walled: &mut Walled, statement: Statement) -> Result<ExecResult, DbErr> {
    let done = bound(statement).execute(&mut **walled).await;
    done.map(Into::into).map_err(execution)
}

async fn unprepared_on(walled: &mut Walled, sql: &str) -> Result<ExecResult, DbErr> {
    use sqlx::Executor as _;
    let done = walled.execute(AssertSqlSafe(sql.to_owned())).await;
    done.map(Into::into).map_err(execution)
}

async fn one_on(walled: &mut Walled, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
    let row = bound(statement).fetch_optional(&mut **walled).await;
    row.map(|row| row.map(Into::into)).map_err(query)
}

async fn all_on(walled: &mut Walled, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
    let rows = bound(statement).fetch_all(&mut **walled).await;
    rows.map(|rows| rows.into_iter().map(Into::into).collect())
        .map_err(query)
}

/// The statement with its values, as sea-orm's own connection binds them.
fn bound(statement: Statement) -> sqlx::query::Query<'static, Postgres, SqlxValues> {
    let values = statement.values.unwrap_or_else(|| Values(Vec::new()));
    sqlx::query_with(AssertSqlSafe(statement.sql), SqlxValues(values))
}

fn query(error: sqlx::Error) -> DbErr {
    DbErr::Query(RuntimeErr::SqlxError(error.into()))
}

fn execution(error: sqlx::Error) -> DbErr {
    DbErr::Exec(RuntimeErr::SqlxError(error.into()))
}

/// The statement as it is, unless finders are made to forget whose rows were asked for.
#[cfg(debug_assertions)]
fn as_rehearsed(statement: Statement) -> Statement {
    crate::rehearsal::without_tenant(statement)
}

#[cfg(not(debug_assertions))]
const fn as_rehearsed(statement: Statement) -> Statement {
    statement
}
