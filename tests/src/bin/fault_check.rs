//! Makes every kind of trouble for the real server under load, on both databases, and prints what was left:
//! `fault_check [--seconds 20]`. Exit code 1 when anything was lost, doubled or stuck, or memory was not bounded.

#![expect(clippy::print_stdout, reason = "a program that prints what it counted")]

use std::process::ExitCode;
use std::time::Duration;

use tributary_tests::Backend;
use tributary_tests::trouble::Trouble;

const PEAK_MIB_MAX: u64 = 300;

fn main() -> ExitCode {
    let seconds = match std::env::args().nth(2).map(|text| text.parse()) {
        None => 20,
        Some(Ok(seconds)) => seconds,
        Some(Err(_)) => {
            println!("usage: fault_check [--seconds 20]");
            return ExitCode::from(2);
        }
    };
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            println!("fault_check: {error}");
            return ExitCode::FAILURE;
        }
    };
    if runtime.block_on(check(Duration::from_secs(seconds))) {
        ExitCode::SUCCESS
    } else {
        println!("NOT CLEAN");
        ExitCode::FAILURE
    }
}

async fn check(length: Duration) -> bool {
    println!(
        "| fault | database | orders | refunds | late | lost | doubled | stuck | recovered in | peak memory |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|");
    let mut clean = true;
    for trouble in Trouble::ALL {
        for backend in [Backend::Sqlite, Backend::Postgres] {
            if !trouble.concerns(backend) {
                continue;
            }
            let verdict = trouble.run(backend, length).await;
            let peak_mib = verdict.peak_kib / 1024;
            println!(
                "| {trouble:?} | {backend:?} | {} | {} | {} | {} | {} | {} | {} s | {peak_mib} MiB |",
                verdict.orders,
                verdict.refunds,
                verdict.late,
                verdict.lost(),
                verdict.doubled(),
                verdict.stuck(),
                verdict.recovered_in.as_secs(),
            );
            if !verdict.is_clean() {
                println!("{verdict}");
            }
            clean &= verdict.is_clean() && verdict.paid_at_wechat > 0 && peak_mib < PEAK_MIB_MAX;
        }
    }
    clean
}
