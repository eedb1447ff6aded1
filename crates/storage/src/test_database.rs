//! A fresh database per test: a SQLite file, or a database of its own in the PostgreSQL that the environment names.

use std::sync::atomic::{AtomicU32, Ordering};

use sea_orm::{ConnectionTrait, Database};
use tempfile::TempDir;

use crate::Storage;

static COUNTER: AtomicU32 = AtomicU32::new(0);

/// A database that is gone when the test is.
pub(crate) struct TestDatabase {
    pub(crate) storage: Storage,
    _folder: Option<TempDir>,
}

impl TestDatabase {
    /// Makes a SQLite database.
    pub(crate) async fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("test.db").display());
        Self::open(&url, Some(folder)).await
    }

    /// Makes a PostgreSQL database, or nothing, and says so, when there is no server to make it in.
    pub(crate) async fn postgres() -> Option<Self> {
        let Some(server) = server_url() else {
            println!("NOT RUN on PostgreSQL: TRIBUTARY_TEST_POSTGRES is not set");
            return None;
        };
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        let name = format!("storage_{}_{number}", std::process::id());
        let maintenance = Database::connect(&server).await.unwrap();
        let create = format!("CREATE DATABASE {name}");
        maintenance.execute_unprepared(&create).await.unwrap();
        maintenance.close().await.unwrap();
        let (base, _) = server.rsplit_once('/').unwrap();
        Some(Self::open(&format!("{base}/{name}"), None).await)
    }

    async fn open(url: &str, folder: Option<TempDir>) -> Self {
        let storage = Storage::connect(url, 8).await.unwrap();
        storage.migrate().await.unwrap();
        Self {
            storage,
            _folder: folder,
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the test runner names the server in the environment"
)]
fn server_url() -> Option<String> {
    std::env::var("TRIBUTARY_TEST_POSTGRES").ok()
}

/// Runs one async test body on both databases, as two tests.
macro_rules! on_both {
    ($($name:ident => $body:ident;)*) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $name() {
                let database = $crate::test_database::TestDatabase::sqlite().await;
                $crate::tenancy::platform(super::$body(&database.storage)).await;
            })*
        }
        mod postgres {
            $(#[tokio::test]
            async fn $name() {
                if let Some(database) = $crate::test_database::TestDatabase::postgres().await {
                    $crate::tenancy::platform(super::$body(&database.storage)).await;
                }
            })*
        }
    };
}

pub(crate) use on_both;
