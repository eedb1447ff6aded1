//! What tenants notice of one among them that asks for ten times its share: how long their orders take alone and beside it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use futures::StreamExt as _;

use crate::load;
use crate::measured::percentiles;
use crate::scene::{Limited, Scene};

const LASTS: Duration = Duration::from_secs(6);
const WARM_UP: Duration = Duration::from_secs(1);
/// Orders of all the others together in a second.
const OTHERS_RATE: u32 = 30;
/// Orders that the platform places for the provider in a second, while so many are asked for that not all have room.
pub(crate) const BUDGET: u32 = 60;
/// The provider's tenants share its budget: 60 between 16, so the greedy one asks for forty.
const TIMES_ITS_SHARE: u32 = 40;
/// A tenant may write fifty times a second by default.
const TIMES_ITS_LIMIT: u32 = 500;
/// Calls of the greedy tenant under way at the same time.
const GREEDY_CONCURRENT: usize = 128;

/// Orders of the quiet tenants: how long half of them took at most, and all but one in a hundred.
pub(crate) struct Finding {
    pub(crate) name: &'static str,
    pub(crate) text: String,
}

/// Measures the quiet tenants alone, beside one above its share of the budget, and beside one above its own limit.
pub(crate) async fn measure(cluster: Option<&str>) -> Result<Vec<Finding>> {
    let mut scene = Scene::set(cluster, Limited::ScarceAtWeChat).await?;
    scene.start().await?;
    others(&scene, WARM_UP).await?;
    let mut found = Vec::new();
    for (name, rate) in [
        ("others' order alone, p50 / p99", 0),
        (
            "beside one at ten times its share of the budget",
            TIMES_ITS_SHARE,
        ),
        ("beside one at ten times its own limit", TIMES_ITS_LIMIT),
    ] {
        let (quiet, answers) = tokio::try_join!(others(&scene, LASTS), greedy(&scene, rate))?;
        let (p50, p99) = percentiles(quiet)?;
        let mut text = format!("{p50:.1} / {p99:.1} ms");
        for (status, count) in answers {
            write!(text, ", {count} × {status}")?;
        }
        found.push(Finding { name, text });
    }
    scene.stop().await?;
    Ok(found)
}

/// The quiet tenants' orders, evenly; every one must be placed. How long each took, in milliseconds.
async fn others(scene: &Scene, lasts: Duration) -> Result<Vec<f64>> {
    let (_, quiet) = scene.api_keys.split_first().context("tenants")?;
    let start = Instant::now();
    let seconds = u32::try_from(lasts.as_secs())?;
    let orders = quiet.iter().cycle().zip(0..OTHERS_RATE * seconds);
    let orders = orders.map(|(key, place)| async move {
        until(start, place, OTHERS_RATE).await;
        let began = Instant::now();
        let answer = load::send(scene, key).await?;
        let status = answer.status();
        ensure!(
            status.as_u16() == 201,
            "a quiet tenant's order: {status} {}",
            answer.text().await?
        );
        anyhow::Ok(began.elapsed().as_secs_f64() * 1000.0)
    });
    futures::future::try_join_all(orders).await
}

/// One tenant's orders at this rate; how many got which answer.
async fn greedy(scene: &Scene, rate: u32) -> Result<BTreeMap<u16, usize>> {
    let key = scene.api_keys.first().context("a tenant")?;
    let start = Instant::now();
    let seconds = u32::try_from(LASTS.as_secs())?;
    let answers = futures::stream::iter(0..rate * seconds)
        .map(|place| async move {
            until(start, place, rate).await;
            anyhow::Ok(load::send(scene, key).await?.status().as_u16())
        })
        .buffered(GREEDY_CONCURRENT)
        .collect::<Vec<Result<u16>>>()
        .await;
    let mut counts = BTreeMap::new();
    for status in answers {
        *counts.entry(status?).or_default() += 1;
    }
    Ok(counts)
}

async fn until(start: Instant, place: u32, rate: u32) {
    let due = start + Duration::from_secs(1) * place / rate;
    tokio::time::sleep_until(due.into()).await;
}
