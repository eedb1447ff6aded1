//! The simulator from outside: raw signed requests, the `wechatpay` client, a receiver of notifications.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "the helpers of tests fail as tests do"
)]

mod authentication;
mod bills;
mod cashier;
mod client;
mod control;
mod faults;
mod harness;
mod hosts;
mod key_modes;
mod login;
mod notifications;
mod placing;
mod queries;
mod refunds;
mod restart;
