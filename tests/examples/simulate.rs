//! Runs seeds of the simulation: `simulate [--from 0] [--seeds 1000] [--seed n] [--broken Rule]`. A failure prints its
//! seed, which replays it. Exit code 1 when a seed fails.

#![expect(clippy::print_stdout, reason = "a program that prints what it found")]

use std::process::ExitCode;
use std::time::Instant;

use tributary_domain::rehearsal::Sabotage;
use tributary_tests::simulation;

struct Plan {
    from: u64,
    seeds: u64,
    seed: Option<u64>,
    broken: Option<Sabotage>,
}

fn main() -> ExitCode {
    let Some(plan) = read_arguments() else {
        println!("usage: simulate [--from 0] [--seeds 1000] [--seed n] [--broken Rule]");
        return ExitCode::from(2);
    };
    if let Some(seed) = plan.seed {
        let outcome = simulation::run(seed, plan.broken);
        println!("{}\n{}", outcome.trace.join("\n"), outcome.report());
        return if outcome.violations.is_empty() {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        };
    }
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let started = Instant::now();
    let seeds = plan.from..plan.from.saturating_add(plan.seeds);
    let (done, failed) = simulation::search(seeds, threads, plan.broken);
    let seconds = started.elapsed().as_secs_f64();
    match failed {
        None => {
            println!("{done} seeds in {seconds:.1} s, nothing found");
            ExitCode::SUCCESS
        }
        Some(outcome) => {
            println!("{}", outcome.report());
            println!(
                "{done} seeds in {seconds:.1} s; replay: make simulate SEED={}",
                outcome.seed
            );
            ExitCode::FAILURE
        }
    }
}

fn read_arguments() -> Option<Plan> {
    let mut plan = Plan {
        from: 0,
        seeds: 1000,
        seed: None,
        broken: None,
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let value = arguments.next()?;
        match name.as_str() {
            "--from" => plan.from = value.parse().ok()?,
            "--seeds" => plan.seeds = value.parse().ok()?,
            "--seed" => plan.seed = Some(value.parse().ok()?),
            "--broken" => {
                let rules = Sabotage::ALL.into_iter();
                plan.broken = Some(
                    rules
                        .into_iter()
                        .find(|rule| format!("{rule:?}") == value)?,
                );
            }
            _ => return None,
        }
    }
    Some(plan)
}
