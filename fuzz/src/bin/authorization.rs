//! The header `Authorization` of a signed request: what is read is what was written, in whatever order.

#![no_main]

use libfuzzer_sys::fuzz_target;
use wechatpay::server::parse_authorization;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let Ok(caller) = parse_authorization(text) else {
        return;
    };
    let written = format!(
        "WECHATPAY2-SHA256-RSA2048 mchid=\"{}\",nonce_str=\"{}\",timestamp=\"{}\",serial_no=\"{}\",signature=\"{}\"",
        caller.mchid, caller.nonce_str, caller.timestamp, caller.serial_no, caller.signature
    );
    assert_eq!(parse_authorization(&written), Ok(caller));
});
