//! Kills rotations of the vault's keys at least so many times under load, and prints what was left: `key_check --cycles
//! 10 --database sqlite|postgres`. Exit code 1 when anything does not open or was lost.

#![expect(clippy::print_stdout, reason = "a program that prints what it counted")]

use std::process::ExitCode;

use tributary_tests::kill::{Plan, keys};

fn main() -> ExitCode {
    let Some(plan) = Plan::of_arguments(10) else {
        println!("usage: key_check [--cycles 10] [--database sqlite|postgres]");
        return ExitCode::from(2);
    };
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            println!("key_check: {error}");
            return ExitCode::FAILURE;
        }
    };
    let verdict = runtime.block_on(keys::run(plan));
    println!("key_check on {:?}\n{verdict}", plan.backend);
    if verdict.is_clean() && verdict.kills == plan.cycles {
        println!("everything opens, nothing lost");
        ExitCode::SUCCESS
    } else {
        println!("NOT CLEAN");
        ExitCode::FAILURE
    }
}
