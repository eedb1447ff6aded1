//! A fresh database per test: a file, or a PostgreSQL database copied from a migrated template.

use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, QueryResult, Statement,
};
use tempfile::TempDir;
use tokio::sync::OnceCell;
use tributary_storage::Storage;

#[cfg(debug_assertions)]
use crate::simulation::evidence::Rows;

/// Which database a scenario runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// The embedded default.
    Sqlite,
    /// A database in the cluster that `TRIBUTARY_TEST_POSTGRES` names.
    Postgres,
}

/// The URL of a maintenance database whose cluster takes the tests' databases.
pub const POSTGRES_VARIABLE: &str = "TRIBUTARY_TEST_POSTGRES";

/// A database of its own.
#[derive(Debug)]
pub struct TestDatabase {
    /// Its URL.
    pub url: String,
    home: Home,
}

#[derive(Debug)]
enum Home {
    Folder(TempDir),
    Cluster { name: String },
    Elsewhere,
}

impl TestDatabase {
    /// Makes a fresh, migrated database.
    pub async fn create(backend: Backend) -> Self {
        match backend {
            Backend::Sqlite => {
                let folder = tempfile::tempdir().expect("a temporary folder");
                let url = format!("sqlite://{}", folder.path().join("tributary.db").display());
                migrate(&url).await;
                Self {
                    url,
                    home: Home::Folder(folder),
                }
            }
            Backend::Postgres => {
                let template = template().await;
                let name = unique_name("tributary_test");
                maintain(&format!("CREATE DATABASE {name} TEMPLATE {template}")).await;
                Self {
                    url: sibling_url(&name),
                    home: Home::Cluster { name },
                }
            }
        }
    }

    /// Takes a database that somebody else made and removes, and brings its schema up to date.
    pub async fn at(url: String) -> Self {
        migrate(&url).await;
        Self {
            url,
            home: Home::Elsewhere,
        }
    }

    /// Reads with plain SQL: what the API does not show, such as queue rows.
    pub async fn query(&self, sql: &str) -> Vec<QueryResult> {
        let connection = self.connect().await;
        let statement = Statement::from_string(connection.get_database_backend(), sql);
        let rows = connection.query_all_raw(statement).await;
        connection.close().await.expect("the connection closes");
        rows.unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    /// Reads every table that the checks look at.
    #[cfg(debug_assertions)]
    pub async fn rows(&self) -> Rows {
        let connection = self.connect().await;
        let rows = Rows::read(&connection).await;
        connection.close().await.expect("the connection closes");
        rows
    }

    /// Reads one number.
    pub async fn count(&self, sql: &str) -> i64 {
        let rows = self.query(sql).await;
        rows[0].try_get_by_index(0).expect("a number")
    }

    /// Writes with plain SQL, to plant what only a crash leaves behind.
    pub async fn execute(&self, sql: &str) -> u64 {
        let connection = self.connect().await;
        let done = connection.execute_unprepared(sql).await;
        connection.close().await.expect("the connection closes");
        done.unwrap_or_else(|error| panic!("{sql}: {error}"))
            .rows_affected()
    }

    async fn connect(&self) -> DatabaseConnection {
        let mut options = ConnectOptions::new(&self.url);
        // A test looks over the wall between tenants.
        options.map_sqlx_postgres_opts(|options| options.options([("app.tenant_id", "*")]));
        Database::connect(options)
            .await
            .expect("the test's database answers")
    }

    /// Every row that belongs to a tenant, as text, with the name of its table before it.
    pub async fn rows_of(&self, tenant: &str) -> Vec<String> {
        let tables = match &self.home {
            Home::Folder(_) => {
                "SELECT m.name FROM sqlite_master m JOIN pragma_table_info(m.name) c ON c.name = 'tenant_id' \
                 WHERE m.type = 'table' ORDER BY m.name"
            }
            Home::Cluster { .. } | Home::Elsewhere => {
                "SELECT c.relname::text FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid \
                 WHERE a.attname = 'tenant_id' AND c.relkind = 'r' \
                 AND c.relnamespace = current_schema()::regnamespace ORDER BY 1"
            }
        };
        let mut all = Vec::new();
        for table in self.query(tables).await {
            let table: String = table.try_get_by_index(0).expect("a name");
            let row = self.row_as_text(&table).await;
            let sql =
                format!("SELECT {row} FROM {table} t WHERE tenant_id = '{tenant}' ORDER BY 1");
            for found in self.query(&sql).await {
                let text: String = found.try_get_by_index(0).expect("a row as text");
                all.push(format!("{table}: {text}"));
            }
        }
        all
    }

    /// What makes a text of a row of a table that is called `t`.
    async fn row_as_text(&self, table: &str) -> String {
        if !matches!(self.home, Home::Folder(_)) {
            return String::from("t::text");
        }
        let columns = format!("SELECT name FROM pragma_table_info('{table}')");
        let columns = self.query(&columns).await.into_iter().map(|column| {
            let name: String = column.try_get_by_index(0).expect("a name");
            format!("quote(t.\"{name}\")")
        });
        columns.collect::<Vec<_>>().join(" || ' ' || ")
    }

    /// Every byte that the database keeps: its files, or every row of every table as text.
    pub async fn dump(&self) -> Vec<u8> {
        match &self.home {
            Home::Folder(folder) => {
                let files = std::fs::read_dir(folder.path()).expect("the folder is readable");
                let paths = files.map(|file| file.expect("a file").path());
                paths
                    .flat_map(|path| std::fs::read(path).expect("the file is readable"))
                    .collect()
            }
            Home::Cluster { .. } | Home::Elsewhere => self.dump_tables().await,
        }
    }

    async fn dump_tables(&self) -> Vec<u8> {
        let tables = self
            .query("SELECT tablename::text FROM pg_tables WHERE schemaname = 'public'")
            .await;
        let mut all = Vec::new();
        for row in tables {
            let table: String = row.try_get_by_index(0).expect("a name");
            for row in self
                .query(&format!("SELECT t::text FROM \"{table}\" t"))
                .await
            {
                let text: String = row.try_get_by_index(0).expect("a row as text");
                all.extend(unescape_bytea(&text));
                all.extend(text.into_bytes());
                all.push(b'\n');
            }
        }
        all
    }

    /// Drops the database.
    pub async fn remove(self) {
        if let Home::Cluster { name } = &self.home {
            maintain(&format!("DROP DATABASE {name} WITH (FORCE)")).await;
        }
    }
}

/// PostgreSQL shows bytes as `\x` and hex; a secret inside would otherwise hide from a search.
fn unescape_bytea(text: &str) -> Vec<u8> {
    text.split("\\x")
        .skip(1)
        .flat_map(|part| {
            let digits: String = part.chars().take_while(char::is_ascii_hexdigit).collect();
            hex::decode(&digits[..digits.len() / 2 * 2]).expect("hexadecimal digits")
        })
        .collect()
}

async fn migrate(url: &str) {
    let storage = Storage::connect(url, 1)
        .await
        .expect("the database answers");
    storage.migrate().await.expect("the schema can be made");
    storage.close().await.expect("the database closes");
}

/// A migrated database that nobody is connected to, made once per process.
async fn template() -> &'static str {
    static TEMPLATE: OnceCell<String> = OnceCell::const_new();
    TEMPLATE
        .get_or_init(|| async {
            let name = unique_name("tributary_template");
            maintain(&format!("CREATE DATABASE {name}")).await;
            migrate(&sibling_url(&name)).await;
            name
        })
        .await
}

fn unique_name(stem: &str) -> String {
    format!("{stem}_{}", hex::encode(rand::random::<[u8; 8]>()))
}

#[expect(
    clippy::disallowed_methods,
    reason = "the cluster's address is the harness's configuration"
)]
fn maintenance_url() -> String {
    std::env::var(POSTGRES_VARIABLE).unwrap_or_else(|_| {
        panic!("{POSTGRES_VARIABLE} is not set: run `make test`, which starts PostgreSQL")
    })
}

/// The URL of another database in the same cluster.
fn sibling_url(name: &str) -> String {
    let mut url: url::Url = maintenance_url().parse().expect("a database URL");
    url.set_path(&format!("/{name}"));
    url.into()
}

async fn maintain(sql: &str) {
    let connection = Database::connect(maintenance_url())
        .await
        .expect("PostgreSQL answers");
    let done = connection.execute_unprepared(sql).await;
    connection.close().await.expect("the connection closes");
    done.unwrap_or_else(|error| panic!("{sql}: {error}"));
}
