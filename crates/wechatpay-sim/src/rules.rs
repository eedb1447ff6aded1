//! WeChat's rules about requests, apart from HTTP and from what the ledger holds.

pub(crate) mod bodies;
pub(crate) mod schema;
pub(crate) mod urls;
