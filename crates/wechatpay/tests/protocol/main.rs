//! Tests of the protocol as a user of the crate sees it, most of them against published vectors.

#[cfg(test)]
mod abnormal_refunds;
#[cfg(test)]
mod bill_calls;
#[cfg(test)]
mod bill_content;
#[cfg(test)]
mod bill_downloads;
#[cfg(test)]
mod bill_parsing;
#[cfg(test)]
mod bill_round_trips;
#[cfg(test)]
mod bill_writer;
#[cfg(test)]
mod calls;
#[cfg(test)]
mod certificate_requests;
#[cfg(test)]
mod fail_over;
#[cfg(test)]
mod fake_wechat;
#[cfg(test)]
mod key_ring;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod merchant_files;
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
