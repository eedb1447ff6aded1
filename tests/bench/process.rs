//! Processes under measurement: started, asked for their CPU and memory, stopped by their own number.

use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use tokio::process::{Child, Command};

/// Clock ticks of `/proc` in a second; fixed for user space on Linux.
const TICKS_PER_SECOND: f64 = 100.0;
const PAGE_KIB: u64 = 4;

/// CPU time spent so far, in milliseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Usage {
    pub(crate) server: f64,
    pub(crate) simulator: f64,
    pub(crate) database: Option<f64>,
}

impl Usage {
    pub(crate) fn since(self, before: Self) -> Self {
        Self {
            server: self.server - before.server,
            simulator: self.simulator - before.simulator,
            database: self
                .database
                .zip(before.database)
                .map(|(now, then)| now - then),
        }
    }
}

/// Starts the binary that stands beside this one.
pub(crate) fn spawn(arguments: &[&str], environment: &[(&str, String)]) -> Result<Child> {
    let beside = std::env::current_exe()?.with_file_name("tributary");
    let mut command = Command::new(&beside);
    command
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::inherit())
        .kill_on_drop(true);
    command.envs(environment.iter().map(|(name, value)| (*name, value)));
    command
        .spawn()
        .with_context(|| format!("starting {}", beside.display()))
}

/// Waits until a URL answers with success.
pub(crate) async fn until_ready(url: &str) -> Result<Duration> {
    let start = Instant::now();
    let client = reqwest::Client::builder().no_proxy().build()?;
    while start.elapsed() < Duration::from_secs(30) {
        if let Ok(answer) = client.get(url).send().await
            && answer.status().is_success()
        {
            return Ok(start.elapsed());
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    bail!("{url} did not become ready")
}

/// CPU time of one process, in milliseconds.
pub(crate) fn cpu_ms(pid: u32) -> Result<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let (_, after) = stat.rsplit_once(')').context("reading /proc stat")?;
    let ticks: u64 = after
        .split_whitespace()
        .skip(11)
        .take(2)
        .map(|field| field.parse::<u64>().unwrap_or_default())
        .sum();
    #[expect(clippy::cast_precision_loss, reason = "a measurement")]
    Ok(ticks as f64 * 1000.0 / TICKS_PER_SECOND)
}

/// CPU time of every PostgreSQL process of this machine, ended ones of its clients included in their parents.
pub(crate) fn postgres_cpu_ms() -> Result<f64> {
    let mut total = 0.0;
    for entry in std::fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        let comm = std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
        if comm.trim() == "postgres" {
            total += cpu_ms(pid).unwrap_or_default();
        }
    }
    Ok(total)
}

/// Resident memory of one process, in MiB.
pub(crate) fn memory_mib(pid: u32) -> Result<u64> {
    let statm = std::fs::read_to_string(format!("/proc/{pid}/statm"))?;
    let pages: u64 = statm
        .split_whitespace()
        .nth(1)
        .context("reading statm")?
        .parse()?;
    Ok(pages * PAGE_KIB / 1024)
}

/// A port that was free a moment ago.
pub(crate) fn free_port() -> Result<u16> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?
        .local_addr()?
        .port())
}
