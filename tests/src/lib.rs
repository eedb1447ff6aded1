//! The harness: a whole platform per test, driven from outside over HTTP.
//!
//! [`TestPlatform`] builds the same [`tributary_server::platform::Platform`] as `serve` does, beside a simulated WeChat
//! Pay, with a fresh database and a clock that only the test moves. Background work happens only in `settle`. The
//! [`scenario!`] macro runs each scenario on SQLite and on PostgreSQL. Read `scenarios/pay_order.rs` for how it looks.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "this package is tests: what does not hold must stop them"
)]

pub mod api;
pub mod cluster;
pub mod database;
#[path = "../../fuzz/src/lib.rs"]
pub mod fuzz_targets;
pub mod hostile;
pub mod kill;
pub mod logs;
pub mod platform;
pub mod signer;
#[cfg(debug_assertions)]
pub mod simulation;
pub mod staff;
pub mod tenant;
pub mod trouble;
pub mod webhook_receiver;
pub mod wechat_hand;

pub use api::{Answer, Api};
pub use cluster::Cluster;
pub use database::{Backend, TestDatabase};
pub use hostile::{HostileReceiver, Hostility};
pub use platform::{Setup, TestPlatform, run_on, run_on_one_thread, run_with};
pub use staff::Person;
pub use tenant::TestTenant;
pub use webhook_receiver::{Behaviour, Gate, Webhook, WebhookReceiver};
pub use wechat_hand::{WeChatHand, active_public_key};

/// Makes two tests of one scenario: `name::on_sqlite` and `name::on_postgres`.
#[macro_export]
macro_rules! scenario {
    ($(#[$doc:meta])* $name:ident, $run:ident) => {
        $(#[$doc])*
        mod $name {
            #[test]
            fn on_sqlite() {
                $crate::run_on($crate::Backend::Sqlite, super::$run);
            }

            #[test]
            fn on_postgres() {
                $crate::run_on($crate::Backend::Postgres, super::$run);
            }
        }
    };
}
