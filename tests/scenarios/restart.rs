//! The real server dies by SIGKILL again and again; nothing is lost and nothing doubled.

use tributary_tests::Backend;
use tributary_tests::kill::{self, Plan};

/// Enough to meet every step of the work; `kill_check` does more.
const CYCLES: usize = 8;

fn survive(backend: Backend) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let verdict = runtime.block_on(kill::run(Plan {
        cycles: CYCLES,
        backend,
    }));
    assert!(verdict.is_clean(), "\n{verdict}");
    assert!(
        verdict.paid_at_wechat > 0,
        "the load never reached WeChat\n{verdict}"
    );
}

#[test]
fn killed_server_loses_and_doubles_nothing_on_sqlite() {
    survive(Backend::Sqlite);
}

#[test]
fn killed_server_loses_and_doubles_nothing_on_postgres() {
    survive(Backend::Postgres);
}
