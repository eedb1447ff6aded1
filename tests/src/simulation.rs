//! A deterministic simulation: the real operations and the real storage, under a clock, a WeChat, receivers and faults
//! that a seed decides.
//!
//! A run lets many things happen, then ends every fault, waits until nothing is left to do, and hands what is left to
//! [`checker`], which knows the invariants and nothing of the platform's code. The same seed is the same run, line by
//! line. Read `actions` for what can happen, `wires` for what goes wrong, `drain` for the end.

mod actions;
pub mod checker;
mod dice;
mod drain;
pub mod evidence;
mod node;
mod payers;
mod process;
mod refunds;
mod setup;
mod tenants;
mod weather;
mod wires;
mod world;

use std::panic::AssertUnwindSafe;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::FutureExt as _;
use tributary_domain::rehearsal::{self, Sabotage};

use checker::Violations;
use world::World;

/// Things that happen in one run.
const STEPS: usize = 110;
/// Without optimisation, a call within a call within a call needs some room.
const STACK_BYTES: usize = 64 * 1024 * 1024;
/// A seed takes a second; one that takes this long waits for itself.
const SEED_LIMIT: Duration = Duration::from_mins(2);
/// Lines of the trace that a failure shows.
const LINES_SHOWN: usize = 400;

/// What a run came to.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Its seed.
    pub seed: u64,
    /// What happened, line by line.
    pub trace: Vec<String>,
    /// What must not be.
    pub violations: Violations,
}

impl Outcome {
    /// The end of the trace and what was found, for a person.
    pub fn report(&self) -> String {
        let from = self.trace.len().saturating_sub(LINES_SHOWN);
        let lines = self.trace[from..].join("\n");
        let found: Vec<String> = self
            .violations
            .iter()
            .map(|(name, what)| format!("{name}: {what}"))
            .collect();
        format!(
            "{lines}\nseed {}: {} violations\n{}",
            self.seed,
            found.len(),
            found.join("\n")
        )
    }
}

/// Runs one seed on a thread of its own, with a rule broken or with none.
pub fn run(seed: u64, broken: Option<Sabotage>) -> Outcome {
    let run = move || {
        rehearsal::sabotage(broken);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let outcome = runtime.block_on(simulate(seed));
        runtime.shutdown_background();
        outcome
    };
    let thread = std::thread::Builder::new()
        .stack_size(STACK_BYTES)
        .spawn(run);
    thread
        .expect("a thread")
        .join()
        .expect("a run that catches its panics")
}

async fn simulate(seed: u64) -> Outcome {
    tributary_server::commands::install_tls();
    let world = Box::pin(World::create(seed)).await;
    let live = async {
        world.change_weather();
        for _ in 0..STEPS {
            world.step().await;
        }
        let drained = world.drain().await;
        checker::check(&world.evidence(drained).await)
    };
    let live = tokio::time::timeout(SEED_LIMIT, AssertUnwindSafe(live).catch_unwind());
    let violations = match live
        .await
        .unwrap_or_else(|_| Ok(vec![("nothing waits for itself", String::new())]))
    {
        Ok(violations) => violations,
        Err(panic) => {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            vec![("nothing panics", text.unwrap_or_default())]
        }
    };
    let trace = world.close().await;
    Outcome {
        seed,
        trace,
        violations,
    }
}

/// Runs seeds on several threads until one fails or all are done; answers the first failure, and how many were run.
pub fn search(
    seeds: std::ops::Range<u64>,
    threads: usize,
    broken: Option<Sabotage>,
) -> (u64, Option<Outcome>) {
    let next = AtomicU64::new(seeds.start);
    let found: Mutex<Option<Outcome>> = Mutex::new(None);
    let done = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::SeqCst);
                    if seed >= seeds.end || found.lock().expect("no thread panicked").is_some() {
                        return;
                    }
                    let outcome = run(seed, broken);
                    done.fetch_add(1, Ordering::SeqCst);
                    if !outcome.violations.is_empty() {
                        let mut found = found.lock().expect("no thread panicked");
                        if found.as_ref().is_none_or(|known| known.seed > seed) {
                            *found = Some(outcome);
                        }
                    }
                }
            });
        }
    });
    (
        done.into_inner(),
        found.into_inner().expect("no thread panicked"),
    )
}
