//! The simulator from outside: raw signed requests, the `wechatpay` client, a receiver of notifications.

mod authentication;
mod cashier;
mod control;
mod faults;
mod harness;
mod key_modes;
mod login;
mod notifications;
mod placing;
mod queries;
mod refunds;
mod restart;
