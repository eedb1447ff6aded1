//! Tenants placing orders, as many at a time as keep the platform busy.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use futures::StreamExt as _;
use serde_json::{Value, json};

use crate::scene::{OPENID, SUB_APPID, Scene};

const CONCURRENT: usize = 16;
/// Every order of a run has a number of its own.
static NEXT: AtomicU64 = AtomicU64::new(1);

/// An order that can be paid.
#[derive(Clone, Debug)]
pub(crate) struct Payable {
    pub(crate) id: String,
    /// Of the tenant whose order it is.
    pub(crate) api_key: String,
    pub(crate) out_trade_no: String,
    pub(crate) sub_mchid: String,
    pub(crate) total: i64,
}

/// Asks for one order of a tenant's.
pub(crate) async fn send(scene: &Scene, key: &str) -> Result<reqwest::Response> {
    let place = NEXT.fetch_add(1, Ordering::Relaxed);
    let number = format!("bench-{place}");
    let body = json!({
        "merchant_order_no": number, "sub_appid": SUB_APPID, "description": "Latte",
        "amount": { "total": 888, "currency": "CNY" }, "payer": { "sub_openid": OPENID },
    });
    let request = scene
        .client
        .post(format!("{}/v1/orders", scene.api_url))
        .bearer_auth(key)
        .header("Idempotency-Key", &number)
        .json(&body);
    Ok(request.send().await?)
}

/// Places one order.
pub(crate) async fn place(scene: &Scene) -> Result<Payable> {
    static NEXT_TENANT: AtomicU64 = AtomicU64::new(0);
    let place = NEXT_TENANT.fetch_add(1, Ordering::Relaxed);
    let tenants = u64::try_from(scene.api_keys.len())?;
    let key = scene
        .api_keys
        .get(usize::try_from(place % tenants)?)
        .context("a tenant")?;
    let answer = send(scene, key).await?;
    let status = answer.status();
    let text = answer.text().await?;
    ensure!(status.as_u16() == 201, "placing an order: {status} {text}");
    let order: Value = serde_json::from_str(&text)?;
    let text = |at: &str| {
        order
            .pointer(at)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    Ok(Payable {
        id: text("/order/id"),
        api_key: key.clone(),
        out_trade_no: text("/order/out_trade_no"),
        sub_mchid: text("/order/sub_mchid"),
        total: 888,
    })
}

/// Places orders for some time; returns how many.
pub(crate) async fn place_for(scene: &Scene, time: Duration) -> Result<u64> {
    let end = Instant::now() + time;
    let workers = (0..CONCURRENT).map(|_| async move {
        let mut placed = 0u64;
        while Instant::now() < end {
            place(scene).await?;
            placed += 1;
        }
        anyhow::Ok(placed)
    });
    let counts = futures::future::try_join_all(workers).await?;
    Ok(counts.into_iter().sum())
}

/// Places this many orders.
pub(crate) async fn place_many(scene: &Scene, count: usize) -> Result<Vec<Payable>> {
    let placed: Vec<Result<Payable>> = futures::stream::iter(0..count)
        .map(|_| place(scene))
        .buffer_unordered(CONCURRENT)
        .collect()
        .await;
    placed.into_iter().collect()
}
