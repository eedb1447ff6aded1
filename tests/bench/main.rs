//! Measures speed and size of the real binary on both databases and prints one table.
//!
//! Figures are ratios from one run, or counts. Platform, simulator and database are processes of their own; this one
//! plays tenants, WeChat's notifications and the tenants' webhook receivers.
//!
//! `bench neighbours` measures only what tenants notice of a greedy one, `bench orders` only what the console's questions
//! cost at a million orders; `bench orders --hold` leaves PostgreSQL's platform up afterwards, to be looked at.

#![expect(clippy::print_stdout, reason = "a program that prints its findings")]
#![expect(
    clippy::disallowed_methods,
    reason = "a program that measures real time and reads where PostgreSQL is"
)]

mod console;
mod load;
mod many_orders;
mod measured;
mod neighbours;
mod notices;
mod process;
mod receiver;
mod scene;
mod tenants;

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use tributary_storage::tenancy;
use wechatpay::credentials::{PrivateKey, generate_pem};

use crate::process::Usage;
use crate::scene::{Limited, Scene};

const ORDERS_FOR: Duration = Duration::from_secs(15);
const NOTICES: usize = 6_000;
const TENANTS: usize = 10_000;
const FEW_TENANTS: usize = 10;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<()> {
    let cluster = std::env::var("TRIBUTARY_TEST_POSTGRES")
        .context("TRIBUTARY_TEST_POSTGRES is not set: run `make bench`")?;
    let signature_ms = rsa_signature_ms()?;
    println!(
        "two RSA-2048 signatures: {:.3} ms of CPU\n",
        2.0 * signature_ms
    );
    println!("| measure | SQLite | PostgreSQL |\n|---|---|---|");
    let part = std::env::args().nth(1);
    let hold = std::env::args().nth(2).as_deref() == Some("--hold");
    let wants = |name: &str| part.as_deref().is_none_or(|part| part == name);
    let all = async |cluster: Option<&str>| {
        let mut rows = Vec::new();
        if wants("speed") {
            rows.extend(measure(cluster, signature_ms).await?);
        }
        if wants("neighbours") {
            let found = neighbours::measure(cluster).await?;
            rows.extend(found.into_iter().map(|found| (found.name, found.text)));
        }
        if wants("orders") {
            rows.extend(many_orders::measure(cluster, hold && cluster.is_some()).await?);
        }
        anyhow::Ok(rows)
    };
    let sqlite = tenancy::platform(Box::pin(all(None))).await?;
    let postgres = tenancy::platform(Box::pin(all(Some(&cluster)))).await?;
    for ((name, left), (_, right)) in sqlite.iter().zip(&postgres) {
        println!("| {name} | {left} | {right} |");
    }
    Ok(())
}

pub(crate) type Row = (&'static str, String);

async fn measure(cluster: Option<&str>, signature_ms: f64) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    let mut scene = Scene::set(cluster, Limited::ByTheMachine).await?;
    let ready = scene.start().await?;
    rows.push(("time to ready", format!("{} ms", ready.as_millis())));
    rows.push((
        "resident memory idle",
        format!("{} MiB", scene.server_memory_mib()?),
    ));
    orders(&mut scene, signature_ms, &mut rows).await?;
    saturation(&mut scene, &mut rows).await?;
    latency(
        &mut scene,
        100,
        "notification to webhook at 100/s, p50 / p99",
        &mut rows,
    )
    .await?;
    latency(
        &mut scene,
        300,
        "notification to webhook at 300/s, p50 / p99",
        &mut rows,
    )
    .await?;
    crowd(&scene, &mut rows).await?;
    scene.stop().await?;
    Ok(rows)
}

/// What an order costs its payer's patience among few tenants and among many, and what many cost in memory.
async fn crowd(scene: &Scene, rows: &mut Vec<Row>) -> Result<()> {
    let few = tenants::order_latency(scene, scene.api_keys.get(..FEW_TENANTS).context("tenants")?)
        .await?;
    rows.push(("order among 10 tenants, p50 / p99", few));
    let keys = tenants::visit(scene, TENANTS).await?;
    rows.push((
        "resident memory after 10,000 tenants",
        format!("{} MiB", scene.server_memory_mib()?),
    ));
    let many = tenants::order_latency(scene, &keys).await?;
    rows.push(("order among 10,000 tenants, p50 / p99", many));
    Ok(())
}

async fn orders(scene: &mut Scene, signature_ms: f64, rows: &mut Vec<Row>) -> Result<()> {
    load::place_for(scene, Duration::from_secs(2)).await?;
    let before = scene.usage()?;
    let start = Instant::now();
    let placed = load::place_for(scene, ORDERS_FOR).await?;
    let took = start.elapsed();
    let spent = scene.usage()?.since(before);
    let count = f64::from(u32::try_from(placed)?);
    let server_ms = spent.server / count;
    rows.push((
        "JSAPI orders/s",
        format!("{:.0}", count / took.as_secs_f64()),
    ));
    rows.push(("server CPU per order", format!("{server_ms:.3} ms")));
    rows.push((
        "ratio to two RSA signatures",
        format!("{:.2}", server_ms / (2.0 * signature_ms)),
    ));
    rows.push((
        "simulator CPU per order",
        format!("{:.3} ms", spent.simulator / count),
    ));
    rows.push(("PostgreSQL CPU per order", database_ms(&spent, count)));
    Ok(())
}

async fn saturation(scene: &mut Scene, rows: &mut Vec<Row>) -> Result<()> {
    let notices = notices::prepare(scene, NOTICES).await?;
    let before = scene.usage()?;
    let outcome = notices::send_all(scene, notices, 64).await?;
    let spent = scene.usage()?.since(before);
    let count = f64::from(u32::try_from(NOTICES)?);
    let seconds = outcome.took.as_secs_f64();
    rows.push((
        "notifications in, webhooks out per second",
        format!("{:.0}", count / seconds),
    ));
    rows.push((
        "server CPU per event",
        format!("{:.3} ms", spent.server / count),
    ));
    rows.push(("PostgreSQL CPU per event", database_ms(&spent, count)));
    Ok(())
}

async fn latency(
    scene: &mut Scene,
    rate: u32,
    name: &'static str,
    rows: &mut Vec<Row>,
) -> Result<()> {
    let notices = notices::prepare(scene, usize::try_from(rate * 10)?).await?;
    let outcome = notices::send_paced(scene, notices, rate).await?;
    rows.push((
        name,
        format!("{:.1} / {:.1} ms", outcome.p50_ms, outcome.p99_ms),
    ));
    Ok(())
}

fn database_ms(spent: &Usage, count: f64) -> String {
    spent.database.map_or_else(
        || "in the server".into(),
        |ms| format!("{:.3} ms", ms / count),
    )
}

/// What one signature costs on this machine in this run.
fn rsa_signature_ms() -> Result<f64> {
    let (private, _) = generate_pem()?;
    let key = PrivateKey::from_pem(&private)?;
    let message = [7u8; 600];
    for _ in 0..200 {
        key.sign(&message)?;
    }
    // Of the process, not by the wall: others may have the core meanwhile, and a slow signature would flatter the ratio.
    let before = process::cpu_ms(std::process::id())?;
    for _ in 0..2_000 {
        key.sign(&message)?;
    }
    Ok((process::cpu_ms(std::process::id())? - before) / 2_000.0)
}
