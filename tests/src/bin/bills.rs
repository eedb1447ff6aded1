//! Reconciles one huge bill of invented rows against a fresh platform, and prints seconds and the peak of memory:
//! `bills --rows 5000000 [--booked 100000] [--database sqlite|postgres]`. So many of the rows are of payments in our
//! books, which are looked for from both sides. Exit code 1 when a sum does not fit or memory is not bounded.
//!
//! The simulator runs in a process of its own, so that the memory shown is the platform's.

#![expect(
    clippy::print_stdout,
    reason = "a program that prints what it measured"
)]

#[path = "bills/booked.rs"]
mod booked;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};
use tributary_domain::clock::SystemClock;
use tributary_domain::reconciliation::Reconciliation;
use tributary_operations::reconciliation::Outcome;
use tributary_server::platform::{Platform, PlatformConfig};
use tributary_server::{commands, simulated};
use tributary_tests::platform::kek;
use tributary_tests::{Backend, TestDatabase};
use wechatpay_sim::ProviderKeys;

/// A platform with any bill stays below it.
const MEMORY_MIB_MAX: u64 = 400;
/// Whose the rows are that are not ours: nobody's whom the provider serves here.
const STRANGER: &str = "1900000000";

/// Payments in our books, unless another number is asked for.
const BOOKED: usize = 100_000;

struct Plan {
    rows: u64,
    booked: usize,
    backend: Backend,
}

fn main() -> ExitCode {
    let Some(plan) = read_arguments() else {
        println!("usage: bills [--rows 5000000] [--booked 100000] [--database sqlite|postgres]");
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
        booked: BOOKED,
        backend: Backend::Sqlite,
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let value = arguments.next()?;
        match (name.as_str(), value.as_str()) {
            ("--rows", rows) => plan.rows = rows.parse().ok()?,
            ("--booked", booked) => plan.booked = booked.parse().ok()?,
            ("--database", "sqlite") => plan.backend = Backend::Sqlite,
            ("--database", "postgres") => plan.backend = Backend::Postgres,
            _ => return None,
        }
    }
    // A bill that is shorter is of ours altogether.
    let rows = usize::try_from(plan.rows).ok()?;
    plan.booked = plan.booked.min(rows);
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
    let outcome = Box::pin(measure(plan, "http://127.0.0.1:18791")).await;
    child.kill().await?;
    outcome
}

async fn measure(plan: &Plan, url: &str) -> Result<()> {
    let simulator = Simulator {
        client: reqwest::Client::builder().no_proxy().build()?,
        url: url.to_owned(),
    };
    simulator.wait().await?;
    let keys = simulator
        .post("providers", json!({"key_mode": "public_key"}))
        .await?;
    let keys: ProviderKeys = serde_json::from_value(keys)?;
    let day = booked::day_before_yesterday();
    let database = TestDatabase::create(plan.backend).await;
    let config = PlatformConfig::testing(database.url.clone(), kek(), Arc::new(SystemClock));
    let platform = Platform::build(config).await?;
    let operations = platform.operations();
    let provider = simulated::adopt_provider(operations, &keys, url).await?;
    if plan.booked > 0 {
        let of = (&provider, keys.sp_mchid.as_str());
        let books = (operations, &database);
        Box::pin(booked::book(&simulator, books, of, (day, plan.booked))).await?;
    }
    let others = plan.rows.saturating_sub(u64::try_from(plan.booked)?);
    if others > 0 {
        let fault = json!({
            "kind": "add", "date": day.to_string(), "count": others, "seed": 42,
            "sp_mchid": keys.sp_mchid, "set": { "sub_mchid": STRANGER },
        });
        simulator.post("bills/faults", fault).await?;
    }
    let started = Instant::now();
    let outcome = operations.reconcile(&provider, day).await?;
    let seconds = started.elapsed().as_secs_f64();
    let Outcome::Completed(run) = outcome else {
        bail!("not compared: {outcome:?}");
    };
    show(&run, seconds)?;
    let outcome = judge(plan, &run, &database).await;
    platform.shutdown().await?;
    database.remove().await;
    outcome
}

fn show(run: &Reconciliation, seconds: f64) -> Result<()> {
    let figures = run.payments;
    println!("rows                {}", figures.bill_count);
    println!("of ours             {}", figures.local_count);
    println!("seconds             {seconds:.1}");
    println!("peak memory         {} MiB", peak_memory_mib()?);
    println!("bill, fen           {}", figures.bill_fen);
    println!("books, fen          {}", figures.local_fen);
    println!("discrepancies, fen  {}", figures.discrepancy_fen);
    Ok(())
}

/// Every payment of ours is found, nothing is noted about one, and its tenant is told once.
async fn judge(plan: &Plan, run: &Reconciliation, database: &TestDatabase) -> Result<()> {
    let figures = run.payments;
    let count = async |sql: &str| database.count(sql).await;
    println!(
        "rows kept           {}",
        count("SELECT COUNT(*) FROM bill_rows").await
    );
    // Rows that are nobody's are R01, as many as are kept; of ours none may differ.
    let noted = count("SELECT COUNT(*) FROM discrepancies WHERE class <> 'R01'").await;
    println!("of ours noted       {noted}");
    let told = "SELECT COUNT(*) FROM events WHERE kind = 'reconciliation.completed'";
    let told = count(told).await;
    println!("tenants told        {told}");
    ensure!(figures.hold(), "the sums do not fit");
    let counts = (figures.bill_count, figures.local_count);
    let expected = (i64::try_from(plan.rows)?, i64::try_from(plan.booked)?);
    ensure!(counts == expected, "{counts:?} rows, not {expected:?}");
    ensure!(noted == 0, "payments of ours are said to differ");
    ensure!(
        told == i64::from(plan.booked > 0),
        "the tenant was not told once"
    );
    let memory_mib = peak_memory_mib()?;
    ensure!(
        memory_mib <= MEMORY_MIB_MAX,
        "more than {MEMORY_MIB_MAX} MiB of memory"
    );
    Ok(())
}

/// The simulator as one talks to it from outside.
struct Simulator {
    client: reqwest::Client,
    url: String,
}

impl Simulator {
    async fn post(&self, path: &str, body: Value) -> Result<Value> {
        let url = format!("{}/_sim/{path}", self.url);
        let answer = self.client.post(url).json(&body).send().await?;
        let (status, text) = (answer.status(), answer.text().await?);
        ensure!(status.is_success(), "{path}: {status} {text}");
        Ok(serde_json::from_str(&text)?)
    }

    async fn get(&self, path: &str) -> Result<String> {
        let url = format!("{}/_sim/{path}", self.url);
        let answer = self.client.get(url).send().await?;
        let (status, text) = (answer.status(), answer.text().await?);
        ensure!(status.is_success(), "{path}: {status} {text}");
        Ok(text)
    }

    async fn wait(&self) -> Result<()> {
        for _ in 0..200 {
            let url = format!("{}/_sim/providers", self.url);
            if self.client.get(url).send().await.is_ok() {
                return Ok(());
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        bail!("the simulator did not start")
    }
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
