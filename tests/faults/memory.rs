//! What strangers may cost the real server in memory.

use std::time::Duration;

use tributary_tests::Backend;
use tributary_tests::trouble::Trouble;

/// Several times what it needs, and a small part of what one of these strangers offers.
const PEAK_KIB_MAX: u64 = 300 * 1024;
const LENGTH: Duration = Duration::from_secs(8);

fn stays_bounded(trouble: Trouble) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let verdict = runtime.block_on(trouble.run(Backend::Sqlite, LENGTH));
    println!(
        "{trouble:?}: peak {} MiB\n{verdict}",
        verdict.peak_kib / 1024
    );
    assert!(
        verdict.is_clean() && verdict.paid_at_wechat > 0,
        "{verdict}"
    );
    assert!(verdict.peak_kib < PEAK_KIB_MAX, "{} KiB", verdict.peak_kib);
}

#[test]
fn receivers_that_answer_without_end_cost_no_memory() {
    stays_bounded(Trouble::HostileReceivers);
}

#[test]
fn callers_that_send_mebibytes_or_nothing_cost_no_memory() {
    stays_bounded(Trouble::HostileCallers);
}
