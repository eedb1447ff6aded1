//! Reconciles one huge bill of invented rows against a fresh platform, and prints seconds and the peak of memory:
//! `bills --rows 5000000 [--database sqlite|postgres]`. Exit code 1 when a sum does not fit or memory is not bounded.
//!
//! The simulator runs in a process of its own, so that the memory shown is the platform's.

#![expect(
    clippy::print_stdout,
    reason = "a program that prints what it measured"
)]

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};
use tributary_domain::bill::BillDay;
use tributary_domain::clock::{Clock as _, SystemClock, Timestamp};
use tributary_operations::reconciliation::Outcome;
use tributary_server::platform::{Platform, PlatformConfig};
use tributary_server::{commands, simulated};
use tributary_tests::platform::kek;
use tributary_tests::{Backend, TestDatabase};
use wechatpay_sim::ProviderKeys;

/// A platform with any bill stays below it.
const MEMORY_MIB_MAX: u64 = 400;
const DAY_MS: i64 = 86_400_000;

struct Plan {
    rows: u64,
    backend: Backend,
}

fn main() -> ExitCode {
    let Some(plan) = read_arguments() else {
        println!("usage: bills [--rows 5000000] [--database sqlite|postgres]");
        return ExitCode::from(2);
    };
    let outcome = tokio::runtime::Runtime::new()
        .context("starting the runtime")
        .and_then(|runtime| runtime.block_on(run(&plan)));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("bills: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn read_arguments() -> Option<Plan> {
    let mut plan = Plan {
        rows: 5_000_000,
        backend: Backend::Sqlite,
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let value = arguments.next()?;
        match (name.as_str(), value.as_str()) {
            ("--rows", rows) => plan.rows = rows.parse().ok()?,
            ("--database", "sqlite") => plan.backend = Backend::Sqlite,
            ("--database", "postgres") => plan.backend = Backend::Postgres,
            _ => return None,
        }
    }
    Some(plan)
}

async fn run(plan: &Plan) -> Result<()> {
    commands::install_tls();
    let simulator = std::env::current_exe()?.with_file_name("tributary");
    let mut child = tokio::process::Command::new(simulator)
        .args(["sim", "--listen", "127.0.0.1:18791"])
        .stdout(std::process::Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .context("starting the simulator")?;
    let outcome = measure(plan, "http://127.0.0.1:18791").await;
    child.kill().await?;
    outcome
}

async fn measure(plan: &Plan, simulator: &str) -> Result<()> {
    let client = reqwest::Client::builder().no_proxy().build()?;
    let post = async |path: &str, body: Value| -> Result<Value> {
        let url = format!("{simulator}/_sim/{path}");
        let answer = client.post(url).json(&body).send().await?;
        let status = answer.status();
        let text = answer.text().await?;
        if !status.is_success() {
            bail!("{path}: {status} {text}");
        }
        Ok(serde_json::from_str(&text)?)
    };
    wait_for(&client, simulator).await?;
    let keys: ProviderKeys =
        serde_json::from_value(post("providers", json!({"key_mode": "public_key"})).await?)?;
    // A day that is over for the simulator's own clock as well, and whose bill is ready.
    let day = BillDay::of(Timestamp::from_millis(
        SystemClock.now().as_millis() - 2 * DAY_MS,
    ));
    let fault = json!({
        "kind": "add", "date": day.to_string(), "count": plan.rows, "seed": 42,
        "sp_mchid": keys.sp_mchid,
    });
    post("bills/faults", fault).await?;
    let database = TestDatabase::create(plan.backend).await;
    let config = PlatformConfig::testing(database.url.clone(), kek(), Arc::new(SystemClock));
    let platform = Platform::build(config).await?;
    let operations = platform.operations();
    let provider = simulated::adopt_provider(operations, &keys, simulator).await?;
    let started = Instant::now();
    let outcome = operations.reconcile(&provider, day).await?;
    let seconds = started.elapsed().as_secs_f64();
    let Outcome::Completed(run) = outcome else {
        bail!("not compared: {outcome:?}");
    };
    let (figures, memory_mib) = (run.payments, peak_memory_mib()?);
    println!("rows                {}", figures.bill_count);
    println!("seconds             {seconds:.1}");
    println!("peak memory         {memory_mib} MiB");
    println!("bill, fen           {}", figures.bill_fen);
    println!("discrepancies, fen  {}", figures.discrepancy_fen);
    let kept = database.count("SELECT COUNT(*) FROM bill_rows").await;
    println!("rows kept           {kept}");
    platform.shutdown().await?;
    database.remove().await;
    if !figures.hold() || u64::try_from(figures.bill_count)? != plan.rows {
        bail!("the sums do not fit");
    }
    if memory_mib > MEMORY_MIB_MAX {
        bail!("more than {MEMORY_MIB_MAX} MiB of memory");
    }
    Ok(())
}

async fn wait_for(client: &reqwest::Client, simulator: &str) -> Result<()> {
    for _ in 0..200 {
        let url = format!("{simulator}/_sim/providers");
        if client.get(url).send().await.is_ok() {
            return Ok(());
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    bail!("the simulator did not start")
}

/// The most memory that this process ever had.
fn peak_memory_mib() -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let kib = line
        .and_then(|line| line.split_whitespace().nth(1))
        .context("the peak of memory")?;
    Ok(kib.parse::<u64>()? / 1024)
}
