//! Faults between processes: WeChat, its hosts, the database, tenants' receivers and the server itself fail. After each:
//! nothing lost, nothing doubled, and no person needed.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "this package is tests: what does not hold must stop them, and figures are for people"
)]

mod backup_host;
mod crash_points;
mod database;
mod lying;
mod memory;
mod receivers;

use serde_json::{Value, json};
use tributary_server::config::Timeouts;
use tributary_tests::{Backend, Setup, TestDatabase, TestPlatform, run_with};

/// Short enough to be waited for, long enough for an answer on a busy machine.
const HURRIED: Timeouts = Timeouts {
    webhook_ms: 1_000,
    wechat_connect_ms: 1_000,
    wechat_total_ms: 1_500,
    shutdown_ms: 25_000,
};

/// A simulator with a backup host, and a platform that waits for nobody long.
fn setup() -> Setup {
    Setup {
        backup_listen: Some(([127, 0, 0, 1], 0).into()),
        timeouts: Some(HURRIED),
        ..Setup::default()
    }
}

/// Runs a scenario with that setup.
fn run_faulty(backend: Backend, scenario: impl AsyncFnOnce(&TestPlatform)) {
    let database = async || TestDatabase::create(backend).await;
    run_with(database, &setup(), scenario);
}

/// Makes two tests of one scenario: `name::on_sqlite` and `name::on_postgres`.
#[macro_export]
macro_rules! fault {
    ($name:ident, $run:ident) => {
        mod $name {
            #[test]
            fn on_sqlite() {
                $crate::run_faulty(tributary_tests::Backend::Sqlite, super::$run);
            }

            #[test]
            fn on_postgres() {
                $crate::run_faulty(tributary_tests::Backend::Postgres, super::$run);
            }
        }
    };
}

const REFUND_PATH: &str = "/v3/refund/domestic/refunds";

/// A call is tried twice; so many lost answers make its outcome unknown.
const BOTH_TRIES: u32 = 2;

/// The body that refunds a part of an order.
fn refund_of(order: &Value, number: &str, refund: i64) -> Value {
    json!({
        "order_id": order["id"],
        "merchant_refund_no": number,
        "amount": {"refund": refund, "currency": "CNY"},
    })
}

/// Brings every refund that WeChat accepted to a good end.
async fn refunds_succeed(p: &TestPlatform) {
    let refunds = p.simulator.ledger().refunds.into_iter();
    let open = refunds.filter(|refund| refund.status == wechatpay_sim::RefundStatus::Processing);
    for refund in open {
        let success = wechatpay_sim::SettleRefund {
            result: wechatpay_sim::RefundResult::Success,
            sp_mchid: None,
        };
        p.simulator
            .settle_refund(&refund.out_refund_no, &success)
            .expect("a result");
    }
    p.settle().await;
}

/// WeChat knows exactly one order and exactly one refund.
fn assert_one_of_each(p: &TestPlatform) {
    let ledger = p.simulator.ledger();
    assert_eq!((ledger.orders.len(), ledger.refunds.len()), (1, 1));
}
