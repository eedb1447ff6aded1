//! Seeds of the simulation, and the proof that a seed decides everything. More of them: `make simulate`.

#![expect(
    clippy::indexing_slicing,
    reason = "this package is tests: what does not hold must stop them"
)]

mod broken_rules;

use tributary_tests::simulation::{run, search};

/// Seeds that every run of the tests goes through; `make simulate SEEDS=n` goes through others.
const SEEDS: u64 = 200;
const THREADS: usize = 2;

#[test]
fn whatever_a_seed_decides_no_invariant_breaks() {
    if let (_, Some(failed)) = search(0..SEEDS, THREADS, None) {
        panic!(
            "{}\nreplay: make simulate SEED={}",
            failed.report(),
            failed.seed
        );
    }
}

#[test]
fn the_same_seed_is_the_same_run() {
    for seed in [3, 14, 159] {
        let (once, again) = (run(seed, None), run(seed, None));
        assert!(once.trace.len() > 50, "seed {seed} does nothing");
        assert_eq!(once.trace, again.trace, "seed {seed}");
    }
}
