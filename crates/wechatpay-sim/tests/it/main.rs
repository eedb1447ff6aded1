//! The simulator from outside: raw signed requests, the `wechatpay` client, a receiver of notifications.

mod harness;
mod notifications;
