//! WeChat's part: signed and encrypted notifications, made beforehand so that making them costs nothing while measuring.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use futures::StreamExt as _;
use serde_json::json;
use tributary_domain::clock::{Clock as _, SystemClock};
use wechatpay::server::{OutgoingNotification, encrypt_notification, sign_answer};

use crate::load::{self, Payable};
use crate::measured::percentiles;
use crate::scene::{NOTICE_KEY_ID, Scene};

/// How long the last webhook may take after the last notification.
const PATIENCE: Duration = Duration::from_mins(1);

/// A notification, ready to be posted.
pub(crate) struct Notice {
    out_trade_no: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

/// What sending them came to.
pub(crate) struct Outcome {
    pub(crate) took: Duration,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
}

/// Places orders and makes one notification for each.
pub(crate) async fn prepare(scene: &Scene, count: usize) -> Result<Vec<Notice>> {
    let orders = load::place_many(scene, count).await?;
    orders
        .iter()
        .enumerate()
        .map(|(place, order)| notice(scene, place, order))
        .collect()
}

fn notice(scene: &Scene, place: usize, order: &Payable) -> Result<Notice> {
    let now = SystemClock.now();
    let plain = json!({
        "sp_mchid": scene.provider.sp_mchid, "sub_mchid": order.sub_mchid,
        "sp_appid": scene.provider.sp_appid, "out_trade_no": order.out_trade_no,
        "transaction_id": format!("42{:026}", place),
        "trade_type": "JSAPI", "trade_state": "SUCCESS", "trade_state_desc": "支付成功",
        "bank_type": "OTHERS", "success_time": now.to_rfc3339_beijing(), "payer": {},
        "amount": { "total": order.total, "payer_total": order.total, "currency": "CNY", "payer_currency": "CNY" },
    })
    .to_string();
    let id = format!("bench-{}", order.out_trade_no);
    let body = encrypt_notification(
        &scene.api_v3_key,
        &OutgoingNotification {
            id: &id,
            create_time: &now.to_rfc3339_beijing(),
            event_type: "TRANSACTION.SUCCESS",
            original_type: "transaction",
            summary: "支付成功",
            nonce: "fdasflkja484",
            plain: plain.as_bytes(),
        },
    )?;
    let timestamp = now.as_seconds();
    let headers = sign_answer(
        &scene.notice_key,
        NOTICE_KEY_ID,
        timestamp,
        "bench-nonce",
        &body,
    )?;
    let headers = headers
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    Ok(Notice {
        out_trade_no: order.out_trade_no.clone(),
        headers,
        body,
    })
}

async fn post(scene: &Scene, notice: &Notice) -> Result<Instant> {
    let url = format!(
        "{}/wechat/notify/{}/transaction",
        scene.api_url, scene.provider.route_token
    );
    let mut request = scene
        .client
        .post(url)
        .header("Content-Type", "application/json");
    for (name, value) in &notice.headers {
        request = request.header(name, value);
    }
    let began = Instant::now();
    let answer = request.body(notice.body.clone()).send().await?;
    ensure!(
        answer.status().is_success(),
        "notification: {}",
        answer.status()
    );
    Ok(began)
}

/// Sends all as fast as they are taken, and waits for the last webhook.
pub(crate) async fn send_all(
    scene: &Scene,
    notices: Vec<Notice>,
    concurrent: usize,
) -> Result<Outcome> {
    scene.receiver.drain();
    let start = Instant::now();
    let count = notices.len();
    let sent: Vec<Result<(String, Instant)>> = futures::stream::iter(notices)
        .map(|notice| async move { Ok((notice.out_trade_no.clone(), post(scene, &notice).await?)) })
        .buffer_unordered(concurrent)
        .collect()
        .await;
    finish(
        scene,
        sent.into_iter().collect::<Result<_>>()?,
        count,
        start,
    )
    .await
}

/// Sends so many a second, evenly.
pub(crate) async fn send_paced(scene: &Scene, notices: Vec<Notice>, rate: u32) -> Result<Outcome> {
    scene.receiver.drain();
    let start = Instant::now();
    let count = notices.len();
    let sends = notices
        .into_iter()
        .zip(0u32..)
        .map(|(notice, place)| async move {
            let due = start + Duration::from_secs(1) * place / rate;
            tokio::time::sleep_until(due.into()).await;
            anyhow::Ok((notice.out_trade_no.clone(), post(scene, &notice).await?))
        });
    let sent = futures::future::try_join_all(sends).await?;
    finish(scene, sent, count, start).await
}

async fn finish(
    scene: &Scene,
    sent: Vec<(String, Instant)>,
    count: usize,
    start: Instant,
) -> Result<Outcome> {
    if tokio::time::timeout(PATIENCE, scene.receiver.until(count))
        .await
        .is_err()
    {
        bail!("{} of {count} payments were told", scene.receiver.len());
    }
    let took = start.elapsed();
    let arrived: HashMap<String, Instant> = scene.receiver.drain();
    let delays: Vec<f64> = sent
        .iter()
        .filter_map(|(number, began)| Some(arrived.get(number)?.duration_since(*began)))
        .map(|delay| delay.as_secs_f64() * 1000.0)
        .collect();
    let (p50_ms, p99_ms) = percentiles(delays)?;
    Ok(Outcome {
        took,
        p50_ms,
        p99_ms,
    })
}
