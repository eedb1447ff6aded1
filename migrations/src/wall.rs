//! The wall between tenants in the database itself: PostgreSQL's row-level security. No other database has one.
//!
//! Every table with a `tenant_id` is behind it, also one that a later migration makes: whoever brings the schema up to
//! date raises the wall afterwards. What a transaction may touch, it says in [`SETTING`]; one that says nothing touches
//! nothing, its inserts included. `FORCE` holds the owner of the tables to it as well, who is whoever migrated.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{DatabaseBackend, FromQueryResult, Statement};

/// Where a transaction says whose rows it may touch: a tenant's id, or [`EVERYBODY`].
pub const SETTING: &str = "app.tenant_id";
/// What the platform's own work says. No tenant has this id: a constraint sees to it.
pub const EVERYBODY: &str = "*";

const POLICY: &str = "tenant_wall";
const NAMED: &str = "tenant_named";

/// The tables that must be behind the wall, each with the column that says whose a row is.
const TABLES: &str = "
    SELECT c.relname::text AS name, a.attname::text AS owner,
           c.relrowsecurity AND c.relforcerowsecurity AS is_forced,
           EXISTS (SELECT 1 FROM pg_policy p WHERE p.polrelid = c.oid AND p.polname = 'tenant_wall') AS has_policy,
           EXISTS (SELECT 1 FROM pg_constraint k WHERE k.conrelid = c.oid AND k.conname = 'tenant_named') AS is_named
      FROM pg_class c
      JOIN pg_attribute a ON a.attrelid = c.oid AND NOT a.attisdropped
           AND a.attname = CASE WHEN c.relname = 'tenants' THEN 'id' ELSE 'tenant_id' END
     WHERE c.relkind IN ('r', 'p') AND c.relnamespace = current_schema()::regnamespace
     ORDER BY c.relname";

/// Whether this session's role is one that no policy binds.
const ROLE: &str = "SELECT rolname::text AS name FROM pg_roles
     WHERE rolname = current_user AND (rolsuper OR rolbypassrls)";

#[derive(FromQueryResult)]
struct Table {
    name: String,
    owner: String,
    is_forced: bool,
    has_policy: bool,
    is_named: bool,
}

/// Puts behind the wall what is not behind it yet; changes and locks nothing else.
pub async fn raise(connection: &impl ConnectionTrait) -> Result<(), DbErr> {
    for table in tables(connection).await? {
        let Table { name, owner, .. } = &table;
        if !table.is_named {
            let check = format!("CHECK ({owner} NOT IN ('', '{EVERYBODY}'))");
            let sql = format!("ALTER TABLE {name} ADD CONSTRAINT {NAMED} {check}");
            connection.execute_unprepared(&sql).await?;
        }
        if !table.has_policy {
            let may = condition(owner);
            let sql = format!("CREATE POLICY {POLICY} ON {name} USING ({may}) WITH CHECK ({may})");
            connection.execute_unprepared(&sql).await?;
        }
        if !table.is_forced {
            let force = "ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY";
            let sql = format!("ALTER TABLE {name} {force}");
            connection.execute_unprepared(&sql).await?;
        }
    }
    Ok(())
}

/// Takes the wall away again.
pub(crate) async fn raze(connection: &impl ConnectionTrait) -> Result<(), DbErr> {
    for Table { name, .. } in tables(connection).await? {
        let sql = format!(
            "ALTER TABLE {name} NO FORCE ROW LEVEL SECURITY, DISABLE ROW LEVEL SECURITY,
                   DROP CONSTRAINT IF EXISTS {NAMED};
             DROP POLICY IF EXISTS {POLICY} ON {name}"
        );
        connection.execute_unprepared(&sql).await?;
    }
    Ok(())
}

/// Why the wall does not stand: a role that no policy binds, or a table that is not behind it.
pub async fn hole(connection: &impl ConnectionTrait) -> Result<Option<String>, DbErr> {
    let role = Statement::from_string(DatabaseBackend::Postgres, ROLE);
    if let Some(row) = connection.query_one_raw(role).await? {
        let name: String = row.try_get("", "name")?;
        return Ok(Some(format!(
            "the role {name} is a superuser or has BYPASSRLS"
        )));
    }
    let tables = tables(connection).await?;
    let open = tables
        .into_iter()
        .find(|table| !(table.is_forced && table.has_policy && table.is_named));
    Ok(open.map(|table| format!("the table {} is not behind it", table.name)))
}

/// What a row must satisfy to be seen and to be written.
///
/// Once a transaction ends, its setting is the empty text and not absent: neither may open anything.
fn condition(owner: &str) -> String {
    let whose = format!("nullif(current_setting('{SETTING}', true), '')");
    format!("{owner} = {whose} OR {whose} = '{EVERYBODY}'")
}

async fn tables(connection: &impl ConnectionTrait) -> Result<Vec<Table>, DbErr> {
    let statement = Statement::from_string(DatabaseBackend::Postgres, TABLES);
    Table::find_by_statement(statement).all(connection).await
}
