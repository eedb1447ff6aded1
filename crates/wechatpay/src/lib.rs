//! The WeChat Pay protocol, both roles: the client that signs, calls and verifies, and the server side that verifies a
//! caller, signs an answer and encrypts a notification.
//!
//! The crate knows nothing of tenants, of our ids or of a database, reads no wall clock (time is a parameter, or comes
//! from a [`Clock`]) and imports no other crate of this workspace.
//!
//! Reading order: [`credentials`] (keys), [`v3`] (what is signed, what is on the wire), [`client`] (calls with
//! fail-over), [`server`] (the other role), [`v2`] (what is left of the old signature), [`miniprogram`] (login).

pub mod client;
mod clock;
pub mod credentials;
pub mod miniprogram;
mod nonce;
mod open_enum;
pub mod server;
pub mod v2;
pub mod v3;

pub use clock::{Clock, system_clock};
pub use nonce::random_nonce;

/// Compiles and runs what the README shows.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadmeExamples;
