//! Every rule that can be broken on purpose is broken once, and the checks must notice: they are checked here.

use tributary_domain::rehearsal::Sabotage;
use tributary_tests::simulation::search;

const THREADS: usize = 2;
/// Most broken rules are noticed within a few seeds.
const SEEDS_QUICK: u64 = 60;
/// Within so many seeds each of them must be.
const SEEDS_MAX: u64 = 2_000;
/// Rules whose breach needs two others to act between a read and a write.
const SLOW: [Sabotage; 2] = [Sabotage::UnguardedUpdate, Sabotage::PaidGoesBack];

#[test]
fn a_broken_rule_is_noticed() {
    let quick = Sabotage::ALL
        .into_iter()
        .filter(|rule| !SLOW.contains(rule));
    let unnoticed: Vec<Sabotage> = quick
        .filter(|rule| !is_noticed(*rule, SEEDS_QUICK))
        .collect();
    assert!(
        unnoticed.is_empty(),
        "broken, and nobody noticed: {unnoticed:?}"
    );
}

#[test]
#[ignore = "takes a minute: `make broken-rules` runs it"]
fn a_rule_that_is_rarely_needed_is_noticed_too() {
    let unnoticed: Vec<Sabotage> = SLOW
        .into_iter()
        .filter(|rule| !is_noticed(*rule, SEEDS_MAX))
        .collect();
    assert!(
        unnoticed.is_empty(),
        "broken, and nobody noticed: {unnoticed:?}"
    );
}

#[expect(clippy::print_stdout, reason = "says by which seed")]
fn is_noticed(rule: Sabotage, seeds: u64) -> bool {
    let (done, found) = search(0..seeds, THREADS, Some(rule));
    if let Some(found) = &found {
        let (name, what) = &found.violations[0];
        println!(
            "{rule:?}: seed {}, {done} seeds run: {name}: {what}",
            found.seed
        );
    }
    found.is_some()
}
