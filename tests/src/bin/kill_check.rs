//! Kills the real server at least so many times under load, and prints what was left: `kill_check --cycles 50
//! --database sqlite|postgres`. Exit code 1 when anything was lost or doubled.

#![expect(clippy::print_stdout, reason = "a program that prints what it counted")]

use std::process::ExitCode;

use tributary_tests::kill::{self, Plan};

fn main() -> ExitCode {
    let Some(plan) = Plan::of_arguments(50) else {
        println!("usage: kill_check [--cycles 50] [--database sqlite|postgres]");
        return ExitCode::from(2);
    };
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            println!("kill_check: {error}");
            return ExitCode::FAILURE;
        }
    };
    let verdict = runtime.block_on(kill::run(plan));
    println!("kill_check on {:?}\n{verdict}", plan.backend);
    if verdict.is_clean() && verdict.paid_at_wechat > 0 {
        println!("nothing lost, nothing doubled");
        ExitCode::SUCCESS
    } else {
        println!("NOT CLEAN");
        ExitCode::FAILURE
    }
}
