//! The rules of Tributary: money, ids, time, orders, observations, events.
//!
//! Pure code. There is no I/O, no async, no SQL, no HTTP, no wall clock and no secret in this crate; it imports
//! nothing of the workspace. Read `order`, then `settlement`, then `refund`,
//! `refund_settlement` and `event`.

pub mod approval;
pub mod audit;
pub mod bill;
pub mod clock;
pub mod credential;
pub mod cursor;
pub mod data_key;
pub mod delivery;
pub mod endpoint;
pub mod event;
pub mod field;
pub mod fund_flow;
pub mod idempotency_key;
pub mod ids;
pub mod job;
pub mod late_payment;
pub mod merchant;
pub mod money;
pub mod order;
pub mod order_content;
pub mod order_filter;
pub mod order_money;
pub mod provider_key;
pub mod rate_limit;
pub mod reconciliation;
pub mod refund;
pub mod refund_content;
pub mod refund_settlement;
pub mod rehearsal;
pub mod settlement;
pub mod staff;
pub mod staff_member;
mod state_words;
pub mod tenant;
