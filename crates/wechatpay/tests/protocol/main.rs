//! Tests of the protocol as a user of the crate sees it, most of them against published vectors.

#[cfg(test)]
mod calls;
#[cfg(test)]
mod fail_over;
#[cfg(test)]
mod fake_wechat;
#[cfg(test)]
mod key_ring;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod miniprogram;
#[cfg(test)]
mod no_panics;
#[cfg(test)]
mod notifications;
#[cfg(test)]
mod refusals;
#[cfg(test)]
mod second_implementation;
#[cfg(test)]
mod secrecy;
#[cfg(test)]
mod server_role;
#[cfg(test)]
mod signing;
#[cfg(test)]
mod v2;
#[cfg(test)]
mod vectors;
#[cfg(test)]
mod verification;
