//! The bill parser: no bytes stop it, and how they are cut never changes its rows.

#![no_main]

use libfuzzer_sys::fuzz_target;
use wechatpay::v3::bills::{TradeBillParser, TradeBillType};

fuzz_target!(|data: &[u8]| {
    let Some((first, data)) = data.split_first() else {
        return;
    };
    let mut whole = TradeBillParser::new(TradeBillType::All);
    let at_once = whole.push(data);
    let (head, tail) = data.split_at(usize::from(*first).min(data.len()));
    let mut cut = TradeBillParser::new(TradeBillType::All);
    let in_pieces = cut.push(head).and_then(|mut rows| {
        rows.extend(cut.push(tail)?);
        Ok(rows)
    });
    assert_eq!(format!("{at_once:?}"), format!("{in_pieces:?}"));
});
