//! Inputs that fuzzing found once, or that show it the way: no target stops at one of them.

use std::path::Path;

use tributary_tests::fuzz_targets::TARGETS;

#[test]
fn no_kept_input_stops_a_parser() {
    let all = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/regressions");
    for (name, target) in TARGETS {
        let folder = all.join(name);
        let files = std::fs::read_dir(&folder);
        let files = files.unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        let mut count = 0;
        for file in files {
            let path = file.expect("an entry").path();
            let input = std::fs::read(&path).expect("an input");
            let stopped = std::panic::catch_unwind(|| target(&input)).is_err();
            assert!(!stopped, "{} stops {name}", path.display());
            count += 1;
        }
        assert!(count > 0, "{name} has no inputs");
    }
    let folders = std::fs::read_dir(&all).expect("regressions").count();
    assert_eq!(folders, TARGETS.len(), "a folder without a target");
}

#[test]
fn kept_bills_reach_the_rows_of_both_parsers() {
    use wechatpay::v3::bills::{FundFlowBillParser, TradeBillParser, TradeBillType};
    let kept = |name: &str| {
        let path = format!(
            "{}/../fuzz/regressions/bill/{name}",
            env!("CARGO_MANIFEST_DIR")
        );
        std::fs::read(path).expect("an input").split_off(2)
    };
    let trades = TradeBillParser::new(TradeBillType::All).push(&kept("trade_whole"));
    assert_eq!(trades.map(|rows| rows.len()), Ok(2));
    let flows = FundFlowBillParser::new().push(&kept("fund_flow_whole"));
    assert_eq!(flows.map(|rows| rows.len()), Ok(2));
}
