//! A notification's body before and after its decryption: no bytes stop us, and none are believed without the key.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| tributary_fuzz::envelope(data));
