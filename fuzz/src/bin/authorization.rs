//! The header `Authorization` of a signed request: what is read is what was written, in whatever order.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| tributary_fuzz::authorization(data));
