//! The platform as its users meet it: every scenario runs on SQLite and on PostgreSQL, over HTTP.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "this package is tests: what does not hold must stop them"
)]

mod admin_isolation;
mod admin_providers;
mod admin_tenants;
mod audit;
mod bad_input;
mod close;
mod command_line;
mod console;
mod console_deliveries;
mod credentials;
mod delivery;
mod dev;
mod endpoint_choices;
mod feed;
mod fund_flows;
mod idempotency;
mod isolation;
mod late_money;
mod limits;
mod login;
mod lost_notification;
mod mutated_notifications;
mod notification;
mod pay_order;
mod provider_files;
mod provider_keys;
mod reconcile;
mod reconcile_crafted;
mod reconcile_crash;
mod reconcile_gaps;
mod reconcile_rows;
mod refund;
mod refused_refunds;
mod restart;
mod secrets;
mod setback;
mod signed_requests;
mod staff;
mod staff_isolation;
mod staff_sessions;
mod stop;
mod stopped_automatics;
mod stuck;
mod tenants;
mod timeline;
mod tokens;
mod unknown_outcome;
mod vault;
