//! The header `Idempotency-Key`: a key is 1 to 255 visible characters, and the same quoted or bare.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tributary_domain::idempotency_key::{KEY_CHARS_MAX, parse};

fuzz_target!(|data: &[u8]| {
    let Some(key) = parse(data) else { return };
    assert!((1..=KEY_CHARS_MAX).contains(&key.len()));
    assert!(key.bytes().all(|byte| byte.is_ascii_graphic()));
    let quoted = format!("\"{key}\"");
    assert_eq!(parse(quoted.as_bytes()), Some(key));
});
