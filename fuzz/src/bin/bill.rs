//! The parsers of trade bills and of fund flows: no bytes stop them, and how they are cut never changes their rows.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| tributary_fuzz::bill(data));
