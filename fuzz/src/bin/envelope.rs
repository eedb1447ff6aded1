//! A notification's body before and after its decryption: no bytes stop us, and none are believed without the key.

#![no_main]

use libfuzzer_sys::fuzz_target;
use wechatpay::credentials::ApiV3Key;
use wechatpay::v3::notification::{Envelope, Notice};

fuzz_target!(|data: &[u8]| {
    let key = ApiV3Key::parse("0123456789abcdef0123456789abcdef").expect("32 characters");
    if let Ok(envelope) = Envelope::parse(data) {
        assert!(envelope.decrypt(&[key]).is_err(), "decrypted without the key");
    }
    drop(Notice::from_plain(data));
});
