//! Cursors of every list, of the feed and of timelines, and the ids they are made of: what is read as a place is written
//! as the same text.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| tributary_fuzz::cursor(data));
