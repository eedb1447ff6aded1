//! Signs one webhook delivery and sends it safely, once.
//!
//! Purpose: turn an event's stored bytes and an endpoint's secrets into one HTTP attempt and one verdict. A receiver
//! can neither make us reach an internal address nor hold us longer, or with more bytes, than the limits say.
//!
//! Not here: tenants, the database, the retry loop, endpoint health. The caller stores the verdict and asks
//! [`Schedule`] when to come back. Imports nothing of the workspace.
//!
//! Reading order: [`signature`], [`address_guard`], [`custom_headers`], [`sender`], [`outcome`], [`retry_schedule`].

pub mod address_guard;
pub mod custom_headers;
pub mod outcome;
pub mod retry_schedule;
pub mod sender;
pub mod signature;

pub use address_guard::{AddressPolicy, EndpointUrl, Network, UrlRefused};
pub use custom_headers::{CustomHeaders, HeaderRefused};
pub use outcome::{ErrorClass, Outcome};
pub use retry_schedule::Schedule;
pub use sender::{Attempt, Delivery, Sender, SenderConfig, SenderError, Wire};
pub use signature::{Secret, SignedHeaders, VerifyError};
