//! Everything that the platform logs during the tests, down to `trace`, in one nameless file that a test can search.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::{Mutex, OnceLock};

use tracing_subscriber::EnvFilter;

/// Down to where a careless line could be; the HTTP and SQL libraries log less, because they log every byte.
const FILTER: &str = "debug,tributary=trace,tributary_domain=trace,tributary_storage=trace,tributary_vault=trace,\
    tributary_webhooks=trace,tributary_operations=trace,tributary_http=trace,tributary_worker=trace,\
    tributary_server=trace,wechatpay=trace";

/// The file, which vanishes with the process.
fn file() -> &'static File {
    static LOG: OnceLock<File> = OnceLock::new();
    LOG.get_or_init(|| {
        let file = tempfile::tempfile().expect("a log file");
        let writer = file.try_clone().expect("a second handle");
        tracing_subscriber::fmt()
            .json()
            .with_env_filter(EnvFilter::new(FILTER))
            .with_writer(Mutex::new(writer))
            .init();
        file
    })
}

/// Begins to log; the first caller in a process does it.
pub fn capture() {
    file();
}

/// Every byte that was logged so far.
pub fn read() -> Vec<u8> {
    let length = file().metadata().expect("the log has a length").len();
    let mut content = vec![0; usize::try_from(length).expect("the log fits into memory")];
    file()
        .read_exact_at(&mut content, 0)
        .expect("the log is readable");
    content
}
