//! The most telling lines at which the server can end, one after another, on both databases; all of them, one by one:
//! `make crash`.

use tributary_domain::rehearsal::CrashPoint;
use tributary_tests::Backend;
use tributary_tests::kill::crash;

/// Between our intent, WeChat's answer, its notification and the tenant's receiver, where money could be lost or doubled.
const UNDER_LOAD: [CrashPoint; 5] = [
    CrashPoint::PrepayAnswered,
    CrashPoint::ObservationAfterCommit,
    CrashPoint::CloseAnswered,
    CrashPoint::RefundAnswered,
    CrashPoint::DeliveryAnswered,
];

fn ends_at(points: &[CrashPoint], backend: Backend) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let found = runtime.block_on(crash::run(points, backend));
    assert!(found.is_clean(), "{found:#?}");
}

mod server_that_ends_under_load_loses_and_doubles_nothing {
    use super::{Backend, UNDER_LOAD, ends_at};

    #[test]
    fn on_sqlite() {
        ends_at(&UNDER_LOAD, Backend::Sqlite);
    }

    #[test]
    fn on_postgres() {
        ends_at(&UNDER_LOAD, Backend::Postgres);
    }
}

mod bills_and_jobs_in_whose_midst_the_server_ends_go_on_and_double_nothing {
    use super::{Backend, CrashPoint, ends_at};

    #[test]
    fn on_sqlite() {
        ends_at(&CrashPoint::OF_LONG_WORK, Backend::Sqlite);
    }

    #[test]
    fn on_postgres() {
        ends_at(&CrashPoint::OF_LONG_WORK, Backend::Postgres);
    }
}
