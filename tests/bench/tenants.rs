//! Many tenants, each of which calls with its key and under its certificate.

use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use futures::StreamExt as _;
use rand::Rng as _;
use tributary_domain::ids::TenantId;
use tributary_domain::merchant::{AppId, Mchid, SubAppKind};
use tributary_domain::staff::Actor;
use tributary_domain::tenant::{Mode, Scope};
use tributary_operations::credentials::{ApiKeyWish, CertificateWish};
use wechatpay::credentials::{PublicKey, generate_pem};

use crate::load;
use crate::measured::percentiles;
use crate::scene::{SUB_APPID, Scene};

/// The last bytes of an RSA-2048 key in DER: its exponent, 65537.
const EXPONENT_BYTES: usize = 5;
const MODULUS_BYTES: usize = 256;
/// Orders that are timed, one after another.
const ORDERS: usize = 1_000;

/// Makes tenants with a sub-merchant, an app, an API key, a public key and an endpoint each, and lets each ask who it is.
/// Answers their keys.
pub(crate) async fn visit(scene: &Scene, count: usize) -> Result<Vec<String>> {
    let (_, pem) = generate_pem()?;
    let pattern = PublicKey::from_pem(&pem)?;
    let visits = futures::stream::iter(0..count).map(|place| visit_as_new(scene, place, &pattern));
    let done: Vec<Result<String>> = visits.buffer_unordered(8).collect().await;
    done.into_iter().collect()
}

async fn visit_as_new(scene: &Scene, place: usize, pattern: &PublicKey) -> Result<String> {
    let operations = &scene.operations;
    let tenant = operations
        .create_tenant(&Actor::system("bench"), format!("Tenant {place}").as_str())
        .await?;
    let number = Mchid::parse(&format!("16{place:08}"))?;
    let merchant = operations
        .create_sub_merchant(
            &Actor::system("bench"),
            &tenant.id,
            &scene.provider.id,
            &number,
            "Shop",
        )
        .await?;
    operations
        .add_sub_app(
            &Actor::system("bench"),
            &merchant,
            &AppId::parse(SUB_APPID)?,
            SubAppKind::MiniProgram,
            None,
        )
        .await?;
    let scopes = Scope::ALL.to_vec();
    let key = operations
        .create_api_key(
            &Actor::system("test"),
            &tenant.id,
            ApiKeyWish::new(Mode::Test, "bench", scopes),
        )
        .await?;
    let url = format!("{}/v1/me", scene.api_url);
    let answer = scene
        .client
        .get(url)
        .bearer_auth(key.secret.reveal())
        .send()
        .await?;
    ensure!(
        answer.status().is_success(),
        "GET /v1/me: {}",
        answer.status()
    );
    knock(scene, &tenant.id, pattern).await?;
    let key = key.secret.reveal().to_owned();
    scene.register_receiver(&key).await?;
    scene.introduce_at_wechat(number.as_str()).await?;
    Ok(key)
}

/// How long an order takes, when each is another tenant's than the one before.
pub(crate) async fn order_latency(scene: &Scene, keys: &[String]) -> Result<String> {
    let step = (keys.len() / ORDERS).max(1);
    let mut took = Vec::with_capacity(ORDERS);
    for key in keys.iter().step_by(step).cycle().take(ORDERS) {
        let start = Instant::now();
        let answer = load::send(scene, key).await?;
        took.push(start.elapsed().as_secs_f64() * 1000.0);
        let status = answer.status();
        ensure!(status.as_u16() == 201, "{status} {}", answer.text().await?);
    }
    let (p50, p99) = percentiles(took)?;
    Ok(format!("{p50:.1} / {p99:.1} ms"))
}

/// Calls under a public key that the platform must find and parse, though nobody can sign for it.
async fn knock(scene: &Scene, tenant: &TenantId, pattern: &PublicKey) -> Result<()> {
    let wish = CertificateWish {
        mode: Mode::Test,
        name: "bench".to_owned(),
        scopes: Scope::ALL.to_vec(),
        expires_at: None,
    };
    let by = Actor::system("bench");
    let kept = scene
        .operations
        .register_public_key(&by, tenant, wish, &lone_public_key(pattern)?)
        .await?;
    let (serial, now) = (kept.serial, scene.operations.now().as_seconds());
    let claim = format!(
        "WECHATPAY2-SHA256-RSA2048 mchid=\"{tenant}\",nonce_str=\"0123456789abcdef\",timestamp=\"{now}\",\
         serial_no=\"{serial}\",signature=\"{}\"",
        BASE64_STANDARD.encode([0; MODULUS_BYTES])
    );
    let answer = scene
        .client
        .get(format!("{}/v1/me", scene.api_url))
        .header("authorization", claim)
        .send()
        .await?;
    let is_signed = answer.headers().contains_key("wechatpay-signature");
    ensure!(is_signed && answer.status() == 401, "{}", answer.status());
    Ok(())
}

/// An RSA key without another half: real pairs for ten thousand tenants would take an hour, and memory cannot tell.
fn lone_public_key(pattern: &PublicKey) -> Result<String> {
    let mut der = pattern.spki_der().to_vec();
    let end = der.len().saturating_sub(EXPONENT_BYTES);
    let modulus = der.get_mut(end.saturating_sub(MODULUS_BYTES)..end);
    let modulus = modulus.context("an RSA key of another size")?;
    rand::rng().fill_bytes(modulus);
    if let [first, .., last] = modulus {
        *first |= 0x80;
        *last |= 1;
    }
    let text = BASE64_STANDARD.encode(der);
    let lines: Vec<&str> = (0..text.len())
        .step_by(64)
        .filter_map(|from| text.get(from..text.len().min(from + 64)))
        .collect();
    let body = lines.join("\n");
    Ok(format!(
        "-----BEGIN PUBLIC KEY-----\n{body}\n-----END PUBLIC KEY-----\n"
    ))
}
