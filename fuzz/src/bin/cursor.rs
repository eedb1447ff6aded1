//! Cursors of lists and of the feed: what is read as an id is written as the same text.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tributary_domain::ids::{EventId, OrderId, RefundId};

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let read = [
        text.parse::<OrderId>().ok().map(|id| id.to_string()),
        text.parse::<RefundId>().ok().map(|id| id.to_string()),
        text.parse::<EventId>().ok().map(|id| id.to_string()),
    ];
    for written in read.into_iter().flatten() {
        assert_eq!(written, text);
    }
});
