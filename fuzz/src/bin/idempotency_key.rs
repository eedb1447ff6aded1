//! The header `Idempotency-Key`: a key is 1 to 255 visible characters, and the same quoted or bare.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| tributary_fuzz::idempotency_key(data));
