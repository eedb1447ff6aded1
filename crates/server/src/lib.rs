//! The binary's parts: command line, configuration, wiring, telemetry. No rules live here.
//!
//! May import everything; nothing imports it but the tests, which build the same [`platform::Platform`] as `serve`
//! and `dev`. Read `commands` (what each command does), then `platform` (how the parts are put together).

pub mod admin;
mod admin_ui;
pub mod audit;
pub mod cli;
pub mod commands;
pub mod config;
mod connections;
pub mod console;
mod core_dumps;
pub mod dev;
pub mod doctor;
pub mod keys;
pub mod listener;
pub mod platform;
#[cfg(debug_assertions)]
mod rehearsal;
pub mod shutdown;
pub mod simulated;
pub mod telemetry;
