//! Tests of the protocol as a user of the crate sees it, most of them against published vectors.

#[cfg(test)]
mod notifications;
#[cfg(test)]
mod server_role;
#[cfg(test)]
mod signing;
#[cfg(test)]
mod vectors;
#[cfg(test)]
mod verification;
