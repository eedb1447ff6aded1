//! Everything that the platform logs during the tests, down to `trace`, in one file that a test can search.

use std::fs::File;
use std::path::PathBuf;
use std::sync::{Mutex, OnceLock};

use tempfile::TempDir;
use tracing_subscriber::EnvFilter;

/// Down to where a careless line could be; the HTTP and SQL libraries log less, because they log every byte.
const FILTER: &str = "debug,tributary=trace,tributary_domain=trace,tributary_storage=trace,tributary_vault=trace,\
    tributary_webhooks=trace,tributary_operations=trace,tributary_http=trace,tributary_worker=trace,\
    tributary_server=trace,wechatpay=trace";

struct Logs {
    _folder: TempDir,
    path: PathBuf,
}

fn logs() -> &'static Logs {
    static LOGS: OnceLock<Logs> = OnceLock::new();
    LOGS.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("log");
        let file = File::create(&path).expect("a log file");
        tracing_subscriber::fmt()
            .json()
            .with_env_filter(EnvFilter::new(FILTER))
            .with_writer(Mutex::new(file))
            .init();
        Logs {
            _folder: folder,
            path,
        }
    })
}

/// Begins to log; the first caller in a process does it.
pub fn capture() {
    logs();
}

/// Every byte that was logged so far.
pub fn read() -> Vec<u8> {
    std::fs::read(&logs().path).expect("the log is readable")
}
