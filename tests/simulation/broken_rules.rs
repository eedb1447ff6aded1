//! Every rule that can be broken on purpose is broken once, and the checks must notice: they are checked here.

use tributary_domain::rehearsal::Sabotage;
use tributary_tests::simulation::search;

const THREADS: usize = 2;
/// Most are noticed within a few seeds; `UnguardedUpdate` and `PaidGoesBack` need two others to act between a read
/// and a write, and take longer.
const SEEDS: u64 = 2_000;

#[test]
fn a_broken_rule_is_noticed() {
    let unnoticed: Vec<Sabotage> = Sabotage::ALL
        .into_iter()
        .filter(|rule| !is_noticed(*rule))
        .collect();
    assert!(
        unnoticed.is_empty(),
        "broken, and nobody noticed: {unnoticed:?}"
    );
}

#[expect(clippy::print_stdout, reason = "says by which seed")]
fn is_noticed(rule: Sabotage) -> bool {
    let (done, found) = search(0..SEEDS, THREADS, Some(rule));
    if let Some(found) = &found {
        let (name, what) = &found.violations[0];
        println!(
            "{rule:?}: seed {}, {done} seeds run: {name}: {what}",
            found.seed
        );
    }
    found.is_some()
}
